//! Claims to create: callers die, give up, repeat themselves with and without request ids, and report what they did or did not do.
//!
//! `LEADGATE_CLAIM_SECONDS` sets for how long (4 by default).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use leadgate::grpc::proto::write_report::Event;
use leadgate::grpc::proto::{
    CrmRecordWritten, CrmWriteFailed, ReportWritesRequest, UpsertRequest, UpsertResponse, WriteAction, WriteReport,
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::chance::Chance;
use super::grants::Grants;
use super::kept::verify;
use super::launch::{Hooks, Launch};
use super::server::Server;
use super::size;
use super::wire::{Dedup, Meaning, connect, email_of, lead, meaning, upsert};

const CALLERS: u64 = 64;
/// How many leads are wanted at a time; a written one makes room for the next.
const WANTED: u64 = 40;
const CLAIM_MS: i64 = 300;
const TARGET: &str = "crm";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_at_a_time_holds_the_claim_however_they_end() {
    let place = TempDir::new().expect("a folder");
    let server =
        Server::start(&Launch { claim_ms: CLAIM_MS, hooks: Some(Hooks::default()), ..Launch::on(place.path()) }).await;
    let shared = Arc::new(Shared::default());
    let until = Instant::now() + Duration::from_secs(size("LEADGATE_CLAIM_SECONDS", 4));
    let mut callers = Vec::new();
    for number in 0..CALLERS {
        let client = Dedup::new(server.channel().await);
        let caller = Caller { number, calls: 0, client, chance: Chance::new(number), shared: Arc::clone(&shared) };
        callers.push(tokio::spawn(caller.run(server.address, until)));
    }
    for caller in callers {
        caller.await.expect("a caller that is answered");
    }
    shared.claims_run_out(Dedup::new(server.channel().await)).await;
    server.stop().await;
    let (grants, deeds) = (shared.grants(), shared.deeds.lock().expect("no panic"));
    println!("claims: {} given for {} leads; {deeds:?}", grants.count(), grants.leads().len());
    let violations = grants.violations();
    assert!(violations.is_empty(), "{violations:#?}");
    assert!(grants.count() > 50, "the campaign is about claims");
    verify(place.path());
}

#[derive(Default)]
struct Shared {
    grants: Mutex<Grants>,
    /// The leads that were written in the target, by number.
    written: Mutex<Vec<u64>>,
    /// What callers did with their claims, and how often.
    deeds: Mutex<BTreeMap<&'static str, u64>>,
}

impl Shared {
    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().expect("no panic")
    }

    fn did(&self, deed: &'static str) {
        *self.deeds.lock().expect("no panic").entry(deed).or_default() += 1;
    }

    fn wanted(&self) -> u64 {
        WANTED + self.written.lock().expect("no panic").len() as u64
    }

    /// When nobody asks any more every claim runs out, and then the next caller gets one; and only one.
    async fn claims_run_out(&self, mut client: Dedup) {
        sleep(Duration::from_millis(u64::try_from(CLAIM_MS).expect("a span") + 50)).await;
        for key in self.wanted() - WANTED..self.wanted() {
            let mut instructed = Vec::new();
            for _ in 0..2 {
                let response = client.upsert(request(key, 1000, 0)).await.expect("an idle server").into_inner();
                self.grants().answered(&response, CLAIM_MS);
                instructed.push(response.write.expect("a target was named").action());
            }
            let expected = [[WriteAction::Create, WriteAction::Wait], [WriteAction::Update, WriteAction::Update]];
            assert!(expected.iter().any(|expected| instructed == expected), "{instructed:?}");
        }
    }
}

struct Caller {
    number: u64,
    calls: u64,
    client: Dedup,
    chance: Chance,
    shared: Arc<Shared>,
}

fn request(key: u64, caller: u64, call: u64) -> UpsertRequest {
    let mut lead = lead(&email_of(key));
    lead.title = Some(format!("title {caller} {call}"));
    UpsertRequest { target: TARGET.to_owned(), ..upsert("web", lead) }
}

impl Caller {
    async fn run(mut self, address: std::net::SocketAddr, until: Instant) {
        while Instant::now() < until {
            self.calls += 1;
            let wanted = self.shared.wanted();
            let key = wanted - 1 - self.chance.below(WANTED + WANTED / 10).min(wanted - 1);
            let mut request = request(key, self.number, self.calls);
            if self.chance.of(0.5) {
                request.request_id = format!("{}-{}", self.number, self.calls);
            }
            let answer = match self.chance.below(20) {
                0 => self.die(address, request).await,
                1..=5 => self.give_up(request).await,
                _ => Some(self.insist(request).await),
            };
            if let Some(answer) = answer {
                self.act(key, answer).await;
            }
        }
    }

