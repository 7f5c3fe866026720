//! Files that are written whole or not at all: what stood under their name before stays until then.
//!
//! What is no regular file, such as a device or a pipe, cannot be put there and is written as it is.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use super::exit::{CommandError, Exit};

/// Where a file is written before it takes its name: beside it or, for a symbolic link, beside what the link means. `None` for what is
/// written as it is.
pub(crate) fn part_of(path: &Path) -> Option<PathBuf> {
    let as_it_is = path.metadata().is_ok_and(|metadata| !metadata.is_file());
    (!as_it_is).then(|| {
        let mut part = followed(path).into_os_string();
        part.push(".part");
        part.into()
    })
}

/// Writes a file beside its place and puts it there when it is complete, with the owner and permissions of what was there. The error names
/// the path.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), CommandError> {
    let written = match part_of(path) {
        Some(part) => put(path, &part, write),
        None => OpenOptions::new().write(true).open(path).and_then(|file| fill(file, write)),
    };
    written.map_err(|error| CommandError::new(Exit::InUse, format!("{} cannot be written: {error}", path.display())))
}

fn put(path: &Path, part: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let written = begin(part, path.metadata().ok()).and_then(|file| fill(file, write));
    written.and_then(|()| std::fs::rename(part, followed(path))).inspect_err(|_| {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(part);
    })
}

/// Begins a file that is not there, but for what an interrupted command left of it, and that belongs to whom the file before belonged:
/// nobody may read it who may not read it later.
fn begin(part: &Path, before: Option<Metadata>) -> io::Result<File> {
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).open(part)?;
    if let Some(before) = before {
        // Who may not give files away keeps this one.
        let _ = fchown(&file, Some(before.uid()), Some(before.gid()));
        file.set_permissions(before.permissions())?;
    }
    Ok(file)
}

fn fill(file: File, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    writer.flush()
}

/// What a symbolic link means, be it there or not; any other path as it is.
fn followed(path: &Path) -> PathBuf {
    if !path.is_symlink() {
        return path.to_owned();
    }
    path.canonicalize().unwrap_or_else(|_| {
        let meant = path.read_link().unwrap_or_else(|_| path.to_owned());
        path.parent().map_or_else(|| meant.clone(), |folder| folder.join(&meant))
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    fn write(path: &Path, content: &str) {
        write_whole(path, |writer| writer.write_all(content.as_bytes())).expect("written");
    }

    #[test]
    fn a_file_that_fails_halfway_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("groups.csv");
        write(&path, "first");
        let error = write_whole(&path, |writer| {
            writer.write_all(b"second")?;
            Err(io::Error::other("no more"))
        });
        let error = error.expect_err("an error").to_string();
        assert!(error.contains("groups.csv cannot be written: no more"), "{error}");
        assert_eq!(std::fs::read(&path).expect("read"), b"first");
        assert!(!part_of(&path).expect("a part").exists());
    }

    #[test]
    fn a_file_keeps_its_owner_and_permissions_and_needs_nobody_to_remove_what_was_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.html");
        write(&path, "first");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
        // Only the super-user may: for anybody else the file stays their own.
        let _ = chown(&path, Some(4242), Some(4242));
        let owner = path.metadata().expect("there").uid();
        std::fs::write(part_of(&path).expect("a part"), "left").expect("written");
        write(&path, "second");
        let metadata = path.metadata().expect("there");
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.uid()), (0o600, owner));
        assert_eq!(std::fs::read(&path).expect("read"), b"second");
    }

    #[test]
    fn a_link_stays_and_what_it_means_is_written_be_it_there_or_not() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("there")).expect("made");
        let (link, meant) = (folder.path().join("link.csv"), folder.path().join("there/groups.csv"));
        symlink("there/groups.csv", &link).expect("linked");
        for content in ["first", "second"] {
            assert!(part_of(&link).expect("a part").ends_with("there/groups.csv.part"));
            write(&link, content);
            assert!(link.is_symlink());
            assert_eq!(std::fs::read_to_string(&meant).expect("read"), content);
        }
    }

    #[test]
    fn what_is_no_file_is_written_and_stays_what_it_is() {
        use std::os::unix::fs::FileTypeExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("run").success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read_to_string(pipe).expect("read")
        });
        assert_eq!(part_of(&pipe), None);
        write(&pipe, "whole");
        assert_eq!(reader.join().expect("ended"), "whole");
        assert!(pipe.metadata().expect("there").file_type().is_fifo());
        let folder_itself = write_whole(folder.path(), |_| Ok(())).expect_err("a folder").to_string();
        assert!(folder_itself.contains("cannot be written"), "{folder_itself}");
    }
}
