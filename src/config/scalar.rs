//! Reads single values: texts, choices, numbers, probabilities and durations. Each says what it allows.

use jiff::SignedDuration;

use crate::domain::{CountryCode, FieldKey, SourceName};

use super::document::Value;
use super::section::Problem;

/// A text. A bare number or `true` is refused with the advice to quote it.
pub(crate) fn text(value: &Value) -> Result<&str, Problem> {
    match value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text.trim()),
        Value::Bool(_) | Value::Integer(_) | Value::Number(_) => {
            Err(Problem::not(value, "a text; write a number or a truth value in quotes"))
        }
        _ => Err(Problem::not(value, "a text that is not empty")),
    }
}

/// A text of at most `longest` characters, none of them a control character.
pub(crate) fn short_text(longest: usize) -> impl Fn(&Value) -> Result<Box<str>, Problem> {
    move |value| {
        let text = text(value)?;
        if text.chars().count() > longest || text.chars().any(char::is_control) {
            return Err(Problem::not(value, format!("at most {longest} characters, none of them a control character")));
        }
        Ok(text.into())
    }
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(choices: &[(&'static str, T)]) -> impl Fn(&Value) -> Result<T, Problem> {
    move |value| {
        let word = match value {
            Value::Text(text) => text.as_str(),
            _ => "",
        };
        choices.iter().find(|(name, _)| *name == word).map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            Problem::not(value, names.join(", "))
        })
    }
}

/// `true` or `false`.
pub(crate) fn truth(value: &Value) -> Result<bool, Problem> {
    match value {
        Value::Bool(value) => Ok(*value),
        _ => Err(Problem::not(value, "true or false")),
    }
}

/// A whole number within bounds, both included.
pub(crate) fn integer(lowest: i64, highest: i64) -> impl Fn(&Value) -> Result<i64, Problem> {
    move |value| match value {
        Value::Integer(number) if (lowest..=highest).contains(number) => Ok(*number),
        _ => Err(Problem::not(value, format!("a whole number from {lowest} to {highest}"))),
    }
}

/// A number within bounds, both included.
pub(crate) fn number(lowest: f64, highest: f64) -> impl Fn(&Value) -> Result<f64, Problem> {
    move |value| {
        let number = real(value);
        let fits = (lowest..=highest).contains(&number);
        fits.then_some(number).ok_or_else(|| Problem::not(value, format!("a number from {lowest} to {highest}")))
    }
}

/// A probability.
pub(crate) fn probability(value: &Value) -> Result<f64, Problem> {
    number(0.0, 1.0)(value)
}

/// A number with or without a fraction; not a number where it is none.
fn real(value: &Value) -> f64 {
    match value {
        Value::Integer(number) => *number as f64,
        Value::Number(number) => *number,
        _ => f64::NAN,
    }
}

/// A duration such as `500ms`, `60s`, `10m`, `12h` or `7d`, within bounds, both included.
pub(crate) fn duration(
    lowest: SignedDuration,
    highest: SignedDuration,
) -> impl Fn(&Value) -> Result<SignedDuration, Problem> {
    move |value| {
        let text = match value {
            Value::Text(text) => text.as_str(),
            _ => "",
        };
        parse_duration(text).filter(|duration| (lowest..=highest).contains(duration)).ok_or_else(|| {
            let bounds = format!("from {} to {}", shown_duration(lowest), shown_duration(highest));
            Problem::not(value, format!("a number with a unit (ms, s, m, h, d), {bounds}"))
        })
    }
}

/// Reads `500ms`, `60s`, `10m`, `12h` or `7d`.
pub(crate) fn parse_duration(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    let unit_at = text.find(|character: char| !character.is_ascii_digit())?;
    let number: i64 = text[..unit_at].parse().ok()?;
    let milliseconds = match text[unit_at..].trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(SignedDuration::from_millis)
}

/// A duration in the largest unit that shows it whole.
pub(crate) fn shown_duration(duration: SignedDuration) -> String {
    let milliseconds = duration.as_millis();
    let (size, unit) = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(size, _)| milliseconds != 0 && milliseconds % size == 0)
        .unwrap_or((1, "ms"));
    format!("{}{unit}", milliseconds / size)
}

/// The name of a source.
pub(crate) fn source_name(value: &Value) -> Result<SourceName, Problem> {
    source_name_text(text(value)?)
}

/// The name of a source, as a key.
pub(crate) fn source_name_text(text: &str) -> Result<SourceName, Problem> {
    SourceName::parse(text)
        .map_err(|error| Problem { problem: error.to_string(), allowed: "1 to 100 characters".into() })
}

/// The name of a lead's field, as a key.
pub(crate) fn field_key_text(text: &str) -> Result<FieldKey, Problem> {
    text.parse().map_err(|_| Problem {
        problem: "is no field of a lead".into(),
        allowed: "a field of LeadInput such as `company`, `attributes.KEY`, `pipelines`".into(),
    })
}

/// The name of a lead's field.
pub(crate) fn field_key(value: &Value) -> Result<FieldKey, Problem> {
    field_key_text(text(value)?)
}

/// A country.
pub(crate) fn country(value: &Value) -> Result<CountryCode, Problem> {
    CountryCode::parse(text(value)?).map_err(|_| Problem::not(value, "a country code of ISO 3166-1 such as DE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown_in_their_largest_unit() {
        for (text, milliseconds, shown) in [
            ("500ms", 500, "500ms"),
            ("60s", 60_000, "1m"),
            ("90s", 90_000, "90s"),
            ("10m", 600_000, "10m"),
            ("24h", 86_400_000, "1d"),
            ("7d", 604_800_000, "7d"),
            ("0s", 0, "0ms"),
        ] {
            let duration = parse_duration(text).expect(text);
            assert_eq!((duration.as_millis(), shown_duration(duration).as_str()), (milliseconds, shown), "{text}");
        }
        for text in ["", "60", "s", "-1s", "1.5h", "1 week", "99999999999999999d", "é"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_is_never_a_bare_number() {
        assert_eq!(text(&Value::Text(" a ".into())), Ok("a"));
        assert!(text(&Value::Integer(1)).is_err_and(|problem| problem.allowed.contains("quotes")));
        assert!(text(&Value::Null).is_err());
    }
}
