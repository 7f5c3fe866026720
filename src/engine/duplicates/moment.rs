//! What a search looks at: the store and the index as they stood together at one sequence.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::decision::blocking::blocks_of_lead;
use crate::decision::digest::DigestKey;
use crate::decision::evidence::Names;
use crate::decision::identity_key::{IdentityKey, KeyHolders};
use crate::decision::matching::{FrequencyTable, Profile, Score, compare};
use crate::decision::policy::{FuzzyTier, Policy};
use crate::decision::review::{ReviewKind, ReviewState};
use crate::decision::rows::{Row, RowKey};
use crate::decision::tier::MatchTier;
use crate::domain::{Lead, LeadId, TenantId};
use crate::index::{IndexDocument, View};
use crate::store::{LeadStore, LeadView};

use super::super::answer::RequestError;
use super::super::index_state::IndexState;
use super::super::{Engine, read_failed};
use super::ties::Ties;

/// Leads that are kept ready after they were read, at least and at most twice as many.
const KEPT_READY: usize = 4_096;

/// Which pairs and groups are asked for.
pub(super) struct Wanted {
    pub(super) min_score: f64,
    pub(super) tiers: Vec<MatchTier>,
    pub(super) update_time_after: Option<Timestamp>,
}

impl Wanted {
    pub(super) fn tier(&self, tier: MatchTier) -> bool {
        self.tiers.is_empty() || self.tiers.contains(&tier)
    }

    pub(super) fn changed<'a>(&self, mut leads: impl Iterator<Item = &'a Arc<Lead>>) -> bool {
        self.update_time_after.is_none_or(|time| leads.any(|lead| lead.update_time > time))
    }
}

/// A lead, ready to be compared.
pub(super) struct Ready {
    pub(super) lead: Arc<Lead>,
    pub(super) names: Names,
    pub(super) profile: Profile,
    /// What ties it to all others, once somebody asked.
    pub(super) ties: OnceCell<Ties>,
}

/// A tenant's leads as they stood at one moment.
pub(super) struct Moment<V> {
    pub(super) tenant: TenantId,
    pub(super) view: V,
    pub(super) index: View,
    pub(super) index_state: Arc<IndexState>,
    pub(super) frequencies: Arc<FrequencyTable>,
    pub(super) policy: Arc<Policy>,
    pub(super) wanted: Wanted,
    digests: DigestKey,
    ready: Mutex<Kept>,
}

impl<V: LeadView> Moment<V> {
    /// What is durable now, in the index too and for as long as it is looked at.
    pub(super) async fn at_rest<S: LeadStore<View = V>>(
        engine: &Engine<S>,
        tenant: TenantId,
        wanted: Wanted,
    ) -> Result<Self, RequestError> {
        let (view, index) = engine.view_of_both().await?;
        let mut documents = Vec::new();
        for document in index.recorded(&tenant) {
            if document.sequence <= view.position().sequence {
                documents.push(document);
            } else {
                documents.extend(as_stored(&view, document).await?);
            }
        }
        Ok(Self {
            index: index.at_rest(documents),
            index_state: Arc::clone(&engine.index_state),
            frequencies: engine.frequencies.of(&tenant),
            policy: engine.policy(),
            digests: engine.digests.clone(),
            ready: Mutex::default(),
            tenant,
            view,
            wanted,
        })
    }

    /// Whether likeness is asked for, and the policy knows it.
    pub(super) fn compares(&self) -> bool {
        self.wanted.tier(MatchTier::Fuzzy) && self.policy.fuzzy_tier == FuzzyTier::Enabled
    }

    pub(super) fn score(&self, one: &Profile, other: &Profile) -> Score {
        compare(one, other, &self.frequencies, &self.policy.weights)
    }

    /// A lead that lives.
    pub(super) async fn lead(&self, lead_id: LeadId) -> Result<Option<Arc<Ready>>, RequestError> {
        if let Some(ready) = self.kept().get(lead_id) {
            return Ok(Some(ready));
        }
        let row = self.view.get(&RowKey::lead(&self.tenant, lead_id)).await.map_err(read_failed)?;
        let Some(Row::Lead(lead)) = row.map(|stored| stored.row) else { return Ok(None) };
        Ok(lead.is_live().then(|| self.prepare(lead)))
    }

    /// Makes a lead ready, and keeps it so for a while.
    pub(super) fn prepare(&self, lead: Arc<Lead>) -> Arc<Ready> {
        let lead_id = lead.lead_id;
        let (names, profile) = (Names::of_lead(&lead), Profile::of_lead(&lead));
        let ready = Arc::new(Ready { lead, names, profile, ties: OnceCell::new() });
        self.kept().put(lead_id, Arc::clone(&ready));
        ready
    }

    pub(super) async fn holders(&self, key: &IdentityKey) -> Result<Option<Arc<KeyHolders>>, RequestError> {
        let row = self.view.get(&RowKey::identity(&self.tenant, key)).await.map_err(read_failed)?;
        Ok(row.and_then(|stored| if let Row::Key(holders) = stored.row { Some(holders) } else { None }))
    }

    /// Whether a person has answered the question if two leads are one. That they live both says what the answer was not.
    pub(super) async fn is_judged(&self, one: LeadId, other: LeadId) -> Result<bool, RequestError> {
        let key = RowKey::review(&self.tenant, self.digests.review_of_pair(one, other));
        let row = self.view.get(&key).await.map_err(read_failed)?;
        let Some(Row::Review(review)) = row.map(|stored| stored.row) else { return Ok(false) };
        Ok(review.kind == ReviewKind::PossibleDuplicate && review.state != ReviewState::Open)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: LeadStore> Engine<S> {
    /// Store and index such that everything that the store holds is in the index, which may be ahead.
    async fn view_of_both(&self) -> Result<(S::View, Arc<View>), RequestError> {
        loop {
            let before = self.index_view()?;
            let view = self.store.view().await.map_err(read_failed)?;
            let after = self.index_view()?;
            // Otherwise what was recorded in between may be in neither of the two.
            if after.is(&before) {
                return Ok((view, after));
            }
        }
    }
}

/// The document of a lead that changed since, as it stood; none where there was no such lead.
async fn as_stored<V: LeadView>(view: &V, newer: IndexDocument) -> Result<Option<IndexDocument>, RequestError> {
    let row = view.get(&RowKey::lead(&newer.tenant, newer.lead_id)).await.map_err(read_failed)?;
    let Some(stored) = row else { return Ok(None) };
    let Row::Lead(lead) = stored.row else { return Ok(None) };
    let (live, blocks) = (lead.is_live(), blocks_of_lead(&lead));
    Ok(Some(IndexDocument { sequence: stored.sequence, live, blocks, lead, ..newer }))
}

/// Leads that were used lately: those of before the last change are forgotten when there are enough newer ones.
#[derive(Default)]
struct Kept {
    newer: HashMap<LeadId, Arc<Ready>>,
    older: HashMap<LeadId, Arc<Ready>>,
}

impl Kept {
    fn get(&mut self, lead_id: LeadId) -> Option<Arc<Ready>> {
        if let Some(ready) = self.newer.get(&lead_id) {
            return Some(Arc::clone(ready));
        }
        let ready = self.older.remove(&lead_id)?;
        self.put(lead_id, Arc::clone(&ready));
        Some(ready)
    }

    fn put(&mut self, lead_id: LeadId, ready: Arc<Ready>) {
        if self.newer.len() >= KEPT_READY {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(lead_id, ready);
    }
}
