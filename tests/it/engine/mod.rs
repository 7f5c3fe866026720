//! The engine on a real store and index.

mod batches;
mod cases;
mod duplicates;
mod likeness;
mod lost_index;
mod marks;
pub(crate) mod payloads;
mod previews;
mod restarting;
mod waiting;

use std::path::Path;
use std::sync::Arc;

use leadgate::engine::{Engine, EngineSettings};
use leadgate::store::EmbeddedStore;

/// An engine on a folder of its own.
pub(crate) struct Fixture {
    pub(crate) engine: Arc<Engine<EmbeddedStore>>,
    pub(crate) folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut EngineSettings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = EngineSettings::new(folder.path());
        change(&mut settings);
        let engine = std::thread::spawn(|| Engine::open(settings)).join().expect("no panic").expect("an engine");
        Self { engine, folder }
    }

    /// Ends the engine as a server does, and opens it again on the same folder.
    pub(crate) async fn reopen(self) -> Self {
        self.reopen_with(|_| {}).await
    }

    /// The same, when something was done to the folder in between.
    pub(crate) async fn reopen_after(self, act: impl FnOnce(&Path)) -> Self {
        self.engine.drain().await;
        drop(self.engine);
        act(self.folder.path());
        let settings = EngineSettings::new(self.folder.path());
        let engine =
            tokio::task::spawn_blocking(|| Engine::open(settings)).await.expect("no panic").expect("an engine");
        Self { engine, folder: self.folder }
    }

    /// The same, with other settings.
    pub(crate) async fn reopen_with(self, change: impl FnOnce(&mut EngineSettings)) -> Self {
        self.engine.drain().await;
        drop(self.engine);
        let mut settings = EngineSettings::new(self.folder.path());
        change(&mut settings);
        let engine =
            tokio::task::spawn_blocking(|| Engine::open(settings)).await.expect("no panic").expect("an engine");
        Self { engine, folder: self.folder }
    }
}
