//! Every pair that shares a block, compared once, on every core.

use std::ops::Range;

use rayon::prelude::*;

use crate::decision::clustering::ScoredPair;
use crate::decision::matching::{Comparer, Score, weight_of_probability};

use super::histogram::{Histogram, LOWEST};
use super::{Purge, progress};

/// Blocks of which one thread compares the pairs before it looks for more.
const SHARE: usize = 1_024;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Every pair at or above the review threshold, in the order of the file.
    pub(super) pairs: Vec<ScoredPair>,
    /// How many were compared.
    pub(super) compared: u64,
    /// How probable they are. Complete above the review threshold only, unless all of it is wanted.
    pub(super) histogram: Histogram,
}

impl Found {
    /// Adds pairs that did not have to be compared.
    pub(super) fn add(&mut self, pairs: Vec<ScoredPair>) {
        self.pairs.extend(pairs);
        self.sort();
    }

    fn sort(&mut self) {
        self.pairs.par_sort_unstable_by_key(|pair| (pair.a, pair.b));
    }

    fn with(mut self, other: Self) -> Self {
        self.pairs.extend(other.pairs);
        self.compared += other.compared;
        self.histogram.merge(&other.histogram);
        self
    }
}

/// Compares the pairs of all blocks; with `whole_histogram` those too that are not kept, as far as they are drawn.
pub(super) fn find_pairs(purge: &Purge, whole_histogram: bool) -> Found {
    let bar = progress("comparing", purge.blocks.len() as u64);
    let review = weight_of_probability(purge.policy.review_threshold);
    let floor = if whole_histogram { review.min(weight_of_probability(LOWEST)) } else { review };
    let shares = (0..purge.blocks.len().div_ceil(SHARE)).into_par_iter();
    let found: Vec<Found> = shares
        .map(|share| {
            let blocks = share * SHARE..purge.blocks.len().min((share + 1) * SHARE);
            bar.inc(blocks.len() as u64);
            compare_share(purge, blocks, floor, review)
        })
        .collect();
    bar.finish_and_clear();
    let mut found = found.into_iter().fold(Found::default(), Found::with);
    found.sort();
    found
}

fn compare_share(purge: &Purge, blocks: Range<usize>, floor: f64, review: f64) -> Found {
    let records = &purge.records;
    let mut comparer = Comparer::new(&records.table, &purge.weights, floor);
    let side = |record: u32| (&records.profiles[record as usize], &purge.ceilings[record as usize]);
    let mut found = Found::default();
    for (a, b) in blocks.flat_map(|block| purge.blocks.pairs(block)) {
        found.compared += 1;
        let Some(weight) = comparer.compare(side(a), side(b)).map(Score::weight) else { continue };
        found.histogram.add(weight);
        if weight >= review {
            found.pairs.push(ScoredPair::new(a, b, weight));
        }
    }
    found
}
