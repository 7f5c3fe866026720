//! Recorded replies.

use crate::decision::outcome::{UpsertStatus, Weighing};
use crate::decision::rows::RecordedReply;

use super::Problem;
use super::parts::{
    StoredConflict, StoredLinkedId, StoredReason, StoredTime, StoredWrite, all, lead_id_bytes, level, optional_lead_id,
    optional_review_id, tier, time,
};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredReply {
    #[prost(bytes = "vec", tag = "1")]
    body_digest: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    time: Option<StoredTime>,
    #[prost(uint32, tag = "3")]
    status: u32,
    #[prost(bytes = "vec", tag = "4")]
    lead_id: Vec<u8>,
    #[prost(sint64, tag = "5")]
    version: i64,
    #[prost(string, tag = "6")]
    decision_id: String,
    #[prost(uint32, tag = "7")]
    level: u32,
    #[prost(uint32, tag = "8")]
    matched_by: u32,
    #[prost(bytes = "vec", tag = "9")]
    match_lead_id: Vec<u8>,
    #[prost(double, tag = "10")]
    score: f64,
    #[prost(message, repeated, tag = "11")]
    conflicts: Vec<StoredConflict>,
    #[prost(bool, tag = "12")]
    truncated: bool,
    #[prost(message, repeated, tag = "13")]
    external_ids: Vec<StoredLinkedId>,
    #[prost(message, optional, tag = "14")]
    write: Option<StoredWrite>,
    #[prost(message, repeated, tag = "15")]
    reasons: Vec<StoredReason>,
    #[prost(bytes = "vec", tag = "16")]
    review_id: Vec<u8>,
    #[prost(string, tag = "17")]
    policy_version: String,
    #[prost(message, optional, tag = "18")]
    weighed: Option<StoredWeighing>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct StoredWeighing {
    #[prost(double, tag = "1")]
    prior: f64,
    #[prost(uint64, tag = "2")]
    frequency_table: u64,
}

impl From<Weighing> for StoredWeighing {
    fn from(Weighing { prior, frequency_table }: Weighing) -> Self {
        Self { prior, frequency_table }
    }
}

impl From<StoredWeighing> for Weighing {
    fn from(StoredWeighing { prior, frequency_table }: StoredWeighing) -> Self {
        Self { prior, frequency_table }
    }
}

impl From<&RecordedReply> for StoredReply {
    fn from(reply: &RecordedReply) -> Self {
        let RecordedReply {
            body_digest,
            time,
            status,
            lead_id,
            version,
            decision_id,
            level,
            matched_by,
            match_lead_id,
            score,
            conflicts,
            truncated,
            weighed,
            external_ids,
            write,
            reasons,
            review_id,
            policy_version,
        } = reply;
        Self {
            body_digest: body_digest.to_vec(),
            time: Some((*time).into()),
            status: *status as u32,
            lead_id: lead_id_bytes(*lead_id),
            version: *version,
            decision_id: String::from(&**decision_id),
            level: *level as u32,
            matched_by: matched_by.map_or(0, |tier| tier as u32),
            match_lead_id: lead_id_bytes(*match_lead_id),
            score: *score,
            conflicts: conflicts.iter().map(Into::into).collect(),
            truncated: *truncated,
            external_ids: external_ids.iter().map(Into::into).collect(),
            write: write.as_ref().map(Into::into),
            reasons: reasons.iter().map(Into::into).collect(),
            review_id: review_id.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
            policy_version: String::from(&**policy_version),
            weighed: weighed.map(Into::into),
        }
    }
}

impl TryFrom<StoredReply> for RecordedReply {
    type Error = Problem;

    fn try_from(stored: StoredReply) -> Result<Self, Problem> {
        Ok(Self {
            body_digest: stored.body_digest.try_into().map_err(|_| Problem("its digest is not sixteen bytes long"))?,
            time: time(stored.time)?,
            status: status(stored.status)?,
            lead_id: optional_lead_id(&stored.lead_id)?,
            version: stored.version,
            decision_id: stored.decision_id.into(),
            level: level(stored.level)?,
            matched_by: tier(stored.matched_by)?,
            match_lead_id: optional_lead_id(&stored.match_lead_id)?,
            score: stored.score,
            conflicts: all(stored.conflicts)?,
            truncated: stored.truncated,
            external_ids: all(stored.external_ids)?,
            write: stored.write.map(TryInto::try_into).transpose()?,
            reasons: all(stored.reasons)?,
            review_id: optional_review_id(&stored.review_id)?,
            policy_version: stored.policy_version.into(),
            weighed: stored.weighed.map(Into::into),
        })
    }
}

pub(super) fn status(number: u32) -> Result<UpsertStatus, Problem> {
    let status = u8::try_from(number).ok().and_then(UpsertStatus::from_number);
    status.ok_or(Problem("it holds an unknown status"))
}
