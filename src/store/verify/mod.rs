//! What must be true of a store at rest, by name, and the walk that checks all of it.
//!
//! The walk reads one view, so it may run while the store is being written. It reads every row once and, for the rows that refer to
//! others, those as well; memory is bounded but for 24 bytes for each event with a payload.

mod checks;
mod walk;

use std::collections::BTreeMap;
use std::fmt;

use super::{EmbeddedView, ReadError, RowName};

/// Something that must be true of every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Every row can be read, its chunks are all there, and it holds what its key says.
    RowsAreReadable,
    /// No row is younger than the store, and none is of sequence 0.
    SequencesAreBounded,
    /// Every chunk row belongs to a value that counts it.
    ChunksBelongToValues,
    /// Every identity key has holders, and none twice.
    KeysHaveDistinctHolders,
    /// Every holder that a key names is a lead, not merged away, that carries the key.
    HoldersCarryTheirKeys,
    /// Every key that a lead carries names it as a holder, unless the lead was merged away.
    CarriedKeysNameTheirLead,
    /// Every merged lead leads, step by step, to one that was not merged.
    MergesLeadToALead,
    /// Every lead that an open review is about exists.
    ReviewsNameLeads,
    /// Every lead that a dead letter is about exists.
    DeadLettersNameLeads,
    /// The feed's positions are 1, 2, 3, … without a gap.
    FeedIsGapFree,
    /// The feed is in the order of the commits.
    FeedIsInOrder,
    /// The feed and the marker of the last batch end at the same position.
    FeedEndsAtThePosition,
    /// Every payload belongs to an event of the feed that has one.
    PayloadsBelongToEvents,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 13] = [
        Self::RowsAreReadable,
        Self::SequencesAreBounded,
        Self::ChunksBelongToValues,
        Self::KeysHaveDistinctHolders,
        Self::HoldersCarryTheirKeys,
        Self::CarriedKeysNameTheirLead,
        Self::MergesLeadToALead,
        Self::ReviewsNameLeads,
        Self::DeadLettersNameLeads,
        Self::FeedIsGapFree,
        Self::FeedIsInOrder,
        Self::FeedEndsAtThePosition,
        Self::PayloadsBelongToEvents,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::RowsAreReadable => "rows-are-readable",
            Self::SequencesAreBounded => "sequences-are-bounded",
            Self::ChunksBelongToValues => "chunks-belong-to-values",
            Self::KeysHaveDistinctHolders => "keys-have-distinct-holders",
            Self::HoldersCarryTheirKeys => "holders-carry-their-keys",
            Self::CarriedKeysNameTheirLead => "carried-keys-name-their-lead",
            Self::MergesLeadToALead => "merges-lead-to-a-lead",
            Self::ReviewsNameLeads => "reviews-name-leads",
            Self::DeadLettersNameLeads => "dead-letters-name-leads",
            Self::FeedIsGapFree => "feed-is-gap-free",
            Self::FeedIsInOrder => "feed-is-in-order",
            Self::FeedEndsAtThePosition => "feed-ends-at-the-position",
            Self::PayloadsBelongToEvents => "payloads-belong-to-events",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A row of which an invariant is not true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What is not true.
    pub invariant: Invariant,
    /// Of which row.
    pub row: RowName,
    /// In what way.
    pub problem: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.invariant, self.row, self.problem)
    }
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many rows, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// How many violations were reported.
    pub violations: u64,
}

impl EmbeddedView {
    /// Checks every [`Invariant`] of everything in the view, and reports each violation as it is found.
    ///
    /// # Errors
    ///
    /// Only when the disk cannot be read: what is read and makes no sense is a violation.
    pub fn verify(&self, report: &mut dyn FnMut(Violation)) -> Result<Checked, ReadError> {
        walk::Walk::new(self, report).run()
    }
}

#[cfg(test)]
mod tests;
