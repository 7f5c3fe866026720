//! Key locks: requests that share a key go one at a time, in the order in which they came.
//!
//! The lock is a queue, not the guarantee: the sequencer's preconditions hold without it. Locks are taken in the order of their
//! numbers, keys before leads, so that no two requests can wait for each other. Never holds a map guard across an await.

use std::sync::Arc;

use super::sync::{OwnedMutexGuard, QueueMutex, SharedMap};

type Lock = Arc<QueueMutex<()>>;

/// Too many requests wait for one of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull;

/// The locks of every key in use. An unused key has no entry.
pub struct KeyLocks {
    locks: SharedMap<u64, Lock>,
    /// How many may hold or wait for one key.
    queue_limit: usize,
    /// Whether locks are taken at all; without them every request is right, only slower.
    enabled: bool,
}

impl KeyLocks {
    /// No lock is held.
    pub fn new(queue_limit: usize, enabled: bool) -> Self {
        Self { locks: SharedMap::new(), queue_limit, enabled }
    }

    /// Takes the locks of `keys`, which are sorted and without repetition. Cancel safe: a dropped future holds nothing.
    pub async fn acquire(self: &Arc<Self>, keys: &[u64]) -> Result<KeyGuards, QueueFull> {
        debug_assert!(keys.is_sorted_by(|a, b| a < b), "locks are taken in one order by everybody");
        let mut guards = KeyGuards { held: Vec::with_capacity(keys.len()) };
        if !self.enabled {
            return Ok(guards);
        }
        for key in keys {
            guards.held.push(self.acquire_one(*key).await?);
        }
        Ok(guards)
    }

    async fn acquire_one(self: &Arc<Self>, key: u64) -> Result<Held, QueueFull> {
        // The slot exists before the await, so that a dropped future gives back its place and the entry.
        let mut held = Held { locks: Arc::clone(self), key, lock: Some(self.lock_of(key)), guard: None };
        let lock = held.lock.clone().ok_or(QueueFull)?;
        // The map holds one reference, and every holder or waiter its own and the one of this check.
        if Arc::strong_count(&lock) > 2 * self.queue_limit + 1 {
            return Err(QueueFull);
        }
        held.guard = Some(lock.lock_owned().await);
        Ok(held)
    }

    fn lock_of(&self, key: u64) -> Lock {
        Arc::clone(&self.locks.entry(key).or_default())
    }

    /// How many keys are held or waited for.
    pub fn len(&self) -> usize {
        self.locks.len()
    }

    /// Whether no key is held or waited for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Locks held; dropping it releases them.
#[derive(Default)]
#[must_use = "the locks are released when this is dropped"]
pub struct KeyGuards {
    held: Vec<Held>,
}

impl KeyGuards {
    /// Holds these as well.
    pub fn extend(&mut self, mut more: Self) {
        self.held.append(&mut more.held);
    }
}

/// One lock, held or waited for.
struct Held {
    locks: Arc<KeyLocks>,
    key: u64,
    lock: Option<Lock>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Held {
    /// Guard first, then the reference, then the entry if nobody else refers to it: checked under the map's own lock, where
    /// alone new references are made.
    fn drop(&mut self) {
        self.guard = None;
        self.lock = None;
        self.locks.locks.remove_if(&self.key, |_, lock| Arc::strong_count(lock) == 1);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_owner_at_a_time_and_an_empty_map_at_the_end() {
        let locks = Arc::new(KeyLocks::new(1000, true));
        let owners: Arc<[AtomicU64; 4]> = Arc::default();
        let mut tasks = Vec::new();
        for task in 0..8_u64 {
            let (locks, owners) = (Arc::clone(&locks), Arc::clone(&owners));
            tasks.push(tokio::spawn(async move {
                for round in 0..500_u64 {
                    let mut keys = vec![(task + round) % 4, (task * round) % 4];
                    keys.sort_unstable();
                    keys.dedup();
                    let guards = locks.acquire(&keys).await.expect("a short queue");
                    for key in &keys {
                        assert_eq!(owners[usize::try_from(*key).expect("small")].fetch_add(1, Ordering::SeqCst), 0);
                    }
                    tokio::task::yield_now().await;
                    for key in &keys {
                        owners[usize::try_from(*key).expect("small")].fetch_sub(1, Ordering::SeqCst);
                    }
                    drop(guards);
                }
            }));
        }
        for task in tasks {
            task.await.expect("no panic");
        }
        assert!(locks.is_empty());
    }

    #[tokio::test]
    async fn a_dropped_waiter_gives_back_its_place() {
        let locks = Arc::new(KeyLocks::new(1000, true));
        let holder = locks.acquire(&[7]).await.expect("free");
        let waiter = tokio::time::timeout(std::time::Duration::from_millis(1), locks.acquire(&[7])).await;
        assert!(waiter.is_err());
        assert_eq!(locks.len(), 1);
        drop(holder);
        assert!(locks.is_empty());
    }

    #[tokio::test]
    async fn a_full_queue_is_refused() {
        let locks = Arc::new(KeyLocks::new(1, true));
        let holder = locks.acquire(&[7]).await.expect("free");
        assert_eq!(locks.acquire(&[7]).await.err(), Some(QueueFull));
        drop(holder);
        assert!(locks.is_empty());
    }
}
