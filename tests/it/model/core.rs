//! The pure core driven by itself: evidence gathered by looking at every lead, plans applied one at a time. No store, no locks, no index, so
//! that very many sequences can be tried; what the engine adds is tried with the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use leadgate::decision::blocking::{blocks_of_incoming, blocks_of_lead};
use leadgate::decision::command::UpsertCommand;
use leadgate::decision::comparable::Comparable;
use leadgate::decision::decide::asks_fuzzy_tier;
use leadgate::decision::digest::DigestKey;
use leadgate::decision::evidence::{Evidence, KeyLookup, NamedLead};
use leadgate::decision::fuzzy_tier::{Likeness, SharingLead, SharingLeads};
use leadgate::decision::identity_key::{IdentityKey, keys_of_lead};
use leadgate::decision::matching::{FrequencyTable, Profile};
use leadgate::decision::plan::{
    NewIds, Plan, PlanContext, PlanError, WriteReport, plan_report, plan_upsert, reported_key,
};
use leadgate::decision::policy::{FuzzyTier, Policy};
use leadgate::decision::reason::{Reason, ReasonCode};
use leadgate::decision::review::{DeadLetter, Review};
use leadgate::decision::rows::FeedEvent;
use leadgate::domain::{Lead, LeadId, ReviewId};
use leadgate::engine::{Answer, FoundLead, LeadSelector, ReportAnswer, Unborn};

use super::call::{Answered, Call, Reviews, identify, name_dead_letter, told_by};
use super::state::Remains;

/// A world in which only the pure core is the product's.
#[derive(Clone)]
pub(crate) struct Core {
    policy: Arc<Policy>,
    digests: DigestKey,
    pub(crate) leads: Vec<Arc<Lead>>,
    pub(crate) reviews: BTreeMap<ReviewId, Review>,
    /// The model's name for every review that was opened or previewed.
    pub(crate) named: Reviews,
    dead_letters: Vec<DeadLetter>,
    feed: Vec<FeedEvent>,
    counter: u64,
}

