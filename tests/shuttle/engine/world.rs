//! The engine's shipped parts on a simulated store, requests in miniature, and a journal against which every answer is held.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::decision::identity_key::{IdentityKey, KeyHolders};
use crate::decision::rows::{ChangeSet, Row, RowKey, RowWrite};
use crate::domain::{Lead, LeadId, TenantId};

use super::super::commit_queue::{CommitFailure, commit_round};
use super::super::gate::DurableGate;
use super::super::key_locks::{KeyGuards, KeyLocks, QueueFull};
use super::super::lock_set::{LockSet, NotSequenced};
use super::super::reading::Look;
use super::super::sequencer::{Sequencer, SubmitError};
use super::store::{Broken, SimStore, SimView};

/// How a scenario's engine is set.
pub(super) struct Setup {
    pub(super) locks: bool,
    pub(super) queue_limit: usize,
    pub(super) kept_limit: usize,
    pub(super) breaks_at: Option<u64>,
    /// Keys that one lead holds at the beginning.
    pub(super) held: Vec<u8>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { locks: true, queue_limit: 100, kept_limit: 1000, breaks_at: None, held: Vec::new() }
    }
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Creates a lead or changes the one that holds the first of its keys.
    Write,
    /// The same, but changes nothing where the lead holds all keys.
    Link,
    /// Looks, without locks.
    Match,
}

/// A request's answer: the lead that its keys lead to, as it was seen or written, and the first key that led there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) lead: Option<LeadId>,
    pub(super) version: i64,
}

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    QueueFull,
    Closed,
    OutcomeUnknown,
}

/// What happened, in the order of the sequences. Its lock has no scheduling point.
#[derive(Default)]
struct Journal {
    entries: Vec<Entry>,
    last_change: HashMap<RowKey, u64>,
    /// By key, the lead and its version that somebody was told.
    answered: HashMap<u8, (LeadId, i64)>,
}

struct Entry {
    keys: Vec<u8>,
    new: LeadId,
    lead: LeadId,
    version: i64,
}

pub(super) struct World {
    pub(super) locks: Arc<KeyLocks>,
    pub(super) sequencer: Sequencer,
    pub(super) gate: DurableGate,
    pub(super) store: SimStore,
    setup: Setup,
    queued: Notify,
    stopping: AtomicBool,
    journal: Mutex<Journal>,
    owners: Mutex<HashMap<u8, LeadId>>,
}

pub(super) fn key_row(key: u8) -> RowKey {
    RowKey::identity(&TenantId::default(), &IdentityKey::of_normalized_email(&format!("{key}@x.com")))
}

pub(super) fn lead_row(lead: LeadId) -> RowKey {
    RowKey::lead(&TenantId::default(), lead)
}

pub(super) fn lead_id(number: u8) -> LeadId {
    LeadId::from_bytes([number; 16])
}

pub(super) fn lead_of_version(lead_id: LeadId, version: i64) -> Row {
    Row::Lead(Arc::new(Lead { version, ..Lead::empty(lead_id, jiff::Timestamp::UNIX_EPOCH) }))
}

fn held_by(lead: LeadId) -> Row {
    Row::Key(Arc::new(KeyHolders { leads: vec![lead] }))
}

/// The miniature of a plan: the holder of the first held key, else a new lead; and the keys that it gains.
fn decide(holders: &[(u8, Option<LeadId>)], new: LeadId) -> (LeadId, Vec<u8>) {
    let lead = holders.iter().find_map(|(_, holder)| *holder).unwrap_or(new);
    (lead, holders.iter().filter(|(_, holder)| holder.is_none()).map(|(key, _)| *key).collect())
}

/// What a request has found.
struct Found {
    holders: Vec<(u8, Option<LeadId>)>,
    /// The lead that the keys lead to, where there is one, and its version.
    lead: Option<(LeadId, i64)>,
}

