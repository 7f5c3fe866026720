//! Where an import puts the files that it makes by itself: beside the imported file, or in the current folder where that may not be
//! written to.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The path for a file of this name, beside `file` or in the current folder.
pub(crate) fn beside(file: &Path, name: impl AsRef<Path>) -> PathBuf {
    let folder = folder_of(file);
    if may_write(folder) { folder.join(name) } else { name.as_ref().to_owned() }
}

/// The note about an import of `file`: `leads.csv.import-state`.
pub(crate) fn state_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".import-state");
    beside(file, name)
}

/// The dead-letter file of `file`: `leads.failed.csv`.
pub(crate) fn failed_of(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(".failed.");
    name.push(extension);
    beside(file, name)
}

/// Tells beforehand where no file can be made or written.
pub(crate) fn check_may_be_file(path: &Path) -> Result<(), &'static str> {
    match () {
        () if path.is_dir() => Err("is a folder"),
        () if !folder_of(path).is_dir() => Err("cannot be written: its folder is not there"),
        () => Ok(()),
    }
}

/// By the folder's own permissions: a file system mounted read-only shows when the file is made.
fn may_write(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// Whether two paths are the same file, so that writing one would destroy the other. Neither need be there yet; nothing is destroyed in a
/// device such as `/dev/null`.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> io::Result<bool> {
    if let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) {
        return Ok((one.dev(), one.ino()) == (other.dev(), other.ino()) && !one.file_type().is_char_device());
    }
    match (resolved(one), resolved(other)) {
        (Ok(one), Ok(other)) => Ok(one == other),
        (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// The one path of a file, or of one that could be made.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(error)?;
            Ok(folder_of(path).canonicalize()?.join(name))
        }
        found => found,
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_beside_the_imported_one_unless_its_folder_is_read_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("leads.csv");
        assert_eq!(failed_of(&file, "csv"), folder.path().join("leads.failed.csv"));
        assert_eq!(state_of(&file), folder.path().join("leads.csv.import-state"));
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).expect("set");
        assert_eq!(state_of(&file), PathBuf::from("leads.csv.import-state"));
        assert_eq!(failed_of(Path::new("leads.jsonl"), "jsonl"), PathBuf::from("./leads.failed.jsonl"));
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
    }

    #[test]
    fn the_same_file_is_known_under_two_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        std::fs::write(&file, "").expect("written");
        assert!(is_same_file(&file, &folder.path().join("./a")).expect("told"));
        assert!(!is_same_file(&file, &folder.path().join("b")).expect("told"));
        assert!(is_same_file(&folder.path().join("b"), &folder.path().join("./b")).expect("told"));
        std::fs::hard_link(&file, folder.path().join("c")).expect("linked");
        assert!(is_same_file(&file, &folder.path().join("c")).expect("told"));
        assert!(!is_same_file(Path::new("/dev/null"), Path::new("/dev/null")).expect("told"));
        assert!(!is_same_file(&folder.path().join("no/b"), &folder.path().join("no/b")).expect("told"));
    }
}
