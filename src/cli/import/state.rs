//! How far an import has come, noted beside the file so that an interrupted one can go on.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::summary::Summary;

/// The format of the note that this program writes and reads.
const FORMAT: u32 = 1;

/// How far an import has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    format: u32,
    /// The beginning of its request ids.
    pub(crate) run: String,
    /// What must be the same to go on.
    pub(crate) import: Identity,
    /// The last line whose row has its outcome, as all before it have.
    pub(crate) line: u64,
    /// How long the report was then.
    pub(crate) report_bytes: u64,
    /// How long the dead-letter file was then.
    pub(crate) failed_bytes: u64,
    /// The counts until then.
    pub(crate) summary: Summary,
}

/// Which import it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Digest of the file.
    pub(crate) file: String,
    /// The source.
    pub(crate) source: String,
    /// The target; empty for the policy's.
    pub(crate) target: String,
    /// Everything else that decides what is sent.
    pub(crate) options: String,
    /// The report's path.
    pub(crate) report: Option<PathBuf>,
}

/// Why an interrupted import cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResumeError {
    /// The note cannot be read.
    #[error("{} cannot be read: {source}; remove it to import the file from its beginning", path.display())]
    Unreadable {
        /// The note.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It belongs to another import.
    #[error(
        "the interrupted import noted in {} had another {what}; import with the same, or without --resume from the beginning",
        path.display()
    )]
    Different {
        /// The note.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
}

impl Progress {
    /// An import that has not begun.
    pub(crate) fn new(run: String, import: Identity) -> Self {
        Self { format: FORMAT, run, import, line: 0, report_bytes: 0, failed_bytes: 0, summary: Summary::default() }
    }

    /// Reads the note of an interrupted import; `None` when there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, ResumeError> {
        let unreadable = |source| ResumeError::Unreadable { path: path.to_owned(), source };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let progress: Self = serde_json::from_slice(&text).map_err(|error| unreadable(error.into()))?;
        if progress.format != FORMAT {
            let problem = format!("its format is {} and this program knows {FORMAT}", progress.format);
            return Err(unreadable(io::Error::other(problem)));
        }
        Ok(Some(progress))
    }

    /// Checks that it is the same import.
    pub(crate) fn check(&self, import: &Identity, path: &Path) -> Result<(), ResumeError> {
        let noted = &self.import;
        let what = match () {
            () if noted.file != import.file => "content of the file",
            () if noted.source != import.source => "--source",
            () if noted.target != import.target => "--target",
            () if noted.report != import.report => "--report",
            () if noted.options != import.options => "--map, --mode, --format or --delimiter",
            () => return Ok(()),
        };
        Err(ResumeError::Different { path: path.to_owned(), what })
    }

    /// Writes the note, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        std::fs::rename(&temporary, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            file: "f".into(),
            source: "s".into(),
            target: String::new(),
            options: "o".into(),
            report: Some("r.csv".into()),
        }
    }

    #[test]
    fn a_note_is_read_back_and_a_foreign_one_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("leads.csv.import-state");
        assert_eq!(Progress::read(&path).expect("none"), None);
        let mut progress = Progress::new("run".into(), identity());
        progress.line = 7;
        progress.write(&path).expect("written");
        assert_eq!(Progress::read(&path).expect("read"), Some(progress));
        for content in ["", "{}", "{\"format\": 2}"] {
            std::fs::write(&path, content).expect("written");
            assert!(Progress::read(&path).is_err(), "{content}");
        }
    }

    #[test]
    fn only_the_same_import_goes_on() {
        let progress = Progress::new("run".into(), identity());
        let path = Path::new("state");
        assert!(progress.check(&identity(), path).is_ok());
        for (change, what) in [
            (Identity { file: "x".into(), ..identity() }, "content of the file"),
            (Identity { source: "x".into(), ..identity() }, "--source"),
            (Identity { target: "x".into(), ..identity() }, "--target"),
            (Identity { options: "x".into(), ..identity() }, "--map"),
            (Identity { report: None, ..identity() }, "--report"),
        ] {
            let error = progress.check(&change, path).expect_err(what);
            assert!(error.to_string().contains(what), "{error}");
        }
    }
}
