//! Leadgate: the gate that a sales or marketing lead passes before anybody writes it into a CRM.
//!
//! # The map
//!
//! | module | owns | never |
//! |---|---|---|
//! | [`domain`] | the words of the field: values that cannot be wrong | async, IO, clock, randomness, globals |
//! | [`decision`] | which lead a payload belongs to, what is done about it, and why; pure | the same |
//! | [`store`] | durable truth: rows, the feed, recovery | deciding; naming the index |
//! | [`index`] | a derived view for words and blocking keys; can be dropped at any time | deciding; naming the store |
//! | [`engine`] | the write path: locks, sequencer, committer, gate | the wire |
//! | [`grpc`] | the wire: messages in and out, status codes, limits, health | deciding |
//! | [`app`], [`config`], [`telemetry`], [`cli`] | a process: settings, start, drain, commands | deciding |
//!
//! Dependencies point one way, and `tests/it/architecture.rs` holds them:
//!
//! ```text
//! main -> cli -> app -> grpc -> engine -> store -> decision -> domain
//!                                  '---> index -> decision -> domain
//! ```
//!
//! # One request
//!
//! An `Upsert` comes in at [`grpc`], where it becomes an [`UpsertCommand`](decision::command::UpsertCommand): behind that there is no
//! unchecked string. [`Engine::upsert`](engine::Engine::upsert) admits it, takes the locks of its keys, and reads the holders of every
//! key from the overlay and the store. [`plan_upsert`](decision::plan::plan_upsert) decides, and says what changes as rows. The
//! [`Sequencer`](engine::sequencer::Sequencer) checks that no row it rests on has changed, numbers the change set and makes it
//! visible; the locks are released. The committer writes everything queued as one batch and syncs once; the
//! [`DurableGate`](engine::gate::DurableGate) opens, and the answer goes out.
//!
//! # Invariants
//!
//! The contract's guarantees, by name, and what holds them:
//!
//! - **G1, one live lead per unique key**: the row of each key is a precondition of whoever creates or links. Held by the sequencer,
//!   whatever the locks do; `tests/it/engine` runs with the locks switched off.
//! - **G2, linearizable per key**: a change set is visible before its locks are released, and everything read is checked again when
//!   it is numbered. `tests/it/model` compares concurrent histories with a naive model, and where likeness decides with a decision
//!   that looks at every lead.
//! - **G4, nothing said before it is durable**: every answer, reads included, passes the gate with the highest sequence that it
//!   looked at.
//! - **G5, no payload is lost**: it is a lead, a parked review, a dead letter, or refused to the caller's face.
//! - **G6, one decision**: a match is an upsert's plan that nobody submits.
//! - **G7, one claim at a time**: a claim lies in the lead's own row, so taking it rests on that row.
//! - **index-behind-store**: the index's payload is never ahead of the store; one that is proves lost data, and the store refuses to
//!   open.
//! - **index-whole-or-silent**: no answer rests on an index that lacks leads; while it is built anew, whatever needs it is unavailable.
//!   Held by `engine/index_state.rs`.

#[cfg(not(shuttle))]
pub mod app;
#[cfg(not(shuttle))]
pub mod cli;
#[cfg(not(shuttle))]
pub mod config;
#[cfg_attr(shuttle, allow(dead_code, unused_imports, reason = "what uses the rest of it is not built here"))]
pub mod decision;
pub mod domain;
#[cfg(not(shuttle))]
pub mod engine;
#[cfg(all(any(test, fuzzing), not(shuttle)))]
pub mod fuzzed;
#[cfg(not(shuttle))]
pub mod grpc;
pub mod index;
pub mod store;
#[cfg(not(shuttle))]
pub mod telemetry;

// The schedule explorer (`.ci/schedules`) builds what many requests run through at once, and nothing above it.
#[cfg(all(test, shuttle))]
#[path = "../tests/shuttle/campaign.rs"]
mod campaign;
#[cfg(shuttle)]
#[path = "engine/explored.rs"]
mod engine;
#[cfg(all(shuttle, not(test)))]
compile_error!("the feature `shuttle` builds what `.ci/schedules` explores, and no server: leave it out");
