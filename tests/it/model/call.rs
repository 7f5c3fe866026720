//! What was asked and what was answered, in words that model and product share.

use std::collections::BTreeMap;

use jiff::Timestamp;

use leadgate::decision::command::UpsertCommand;
use leadgate::decision::outcome::{Outcome, UpsertStatus, WriteInstruction};
use leadgate::decision::plan::{PlanError, ReportEvent, WriteReport};
use leadgate::decision::policy::Policy;
use leadgate::decision::reason::Reason;
use leadgate::decision::review::{DeadLetter, Review, ReviewKind};
use leadgate::decision::rows::{FeedEvent, FeedEventKind};
use leadgate::domain::{LeadId, ReviewId, SourceName, TenantId};
use leadgate::engine::{Answer, FoundLead, LeadSelector, ReportAnswer, RequestError};

use super::naive::{Fresh, Model, Refusal, Reply, ReportReply, ReviewIdentity, Write};

/// A call as it was made.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Upsert(Box<UpsertCommand>),
    Match(Box<UpsertCommand>),
    Report(WriteReport),
    Get(TenantId, LeadSelector),
}

/// The product's answer to a call.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a history holds a dozen of them")]
pub(crate) enum Answered {
    Upsert(Result<Answer, RequestError>),
    Report(Result<ReportAnswer, RequestError>),
    Get(Result<Option<FoundLead>, RequestError>),
}

/// An answer in the model's words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Said {
    Reply(Box<Reply>),
    Refused(Refusal),
    Report(ReportReply),
    /// The lead found and its version.
    Found(Option<(LeadId, i64)>),
    /// An answer that no model gives.
    Broken(String),
}

/// Reviews that were found in the end, by the product's id.
pub(crate) type Reviews = BTreeMap<ReviewId, ReviewIdentity>;

/// The model's name for a review.
pub(crate) fn identify(review: &Review) -> ReviewIdentity {
    match (review.kind, review.lead_ids.as_slice(), &review.payload) {
        (ReviewKind::PossibleDuplicate, [a, b], _) => ReviewIdentity::pair(*a, *b),
        (ReviewKind::BulkOverwrite, [lead], _) => ReviewIdentity::Bulk(*lead),
        (_, _, payload) => {
            let bytes = payload.as_ref().map(|payload| payload.0.to_vec()).unwrap_or_default();
            ReviewIdentity::Parked(review.source.clone(), bytes)
        }
    }
}

/// The model's name for a dead letter.
pub(crate) fn name_dead_letter(letter: &DeadLetter) -> String {
    let payload = letter.payload.as_ref().map(|payload| payload.0.to_vec()).unwrap_or_default();
    dead_letter_name(&letter.source, letter.lead_id, &letter.error_code, &payload)
}

/// A dead letter as one text.
pub(crate) fn dead_letter_name(source: &SourceName, lead: Option<LeadId>, code: &str, payload: &[u8]) -> String {
    format!("{source} {lead:?} {code} {}", String::from_utf8_lossy(payload))
}

/// What the feed tells: what happened to which lead, and the version that an upsert made of it.
pub(crate) type Told = (FeedEventKind, Option<LeadId>, i64);

/// What an event tells.
pub(crate) fn told_by(event: &FeedEvent) -> Told {
    let version = if matches!(event.kind, FeedEventKind::Upsert(_)) { event.version } else { 0 };
    (event.kind, event.lead_id, version)
}

impl Answered {
    /// What the feed has to tell of a call with this answer.
    pub(crate) fn told(&self, call: &Call) -> Option<Told> {
        match (self, call) {
            (Self::Upsert(Ok(answer)), Call::Upsert(command)) if !command.validate_only && !answer.replayed => {
                let status = answer.outcome.status;
                let is_told = matches!(status, UpsertStatus::Created | UpsertStatus::Updated | UpsertStatus::Review);
                is_told.then_some((FeedEventKind::Upsert(status), answer.outcome.lead_id, answer.outcome.version))
            }
            (Self::Report(Ok(answer)), Call::Report(report)) => {
                let written = matches!(report.event, ReportEvent::Written { .. });
                let kind = if written { FeedEventKind::Written } else { FeedEventKind::WriteFailed };
                answer.lead_id.map(|lead_id| (kind, Some(lead_id), 0))
            }
            _ => None,
        }
    }

    /// The review under which the payload is parked.
    pub(crate) fn parked(&self) -> Option<ReviewId> {
        match self {
            Self::Upsert(Ok(answer)) => {
                answer.outcome.review_id.filter(|_| answer.outcome.status == UpsertStatus::Review)
            }
            _ => None,
        }
    }

    /// Ids that the product made up for this answer.
    pub(crate) fn fresh(&self) -> Fresh {
        let (lead_id, write) = match self {
            Self::Upsert(Ok(answer)) => {
                let outcome = &answer.outcome;
                (outcome.lead_id.filter(|_| outcome.status == UpsertStatus::Created), outcome.write.as_ref())
            }
            Self::Report(Ok(answer)) => (None, answer.next.as_ref()),
            Self::Get(_) | Self::Upsert(Err(_)) | Self::Report(Err(_)) => (None, None),
        };
        let token = write.and_then(|write| write.claim_token.as_deref()).unwrap_or("no token was given");
        Fresh { lead_id: lead_id.unwrap_or(LeadId::from_bytes([0xEE; 16])), claim_token: token.to_string() }
    }

