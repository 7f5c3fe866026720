//! The product against a naive sequential model of the contract: replies and final state, one at a time and concurrently.
//!
//! `LEADGATE_MODEL_SEQUENCES` is the number of random sequences of each campaign, `LEADGATE_MODEL_SEED` the first seed. A failure prints
//! its seed and the shortest sequence that still fails.

mod alphabet;
mod call;
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

use std::ops::Range;

use leadgate::decision::policy::Policy;

/// How many random sequences are tried, and where they begin.
#[derive(Clone, Copy, Debug)]
struct Campaign {
    first_seed: u64,
    sequences: u64,
}

impl Campaign {
    fn from_environment(sequences: u64) -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Self {
            first_seed: number("LEADGATE_MODEL_SEED").unwrap_or(1),
            sequences: number("LEADGATE_MODEL_SEQUENCES").unwrap_or(sequences),
        }
    }

    fn seeds(self) -> Range<u64> {
        self.first_seed..self.first_seed + self.sequences
    }

    /// The policies of the campaign, each with its share of the seeds.
    fn shares(self) -> impl Iterator<Item = (&'static str, Policy, impl Iterator<Item = u64>)> {
        let policies = policies::all();
        let count = policies.len() as u64;
        policies.into_iter().enumerate().map(move |(index, (name, policy))| {
            (name, policy, self.seeds().filter(move |seed| seed % count == index as u64))
        })
    }
}
