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

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::grpc::client::ServerAddress;

use super::exit::{CommandError, Exit};
use super::output::{OutputFormat, say};

use generator::Generator;
use load::{Load, Until};
use results::{Results, WorkloadResult, mebibytes};
use server::{MeasuredServer, Scratch};
use workload::{Requests, Sizes, Workload};

pub(super) use server::{BenchServerOptions, serve};

/// How long the server is under load when it is killed.
const LOAD_BEFORE_KILL: Duration = Duration::from_secs(2);
/// Connections that load leads before the measurement.
const LOADING_STREAMS: usize = 8;

/// Measure how many decisions a server takes per second, and how long each takes.
///
/// Starts a server of its own on an empty folder, loads leads, and runs each workload in turn, beside a bare health check on a second port;
/// client and server share the machine. Closed loop: each connection waits for its reply. With --rate an open loop: calls are made by the
/// clock, and late ones count from when they were due.
#[derive(Debug, clap::Args)]
pub(super) struct BenchOptions {
    /// What to measure, in this order.
    #[arg(
        long,
        visible_alias = "workload",
        value_enum,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "health,match-exact,upsert-existing,upsert-hot,upsert-new,mixed,batch-new,stream-new"
    )]
    workloads: Vec<Workload>,

    /// Leads to load before anything is measured.
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    leads: u64,

    /// Connections, each a TCP connection of its own.
    #[arg(long, value_name = "NUMBER", default_value_t = 64)]
    connections: usize,

    /// How long to measure each workload in each round.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
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

    /// Keep the data in this folder; leads that it has stay as they are. Default: a temporary folder below the current one.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Measure this server instead of one of our own.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "data_dir")]
    server: Option<ServerAddress>,

    /// Measure, at the end, how long the server takes to open its data again, after a stop and after a kill.
    #[arg(long, conflicts_with = "server")]
    reopen: bool,

    /// Switch the key locks off: right all the same, only slower.
    #[arg(long, conflicts_with = "server")]
    no_key_locks: bool,

    /// How to print the results.
    #[arg(long, value_enum, default_value = "table")]
    output: OutputFormat,
}

/// Measures and prints. Requests that failed end with [`Exit::Findings`].
pub(super) async fn run(options: BenchOptions) -> Result<Exit, CommandError> {
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
    own: Option<MeasuredServer>,
    results: Results,
    /// Last, so that it is removed when the server is gone.
    scratch: Scratch,
}

impl<'a> Bench<'a> {
    async fn start(options: &'a BenchOptions) -> Result<Self, CommandError> {
        let scratch = Scratch::new(options.data_dir.as_deref()).map_err(in_use)?;
        let facts = facts::facts(scratch.path());
        let (address, own) = match &options.server {
            Some(server) => (server.clone(), None),
            None => {
                let (server, _) = MeasuredServer::start(scratch.path(), !options.no_key_locks).await?;
                (server.address.clone(), Some(server))
            }
        };
        let sizes = Sizes { leads: options.leads, hot_keys: options.hot_keys, batch: options.batch_size };
        let results = Results { facts, workloads: Vec::new(), once: Vec::new() };
        let requests = Requests::new(Generator::new(options.seed), sizes, first_new(options));
        Ok(Self { options, requests, address, own, results, scratch })
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
        for workload in &self.options.workloads {
            self.results.workloads.push(WorkloadResult::new(*workload));
        }
        for _ in 0..self.options.rounds {
            for index in 0..self.results.workloads.len() {
                self.measure_one(index).await?;
            }
        }
        Ok(())
    }

    async fn measure_one(&mut self, index: usize) -> Result<(), CommandError> {
        let workload = self.results.workloads[index].workload;
        say(&format!("measuring {}", workload.name()));
        let address = match &self.own {
            Some(own) if workload.is_bare() => &own.bare_address,
            _ => &self.address,
        };
        let before = self.own.as_ref().and_then(MeasuredServer::processor_time);
        let measured = load::run(address, workload, &self.requests, &self.options.load(workload)).await?;
        let after = self.own.as_ref().and_then(MeasuredServer::processor_time);
        let memory_bytes = self.memory();
        let result = &mut self.results.workloads[index];
        result.processor_time += before.zip(after).map_or(Duration::ZERO, |(before, after)| after - before);
        result.rounds.push(measured);
        result.memory_bytes = memory_bytes;
        Ok(())
    }

    async fn finish(mut self) -> Result<Results, CommandError> {
        if let Some(bytes) = self.memory() {
            self.results.once.push(("RssAnon at the end", format!("{} MiB", mebibytes(bytes))));
        }
        let Some(server) = self.own.take() else { return Ok(self.results) };
        let begun = Instant::now();
        server.stop().await?;
        if self.options.reopen {
            self.results.once.push(("stop", seconds(begun.elapsed())));
            self.reopen().await?;
        }
        Ok(self.results)
    }

    /// Opens the data twice: after a stop in order, and after a kill under load.
    async fn reopen(&mut self) -> Result<(), CommandError> {
        let key_locks = !self.options.no_key_locks;
        let (server, reopened) = MeasuredServer::start(self.scratch.path(), key_locks).await?;
        self.results.once.push(("ready again after a stop", seconds(reopened)));
        let load = self.options.load(Workload::UpsertNew);
        let (address, requests) = (server.address.clone(), self.requests.clone());
        // Its connections break when the server dies, which is the point.
        let loading =
            tokio::spawn(async move { drop(load::run(&address, Workload::UpsertNew, &requests, &load).await) });
        tokio::time::sleep(LOAD_BEFORE_KILL).await;
        server.kill().await?;
        loading.abort();
        let (server, reopened) = MeasuredServer::start(self.scratch.path(), key_locks).await?;
        self.results.once.push(("ready again after a kill under load", seconds(reopened)));
        server.stop().await
    }

    fn memory(&self) -> Option<u64> {
        self.own.as_ref().and_then(MeasuredServer::memory_bytes)
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
