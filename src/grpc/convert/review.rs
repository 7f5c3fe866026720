//! Reviews as the wire has them.

use std::sync::Arc;

use crate::decision::review::{Review, ReviewKind};
use crate::domain::{Lead, LeadId};
use crate::grpc::proto;

use super::decision::reasons_of_codes;
use super::enums::{match_level, review_kind, review_state};
use super::lead::lead;
use super::payload::parked;
use super::time::timestamp;
use crate::decision::tier::MatchLevel;

/// A review; `leads` are the leads concerned as they stand, where they were asked for.
pub(crate) fn review(review: &Review, leads: &[Arc<Lead>]) -> proto::Review {
    let Review { review_id, kind, state, source, lead_ids, payload, reasons, score_thousandths, create_time } = review;
    let score = f64::from(*score_thousandths) / 1000.0;
    let opened = timestamp(*create_time);
    proto::Review {
        review_id: review_id.to_string(),
        kind: review_kind(*kind).into(),
        state: review_state(*state).into(),
        lead_ids: lead_ids.iter().map(ToString::to_string).collect(),
        source: source.as_str().to_owned(),
        payload: payload.as_ref().and_then(|payload| parked(payload, source.as_str(), opened)),
        candidates: lead_ids.iter().map(|id| candidate(*id, *kind, score, leads)).collect(),
        reasons: reasons_of_codes(reasons.iter().copied()),
        score,
        occurrence_count: 1,
        create_time: Some(opened),
        update_time: Some(opened),
        resolution: proto::ReviewResolution::Unspecified.into(),
        // Kept by the acts of stewards, which come later.
        conflicts: Vec::new(),
        withheld: Vec::new(),
        decision_id: String::new(),
        resolved_by: String::new(),
        resolve_time: None,
        resolve_reason: String::new(),
    }
}

fn candidate(lead_id: LeadId, kind: ReviewKind, score: f64, leads: &[Arc<Lead>]) -> proto::Candidate {
    let level = if kind == ReviewKind::BulkOverwrite { MatchLevel::Match } else { MatchLevel::Possible };
    let stored = leads.iter().find(|stored| stored.lead_id == lead_id);
    proto::Candidate {
        lead_id: lead_id.to_string(),
        level: match_level(level).into(),
        score,
        lead: stored.map(|stored| Box::new(lead(stored))),
        ..proto::Candidate::default()
    }
}
