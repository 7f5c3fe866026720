//! Names of companies.

use std::fmt;

use super::blank::is_blocked;
use super::folding::fold;

/// A company's name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CompanyName {
    given: Box<str>,
    folded: Box<str>,
    core: Box<str>,
}

impl CompanyName {
    /// Reads a name; `None` when it is blank, blocked, or has neither letter nor digit.
    pub fn parse(text: &str) -> Option<Self> {
        let folded: Box<str> = fold(text).into();
        (!is_blocked(text) && !folded.is_empty()).then(|| Self { given: text.into(), core: folded.clone(), folded })
    }

    /// The name as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The whole name, folded.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The folded name without legal forms and articles; never empty.
    pub fn core(&self) -> &str {
        &self.core
    }
}

impl fmt::Debug for CompanyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompanyName([redacted])")
    }
}
