//! What can be set about the embedded store, with defaults that suit a machine of two cores and a few gigabytes.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Called by the committer with the last sequence of a batch, before the batch is handed to the disk.
///
/// Exists for tests: it can delay a commit, or fail it as a broken disk would.
pub type CommitHook = Arc<dyn Fn(u64) -> io::Result<()> + Send + Sync>;

/// Settings of the embedded store.
#[derive(Clone)]
pub struct StoreOptions {
    /// Memory for blocks read from disk, in bytes.
    pub cache_bytes: u64,
    /// Size at which the rows written last leave memory for a file, in bytes, for each kind of row.
    pub memtable_bytes: u64,
    /// Background threads that flush and compact; with fewer than two, writers can be halted for ever (fjall's open issue).
    pub workers: usize,
    #[doc(hidden)]
    pub commit_hook: Option<CommitHook>,
}

impl StoreOptions {
    /// Upper size of the engine's journals in bytes: what has to be read again after a crash, and so the length of a restart.
    pub(super) const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { cache_bytes: 128 * 1024 * 1024, memtable_bytes: 16 * 1024 * 1024, workers: 2, commit_hook: None }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoreOptions")
            .field("cache_bytes", &self.cache_bytes)
            .field("memtable_bytes", &self.memtable_bytes)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}