    /// The lead that was created for good.
    pub(crate) fn created(&self, call: &Call) -> Option<LeadId> {
        match (self, call) {
            (Self::Upsert(Ok(answer)), Call::Upsert(command)) if !command.validate_only && !answer.replayed => {
                answer.outcome.lead_id.filter(|_| answer.outcome.status == UpsertStatus::Created)
            }
            _ => None,
        }
    }

    pub(crate) fn write(&self) -> Option<(LeadId, &WriteInstruction)> {
        match self {
            Self::Upsert(Ok(answer)) => Some((answer.outcome.lead_id?, answer.outcome.write.as_ref()?)),
            Self::Report(Ok(answer)) => Some((answer.lead_id?, answer.next.as_ref()?)),
            Self::Get(_) | Self::Upsert(Err(_)) | Self::Report(Err(_)) => None,
        }
    }

    /// The answer in the model's words.
    pub(crate) fn said(&self, reviews: &Reviews) -> Said {
        match self {
            Self::Upsert(Ok(answer)) => Said::Reply(Box::new(reply_of(&answer.outcome, answer.replayed, reviews))),
            Self::Report(Ok(answer)) => Said::Report(ReportReply {
                lead_id: answer.lead_id,
                next: answer.next.as_ref().map(write_of),
                reasons: codes(&answer.reasons),
            }),
            Self::Get(Ok(found)) => Said::Found(found.as_ref().map(|found| (found.lead.lead_id, found.lead.version))),
            Self::Upsert(Err(error)) | Self::Report(Err(error)) | Self::Get(Err(error)) => said_of_error(error),
        }
    }
}

fn said_of_error(error: &RequestError) -> Said {
    match error {
        RequestError::Refused(PlanError::VersionMismatch { .. }) => Said::Refused(Refusal::VersionMismatch),
        RequestError::RequestIdReused => Said::Refused(Refusal::RequestIdReused),
        other => Said::Broken(other.to_string()),
    }
}

fn codes(reasons: &[Reason]) -> std::collections::BTreeSet<leadgate::decision::reason::ReasonCode> {
    reasons.iter().map(|reason| reason.code).collect()
}

fn reply_of(outcome: &Outcome, replayed: bool, reviews: &Reviews) -> Reply {
    let decision = &outcome.decision;
    Reply {
        status: outcome.status,
        lead_id: outcome.lead_id,
        version: outcome.version,
        level: decision.level,
        matched_by: decision.matched_by,
        best_match: decision.lead_id,
        conflicts: decision
            .conflicts
            .iter()
            .map(|conflict| (conflict.tier, conflict.lead_id, conflict.value_field.to_string()))
            .collect(),
        external_ids: outcome
            .external_ids
            .iter()
            .map(|linked| (linked.id.source().clone(), linked.id.value().to_string()))
            .collect(),
        write: outcome.write.as_ref().map(write_of),
        withheld: outcome.withheld.iter().map(|withheld| (withheld.field.clone(), withheld.reason)).collect(),
        reasons: codes(&outcome.reasons),
        review: outcome.review_id.map(|id| reviews.get(&id).cloned().unwrap_or(ReviewIdentity::Unknown)),
        replayed,
    }
}

fn write_of(write: &WriteInstruction) -> Write {
    Write {
        target: write.target.clone(),
        action: write.action,
        external_id: write.external_id.as_deref().map(str::to_string),
        other_external_ids: write.other_external_ids.iter().map(ToString::to_string).collect(),
        changed_fields: write.changed_fields.iter().cloned().collect(),
        claim_token: write.claim_token.as_deref().map(str::to_string),
    }
}

/// The model's answer to a call, and what is left of the model afterwards.
pub(crate) fn ask_model(model: &mut Model, policy: &Policy, call: &Call, fresh: &Fresh, now: Timestamp) -> Said {
    let replied = |reply: Result<Reply, Refusal>| match reply {
        Ok(reply) => Said::Reply(Box::new(reply)),
        Err(refusal) => Said::Refused(refusal),
    };
    match call {
        Call::Upsert(command) => replied(model.upsert(policy, command, now, fresh)),
        Call::Match(command) => {
            let preview = UpsertCommand { validate_only: true, request_id: None, ..UpsertCommand::clone(command) };
            replied(model.clone().upsert(policy, &preview, now, fresh))
        }
        Call::Report(report) => Said::Report(model.report(policy, report, now, fresh)),
        Call::Get(_, by) => Said::Found(model.get(by).map(|lead| (lead.id, lead.version))),
    }
}

/// Whether two answers agree. What is only previewed names no review that could be looked up.
pub(crate) fn agree(expected: &Said, observed: &Said) -> bool {
    match (expected, observed) {
        (Said::Reply(expected), Said::Reply(observed)) if observed.review == Some(ReviewIdentity::Unknown) => {
            let mut expected = expected.clone();
            expected.review = expected.review.map(|_| ReviewIdentity::Unknown);
            expected == *observed
        }
        _ => expected == observed,
    }
}
