//! Key locks, sequencer, overlay, gate and the committer's work, as they ship, under every order that the explorer can think of.
//!
//! Held in every scenario, by [`world`]: one live lead per key; no update lost; every decision is the one that the state before it
//! asks for; no answer before what it names is durable; an answered write is seen by everybody who begins after it; with locks a key
//! has one owner until its change is sequenced; nobody is sent back without reason; no deadlock, no lost wake-up; in the end no lock,
//! no overlay, nothing that waits.

mod breaking;
mod queues;
mod reads;
mod store;
mod upserts;
mod world;

use std::sync::Arc;

use shuttle::future::{JoinHandle, block_on, spawn, spawn_local, yield_now};
use shuttle::rand::{Rng, thread_rng};

use super::commit_queue::CommitFailure;
use crate::campaign::explore;
use store::Broken;
use world::{Answer, Mode, Refused, Setup, World, lead_id};

/// The keys of a request, in any order, each once.
fn some_keys(of: u8, most: usize) -> Vec<u8> {
    let mut keys: Vec<u8> = (0..of).collect();
    for place in 0..keys.len() {
        let other = thread_rng().gen_range(place..keys.len());
        keys.swap(place, other);
    }
    keys.truncate(thread_rng().gen_range(1..most + 1));
    keys
}

/// Lets others go first, some more often than others.
async fn some_time() {
    for _ in 0..thread_rng().gen_range(0..12) {
        yield_now().await;
    }
}

fn some_mode() -> Mode {
    [Mode::Write, Mode::Write, Mode::Link, Mode::Match][thread_rng().gen_range(0..4)]
}

/// One caller with one request, whose lead, if it makes one, has this number.
fn caller(world: &Arc<World>, number: u8, keys: Vec<u8>, mode: Mode) -> JoinHandle<Result<Answer, Refused>> {
    let world = Arc::clone(world);
    spawn(async move { world.request(lead_id(number), &keys, mode).await })
}

/// Runs a scenario with a committer, ends it, and answers what the committer ended with.
fn with_committer<F: Future<Output = ()>>(
    world: &Arc<World>,
    scenario: impl FnOnce(Arc<World>) -> F,
) -> Option<CommitFailure<Broken>> {
    block_on(async {
        let committer = spawn_local(Arc::clone(world).committer());
        scenario(Arc::clone(world)).await;
        world.stop().await;
        committer.await.expect("not cancelled")
    })
}
