//! Waterfalls as pictures: each stands on its own, is read aloud by its title, and is readable on light and dark ground.

use crate::decision::explanation::{Step, Waterfall};

/// The width of a picture.
const WIDTH: f64 = 960.0;

/// The height of a row.
const ROW: f64 = 24.0;

/// The height of what stands above the rows.
const HEAD: f64 = 64.0;

/// Where the scale begins and ends.
const SCALE: (f64, f64) = (590.0, 890.0);

/// Letters of a value that are shown; its title has all of it.
const SHOWN: usize = 16;

/// Colours that are told apart on either ground, also by who does not tell red from green.
const COLOURS: &str = "\
.lg{font:13px system-ui,sans-serif}.lg .ground{fill:#fff}.lg text{fill:#1b1f24}.lg .faint{fill:#57606a}\
.lg .for{fill:#1a6fb5}.lg .against{fill:#c2570c}.lg .line{stroke:#8c959f;stroke-width:1}.lg .mark{stroke-dasharray:4 3}\
.lg .number{text-anchor:end;font-variant-numeric:tabular-nums}.lg .middle{text-anchor:middle}\
@media (prefers-color-scheme:dark){.lg .ground{fill:#15191e}.lg text{fill:#e6edf3}.lg .faint{fill:#9aa4af}\
.lg .for{fill:#58a6ff}.lg .against{fill:#f0883e}.lg .line{stroke:#6e7681}}";

/// A text within markup: nothing of it is markup, and nothing a control character.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => safe.push(' '),
            character => safe.push(character),
        }
    }
    safe
}

/// A picture of this height, with a title.
pub(crate) fn picture(title: &str, height: f64, content: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lg\" role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {WIDTH} {height}\">\
         \n<title>{title}</title>\n<style>{COLOURS}</style>\n<rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\n{content}</svg>\n"
    )
}

/// A text at a place.
pub(crate) fn label(class: &str, x: f64, y: f64, text: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n", escaped(text))
}

/// A waterfall as a picture.
pub(crate) fn draw(waterfall: &Waterfall, title: &str) -> String {
    let rows = waterfall.steps().len();
    #[expect(clippy::cast_precision_loss, reason = "a few dozen rows")]
    let end = HEAD + rows as f64 * ROW;
    let mut content = label("", 10.0, 22.0, title) + &head() + &marks(waterfall, end);
    let mut top = HEAD;
    for step in waterfall.steps() {
        content.push_str(&row(waterfall, step, top));
        top += ROW;
    }
    content.push_str(&label("", 10.0, end + 24.0, &sum(waterfall)));
    picture(&format!("{title}: {}", sum(waterfall)), end + 36.0, &content)
}

fn sum(waterfall: &Waterfall) -> String {
    let (weight, probability) = (waterfall.weight(), waterfall.probability());
    format!("{weight:+.2} bits, probability {probability:.4}: {}", waterfall.verdict().name())
}

fn head() -> String {
    let places = [("", 10.0, "field"), ("", 120.0, "level"), ("", 268.0, "incoming / existing")];
    let texts = places.into_iter().chain([("number ", 560.0, "bits"), ("number ", 950.0, "sum")]);
    texts.map(|(class, x, text)| label(&format!("{class}faint"), x, HEAD - 14.0, text)).collect()
}

fn place(waterfall: &Waterfall, sum: f64) -> f64 {
    let (low, high) = waterfall.range();
    SCALE.0 + ((sum - low) / (high - low).max(1.0)).clamp(0.0, 1.0) * (SCALE.1 - SCALE.0)
}

/// The zero line and the thresholds.
fn marks(waterfall: &Waterfall, end: f64) -> String {
    let thresholds = waterfall.thresholds();
    let [matching, review] = waterfall.marks();
    let line = |sum: f64, class: &str| {
        let x = place(waterfall, sum);
        format!("<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{end:.1}\"/>\n", HEAD - 8.0)
    };
    // The lower threshold is named to the left of its line, the higher one to the right of its: they stand close.
    let place = |sum: f64| place(waterfall, sum);
    let review_text = label("number faint", place(review) - 3.0, 36.0, &format!("review {}", thresholds.review));
    let match_text = label("faint", place(matching) + 3.0, 36.0, &format!("match {}", thresholds.matching));
    [line(0.0, "line"), line(review, "line mark"), line(matching, "line mark"), review_text, match_text].concat()
}

fn row(waterfall: &Waterfall, step: &Step, top: f64) -> String {
    let (part, base) = (&step.part, top + 16.0);
    let (weight, sum) = step.shown();
    let mut row = format!("<g><title>{}</title>\n", escaped(&told(step)));
    row.push_str(&label("", 10.0, base, &part.field));
    row.push_str(&label("faint", 120.0, base, &part.level));
    if let Some((incoming, existing)) = &part.values {
        row.push_str(&label("faint", 268.0, base, &both(&cut(incoming), &cut(existing))));
    }
    row.push_str(&label("number", 560.0, base, &format!("{weight:+.2}")));
    let (from, to) = (place(waterfall, step.before.min(step.after)), place(waterfall, step.before.max(step.after)));
    let class = if part.weight > 0.0 { "for" } else { "against" };
    if part.weight != 0.0 {
        let (y, width) = (top + 3.0, (to - from).max(1.0));
        row.push_str(&format!(
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"16\"/>\n"
        ));
    }
    row.push_str(&label("number", 950.0, base, &format!("{sum:+.2}")));
    row.push_str("</g>\n");
    row
}

/// A step in words.
fn told(step: &Step) -> String {
    let part = &step.part;
    let values = part.values.as_ref().map(|(incoming, existing)| format!(" ({})", both(incoming, existing)));
    let (weight, sum) = step.shown();
    let level = if part.level.is_empty() { String::new() } else { format!(" {}", part.level) };
    format!("{}{level}{}: {weight:+.2} bits, sum {sum:+.2}", part.field, values.unwrap_or_default())
}

fn both(incoming: &str, existing: &str) -> String {
    let told = |value: &str| if value.is_empty() { "(none)".to_owned() } else { value.to_owned() };
    format!("{} / {}", told(incoming), told(existing))
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn a_waterfall_is_a_picture_of_its_own() {
        let svg = draw(&example(), "Candidate <1>");
        assert_eq!(svg, include_str!("golden/waterfall.svg"), "\n{svg}");
        assert!(!svg.contains("href") && !svg.contains("url("), "nothing from outside");
    }

    #[test]
    fn values_are_no_markup() {
        assert_eq!(escaped("<script>\"&'\u{0}é"), "&lt;script&gt;&quot;&amp;&#39; é");
        let svg = draw(&example(), "x");
        assert!(svg.contains("O&#39;Neil &lt;b&gt;") && !svg.contains("<b>"), "{svg}");
    }
}
