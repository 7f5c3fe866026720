//! How a server is started: the program that is shipped, or this test program once more, where a campaign needs a hook in it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use leadgate::app::{App, AppSettings};
use leadgate::engine::EngineSettings;
use leadgate::grpc::ServerSettings;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// The variable that makes this test program a server.
const LAUNCH: &str = "LEADGATE_CAMPAIGN_SERVER";

/// What the server says when its doors are open; behind it comes the address.
pub(crate) const LISTENING: &str = "listening on ";

/// How a server is started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) data_dir: PathBuf,
    /// How long a claim to create holds; the shipped program takes whole seconds.
    pub(crate) claim_ms: i64,
    /// Free disk space below which writes are refused.
    pub(crate) disk_reserve_mib: u64,
    /// With a hook it is this program that serves, else the shipped one.
    pub(crate) hooks: Option<Hooks>,
}

/// What only a test sets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hooks {
    /// Whether requests with the same keys queue up.
    pub(crate) key_locks: bool,
    /// Every commit is held up, for this long at most.
    pub(crate) commit_delay_ms: u64,
    /// From this sequence on commits fail, as on a broken disk.
    pub(crate) failing_sequence: Option<u64>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { key_locks: true, commit_delay_ms: 0, failing_sequence: None }
    }
}

impl Launch {
    /// The shipped program with its defaults, on a data folder.
    pub(crate) fn on(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_path_buf(), claim_ms: 60_000, disk_reserve_mib: 64, hooks: None }
    }

    /// The command that starts it.
    pub(crate) fn command(&self) -> Command {
        if self.hooks.is_some() {
            let mut command = Command::new(std::env::current_exe().expect("this program's path"));
            command.args(["launch::serves_where_a_campaign_asks_for_it", "--exact", "--nocapture"]);
            command.env(LAUNCH, serde_json::to_string(self).expect("plain data"));
            return command;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_leadgate"));
        // The sizes of campaigns are no settings of a server.
        command.env_clear().args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "off", "--log", "warn"]);
        command.arg("--data-dir").arg(&self.data_dir).arg("--policy").arg(self.policy_file());
        command.args(["--disk-reserve-mib", &self.disk_reserve_mib.to_string()]);
        command
    }

    fn policy_file(&self) -> PathBuf {
        let file = self.data_dir.join("policy.yaml");
        let text = format!("format: 1\nversion: campaign\nclaim_duration: {}s\n", self.claim_ms / 1000);
        std::fs::write(&file, text).expect("a policy file");
        file
    }

    fn settings(&self, hooks: Hooks) -> AppSettings {
        let mut engine = EngineSettings::new(&self.data_dir);
        engine.key_locks = hooks.key_locks;
        engine.policy.claim_duration = SignedDuration::from_millis(self.claim_ms);
        engine.limits.disk_reserve_bytes = self.disk_reserve_mib << 20;
        engine.store.commit_hook = Some(Arc::new(move |sequence| {
            let delay_ms = sequence.wrapping_mul(7919) % hooks.commit_delay_ms.max(1);
            std::thread::sleep(Duration::from_millis(delay_ms));
            match hooks.failing_sequence {
                Some(failing) if sequence >= failing => Err(std::io::Error::other("a broken disk")),
                _ => Ok(()),
            }
        }));
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        AppSettings { listen, health_listen: None, server: ServerSettings::default(), engine }
    }
}

/// No test: the server that campaigns start. It ends when its standard input does, so that it never outlives them.
#[test]
fn serves_where_a_campaign_asks_for_it() {
    let Ok(launch) = std::env::var(LAUNCH) else { return };
    let mut launch: Launch = serde_json::from_str(&launch).expect("a launch");
    let hooks = launch.hooks.take().expect("a server with hooks");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let served = runtime.block_on(async {
        let app = App::bind(launch.settings(hooks)).await?;
        eprintln!("{LISTENING}{}", app.address().expect("an address"));
        app.run(input_ended()).await
    });
    if let Err(error) = served {
        eprintln!("{error}");
        // Not by returning: the runtime would wait for the standard input.
        std::process::exit(1);
    }
}

async fn input_ended() {
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}
