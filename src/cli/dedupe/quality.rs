//! How well weights find the pairs that somebody said are one lead.

use crate::cli::output::Table;
use crate::decision::matching::{Sample, Weights};

/// How many pairs weights found, rightly and wrongly, of those of which it is known whether they are one lead.
///
/// The pairs are those that share a blocking key or a label: no other is ever compared.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Quality {
    found: f64,
    wrong: f64,
    missed: f64,
}

impl Quality {
    /// Counts the pairs at or above a match weight.
    pub(super) fn of(samples: &[Sample], weights: &Weights, match_weight: f64) -> Self {
        let mut quality = Self::default();
        for sample in samples {
            for candidate in &sample.candidates {
                let matches = candidate.pair.score(weights, sample.leads).weight() >= match_weight;
                match (matches, candidate.is_match) {
                    (true, Some(true)) => quality.found += candidate.share,
                    (true, Some(false)) => quality.wrong += candidate.share,
                    (false, Some(true)) => quality.missed += candidate.share,
                    _ => {}
                }
            }
        }
        quality
    }

    /// The share of pairs found that are one lead.
    fn precision(self) -> f64 {
        share(self.found, self.found + self.wrong)
    }

    /// The share of pairs that are one lead that are found.
    fn recall(self) -> f64 {
        share(self.found, self.found + self.missed)
    }

    /// The harmonic mean of both, to four digits, which is as much as is shown.
    fn f1(self) -> f64 {
        let f1 = share(2.0 * self.found, 2.0 * self.found + self.wrong + self.missed);
        (f1 * 10_000.0).round() / 10_000.0
    }

    /// Whether it finds pairs less well than other weights.
    pub(super) fn is_worse_than(self, other: Self) -> bool {
        self.f1() < other.f1()
    }
}

/// Nothing of nothing is 0: who finds no pair has found none rightly.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Two qualities side by side.
pub(super) fn shown(name: &str, before: Quality, learned: Quality) -> String {
    let mut table = Table::new(["labelled pairs of these files", name, "learned"]).numbers(&[1, 2]);
    let measures =
        [("precision", Quality::precision as fn(Quality) -> f64), ("recall", Quality::recall), ("F1", Quality::f1)];
    for (measure, of) in measures {
        table.row([measure.to_owned(), format!("{:.4}", of(before)), format!("{:.4}", of(learned))]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_mistakes_count_and_finding_nothing_is_worst() {
        let quality = |found, wrong, missed| Quality { found, wrong, missed };
        let half = quality(50.0, 50.0, 50.0);
        assert_eq!((half.precision(), half.recall(), half.f1()), (0.5, 0.5, 0.5));
        assert!(half.is_worse_than(quality(50.0, 40.0, 50.0)) && half.is_worse_than(quality(60.0, 50.0, 40.0)));
        assert!(quality(0.0, 0.0, 100.0).is_worse_than(half) && !half.is_worse_than(half));
        assert_eq!(
            shown("shipped", quality(0.0, 0.0, 1.0), half).lines().last(),
            Some("F1                              0.0000   0.5000")
        );
    }
}
