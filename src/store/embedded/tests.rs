//! The embedded store as a whole: what it keeps, what it refuses, and what it repairs.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fjall::PersistMode;

use crate::decision::identity_key::{IdentityKey, KeyHolders};
use crate::decision::outcome::UpsertStatus;
use crate::decision::review::Payload;
use crate::decision::rows::{ChangeSet, FeedEvent, FeedEventKind, Row, RowWrite};
use crate::decision::rows::{RowKey, SequencedChangeSet};
use crate::decision::tier::MatchLevel;
use crate::domain::{LeadId, SourceName, TenantId};
use crate::store::{Scan, Versioned};

use super::journal::{self, Tail};
use super::*;

fn options() -> StoreOptions {
    StoreOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20, workers: 2, commit_hook: None }
}

fn open(path: &Path) -> EmbeddedStore {
    EmbeddedStore::open(path, options()).unwrap()
}

fn key(text: &str) -> RowKey {
    RowKey::identity(&TenantId::default(), &IdentityKey::of_normalized_email(text))
}

fn lead_id(number: u64) -> LeadId {
    LeadId::new(Uuid::from_u64_pair(0, number))
}

fn holders(number: u64) -> Row {
    Row::Key(Arc::new(KeyHolders { leads: vec![lead_id(number)] }))
}

fn write(text: &str, row: Option<Row>) -> RowWrite {
    RowWrite { key: key(text), row }
}

fn set(sequence: u64, writes: Vec<RowWrite>) -> SequencedChangeSet {
    let changes = ChangeSet { writes, ..ChangeSet::default() };
    SequencedChangeSet { sequence, feed_position: None, changes: Arc::new(changes) }
}

fn event(lead: u64) -> FeedEvent {
    FeedEvent {
        time: jiff::Timestamp::UNIX_EPOCH,
        tenant: TenantId::default(),
        kind: FeedEventKind::Upsert(UpsertStatus::Created),
        source: SourceName::parse("crm").unwrap(),
        decision_id: "d".into(),
        lead_id: Some(lead_id(lead)),
        version: 1,
        level: MatchLevel::None,
        matched_by: None,
        score: 0.0,
        candidates: Vec::new(),
        conflicts: Vec::new(),
        reasons: Vec::new(),
        changed_fields: Vec::new(),
        review_id: None,
        dead_letter_id: None,
        write: None,
        policy_version: "1".into(),
        has_payload: true,
    }
}

fn told(sequence: u64, feed: u64, payload: &[u8]) -> SequencedChangeSet {
    let changes =
        ChangeSet { event: Some(event(sequence)), payload: Some(Payload(payload.into())), ..ChangeSet::default() };
    SequencedChangeSet { sequence, feed_position: Some(feed), changes: Arc::new(changes) }
}

fn payload(store: &EmbeddedStore, sequence: u64) -> Option<Vec<u8>> {
    let key = RowKey::payload(&TenantId::default(), lead_id(sequence), sequence);
    match store.view().get(&key).unwrap() {
        Some(Versioned { row: Row::Payload(payload), .. }) => Some(payload.0.to_vec()),
        other => {
            assert_eq!(other, None);
            None
        }
    }
}

fn journal(path: &Path) -> PathBuf {
    path.join("rows/engine/0.jnl")
}

#[test]
fn what_was_committed_is_there_at_once_and_after_reopening() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let before = store.view();
    store
        .blocking_commit(&[set(1, vec![write("a", Some(holders(1)))]), set(2, vec![write("b", Some(holders(2)))])])
        .unwrap();
    store.blocking_commit(&[set(3, vec![write("a", Some(holders(3))), write("b", None)])]).unwrap();
    assert_eq!(before.get(&key("a")).unwrap(), None);
    let check = |store: &EmbeddedStore| {
        assert_eq!(store.position(), Position { sequence: 3, feed: 0 });
        assert_eq!(store.view().get(&key("a")).unwrap(), Some(Versioned { sequence: 3, row: holders(3) }));
        assert_eq!(store.view().sequence_of(&key("a")).unwrap(), Some(3));
        assert_eq!(store.view().get(&key("b")).unwrap(), None);
    };
    check(&store);
    let id = store.store_id();
    drop((store, before));
    let store = open(place.path());
    check(&store);
    assert_eq!(store.store_id(), id);
}

#[test]
fn of_several_writes_to_a_row_in_one_batch_the_last_stays() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let sets: Vec<_> =
        (1..=9).map(|number| set(number, vec![write("hot", (number % 2 == 1).then(|| holders(number)))])).collect();
    store.blocking_commit(&sets).unwrap();
    assert_eq!(store.view().get(&key("hot")).unwrap(), Some(Versioned { sequence: 9, row: holders(9) }));
}

#[test]
fn change_sets_out_of_order_are_refused_and_poison() {
    for sets in [vec![set(2, vec![])], vec![set(1, vec![]), set(1, vec![])], vec![told(1, 2, b"")]] {
        let place = tempfile::tempdir().unwrap();
        let store = open(place.path());
        assert!(matches!(store.blocking_commit(&sets), Err(CommitError::OutOfOrder { .. })));
        assert!(matches!(store.blocking_commit(&[set(1, vec![])]), Err(CommitError::Poisoned)));
        assert_eq!(store.position(), Position::default());
    }
}

