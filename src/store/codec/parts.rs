//! Parts that several stored messages share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::decision::outcome::{Conflict, WriteAction, WriteInstruction};
use crate::decision::reason::{Reason, ReasonCode};
use crate::decision::tier::{MatchLevel, MatchTier};
use crate::domain::{
    DeadLetterId, ExternalId, ExternalIdFormat, ExternalIdState, Field, FieldKey, LeadId, LinkedBy, LinkedId, ReviewId,
    SourceName,
};

use super::Problem;

/// A moment, to the nanosecond.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct StoredTime {
    #[prost(sint64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(sint32, tag = "2")]
    pub(super) nanos: i32,
}

impl From<Timestamp> for StoredTime {
    fn from(time: Timestamp) -> Self {
        Self { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
    }
}

impl TryFrom<StoredTime> for Timestamp {
    type Error = Problem;

    fn try_from(stored: StoredTime) -> Result<Self, Problem> {
        Self::new(stored.seconds, stored.nanos).map_err(|_| Problem("it holds a moment outside of time"))
    }
}

/// A moment that has to be there.
pub(super) fn time(stored: Option<StoredTime>) -> Result<Timestamp, Problem> {
    stored.ok_or(Problem("it lacks a time"))?.try_into()
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredLinkedId {
    #[prost(string, tag = "1")]
    pub(super) source: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
    #[prost(uint32, tag = "3")]
    pub(super) state: u32,
    #[prost(uint32, tag = "4")]
    pub(super) linked_by: u32,
}

impl From<&LinkedId> for StoredLinkedId {
    fn from(linked: &LinkedId) -> Self {
        let LinkedId { id, state, linked_by } = linked;
        Self {
            source: id.source().as_str().into(),
            value: id.value().into(),
            state: match state {
                ExternalIdState::Live => 1,
                ExternalIdState::Redirected => 2,
                ExternalIdState::Retired => 3,
            },
            linked_by: linked_by_number(*linked_by),
        }
    }
}

impl TryFrom<StoredLinkedId> for LinkedId {
    type Error = Problem;

    fn try_from(stored: StoredLinkedId) -> Result<Self, Problem> {
        let state = match stored.state {
            1 => ExternalIdState::Live,
            2 => ExternalIdState::Redirected,
            3 => ExternalIdState::Retired,
            _ => return Err(Problem("it holds an unknown state of an external id")),
        };
        let id = ExternalId::parse(source(&stored.source)?, &stored.value, ExternalIdFormat::Plain, None);
        let id = id.ok().flatten().ok_or(Problem("it holds what is no external id"))?;
        Ok(Self { id, state, linked_by: linked_by(stored.linked_by)? })
    }
}

pub(super) fn linked_by_number(linked_by: LinkedBy) -> u32 {
    match linked_by {
        LinkedBy::Exact => 1,
        LinkedBy::Fuzzy => 2,
    }
}

pub(super) fn linked_by(number: u32) -> Result<LinkedBy, Problem> {
    match number {
        1 => Ok(LinkedBy::Exact),
        2 => Ok(LinkedBy::Fuzzy),
        _ => Err(Problem("it holds an unknown way of linking")),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredConflict {
    #[prost(uint32, tag = "1")]
    tier: u32,
    #[prost(bytes = "vec", tag = "2")]
    lead_id: Vec<u8>,
    #[prost(string, tag = "3")]
    value_field: String,
}

impl From<&Conflict> for StoredConflict {
    fn from(conflict: &Conflict) -> Self {
        let Conflict { tier, lead_id, value_field } = conflict;
        Self { tier: *tier as u32, lead_id: lead_id.as_bytes().into(), value_field: String::from(&**value_field) }
    }
}

impl TryFrom<StoredConflict> for Conflict {
    type Error = Problem;

    fn try_from(stored: StoredConflict) -> Result<Self, Problem> {
        let tier = tier(stored.tier)?.ok_or(Problem("it holds a conflict without a tier"))?;
        Ok(Self { tier, lead_id: lead_id(&stored.lead_id)?, value_field: stored.value_field.into() })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredReason {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(btree_map = "string, string", tag = "2")]
    metadata: BTreeMap<String, String>,
}

impl From<&Reason> for StoredReason {
    fn from(reason: &Reason) -> Self {
        let Reason { code, metadata } = reason;
        let metadata = metadata.iter().map(|(key, value)| ((*key).into(), String::from(&**value))).collect();
        Self { code: *code as u32, metadata }
    }
}

impl TryFrom<StoredReason> for Reason {
    type Error = Problem;

    fn try_from(stored: StoredReason) -> Result<Self, Problem> {
        let entry = |(key, value): (String, String)| Ok((metadata_key(&key)?, value.into()));
        Ok(Self {
            code: reason_code(stored.code)?,
            metadata: stored.metadata.into_iter().map(entry).collect::<Result<_, Problem>>()?,
        })
    }
}

pub(super) fn reason_code(number: u32) -> Result<ReasonCode, Problem> {
    let code = u16::try_from(number).ok().and_then(ReasonCode::from_number);
    code.ok_or(Problem("it holds an unknown reason"))
}

/// Metadata keys are literals of the program, and few; each is kept for ever the first time that it is read back.
fn metadata_key(key: &str) -> Result<&'static str, Problem> {
    const MOST: usize = 256;
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(key) = known.get(key) {
        return Ok(key);
    }
    if known.len() >= MOST || key.len() > 64 {
        return Err(Problem("it holds an unknown detail of a reason"));
    }
    let kept: &'static str = Box::leak(key.to_owned().into_boxed_str());
    known.insert(kept);
    Ok(kept)
}

/// A field key as one text or number: fields by number, attributes by key.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredFieldKey {
    #[prost(uint32, tag = "1")]
    field: u32,
    #[prost(string, optional, tag = "2")]
    attribute: Option<String>,
}

/// The number of the pipelines, beside those of [`Field`].
const PIPELINES: u32 = 255;

impl From<&FieldKey> for StoredFieldKey {
    fn from(key: &FieldKey) -> Self {
        match key {
            FieldKey::Field(field) => Self { field: *field as u32, attribute: None },
            FieldKey::Attribute(key) => Self { field: 0, attribute: Some(String::from(&**key)) },
            FieldKey::Pipelines => Self { field: PIPELINES, attribute: None },
        }
    }
}

impl TryFrom<StoredFieldKey> for FieldKey {
    type Error = Problem;

    fn try_from(stored: StoredFieldKey) -> Result<Self, Problem> {
        match stored {
            StoredFieldKey { field: 0, attribute: Some(key) } => Ok(Self::Attribute(key.into())),
            StoredFieldKey { field: PIPELINES, attribute: None } => Ok(Self::Pipelines),
            StoredFieldKey { field: number, .. } => field(number).map(Self::Field),
        }
    }
}

pub(super) fn field(number: u32) -> Result<Field, Problem> {
    u8::try_from(number).ok().and_then(Field::from_number).ok_or(Problem("it holds an unknown field"))
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredWrite {
    #[prost(string, tag = "1")]
    target: String,
    #[prost(uint32, tag = "2")]
    action: u32,
    #[prost(string, optional, tag = "3")]
    external_id: Option<String>,
    #[prost(string, repeated, tag = "4")]
    other_external_ids: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    changed_fields: Vec<StoredFieldKey>,
    #[prost(string, optional, tag = "6")]
    claim_token: Option<String>,
    #[prost(message, optional, tag = "7")]
    claim_expire_time: Option<StoredTime>,
    #[prost(message, optional, tag = "8")]
    retry_after: Option<StoredTime>,
}

impl From<&WriteInstruction> for StoredWrite {
    fn from(write: &WriteInstruction) -> Self {
        let WriteInstruction {
            target,
            action,
            external_id,
            other_external_ids,
            changed_fields,
            claim_token,
            claim_expire_time,
            retry_after,
        } = write;
        Self {
            target: target.as_str().into(),
            action: *action as u32,
            external_id: external_id.as_deref().map(Into::into),
            other_external_ids: other_external_ids.iter().map(|id| String::from(&**id)).collect(),
            changed_fields: changed_fields.iter().map(Into::into).collect(),
            claim_token: claim_token.as_deref().map(Into::into),
            claim_expire_time: claim_expire_time.map(Into::into),
            retry_after: retry_after.map(|after| StoredTime { seconds: after.as_secs(), nanos: after.subsec_nanos() }),
        }
    }
}

impl TryFrom<StoredWrite> for WriteInstruction {
    type Error = Problem;

    fn try_from(stored: StoredWrite) -> Result<Self, Problem> {
        let action = u8::try_from(stored.action).ok().and_then(WriteAction::from_number);
        Ok(Self {
            target: source(&stored.target)?,
            action: action.ok_or(Problem("it holds an unknown action"))?,
            external_id: stored.external_id.map(Into::into),
            other_external_ids: stored.other_external_ids.into_iter().map(Into::into).collect(),
            changed_fields: all(stored.changed_fields)?,
            claim_token: stored.claim_token.map(Into::into),
            claim_expire_time: stored.claim_expire_time.map(TryInto::try_into).transpose()?,
            retry_after: stored.retry_after.map(duration).transpose()?,
        })
    }
}

fn duration(stored: StoredTime) -> Result<SignedDuration, Problem> {
    let fits = stored.nanos.unsigned_abs() < 1_000_000_000;
    let duration = fits.then(|| {
        SignedDuration::from_secs(stored.seconds).checked_add(SignedDuration::from_nanos(stored.nanos.into()))
    });
    duration.flatten().ok_or(Problem("it holds a duration that is none"))
}

/// Converts every item, or says what is wrong with the first that cannot be.
pub(super) fn all<S, T: TryFrom<S, Error = Problem>>(stored: Vec<S>) -> Result<Vec<T>, Problem> {
    stored.into_iter().map(TryInto::try_into).collect()
}

pub(super) fn source(text: &str) -> Result<SourceName, Problem> {
    SourceName::parse(text).map_err(|_| Problem("it holds what is no source"))
}

pub(super) fn lead_id(bytes: &[u8]) -> Result<LeadId, Problem> {
    uuid(bytes).map(LeadId::new)
}

/// An id that may be absent: no bytes.
pub(super) fn optional_lead_id(bytes: &[u8]) -> Result<Option<LeadId>, Problem> {
    if bytes.is_empty() { Ok(None) } else { lead_id(bytes).map(Some) }
}

pub(super) fn lead_id_bytes(id: Option<LeadId>) -> Vec<u8> {
    id.map(|id| id.as_bytes().to_vec()).unwrap_or_default()
}

pub(super) fn optional_review_id(bytes: &[u8]) -> Result<Option<ReviewId>, Problem> {
    if bytes.is_empty() { Ok(None) } else { uuid(bytes).map(ReviewId::new).map(Some) }
}

pub(super) fn optional_dead_letter_id(bytes: &[u8]) -> Result<Option<DeadLetterId>, Problem> {
    if bytes.is_empty() { Ok(None) } else { uuid(bytes).map(DeadLetterId::new).map(Some) }
}

pub(super) fn uuid(bytes: &[u8]) -> Result<Uuid, Problem> {
    Uuid::from_slice(bytes).map_err(|_| Problem("it holds an id that is not sixteen bytes long"))
}

/// Ids one behind the other.
pub(super) fn lead_ids(bytes: &[u8]) -> Result<Vec<LeadId>, Problem> {
    bytes.chunks(16).map(lead_id).collect()
}

pub(super) fn lead_ids_bytes(ids: &[LeadId]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.as_bytes()).collect()
}

/// A tier that may be absent: 0.
pub(super) fn tier(number: u32) -> Result<Option<MatchTier>, Problem> {
    if number == 0 {
        return Ok(None);
    }
    let tier = u8::try_from(number).ok().and_then(MatchTier::from_number);
    tier.map(Some).ok_or(Problem("it holds an unknown tier"))
}

pub(super) fn level(number: u32) -> Result<MatchLevel, Problem> {
    [MatchLevel::None, MatchLevel::Possible, MatchLevel::Match]
        .into_iter()
        .find(|level| *level as u32 == number)
        .ok_or(Problem("it holds an unknown level"))
}
