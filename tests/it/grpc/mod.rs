//! The server over a real socket, with a real client.

mod bad_input;
mod bulk;
mod duplicates;
mod health;
mod lists;
mod upsert;
mod watch;

use std::net::SocketAddr;
use std::time::Duration;

use leadgate::app::{App, AppError, AppSettings};
use leadgate::engine::EngineSettings;
use leadgate::grpc::ServerSettings;
use leadgate::grpc::proto::dedup_service_client::DedupServiceClient;
use leadgate::grpc::proto::steward_service_client::StewardServiceClient;
use leadgate::grpc::proto::{LeadInput, UpsertRequest, UpsertResponse};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

/// The longest that anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server on free ports and a folder of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) health_address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), AppError>>,
    pub(crate) folder: tempfile::TempDir,
}

impl Server {
    /// A server that is ready.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with other settings that is ready.
    pub(crate) async fn with(change: impl FnOnce(&mut AppSettings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::on(folder, change).await
    }

    /// A server on a folder, ready.
    pub(crate) async fn on(folder: tempfile::TempDir, change: impl FnOnce(&mut AppSettings)) -> Self {
        let any_port: SocketAddr = ([127, 0, 0, 1], 0).into();
        let mut settings = AppSettings {
            listen: any_port,
            health_listen: Some(any_port),
            server: ServerSettings::default(),
            engine: EngineSettings::new(folder.path()),
        };
        change(&mut settings);
        let app = App::bind(settings).await.expect("listeners");
        let address = app.address().expect("an address");
        let health_address = app.health_address().expect("a health port").expect("an address");
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(async { drop(stopped.await) }));
        let server = Self { address, health_address, stop: Some(stop), running, folder };
        server.wait_until(ServingStatus::Serving).await;
        server
    }

    /// Waits until readiness says so.
    pub(crate) async fn wait_until(&self, status: ServingStatus) {
        let mut client = HealthClient::new(channel(self.health_address).await);
        let waiting = async {
            while health(&mut client, "leadgate.readiness").await != Ok(status) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the readiness in time");
    }

    pub(crate) async fn dedup(&self) -> DedupServiceClient<Channel> {
        DedupServiceClient::new(channel(self.address).await)
    }

    pub(crate) async fn steward(&self) -> StewardServiceClient<Channel> {
        StewardServiceClient::new(channel(self.address).await)
    }

    /// Asks the server to shut down.
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Shuts the server down and waits for its end.
    pub(crate) async fn stop(mut self) -> (Result<(), AppError>, tempfile::TempDir) {
        self.ask_to_stop();
        let ended = tokio::time::timeout(PATIENCE, self.running).await.expect("an end in time");
        (ended.expect("no panic"), self.folder)
    }
}

pub(crate) async fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).expect("a URL").connect().await.expect("a connection")
}

/// What the health service says of a name; the code where it says nothing.
pub(crate) async fn health(client: &mut HealthClient<Channel>, service: &str) -> Result<ServingStatus, Code> {
    let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

/// The code of a failure and the reason in its one `ErrorInfo`.
pub(crate) fn refusal(status: &Status) -> (Code, String) {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "leadgate");
    (status.code(), info.reason.clone())
}

/// A request of source `crm`.
pub(crate) fn request(lead: LeadInput) -> UpsertRequest {
    UpsertRequest { source: "crm".to_owned(), lead: Some(lead), ..UpsertRequest::default() }
}

/// A lead with an email and a name.
pub(crate) fn ann() -> LeadInput {
    LeadInput {
        email: Some("ann@example.com".to_owned()),
        first_name: Some("Ann".to_owned()),
        last_name: Some("Smith".to_owned()),
        ..LeadInput::default()
    }
}

/// A lead with nothing but an email.
pub(crate) fn with_email(email: &str) -> LeadInput {
    LeadInput { email: Some(email.to_owned()), ..LeadInput::default() }
}

/// The codes of the reasons of an answer.
pub(crate) fn codes(response: &UpsertResponse) -> Vec<&str> {
    response.reasons.iter().map(|reason| reason.code.as_str()).collect()
}
