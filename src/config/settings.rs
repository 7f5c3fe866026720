//! Settings that have been checked: what the server is started with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::decision::policy::Policy;
use crate::engine::{AdmissionLimits, EngineSettings};
use crate::grpc::ServerSettings;
use crate::index::IndexSettings;
use crate::store::StoreOptions;

use super::document::shortened;
use super::mistake::{Mistake, Mistakes};
use super::policy_file;
use super::raw::RawSettings;
use super::value::{self, Parse};

macro_rules! settings {
    ($($constant:ident = $key:literal;)*) => {
        $(const $constant: &str = $key;)*

        /// Every setting: `key` in the file, `LEADGATE_KEY` in the environment, `--key` with hyphens as a flag.
        pub(super) const KEYS: [&str; [$($key),*].len()] = [$($key),*];
    };
}

settings! {
    LISTEN = "listen";
    HEALTH_LISTEN = "health_listen";
    METRICS_LISTEN = "metrics_listen";
    DATA_DIR = "data_dir";
    POLICY = "policy";
    LOG = "log";
    LOG_FORMAT = "log_format";
    DRAIN_DEADLINE_MS = "drain_deadline_ms";
    MAX_REQUEST_BYTES = "max_request_bytes";
    MAX_REPLY_BYTES = "max_reply_bytes";
    MAX_CONCURRENT_STREAMS = "max_concurrent_streams";
    MAX_PENDING_RESET_STREAMS = "max_pending_reset_streams";
    MAX_CONNECTION_AGE_MS = "max_connection_age_ms";
    STREAM_IN_FLIGHT = "stream_in_flight";
    KEY_QUEUE_LIMIT = "key_queue_limit";
    RATE_PER_SECOND = "rate_per_second";
    DISK_RESERVE_MIB = "disk_reserve_mib";
    STORE_CACHE_MIB = "store_cache_mib";
    ROW_CACHE_MIB = "row_cache_mib";
    PREVIEW_MEMORY_MIB = "preview_memory_mib";
    INDEX_MEMORY_MIB = "index_memory_mib";
}

const MIB: u64 = 1 << 20;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// A line for a person.
    #[default]
    Text,
    /// A JSON object per line.
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// Which are written, as `tracing` directives, for example `info,leadgate::engine=debug`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".into() }
    }
}

/// What the server is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where gRPC is served.
    pub listen: SocketAddr,
    /// Where health is served in plaintext; `None` for nowhere else.
    pub health_listen: Option<SocketAddr>,
    /// Where Prometheus reads metrics; `None` for nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// What is logged.
    pub log: LogSettings,
    /// Limits of connections, messages and the shutdown.
    pub server: ServerSettings,
    /// Data folder, policy, and limits of memory and load.
    pub engine: EngineSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: value::local(50_051),
            health_listen: Some(value::local(50_052)),
            metrics_listen: None,
            log: LogSettings::default(),
            server: ServerSettings::default(),
            engine: EngineSettings::new("./leadgate-data"),
        }
    }
}

impl Settings {
    /// Lays flags over environment variables over a configuration file over the defaults, and checks what comes out.
    ///
    /// Reads the configuration file and the policy file, where they are named. Returns every mistake of all layers.
    pub fn load(
        flags: RawSettings,
        variables: impl IntoIterator<Item = (String, String)>,
        config: Option<&Path>,
    ) -> Result<Self, Vec<Mistake>> {
        let mistakes = Mistakes::default();
        let file = config.map(|path| RawSettings::from_file(path, &mistakes)).unwrap_or_default();
        let variables = RawSettings::from_variables(variables, &mistakes);
        let raw = flags.over(variables).over(file);
        let settings = Checker { raw: &raw, mistakes: &mistakes }.settings();
        mistakes.into_result(settings)
    }
}

struct Checker<'a> {
    raw: &'a RawSettings,
    mistakes: &'a Mistakes,
}

