//! What is done about a decision: the mode table, the change set and the answer.
//!
//! Pure: from (command, evidence, decision, policy, time, new ids) to (outcome, changes). Never looks anything up.

mod creating;
mod edit;
mod identifiers;
mod instruction;
mod parking;
mod report;
mod updating;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::{IncomingLead, InputNote, Lead, LeadId, TenantId};

use super::command::{UpdateMode, UpsertCommand, UpsertMode};
use super::decide::{Decided, Verdict, decide};
use super::digest::DigestKey;
use super::evidence::Evidence;
use super::outcome::{Outcome, UpsertStatus};
use super::policy::{Channel, OnBulkMatch, OnDeleted, OnPossible, Policy};
use super::reason::{Reason, ReasonCode};
use super::review::{DeadLetter, Review};
use super::rows::FeedEvent;
use super::tier::MatchTier;

pub(crate) use parking::without_personal_data;
pub use report::{ReportEvent, ReportPlan, WriteReport, plan_report, reported_key};

/// Ids that a decision may need. They come from outside, so that the same inputs give the same answer.
#[derive(Debug, Clone)]
pub struct NewIds {
    /// The lead's, should one be created.
    pub lead_id: LeadId,
    /// The decision's.
    pub decision_id: Box<str>,
    /// The claim's, should one be given.
    pub claim_token: Box<str>,
}

/// What a plan rests on, besides the command and the evidence.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// The rules.
    pub policy: &'a Policy,
    /// The time of receipt.
    pub now: Timestamp,
    /// New ids.
    pub ids: &'a NewIds,
    /// The store's digest secret.
    pub digests: &'a DigestKey,
}

/// A lead that a plan writes.
#[derive(Debug, Clone)]
pub struct LeadChange {
    /// As it stood; `None` for a new one.
    pub before: Option<Arc<Lead>>,
    /// As it will stand.
    pub after: Arc<Lead>,
}

impl LeadChange {
    /// Whether callers can see the change: bookkeeping about other systems they cannot.
    pub fn is_visible(&self) -> bool {
        self.before.as_ref().is_none_or(|before| before.version != self.after.version)
    }
}

/// What is done about a request.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The answer.
    pub outcome: Outcome,
    /// The lead written, where something of it changes; bookkeeping about other systems counts.
    pub lead: Option<LeadChange>,
    /// Reviews to open, unless they are open.
    pub reviews: Vec<Review>,
    /// The dead letter to keep, unless it is kept.
    pub dead_letter: Option<DeadLetter>,
    /// What the feed tells, should anything be written that is told.
    pub event: Option<FeedEvent>,
}

/// A request that cannot be done as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The lead found has another version than the caller expects.
    #[error("the lead has version {current}, not {expected}: read it again and decide anew")]
    VersionMismatch {
        /// What the caller expects.
        expected: i64,
        /// What it is; 0 where no lead was found.
        current: i64,
    },
}

/// Decides a request and plans what is done about it.
pub fn plan_upsert(command: &UpsertCommand, evidence: &Evidence, context: PlanContext<'_>) -> Result<Plan, PlanError> {
    let mut decided = decide(command, evidence, context.policy);
    decided.reasons.splice(0..0, input_reasons(&command.lead));
    let planner = Planner { command, evidence, context };
    let action = planner.action(&decided);
    planner.check_version(&action)?;
    Ok(planner.carry_out(action, decided))
}

/// What the mode table says.
enum Action {
    Create { review_with: Option<Arc<Lead>> },
    Update { lead: Arc<Lead>, review: Option<ReasonCode> },
    Park(ReasonCode),
    Skip { reason: ReasonCode, found: Option<Arc<Lead>>, keep: bool },
}

struct Planner<'a> {
    command: &'a UpsertCommand,
    evidence: &'a Evidence,
    context: PlanContext<'a>,
}

impl<'a> Planner<'a> {
    fn channel(&self) -> Channel {
        self.context.policy.source(&self.command.source).channel
    }

    fn action(&self, decided: &Decided) -> Action {
        if let Verdict::UnknownLead = decided.verdict {
            return skip(ReasonCode::LeadNotFound);
        }
        // Whoever is like somebody by the name alone is nobody that a lead could be made of, either.
        let unmatched = matches!(decided.verdict, Verdict::None | Verdict::Possible { .. });
        if unmatched && !has_usable_identifier(&self.command.lead) {
            return Action::Skip { reason: ReasonCode::NoUsableIdentifier, found: None, keep: true };
        }
        if self.command.mode == UpsertMode::CreateDuplicate {
            return self.create(None);
        }
        match &decided.verdict {
            Verdict::Match { lead, .. } if self.stays_deleted(lead) => skip(ReasonCode::LeadNotFound),
            Verdict::Match { lead, tier } => self.on_match(lead, *tier),
            Verdict::Ambiguous { reason, best, .. } => self.on_ambiguous(*reason, best),
            Verdict::Possible { lead } => self.on_possible(lead),
            Verdict::None | Verdict::UnknownLead => self.on_none(),
        }
    }

    fn stays_deleted(&self, lead: &Lead) -> bool {
        !lead.is_live() && self.context.policy.on_deleted == OnDeleted::Skip
    }

    fn on_match(&self, lead: &Arc<Lead>, tier: MatchTier) -> Action {
        if self.command.mode == UpsertMode::CreateOnly {
            return Action::Skip { reason: ReasonCode::LeadAlreadyExists, found: Some(Arc::clone(lead)), keep: false };
        }
        let rules = self.context.policy.source(&self.command.source);
        if rules.channel == Channel::Bulk && rules.on_bulk_match == OnBulkMatch::Review {
            return Action::Park(ReasonCode::BulkOverwrite);
        }
        if rules.channel == Channel::Bulk && tier == MatchTier::Fuzzy {
            return Action::Park(ReasonCode::BulkFuzzyMatch);
        }
        Action::Update { lead: Arc::clone(lead), review: None }
    }

