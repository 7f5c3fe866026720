//! The servers that are measured: processes of their own, so that their memory and their restarts are theirs alone.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use crate::cli::exit::{CommandError, Exit};
use crate::grpc::READINESS;
use crate::grpc::client::{Client, ServerAddress, Serving};

/// How long a server may take to recover.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(300);
/// How often it is asked whether it has.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// A server in a process of its own; killed when it is dropped.
pub(crate) struct ServerProcess {
    child: Child,
    /// Where it listens.
    pub(crate) address: ServerAddress,
}

/// What is started.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// `leadgate serve` on a data folder, with further arguments.
    Leadgate(PathBuf, Vec<String>),
    /// A plain tonic-health server.
    BareHealth,
}

impl ServerProcess {
    /// Starts a server and waits until it answers; returns how long that took.
    pub(crate) async fn start(kind: &Kind) -> Result<(Self, Duration), CommandError> {
        let begun = Instant::now();
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        match kind {
            Kind::Leadgate(data_dir, arguments) => {
                command.args([
                    "serve",
                    "--listen=127.0.0.1:0",
                    "--health-listen=off",
                    "--metrics-listen=off",
                    "--log=warn",
                ]);
                command.arg("--data-dir").arg(data_dir).args(arguments);
            }
            Kind::BareHealth => drop(command.args(["bench", "--serve-bare-health"])),
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let stderr = child.stderr.take().map(BufReader::new);
        let address = match stderr {
            Some(stderr) => address(stderr).await?,
            None => return Err(failed("it has no standard error")),
        };
        let process = Self { child, address };
        if matches!(kind, Kind::Leadgate(..)) {
            process.until_ready().await?;
        }
        Ok((process, begun.elapsed()))
    }

    /// Memory of its own, in bytes: what `RssAnon` of the kernel says.
    pub(crate) fn memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), CommandError> {
        let id = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        if let Some(id) = id {
            rustix::process::kill_process(id, rustix::process::Signal::TERM).map_err(failed)?;
        }
        let status = self.child.wait().await.map_err(failed)?;
        if status.success() { Ok(()) } else { Err(failed(format!("it ended with {status}"))) }
    }

    /// Kills it in the middle of whatever it does.
    pub(crate) async fn kill(mut self) -> Result<(), CommandError> {
        self.child.kill().await.map_err(failed)
    }

    async fn until_ready(&self) -> Result<(), CommandError> {
        let deadline = Instant::now() + RECOVERY_DEADLINE;
        let mut client = Client::connect(&self.address).await?;
        while client.serving(READINESS).await? != Serving::Yes {
            if Instant::now() > deadline {
                return Err(failed("it did not become ready"));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Ok(())
    }
}

/// The address in the line that a server prints when it listens. What it prints later goes to our standard error.
async fn address(stderr: BufReader<ChildStderr>) -> Result<ServerAddress, CommandError> {
    let mut lines = stderr.lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        let after = line.split(" listening on ").nth(1);
        if let Some(address) = after.and_then(|rest| rest.split([',', ' ']).next()).and_then(|text| text.parse().ok()) {
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    crate::cli::output::say(&line);
                }
            });
            return Ok(address);
        }
        said.push(line);
    }
    Err(failed(said.join("; ")))
}

fn failed(problem: impl ToString) -> CommandError {
    CommandError::new(Exit::InUse, format!("the server cannot be run: {}", problem.to_string()))
}

/// A folder that is removed when the benchmark ends, however it ends in order.
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes one in `parent`.
    pub(crate) fn create_in(parent: &Path) -> std::io::Result<Self> {
        let path = parent.join(format!("leadgate-bench-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans the parent.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
