//! The hard pairs: how many of each kind are taken for one lead.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::truth::{rows, share};

/// Slices of pairs that are not one, of which at most two in a hundred may be united.
const MOST_UNITED: f64 = 0.02;

/// Slices of which more are united, with the share that is known: with `--known` only more than that is missed.
pub(crate) const KNOWN_UNITED: [(&str, f64); 1] = [("namesake_same_co", 0.04)];

/// Prints how many pairs of each slice were united; whether no slice of strangers has too many, nor more than is known of it.
pub(crate) fn slices(file: &Path, found: &HashMap<String, String>, known: &[(&str, f64)]) -> bool {
    let mut slices: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for mut row in rows(file) {
        let united = found[&row["id_a"]] == found[&row["id_b"]];
        let slice = slices.entry((row.remove("label").unwrap(), row.remove("slice").unwrap())).or_default();
        slice.0 += u64::from(united);
        slice.1 += 1;
    }
    println!("\n{:<24} {:>7} {:>7}  share united", "slice of leadgen_seed7", "pairs", "united");
    let mut kept = true;
    for ((label, slice), (united, pairs)) in slices {
        let (share, strangers) = (share(united, pairs), label == "0");
        let verdict = match strangers {
            true if share > MOST_UNITED => ", NOT REACHED",
            true => ", two people",
            false => ", one person",
        };
        let most = known.iter().find(|(name, _)| *name == slice).map_or(MOST_UNITED, |(_, most)| *most);
        kept &= !strangers || share <= most;
        println!("{slice:<24} {pairs:>7} {united:>7}  {share:.3}{verdict}");
    }
    kept
}
