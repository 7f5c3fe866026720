//! Mistakes in settings and policies: collected, never thrown one by one, so that one run shows all of them.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;

use super::document::shortened;

/// Where something was set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file, at a line counted from 1 (0 where it is not known) and a path of keys such as `sources.crm.rank`.
    File {
        /// The file; empty while only its text is known.
        file: PathBuf,
        /// The line.
        line: u64,
        /// The keys that lead there, joined by dots; empty for the file as a whole.
        path: String,
    },
    /// In an environment variable.
    Variable(String),
    /// By a flag of the command line.
    Flag(String),
}

/// One thing that is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What, in one sentence without a full stop.
    pub problem: String,
    /// What is allowed there; empty where the problem says it.
    pub allowed: String,
}

impl Mistake {
    /// Puts the name of the file in, which a parser of texts does not know.
    pub fn in_file(mut self, name: &std::path::Path) -> Self {
        if let Place::File { file, .. } = &mut self.place {
            *file = name.to_owned();
        }
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => formatter.write_str(name),
            Self::File { file, line, path } => {
                let mut separator = "";
                if !file.as_os_str().is_empty() {
                    write!(formatter, "{}", file.display())?;
                    separator = ":";
                }
                if *line > 0 {
                    let label = if separator.is_empty() { "line " } else { separator };
                    write!(formatter, "{label}{line}")?;
                    separator = ":";
                }
                if !path.is_empty() {
                    let gap = if separator.is_empty() { "" } else { ": " };
                    write!(formatter, "{gap}{}", shortened_path(path))?;
                }
                Ok(())
            }
        }
    }
}

/// A path for a message: its last keys, each shortened.
fn shortened_path(path: &str) -> String {
    path.split('.').map(shortened).collect::<Vec<_>>().join(".")
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.problem)?;
        if self.allowed.is_empty() { Ok(()) } else { write!(formatter, "; allowed: {}", self.allowed) }
    }
}

/// Collects mistakes from wherever they are found.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    /// Notes one.
    pub(crate) fn add(&self, place: Place, problem: impl Into<String>, allowed: impl Into<String>) {
        self.0.borrow_mut().push(Mistake { place, problem: problem.into(), allowed: allowed.into() });
    }

    /// Notes several.
    pub(crate) fn extend(&self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.0.borrow_mut().extend(mistakes);
    }

    /// The value when nothing was wrong, else every mistake in the order of the places.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Vec<Mistake>> {
        let mut mistakes = self.0.into_inner();
        mistakes.sort();
        if mistakes.is_empty() { Ok(value) } else { Err(mistakes) }
    }
}
