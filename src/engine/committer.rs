//! The committer: makes durable what was sequenced, everything queued at once, and lets the answers go.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use crate::decision::rows::SequencedChangeSet;
use crate::store::{CommitError, LeadStore};

use super::commit_queue::{CommitFailure, commit_round};
use super::{Engine, Health};

/// How long the committer sleeps at most before it looks whether its engine is still there.
const IDLE: Duration = Duration::from_millis(100);

/// How long more is gathered for a commit while answers of the one before wait for a processor.
const LONGEST_GATHERING: Duration = Duration::from_millis(2);

/// So many change sets are committed at once, whoever waits for what.
const ENOUGH_TO_COMMIT: usize = 16;

/// The engine's own threads.
#[derive(Default)]
pub(super) struct Background {
    stopping: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Background {
    pub(super) fn add(&self, thread: JoinHandle<()>) {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Ends the threads; they finish what they are at.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A panic was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Starts the committer's thread.
pub(super) fn start<S: LeadStore>(engine: &Arc<Engine<S>>) -> std::io::Result<JoinHandle<()>> {
    let (weak, queued) = (Arc::downgrade(engine), Arc::clone(&engine.queued));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    std::thread::Builder::new().name("committer".into()).spawn(move || runtime.block_on(run(weak, queued)))
}

async fn run<S: LeadStore>(weak: Weak<Engine<S>>, queued: Arc<Notify>) {
    loop {
        let _ = tokio::time::timeout(IDLE, queued.notified()).await;
        let Some(engine) = weak.upgrade() else { return };
        let failing = FailOnPanic(&engine);
        let stopping = || engine.background.is_stopping();
        let gather = async || engine.gather().await;
        let commit = async |batch: &[SequencedChangeSet]| engine.commit(batch).await;
        let round = commit_round(&engine.sequencer, &engine.gate, stopping, gather, commit).await;
        std::mem::forget(failing);
        if let ControlFlow::Break(failure) = round {
            failure.into_iter().for_each(|failure| engine.commit_failed(&failure));
            return;
        }
    }
}

/// A panic of the committer is as bad as a failed commit.
struct FailOnPanic<'a, S: LeadStore>(&'a Engine<S>);

impl<S: LeadStore> Drop for FailOnPanic<'_, S> {
    fn drop(&mut self) {
        self.0.fail("the committer panicked");
    }
}

impl<S: LeadStore> Engine<S> {
    /// Gives what waits for a commit a little company where that costs nobody any time: as long as callers whose answers are ready wait
    /// for a processor, another fsync only takes it from them.
    async fn gather(&self) {
        let (queued, _) = self.sequencer.depth();
        if (1..ENOUGH_TO_COMMIT).contains(&queued) {
            let _ = tokio::time::timeout(LONGEST_GATHERING, self.gate.all_taken()).await;
        }
    }

    async fn commit(&self, batch: &[SequencedChangeSet]) -> Result<(), CommitError> {
        self.admission.commit_begins();
        let began = std::time::Instant::now();
        let result = self.store.commit(batch).await;
        self.admission.commit_ends();
        metrics::histogram!("leadgate_commit_seconds").record(began.elapsed().as_secs_f64());
        metrics::counter!("leadgate_committed_change_sets_total").increment(batch.len() as u64);
        result
    }

    fn commit_failed(&self, failure: &CommitFailure<CommitError>) {
        match failure {
            CommitFailure::Store(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "a commit failed: the process has to end");
                self.fail("a commit failed");
            }
            CommitFailure::Sequencer => {
                tracing::error!("the sequencer panicked: the process has to end");
                self.fail("the sequencer panicked");
            }
        }
    }

    /// Nothing more is sequenced, every waiting answer is told that its outcome is unknown, and the process has to end.
    pub(super) fn fail(&self, why: &'static str) {
        self.sequencer.close();
        self.gate.fail();
        self.health.send_replace(Health::Failed(why));
    }

    /// Takes nothing new, waits until everything sequenced is durable and indexed, and ends the engine's threads.
    pub async fn drain(self: &Arc<Self>) {
        self.admission.drain();
        if !matches!(*self.health.borrow(), Health::Failed(_)) {
            self.health.send_replace(Health::Draining);
        }
        let _ = self.gate.wait(self.sequencer.last_sequence()).await;
        let engine = Arc::clone(self);
        let ended = tokio::task::spawn_blocking(move || {
            engine.sequencer.close();
            engine.background.stop();
            engine.index.load().close();
        });
        let _ = ended.await;
    }
}