    /// The answer, however often the server says to come again.
    async fn insist(&mut self, request: UpsertRequest) -> UpsertResponse {
        loop {
            match self.client.upsert(request.clone()).await {
                Ok(response) => return response.into_inner(),
                Err(status) => match meaning(&status) {
                    Meaning::ComeAgain(delay) => sleep(delay).await,
                    _ => panic!("{status:?}"),
                },
            }
        }
    }

    /// Hangs up at any moment. Who has a request id may ask again.
    async fn give_up(&mut self, request: UpsertRequest) -> Option<UpsertResponse> {
        self.shared.did("hung up");
        let patience = Duration::from_micros(self.chance.below(20_000));
        if let Ok(answer) = timeout(patience, self.client.upsert(request.clone())).await {
            return answer.ok().map(tonic::Response::into_inner);
        }
        if request.request_id.is_empty() || self.chance.of(0.3) {
            return None;
        }
        Some(self.insist(request).await)
    }

    /// Its whole connection goes, with the call in flight.
    async fn die(&mut self, address: std::net::SocketAddr, request: UpsertRequest) -> Option<UpsertResponse> {
        self.shared.did("died");
        let mut client = Dedup::new(connect(address).await.ok()?);
        let patience = Duration::from_micros(self.chance.below(10_000));
        timeout(patience, client.upsert(request)).await.ok()?.ok().map(tonic::Response::into_inner)
    }

    async fn act(&mut self, key: u64, answer: UpsertResponse) {
        let lead_id = answer.lead_id.clone();
        let claim = self.shared.grants().answered(&answer, CLAIM_MS);
        let Some(claim) = claim else { return self.act_without_claim(lead_id).await };
        let token = claim.claim_token;
        match self.chance.below(10) {
            0..=2 => self.shared.did("claim left to run out"),
            3..=5 => self.fail(lead_id, token, "failed").await,
            6 => {
                sleep(Duration::from_millis(u64::try_from(CLAIM_MS).expect("a span") + self.chance.below(100))).await;
                self.fail(lead_id, token, "failed too late").await;
            }
            _ => self.write(key, lead_id, token).await,
        }
    }

    /// Who holds no claim frees none.
    async fn act_without_claim(&mut self, lead_id: String) {
        if self.chance.of(0.1) {
            let token = if self.chance.of(0.5) { "no such claim" } else { "" };
            self.fail(lead_id, token.to_owned(), "failed without a claim").await;
        }
    }

    async fn fail(&mut self, lead_id: String, token: String, deed: &'static str) {
        self.shared.did(deed);
        if !token.is_empty() {
            self.shared.grants().reporting(&token);
        }
        let failed =
            CrmWriteFailed { lead_id, claim_token: token, code: "503".to_owned(), ..CrmWriteFailed::default() };
        self.report(Event::Failed(failed)).await;
    }

    async fn write(&mut self, key: u64, lead_id: String, token: String) {
        self.shared.did("written");
        self.shared.grants().reporting(&token);
        let external_id = format!("003-{key}");
        let written = CrmRecordWritten {
            lead_id: lead_id.clone(),
            claim_token: token,
            external_id,
            ..CrmRecordWritten::default()
        };
        if self.report(Event::Written(written)).await {
            self.shared.grants().written(&lead_id);
            let mut written = self.shared.written.lock().expect("no panic");
            if !written.contains(&key) {
                written.push(key);
            }
        }
    }

    /// Whether the report was taken. Some reporters do not wait for the answer.
    async fn report(&mut self, event: Event) -> bool {
        let report = WriteReport { target: TARGET.to_owned(), event: Some(event), ..WriteReport::default() };
        let reports = ReportWritesRequest { reports: vec![report] };
        let patience = if self.chance.of(0.1) { self.chance.below(10) } else { 60_000 };
        let Ok(answer) = timeout(Duration::from_millis(patience), self.client.report_writes(reports)).await else {
            return false;
        };
        let results = answer.expect("a good report").into_inner().results;
        results[0].reasons.iter().all(|reason| !reason.metadata.contains_key("retry_after_ms"))
    }
}
