//! The tiers by which a lead can be matched, and how sure a match is.

/// A way to match, in the order in which they decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MatchTier {
    /// The request names the lead.
    LeadId = 1,
    /// An id in another system.
    ExternalId = 2,
    /// A normalised email address.
    Email = 3,
    /// A phone number, with a compatible name.
    Phone = 4,
    /// Several fields that are alike.
    Fuzzy = 5,
}

impl MatchTier {
    /// The tier with this stable number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::LeadId, Self::ExternalId, Self::Email, Self::Phone, Self::Fuzzy]
            .into_iter()
            .find(|tier| *tier as u8 == number)
    }
}

/// How sure a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum MatchLevel {
    /// No match.
    #[default]
    None = 1,
    /// In the review band, or a shared key whose guard failed.
    Possible = 2,
    /// The same lead.
    Match = 3,
}
