//! The sequencer: checks the preconditions of a change set, numbers it and makes it visible as a whole.
//!
//! It reads memory only and never waits for the disk. What it guarantees, whatever the locks do:
//!
//! - **current**: a change set is numbered only if no row that it rests on has changed since it was read;
//! - **whole**: a change set becomes visible at once;
//! - **kept**: a change stays in the overlay until the store shows it to everybody who began before it did.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::decision::rows::{ChangeSet, RowKey, SequencedChangeSet};

use super::row_cache::RowCache;
use super::sync::StateMutex;

pub use super::row_cache::RecentRow;

/// Why a change set was not numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmitError {
    /// A row that it rests on has changed: decide again.
    Conflict,
    /// A commit failed, or the sequencer itself: nothing more is numbered.
    Closed,
}

/// What a decision has read, and since when: the preconditions of its change set.
#[derive(Debug)]
pub struct ReadSet {
    /// Everything up to here is in any store view taken after the beginning.
    floor: u64,
    /// Everything up to here was visible at the beginning.
    start: u64,
    /// Rows with the sequence at which they were seen.
    rows: Vec<(RowKey, u64)>,
    /// Those of them that came from the store, for the next decision.
    loaded: Vec<(RowKey, RecentRow)>,
    /// The highest sequence among what was seen: no answer before it is durable.
    highest: u64,
}

impl ReadSet {
    /// Notes that a row was seen, or was seen to be absent (sequence 0).
    pub fn note(&mut self, key: RowKey, sequence: u64) {
        self.rest_on(sequence);
        self.rows.push((key, sequence.max(self.start)));
    }

    /// Notes that a row was seen in the store, or was seen to be absent there.
    pub fn note_stored(&mut self, key: RowKey, row: Option<RecentRow>) {
        let sequence = row.as_ref().map_or(0, |row| row.sequence);
        self.loaded.extend(row.map(|row| (key.clone(), row)));
        self.note(key, sequence);
    }

    /// Notes that something else was seen that rests on everything up to a sequence.
    pub fn rest_on(&mut self, sequence: u64) {
        self.highest = self.highest.max(sequence);
    }

    /// The highest sequence among what was seen.
    pub fn highest(&self) -> u64 {
        self.highest
    }
}

struct State {
    sequence: u64,
    feed_position: u64,
    durable: u64,
    /// Rows changed lately, by key. Blocking keys are among them, without a value.
    recent: HashMap<RowKey, RecentRow, RandomState>,
    /// Rows read lately, as they stand.
    read: RowCache,
    /// Change sets whose rows are in `recent`, oldest first.
    kept: VecDeque<SequencedChangeSet>,
    /// How many decisions in flight began at each floor.
    in_flight: BTreeMap<u64, usize>,
    /// Change sets that wait for the committer.
    queue: Vec<SequencedChangeSet>,
    /// Nothing at or below it is in `recent` any more.
    pruned: u64,
    closed: bool,
}

/// Numbers change sets and keeps what is not yet in every reader's view of the store.
pub struct Sequencer {
    state: StateMutex<State>,
    /// How many change sets are kept for slow readers before they have to decide again.
    kept_limit: usize,
}

impl Sequencer {
    /// Continues behind what the store holds. `cache_bytes` is about what rows read lately may take.
    pub fn new(sequence: u64, feed_position: u64, kept_limit: usize, cache_bytes: usize) -> Self {
        let state = State {
            sequence,
            feed_position,
            durable: sequence,
            recent: HashMap::default(),
            read: RowCache::new(cache_bytes),
            kept: VecDeque::new(),
            in_flight: BTreeMap::new(),
            queue: Vec::new(),
            pruned: sequence,
            closed: false,
        };
        Self { state: StateMutex::new(state), kept_limit }
    }

