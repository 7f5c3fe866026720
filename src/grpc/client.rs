//! The client that the command line uses: calls by name, failures grouped by what a program can do about them.

mod load;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use super::proto;
use super::proto::dedup_service_client::DedupServiceClient;
use super::proto::steward_service_client::StewardServiceClient;

pub use load::{Call, LoadClient, LoadResults, StatusOnly, StatusesOnly};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether it still stands, and how long it may take to say so.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
/// The largest message read. A lead with everything that the default policy lets it hold is far smaller.
const LARGEST_MESSAGE_BYTES: usize = 64 << 20;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(String);

impl FromStr for ServerAddress {
    type Err = String;

    /// Reads `http://HOST:PORT` or `HOST:PORT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with("https://") {
            return Err("TLS is not available; use http://HOST:PORT".into());
        }
        let url = if text.starts_with("http://") { text.to_owned() } else { format!("http://{text}") };
        let uri: http::Uri = url.parse().map_err(|_| "not of the form http://HOST:PORT".to_owned())?;
        match (uri.host(), uri.port_u16()) {
            (Some(host), Some(_)) if !host.is_empty() && matches!(uri.path(), "" | "/") => Ok(Self(url)),
            _ => Err("not of the form http://HOST:PORT".into()),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a program can do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection could be made, or it broke: whether the call was carried out is not known. Safe to repeat with the same
    /// request id.
    Unreachable,
    /// The server cannot do it now. Safe to repeat with the same request id, after the delay where it names one.
    Unavailable,
    /// The request cannot be done as it is.
    Refused,
    /// The server has no such call.
    Unsupported,
    /// The server made a mistake.
    Internal,
}

/// A call that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// What can be done about it.
    pub kind: FailureKind,
    /// The reason of the server's `ErrorInfo`, where it gave one.
    pub reason: Option<String>,
    /// When to try again, where the server says so.
    pub retry_after: Option<Duration>,
    /// For people.
    pub message: String,
}

impl ClientError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, FailureKind::Unreachable | FailureKind::Unavailable)
    }

    /// A connection that broke, as seen from this side.
    pub(crate) fn broken(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Unreachable, reason: None, retry_after: None, message: message.into() }
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone());
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let kind = match status.code() {
            // The transport answers for a server that never saw the call: it has no ErrorInfo.
            Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded if reason.is_none() => {
                FailureKind::Unreachable
            }
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled => {
                FailureKind::Unavailable
            }
            Code::Unimplemented => FailureKind::Unsupported,
            Code::Internal | Code::DataLoss | Code::Unknown => FailureKind::Internal,
            _ => FailureKind::Refused,
        };
        let message = match (&reason, status.message()) {
            (Some(reason), message) => format!("{reason}: {message}"),
            (None, "") => format!("the server answered {}", status.code()),
            (None, message) => message.to_owned(),
        };
        Self { kind, reason, retry_after, message }
    }
}

/// What a server says about its health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// It serves.
    Yes,
    /// It does not, for now.
    No,
    /// It does not know the service asked for.
    UnknownService,
}

/// A connection to a server. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Client {
    dedup: DedupServiceClient<Channel>,
    steward: StewardServiceClient<Channel>,
    health: HealthClient<Channel>,
}

impl Client {
    /// Connects, within five seconds.
    pub async fn connect(address: &ServerAddress) -> Result<Self, ClientError> {
        let channel = channel(address).await?;
        Ok(Self {
            dedup: DedupServiceClient::new(channel.clone()).max_decoding_message_size(LARGEST_MESSAGE_BYTES),
            steward: StewardServiceClient::new(channel.clone()).max_decoding_message_size(LARGEST_MESSAGE_BYTES),
            health: HealthClient::new(channel),
        })
    }

    /// Decides about a lead and writes nothing.
    pub async fn match_lead(
        &mut self,
        request: proto::MatchLeadRequest,
    ) -> Result<proto::MatchLeadResponse, ClientError> {
        Ok(self.dedup.match_lead(request).await?.into_inner())
    }

    /// Searches leads by free text, a page at a time.
    pub async fn search_leads(
        &mut self,
        request: proto::SearchLeadsRequest,
    ) -> Result<proto::SearchLeadsResponse, ClientError> {
        Ok(self.steward.search_leads(request).await?.into_inner())
    }

    /// Opens a stream of upserts: what is sent into `requests` is answered by the stream, in any order.
    pub async fn stream_upsert(
        &mut self,
        requests: mpsc::Receiver<proto::UpsertRequest>,
    ) -> Result<UpsertResults, ClientError> {
        let requests =
            ReceiverStream::new(requests).map(|request| proto::StreamUpsertRequest { request: Some(request) });
        Ok(UpsertResults(self.dedup.stream_upsert(requests).await?.into_inner()))
    }

    /// Asks whether a service of the server serves.
    pub async fn serving(&mut self, service: &str) -> Result<Serving, ClientError> {
        match self.health.check(HealthCheckRequest { service: service.to_owned() }).await {
            Ok(response) if response.get_ref().status() == ServingStatus::Serving => Ok(Serving::Yes),
            Ok(_) => Ok(Serving::No),
            Err(status) if status.code() == Code::NotFound => Ok(Serving::UnknownService),
            Err(status) => Err(status.into()),
        }
    }
}

/// The results of a stream of upserts.
#[derive(Debug)]
pub struct UpsertResults(Streaming<proto::StreamUpsertResponse>);

impl UpsertResults {
    /// The next result; `None` when the server has answered everything. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<proto::UpsertResponse, ClientError>> {
        match self.0.message().await {
            Ok(message) => message.map(|message| Ok(message.result.unwrap_or_default())),
            Err(status) => Some(Err(status.into())),
        }
    }
}

/// A connection of its own.
async fn channel(address: &ServerAddress) -> Result<Channel, ClientError> {
    let unreachable = |error: &dyn std::error::Error| {
        ClientError::broken(format!("{address} cannot be reached: {}", innermost(error)))
    };
    let endpoint = Endpoint::from_shared(address.0.clone()).map_err(|error| unreachable(&error))?;
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE.0)
        .keep_alive_timeout(KEEPALIVE.1)
        .tcp_nodelay(true)
        .connect()
        .await
        .map_err(|error| unreachable(&error))
}

/// The cause that says most: tonic's own message is only "transport error".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_addresses_are_read_or_refused() {
        for (text, address) in [
            ("127.0.0.1:50051", Some("http://127.0.0.1:50051")),
            ("http://leadgate:1", Some("http://leadgate:1")),
            ("http://[::1]:50051/", Some("http://[::1]:50051/")),
            ("https://leadgate:1", None),
            ("leadgate", None),
            ("http://leadgate:1/path", None),
            ("", None),
            ("a b:1", None),
        ] {
            assert_eq!(
                text.parse::<ServerAddress>().ok().map(|address| address.to_string()).as_deref(),
                address,
                "{text}"
            );
        }
    }
}
