//! What is written while the power is cut: change sets that follow from their sequence alone, and what a store holds after them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use leadgate::decision::identity_key::{IdentityKey, KeyHolders};
use leadgate::decision::matching::FrequencyTable;
use leadgate::decision::outcome::UpsertStatus;
use leadgate::decision::review::{Payload, Review, ReviewKind, ReviewState};
use leadgate::decision::rows::{
    ChangeSet, FeedEntry, FeedEvent, FeedEventKind, Row, RowClass, RowKey, RowWrite, SequencedChangeSet,
};
use leadgate::decision::tier::MatchLevel;
use leadgate::domain::{LeadId, ReviewId, SourceName, TenantId};
use leadgate::store::{EmbeddedView, ReadError, Scan, codec};
use uuid::Uuid;

use super::chance::Chance;

fn lead_id(number: u64) -> LeadId {
    LeadId::new(Uuid::from_u64_pair(7, number))
}

fn source() -> SourceName {
    SourceName::parse("crm").unwrap()
}

/// What change sets are like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// No value is longer, in bytes.
    pub(crate) largest: u64,
    /// The first so many change sets are of a mebibyte each, to fill a journal.
    pub(crate) filling: u64,
}

/// From this sequence on a frequency table is counted now and then.
pub(crate) const COUNTED_FROM: u64 = 40;

/// The feed position after a sequence: every third change set tells nothing.
pub(crate) fn feed_after(sequence: u64) -> u64 {
    sequence - sequence / 3
}

/// The change set of a sequence.
pub(crate) fn change_set(sequence: u64, shape: Shape) -> SequencedChangeSet {
    let mut chance = Chance::new(sequence);
    let mut writes = BTreeMap::new();
    if sequence <= shape.filling {
        let (key, row) = review_row(&mut chance, filler());
        writes.insert(key.clone(), RowWrite { key, row: Some(row) });
    }
    for _ in 0..=chance.below(4) {
        let payload = payload(&mut chance, shape.largest);
        let (key, row) = if chance.of(0.6) { key_row(&mut chance) } else { review_row(&mut chance, payload) };
        let row = (!chance.of(0.15)).then_some(row);
        writes.insert(key.clone(), RowWrite { key, row });
    }
    if sequence >= COUNTED_FROM && sequence.is_multiple_of(7) {
        let (key, row) = frequencies_row(sequence);
        writes.insert(key.clone(), RowWrite { key, row: Some(row) });
    }
    let told = !sequence.is_multiple_of(3);
    let changes = ChangeSet {
        writes: writes.into_values().collect(),
        event: told.then(|| event(sequence)),
        payload: told.then(|| payload(&mut chance, shape.largest.min(4_000))),
        ..ChangeSet::default()
    };
    SequencedChangeSet { sequence, feed_position: told.then(|| feed_after(sequence)), changes: Arc::new(changes) }
}

fn key_row(chance: &mut Chance) -> (RowKey, Row) {
    let key = IdentityKey::of_normalized_email(&format!("{}@example.com", chance.below(60)));
    let leads = (0..=chance.below(3)).map(lead_id).collect();
    (RowKey::identity(&TenantId::default(), &key), Row::Key(Arc::new(KeyHolders { leads })))
}

fn review_row(chance: &mut Chance, payload: Payload) -> (RowKey, Row) {
    let review_id = ReviewId::new(Uuid::from_u64_pair(8, chance.below(12)));
    let review = Review {
        review_id,
        kind: ReviewKind::ParkedPayload,
        state: ReviewState::Open,
        source: source(),
        lead_ids: Vec::new(),
        payload: Some(payload),
        reasons: Vec::new(),
        score_thousandths: 0,
        create_time: Timestamp::UNIX_EPOCH,
    };
    (RowKey::review(&TenantId::default(), review_id), Row::Review(Arc::new(review)))
}

fn frequencies_row(sequence: u64) -> (RowKey, Row) {
    let table = FrequencyTable::restored(sequence, 1_000, (0..50).map(|term| (term, 2)));
    (RowKey::frequencies(&TenantId::default()), Row::Frequencies(Arc::new(table)))
}

fn payload(chance: &mut Chance, largest: u64) -> Payload {
    let length = *chance.pick(&[1, 50, 400, 1_500, 2_900, 9_000, 30_000]);
    let first = chance.below(251);
    Payload((0..length.min(largest)).map(|index| ((first + index) % 251) as u8 + 1).collect())
}

fn filler() -> Payload {
    Payload(vec![7; 1 << 20].into())
}

fn event(sequence: u64) -> FeedEvent {
    FeedEvent {
        time: Timestamp::UNIX_EPOCH,
        tenant: TenantId::default(),
        kind: FeedEventKind::Upsert(UpsertStatus::Created),
        source: source(),
        decision_id: sequence.to_string().into(),
        lead_id: Some(lead_id(sequence)),
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

/// A sum over everything that a store holds; two stores with the same sum hold the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum(u128);

impl Sum {
    fn add_row(&mut self, key: &RowKey, sequence: u64, row: &Row) {
        self.0 = self.0.wrapping_add(digest(&[&[key.class() as u8], key.bytes(), &codec::encode_row(row)], sequence));
    }

    fn remove_row(&mut self, key: &RowKey, sequence: u64, row: &Row) {
        self.0 = self.0.wrapping_sub(digest(&[&[key.class() as u8], key.bytes(), &codec::encode_row(row)], sequence));
    }

    fn add_entry(&mut self, entry: &FeedEntry) {
        let event = codec::encode_event(&entry.event);
        self.0 = self.0.wrapping_add(digest(&[&[0], &entry.position.to_be_bytes(), &event], entry.sequence));
    }
}

fn digest(parts: &[&[u8]], sequence: u64) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let hash = hasher.update(&sequence.to_le_bytes()).finalize();
    u128::from_le_bytes(hash.as_bytes()[..16].try_into().unwrap())
}

/// The sum of what a store holds after each sequence from 0 to the last.
pub(crate) fn expected(last: u64, shape: Shape) -> Vec<Sum> {
    let mut rows: BTreeMap<RowKey, (u64, Row)> = BTreeMap::new();
    let mut sum = Sum::default();
    let mut sums = vec![sum];
    for sequence in 1..=last {
        let set = change_set(sequence, shape);
        let mut put = |key: &RowKey, row: Option<&Row>| {
            if let Some((old, row)) = rows.remove(key) {
                sum.remove_row(key, old, &row);
            }
            if let Some(row) = row {
                sum.add_row(key, sequence, row);
                rows.insert(key.clone(), (sequence, row.clone()));
            }
        };
        set.changes.writes.iter().for_each(|write| put(&write.key, write.row.as_ref()));
        if let (Some(event), Some(position), Some(payload)) =
            (&set.changes.event, set.feed_position, &set.changes.payload)
        {
            let key = RowKey::payload(&event.tenant, event.lead_id.unwrap(), sequence);
            put(&key, Some(&Row::Payload(Arc::new(payload.clone()))));
            sum.add_entry(&FeedEntry { position, sequence, event: event.clone() });
        }
        sums.push(sum);
    }
    sums
}

/// The sum of what a store holds.
pub(crate) fn held(view: &EmbeddedView) -> Result<Sum, ReadError> {
    let mut sum = Sum::default();
    for class in RowClass::STORED {
        for row in view.scan(&Scan { class, tenant: None, after: None, limit: usize::MAX })? {
            sum.add_row(&row.key, row.value.sequence, &row.value.row);
        }
    }
    view.feed_after(0, usize::MAX)?.iter().for_each(|entry| sum.add_entry(entry));
    Ok(sum)
}
