//! One generation of the overlay: the leads that changed since the one before it, findable by blocking key and by word.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use crate::decision::comparable::Comparable;
use crate::domain::{LeadId, TenantId};

use super::document::IndexDocument;
use super::search_text::SearchText;
use super::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A lead that is not searchable in the index yet, with its words and what it is compared by once somebody needed them.
pub(super) struct RecentLead {
    document: IndexDocument,
    words: OnceLock<SearchText>,
    comparable: OnceLock<Arc<Comparable>>,
}

impl RecentLead {
    fn new(document: IndexDocument) -> Self {
        Self { document, words: OnceLock::new(), comparable: OnceLock::new() }
    }

    /// The lead as it was recorded.
    pub(super) fn document(&self) -> &IndexDocument {
        &self.document
    }

    /// Its words; made by the first reader, because the sequencer has no time for it.
    pub(super) fn words(&self) -> &SearchText {
        self.words.get_or_init(|| SearchText::of(&self.document.lead))
    }

    /// What it is compared by; made by the first reader, too.
    pub(super) fn comparable(&self) -> &Arc<Comparable> {
        self.comparable.get_or_init(|| Comparable::of(&self.document.lead).into())
    }
}

/// What was recorded between two freezes.
#[derive(Default)]
pub(super) struct Generation {
    recorded: RwLock<Recorded>,
}

/// The content of a generation, by tenant.
#[derive(Default)]
pub(super) struct Recorded {
    tenants: HashMap<TenantId, TenantRecords, RandomState>,
    last_sequence: u64,
    len: usize,
}

impl Generation {
    /// Takes a lead in; of several states of one lead that of the highest sequence stays, and the later of equal ones.
    pub(super) fn record(&self, document: IndexDocument) {
        self.recorded.write().unwrap_or_else(PoisonError::into_inner).record(document);
    }

    /// What is recorded, held still while the guard lives: keep it for microseconds.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Recorded> {
        self.recorded.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records everything that `older` holds and this generation does not know newer.
    pub(super) fn absorb(&self, older: &Self) {
        for lead in older.read().leads() {
            self.record(lead.document().clone());
        }
    }
}

impl Recorded {
    /// How many records it holds, those that a later one replaced included: the measure of its memory.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The highest sequence recorded; 0 when nothing is.
    pub(super) fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// What is recorded of a tenant.
    pub(super) fn of(&self, tenant: &TenantId) -> Option<&TenantRecords> {
        self.tenants.get(tenant)
    }

    /// The tenants with records.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.tenants.keys()
    }

    /// The latest state of every lead.
    pub(super) fn leads(&self) -> impl Iterator<Item = &Arc<RecentLead>> {
        self.tenants.values().flat_map(TenantRecords::leads)
    }

    fn record(&mut self, document: IndexDocument) {
        self.last_sequence = self.last_sequence.max(document.sequence);
        if let Some(records) = self.tenants.get_mut(&document.tenant) {
            records.record(document);
        } else {
            self.tenants.entry(document.tenant.clone()).or_default().record(document);
        }
        self.len += 1;
    }
}

/// The records of one tenant, in order of arrival.
///
/// Blocking keys lead to chains through `links`, which grow only at their end: recording allocates nothing per key.
#[derive(Default)]
pub(super) struct TenantRecords {
    /// `None` where a later record of the same lead took its place.
    records: Vec<Option<Arc<RecentLead>>>,
    latest: HashMap<LeadId, u32, RandomState>,
    heads: HashMap<u64, u32, RandomState>,
    links: Vec<Link>,
}

/// A record that has a blocking key, and the one before it that has it too.
#[derive(Clone, Copy)]
struct Link {
    record: u32,
    /// [`END`] at the end of the chain.
    before: u32,
}

/// No link.
const END: u32 = u32::MAX;

impl TenantRecords {
    /// The latest state of every lead.
    pub(super) fn leads(&self) -> impl Iterator<Item = &Arc<RecentLead>> {
        self.records.iter().flatten()
    }

    /// Whether the lead has a record.
    pub(super) fn contains(&self, lead_id: LeadId) -> bool {
        self.latest.contains_key(&lead_id)
    }

    /// The live leads that have the blocking key.
    pub(super) fn sharing(&self, block: u64) -> impl Iterator<Item = &Arc<RecentLead>> {
        let head = self.heads.get(&block).copied().unwrap_or(END);
        let chain = std::iter::successors(self.link(head), |link| self.link(link.before));
        chain.filter_map(|link| self.records[link.record as usize].as_ref())
    }

    fn link(&self, at: u32) -> Option<Link> {
        self.links.get(at as usize).copied()
    }

    fn record(&mut self, document: IndexDocument) {
        #[expect(clippy::cast_possible_truncation, reason = "admission ends five orders of magnitude below 2^32")]
        let record = self.records.len() as u32;
        if let Some(latest) = self.latest.get_mut(&document.lead_id) {
            let older = &mut self.records[*latest as usize];
            if older.as_ref().is_some_and(|older| older.document.sequence > document.sequence) {
                return;
            }
            *older = None;
            *latest = record;
        } else {
            self.latest.insert(document.lead_id, record);
        }
        if document.live {
            self.link_blocks(record, &document.blocks);
        }
        self.records.push(Some(Arc::new(RecentLead::new(document))));
    }

    fn link_blocks(&mut self, record: u32, blocks: &[u64]) {
        for block in blocks {
            #[expect(clippy::cast_possible_truncation, reason = "as many links as records times blocking keys")]
            let here = self.links.len() as u32;
            let before = self.heads.insert(*block, here).unwrap_or(END);
            self.links.push(Link { record, before });
        }
    }
}
