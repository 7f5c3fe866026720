//! Reads the texts of single settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::settings::LogFormat;

/// How a text is read, and what is allowed in it.
pub(super) struct Parse<T> {
    /// For a message.
    pub(super) allowed: &'static str,
    /// `None` for a text that is not allowed.
    pub(super) parse: fn(&str) -> Option<T>,
}

/// An address to listen on.
pub(super) const ADDRESS: Parse<SocketAddr> =
    Parse { allowed: "an IP address and a port, such as 127.0.0.1:50051 or [::]:50051", parse: address };

/// An address to listen on, or none.
pub(super) const ADDRESS_OR_OFF: Parse<Option<SocketAddr>> =
    Parse { allowed: "off, or an IP address and a port, such as 127.0.0.1:50052", parse: address_or_off };

/// An address to listen on, none, or the usual one of metrics on this machine.
pub(super) const METRICS_ADDRESS: Parse<Option<SocketAddr>> = Parse {
    allowed: "off, on (127.0.0.1:9464), or an IP address and a port",
    parse: |text| if text == "on" { Some(Some(local(9_464))) } else { address_or_off(text) },
};

/// A folder, which need not exist yet.
pub(super) const FOLDER: Parse<PathBuf> = Parse { allowed: "the path of a folder", parse: path };

/// A file.
pub(super) const FILE: Parse<PathBuf> = Parse { allowed: "the path of a file", parse: path };

/// How log lines look.
pub(super) const LOG_FORMAT: Parse<LogFormat> = Parse {
    allowed: "text, json",
    parse: |text| match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    },
};

/// Which log lines are written.
pub(super) const LOG_FILTER: Parse<String> = Parse {
    allowed: "off, error, warn, info, debug, trace, or directives such as info,leadgate::engine=debug",
    parse: |text| {
        let readable = !text.is_empty() && tracing_subscriber::EnvFilter::try_new(text).is_ok();
        readable.then(|| text.to_owned())
    },
};

/// A port of this machine.
pub(super) fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

fn address_or_off(text: &str) -> Option<Option<SocketAddr>> {
    if text == "off" { Some(None) } else { address(text).map(Some) }
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains('\0')).then(|| text.into())
}
