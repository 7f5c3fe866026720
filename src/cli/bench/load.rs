//! Drives a workload: connections that each wait for their reply before they ask again, or that ask by the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prost::Message;
use tokio::task::JoinSet;

use crate::grpc::client::{Call, ClientError, LoadClient, ServerAddress, StatusOnly, StatusesOnly};

use super::measurement::Measurement;
use super::stream;
use super::workload::{Prepared, Requests, Source, Workload};

/// When a measurement ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After so long.
    Elapsed(Duration),
    /// After so many requests over all connections.
    Requests(u64),
}

/// How the server is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Connections, each with a TCP connection of its own.
    pub(crate) connections: usize,
    /// Requests per second over all connections, whether or not they are answered in time; `None` for a closed loop.
    pub(crate) rate: Option<f64>,
    /// How long requests are made before they are measured.
    pub(crate) warm_up: Duration,
    /// When it ends.
    pub(crate) until: Until,
    /// Leads on their way in each stream.
    pub(crate) stream_window: usize,
}

/// When what happens, for every connection alike.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    measured_from: Instant,
    ends: Option<Instant>,
    requests_left: Option<Arc<AtomicU64>>,
}

impl Schedule {
    fn new(load: &Load) -> Self {
        let measured_from = Instant::now() + load.warm_up;
        match load.until {
            Until::Elapsed(duration) => {
                Self { measured_from, ends: Some(measured_from + duration), requests_left: None }
            }
            Until::Requests(requests) => {
                Self { measured_from, ends: None, requests_left: Some(Arc::new(requests.into())) }
            }
        }
    }

    /// Whether a request that begins now is measured.
    pub(super) fn is_measured(&self, begun: Instant) -> bool {
        begun >= self.measured_from
    }

    /// Whether another request may begin.
    pub(super) fn goes_on(&self, now: Instant) -> bool {
        match (&self.requests_left, self.ends) {
            (Some(_), _) if now < self.measured_from => true,
            (Some(left), _) => {
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            }
            (None, ends) => ends.is_none_or(|ends| now < ends),
        }
    }
}

/// Runs a workload and adds up what the connections measured.
pub(crate) async fn run(
    address: &ServerAddress,
    workload: Workload,
    requests: &Requests,
    load: &Load,
) -> Result<Measurement, ClientError> {
    let mut connections = Vec::with_capacity(load.connections);
    for connection in 0..load.connections {
        let source = requests.of_connection(workload, connection as u64);
        connections.push((LoadClient::connect(address).await?, source));
    }
    let schedule = Schedule::new(load);
    let mut running = JoinSet::new();
    for (index, (client, source)) in connections.into_iter().enumerate() {
        let (schedule, load, requests) = (schedule.clone(), *load, requests.clone());
        running.spawn(async move {
            match load.rate {
                _ if workload.is_stream() => stream::run(client, &requests, &schedule, load.stream_window).await,
                Some(rate) => {
                    Connection::new(client, source, schedule).by_the_clock(index, load.connections, rate).await
                }
                None => Connection::new(client, source, schedule).one_after_the_other().await,
            }
        });
    }
    let mut all = Measurement::new();
    while let Some(measured) = running.join_next().await {
        match measured {
            Ok(measured) => all.add(&measured),
            Err(_) => all.error("PANIC"),
        }
    }
    all.elapsed = match load.until {
        Until::Elapsed(duration) => duration,
        Until::Requests(_) => schedule.measured_from.elapsed(),
    };
    Ok(all)
}

struct Connection {
    client: LoadClient,
    source: Source,
    schedule: Schedule,
    measured: Measurement,
}

impl Connection {
    fn new(client: LoadClient, source: Source, schedule: Schedule) -> Self {
        Self { client, source, schedule, measured: Measurement::new() }
    }

    /// A closed loop.
    async fn one_after_the_other(mut self) -> Measurement {
        loop {
            if !self.schedule.goes_on(Instant::now()) {
                return self.measured;
            }
            self.ask(None).await;
        }
    }

    /// An open loop. A request that is late because an earlier one took long counts from when it was due: otherwise the worst moments
    /// would be measured least.
    async fn by_the_clock(mut self, index: usize, connections: usize, rate: f64) -> Measurement {
        let interval = Duration::from_secs_f64(connections as f64 / rate);
        let mut due = Instant::now() + interval.mul_f64(index as f64 / connections as f64);
        loop {
            tokio::time::sleep_until(due.into()).await;
            if !self.schedule.goes_on(due) {
                return self.measured;
            }
            self.ask(Some(due)).await;
            due += interval;
        }
    }

    /// One request; without a due time its latency counts from when it has been made.
    async fn ask(&mut self, due: Option<Instant>) {
        let Prepared { call, message, leads } = self.source.next();
        let begun = due.unwrap_or_else(Instant::now);
        let reply = self.client.call(call, message).await;
        if !self.schedule.is_measured(begun) {
            return;
        }
        match reply {
            Ok(reply) => {
                self.measured.success(begun.elapsed(), leads);
                self.statuses(call, &reply);
            }
            Err(error) => {
                self.measured.error(error.reason.as_deref().unwrap_or("UNREACHABLE"));
                // A closed loop over a dead server would do nothing but fail.
                tokio::time::sleep(error.retry_after.unwrap_or(Duration::from_millis(10))).await;
            }
        }
    }

    fn statuses(&mut self, call: Call, reply: &[u8]) {
        match call {
            Call::HealthCheck => {}
            Call::MatchLead | Call::Upsert => {
                self.measured.status(StatusOnly::decode(reply).unwrap_or_default().status);
            }
            Call::BatchUpsert => {
                for result in StatusesOnly::decode(reply).unwrap_or_default().results {
                    self.measured.status(result.status);
                }
            }
        }
    }
}
