//! Hot keys: 64 connections upsert the same 200 leads at once, and each becomes one lead.
//!
//! `LEADGATE_HOT_UPSERTS` sets how many upserts (20,000 by default); with the locks switched off it is a fifth of that.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use leadgate::grpc::proto::{UpsertRequest, UpsertResponse, UpsertStatus};
use tempfile::TempDir;
use tonic_types::StatusExt;

use super::chance::Chance;
use super::kept::{live_leads, verify};
use super::launch::{Hooks, Launch};
use super::server::Server;
use super::size;
use super::wire::{Dedup, Meaning, email_of, lead, meaning, upsert};

const CONNECTIONS: u64 = 64;
/// Calls at a time on each connection.
const CALLS_AT_A_TIME: u64 = 4;
const KEYS: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hot_key_becomes_one_lead() {
    campaign("hot keys", true, size("LEADGATE_HOT_UPSERTS", 20_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hot_key_becomes_one_lead_without_locks() {
    campaign("hot keys, locks off", false, size("LEADGATE_HOT_UPSERTS", 20_000) / 5).await;
}

async fn campaign(name: &str, key_locks: bool, upserts: u64) {
    let place = TempDir::new().expect("a folder");
    let hooks = (!key_locks).then(|| Hooks { key_locks, ..Hooks::default() });
    let server = Server::start(&Launch { hooks, ..Launch::on(place.path()) }).await;
    let left = Arc::new(AtomicU64::new(upserts));
    let began = Instant::now();
    let mut callers = Vec::new();
    for connection in 0..CONNECTIONS {
        let client = Dedup::new(server.channel().await);
        for call in 0..CALLS_AT_A_TIME {
            let caller = Caller::new(CALLS_AT_A_TIME * connection + call, client.clone(), Arc::clone(&left));
            callers.push(tokio::spawn(caller.run()));
        }
    }
    let mut tally = Tally::default();
    for caller in callers {
        tally.add(caller.await.expect("a caller that is answered"));
    }
    let elapsed = began.elapsed();
    server.stop().await;
    println!("{name}: {upserts} upserts in {elapsed:.1?}, {:.0}/s; {tally}", upserts as f64 / elapsed.as_secs_f64());
    tally.check(upserts);
    verify(place.path());
    let held: HashSet<String> = live_leads(place.path()).iter().map(|lead| lead.lead_id.to_string()).collect();
    let told: HashSet<String> = tally.leads.values().flatten().cloned().collect();
    assert_eq!(held, told, "the store holds the leads that were answered and no other");
}

/// What the callers saw.
struct Tally {
    statuses: BTreeMap<&'static str, u64>,
    /// By key, every lead that it was answered with.
    leads: HashMap<u64, HashSet<String>>,
    /// How often a caller was told to come again, by reason.
    retries: BTreeMap<String, u64>,
    micros: Histogram<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let micros = Histogram::new(3).expect("three digits");
        Self { statuses: BTreeMap::new(), leads: HashMap::new(), retries: BTreeMap::new(), micros }
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (reason, count) in other.retries {
            *self.retries.entry(reason).or_default() += count;
        }
        for (key, leads) in other.leads {
            self.leads.entry(key).or_default().extend(leads);
        }
        self.micros.add(other.micros).expect("the same digits");
    }

    fn check(&self, upserts: u64) {
        let keys = upserts.min(KEYS);
        assert_eq!(self.statuses.values().sum::<u64>(), upserts, "every upsert was answered");
        assert_eq!(self.statuses.get(UpsertStatus::Created.as_str_name()), Some(&keys), "one CREATED for each key");
        assert!(self.leads.values().all(|leads| leads.len() == 1), "one lead for each key");
        let allowed = [UpsertStatus::Created, UpsertStatus::Updated, UpsertStatus::Unchanged].map(|s| s.as_str_name());
        assert!(self.statuses.keys().all(|status| allowed.contains(status)), "{:?}", self.statuses);
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percentile = |share| Duration::from_micros(self.micros.value_at_quantile(share));
        let (p50, p99) = (percentile(0.50), percentile(0.99));
        write!(formatter, "{:?}; come again: {:?}; p50 {p50:.1?}, p99 {p99:.1?}", self.statuses, self.retries)
    }
}

/// One call at a time.
struct Caller {
    client: Dedup,
    source: String,
    left: Arc<AtomicU64>,
    chance: Chance,
    /// By key, the last version that this caller was told: no later call may be told an earlier one.
    versions: HashMap<u64, i64>,
    tally: Tally,
}

impl Caller {
    fn new(number: u64, client: Dedup, left: Arc<AtomicU64>) -> Self {
        let source = format!("s{}", number % 8);
        let (versions, tally) = (HashMap::new(), Tally::default());
        Self { client, source, left, chance: Chance::new(number), versions, tally }
    }

    async fn run(mut self) -> Tally {
        let one_less = |left: u64| left.checked_sub(1);
        while let Ok(left) = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            // The first ones make sure that every key comes up.
            let key = if left <= KEYS { left - 1 } else { self.chance.below(KEYS) };
            let request = self.request(key, left);
            let began = Instant::now();
            let response = self.insist(request).await;
            let elapsed = u64::try_from(began.elapsed().as_micros()).expect("a short call");
            self.tally.micros.record(elapsed).expect("a histogram that grows");
            self.note(key, &response);
        }
        self.tally
    }

    fn request(&mut self, key: u64, number: u64) -> UpsertRequest {
        let mut lead = lead(&email_of(key));
        lead.title = self.chance.of(0.75).then(|| format!("title {number}"));
        let mut request = upsert(&self.source, lead);
        if self.chance.of(0.25) {
            request.request_id = format!("r{number}");
        }
        request
    }

    /// The answer, however often the server says to come again. Any other error is a breach.
    async fn insist(&mut self, request: UpsertRequest) -> UpsertResponse {
        loop {
            let status = match self.client.upsert(request.clone()).await {
                Ok(response) => return response.into_inner(),
                Err(status) => status,
            };
            let Meaning::ComeAgain(delay) = meaning(&status) else { panic!("{status:?}") };
            let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
            *self.tally.retries.entry(reason).or_default() += 1;
            tokio::time::sleep(delay).await;
        }
    }

    fn note(&mut self, key: u64, response: &UpsertResponse) {
        *self.tally.statuses.entry(response.status().as_str_name()).or_default() += 1;
        self.tally.leads.entry(key).or_default().insert(response.lead_id.clone());
        let last = self.versions.insert(key, response.version).unwrap_or_default();
        assert!(response.version >= last, "version {} after {last}", response.version);
    }
}
