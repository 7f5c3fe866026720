//! The engine as the schedule explorer sees it (`--features shuttle`): what many requests run through at once, as it ships, without the
//! threads, the clock and the disk around it. The scenarios are in `tests/shuttle`; `.ci/schedules` runs them.

#![allow(dead_code, unreachable_pub, reason = "the rest of the engine, which is not built here, uses it")]

mod commit_queue;
mod gate;
mod key_locks;
mod lock_set;
mod preview;
mod preview_blocks;
mod preview_frequencies;
mod reading;
mod row_cache;
mod sequencer;
mod sync;

#[cfg(test)]
#[path = "../../tests/shuttle/engine/mod.rs"]
mod schedules;
