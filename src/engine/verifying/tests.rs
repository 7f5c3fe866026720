//! A sound index is found sound, and each invariant's breach is found under its name.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::decision::rows::{ChangeSet, RowKey, RowWrite, SequencedChangeSet};
use crate::domain::{Lead, Lifecycle};
use crate::index::IndexDocument;

use super::*;

fn id(number: u64) -> LeadId {
    LeadId::new(Uuid::from_u64_pair(1, number))
}

fn lead(number: u64, lifecycle: Lifecycle) -> Lead {
    Lead { lifecycle, ..Lead::empty(id(number), Timestamp::UNIX_EPOCH) }
}

/// Leads of the store, each written by the sequence of its place.
fn write_store(folder: &Path, leads: &[Lead]) {
    let store = EmbeddedStore::open(&folder.join("store"), StoreOptions::default()).expect("a store");
    let sets: Vec<_> = leads
        .iter()
        .zip(1..)
        .map(|(lead, sequence)| {
            let key = RowKey::lead(&TenantId::default(), lead.lead_id);
            let row = Some(Row::Lead(Arc::new(lead.clone())));
            let changes = ChangeSet { writes: vec![RowWrite { key, row }], ..ChangeSet::default() };
            SequencedChangeSet { sequence, feed_position: None, changes: Arc::new(changes) }
        })
        .collect();
    store.blocking_commit(&sets).expect("committed");
}

/// An index that holds these leads, and says that it holds everything up to `payload`.
fn write_index(folder: &Path, leads: &[u64], payload: u64) {
    let opened = LeadIndex::open(&folder.join("index"), &IndexSettings::default()).expect("an index");
    for number in leads {
        let lead = Arc::new(lead(*number, Lifecycle::Active));
        let (tenant, lead_id) = (TenantId::default(), lead.lead_id);
        opened.index.record(IndexDocument { tenant, lead_id, sequence: *number, live: true, blocks: Vec::new(), lead });
    }
    assert!(opened.index.freeze(payload));
    opened.index.publish().expect("published");
    opened.index.close();
}

/// Which invariants of the index are found violated, and how often.
fn findings(folder: &Path) -> Vec<(&'static str, u64)> {
    let verification = verify(folder, &mut |_| {}).expect("verified");
    let of_index = IndexInvariant::ALL.map(IndexInvariant::name);
    let violated = |(name, count): &(&'static str, u64)| *count > 0 && of_index.contains(name);
    verification.invariants.into_iter().filter(violated).collect()
}

fn check(leads: &[Lead], indexed: &[u64], payload: u64, expected: &[(&'static str, u64)]) {
    let folder = tempfile::tempdir().expect("a folder");
    write_store(folder.path(), leads);
    write_index(folder.path(), indexed, payload);
    assert_eq!(findings(folder.path()), expected, "{indexed:?} up to {payload}");
}

fn live(numbers: &[u64]) -> Vec<Lead> {
    numbers.iter().map(|number| lead(*number, Lifecycle::Active)).collect()
}

#[test]
fn an_index_that_holds_what_it_says_is_sound() {
    check(&live(&[1, 2, 3]), &[1, 2, 3], 3, &[]);
    // What changed behind its last sequence it may hold or not: that is replayed at the next start.
    check(&live(&[1, 2, 3]), &[1, 2], 2, &[]);
    check(&live(&[1, 2, 3]), &[1, 2, 3], 2, &[]);
    check(&[lead(1, Lifecycle::Active), lead(2, Lifecycle::Deleted)], &[1], 2, &[]);
}

#[test]
fn each_breach_is_found_under_its_name() {
    check(&live(&[1, 2, 3]), &[1, 3], 3, &[("live-leads-are-indexed", 1)]);
    check(&live(&[1, 2]), &[1, 2, 9, 10], 2, &[("indexed-leads-are-live", 2)]);
    check(&[lead(1, Lifecycle::Active), lead(2, Lifecycle::Deleted)], &[1, 2], 2, &[("indexed-leads-are-live", 1)]);
    check(&live(&[1, 2]), &[1, 2], 7, &[("index-is-not-ahead", 1)]);
}

#[test]
fn a_damaged_index_is_found_and_a_missing_one_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    write_store(folder.path(), &live(&[1]));
    write_index(folder.path(), &[1], 1);
    let terms = std::fs::read_dir(folder.path().join("index"))
        .expect("the index")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "term"))
        .expect("a file of terms");
    std::fs::write(terms, "cut short").expect("written");
    assert_eq!(findings(folder.path()), [("index-is-readable", 1)]);
    std::fs::remove_dir_all(folder.path().join("index")).expect("removed");
    let verification = verify(folder.path(), &mut |_| {}).expect("verified");
    assert!(verification.index_missing && verification.invariants.iter().all(|(_, count)| *count == 0));
}

#[test]
fn a_lead_that_is_found_twice_is_told_once() {
    let stored = StoredLeads { indexed: vec![id(1), id(2)], newer: BTreeSet::new() };
    let mut told = Vec::new();
    compare_tenant(&stored, &[id(1), id(1), id(2)], &mut |invariant, _| told.push(invariant));
    assert_eq!(told, [IndexInvariant::LeadsAreIndexedOnce]);
}
