//! The store in this process's own folder, on fjall.
//!
//! One thread commits: a batch of change sets becomes one batch of the engine, synced once. Readers never see a batch before it is
//! durable, nor half of one: after each commit the committer takes a snapshot and publishes it as the current view, and every read
//! goes through a view.
//!
//! What guards against losing acknowledged changes in silence, in the order in which it acts at start:
//!
//! 1. every journal is read for its shape: torn last batch cut off, damage refused (`recovery`);
//! 2. the engine must come as far as the journals go;
//! 3. it must come as far as the high-water mark (`high_water`), and, by the caller's [`EmbeddedStore::require`], as far as anybody
//!    else has seen it.

mod batch;
mod folder;
mod high_water;
mod journal;
mod marker;
mod naming;
mod options;
mod plant;
mod recovery;
mod table;
#[cfg(test)]
mod tests;
mod value;
mod view;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use arc_swap::ArcSwap;
use fjall::{Database, PersistMode, Readable as _};
use tokio::sync::watch;
use uuid::Uuid;

use crate::decision::rows::{RowClass, SequencedChangeSet};

use super::{CommitError, EngineError, LeadStore, OpenError, Position, ReadError};
use batch::Batch;
use folder::{FORMAT_VERSION, Folder, Format};
use high_water::HighWater;
use marker::Marker;
use naming::Naming;

pub use options::{CommitHook, StoreOptions};
pub use plant::Planted;
pub use table::Table;
pub use view::EmbeddedView;
pub(crate) use view::{EVERYTHING, RawRow, StoredChunk};

use table::Tables;

/// The embedded store. Dropping it closes it, which waits for the engine's background threads.
pub struct EmbeddedStore {
    current: ArcSwap<EmbeddedView>,
    announced: watch::Sender<Position>,
    committer: Mutex<Committer>,
    tables: Tables,
    naming: Naming,
    options: StoreOptions,
    store_id: Uuid,
    database: Database,
    /// Last, so that the lock is released when everything else is closed.
    folder: Folder,
}

/// What only the committing thread touches.
struct Committer {
    position: Position,
    high_water: HighWater,
    poisoned: bool,
}

