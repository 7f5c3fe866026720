//! The server as a process of its own, to be killed.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use leadgate::grpc::READINESS;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::launch::{LISTENING, Launch};
use super::wire::connect;

/// Nobody waits longer for a server.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it said.
    pub(crate) said: String,
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    /// What one with hooks ends with; the shipped one ends by a signal.
    input: Option<ChildStdin>,
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
        let input = child.stdin.take().filter(|_| launch.hooks.is_some());
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
        match input {
            Some(input) => drop(input),
            None => terminate(&child).await,
        }
        let ended = timeout(PATIENCE, ended(child, &said)).await.expect("a server that ends");
        assert!(ended.status.success(), "the server ended with {}: {}", ended.status, ended.said);
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(self) -> Ended {
        let Self { child, input: _input, said, .. } = self;
        timeout(PATIENCE, ended(child, &said)).await.expect("a server that ends")
    }
}

async fn terminate(child: &Child) {
    let id = child.id().expect("a process that runs").to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(asked.is_ok_and(|status| status.success()), "a process that takes signals");
}

/// Starts a server and kills it after so long, ready or not.
pub(crate) async fn kill_while_it_starts(launch: &Launch, after: Duration) {
    let mut child = spawn(launch);
    sleep(after).await;
    child.kill().await.expect("a process that can be killed");
}

fn spawn(launch: &Launch) -> Child {
    let mut command = launch.command();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("a program that can be started")
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
