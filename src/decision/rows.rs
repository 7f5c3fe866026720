//! Durable state as rows: what a decision reads, and what its change set writes.
//!
//! Every piece of state is one row, `key -> (sequence of its last change, value)`. Preconditions are about rows, so that the
//! sequencer needs to know nothing of what they mean.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::{DeadLetterId, FieldKey, Lead, LeadId, LinkedId, ReviewId, SourceName, TenantId};

use super::identity_key::{IdentityKey, KeyHolders};
use super::matching::FrequencyTable;
use super::outcome::{Conflict, UpsertStatus, Weighing, WriteInstruction};
use super::reason::Reason;
use super::review::{DeadLetter, Payload, Review};
use super::tier::{MatchLevel, MatchTier};

/// What kind of row a key names. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RowClass {
    /// A lead by id.
    Lead = 1,
    /// An identity key's holders.
    Key = 2,
    /// A recorded reply by request id.
    Request = 3,
    /// A review.
    Review = 4,
    /// A dead letter.
    DeadLetter = 5,
    /// The payload of one decision: the personal part of the feed, keyed by lead and sequence.
    Payload = 6,
    /// A blocking key: never stored, only its last change is kept while decisions are in flight.
    Block = 7,
    /// How common values are among a tenant's leads.
    Frequencies = 8,
}

impl RowClass {
    /// The classes that are stored.
    pub const STORED: [Self; 7] =
        [Self::Lead, Self::Key, Self::Request, Self::Review, Self::DeadLetter, Self::Payload, Self::Frequencies];
}

/// The name of a row: its class, and tenant and id as bytes. Two keys are equal when their bytes are.
///
/// The bytes are `tenant 0x00 id`; a tenant holds no zero byte. Rows of one tenant lie together, in the order of their ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    class: RowClass,
    bytes: Arc<[u8]>,
}

impl RowKey {
    fn new(class: RowClass, tenant: &TenantId, parts: &[&[u8]]) -> Self {
        let length = tenant.as_str().len() + 1 + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(tenant.as_str().as_bytes());
        bytes.push(0);
        for part in parts {
            bytes.extend_from_slice(part);
        }
        Self { class, bytes: bytes.into() }
    }

    /// The row of a lead.
    pub fn lead(tenant: &TenantId, lead_id: LeadId) -> Self {
        Self::new(RowClass::Lead, tenant, &[lead_id.as_bytes()])
    }

    /// The row of an identity key.
    pub fn identity(tenant: &TenantId, key: &IdentityKey) -> Self {
        Self::new(RowClass::Key, tenant, &[&[key.tier() as u8], key.text().as_bytes()])
    }

    /// The row of a request id.
    pub fn request(tenant: &TenantId, source: &SourceName, request_id: &str) -> Self {
        Self::new(RowClass::Request, tenant, &[source.as_str().as_bytes(), &[0], request_id.as_bytes()])
    }

    /// The row of a report's request id: a target that is also a source may use the same ids for both.
    pub fn report(tenant: &TenantId, target: &SourceName, request_id: &str) -> Self {
        Self::new(RowClass::Request, tenant, &[target.as_str().as_bytes(), &[0, 0], request_id.as_bytes()])
    }

    /// The row of a review.
    pub fn review(tenant: &TenantId, review_id: ReviewId) -> Self {
        Self::new(RowClass::Review, tenant, &[review_id.as_bytes()])
    }

    /// The row of a dead letter.
    pub fn dead_letter(tenant: &TenantId, dead_letter_id: DeadLetterId) -> Self {
        Self::new(RowClass::DeadLetter, tenant, &[dead_letter_id.as_bytes()])
    }

    /// The row of a blocking key.
    pub fn block(tenant: &TenantId, block: u64) -> Self {
        Self::new(RowClass::Block, tenant, &[&block.to_be_bytes()])
    }

    /// The row of a tenant's frequency table.
    pub fn frequencies(tenant: &TenantId) -> Self {
        Self::new(RowClass::Frequencies, tenant, &[])
    }

    /// The row of a decision's payload.
    pub fn payload(tenant: &TenantId, lead_id: LeadId, sequence: u64) -> Self {
        Self::new(RowClass::Payload, tenant, &[lead_id.as_bytes(), &sequence.to_be_bytes()])
    }

    /// A key as the store holds it.
    pub fn from_stored(class: RowClass, bytes: &[u8]) -> Self {
        Self { class, bytes: bytes.into() }
    }

    /// What kind of row it names.
    pub fn class(&self) -> RowClass {
        self.class
    }

    /// The bytes under which it is stored, within its class.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The tenant's name and the part behind it; `None` where the bytes are not of this form.
    pub fn split(&self) -> Option<(&str, &[u8])> {
        let end = self.bytes.iter().position(|byte| *byte == 0)?;
        Some((std::str::from_utf8(&self.bytes[..end]).ok()?, &self.bytes[end + 1..]))
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RowKey").field("class", &self.class).finish_non_exhaustive()
    }
}

