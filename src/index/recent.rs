//! The overlay: what was sequenced and is not searchable in the index yet, in two generations.
//!
//! `active` takes what is recorded. A freeze makes it `frozen` and begins a new one; once the frozen one is indexed, a
//! view with the new index and an empty `frozen` takes the place of the old view in one step.
//!
//! Invariant **nowhere-missing**: at every moment the published view holds every record, in `active`, in `frozen` or in
//! its base; a view that a reader took before a freeze goes on holding all that it held, and takes in nothing more.

use std::sync::Arc;

use crate::domain::{LeadId, TenantId};

use super::document::IndexDocument;
use super::generation::{Generation, RecentLead, Recorded, TenantRecords};
use super::sync::{Mutex, MutexGuard, PoisonError, Published};

/// What readers see at one moment: an index and the two generations that override it.
pub(super) struct Layers<B> {
    pub(super) base: B,
    frozen: Arc<Generation>,
    active: Arc<Generation>,
}

/// The two generations and the view of them.
pub(super) struct Overlay<B> {
    published: Published<Layers<B>>,
    /// Held by whoever records or changes the view, so that no record enters a generation that was frozen.
    recorder: Mutex<Recorder>,
}

struct Recorder {
    active: Arc<Generation>,
    frozen: Option<Frozen>,
}

/// A generation that waits to be indexed.
#[derive(Clone)]
pub(super) struct Frozen {
    /// What to index.
    pub(super) generation: Arc<Generation>,
    /// What the index may claim to hold once it is indexed.
    pub(super) at_sequence: u64,
}

impl Frozen {
    /// The sequence that must be durable before the generation may be indexed.
    pub(super) fn durable_sequence(&self) -> u64 {
        self.at_sequence.max(self.generation.read().last_sequence())
    }
}

impl<B: Clone> Overlay<B> {
    /// Nothing recorded over `base`.
    pub(super) fn new(base: B) -> Self {
        let active = Arc::new(Generation::default());
        let frozen = Arc::new(Generation::default());
        let recorder = Recorder { active: Arc::clone(&active), frozen: None };
        Self { published: Published::new(Layers { base, frozen, active }), recorder: Mutex::new(recorder) }
    }

    /// What readers see now.
    pub(super) fn load(&self) -> Arc<Layers<B>> {
        self.published.load()
    }

    /// Takes a lead in: memory only.
    pub(super) fn record(&self, document: IndexDocument) {
        self.lock().active.record(document);
    }

    /// How many records both generations hold.
    pub(super) fn len(&self) -> usize {
        let view = self.load();
        view.active.read().len() + view.frozen.read().len()
    }

    /// Begins a new active generation; false where the frozen one still waits or nothing is recorded.
    pub(super) fn freeze(&self, at_sequence: u64) -> bool {
        let mut recorder = self.lock();
        if recorder.frozen.is_some() || recorder.active.read().len() == 0 {
            return false;
        }
        let generation = std::mem::take(&mut recorder.active);
        recorder.frozen = Some(Frozen { generation: Arc::clone(&generation), at_sequence });
        let base = self.load().base.clone();
        self.published.replace(Layers { base, frozen: generation, active: Arc::clone(&recorder.active) });
        true
    }

    /// The generation that waits to be indexed.
    pub(super) fn frozen(&self) -> Option<Frozen> {
        self.lock().frozen.clone()
    }

    /// Replaces the index by one that holds all of the frozen generation, which is thereby done with.
    pub(super) fn publish(&self, base: B) {
        let mut recorder = self.lock();
        let indexed = recorder.frozen.take();
        let old = self.replace(&recorder, base);
        drop(recorder);
        // Freeing thousands of leads takes a millisecond, in which the sequencer would stand still.
        drop((indexed, old));
    }

    /// Replaces the index by one that holds nothing of either generation: both stay, as one.
    pub(super) fn restart(&self, base: B) {
        let mut recorder = self.lock();
        if let Some(frozen) = recorder.frozen.take() {
            recorder.active.absorb(&frozen.generation);
        }
        self.replace(&recorder, base);
    }

    fn replace(&self, recorder: &Recorder, base: B) -> Arc<Layers<B>> {
        let frozen = Arc::new(Generation::default());
        self.published.replace(Layers { base, frozen, active: Arc::clone(&recorder.active) })
    }

    fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Layers<B> {
    /// An index and what overrides it, into which nothing more will be recorded.
    pub(super) fn at_rest(base: B, overlay: Generation) -> Self {
        Self { base, frozen: Arc::new(overlay), active: Arc::default() }
    }

    /// Runs `with` on what both generations hold at one moment: keep it for microseconds.
    pub(super) fn with_recent<T>(&self, with: impl FnOnce(RecentPair<'_>) -> T) -> T {
        let active = self.active.read();
        let frozen = self.frozen.read();
        with(RecentPair { active: &active, frozen: &frozen })
    }

    /// The recent leads of a tenant in their latest state, gone ones included.
    pub(super) fn recent(&self, tenant: &TenantId) -> Vec<Arc<RecentLead>> {
        self.with_recent(|recent| recent.of(tenant).leads().cloned().collect())
    }
}

/// Both generations, held still.
#[derive(Clone, Copy)]
pub(super) struct RecentPair<'a> {
    active: &'a Recorded,
    frozen: &'a Recorded,
}

impl<'a> RecentPair<'a> {
    /// What is recorded of a tenant.
    pub(super) fn of(self, tenant: &TenantId) -> RecentOfTenant<'a> {
        RecentOfTenant { active: self.active.of(tenant), frozen: self.frozen.of(tenant) }
    }

    /// The tenants with records.
    pub(super) fn tenants(self) -> impl Iterator<Item = &'a TenantId> {
        self.active.tenants().chain(self.frozen.tenants())
    }
}

/// The records of one tenant in both generations, the active one before the frozen one.
#[derive(Clone, Copy)]
pub(super) struct RecentOfTenant<'a> {
    active: Option<&'a TenantRecords>,
    frozen: Option<&'a TenantRecords>,
}

impl<'a> RecentOfTenant<'a> {
    /// Whether the lead has a record, which then overrides what the index says of it.
    pub(super) fn contains(self, lead_id: LeadId) -> bool {
        self.is_active(lead_id) || self.frozen.is_some_and(|records| records.contains(lead_id))
    }

    /// The latest state of every lead.
    pub(super) fn leads(self) -> impl Iterator<Item = &'a Arc<RecentLead>> {
        let older = self.frozen.into_iter().flat_map(TenantRecords::leads);
        let older = older.filter(move |lead| !self.is_active(lead.document().lead_id));
        self.active.into_iter().flat_map(TenantRecords::leads).chain(older)
    }

    /// The live leads that have the blocking key.
    pub(super) fn sharing(self, block: u64) -> impl Iterator<Item = &'a Arc<RecentLead>> {
        let older = self.frozen.into_iter().flat_map(move |records| records.sharing(block));
        let older = older.filter(move |lead| !self.is_active(lead.document().lead_id));
        self.active.into_iter().flat_map(move |records| records.sharing(block)).chain(older)
    }

    fn is_active(self, lead_id: LeadId) -> bool {
        self.active.is_some_and(|records| records.contains(lead_id))
    }
}
