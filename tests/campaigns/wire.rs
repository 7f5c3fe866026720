//! Speaking to the server as a client does.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use leadgate::grpc::proto::dedup_service_client::DedupServiceClient;
use leadgate::grpc::proto::steward_service_client::StewardServiceClient;
use leadgate::grpc::proto::{LeadInput, UpsertRequest};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A client of the service that integrations call.
pub(crate) type Dedup = DedupServiceClient<Channel>;
/// A client of the service for people.
pub(crate) type Steward = StewardServiceClient<Channel>;

/// A connection of its own.
pub(crate) async fn connect(address: SocketAddr) -> Result<Channel, tonic::transport::Error> {
    Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true).connect().await
}

/// What an error means to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It was not done, and the server says when to come again.
    ComeAgain(Duration),
    /// Nobody knows whether it was done: the connection is gone, or the server is about to be.
    Unknown,
    /// Neither may ever happen to a good request.
    Wrong,
}

/// What an error means.
pub(crate) fn meaning(status: &Status) -> Meaning {
    let details = status.get_error_details();
    let Some(info) = details.error_info() else {
        // The server never answers without: the client's own words for a lost connection or a deadline.
        return Meaning::Unknown;
    };
    let delay = details.retry_info().and_then(|retry| retry.retry_delay);
    match (status.code(), info.reason.as_str(), delay) {
        (Code::Unavailable, "COMMIT_OUTCOME_UNKNOWN", Some(_)) => Meaning::Unknown,
        (Code::Unavailable | Code::ResourceExhausted, _, Some(delay)) => Meaning::ComeAgain(delay),
        (Code::Cancelled | Code::DeadlineExceeded, _, _) => Meaning::Unknown,
        _ => Meaning::Wrong,
    }
}

/// The email of somebody. Nobody else has the domain or the mailbox, so that two of them have no blocking key in common.
pub(crate) fn email_of(person: u64) -> String {
    format!("p{person}@p{person}.com")
}

/// A lead that is known by an email.
pub(crate) fn lead(email: &str) -> LeadInput {
    LeadInput { email: Some(email.to_owned()), ..LeadInput::default() }
}

/// An upsert of a lead.
pub(crate) fn upsert(source: &str, lead: LeadInput) -> UpsertRequest {
    UpsertRequest { source: source.to_owned(), lead: Some(lead), ..UpsertRequest::default() }
}

/// Microseconds of the machine's clock, which the server reads too.
pub(crate) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock behind 1970");
    i64::try_from(since.as_micros()).expect("a year that fits")
}

/// Microseconds of a time on the wire.
pub(crate) fn micros(time: &prost_types::Timestamp) -> i64 {
    time.seconds * 1_000_000 + i64::from(time.nanos) / 1000
}
