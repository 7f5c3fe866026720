//! How many pairs have which probability.

use crate::cli::explain::svg;
use crate::decision::explanation::Thresholds;
use crate::decision::matching::probability_of_weight;

/// Columns of the drawing; each is a fiftieth of probability wide.
const COLUMNS: usize = 25;

/// The lowest probability that is counted.
pub(super) const LOWEST: f64 = 0.5;

/// Pairs by their probability, from [`LOWEST`] to 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram([u64; COLUMNS]);

/// The place of the drawing within its picture: left, right, top and bottom.
const LEFT: f64 = 30.0;
const RIGHT: f64 = 930.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 220.0;

impl Histogram {
    /// Counts a pair of this weight.
    pub(super) fn add(&mut self, weight: f64) {
        let share = (probability_of_weight(weight) - LOWEST) / (1.0 - LOWEST);
        if share >= 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "0..1"
            )]
            let column = (share * COLUMNS as f64) as usize;
            self.0[column.min(COLUMNS - 1)] += 1;
        }
    }

    /// Counts what another counted, too.
    pub(super) fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own += other);
    }

    /// A picture of it with both thresholds. Heights are logarithms: most pairs are either clear or not shown.
    pub(super) fn draw(&self, thresholds: Thresholds) -> String {
        let highest = self.0.iter().copied().max().unwrap_or(0).max(1);
        let columns = self.0.iter().enumerate().map(|(column, count)| bar(column, *count, highest));
        let marks = [("review", thresholds.review), ("match", thresholds.matching)].map(|(name, at)| mark(name, at));
        let axis = (0..=5).map(|tenth| {
            let probability = LOWEST + f64::from(tenth) / 10.0;
            svg::label("middle faint", place(probability), BOTTOM + 18.0, &format!("{probability:.1}"))
        });
        let content = columns.chain(marks).chain(axis).collect::<String>();
        let heading = svg::label("", 10.0, 22.0, "Pairs by probability (heights are logarithmic)");
        svg::picture(
            "Pairs by their probability, with the thresholds for a review and for a match",
            250.0,
            &(heading + &content),
        )
    }
}

fn place(probability: f64) -> f64 {
    LEFT + (probability - LOWEST) / (1.0 - LOWEST) * (RIGHT - LEFT)
}

#[expect(clippy::cast_precision_loss, reason = "a drawing")]
fn bar(column: usize, count: u64, highest: u64) -> String {
    if count == 0 {
        return String::new();
    }
    let width = (RIGHT - LEFT) / COLUMNS as f64;
    let height = ((count + 1) as f64).ln() / ((highest + 1) as f64).ln() * (BOTTOM - TOP);
    let (x, y) = (LEFT + column as f64 * width, BOTTOM - height);
    let from = LOWEST + column as f64 / COLUMNS as f64 * (1.0 - LOWEST);
    format!(
        "<rect class=\"for\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>from {from:.2}: {count} pairs</title></rect>\n{}",
        x + 1.0,
        width - 2.0,
        svg::label("middle faint", x + width / 2.0, y - 4.0, &short(count)),
    )
}

/// A count in at most five letters.
fn short(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..10_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

fn mark(name: &str, at: f64) -> String {
    let x = place(at.clamp(LOWEST, 1.0));
    let line = format!("<line class=\"line mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"40\" y2=\"{BOTTOM}\"/>\n");
    line + &svg::label("", x + 4.0, 38.0, &format!("{name} {at}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::matching::weight_of_probability;

    #[test]
    fn pairs_are_counted_where_their_probability_lies() {
        let mut histogram = Histogram::default();
        for probability in [0.4, 0.5001, 0.71, 0.999, 1.0] {
            histogram.add(weight_of_probability(probability));
        }
        let mut whole = histogram.clone();
        whole.merge(&histogram);
        let counted: Vec<_> =
            whole.0.iter().enumerate().filter(|(_, count)| **count > 0).map(|(at, count)| (at, *count)).collect();
        assert_eq!(counted, [(0, 2), (10, 2), (24, 4)]);
        let drawn = whole.draw(Thresholds { matching: 0.85, review: 0.7 });
        assert_eq!(drawn.matches("<rect class=\"for\"").count(), 3);
        assert!(drawn.contains("match 0.85") && drawn.contains("review 0.7"), "{drawn}");
    }
}