impl World {
    pub(super) fn new(setup: Setup) -> Arc<Self> {
        let first = lead_id(0);
        let mut rows: Vec<_> = setup.held.iter().map(|key| (key_row(*key), held_by(first))).collect();
        if !rows.is_empty() {
            rows.push((lead_row(first), lead_of_version(first, 1)));
        }
        let store = SimStore::new(rows, setup.breaks_at);
        let sequence = store.durable().sequence;
        Arc::new(Self {
            locks: Arc::new(KeyLocks::new(setup.queue_limit, setup.locks)),
            sequencer: Sequencer::new(sequence, 0, setup.kept_limit, 1 << 20),
            gate: DurableGate::new(sequence),
            store,
            setup,
            queued: Notify::new(),
            stopping: AtomicBool::new(false),
            journal: Mutex::default(),
            owners: Mutex::default(),
        })
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().expect("no panic")
    }

    /// The committer as it ships, but that nothing wakes it except what was queued: a lost wake-up is a deadlock.
    pub(super) async fn committer(self: Arc<Self>) -> Option<CommitFailure<Broken>> {
        loop {
            self.queued.notified().await;
            let stopping = || self.stopping.load(Ordering::SeqCst);
            let commit = async |batch: &[_]| self.store.commit(batch).await;
            let round = commit_round(&self.sequencer, &self.gate, stopping, async || (), commit).await;
            if let ControlFlow::Break(failure) = round {
                return failure;
            }
        }
    }

    /// Ends the committer as the engine does when it drains.
    pub(super) async fn stop(&self) {
        let _ = self.gate.wait(self.sequencer.last_sequence()).await;
        self.sequencer.close();
        self.stopping.store(true, Ordering::SeqCst);
        self.queued.notify_one();
    }

