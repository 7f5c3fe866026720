//! Weights from pairs of which nobody knows whether they are one lead.
//!
//! Expectation maximisation takes turns: weigh every pair by the weights so far, then count each pair as one lead as far as it is probable,
//! and as two as far as it is not (W. E. Winkler, "Using the EM Algorithm for Weight Computation in the Fellegi-Sunter Model of Record
//! Linkage", US Census Bureau RR2000/05; after A. P. Dempster, N. M. Laird, D. B. Rubin, JRSS B 39, 1977). As Splink does (R. Linacre et
//! al., IJPDS 7:3, 2022), what strangers agree on is counted among pairs taken at random. Here those that share a blocking key are all
//! looked at, and the random ones stand for the rest: so what is rare among strangers is counted and not guessed, and blocking biases
//! nothing.

use super::super::level::{ComparedField, Level};
use super::super::profile::ComparedPair;
use super::super::scoring::probability_of_weight;
use super::super::weights::{LevelWeight, Weights};
use super::{Candidate, Learned, LevelEvidence, Sample, is_learned, rounded};

/// A level that so many pairs of either kind show, or should have shown, moves half of the way from the weight before to what is counted.
const PAIRS_TO_BELIEVE: f64 = 20.0;

/// No set of leads says more than so many bits against the weight before.
const MOST_LEARNED_BITS: f64 = 3.0;

/// A level that no pair shows counts as if half of one did.
const UNSEEN: f64 = 0.5;

/// Rounds of expectation maximisation, at most.
const MOST_ROUNDS: usize = 40;

/// Weights that move less, in bits, have settled.
const SETTLED_BITS: f64 = 0.01;

/// Counts and weighs in turns until nothing moves.
pub(super) fn maximise(samples: &[Sample], before: &Weights) -> Learned {
    let mut priors: Vec<f64> = samples.iter().map(|sample| before.prior(sample.leads)).collect();
    let mut learned = Learned { weights: before.clone(), evidence: Vec::new(), rounds: 0 };
    while learned.rounds < MOST_ROUNDS {
        let counts: Vec<Counts> =
            samples.iter().zip(&priors).map(|(sample, prior)| Counts::of(sample, &learned.weights, *prior)).collect();
        for ((prior, sample), counts) in priors.iter_mut().zip(samples).zip(&counts) {
            *prior = before.prior_of(counts.duplicates(sample.leads), sample.leads);
        }
        let weights = estimate(samples, &counts, before);
        let settled = moved(&learned.weights, &weights) < SETTLED_BITS;
        learned = Learned { weights, evidence: evidence(&counts), rounds: learned.rounds + 1 };
        if settled {
            break;
        }
    }
    learned
}

/// The pairs behind each level, where it is known which are one.
pub(super) fn known_evidence(samples: &[Sample], weights: &Weights) -> Vec<LevelEvidence> {
    let counts: Vec<Counts> = samples.iter().map(|sample| Counts::of(sample, weights, 0.0)).collect();
    evidence(&counts)
}

/// The most that a level moves, in bits.
fn moved(before: &Weights, after: &Weights) -> f64 {
    let moved = |level: Level| (before.level(level).bits - after.level(level).bits).abs();
    Level::ALL.into_iter().map(moved).fold(0.0, f64::max)
}

fn evidence(counts: &[Counts]) -> Vec<LevelEvidence> {
    let sum = |level: Level, of: fn(&Counts) -> &Side| {
        counts.iter().map(|counts| of(counts).seen[level as usize].pairs).sum::<f64>()
    };
    let of = |level| LevelEvidence {
        matches: sum(level, |counts| &counts.matches),
        others: sum(level, |counts| &counts.others),
    };
    Level::ALL.into_iter().map(of).collect()
}

/// What pairs of one kind show of a level.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Pairs that were looked at.
    pairs: f64,
    /// Pairs that they stand for.
    weight: f64,
    /// The same, each divided by the Bayes factor of its value's rarity.
    discounted: f64,
    /// The same, each multiplied by it.
    raised: f64,
}

/// The levels of pairs of one kind.
#[derive(Debug, Clone)]
struct Side {
    seen: [Seen; Level::ALL.len()],
    /// Pairs that those looked at stand for.
    weight: f64,
}

impl Side {
    fn new() -> Self {
        Self { seen: [Seen::default(); Level::ALL.len()], weight: 0.0 }
    }

    fn add(&mut self, pair: &ComparedPair, part: f64, share: f64, weights: &Weights) {
        self.weight += part * share;
        for agreement in &pair.agreements {
            let factor = (weights.level(agreement.level).of_rarity * agreement.rarity).exp2();
            let seen = &mut self.seen[agreement.level as usize];
            seen.pairs += part;
            seen.weight += part * share;
            seen.discounted += part * share / factor;
            seen.raised += part * share * factor;
        }
    }

