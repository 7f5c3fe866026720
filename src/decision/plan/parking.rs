//! Payloads that become no lead: parked for a person, skipped, or kept as a dead letter; and how every plan ends.

use std::borrow::Cow;
use std::sync::Arc;

use crate::decision::decide::Decided;
use crate::decision::outcome::{Outcome, UpsertStatus};
use crate::decision::reason::{Reason, ReasonCode};
use crate::decision::review::{DeadLetter, DeadLetterKind, Payload, Review, ReviewKind, ReviewState};
use crate::decision::rows::{FeedEvent, FeedEventKind};
use crate::decision::tier::MatchLevel;
use crate::domain::{FieldKey, Lead, LeadId, ReviewId};

use super::{LeadChange, Plan, Planner, add_reason, changed_lead};

impl Planner<'_> {
    /// Parks the payload: nothing is written to a lead.
    pub(super) fn plan_park(&self, mut decided: Decided, reason: ReasonCode) -> Plan {
        add_reason(&mut decided.reasons, reason);
        let mut outcome = self.empty_outcome(decided, UpsertStatus::Review);
        let review = self.review_of_payload(reason, &outcome);
        outcome.review_id = Some(review.review_id);
        self.finish(outcome, None, vec![review], Vec::new())
    }

    /// Does nothing, and keeps the payload where nobody else does.
    pub(super) fn plan_skip(
        &self,
        mut decided: Decided,
        reason: ReasonCode,
        found: Option<Arc<Lead>>,
        keep: bool,
    ) -> Plan {
        add_reason(&mut decided.reasons, reason);
        let mut outcome = self.empty_outcome(decided, UpsertStatus::Skipped);
        let claimed = found.and_then(|lead| {
            // Whoever is told to create holds the claim, also where nothing else is done.
            let mut after = Cow::Borrowed(&*lead);
            outcome.write = self.instruct(&mut after, true, &mut outcome.reasons);
            outcome.lead = Some(Arc::clone(&lead));
            changed_lead(&lead, after)
        });
        let dead_letter = keep.then(|| self.dead_letter(reason));
        Plan { dead_letter, ..self.finish(outcome, claimed, Vec::new(), Vec::new()) }
    }

    fn dead_letter(&self, reason: ReasonCode) -> DeadLetter {
        let tenant = self.tenant().as_str().as_bytes();
        let identity =
            [tenant, reason.as_str().as_bytes(), self.command.source.as_str().as_bytes(), &self.command.payload.0];
        DeadLetter {
            dead_letter_id: self.context.digests.dead_letter(&identity),
            kind: DeadLetterKind::Payload,
            source: self.command.source.clone(),
            lead_id: None,
            payload: Some(self.command.payload.clone()),
            reason: Some(reason),
            error_code: "".into(),
            error_message: Payload(Box::default()),
            retryable: false,
            create_time: self.context.now,
            attempts: 1,
        }
    }

    pub(super) fn review(&self, review_id: ReviewId, kind: ReviewKind, level: MatchLevel, outcome: &Outcome) -> Review {
        let score = if level == MatchLevel::None { 0.0 } else { outcome.decision.score };
        Review {
            review_id,
            kind,
            state: ReviewState::Open,
            source: self.command.source.clone(),
            lead_ids: Vec::new(),
            payload: None,
            reasons: Vec::new(),
            score_thousandths: thousandths(score),
            create_time: self.context.now,
        }
    }

    /// Are these two leads the same?
    pub(super) fn review_of_pair(&self, a: LeadId, b: LeadId, outcome: &Outcome) -> Review {
        Review {
            lead_ids: vec![a.min(b), a.max(b)],
            reasons: outcome.reasons.iter().map(|reason| reason.code).collect(),
            ..self.review(
                self.context.digests.review_of_pair(a, b),
                ReviewKind::PossibleDuplicate,
                MatchLevel::Possible,
                outcome,
            )
        }
    }

    /// Which lead does this payload belong to? The same payload again is the same question.
    pub(super) fn review_of_payload(&self, reason: ReasonCode, outcome: &Outcome) -> Review {
        let identity = self.context.digests.parts(
            "payload",
            &[self.tenant().as_str().as_bytes(), self.command.source.as_str().as_bytes(), &self.command.payload.0],
        );
        Review {
            lead_ids: outcome.decision.candidates.iter().map(|candidate| candidate.lead_id).collect(),
            payload: Some(self.command.payload.clone()),
            reasons: vec![reason],
            ..self.review(
                self.context.digests.review_of_payload(&identity),
                ReviewKind::ParkedPayload,
                MatchLevel::Possible,
                outcome,
            )
        }
    }

    /// Fills in what every answer has, and what the feed would tell.
    pub(super) fn finish(
        &self,
        mut outcome: Outcome,
        lead: Option<LeadChange>,
        reviews: Vec<Review>,
        changed_fields: Vec<FieldKey>,
    ) -> Plan {
        if let Some(change) = &lead {
            outcome.lead = Some(Arc::clone(&change.after));
        }
        if let Some(lead) = &outcome.lead {
            outcome.lead_id = Some(lead.lead_id);
            outcome.version = lead.version;
            outcome.external_ids.clone_from(&lead.external_ids);
        }
        let event = self.event(&outcome, changed_fields);
        Plan { outcome, lead, reviews, dead_letter: None, event }
    }

    /// UNCHANGED and SKIPPED are counted, not told.
    fn event(&self, outcome: &Outcome, changed_fields: Vec<FieldKey>) -> Option<FeedEvent> {
        if !matches!(outcome.status, UpsertStatus::Created | UpsertStatus::Updated | UpsertStatus::Review) {
            return None;
        }
        Some(FeedEvent {
            time: self.context.now,
            tenant: self.tenant().clone(),
            kind: FeedEventKind::Upsert(outcome.status),
            source: self.command.source.clone(),
            decision_id: self.context.ids.decision_id.clone(),
            lead_id: outcome.lead_id,
            version: outcome.version,
            level: outcome.decision.level,
            matched_by: outcome.decision.matched_by,
            score: outcome.decision.score,
            candidates: outcome.decision.candidates.iter().map(|candidate| candidate.lead_id).collect(),
            conflicts: outcome.decision.conflicts.clone(),
            reasons: outcome.reasons.iter().map(without_personal_data).collect(),
            changed_fields,
            review_id: outcome.review_id,
            dead_letter_id: None,
            write: outcome.write.clone(),
            policy_version: self.context.policy.version.clone(),
            has_payload: true,
        })
    }
}

/// A score as it is stored.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score lies in 0..1")]
pub(super) fn thousandths(score: f64) -> u32 {
    (score * 1000.0).round() as u32
}

/// A reason as it may be stored outside a payload row.
pub(crate) fn without_personal_data(reason: &Reason) -> Reason {
    let mut reason = reason.clone();
    reason.metadata.remove("suggestion");
    reason
}