impl Checker<'_> {
    fn settings(&self) -> Settings {
        let default = Settings::default();
        let settings = Settings {
            listen: self.take(LISTEN, &value::ADDRESS).unwrap_or(default.listen),
            health_listen: self.take(HEALTH_LISTEN, &value::ADDRESS_OR_OFF).unwrap_or(default.health_listen),
            metrics_listen: self.take(METRICS_LISTEN, &value::METRICS_ADDRESS).unwrap_or(default.metrics_listen),
            log: LogSettings {
                format: self.take(LOG_FORMAT, &value::LOG_FORMAT).unwrap_or_default(),
                filter: self.take(LOG, &value::LOG_FILTER).unwrap_or(default.log.filter),
            },
            server: self.server(),
            engine: self.engine(default.engine.data_dir),
        };
        self.check_addresses(&settings);
        settings
    }

    fn server(&self) -> ServerSettings {
        let default = ServerSettings::default();
        let milliseconds = |key, lowest, highest| self.number(key, lowest, highest).map(Duration::from_millis);
        ServerSettings {
            drain_deadline: milliseconds(DRAIN_DEADLINE_MS, 0, 3_600_000).unwrap_or(default.drain_deadline),
            max_request_bytes: self.size(MAX_REQUEST_BYTES, 1_024, 1 << 30).unwrap_or(default.max_request_bytes),
            max_reply_bytes: self.size(MAX_REPLY_BYTES, 1_024, 1 << 30).unwrap_or(default.max_reply_bytes),
            max_concurrent_streams: self
                .count(MAX_CONCURRENT_STREAMS, 1, 1_000_000)
                .unwrap_or(default.max_concurrent_streams),
            max_pending_reset_streams: self
                .size(MAX_PENDING_RESET_STREAMS, 1, 1_000_000)
                .unwrap_or(default.max_pending_reset_streams),
            max_connection_age: self
                .number_or_off(MAX_CONNECTION_AGE_MS, 1_000, 30 * 86_400_000)
                .map_or(default.max_connection_age, |age| age.map(Duration::from_millis)),
            stream_in_flight: self.size(STREAM_IN_FLIGHT, 1, 100_000).unwrap_or(default.stream_in_flight),
            ..default
        }
    }

    fn engine(&self, default_dir: PathBuf) -> EngineSettings {
        let default = EngineSettings::new(self.take(DATA_DIR, &value::FOLDER).unwrap_or(default_dir));
        let mebibytes = |key, lowest, highest| self.number(key, lowest, highest).map(|number| number * MIB);
        let memory = |key, lowest, highest| mebibytes(key, lowest, highest).and_then(|bytes| bytes.try_into().ok());
        EngineSettings {
            policy: self.policy().unwrap_or_default(),
            row_cache_bytes: memory(ROW_CACHE_MIB, 0, 1 << 20).unwrap_or(default.row_cache_bytes),
            preview_memory_bytes: memory(PREVIEW_MEMORY_MIB, 1, 1 << 20).unwrap_or(default.preview_memory_bytes),
            key_queue_limit: self.size(KEY_QUEUE_LIMIT, 1, 10_000_000).unwrap_or(default.key_queue_limit),
            limits: AdmissionLimits {
                rate_per_second: self
                    .number_or_off(RATE_PER_SECOND, 1, u64::from(u32::MAX))
                    .map_or(default.limits.rate_per_second, |rate| rate.and_then(|rate| rate.try_into().ok())),
                disk_reserve_bytes: mebibytes(DISK_RESERVE_MIB, 0, 1 << 24)
                    .unwrap_or(default.limits.disk_reserve_bytes),
                ..default.limits
            },
            store: StoreOptions {
                cache_bytes: mebibytes(STORE_CACHE_MIB, 8, 1 << 20).unwrap_or(default.store.cache_bytes),
                ..default.store
            },
            index: IndexSettings {
                writer_memory_bytes: memory(INDEX_MEMORY_MIB, 15, 4_000).unwrap_or(default.index.writer_memory_bytes),
                ..default.index
            },
            ..default
        }
    }

    fn take<T>(&self, key: &str, parse: &Parse<T>) -> Option<T> {
        self.read(key, parse.allowed, parse.parse)
    }

    fn number(&self, key: &str, lowest: u64, highest: u64) -> Option<u64> {
        let parse = |text: &str| text.parse().ok().filter(|number| (lowest..=highest).contains(number));
        self.read(key, &format!("a whole number from {lowest} to {highest}"), parse)
    }

    fn size(&self, key: &str, lowest: u64, highest: u64) -> Option<usize> {
        self.number(key, lowest, highest).and_then(|number| number.try_into().ok())
    }

    fn count(&self, key: &str, lowest: u32, highest: u32) -> Option<u32> {
        self.number(key, lowest.into(), highest.into()).and_then(|number| number.try_into().ok())
    }

    fn number_or_off(&self, key: &str, lowest: u64, highest: u64) -> Option<Option<u64>> {
        let number = |text: &str| text.parse().ok().filter(|number| (lowest..=highest).contains(number)).map(Some);
        let parse = |text: &str| if text == "off" { Some(None) } else { number(text) };
        self.read(key, &format!("off, or a whole number from {lowest} to {highest}"), parse)
    }

    fn read<T>(&self, key: &str, allowed: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let setting = self.raw.0.get(key)?;
        let parsed = parse(setting.text.trim());
        if parsed.is_none() {
            let problem = format!("`{}` is not allowed", shortened(&setting.text));
            self.mistakes.add(setting.place.clone(), problem, allowed);
        }
        parsed
    }

    /// The policy of the file that the settings name; its mistakes are told with those of the settings.
    fn policy(&self) -> Option<Policy> {
        let file = self.take(POLICY, &value::FILE)?;
        policy_file::read(&file).map_err(|mistakes| self.mistakes.extend(mistakes)).ok()
    }

    /// No two of the listeners may share an address; port 0 is any free one.
    fn check_addresses(&self, settings: &Settings) {
        let listeners = [
            (LISTEN, Some(settings.listen)),
            (HEALTH_LISTEN, settings.health_listen),
            (METRICS_LISTEN, settings.metrics_listen),
        ];
        for (index, (key, address)) in listeners.iter().enumerate() {
            let Some(address) = address.filter(|address| address.port() != 0) else { continue };
            let Some((other, _)) = listeners[..index].iter().find(|(_, other)| *other == Some(address)) else {
                continue;
            };
            if let Some(setting) = [key, other].iter().find_map(|key| self.raw.0.get(**key)) {
                let problem = format!("{key} and {other} are both {address}");
                self.mistakes.add(setting.place.clone(), problem, "an address of its own");
            }
        }
    }
}

#[cfg(test)]
mod tests;
