//! What the committer does with the queue: everything in it becomes durable at once, is announced, and then the answers go.
//!
//! The order is the guarantee. Durable in the store, then announced to the sequencer, then answered; and after a failure nobody is
//! answered anything but that the outcome is unknown.

use std::ops::ControlFlow;

use crate::decision::rows::SequencedChangeSet;

use super::gate::DurableGate;
use super::sequencer::Sequencer;

/// One round of the committer: commits until nothing waits. Breaks off when something failed, or when the committer has to stop.
///
/// Who stops the committer closes the sequencer first, so that this round sees everything that was sequenced.
pub(super) async fn commit_round<E>(
    sequencer: &Sequencer,
    gate: &DurableGate,
    is_stopping: impl FnOnce() -> bool,
    commit: impl AsyncFnMut(&[SequencedChangeSet]) -> Result<(), E>,
) -> ControlFlow<Option<CommitFailure<E>>> {
    // Asked before the queue is looked at: what is sequenced in between must not be left behind.
    let stopping = is_stopping();
    match commit_queued(sequencer, gate, commit).await {
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
    mut commit: impl AsyncFnMut(&[SequencedChangeSet]) -> Result<(), E>,
) -> Result<(), CommitFailure<E>> {
    loop {
        let batch = sequencer.take_queue().map_err(|_| CommitFailure::Sequencer)?;
        let Some(last) = batch.last().map(|last| last.sequence) else { return Ok(()) };
        commit(&batch).await.map_err(CommitFailure::Store)?;
        sequencer.announce_durable(last);
        gate.open(last);
    }
}
