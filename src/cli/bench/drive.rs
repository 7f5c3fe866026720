//! Driving a workload: closed loop (each connection calls as soon as it is answered) or open loop (calls start on a schedule, and
//! the time that one waits behind another counts, so that a stall is not hidden: "coordinated omission", Gil Tene).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::grpc::load::{LoadConnection, LoadError};

use super::workload::{Numbers, Workload, call};

/// The longest latency that is told apart, in microseconds.
const LONGEST_MICROS: u64 = 60_000_000;

/// How a workload is driven.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drive {
    /// For how long.
    pub(super) duration: Duration,
    /// Calls per second over all connections; `None` for a closed loop.
    pub(super) rate: Option<u32>,
}

/// What a run measured.
pub(super) struct Measured {
    pub(super) workload: Workload,
    /// Latencies of calls that succeeded, in microseconds.
    pub(super) latency: Histogram<u64>,
    /// Calls that failed.
    pub(super) errors: u64,
    /// The first failure's text.
    pub(super) first_error: Option<String>,
    /// How long it really took.
    pub(super) elapsed: Duration,
    /// Replies that said CREATED.
    pub(super) created: u64,
}

impl Measured {
    fn empty(workload: Workload) -> Self {
        // The bounds are constants that the histogram accepts.
        let latency =
            Histogram::new_with_bounds(1, LONGEST_MICROS, 3).unwrap_or_else(|_| unreachable!("constant bounds"));
        Self { workload, latency, errors: 0, first_error: None, elapsed: Duration::ZERO, created: 0 }
    }

    /// Leads, or checks, per second.
    pub(super) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of calls is far below 2^52")]
        let leads = (self.latency.len() * self.workload.leads_per_call()) as f64;
        leads / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    fn note(&mut self, latency: Duration, result: Result<(), LoadError>) {
        match result {
            Ok(()) => {
                let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROS);
                self.latency.saturating_record(micros.max(1));
            }
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| error.to_string());
            }
        }
    }

    fn add(&mut self, other: Self) {
        // Both have the same bounds.
        let _ = self.latency.add(other.latency);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// Runs a workload over all connections.
pub(super) async fn drive(
    workload: Workload,
    connections: &[LoadConnection],
    numbers: &Arc<Numbers>,
    drive: Drive,
) -> Measured {
    let began = Instant::now();
    let created = numbers.created.load(Ordering::Relaxed);
    let mut tasks = JoinSet::new();
    for (index, connection) in connections.iter().enumerate() {
        let (connection, numbers) = (connection.clone(), Arc::clone(numbers));
        let until = began + drive.duration;
        match drive.rate {
            None => drop(tasks.spawn(closed_loop(workload, connection, numbers, until))),
            Some(rate) => {
                let interval = Duration::from_secs_f64(connections.len() as f64 / f64::from(rate.max(1)));
                let first = began + interval.mul_f64(index as f64 / connections.len() as f64);
                tasks.spawn(open_loop(workload, connection, numbers, first, interval, until));
            }
        }
    }
    let mut measured = Measured::empty(workload);
    while let Some(joined) = tasks.join_next().await {
        if let Ok(of_connection) = joined {
            measured.add(of_connection);
        }
    }
    measured.elapsed = began.elapsed();
    measured.created = numbers.created.load(Ordering::Relaxed) - created;
    measured
}

async fn closed_loop(
    workload: Workload,
    mut connection: LoadConnection,
    numbers: Arc<Numbers>,
    until: Instant,
) -> Measured {
    let mut measured = Measured::empty(workload);
    let mut began = Instant::now();
    while began < until {
        let result = call(workload, &mut connection, &numbers).await;
        let now = Instant::now();
        measured.note(now - began, result);
        began = now;
    }
    measured
}

async fn open_loop(
    workload: Workload,
    connection: LoadConnection,
    numbers: Arc<Numbers>,
    first: Instant,
    interval: Duration,
    until: Instant,
) -> Measured {
    let mut measured = Measured::empty(workload);
    let mut calls = JoinSet::new();
    let mut due = first;
    while due < until {
        tokio::time::sleep_until(due).await;
        let (mut connection, numbers) = (connection.clone(), Arc::clone(&numbers));
        calls.spawn(async move {
            let result = call(workload, &mut connection, &numbers).await;
            (due.elapsed(), result)
        });
        due += interval;
        while let Some(Ok((latency, result))) = calls.try_join_next() {
            measured.note(latency, result);
        }
    }
    while let Some(Ok((latency, result))) = calls.join_next().await {
        measured.note(latency, result);
    }
    measured
}
