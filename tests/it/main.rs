//! Everything that needs more than one module: the engine on a real store, the server over a real socket, the program.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and a campaign prints its figures"
)]

mod architecture;
mod cli;
mod engine;
mod grpc;
mod model;
mod power_cut;
mod replay;
mod store_upgrade;
mod store_views;
