//! Files that are written whole or not at all: what stood under their name before stays until then.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::exit::{CommandError, Exit};

/// Where a file is written before it takes its name.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// Writes a file beside its place and puts it there when it is complete. The error names the path.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), CommandError> {
    let part = part_of(path);
    let written = write_part(&part, write).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
        CommandError::new(Exit::InUse, format!("{} cannot be written: {error}", path.display()))
    })
}

fn write_part(part: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::new(File::create(part)?);
    write(&mut writer)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_fails_halfway_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("groups.csv");
        write_whole(&path, |writer| writer.write_all(b"first")).expect("written");
        let error = write_whole(&path, |writer| {
            writer.write_all(b"second")?;
            Err(io::Error::other("no more"))
        });
        let error = error.expect_err("an error").to_string();
        assert!(error.contains("groups.csv cannot be written: no more"), "{error}");
        assert_eq!(std::fs::read(&path).expect("read"), b"first");
        assert!(!part_of(&path).exists());
    }
}