impl Core {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self {
            policy: policy.clone().into(),
            digests: DigestKey::new([7; 32]),
            leads: Vec::new(),
            reviews: BTreeMap::new(),
            named: Reviews::new(),
            dead_letters: Vec::new(),
            feed: Vec::new(),
            counter: 0,
        }
    }

    /// Answers a call at a moment.
    pub(crate) fn ask(&mut self, call: &Call, now: Timestamp) -> Answered {
        let ids = self.new_ids();
        self.ask_with(call, &ids, now)
    }

    /// The same with ids that somebody else made up.
    pub(crate) fn ask_with(&mut self, call: &Call, ids: &NewIds, now: Timestamp) -> Answered {
        match call {
            Call::Upsert(command) => self.upsert(command, ids, now, !command.validate_only),
            Call::Match(command) => self.upsert(command, ids, now, false),
            Call::Report(report) => self.report(report, ids, now),
            Call::Get(_, by) => Answered::Get(Ok(self.get(by))),
        }
    }

    /// What is left behind.
    pub(crate) fn remains(&self) -> Remains {
        Remains {
            leads: self.leads.iter().map(|lead| Lead::clone(lead)).collect(),
            reviews: self.reviews.iter().map(|(id, review)| (*id, identify(review))).collect(),
            dead_letters: self.dead_letters.iter().map(name_dead_letter).collect(),
            feed: self.feed.iter().map(told_by).collect(),
        }
    }

    fn new_ids(&mut self) -> NewIds {
        self.counter += 1;
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&self.counter.to_be_bytes());
        let text: Box<str> = format!("token {}", self.counter).into();
        NewIds { lead_id: LeadId::from_bytes(bytes), decision_id: text.clone(), claim_token: text }
    }

    fn upsert(&mut self, command: &UpsertCommand, ids: &NewIds, now: Timestamp, writes: bool) -> Answered {
        let plan = match self.plan(command, ids, now) {
            Ok(plan) => plan,
            Err(error) => return Answered::Upsert(Err(error.into())),
        };
        let mut outcome = plan.outcome;
        self.named.extend(plan.reviews.iter().map(|review| (review.review_id, identify(review))));
        if writes {
            self.put(plan.lead.map(|change| change.after), plan.reviews);
            self.dead_letters.extend(plan.dead_letter);
            self.feed.extend(plan.event);
        } else if let Some(write) = &mut outcome.write {
            (write.claim_token, write.claim_expire_time) = (None, None);
        }
        Answered::Upsert(Ok(Answer {
            outcome,
            decision_id: ids.decision_id.clone(),
            policy_version: self.policy.version.clone(),
            replayed: false,
            same_as_client_ref: None,
            unborn: Unborn::default(),
        }))
    }

    /// A lead of which a first plan would change what is compared, or whom it is compared with, is compared before it is planned again.
    fn plan(&self, command: &UpsertCommand, ids: &NewIds, now: Timestamp) -> Result<Plan, PlanError> {
        let context = PlanContext { policy: &self.policy, now, ids, digests: &self.digests };
        let mut evidence = self.evidence(command);
        if asks_fuzzy_tier(command, &evidence, &self.policy) {
            let profile = Profile::of_incoming(&command.lead);
            let mut likeness = self.likeness(&profile, &blocks_of_incoming(&command.lead));
            likeness.put(&self.leads);
            evidence.likeness = Some(likeness);
        }
        let plan = plan_upsert(command, &evidence, context)?;
        let changed = plan.lead.as_ref().filter(|change| {
            let differs = |before: &Arc<Lead>| !compares_alike(before, &change.after);
            change.is_visible() && change.before.as_ref().is_some_and(differs)
        });
        let Some(change) = changed.filter(|_| self.policy.fuzzy_tier == FuzzyTier::Enabled) else { return Ok(plan) };
        evidence.neighbours = Some(self.likeness(&Profile::of_lead(&change.after), &blocks_of_lead(&change.after)));
        plan_upsert(command, &evidence, context)
    }

    /// How like something the leads are that share a blocking key with it; every lead is looked at.
    fn likeness(&self, profile: &Profile, blocks: &[u64]) -> Likeness {
        let shares = |lead: &&Arc<Lead>| lead.is_live() && blocks_of_lead(lead).iter().any(|key| blocks.contains(key));
        let sharing = |lead: &Arc<Lead>| SharingLead { lead_id: lead.lead_id, comparable: Comparable::of(lead).into() };
        let leads = self.leads.iter().filter(shares).map(sharing).collect();
        Likeness::of(profile, &SharingLeads { leads, truncated: false }, &FrequencyTable::default(), &self.policy)
    }

    fn evidence(&self, command: &UpsertCommand) -> Evidence {
        let named = match command.lead_id {
            None => NamedLead::NotAsked,
            Some(lead_id) => self
                .lead(lead_id)
                .map_or(NamedLead::Unknown, |lead| NamedLead::Found { lead: lead.clone(), redirected_from: None }),
        };
        let lookup = |key: leadgate::decision::command::IncomingKey| KeyLookup {
            holders: self.holders(&key.key),
            key,
            truncated: false,
        };
        Evidence { named, keys: command.keys().into_iter().map(lookup).collect(), ..Evidence::default() }
    }

    fn lead(&self, lead_id: LeadId) -> Option<&Arc<Lead>> {
        self.leads.iter().find(|lead| lead.lead_id == lead_id)
    }

    fn get(&self, by: &LeadSelector) -> Option<FoundLead> {
        let holders = match by {
            LeadSelector::LeadId(lead_id) => self.lead(*lead_id).cloned().into_iter().collect(),
            LeadSelector::ExternalId(id) => self.holders(&IdentityKey::external_id(id)),
            LeadSelector::Email(email) => self.holders(&IdentityKey::of_normalized_email(email)),
        };
        let is_primary = |lead: &Lead| match by {
            LeadSelector::Email(email) => lead.emails.iter().any(|known| known.primary && *known.key == **email),
            _ => true,
        };
        let first = holders.into_iter().min_by_key(|lead| (!is_primary(lead), lead.lead_id));
        first.map(|lead| FoundLead { lead, redirected_from: None })
    }

    fn holders(&self, key: &IdentityKey) -> Vec<Arc<Lead>> {
        self.leads.iter().filter(|lead| keys_of_lead(lead).contains(key)).cloned().collect()
    }

    fn put(&mut self, lead: Option<Arc<Lead>>, reviews: Vec<Review>) {
        if let Some(lead) = lead {
            match self.leads.iter_mut().find(|known| known.lead_id == lead.lead_id) {
                Some(known) => *known = lead,
                None => self.leads.push(lead),
            }
        }
        for review in reviews {
            self.reviews.entry(review.review_id).or_insert(review);
        }
    }

    fn report(&mut self, report: &WriteReport, ids: &NewIds, now: Timestamp) -> Answered {
        let Some(lead) = self.lead(report.lead_id).cloned() else {
            let reasons = vec![Reason::from(ReasonCode::LeadNotFound)];
            return Answered::Report(Ok(ReportAnswer { lead_id: None, next: None, reasons }));
        };
        let rivals = reported_key(report).map(|key| self.holders(&key)).unwrap_or_default();
        let is_linked = rivals.iter().any(|rival| rival.lead_id == report.lead_id);
        let holder = rivals.first().map(|rival| rival.lead_id).filter(|_| !is_linked);
        let context = PlanContext { policy: &self.policy, now, ids, digests: &self.digests };
        let plan = plan_report(report, &lead, holder, context);
        self.named.extend(plan.reviews.iter().map(|review| (review.review_id, identify(review))));
        self.put(plan.lead.map(|change| change.after), plan.reviews);
        self.dead_letters.extend(plan.dead_letter);
        self.feed.push(plan.event);
        Answered::Report(Ok(ReportAnswer { lead_id: Some(plan.lead_id), next: plan.next, reasons: plan.reasons }))
    }
}

/// Whether two states of a lead have the same neighbours, and are as like each of them.
fn compares_alike(before: &Lead, after: &Lead) -> bool {
    Profile::of_lead(before) == Profile::of_lead(after) && blocks_of_lead(before) == blocks_of_lead(after)
}
