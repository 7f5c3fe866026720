//! Planting corruptions, so that a test can see `verify` find each of them. Never called by the program.

use fjall::PersistMode;

use crate::store::EngineError;

use super::value;
use super::{EmbeddedStore, EmbeddedView, Table};

/// A change behind the store's back.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub enum Planted {
    /// A value as the codec made it, under a sequence of the test's choice.
    Value {
        /// The table.
        table: Table,
        /// The row's key in its table.
        key: Vec<u8>,
        /// The sequence it pretends to be of.
        sequence: u64,
        /// The encoded value.
        payload: Vec<u8>,
    },
    /// Bytes as they are.
    Bytes {
        /// The table.
        table: Table,
        /// The row's key in its table.
        key: Vec<u8>,
        /// What lies there.
        bytes: Vec<u8>,
    },
    /// A row that is gone.
    Gone {
        /// The table.
        table: Table,
        /// The row's key in its table.
        key: Vec<u8>,
    },
}

impl EmbeddedStore {
    /// Changes rows without any of the checks, and shows them to readers.
    #[doc(hidden)]
    pub fn plant(&self, planted: &[Planted]) -> Result<(), EngineError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for change in planted {
            match change {
                Planted::Value { table, key, sequence, payload } => {
                    let framed = value::frame(*sequence, payload);
                    for (index, chunk) in (0_u16..).zip(framed.chunks) {
                        batch.insert(self.tables.get(Table::Chunk), value::chunk_key(*table as u8, key, index), chunk);
                    }
                    batch.insert(self.tables.get(*table), key.as_slice(), framed.head);
                }
                Planted::Bytes { table, key, bytes } => {
                    batch.insert(self.tables.get(*table), key.as_slice(), bytes.as_slice());
                }
                Planted::Gone { table, key } => batch.remove(self.tables.get(*table), key.as_slice()),
            }
        }
        batch.commit().map_err(EngineError::new)?;
        let view =
            EmbeddedView::new(self.database.snapshot(), self.tables.clone(), self.position(), self.naming.clone());
        self.current.store(view.into());
        Ok(())
    }

    /// Every physical row of a table, as it lies there.
    #[doc(hidden)]
    pub fn planted_rows(&self, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.view().raw_rows(table).filter_map(Result::ok).collect()
    }
}
