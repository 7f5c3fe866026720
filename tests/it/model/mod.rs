//! The product against a naive sequential model of the contract: replies and final state, one at a time and concurrently.
//!
//! `LEADGATE_MODEL_SEQUENCES` is the number of random sequences of each campaign, `LEADGATE_MODEL_SEED` the first seed. A failure prints
//! its seed and the shortest sequence that still fails.

mod alphabet;
mod call;
mod campaign;
mod concurrent;
mod core;
mod found;
mod naive;
mod order;
mod policies;
mod reference;
mod script;
mod sequential;
mod served;
mod state;
