//! Events of the feed.

use crate::decision::rows::{FeedEvent, FeedEventKind};
use crate::domain::TenantId;

use super::Problem;
use super::parts::{
    StoredConflict, StoredFieldKey, StoredReason, StoredTime, StoredWrite, all, lead_id_bytes, lead_ids,
    lead_ids_bytes, level, optional_dead_letter_id, optional_lead_id, optional_review_id, source, tier, time,
};
use super::reply::status;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredEvent {
    #[prost(message, optional, tag = "1")]
    time: Option<StoredTime>,
    #[prost(string, tag = "2")]
    tenant: String,
    #[prost(uint32, tag = "3")]
    kind: u32,
    #[prost(string, tag = "4")]
    source: String,
    #[prost(string, tag = "5")]
    decision_id: String,
    #[prost(bytes = "vec", tag = "6")]
    lead_id: Vec<u8>,
    #[prost(sint64, tag = "7")]
    version: i64,
    #[prost(uint32, tag = "8")]
    level: u32,
    #[prost(uint32, tag = "9")]
    matched_by: u32,
    #[prost(double, tag = "10")]
    score: f64,
    #[prost(bytes = "vec", tag = "11")]
    candidates: Vec<u8>,
    #[prost(message, repeated, tag = "12")]
    conflicts: Vec<StoredConflict>,
    #[prost(message, repeated, tag = "13")]
    reasons: Vec<StoredReason>,
    #[prost(message, repeated, tag = "14")]
    changed_fields: Vec<StoredFieldKey>,
    #[prost(bytes = "vec", tag = "15")]
    review_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "16")]
    dead_letter_id: Vec<u8>,
    #[prost(message, optional, tag = "17")]
    write: Option<StoredWrite>,
    #[prost(string, tag = "18")]
    policy_version: String,
    #[prost(bool, tag = "19")]
    has_payload: bool,
}

/// Upserts have the numbers of their status; other kinds begin here.
const WRITTEN: u32 = 32;
const WRITE_FAILED: u32 = 33;

fn kind_number(kind: FeedEventKind) -> u32 {
    match kind {
        FeedEventKind::Upsert(status) => status as u32,
        FeedEventKind::Written => WRITTEN,
        FeedEventKind::WriteFailed => WRITE_FAILED,
    }
}

fn kind(number: u32) -> Result<FeedEventKind, Problem> {
    match number {
        WRITTEN => Ok(FeedEventKind::Written),
        WRITE_FAILED => Ok(FeedEventKind::WriteFailed),
        _ => status(number).map(FeedEventKind::Upsert),
    }
}

impl From<&FeedEvent> for StoredEvent {
    fn from(event: &FeedEvent) -> Self {
        let FeedEvent {
            time,
            tenant,
            kind,
            source,
            decision_id,
            lead_id,
            version,
            level,
            matched_by,
            score,
            candidates,
            conflicts,
            reasons,
            changed_fields,
            review_id,
            dead_letter_id,
            write,
            policy_version,
            has_payload,
        } = event;
        Self {
            time: Some((*time).into()),
            tenant: tenant.as_str().into(),
            kind: kind_number(*kind),
            source: source.as_str().into(),
            decision_id: String::from(&**decision_id),
            lead_id: lead_id_bytes(*lead_id),
            version: *version,
            level: *level as u32,
            matched_by: matched_by.map_or(0, |tier| tier as u32),
            score: *score,
            candidates: lead_ids_bytes(candidates),
            conflicts: conflicts.iter().map(Into::into).collect(),
            reasons: reasons.iter().map(Into::into).collect(),
            changed_fields: changed_fields.iter().map(Into::into).collect(),
            review_id: review_id.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
            dead_letter_id: dead_letter_id.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
            write: write.as_ref().map(Into::into),
            policy_version: String::from(&**policy_version),
            has_payload: *has_payload,
        }
    }
}

impl TryFrom<StoredEvent> for FeedEvent {
    type Error = Problem;

    fn try_from(stored: StoredEvent) -> Result<Self, Problem> {
        Ok(Self {
            time: time(stored.time)?,
            tenant: TenantId::parse(&stored.tenant).map_err(|_| Problem("it holds what is no tenant"))?,
            kind: kind(stored.kind)?,
            source: source(&stored.source)?,
            decision_id: stored.decision_id.into(),
            lead_id: optional_lead_id(&stored.lead_id)?,
            version: stored.version,
            level: level(stored.level)?,
            matched_by: tier(stored.matched_by)?,
            score: stored.score,
            candidates: lead_ids(&stored.candidates)?,
            conflicts: all(stored.conflicts)?,
            reasons: all(stored.reasons)?,
            changed_fields: all(stored.changed_fields)?,
            review_id: optional_review_id(&stored.review_id)?,
            dead_letter_id: optional_dead_letter_id(&stored.dead_letter_id)?,
            write: stored.write.map(TryInto::try_into).transpose()?,
            policy_version: stored.policy_version.into(),
            has_payload: stored.has_payload,
        })
    }
}
