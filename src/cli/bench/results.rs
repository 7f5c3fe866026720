//! The table of a benchmark.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::output::{OutputFormat, Table, print, print_json, print_json_line};

use super::measurement::Measurement;
use super::workload::Workload;

/// The rounds of one workload.
pub(crate) struct WorkloadResult {
    /// The workload.
    pub(crate) workload: Workload,
    /// A measurement per round.
    pub(crate) rounds: Vec<Measurement>,
    /// The server's own memory afterwards, in bytes.
    pub(crate) memory_bytes: Option<u64>,
    /// The processor time that the server used in all rounds, warming up included; zero where it is not known.
    pub(crate) processor_time: Duration,
}

/// Everything that was found out.
pub(crate) struct Results {
    /// The circumstances.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The workloads in the order in which they ran.
    pub(crate) workloads: Vec<WorkloadResult>,
    /// Things measured once: loading, memory, reopening.
    pub(crate) once: Vec<(&'static str, String)>,
}

impl WorkloadResult {
    /// Before the first round.
    pub(crate) fn new(workload: Workload) -> Self {
        Self { workload, rounds: Vec::new(), memory_bytes: None, processor_time: Duration::ZERO }
    }

    /// The server's processor time per lead or check, in microseconds.
    fn processor_micros(&self) -> Option<f64> {
        let leads: u64 = self.rounds.iter().map(|round| round.answered).sum();
        (leads > 0 && !self.processor_time.is_zero()).then(|| self.processor_time.as_secs_f64() * 1e6 / leads as f64)
    }

    /// The median of the rounds' rates.
    fn rate(&self) -> f64 {
        let mut rates: Vec<_> = self.rounds.iter().map(Measurement::rate).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(0.0)
    }

    /// All rounds together.
    fn together(&self) -> Measurement {
        let mut together = Measurement::new();
        for round in &self.rounds {
            together.add(round);
        }
        together
    }
}

impl Results {
    /// The rate of the bare health check, where it was measured.
    fn bare_rate(&self) -> Option<f64> {
        self.workloads
            .iter()
            .find(|result| result.workload.is_bare())
            .map(WorkloadResult::rate)
            .filter(|rate| *rate > 0.0)
    }

    /// How many requests or leads failed.
    pub(crate) fn errors(&self) -> u64 {
        self.workloads.iter().flat_map(|result| &result.rounds).map(Measurement::errors).sum()
    }

    /// Prints everything.
    pub(crate) fn print(&self, output: OutputFormat) -> std::io::Result<()> {
        match output {
            OutputFormat::Table => print(&self.tables()),
            OutputFormat::Json => print_json(&json!({
                "facts": object(&self.facts),
                "workloads": self.workloads.iter().map(|result| self.json(result)).collect::<Vec<_>>(),
                "once": object(&self.once),
            })),
            OutputFormat::Jsonl => self.workloads.iter().try_for_each(|result| print_json_line(&self.json(result))),
        }
    }

    fn tables(&self) -> String {
        let mut facts = Table::new(["run", ""]);
        for (name, value) in &self.facts {
            facts.row([*name, value]);
        }
        let header = [
            "workload",
            "rate/s",
            "of health",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms",
            "server CPU us",
            "requests",
            "errors",
            "MiB",
            "outcomes",
        ];
        let mut table = Table::new(header).numbers(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        for result in &self.workloads {
            table.row(self.row(result));
        }
        let mut once = Table::new(["once", ""]);
        for (name, value) in &self.once {
            once.row([*name, value]);
        }
        format!("{}\n{}\n{}", facts.render(), table.render(), once.render())
    }

    fn row(&self, result: &WorkloadResult) -> Vec<String> {
        let together = result.together();
        let percentile = |percentile| format!("{:.2}", together.percentile_ms(percentile));
        let ratio = self.bare_rate().map(|bare| format!("{:.2}", result.rate() / bare));
        let outcomes = together.statuses.iter().map(|(status, count)| format!("{status} {count}"));
        let failures = together.errors.iter().map(|(reason, count)| format!("{reason} {count}"));
        vec![
            result.workload.name().to_owned(),
            format!("{:.0}", result.rate()),
            ratio.unwrap_or_default(),
            percentile(50.0),
            percentile(90.0),
            percentile(99.0),
            percentile(99.9),
            format!("{:.2}", together.max_ms()),
            result.processor_micros().map(|micros| format!("{micros:.1}")).unwrap_or_default(),
            together.requests.to_string(),
            together.errors().to_string(),
            result.memory_bytes.map(mebibytes).unwrap_or_default(),
            outcomes.chain(failures).collect::<Vec<_>>().join(", "),
        ]
    }

    fn json(&self, result: &WorkloadResult) -> Value {
        let together = result.together();
        json!({
            "workload": result.workload.name(),
            "rate_per_second": result.rate(),
            "rates_of_rounds": result.rounds.iter().map(Measurement::rate).collect::<Vec<_>>(),
            "of_health": self.bare_rate().map(|bare| result.rate() / bare),
            "p50_ms": together.percentile_ms(50.0),
            "p90_ms": together.percentile_ms(90.0),
            "p99_ms": together.percentile_ms(99.0),
            "p999_ms": together.percentile_ms(99.9),
            "max_ms": together.max_ms(),
            "server_cpu_us": result.processor_micros(),
            "requests": together.requests,
            "leads": together.leads,
            "errors": together.errors,
            "statuses": together.statuses,
            "rss_anon_bytes": result.memory_bytes,
        })
    }
}

/// Bytes in MiB.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / (1 << 20) as f64)
}

fn object(pairs: &[(&'static str, String)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
