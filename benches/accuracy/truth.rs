//! A labelled file: what is true, and how much of it was found.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The cells of a line under the names of their columns.
pub(crate) type Row = HashMap<String, String>;

/// The lines of a file.
pub(crate) fn rows(file: &Path) -> Vec<Row> {
    csv::Reader::from_path(file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

/// Pairs: in the truth, found, and both.
pub(crate) struct Counts {
    pub(crate) records: usize,
    pub(crate) real: u64,
    pub(crate) said: u64,
    both: u64,
}

impl Counts {
    /// Two records of one block of which nobody said whether they are one count neither way.
    pub(crate) fn of(truth: &[Row], found: &HashMap<String, String>) -> Self {
        let (mut real, mut said, mut both, mut unknown) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for row in truth {
            let (cluster, group) = (&row["cluster_id"], &found[&row["id"]]);
            *real.entry(cluster).or_insert(0u64) += 1;
            *said.entry(group).or_insert(0u64) += 1;
            *both.entry((cluster, group)).or_insert(0u64) += 1;
            if let Some(block) = unlabelled_block(&row["extra"]) {
                *unknown.entry((block, group)).or_insert(0u64) += 1;
            }
        }
        let said = pairs(said.values()) - pairs(unknown.values());
        Self { records: truth.len(), real: pairs(real.values()), said, both: pairs(both.values()) }
    }

    /// Precision, recall and F1.
    pub(crate) fn measures(&self) -> (f64, f64, f64) {
        let (precision, recall) = (share(self.both, self.said), share(self.both, self.real));
        (precision, recall, 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE))
    }
}

pub(crate) fn unlabelled_block(extra: &str) -> Option<String> {
    let extra: serde_json::Value = serde_json::from_str(extra).ok()?;
    (extra["labelled"] == 0).then(|| extra["block"].as_str().map(str::to_owned))?
}

fn pairs<'a>(sizes: impl Iterator<Item = &'a u64>) -> u64 {
    sizes.map(|size| size * (size - 1) / 2).sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
