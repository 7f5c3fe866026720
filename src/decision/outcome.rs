//! What is answered to a caller: the decision, what was done about it, and what the caller should do.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{FieldKey, Lead, LeadId, LinkedId, ReviewId, SourceName};

use super::reason::{Reason, ReasonCode};
use super::tier::{MatchLevel, MatchTier};

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum UpsertStatus {
    /// A lead was made.
    Created = 1,
    /// A lead was changed.
    Updated = 2,
    /// A lead was found and nothing differed.
    Unchanged = 3,
    /// Nothing was done, for the reasons given.
    Skipped = 4,
    /// The payload was parked for a person.
    Review = 5,
    /// The person was erased; nothing was stored.
    Suppressed = 6,
}

impl UpsertStatus {
    /// The status with this stable number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Unchanged, Self::Skipped, Self::Review, Self::Suppressed]
            .into_iter()
            .find(|status| *status as u8 == number)
    }
}

/// Two tiers that point at different leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The tier that was not followed.
    pub tier: MatchTier,
    /// The lead it points at.
    pub lead_id: LeadId,
    /// The field whose value points there, e.g. `email`.
    pub value_field: Box<str>,
}

/// One field compared. Personal data: the values are shown to the caller and never logged or stored in the feed.
#[derive(Clone, PartialEq)]
pub struct Comparison {
    /// The field compared.
    pub field: &'static str,
    /// The caller's value.
    pub incoming: Box<str>,
    /// The lead's value.
    pub existing: Box<str>,
    /// 0..1.
    pub similarity: f64,
    /// The policy's name for how alike they are.
    pub level: &'static str,
    /// log2 Bayes factor; 0 where a tier decides by decree.
    pub weight: f64,
}

impl std::fmt::Debug for Comparison {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Comparison")
            .field("field", &self.field)
            .field("similarity", &self.similarity)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

/// A lead that might be the one.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Which lead.
    pub lead_id: LeadId,
    /// The lead as it was looked at; `None` where a comparison turned it down and nobody asked why.
    pub lead: Option<Arc<Lead>>,
    /// How sure.
    pub level: MatchLevel,
    /// The highest tier that speaks for it.
    pub matched_by: MatchTier,
    /// 0..1; 1 for an exact tier that unites.
    pub score: f64,
    /// log2 of the odds that it is the same lead, prior included; 0 where no comparison decided.
    pub weight: f64,
    /// The fields compared, where asked for.
    pub comparisons: Vec<Comparison>,
    /// Why its level is what it is.
    pub reasons: Vec<Reason>,
}

/// Which lead a payload belongs to, and why.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// The best candidate's level.
    pub level: MatchLevel,
    /// The tier that decided.
    pub matched_by: Option<MatchTier>,
    /// The best match.
    pub lead_id: Option<LeadId>,
    /// Its score, 0..1.
    pub score: f64,
    /// Candidates, best first.
    pub candidates: Vec<Candidate>,
    /// Tiers that point elsewhere.
    pub conflicts: Vec<Conflict>,
    /// Whether a cap cut the candidates short.
    pub truncated: bool,
    /// What comparisons were weighed with; `None` where none were made.
    pub weighed: Option<Weighing>,
}

/// What comparisons were weighed with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighing {
    /// log2 of the odds that two leads taken at random are one.
    pub prior: f64,
    /// The version of the frequency table; 0 for the one that ships.
    pub frequency_table: u64,
}

/// A value that was not taken. Personal data: shown to the caller, never stored in a reply record.
#[derive(Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Which field.
    pub field: FieldKey,
    /// What the caller sent.
    pub incoming: Box<str>,
    /// What the lead keeps; empty where it holds nothing.
    pub kept: Box<str>,
    /// The source of the value kept.
    pub source: Option<SourceName>,
    /// Why.
    pub reason: ReasonCode,
}

impl std::fmt::Debug for Withheld {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Withheld")
            .field("field", &self.field)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// What to do in the target system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum WriteAction {
    /// Nothing: the target holds what the lead holds.
    None = 1,
    /// Create the lead there, then report it.
    Create = 2,
    /// Update the record named.
    Update = 3,
    /// Another caller is creating it: stop, or ask again later.
    Wait = 4,
}

impl WriteAction {
    /// The action with this stable number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::None, Self::Create, Self::Update, Self::Wait].into_iter().find(|action| *action as u8 == number)
    }
}

/// What the caller should write to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteInstruction {
    /// The target.
    pub target: SourceName,
    /// What to do there.
    pub action: WriteAction,
    /// The record to update.
    pub external_id: Option<Box<str>>,
    /// Further live records of that system.
    pub other_external_ids: Vec<Box<str>>,
    /// What differs from what the target was last reported to hold.
    pub changed_fields: Vec<FieldKey>,
    /// To be shown when reporting.
    pub claim_token: Option<Box<str>>,
    /// Until when a claim to create holds.
    pub claim_expire_time: Option<Timestamp>,
    /// How long to wait before asking again.
    pub retry_after: Option<SignedDuration>,
}

/// The answer to an upsert or a match.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was done, or would be done.
    pub status: UpsertStatus,
    /// The lead written, or found.
    pub lead_id: Option<LeadId>,
    /// Its version afterwards; 0 without a lead.
    pub version: i64,
    /// Which lead, and why.
    pub decision: Decision,
    /// The external ids of the lead.
    pub external_ids: Vec<LinkedId>,
    /// What to write to the target; absent where no target was named.
    pub write: Option<WriteInstruction>,
    /// What was not taken.
    pub withheld: Vec<Withheld>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The review opened or already open.
    pub review_id: Option<ReviewId>,
    /// The lead as it stands afterwards.
    pub lead: Option<Arc<Lead>>,
}
