//! `leadgate bench`: how fast decisions are, beside how fast a bare health check is, on one machine in one run.
//!
//! Servers run in processes of their own; the client shares the machine's cores with them, as the numbers say.

mod facts;
mod generator;
mod load;
mod measurement;
mod results;
mod server;
mod stream;
mod workload;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::grpc::client::ServerAddress;
use crate::grpc::serve_bare_health;

use super::exit::{CommandError, Exit};
use super::output::{OutputFormat, say};

use generator::Generator;
use load::{Load, Until};
use results::{Results, WorkloadResult, mebibytes};
use server::{Kind, ServerProcess, TemporaryFolder};
use workload::{Requests, Sizes, Workload};

/// What is measured without --workload.
const USUAL: [Workload; 7] = [
    Workload::Health,
    Workload::MatchExact,
    Workload::UpsertNew,
    Workload::UpsertExisting,
    Workload::UpsertHot,
    Workload::BatchNew,
    Workload::StreamNew,
];
/// How long the server is under load when it is killed.
const LOAD_BEFORE_KILL: Duration = Duration::from_secs(2);
/// Connections that load leads before the measurement.
const LOADING_STREAMS: usize = 8;

/// Measure how many decisions a server takes per second, and how long each takes.
///
/// Starts a server of its own on an empty folder and a plain health server to compare with, unless --server names one. Closed loop: each
/// connection waits for its reply. With --rate an open loop: requests are sent by the clock and late ones count from when they were due.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchOptions {
    /// What to measure; several times for several, in this order.
    #[arg(long, value_enum, value_name = "NAME")]
    workload: Vec<Workload>,

    /// Leads to load before anything is measured.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000)]
    leads: u64,

    /// Connections, each a TCP connection of its own.
    #[arg(long, value_name = "NUMBER", default_value_t = 64)]
    connections: usize,

    /// How long to measure each workload in each round.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    seconds: f64,

    /// How many requests to measure instead.
    #[arg(long, value_name = "NUMBER", conflicts_with = "seconds")]
    requests: Option<u64>,

    /// Requests per second over all connections: an open loop.
    #[arg(long, value_name = "NUMBER")]
    rate: Option<f64>,

    /// How long to make requests before they are measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    warmup: f64,

    /// How often to measure everything, in turn; rates are medians.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    rounds: usize,

    /// Leads of the hot workloads.
    #[arg(long, value_name = "NUMBER", default_value_t = 200)]
    hot_keys: u64,

    /// Leads in a batch.
    #[arg(long, value_name = "NUMBER", default_value_t = 300)]
    batch_size: usize,

    /// Leads on their way in each stream.
    #[arg(long, value_name = "NUMBER", default_value_t = 128)]
    stream_window: usize,

    /// Streams of the workload stream-new.
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    streams: usize,

    /// What the generated leads depend on.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Keep the data in this folder; leads that it has are not loaded again. Default: a temporary folder.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Measure this server instead of one of our own.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "data_dir")]
    server: Option<ServerAddress>,

    /// Measure, at the end, how long the server takes to open its data again, after a stop and after a kill.
    #[arg(long, conflicts_with = "server")]
    reopen: bool,

    /// A further argument for the server that is started, such as --server-arg=--store-cache-mib=64.
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    server_arg: Vec<String>,

    /// How to print the results.
    #[arg(long, value_enum, default_value = "table")]
    output: OutputFormat,

    /// Be the plain health server that is compared with.
    #[arg(long, hide = true)]
    serve_bare_health: bool,
}

/// Measures and prints. Requests that failed end with [`Exit::Findings`].
pub(crate) async fn run(options: BenchOptions) -> Result<Exit, CommandError> {
    if options.serve_bare_health {
        return be_bare_health().await;
    }
    options.check()?;
    let mut bench = Bench::start(&options).await?;
    bench.load().await?;
    bench.measure().await?;
    let results = bench.finish().await?;
    results.print(options.output).map_err(in_use)?;
    Ok(if results.errors() == 0 { Exit::Success } else { Exit::Findings })
}

impl BenchOptions {
    fn check(&self) -> Result<(), CommandError> {
        let positive = |number: f64| number > 0.0 && number < 1e9;
        let durations = positive(self.seconds) && (0.0..=3_600.0).contains(&self.warmup);
        let counts = [self.connections, self.rounds, self.batch_size, self.stream_window, self.streams];
        if !durations || self.rate.is_some_and(|rate| !positive(rate)) || counts.contains(&0) || self.hot_keys == 0 {
            return Err(CommandError::usage("numbers and durations must be positive"));
        }
        Ok(())
    }

    fn workloads(&self) -> Vec<Workload> {
        if self.workload.is_empty() { USUAL.to_vec() } else { self.workload.clone() }
    }

    fn load(&self, workload: Workload) -> Load {
        Load {
            connections: if workload.is_stream() { self.streams } else { self.connections },
            rate: self.rate,
            warm_up: Duration::from_secs_f64(self.warmup),
            until: self.requests.map_or(Until::Elapsed(Duration::from_secs_f64(self.seconds)), Until::Requests),
            stream_window: self.stream_window,
        }
    }
}

/// A benchmark under way.
struct Bench<'a> {
    options: &'a BenchOptions,
    requests: Requests,
    address: ServerAddress,
    own: Option<(ServerProcess, Kind)>,
    bare: Option<ServerProcess>,
    results: Results,
    /// Last, so that it is removed when the server is gone.
    _temporary: Option<TemporaryFolder>,
}

