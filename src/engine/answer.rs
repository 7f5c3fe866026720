//! What the engine answers, and why it could not.

use std::sync::Arc;
use std::time::Duration;

use crate::decision::outcome::{Comparison, Outcome, WriteInstruction};
use crate::decision::plan::PlanError;
use crate::decision::reason::Reason;
use crate::decision::review::{DeadLetter, Payload, Review};
use crate::decision::rows::FeedEntry;
use crate::decision::tier::MatchTier;
use crate::domain::{ExternalId, Lead, LeadId, SourceName};

/// The answer to an upsert or a match. Everything it names is durable.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was done, and why.
    pub outcome: Outcome,
    /// The decision's id.
    pub decision_id: Box<str>,
    /// The policy that decided.
    pub policy_version: Box<str>,
    /// Whether this is the reply that the request id got before.
    pub replayed: bool,
    /// The first item of the same batch or stream that ended on the same lead.
    pub same_as_client_ref: Option<Box<str>>,
    /// What it names that is only previewed.
    pub unborn: Unborn,
}

/// What the answer to a preview names that is not there: nobody will ever find it under these ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unborn {
    /// Leads that this item or an earlier one of the same batch would have made.
    pub lead_ids: Vec<LeadId>,
    /// Whether the review is about one of them, which its id is derived from.
    pub review: bool,
}

/// Why a request was not done. What the caller can do about it tells the variants apart.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestError {
    /// The request cannot be done as asked.
    #[error(transparent)]
    Refused(#[from] PlanError),
    /// The request id was used with another body.
    #[error("this request_id was used before with another body: use a new request_id for a new request")]
    RequestIdReused,
    /// Too many requests wait for the same key.
    #[error("too many requests wait for the same key: retry after the given delay")]
    KeyQueueFull {
        /// When to retry.
        retry_after: Duration,
    },
    /// More writes come than the configured rate.
    #[error("more writes than the configured rate: retry after the given delay")]
    RateLimited {
        /// When to retry.
        retry_after: Duration,
    },
    /// Admission is closed: too much waits to be committed or indexed, or the disk is nearly full.
    #[error("overloaded: {what}; retry after the given delay")]
    Overloaded {
        /// What is short.
        what: &'static str,
        /// When to retry.
        retry_after: Duration,
    },
    /// Batches and streams of previews hold as much as they may.
    #[error(
        "the previews that are under way hold as much as they may: preview less at a time, or raise preview_memory_mib"
    )]
    PreviewsFull {
        /// How much that is, over all of them.
        limit_bytes: usize,
    },
    /// The state kept changing under the decision.
    #[error("the lead's keys kept changing while it was decided: retry after the given delay")]
    Contention {
        /// When to retry.
        retry_after: Duration,
    },
    /// The engine is starting, draining or stopped.
    #[error("not ready: {what}; retry later")]
    Unavailable {
        /// Why.
        what: &'static str,
    },
    /// The commit failed: whether the change is durable is unknown.
    #[error("the commit's outcome is unknown: retry with the same request_id")]
    CommitOutcomeUnknown,
    /// The text cannot be searched for.
    #[error("{0}")]
    InvalidSearch(String),
    /// The store cannot be read.
    #[error("the store cannot be read")]
    ReadFailed,
}

/// Which lead to get.
#[derive(Debug, Clone)]
pub enum LeadSelector {
    /// By its own id.
    LeadId(LeadId),
    /// By an id in another system.
    ExternalId(ExternalId),
    /// By a normalised email address.
    Email(Box<str>),
}

/// A lead found, merges followed.
#[derive(Debug, Clone)]
pub struct FoundLead {
    /// The lead.
    pub lead: Arc<Lead>,
    /// The merged lead that was asked for, where it was one.
    pub redirected_from: Option<LeadId>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end. Opaque to everybody but the engine.
    pub next: Option<Vec<u8>>,
}

/// The answer to a report about a target.
#[derive(Debug, Clone)]
pub struct ReportAnswer {
    /// The lead; `None` where it is not known.
    pub lead_id: Option<LeadId>,
    /// What to do next.
    pub next: Option<WriteInstruction>,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// An event of the feed with its payload, where it has one.
#[derive(Debug, Clone)]
pub struct FeedItem {
    /// The event.
    pub entry: FeedEntry,
    /// The payload that was decided about.
    pub payload: Option<Arc<Payload>>,
}

/// A review, as listed.
pub type ListedReview = Arc<Review>;

/// A dead letter, as listed.
pub type ListedDeadLetter = Arc<DeadLetter>;

/// Two leads that match.
#[derive(Debug, Clone)]
pub struct DuplicatePair {
    /// One of them, the lower id.
    pub lead_id_a: LeadId,
    /// The other.
    pub lead_id_b: LeadId,
    /// What the tier says, 0..1.
    pub score: f64,
    /// The highest tier that speaks for it.
    pub matched_by: MatchTier,
    /// What was compared where it is their likeness that speaks for it; `a` is the incoming side.
    pub comparisons: Vec<Comparison>,
}

/// Records to merge in another system.
#[derive(Debug, Clone)]
pub struct RecordMerge {
    /// The system.
    pub source: SourceName,
    /// The record to keep.
    pub survivor_external_id: Box<str>,
    /// The records to merge into it.
    pub loser_external_ids: Vec<Box<str>>,
}

/// Leads that are likely the same.
#[derive(Debug, Clone)]
pub struct DuplicateGroup {
    /// Derived from its lowest lead id: the same group keeps its name while that lead is in it.
    pub group_id: LeadId,
    /// The members, by id.
    pub members: Vec<Arc<Lead>>,
    /// The pairs that hold it together.
    pub pairs: Vec<DuplicatePair>,
    /// The lead to keep: has an external id, then most complete, then oldest.
    pub suggested_survivor: LeadId,
    /// The weakest pair's score.
    pub weakest_score: f64,
    /// Records to merge in other systems.
    pub record_merges: Vec<RecordMerge>,
}
