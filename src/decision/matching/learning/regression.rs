//! Weights from pairs of which it is known whether they are one lead.
//!
//! To count each level for itself takes fields for independent of each other, which they are not: who shares a street shares a city. A sum of
//! weights that is turned into a probability is a logistic regression, so that all weights are fitted together, each to what the others
//! leave unsaid, and drawn to the weights before (S. le Cessie, J. C. van Houwelingen, "Ridge Estimators in Logistic Regression", Applied
//! Statistics 41:1, 1992), by Newton's method.

use std::f64::consts::LN_2;

use super::super::level::Level;
use super::super::profile::ComparedPair;
use super::super::scoring::probability_of_weight;
use super::super::weights::{LevelWeight, Weights};
use super::{Learned, Sample, counting, is_learned, rounded};

/// How far a weight may be expected to be from the one before, in bits: the standard deviation of what is held before any data.
const SPREAD_BITS: f64 = 0.5;

/// A set in which more pairs are one speaks as loud as one in which so many are. Pairs of one lead are no independent witnesses, and what
/// one set is full of is its own.
const MOST_MATCHES: f64 = 100.0;

/// Rounds, at most.
const MOST_ROUNDS: usize = 40;

/// The loss has settled when a round takes off less than this part of it.
const SETTLED: f64 = 2e-5;

/// No weight moves by more bits in a round.
const MOST_STEP_BITS: f64 = 2.0;

/// A step that makes nothing better is halved so often, at most: weights that count only above others make corners.
const MOST_HALVINGS: i32 = 7;

/// Every weight that is learned: those of the levels, and behind them how many duplicates a lead has.
const PARAMETERS: usize = Level::ALL.len() + 1;
const DUPLICATES: usize = Level::ALL.len();

/// A probability is held for no smaller, so that no single pair outweighs all others.
const LEAST_PROBABILITY: f64 = 1e-12;

/// Pairs whose probability is so near to the truth move nothing.
const NEAR_ENOUGH: f64 = 1e-7;

/// Fits the weights to the pairs of all samples.
pub(super) fn fit(samples: &[Sample], before: &Weights) -> Learned {
    let (weights, rounds) = Fit::new(samples, before).run();
    Learned { weights, evidence: counting::known_evidence(samples, before), rounds }
}

/// What is fitted.
struct Fit<'a> {
    pairs: Vec<Known<'a>>,
    before: &'a Weights,
}

/// A pair of which it is known whether it is one lead.
struct Known<'a> {
    pair: &'a ComparedPair,
    is_match: bool,
    /// How much it counts.
    counts: f64,
    /// How many leads its set has.
    leads: u32,
}

impl<'a> Fit<'a> {
    fn new(samples: &'a [Sample], before: &'a Weights) -> Self {
        Self { pairs: samples.iter().flat_map(known).collect(), before }
    }

    /// The fitted weights, and after how many rounds.
    fn run(&self) -> (Weights, usize) {
        let (mut weights, mut rounds) = (self.before.clone(), 0);
        let mut loss = self.loss(&weights);
        while rounds < MOST_ROUNDS {
            rounds += 1;
            let Some((next, next_loss)) = self.step(&weights, loss) else { break };
            let settled = loss - next_loss < SETTLED * loss;
            (weights, loss) = (next, next_loss);
            if settled {
                break;
            }
        }
        (in_hundredths(&weights), rounds)
    }

    /// Better weights and their loss; `None` where no step in Newton's direction is better.
    fn step(&self, weights: &Weights, loss: f64) -> Option<(Weights, f64)> {
        let direction = self.slope(weights).newton();
        let steps = (0..=MOST_HALVINGS).map(|halvings| moved(weights, &direction, 0.5f64.powi(halvings)));
        steps.map(|next| (self.loss(&next), next)).find(|(next, _)| *next < loss).map(|(loss, next)| (next, loss))
    }

    /// How improbable the truth is under these weights, in nats, and these weights before it.
    fn loss(&self, weights: &Weights) -> f64 {
        let of_pair = |known: &Known| {
            let probability = known.pair.score(weights, known.leads).probability();
            let of_truth = if known.is_match { probability } else { 1.0 - probability };
            -known.counts * of_truth.max(LEAST_PROBABILITY).ln()
        };
        let moved = differences(weights, self.before).into_iter();
        let drawn = moved.map(|bits| (bits / SPREAD_BITS).powi(2) / 2.0);
        self.pairs.iter().map(of_pair).sum::<f64>() + drawn.sum::<f64>()
    }