#[test]
fn a_failed_commit_shows_nothing_and_every_later_one_fails() {
    let place = tempfile::tempdir().unwrap();
    let hook: CommitHook = Arc::new(|sequence| if sequence == 2 { Err(io::Error::other("disk")) } else { Ok(()) });
    let store = EmbeddedStore::open(place.path(), StoreOptions { commit_hook: Some(hook), ..options() }).unwrap();
    store.blocking_commit(&[set(1, vec![write("a", Some(holders(1)))])]).unwrap();
    assert!(matches!(store.blocking_commit(&[set(2, vec![write("a", None)])]), Err(CommitError::Io(_))));
    assert!(matches!(store.blocking_commit(&[set(2, vec![])]), Err(CommitError::Poisoned)));
    assert_eq!(store.view().get(&key("a")).unwrap(), Some(Versioned { sequence: 1, row: holders(1) }));
}

#[test]
fn values_of_any_size_are_replaced_and_deleted_without_leaving_chunks() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let big = |length: usize| Row::Payload(Arc::new(Payload(vec![b'x'; length].into())));
    let key = RowKey::payload(&TenantId::default(), lead_id(1), 1);
    let lengths = [10, 10_000, 100_000, 5_000, 10, 7_000];
    for (sequence, length) in (1..).zip(lengths) {
        store.blocking_commit(&[set(sequence, vec![RowWrite { key: key.clone(), row: Some(big(length)) }])]).unwrap();
        assert_eq!(store.view().get(&key).unwrap(), Some(Versioned { sequence, row: big(length) }));
        let chunks = if length > 3_000 { length.div_ceil(3_064) } else { 0 };
        assert_eq!(store.planted_rows(Table::Chunk).len(), chunks, "{length}");
    }
    store.blocking_commit(&[set(7, vec![RowWrite { key: key.clone(), row: None }])]).unwrap();
    assert_eq!(store.view().get(&key).unwrap(), None);
    assert_eq!(store.planted_rows(Table::Chunk), []);
}

#[test]
fn the_feed_is_paged_in_both_directions() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    store
        .blocking_commit(&[told(1, 1, b"one"), set(2, vec![]), told(3, 2, b"three"), told(4, 3, &[7; 9_000])])
        .unwrap();
    let numbers = |entries: Vec<crate::decision::rows::FeedEntry>| -> Vec<_> {
        entries.iter().map(|entry| (entry.position, entry.sequence)).collect()
    };
    let view = store.view();
    assert_eq!(view.position(), Position { sequence: 4, feed: 3 });
    assert_eq!(numbers(view.feed_after(0, 2).unwrap()), [(1, 1), (2, 3)]);
    assert_eq!(numbers(view.feed_after(2, 9).unwrap()), [(3, 4)]);
    assert_eq!(numbers(view.feed_before(u64::MAX, 2).unwrap()), [(3, 4), (2, 3)]);
    assert_eq!(view.feed_after(0, 1).unwrap()[0].event, event(1));
    assert_eq!(payload(&store, 4), Some(vec![7; 9_000]));
}

#[test]
fn a_class_is_listed_by_tenant_and_page() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let tenants = ["a", "ab", "b"].map(|name| TenantId::parse(name).unwrap());
    let key_of = |tenant: &TenantId, text: &str| RowKey::identity(tenant, &IdentityKey::of_normalized_email(text));
    let writes = tenants
        .iter()
        .flat_map(|tenant| ["x", "y", "z"].map(|text| RowWrite { key: key_of(tenant, text), row: Some(holders(1)) }))
        .collect();
    store.blocking_commit(&[set(1, writes)]).unwrap();
    let list = |tenant: Option<usize>, after: Option<RowKey>, limit: usize| -> Vec<RowKey> {
        let scan = Scan { class: RowClass::Key, tenant: tenant.map(|index| tenants[index].clone()), after, limit };
        store.view().scan(&scan).unwrap().into_iter().map(|row| row.key).collect()
    };
    let of_a = ["x", "y", "z"].map(|text| key_of(&tenants[0], text));
    assert_eq!(list(None, None, 99).len(), 9);
    assert_eq!(list(Some(0), None, 99), of_a);
    assert_eq!(list(Some(0), Some(of_a[0].clone()), 1), of_a[1..2]);
    assert_eq!(list(Some(1), Some(of_a[0].clone()), 9).len(), 3);
    assert_eq!(list(None, Some(of_a[2].clone()), 99).len(), 6);
}

#[tokio::test]
async fn whoever_waits_for_the_feed_is_told() {
    let place = tempfile::tempdir().unwrap();
    let store = Arc::new(open(place.path()));
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.feed_past(1).await }
    });
    store.blocking_commit(&[told(1, 1, b"")]).unwrap();
    store.blocking_commit(&[set(2, vec![]), told(3, 2, b"")]).unwrap();
    assert_eq!(waiting.await.unwrap(), Position { sequence: 3, feed: 2 });
    assert_eq!(store.feed_past(0).await, Position { sequence: 3, feed: 2 });
}

