//! The server that is measured: a process of its own on the same machine, so that its memory and its restarts are its own, with the bare
//! health check on a second port.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::app::{App, AppSettings};
use crate::cli::exit::{CommandError, Exit};
use crate::cli::output::print;
use crate::cli::serve::app_failed;
use crate::config::LogSettings;
use crate::engine::EngineSettings;
use crate::grpc::client::{Client, ServerAddress, Serving};
use crate::grpc::{READINESS, ServerSettings, serve_bare_health};
use crate::telemetry;

/// How long a server may take to recover.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(300);
/// How often it is asked whether it has.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// Serve for a benchmark: prints its two addresses and ends with its standard input.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchServerOptions {
    /// The data folder.
    #[arg(long)]
    data_dir: PathBuf,

    /// Whether requests with the same keys queue up.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    key_locks: bool,
}

/// Runs the measured server until its parent closes its standard input.
pub(crate) async fn serve(options: BenchServerOptions) -> Result<Exit, CommandError> {
    let in_use = |error: std::io::Error| CommandError::new(Exit::InUse, error);
    let log = LogSettings { filter: "warn".to_owned(), ..LogSettings::default() };
    telemetry::start_logging(&log).map_err(|error| CommandError::new(Exit::Internal, error))?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bare = TcpListener::bind(any).await.map_err(in_use)?;
    let engine = EngineSettings { key_locks: options.key_locks, ..EngineSettings::new(options.data_dir) };
    let settings = AppSettings { listen: any, health_listen: None, server: ServerSettings::default(), engine };
    let app = App::bind(settings).await.map_err(app_failed)?;
    let addresses = format!("{} {}\n", app.address().map_err(in_use)?, bare.local_addr().map_err(in_use)?);
    print(&addresses).map_err(in_use)?;
    tokio::spawn(serve_bare_health(bare, std::future::pending()));
    let parent_gone = async {
        let waiting = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        drop(waiting.await);
    };
    app.run(parent_gone).await.map_err(app_failed)?;
    Ok(Exit::Success)
}

/// A measured server; killed when it is dropped.
pub(super) struct MeasuredServer {
    child: Child,
    /// Where leads are decided.
    pub(super) address: ServerAddress,
    /// Where the bare health check is.
    pub(super) bare_address: ServerAddress,
}

impl MeasuredServer {
    /// Starts it on a folder and waits until it decides; returns how long that took.
    pub(super) async fn start(data_dir: &Path, key_locks: bool) -> Result<(Self, Duration), CommandError> {
        let begun = Instant::now();
        let mut child = Command::new(std::env::current_exe().map_err(failed)?)
            .arg("bench-server")
            .arg("--data-dir")
            .arg(data_dir)
            .arg(format!("--key-locks={key_locks}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).await.map_err(failed)?;
        }
        let parsed =
            |text: Option<&str>| text.and_then(|text| text.parse().ok()).ok_or_else(|| failed("it did not start"));
        let mut addresses = line.split_whitespace();
        let server = Self { child, address: parsed(addresses.next())?, bare_address: parsed(addresses.next())? };
        until_ready(&server.address).await?;
        Ok((server, begun.elapsed()))
    }

    /// Memory of its own in bytes, `RssAnon`, where the system tells it.
    pub(super) fn memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Processor time that it has used, user and system, where the system tells it.
    pub(super) fn processor_time(&self) -> Option<Duration> {
        const TICK_MS: u64 = 10;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()?)).ok()?;
        let behind_name = stat.rsplit_once(") ")?.1;
        let mut ticks = behind_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        Some(Duration::from_millis((ticks.next()? + ticks.next()?) * TICK_MS))
    }

    /// Ends it as an operator would, and waits.
    pub(super) async fn stop(mut self) -> Result<(), CommandError> {
        drop(self.child.stdin.take());
        let status = self.child.wait().await.map_err(failed)?;
        if status.success() { Ok(()) } else { Err(failed(format!("it ended with {status}"))) }
    }

    /// Kills it in the middle of whatever it does.
    pub(super) async fn kill(mut self) -> Result<(), CommandError> {
        self.child.kill().await.map_err(failed)
    }
}

async fn until_ready(address: &ServerAddress) -> Result<(), CommandError> {
    let deadline = Instant::now() + RECOVERY_DEADLINE;
    let mut client = Client::connect(address).await?;
    while client.serving(READINESS).await? != Serving::Yes {
        if Instant::now() > deadline {
            return Err(failed("it did not become ready"));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(())
}

fn failed(problem: impl ToString) -> CommandError {
    CommandError::new(Exit::Unavailable, format!("the measured server: {}", problem.to_string()))
}

/// The folder of the measured server.
pub(super) enum Scratch {
    Given(PathBuf),
    /// Removed in the end, however that comes in order.
    Temporary(TempDir),
}

impl Scratch {
    /// The folder given, or one below the current folder: the system's temporary one may be memory, where an fsync costs nothing.
    pub(super) fn new(given: Option<&Path>) -> std::io::Result<Self> {
        match given {
            Some(path) => std::fs::create_dir_all(path).map(|()| Self::Given(path.to_owned())),
            None => tempfile::Builder::new().prefix("leadgate-bench-").tempdir_in(".").map(Self::Temporary),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}
