//! What a target's report changes: an id is linked, a claim is freed, and what the target holds is known.

use std::borrow::Cow;
use std::sync::Arc;

use crate::decision::identity_key::IdentityKey;
use crate::decision::outcome::{WriteAction, WriteInstruction};
use crate::decision::reason::{Reason, ReasonCode};
use crate::decision::review::{DeadLetter, DeadLetterKind, Payload, Review, ReviewKind, ReviewState};
use crate::decision::rows::{FeedEvent, FeedEventKind};
use crate::decision::tier::MatchLevel;
use crate::domain::{ExternalId, Lead, LeadId, LinkedBy, SourceName, TenantId};

use super::identifiers::{Linking, Links, link_external_id};
use super::instruction::{instruct, update_token};
use super::{LeadChange, PlanContext, add_reason, changed_lead};

/// A report about a lead and a target.
#[derive(Debug, Clone)]
pub struct WriteReport {
    /// Whose data.
    pub tenant: TenantId,
    /// The system that was written to.
    pub target: SourceName,
    /// The lead.
    pub lead_id: LeadId,
    /// The claim or update that was carried out; empty where the reporter has none.
    pub claim_token: Box<str>,
    /// What happened.
    pub event: ReportEvent,
}

/// What happened in the target.
#[derive(Debug, Clone)]
pub enum ReportEvent {
    /// The lead was written, under this id.
    Written {
        /// The record's id there.
        external_id: ExternalId,
    },
    /// It could not be written.
    Failed {
        /// The target's own code.
        code: Box<str>,
        /// The target's own message.
        message: Payload,
        /// Whether trying again helps.
        retryable: bool,
    },
}

/// What is done about a report.
#[derive(Debug, Clone)]
pub struct ReportPlan {
    /// The lead reported on, or its survivor.
    pub lead_id: LeadId,
    /// What to do next.
    pub next: Option<WriteInstruction>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The lead written, where something of it changes.
    pub lead: Option<LeadChange>,
    /// A review to open.
    pub reviews: Vec<Review>,
    /// A dead letter to keep.
    pub dead_letter: Option<DeadLetter>,
    /// What the feed tells.
    pub event: FeedEvent,
}

/// Plans what a report changes. `holder` is another live lead that holds the reported id.
pub fn plan_report(
    report: &WriteReport,
    lead: &Arc<Lead>,
    holder: Option<LeadId>,
    context: PlanContext<'_>,
) -> ReportPlan {
    match &report.event {
        ReportEvent::Written { external_id } => plan_written(report, external_id, lead, holder, context),
        ReportEvent::Failed { code, message, retryable } => {
            plan_failed(report, lead, code, message, *retryable, context)
        }
    }
}

fn plan_written(
    report: &WriteReport,
    external_id: &ExternalId,
    before: &Arc<Lead>,
    holder: Option<LeadId>,
    context: PlanContext<'_>,
) -> ReportPlan {
    let mut lead = Cow::Borrowed(&**before);
    let mut reasons = Vec::new();
    let mut reviews = Vec::new();
    let mut linking = Linking::default();
    if let Some(rival) = holder {
        add_reason(&mut reasons, Reason::from(ReasonCode::ConflictingKey).with("lead_id", rival.to_string()));
        reviews.push(conflict_review(report, lead.lead_id, rival, context));
    } else {
        link_external_id(&mut lead, external_id, Links { linked_by: LinkedBy::Exact, confirms: true }, &mut linking);
        take_report(lead.to_mut(), report, &mut reasons);
    }
    reasons.extend(linking.reasons);
    if linking.linked {
        let lead = lead.to_mut();
        lead.version += 1;
        lead.update_time = context.now;
    }
    let next = next_update(&mut lead, report, &context, &mut reasons);
    let event = event_of(report, FeedEventKind::Written, &lead, &reasons, next.as_ref(), context);
    ReportPlan {
        lead_id: lead.lead_id,
        next,
        lead: changed_lead(before, lead),
        reviews,
        dead_letter: None,
        event,
        reasons,
    }
}