#[test]
fn the_journal_reader_knows_the_engines_format() {
    let place = tempfile::tempdir().unwrap();
    let engine = place.path().join("engine");
    let database = table::open_database(&engine, &options()).unwrap();
    let tables = Tables::open(&database, &options()).unwrap();
    for sequence in 1..=3_u64 {
        let mut batch = database.batch().durability(Some(PersistMode::SyncData));
        batch.insert(tables.get(Table::Lead), sequence.to_be_bytes(), vec![3; 2_000]);
        batch.remove(tables.get(Table::Key), "gone");
        let marker = Marker { first: sequence, position: Position { sequence, feed: 0 } };
        batch.insert(tables.get(Table::Meta), Marker::KEY, marker.encode());
        batch.commit().unwrap();
    }
    tables.get(Table::Review).clear().unwrap();
    database.persist(PersistMode::SyncAll).unwrap();
    let contents = journal::read(&engine.join("0.jnl")).unwrap();
    assert_eq!(contents.tail, Tail::Clean);
    assert_eq!(contents.markers.iter().map(|marker| marker.first).collect::<Vec<_>>(), [1, 2, 3]);
    let bytes = fs::read(engine.join("0.jnl")).unwrap();
    assert_eq!(bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1, contents.end);
}

/// Three batches, the last of 40 payloads, with the journal's length after the second and after the third.
fn three_batches(path: &Path) -> (u64, u64) {
    let store = open(path);
    store.blocking_commit(&[set(1, vec![write("a", Some(holders(1)))])]).unwrap();
    store.blocking_commit(&[set(2, vec![write("b", Some(holders(2)))])]).unwrap();
    let second = journal::read(&journal(path)).unwrap().end;
    let sets: Vec<_> = (0..40).map(|number| told(3 + number, 1 + number, &[9; 1_500])).collect();
    store.blocking_commit(&sets).unwrap();
    (second, journal::read(&journal(path)).unwrap().end)
}

fn forget_high_water(path: &Path) {
    fs::remove_file(path.join("rows/high-water")).unwrap();
}

#[test]
fn a_last_batch_torn_anywhere_is_cut_off_and_the_rest_kept() {
    let original = tempfile::tempdir().unwrap();
    let (second, third) = three_batches(original.path());
    let bytes = fs::read(journal(original.path())).unwrap();
    for sector in second.div_ceil(512)..third.div_ceil(512) {
        let (from, to) = (sector * 512, ((sector + 1) * 512).min(third));
        OpenOptions::new().write(true).open(journal(original.path())).unwrap().write_all_at(&bytes, 0).unwrap();
        let file = OpenOptions::new().write(true).open(journal(original.path())).unwrap();
        file.write_all_at(&vec![0; (to - from) as usize], from).unwrap();
        forget_high_water(original.path());
        let store = open(original.path());
        assert_eq!(store.position(), Position { sequence: 2, feed: 0 });
        assert_eq!(store.view().get(&key("b")).unwrap(), Some(Versioned { sequence: 2, row: holders(2) }));
        store.blocking_commit(&[told(3, 1, b"again")]).unwrap();
        drop(store);
        assert_eq!(payload(&open(original.path()), 3), Some(b"again".to_vec()));
    }
}

#[test]
fn a_last_batch_that_was_acknowledged_is_missed_by_the_high_water_mark() {
    let place = tempfile::tempdir().unwrap();
    let (second, _) = three_batches(place.path());
    OpenOptions::new().write(true).open(journal(place.path())).unwrap().set_len(second).unwrap();
    let refused = EmbeddedStore::open(place.path(), options()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the store's last sequence 2 is behind 42, which the high-water mark has seen: acknowledged changes are lost, restore the \
         store from a backup"
    );
    forget_high_water(place.path());
    let store = open(place.path());
    assert!(matches!(store.require(3, "the index"), Err(OpenError::Behind { last: 2, mark: 3, witness: "the index" })));
    store.require(2, "the index").unwrap();
}

#[test]
fn damage_before_the_last_batch_is_refused_without_any_mark() {
    let place = tempfile::tempdir().unwrap();
    let (second, _) = three_batches(place.path());
    forget_high_water(place.path());
    let file = OpenOptions::new().write(true).open(journal(place.path())).unwrap();
    file.write_all_at(&[0xff; 3], second / 2).unwrap();
    assert!(matches!(EmbeddedStore::open(place.path(), options()), Err(OpenError::DamagedJournal { .. })));
}

#[test]
fn a_second_store_on_the_folder_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let _first = open(place.path());
    assert!(matches!(EmbeddedStore::open(place.path(), options()), Err(OpenError::Locked { .. })));
}

#[test]
fn space_and_counts_are_told() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    store.blocking_commit(&[set(1, vec![write("a", Some(holders(1)))])]).unwrap();
    assert!(store.free_bytes().unwrap() > 0);
    assert!(store.disk_bytes().unwrap() > 0);
    assert_eq!(store.approximate_count(RowClass::Key), 1);
}
