//! What a batch of previews would have written so far: seen by its later items, by nobody else, and never stored.
//!
//! Made for millions of rows: a lead lies here once, in the bytes that a store would hold, and everything else names it by its number.
//! What all previews of an engine hold together is bounded by [`PreviewMemory`].

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState as FastState;

use crate::decision::blocking::blocks_of_lead;
use crate::decision::change::Blocks;
use crate::decision::identity_key::KeyHolders;
use crate::decision::matching::{FrequencyTable, Profile, Signature};
use crate::decision::plan::LeadChange;
use crate::decision::rows::{Row, RowClass, RowKey, RowWrite};
use crate::domain::{Lead, LeadId, TenantId};
use crate::index::Sought;
use crate::store::{ReadError, RowName, codec};

use super::preview_blocks::PreviewBlocks;
use super::preview_frequencies::PreviewFrequencies;

/// What the allocator adds to bytes of their own, about.
pub(super) const ALLOCATION: usize = 48;

/// The memory that the previews of an engine share, and all that its batches and streams remember.
pub(crate) struct PreviewMemory {
    limit: usize,
    used: AtomicUsize,
}

/// The previews that are under way hold as much as they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PreviewsFull {
    /// How much that is.
    pub(crate) limit_bytes: usize,
}

impl PreviewMemory {
    /// For all previews together about so many bytes.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    /// About how much all previews hold, in bytes.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether as much is held as may be.
    pub(super) fn is_full(&self) -> bool {
        self.used() >= self.limit
    }

    fn check(&self) -> Result<(), PreviewsFull> {
        if self.is_full() { Err(PreviewsFull { limit_bytes: self.limit }) } else { Ok(()) }
    }

    /// Sums wrap: what is taken back was added before.
    pub(super) fn recharge(&self, before: usize, after: usize) {
        self.used.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }
}

/// The rows that earlier items of a batch would have written.
pub(crate) struct Preview {
    memory: Arc<PreviewMemory>,
    /// Names of rows: 128 bits in place of a key, under secrets that nobody can aim at.
    naming: [RandomState; 2],
    state: Mutex<State>,
}

type Name = [u64; 2];

#[derive(Default)]
struct State {
    rows: HashMap<Name, Held, FastState>,
    leads: Vec<HeldLead>,
    /// Holders of keys that more than one lead has, or one that is not among `leads`.
    holders: Vec<Arc<KeyHolders>>,
    blocks: PreviewBlocks,
    frequencies: PreviewFrequencies,
    /// The highest sequence that a row rests on: who sees one rests on that too.
    rests_on: u64,
    /// Bytes of the leads and holders themselves.
    contents: usize,
    /// What has been charged for all of it.
    charged: usize,
}

/// A row.
#[derive(Clone, Copy)]
enum Held {
    /// A lead.
    Lead(u32),
    /// A key that this lead alone holds.
    OnlyHolder(u32),
    /// A key with these holders.
    Holders(u32),
}

struct HeldLead {
    lead_id: LeadId,
    /// As a store would hold it.
    bytes: Box<[u8]>,
    /// What its names are like.
    signature: Signature,
    /// Whether it is in the store as well, as it stood before.
    stored: bool,
    /// Whether it was changed after it got its first blocking keys.
    rewritten: bool,
}

impl HeldLead {
    /// A lead as a change leaves it that no earlier item has changed.
    fn of(change: &LeadChange, profile: &Profile) -> Self {
        let stored = change.before.is_some();
        Self {
            lead_id: change.after.lead_id,
            bytes: codec::encode_row(&Row::Lead(Arc::clone(&change.after))).into_boxed_slice(),
            signature: profile.signature(),
            stored,
            rewritten: stored,
        }
    }
}

/// What is taken out under the lock; decoding can wait.
enum Found {
    Lead(Box<[u8]>),
    Key(Arc<KeyHolders>),
}

impl Preview {
    /// An empty one that is charged to `memory`.
    pub(crate) fn new(memory: Arc<PreviewMemory>) -> Self {
        Self { memory, naming: [RandomState::new(), RandomState::new()], state: Mutex::default() }
    }