impl EmbeddedStore {
    /// Opens the store in a folder, making it where there is none.
    ///
    /// # Errors
    ///
    /// When another process has it, when a newer program wrote it, and when acknowledged changes are missing from it.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let folder = Folder::lock(path)?;
        folder.ensure_store(|engine| Ok(table::create_database(engine, &options)?))?;
        let format = folder.format()?;
        let journalled = recovery::prepare_journals(&folder.engine())?;
        let database = table::open_database(&folder.engine(), &options)?;
        let tables = Tables::open(&database, &options)?;
        upgrade(&folder, format)?;
        let position = stored_position(&database, &tables)?;
        require(position, journalled.map_or(0, |marker| marker.position.sequence), "the journal")?;
        let high_water = check_high_water(&folder, position)?;
        let naming = Naming::of_store(format.store_id);
        let view = EmbeddedView::new(database.snapshot(), tables.clone(), position, naming.clone());
        Ok(Self {
            current: ArcSwap::from_pointee(view),
            announced: watch::Sender::new(position),
            committer: Mutex::new(Committer { position, high_water, poisoned: false }),
            tables,
            naming,
            options,
            store_id: format.store_id,
            database,
            folder,
        })
    }

    /// A view of everything durable now. Costs some ten nanoseconds.
    pub fn view(&self) -> EmbeddedView {
        EmbeddedView::clone(&self.current.load())
    }

    /// How far the store has durably come.
    pub fn position(&self) -> Position {
        self.current.load().position()
    }

    /// Tells of every position that became durable; slow readers see only the newest.
    pub fn subscribe(&self) -> watch::Receiver<Position> {
        self.announced.subscribe()
    }

    /// The id given to the store when it was made: an index or a backup that names another one belongs elsewhere.
    pub fn store_id(&self) -> Uuid {
        self.store_id
    }

    /// Refuses when somebody has seen a sequence that the store does not hold.
    pub fn require(&self, mark: u64, witness: &'static str) -> Result<(), OpenError> {
        require(self.position(), mark, witness)
    }

    /// Makes change sets durable, all of them or none, and blocks the thread until they are.
    ///
    /// They follow the last committed one without a gap. Any error but [`CommitError::Conflict`] poisons the store: what was committed
    /// is unknown until it is opened again.
    pub fn blocking_commit(&self, sets: &[SequencedChangeSet]) -> Result<(), CommitError> {
        let mut committer = self.committer.lock().map_err(|_| CommitError::Poisoned)?;
        if committer.poisoned {
            return Err(CommitError::Poisoned);
        }
        if sets.is_empty() {
            return Ok(());
        }
        // Set before anything is tried, so that a panic leaves it set.
        committer.poisoned = true;
        committer.position = self.commit_after(committer.position, sets)?;
        let position = committer.position;
        committer.high_water.advance(position)?;
        committer.poisoned = false;
        drop(committer);
        self.announced.send_replace(position);
        Ok(())
    }

    fn commit_after(&self, last: Position, sets: &[SequencedChangeSet]) -> Result<Position, CommitError> {
        let batch = Batch::stage(last, sets)?;
        let position = batch.position();
        if let Some(hook) = &self.options.commit_hook {
            hook(position.sequence)?;
        }
        // With a durability the engine syncs before it shows the batch to anybody.
        let engine = self.database.batch().durability(Some(PersistMode::SyncData));
        batch.fill(engine, &self.tables)?.commit().map_err(EngineError::new)?;
        let view = EmbeddedView::new(self.database.snapshot(), self.tables.clone(), position, self.naming.clone());
        self.current.store(view.into());
        Ok(position)
    }

    /// Free space on the store's disk, in bytes, as an unprivileged process may use it.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let space = rustix::fs::statvfs(self.folder.path())?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// What the store occupies on its disk, in bytes.
    pub fn disk_bytes(&self) -> Result<u64, ReadError> {
        Ok(self.database.disk_space().map_err(EngineError::new)?)
    }

    /// About how many rows of a class there are. Rows that were replaced or deleted count until they are compacted away.
    pub fn approximate_count(&self, class: RowClass) -> u64 {
        Table::of(class).map_or(0, |table| self.tables.get(table).approximate_len() as u64)
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedStore")
            .field("store_id", &self.store_id)
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

impl LeadStore for EmbeddedStore {
    type View = EmbeddedView;

    async fn view(&self) -> Result<EmbeddedView, ReadError> {
        Ok(Self::view(self))
    }

    /// Blocks the thread that polls it: poll it on a thread of its own.
    async fn commit(&self, batch: &[SequencedChangeSet]) -> Result<(), CommitError> {
        self.blocking_commit(batch)
    }

    fn position(&self) -> Position {
        Self::position(self)
    }

    async fn feed_past(&self, position: u64) -> Position {
        let mut positions = self.announced.subscribe();
        let grown = positions.wait_for(|now| now.feed > position).await.map(|now| *now);
        grown.unwrap_or_else(|_| Self::position(self))
    }
}

/// Brings the store to this program's format, one version at a time, each recorded as soon as it is reached.
///
/// - 1 to 2: a table for frequencies, which has been made by now and stays empty until they are counted. The engine does not sync the
///   folder that holds it.
fn upgrade(folder: &Folder, format: Format) -> Result<(), OpenError> {
    for version in format.version..FORMAT_VERSION {
        folder::sync_tree(&folder.engine())?;
        folder.set_format(Format { version: version + 1, ..format })?;
    }
    Ok(())
}

/// Where the rows stand, by the marker of the last batch.
fn stored_position(database: &Database, tables: &Tables) -> Result<Position, OpenError> {
    let stored = database.snapshot().get(tables.get(Table::Meta), Marker::KEY).map_err(EngineError::new)?;
    let Some(bytes) = stored else { return Ok(Position::default()) };
    let marker = Marker::parse(&bytes).ok_or_else(|| EngineError::new(UnreadableMarker))?;
    Ok(marker.position)
}

#[derive(Debug, thiserror::Error)]
#[error("the marker of the last batch cannot be read")]
struct UnreadableMarker;

fn require(position: Position, mark: u64, witness: &'static str) -> Result<(), OpenError> {
    if position.sequence < mark {
        return Err(OpenError::Behind { last: position.sequence, mark, witness });
    }
    Ok(())
}

/// Opens the high-water mark and compares. A mark that somebody removed is begun anew: that is how a person accepts a loss.
fn check_high_water(folder: &Folder, position: Position) -> Result<HighWater, OpenError> {
    let path = folder.high_water();
    if !path.try_exists()? {
        tracing::warn!(path = %path.display(), "the high-water mark is missing and is begun anew at the store's last sequence");
        HighWater::create(&path)?;
    }
    let (mut high_water, mark) = HighWater::open(&path)?;
    let mark = mark.ok_or(OpenError::UnreadableHighWater { path })?;
    require(position, mark.sequence, "the high-water mark")?;
    high_water.advance(position)?;
    Ok(high_water)
}
