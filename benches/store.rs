//! How fast the store is, by itself. Measures, and fails only on nonsense:
//!
//! ```text
//! LEADGATE_SPEED_LEADS=1000000 cargo bench --bench store
//! ```

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it is a measurement")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use leadgate::decision::identity_key::{IdentityKey, KeyHolders, keys_of_lead};
use leadgate::decision::outcome::UpsertStatus;
use leadgate::decision::review::Payload;
use leadgate::decision::rows::{
    ChangeSet, FeedEvent, FeedEventKind, RecordedReply, Row, RowClass, RowKey, RowWrite, SequencedChangeSet,
};
use leadgate::decision::tier::MatchLevel;
use leadgate::domain::{
    ContactPoint, DigestMap, ExternalId, ExternalIdFormat, ExternalIdState, Field, FieldKey, FieldValue, Lead, LeadId,
    LinkedBy, LinkedId, PhoneKind, SentRecord, SourceName, SystemRecord, TenantId, ValueDigest,
};
use leadgate::store::{EmbeddedStore, StoreOptions, codec};
use uuid::Uuid;

const UPSERTS_PER_COMMIT: u64 = 64;

fn source() -> SourceName {
    SourceName::parse("crm").unwrap()
}

/// Ids as random as they are in life, but the same in every run.
fn lead_id(number: u64) -> LeadId {
    LeadId::new(Uuid::from_u64_pair(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number))
}

fn contact(key: String) -> ContactPoint {
    let key: Box<str> = key.into();
    ContactPoint { value: key.clone(), key, kind: PhoneKind::Work, primary: true, linked_by: LinkedBy::Exact }
}

fn lead(number: u64) -> Lead {
    let mut lead = Lead::empty(lead_id(number), Timestamp::UNIX_EPOCH);
    let id = ExternalId::parse(source(), &format!("C-{number}"), ExternalIdFormat::Plain, None).unwrap().unwrap();
    lead.external_ids.push(LinkedId { id, state: ExternalIdState::Live, linked_by: LinkedBy::Exact });
    lead.emails.push(contact(format!("person.{number}@company-{}.example", number % 5_000)));
    lead.phones.push(contact(format!("+4930{number:08}")));
    for field in Field::ALL.into_iter().take(12) {
        let value = format!("{} of {number}", field.name()).into();
        lead.fields.insert(field, FieldValue { value, source: source(), update_time: Timestamp::UNIX_EPOCH });
    }
    let values: DigestMap = lead.fields.keys().map(|field| (FieldKey::Field(*field), ValueDigest(number))).collect();
    let mut system = SystemRecord::new(source());
    system.sent.push(SentRecord { record: format!("C-{number}").into(), values });
    lead.systems.push(system);
    lead
}

fn event(number: u64) -> FeedEvent {
    FeedEvent {
        time: Timestamp::UNIX_EPOCH,
        tenant: TenantId::default(),
        kind: FeedEventKind::Upsert(UpsertStatus::Created),
        source: source(),
        decision_id: Uuid::from_u128(number.into()).to_string().into(),
        lead_id: Some(lead_id(number)),
        version: 1,
        level: MatchLevel::None,
        matched_by: None,
        score: 0.0,
        candidates: Vec::new(),
        conflicts: Vec::new(),
        reasons: Vec::new(),
        changed_fields: Field::ALL.into_iter().take(12).map(FieldKey::Field).collect(),
        review_id: None,
        dead_letter_id: None,
        write: None,
        policy_version: "default-2".into(),
        has_payload: true,
    }
}

fn reply(number: u64) -> RecordedReply {
    RecordedReply {
        body_digest: [7; 16],
        time: Timestamp::UNIX_EPOCH,
        status: UpsertStatus::Created,
        lead_id: Some(lead_id(number)),
        version: 1,
        decision_id: Uuid::from_u128(number.into()).to_string().into(),
        level: MatchLevel::None,
        matched_by: None,
        match_lead_id: None,
        score: 0.0,
        conflicts: Vec::new(),
        weighed: None,
        truncated: false,
        external_ids: Vec::new(),
        write: None,
        reasons: Vec::new(),
        review_id: None,
        policy_version: "default-2".into(),
    }
}

/// A new lead: its row, three keys, a recorded reply, an event and its payload.
fn upsert(number: u64) -> SequencedChangeSet {
    let tenant = TenantId::default();
    let lead = lead(number);
    let holders = || Some(Row::Key(Arc::new(KeyHolders { leads: vec![lead.lead_id] })));
    let mut writes: Vec<_> = keys_of_lead(&lead)
        .iter()
        .map(|key| RowWrite { key: RowKey::identity(&tenant, key), row: holders() })
        .collect();
    let request = RowKey::request(&tenant, &source(), &format!("request-{number}"));
    writes.push(RowWrite { key: request, row: Some(Row::Request(Arc::new(reply(number)))) });
    writes.push(RowWrite { key: RowKey::lead(&tenant, lead.lead_id), row: Some(Row::Lead(Arc::new(lead))) });
    let changes = ChangeSet {
        writes,
        event: Some(event(number)),
        payload: Some(Payload(vec![b'p'; 300].into())),
        ..ChangeSet::default()
    };
    SequencedChangeSet { sequence: number, feed_position: Some(number), changes: Arc::new(changes) }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let [p50, p99] = [50, 99].map(|percent| percentile(&times, percent));
    println!("{what}: p50 {p50:?}, p99 {p99:?}, max {:?}", times[times.len() - 1]);
}

