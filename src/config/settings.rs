//! Settings that have been checked: what the server is started with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::decision::policy::Policy;

use super::document::shortened;
use super::mistake::{Mistake, Mistakes};
use super::policy_file;
use super::raw::RawSettings;

const LISTEN: &str = "listen";
const HEALTH_LISTEN: &str = "health_listen";
const METRICS_LISTEN: &str = "metrics_listen";
const DATA_DIR: &str = "data_dir";
const POLICY: &str = "policy";
const DRAIN_DEADLINE_MS: &str = "drain_deadline_ms";
const LOG_FORMAT: &str = "log_format";
const LOG: &str = "log";

/// Every setting: `key` in the file, `LEADGATE_KEY` in the environment, `--key` with hyphens as a flag.
pub(super) const KEYS: [&str; 8] =
    [LISTEN, HEALTH_LISTEN, METRICS_LISTEN, DATA_DIR, POLICY, DRAIN_DEADLINE_MS, LOG_FORMAT, LOG];

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
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where gRPC is served.
    pub listen: SocketAddr,
    /// Where health is served in plaintext; `None` for nowhere.
    pub health_listen: Option<SocketAddr>,
    /// Where Prometheus reads metrics; `None` for nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The rules.
    pub policy: Policy,
    /// How long running calls may take after SIGTERM.
    pub drain_deadline: Duration,
    /// What is logged.
    pub log: LogSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: local(50_051),
            health_listen: Some(local(50_052)),
            metrics_listen: None,
            data_dir: "./leadgate-data".into(),
            policy: Policy::default(),
            drain_deadline: Duration::from_secs(20),
            log: LogSettings::default(),
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
        let settings = check(&flags.over(variables).over(file), &mistakes);
        mistakes.into_result(settings)
    }
}

fn check(raw: &RawSettings, mistakes: &Mistakes) -> Settings {
    let default = Settings::default();
    let checker = Checker { raw, mistakes };
    let settings = Settings {
        listen: checker.take(LISTEN, ADDRESS, address).unwrap_or(default.listen),
        health_listen: checker.take(HEALTH_LISTEN, ADDRESS_OR_OFF, optional_address).unwrap_or(default.health_listen),
        metrics_listen: checker.take(METRICS_LISTEN, ADDRESS_OR_OFF, metrics_address).unwrap_or(default.metrics_listen),
        data_dir: checker.take(DATA_DIR, "the path of a folder", path).unwrap_or(default.data_dir),
        policy: checker.policy().unwrap_or(default.policy),
        drain_deadline: checker
            .take(DRAIN_DEADLINE_MS, "milliseconds from 0 to 3600000", milliseconds(0, 3_600_000))
            .unwrap_or(default.drain_deadline),
        log: LogSettings {
            format: checker.take(LOG_FORMAT, "text, json", log_format).unwrap_or_default(),
            filter: checker.take(LOG, LOG_DIRECTIVES, log_filter).unwrap_or(default.log.filter),
        },
    };
    checker.check_addresses(&settings);
    settings
}

const ADDRESS: &str = "an IP address and a port, such as 127.0.0.1:50051 or [::]:50051";
const ADDRESS_OR_OFF: &str = "an IP address and a port, such as 127.0.0.1:9464, or off";
const LOG_DIRECTIVES: &str = "off, error, warn, info, debug, trace, or directives such as info,leadgate::engine=debug";

struct Checker<'a> {
    raw: &'a RawSettings,
    mistakes: &'a Mistakes,
}

impl Checker<'_> {
    fn take<T>(&self, key: &str, allowed: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
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
        let file = self.take(POLICY, "the path of a policy file", path)?;
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
            let taken =
                listeners[..index].iter().find(|(_, other)| address.is_some_and(|a| a.port() != 0) && other == address);
            if let (Some((other, _)), Some(address)) = (taken, address) {
                let place =
                    [key, other].iter().find_map(|key| self.raw.0.get(**key)).map(|setting| setting.place.clone());
                if let Some(place) = place {
                    self.mistakes.add(place, format!("{key} and {other} are both {address}"), "an address of its own");
                }
            }
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

fn optional_address(text: &str) -> Option<Option<SocketAddr>> {
    if text == "off" { Some(None) } else { address(text).map(Some) }
}

/// As other addresses; `on` is the usual port of metrics on this machine.
fn metrics_address(text: &str) -> Option<Option<SocketAddr>> {
    if text == "on" { Some(Some(local(9_464))) } else { optional_address(text) }
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains('\0')).then(|| text.into())
}

