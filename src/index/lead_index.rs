//! The index as the engine sees it: record, freeze, publish, view.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::IndexDocument;
use super::error::{IndexError, OpenError};
use super::folder::{Folder, RebuildReason};
use super::indexed::Indexed;
use super::opened_segment::OpenedSegment;
use super::recent::{Frozen, Overlay};
use super::sync::{Mutex, MutexGuard, PoisonError};
use super::view::View;

/// How the index uses memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSettings {
    /// What the index's one writer thread may buffer, in bytes; at least 15 MB are used.
    pub writer_memory_bytes: usize,
    /// From how many records on the overlay is full. It takes more in, but [`LeadIndex::has_room`] says no.
    pub max_recent: usize,
}

impl Default for IndexSettings {
    fn default() -> Self {
        Self { writer_memory_bytes: 64_000_000, max_recent: 50_000 }
    }
}

/// An index that was opened, and what the engine must know of it.
pub struct Opened {
    /// The index.
    pub index: LeadIndex,
    /// The last sequence that it holds; 0 for a new one. Everything after it must be recorded again.
    pub payload: u64,
    /// Why it was begun anew, where it was.
    pub rebuilt: Option<RebuildReason>,
}

/// The derived view of all leads: words for people, blocking keys for the fuzzy tier.
///
/// The engine records every lead that a change set wrote, freezes what is recorded every few hundred milliseconds, and
/// publishes it once it is durable. Whatever was recorded is found at once, and goes on being found.
pub struct LeadIndex {
    path: PathBuf,
    settings: IndexSettings,
    overlay: Overlay<Indexed>,
    /// `None` once it failed, or was closed.
    folder: Mutex<Option<Folder>>,
}

impl LeadIndex {
    /// Opens the index in `path`. One that is missing, damaged or of another format is begun anew, whatever the folder
    /// held before. Reads every file once to compare its checksum. Blocks.
    ///
    /// # Errors
    ///
    /// Another process has it open, or not even a new index can be begun.
    pub fn open(path: &Path, settings: &IndexSettings) -> Result<Opened, OpenError> {
        let (folder, rebuilt) = match Folder::open(path, settings.writer_memory_bytes)? {
            Ok(folder) => (folder, None),
            Err(reason) => (Folder::create(path, settings.writer_memory_bytes)?, Some(reason)),
        };
        let payload = folder.payload;
        let indexed = folder.indexed(None)?;
        filter_later(indexed.unfiltered_since(None));
        let overlay = Overlay::new(indexed);
        let index = Self { path: path.to_owned(), settings: *settings, overlay, folder: Mutex::new(Some(folder)) };
        Ok(Opened { index, payload, rebuilt })
    }

    /// Takes in a lead as a change set left it: about a microsecond, memory only. Never blocks on the disk.
    ///
    /// Of several states of one lead in one generation that of the highest sequence stays. While old states are being
    /// replayed, new ones must not be recorded: across generations the later record wins.
    pub fn record(&self, document: IndexDocument) {
        self.overlay.record(document);
    }

    /// How many records the overlay holds. Takes three locks for an instant.
    pub fn recent_len(&self) -> usize {
        self.overlay.len()
    }

    /// Whether the overlay has room for more. Ask at admission: a record is never refused.
    pub fn has_room(&self) -> bool {
        self.recent_len() < self.settings.max_recent
    }

    /// Sets aside what is recorded, for [`Self::publish`]; false where there is nothing, or the last was not published yet.
    ///
    /// `at_sequence` becomes the payload of the index: every lead written up to it must have been recorded. So in
    /// service call it under the sequencer's lock with the last sequence given out, and in a replay with the last
    /// sequence that is wholly replayed.
    pub fn freeze(&self, at_sequence: u64) -> bool {
        self.overlay.freeze(at_sequence)
    }

    /// The sequence that must be durable before [`Self::publish`] may be called; `None` where nothing waits for it.
    pub fn frozen_sequence(&self) -> Option<u64> {
        self.overlay.frozen().map(|frozen| frozen.durable_sequence())
    }

    /// Indexes what was frozen and shows it in the views from then on. Blocks for tens of milliseconds, mostly on the
    /// disk. Nothing happens where nothing is frozen. Recording and reading go on meanwhile.
    ///
    /// # Errors
    ///
    /// The index has to be rebuilt: [`Self::drop_and_rebuild`], then a replay; until then every publication fails. What
    /// was recorded goes on being found.
    pub fn publish(&self) -> Result<(), IndexError> {
        self.change(|folder| self.publish_into(folder))
    }