    fn on_ambiguous(&self, reason: ReasonCode, best: &Arc<Lead>) -> Action {
        if self.command.mode == UpsertMode::CreateOnly {
            return Action::Skip { reason: ReasonCode::LeadAlreadyExists, found: Some(Arc::clone(best)), keep: false };
        }
        match self.channel() {
            Channel::WebForm => Action::Update { lead: Arc::clone(best), review: Some(reason) },
            Channel::Api | Channel::Bulk => Action::Park(reason),
        }
    }

    fn on_possible(&self, lead: &Arc<Lead>) -> Action {
        let hold = self.context.policy.on_possible == OnPossible::Hold && self.channel() != Channel::WebForm;
        match self.command.mode {
            UpsertMode::UpdateOnly => skip(ReasonCode::InReviewBand),
            _ if self.command.update_mode == UpdateMode::LinkOnly => skip(ReasonCode::InReviewBand),
            _ if hold => Action::Park(ReasonCode::InReviewBand),
            _ => self.create(Some(Arc::clone(lead))),
        }
    }

    fn on_none(&self) -> Action {
        if self.command.mode == UpsertMode::UpdateOnly || self.command.update_mode == UpdateMode::LinkOnly {
            return skip(ReasonCode::LeadNotFound);
        }
        self.create(None)
    }

    fn create(&self, review_with: Option<Arc<Lead>>) -> Action {
        if self.context.policy.source(&self.command.source).update_only {
            return Action::Skip { reason: ReasonCode::CreateNotAllowed, found: None, keep: true };
        }
        Action::Create { review_with }
    }

    fn check_version(&self, action: &Action) -> Result<(), PlanError> {
        let current = match action {
            Action::Create { .. } => 0,
            Action::Update { lead, .. } | Action::Skip { found: Some(lead), .. } => lead.version,
            Action::Park(_) | Action::Skip { found: None, .. } => return Ok(()),
        };
        match self.command.expected_version {
            Some(expected) if expected != current => Err(PlanError::VersionMismatch { expected, current }),
            _ => Ok(()),
        }
    }

    fn carry_out(&self, action: Action, decided: Decided) -> Plan {
        match action {
            Action::Create { review_with } => self.plan_create(decided, review_with),
            Action::Update { lead, review } => self.plan_update(decided, &lead, review),
            Action::Park(reason) => self.plan_park(decided, reason),
            Action::Skip { reason, found, keep } => self.plan_skip(decided, reason, found, keep),
        }
    }

    /// An answer without a lead and without anything to write.
    fn empty_outcome(&self, decided: Decided, status: UpsertStatus) -> Outcome {
        Outcome {
            status,
            lead_id: None,
            version: 0,
            decision: decided.decision,
            external_ids: Vec::new(),
            write: None,
            withheld: Vec::new(),
            reasons: decided.reasons,
            review_id: None,
            lead: None,
        }
    }

    fn tenant(&self) -> &TenantId {
        &self.command.tenant
    }
}

/// What is written of a lead that was looked at: nothing where nothing of it changed.
fn changed_lead(before: &Arc<Lead>, after: Cow<'_, Lead>) -> Option<LeadChange> {
    match after {
        Cow::Owned(after) if after != **before => {
            Some(LeadChange { before: Some(Arc::clone(before)), after: Arc::new(after) })
        }
        Cow::Owned(_) | Cow::Borrowed(_) => None,
    }
}

fn skip(reason: ReasonCode) -> Action {
    Action::Skip { reason, found: None, keep: false }
}

/// Adds a reason unless its code is there.
fn add_reason(reasons: &mut Vec<Reason>, reason: impl Into<Reason>) {
    let reason = reason.into();
    if !reasons.iter().any(|known| known.code == reason.code) {
        reasons.push(reason);
    }
}

/// A live key, or a person or company name with one more comparable field.
fn has_usable_identifier(lead: &IncomingLead) -> bool {
    use crate::domain::Field::{City, Country, DateOfBirth, PostalCode, State, Street, Website};
    if !(lead.external_ids.is_empty() && lead.emails.is_empty() && lead.phones.is_empty()) {
        return true;
    }
    let comparable = [Website, Street, City, State, PostalCode, Country, DateOfBirth];
    let further = comparable.iter().any(|field| lead.values.contains_key(field));
    match (&lead.name, &lead.company) {
        (Some(_), Some(_)) => true,
        (Some(_), None) | (None, Some(_)) => further,
        (None, None) => false,
    }
}

fn input_reasons(lead: &IncomingLead) -> Vec<Reason> {
    lead.notes.iter().map(reason_of_note).collect()
}

fn reason_of_note(note: &InputNote) -> Reason {
    match note {
        InputNote::Blocked(field) => Reason::from(ReasonCode::BlockedValue).with("field", *field),
        InputNote::Unreadable(field) => Reason::from(ReasonCode::InvalidValue).with("field", *field),
        InputNote::EmailTypo(suggestion) => {
            Reason::from(ReasonCode::EmailTypoSuspected).with("suggestion", suggestion.0.clone())
        }
        InputNote::BlankExternalId => ReasonCode::BlankExternalId.into(),
        InputNote::ClockSkew => ReasonCode::ClockSkew.into(),
    }
}
