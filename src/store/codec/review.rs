//! Reviews and dead letters.

use crate::decision::review::{DeadLetter, DeadLetterKind, Payload, Review, ReviewKind, ReviewState};
use crate::domain::{DeadLetterId, ReviewId};

use super::Problem;
use super::parts::{
    StoredTime, lead_id_bytes, lead_ids, lead_ids_bytes, optional_lead_id, reason_code, source, time, uuid,
};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredReview {
    #[prost(bytes = "vec", tag = "1")]
    review_id: Vec<u8>,
    #[prost(uint32, tag = "2")]
    kind: u32,
    #[prost(uint32, tag = "3")]
    state: u32,
    #[prost(string, tag = "4")]
    source: String,
    #[prost(bytes = "vec", tag = "5")]
    lead_ids: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "6")]
    payload: Option<Vec<u8>>,
    #[prost(uint32, repeated, tag = "7")]
    reasons: Vec<u32>,
    #[prost(uint32, tag = "8")]
    score_thousandths: u32,
    #[prost(message, optional, tag = "9")]
    create_time: Option<StoredTime>,
}

impl From<&Review> for StoredReview {
    fn from(review: &Review) -> Self {
        let Review { review_id, kind, state, source, lead_ids, payload, reasons, score_thousandths, create_time } =
            review;
        Self {
            review_id: review_id.as_bytes().into(),
            kind: *kind as u32,
            state: *state as u32,
            source: source.as_str().into(),
            lead_ids: lead_ids_bytes(lead_ids),
            payload: payload.as_ref().map(|payload| payload.0.to_vec()),
            reasons: reasons.iter().map(|reason| *reason as u32).collect(),
            score_thousandths: *score_thousandths,
            create_time: Some((*create_time).into()),
        }
    }
}

impl TryFrom<StoredReview> for Review {
    type Error = Problem;

    fn try_from(stored: StoredReview) -> Result<Self, Problem> {
        let kind = u8::try_from(stored.kind).ok().and_then(ReviewKind::from_number);
        let state = u8::try_from(stored.state).ok().and_then(ReviewState::from_number);
        Ok(Self {
            review_id: ReviewId::new(uuid(&stored.review_id)?),
            kind: kind.ok_or(Problem("it holds an unknown kind of review"))?,
            state: state.ok_or(Problem("it holds an unknown state of a review"))?,
            source: source(&stored.source)?,
            lead_ids: lead_ids(&stored.lead_ids)?,
            payload: stored.payload.map(|bytes| Payload(bytes.into())),
            reasons: stored.reasons.into_iter().map(reason_code).collect::<Result<_, _>>()?,
            score_thousandths: stored.score_thousandths,
            create_time: time(stored.create_time)?,
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredDeadLetter {
    #[prost(bytes = "vec", tag = "1")]
    dead_letter_id: Vec<u8>,
    #[prost(uint32, tag = "2")]
    kind: u32,
    #[prost(string, tag = "3")]
    source: String,
    #[prost(bytes = "vec", tag = "4")]
    lead_id: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "5")]
    payload: Option<Vec<u8>>,
    #[prost(uint32, tag = "6")]
    reason: u32,
    #[prost(string, tag = "7")]
    error_code: String,
    #[prost(bytes = "vec", tag = "8")]
    error_message: Vec<u8>,
    #[prost(bool, tag = "9")]
    retryable: bool,
    #[prost(message, optional, tag = "10")]
    create_time: Option<StoredTime>,
    #[prost(uint32, tag = "11")]
    attempts: u32,
}

impl From<&DeadLetter> for StoredDeadLetter {
    fn from(letter: &DeadLetter) -> Self {
        let DeadLetter {
            dead_letter_id,
            kind,
            source,
            lead_id,
            payload,
            reason,
            error_code,
            error_message,
            retryable,
            create_time,
            attempts,
        } = letter;
        Self {
            dead_letter_id: dead_letter_id.as_bytes().into(),
            kind: *kind as u32,
            source: source.as_str().into(),
            lead_id: lead_id_bytes(*lead_id),
            payload: payload.as_ref().map(|payload| payload.0.to_vec()),
            reason: reason.map_or(0, |reason| reason as u32),
            error_code: String::from(&**error_code),
            error_message: error_message.0.to_vec(),
            retryable: *retryable,
            create_time: Some((*create_time).into()),
            attempts: *attempts,
        }
    }
}

impl TryFrom<StoredDeadLetter> for DeadLetter {
    type Error = Problem;

    fn try_from(stored: StoredDeadLetter) -> Result<Self, Problem> {
        let kind = u8::try_from(stored.kind).ok().and_then(DeadLetterKind::from_number);
        Ok(Self {
            dead_letter_id: DeadLetterId::new(uuid(&stored.dead_letter_id)?),
            kind: kind.ok_or(Problem("it holds an unknown kind of dead letter"))?,
            source: source(&stored.source)?,
            lead_id: optional_lead_id(&stored.lead_id)?,
            payload: stored.payload.map(|bytes| Payload(bytes.into())),
            reason: (stored.reason != 0).then(|| reason_code(stored.reason)).transpose()?,
            error_code: stored.error_code.into(),
            error_message: Payload(stored.error_message.into()),
            retryable: stored.retryable,
            create_time: time(stored.create_time)?,
            attempts: stored.attempts,
        })
    }
}
