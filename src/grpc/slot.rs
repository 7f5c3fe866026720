//! Where the engine is to be found: absent while it recovers and after it has gone.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use crate::engine::{Engine, Health};
use crate::store::LeadStore;

/// The place of the engine. Servers open before it is there, so that probes get an answer while it recovers. Cheap to clone.
pub struct EngineSlot<S: LeadStore> {
    inner: Arc<Inner<S>>,
}

struct Inner<S: LeadStore> {
    engine: ArcSwapOption<Engine<S>>,
    health: watch::Sender<Health>,
}

impl<S: LeadStore> Clone for EngineSlot<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S: LeadStore> Default for EngineSlot<S> {
    fn default() -> Self {
        let health = watch::Sender::new(Health::Starting);
        Self { inner: Arc::new(Inner { engine: ArcSwapOption::empty(), health }) }
    }
}

impl<S: LeadStore> EngineSlot<S> {
    /// A slot with its engine in it. Must be called within a runtime.
    pub fn of(engine: Arc<Engine<S>>) -> Self {
        let slot = Self::default();
        slot.fill(engine);
        slot
    }

    /// Puts the engine in and follows its health. Must be called within a runtime.
    pub fn fill(&self, engine: Arc<Engine<S>>) {
        let mut health = engine.health();
        let inner = Arc::downgrade(&self.inner);
        self.inner.health.send_replace(*health.borrow_and_update());
        self.inner.engine.store(Some(engine));
        tokio::spawn(async move {
            while health.changed().await.is_ok() {
                let Some(inner) = inner.upgrade() else { break };
                inner.health.send_replace(*health.borrow_and_update());
            }
        });
    }

    /// Takes the engine out. Calls that hold it go on, later ones are UNAVAILABLE.
    pub fn clear(&self) {
        self.inner.engine.store(None);
    }

    /// The engine's health; starting while there is none.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.inner.health.subscribe()
    }

    /// The engine, if it is there.
    pub fn engine(&self) -> Option<Arc<Engine<S>>> {
        self.inner.engine.load_full()
    }
}
