//! `leadgate bench`: how fast this build is on this machine, as ratios to a bare health check in the same run.

mod drive;
mod leads;
mod report;
mod server;
mod workload;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::grpc::load::LoadConnection;

use super::exit::{CommandError, Exit};
use super::output::{OutputFormat, print, print_json, print_json_line, say};

use drive::{Drive, Measured, drive};
use report::{Line, table};
use server::MeasuredServer;
use workload::{Numbers, Workload};

pub(super) use server::{BenchServerOptions, serve};

/// Measure rates and latencies.
///
/// Starts a server of its own on an empty folder, loads leads, and runs each workload in turn; client and server share the machine. Each
/// round measures all workloads, and the table shows the round whose ratio to the health check is the median.
#[derive(Debug, clap::Args)]
pub(super) struct BenchOptions {
    /// What to measure, in this order.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "health,match-exact,upsert-existing,upsert-hot,upsert-new,mixed,batch-new,stream-new"
    )]
    workloads: Vec<Workload>,
    /// Connections, each with one call at a time in a closed loop.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    connections: u32,
    /// Seconds per workload and round.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Rounds over all workloads.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Leads to load before anything is measured.
    #[arg(long, default_value_t = 10_000)]
    leads: u64,
    /// Leads that everybody writes in the hot workloads.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    hot_keys: u64,
    /// Open loop: calls per second over all connections. Latency counts from when a call was due.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Where the data goes; a temporary folder beside the current one if not given.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Stop and start the server at the end, and tell how long it took to be ready.
    #[arg(long)]
    reopen: bool,
    /// Switch the key locks off: right all the same, only slower.
    #[arg(long)]
    no_key_locks: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// Measures and prints.
pub(super) async fn run(options: BenchOptions) -> Result<Exit, CommandError> {
    let scratch = Scratch::new(options.data_dir.as_deref())?;
    let (server, _) = MeasuredServer::start(&scratch.path, !options.no_key_locks).await?;
    let bench = Bench::connect(&options, server).await?;
    bench.load().await?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        rounds.push(bench.round().await?);
    }
    let errors = print_result(&options, rounds)?;
    bench.tell_memory();
    let (server, options) = (bench.server, bench.options);
    server.stop().await?;
    if options.reopen {
        let (server, took) = MeasuredServer::start(&scratch.path, true).await?;
        say(&format!("reopened and ready in {:.2} s", took.as_secs_f64()));
        server.stop().await?;
    }
    Ok(if errors { Exit::Findings } else { Exit::Success })
}

struct Bench<'a> {
    options: &'a BenchOptions,
    server: MeasuredServer,
    connections: Vec<LoadConnection>,
    bare: Vec<LoadConnection>,
    numbers: Arc<Numbers>,
}

impl<'a> Bench<'a> {
    async fn connect(options: &'a BenchOptions, server: MeasuredServer) -> Result<Self, CommandError> {
        let numbers = Numbers {
            next_new: AtomicU64::new(0),
            hot_keys: options.hot_keys,
            serial: AtomicU64::new(0),
            created: AtomicU64::new(0),
        };
        let connections = connect(&server.url, options.connections).await?;
        let bare = connect(&server.bare_url, options.connections).await?;
        Ok(Self { options, server, connections, bare, numbers: Arc::new(numbers) })
    }

    /// Loads the leads that the workloads look for.
    async fn load(&self) -> Result<(), CommandError> {
        let wanted = match self.options.workloads.iter().any(|workload| workload.needs_leads()) {
            true => self.options.leads.max(1_000),
            false => self.options.leads,
        };
        let began = std::time::Instant::now();
        while self.numbers.next_new.load(std::sync::atomic::Ordering::Relaxed) < wanted {
            let burst = Drive { duration: Duration::from_millis(200), rate: None };
            let few = &self.connections[..self.connections.len().min(8)];
            let measured = drive(Workload::StreamNew, few, &self.numbers, burst).await;
            if let Some(error) = measured.first_error {
                return Err(CommandError::new(Exit::Unavailable, format!("loading: {error}")));
            }
        }
        say(&format!("{wanted} leads loaded in {:.1} s", began.elapsed().as_secs_f64()));
        Ok(())
    }

    async fn round(&self) -> Result<Vec<Line>, CommandError> {
        let mut health_rate = None;
        let mut lines = Vec::new();
        for workload in &self.options.workloads {
            let (measured, cpu) = self.measure(*workload).await;
            if let Some(error) = &measured.first_error {
                say(&format!("{workload:?}: {} calls failed, the first with: {error}", measured.errors));
            }
            if *workload == Workload::Health {
                health_rate = Some(measured.rate());
            }
            let name = clap::ValueEnum::to_possible_value(workload).map(|value| value.get_name().to_owned());
            lines.push(Line::new(name.unwrap_or_default(), &measured, health_rate, cpu));
        }
        Ok(lines)
    }

    async fn measure(&self, workload: Workload) -> (Measured, Option<f64>) {
        let connections = if workload == Workload::Health { &self.bare } else { &self.connections };
        let how = Drive { duration: Duration::from_secs(self.options.seconds), rate: self.options.rate };
        let before = self.server.cpu_seconds();
        let measured = drive(workload, connections, &self.numbers, how).await;
        let cpu = before.zip(self.server.cpu_seconds()).map(|(before, after)| after - before);
        (measured, cpu)
    }

    fn tell_memory(&self) {
        if let Some(kib) = self.server.anonymous_kib() {
            let leads = self.numbers.next_new.load(std::sync::atomic::Ordering::Relaxed);
            say(&format!("{leads} leads; the server's anonymous memory is {} MiB", kib / 1024));
        }
    }
}

async fn connect(url: &str, count: u32) -> Result<Vec<LoadConnection>, CommandError> {
    let mut connections = Vec::new();
    for _ in 0..count {
        let connection = LoadConnection::connect(url).await;
        connections.push(connection.map_err(|error| CommandError::new(Exit::Unavailable, error))?);
    }
    Ok(connections)
}

/// Prints, for each workload, the round whose ratio is the median; whether any call failed.
fn print_result(options: &BenchOptions, rounds: Vec<Vec<Line>>) -> Result<bool, CommandError> {
    let errors = rounds.iter().flatten().any(Line::has_errors);
    let lines = report::medians(rounds);
    let printed = match options.output {
        OutputFormat::Table => print(&table(&lines)),
        OutputFormat::Json => print_json(&lines),
        OutputFormat::Jsonl => lines.iter().try_for_each(print_json_line),
    };
    printed.map_err(|error| CommandError::new(Exit::InUse, error))?;
    Ok(errors)
}

/// The folder of the measured server; a temporary one is removed at the end.
struct Scratch {
    path: PathBuf,
    temporary: bool,
}

impl Scratch {
    fn new(given: Option<&std::path::Path>) -> Result<Self, CommandError> {
        let path = given.map_or_else(|| PathBuf::from(format!("leadgate-bench-{}", std::process::id())), PathBuf::from);
        std::fs::create_dir_all(&path).map_err(|error| CommandError::new(Exit::InUse, error))?;
        Ok(Self { path, temporary: given.is_none() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed stays for a person to see.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
