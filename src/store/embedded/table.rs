//! The tables: one of the engine's keyspaces per kind of row.

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::decision::rows::RowClass;
use crate::store::EngineError;

use super::options::StoreOptions;
use std::path::Path;

/// Where a physical row lies. The numbers are stored, in the keys of chunk rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// Leads by id.
    Lead = 1,
    /// Identity keys.
    Key = 2,
    /// Recorded replies.
    Request = 3,
    /// Reviews.
    Review = 4,
    /// Dead letters.
    DeadLetter = 5,
    /// Payloads of decisions.
    Payload = 6,
    /// Frequency tables, since version 2.
    Frequencies = 8,
    /// The feed, by position.
    Feed = 64,
    /// Parts of values over 3 KiB.
    Chunk = 65,
    /// The marker of the last batch.
    Meta = 66,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 10] = [
        Self::Lead,
        Self::Key,
        Self::Request,
        Self::Review,
        Self::DeadLetter,
        Self::Payload,
        Self::Feed,
        Self::Chunk,
        Self::Meta,
        Self::Frequencies,
    ];

    /// The table's name, as the engine stores it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Key => "key",
            Self::Request => "request",
            Self::Review => "review",
            Self::DeadLetter => "dead_letter",
            Self::Payload => "payload",
            Self::Feed => "feed",
            Self::Chunk => "chunk",
            Self::Meta => "meta",
            Self::Frequencies => "frequencies",
        }
    }

    /// The table with this stable number.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| *table as u8 == number)
    }

    /// The table of a class of rows; `None` for what is never stored.
    pub(crate) fn of(class: RowClass) -> Option<Self> {
        match class {
            RowClass::Lead => Some(Self::Lead),
            RowClass::Key => Some(Self::Key),
            RowClass::Request => Some(Self::Request),
            RowClass::Review => Some(Self::Review),
            RowClass::DeadLetter => Some(Self::DeadLetter),
            RowClass::Payload => Some(Self::Payload),
            RowClass::Frequencies => Some(Self::Frequencies),
            RowClass::Block => None,
        }
    }

    /// Whether nearly everybody who asks for a row knows that it is there: the largest filters are then not worth their memory.
    fn expects_hits(self) -> bool {
        matches!(self, Self::Lead | Self::Payload | Self::Feed | Self::Meta)
    }
}

/// The open tables.
#[derive(Clone)]
pub(super) struct Tables {
    keyspaces: Vec<Keyspace>,
}

impl Tables {
    /// Opens every table, made where it does not exist.
    pub(super) fn open(database: &Database, options: &StoreOptions) -> Result<Self, EngineError> {
        let open = |table: Table| database.keyspace(table.name(), || keyspace_options(table, options));
        let keyspaces = Table::ALL.into_iter().map(open).collect::<Result<_, _>>().map_err(EngineError::new)?;
        Ok(Self { keyspaces })
    }

    /// One table.
    pub(super) fn get(&self, table: Table) -> &Keyspace {
        &self.keyspaces[table.index()]
    }
}

impl Table {
    const fn index(self) -> usize {
        match self {
            Self::Lead => 0,
            Self::Key => 1,
            Self::Request => 2,
            Self::Review => 3,
            Self::DeadLetter => 4,
            Self::Payload => 5,
            Self::Feed => 6,
            Self::Chunk => 7,
            Self::Meta => 8,
            Self::Frequencies => 9,
        }
    }
}

/// Opens the engine in its folder.
pub(super) fn open_database(path: &Path, options: &StoreOptions) -> Result<Database, EngineError> {
    Database::builder(path)
        .cache_size(options.cache_bytes)
        .max_journaling_size(StoreOptions::JOURNAL_BYTES)
        .worker_threads(options.workers.max(2))
        .journal_compression(CompressionType::None)
        .manual_journal_persist(true)
        .open()
        .map_err(EngineError::new)
}

/// Makes the engine's files with every table, and closes them.
pub(super) fn create_database(path: &Path, options: &StoreOptions) -> Result<(), EngineError> {
    let database = open_database(path, options)?;
    Tables::open(&database, options)?;
    database.persist(PersistMode::SyncAll).map_err(EngineError::new)
}

fn keyspace_options(table: Table, options: &StoreOptions) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .manual_journal_persist(true)
        .max_memtable_size(options.memtable_bytes)
        .expect_point_read_hits(table.expects_hits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_number_a_name_and_a_place_of_its_own() {
        for (index, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(Table::from_number(table as u8), Some(table));
            assert_eq!(table.index(), index);
            assert_eq!(Table::ALL.iter().filter(|other| other.name() == table.name()).count(), 1);
        }
        for class in RowClass::STORED {
            assert_eq!(Table::of(class).map(|table| table as u8), Some(class as u8));
        }
    }
}
