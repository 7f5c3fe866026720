//! The seam at which the schedule explorer takes the place of the real locks: build with `--features shuttle`.

#[cfg(not(shuttle))]
pub(super) use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

#[cfg(shuttle)]
pub(super) use shuttle::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use std::sync::Arc;

/// A value that readers take whole while a writer replaces it.
#[cfg(not(shuttle))]
pub(super) struct Published<T>(arc_swap::ArcSwap<T>);

#[cfg(not(shuttle))]
impl<T> Published<T> {
    /// Publishes the first value.
    pub(super) fn new(value: T) -> Self {
        Self(arc_swap::ArcSwap::from_pointee(value))
    }

    /// The value as last published.
    pub(super) fn load(&self) -> Arc<T> {
        self.0.load_full()
    }

    /// Replaces the value and hands out the old one, for the caller to drop where that holds nobody up.
    pub(super) fn replace(&self, value: T) -> Arc<T> {
        self.0.swap(Arc::new(value))
    }
}

/// A value that readers take whole while a writer replaces it.
#[cfg(shuttle)]
pub(super) struct Published<T>(RwLock<Arc<T>>);

#[cfg(shuttle)]
impl<T> Published<T> {
    /// Publishes the first value.
    pub(super) fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// The value as last published.
    pub(super) fn load(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the value and hands out the old one, for the caller to drop where that holds nobody up.
    pub(super) fn replace(&self, value: T) -> Arc<T> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), Arc::new(value))
    }
}
