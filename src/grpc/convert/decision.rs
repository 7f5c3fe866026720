//! A decision as the wire has it.

use crate::decision::outcome::{Candidate, Comparison, Conflict, Decision};
use crate::decision::policy::Policy;
use crate::decision::reason::{Reason, ReasonCode};
use crate::grpc::proto;

use super::enums::{match_level, match_tier};
use super::lead::lead;

/// How much of a decision an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detail {
    /// With comparisons.
    pub(super) comparisons: bool,
    /// With the candidates' leads.
    pub(super) leads: bool,
    /// At most so many candidates.
    pub(super) max_candidates: usize,
}

/// The decision of an answer.
pub(super) fn decision(
    decision: Decision,
    decision_id: &str,
    policy_version: &str,
    policy: &Policy,
    detail: Detail,
) -> proto::Decision {
    let Decision { level, matched_by, lead_id, score, candidates, conflicts, truncated, weighed } = decision;
    proto::Decision {
        decision_id: decision_id.to_owned(),
        level: match_level(level).into(),
        matched_by: match_tier(matched_by).into(),
        lead_id: lead_id.map(|id| id.to_string()).unwrap_or_default(),
        score,
        match_threshold: policy.match_threshold,
        review_threshold: policy.review_threshold,
        candidates: candidates.into_iter().take(detail.max_candidates).map(|it| candidate(it, detail)).collect(),
        conflicts: conflicts.iter().map(conflict).collect(),
        truncated,
        policy_version: policy_version.to_owned(),
        frequency_table_version: weighed.map(|weighed| weighed.frequency_table.to_string()).unwrap_or_default(),
        prior_weight: weighed.map(|weighed| weighed.prior).unwrap_or_default(),
    }
}

fn candidate(candidate: Candidate, detail: Detail) -> proto::Candidate {
    let Candidate { lead_id, lead: stored, level, matched_by, score, weight, comparisons, reasons: why } = candidate;
    proto::Candidate {
        lead_id: lead_id.to_string(),
        level: match_level(level).into(),
        matched_by: match_tier(Some(matched_by)).into(),
        score,
        comparisons: if detail.comparisons { comparisons.into_iter().map(comparison).collect() } else { Vec::new() },
        reasons: reasons(&why),
        lead: stored.filter(|_| detail.leads).map(|stored| Box::new(lead(&stored))),
        total_weight: weight,
    }
}

/// One field compared.
pub(crate) fn comparison(comparison: Comparison) -> proto::Comparison {
    let Comparison { field, incoming, existing, similarity, level, weight } = comparison;
    proto::Comparison {
        field: field.to_owned(),
        incoming: incoming.into(),
        existing: existing.into(),
        similarity,
        level: level.to_owned(),
        weight,
    }
}

/// A tier that points elsewhere.
pub(super) fn conflict(conflict: &Conflict) -> proto::Conflict {
    let Conflict { tier, lead_id, value_field } = conflict;
    proto::Conflict {
        tier: match_tier(Some(*tier)).into(),
        lead_id: lead_id.to_string(),
        value_field: value_field.to_string(),
    }
}

/// Reasons with their metadata.
pub(crate) fn reasons(reasons: &[Reason]) -> Vec<proto::Reason> {
    let message = |Reason { code, metadata }: &Reason| proto::Reason {
        code: code.as_str().to_owned(),
        message: code.message().to_owned(),
        metadata: metadata.iter().map(|(key, value)| ((*key).to_owned(), value.to_string())).collect(),
    };
    reasons.iter().map(message).collect()
}

/// Reasons of which only the codes were kept.
pub(super) fn reasons_of_codes(codes: impl IntoIterator<Item = ReasonCode>) -> Vec<proto::Reason> {
    let whole: Vec<Reason> = codes.into_iter().map(Reason::from).collect();
    reasons(&whole)
}