    /// Takes in what an item would have written: the rows of its change, the lead first. `base` is how common values are in the store.
    pub(crate) fn write(
        &self,
        tenant: &TenantId,
        change: &LeadChange,
        writes: Vec<RowWrite>,
        blocks: Option<&Blocks>,
        rests_on: u64,
        base: &FrequencyTable,
    ) -> Result<(), PreviewsFull> {
        self.memory.check()?;
        let named: Vec<(Name, Option<Row>)> =
            writes.into_iter().map(|write| (self.name(&write.key), write.row)).collect();
        let name = self.name(&RowKey::lead(tenant, change.after.lead_id));
        let profile = Profile::of_lead(&change.after);
        let lead = HeldLead::of(change, &profile);
        let mut state = self.state();
        let Some((number, gained)) = state.put_lead(name, lead, change.before.as_deref(), blocks) else {
            return Err(PreviewsFull { limit_bytes: self.memory.limit });
        };
        state.blocks.add(tenant, &gained, number);
        for (name, row) in named {
            if let Some(Row::Key(holders)) = row {
                state.put_key(name, number, holders);
            }
        }
        if change.before.is_none() {
            state.count(base, &profile);
        }
        state.rests_on = state.rests_on.max(rests_on);
        let bytes = state.bytes();
        self.memory.recharge(state.charged, bytes);
        state.charged = bytes;
        Ok(())
    }

    /// A row that an earlier item would have written, with the sequence that it rests on.
    pub(crate) fn row(&self, key: &RowKey) -> Result<Option<(Row, u64)>, ReadError> {
        let name = self.name(key);
        let state = self.state();
        let Some(found) = state.find(name) else { return Ok(None) };
        let rests_on = state.rests_on;
        drop(state);
        let row = match found {
            Found::Key(holders) => Row::Key(holders),
            Found::Lead(bytes) => codec::decode_row(RowClass::Lead, &bytes).map_err(unreadable)?,
        };
        Ok(Some((row, rests_on)))
    }

    /// How common values are with what earlier items would have added; `None` where that is what the store says.
    pub(crate) fn frequencies(&self) -> Option<Arc<FrequencyTable>> {
        self.state().frequencies.in_force()
    }

    /// The leads that share a blocking key, as earlier items would have left them: capped as the index caps those that it knows.
    pub(crate) fn sharing(&self, tenant: &TenantId, sought: Sought<'_>, cap: u64) -> (Vec<LeadId>, bool) {
        let state = self.state();
        let signature = |number: u32| state.leads.get(number as usize).map(|lead| lead.signature).unwrap_or_default();
        let likeness = |number| signature(number).likeness(sought.signature);
        let (numbers, truncated) = state.blocks.sharing(tenant, sought.blocks, likeness, cap, state.leads.len() as u64);
        let lead_ids =
            numbers.into_iter().filter_map(|number| state.leads.get(number as usize)).map(|lead| lead.lead_id);
        (lead_ids.collect(), truncated)
    }

    /// Whether an earlier item would have changed the lead, so that it may have lost a blocking key.
    pub(crate) fn has_rewritten(&self, tenant: &TenantId, lead_id: LeadId) -> bool {
        self.held(tenant, lead_id, |lead| lead.rewritten)
    }

    /// Whether the lead is only previewed: nobody will ever find it under this id.
    pub(crate) fn is_unborn(&self, tenant: &TenantId, lead_id: LeadId) -> bool {
        self.held(tenant, lead_id, |lead| !lead.stored)
    }

    fn held(&self, tenant: &TenantId, lead_id: LeadId, holds: impl FnOnce(&HeldLead) -> bool) -> bool {
        let name = self.name(&RowKey::lead(tenant, lead_id));
        let state = self.state();
        let Some(Held::Lead(number)) = state.rows.get(&name) else { return false };
        state.leads.get(*number as usize).is_some_and(holds)
    }

    fn name(&self, key: &RowKey) -> Name {
        [self.naming[0].hash_one(key), self.naming[1].hash_one(key)]
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        let charged = self.state().charged;
        self.memory.recharge(charged, 0);
    }
}

