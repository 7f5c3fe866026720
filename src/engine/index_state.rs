//! How the index stands, and the way of everything that is asked of it.
//!
//! Invariant **index-whole-or-silent**: no answer rests on an index that lacks leads. While it is rebuilt nothing is asked of it, and
//! nothing is recorded in it but what is replayed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::decision::rows::ChangeSet;
use crate::index::{IndexDocument, View};
use crate::store::LeadStore;

use super::answer::RequestError;
use super::reading::{Look, SharingError};
use super::sequencer::SubmitError;
use super::{Engine, read_failed};

const REBUILDING: RequestError = RequestError::Unavailable { what: "the index is being rebuilt" };

const UNREADABLE: RequestError = RequestError::Unavailable { what: "the index cannot be read" };

/// Whether the index holds what the store does, and can be read.
pub(super) struct IndexState {
    /// Read while a view is taken or a lead recorded, so that neither falls into a rebuild.
    whole: RwLock<bool>,
    /// Whether somebody could not read it since it was made.
    unreadable: AtomicBool,
}

impl IndexState {
    /// Of an index that is brought up to its store.
    pub(super) fn whole() -> Arc<Self> {
        Arc::new(Self { whole: RwLock::new(true), unreadable: AtomicBool::new(false) })
    }

    /// From now on it lacks leads.
    pub(super) fn rebuild_begins(&self) {
        *self.whole.write().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// It is new, and lacks nothing.
    pub(super) fn rebuild_ends(&self) {
        self.unreadable.store(false, Ordering::Relaxed);
        *self.whole.write().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Whether it has to be rebuilt because somebody could not read it.
    pub(super) fn is_unreadable(&self) -> bool {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// Refuses what would be in vain.
    pub(super) fn require_whole(&self) -> Result<(), RequestError> {
        self.hold_whole().map(drop).ok_or(REBUILDING)
    }

    /// Runs what reads the index. An error has it rebuilt, and so does a panic: tantivy trusts what it finds in its files.
    pub(super) fn read<T, E: Into<SharingError>>(
        &self,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, RequestError> {
        match catch_unwind(AssertUnwindSafe(read)).map(|read| read.map_err(Into::into)) {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(SharingError::Read(error))) => return Err(read_failed(error)),
            Ok(Err(SharingError::Index(error))) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the index cannot be read");
            }
            Err(_) => tracing::error!("reading the index panicked"),
        }
        self.unreadable.store(true, Ordering::Relaxed);
        Err(UNREADABLE)
    }

    /// A guard during which no rebuild begins; `None` while one is under way.
    fn hold_whole(&self) -> Option<RwLockReadGuard<'_, bool>> {
        Some(self.whole.read().unwrap_or_else(PoisonError::into_inner)).filter(|whole| **whole)
    }
}

impl<S: LeadStore> Engine<S> {
    /// What can be found now. Nothing is while leads are missing that the store holds.
    pub(super) fn index_view(&self) -> Result<Arc<View>, RequestError> {
        let _whole = self.index_state.hold_whole().ok_or(REBUILDING)?;
        Ok(self.index.load().view())
    }

    /// Numbers a change set, and records the lead that it changes in the same breath.
    pub(super) fn submit(
        &self,
        look: &Look<'_, S::View>,
        changes: ChangeSet,
        document: Option<IndexDocument>,
    ) -> Result<u64, SubmitError> {
        // A replay would record an older state of the lead over this one: it has to be decided again.
        let recording = document.is_some().then(|| self.index_state.hold_whole().ok_or(SubmitError::Conflict));
        let _recording = recording.transpose()?;
        let index = self.index.load();
        let sequence = self.sequencer.submit(look.reads(), changes, |sequence| {
            if let Some(document) = document {
                index.record(IndexDocument { sequence, ..document });
            }
        })?;
        self.queued.notify_one();
        Ok(sequence)
    }
}

#[cfg(test)]
mod tests {
    use crate::index::IndexError;

    use super::*;

    #[test]
    fn an_index_that_fails_or_panics_is_unreadable_until_it_is_rebuilt() {
        let failing: [fn() -> Result<(), IndexError>; 2] =
            [|| Err(std::io::Error::other("a bad sector").into()), || panic!("a number that cannot be")];
        for read in failing {
            let state = IndexState::whole();
            assert!(matches!(state.read(read), Err(RequestError::Unavailable { .. })));
            assert!(state.is_unreadable() && state.require_whole().is_ok());
            state.rebuild_begins();
            assert!(matches!(state.require_whole(), Err(RequestError::Unavailable { .. })));
            state.rebuild_ends();
            assert!(!state.is_unreadable() && state.require_whole().is_ok());
        }
    }

    #[test]
    fn what_is_read_says_nothing_against_the_index() {
        let state = IndexState::whole();
        assert_eq!(state.read(|| Ok::<_, IndexError>(7)).expect("read"), 7);
        assert!(!state.is_unreadable());
    }
}
