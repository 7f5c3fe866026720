//! What is done to the journals before the engine opens them: a torn last batch is cut off, damage is refused.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::OpenError;

use super::journal::{self, Contents, Tail};
use super::marker::Marker;

/// Checks every journal in the engine's folder and cuts off the remains of a batch whose sync never returned.
///
/// Answers the marker of the last batch that any journal holds: the engine must come at least that far.
pub(super) fn prepare_journals(engine: &Path) -> Result<Option<Marker>, OpenError> {
    let journals = journals(engine)?;
    let mut last: Option<(u64, Marker)> = None;
    for (index, (number, path)) in journals.iter().enumerate() {
        let contents = journal::read(path)?;
        let is_active = index + 1 == journals.len();
        check_tail(path, &contents, is_active)?;
        check_markers(path, *number, &contents, last)?;
        if is_active && contents.tail == Tail::Torn {
            tracing::info!(journal = %path.display(), end = contents.end, "cutting off a batch that was never acknowledged");
            cut_off(path, contents.end)?;
        }
        last = contents.markers.last().map(|marker| (*number, *marker)).or(last);
    }
    Ok(last.map(|(_, marker)| marker))
}

/// The journals in the order in which they were written.
fn journals(engine: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(engine)? {
        let path = entry?.path();
        let is_journal = path.extension().is_some_and(|extension| extension == "jnl");
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let (true, Some(number)) = (is_journal, number) {
            journals.push((number, path));
        }
    }
    journals.sort_unstable();
    Ok(journals)
}

/// A journal is synced as a whole before the next one is begun, so only the last one may end in a torn batch.
fn check_tail(path: &Path, contents: &Contents, is_active: bool) -> Result<(), OpenError> {
    match contents.tail {
        Tail::Damaged => Err(damaged(path, contents.end)),
        Tail::Torn if !is_active => Err(damaged(path, contents.end)),
        Tail::Torn | Tail::Clean => Ok(()),
    }
}

/// Batches follow one another without a gap. A journal in between may be gone: flushed, and removed before an older one.
fn check_markers(
    path: &Path,
    number: u64,
    contents: &Contents,
    before: Option<(u64, Marker)>,
) -> Result<(), OpenError> {
    let mut previous = before.filter(|(journal, _)| journal + 1 == number).map(|(_, marker)| marker);
    for marker in &contents.markers {
        if previous.is_some_and(|previous| previous.position.sequence + 1 != marker.first) {
            return Err(damaged(path, contents.end));
        }
        previous = Some(*marker);
    }
    Ok(())
}

fn damaged(path: &Path, offset: u64) -> OpenError {
    OpenError::DamagedJournal { path: path.to_path_buf(), offset }
}

fn cut_off(path: &Path, end: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(end)?;
    file.sync_all()
}
