//! What can go wrong, by operation. No message holds a field's value or a key's text: rows are named by class and digest.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// An error of the engine below, whose kind says nothing that a caller could act on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl EngineError {
    pub(crate) fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

/// Why a store could not be opened. It was not changed, except that a torn last batch may have been cut off.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else has it open.
    #[error("the store at {} is in use by another process", path.display())]
    Locked {
        /// The store's folder.
        path: PathBuf,
    },
    /// It was written by a newer program.
    #[error(
        "the store has format version {found} and this program knows versions up to {supported}: use a newer leadgate"
    )]
    NewerFormat {
        /// The store's version.
        found: u32,
        /// The newest version that this program knows.
        supported: u32,
    },
    /// There is a store, and nothing says what it is.
    #[error("the store's format marker {} cannot be read: restore the folder from a backup", path.display())]
    NoFormat {
        /// The marker.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The marker says nothing that makes sense.
    #[error("{} is not the format marker of a leadgate store", path.display())]
    UnreadableFormat {
        /// The marker.
        path: PathBuf,
    },
    /// A journal was damaged after it had been written: acknowledged changes are gone.
    #[error("the journal {} is damaged behind byte {offset}: acknowledged changes are lost, restore the store from a backup", path.display())]
    DamagedJournal {
        /// The journal.
        path: PathBuf,
        /// Where its readable part ends.
        offset: u64,
    },
    /// The store ends before changes that were acknowledged.
    #[error(
        "the store's last sequence {last} is behind {mark}, which {witness} has seen: acknowledged changes are lost, restore the store \
         from a backup"
    )]
    Behind {
        /// The store's last sequence.
        last: u64,
        /// The last sequence known to have been acknowledged.
        mark: u64,
        /// Who knows.
        witness: &'static str,
    },
    /// The high-water mark is there and cannot be read.
    #[error("the high-water mark {} is damaged; removing it accepts the store as it is", path.display())]
    UnreadableHighWater {
        /// The mark.
        path: PathBuf,
    },
    /// The engine refused.
    #[error("the storage engine could not open the store")]
    Engine(#[from] EngineError),
    /// The folder could not be read or written.
    #[error("the store's folder could not be read or written")]
    Io(#[from] io::Error),
}

/// Why a batch was not committed. Unless said otherwise the store is poisoned by it: what was committed is unknown until it is opened
/// again, and every later commit fails.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// An earlier commit failed; nothing was tried.
    #[error("an earlier commit failed and the store takes no more")]
    Poisoned,
    /// A change set is not the next one in order, which is a bug of the caller.
    #[error("{what} {found} does not follow {last}")]
    OutOfOrder {
        /// `sequence` or `feed position`.
        what: &'static str,
        /// What the store holds.
        last: u64,
        /// What was to be committed.
        found: u64,
    },
    /// A row's value is of another class than its key, which is a bug of the caller.
    #[error("a row of class {class} was to be written under the key of another class")]
    WrongClass {
        /// The class of the value.
        class: &'static str,
    },
    /// Somebody else changed what this batch rests on: decide again. Nothing was written and the store goes on. Never answered by the
    /// embedded store, whose preconditions the sequencer has checked.
    #[error("the state that change set {sequence} rests on has changed")]
    Conflict {
        /// The first change set that did not apply.
        sequence: u64,
    },
    /// The batch or its sync failed.
    #[error("the batch could not be made durable")]
    Engine(#[from] EngineError),
    /// The batch's sync, or a file beside it, failed.
    #[error("the batch could not be made durable")]
    Io(#[from] io::Error),
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes are there and are not what was written.
    #[error("the {row} cannot be read: {problem}")]
    Corrupt {
        /// Which row.
        row: RowName,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The engine failed.
    #[error("the storage engine could not read")]
    Engine(#[from] EngineError),
}

/// A row's name for people: its table, and its id, or a keyed digest where the id would tell of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowName {
    pub(crate) table: &'static str,
    pub(crate) label: String,
}

impl RowName {
    /// The row's table.
    pub fn table(&self) -> &'static str {
        self.table
    }
}

impl fmt::Display for RowName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} row {}", self.table, self.label)
    }
}
