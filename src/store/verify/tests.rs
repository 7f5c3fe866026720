//! A sound store is found sound, and each invariant's breach is found under its name.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::decision::identity_key::{IdentityKey, KeyHolders, keys_of_lead};
use crate::decision::outcome::UpsertStatus;
use crate::decision::review::{DeadLetter, DeadLetterKind, Payload, Review, ReviewKind, ReviewState};
use crate::decision::rows::{ChangeSet, FeedEvent, FeedEventKind, Row, RowKey, RowWrite, SequencedChangeSet};
use crate::decision::tier::MatchLevel;
use crate::domain::{
    ContactPoint, DeadLetterId, ExternalId, ExternalIdFormat, ExternalIdState, Lead, LeadId, Lifecycle, LinkedBy,
    LinkedId, PhoneKind, ReviewId, SourceName, TenantId,
};
use crate::store::codec;
use crate::store::embedded::{EmbeddedStore, Planted, StoreOptions, Table};

use super::Invariant;

fn tenant() -> TenantId {
    TenantId::default()
}

fn source() -> SourceName {
    SourceName::parse("crm").unwrap()
}

fn id(number: u64) -> LeadId {
    LeadId::new(Uuid::from_u64_pair(1, number))
}

fn contact(key: &str) -> ContactPoint {
    ContactPoint {
        value: key.into(),
        key: key.into(),
        kind: PhoneKind::Work,
        primary: true,
        linked_by: LinkedBy::Exact,
    }
}

fn lead(number: u64) -> Lead {
    let mut lead = Lead::empty(id(number), Timestamp::UNIX_EPOCH);
    let external = ExternalId::parse(source(), &format!("C-{number}"), ExternalIdFormat::Plain, None).unwrap().unwrap();
    lead.external_ids.push(LinkedId { id: external, state: ExternalIdState::Live, linked_by: LinkedBy::Exact });
    lead.emails.push(contact(&format!("p{number}@example.com")));
    lead.phones.push(contact("+4930123456"));
    lead
}

fn merged(number: u64, into: u64) -> Lead {
    Lead { lifecycle: Lifecycle::Merged { into: id(into) }, ..lead(number) }
}

fn lead_row(lead: Lead) -> RowWrite {
    RowWrite { key: RowKey::lead(&tenant(), lead.lead_id), row: Some(Row::Lead(Arc::new(lead))) }
}

fn key_row(key: &IdentityKey, leads: Vec<LeadId>) -> RowWrite {
    RowWrite { key: RowKey::identity(&tenant(), key), row: Some(Row::Key(Arc::new(KeyHolders { leads }))) }
}

fn review() -> Review {
    Review {
        review_id: ReviewId::new(Uuid::from_u128(5)),
        kind: ReviewKind::PossibleDuplicate,
        state: ReviewState::Open,
        source: source(),
        lead_ids: vec![id(1), id(2)],
        payload: Some(Payload(vec![1; 9_000].into())),
        reasons: Vec::new(),
        score_thousandths: 0,
        create_time: Timestamp::UNIX_EPOCH,
    }
}

fn dead_letter() -> DeadLetter {
    DeadLetter {
        dead_letter_id: DeadLetterId::new(Uuid::from_u128(6)),
        kind: DeadLetterKind::CrmWrite,
        source: source(),
        lead_id: Some(id(1)),
        payload: None,
        reason: None,
        error_code: "500".into(),
        error_message: Payload(Box::default()),
        retryable: true,
        create_time: Timestamp::UNIX_EPOCH,
        attempts: 1,
    }
}

