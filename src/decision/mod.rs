//! The pure core: policy, identity keys, decisions and change sets. Knows no async, IO, clock, randomness or globals.
//!
//! The way of a request through it: [`command`] is the request, [`evidence`] what was found for it, [`decide`] says which lead
//! it belongs to, [`plan`] what is done about it, and [`rows`] is what that changes in the store.

mod addresses;
pub mod blocking;
pub mod blocking_keys;
pub mod change;
pub mod clustering;
pub mod command;
pub mod comparable;
pub mod decide;
pub mod digest;
pub mod evidence;
mod exact_tiers;
pub mod explanation;
pub mod fuzzy_tier;
pub mod grouping;
pub mod identity_key;
pub mod matching;
pub mod name_guard;
pub mod outcome;
mod particulars;
mod phonetics;
pub mod plan;
pub mod policy;
pub mod reason;
pub mod review;
pub mod rows;
pub(crate) mod side_by_side;
mod survivorship;
pub mod tier;
