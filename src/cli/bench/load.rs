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

    /// Which part of a request fell into what is measured. Rates are made of it: a call may take longer than the measurement lasts.
    pub(super) fn measured_part(&self, begun: Instant, ended: Instant) -> f64 {
        let from = begun.max(self.measured_from);
        let to = self.ends.map_or(ended, |ends| ends.min(ended));
        let part = to.saturating_duration_since(from).as_secs_f64();
        let whole = ended.saturating_duration_since(begun).as_secs_f64();
        if whole > 0.0 { part / whole } else { f64::from(u8::from(self.is_measured(begun))) }
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
        let ended = Instant::now();
        let is_measured = self.schedule.is_measured(begun);
        match reply {
            Ok(reply) => {
                self.measured.answered(leads, self.schedule.measured_part(begun, ended));
                if is_measured {
                    self.measured.success(ended - begun, leads);
                    self.statuses(call, &reply);
                }
            }
            Err(error) => {
                if is_measured {
                    self.measured.error(error.reason.as_deref().unwrap_or("UNREACHABLE"));
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_as_far_as_it_fell_into_the_measurement() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let schedule = Schedule { measured_from: at(10), ends: Some(at(20)), requests_left: None };
        let part = |from, to| schedule.measured_part(at(from), at(to));
        assert_eq!([part(12, 13), part(6, 14), part(18, 26), part(5, 25)], [1.0, 0.5, 0.25, 0.5]);
        assert_eq!([part(1, 9), part(21, 30), part(9, 9), part(12, 12)], [0.0, 0.0, 0.0, 1.0]);
        let endless = Schedule { ends: None, ..schedule };
        assert_eq!(endless.measured_part(at(8), at(28)), 0.9);
    }
}
