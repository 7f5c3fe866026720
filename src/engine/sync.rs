//! The seam under the locks, the sequencer and the gate: map, mutexes and channel, so that a schedule explorer can take their place
//! (`--features shuttle`, see `explored.rs`) while the code above stays what ships.

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
    use std::marker::PhantomData;
    use std::ops::Deref;
    use std::sync::Arc;
    use std::task::{Poll, Waker};

    use shuttle::sync::MutexGuard;

    pub(crate) use shuttle::sync::Mutex as StateMutex;
    pub(crate) use tokio::sync::oneshot;

    fn locked<T>(mutex: &StateMutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().expect("a lock that nobody poisons")
    }

    /// A map with one lock, where the shipped one has a lock per shard: every order of its operations is explored.
    pub(crate) struct SharedMap<K, V>(StateMutex<HashMap<K, V>>);

    impl<K: Hash + Eq + Copy, V: Default> SharedMap<K, V> {
        pub(crate) fn new() -> Self {
            Self(StateMutex::new(HashMap::new()))
        }

        pub(crate) fn entry(&self, key: K) -> Entry<'_, K, V> {
            Entry { map: locked(&self.0), key }
        }

        pub(crate) fn remove_if(&self, key: &K, condition: impl FnOnce(&K, &V) -> bool) {
            let mut map = locked(&self.0);
            if map.get(key).is_some_and(|value| condition(key, value)) {
                map.remove(key);
            }
        }

        pub(crate) fn len(&self) -> usize {
            locked(&self.0).len()
        }
    }

    /// An entry of the map, which is locked meanwhile.
    pub(crate) struct Entry<'a, K, V> {
        map: MutexGuard<'a, HashMap<K, V>>,
        key: K,
    }

    impl<'a, K: Hash + Eq + Copy, V: Default> Entry<'a, K, V> {
        pub(crate) fn or_default(mut self) -> Occupied<'a, K, V> {
            self.map.entry(self.key).or_default();
            Occupied(self)
        }
    }

    /// An entry that is there.
    pub(crate) struct Occupied<'a, K, V>(Entry<'a, K, V>);

    impl<K: Hash + Eq, V> Deref for Occupied<'_, K, V> {
        type Target = V;

        fn deref(&self) -> &V {
            &self.0.map[&self.0.key]
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
        content: PhantomData<T>,
    }

    impl<T> Default for QueueMutex<T> {
        fn default() -> Self {
            Self { queue: StateMutex::new(Queue::default()), content: PhantomData }
        }
    }

    impl<T> QueueMutex<T> {
        pub(crate) async fn lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
            let mut waiting = Waiting { mutex: self, ticket: None };
            std::future::poll_fn(|context| waiting.poll(context.waker())).await;
            OwnedMutexGuard { mutex: Arc::clone(&waiting.mutex) }
        }
    }

    impl Queue {
        fn wake_first(&self) {
            if let (false, Some((_, waker))) = (self.held, self.waiting.front()) {
                waker.wake_by_ref();
            }
        }
    }

    /// A place in the queue, given back when it is dropped.
    struct Waiting<T> {
        mutex: Arc<QueueMutex<T>>,
        ticket: Option<u64>,
    }

    impl<T> Waiting<T> {
        fn poll(&mut self, waker: &Waker) -> Poll<()> {
            let mut queue = locked(&self.mutex.queue);
            let ticket = *self.ticket.get_or_insert_with(|| {
                queue.next_ticket += 1;
                queue.next_ticket
            });
            queue.waiting.retain(|(waiting, _)| *waiting != ticket);
            let place = queue.waiting.partition_point(|(waiting, _)| *waiting < ticket);
            if place == 0 && !queue.held {
                queue.held = true;
                self.ticket = None;
                return Poll::Ready(());
            }
            queue.waiting.insert(place, (ticket, waker.clone()));
            Poll::Pending
        }
    }

    impl<T> Drop for Waiting<T> {
        fn drop(&mut self) {
            let Some(ticket) = self.ticket else { return };
            let mut queue = locked(&self.mutex.queue);
            queue.waiting.retain(|(waiting, _)| *waiting != ticket);
            queue.wake_first();
        }
    }

    pub(crate) struct OwnedMutexGuard<T> {
        mutex: Arc<QueueMutex<T>>,
    }

    impl<T> Drop for OwnedMutexGuard<T> {
        fn drop(&mut self) {
            let mut queue = locked(&self.mutex.queue);
            queue.held = false;
            queue.wake_first();
        }
    }
}

#[cfg(shuttle)]
pub(crate) use explored::*;
#[cfg(not(shuttle))]
pub(crate) use shipped::*;
