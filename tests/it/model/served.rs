//! The real engine, one for very many histories: each has a tenant of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;

use leadgate::decision::command::UpsertMode;
use leadgate::decision::policy::Policy;
use leadgate::domain::{Lead, LeadId, TenantId};
use leadgate::engine::{DeadLetterFilter, Engine, LeadSelector, ReviewFilter};
use leadgate::store::EmbeddedStore;

use super::alphabet::{EMAILS, Form, IDS, SOURCES, TARGETS, external_id};
use super::call::{Answered, Call, Reviews, Told, identify, name_dead_letter, told_by};
use super::state::Remains;
use crate::engine::Fixture;

/// An engine under a policy.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) fixture: Arc<Fixture>,
    pub(crate) policy: Arc<Policy>,
}

impl Served {
    pub(crate) fn new(policy: &Policy, key_locks: bool) -> Self {
        let fixture = Fixture::with(|settings| {
            settings.policy = policy.clone();
            settings.key_locks = key_locks;
        });
        Self { fixture: Arc::new(fixture), policy: Arc::new(policy.clone()) }
    }

    fn engine(&self) -> &Arc<Engine<EmbeddedStore>> {
        &self.fixture.engine
    }

    /// Makes a call.
    pub(crate) async fn ask(&self, call: &Call) -> Answered {
        match call.clone() {
            Call::Upsert(command) => Answered::Upsert(self.engine().upsert(*command).await),
            Call::Match(command) => Answered::Upsert(self.engine().match_lead(*command).await),
            Call::Report(report) => Answered::Report(self.engine().report_write(report, None).await),
            Call::Get(tenant, by) => Answered::Get(self.engine().get_lead(&tenant, by).await),
        }
    }

    /// Everything that a tenant's calls left behind.
    pub(crate) async fn remains(&self, tenant: &TenantId, created: &[LeadId], since: u64) -> Remains {
        Remains {
            leads: self.leads(tenant, created).await,
            reviews: self.reviews(tenant).await,
            dead_letters: self.dead_letters(tenant).await,
            feed: self.feed(tenant, since).await,
        }
    }

    async fn dead_letters(&self, tenant: &TenantId) -> BTreeSet<String> {
        let page = self.engine().list_dead_letters(tenant, DeadLetterFilter::default(), 1000, None).await;
        let page = page.expect("dead letters can be listed");
        assert!(page.next.is_none(), "a history leaves few dead letters");
        page.items.iter().map(|letter| name_dead_letter(letter)).collect()
    }

    /// Where the feed stands: nothing of a tenant that has made no call yet lies before.
    pub(crate) fn position(&self) -> u64 {
        self.engine().last_position()
    }

    /// What the feed tells of a tenant since a position, up to a last request that is made to mark the end.
    async fn feed(&self, tenant: &TenantId, since: u64) -> Vec<Told> {
        let marker = Form { source: "marker", mode: UpsertMode::CreateDuplicate, own_id: Some("1"), ..Form::default() };
        let marked = self.engine().upsert(marker.command(tenant, &[])).await.expect("the end can be marked");
        let mut told = Vec::new();
        let mut events = std::pin::pin!(self.engine().watch_decisions(tenant.clone(), since));
        while let Some(item) = events.next().await {
            let event = item.expect("the feed can be read").entry.event;
            if event.lead_id == marked.outcome.lead_id {
                break;
            }
            told.push(told_by(&event));
        }
        told
    }

    async fn reviews(&self, tenant: &TenantId) -> Reviews {
        let page = self.engine().list_reviews(tenant, ReviewFilter::default(), 1000, None).await;
        let page = page.expect("reviews can be listed");
        assert!(page.next.is_none(), "a history opens few reviews");
        page.items.iter().map(|review| (review.review_id, identify(review))).collect()
    }

    /// Every lead of a tenant that was created or is held by a key of the alphabet.
    async fn leads(&self, tenant: &TenantId, created: &[LeadId]) -> Vec<Lead> {
        let systems = SOURCES.iter().chain(&TARGETS);
        let ids = systems.flat_map(|system| IDS.map(|value| LeadSelector::ExternalId(external_id(system, value))));
        let emails = EMAILS.map(|email| LeadSelector::Email(email.into()));
        let known = created.iter().map(|lead_id| LeadSelector::LeadId(*lead_id));
        let mut leads: Vec<Lead> = Vec::new();
        for by in known.chain(ids).chain(emails) {
            let found = self.engine().get_lead(tenant, by).await.expect("leads can be read");
            let Some(found) = found else { continue };
            if !leads.iter().any(|lead| lead.lead_id == found.lead.lead_id) {
                leads.push(Lead::clone(&found.lead));
            }
        }
        leads
    }
}
