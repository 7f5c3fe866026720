//! Identities that other systems gave a lead.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::blank::is_blocked;

/// Longest source name and longest external id, in characters.
const MAX_CHARS: usize = 100;

/// Why a text is not the name of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SourceNameError {
    /// Nothing but white space.
    #[error("the source is blank")]
    Blank,
    /// Longer than a hundred characters.
    #[error("the source is longer than {MAX_CHARS} characters")]
    TooLong,
    /// Holds a control character.
    #[error("the source holds a control character")]
    ControlCharacter,
}

/// A system that writes leads or receives them. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// Trims; 1 to 100 characters, none of them a control character; case is kept.
    pub fn parse(text: &str) -> Result<Self, SourceNameError> {
        let text = text.trim();
        match () {
            () if text.is_empty() => Err(SourceNameError::Blank),
            () if text.chars().count() > MAX_CHARS => Err(SourceNameError::TooLong),
            () if text.chars().any(char::is_control) => Err(SourceNameError::ControlCharacter),
            () => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a source writes its ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExternalIdFormat {
    /// As they come.
    #[default]
    Plain,
    /// Fifteen characters, or eighteen of which the last three are a checksum of their case.
    Salesforce,
}

/// Why a text cannot be an external id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExternalIdError {
    /// Longer than a hundred characters.
    #[error("the external id is longer than {MAX_CHARS} characters")]
    TooLong,
    /// Holds a control character.
    #[error("the external id holds a control character")]
    ControlCharacter,
}

/// The identity of a lead in one source; case is kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId {
    source: SourceName,
    value: Box<str>,
}

impl ExternalId {
    /// Reads an id as `source` writes it; `None` when it is blank or blocked.
    ///
    /// `prefix` is what the source may put before its ids: `MKTG-12345` and `12345` are one id, kept without it.
    pub fn parse(
        source: SourceName,
        raw: &str,
        format: ExternalIdFormat,
        prefix: Option<&str>,
    ) -> Result<Option<Self>, ExternalIdError> {
        let value = without_prefix(raw.trim(), prefix.map_or("", str::trim));
        let value = match format {
            ExternalIdFormat::Plain => value,
            ExternalIdFormat::Salesforce => without_checksum(value),
        };
        match () {
            () if is_blocked(value) => Ok(None),
            () if value.chars().count() > MAX_CHARS => Err(ExternalIdError::TooLong),
            () if value.chars().any(char::is_control) => Err(ExternalIdError::ControlCharacter),
            () => Ok(Some(Self { source, value: value.into() })),
        }
    }

    /// The system that gave the id.
    pub fn source(&self) -> &SourceName {
        &self.source
    }

    /// The id in its one form.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Takes the prefix off as often as it is there.
fn without_prefix<'a>(value: &'a str, prefix: &str) -> &'a str {
    let mut value = value;
    while let Some(rest) = value.strip_prefix(prefix).filter(|_| !prefix.is_empty()) {
        value = rest.trim_start();
    }
    value
}

/// The first fifteen characters of an eighteen-character Salesforce id whose checksum holds; other values as they are.
fn without_checksum(value: &str) -> &str {
    let is_id = value.len() == 18 && value.bytes().all(|b| b.is_ascii_alphanumeric());
    let (id, checksum) = if is_id { value.split_at(15) } else { return value };
    let expected = id.as_bytes().chunks(5).map(case_checksum);
    if expected.eq(checksum.bytes()) { id } else { value }
}

/// Salesforce's letter for which of five characters are upper-case, the first being the lowest bit.
fn case_checksum(five: &[u8]) -> u8 {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let bits = five.iter().rev().fold(0, |bits, b| bits << 1 | usize::from(b.is_ascii_uppercase()));
    LETTERS[bits & 31]
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternalId({:?}, [redacted])", self.source.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source() -> SourceName {
        SourceName::parse("crm").unwrap()
    }

    #[test]
    fn sources_are_trimmed_and_bounded() {
        let check = |text: &str, name: Result<&str, SourceNameError>| {
            assert_eq!(SourceName::parse(text).as_ref().map(SourceName::as_str), name.as_ref().copied(), "{text:?}");
        };
        check(" Webinar.Contact ", Ok("Webinar.Contact"));
        check("日本", Ok("日本"));
        check("  ", Err(SourceNameError::Blank));
        check("a\nb", Err(SourceNameError::ControlCharacter));
        check(&"x".repeat(100), Ok(&"x".repeat(100)));
        check(&"x".repeat(101), Err(SourceNameError::TooLong));
    }

    #[test]
    fn ids_are_read_as_their_source_writes_them() {
        let check = |raw: &str, format: ExternalIdFormat, prefix: Option<&str>, value: Option<&str>| {
            let id = ExternalId::parse(source(), raw, format, prefix).unwrap();
            assert_eq!(id.as_ref().map(ExternalId::value), value, "{raw:?}");
        };
        use ExternalIdFormat::{Plain, Salesforce};
        check(" aB-1 ", Plain, None, Some("aB-1"));
        check("111", Plain, None, Some("111"));
        check("", Plain, None, None);
        check("NULL", Plain, None, None);
        check("{{lead.Id}}", Plain, None, None);
        check("MKTG-12345", Plain, Some("MKTG-"), Some("12345"));
        check("12345", Plain, Some("MKTG-"), Some("12345"));
        check("MKTG-MKTG-12345", Plain, Some("MKTG-"), Some("12345"));
        check("MKTG-", Plain, Some("MKTG-"), None);
        check("MKTG-null", Plain, Some("MKTG-"), None);
        check("mktg-12345", Plain, Some("MKTG-"), Some("mktg-12345"));
        check("12345", Plain, Some(""), Some("12345"));
        check("0015000000Gv7qJAAR", Salesforce, None, Some("0015000000Gv7qJ"));
        check("0015000000Gv7qJ", Salesforce, None, Some("0015000000Gv7qJ"));
        check("0015000000Gv7qJAAB", Salesforce, None, Some("0015000000Gv7qJAAB"));
        check("0015000000Gv7qJAAR", Plain, None, Some("0015000000Gv7qJAAR"));
        check("003D000000QV9n2IAD", Salesforce, None, Some("003D000000QV9n2"));
    }

    #[test]
    fn unusable_ids_are_refused() {
        let check = |raw: &str, error: ExternalIdError| {
            assert_eq!(ExternalId::parse(source(), raw, ExternalIdFormat::Plain, None), Err(error));
        };
        check(&"x".repeat(101), ExternalIdError::TooLong);
        check("a\u{0}b", ExternalIdError::ControlCharacter);
    }

    #[test]
    fn no_id_shows_itself() {
        let id = ExternalId::parse(source(), "secret", ExternalIdFormat::Plain, None).unwrap().unwrap();
        assert_eq!(format!("{id:?}"), "ExternalId(\"crm\", [redacted])");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn parsing_twice_changes_nothing(raw in ".{0,30}|(A-){0,3}[a-zA-Z0-9]{15}[A-Z0-5]{0,3}", salesforce: bool, prefix in proptest::option::of("A-|[ a]{0,2}")) {
            let format = if salesforce { ExternalIdFormat::Salesforce } else { ExternalIdFormat::Plain };
            let parse = |raw: &str| ExternalId::parse(source(), raw, format, prefix.as_deref());
            let Ok(Some(once)) = parse(&raw) else { return Ok(()) };
            prop_assert_eq!(parse(once.value()), Ok(Some(once.clone())));
        }
    }
}
