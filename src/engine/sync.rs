//! The seam under the locks, the sequencer and the gate: map, mutex, channel and yield, so that a schedule explorer can take
//! their place (`--cfg shuttle`) while the code above stays what ships.

#[cfg(not(shuttle))]
mod shipped {
    pub(crate) use std::sync::Mutex as StateMutex;

    pub(crate) use dashmap::DashMap as SharedMap;
    pub(crate) use tokio::sync::{Mutex as QueueMutex, OwnedMutexGuard, oneshot};
}

#[cfg(shuttle)]
mod explored {
    //! Stand-ins made of shuttle's own primitives, with the few methods that are used.

    use std::collections::{HashMap, VecDeque};
    use std::hash::Hash;
    use std::sync::Arc;
    use std::task::{Poll, Waker};

    pub(crate) use shuttle::sync::Mutex as StateMutex;
    pub(crate) use tokio::sync::oneshot;

    /// A map with one lock, where the shipped one has a lock per shard: every order of its operations is explored.
    pub(crate) struct SharedMap<K, V>(StateMutex<HashMap<K, V>>);

    impl<K: Hash + Eq, V: Default + Clone> SharedMap<K, V> {
        pub(crate) fn new() -> Self {
            Self(StateMutex::new(HashMap::new()))
        }

        pub(crate) fn with_entry<R>(&self, key: K, look: impl FnOnce(&V) -> R) -> R {
            look(self.0.lock().expect("a lock that nobody poisons").entry(key).or_default())
        }

        pub(crate) fn remove_if(&self, key: &K, condition: impl FnOnce(&K, &V) -> bool) {
            let mut map = self.0.lock().expect("a lock that nobody poisons");
            if map.get(key).is_some_and(|value| condition(key, value)) {
                map.remove(key);
            }
        }

        pub(crate) fn len(&self) -> usize {
            self.0.lock().expect("a lock that nobody poisons").len()
        }
    }

    #[derive(Default)]
    struct Queue {
        held: bool,
        waiting: VecDeque<(u64, Waker)>,
        next_ticket: u64,
    }

    /// A fair asynchronous mutex without content.
    pub(crate) struct QueueMutex<T> {
        queue: StateMutex<Queue>,
        content: std::marker::PhantomData<T>,
    }

    impl<T> Default for QueueMutex<T> {
        fn default() -> Self {
            Self { queue: StateMutex::new(Queue::default()), content: std::marker::PhantomData }
        }
    }

    impl<T> QueueMutex<T> {
        pub(crate) async fn lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
            let mut waiting = Waiting { mutex: self, ticket: None };
            std::future::poll_fn(|context| waiting.poll(context.waker())).await;
            waiting.ticket = None;
            OwnedMutexGuard { mutex: Arc::clone(&waiting.mutex) }
        }

        fn release(&self) {
            let mut queue = self.queue.lock().expect("a lock that nobody poisons");
            queue.held = false;
            if let Some((_, waker)) = queue.waiting.front() {
                waker.wake_by_ref();
            }
        }
    }

    struct Waiting<T> {
        mutex: Arc<QueueMutex<T>>,
        ticket: Option<u64>,
    }

    impl<T> Waiting<T> {
        fn poll(&mut self, waker: &Waker) -> Poll<()> {
            let mut queue = self.mutex.queue.lock().expect("a lock that nobody poisons");
            let first = queue.waiting.front().map(|(ticket, _)| *ticket);
            if !queue.held && (first.is_none() || first == self.ticket) {
                queue.held = true;
                if self.ticket.is_some() {
                    queue.waiting.pop_front();
                }
                return Poll::Ready(());
            }
            if self.ticket.is_none() {
                self.ticket = Some(queue.next_ticket);
                queue.next_ticket += 1;
                let entry = (queue.next_ticket - 1, waker.clone());
                queue.waiting.push_back(entry);
            }
            Poll::Pending
        }
    }

    impl<T> Drop for Waiting<T> {
        fn drop(&mut self) {
            let Some(ticket) = self.ticket else { return };
            let mut queue = self.mutex.queue.lock().expect("a lock that nobody poisons");
            queue.waiting.retain(|(waiting, _)| *waiting != ticket);
            if !queue.held
                && let Some((_, waker)) = queue.waiting.front()
            {
                waker.wake_by_ref();
            }
        }
    }

    pub(crate) struct OwnedMutexGuard<T> {
        mutex: Arc<QueueMutex<T>>,
    }

    impl<T> Drop for OwnedMutexGuard<T> {
        fn drop(&mut self) {
            self.mutex.release();
        }
    }
}

#[cfg(shuttle)]
pub(crate) use explored::*;
#[cfg(not(shuttle))]
pub(crate) use shipped::*;
