//! Campaigns: the server under load, killed, starved, halted and refused. `tests/CAMPAIGNS.md` says what each one shows, how to run it
//! whole, and what it last measured.
//!
//! By default every campaign is small, so that all of them are part of `cargo test`. A variable in the environment makes one large.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and a campaign prints its figures"
)]

#[path = "../it/power_cut/chance.rs"]
mod chance;
mod claims;
mod grants;
mod halted_key;
mod hot_keys;
mod index_folder;
mod kept;
mod kill;
mod launch;
mod likeness;
#[path = "../it/engine/payloads.rs"]
#[allow(dead_code, reason = "shared with the engine's tests, which use all of it")]
mod payloads;
mod refusals;
mod server;
mod slow_commits;
mod wire;

use std::str::FromStr;

/// The size of a campaign: what the environment says, else the default, which is made for every run of the tests.
fn size<T: FromStr>(variable: &str, default: T) -> T {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}")),
        Err(_) => default,
    }
}
