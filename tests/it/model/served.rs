//! The real engine, one for very many histories: each has a tenant of its own.

use std::sync::Arc;

use leadgate::decision::policy::Policy;
use leadgate::domain::{Lead, LeadId, TenantId};
use leadgate::engine::{Engine, LeadSelector, ReviewFilter};
use leadgate::store::EmbeddedStore;

use super::alphabet::{EMAILS, IDS, SOURCES, TARGETS, external_id};
use super::call::{Answered, Call, Reviews, identify};
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

    /// Every open review of a tenant.
    pub(crate) async fn reviews(&self, tenant: &TenantId) -> Reviews {
        let page = self.engine().list_reviews(tenant, ReviewFilter::default(), 1000, None).await;
        let page = page.expect("reviews can be listed");
        assert!(page.next.is_none(), "a history opens few reviews");
        page.items.iter().map(|review| (review.review_id, identify(review))).collect()
    }

    /// Every lead of a tenant that was created or is held by a key of the alphabet.
    pub(crate) async fn leads(&self, tenant: &TenantId, created: &[LeadId]) -> Vec<Lead> {
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
