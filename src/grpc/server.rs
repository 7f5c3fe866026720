//! The servers: the main one, that of the probes, and the bare one that the benchmark compares with.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::store::LeadStore;

use super::dedup::Dedup;
use super::desk::{Desk, drained};
use super::front::Front;
use super::health::{Condition, HealthService, follow};
use super::in_flight::InFlight;
use super::limits::ServerSettings;
use super::proto::DESCRIPTOR_SET;
use super::proto::dedup_service_server::DedupServiceServer;
use super::proto::steward_service_server::StewardServiceServer;
use super::slot::EngineSlot;
use super::steward::Steward;

/// So long connections without a call may take to close at a shutdown. A client that says nothing never closes.
const IDLE_GRACE: Duration = Duration::from_secs(1);

/// Longest request to the reflection service, in bytes.
const MAX_REFLECTION_BYTES: usize = 64 * 1024;

/// Where the servers listen.
#[derive(Debug)]
pub struct Listeners {
    /// Calls, health and reflection.
    pub main: TcpListener,
    /// Health only, in plain text for probes.
    pub health: Option<TcpListener>,
}

/// Why a server could not serve.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The descriptors for reflection do not fit together.
    #[error("the reflection service cannot be built")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// The transport gave up.
    #[error("the gRPC transport failed")]
    Transport(#[source] tonic::transport::Error),
}

/// Serves until `shutdown` resolves and what is in flight then is answered, or the drain deadline has passed.
///
/// While the slot is empty calls are UNAVAILABLE and every health name is NOT_SERVING. At the shutdown readiness goes first, then
/// connections are asked to close. Dropping the future stops listening and leaves calls in flight to the runtime.
pub async fn serve<S: LeadStore>(
    listeners: Listeners,
    slot: EngineSlot<S>,
    settings: ServerSettings,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let draining = watch::Sender::new(false);
    let in_flight = InFlight::default();
    let condition = follow(slot.health(), draining.subscribe());
    let desk = Arc::new(Desk::new(slot, settings.clone(), draining.subscribe(), in_flight.clone()));
    let front = Front::new(dedup(&desk), others(&desk, condition.clone())?, in_flight.clone());
    let _health = listeners.health.map(|listener| AbortOnDrop(tokio::spawn(serve_health(listener, condition))));

    let signal = drained(draining.subscribe());
    let main = settings.server().serve_with_incoming_shutdown(front, incoming(listeners.main), signal);
    let mut main = std::pin::pin!(main);
    tokio::select! {
        ended = &mut main => return ended.map_err(ServeError::Transport),
        () = shutdown => draining.send_replace(true),
    };
    let idle = async {
        tokio::time::sleep(IDLE_GRACE).await;
        in_flight.none().await;
    };
    tokio::select! {
        ended = main => ended.map_err(ServeError::Transport),
        () = idle => {
            tracing::info!("closing connections that had no call in flight");
            Ok(())
        }
        () = tokio::time::sleep(settings.drain_deadline) => {
            tracing::warn!("the drain deadline has passed with calls in flight");
            Ok(())
        }
    }
}

/// Serves nothing but a plain health check that says SERVING, without limits and layers: what the benchmark holds a decision against.
pub async fn serve_bare_health(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let (_reporter, service) = tonic_health::server::health_reporter();
    let server = Server::builder().add_service(service).serve_with_incoming(incoming(listener));
    tokio::select! {
        ended = server => ended.map_err(ServeError::Transport),
        () = shutdown => Ok(()),
    }
}

fn incoming(listener: TcpListener) -> TcpIncoming {
    TcpIncoming::from(listener).with_nodelay(Some(true))
}

fn dedup<S: LeadStore>(desk: &Arc<Desk<S>>) -> DedupServiceServer<Dedup<S>> {
    DedupServiceServer::new(Dedup::new(Arc::clone(desk)))
        .max_decoding_message_size(desk.settings().max_request_bytes)
        .max_encoding_message_size(desk.settings().max_reply_bytes)
}

/// Everything but what integrations call.
fn others<S: LeadStore>(desk: &Arc<Desk<S>>, condition: watch::Receiver<Condition>) -> Result<Routes, ServeError> {
    let steward = StewardServiceServer::new(Steward::new(Arc::clone(desk)))
        .max_decoding_message_size(desk.settings().max_request_bytes)
        .max_encoding_message_size(desk.settings().max_reply_bytes);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let v1 = reflection().build_v1().map_err(ServeError::Reflection)?;
    let v1alpha = reflection().build_v1alpha().map_err(ServeError::Reflection)?;
    Ok(Routes::new(steward)
        .add_service(HealthService::server(condition))
        .add_service(v1.max_decoding_message_size(MAX_REFLECTION_BYTES))
        .add_service(v1alpha.max_decoding_message_size(MAX_REFLECTION_BYTES)))
}

/// Serves health alone, until it is aborted: probes are to see the drain to its end.
async fn serve_health(listener: TcpListener, condition: watch::Receiver<Condition>) {
    let settings = ServerSettings::default();
    let server = settings.server().add_service(HealthService::server(condition));
    if let Err(error) = server.serve_with_incoming(incoming(listener)).await {
        tracing::error!(%error, "the health server failed");
    }
}

/// A task that ends with its owner.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