fn milliseconds(lowest: u64, highest: u64) -> impl Fn(&str) -> Option<Duration> {
    move |text| text.parse().ok().filter(|number| (lowest..=highest).contains(number)).map(Duration::from_millis)
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

fn log_filter(text: &str) -> Option<String> {
    (!text.is_empty() && tracing_subscriber::EnvFilter::try_new(text).is_ok()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings from (flags, variables, text of the file).
    fn load(flags: &[(&str, &str)], variables: &[(&str, &str)], file: Option<&str>) -> Result<Settings, Vec<String>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file.map(|text| {
            let path = folder.path().join("config.yaml");
            std::fs::write(&path, text).expect("written");
            path
        });
        let flags = RawSettings::from_flags(flags.iter().map(|(key, text)| (*key, Some((*text).to_owned()))));
        let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let shown = |mistake: &Mistake| mistake.to_string().replace(&*folder.path().to_string_lossy(), "");
        Settings::load(flags, variables, path.as_deref()).map_err(|mistakes| mistakes.iter().map(shown).collect())
    }

    #[test]
    fn without_anything_the_defaults_hold() {
        let settings = load(&[], &[("PATH", "/bin")], None).expect("settings");
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.listen.to_string(), "127.0.0.1:50051");
        assert_eq!(settings.health_listen.map(|address| address.to_string()), Some("127.0.0.1:50052".into()));
        assert_eq!((settings.metrics_listen, settings.data_dir), (None, "./leadgate-data".into()));
    }

    #[test]
    fn flags_win_over_variables_over_the_file() {
        let file = Some("listen: 1.1.1.1:1\ndata_dir: /file\ndrain_deadline_ms: 5\n");
        let variables = [("LEADGATE_LISTEN", "2.2.2.2:2"), ("LEADGATE_DATA_DIR", "/variable"), ("LEADGATE_LOG", "")];
        let settings = load(&[("listen", "[::]:3")], &variables, file).expect("settings");
        assert_eq!(settings.listen.to_string(), "[::]:3");
        assert_eq!((settings.data_dir, settings.drain_deadline), ("/variable".into(), Duration::from_millis(5)));
        assert_eq!(settings.log.filter, "info");
    }

    #[test]
    fn off_and_on_are_understood() {
        for (flag, value, health, metrics) in [
            ("health_listen", "off", None, None),
            ("metrics_listen", "on", Some("127.0.0.1:50052"), Some("127.0.0.1:9464")),
            ("metrics_listen", "off", Some("127.0.0.1:50052"), None),
        ] {
            let settings = load(&[(flag, value)], &[], None).expect(value);
            let shown = |address: Option<SocketAddr>| address.map(|address| address.to_string());
            assert_eq!(
                (shown(settings.health_listen).as_deref(), shown(settings.metrics_listen).as_deref()),
                (health, metrics)
            );
        }
    }

    #[test]
    fn each_mistake_names_its_place_and_what_is_allowed() {
        for (flags, variables, file, expected) in [
            (
                &[("listen", "localhost")][..],
                &[][..],
                None,
                "--listen: `localhost` is not allowed; allowed: an IP address and a port",
            ),
            (
                &[("drain_deadline_ms", "-1")],
                &[],
                None,
                "--drain-deadline-ms: `-1` is not allowed; allowed: milliseconds from 0",
            ),
            (&[("log_format", "xml")], &[], None, "--log-format: `xml` is not allowed; allowed: text, json"),
            (&[("log", "a=b=c")], &[], None, "--log: `a=b=c` is not allowed; allowed: off, error"),
            (
                &[("listen", "127.0.0.1:50052")],
                &[],
                None,
                "--listen: health_listen and listen are both 127.0.0.1:50052",
            ),
            (&[("policy", "/no/such/policy")], &[], None, "/no/such/policy: cannot be read: "),
            (&[], &[("LEADGATE_LISTN", "x")], None, "LEADGATE_LISTN: unknown setting; allowed: LEADGATE_LISTEN, "),
            (&[], &[("LEADGATE_LISTEN", "x")], None, "LEADGATE_LISTEN: `x` is not allowed"),
            (&[], &[], Some("\nlisten: 1\n"), "/config.yaml:2: listen: `1` is not allowed"),
            (&[], &[], Some("colour: red\n"), "/config.yaml:1: colour: unknown key; allowed: listen, "),
            (&[], &[], Some("log: info\nlog: warn\n"), "/config.yaml:2: log: is set a second time"),
            (&[], &[], Some("listen: [a]\n"), "/config.yaml:1: listen: a list is not allowed; allowed: a single value"),
            (&[], &[], Some("- a\n"), "/config.yaml:1: a list is not allowed; allowed: a map of settings"),
            (&[], &[], Some("a: b: c"), "/config.yaml:1: is not YAML: "),
        ] {
            let found = load(flags, variables, file).expect_err(expected);
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:#?}");
        }
    }

    #[test]
    fn the_variables_of_a_service_called_leadgate_are_no_settings() {
        let variables = [
            ("LEADGATE_PORT", "tcp://10.0.0.1:50051"),
            ("LEADGATE_SERVICE_HOST", "10.0.0.1"),
            ("LEADGATE_SERVER", "x"),
        ];
        assert_eq!(load(&[], &variables, None), Ok(Settings::default()));
    }

    #[test]
    fn mistakes_of_all_layers_and_of_the_policy_are_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let policy = folder.path().join("policy.yaml");
        std::fs::write(&policy, "format: 1\nversion: \"1\"\ncolour: red\nmatch_threshold: 7\n").expect("written");
        let found = load(
            &[("listen", "x"), ("policy", &policy.to_string_lossy())],
            &[("LEADGATE_DATA_DIR", "\0"), ("LEADGATE_X", "")],
            Some("health_listen: x\n"),
        );
        assert_eq!(found.expect_err("mistakes").len(), 6);
    }
}
