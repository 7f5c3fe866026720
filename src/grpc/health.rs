//! `grpc.health.v1`: what probes and balancers are told.
//!
//! Everything is NOT_SERVING until the engine has recovered. Then `leadgate.startup` stays SERVING, `leadgate.liveness`
//! is SERVING until the engine has failed for good, and `leadgate.readiness`, the services and `""` are SERVING while calls
//! can be answered. Tonic's own health server says SERVING from the moment it is made, and its watchers would hold up a shutdown.

use futures_util::stream::unfold;
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthApi, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::engine::Health;

use super::desk::ReplyStream;
use super::proto::dedup_service_server;
use super::proto::steward_service_server;
use super::status::Failure;

/// The name that a startup probe asks for.
pub const STARTUP: &str = "leadgate.startup";
/// The name that a readiness probe asks for.
pub const READINESS: &str = "leadgate.readiness";
/// The name that a liveness probe asks for.
pub const LIVENESS: &str = "leadgate.liveness";

/// Longest request: a service name.
const MAX_REQUEST_BYTES: usize = 4096;

/// How the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Condition {
    /// It was ready once.
    recovered: bool,
    /// It can answer calls.
    ready: bool,
    /// It cannot go on.
    failed: bool,
    /// It shuts down.
    draining: bool,
}

impl Condition {
    fn with(self, health: Health, draining: bool) -> Self {
        let ready = health == Health::Ready && !draining;
        let failed = matches!(health, Health::Failed(_));
        let draining = draining || health == Health::Draining;
        Self { recovered: self.recovered || health == Health::Ready, ready, failed, draining }
    }

    /// What to say of a name; `None` for one that nobody knows.
    fn of(self, service: &str) -> Option<ServingStatus> {
        let serving = match service {
            STARTUP => self.recovered,
            LIVENESS => self.recovered && !self.failed,
            "" | READINESS | dedup_service_server::SERVICE_NAME | steward_service_server::SERVICE_NAME => self.ready,
            _ => return None,
        };
        Some(if serving { ServingStatus::Serving } else { ServingStatus::NotServing })
    }
}

/// Follows the engine's health and the shutdown. Must be called within a runtime.
pub(crate) fn follow(
    mut health: watch::Receiver<Health>,
    mut draining: watch::Receiver<bool>,
) -> watch::Receiver<Condition> {
    let first = Condition::default().with(*health.borrow_and_update(), *draining.borrow_and_update());
    let (sender, receiver) = watch::channel(first);
    tokio::spawn(async move {
        loop {
            let more = tokio::select! {
                changed = health.changed() => changed.is_ok(),
                changed = draining.changed() => changed.is_ok(),
                () = sender.closed() => false,
            };
            let (health, draining) = (*health.borrow_and_update(), *draining.borrow_and_update());
            sender.send_modify(|condition| *condition = condition.with(health, draining || !more));
            if !more {
                break;
            }
        }
    });
    receiver
}

/// The health service.
pub(crate) struct HealthService {
    condition: watch::Receiver<Condition>,
}

impl HealthService {
    /// A server that tells this condition.
    pub(crate) fn server(condition: watch::Receiver<Condition>) -> HealthServer<Self> {
        HealthServer::new(Self { condition }).max_decoding_message_size(MAX_REQUEST_BYTES)
    }
}

#[tonic::async_trait]
impl HealthApi for HealthService {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let status = self.condition.borrow().of(&request.get_ref().service);
        Ok(Response::new(response(status.ok_or(Failure::UnknownService)?)))
    }

    type WatchStream = ReplyStream<HealthCheckResponse>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let service = request.into_inner().service;
        let watcher = Watcher { condition: self.condition.clone(), service, told: None };
        let changes =
            unfold(watcher, |mut watcher| async move { Some((Ok(response(watcher.next().await?)), watcher)) });
        Ok(Response::new(Box::pin(changes)))
    }
}

/// A watcher of one name.
struct Watcher {
    condition: watch::Receiver<Condition>,
    service: String,
    told: Option<ServingStatus>,
}

impl Watcher {
    /// The next status that differs from the last one; the stream ends when the server drains.
    async fn next(&mut self) -> Option<ServingStatus> {
        loop {
            let condition = *self.condition.borrow_and_update();
            let status = condition.of(&self.service).unwrap_or(ServingStatus::ServiceUnknown);
            if self.told.replace(status) != Some(status) {
                return Some(status);
            }
            if condition.draining {
                return None;
            }
            self.condition.changed().await.ok()?;
        }
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServingStatus::{NotServing, Serving};

    const DEDUP: &str = dedup_service_server::SERVICE_NAME;

    fn check(history: &[Health], draining: bool, startup: bool, ready: bool, live: bool) {
        let condition = history.iter().fold(Condition::default(), |condition, health| condition.with(*health, false));
        let condition = condition.with(history[history.len() - 1], draining);
        let told = |name: &str| condition.of(name).expect("a known name");
        let expected = |serving| if serving { Serving } else { NotServing };
        assert_eq!(told(STARTUP), expected(startup), "{history:?}");
        assert_eq!(told(LIVENESS), expected(live), "{history:?}");
        for name in ["", READINESS, DEDUP, "leadgate.v1.StewardService"] {
            assert_eq!(told(name), expected(ready), "{name} {history:?}");
        }
        assert_eq!(condition.of("other"), None);
    }

    #[test]
    fn names_tell_what_their_probe_asks() {
        use Health::{Degraded, Draining, Failed, Ready, Starting};
        check(&[Starting], false, false, false, false);
        check(&[Starting, Ready], false, true, true, true);
        check(&[Ready, Degraded("disk")], false, true, false, true);
        check(&[Ready, Degraded("disk"), Ready], false, true, true, true);
        check(&[Ready, Failed("commit")], false, true, false, false);
        check(&[Ready, Draining], false, true, false, true);
        check(&[Ready], true, true, false, true);
    }

    #[tokio::test]
    async fn a_watcher_is_told_changes_only_and_ends_with_the_drain() {
        let (health, draining) = (watch::Sender::new(Health::Starting), watch::Sender::new(false));
        let condition = follow(health.subscribe(), draining.subscribe());
        let mut watcher = Watcher { condition, service: READINESS.to_owned(), told: None };
        assert_eq!(watcher.next().await, Some(NotServing));
        health.send_replace(Health::Ready);
        assert_eq!(watcher.next().await, Some(Serving));
        draining.send_replace(true);
        assert_eq!(watcher.next().await, Some(NotServing));
        assert_eq!(watcher.next().await, None);
    }
}
