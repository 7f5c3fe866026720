//! Logs and metrics: where they go and how they look. What they say is decided where it happens; it never is a person.

use std::future::Future;
use std::net::SocketAddr;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// Upper bounds of the buckets of every histogram in seconds: from a memory access to a halted disk.
const SECONDS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// What the libraries below tell of their own housekeeping is no news for an operator; a directive of the settings overrides it.
const QUIET: &str = "fjall=warn,lsm_tree=warn,tantivy=warn";

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives do not parse; checked settings always do.
    #[error("the log filter cannot be read")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// A subscriber was set before.
    #[error("logging was started before")]
    Logging(#[from] tracing_subscriber::util::TryInitError),
    /// The address is taken, or a recorder was set before.
    #[error("metrics cannot be served on {address}: {source}")]
    Metrics {
        /// Where they were to be served.
        address: SocketAddr,
        /// Why not.
        source: BuildError,
    },
    /// A recorder was set before.
    #[error("metrics were started before")]
    Recorder,
}

/// Starts logging to the standard error stream. Once in a process.
pub fn start_logging(settings: &LogSettings) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt as _;

    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(format!("{QUIET},{}", settings.filter))?)
        .with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Text => {
            builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).finish().try_init()?;
        }
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// Starts recording metrics and binds the address at which Prometheus reads them.
///
/// Returns what serves them, to be spawned by the caller on its runtime; dropping it ends the service. Once in a process.
pub fn start_metrics(address: SocketAddr) -> Result<impl Future<Output = ()> + Send + 'static, TelemetryError> {
    let unavailable = |source| TelemetryError::Metrics { address, source };
    let (recorder, exporter) = PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .and_then(PrometheusBuilder::build)
        .map_err(unavailable)?;
    metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::Recorder)?;
    Ok(async move {
        if exporter.await.is_err() {
            tracing::error!("the metrics listener stopped");
        }
    })
}
