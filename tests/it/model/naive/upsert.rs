//! The mode table: what is done about a match.

use std::collections::BTreeSet;

use jiff::Timestamp;

use leadgate::decision::command::{UpdateMode, UpsertCommand, UpsertMode};
use leadgate::decision::outcome::UpsertStatus;
use leadgate::decision::policy::{Channel, OnBulkMatch, OnPossible, Policy, SourcePolicy};
use leadgate::decision::reason::ReasonCode;
use leadgate::decision::review::ReviewKind;
use leadgate::decision::tier::MatchLevel;
use leadgate::domain::{Field, InputNote, LeadId};

use super::Fresh;
use super::matching::{Matched, Says, find_match};
use super::reply::{Reply, ReviewIdentity};
use super::state::{Model, ModelLead, ModelReview};
use super::updating::{Taking, Update};

/// A request that is refused instead of answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    VersionMismatch,
    RequestIdReused,
}

/// What the mode table says.
enum Action {
    Create { review_with: Option<LeadId> },
    Update { lead: LeadId, review: bool },
    Park(ReasonCode),
    Skip { reason: ReasonCode, found: Option<LeadId>, keep: bool },
}

impl Model {
    /// Answers one request and takes its effects.
    pub(crate) fn upsert(
        &mut self,
        policy: &Policy,
        command: &UpsertCommand,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Reply, Refusal> {
        let name = command.request_id.as_ref().map(|id| (command.source.clone(), id.id.to_string()));
        let digest = command.request_id.as_ref().map(|id| id.body_digest);
        if let Some((first_digest, first)) = name.as_ref().and_then(|name| self.replies.get(name)) {
            let same = Some(*first_digest) == digest;
            return if same { Ok(Reply { replayed: true, ..first.clone() }) } else { Err(Refusal::RequestIdReused) };
        }
        let mut after = self.clone();
        let reply = after.decide_and_write(policy, command, now, fresh)?;
        if command.validate_only {
            return Ok(reply);
        }
        if let (Some(name), Some(digest)) = (name, digest) {
            after.replies.insert(name, (digest, Reply { withheld: BTreeSet::new(), ..reply.clone() }));
        }
        *self = after;
        Ok(reply)
    }

    fn decide_and_write(
        &mut self,
        policy: &Policy,
        command: &UpsertCommand,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Reply, Refusal> {
        let matched = find_match(self, policy, command);
        let action = self.action(policy, command, &matched);
        self.check_version(command, &action)?;
        let mut reply = self.reply_to(command, &matched);
        match action {
            Action::Create { review_with } => self.create(policy, command, now, fresh, review_with, &mut reply),
            Action::Update { lead, review } => {
                self.update(policy, command, now, fresh, lead, review, &matched, &mut reply);
            }
            Action::Park(reason) => self.park(command, reason, &mut reply),
            Action::Skip { reason, found, keep } => {
                reply.reasons.insert(reason);
                if let Some(found) = found {
                    self.finish(policy, command, now, fresh, found, &mut reply);
                }
                if keep {
                    self.dead_payloads.insert((command.source.clone(), command.payload.0.to_vec()));
                }
            }
        }
        Ok(reply)
    }

    fn reply_to(&self, command: &UpsertCommand, matched: &Matched) -> Reply {
        let (level, best_match) = match &matched.says {
            Says::One(lead) => (MatchLevel::Match, Some(*lead)),
            Says::Reused(lead) => (MatchLevel::Possible, Some(*lead)),
            Says::Several(leads) | Says::Possible(leads) => (MatchLevel::Possible, self.best_of(leads)),
            Says::Nobody | Says::GuardFailed | Says::UnknownLead => (MatchLevel::None, None),
        };
        let mut reasons: BTreeSet<_> = command.lead.notes.iter().map(reason_of_note).collect();
        if matched.guard_failed {
            reasons.insert(ReasonCode::NameGuardFailed);
        }
        match &matched.says {
            Says::Several(_) => drop(reasons.insert(ReasonCode::MultipleMatches)),
            Says::Reused(_) => drop(reasons.insert(ReasonCode::ExternalIdReuseSuspected)),
            _ => {}
        }
        Reply {
            status: UpsertStatus::Skipped,
            lead_id: None,
            version: 0,
            level,
            matched_by: matched.tier.filter(|_| level != MatchLevel::None),
            best_match,
            conflicts: matched.conflicts.clone(),
            external_ids: BTreeSet::new(),
            write: None,
            withheld: BTreeSet::new(),
            reasons,
            review: None,
            replayed: false,
        }
    }

    fn action(&self, policy: &Policy, command: &UpsertCommand, matched: &Matched) -> Action {
        let source = policy.source(&command.source);
        let skip = |reason| Action::Skip { reason, found: None, keep: false };
        let only_links = command.update_mode == UpdateMode::LinkOnly;
        let may_create = !source.update_only;
        match &matched.says {
            Says::UnknownLead => skip(ReasonCode::LeadNotFound),
            Says::Nobody if !is_findable(command) => {
                Action::Skip { reason: ReasonCode::NoUsableIdentifier, found: None, keep: true }
            }
            _ if command.mode == UpsertMode::CreateDuplicate => create(may_create, None),
            Says::Nobody | Says::GuardFailed => {
                if command.mode == UpsertMode::UpdateOnly || only_links {
                    skip(ReasonCode::LeadNotFound)
                } else {
                    create(may_create, None)
                }
            }
            Says::Possible(_) if only_links || command.mode == UpsertMode::UpdateOnly => skip(ReasonCode::InReviewBand),
            Says::Possible(_) if policy.on_possible == OnPossible::Hold && source.channel != Channel::WebForm => {
                Action::Park(ReasonCode::InReviewBand)
            }
            Says::Possible(leads) => create(may_create, self.best_of(leads)),
            Says::One(lead) if command.mode == UpsertMode::CreateOnly => exists(Some(*lead)),
            Says::One(_) if is_parked_bulk(source) => Action::Park(ReasonCode::BulkOverwrite),
            Says::One(lead) => Action::Update { lead: *lead, review: false },
            Says::Several(leads) if command.mode == UpsertMode::CreateOnly => exists(self.best_of(leads)),
            Says::Reused(lead) if command.mode == UpsertMode::CreateOnly => exists(Some(*lead)),
            Says::Several(leads) => self.park_or_update(source, leads, ReasonCode::MultipleMatches),
            Says::Reused(lead) => self.park_or_update(source, &[*lead], ReasonCode::ExternalIdReuseSuspected),
        }
    }

    /// A form cannot be asked again: the best match is updated where others would be parked.
    fn park_or_update(&self, source: &SourcePolicy, leads: &[LeadId], reason: ReasonCode) -> Action {
        match (source.channel, self.best_of(leads)) {
            (Channel::WebForm, Some(lead)) => Action::Update { lead, review: true },
            _ => Action::Park(reason),
        }
    }

    /// Has an external id, then most complete, then oldest.
    pub(crate) fn best_of(&self, leads: &[LeadId]) -> Option<LeadId> {
        let known = self.leads.iter().filter(|lead| leads.contains(&lead.id));
        let best = known.min_by_key(|lead| (lead.ids.is_empty(), std::cmp::Reverse(lead.values.len()), lead.id));
        best.map(|lead| lead.id)
    }

    fn check_version(&self, command: &UpsertCommand, action: &Action) -> Result<(), Refusal> {
        let Some(expected) = command.expected_version else { return Ok(()) };
        let found = match action {
            Action::Update { lead, .. } | Action::Skip { found: Some(lead), .. } => Some(*lead),
            Action::Create { .. } => None,
            // Nothing is written to a lead, whatever its version.
            Action::Park(_) | Action::Skip { found: None, .. } => return Ok(()),
        };
        let current = found.and_then(|found| self.lead(found)).map_or(0, |lead| lead.version);
        if expected == current { Ok(()) } else { Err(Refusal::VersionMismatch) }
    }

    fn create(
        &mut self,
        policy: &Policy,
        command: &UpsertCommand,
        now: Timestamp,
        fresh: &Fresh,
        review_with: Option<LeadId>,
        reply: &mut Reply,
    ) {
        // A new lead never gets the id of an old one: the answer then names no lead that the product could name.
        let taken = self.lead(fresh.lead_id).is_some();
        let lead_id = if taken { LeadId::from_bytes([0xEF; 16]) } else { fresh.lead_id };
        let update = Update { policy, command, now, taking: Taking::Merge, others: &[], shares_keys: true };
        let mut lead = ModelLead::new(lead_id);
        let notes = update.apply(&mut lead);
        lead.version = 1;
        reply.reasons.extend(notes.reasons);
        reply.reasons.extend(notes.withheld.iter().map(|(_, reason)| *reason));
        reply.withheld = notes.withheld;
        self.leads.push(lead);
        if let Some(other) = review_with {
            reply.reasons.insert(ReasonCode::InReviewBand);
            reply.review = Some(self.open_pair(lead_id, other));
        }
        reply.status = UpsertStatus::Created;
        self.finish(policy, command, now, fresh, lead_id, reply);
    }

    #[expect(clippy::too_many_arguments, reason = "a model is read top to bottom")]
    fn update(
        &mut self,
        policy: &Policy,
        command: &UpsertCommand,
        now: Timestamp,
        fresh: &Fresh,
        lead_id: LeadId,
        is_doubtful: bool,
        matched: &Matched,
        reply: &mut Reply,
    ) {
        let others: Vec<_> = self.leads.iter().filter(|lead| lead.id != lead_id).cloned().collect();
        let taking = Taking::of(policy.source(&command.source), command.update_mode);
        let update = Update { policy, command, now, taking, others: &others, shares_keys: false };
        let before = self.lead(lead_id).expect("found a moment ago").clone();
        let mut lead = before.clone();
        let notes = update.apply(&mut lead);
        if holds_too_much(&lead, policy) {
            return self.park(command, ReasonCode::IdentifierLimit, reply);
        }
        let changed = before.visible() != lead.visible();
        lead.version += i64::from(changed);
        reply.status = if changed { UpsertStatus::Updated } else { UpsertStatus::Unchanged };
        reply.reasons.extend(notes.reasons);
        reply.reasons.extend(notes.withheld.iter().map(|(_, reason)| *reason));
        reply.reasons.extend(update.compare_states(&before, &lead, matched.tier));
        reply.withheld = notes.withheld;
        *self.lead_mut(lead_id) = lead;
        self.open_reviews(command, lead_id, is_doubtful, matched, reply);
        self.finish(policy, command, now, fresh, lead_id, reply);
    }

    /// The reply names the first: a pair, then what a list would have overwritten, then the payload itself.
    fn open_reviews(
        &mut self,
        command: &UpsertCommand,
        lead_id: LeadId,
        is_doubtful: bool,
        matched: &Matched,
        reply: &mut Reply,
    ) {
        let mut opened: Vec<_> = matched.elsewhere.iter().map(|other| self.open_pair(lead_id, *other)).collect();
        if reply.withheld.iter().any(|(_, reason)| *reason == ReasonCode::BulkOverwrite) {
            let identity = ReviewIdentity::Bulk(lead_id);
            self.reviews.insert(ModelReview::new(ReviewKind::BulkOverwrite, identity.clone()));
            opened.push(identity);
        }
        if is_doubtful {
            opened.push(self.open_parked(command));
        }
        reply.review = opened.into_iter().next();
    }

    fn finish(
        &mut self,
        policy: &Policy,
        command: &UpsertCommand,
        now: Timestamp,
        fresh: &Fresh,
        lead_id: LeadId,
        reply: &mut Reply,
    ) {
        let target = command.target.clone().or_else(|| policy.source(&command.source).target.clone());
        if let Some(target) = target {
            let claims = !command.validate_only;
            let (write, reason) = self.instruct(policy, lead_id, &target, now, fresh, claims);
            reply.write = Some(write);
            reply.reasons.extend(reason);
        }
        let lead = self.lead(lead_id).expect("shown because it was found");
        reply.lead_id = Some(lead_id);
        reply.version = lead.version;
        reply.external_ids = lead.ids.iter().cloned().collect();
    }

    fn park(&mut self, command: &UpsertCommand, reason: ReasonCode, reply: &mut Reply) {
        reply.status = UpsertStatus::Review;
        reply.reasons.insert(reason);
        reply.review = Some(self.open_parked(command));
    }

    fn open_parked(&mut self, command: &UpsertCommand) -> ReviewIdentity {
        let identity = ReviewIdentity::Parked(command.source.clone(), command.payload.0.to_vec());
        self.reviews.insert(ModelReview::new(ReviewKind::ParkedPayload, identity.clone()));
        identity
    }

    pub(crate) fn open_pair(&mut self, a: LeadId, b: LeadId) -> ReviewIdentity {
        let identity = ReviewIdentity::pair(a, b);
        self.reviews.insert(ModelReview::new(ReviewKind::PossibleDuplicate, identity.clone()));
        identity
    }
}

fn create(may_create: bool, review_with: Option<LeadId>) -> Action {
    if may_create {
        Action::Create { review_with }
    } else {
        Action::Skip { reason: ReasonCode::CreateNotAllowed, found: None, keep: true }
    }
}

fn exists(found: Option<LeadId>) -> Action {
    Action::Skip { reason: ReasonCode::LeadAlreadyExists, found, keep: false }
}

fn is_parked_bulk(source: &SourcePolicy) -> bool {
    source.channel == Channel::Bulk && source.on_bulk_match == OnBulkMatch::Review
}

/// Whether the lead holds more than one lead may.
fn holds_too_much(lead: &ModelLead, policy: &Policy) -> bool {
    let limits = &policy.limits;
    let crowded = lead.ids.iter().any(|(system, _)| lead.ids_of(system).len() > limits.external_ids_per_source);
    crowded || lead.emails.len() > limits.emails || lead.phones.len() > limits.phones
}

/// A live key, or a person or company name plus one further field that can be compared.
fn is_findable(command: &UpsertCommand) -> bool {
    let lead = &command.lead;
    let address = [Field::Street, Field::City, Field::State, Field::PostalCode, Field::Country];
    let mut comparable = address.into_iter().chain([Field::Website, Field::DateOfBirth]);
    let further = comparable.any(|field| lead.values.contains_key(&field));
    let named = usize::from(lead.name.is_some()) + usize::from(lead.company.is_some());
    !command.keys().is_empty() || named == 2 || (named == 1 && further)
}

fn reason_of_note(note: &InputNote) -> ReasonCode {
    match note {
        InputNote::Blocked(_) => ReasonCode::BlockedValue,
        InputNote::Unreadable(_) => ReasonCode::InvalidValue,
        InputNote::EmailTypo(_) => ReasonCode::EmailTypoSuspected,
        InputNote::BlankExternalId => ReasonCode::BlankExternalId,
        InputNote::ClockSkew => ReasonCode::ClockSkew,
    }
}
