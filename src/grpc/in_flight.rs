//! How many calls are in flight, so that a shutdown knows what it waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How often a shutdown looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Counts calls. Clones count the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<AtomicUsize>);

/// One call in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Call(Arc<AtomicUsize>);

impl InFlight {
    /// Counts a call.
    pub(crate) fn begin(&self) -> Call {
        self.0.fetch_add(1, Ordering::Relaxed);
        Call(Arc::clone(&self.0))
    }

    /// Resolves once no call has been in flight at two looks in a row: the first may come before a reply has left.
    pub(crate) async fn none(&self) {
        let mut quiet_looks = 0;
        while quiet_looks < 2 {
            tokio::time::sleep(LOOK_EVERY).await;
            quiet_looks = if self.0.load(Ordering::Relaxed) == 0 { quiet_looks + 1 } else { 0 };
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_in_flight_once_every_call_is_dropped() {
        let in_flight = InFlight::default();
        let (first, second) = (in_flight.begin(), in_flight.begin());
        let mut none = Box::pin(in_flight.none());
        drop(first);
        assert!(tokio::time::timeout(3 * LOOK_EVERY, &mut none).await.is_err());
        drop(second);
        none.await;
    }
}
