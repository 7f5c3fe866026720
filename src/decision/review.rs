//! What waits for a person: possible duplicates, parked payloads and dead letters.

use std::fmt;

use jiff::Timestamp;

use crate::domain::{DeadLetterId, LeadId, ReviewId, SourceName};

use super::reason::ReasonCode;

/// What a review asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReviewKind {
    /// Are these two leads the same?
    PossibleDuplicate = 1,
    /// Which lead does this payload belong to?
    ParkedPayload = 2,
    /// May a bulk source overwrite these values?
    BulkOverwrite = 3,
}

impl ReviewKind {
    /// The kind with this stable number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::PossibleDuplicate, Self::ParkedPayload, Self::BulkOverwrite]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// Whether somebody still has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReviewState {
    /// Waiting.
    Open = 1,
    /// Answered.
    Resolved = 2,
}

impl ReviewState {
    /// The state with this stable number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Open, Self::Resolved].into_iter().find(|state| *state as u8 == number)
    }
}

/// A request as it came, kept whole: the wire bytes of its `UpsertRequest`. Personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(pub Box<[u8]>);

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Payload({} bytes)", self.0.len())
    }
}

/// A question for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Derived from what it asks, so that a retry opens no second one.
    pub review_id: ReviewId,
    /// What it asks.
    pub kind: ReviewKind,
    /// Whether it still waits.
    pub state: ReviewState,
    /// The source whose request opened it.
    pub source: SourceName,
    /// The leads concerned: the pair, or the candidates of a parked payload.
    pub lead_ids: Vec<LeadId>,
    /// The parked payload.
    pub payload: Option<Payload>,
    /// Why it was opened.
    pub reasons: Vec<ReasonCode>,
    /// The best score, 0..1, in thousandths.
    pub score_thousandths: u32,
    /// When it was opened.
    pub create_time: Timestamp,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DeadLetterKind {
    /// A payload that could become no lead.
    Payload = 1,
    /// A write to a target system.
    CrmWrite = 2,
}

impl DeadLetterKind {
    /// The kind with this stable number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Payload, Self::CrmWrite].into_iter().find(|kind| *kind as u8 == number)
    }
}

/// Something that failed, kept whole until it is replayed or discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Derived from its content, so that a retry makes no second one.
    pub dead_letter_id: DeadLetterId,
    /// What failed.
    pub kind: DeadLetterKind,
    /// The source of the payload, or the target of the write.
    pub source: SourceName,
    /// The lead of a failed write.
    pub lead_id: Option<LeadId>,
    /// The payload.
    pub payload: Option<Payload>,
    /// Why.
    pub reason: Option<ReasonCode>,
    /// The target's own error code, as reported.
    pub error_code: Box<str>,
    /// The target's own message, as reported; may hold personal data.
    pub error_message: Payload,
    /// Whether the reporter thinks that trying again helps.
    pub retryable: bool,
    /// When it first failed.
    pub create_time: Timestamp,
    /// How often it failed in the same way.
    pub attempts: u32,
}
