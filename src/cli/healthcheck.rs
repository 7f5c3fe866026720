//! `leadgate healthcheck`: asks a server whether it serves, for container runtimes and scripts.

use std::time::Duration;

use crate::grpc::client::{Client, ServerAddress, Serving};

use super::exit::{CommandError, Exit};

/// Ask a server whether it serves: exit code 0 when it does, 3 when it does not.
#[derive(Debug, clap::Args)]
pub(crate) struct HealthcheckOptions {
    /// Where health is served.
    #[arg(long, value_name = "ADDRESS", env = "LEADGATE_HEALTH_LISTEN", default_value = "127.0.0.1:50052", value_parser = local)]
    address: ServerAddress,

    /// The name to ask for: leadgate.startup, leadgate.readiness, leadgate.liveness, or that of a gRPC service.
    #[arg(long, value_name = "NAME", default_value = "leadgate.readiness")]
    service: String,

    /// How many milliseconds the answer may take.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 4_000)]
    timeout_ms: u64,
}

/// Asks once.
pub(crate) async fn run(options: &HealthcheckOptions) -> Result<Exit, CommandError> {
    let HealthcheckOptions { address, service, timeout_ms } = options;
    let unavailable = |problem: String| Err(CommandError::new(Exit::Unavailable, problem));
    let asking = async { Client::connect(address).await?.serving(service).await };
    match tokio::time::timeout(Duration::from_millis(*timeout_ms), asking).await {
        Ok(Ok(Serving::Yes)) => Ok(Exit::Success),
        Ok(Ok(Serving::No)) => unavailable(format!("{service} is not serving at {address}")),
        Ok(Ok(Serving::UnknownService)) => Err(CommandError::usage(format!("{address} knows no service {service}"))),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => unavailable(format!("{address} did not answer within {timeout_ms} ms")),
    }
}

/// An address to listen on is asked through this machine: nobody can connect to `0.0.0.0`.
fn local(text: &str) -> Result<ServerAddress, String> {
    let text = text.replacen("0.0.0.0:", "127.0.0.1:", 1).replacen("[::]:", "[::1]:", 1);
    text.parse()
}
