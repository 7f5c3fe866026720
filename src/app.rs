//! A serving process without its command line: binds, opens the engine behind open doors, serves, drains.
//!
//! The listeners open before the engine recovers, so that probes get an answer all the time: NOT_SERVING until it is ready. Signals,
//! logging and metrics are the command line's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::engine::{Engine, EngineSettings, Health, OpenError};
use crate::grpc::{EngineSlot, Listeners, ServeError, ServerSettings, serve};
use crate::store::EmbeddedStore;

/// So long at least the engine may take to make durable what it has, whatever the calls before it took.
const LEAST_ENGINE_DRAIN: Duration = Duration::from_secs(5);

/// So long a failed process goes on telling its callers so.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Everything that can be set about a serving process.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// Where calls are taken.
    pub listen: SocketAddr,
    /// Where probes ask, in plain text. None: only where calls are taken.
    pub health_listen: Option<SocketAddr>,
    /// Limits of connections, messages and the shutdown.
    pub server: ServerSettings,
    /// The engine.
    pub engine: EngineSettings,
}

/// Why a process could not serve, or had to stop.
#[derive(Debug, Error)]
pub enum AppError {
    /// An address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The engine could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The engine panicked while it recovered.
    #[error("the engine panicked while it recovered")]
    RecoveryPanicked,
    /// The server failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The engine cannot go on; what was being written is unknown. The next process recovers.
    #[error("the engine failed: {0}")]
    EngineFailed(&'static str),
    /// What was accepted is durable, but the engine did not end in time.
    #[error("the engine did not end within the drain deadline")]
    DrainTimedOut,
}

/// A process that listens and does not serve yet.
#[derive(Debug)]
pub struct App {
    listeners: Listeners,
    server: ServerSettings,
    engine: EngineSettings,
}

/// Serves until `shutdown` resolves or the engine fails.
///
/// # Errors
///
/// The addresses cannot be bound, the engine cannot be opened, or it fails while it serves.
pub async fn run(settings: AppSettings, shutdown: impl Future<Output = ()> + Send) -> Result<(), AppError> {
    App::bind(settings).await?.run(shutdown).await
}

impl App {
    /// Binds the addresses; port 0 takes a free one.
    pub async fn bind(settings: AppSettings) -> Result<Self, AppError> {
        let AppSettings { listen, health_listen, server, engine } = settings;
        let main = bind(listen).await?;
        let health = match health_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        Ok(Self { listeners: Listeners { main, health }, server, engine })
    }

    /// Where calls are taken.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listeners.main.local_addr()
    }

    /// Where probes ask, if they have a place of their own.
    pub fn health_address(&self) -> Option<std::io::Result<SocketAddr>> {
        self.listeners.health.as_ref().map(TcpListener::local_addr)
    }

    /// Opens the engine and serves until `shutdown` resolves or the engine fails. Not cancel safe: dropped, it drains nothing.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), AppError> {
        let slot = EngineSlot::default();
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let signal = async move { drop(stopped.wait_for(|stop| *stop).await) };
        let drain_deadline = self.server.drain_deadline;
        let mut serving = tokio::spawn(serve(self.listeners, slot.clone(), self.server, signal));
        let settings = self.engine;
        let opening = tokio::task::spawn_blocking(move || Engine::open(settings));

        let failure = tokio::select! {
            ended = &mut serving => return ended_early(ended),
            () = shutdown => None,
            failure = failure_of(opening, &slot) => Some(failure),
        };
        let deadline = Instant::now() + drain_deadline;
        stop.send_replace(true);
        match failure {
            None => drain(serving, &slot, deadline).await,
            Some(failure) => {
                // Whoever waits has been answered by the engine; give the answers time to leave.
                let _ = timeout(LAST_WORDS.min(drain_deadline), &mut serving).await;
                serving.abort();
                slot.clear();
                Err(failure)
            }
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|source| AppError::Bind { address, source })
}

type Serving = JoinHandle<Result<(), ServeError>>;
type Opening = JoinHandle<Result<Arc<Engine<EmbeddedStore>>, OpenError>>;

/// Resolves when the engine cannot be opened, or has failed later.
async fn failure_of(opening: Opening, slot: &EngineSlot<EmbeddedStore>) -> AppError {
    let engine = match opening.await {
        Ok(Ok(engine)) => engine,
        Ok(Err(error)) => return error.into(),
        Err(_panic) => return AppError::RecoveryPanicked,
    };
    slot.fill(engine);
    let mut health = slot.health();
    let failed = health.wait_for(|health| matches!(health, Health::Failed(_))).await;
    match failed.as_deref() {
        Ok(Health::Failed(why)) => AppError::EngineFailed(why),
        _ => AppError::EngineFailed("its health is unknown"),
    }
}

/// A server that stops although nobody asked it to.
fn ended_early(ended: Result<Result<(), ServeError>, tokio::task::JoinError>) -> Result<(), AppError> {
    match ended {
        Ok(ended) => Ok(ended?),
        Err(_panic) => Err(AppError::EngineFailed("the server panicked")),
    }
}

/// Answers what is in flight, then lets the engine make everything durable and end.
async fn drain(serving: Serving, slot: &EngineSlot<EmbeddedStore>, deadline: Instant) -> Result<(), AppError> {
    let served = ended_early(serving.await);
    let engine = slot.engine();
    slot.clear();
    let Some(engine) = engine else { return served };
    let left = deadline.saturating_duration_since(Instant::now()).max(LEAST_ENGINE_DRAIN);
    timeout(left, engine.drain()).await.map_err(|_elapsed| AppError::DrainTimedOut)?;
    served
}