fn event(lead: u64) -> FeedEvent {
    FeedEvent {
        time: Timestamp::UNIX_EPOCH,
        tenant: tenant(),
        kind: FeedEventKind::Upsert(UpsertStatus::Created),
        source: source(),
        decision_id: "d".into(),
        lead_id: Some(id(lead)),
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

/// Two leads that share a phone, a third that was merged into the first, a review and a dead letter; three events.
fn sound(path: &Path) -> EmbeddedStore {
    let store = EmbeddedStore::open(path, StoreOptions::default()).unwrap();
    let leads = [lead(1), lead(2)];
    let mut writes: Vec<_> = leads.iter().cloned().map(lead_row).collect();
    writes.push(lead_row(merged(3, 1)));
    for key in leads.iter().flat_map(keys_of_lead).collect::<BTreeSet<_>>() {
        let holders = leads.iter().filter(|lead| keys_of_lead(lead).contains(&key)).map(|lead| lead.lead_id).collect();
        writes.push(key_row(&key, holders));
    }
    let (review, letter) = (review(), dead_letter());
    writes.push(RowWrite { key: RowKey::review(&tenant(), review.review_id), row: Some(Row::Review(review.into())) });
    writes.push(RowWrite {
        key: RowKey::dead_letter(&tenant(), letter.dead_letter_id),
        row: Some(Row::DeadLetter(letter.into())),
    });
    let sets: Vec<_> = (1..=3)
        .map(|number| SequencedChangeSet {
            sequence: number,
            feed_position: Some(number),
            changes: Arc::new(ChangeSet {
                writes: if number == 1 { std::mem::take(&mut writes) } else { Vec::new() },
                event: Some(event(number)),
                payload: Some(Payload(b"request".as_slice().into())),
                ..ChangeSet::default()
            }),
        })
        .collect();
    store.blocking_commit(&sets).unwrap();
    store
}

fn found(store: &EmbeddedStore) -> Vec<Invariant> {
    let mut found = Vec::new();
    let checked = store.view().verify(&mut |violation| found.push(violation)).unwrap();
    assert_eq!(checked.violations, found.len() as u64);
    found.into_iter().map(|violation| violation.invariant).collect()
}

fn value(write: RowWrite, sequence: u64) -> Planted {
    Planted::Value {
        table: Table::of(write.key.class()).unwrap(),
        key: write.key.bytes().into(),
        sequence,
        payload: codec::encode_row(&write.row.unwrap()),
    }
}

fn feed(position: u64, sequence: u64) -> Planted {
    let payload = codec::encode_event(&event(1));
    Planted::Value { table: Table::Feed, key: position.to_be_bytes().into(), sequence, payload }
}

fn gone(table: Table, key: &RowKey) -> Planted {
    Planted::Gone { table, key: key.bytes().into() }
}

fn email_key(number: u64) -> IdentityKey {
    IdentityKey::of_normalized_email(&format!("p{number}@example.com"))
}

/// Corruptions by the invariant that each breaks, and breaks alone.
fn corruptions() -> Vec<(Invariant, Planted)> {
    let lead_key = RowKey::lead(&tenant(), id(1));
    let review_key = RowKey::review(&tenant(), review().review_id);
    let bytes =
        |table, key: &RowKey, bytes: &[u8]| Planted::Bytes { table, key: key.bytes().into(), bytes: bytes.into() };
    let chunk = |index: u16| [&[Table::Review as u8], review_key.bytes(), &index.to_be_bytes()].concat();
    let renamed = Lead { lead_id: id(9), ..lead(1) };
    let other_id = RowWrite { key: lead_key.clone(), ..lead_row(renamed) };
    let letter = DeadLetter { lead_id: Some(id(77)), ..dead_letter() };
    vec![
        (Invariant::RowsAreReadable, bytes(Table::Review, &review_key, b"short")),
        (Invariant::RowsAreReadable, bytes(Table::Review, &review_key, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff])),
        (Invariant::RowsAreReadable, Planted::Gone { table: Table::Chunk, key: chunk(1) }),
        (Invariant::RowsAreReadable, value(other_id, 1)),
        (
            Invariant::RowsAreReadable,
            Planted::Bytes { table: Table::Feed, key: 3_u64.to_be_bytes().into(), bytes: vec![3] },
        ),
        (Invariant::SequencesAreBounded, value(lead_row(lead(1)), 4)),
        (Invariant::SequencesAreBounded, value(lead_row(lead(1)), 0)),
        (Invariant::ChunksBelongToValues, Planted::Bytes { table: Table::Chunk, key: chunk(40), bytes: vec![0; 9] }),
        (Invariant::ChunksBelongToValues, Planted::Bytes { table: Table::Chunk, key: vec![0], bytes: vec![] }),
        (Invariant::KeysHaveDistinctHolders, value(key_row(&email_key(1), vec![id(1), id(1)]), 1)),
        (Invariant::KeysHaveDistinctHolders, value(key_row(&email_key(8), vec![]), 1)),
        (Invariant::HoldersCarryTheirKeys, value(key_row(&email_key(1), vec![id(1), id(2)]), 1)),
        (Invariant::HoldersCarryTheirKeys, value(key_row(&email_key(1), vec![id(1), id(3)]), 1)),
        (Invariant::HoldersCarryTheirKeys, value(key_row(&email_key(9), vec![id(9)]), 1)),
        (Invariant::CarriedKeysNameTheirLead, gone(Table::Key, &RowKey::identity(&tenant(), &email_key(2)))),
        (Invariant::MergesLeadToALead, value(lead_row(merged(3, 99)), 1)),
        (Invariant::MergesLeadToALead, value(lead_row(merged(3, 3)), 1)),
        (Invariant::ReviewsNameLeads, value(review_row(vec![id(1), id(78)]), 1)),
        (Invariant::DeadLettersNameLeads, value(dead_letter_row(letter), 1)),
        (Invariant::FeedIsGapFree, Planted::Gone { table: Table::Feed, key: 1_u64.to_be_bytes().into() }),
        (Invariant::FeedIsInOrder, feed(3, 2)),
        (Invariant::FeedEndsAtThePosition, Planted::Gone { table: Table::Feed, key: 3_u64.to_be_bytes().into() }),
        (Invariant::PayloadsBelongToEvents, value(payload_row(1, 2), 2)),
        (Invariant::PayloadsBelongToEvents, value(payload_row(1, 9), 3)),
    ]
}

fn review_row(lead_ids: Vec<LeadId>) -> RowWrite {
    let review = Review { lead_ids, ..review() };
    RowWrite { key: RowKey::review(&tenant(), review.review_id), row: Some(Row::Review(review.into())) }
}

fn dead_letter_row(letter: DeadLetter) -> RowWrite {
    RowWrite { key: RowKey::dead_letter(&tenant(), letter.dead_letter_id), row: Some(Row::DeadLetter(letter.into())) }
}

fn payload_row(lead: u64, sequence: u64) -> RowWrite {
    let row = Row::Payload(Arc::new(Payload(Box::default())));
    RowWrite { key: RowKey::payload(&tenant(), id(lead), sequence), row: Some(row) }
}

#[test]
fn a_sound_store_is_found_sound_and_counted() {
    let place = tempfile::tempdir().unwrap();
    let checked = sound(place.path()).view().verify(&mut |violation| panic!("{violation}")).unwrap();
    let rows: Vec<_> = checked.rows.into_iter().collect();
    let expected =
        [("chunk", 3), ("dead_letter", 1), ("feed", 3), ("key", 5), ("lead", 3), ("payload", 3), ("review", 1)];
    assert_eq!(rows, expected);
}

#[test]
fn each_planted_corruption_is_found_under_its_name() {
    let corruptions = corruptions();
    let planted: BTreeSet<_> = corruptions.iter().map(|(invariant, _)| *invariant).collect();
    assert_eq!(planted, BTreeSet::from(Invariant::ALL));
    let place = tempfile::tempdir().unwrap();
    let store = sound(place.path());
    let before = Table::ALL.map(|table| (table, store.planted_rows(table)));
    for (invariant, corruption) in corruptions {
        store.plant(std::slice::from_ref(&corruption)).unwrap();
        let violated = found(&store);
        assert!(violated.contains(&invariant), "{invariant} by {corruption:?}: {violated:?}");
        let (Planted::Value { table, key, .. } | Planted::Bytes { table, key, .. } | Planted::Gone { table, key }) =
            corruption;
        store.plant(&[Planted::Gone { table, key }]).unwrap();
        store.plant(&before.iter().flat_map(|(table, rows)| restored(*table, rows)).collect::<Vec<_>>()).unwrap();
        assert_eq!(found(&store), [], "restored after {invariant}");
    }
}

/// Puts every row of a table back.
fn restored(table: Table, rows: &[(Vec<u8>, Vec<u8>)]) -> Vec<Planted> {
    rows.iter().map(|(key, bytes)| Planted::Bytes { table, key: key.clone(), bytes: bytes.clone() }).collect()
}

#[test]
fn a_violation_names_no_person() {
    let place = tempfile::tempdir().unwrap();
    let store = sound(place.path());
    store.plant(&[value(key_row(&email_key(9), vec![id(9)]), 1)]).unwrap();
    let mut lines = Vec::new();
    store.view().verify(&mut |violation| lines.push(violation.to_string())).unwrap();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("holders-carry-their-keys: key row #"), "{lines:?}");
    assert!(!lines[0].contains("example.com"), "{lines:?}");
}
