//! The gate that every answer passes: it opens for a sequence when that sequence is durable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::sync::{StateMutex, oneshot};

/// The commit failed: whether what was waited for is durable is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeUnknown;

type Waiter = oneshot::Sender<Result<Untaken, OutcomeUnknown>>;

/// The answers that were let through, and whose tasks have not gone on since: they wait for a processor.
#[derive(Default)]
struct Released {
    untaken: AtomicUsize,
    all_taken: Notify,
}

/// One of them; counts until its task goes on, or its caller has hung up.
struct Untaken(Arc<Released>);

impl Untaken {
    fn of(released: &Arc<Released>) -> Self {
        released.untaken.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(released))
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        if self.0.untaken.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.all_taken.notify_one();
        }
    }
}

#[derive(Default)]
struct State {
    durable: u64,
    failed: bool,
    waiting: BTreeMap<u64, Vec<Waiter>>,
}

/// Lets answers through once what they looked at is durable.
pub struct DurableGate {
    state: StateMutex<State>,
    released: Arc<Released>,
}

impl DurableGate {
    /// Everything up to `durable` is in the store.
    pub fn new(durable: u64) -> Self {
        Self { state: StateMutex::new(State { durable, ..State::default() }), released: Arc::default() }
    }

    /// Waits until `sequence` is durable. Cancel safe.
    pub async fn wait(&self, sequence: u64) -> Result<(), OutcomeUnknown> {
        let receiver = {
            let mut state = self.state.lock().map_err(|_| OutcomeUnknown)?;
            if sequence <= state.durable {
                return Ok(());
            }
            if state.failed {
                return Err(OutcomeUnknown);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.entry(sequence).or_default().push(sender);
            receiver
        };
        receiver.await.unwrap_or(Err(OutcomeUnknown)).map(drop)
    }

    /// Opens for everything up to `sequence`.
    pub fn open(&self, sequence: u64) {
        let Ok(mut state) = self.state.lock() else { return };
        state.durable = sequence;
        let later = state.waiting.split_off(&(sequence + 1));
        let ready = std::mem::replace(&mut state.waiting, later);
        drop(state);
        answer(ready, || Ok(Untaken::of(&self.released)));
    }

    /// Answers everybody who waits, now and later, that the outcome is unknown.
    pub fn fail(&self) {
        let Ok(mut state) = self.state.lock() else { return };
        state.failed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        answer(waiting, || Err(OutcomeUnknown));
    }

    /// Waits until the task of every answer that was let through has gone on. For one caller at a time.
    pub async fn all_taken(&self) {
        while self.released.untaken.load(Ordering::Acquire) > 0 {
            self.released.all_taken.notified().await;
        }
    }

    /// The last sequence that is durable.
    pub fn durable(&self) -> u64 {
        self.state.lock().map(|state| state.durable).unwrap_or_default()
    }
}

fn answer(waiting: BTreeMap<u64, Vec<Waiter>>, result: impl Fn() -> Result<Untaken, OutcomeUnknown>) {
    for waiter in waiting.into_values().flatten() {
        // A waiter that hung up needs no answer.
        let _ = waiter.send(result());
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_opens_in_order_and_fails_for_all() {
        let gate = DurableGate::new(3);
        assert_eq!(gate.wait(3).await, Ok(()));
        let (five, six) = (gate.wait(5), gate.wait(6));
        tokio::pin!(five, six);
        assert!(futures_util::poll!(&mut five).is_pending());
        assert!(futures_util::poll!(&mut six).is_pending());
        gate.open(5);
        assert_eq!(five.await, Ok(()));
        assert!(futures_util::poll!(&mut six).is_pending());
        gate.fail();
        assert_eq!(six.await, Err(OutcomeUnknown));
        assert_eq!(gate.wait(7).await, Err(OutcomeUnknown));
        assert_eq!(gate.wait(5).await, Ok(()));
    }

    #[tokio::test]
    async fn an_answer_is_taken_when_its_task_goes_on_or_its_caller_hangs_up() {
        let gate = DurableGate::new(0);
        gate.all_taken().await;
        let (mut one, mut other) = (Box::pin(gate.wait(1)), Box::pin(gate.wait(1)));
        assert!(futures_util::poll!(&mut one).is_pending() && futures_util::poll!(&mut other).is_pending());
        gate.open(1);
        let mut taken = std::pin::pin!(gate.all_taken());
        assert!(futures_util::poll!(&mut taken).is_pending());
        assert_eq!(one.await, Ok(()));
        assert!(futures_util::poll!(&mut taken).is_pending(), "one of them still waits");
        drop(other);
        taken.await;
    }
}