    /// Begins a decision. A store view taken from now on, together with the overlay, shows everything visible.
    pub fn begin(&self) -> Reading<'_> {
        let mut reads = ReadSet { floor: 0, start: 0, rows: Vec::with_capacity(8), loaded: Vec::new(), highest: 0 };
        if let Ok(mut state) = self.state.lock() {
            reads.floor = state.durable;
            reads.start = state.sequence;
            *state.in_flight.entry(reads.floor).or_insert(0) += 1;
        }
        Reading { sequencer: self, reads }
    }

    /// The rows that were changed or read lately, as they stand; `None` where only the store knows.
    pub fn peek(&self, keys: &[RowKey]) -> Vec<Option<RecentRow>> {
        let Ok(state) = self.state.lock() else { return vec![None; keys.len()] };
        keys.iter().map(|key| state.recent.get(key).or_else(|| state.read.get(key)).cloned()).collect()
    }

    /// Whether everything read is still current, all of it at this moment.
    pub fn check(&self, reads: &ReadSet) -> Result<(), SubmitError> {
        let mut state = self.state.lock().map_err(|_| SubmitError::Closed)?;
        check(&state, reads)?;
        state.keep_read(reads);
        Ok(())
    }

    /// Numbers a change set and makes it visible, if everything it rests on is current. `seen` is called with the sequence
    /// before anybody else can see the change, in the order of the sequences.
    pub fn submit(&self, reads: &ReadSet, changes: ChangeSet, seen: impl FnOnce(u64)) -> Result<u64, SubmitError> {
        let mut state = self.state.lock().map_err(|_| SubmitError::Closed)?;
        check(&state, reads)?;
        state.keep_read(reads);
        state.sequence += 1;
        let feed_position = changes.event.is_some().then(|| {
            state.feed_position += 1;
            state.feed_position
        });
        let sequenced = SequencedChangeSet { sequence: state.sequence, feed_position, changes: Arc::new(changes) };
        state.show(&sequenced);
        seen(sequenced.sequence);
        state.kept.push_back(sequenced.clone());
        state.queue.push(sequenced);
        if state.kept.len() > self.kept_limit {
            let durable = state.durable;
            state.prune_to(durable);
        }
        Ok(state.sequence)
    }

    /// Calls `look` with the last sequence numbered while nothing is being numbered.
    pub fn at_rest<R>(&self, look: impl FnOnce(u64) -> R) -> Option<R> {
        self.state.lock().ok().map(|state| look(state.sequence))
    }

    /// Everything that waits for the committer, in order. Fails when the sequencer itself has failed: what waits then may be
    /// incomplete, and nobody is to be told that it was done.
    pub fn take_queue(&self) -> Result<Vec<SequencedChangeSet>, SubmitError> {
        self.state.lock().map(|mut state| std::mem::take(&mut state.queue)).map_err(|_| SubmitError::Closed)
    }

    /// Announces that the store shows everything up to `sequence` in views taken from now on.
    pub fn announce_durable(&self, sequence: u64) {
        if let Ok(mut state) = self.state.lock() {
            state.durable = sequence;
            state.prune();
        }
    }

    /// Numbers nothing more.
    pub fn close(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.closed = true;
        }
    }

    /// The last sequence numbered.
    pub fn last_sequence(&self) -> u64 {
        self.state.lock().map(|state| state.sequence).unwrap_or_default()
    }

    /// How many change sets wait for the committer, and how many rows the overlay holds.
    pub fn depth(&self) -> (usize, usize) {
        self.state.lock().map(|state| (state.queue.len(), state.recent.len())).unwrap_or_default()
    }

    fn end(&self, floor: u64) {
        let Ok(mut state) = self.state.lock() else { return };
        let Some(count) = state.in_flight.get_mut(&floor) else { return };
        *count -= 1;
        if *count == 0 {
            state.in_flight.remove(&floor);
            state.prune();
        }
    }
}

fn check(state: &State, reads: &ReadSet) -> Result<(), SubmitError> {
    if state.closed {
        return Err(SubmitError::Closed);
    }
    // Below the pruned sequence it is not known whether a row changed.
    let known = reads.floor >= state.pruned;
    let current = |(key, seen): &(RowKey, u64)| state.recent.get(key).is_none_or(|recent| recent.sequence <= *seen);
    if known && reads.rows.iter().all(current) { Ok(()) } else { Err(SubmitError::Conflict) }
}

impl State {
    /// Keeps what was read from the store for the next decision; only after a check, which says that it is current.
    fn keep_read(&mut self, reads: &ReadSet) {
        for (key, row) in &reads.loaded {
            self.read.insert(key, row.clone());
        }
    }

    fn show(&mut self, sequenced: &SequencedChangeSet) {
        let sequence = sequenced.sequence;
        for write in &sequenced.changes.writes {
            self.read.follow(write, sequence);
            self.recent.insert(write.key.clone(), RecentRow { sequence, row: write.row.clone() });
        }
        for block in &sequenced.changes.blocks {
            self.recent.insert(block.clone(), RecentRow { sequence, row: None });
        }
    }

    /// Forgets what every decision in flight finds in the store.
    fn prune(&mut self) {
        let oldest = self.in_flight.keys().next().copied().unwrap_or(self.durable);
        self.prune_to(oldest.min(self.durable));
    }

    fn prune_to(&mut self, sequence: u64) {
        while self.kept.front().is_some_and(|kept| kept.sequence <= sequence) {
            let Some(kept) = self.kept.pop_front() else { break };
            let keys = kept.changes.writes.iter().map(|write| &write.key).chain(&kept.changes.blocks);
            for key in keys {
                if self.recent.get(key).is_some_and(|recent| recent.sequence == kept.sequence) {
                    self.recent.remove(key);
                }
            }
            self.pruned = kept.sequence;
        }
    }
}

/// A decision in flight: what it has read stays in reach until it is dropped.
pub struct Reading<'a> {
    sequencer: &'a Sequencer,
    /// What it has read.
    pub reads: ReadSet,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.sequencer.end(self.reads.floor);
    }
}
