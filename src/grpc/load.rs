//! One connection of the benchmark: the calls it measures, made as a lean client would make them.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::proto;
use super::proto::dedup_service_client::DedupServiceClient;

/// A call of the benchmark that failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(String);

impl From<Status> for LoadError {
    fn from(status: Status) -> Self {
        Self(format!("{:?}: {}", status.code(), status.message()))
    }
}

/// A connection of its own, not shared with any other.
#[derive(Clone)]
pub struct LoadConnection {
    dedup: DedupServiceClient<Channel>,
    health: HealthClient<Channel>,
}

impl LoadConnection {
    /// Connects to `http://HOST:PORT`.
    pub async fn connect(url: &str) -> Result<Self, LoadError> {
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| LoadError(error.to_string()))?;
        let connected = endpoint.tcp_nodelay(true).connect().await;
        let channel = connected.map_err(|error| LoadError(format!("{url} cannot be reached: {error}")))?;
        Ok(Self { dedup: DedupServiceClient::new(channel.clone()), health: HealthClient::new(channel) })
    }

    /// Checks the server as a whole.
    pub async fn health(&mut self) -> Result<(), LoadError> {
        self.health.check(HealthCheckRequest::default()).await?;
        Ok(())
    }

    /// Matches one lead.
    pub async fn match_lead(
        &mut self,
        request: proto::MatchLeadRequest,
    ) -> Result<proto::MatchLeadResponse, LoadError> {
        Ok(self.dedup.match_lead(request).await?.into_inner())
    }

    /// Upserts one lead.
    pub async fn upsert(&mut self, request: proto::UpsertRequest) -> Result<proto::UpsertResponse, LoadError> {
        Ok(self.dedup.upsert(request).await?.into_inner())
    }

    /// Upserts a batch.
    pub async fn batch(&mut self, request: proto::BatchUpsertRequest) -> Result<proto::BatchUpsertResponse, LoadError> {
        Ok(self.dedup.batch_upsert(request).await?.into_inner())
    }

    /// Sends what `requests` yields as one stream, and counts the results that it gets.
    pub async fn stream(
        &mut self,
        requests: impl Iterator<Item = proto::UpsertRequest> + Send + 'static,
    ) -> Result<Vec<proto::UpsertResponse>, LoadError> {
        let (sender, receiver) = mpsc::channel(256);
        let feeding = tokio::spawn(async move {
            for request in requests {
                if sender.send(proto::StreamUpsertRequest { request: Some(request) }).await.is_err() {
                    return;
                }
            }
        });
        let mut results = self.dedup.stream_upsert(ReceiverStream::new(receiver)).await?.into_inner();
        let mut received = Vec::new();
        while let Some(message) = results.message().await? {
            received.extend(message.result);
        }
        drop(feeding.await);
        Ok(received)
    }
}