/// What was told and not overtaken since is what the target holds now.
fn take_report(lead: &mut Lead, report: &WriteReport, reasons: &mut Vec<Reason>) {
    let system = lead.system_mut(&report.target);
    let claimed = system.claim.as_ref().is_some_and(|claim| claim.token == report.claim_token);
    let current = claimed || report.claim_token.is_empty() || report.claim_token == update_token(system.told_version);
    system.claim = None;
    if current {
        system.reported.clone_from(&system.told);
    } else {
        add_reason(reasons, ReasonCode::UnknownClaim);
    }
}

/// After a write only an update can be due: the record exists.
fn next_update(
    lead: &mut Cow<'_, Lead>,
    report: &WriteReport,
    context: &PlanContext<'_>,
    reasons: &mut Vec<Reason>,
) -> Option<WriteInstruction> {
    let exists = lead.live_ids_of(&report.target).next().is_some();
    let next = instruct(lead, &report.target, context, exists, reasons);
    (exists || next.action == WriteAction::Wait).then_some(next)
}

fn plan_failed(
    report: &WriteReport,
    before: &Arc<Lead>,
    code: &str,
    message: &Payload,
    retryable: bool,
    context: PlanContext<'_>,
) -> ReportPlan {
    let mut lead = Lead::clone(before);
    let mut reasons = Vec::new();
    let system = lead.system_mut(&report.target);
    match &system.claim {
        Some(claim) if claim.token == report.claim_token => system.claim = None,
        Some(_) => add_reason(&mut reasons, ReasonCode::UnknownClaim),
        None => {}
    }
    let identity = [
        report.tenant.as_str().as_bytes(),
        lead.lead_id.as_bytes(),
        report.target.as_str().as_bytes(),
        code.as_bytes(),
    ];
    let dead_letter = DeadLetter {
        dead_letter_id: context.digests.dead_letter(&identity),
        kind: DeadLetterKind::CrmWrite,
        source: report.target.clone(),
        lead_id: Some(lead.lead_id),
        payload: None,
        reason: None,
        error_code: code.into(),
        error_message: message.clone(),
        retryable,
        create_time: context.now,
        attempts: 1,
    };
    let mut event = event_of(report, FeedEventKind::WriteFailed, &lead, &reasons, None, context);
    event.dead_letter_id = Some(dead_letter.dead_letter_id);
    ReportPlan {
        lead_id: lead.lead_id,
        next: None,
        lead: changed_lead(before, Cow::Owned(lead)),
        reviews: Vec::new(),
        dead_letter: Some(dead_letter),
        event,
        reasons,
    }
}

fn conflict_review(report: &WriteReport, a: LeadId, b: LeadId, context: PlanContext<'_>) -> Review {
    Review {
        review_id: context.digests.review_of_pair(a, b),
        kind: ReviewKind::PossibleDuplicate,
        state: ReviewState::Open,
        source: report.target.clone(),
        lead_ids: vec![a.min(b), a.max(b)],
        payload: None,
        reasons: vec![ReasonCode::ConflictingKey],
        score_thousandths: 1000,
        create_time: context.now,
    }
}

fn event_of(
    report: &WriteReport,
    kind: FeedEventKind,
    lead: &Lead,
    reasons: &[Reason],
    next: Option<&WriteInstruction>,
    context: PlanContext<'_>,
) -> FeedEvent {
    FeedEvent {
        time: context.now,
        tenant: report.tenant.clone(),
        kind,
        source: report.target.clone(),
        decision_id: context.ids.decision_id.clone(),
        lead_id: Some(lead.lead_id),
        version: lead.version,
        level: MatchLevel::None,
        matched_by: None,
        score: 0.0,
        candidates: Vec::new(),
        conflicts: Vec::new(),
        reasons: reasons.to_vec(),
        changed_fields: Vec::new(),
        review_id: None,
        dead_letter_id: None,
        write: next.cloned(),
        policy_version: context.policy.version.clone(),
        has_payload: false,
    }
}

/// The key that a written report would link.
pub fn reported_key(report: &WriteReport) -> Option<IdentityKey> {
    match &report.event {
        ReportEvent::Written { external_id } => Some(IdentityKey::external_id(external_id)),
        ReportEvent::Failed { .. } => None,
    }
}
