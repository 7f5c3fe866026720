//! Callers with overlapping keys.

use std::sync::Arc;

use super::*;

/// `callers` requests at once, two per task, with random keys out of three.
fn requests_at_once(setup: Setup, tasks: u8) {
    let world = World::new(setup);
    let failure = with_committer(&world, async |world| {
        let both = |task: u8| {
            let (world, first, second) = (Arc::clone(&world), some_keys(3, 3), some_keys(3, 2));
            let modes = (some_mode(), some_mode());
            spawn(async move {
                world.request(lead_id(2 * task + 1), &first, modes.0).await.expect("an answer");
                world.request(lead_id(2 * task + 2), &second, modes.1).await.expect("an answer");
            })
        };
        let tasks: Vec<_> = (0..tasks).map(both).collect();
        for task in tasks {
            task.await.expect("not cancelled");
        }
    });
    assert!(failure.is_none());
    world.hold_end();
}

fn held() -> Vec<u8> {
    if thread_rng().gen_bool(0.5) { some_keys(3, 2) } else { Vec::new() }
}

#[test]
fn requests_that_share_keys() {
    explore("requests that share keys", || requests_at_once(Setup { held: held(), ..Setup::default() }, 3));
}

#[test]
fn requests_without_locks() {
    explore("requests without locks", || {
        requests_at_once(Setup { held: held(), locks: false, ..Setup::default() }, 3);
    });
}

#[test]
fn requests_on_a_short_overlay() {
    explore("requests on a short overlay", || {
        let (kept_limit, locks) = (thread_rng().gen_range(0..3), thread_rng().gen_bool(0.5));
        requests_at_once(Setup { held: held(), kept_limit, locks, ..Setup::default() }, 3);
    });
}

#[test]
fn callers_that_hang_up() {
    explore("callers that hang up", || {
        let locks = thread_rng().gen_bool(0.8);
        let world = World::new(Setup { held: held(), locks, ..Setup::default() });
        let failure = with_committer(&world, async |world| {
            let callers: Vec<_> = (1..5).map(|number| caller(&world, number, some_keys(3, 3), some_mode())).collect();
            for victim in 0..2 {
                some_time().await;
                callers[victim].abort();
            }
            for caller in callers {
                if let Ok(answer) = caller.await {
                    answer.expect("an answer");
                }
            }
        });
        assert!(failure.is_none());
        world.hold_end();
    });
}
