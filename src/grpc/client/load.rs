//! A client that costs as little as can be: messages go out as bytes that were encoded before, and come back as bytes of which only the
//! status is read. For load generators that share their machine with the server.

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use super::{ClientError, ServerAddress, channel};

/// A call by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `grpc.health.v1.Health/Check`.
    HealthCheck,
    /// `DedupService/MatchLead`.
    MatchLead,
    /// `DedupService/Upsert`.
    Upsert,
    /// `DedupService/BatchUpsert`.
    BatchUpsert,
}

impl Call {
    fn path(self) -> PathAndQuery {
        PathAndQuery::from_static(match self {
            Self::HealthCheck => "/grpc.health.v1.Health/Check",
            Self::MatchLead => "/leadgate.v1.DedupService/MatchLead",
            Self::Upsert => "/leadgate.v1.DedupService/Upsert",
            Self::BatchUpsert => "/leadgate.v1.DedupService/BatchUpsert",
        })
    }
}

/// The status of an upsert's or a match's reply, with what else a load generator must know.
#[derive(Clone, PartialEq, Message)]
pub struct StatusOnly {
    /// `UpsertStatus`.
    #[prost(int32, tag = "1")]
    pub status: i32,
    /// The reference of the request.
    #[prost(string, tag = "11")]
    pub client_ref: String,
}

/// The statuses of a batch's reply.
#[derive(Clone, PartialEq, Message)]
pub struct StatusesOnly {
    /// In the order of the requests.
    #[prost(message, repeated, tag = "1")]
    pub results: Vec<StatusOnly>,
}

/// The status of a stream's reply.
#[derive(Clone, PartialEq, Message)]
struct ResultOnly {
    #[prost(message, optional, tag = "1")]
    result: Option<StatusOnly>,
}

/// A connection of its own, without any other client's.
#[derive(Debug, Clone)]
pub struct LoadClient {
    grpc: Grpc<Channel>,
}

impl LoadClient {
    /// Connects.
    pub async fn connect(address: &ServerAddress) -> Result<Self, ClientError> {
        Ok(Self { grpc: Grpc::new(channel(address).await?) })
    }

    /// Calls with an encoded message; returns the encoded reply.
    pub async fn call(&mut self, call: Call, message: Bytes) -> Result<Bytes, ClientError> {
        self.ready().await?;
        Ok(self.grpc.unary(Request::new(message), call.path(), Encoded).await?.into_inner())
    }

    /// Opens a stream of upserts of encoded `StreamUpsertRequest`s.
    pub async fn stream(&mut self, messages: mpsc::Receiver<Bytes>) -> Result<LoadResults, ClientError> {
        self.ready().await?;
        let path = PathAndQuery::from_static("/leadgate.v1.DedupService/StreamUpsert");
        let messages = Request::new(ReceiverStream::new(messages));
        Ok(LoadResults(self.grpc.streaming(messages, path, Encoded).await?.into_inner()))
    }

    async fn ready(&mut self) -> Result<(), ClientError> {
        self.grpc.ready().await.map_err(|error| ClientError::broken(super::innermost(&error)))
    }
}

/// The results of a stream.
#[derive(Debug)]
pub struct LoadResults(Streaming<Bytes>);

impl LoadResults {
    /// The next result; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<StatusOnly, ClientError>> {
        match self.0.message().await {
            Ok(message) => message.map(|message| {
                let decoded = ResultOnly::decode(message).map_err(|_| ClientError::broken("a result cannot be read"));
                decoded.map(|decoded| decoded.result.unwrap_or_default())
            }),
            Err(status) => Some(Err(status.into())),
        }
    }
}

/// Bytes as they are.
#[derive(Debug, Clone, Copy, Default)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
