//! The key locks by themselves, and queues that are full.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use super::super::key_locks::{KeyLocks, QueueFull};
use super::super::lock_set::LockSet;
use super::super::sequencer::SubmitError;
use super::world::{key_row, lead_row};
use super::*;
use crate::decision::rows::ChangeSet;

/// Callers of one key, of which at most `limit` may hold or wait: that many do, and nobody is refused where there is room.
#[test]
fn a_full_queue() {
    explore("a full queue", || {
        let limit = thread_rng().gen_range(1..4);
        let locks = Arc::new(KeyLocks::new(limit, true));
        let counts = Arc::<Counts>::default();
        block_on(async {
            let hold = |_| spawn(hold_once(Arc::clone(&locks), limit, Arc::clone(&counts)));
            let tasks: Vec<_> = (0..5).map(hold).collect();
            for task in tasks {
                task.await.expect("not cancelled");
            }
        });
        assert!(locks.is_empty());
    });
}

#[derive(Default)]
struct Counts {
    /// How many have asked so far.
    asked: AtomicUsize,
    /// How many of them are done.
    gone: AtomicUsize,
    /// How many hold or wait.
    inside: AtomicUsize,
    holding: AtomicUsize,
}

async fn hold_once(locks: Arc<KeyLocks>, limit: usize, counts: Arc<Counts>) {
    counts.asked.fetch_add(1, SeqCst);
    let gone = counts.gone.load(SeqCst);
    let mut waiting = false;
    let mut acquiring = pin!(locks.acquire(&[7]));
    let guards = std::future::poll_fn(|context| {
        let polled = acquiring.as_mut().poll(context);
        if !waiting && !matches!(polled, Poll::Ready(Err(_))) {
            waiting = true;
            assert!(counts.inside.fetch_add(1, SeqCst) < limit, "more hold or wait than may");
        }
        polled
    })
    .await;
    match guards {
        Ok(guards) => {
            assert_eq!(counts.holding.fetch_add(1, SeqCst), 0, "one owner at a time");
            yield_now().await;
            counts.holding.fetch_sub(1, SeqCst);
            counts.inside.fetch_sub(1, SeqCst);
            drop(guards);
        }
        Err(QueueFull) => assert!(counts.asked.load(SeqCst) - gone > limit, "refused where there was room"),
    }
    counts.gone.fetch_add(1, SeqCst);
}

/// Requests meet full queues on their way: each is done or refused, and what was refused left nothing behind.
#[test]
fn requests_at_full_queues() {
    explore("requests at full queues", || {
        let world = World::new(Setup { queue_limit: 1, ..Setup::default() });
        let failure = with_committer(&world, async |world| {
            let callers: Vec<_> = (1..5).map(|number| caller(&world, number, some_keys(3, 3), some_mode())).collect();
            let mut answered = 0;
            for caller in callers {
                match caller.await.expect("not cancelled") {
                    Ok(_) => answered += 1,
                    Err(refused) => assert_eq!(refused, Refused::QueueFull),
                }
            }
            assert!(answered > 0, "somebody is first");
        });
        assert!(failure.is_none());
        world.hold_end();
    });
}

/// Waiters that come and go on several keys: one owner each, and an empty map at the end.
#[test]
fn waiters_that_go() {
    explore("waiters that go", || {
        let locks = Arc::new(KeyLocks::new(100, true));
        let owners: Arc<[AtomicUsize; 3]> = Arc::default();
        block_on(async {
            let tasks: Vec<_> = (0..5)
                .map(|_| {
                    let (locks, owners, mut keys) = (Arc::clone(&locks), Arc::clone(&owners), some_keys(3, 3));
                    keys.sort_unstable();
                    spawn(async move {
                        let numbers: Vec<u64> = keys.iter().copied().map(u64::from).collect();
                        let guards = locks.acquire(&numbers).await.expect("room");
                        let owner = |key: &u8| &owners[usize::from(*key)];
                        for key in &keys {
                            assert_eq!(owner(key).fetch_add(1, SeqCst), 0, "a key has two owners");
                        }
                        shuttle::thread::yield_now();
                        for key in &keys {
                            owner(key).fetch_sub(1, SeqCst);
                        }
                        drop(guards);
                    })
                })
                .collect();
            for victim in [0, 2, 4] {
                some_time().await;
                tasks[victim].abort();
            }
            for task in tasks {
                let _ = task.await;
            }
        });
        assert!(locks.is_empty());
    });
}

/// Requests that meet a lead on their way, and another one when they are sent back: they never wait for each other in a circle, and a
/// lead has one owner.
#[test]
fn leads_met_on_the_way() {
    explore("leads met on the way", || {
        let locks = Arc::new(KeyLocks::new(100, true));
        let owners: Arc<[AtomicUsize; 3]> = Arc::default();
        block_on(async {
            let tasks: Vec<_> = (0..3).map(|_| spawn(meet_leads(Arc::clone(&locks), Arc::clone(&owners)))).collect();
            for task in tasks {
                task.await.expect("not cancelled");
            }
        });
        assert!(locks.is_empty());
    });
}

async fn meet_leads(locks: Arc<KeyLocks>, owners: Arc<[AtomicUsize; 3]>) {
    let mut set = LockSet::of(some_keys(2, 2).into_iter().map(key_row));
    for round in 0..3 {
        let guards = set.acquire(&locks).await.expect("room");
        let lead = thread_rng().gen_range(0..3);
        let submit = |_| {
            assert_eq!(owners[usize::from(lead)].fetch_add(1, SeqCst), 0, "a lead has two owners");
            shuttle::thread::yield_now();
            owners[usize::from(lead)].fetch_sub(1, SeqCst);
            if round < 2 { Err(SubmitError::Conflict) } else { Ok(1) }
        };
        let lead = lead_row(lead_id(lead));
        // Sent back or not: the next round begins anew, with what was learnt.
        let _ = set.sequence(&locks, guards, Some(&lead), ChangeSet::default(), submit).await;
    }
}