fn fill(store: &EmbeddedStore, leads: u64) {
    let mut times = Vec::new();
    let mut making = Duration::ZERO;
    let start = Instant::now();
    for first in (1..=leads).step_by(usize::try_from(UPSERTS_PER_COMMIT).unwrap()) {
        let made = Instant::now();
        let batch: Vec<_> = (first..=leads.min(first + UPSERTS_PER_COMMIT - 1)).map(upsert).collect();
        making += made.elapsed();
        let committing = Instant::now();
        store.blocking_commit(&batch).unwrap();
        times.push(committing.elapsed());
    }
    let spent = start.elapsed().saturating_sub(making).as_secs_f64();
    println!(
        "{:.0} upserts/s durable, {:.0} commits/s of {UPSERTS_PER_COMMIT}",
        leads as f64 / spent,
        times.len() as f64 / spent
    );
    report("commit", times);
}

fn read(store: &EmbeddedStore, leads: u64, threads: u64) {
    let tenant = TenantId::default();
    let worker = |thread: u64| {
        let mut times = (Vec::new(), Vec::new());
        for step in 0..50_000_u64 {
            let number = (thread * 50_000 + step).wrapping_mul(0x9e37_79b9_7f4a_7c15) % leads + 1;
            let key = IdentityKey::of_phone_key(&format!("+4930{number:08}"));
            let start = Instant::now();
            let view = store.view();
            let Some(Row::Key(holders)) = view.get(&RowKey::identity(&tenant, &key)).unwrap().map(|found| found.row)
            else {
                panic!("lead {number} has lost its key")
            };
            times.0.push(start.elapsed());
            view.get(&RowKey::lead(&tenant, holders.leads[0])).unwrap().unwrap();
            times.1.push(start.elapsed());
        }
        times
    };
    let times: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|thread| scope.spawn(move || worker(thread))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let (keys, leads): (Vec<_>, Vec<_>) = times.into_iter().unzip();
    report(&format!("key, {threads} threads"), keys.concat());
    report(&format!("key and lead, {threads} threads"), leads.concat());
}

/// Processor time that the process has used, in all its threads; what counts on a machine that others use as well.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn code() {
    let row = Row::Lead(Arc::new(lead(1)));
    let bytes = codec::encode_row(&row);
    let begun = processor_time();
    for _ in 0..200_000 {
        std::hint::black_box(codec::encode_row(std::hint::black_box(&row)));
    }
    let encoded = processor_time();
    for _ in 0..200_000 {
        std::hint::black_box(codec::decode_row(RowClass::Lead, std::hint::black_box(&bytes))).unwrap();
    }
    let decoded = processor_time();
    let each = |spent: Duration| spent / 200_000;
    println!(
        "a lead of {} bytes: {:?} to encode, {:?} to decode",
        bytes.len(),
        each(encoded - begun),
        each(decoded - encoded)
    );
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn main() {
    let leads = std::env::var("LEADGATE_SPEED_LEADS").map_or(100_000, |leads| leads.parse().unwrap());
    let place =
        tempfile::tempdir_in(std::env::var("LEADGATE_SPEED_FOLDER").unwrap_or_else(|_| "target".into())).unwrap();
    let open = |path: &Path| {
        let start = Instant::now();
        let store = EmbeddedStore::open(path, StoreOptions::default()).unwrap();
        println!("opened in {:?}", start.elapsed());
        store
    };
    code();
    let store = open(place.path());
    let begun = processor_time();
    fill(&store, leads);
    println!(
        "{:?} of processor time for each upsert, its making and compactions included",
        (processor_time() - begun) / leads as u32
    );
    println!("{} MiB on disk, {} MiB of memory", store.disk_bytes().unwrap() >> 20, resident_mib());
    read(&store, leads, 1);
    read(&store, leads, 2);
    drop(store);
    let store = open(place.path());
    assert_eq!(store.position().sequence, leads);
    read(&store, leads, 2);
    println!("{} MiB of memory after reopening", resident_mib());
    if std::env::var_os("LEADGATE_SPEED_VERIFY").is_some() {
        let start = Instant::now();
        let checked = store.view().verify(&mut |violation| panic!("{violation}")).unwrap();
        println!("verified in {:?}: {checked:?}", start.elapsed());
    }
}
