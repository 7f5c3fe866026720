//! Many random sequences, under each policy.

use std::ops;

use futures_util::{StreamExt, stream};

use leadgate::decision::policy::Policy;

use super::alphabet::Range;
use super::policies;
use super::reference::Reference;
use super::served::Served;

/// How many random sequences are tried, and where they begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Campaign {
    first_seed: u64,
    sequences: u64,
}

impl Campaign {
    pub(crate) fn from_environment(sequences: u64) -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Self {
            first_seed: number("LEADGATE_MODEL_SEED").unwrap_or(1),
            sequences: number("LEADGATE_MODEL_SEQUENCES").unwrap_or(sequences),
        }
    }

    pub(crate) fn seeds(self) -> ops::Range<u64> {
        self.first_seed..self.first_seed + self.sequences
    }

    /// The policies of the campaign, each with its share of the seeds.
    pub(crate) fn shares(self) -> impl Iterator<Item = (&'static str, Policy, impl Iterator<Item = u64>)> {
        let policies = policies::all();
        let count = policies.len() as u64;
        policies.into_iter().enumerate().map(move |(index, (name, policy))| {
            (name, policy, self.seeds().filter(move |seed| seed % count == index as u64))
        })
    }

    /// Holds engines against a reference, so many seeds at once. `run` tells what of a seed the reference does not explain.
    pub(crate) async fn hold<R: Reference, F>(
        self,
        key_locks: bool,
        at_once: usize,
        run: impl Fn(Served, u64, Range) -> F,
    ) where
        F: Future<Output = Option<String>> + Send + 'static,
    {
        for (name, policy, seeds) in self.shares() {
            let served = Served::new(&R::held_under(policy), key_locks);
            let running = seeds.map(|seed| {
                let ran = tokio::spawn(run(served.clone(), seed, R::range()));
                async move { (seed, ran.await.expect("a sequence does not panic")) }
            });
            let mut ended = stream::iter(running).buffer_unordered(at_once);
            while let Some((seed, why)) = ended.next().await {
                assert!(why.is_none(), "policy {name}, seed {seed}\n{}", why.unwrap_or_default());
            }
        }
    }
}
