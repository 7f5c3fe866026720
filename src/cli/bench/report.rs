//! The table of a benchmark: rates, their ratio to the bare health check, and percentiles.

use serde::Serialize;

use crate::cli::output::Table;

use super::drive::Measured;

/// One line of the table.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    workload: String,
    per_second: f64,
    /// Of the bare health check's rate in the same run; absent where that was not measured.
    ratio_to_health: Option<f64>,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
    calls: u64,
    errors: u64,
    created: u64,
    /// Processor time of the server per lead or check, in microseconds.
    server_cpu_us: Option<f64>,
}

impl Line {
    pub(super) fn new(
        name: String,
        measured: &Measured,
        health_rate: Option<f64>,
        server_cpu_seconds: Option<f64>,
    ) -> Self {
        let percentile = |quantile| milliseconds(measured.latency.value_at_quantile(quantile));
        let leads = measured.rate() * measured.elapsed.as_secs_f64();
        Self {
            workload: name,
            per_second: measured.rate(),
            ratio_to_health: health_rate.map(|health| measured.rate() / health),
            p50_ms: percentile(0.5),
            p90_ms: percentile(0.9),
            p99_ms: percentile(0.99),
            p999_ms: percentile(0.999),
            max_ms: milliseconds(measured.latency.max()),
            calls: measured.latency.len(),
            errors: measured.errors,
            created: measured.created,
            server_cpu_us: server_cpu_seconds.filter(|_| leads > 0.0).map(|seconds| seconds * 1e6 / leads),
        }
    }
}

impl Line {
    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }
}

/// For each workload the round whose ratio, or rate where there is no ratio, is the median.
pub(super) fn medians(rounds: Vec<Vec<Line>>) -> Vec<Line> {
    let workloads = rounds.first().map_or(0, Vec::len);
    let mut columns: Vec<Vec<Line>> = (0..workloads).map(|_| Vec::new()).collect();
    for round in rounds {
        for (column, line) in columns.iter_mut().zip(round) {
            column.push(line);
        }
    }
    let order = |line: &Line| line.ratio_to_health.unwrap_or(line.per_second);
    let median = |mut column: Vec<Line>| {
        column.sort_by(|a, b| order(a).total_cmp(&order(b)));
        let middle = column.len() / 2;
        column.into_iter().nth(middle)
    };
    columns.into_iter().filter_map(median).collect()
}

fn milliseconds(micros: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^52 microseconds")]
    let micros = micros as f64;
    micros / 1000.0
}

/// The lines for people.
pub(super) fn table(lines: &[Line]) -> String {
    let header = [
        "workload",
        "per second",
        "ratio",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "calls",
        "errors",
        "created",
        "server µs",
    ];
    let mut table = Table::new(header).numbers(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let number = |value: f64| format!("{value:.2}");
    for line in lines {
        table.row([
            line.workload.clone(),
            format!("{:.0}", line.per_second),
            line.ratio_to_health.map_or("-".into(), number),
            number(line.p50_ms),
            number(line.p90_ms),
            number(line.p99_ms),
            number(line.p999_ms),
            number(line.max_ms),
            line.calls.to_string(),
            line.errors.to_string(),
            line.created.to_string(),
            line.server_cpu_us.map_or("-".into(), |micros| format!("{micros:.1}")),
        ]);
    }
    table.render()
}
