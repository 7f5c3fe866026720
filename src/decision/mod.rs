//! The pure core: policy, identity keys, decisions and change sets. Knows no async, IO, clock, randomness or globals.

pub mod blocking_keys;
pub mod name_guard;
