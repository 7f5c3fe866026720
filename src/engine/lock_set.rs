//! The locks of one request: which they are, in which order they are taken, and that they last until the request is sequenced.
//!
//! Every request takes the locks of its keys first, in the order of their numbers, then those of leads, in the order of theirs. Who
//! holds a lead's lock never waits for a key's, so that no two requests can wait for each other.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::decision::rows::{ChangeSet, RowClass, RowKey};

use super::key_locks::{KeyGuards, KeyLocks, QueueFull};
use super::sequencer::SubmitError;

/// The number of a row's lock.
pub(super) fn lock_number(key: &RowKey) -> u64 {
    FixedState::with_seed(0x6c65_6164).hash_one(key)
}

/// The locks of a request, by class; each list sorted and without repetition.
#[derive(Default)]
pub(super) struct LockSet {
    keys: Vec<u64>,
    leads: Vec<u64>,
}

/// Why a change set was not sequenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotSequenced {
    /// Something changed, or more locks are needed: take the locks anew and decide again.
    Again,
    /// Too many requests wait for the lead.
    QueueFull,
    /// Nothing is sequenced any more.
    Closed,
}

impl LockSet {
    /// The locks of rows that are not leads.
    pub(super) fn of(keys: impl Iterator<Item = RowKey>) -> Self {
        let mut set = Self { keys: keys.map(|key| lock_number(&key)).collect(), leads: Vec::new() };
        set.order();
        set
    }

    /// The same, and the lock of a lead.
    pub(super) fn with_lead(mut self, lead: &RowKey) -> Self {
        self.add_lead(lock_number(lead));
        self
    }

    /// Takes all of them. Cancel safe: a dropped future holds nothing.
    pub(super) async fn acquire(&self, locks: &Arc<KeyLocks>) -> Result<KeyGuards, QueueFull> {
        let mut guards = locks.acquire(&self.keys).await?;
        guards.extend(locks.acquire(&self.leads).await?);
        Ok(guards)
    }

    /// Sequences what was decided under `guards`, which are released afterwards and not before. `lead` is the lead that it changes,
    /// where it was known before: its lock is taken here if it is not held.
    pub(super) async fn sequence(
        &mut self,
        locks: &Arc<KeyLocks>,
        mut guards: KeyGuards,
        lead: Option<&RowKey>,
        changes: ChangeSet,
        submit: impl FnOnce(ChangeSet) -> Result<u64, SubmitError>,
    ) -> Result<u64, NotSequenced> {
        if self.add_missing(&changes) {
            return Err(NotSequenced::Again);
        }
        let lead = lead.map(lock_number);
        if let Some(lead) = lead
            && !self.leads.contains(&lead)
        {
            if !self.leads.is_empty() {
                self.add_lead(lead);
                return Err(NotSequenced::Again);
            }
            // Met here for the first time: it comes behind every key and is the only lead, so that the order is kept.
            guards.extend(locks.acquire(&[lead]).await.map_err(|QueueFull| NotSequenced::QueueFull)?);
        }
        let submitted = submit(changes);
        drop(guards);
        submitted.map_err(|error| match error {
            SubmitError::Conflict => {
                lead.into_iter().for_each(|lead| self.add_lead(lead));
                NotSequenced::Again
            }
            SubmitError::Closed => NotSequenced::Closed,
        })
    }

    /// Adds the locks of identity and blocking keys that a change set touches; whether any was missing.
    fn add_missing(&mut self, changes: &ChangeSet) -> bool {
        let identity = changes.writes.iter().map(|write| &write.key).filter(|key| key.class() == RowClass::Key);
        let missing: Vec<u64> = identity
            .chain(&changes.blocks)
            .map(lock_number)
            .filter(|number| self.keys.binary_search(number).is_err())
            .collect();
        self.keys.extend(&missing);
        self.order();
        !missing.is_empty()
    }

    fn add_lead(&mut self, number: u64) {
        self.leads.push(number);
        self.order();
    }

    fn order(&mut self) {
        for numbers in [&mut self.keys, &mut self.leads] {
            numbers.sort_unstable();
            numbers.dedup();
        }
    }
}
