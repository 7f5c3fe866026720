//! The server that is measured: a process of its own on the same machine, with the bare health check on a second port.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use crate::app::{App, AppSettings};
use crate::cli::exit::{CommandError, Exit};
use crate::engine::EngineSettings;
use crate::grpc::load::LoadConnection;
use crate::grpc::{ServerSettings, serve_bare_health};

/// How long the server may take to start.
const START: Duration = Duration::from_secs(120);

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
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let bare = TcpListener::bind(any).await.map_err(in_use)?;
    let mut engine = EngineSettings::new(options.data_dir);
    engine.key_locks = options.key_locks;
    let settings = AppSettings { listen: any, health_listen: None, server: ServerSettings::default(), engine };
    let app = App::bind(settings).await.map_err(crate::cli::serve::app_failed)?;
    let addresses = format!("{} {}\n", app.address().map_err(in_use)?, bare.local_addr().map_err(in_use)?);
    crate::cli::output::print(&addresses).map_err(in_use)?;
    tokio::spawn(serve_bare_health(bare, std::future::pending()));
    let parent_gone = async {
        let waiting = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        drop(waiting.await);
    };
    app.run(parent_gone).await.map_err(crate::cli::serve::app_failed)?;
    Ok(Exit::Success)
}

/// A measured server, running.
pub(super) struct MeasuredServer {
    child: Child,
    /// Where leads are decided.
    pub(super) url: String,
    /// Where the bare health check is.
    pub(super) bare_url: String,
}

impl MeasuredServer {
    /// Starts it on a folder and waits until it decides.
    pub(super) async fn start(data_dir: &Path, key_locks: bool) -> Result<(Self, Duration), CommandError> {
        let failed =
            |error: std::io::Error| CommandError::new(Exit::Unavailable, format!("the measured server: {error}"));
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe().map_err(failed)?)
            .arg("bench-server")
            .arg("--data-dir")
            .arg(data_dir)
            .arg(format!("--key-locks={key_locks}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(failed)?;
        }
        let Some((main, bare)) = line.trim().split_once(' ') else {
            return Err(CommandError::new(Exit::Unavailable, "the measured server did not start"));
        };
        let server = Self { child, url: format!("http://{main}"), bare_url: format!("http://{bare}") };
        server.wait_until_ready(began).await?;
        Ok((server, began.elapsed()))
    }

    async fn wait_until_ready(&self, began: Instant) -> Result<(), CommandError> {
        let mut connection =
            LoadConnection::connect(&self.url).await.map_err(|error| CommandError::new(Exit::Unavailable, error))?;
        loop {
            // A match for nobody is answered only by an engine that is open.
            let nobody =
                crate::grpc::proto::LeadInput { email: Some("nobody@nowhere.example".into()), ..Default::default() };
            let request = crate::grpc::proto::MatchLeadRequest {
                source: "bench".into(),
                lead: Some(nobody),
                ..Default::default()
            };
            match connection.match_lead(request).await {
                Ok(_) => return Ok(()),
                Err(error) if began.elapsed() > START => return Err(CommandError::new(Exit::Unavailable, error)),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// The anonymous memory of the server in KiB (`RssAnon`), where the system tells it.
    pub(super) fn anonymous_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    }

    /// Processor time that the server has used, user and system, in seconds, where the system tells it.
    pub(super) fn cpu_seconds(&self) -> Option<f64> {
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let behind_name = stat.rsplit_once(") ")?.1;
        let mut ticks = behind_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
        Some((ticks.next()? + ticks.next()?) / TICKS_PER_SECOND)
    }

    /// Ends it as an operator would, and waits.
    pub(super) async fn stop(mut self) -> Result<(), CommandError> {
        drop(self.child.stdin.take());
        let ended = tokio::task::spawn_blocking(move || self.child.wait()).await;
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            _ => Err(CommandError::new(Exit::Findings, "the measured server did not end well")),
        }
    }
}
