//! A folder for what nobody keeps.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// An empty folder of the system's temporary files that nobody else may look into; removed with all that is in it when dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes one.
    pub(crate) fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("leadgate-{}", uuid::Uuid::now_v7().simple()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which empties the folder of temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_is_its_owners_alone_and_goes_with_what_is_in_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = TemporaryFolder::new().expect("made");
        let path = folder.path().to_owned();
        assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o700);
        std::fs::write(path.join("file"), "").expect("written");
        drop(folder);
        assert!(!path.exists());
    }
}
