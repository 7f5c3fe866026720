//! The server as a process of its own, to be killed: this test program started once more, with its settings in the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use leadgate::app::{App, AppSettings};
use leadgate::engine::EngineSettings;
use leadgate::grpc::{READINESS, ServerSettings};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::wire::connect;

/// The variable that makes this test program a server.
const LAUNCH: &str = "LEADGATE_CAMPAIGN_SERVER";

/// What the server says when its doors are open; behind it comes the address.
const LISTENING: &str = "listening on ";

/// Nobody waits longer for a server.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) data_dir: PathBuf,
    /// Whether requests with the same keys queue up.
    pub(crate) key_locks: bool,
    /// How long a claim to create holds.
    pub(crate) claim_ms: i64,
    /// Every commit is held up, for this long at most.
    pub(crate) commit_delay_ms: u64,
    /// This commit fails as on a broken disk.
    pub(crate) failing_sequence: Option<u64>,
    /// Free disk space below which writes are refused.
    pub(crate) disk_reserve_bytes: u64,
}

impl Launch {
    /// The defaults, on a data folder.
    pub(crate) fn on(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_path_buf(),
            key_locks: true,
            claim_ms: 60_000,
            commit_delay_ms: 0,
            failing_sequence: None,
            disk_reserve_bytes: 64 << 20,
        }
    }

    fn settings(&self) -> AppSettings {
        let mut engine = EngineSettings::new(&self.data_dir);
        engine.key_locks = self.key_locks;
        engine.policy.claim_duration = jiff::SignedDuration::from_millis(self.claim_ms);
        engine.limits.disk_reserve_bytes = self.disk_reserve_bytes;
        let (delay_ms, failing) = (self.commit_delay_ms, self.failing_sequence);
        engine.store.commit_hook = Some(Arc::new(move |sequence| {
            if delay_ms > 0 {
                std::thread::sleep(Duration::from_millis(sequence.wrapping_mul(7919) % delay_ms));
            }
            match failing {
                Some(failing) if sequence >= failing => Err(std::io::Error::other("a broken disk")),
                _ => Ok(()),
            }
        }));
        let server = ServerSettings { heartbeat_interval: Duration::from_millis(200), ..ServerSettings::default() };
        AppSettings { listen: SocketAddr::from(([127, 0, 0, 1], 0)), health_listen: None, server, engine }
    }
}

/// A server that ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it said.
    pub(crate) said: String,
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    /// The server ends with it.
    input: ChildStdin,
    pub(crate) address: SocketAddr,
    /// From its start to its first SERVING.
    pub(crate) ready_after: Duration,
    said: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(launch: &Launch) -> Self {
        let started = timeout(PATIENCE, Self::try_start(launch)).await.expect("a server that starts or ends");
        started.unwrap_or_else(|ended| panic!("the server ended with {}: {}", ended.status, ended.said))
    }

    /// Starts a server and waits until it is ready or has ended.
    pub(crate) async fn try_start(launch: &Launch) -> Result<Self, Ended> {
        let began = Instant::now();
        let mut child = spawn(launch);
        // Waiting for the child would close it.
        let input = child.stdin.take().expect("a pipe");
        let said = Arc::new(Mutex::new(String::new()));
        let Some(address) = listening(&mut child, &said).await else { return Err(ended(child, &said).await) };
        tokio::select! {
            () = ready(address) => {}
            _ = child.wait() => return Err(ended(child, &said).await),
        }
        Ok(Self { child, input, address, ready_after: began.elapsed(), said })
    }

    /// A connection of its own.
    pub(crate) async fn channel(&self) -> Channel {
        connect(self.address).await.expect("a connection")
    }

    /// Kills it as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("a process that can be killed");
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(self) {
        let Self { child, input, said, .. } = self;
        drop(input);
        let ended = timeout(PATIENCE, ended(child, &said)).await.expect("a server that ends");
        assert!(ended.status.success(), "the server ended with {}: {}", ended.status, ended.said);
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(self) -> Ended {
        timeout(PATIENCE, ended(self.child, &self.said)).await.expect("a server that ends")
    }
}

/// Starts a server and kills it after so long, ready or not.
pub(crate) async fn kill_while_it_starts(launch: &Launch, after: Duration) {
    let mut child = spawn(launch);
    sleep(after).await;
    child.kill().await.expect("a process that can be killed");
}

fn spawn(launch: &Launch) -> Child {
    let program = std::env::current_exe().expect("this program's path");
    Command::new(program)
        .args(["server::serves_where_a_campaign_asks_for_it", "--exact", "--nocapture"])
        .env(LAUNCH, serde_json::to_string(launch).expect("plain data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("this program can be started once more")
}

/// The address that the server names; `None` when it ends before. What it says goes on being read.
async fn listening(child: &mut Child, said: &Arc<Mutex<String>>) -> Option<SocketAddr> {
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut address = None;
    while address.is_none() {
        let line = lines.next_line().await.ok().flatten()?;
        address = line.split_once(LISTENING).and_then(|(_, address)| address.parse().ok());
        note(said, &line);
    }
    let said = Arc::clone(said);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            note(&said, &line);
        }
    });
    address
}

fn note(said: &Mutex<String>, line: &str) {
    let mut said = said.lock().expect("no panic");
    said.push_str(line);
    said.push('\n');
}

async fn ended(mut child: Child, said: &Mutex<String>) -> Ended {
    let status = child.wait().await.expect("a process that ends");
    // The reader of the pipe may be a moment behind.
    sleep(Duration::from_millis(50)).await;
    Ended { status, said: said.lock().expect("no panic").clone() }
}

/// Returns once the server says that it is ready.
async fn ready(address: SocketAddr) {
    loop {
        if let Ok(channel) = connect(address).await {
            let mut health = HealthClient::new(channel);
            let asked = health.check(HealthCheckRequest { service: READINESS.to_owned() }).await;
            if asked.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving) {
                return;
            }
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// No test: the server that campaigns start. It ends when its standard input does.
#[test]
fn serves_where_a_campaign_asks_for_it() {
    let Ok(launch) = std::env::var(LAUNCH) else { return };
    let launch: Launch = serde_json::from_str(&launch).expect("a launch");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let served = runtime.block_on(async {
        let app = App::bind(launch.settings()).await?;
        eprintln!("{LISTENING}{}", app.address().expect("an address"));
        app.run(input_ended()).await
    });
    if let Err(error) = served {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn input_ended() {
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}
