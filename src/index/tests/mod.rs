//! Tests of the index as a whole, through what the engine calls.

mod at_rest;
mod candidates;
mod concurrency;
mod fixtures;
mod folder;
mod model;
mod search;
