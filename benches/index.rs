//! The index: recording, publishing, searching, candidates.
//!
//! `LEADGATE_BENCH_LEADS=1000000 cargo bench --bench index` measures at a million leads; 100,000 is the default.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use divan::Bencher;
use jiff::Timestamp;

use leadgate::decision::matching::Signature;
use leadgate::domain::{
    ContactPoint, ExternalId, ExternalIdFormat, ExternalIdState, Field, FieldValue, Lead, LeadId, LinkedBy, LinkedId,
    PhoneKind, SourceName, TenantId,
};
use leadgate::index::{IndexDocument, IndexSettings, LeadIndex, SearchQuery, Sought};

/// Records between two publications, as at 20,000 upserts a second.
const ROUND: u64 = 5_000;

/// A key that more leads have than this is not asked for.
const CAP: u64 = 2_000;

static INDEX: LazyLock<Built> = LazyLock::new(Built::new);

fn main() {
    divan::main();
}

/// An index of many leads, with a round of them in the overlay.
struct Built {
    index: LeadIndex,
    leads: u64,
    _folder: tempfile::TempDir,
}

impl Built {
    fn new() -> Self {
        let leads = std::env::var("LEADGATE_BENCH_LEADS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
        let folder = tempfile::tempdir().unwrap();
        let index = LeadIndex::open(folder.path(), &IndexSettings::default()).unwrap().index;
        let (mut publish, started) = (hdrhistogram::Histogram::<u64>::new(3).unwrap(), Instant::now());
        for sequence in 1..=leads {
            index.record(document(sequence));
            if sequence % ROUND == 0 || sequence == leads {
                let begun = Instant::now();
                assert!(index.freeze(sequence));
                index.publish().unwrap();
                publish.record(begun.elapsed().as_micros().try_into().unwrap()).unwrap();
            }
        }
        println!("{leads} leads in {:.1?}, folder {} MB", started.elapsed(), bytes_of(folder.path()) / 1_000_000);
        println!(
            "publish of {ROUND}: p50 {} ms, p99 {} ms, max {} ms",
            publish.value_at_quantile(0.5) / 1_000,
            publish.value_at_quantile(0.99) / 1_000,
            publish.max() / 1_000
        );
        print_memory("after building");
        Self { index, leads, _folder: folder }
    }
}

fn print_memory(when: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in
        status.lines().filter(|line| ["VmHWM", "VmRSS", "RssAnon", "RssFile"].iter().any(|key| line.starts_with(key)))
    {
        println!("{when}: {line}");
    }
}

fn bytes_of(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().filter_map(|entry| entry.ok()?.metadata().ok()).map(|file| file.len()).sum()
}

/// Scatters numbers, the same way every time.
fn scatter(number: u64, salt: u64) -> u64 {
    let mut mixed = number.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    mixed ^ (mixed >> 29)
}

/// One of `count` things, the first of them far more often than the last.
fn skewed(number: u64, salt: u64, count: u64) -> u64 {
    let share = (scatter(number, salt) % 1_000_000) as f64 / 1e6;
    (count as f64 * share * share * share) as u64
}

/// A word of two to four syllables.
fn word(number: u64) -> String {
    const SYLLABLES: [&str; 20] = [
        "an", "ber", "ca", "do", "el", "fin", "ga", "hol", "ir", "jo", "ka", "lin", "mar", "no", "os", "pe", "ri",
        "son", "ta", "vel",
    ];
    let mut rest = number + 20;
    let mut word = String::new();
    while rest > 0 {
        word.push_str(SYLLABLES[(rest % 20) as usize]);
        rest /= 20;
    }
    word
}

fn lead(number: u64) -> Lead {
    let source = SourceName::parse("crm").unwrap();
    let time = Timestamp::UNIX_EPOCH;
    let id = (u128::from(1_700_000_000_000 + number / 20) << 80) | (7 << 76) | u128::from(scatter(number, 0));
    let mut lead = Lead::empty(LeadId::from_bytes(id.to_be_bytes()), time);
    let (first, last) = (word(skewed(number, 1, 2_000)), word(skewed(number, 2, 100_000)));
    let company = word(skewed(number, 3, 150_000));
    let (city, street) = (word(skewed(number, 4, 3_000)), word(skewed(number, 5, 50_000)));
    let email = format!("{first}.{last}{}@{company}.com", number % 97);
    let phone = format!("+1{}", 2_000_000_000 + scatter(number, 6) % 7_999_999_999);
    for (field, value) in [
        (Field::FirstName, first),
        (Field::LastName, last),
        (Field::Company, format!("{company} Inc")),
        (Field::Website, format!("https://www.{company}.com")),
        (Field::Street, format!("{} {street} Street", scatter(number, 7) % 400)),
        (Field::City, city),
        (Field::PostalCode, format!("{:05}", skewed(number, 8, 40_000))),
        (Field::Country, "US".into()),
    ] {
        lead.fields.insert(field, FieldValue { value: value.into(), source: source.clone(), update_time: time });
    }
    lead.emails.push(contact(&email));
    lead.phones.push(contact(&phone));
    let id = ExternalId::parse(source, &format!("00Q{number:012}"), ExternalIdFormat::Plain, None).unwrap().unwrap();
    lead.external_ids.push(LinkedId { id, state: ExternalIdState::Live, linked_by: LinkedBy::Exact });
    lead
}

fn contact(value: &str) -> ContactPoint {
    ContactPoint {
        value: value.into(),
        key: value.into(),
        kind: PhoneKind::Work,
        primary: true,
        linked_by: LinkedBy::Exact,
    }
}

/// Eight keys: three of the lead alone or nearly so, five that it shares with more and more others.
fn blocks(number: u64) -> Vec<u64> {
    let shared = [200_000, 60_000, 20_000, 5_000, 500];
    let shared = (10..).zip(shared).map(|(salt, count)| scatter(skewed(number, salt, count), salt));
    (0..3).map(|salt| scatter(number, 20 + salt)).chain(shared).collect()
}

fn document(number: u64) -> IndexDocument {
    let lead = lead(number);
    IndexDocument {
        tenant: TenantId::default(),
        lead_id: lead.lead_id,
        sequence: number,
        live: true,
        blocks: blocks(number),
        lead: Arc::new(lead),
    }
}

fn search(text: &str) -> usize {
    let query = SearchQuery { text: text.into(), page_size: 25, offset: 0 };
    INDEX.index.view().search(&TenantId::default(), &query).unwrap().hits.len()
}

#[divan::bench(sample_count = 100, sample_size = 500)]
fn record(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let index = LeadIndex::open(folder.path(), &IndexSettings::default()).unwrap().index;
    let mut number = 0;
    bencher
        .with_inputs(|| {
            number += 1;
            document(number)
        })
        .bench_local_values(|document| index.record(document));
}

#[divan::bench(sample_count = 30, args = [1, 500, 5_000])]
fn publish_changed(bencher: Bencher<'_, '_>, count: u64) {
    let built = &*INDEX;
    let mut round = 0;
    bencher
        .with_inputs(|| {
            round += 1;
            for number in 0..count {
                built.index.record(document(1 + scatter(number, round) % built.leads));
            }
            assert!(built.index.freeze(built.leads + round));
        })
        .bench_local_values(|()| built.index.publish().unwrap());
}

#[divan::bench(args = [
    "anberca.ancaan1@ancaan.com", "00Q000000004711", "415 555", "ancaan", "anberca ancaan", "anc inc", "an ca", "a", "an", "us inc",
])]
fn search_indexed(bencher: Bencher<'_, '_>, text: &str) {
    bencher.bench(|| search(text));
}