impl State {
    /// The lead's number, and the blocking keys that it gains; `None` where no number is left.
    fn put_lead(
        &mut self,
        name: Name,
        lead: HeldLead,
        before: Option<&Lead>,
        blocks: Option<&Blocks>,
    ) -> Option<(u32, Vec<u64>)> {
        let after = blocks.map(|blocks| &*blocks.after).unwrap_or_default();
        self.contents += lead.bytes.len() + ALLOCATION;
        if let Some(Held::Lead(number)) = self.rows.get(&name).copied() {
            let known = self.leads.get_mut(number as usize)?;
            self.contents -= known.bytes.len() + ALLOCATION;
            let moves = blocks.is_some_and(|blocks| !blocks.touched.is_empty());
            *known = HeldLead { stored: known.stored, rewritten: known.rewritten | moves, ..lead };
            let held = before.filter(|_| moves).map(blocks_of_lead);
            let gained = held.map(|held| after.iter().filter(|block| !held.contains(block)).copied().collect());
            return Some((number, gained.unwrap_or_default()));
        }
        let number = u32::try_from(self.leads.len()).ok()?;
        self.leads.push(lead);
        self.rows.insert(name, Held::Lead(number));
        Some((number, after.to_vec()))
    }

    fn count(&mut self, base: &FrequencyTable, profile: &Profile) {
        let made = self.leads.iter().filter(|lead| !lead.stored);
        let read = |lead: &HeldLead| match codec::decode_row(RowClass::Lead, &lead.bytes) {
            Ok(Row::Lead(lead)) => Some(Arc::unwrap_or_clone(lead)),
            Ok(_) | Err(_) => None,
        };
        self.frequencies.add(base, profile, || made.filter_map(read));
    }

    fn put_key(&mut self, name: Name, number: u32, holders: Arc<KeyHolders>) {
        let only = self.leads.get(number as usize).is_some_and(|lead| *holders.leads == [lead.lead_id]);
        if only {
            self.rows.insert(name, Held::OnlyHolder(number));
            return;
        }
        self.contents += bytes_of_holders(&holders);
        let known = if let Some(Held::Holders(place)) = self.rows.get(&name) { Some(*place) } else { None };
        match known.and_then(|place| self.holders.get_mut(place as usize)) {
            Some(known) => {
                self.contents -= bytes_of_holders(known);
                *known = holders;
            }
            // There are fewer of them than bytes of memory that they are charged.
            None => {
                let place = u32::try_from(self.holders.len()).unwrap_or(u32::MAX);
                self.holders.push(holders);
                self.rows.insert(name, Held::Holders(place));
            }
        }
    }

    fn find(&self, name: Name) -> Option<Found> {
        match *self.rows.get(&name)? {
            Held::Lead(number) => self.leads.get(number as usize).map(|lead| Found::Lead(lead.bytes.clone())),
            Held::OnlyHolder(number) => {
                let lead_id = self.leads.get(number as usize)?.lead_id;
                Some(Found::Key(Arc::new(KeyHolders { leads: vec![lead_id] })))
            }
            Held::Holders(place) => self.holders.get(place as usize).cloned().map(Found::Key),
        }
    }

    /// About what all of it takes.
    fn bytes(&self) -> usize {
        bytes_of_table::<(Name, Held)>(self.rows.capacity())
            + self.leads.capacity() * size_of::<HeldLead>()
            + self.holders.capacity() * size_of::<Arc<KeyHolders>>()
            + self.blocks.bytes()
            + self.frequencies.bytes()
            + self.contents
    }
}

/// About what a hash table takes that has room for so many entries: one byte more for each, and an eighth stays free.
pub(super) fn bytes_of_table<Entry>(capacity: usize) -> usize {
    (capacity + capacity / 7) * (size_of::<Entry>() + 1)
}

fn bytes_of_holders(holders: &KeyHolders) -> usize {
    size_of::<KeyHolders>() + size_of_val(&*holders.leads) + 2 * ALLOCATION
}

fn unreadable(codec::Problem(problem): codec::Problem) -> ReadError {
    ReadError::Corrupt { row: RowName { table: "preview", label: "lead".to_owned() }, problem }
}
