//! Readers without locks: what they see together stood together.

use std::sync::Arc;

use super::super::lock_set::{LockSet, NotSequenced};
use super::world::{key_row, lead_of_version, lead_row, version};
use super::*;
use crate::decision::rows::{ChangeSet, RowWrite};

/// Two rows that every change set writes with one version.
const TWINS: [u8; 2] = [100, 101];

impl World {
    async fn write_twins(&self) -> i64 {
        let mut locks = LockSet::of([key_row(0)].into_iter());
        loop {
            let guards = locks.acquire(&self.locks).await.expect("room");
            let mut look = self.look().await;
            let rows = look.rows(&TWINS.map(|twin| lead_row(lead_id(twin)))).await.expect("readable");
            let next = version(rows[0].as_ref()) + 1;
            let write =
                |twin| RowWrite { key: lead_row(lead_id(twin)), row: Some(lead_of_version(lead_id(twin), next)) };
            let changes = ChangeSet { writes: TWINS.map(write).into(), ..ChangeSet::default() };
            let submit = |changes| self.submit(&look, changes, |_| {});
            match locks.sequence(&self.locks, guards, None, changes, submit).await {
                Ok(sequence) => {
                    self.gate.wait(sequence).await.expect("a committer that works");
                    return next;
                }
                Err(NotSequenced::Again) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    /// Reads one twin after the other until both are current, and waits until what was seen is durable.
    async fn read_twins(&self) -> i64 {
        loop {
            let mut look = self.look().await;
            let mut seen = Vec::new();
            for twin in TWINS {
                seen.push(version(look.row(lead_row(lead_id(twin))).await.expect("readable").as_ref()));
            }
            if self.sequencer.check(look.reads()).is_err() {
                continue;
            }
            self.gate.wait(look.reads().highest()).await.expect("a committer that works");
            assert_eq!(seen[0], seen[1], "half a change set was seen");
            let durable = self.store.durable();
            for twin in TWINS {
                let kept = version(durable.row(&lead_row(lead_id(twin))));
                assert!(kept >= seen[0], "version {} was answered and {kept} is durable", seen[0]);
            }
            return seen[0];
        }
    }
}

#[test]
fn twins_are_seen_together() {
    explore("twins seen together", || {
        let world = World::new(Setup { locks: thread_rng().gen_bool(0.5), ..Setup::default() });
        let failure = with_committer(&world, async |world| {
            let writer = |world: Arc<World>| async move {
                let first = world.write_twins().await;
                assert!(world.read_twins().await >= first, "an answered write is seen");
            };
            let reader = |world: Arc<World>| async move {
                let first = world.read_twins().await;
                assert!(world.read_twins().await >= first, "time does not run backwards");
            };
            let tasks = [spawn(writer(world.clone())), spawn(writer(world.clone())), spawn(reader(world.clone()))];
            for task in tasks {
                task.await.expect("not cancelled");
            }
            assert_eq!(world.read_twins().await, 2, "no update is lost");
        });
        assert!(failure.is_none());
        assert!(world.locks.is_empty());
        assert_eq!(world.sequencer.depth(), (0, 0));
    });
}
