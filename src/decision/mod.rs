//! The pure core: policy, identity keys, decisions and change sets. Knows no async, IO, clock, randomness or globals.
