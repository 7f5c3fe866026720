//! What was measured: how many, how fast, with which outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::grpc::proto::UpsertStatus;

/// The longest latency that is told apart: a minute, in microseconds.
const LONGEST_MICROS: u64 = 60_000_000;

/// What one connection, or all of them together, measured.
#[derive(Debug, Clone)]
pub(crate) struct Measurement {
    /// From sending, or from when it should have been sent, to the reply; in microseconds, successful requests only.
    latencies: Histogram<u64>,
    /// Requests that began within the measurement and succeeded.
    pub(crate) requests: u64,
    /// Leads in them.
    pub(crate) leads: u64,
    /// Leads that were answered, those before the measurement included.
    pub(crate) answered: u64,
    /// The part of them that was worked off within the measurement.
    pub(crate) within: f64,
    /// By status, how many leads.
    pub(crate) statuses: BTreeMap<&'static str, u64>,
    /// By reason, how many requests or leads failed.
    pub(crate) errors: BTreeMap<String, u64>,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

impl Measurement {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            latencies: histogram(),
            requests: 0,
            leads: 0,
            answered: 0,
            within: 0.0,
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Notes that leads were answered, and which part of their request fell into the measurement.
    pub(crate) fn answered(&mut self, leads: u64, measured_part: f64) {
        self.answered += leads;
        self.within += leads as f64 * measured_part;
    }

    /// Notes a request that began within the measurement and succeeded.
    pub(crate) fn success(&mut self, latency: Duration, leads: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROS).clamp(1, LONGEST_MICROS);
        self.latencies.saturating_record(micros);
        self.requests += 1;
        self.leads += leads;
    }

    /// Notes the status of a lead; FAILED counts as an error.
    pub(crate) fn status(&mut self, status: i32) {
        let status = UpsertStatus::try_from(status).unwrap_or_default();
        let name = crate::cli::json::status(status);
        *self.statuses.entry(name).or_default() += 1;
        if status == UpsertStatus::Failed {
            self.error("FAILED");
        }
    }

    /// Notes a request that failed.
    pub(crate) fn error(&mut self, reason: &str) {
        match self.errors.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(self.errors.insert(reason.to_owned(), 1)),
        }
    }

    /// Adds what another connection measured meanwhile.
    pub(crate) fn add(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.latencies.add(&other.latencies);
        self.requests += other.requests;
        self.leads += other.leads;
        self.answered += other.answered;
        self.within += other.within;
        for (status, count) in &other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (reason, count) in &other.errors {
            *self.errors.entry(reason.clone()).or_default() += count;
        }
    }

    /// Leads per second.
    pub(crate) fn rate(&self) -> f64 {
        if self.elapsed.is_zero() { 0.0 } else { self.within / self.elapsed.as_secs_f64() }
    }

    /// How many errors there were.
    pub(crate) fn errors(&self) -> u64 {
        self.errors.values().sum()
    }

    /// A percentile of the latency, in milliseconds.
    pub(crate) fn percentile_ms(&self, percentile: f64) -> f64 {
        self.latencies.value_at_percentile(percentile) as f64 / 1_000.0
    }

    /// The longest latency, in milliseconds.
    pub(crate) fn max_ms(&self) -> f64 {
        self.latencies.max() as f64 / 1_000.0
    }
}

fn histogram() -> Histogram<u64> {
    // Three digits between a microsecond and a minute: bounds that are always right.
    Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("the bounds are in order")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_add_up() {
        let mut all = Measurement::new();
        for latency in [1, 2, 3] {
            let mut one = Measurement::new();
            one.answered(20, 0.5);
            one.success(Duration::from_millis(latency), 10);
            one.status(UpsertStatus::Created.into());
            one.status(UpsertStatus::Failed.into());
            all.add(&one);
        }
        all.elapsed = Duration::from_secs(2);
        assert_eq!((all.requests, all.leads, all.answered, all.errors()), (3, 30, 60, 3));
        assert_eq!((all.statuses["CREATED"], all.rate()), (3, 15.0));
        assert!((all.percentile_ms(50.0) - 2.0).abs() < 0.01 && all.max_ms() >= 3.0);
    }
}
