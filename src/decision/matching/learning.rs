//! The weights that a set of leads says: of each level, how much more often it is seen within one lead than between two.
//!
//! Where it is known which pairs are one, `regression` fits the weights to that; where it is not, `counting` counts levels among pairs that
//! are held to be one as far as they are probable.

mod counting;
mod regression;

use super::level::{Kind, Level};
use super::profile::ComparedPair;
use super::weights::Weights;

/// Two leads that share a blocking key, or are known to be one.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// How they agree.
    pub pair: ComparedPair,
    /// Whether they are one lead, where somebody said.
    pub is_match: Option<bool>,
    /// How many pairs it stands for.
    pub share: f64,
}

/// What is learned from in one set of leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// How many leads there are.
    pub leads: u32,
    /// The pairs that may be one.
    pub candidates: Vec<Candidate>,
    /// Pairs of strangers, taken at random from all that share no blocking key.
    pub strangers: Vec<ComparedPair>,
    /// How many pairs each of the strangers stands for.
    pub strangers_share: f64,
}

/// How many pairs a weight was learned from; a pair that is one with probability 0.7 counts 0.7 and 0.3.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LevelEvidence {
    /// Pairs of one lead that show the level.
    pub matches: f64,
    /// Pairs of two leads that show it.
    pub others: f64,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The weights.
    pub weights: Weights,
    /// The pairs behind each level, in the order of [`Level::ALL`].
    pub evidence: Vec<LevelEvidence>,
    /// How often the weights were moved.
    pub rounds: usize,
}

/// Learns weights from sets of leads, of which no large one drowns the others, drawn to the weights `before` as far as the sets say little.
///
/// How much rarity adds, the limit of a name alone and what says that two are two people stay as they were: that is a rule and nothing to
/// fit, and it keeps expectation maximisation at people, where colleagues too have much in common.
pub fn learn(samples: &[Sample], before: &Weights) -> Learned {
    let known = |sample: &Sample| sample.candidates.iter().all(|candidate| candidate.is_match.is_some());
    if samples.iter().all(known) { regression::fit(samples, before) } else { counting::maximise(samples, before) }
}

/// Whether a level's weight is learned: missing data says nothing, and what says that two are two people is a rule.
fn is_learned(level: Level) -> bool {
    !level.is_missing() && level.kind() != Kind::Contrary
}

/// To a hundredth of a bit, which is more than anybody can tell; never minus zero.
fn rounded(bits: f64) -> f64 {
    (bits * 100.0).round() / 100.0 + 0.0
}

#[cfg(test)]
mod tests;