    fn slope(&self, weights: &Weights) -> Slope {
        let mut slope = Slope::drawn(differences(weights, self.before));
        for known in &self.pairs {
            let score = known.pair.score(weights, known.leads);
            let truth = f64::from(u8::from(known.is_match));
            let error = probability_of_weight(score.weight()) - truth;
            // Where a limit holds, no weight moves the sum.
            if score.guard < 0.0 || error.abs() < NEAR_ENOUGH {
                continue;
            }
            let unit = weights.scale * LN_2;
            let mut moves = vec![(DUPLICATES, unit)];
            for (agreement, comparison) in known.pair.agreements.iter().zip(&score.comparisons) {
                let (level, whole) = weights.counting(agreement.level, agreement.rarity);
                let Some(level) = level.filter(|level| is_learned(*level)) else { continue };
                // What is told by another field in part counts in part.
                let part = if whole == 0.0 { 1.0 } else { comparison.weight / (whole * weights.scale) };
                moves.push((level as usize, unit * part));
            }
            slope.add(&moves, known.counts, error, truth);
        }
        slope
    }
}

/// The pairs of a sample, which together count no more than if [`MOST_MATCHES`] of them were one.
fn known(sample: &Sample) -> impl Iterator<Item = Known<'_>> {
    let matches = sample.candidates.iter().filter(|candidate| candidate.is_match == Some(true));
    let matches: f64 = matches.map(|candidate| candidate.share).sum();
    let each = MOST_MATCHES / matches.max(MOST_MATCHES);
    sample.candidates.iter().filter_map(move |candidate| {
        let is_match = candidate.is_match?;
        Some(Known { pair: &candidate.pair, is_match, counts: candidate.share * each, leads: sample.leads })
    })
}

/// By how many bits each parameter differs.
fn differences(weights: &Weights, before: &Weights) -> [f64; PARAMETERS] {
    let mut differences = [weights.duplicates - before.duplicates; PARAMETERS];
    for level in Level::ALL {
        differences[level as usize] = weights.level(level).bits - before.level(level).bits;
    }
    differences
}

/// The weights a part of the way on. What does not agree never comes to weigh for a match.
fn moved(weights: &Weights, direction: &[f64], part: f64) -> Weights {
    let step = |parameter: usize| part * direction[parameter].clamp(-MOST_STEP_BITS, MOST_STEP_BITS);
    let bits = |level: Level| weights.level(level).bits + step(level as usize);
    let mut moved = with_bits(weights, |level| if level.kind().agrees() { bits(level) } else { bits(level).min(0.0) });
    moved.duplicates += step(DUPLICATES);
    moved
}

fn in_hundredths(weights: &Weights) -> Weights {
    let mut weights = with_bits(weights, |level| rounded(weights.level(level).bits));
    weights.duplicates = rounded(weights.duplicates);
    weights
}

/// The weights with other bits for every level that is learned.
fn with_bits(weights: &Weights, bits: impl Fn(Level) -> f64) -> Weights {
    Level::ALL.into_iter().filter(|level| is_learned(*level)).fold(weights.clone(), |weights, level| {
        let weight = LevelWeight { bits: bits(level), ..weights.level(level) };
        weights.clone().with(level, weight).unwrap_or(weights)
    })
}

/// How the loss grows with each parameter, and how that grows with each.
struct Slope {
    gradient: Vec<f64>,
    hessian: Vec<Vec<f64>>,
}

impl Slope {
    /// Of the part that draws to the weights before.
    fn drawn(differences: [f64; PARAMETERS]) -> Self {
        let draw = SPREAD_BITS.powi(-2);
        let mut hessian = vec![vec![0.0; PARAMETERS]; PARAMETERS];
        hessian.iter_mut().enumerate().for_each(|(parameter, row)| row[parameter] = draw);
        Self { gradient: differences.iter().map(|bits| bits * draw).collect(), hessian }
    }

    /// Adds a pair, by what each parameter moves its log odds.
    fn add(&mut self, moves: &[(usize, f64)], counts: f64, error: f64, truth: f64) {
        let probability = truth + error;
        let variance = counts * probability * (1.0 - probability);
        for (parameter, by) in moves {
            self.gradient[*parameter] += counts * error * by;
            let row = &mut self.hessian[*parameter];
            moves.iter().for_each(|(other, other_by)| row[*other] += variance * by * other_by);
        }
    }

    /// Newton's step: the hessian, which is positive definite, times it is the gradient downwards. By elimination.
    fn newton(self) -> Vec<f64> {
        let Self { gradient, mut hessian } = self;
        let mut step: Vec<f64> = gradient.into_iter().map(|slope| -slope).collect();
        for pivot in 0..step.len() {
            let (above, below) = hessian.split_at_mut(pivot + 1);
            let (pivot_row, pivot_step) = (&above[pivot], step[pivot]);
            for (row, value) in below.iter_mut().zip(&mut step[pivot + 1..]) {
                let factor = row[pivot] / pivot_row[pivot];
                row.iter_mut().zip(pivot_row).for_each(|(cell, of_pivot)| *cell -= factor * of_pivot);
                *value -= factor * pivot_step;
            }
        }
        for pivot in (0..step.len()).rev() {
            let row = &hessian[pivot];
            let known: f64 = row.iter().zip(&step).skip(pivot + 1).map(|(cell, value)| cell * value).sum();
            step[pivot] = (step[pivot] - known) / row[pivot];
        }
        step
    }
}
