//! What the committer does with the queue: everything in it becomes durable at once, is announced, and then the answers go.
//!
//! The order is the guarantee. Durable in the store, then announced to the sequencer, then answered; and after a failure nobody is
//! answered anything but that the outcome is unknown.

use std::ops::ControlFlow;

use crate::decision::rows::SequencedChangeSet;

use super::gate::DurableGate;
use super::sequencer::Sequencer;

/// One round of the committer: commits until nothing waits. Breaks off when something failed, or when the committer has to stop.
/// `gather` is awaited before each look at the queue: how long more may join what waits.
///
/// Who stops the committer closes the sequencer first, so that this round sees everything that was sequenced.
pub(super) async fn commit_round<E>(
    sequencer: &Sequencer,
    gate: &DurableGate,
    is_stopping: impl FnOnce() -> bool,
    gather: impl AsyncFnMut(),
    commit: impl AsyncFnMut(&[SequencedChangeSet]) -> Result<(), E>,
) -> ControlFlow<Option<CommitFailure<E>>> {
    // Asked before the queue is looked at: what is sequenced in between must not be left behind.
    let stopping = is_stopping();
    match commit_queued(sequencer, gate, gather, commit).await {
        Err(failure) => {
            sequencer.close();
            gate.fail();
            ControlFlow::Break(Some(failure))
        }
        Ok(()) if stopping => ControlFlow::Break(None),
        Ok(()) => ControlFlow::Continue(()),
    }
}

/// Why nothing more is committed.
#[derive(Debug)]
pub(super) enum CommitFailure<E> {
    /// The store could not commit.
    Store(E),
    /// A change set was being numbered when something panicked: what waits may be incomplete.
    Sequencer,
}

async fn commit_queued<E>(
    sequencer: &Sequencer,
    gate: &DurableGate,
    mut gather: impl AsyncFnMut(),
    mut commit: impl AsyncFnMut(&[SequencedChangeSet]) -> Result<(), E>,
) -> Result<(), CommitFailure<E>> {
    loop {
        gather().await;
        let batch = sequencer.take_queue().map_err(|_| CommitFailure::Sequencer)?;
        let Some(last) = batch.last().map(|last| last.sequence) else { return Ok(()) };
        commit(&batch).await.map_err(CommitFailure::Store)?;
        sequencer.announce_durable(last);
        gate.open(last);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::decision::rows::{ChangeSet, RowKey, RowWrite};
    use crate::domain::{LeadId, TenantId};

    fn submit(sequencer: &Sequencer, seen: impl FnOnce(u64)) -> u64 {
        let key = RowKey::lead(&TenantId::default(), LeadId::from_bytes([1; 16]));
        let changes = ChangeSet { writes: vec![RowWrite { key, row: None }], ..ChangeSet::default() };
        sequencer.submit(&sequencer.begin().reads, changes, seen).expect("a sequence")
    }

    #[tokio::test]
    async fn a_panic_while_numbering_leaves_nobody_waiting() {
        let (sequencer, gate) = (Sequencer::new(0, 0, 100, 0), DurableGate::new(0));
        submit(&sequencer, |_| {});
        let panicking = std::panic::AssertUnwindSafe(|| submit(&sequencer, |_| panic!("planted")));
        assert!(std::panic::catch_unwind(panicking).is_err());
        let commit = async |_: &[SequencedChangeSet]| -> Result<(), ()> { panic!("nothing is committed") };
        let round = commit_round(&sequencer, &gate, || false, async || (), commit).await;
        assert!(matches!(round, ControlFlow::Break(Some(CommitFailure::Sequencer))));
        assert!(gate.wait(1).await.is_err());
    }

    #[tokio::test]
    async fn what_is_sequenced_before_the_end_is_committed() {
        let (sequencer, gate) = (Sequencer::new(0, 0, 100, 0), DurableGate::new(0));
        let stopping = || {
            submit(&sequencer, |_| {});
            true
        };
        let round = commit_round(&sequencer, &gate, stopping, async || (), async |_| Ok::<(), ()>(())).await;
        assert!(matches!(round, ControlFlow::Break(None)));
        assert_eq!(gate.durable(), 1, "nothing is left behind");
    }

    #[tokio::test]
    async fn what_joins_while_more_is_gathered_is_committed_with_the_rest() {
        let (sequencer, gate) = (Sequencer::new(0, 0, 100, 0), DurableGate::new(0));
        submit(&sequencer, |_| {});
        let mut joins = true;
        let gather = async || {
            if std::mem::take(&mut joins) {
                submit(&sequencer, |_| {});
            }
        };
        let mut batches = Vec::new();
        let commit = async |batch: &[SequencedChangeSet]| {
            batches.push(batch.len());
            Ok::<(), ()>(())
        };
        let round = commit_round(&sequencer, &gate, || false, gather, commit).await;
        assert!(matches!(round, ControlFlow::Continue(())));
        assert_eq!((batches, gate.durable()), (vec![2], 2));
    }
}