    /// Adds another set's pairs, scaled as if they stood for `weight` pairs.
    fn add_scaled(&mut self, other: &Self, weight: f64) {
        let scale = weight / other.weight.max(f64::MIN_POSITIVE);
        self.weight += weight;
        for (seen, other) in self.seen.iter_mut().zip(&other.seen) {
            seen.pairs += other.pairs;
            seen.weight += other.weight * scale;
            seen.discounted += other.discounted * scale;
            seen.raised += other.raised * scale;
        }
    }

    /// The pairs whose values of a field could be compared at all.
    fn compared(&self, field: ComparedField, of: impl Fn(&Seen) -> f64) -> f64 {
        field.levels().filter(|level| !level.is_missing()).map(|level| of(&self.seen[level as usize])).sum()
    }
}

/// The levels of both kinds of pairs of one set.
struct Counts {
    matches: Side,
    others: Side,
}

impl Counts {
    fn of(sample: &Sample, weights: &Weights, prior: f64) -> Self {
        let mut counts = Self { matches: Side::new(), others: Side::new() };
        for Candidate { pair, is_match, share } in &sample.candidates {
            let probability = match is_match {
                Some(is_match) => f64::from(u8::from(*is_match)),
                None => {
                    let score = pair.score(weights, sample.leads);
                    probability_of_weight(score.weight() - score.prior + prior)
                }
            };
            counts.matches.add(pair, probability, *share, weights);
            counts.others.add(pair, 1.0 - probability, *share, weights);
        }
        sample.strangers.iter().for_each(|pair| counts.others.add(pair, 1.0, sample.strangers_share, weights));
        counts
    }

    /// log2 of how many duplicates a lead has.
    fn duplicates(&self, leads: u32) -> f64 {
        (2.0 * self.matches.weight.max(UNSEEN) / f64::from(leads.max(2))).log2()
    }
}

fn estimate(samples: &[Sample], counts: &[Counts], before: &Weights) -> Weights {
    let (mut matches, mut others) = (Side::new(), Side::new());
    let sets = counts.len().max(1) as f64;
    let mean = |of: fn(&Counts) -> f64| counts.iter().map(of).sum::<f64>() / sets;
    let (of_matches, of_others) = (mean(|counts| counts.matches.weight), mean(|counts| counts.others.weight));
    for counts in counts {
        matches.add_scaled(&counts.matches, of_matches);
        others.add_scaled(&counts.others, of_others);
    }
    let mut weights = before.clone();
    for level in Level::ALL.into_iter().filter(|level| is_learned(*level)) {
        let weight = LevelWeight { bits: bits(level, &matches, &others, before), ..before.level(level) };
        weights = weights.clone().with(level, weight).unwrap_or(weights);
    }
    if !samples.is_empty() {
        let duplicates = samples.iter().zip(counts).map(|(sample, counts)| counts.duplicates(sample.leads));
        weights.duplicates = rounded(duplicates.sum::<f64>() / sets);
    }
    weights
}

/// The weight of a level: what is counted, drawn to the weight before as far as too few pairs show it or should have shown it.
fn bits(level: Level, matches: &Side, others: &Side, before: &Weights) -> f64 {
    let before = before.level(level).bits;
    let (one, other) = (&matches.seen[level as usize], &others.seen[level as usize]);
    let of_matches = matches.compared(level.field(), |seen| seen.weight);
    let of_others = others.compared(level.field(), |seen| seen.weight);
    if of_matches <= 0.0 || of_others <= 0.0 {
        return before;
    }
    let discount = match () {
        () if one.weight > 0.0 => one.discounted / one.weight,
        () if other.raised > 0.0 => other.weight / other.raised,
        () => return before,
    };
    let unseen = UNSEEN * discount;
    let counted = ((one.discounted + unseen) / of_matches).log2() - ((other.weight + UNSEEN) / of_others).log2();
    let expected_matches =
        matches.compared(level.field(), |seen| seen.pairs) * other.weight / of_others * before.exp2() / discount;
    let expected_others = of_others * one.discounted / of_matches / before.exp2();
    let (matches, others) = (one.pairs.max(expected_matches), other.pairs.max(expected_others));
    let pairs = matches * others / (matches + others).max(f64::MIN_POSITIVE);
    let step = (counted - before) * pairs / (pairs + PAIRS_TO_BELIEVE);
    let bits = before + step.clamp(-MOST_LEARNED_BITS, MOST_LEARNED_BITS);
    rounded(if level.kind().agrees() { bits } else { bits.min(0.0) })
}