/// A reply that was given, so that a retry gets it again. Holds no field value.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedReply {
    /// Digest of the request's canonical encoding: the same id with another body is refused.
    pub body_digest: [u8; 16],
    /// When it was given.
    pub time: Timestamp,
    /// Its parts.
    pub status: UpsertStatus,
    /// The lead written, or found.
    pub lead_id: Option<LeadId>,
    /// Its version then.
    pub version: i64,
    /// The id of the decision.
    pub decision_id: Box<str>,
    /// The decision's level.
    pub level: MatchLevel,
    /// The tier that decided.
    pub matched_by: Option<MatchTier>,
    /// The best match.
    pub match_lead_id: Option<LeadId>,
    /// Its score.
    pub score: f64,
    /// The conflicts reported.
    pub conflicts: Vec<Conflict>,
    /// Whether a cap cut the candidates short.
    pub truncated: bool,
    /// What comparisons were weighed with.
    pub weighed: Option<Weighing>,
    /// The lead's external ids then.
    pub external_ids: Vec<LinkedId>,
    /// The instruction given.
    pub write: Option<WriteInstruction>,
    /// The reasons given, without personal metadata.
    pub reasons: Vec<Reason>,
    /// The review named.
    pub review_id: Option<ReviewId>,
    /// The policy's version then.
    pub policy_version: Box<str>,
}

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each variant is the value of the row class of that name")]
pub enum Row {
    Lead(Arc<Lead>),
    Key(Arc<KeyHolders>),
    Request(Arc<RecordedReply>),
    Review(Arc<Review>),
    DeadLetter(Arc<DeadLetter>),
    Payload(Arc<Payload>),
    Frequencies(Arc<FrequencyTable>),
}

/// What happened, for the feed. Ids and codes only: every personal value lies in the payload row of (lead id, sequence).
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEvent {
    /// When it was decided.
    pub time: Timestamp,
    /// Whose data it is about.
    pub tenant: TenantId,
    /// What happened.
    pub kind: FeedEventKind,
    /// The source that asked, or the target that reported.
    pub source: SourceName,
    /// The decision's id.
    pub decision_id: Box<str>,
    /// The lead written, or found.
    pub lead_id: Option<LeadId>,
    /// Its version afterwards.
    pub version: i64,
    /// How sure the match was.
    pub level: MatchLevel,
    /// The tier that decided.
    pub matched_by: Option<MatchTier>,
    /// The best score.
    pub score: f64,
    /// The leads that came close or stood against it.
    pub candidates: Vec<LeadId>,
    /// Tiers that pointed elsewhere.
    pub conflicts: Vec<Conflict>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Which fields changed.
    pub changed_fields: Vec<FieldKey>,
    /// The review opened.
    pub review_id: Option<ReviewId>,
    /// The dead letter kept.
    pub dead_letter_id: Option<DeadLetterId>,
    /// What the caller was told to write.
    pub write: Option<WriteInstruction>,
    /// The policy that decided.
    pub policy_version: Box<str>,
    /// Whether a payload row belongs to it, under the lead (or the nil id) and the event's sequence.
    pub has_payload: bool,
}

/// What kind of event the feed tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedEventKind {
    /// An upsert with this status.
    Upsert(UpsertStatus),
    /// A target reported a write.
    Written,
    /// A target reported a failed write.
    WriteFailed,
}

/// An event with its place in the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEntry {
    /// Gap-free, from 1.
    pub position: u64,
    /// The commit sequence of its change set.
    pub sequence: u64,
    /// What happened.
    pub event: FeedEvent,
}

/// One write of a change set; without a row it deletes.
#[derive(Debug, Clone, PartialEq)]
pub struct RowWrite {
    /// Which row.
    pub key: RowKey,
    /// Its new value.
    pub row: Option<Row>,
}

/// Everything that one decision changes, applied as a whole or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeSet {
    /// Rows written, each at most once.
    pub writes: Vec<RowWrite>,
    /// Blocking keys of every lead written, as it stood and as it will stand.
    pub blocks: Vec<RowKey>,
    /// The feed's entry; `None` for what is recorded without being told, such as the reply of an UNCHANGED.
    pub event: Option<FeedEvent>,
    /// The event's personal part, stored under (lead id, sequence).
    pub payload: Option<Payload>,
}

impl ChangeSet {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.event.is_none()
    }
}

/// A change set with its place in the order of commits.
#[derive(Debug, Clone)]
pub struct SequencedChangeSet {
    /// From 1, without gaps.
    pub sequence: u64,
    /// The feed position of its event, where it has one.
    pub feed_position: Option<u64>,
    /// What changes.
    pub changes: Arc<ChangeSet>,
}
