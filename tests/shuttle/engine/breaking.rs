//! A store that breaks, and an engine that drains while requests come.

use super::*;

/// Every caller is answered; who is told that it was done finds it in the store, which [`World::request`] checks.
#[test]
fn a_store_that_breaks() {
    explore("a store that breaks", || {
        let breaks_at = thread_rng().gen_range(1..5);
        let locks = thread_rng().gen_bool(0.7);
        let world = World::new(Setup { locks, breaks_at: Some(breaks_at), ..Setup::default() });
        let failure = with_committer(&world, async |world| {
            let callers: Vec<_> = (1..5).map(|number| caller(&world, number, some_keys(3, 2), some_mode())).collect();
            let mut refused = 0;
            for caller in callers {
                match caller.await.expect("not cancelled") {
                    Ok(_) => {}
                    Err(Refused::OutcomeUnknown | Refused::Closed) => refused += 1,
                    Err(Refused::QueueFull) => panic!("the queues are long"),
                }
            }
            let sequenced = world.sequencer.last_sequence();
            if sequenced >= breaks_at {
                assert!(refused > 0, "the one whose commit broke is not told that it was done");
                let later = world.request(lead_id(9), &[0], Mode::Write).await;
                assert!(matches!(later, Err(Refused::OutcomeUnknown | Refused::Closed)), "{later:?}");
                assert!(world.gate.wait(sequenced).await.is_err());
            }
        });
        assert_eq!(failure.is_some(), world.sequencer.last_sequence() >= breaks_at);
        assert!(world.locks.is_empty());
    });
}

/// Requests meet an engine that drains: each is done and durable, or refused.
#[test]
fn an_engine_that_drains() {
    explore("an engine that drains", || {
        let world = World::new(Setup::default());
        let callers = std::sync::Mutex::new(Vec::new());
        let failure = with_committer(&world, async |world| {
            let requests = (1..4).map(|number| caller(&world, number, some_keys(2, 2), some_mode()));
            callers.lock().expect("no panic").extend(requests);
        });
        assert!(failure.is_none());
        for caller in callers.into_inner().expect("no panic") {
            let answer = block_on(caller).expect("not cancelled");
            assert!(matches!(answer, Ok(_) | Err(Refused::Closed)), "{answer:?}");
        }
        world.hold_end();
    });
}
