//! Waterfalls for people at a terminal: a row for each step, and its bar on one scale for all.

use crate::cli::output::one_line;
use crate::decision::explanation::{Step, Waterfall};

/// How much room there is, and whether there are colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Columns.
    pub(super) width: usize,
    /// Blocks and colours; without them everything is ASCII.
    pub(super) color: bool,
}

/// The narrowest and the widest drawing.
const WIDTHS: (usize, usize) = (72, 140);

/// Where the width is not known.
const USUAL_WIDTH: usize = 100;

/// The shortest and the longest scale.
const SCALES: (usize, usize) = (16, 60);

impl Style {
    /// For the standard output of this process.
    pub(super) fn of_output() -> Self {
        use std::io::IsTerminal as _;
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        Self {
            width: width.unwrap_or(USUAL_WIDTH).clamp(WIDTHS.0, WIDTHS.1),
            color: std::io::stdout().is_terminal() && !set("NO_COLOR"),
        }
    }

    fn ellipsis(self) -> &'static str {
        if self.color { "…" } else { "..." }
    }

    fn cut(self, text: &str, columns: usize) -> String {
        let text = one_line(text);
        if text.chars().count() <= columns {
            return text;
        }
        let kept = columns.saturating_sub(self.ellipsis().chars().count());
        text.chars().take(kept).chain(self.ellipsis().chars()).collect()
    }
}

/// The columns of a drawing.
struct Columns {
    field: usize,
    level: usize,
    scale: usize,
}

/// Columns of similarity, weight and sum with the gaps before them, and of the gap before the scale.
const NUMBERS: usize = 7 + 8 + 8 + 2;

impl Columns {
    fn of(waterfall: &Waterfall, style: Style) -> Self {
        let longest = |text: fn(&Step) -> &str| {
            waterfall.steps().iter().map(|step| text(step).chars().count()).max().unwrap_or(0).clamp(5, 20)
        };
        let (field, level) = (longest(|step| &step.part.field), longest(|step| &step.part.level));
        let scale = style.width.saturating_sub(field + 2 + level + NUMBERS).clamp(SCALES.0, SCALES.1);
        Self { field, level, scale }
    }
}

/// A waterfall as lines.
pub(super) fn draw(waterfall: &Waterfall, style: Style) -> String {
    let columns = Columns::of(waterfall, style);
    let mut text = head(&columns);
    for step in waterfall.steps() {
        text.push_str(&row(waterfall, step, &columns, style));
        text.push_str(&values(step, &columns, style));
    }
    let thresholds = waterfall.thresholds();
    text + &format!(
        "\n{:+.2} bits, probability {:.4}: {}\nmatch from {:.2}, review from {:.2}: each is a | above\n",
        waterfall.weight(),
        waterfall.probability(),
        waterfall.verdict().name(),
        thresholds.matching,
        thresholds.review,
    )
}

fn head(columns: &Columns) -> String {
    let Columns { field, level, .. } = columns;
    format!("{:<field$}  {:<level$}  {:>5}  {:>6}  {:>6}\n", "field", "level", "alike", "weight", "sum")
}

fn row(waterfall: &Waterfall, step: &Step, columns: &Columns, style: Style) -> String {
    let part = &step.part;
    let (weight, sum) = step.shown();
    let alike = part.similarity.map_or(String::new(), |similarity| format!("{similarity:.2}"));
    let row = format!(
        "{:<field$}  {:<level$}  {alike:>5}  {weight:>+6.2}  {sum:>+6.2}  {}",
        style.cut(&part.field, columns.field),
        style.cut(&part.level, columns.level),
        bar(waterfall, step, columns.scale, style),
        field = columns.field,
        level = columns.level,
    );
    row.trim_end().to_owned() + "\n"
}

/// Both values under a step that has any.
fn values(step: &Step, columns: &Columns, style: Style) -> String {
    let Some((incoming, existing)) = &step.part.values else { return String::new() };
    let told = |value: &str| if value.is_empty() { "(none)".to_owned() } else { one_line(value) };
    let text = style.cut(&format!("{} / {}", told(incoming), told(existing)), style.width - columns.field - 2);
    format!("{:field$}  {text}\n", "", field = columns.field)
}

/// The bar of a step, from the sum before it to the sum behind it.
fn bar(waterfall: &Waterfall, step: &Step, scale: usize, style: Style) -> String {
    let (low, high) = waterfall.range();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "columns")]
    let column =
        |sum: f64| ((sum - low) / (high - low).max(1.0) * scale as f64).round().clamp(0.0, scale as f64) as usize;
    let (from, to) = (column(step.before.min(step.after)), column(step.before.max(step.after)));
    let from = from.min(scale - 1);
    let to = if step.part.weight == 0.0 { from } else { to.max(from + 1) };
    let marks = waterfall.marks().map(|mark| column(mark).min(scale - 1));
    let (begin, fill, end) = match (style.color, step.part.weight > 0.0) {
        (true, true) => ("\u{1b}[32m", "█", "\u{1b}[0m"),
        (true, false) => ("\u{1b}[31m", "█", "\u{1b}[0m"),
        (false, true) => ("", "+", ""),
        (false, false) => ("", "-", ""),
    };
    let empty = |columns: std::ops::Range<usize>| -> String {
        columns.map(|column| if marks.contains(&column) { "|" } else { " " }).collect()
    };
    let filled = if from == to { String::new() } else { format!("{begin}{}{end}", fill.repeat(to - from)) };
    format!("{}{filled}{}", empty(0..from), empty(to..scale))
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn a_waterfall_without_colours_is_plain() {
        let text = draw(&example(), Style { width: 80, color: false });
        assert_eq!(text, include_str!("golden/waterfall.txt"), "\n{text}");
        assert!(text.is_ascii());
    }

    #[test]
    fn a_waterfall_with_colours_has_blocks() {
        let text = draw(&example(), Style { width: 80, color: true });
        assert_eq!(text.replace('\u{1b}', "ESC"), include_str!("golden/waterfall-color.txt"), "\n{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [72, 80, 140] {
            let text = draw(&example(), Style { width, color: false });
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}\n{text}");
        }
    }
}