    /// Notes durably that the index holds everything up to a sequence: at the end of a replay, when everything is published. Without it
    /// the next start would replay the same again.
    ///
    /// # Errors
    ///
    /// As [`Self::publish`].
    pub fn note_whole(&self, up_to_sequence: u64) -> Result<(), IndexError> {
        self.change(|folder| if up_to_sequence > folder.payload { folder.commit(up_to_sequence) } else { Ok(()) })
    }

    /// What can be found now. Take it after loading the sequence that the answer is to rest on.
    pub fn view(&self) -> Arc<View> {
        Arc::new(View(self.overlay.load()))
    }

    /// The last sequence that the index holds durably.
    pub fn payload(&self) -> u64 {
        self.lock().as_ref().map_or(0, |folder| folder.payload)
    }

    /// Drops the index and begins it anew, with payload 0. What is recorded and not published stays found; everything
    /// else comes back by a replay: record, freeze and publish in rounds. Blocks until merges have ended.
    ///
    /// # Errors
    ///
    /// Not even a new index can be begun. The views go on showing the old one.
    pub fn drop_and_rebuild(&self) -> Result<(), OpenError> {
        let mut folder = self.lock();
        if let Some(old) = folder.take() {
            old.close();
        }
        let new = Folder::create(&self.path, self.settings.writer_memory_bytes)?;
        self.overlay.restart(new.indexed(None)?);
        *folder = Some(new);
        Ok(())
    }

    /// Ends the writer's threads, merges included. What is not published is not written: the next start replays it.
    pub fn close(&self) {
        if let Some(folder) = self.lock().take() {
            folder.close();
        }
    }

    /// Changes what the folder holds. One that cannot be changed is done with, its threads ended: a merge that ends later would spoil the
    /// index that is begun in its place.
    fn change(&self, change: impl FnOnce(&mut Folder) -> Result<(), IndexError>) -> Result<(), IndexError> {
        let mut place = self.lock();
        let mut folder = place.take().ok_or_else(IndexError::closed)?;
        let changed = change(&mut folder);
        match changed {
            Ok(()) => *place = Some(folder),
            Err(_) => folder.close(),
        }
        changed
    }

    fn publish_into(&self, folder: &mut Folder) -> Result<(), IndexError> {
        let Some(frozen) = self.overlay.frozen() else { return Ok(()) };
        let before = self.overlay.load();
        write(folder, &before.base, &frozen)?;
        // Begun anew, an index claims nothing before its replay has reached it.
        folder.commit(folder.payload.max(frozen.at_sequence))?;
        let indexed = folder.indexed(Some(&before.base))?;
        filter_later(indexed.unfiltered_since(Some(&before.base)));
        self.overlay.publish(indexed);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Folder>> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LeadIndex {
    /// Whoever opens the folder next is alone in it.
    fn drop(&mut self) {
        self.close();
    }
}

/// Makes the filters that take too long to wait for: until then dictionaries are looked into, which is slower and finds the same.
fn filter_later(unfiltered: Vec<Arc<OpenedSegment>>) {
    if unfiltered.is_empty() {
        return;
    }
    let filter = move || {
        for segment in unfiltered {
            if let Err(error) = segment.add_filter() {
                tracing::warn!(error = &error as &dyn std::error::Error, "a segment of the index has no filter");
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("index-filters".into()).spawn(filter) {
        tracing::warn!(%error, "large segments of the index have no filter");
    }
}

/// Deletes every frozen lead that the index knows and adds the live ones: the same however often it is done.
///
/// A new lead is not deleted first, because every delete makes tantivy look into every segment.
fn write(folder: &Folder, indexed: &Indexed, frozen: &Frozen) -> Result<(), IndexError> {
    let fields = folder.fields();
    let leads: Vec<_> = frozen.generation.read().leads().cloned().collect();
    for lead in leads {
        let document = lead.document();
        if indexed.knows(&document.tenant, document.lead_id)? {
            folder.writer.delete_term(fields.key_term(&document.tenant, document.lead_id));
        }
        if document.live {
            folder.writer.add_document(fields.document(document, lead.words(), lead.comparable()))?;
        }
    }
    Ok(())
}