    pub(super) async fn look(&self) -> Look<'_, SimView> {
        let reading = self.sequencer.begin();
        let view = self.store.view().await;
        Look::new(reading, &self.sequencer, view, None)
    }

    pub(super) fn submit(
        &self,
        look: &Look<'_, SimView>,
        changes: ChangeSet,
        note: impl FnOnce(u64),
    ) -> Result<u64, SubmitError> {
        let sequence = self.sequencer.submit(look.reads(), changes, note)?;
        self.queued.notify_one();
        Ok(sequence)
    }

    /// One request from its keys to its answer. `new` is the id of the lead that it makes, if it makes one.
    pub(super) async fn request(&self, new: LeadId, keys: &[u8], mode: Mode) -> Result<Answer, Refused> {
        let told = self.journal().answered.clone();
        let mut locks = LockSet::of(keys.iter().map(|key| key_row(*key)));
        loop {
            let guards = self.guards(&locks, mode).await?;
            let owned = Owned::enter(self, keys, new, mode);
            let before = self.journal().entries.len();
            let mut look = self.look().await;
            let found = self.find(&mut look, keys).await;
            let (lead, gained) = decide(&found.holders, new);
            let writes = mode == Mode::Write || mode == Mode::Link && !gained.is_empty();
            if !writes {
                if !self.is_current(&look, &found, before)? {
                    continue;
                }
                let highest = look.reads().highest();
                drop((look, owned, guards));
                self.hold_to(&told, &found);
                let answer = Answer { lead: found.lead.map(|(lead, _)| lead), version: found.version() };
                return self.answer(answer, highest, &found).await;
            }
            let version = found.version() + 1;
            let changes = changes(lead, version, &gained, found.lead.is_some());
            let highest = look.reads().highest();
            let submit = |changes| {
                let entry = Entry { keys: keys.to_vec(), new, lead, version };
                let result = self.submit(&look, changes, |sequence| self.note(sequence, entry, &gained));
                if result == Err(SubmitError::Conflict) {
                    self.hold_conflict(&found, before);
                }
                drop(owned);
                result
            };
            let known = found.lead.map(|(lead, _)| lead_row(lead));
            match locks.sequence(&self.locks, guards, known.as_ref(), changes, submit).await {
                Ok(sequence) => {
                    self.hold_to(&told, &found);
                    let answer = Answer { lead: Some(lead), version };
                    return self.answer(answer, sequence.max(highest), &found.after(lead, version)).await;
                }
                Err(NotSequenced::Again) => {}
                Err(NotSequenced::QueueFull) => return Err(Refused::QueueFull),
                Err(NotSequenced::Closed) => return Err(Refused::Closed),
            }
        }
    }

    async fn guards(&self, locks: &LockSet, mode: Mode) -> Result<KeyGuards, Refused> {
        if mode == Mode::Match {
            return Ok(KeyGuards::default());
        }
        locks.acquire(&self.locks).await.map_err(|QueueFull| Refused::QueueFull)
    }

    async fn find(&self, look: &mut Look<'_, SimView>, keys: &[u8]) -> Found {
        let rows = look.rows(&keys.iter().map(|key| key_row(*key)).collect::<Vec<_>>()).await.expect("readable");
        let holder = |row| if let Some(Row::Key(holders)) = row { Some(only(&holders)) } else { None };
        let holders: Vec<_> = keys.iter().copied().zip(rows.into_iter().map(holder)).collect();
        let lead = match holders.iter().find_map(|(_, holder)| *holder) {
            Some(lead) => Some((lead, version(look.row(lead_row(lead)).await.expect("readable").as_ref()))),
            None => None,
        };
        Found { holders, lead }
    }

    fn note(&self, sequence: u64, entry: Entry, gained: &[u8]) {
        let mut journal = self.journal();
        let rows = gained.iter().map(|key| key_row(*key)).chain([lead_row(entry.lead)]);
        journal.last_change.extend(rows.map(|row| (row, sequence)));
        journal.entries.push(entry);
    }

    fn is_current(&self, look: &Look<'_, SimView>, found: &Found, before: usize) -> Result<bool, Refused> {
        match self.sequencer.check(look.reads()) {
            Ok(()) => Ok(true),
            Err(SubmitError::Closed) => Err(Refused::Closed),
            Err(SubmitError::Conflict) => {
                self.hold_conflict(found, before);
                Ok(false)
            }
        }
    }

    /// Nobody is sent back without reason: something that was read has changed since `before`.
    fn hold_conflict(&self, found: &Found, before: usize) {
        if self.setup.kept_limit < 10 {
            return;
        }
        let before = u64::from(!self.setup.held.is_empty()) + before as u64;
        let journal = self.journal();
        let mut rows = found.holders.iter().map(|(key, _)| key_row(*key)).chain(found.lead.map(|(id, _)| lead_row(id)));
        assert!(
            rows.any(|row| journal.last_change.get(&row).is_some_and(|last| *last > before)),
            "a conflict, and nothing that was read has changed"
        );
    }

    /// What was answered before a request began is seen by it, in this state or a later one.
    fn hold_to(&self, told: &HashMap<u8, (LeadId, i64)>, found: &Found) {
        for (key, holder) in &found.holders {
            let Some((lead, version)) = told.get(key) else { continue };
            assert_eq!(*holder, Some(*lead), "an answered write is seen by everybody who begins after it");
            if found.lead.is_some_and(|(seen, _)| seen == *lead) {
                assert!(found.version() >= *version, "nobody sees an older version than one that was answered");
            }
        }
    }

    /// Waits for what the answer rests on, and holds it against what a crash would leave at this moment.
    async fn answer(&self, answer: Answer, rests_on: u64, found: &Found) -> Result<Answer, Refused> {
        self.gate.wait(rests_on).await.map_err(|_| Refused::OutcomeUnknown)?;
        let durable = self.store.durable();
        if let Some(lead) = answer.lead {
            let kept = version(durable.row(&lead_row(lead)));
            assert!(kept >= answer.version, "version {} was answered and {kept} is durable", answer.version);
        }
        for (key, holder) in &found.holders {
            let kept = durable.row(&key_row(*key)).is_some();
            assert!(kept || holder.is_none(), "a key's holder was answered and is not durable");
            if let (Some(holder), Some(lead)) = (holder, answer.lead)
                && *holder == lead
            {
                self.journal().tell(*key, lead, answer.version);
            }
        }
        Ok(answer)
    }

    /// What must hold when everybody has been answered and everything is committed.
    pub(super) fn hold_end(&self) {
        assert!(self.locks.is_empty(), "an unused key has no lock");
        assert_eq!(self.sequencer.depth(), (0, 0), "nothing waits, and the overlay holds nothing that nobody needs");
        let journal = self.journal();
        let durable = self.store.durable();
        assert_eq!(durable.sequence, self.sequencer.last_sequence(), "everything sequenced is durable");
        let (holders, versions) = self.replay(&journal);
        for (key, lead) in &holders {
            assert_eq!(durable.row(&key_row(*key)), Some(&held_by(*lead)), "one live lead per key");
        }
        for (lead, expected) in &versions {
            assert_eq!(version(durable.row(&lead_row(*lead))), *expected, "no update is lost");
        }
    }

    /// Every decision, one after the other: each must be the one that the state before it asks for.
    fn replay(&self, journal: &Journal) -> (BTreeMap<u8, LeadId>, BTreeMap<LeadId, i64>) {
        let mut holders: BTreeMap<u8, LeadId> = self.setup.held.iter().map(|key| (*key, lead_id(0))).collect();
        let mut versions: BTreeMap<LeadId, i64> = holders.values().map(|lead| (*lead, 1)).collect();
        for entry in &journal.entries {
            let seen: Vec<_> = entry.keys.iter().map(|key| (*key, holders.get(key).copied())).collect();
            let (lead, gained) = decide(&seen, entry.new);
            let version = versions.entry(lead).or_insert(0);
            *version += 1;
            assert_eq!((entry.lead, entry.version), (lead, *version), "decided on a state that was no longer so");
            holders.extend(gained.into_iter().map(|key| (key, lead)));
        }
        (holders, versions)
    }
}

