//! Opening an engine: store, index, and what the one has that the other lacks.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore, watch};

use crate::decision::digest::DigestKey;
use crate::decision::policy::Policy;
use crate::index::{IndexSettings, LeadIndex};
use crate::store::{EmbeddedStore, StoreOptions};

use super::admission::{Admission, AdmissionLimits};
use super::committer::{self, Background};
use super::duplicates::MOST_WALKS;
use super::frequencies::{self, Frequencies};
use super::gate::DurableGate;
use super::index_state::IndexState;
use super::indexing;
use super::key_locks::KeyLocks;
use super::preview::PreviewMemory;
use super::sequencer::Sequencer;
use super::{Engine, Health};

/// Everything that can be set about an engine.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Where store and index lie; made where there is nothing.
    pub data_dir: PathBuf,
    /// The rules.
    pub policy: Policy,
    /// Past which load writes are refused.
    pub limits: AdmissionLimits,
    /// The store's memory and threads.
    pub store: StoreOptions,
    /// The index's memory.
    pub index: IndexSettings,
    /// About what rows that decisions have read lately may take in memory, in bytes.
    pub row_cache_bytes: usize,
    /// About what the batches and streams of previews under way may hold together in memory, in bytes.
    pub preview_memory_bytes: usize,
    /// How many requests may hold or wait for one key.
    pub key_queue_limit: usize,
    /// Whether requests with the same keys queue up. Without, every request is right and only slower: for tests.
    pub key_locks: bool,
}

impl EngineSettings {
    /// The defaults, with the data in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            policy: Policy::default(),
            limits: AdmissionLimits::default(),
            store: StoreOptions::default(),
            index: IndexSettings::default(),
            row_cache_bytes: 128 * 1024 * 1024,
            preview_memory_bytes: 4 * 1024 * 1024 * 1024,
            key_queue_limit: 10_000,
            key_locks: true,
        }
    }
}

/// Why an engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] crate::store::OpenError),
    /// The index.
    #[error("the index cannot be opened: {0}")]
    Index(#[from] crate::index::OpenError),
    /// The index could not be brought up to the store.
    #[error("the index cannot be brought up to the store: {0}")]
    Replay(String),
    /// A thread could not be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// How many change sets are kept for decisions that take long to read.
const KEPT_CHANGE_SETS: usize = 100_000;

impl Engine<EmbeddedStore> {
    /// Opens the engine on an embedded store: recovers, replays the index, starts the threads. Blocks until it is ready; call it
    /// outside the async runtime's own threads.
    ///
    /// # Errors
    ///
    /// The folder is in use, was written by a newer program, or has lost acknowledged data.
    pub fn open(settings: EngineSettings) -> Result<Arc<Self>, OpenError> {
        let store = Arc::new(EmbeddedStore::open(&settings.data_dir.join("store"), settings.store)?);
        let opened = LeadIndex::open(&settings.data_dir.join("index"), &settings.index)?;
        store.require(opened.payload, "the index")?;
        let position = store.position();
        // A new store has no index, and nothing to warn of.
        if let Some(reason) = opened.rebuilt.as_ref().filter(|_| position.sequence > 0) {
            tracing::warn!(?reason, "the index is rebuilt from the store");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime
            .block_on(indexing::replay(&store.view(), &opened.index, opened.payload))
            .map_err(|error| OpenError::Replay(error.to_string()))?;
        let frequencies = runtime
            .block_on(Frequencies::open(&store.view(), &opened.index))
            .map_err(|error| OpenError::Replay(error.to_string()))?;
        let secret = blake3::derive_key("leadgate 2026-11 value digests of one store", store.store_id().as_bytes());
        let engine = Arc::new(Self {
            index: ArcSwap::from_pointee(opened.index),
            index_state: IndexState::whole(),
            sequencer: Sequencer::new(position.sequence, position.feed, KEPT_CHANGE_SETS, settings.row_cache_bytes),
            gate: DurableGate::new(position.sequence),
            locks: Arc::new(KeyLocks::new(settings.key_queue_limit, settings.key_locks)),
            frequencies,
            preview_memory: PreviewMemory::new(settings.preview_memory_bytes),
            admission: Admission::new(settings.limits),
            policy: ArcSwap::from_pointee(settings.policy),
            digests: DigestKey::new(secret),
            health: watch::Sender::new(Health::Ready),
            queued: Arc::new(Notify::new()),
            last_time: AtomicI64::new(0),
            walks: Arc::new(Semaphore::new(MOST_WALKS)),
            background: Background::default(),
            store: Arc::clone(&store),
        });
        engine.background.add(committer::start(&engine)?);
        engine.background.add(indexing::start(&engine, Box::new(move || store.free_bytes()))?);
        engine.background.add(frequencies::start(&engine)?);
        Ok(engine)
    }
}
