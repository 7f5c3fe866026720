use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::decision::outcome::{
    Candidate, Comparison, Conflict, Decision, UpsertStatus, WriteAction, WriteInstruction,
};
use crate::decision::tier::{MatchLevel, MatchTier};
use crate::domain::{Lead, LeadId, ReviewId, SourceName};
use crate::engine::Unborn;

const LEAD: LeadId = LeadId::from_bytes([7; 16]);

fn answer(status: UpsertStatus, action: WriteAction) -> Answer {
    let lead = Arc::new(Lead::empty(LEAD, Timestamp::UNIX_EPOCH));
    let comparison = Comparison {
        field: "email",
        incoming: "a@x.com".into(),
        existing: "b@x.com".into(),
        similarity: 0.5,
        level: "near",
        weight: 1.5,
    };
    let candidate = Candidate {
        lead_id: LEAD,
        lead: Some(Arc::clone(&lead)),
        level: MatchLevel::Match,
        matched_by: MatchTier::Email,
        score: 1.0,
        weight: 0.0,
        comparisons: vec![comparison],
        reasons: Vec::new(),
    };
    let decision = Decision {
        level: MatchLevel::Match,
        matched_by: Some(MatchTier::Email),
        lead_id: Some(LEAD),
        candidates: vec![candidate; 12],
        ..Decision::default()
    };
    let write = WriteInstruction {
        target: SourceName::parse("salesforce").expect("a source"),
        action,
        external_id: None,
        other_external_ids: Vec::new(),
        changed_fields: Vec::new(),
        claim_token: Some("token".into()),
        claim_expire_time: Some(Timestamp::UNIX_EPOCH),
        retry_after: None,
    };
    let outcome = Outcome {
        status,
        lead_id: Some(LEAD),
        version: 1,
        decision,
        external_ids: Vec::new(),
        write: Some(write),
        withheld: Vec::new(),
        reasons: Vec::new(),
        review_id: None,
        lead: Some(lead),
    };
    Answer {
        outcome,
        decision_id: "d".into(),
        policy_version: "p".into(),
        replayed: false,
        same_as_client_ref: None,
        unborn: Unborn::default(),
    }
}

const PLAIN: Presentation =
    Presentation { validate_only: false, include_lead: false, explain: false, max_candidates: 10 };

fn respond(answer: Answer, presentation: Presentation) -> proto::UpsertResponse {
    upsert_response(answer, "row 1".to_owned(), presentation, &Policy::default())
}

#[test]
fn comparisons_and_leads_come_only_where_they_were_asked_for() {
    for (explain, include_lead, replayed, comparisons, candidate_leads) in [
        (false, false, false, 0, false),
        (false, true, false, 0, false),
        (true, false, false, 1, false),
        (true, true, false, 1, true),
        (true, true, true, 0, false),
    ] {
        let answer = Answer { replayed, ..answer(UpsertStatus::Updated, WriteAction::Update) };
        let response = respond(answer, Presentation { explain, include_lead, ..PLAIN });
        let decision = response.decision.expect("a decision");
        assert_eq!(decision.candidates.len(), 10);
        assert_eq!(decision.candidates[0].comparisons.len(), comparisons);
        assert_eq!(decision.candidates[0].lead.is_some(), candidate_leads);
        assert_eq!(response.lead.is_some(), include_lead);
    }
}

#[test]
fn a_preview_gives_no_claim_and_no_id_to_a_lead_that_is_not_there() {
    let presentation = Presentation { validate_only: true, include_lead: true, explain: true, ..PLAIN };
    let mut previewed = answer(UpsertStatus::Updated, WriteAction::Create);
    previewed.unborn = Unborn { lead_ids: vec![LEAD], review: true };
    previewed.outcome.review_id = Some(ReviewId::from_bytes([9; 16]));
    let there = LeadId::from_bytes([8; 16]);
    previewed.outcome.decision.conflicts =
        [LEAD, there].map(|lead_id| Conflict { tier: MatchTier::Phone, lead_id, value_field: "phone".into() }).into();
    let response = respond(previewed, presentation);
    assert_eq!(response.review_id, "");
    let decision = response.decision.expect("a decision");
    assert_eq!((response.lead_id.as_str(), decision.lead_id.as_str()), ("", ""));
    assert_eq!(response.lead.expect("a lead").lead_id, "");
    let conflicts: Vec<_> = decision.conflicts.iter().map(|conflict| conflict.lead_id.clone()).collect();
    assert_eq!(conflicts, [String::new(), there.to_string()]);
    for candidate in decision.candidates {
        assert_eq!((candidate.lead_id, candidate.lead.expect("a lead").lead_id), (String::new(), String::new()));
    }
    let write = response.write.expect("an instruction");
    assert_eq!((write.claim_token.as_str(), write.claim_expire_time), ("", None));

    let response = respond(answer(UpsertStatus::Updated, WriteAction::Update), presentation);
    assert_eq!(response.lead_id, LEAD.to_string());
}

#[test]
fn only_a_creation_carries_a_claim() {
    for (action, token) in [(WriteAction::Create, "token"), (WriteAction::Update, ""), (WriteAction::Wait, "")] {
        let write = respond(answer(UpsertStatus::Updated, action), PLAIN).write.expect("an instruction");
        assert_eq!(write.claim_token, token, "{action:?}");
    }
}

#[test]
fn a_match_explains_shows_the_best_match_and_claims_nothing() {
    let presentation = Presentation { explain: true, include_lead: true, max_candidates: 2, ..PLAIN };
    let response = match_response(answer(UpsertStatus::Updated, WriteAction::Create), presentation, &Policy::default());
    let decision = response.decision.expect("a decision");
    assert_eq!((decision.candidates.len(), decision.candidates[0].comparisons.len()), (2, 1));
    assert_eq!(decision.policy_version, "p");
    assert_eq!(response.lead.expect("a lead").lead_id, LEAD.to_string());
    assert_eq!(response.write.expect("an instruction").claim_token, "");
}
