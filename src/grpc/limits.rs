//! What one connection, one message and one shutdown may cost.

use std::time::Duration;

use tonic::transport::Server;

/// The settings of the servers. Every default is safe for a service that faces other services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Longest request message, in bytes, after decompression. Longer ones are INVALID_ARGUMENT.
    pub max_request_bytes: usize,
    /// Longest reply message, in bytes. A longer one is RESOURCE_EXHAUSTED without a retry.
    pub max_reply_bytes: usize,
    /// Calls at a time on one connection.
    pub max_concurrent_streams: u32,
    /// Longest list of headers, in bytes.
    pub max_header_list_bytes: u32,
    /// Streams that a peer opened and reset before we looked, at most; beyond it the connection ends.
    pub max_pending_reset_streams: usize,
    /// Streams that we reset because of a peer's mistakes, at most; beyond it the connection ends.
    pub max_local_reset_streams: usize,
    /// After so long without a word the peer is asked whether it is still there.
    pub keepalive_interval: Duration,
    /// A peer that does not answer that for so long is gone.
    pub keepalive_timeout: Duration,
    /// After so long a connection is asked to end, so that clients spread over new replicas. None: never.
    pub max_connection_age: Option<Duration>,
    /// After so long the shutdown no longer waits for calls in flight.
    pub drain_deadline: Duration,
    /// Requests of one stream that are decided at a time.
    pub stream_in_flight: usize,
    /// After so long without an event a watcher gets a sign of life.
    pub heartbeat_interval: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            max_request_bytes: 4 * 1024 * 1024,
            max_reply_bytes: 64 * 1024 * 1024,
            max_concurrent_streams: 256,
            max_header_list_bytes: 16 * 1024,
            max_pending_reset_streams: 20,
            max_local_reset_streams: 1024,
            keepalive_interval: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(20),
            max_connection_age: None,
            drain_deadline: Duration::from_secs(20),
            stream_in_flight: 256,
            heartbeat_interval: Duration::from_secs(10),
        }
    }
}

impl ServerSettings {
    /// A server that keeps these limits. Tonic sets none of them by itself.
    pub(crate) fn server(&self) -> Server {
        let server = Server::builder()
            .max_concurrent_streams(self.max_concurrent_streams)
            .http2_max_header_list_size(self.max_header_list_bytes)
            .http2_max_pending_accept_reset_streams(Some(self.max_pending_reset_streams))
            .http2_max_local_error_reset_streams(Some(self.max_local_reset_streams))
            .http2_keepalive_interval(Some(self.keepalive_interval))
            .http2_keepalive_timeout(Some(self.keepalive_timeout));
        match self.max_connection_age {
            Some(age) => server.max_connection_age(age),
            None => server,
        }
    }
}
