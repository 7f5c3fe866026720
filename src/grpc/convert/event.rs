//! Events of the feed as the wire has them.

use std::sync::Arc;

use crate::decision::policy::Policy;
use crate::decision::rows::{FeedEntry, FeedEvent, FeedEventKind};
use crate::domain::{Lead, SourceName};
use crate::engine::FeedItem;
use crate::grpc::proto;

use super::decision::{conflict, reasons};
use super::enums::{match_level, match_tier, upsert_status};
use super::lead::lead;
use super::payload::request_of;
use super::time::timestamp;
use super::write::{Claim, field_mask, instruction};

/// An event. `targets` are the systems whose instructions are wanted; none means all. `stands` is its lead as it stands now.
pub(crate) fn decision_event(
    item: &FeedItem,
    targets: &[SourceName],
    stands: Option<Arc<Lead>>,
    policy: &Policy,
) -> proto::DecisionEvent {
    let FeedItem { entry: FeedEntry { position, sequence: _, event }, payload } = item;
    let FeedEvent {
        time,
        tenant: _,
        kind,
        source,
        decision_id,
        lead_id,
        version,
        // What was decided is told by `decision_of`.
        level: _,
        matched_by: _,
        score: _,
        candidates: _,
        conflicts: _,
        policy_version: _,
        reasons: why,
        changed_fields,
        review_id,
        dead_letter_id,
        // What is to be written is told by `instructions`.
        write: _,
        has_payload: _,
    } = event;
    let request = payload.as_ref().and_then(|payload| request_of(payload));
    let (kind, status) = kind_and_status(*kind);
    let reported = kind != proto::DecisionEventKind::Upsert;
    let system = source.as_str().to_owned();
    let (source, target) = if reported { (String::new(), system) } else { (system, String::new()) };
    proto::DecisionEvent {
        position: i64::try_from(*position).unwrap_or(i64::MAX),
        decision_id: decision_id.to_string(),
        kind: kind.into(),
        event_time: Some(timestamp(*time)),
        source,
        target,
        lead_id: lead_id.map(|id| id.to_string()).unwrap_or_default(),
        version: *version,
        status: status.into(),
        mode: request.as_ref().map(|request| request.mode).unwrap_or_default(),
        update_mode: request.as_ref().map(|request| request.update_mode).unwrap_or_default(),
        decision: (!reported).then(|| decision_of(event, policy)),
        changed_fields: (!changed_fields.is_empty()).then(|| field_mask(changed_fields)),
        reasons: reasons(why),
        instructions: instructions(event, targets),
        review_id: review_id.map(|id| id.to_string()).unwrap_or_default(),
        dead_letter_id: dead_letter_id.map(|id| id.to_string()).unwrap_or_default(),
        lead: stands.map(|stands| Box::new(lead(&stands))),
        ..proto::DecisionEvent::default()
    }
}

/// What happened, and the outcome where a payload was decided.
pub(crate) fn kind_and_status(kind: FeedEventKind) -> (proto::DecisionEventKind, proto::UpsertStatus) {
    match kind {
        FeedEventKind::Upsert(status) => (proto::DecisionEventKind::Upsert, upsert_status(status)),
        FeedEventKind::Written => (proto::DecisionEventKind::CrmWritten, proto::UpsertStatus::Unspecified),
        FeedEventKind::WriteFailed => (proto::DecisionEventKind::CrmFailed, proto::UpsertStatus::Unspecified),
    }
}

/// The decision as far as the feed holds it: the candidates' ids, best first, and level, tier and score of the best.
fn decision_of(event: &FeedEvent, policy: &Policy) -> proto::Decision {
    let level = match_level(event.level);
    let best = event.candidates.first().filter(|_| level != proto::MatchLevel::None);
    let candidate = |(index, id): (usize, &crate::domain::LeadId)| {
        let is_best = index == 0 && best.is_some();
        proto::Candidate {
            lead_id: id.to_string(),
            level: if is_best { level } else { proto::MatchLevel::Unspecified }.into(),
            matched_by: if is_best { match_tier(event.matched_by) } else { proto::MatchTier::Unspecified }.into(),
            score: if is_best { event.score } else { 0.0 },
            ..proto::Candidate::default()
        }
    };
    proto::Decision {
        decision_id: event.decision_id.to_string(),
        level: level.into(),
        matched_by: match_tier(event.matched_by).into(),
        lead_id: best.map(ToString::to_string).unwrap_or_default(),
        score: event.score,
        match_threshold: policy.match_threshold,
        review_threshold: policy.review_threshold,
        candidates: event.candidates.iter().enumerate().map(candidate).collect(),
        conflicts: event.conflicts.iter().map(conflict).collect(),
        policy_version: event.policy_version.to_string(),
        ..proto::Decision::default()
    }
}

fn instructions(event: &FeedEvent, targets: &[SourceName]) -> Vec<proto::LeadInstruction> {
    let wanted = event.write.iter().filter(|write| targets.is_empty() || targets.contains(&write.target));
    let message = |write: &crate::decision::outcome::WriteInstruction| proto::LeadInstruction {
        lead_id: event.lead_id.map(|id| id.to_string()).unwrap_or_default(),
        write: Some(instruction(write.clone(), Claim::Withheld)),
    };
    wanted.map(message).collect()
}
