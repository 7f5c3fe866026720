//! `leadgate policy learn`: how much each comparison weighs, from files of leads; written as a policy.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::cli::exit::{CommandError, Exit};
use crate::cli::import::{MapRule, Rows, SourceFile};
use crate::cli::output::{Table, print, say};
use crate::cli::random::Random;
use crate::cli::taken_paths::TakenPaths;
use crate::cli::whole_file::write_whole;
use crate::config::policy_file::{self, matching_section};
use crate::decision::matching::{
    Candidate, ComparedPair, Learned, Level, Sample, Weights, learn, weight_of_probability,
};
use crate::decision::policy::Policy;

use super::candidates::Blocks;
use super::labels::{LABEL, LabelError, Labels};
use super::quality::{self, Quality};
use super::records::Records;
use super::{not_read, read};

/// Of the pairs of a file that share a key, as many are looked at.
const MOST_CANDIDATES: u64 = 150_000;

/// Of those that share none, as many.
const STRANGERS: usize = 100_000;

/// Learn from files of leads how much each comparison weighs, and write it as a policy.
///
/// With labels all weights are fitted together (logistic regression), drawn to those that ship. Without labels by expectation maximisation:
/// pairs are weighed by what ships, counted as one lead as far as that makes them probable, weighed by the counts, and so on until nothing
/// moves. A level that few pairs show keeps the weight that ships. `leadgate policy check` shows what was written, `leadgate dedupe --policy
/// FILE` uses it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LearnOptions {
    /// A file as `leadgate dedupe` reads it. May be given several times: a large file drowns no other.
    #[arg(long, value_name = "FILE", required = true)]
    input: Vec<PathBuf>,

    /// The column `cluster_id` of every file says which records are one lead: equal values are, different ones are not, and of a record
    /// without one nothing is known.
    #[arg(long)]
    labels: bool,

    /// Start from the weights of this policy instead of those that ship, and read files by its rules.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Where the policy goes. Without it the weights are only shown.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// What a column means, as in `leadgate import`.
    #[arg(long, value_name = "HEADER=FIELD")]
    map: Vec<MapRule>,
}

impl LearnOptions {
    /// Refuses to write over a file that is read.
    fn check_paths(&self) -> Result<(), CommandError> {
        let mut taken = TakenPaths::default();
        self.input.iter().for_each(|path| taken.read("a file that is read", path));
        self.policy.iter().for_each(|path| taken.read("the policy that is read", path));
        self.output.iter().try_for_each(|path| taken.write_whole("--output", path))
    }
}

/// Reads, learns, shows and writes.
pub(crate) fn run(options: &LearnOptions) -> Result<Exit, CommandError> {
    options.check_paths()?;
    let policy = options.policy.as_deref().map_or_else(|| Ok(Policy::default()), policy_file::read)?;
    let read = options.input.iter().map(|path| sample(path, options, &policy)).collect::<Result<Vec<_>, _>>()?;
    let (samples, exits): (Vec<Sample>, Vec<Exit>) = read.into_iter().unzip();
    let one = |candidate: &Candidate| candidate.is_match == Some(true);
    if options.labels && !samples.iter().flat_map(|sample| &sample.candidates).any(one) {
        return Err(CommandError::usage(format!("--labels: no two records have the same `{LABEL}`")));
    }
    let learned = learn(&samples, &policy.weights);
    let in_use = |error: std::io::Error| CommandError::new(Exit::InUse, error);
    let before = if options.policy.is_some() { "policy" } else { "shipped" };
    print(&shown(before, &policy.weights, &learned)).map_err(in_use)?;
    if options.labels {
        show_quality(before, &samples, &policy, &learned.weights).map_err(in_use)?;
    }
    if let Some(path) = &options.output {
        let text = policy_text(&learned.weights);
        write_whole(path, |file| file.write_all(text.as_bytes()))?;
    }
    let pairs: usize = samples.iter().map(|sample| sample.candidates.len() + sample.strangers.len()).sum();
    say(&format!("learned from {pairs} pairs of {} files in {} rounds", samples.len(), learned.rounds));
    Ok(if exits.contains(&Exit::Findings) { Exit::Findings } else { Exit::Success })
}

/// Shows how well the weights before and those learned tell the labelled pairs apart, and says which do it better.
fn show_quality(name: &str, samples: &[Sample], policy: &Policy, learned: &Weights) -> std::io::Result<()> {
    let match_weight = weight_of_probability(policy.match_threshold);
    let [before, learned] = [&policy.weights, learned].map(|weights| Quality::of(samples, weights, match_weight));
    print(&format!("\n{}", quality::shown(name, before, learned)))?;
    if learned.is_worse_than(before) {
        say(
            "the learned weights are worse: on the very files they were learned from they tell pairs less well than those before",
        );
    }
    Ok(())
}

/// The pairs of one file, and [`Exit::Findings`] where rows of it cannot be read.
fn sample(path: &Path, options: &LearnOptions, policy: &Policy) -> Result<(Sample, Exit), CommandError> {
    let file = SourceFile::open(path, None).map_err(CommandError::usage)?;
    let rows = || Rows::open(&file, None, &options.map).map_err(|error| not_read(&file, Exit::Usage, &error));
    let mut records = read(&file, rows()?, policy)?;
    let exit = records.findings.tell(&format!("{}: ", path.display()));
    if records.ids.len() - records.findings.rows < 2 {
        return Err(CommandError::usage(format!("{}: nothing is learned from fewer than two records", path.display())));
    }
    let labels = match options.labels {
        true => Some(Labels::read(rows()?).map_err(|error| without_labels(&file, &error))?),
        false => None,
    };
    let blocks = Blocks::of(records.ids.len(), std::mem::take(&mut records.keys));
    Ok((Pairs { records, blocks, labels, weights: &policy.weights }.sample(), exit))
}

