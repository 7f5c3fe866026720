//! Where client commands send their requests: a running server, or a data folder that this process serves to itself meanwhile.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::{App, AppError, AppSettings};
use crate::config::policy_file;
use crate::engine::EngineSettings;
use crate::grpc::client::{Client, ServerAddress, Serving};
use crate::grpc::{READINESS, ServerSettings};

use super::exit::{CommandError, Exit};
use super::serve::app_failed;

/// How often a data folder is asked whether it has recovered.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Where to send requests.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DestinationOptions {
    /// The server to call.
    #[arg(long, value_name = "ADDRESS", env = "LEADGATE_SERVER", default_value = "http://127.0.0.1:50051")]
    server: ServerAddress,

    /// Work on this data folder directly, without a server. No server may have it open.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// The policy file to work by, with --data-dir.
    #[arg(long, value_name = "FILE", requires = "data_dir")]
    policy: Option<PathBuf>,
}

/// What to do where `--data-dir` names no data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutFolder {
    /// Make one.
    Make,
    /// Work on an empty one that is gone afterwards.
    Pretend,
    /// Refuse: an answer from an empty folder would be taken for one about the leads that were meant.
    Refuse,
}

/// A place that takes requests.
pub(crate) struct Destination {
    address: ServerAddress,
    own: Option<OwnServer>,
    /// What the own server works on, if nothing of it is to stay: removed when that has ended.
    _pretended: Option<TempDir>,
}

/// A server within this process, for this process: on a port of the loopback address that nobody knows.
struct OwnServer {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), AppError>>,
}

impl Destination {
    /// Opens the data folder, if one is named, and waits until it has recovered. A server is not called yet.
    pub(crate) async fn open(options: &DestinationOptions, without: WithoutFolder) -> Result<Self, CommandError> {
        let Some(data_dir) = &options.data_dir else {
            return Ok(Self { address: options.server.clone(), own: None, _pretended: None });
        };
        let policy = match &options.policy {
            Some(path) => policy_file::read(path)?,
            None => Default::default(),
        };
        let pretended = match without {
            _ if is_data_folder(data_dir) => None,
            WithoutFolder::Make => None,
            WithoutFolder::Pretend => Some(tempfile::tempdir().map_err(|error| no_temporary_folder(&error))?),
            WithoutFolder::Refuse => return Err(no_data_folder(data_dir)),
        };
        let folder = pretended.as_ref().map_or(&**data_dir, TempDir::path);
        let settings = EngineSettings { policy, ..EngineSettings::new(folder) };
        Ok(Self { _pretended: pretended, ..Self::serve(data_dir, settings).await? })
    }

    /// Where to send requests.
    pub(crate) fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Ends the own server; everything answered is durable already, this makes the next start a quick one.
    pub(crate) async fn close(self) -> Result<(), CommandError> {
        let Some(OwnServer { stop, serving }) = self.own else { return Ok(()) };
        // It may have ended by itself, which its result tells.
        let _ = stop.send(());
        serving.await.map_err(|error| CommandError::new(Exit::Internal, error))?.map_err(app_failed)
    }

    async fn serve(data_dir: &Path, engine: EngineSettings) -> Result<Self, CommandError> {
        let settings = AppSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            health_listen: None,
            server: ServerSettings::default(),
            engine,
        };
        let app = App::bind(settings).await.map_err(app_failed)?;
        let in_use = |error| CommandError::new(Exit::InUse, format!("{}: {error}", data_dir.display()));
        let address: ServerAddress = app.address().map_err(in_use)?.to_string().parse().map_err(CommandError::usage)?;
        let (stop, stopped) = oneshot::channel();
        let mut serving = tokio::spawn(app.run(async { drop(stopped.await) }));
        let ready = tokio::select! {
            ready = until_ready(&address) => ready,
            ended = &mut serving => return Err(has_ended(ended)),
        };
        if let Err(unreachable) = ready {
            // One that cannot open its folder goes away while it is asked: what it says of that is the reason.
            let _ = stop.send(());
            return Err(match serving.await {
                Ok(Ok(())) => unreachable,
                ended => has_ended(ended),
            });
        }
        Ok(Self { address, own: Some(OwnServer { stop, serving }), _pretended: None })
    }
}

/// Whether a folder is one that a server has made.
pub(crate) fn is_data_folder(path: &Path) -> bool {
    path.join("store").is_dir()
}

/// Why a command that only reads does not work on a folder.
pub(crate) fn no_data_folder(path: &Path) -> CommandError {
    CommandError::usage(format!("{} is no data folder", path.display()))
}

fn no_temporary_folder(error: &std::io::Error) -> CommandError {
    CommandError::new(Exit::InUse, format!("no temporary folder can be made: {error}"))
}

/// Why a server that was to go on has ended.
fn has_ended(ended: Result<Result<(), AppError>, tokio::task::JoinError>) -> CommandError {
    match ended {
        Ok(Ok(())) => CommandError::new(Exit::Internal, "the server within this process ended"),
        Ok(Err(error)) => app_failed(error),
        Err(error) => CommandError::new(Exit::Internal, error),
    }
}

async fn until_ready(address: &ServerAddress) -> Result<(), CommandError> {
    let mut client = Client::connect(address).await?;
    while client.serving(READINESS).await? != Serving::Yes {
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(())
}
