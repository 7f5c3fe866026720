//! The store's folder: who may use it, which format it has, and how it comes into being all at once.
//!
//! ```text
//! lock            held for as long as the store is open
//! creating/       a store that was not finished; removed
//! rows/format     what this is, its version, its id
//! rows/high-water see high_water.rs
//! rows/engine/    fjall's own
//! ```
//!
//! fjall does not sync the folder that holds its keyspaces after adding one: after a power cut a keyspace could be gone, and fjall
//! would then skip its rows in the journal. So a new store is built beside its final place, every file and folder of it is synced, and
//! one rename makes it appear.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::store::OpenError;

use super::high_water::HighWater;

/// The format that this program writes.
pub(super) const FORMAT_VERSION: u32 = 2;

const MARKER_TITLE: &str = "leadgate store";

/// A folder that nobody else uses while this value lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Dropping it releases the lock.
    _lock: File,
}

/// What the format marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) version: u32,
    pub(super) store_id: Uuid,
}

impl Folder {
    /// Takes the folder, made where it does not exist.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_path_buf(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the engine keeps its files.
    pub(super) fn engine(&self) -> PathBuf {
        engine_in(&self.rows())
    }

    /// Where the high-water mark is.
    pub(super) fn high_water(&self) -> PathBuf {
        self.rows().join("high-water")
    }

    fn rows(&self) -> PathBuf {
        self.path.join("rows")
    }

    /// Makes the store where there is none: all of it or nothing, whenever the power goes.
    ///
    /// `build` makes the engine's files in the folder it is given, and closes them.
    pub(super) fn ensure_store(&self, build: impl FnOnce(&Path) -> Result<(), OpenError>) -> Result<(), OpenError> {
        let creating = self.path.join("creating");
        if creating.try_exists()? {
            fs::remove_dir_all(&creating)?;
        }
        if self.rows().try_exists()? {
            return Ok(());
        }
        fs::create_dir(&creating)?;
        build(&engine_in(&creating))?;
        HighWater::create(&creating.join("high-water"))?;
        let format = Format { version: FORMAT_VERSION, store_id: Uuid::now_v7() };
        write_synced(&creating.join("format"), &format.text())?;
        sync_tree(&creating)?;
        fs::rename(&creating, self.rows())?;
        sync_folder(&self.path)?;
        sync_parents(&self.path)
    }

    /// What the store is, refusing what this program does not know.
    pub(super) fn format(&self) -> Result<Format, OpenError> {
        let path = self.rows().join("format");
        let text = fs::read_to_string(&path).map_err(|source| OpenError::NoFormat { path: path.clone(), source })?;
        let format = Format::parse(&text).ok_or(OpenError::UnreadableFormat { path })?;
        if format.version > FORMAT_VERSION {
            return Err(OpenError::NewerFormat { found: format.version, supported: FORMAT_VERSION });
        }
        Ok(format)
    }

    /// Records that the store has been brought to another version.
    pub(super) fn set_format(&self, format: Format) -> io::Result<()> {
        let rows = self.rows();
        write_synced(&rows.join("format.new"), &format.text())?;
        fs::rename(rows.join("format.new"), rows.join("format"))?;
        sync_folder(&rows)
    }
}

fn engine_in(rows: &Path) -> PathBuf {
    rows.join("engine")
}

impl Format {
    fn text(self) -> String {
        format!("{MARKER_TITLE}\nversion {}\nid {}\n", self.version, self.store_id)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != MARKER_TITLE {
            return None;
        }
        let version = lines.next()?.strip_prefix("version ")?.parse().ok()?;
        // A newer version may say more, or say it otherwise; its number is all that is promised.
        let store_id = lines.next().and_then(|line| line.strip_prefix("id ")?.parse().ok());
        Some(Self { version, store_id: store_id.or((version > FORMAT_VERSION).then(Uuid::nil))? })
    }
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Syncs a folder's list of names.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Syncs the names under which the folder itself is found, as far up as they may be read.
fn sync_parents(path: &Path) -> Result<(), OpenError> {
    let path = fs::canonicalize(path)?;
    for parent in path.ancestors().skip(1).take(2) {
        match sync_folder(parent) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            other => other?,
        }
    }
    Ok(())
}

/// Syncs everything in a folder, and the folder.
pub(super) fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(path: &Path) -> Folder {
        let folder = Folder::lock(path).unwrap();
        folder.ensure_store(|engine| Ok(fs::create_dir(engine)?)).unwrap();
        folder
    }

    #[test]
    fn a_second_holder_is_refused_until_the_first_has_gone() {
        let place = tempfile::tempdir().unwrap();
        let first = built(place.path());
        assert!(matches!(Folder::lock(place.path()), Err(OpenError::Locked { .. })));
        drop(first);
        Folder::lock(place.path()).unwrap();
    }

    #[test]
    fn an_unfinished_store_is_begun_again_and_a_finished_one_kept() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("creating/engine/half")).unwrap();
        let id = built(place.path()).format().unwrap().store_id;
        assert!(!place.path().join("creating").exists());
        assert_eq!(built(place.path()).format().unwrap(), Format { version: FORMAT_VERSION, store_id: id });
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number() {
        let place = tempfile::tempdir().unwrap();
        let folder = built(place.path());
        for text in ["leadgate store\nversion 9\nid what\n", "leadgate store\nversion 9\n"] {
            fs::write(place.path().join("rows/format"), text).unwrap();
            assert!(matches!(folder.format(), Err(OpenError::NewerFormat { found: 9, supported: FORMAT_VERSION })));
        }
        for text in ["", "leadgate store\nversion x\n", "something else\nversion 1\n"] {
            fs::write(place.path().join("rows/format"), text).unwrap();
            assert!(matches!(folder.format(), Err(OpenError::UnreadableFormat { .. })), "{text:?}");
        }
    }
}