fn without_labels(file: &SourceFile, error: &LabelError) -> CommandError {
    let exit = match error {
        LabelError::Io(_) => Exit::InUse,
        LabelError::NoColumn => Exit::Usage,
    };
    not_read(file, exit, error)
}

/// The records of one file, and which of them are looked at in pairs.
struct Pairs<'a> {
    records: Records,
    blocks: Blocks,
    labels: Option<Labels>,
    weights: &'a Weights,
}

impl Pairs<'_> {
    fn sample(&self) -> Sample {
        let records: Vec<u32> = (0..u32::try_from(self.records.ids.len()).unwrap_or(u32::MAX)).collect();
        let near: u64 = records.par_iter().map(|a| self.near(*a).len() as u64).sum();
        let share = (near as f64 / MOST_CANDIDATES as f64).max(1.0);
        let candidates: Vec<Vec<Candidate>> = records.par_iter().map(|a| self.candidates(*a, share)).collect();
        let strangers: Vec<Vec<ComparedPair>> = records.par_iter().map(|a| self.strangers(*a)).collect();
        let (candidates, strangers) = (candidates.concat(), strangers.concat());
        let all = records.len() as f64 * (records.len() as f64 - 1.0) / 2.0;
        let strangers_share = (all - near as f64).max(0.0) / (strangers.len() as f64).max(1.0);
        Sample { leads: self.records.table.population(), candidates, strangers, strangers_share }
    }

    /// The records behind this one that share a key with it, or its label; ascending, each once.
    fn near(&self, record: u32) -> Vec<u32> {
        let mut near = self.blocks.partners(record);
        near.extend(self.labels.iter().flat_map(|labels| labels.partners(record)));
        near.sort_unstable();
        near.dedup();
        near
    }

    fn candidates(&self, a: u32, share: f64) -> Vec<Candidate> {
        let mut chance = chance_of(a);
        let drawn = self.near(a).into_iter().filter(|_| chance.share() * share < 1.0);
        let known = drawn.filter(|b| self.is_known(a, *b));
        let is_match = |b| self.labels.as_ref().and_then(|labels| labels.say(a, b));
        known.map(|b| Candidate { pair: self.compare(a, b), is_match: is_match(b), share }).collect()
    }

    /// Some records, behind this one or before it, that share nothing with it.
    fn strangers(&self, a: u32) -> Vec<ComparedPair> {
        let records = self.records.ids.len();
        let (own, mut chance) = (self.near(a), chance_of(!a));
        let drawn: Vec<u32> = (0..STRANGERS.div_ceil(records)).map(|_| draw(&mut chance, records)).collect();
        let shares =
            |b: u32| if b > a { own.binary_search(&b).is_ok() } else { self.near(b).binary_search(&a).is_ok() };
        let strangers = drawn.into_iter().filter(|b| *b != a && self.is_known(a, *b) && !shares(*b));
        strangers.map(|b| self.compare(a, b)).collect()
    }

    /// Whether there are no labels, or they say what this pair is.
    fn is_known(&self, a: u32, b: u32) -> bool {
        self.labels.as_ref().is_none_or(|labels| labels.say(a, b).is_some())
    }

    fn compare(&self, a: u32, b: u32) -> ComparedPair {
        let profiles = &self.records.profiles;
        ComparedPair::of(&profiles[a as usize], &profiles[b as usize], &self.records.table, self.weights)
    }
}

/// The same for a record whenever it is asked.
fn chance_of(record: u32) -> Random {
    Random::new(u64::from(record) << 32)
}

/// One of so many records.
fn draw(chance: &mut Random, records: usize) -> u32 {
    u32::try_from(chance.below(records as u64)).unwrap_or(u32::MAX)
}

/// The weights before and those learned side by side; levels that no pair shows are left out.
fn shown(name: &str, before: &Weights, learned: &Learned) -> String {
    let mut table = Table::new(["comparison", name, "learned", "one lead", "two"]).numbers(&[1, 2, 3, 4]);
    let bits = |bits: f64| format!("{bits:.2}");
    table.row(["duplicates".into(), bits(before.duplicates), bits(learned.weights.duplicates)]);
    for (level, evidence) in Level::ALL.into_iter().zip(&learned.evidence) {
        if evidence.matches + evidence.others > 0.0 {
            let count = |pairs: f64| format!("{pairs:.0}");
            let (from, to) = (before.level(level).bits, learned.weights.level(level).bits);
            let name = format!("{}: {}", level.field().name(), level.name());
            table.row([name, bits(from), bits(to), count(evidence.matches), count(evidence.others)]);
        }
    }
    table.render()
}

/// A policy with these weights and nothing else; its version follows from them.
fn policy_text(weights: &Weights) -> String {
    let matching = matching_section(weights);
    let digest = blake3::hash(matching.as_bytes()).to_hex();
    format!("# Written by `leadgate policy learn`.\nformat: 1\nversion: \"learned-{}\"\n{matching}", &digest[..8])
}
