//! `leadgate dedupe`: the purge. A file in, groups of duplicates out; no server, and nothing left behind.

mod candidates;
mod comparing;
mod findings;
mod histogram;
mod labels;
pub(super) mod learning;
mod options;
mod output;
mod quality;
mod records;
mod report;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use crate::config::policy_file;
use crate::decision::clustering::{ScoredPair, groups};
use crate::decision::matching::{Ceiling, Score, Weights, compare, weight_of_probability};
use crate::decision::policy::Policy;

use super::exit::{CommandError, Exit};
use super::import::{MapRule, Rows, SourceFile};
use super::interrupt::remove_when_interrupted;
use super::output::say;
use super::whole_file::part_of;

use candidates::Blocks;
use comparing::find_pairs;
pub(crate) use options::DedupeOptions;
use records::{ReadError, Records};
use report::Report;
use texts::Texts;

/// Reads, compares, groups and writes.
pub(crate) fn run(options: &DedupeOptions) -> Result<Exit, CommandError> {
    options.check_paths()?;
    remove_when_interrupted(options.outputs().filter_map(|(_, path)| part_of(path)).collect());
    let policy = options.policy.as_deref().map_or_else(|| Ok(Policy::default()), policy_file::read)?;
    let file = SourceFile::open(&options.file, None).map_err(CommandError::usage)?;
    let rows = Rows::open(&file, None, &options.map).map_err(|error| not_read(&file, Exit::Usage, &error))?;
    let mut records = read(&file, rows, &policy)?;
    let blocks = Blocks::of(records.ids.len(), std::mem::take(&mut records.keys));
    let purge = Purge::new(records, blocks, policy);
    let mut found = find_pairs(&purge, options.report.is_some());
    let groups = with_copies(purge.groups(&found.pairs), &purge.records.copies);
    found.add(purge.pairs_of_copies());
    let numbers = output::numbers(purge.records.ids.len(), &groups);
    output::write_groups(&options.output, &purge.records, &numbers)?;
    if let Some(path) = &options.pairs {
        output::write_pairs(path, &purge, &found.pairs)?;
    }
    if let Some(path) = &options.report {
        let report = Report::new(&purge, &found, &groups);
        let texts = read_again(&file, &options.map, &report.shown())?;
        report.write(path, &file.path().display().to_string(), &texts, &numbers)?;
    }
    let exit = purge.tell(&groups, found.pairs.len(), found.compared);
    // The process ends: to give back the memory of every value by itself takes a second for a million records.
    std::mem::forget(purge);
    Ok(exit)
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

/// What some records say. A purge keeps nothing of it but what is compared.
fn read_again(file: &SourceFile, map: &[MapRule], wanted: &BTreeSet<u32>) -> Result<Texts, CommandError> {
    let rows = Rows::open(file, None, map).map_err(|error| not_read(file, Exit::InUse, &error))?;
    Texts::read(rows, wanted).map_err(|error| not_read(file, Exit::InUse, &error))
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
        let weights = policy.weights.clone();
        let profiles = records.profiles.par_iter();
        let ceilings = profiles.map(|profile| Ceiling::of(profile, &records.table, &weights)).collect();
        Self { records, blocks, ceilings, weights, policy }
    }

    fn score(&self, a: u32, b: u32) -> Score {
        let profiles = &self.records.profiles;
        compare(&profiles[a as usize], &profiles[b as usize], &self.records.table, &self.weights)
    }

    fn groups(&self, pairs: &[ScoredPair]) -> Vec<Vec<u32>> {
        let threshold = weight_of_probability(self.policy.match_threshold);
        let matches = |pair: &ScoredPair| f64::from(pair.weight) >= threshold;
        let rival =
            |&ScoredPair { a, b, .. }: &ScoredPair| Some(ScoredPair::new(a, b, self.score(a, b).of_second_bearer()?));
        let rivals: Vec<ScoredPair> = pairs.par_iter().filter(|pair| !matches(pair)).filter_map(rival).collect();
        let matching = pairs.iter().copied().filter(matches).collect();
        // Nobody has judged a pair of a file.
        groups(self.records.ids.len(), matching, &rivals, &BTreeSet::new(), |a, b| self.score(a, b))
    }

    /// Every copy with the record that it repeats: a match whatever it weighs.
    fn pairs_of_copies(&self) -> Vec<ScoredPair> {
        let threshold = weight_of_probability(self.policy.match_threshold);
        let copies = self.records.copies.par_iter();
        copies.map(|(a, b)| ScoredPair::new(*a, *b, self.score(*a, *b).weight().max(threshold))).collect()
    }

    fn tell(&self, groups: &[Vec<u32>], pairs: usize, compared: u64) -> Exit {
        let Records { ids, findings, copies, .. } = &self.records;
        let duplicates: usize = groups.iter().map(|group| group.len() - 1).sum();
        say(&format!("{} records, {compared} pairs compared, {pairs} at or above the review threshold", ids.len()));
        say(&format!("{} groups with {duplicates} records too many", groups.len()));
        if !copies.is_empty() {
            say(&format!("{} records repeat another one whole, which alone was compared", copies.len()));
        }
        if self.blocks.passed_over > 0 {
            say(&format!("{} blocking keys that too many records share were passed over", self.blocks.passed_over));
        }
        findings.tell("")
    }
}

/// Puts copies, each behind the record that it repeats, into the group of that record, or makes one of them. Groups stay sorted.
fn with_copies(mut groups: Vec<Vec<u32>>, copies: &[(u32, u32)]) -> Vec<Vec<u32>> {
    let mut copies_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    copies.iter().for_each(|(first, copy)| copies_of.entry(*first).or_default().push(*copy));
    for group in &mut groups {
        let copies: Vec<u32> = group.iter().filter_map(|member| copies_of.remove(member)).flatten().collect();
        group.extend(copies);
        group.sort_unstable();
    }
    groups.extend(copies_of.into_iter().map(|(first, copies)| [vec![first], copies].concat()));
    groups.sort_unstable();
    groups
}

fn progress(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}%, {elapsed} elapsed, {eta} left") {
        bar.set_style(style);
    }
    bar.with_message(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stands_in_the_group_of_the_record_that_it_repeats() {
        let check = |groups: &[&[u32]], copies: &[(u32, u32)], expected: &[&[u32]]| {
            assert_eq!(with_copies(groups.iter().map(|group| group.to_vec()).collect(), copies), expected);
        };
        check(&[], &[], &[]);
        check(&[&[1, 5]], &[], &[&[1, 5]]);
        check(&[&[1, 5]], &[(1, 3), (5, 6), (1, 7)], &[&[1, 3, 5, 6, 7]]);
        check(&[&[1, 5]], &[(0, 3), (0, 4)], &[&[0, 3, 4], &[1, 5]]);
    }
}
