//! `leadgate dedupe`: the purge. A file in, groups of duplicates out; no server, and nothing left behind.

mod candidates;
mod options;
mod output;
mod records;

use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use crate::decision::clustering::{ScoredPair, groups};
use crate::decision::matching::{Score, Weights, compare, weight_of_probability};
use crate::decision::policy::Policy;

use super::exit::{CommandError, Exit};
use super::import::{Rows, SourceFile};
use super::output::say;

use candidates::Blocks;
pub(crate) use options::DedupeOptions;
use records::{ReadError, Records};

/// Reads, compares, groups and writes.
pub(crate) fn run(options: &DedupeOptions) -> Result<Exit, CommandError> {
    options.check_paths()?;
    let policy = Policy::default();
    let file = SourceFile::open(&options.file, None).map_err(CommandError::usage)?;
    let rows = Rows::open(&file, None, &options.map).map_err(|error| not_read(&file, Exit::Usage, &error))?;
    let mut records = read(&file, rows, &policy)?;
    let blocks = Blocks::of(records.ids.len(), std::mem::take(&mut records.keys));
    let purge = Purge { records, blocks, weights: Weights::default(), policy };
    let (pairs, compared) = purge.pairs();
    let groups = purge.groups(&pairs);
    output::write_groups(&options.output, &purge.records, &groups)?;
    if let Some(path) = &options.pairs {
        output::write_pairs(path, &purge, &pairs)?;
    }
    purge.tell(&groups, pairs.len(), compared);
    Ok(Exit::Success)
}

fn read(file: &SourceFile, rows: Rows, policy: &Policy) -> Result<Records, CommandError> {
    let bar = progress("reading", file.size);
    let read = Records::read(rows, policy, |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    read.map_err(|error| match error {
        ReadError::Io(_) => not_read(file, Exit::InUse, &error),
        ReadError::TooMany => not_read(file, Exit::Usage, &error),
    })
}

fn not_read(file: &SourceFile, exit: Exit, error: &dyn std::error::Error) -> CommandError {
    CommandError::new(exit, format!("{}: {error}", file.path().display()))
}

/// Everything that the purge of one file looks at.
struct Purge {
    records: Records,
    blocks: Blocks,
    weights: Weights,
    policy: Policy,
}

impl Purge {
    fn score(&self, a: u32, b: u32) -> Score {
        let profiles = &self.records.profiles;
        compare(&profiles[a as usize], &profiles[b as usize], &self.records.table, &self.weights)
    }

    /// Every pair at or above the review threshold, in the order of the file, and how many were compared.
    fn pairs(&self) -> (Vec<ScoredPair>, u64) {
        let records: Vec<u32> = (0..u32::try_from(self.records.ids.len()).unwrap_or(u32::MAX)).collect();
        let bar = progress("comparing", records.len() as u64);
        let compared = AtomicU64::new(0);
        let found: Vec<Vec<ScoredPair>> = records
            .par_chunks(SHARE)
            .map(|share| {
                let mut found = Vec::new();
                compared.fetch_add(self.compare_share(share, &mut found), Ordering::Relaxed);
                bar.inc(share.len() as u64);
                found
            })
            .collect();
        bar.finish_and_clear();
        (found.concat(), compared.into_inner())
    }

    /// Compares each of these records with those behind it; tells how many that were.
    fn compare_share(&self, share: &[u32], found: &mut Vec<ScoredPair>) -> u64 {
        let floor = weight_of_probability(self.policy.review_threshold);
        let (mut compared, mut partners) = (0, Vec::new());
        for a in share {
            self.blocks.partners(*a, &mut partners);
            compared += partners.len() as u64;
            for b in &partners {
                let weight = self.score(*a, *b).weight();
                if weight >= floor {
                    #[expect(clippy::cast_possible_truncation, reason = "a few dozen bits")]
                    found.push(ScoredPair { a: *a, b: *b, weight: weight as f32 });
                }
            }
        }
        compared
    }

    fn groups(&self, pairs: &[ScoredPair]) -> Vec<Vec<u32>> {
        let threshold = weight_of_probability(self.policy.match_threshold);
        let matches = pairs.iter().copied().filter(|pair| f64::from(pair.weight) >= threshold).collect();
        groups(self.records.ids.len(), matches, |a, b| self.score(a, b))
    }

    fn tell(&self, groups: &[Vec<u32>], pairs: usize, compared: u64) {
        let Records { ids, unreadable, .. } = &self.records;
        let duplicates: usize = groups.iter().map(|group| group.len() - 1).sum();
        say(&format!("{} records, {compared} pairs compared, {pairs} at or above the review threshold", ids.len()));
        say(&format!("{} groups with {duplicates} records too many", groups.len()));
        if *unreadable > 0 {
            say(&format!("{unreadable} rows could not be read and stand alone"));
        }
        if self.blocks.passed_over > 0 {
            say(&format!("{} blocking keys that too many records share were passed over", self.blocks.passed_over));
        }
    }
}

/// Records that one thread compares before it looks for more.
const SHARE: usize = 1_024;

fn progress(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}%, {elapsed} elapsed, {eta} left") {
        bar.set_style(style);
    }
    bar.with_message(what)
}
