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
    pub fn parse(
        source: SourceName,
        raw: &str,
        format: ExternalIdFormat,
        prefix: Option<&str>,
    ) -> Result<Option<Self>, ExternalIdError> {
        let _ = (format, prefix);
        let value = raw.trim();
        if is_blocked(value) {
            return Ok(None);
        }
        if value.chars().count() > MAX_CHARS {
            return Err(ExternalIdError::TooLong);
        }
        Ok(Some(Self { source, value: value.into() }))
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

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternalId({:?}, [redacted])", self.source.as_str())
    }
}
