//! The engine: the only place that knows store, index and decision together.
//!
//! The way of a write: `admission` lets it in, [`key_locks`] queue it behind requests with the same keys, `reading` gathers what
//! it is decided on, the pure core decides, [`sequencer`] checks that nothing of it has changed and makes it visible, `committer`
//! makes it durable, and [`gate`] lets the answer go. `indexing` follows in the background.

mod admission;
mod answer;
mod batch;
mod commit_queue;
mod committer;
mod duplicates;
mod firsts;
mod frequencies;
pub mod gate;
mod halting;
mod index_state;
mod indexing;
pub mod key_locks;
mod lists;
mod lock_set;
mod opening;
mod preview;
mod preview_blocks;
mod preview_frequencies;
mod previewing;
mod reading;
mod repeating;
mod reports;
mod row_cache;
pub mod sequencer;
mod sweeping;
mod sync;
mod upserting;
mod verifying;
mod watching;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};

use crate::decision::digest::DigestKey;
use crate::decision::policy::Policy;
use crate::index::LeadIndex;
use crate::store::LeadStore;

use admission::Admission;
use gate::DurableGate;
use index_state::IndexState;
use key_locks::KeyLocks;
use preview::{Preview, PreviewMemory};
use reading::Look;
use sequencer::{ReadSet, Sequencer, SubmitError};

pub use admission::AdmissionLimits;
pub use answer::{
    Answer, DuplicateGroup, DuplicatePair, FeedItem, FoundLead, LeadSelector, ListedDeadLetter, ListedReview, Page,
    RecordMerge, ReportAnswer, RequestError, Unborn,
};
pub use batch::Batch;
pub use duplicates::{DuplicateEvent, DuplicateQuery, DuplicateScope};
pub use lists::{DeadLetterFilter, DecisionFilter, ReviewFilter};
pub use opening::{EngineSettings, OpenError};
pub use verifying::{Finding, IndexInvariant, Verification, VerifyError, verify};

/// How the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It recovers what a former process left.
    Starting,
    /// It answers.
    Ready,
    /// It lives, and should get no new requests for now.
    Degraded(&'static str),
    /// It cannot go on: the process must end, and what was being written is unknown.
    Failed(&'static str),
    /// It finishes what it has, and takes nothing new.
    Draining,
}

/// Numbers about a running engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// The last change set numbered.
    pub last_sequence: u64,
    /// The last change set that is durable.
    pub durable_sequence: u64,
    /// Leads that wait for the index.
    pub index_overlay: usize,
    /// Change sets that wait for the committer.
    pub commit_queue: usize,
    /// Rows that wait for every reader's view of the store.
    pub row_overlay: usize,
    /// Keys held or waited for.
    pub locked_keys: usize,
    /// About how much the batches and streams of previews under way hold, in bytes.
    pub preview_bytes: usize,
}

/// The engine. Every answer it gives rests on what is durable.
pub struct Engine<S: LeadStore> {
    store: Arc<S>,
    index: ArcSwap<LeadIndex>,
    index_state: Arc<IndexState>,
    sequencer: Sequencer,
    gate: DurableGate,
    locks: Arc<KeyLocks>,
    frequencies: frequencies::Frequencies,
    /// What batches of previews may hold.
    preview_memory: Arc<PreviewMemory>,
    admission: Admission,
    policy: ArcSwap<Policy>,
    digests: DigestKey,
    health: watch::Sender<Health>,
    /// Tells the committer that change sets wait.
    queued: Arc<Notify>,
    last_time: AtomicI64,
    /// Places for searches that look through all leads.
    walks: Arc<Semaphore>,
    background: committer::Background,
}

impl<S: LeadStore> Engine<S> {
    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Puts another policy in force for requests that begin from now on.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    /// Follows how the engine is.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Numbers about the engine now.
    pub fn statistics(&self) -> Statistics {
        let (commit_queue, row_overlay) = self.sequencer.depth();
        Statistics {
            last_sequence: self.sequencer.last_sequence(),
            durable_sequence: self.gate.durable(),
            index_overlay: self.index.load().recent_len(),
            commit_queue,
            row_overlay,
            locked_keys: self.locks.len(),
            preview_bytes: self.preview_memory.used(),
        }
    }

    /// Whether a stream may be read on, or should wait until less is under way.
    pub fn has_room(&self) -> bool {
        let (queue, _) = self.sequencer.depth();
        self.admission.has_room(self.index.load().recent_len(), queue)
    }

    /// The store, for listings and checks that want a view of it.
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// Begins a decision: overlay and store, read together.
    async fn look<'a>(&'a self, preview: Option<&'a Preview>) -> Result<Look<'a, S::View>, RequestError> {
        let reading = self.sequencer.begin();
        let view = self.store.view().await.map_err(read_failed)?;
        Ok(Look::new(reading, &self.sequencer, view, preview))
    }

    /// The time of receipt: never the same twice, never before an earlier one.
    fn now(&self) -> Timestamp {
        let wall = Timestamp::now().as_microsecond();
        let last = self.last_time.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(wall.max(last + 1)));
        let micros = last.map_or(wall, |last| wall.max(last + 1));
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    }

    /// Whether everything read is still so, all of it at this moment.
    fn is_current(&self, reads: &ReadSet) -> Result<bool, RequestError> {
        match self.sequencer.check(reads) {
            Ok(()) => Ok(true),
            Err(SubmitError::Conflict) => Ok(false),
            Err(SubmitError::Closed) => Err(closed()),
        }
    }

    /// Waits until everything up to `sequence` is durable.
    async fn durable(&self, sequence: u64) -> Result<(), RequestError> {
        self.gate.wait(sequence).await.map_err(|gate::OutcomeUnknown| RequestError::CommitOutcomeUnknown)
    }
}

fn closed() -> RequestError {
    RequestError::Unavailable { what: "the store no longer takes writes" }
}

fn read_failed(error: crate::store::ReadError) -> RequestError {
    tracing::error!(error = &error as &dyn std::error::Error, "the store cannot be read");
    RequestError::ReadFailed
}