impl<'a> Bench<'a> {
    async fn start(options: &'a BenchOptions) -> Result<Self, CommandError> {
        let temporary = match (&options.data_dir, &options.server) {
            (None, None) => Some(TemporaryFolder::create_in(&std::env::temp_dir()).map_err(in_use)?),
            _ => None,
        };
        let folder = options.data_dir.clone().or_else(|| temporary.as_ref().map(|folder| folder.path().to_owned()));
        let facts = facts::facts(&folder.clone().unwrap_or_else(std::env::temp_dir));
        let (address, own) = match (&options.server, folder) {
            (None, Some(folder)) => {
                let kind = Kind::Leadgate(folder, options.server_arg.clone());
                let (process, _) = ServerProcess::start(&kind).await?;
                (process.address.clone(), Some((process, kind)))
            }
            (Some(server), _) => (server.clone(), None),
            (None, None) => return Err(CommandError::new(Exit::Internal, "neither a folder nor a server")),
        };
        let bare = match options.workloads().contains(&Workload::Health) {
            true => Some(ServerProcess::start(&Kind::BareHealth).await?.0),
            false => None,
        };
        let sizes = Sizes { leads: options.leads, hot_keys: options.hot_keys, batch: options.batch_size };
        let results = Results { facts, workloads: Vec::new(), once: Vec::new() };
        let requests = Requests::new(Generator::new(options.seed), sizes, first_new(options));
        Ok(Self { options, requests, address, own, bare, results, _temporary: temporary })
    }

    /// Loads the leads that the other workloads ask for. Known ones stay as they are.
    async fn load(&mut self) -> Result<(), CommandError> {
        let leads = self.options.leads;
        if leads == 0 {
            return Ok(());
        }
        say(&format!("loading {leads} leads"));
        let sizes = Sizes { leads: 0, hot_keys: 1, batch: 1 };
        let loading = Requests::new(Generator::new(self.options.seed), sizes, 0);
        let load = Load {
            connections: LOADING_STREAMS,
            rate: None,
            warm_up: Duration::ZERO,
            until: Until::Requests(leads),
            stream_window: self.options.stream_window,
        };
        let measured = load::run(&self.address, Workload::StreamNew, &loading, &load).await?;
        if measured.errors() > 0 {
            return Err(CommandError::new(
                Exit::Unavailable,
                format!("leads could not be loaded: {:?}", measured.errors),
            ));
        }
        self.results.once.push(("loading", format!("{leads} leads at {:.0}/s", measured.rate())));
        if let Some(bytes) = self.memory() {
            self.results.once.push(("RssAnon after loading", format!("{} MiB", mebibytes(bytes))));
        }
        Ok(())
    }

    async fn measure(&mut self) -> Result<(), CommandError> {
        for workload in self.options.workloads() {
            self.results.workloads.push(WorkloadResult { workload, rounds: Vec::new(), memory_bytes: None });
        }
        for _ in 0..self.options.rounds {
            for index in 0..self.results.workloads.len() {
                let workload = self.results.workloads[index].workload;
                say(&format!("measuring {}", workload.name()));
                let address = match &self.bare {
                    Some(bare) if workload.is_bare() => &bare.address,
                    _ => &self.address,
                };
                let measured = load::run(address, workload, &self.requests, &self.options.load(workload)).await?;
                let memory_bytes = self.memory();
                let result = &mut self.results.workloads[index];
                result.rounds.push(measured);
                result.memory_bytes = memory_bytes.filter(|_| !workload.is_bare());
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Results, CommandError> {
        if let Some(bytes) = self.memory() {
            self.results.once.push(("RssAnon at the end", format!("{} MiB", mebibytes(bytes))));
        }
        let Some((process, kind)) = self.own else { return Ok(self.results) };
        if !self.options.reopen {
            process.stop().await?;
            return Ok(self.results);
        }
        let begun = Instant::now();
        process.stop().await?;
        self.results.once.push(("stop (SIGTERM)", seconds(begun.elapsed())));
        let (process, reopened) = ServerProcess::start(&kind).await?;
        self.results.once.push(("ready again after a stop", seconds(reopened)));
        let load = self.options.load(Workload::UpsertNew);
        let (address, requests) = (process.address.clone(), self.requests.clone());
        // Its connections break when the server dies, which is the point.
        let loading =
            tokio::spawn(async move { drop(load::run(&address, Workload::UpsertNew, &requests, &load).await) });
        tokio::time::sleep(LOAD_BEFORE_KILL).await;
        process.kill().await?;
        loading.abort();
        let (process, reopened) = ServerProcess::start(&kind).await?;
        self.results.once.push(("ready again after a kill under load", seconds(reopened)));
        process.stop().await?;
        Ok(self.results)
    }

    fn memory(&self) -> Option<u64> {
        self.own.as_ref().and_then(|(process, _)| process.memory_bytes())
    }
}

/// New leads have numbers that no earlier run over the same data used.
fn first_new(options: &BenchOptions) -> u64 {
    let fresh = options.leads + options.hot_keys;
    let kept = options.data_dir.is_some() || options.server.is_some();
    let run = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default() % 100_000_000;
    if kept { fresh + run * 1_000 } else { fresh }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn in_use(error: std::io::Error) -> CommandError {
    CommandError::new(Exit::InUse, error)
}

/// Serves nothing but health until it is killed.
async fn be_bare_health() -> Result<Exit, CommandError> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(in_use)?;
    let address = listener.local_addr().map_err(in_use)?;
    say(&format!("bare health listening on {address}"));
    let served = serve_bare_health(listener, std::future::pending()).await;
    served.map(|()| Exit::Success).map_err(|error| CommandError::new(Exit::Internal, error))
}
