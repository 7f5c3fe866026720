//! Answers to upserts and matches as the wire has them.

use crate::decision::outcome::{Outcome, Withheld};
use crate::decision::policy::Policy;
use crate::engine::Answer;
use crate::grpc::proto;

use super::decision::{Detail, decision, reasons};
use super::enums::upsert_status;
use super::lead::{lead, linked_ids};
use super::unborn;
use super::write::{Claim, instruction};

/// How a request wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Presentation {
    /// Nothing was written, and nothing is claimed.
    pub(crate) validate_only: bool,
    /// With the lead.
    pub(crate) include_lead: bool,
    /// With comparisons, and where leads are wanted those of the candidates.
    pub(crate) explain: bool,
    /// At most so many candidates.
    pub(crate) max_candidates: usize,
}

impl Presentation {
    fn detail(self, replayed: bool) -> Detail {
        let explained = self.explain && !replayed;
        Detail { comparisons: explained, leads: explained && self.include_lead, max_candidates: self.max_candidates }
    }
}

/// The answer to an upsert.
pub(crate) fn upsert_response(
    answer: Answer,
    client_ref: String,
    presentation: Presentation,
    policy: &Policy,
) -> proto::UpsertResponse {
    let Answer { outcome, decision_id, policy_version, replayed, same_as_client_ref, unborn } = answer;
    let Outcome {
        status,
        lead_id,
        version,
        decision: decided,
        external_ids,
        write,
        withheld,
        reasons: why,
        review_id,
        lead: stored,
    } = outcome;
    let claim = if presentation.validate_only { Claim::Withheld } else { Claim::Told };
    let stored = stored.filter(|_| presentation.include_lead).map(|stored| Box::new(lead(&stored)));
    let mut response = proto::UpsertResponse {
        status: upsert_status(status).into(),
        lead_id: lead_id.map(|id| id.to_string()).unwrap_or_default(),
        version,
        decision: Some(decision(decided, &decision_id, &policy_version, policy, presentation.detail(replayed))),
        external_ids: linked_ids(&external_ids),
        write: write.map(|write| instruction(write, claim)),
        withheld: withheld.into_iter().map(withheld_field).collect(),
        reasons: reasons(&why),
        review_id: review_id.map(|id| id.to_string()).unwrap_or_default(),
        replayed,
        client_ref,
        same_as_client_ref: same_as_client_ref.map(String::from).unwrap_or_default(),
        lead: stored,
    };
    unborn::hide(&mut response, &unborn);
    response
}

/// The answer to a match: the best match as it stands, and what an upsert would do.
pub(crate) fn match_response(answer: Answer, presentation: Presentation, policy: &Policy) -> proto::MatchLeadResponse {
    // A match names leads that are there, and never the one that an upsert would make.
    let Answer { outcome, decision_id, policy_version, replayed: _, same_as_client_ref: _, unborn: _ } = answer;
    let Outcome {
        status,
        lead_id: _,
        version: _,
        decision: decided,
        external_ids: _,
        write,
        withheld,
        reasons: why,
        review_id: _,
        lead: _,
    } = outcome;
    let best = decided.candidates.iter().find(|candidate| Some(candidate.lead_id) == decided.lead_id);
    let best = best.and_then(|candidate| candidate.lead.as_ref());
    let external_ids = best.map(|best| linked_ids(&best.external_ids)).unwrap_or_default();
    let stored = best.filter(|_| presentation.include_lead).map(|best| Box::new(lead(best)));
    proto::MatchLeadResponse {
        status: upsert_status(status).into(),
        decision: Some(decision(decided, &decision_id, &policy_version, policy, presentation.detail(false))),
        external_ids,
        write: write.map(|write| instruction(write, Claim::Withheld)),
        withheld: withheld.into_iter().map(withheld_field).collect(),
        reasons: reasons(&why),
        lead: stored,
    }
}

fn withheld_field(withheld: Withheld) -> proto::WithheldField {
    let Withheld { field, incoming, kept, source, reason } = withheld;
    proto::WithheldField {
        field: field.to_string(),
        incoming: incoming.into(),
        kept: kept.into(),
        source: source.map(|source| source.as_str().to_owned()).unwrap_or_default(),
        reason: reason.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests;
