//! Names of people.

use std::fmt;

use super::blank::is_blocked;
use super::folding::fold_words;

/// Which bearer of a name somebody is in the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// Sr, or I.
    Senior,
    /// Jr.
    Junior,
    /// II.
    Second,
    /// III.
    Third,
    /// IV.
    Fourth,
    /// V.
    Fifth,
}

/// A person's name, folded for comparison. At least one of given and family name is there.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName {
    given: Box<[Box<str>]>,
    family: Box<str>,
    generation: Option<Generation>,
}

impl PersonName {
    /// Reads a name from what a lead has of it; `None` when nothing of it is a name.
    pub fn from_parts(first: Option<&str>, last: Option<&str>, full: Option<&str>) -> Option<Self> {
        let usable = |part: Option<&str>| part.filter(|text| !is_blocked(text)).map(fold_words);
        let (first, last) = (usable(first), usable(last));
        let given = first.or_else(|| usable(full)).unwrap_or_default();
        let given: Box<[Box<str>]> = given.split_whitespace().map(Into::into).collect();
        let family: Box<str> = last.unwrap_or_default().into();
        (!given.is_empty() || !family.is_empty()).then_some(Self { given, family, generation: None })
    }

    /// Given names, folded, in order; initials are single letters. Empty when only the family name is known.
    pub fn given(&self) -> &[Box<str>] {
        &self.given
    }

    /// Family name, folded, with its particles; empty when unknown.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// The generation suffix, when the name had one.
    pub fn generation(&self) -> Option<Generation> {
        self.generation
    }

    /// True when given names, family name and generation are the same after folding.
    pub fn is_equal_to(&self, other: &Self) -> bool {
        self == other
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName([redacted])")
    }
}
