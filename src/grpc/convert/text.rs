//! Texts as callers send them: bounded, trimmed, free of control characters.

use std::borrow::Cow;

use crate::grpc::violation::{Rule, Violations};

/// Whether a value may have several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// Tab, carriage return and line feed fold to a blank.
    One,
    /// They stay: a street address has lines, and so may what an attribute holds.
    Many,
}

/// Checks and trims a value. `None` when nothing is left, or a rule is broken; `field` names it in the violation.
pub(super) fn clean(
    text: String,
    lines: Lines,
    limit_bytes: usize,
    violations: &mut Violations,
    field: impl FnOnce() -> Cow<'static, str>,
) -> Option<Box<str>> {
    if text.len() > limit_bytes {
        violations.add(field(), Rule::IdentifierLimit, format!("the value is longer than {limit_bytes} bytes"));
        return None;
    }
    if !holds_control(&text) {
        return trimmed(text);
    }
    if text.chars().any(|character| character.is_control() && !is_layout(character)) {
        violations.add(field(), Rule::InvalidValue, "the value holds a control character");
        return None;
    }
    match lines {
        Lines::One => trimmed(text.replace(is_layout, " ")),
        Lines::Many => trimmed(text),
    }
}

/// Without copying where there is nothing to trim.
fn trimmed(text: String) -> Option<Box<str>> {
    let kept = text.trim();
    match kept.len() {
        0 => None,
        length if length == text.len() => Some(text.into_boxed_str()),
        _ => Some(kept.into()),
    }
}

fn holds_control(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().any(|byte| byte.is_ascii_control());
    }
    text.chars().any(char::is_control)
}

fn is_layout(character: char) -> bool {
    matches!(character, '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, lines: Lines, expected: Result<Option<&str>, Rule>) {
        let mut violations = Violations::default();
        let cleaned = clean(text.to_owned(), lines, 16, &mut violations, || "lead.title".into());
        let got = if violations.is_empty() { Ok(cleaned.as_deref()) } else { Err(violations.leading_rule()) };
        assert_eq!(got, expected, "{text:?}");
    }

    #[test]
    fn values_are_trimmed_and_blank_ones_are_absent() {
        check("Head of Sales", Lines::One, Ok(Some("Head of Sales")));
        check("  Head ", Lines::One, Ok(Some("Head")));
        check(" \t\r\n ", Lines::One, Ok(None));
        check("", Lines::One, Ok(None));
        check("\u{a0}ü\u{3000}", Lines::One, Ok(Some("ü")));
    }

    #[test]
    fn layout_folds_to_a_blank_where_a_value_has_one_line() {
        check("a\tb\r\nc", Lines::One, Ok(Some("a b  c")));
        check("a\nb", Lines::Many, Ok(Some("a\nb")));
    }

    #[test]
    fn control_characters_and_long_values_are_refused() {
        for text in ["a\0b", "a\u{1b}[0m", "a\u{7f}", "a\u{85}b", "ü\u{9f}"] {
            check(text, Lines::One, Err(Rule::InvalidValue));
            check(text, Lines::Many, Err(Rule::InvalidValue));
        }
        check(&"x".repeat(16), Lines::One, Ok(Some(&"x".repeat(16))));
        check(&"x".repeat(17), Lines::One, Err(Rule::IdentifierLimit));
        check(&"ü".repeat(9), Lines::One, Err(Rule::IdentifierLimit));
    }
}
