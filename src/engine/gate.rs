//! The gate that every answer passes: it opens for a sequence when that sequence is durable.

use std::collections::BTreeMap;

use super::sync::{StateMutex, oneshot};

/// The commit failed: whether what was waited for is durable is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeUnknown;

type Waiter = oneshot::Sender<Result<(), OutcomeUnknown>>;

#[derive(Default)]
struct State {
    durable: u64,
    failed: bool,
    waiting: BTreeMap<u64, Vec<Waiter>>,
}

/// Lets answers through once what they looked at is durable.
pub struct DurableGate {
    state: StateMutex<State>,
}

impl DurableGate {
    /// Everything up to `durable` is in the store.
    pub fn new(durable: u64) -> Self {
        Self { state: StateMutex::new(State { durable, ..State::default() }) }
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
        receiver.await.unwrap_or(Err(OutcomeUnknown))
    }

    /// Opens for everything up to `sequence`.
    pub fn open(&self, sequence: u64) {
        let Ok(mut state) = self.state.lock() else { return };
        state.durable = sequence;
        let later = state.waiting.split_off(&(sequence + 1));
        let ready = std::mem::replace(&mut state.waiting, later);
        drop(state);
        answer(ready, Ok(()));
    }

    /// Answers everybody who waits, now and later, that the outcome is unknown.
    pub fn fail(&self) {
        let Ok(mut state) = self.state.lock() else { return };
        state.failed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        answer(waiting, Err(OutcomeUnknown));
    }

    /// The last sequence that is durable.
    pub fn durable(&self) -> u64 {
        self.state.lock().map(|state| state.durable).unwrap_or_default()
    }
}

fn answer(waiting: BTreeMap<u64, Vec<Waiter>>, result: Result<(), OutcomeUnknown>) {
    for waiter in waiting.into_values().flatten() {
        // A waiter that hung up needs no answer.
        let _ = waiter.send(result);
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
}
