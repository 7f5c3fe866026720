//! `leadgate dedupe`: the purge. A file in, groups of duplicates out; no server, and nothing left behind.

mod candidates;
mod options;
mod output;
mod records;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use crate::decision::clustering::{ScoredPair, groups};
use crate::decision::matching::{Ceiling, Comparer, Score, Weights, compare, weight_of_probability};
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
    let purge = Purge::new(records, blocks, policy);
    let (pairs, compared) = purge.pairs();
    let groups = purge.groups(&pairs);
    output::write_groups(&options.output, &purge.records, &groups)?;
    if let Some(path) = &options.pairs {
        output::write_pairs(path, &purge, &pairs)?;
    }
    purge.tell(&groups, pairs.len(), compared);
    // The process ends: to give back the memory of every value by itself takes a second for a million records.
    std::mem::forget(purge);
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
    /// The most that each record can weigh.
    ceilings: Vec<Ceiling>,
    weights: Weights,
    policy: Policy,
}

impl Purge {
    fn new(records: Records, blocks: Blocks, policy: Policy) -> Self {
        let weights = Weights::default();
        let profiles = records.profiles.par_iter();
        let ceilings = profiles.map(|profile| Ceiling::of(profile, &records.table, &weights)).collect();
        Self { records, blocks, ceilings, weights, policy }
    }

    fn score(&self, a: u32, b: u32) -> Score {
        let profiles = &self.records.profiles;
        compare(&profiles[a as usize], &profiles[b as usize], &self.records.table, &self.weights)
    }

    /// Every pair at or above the review threshold, in the order of the file, and how many were compared.
    fn pairs(&self) -> (Vec<ScoredPair>, u64) {
        let bar = progress("comparing", self.blocks.len() as u64);
        let compared = AtomicU64::new(0);
        let shares = (0..self.blocks.len().div_ceil(SHARE)).into_par_iter();
        let found: Vec<Vec<ScoredPair>> = shares
            .map(|share| {
                let blocks = share * SHARE..self.blocks.len().min((share + 1) * SHARE);
                bar.inc(blocks.len() as u64);
                let (found, looked_at) = self.compare_share(blocks);
                compared.fetch_add(looked_at, Ordering::Relaxed);
                found
            })
            .collect();
        bar.finish_and_clear();
        let mut found = found.concat();
        found.par_sort_unstable_by_key(|pair| (pair.a, pair.b));
        (found, compared.into_inner())
    }

    /// Compares the pairs of these blocks; tells how many they are.
    fn compare_share(&self, blocks: Range<usize>) -> (Vec<ScoredPair>, u64) {
        let floor = weight_of_probability(self.policy.review_threshold);
        let mut comparer = Comparer::new(&self.records.table, &self.weights, floor);
        let side = |record: u32| (&self.records.profiles[record as usize], &self.ceilings[record as usize]);
        let (mut found, mut compared) = (Vec::new(), 0);
        for (a, b) in blocks.flat_map(|block| self.blocks.pairs(block)) {
            compared += 1;
            if let Some(score) = comparer.compare(side(a), side(b)) {
                #[expect(clippy::cast_possible_truncation, reason = "a few dozen bits")]
                found.push(ScoredPair { a, b, weight: score.weight() as f32 });
            }
        }
        (found, compared)
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

/// Blocks of which one thread compares the pairs before it looks for more.
const SHARE: usize = 1_024;

fn progress(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}%, {elapsed} elapsed, {eta} left") {
        bar.set_style(style);
    }
    bar.with_message(what)
}
