//! Commits that take long, and end in a kill or in an error: whatever an answer named is there afterwards.
//!
//! `LEADGATE_SLOW_KILLS` sets how often the server is killed in the midst of a commit (4 by default).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leadgate::engine::{Engine, EngineSettings, Health};
use leadgate::grpc::proto::{
    BatchUpsertRequest, GetLeadRequest, Lead, ListDecisionsRequest, MatchLeadRequest, SearchLeadsRequest,
    StreamUpsertRequest, UpsertRequest, UpsertResponse, UpsertStatus, WatchDecisionsRequest, get_lead_request,
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

use super::chance::Chance;
use super::kept::verify;
use super::launch::{Hooks, Launch};
use super::payloads::payload;
use super::server::Server;
use super::size;
use super::wire::{Dedup, Meaning, Steward, connect, email_of, lead, meaning, upsert};

/// Longest time that a commit is held up.
const DELAY_MS: u64 = 120;
/// Callers that make new leads, and callers that look at them at the same time.
const CALLERS: u64 = 12;
/// How far back callers look: these leads are being made.
const LATEST: u64 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_midst_of_a_commit_takes_away_nothing_that_was_named() {
    let kills: u64 = size("LEADGATE_SLOW_KILLS", 4);
    let place = TempDir::new().expect("a folder");
    let hooks = Hooks { commit_delay_ms: DELAY_MS, ..Hooks::default() };
    let launch = Launch { hooks: Some(hooks), ..Launch::on(place.path()) };
    let named = Arc::new(Named::default());
    let mut chance = Chance::new(kills);
    for round in 0..kills {
        let server = Server::start(&launch).await;
        let mut callers = callers(server.address, &named, round);
        sleep(Duration::from_millis(400 + chance.below(600))).await;
        server.kill().await;
        while let Some(ended) = callers.join_next().await {
            ended.expect("a caller that only loses its connection");
        }
        named.are_there(place.path()).await;
    }
    println!("slow commits, {kills} kills: {}", named.summary());
    assert!(named.vanished.load(Ordering::Relaxed) > 0, "the kills came while something was being committed");
    verify(place.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_ends_the_server_and_takes_away_nothing_that_was_named() {
    let place = TempDir::new().expect("a folder");
    let hooks = Hooks { commit_delay_ms: DELAY_MS / 4, failing_sequence: Some(200), ..Hooks::default() };
    let launch = Launch { hooks: Some(hooks), ..Launch::on(place.path()) };
    let named = Arc::new(Named::default());
    let server = Server::start(&launch).await;
    let mut callers = callers(server.address, &named, 0);
    let ended = server.ended().await;
    assert!(!ended.status.success() && ended.said.contains("a commit failed"), "{}", ended.said);
    while let Some(ended) = callers.join_next().await {
        ended.expect("a caller that only loses its connection");
    }
    named.are_there(place.path()).await;
    println!("a failed commit: {}", named.summary());
    verify(place.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_ends_while_a_commit_hangs_and_comes_back() {
    let place = TempDir::new().expect("a folder");
    let (release, hung) = std::sync::mpsc::channel::<()>();
    let hung = Mutex::new(hung);
    let mut settings = EngineSettings::new(place.path());
    settings.limits.commit_latency = Duration::from_millis(300);
    settings.store.commit_hook = Some(Arc::new(move |sequence| {
        if sequence == 1 {
            let _ = hung.lock().expect("no panic").recv();
        }
        Ok(())
    }));
    let opening = tokio::task::spawn_blocking(|| Engine::open(settings));
    let engine = opening.await.expect("no panic").expect("an engine");
    let upserting = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.upsert(payload(&format!("web: email={}", email_of(1)))).await.map(drop) }
    });
    let mut health = engine.health();
    let degraded = health.wait_for(|health| matches!(health, Health::Degraded(_)));
    timeout(Duration::from_secs(10), degraded).await.expect("readiness ends").expect("an engine");
    drop(release);
    upserting.await.expect("no panic").expect("an answer");
    let ready = health.wait_for(|health| *health == Health::Ready);
    timeout(Duration::from_secs(10), ready).await.expect("readiness comes back").expect("an engine");
    engine.drain().await;
}

/// Every lead that any answer named.
#[derive(Default)]
struct Named {
    /// By lead, the highest version and who told it.
    leads: Mutex<HashMap<String, (i64, &'static str)>>,
    /// The number of the newest lead that anybody has begun to make.
    newest: AtomicU64,
    /// Leads that were begun, never named, and are not there.
    vanished: AtomicU64,
}

impl Named {
    fn by(&self, who: &'static str, lead_id: &str, version: i64) {
        if lead_id.is_empty() {
            return;
        }
        let mut leads = self.leads.lock().expect("no panic");
        let known = leads.entry(lead_id.to_owned()).or_insert((version, who));
        if version > known.0 {
            *known = (version, who);
        }
    }

    fn lead(&self, who: &'static str, lead: Option<&Lead>) {
        if let Some(lead) = lead {
            self.by(who, &lead.lead_id, lead.version);
        }
    }

    /// Opens the folder again and looks for every lead.
    async fn are_there(&self, data_dir: &Path) {
        let server = Server::start(&Launch::on(data_dir)).await;
        let mut client = Dedup::new(server.channel().await);
        let leads = self.leads.lock().expect("no panic").clone();
        for (lead_id, (version, who)) in leads {
            let by = get_lead_request::By::LeadId(lead_id.clone());
            let found = client.get_lead(GetLeadRequest { by: Some(by) }).await;
            let found = found.unwrap_or_else(|status| panic!("{who} named {lead_id}, which is gone: {status:?}"));
            let stands = found.into_inner().lead.expect("a found lead").version;
            assert!(stands >= version, "{who} named version {version} of {lead_id}, which is at {stands}");
        }
        let newest = self.newest.load(Ordering::Relaxed);
        for number in newest.saturating_sub(2 * LATEST)..=newest {
            let by = get_lead_request::By::Email(email_of(number));
            let found = client.get_lead(GetLeadRequest { by: Some(by) }).await;
            self.vanished.fetch_add(u64::from(found.is_err()), Ordering::Relaxed);
        }
        server.stop().await;
    }

    fn summary(&self) -> String {
        let leads = self.leads.lock().expect("no panic");
        let mut by: HashMap<&str, u64> = HashMap::new();
        for (_, who) in leads.values() {
            *by.entry(who).or_default() += 1;
        }
        let vanished = self.vanished.load(Ordering::Relaxed);
        format!("{} leads named and there, newest by {by:?}; {vanished} never named and not there", leads.len())
    }
}

fn callers(address: SocketAddr, named: &Arc<Named>, round: u64) -> JoinSet<()> {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (named, chance) = (Arc::clone(named), Chance::new(round * CALLERS + caller));
        callers.spawn(async move {
            let Ok(channel) = connect(address).await else { return };
            let (client, steward) = (Dedup::new(channel.clone()), Steward::new(channel));
            let mut caller = Caller { client, steward, named, chance };
            if caller.chance.of(0.1) {
                drop(caller.watch().await);
            }
            while caller.call().await.is_ok() {}
        });
    }
    callers
}

struct Caller {
    client: Dedup,
    steward: Steward,
    named: Arc<Named>,
    chance: Chance,
}

impl Caller {
    /// One call of any kind; an error when the server is gone.
    async fn call(&mut self) -> Result<(), Status> {
        let called = match self.chance.below(10) {
            0..=2 => self.upsert().await,
            3 => self.batch().await,
            4 => self.stream().await,
            5 => self.match_lead().await,
            6 => self.search().await,
            7 => self.decisions().await,
            8 => self.preview().await,
            _ => self.get().await,
        };
        match called {
            Err(status) if status.code() == Code::NotFound => Ok(()),
            Err(status) => match meaning(&status) {
                Meaning::ComeAgain(delay) => {
                    sleep(delay).await;
                    Ok(())
                }
                Meaning::Unknown => Err(status),
                Meaning::Wrong => panic!("{status:?}"),
            },
            Ok(()) => Ok(()),
        }
    }

    /// A lead that is being made: by this caller, or by another one right now.
    fn latest(&mut self) -> u64 {
        if self.chance.of(0.3) {
            return self.named.newest.fetch_add(1, Ordering::Relaxed) + 1;
        }
        self.named.newest.load(Ordering::Relaxed).saturating_sub(self.chance.below(LATEST))
    }

    fn request(&mut self) -> UpsertRequest {
        let number = self.latest();
        let mut lead = lead(&email_of(number));
        lead.title = self.chance.of(0.5).then(|| format!("title {}", self.chance.below(1000)));
        upsert("web", lead)
    }

    fn note(&self, who: &'static str, response: &UpsertResponse) {
        self.named.by(who, &response.lead_id, response.version);
    }

    async fn upsert(&mut self) -> Result<(), Status> {
        let request = self.request();
        let response = self.client.upsert(request).await?.into_inner();
        let unchanged = response.status() == UpsertStatus::Unchanged;
        self.note(if unchanged { "an unchanged Upsert" } else { "Upsert" }, &response);
        Ok(())
    }

    async fn preview(&mut self) -> Result<(), Status> {
        let request = UpsertRequest { validate_only: true, ..self.request() };
        let response = self.client.upsert(request).await?.into_inner();
        let decision = response.decision.expect("every answer has one");
        self.named.by("a preview", &decision.lead_id, 1);
        Ok(())
    }

    async fn batch(&mut self) -> Result<(), Status> {
        let requests = (0..5).map(|_| self.request()).collect();
        let batch = BatchUpsertRequest { requests, ..BatchUpsertRequest::default() };
        for response in self.client.batch_upsert(batch).await?.into_inner().results {
            self.note("BatchUpsert", &response);
        }
        Ok(())
    }

    async fn stream(&mut self) -> Result<(), Status> {
        let requests: Vec<_> = (0..5).map(|_| StreamUpsertRequest { request: Some(self.request()) }).collect();
        let mut results = self.client.stream_upsert(tokio_stream::iter(requests)).await?.into_inner();
        while let Some(result) = results.message().await? {
            self.note("StreamUpsert", &result.result.expect("every response has one"));
        }
        Ok(())
    }

    async fn match_lead(&mut self) -> Result<(), Status> {
        let lead = Some(lead(&email_of(self.latest())));
        let request =
            MatchLeadRequest { source: "web".to_owned(), lead, include_lead: true, ..MatchLeadRequest::default() };
        let response = self.client.match_lead(request).await?.into_inner();
        self.named.by("MatchLead", &response.decision.expect("every answer has one").lead_id, 1);
        self.named.lead("MatchLead", response.lead.as_deref());
        Ok(())
    }

    async fn get(&mut self) -> Result<(), Status> {
        let by = get_lead_request::By::Email(email_of(self.latest()));
        let response = self.client.get_lead(GetLeadRequest { by: Some(by) }).await?.into_inner();
        self.named.lead("GetLead", response.lead.as_ref());
        Ok(())
    }

    async fn search(&mut self) -> Result<(), Status> {
        let query = format!("p{}", self.latest() / 10);
        let request = SearchLeadsRequest { query, page_size: 20, ..SearchLeadsRequest::default() };
        for lead in self.steward.search_leads(request).await?.into_inner().leads {
            self.named.lead("SearchLeads", Some(&lead));
        }
        Ok(())
    }

    async fn decisions(&mut self) -> Result<(), Status> {
        let request = ListDecisionsRequest { page_size: 20, ..ListDecisionsRequest::default() };
        for event in self.steward.list_decisions(request).await?.into_inner().decisions {
            self.named.by("ListDecisions", &event.lead_id, event.version);
        }
        Ok(())
    }

    async fn watch(&mut self) -> Result<(), Status> {
        let request = WatchDecisionsRequest { from_now: true, include_lead: true, ..WatchDecisionsRequest::default() };
        let mut events = self.client.watch_decisions(request).await?.into_inner();
        while let Some(told) = events.message().await? {
            let Some(event) = told.event else { continue };
            self.named.by("WatchDecisions", &event.lead_id, event.version);
            self.named.lead("WatchDecisions", event.lead.as_deref());
        }
        Ok(())
    }
}
