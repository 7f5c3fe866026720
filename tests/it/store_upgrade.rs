//! A store of format 1, which had no table for frequencies, is brought to format 2 and keeps everything.

use std::fs;
use std::path::Path;

use fjall::{CompressionType, Database, KeyspaceCreateOptions, PersistMode};
use leadgate::decision::rows::RowKey;
use leadgate::domain::TenantId;
use leadgate::store::embedded::Table;
use leadgate::store::{EmbeddedStore, StoreOptions};

use crate::power_cut::workload::{self, COUNTED_FROM, Shape};

/// A table and its rows, as they lie there.
type Rows = (Table, Vec<(Vec<u8>, Vec<u8>)>);

fn open(folder: &Path) -> EmbeddedStore {
    let options = StoreOptions { cache_bytes: 1 << 20, memtable_bytes: 64 << 10, ..StoreOptions::default() };
    EmbeddedStore::open(folder, options).unwrap()
}

/// What lies in the tables that format 1 knew.
fn known_rows(store: &EmbeddedStore) -> Vec<Rows> {
    let known = Table::ALL.into_iter().filter(|table| *table != Table::Frequencies);
    known.map(|table| (table, store.planted_rows(table))).collect()
}

fn format(folder: &Path) -> String {
    fs::read_to_string(folder.join("rows/format")).unwrap()
}

/// Leaves of a closed store what a program of format 1 would have left.
pub(crate) fn bring_back_to_format_1(folder: &Path) {
    let tables = known_rows(&open(folder));
    let engine = folder.join("rows/engine");
    fs::remove_dir_all(&engine).unwrap();
    let database = Database::builder(&engine).journal_compression(CompressionType::None).open().unwrap();
    let mut batch = database.batch();
    for (table, rows) in tables {
        let keyspace = database.keyspace(table.name(), KeyspaceCreateOptions::default).unwrap();
        rows.into_iter().for_each(|(key, bytes)| batch.insert(&keyspace, key, bytes));
    }
    batch.commit().unwrap();
    database.persist(PersistMode::SyncAll).unwrap();
    fs::write(folder.join("rows/format"), format(folder).replace("version 2\n", "version 1\n")).unwrap();
}

#[test]
fn a_store_of_format_1_is_brought_to_format_2_with_every_row() {
    let place = tempfile::tempdir().unwrap();
    let shape = Shape { largest: u64::MAX, filling: 0 };
    let commit = |store: &EmbeddedStore, sequences: std::ops::Range<u64>| {
        let sets: Vec<_> = sequences.map(|sequence| workload::change_set(sequence, shape)).collect();
        store.blocking_commit(&sets).unwrap();
    };
    let store = open(place.path());
    commit(&store, 1..COUNTED_FROM);
    let (stood, written, rows) = ((store.store_id(), store.position()), format(place.path()), known_rows(&store));
    assert!(rows.iter().any(|(table, rows)| *table == Table::Chunk && !rows.is_empty()), "there are long values");
    drop(store);
    bring_back_to_format_1(place.path());
    assert_ne!(format(place.path()), written);

    let store = open(place.path());
    assert_eq!(format(place.path()), written);
    assert_eq!((store.store_id(), store.position()), stood);
    assert_eq!(known_rows(&store), rows);
    assert_eq!(store.planted_rows(Table::Frequencies), []);

    commit(&store, COUNTED_FROM..COUNTED_FROM + 20);
    drop(store);
    let view = open(place.path()).view();
    assert_eq!(Some(workload::held(&view).unwrap()), workload::expected(COUNTED_FROM + 19, shape).pop());
    assert!(view.get(&RowKey::frequencies(&TenantId::default())).unwrap().is_some());
}