#[divan::bench(args = [100, 5_000, 10_000])]
fn search_with_recent(bencher: Bencher<'_, '_>, recent: u64) {
    let folder = tempfile::tempdir().unwrap();
    let index = LeadIndex::open(folder.path(), &IndexSettings::default()).unwrap().index;
    (1..=recent).for_each(|number| index.record(document(number)));
    let query = SearchQuery { text: "anberca ancaan".into(), page_size: 25, offset: 0 };
    bencher.bench(|| index.view().search(&TenantId::default(), &query).unwrap());
}

#[divan::bench]
fn candidates(bencher: Bencher<'_, '_>) {
    let built = &*INDEX;
    let mut number = 0;
    bencher
        .with_inputs(|| {
            number += 1;
            blocks(1 + scatter(number, 30) % built.leads)
        })
        .bench_local_values(|blocks| {
            built
                .index
                .view()
                .candidates(&TenantId::default(), Sought { blocks: &blocks, signature: Signature::default() }, CAP)
                .unwrap()
        });
}

#[divan::bench]
fn candidates_without_index(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let index = LeadIndex::open(folder.path(), &IndexSettings::default()).unwrap().index;
    (1..=10_000).for_each(|number| index.record(document(number)));
    let mut number = 0;
    bencher
        .with_inputs(|| {
            number += 1;
            blocks(1 + scatter(number, 30) % 10_000)
        })
        .bench_local_values(|blocks| {
            index
                .view()
                .candidates(&TenantId::default(), Sought { blocks: &blocks, signature: Signature::default() }, CAP)
                .unwrap()
        });
}