impl Journal {
    fn tell(&mut self, key: u8, lead: LeadId, version: i64) {
        let told = self.answered.entry(key).or_insert((lead, version));
        told.1 = told.1.max(version);
    }
}

impl Found {
    /// What stands after a write.
    fn after(self, lead: LeadId, version: i64) -> Self {
        let holders = self.holders.into_iter().map(|(key, holder)| (key, holder.or(Some(lead)))).collect();
        Self { holders, lead: Some((lead, version)) }
    }

    fn version(&self) -> i64 {
        self.lead.map_or(0, |(_, version)| version)
    }
}

fn changes(lead: LeadId, version: i64, gained: &[u8], known: bool) -> ChangeSet {
    let keys = gained.iter().map(|key| RowWrite { key: key_row(*key), row: Some(held_by(lead)) });
    let lead_write = RowWrite { key: lead_row(lead), row: Some(lead_of_version(lead, version)) };
    // A known lead that gains keys also touches a blocking key that the request cannot know.
    let block = (known && !gained.is_empty()).then(|| RowKey::block(&TenantId::default(), 1));
    ChangeSet {
        writes: keys.chain([lead_write]).collect(),
        blocks: block.into_iter().collect(),
        ..ChangeSet::default()
    }
}

fn only(holders: &KeyHolders) -> LeadId {
    assert_eq!(holders.leads.len(), 1);
    holders.leads[0]
}

pub(super) fn version(row: Option<&Row>) -> i64 {
    match row {
        Some(Row::Lead(lead)) => lead.version,
        _ => 0,
    }
}

/// With locks, from when they are held until the change is sequenced: nobody else owns any of the keys meanwhile.
struct Owned<'a> {
    world: &'a World,
    keys: Vec<u8>,
}

impl<'a> Owned<'a> {
    fn enter(world: &'a World, keys: &[u8], who: LeadId, mode: Mode) -> Self {
        let keys = if world.setup.locks && mode != Mode::Match { keys.to_vec() } else { Vec::new() };
        let mut owners = world.owners.lock().expect("no panic");
        for key in &keys {
            assert_eq!(owners.insert(*key, who), None, "a key has two owners");
        }
        Self { world, keys }
    }
}

impl Drop for Owned<'_> {
    fn drop(&mut self) {
        if let Ok(mut owners) = self.world.owners.lock() {
            owners.retain(|key, _| !self.keys.contains(key));
        }
    }
}
