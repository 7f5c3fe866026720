//! `leadgate serve`: the server, from its settings to its end.

use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{App, AppError, AppSettings};
use crate::config::{RawSettings, Settings};
use crate::telemetry::{self, TelemetryError};

use super::exit::{CommandError, Exit};
use super::output::say;
use super::verify::exit_of_open;

/// Run the server.
///
/// Each setting is a flag here, a LEADGATE_... variable in the environment, and a key of the configuration file; flags win over variables
/// over the file. Without any of them the server listens on 127.0.0.1:50051, and its data is in ./leadgate-data.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeOptions {
    /// A configuration file in YAML: the settings below as keys, with underscores.
    #[arg(long, value_name = "FILE", env = "LEADGATE_CONFIG")]
    config: Option<PathBuf>,

    #[command(flatten)]
    settings: SettingFlags,
}

macro_rules! setting_flags {
    ($($(#[$attribute:meta])* $field:ident: $value:literal,)*) => {
        /// The settings as flags. They are checked together with those of the environment and the file.
        #[derive(Debug, clap::Args)]
        struct SettingFlags {
            $($(#[$attribute])* #[arg(long, value_name = $value, allow_hyphen_values = true)] $field: Option<String>,)*
        }

        impl SettingFlags {
            fn into_raw(self) -> RawSettings {
                RawSettings::from_flags([$((stringify!($field), self.$field)),*])
            }

            #[cfg(test)]
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];
        }
    };
}

setting_flags! {
    /// Where gRPC is served [default: 127.0.0.1:50051].
    listen: "ADDRESS",
    /// Where health is served in plaintext, or off [default: 127.0.0.1:50052].
    health_listen: "ADDRESS",
    /// Where Prometheus reads metrics: an address, on for 127.0.0.1:9464, or off [default: off].
    metrics_listen: "ADDRESS",
    /// The data folder; made where there is none [default: ./leadgate-data].
    data_dir: "DIR",
    /// The policy file [default: the built-in policy].
    policy: "FILE",
    /// Which log lines are written, as directives [default: info].
    log: "DIRECTIVES",
    /// How log lines look: text or json [default: text].
    log_format: "FORMAT",
    /// How long running calls may take after SIGTERM [default: 20000].
    drain_deadline_ms: "MILLISECONDS",
    /// Longest request message [default: 4194304].
    max_request_bytes: "BYTES",
    /// Longest reply message [default: 67108864].
    max_reply_bytes: "BYTES",
    /// Calls at a time on one connection [default: 256].
    max_concurrent_streams: "NUMBER",
    /// Calls that a client opened and cancelled before they were looked at [default: 20].
    max_pending_reset_streams: "NUMBER",
    /// After how long a connection is asked to end, or off [default: off].
    max_connection_age_ms: "MILLISECONDS",
    /// Requests of one stream of upserts that are decided at a time [default: 256].
    stream_in_flight: "NUMBER",
    /// How many requests may hold or wait for one key [default: 10000].
    key_queue_limit: "NUMBER",
    /// Writes per second over all callers, or off [default: off].
    rate_per_second: "NUMBER",
    /// Free disk space below which writes are refused [default: 512].
    disk_reserve_mib: "MIB",
    /// Memory for what was read from disk [default: 128].
    store_cache_mib: "MIB",
    /// Memory for leads and keys that decisions have read lately [default: 128].
    row_cache_mib: "MIB",
    /// Memory for what previews of batches and streams would have written [default: 4096].
    preview_memory_mib: "MIB",
    /// Memory for what the index is about to write [default: 61].
    index_memory_mib: "MIB",
}

/// Serves until SIGTERM or SIGINT, then drains.
pub(crate) async fn run(options: ServeOptions) -> Result<Exit, CommandError> {
    let settings = load(options)?;
    telemetry::start_logging(&settings.log).map_err(telemetry_failed)?;
    let shutdown = shutdown_signal().map_err(|error| CommandError::new(Exit::Internal, error))?;
    start_metrics(&settings)?;
    let metrics_listen = settings.metrics_listen;
    let app = App::bind(app_settings(settings)).await.map_err(app_failed)?;
    announce(&app, metrics_listen);
    app.run(shutdown).await.map_err(app_failed)?;
    tracing::info!("stopped");
    Ok(Exit::Success)
}

fn load(options: ServeOptions) -> Result<Settings, CommandError> {
    let variables =
        std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into()));
    Ok(Settings::load(options.settings.into_raw(), variables, options.config.as_deref())?)
}

fn app_settings(settings: Settings) -> AppSettings {
    let Settings { listen, health_listen, metrics_listen: _, log: _, server, engine } = settings;
    AppSettings { listen, health_listen, server, engine }
}

fn start_metrics(settings: &Settings) -> Result<(), CommandError> {
    if let Some(address) = settings.metrics_listen {
        tokio::spawn(telemetry::start_metrics(address).map_err(telemetry_failed)?);
    }
    Ok(())
}

/// One line that says where to call, for people and for scripts that wait for it.
fn announce(app: &App, metrics_listen: Option<std::net::SocketAddr>) {
    let shown = |address: std::io::Result<std::net::SocketAddr>| address.map_or_else(|_| "?".into(), |a| a.to_string());
    let mut line = format!("leadgate {} listening on {}", env!("CARGO_PKG_VERSION"), shown(app.address()));
    if let Some(address) = app.health_address() {
        line.push_str(&format!(", health on {}", shown(address)));
    }
    if let Some(address) = metrics_listen {
        line.push_str(&format!(", metrics on http://{address}/metrics"));
    }
    say(&line);
}

/// Resolves with the first SIGTERM or SIGINT. A second one ends the process at once, as it does by default.
fn shutdown_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        wait_for_either(&mut terminate, &mut interrupt).await;
        tracing::info!("draining");
        tokio::spawn(async move {
            wait_for_either(&mut terminate, &mut interrupt).await;
            std::process::exit(Exit::Interrupted as i32);
        });
    })
}

async fn wait_for_either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn telemetry_failed(error: TelemetryError) -> CommandError {
    let exit = if matches!(error, TelemetryError::Metrics { .. }) { Exit::InUse } else { Exit::Internal };
    CommandError::new(exit, error)
}

/// What the end of the server means to whoever started it.
pub(crate) fn app_failed(error: AppError) -> CommandError {
    let exit = match &error {
        AppError::Bind { .. } => Exit::InUse,
        AppError::Open(error) => exit_of_open(error),
        AppError::EngineFailed(_) => Exit::OutcomeUnknown,
        AppError::RecoveryPanicked | AppError::Serve(_) => Exit::Internal,
        AppError::DrainTimedOut => Exit::Findings,
    };
    CommandError::new(exit, error)
}

#[cfg(test)]
mod tests {
    use super::SettingFlags;

    #[test]
    fn every_setting_has_its_flag() {
        assert_eq!(SettingFlags::NAMES, crate::config::SETTING_KEYS);
    }
}
