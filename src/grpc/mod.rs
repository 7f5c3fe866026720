//! The gRPC edge: the only place that names tonic.
//!
//! It turns messages into commands and answers into messages, maps failures to status codes in one table, serves health and
//! reflection, and drains. It never decides anything about a lead.

mod blank_ids;
mod bulk;
pub mod client;
mod convert;
mod dedup;
mod desk;
mod duplicates;
mod front;
mod health;
mod in_flight;
mod limits;
mod page;
pub mod proto;
mod reports;
mod server;
mod slot;
mod status;
mod steward;
mod token;
mod violation;
mod watch;

pub(crate) use convert::incoming_lead;
#[cfg(any(test, fuzzing))]
pub(crate) use convert::read_any_request;
pub use health::{LIVENESS, READINESS, STARTUP};
pub use limits::ServerSettings;
pub use server::{Listeners, ServeError, serve, serve_bare_health};
pub use slot::EngineSlot;
