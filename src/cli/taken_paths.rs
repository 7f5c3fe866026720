//! The files that a command reads and writes: none of them is written over another.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use super::exit::CommandError;
use super::import::is_same_file;
use super::whole_file::part_of;

/// Files that may not be written any more, each with what it is called in a message.
#[derive(Default)]
pub(crate) struct TakenPaths(Vec<(&'static str, PathBuf)>);

impl TakenPaths {
    /// Takes a file that is read.
    pub(crate) fn read(&mut self, what: &'static str, path: &Path) {
        self.0.push((what, path.to_owned()));
    }

    /// Takes a file that [`write_whole`](super::whole_file::write_whole) writes; refuses one that is taken.
    pub(crate) fn write_whole(&mut self, flag: &'static str, path: &Path) -> Result<(), CommandError> {
        self.write(flag, path)?;
        part_of(path).map_or(Ok(()), |part| self.write(flag, &part))
    }

    /// Takes a file that is written in its place; refuses one that is taken.
    pub(crate) fn write(&mut self, flag: &'static str, path: &Path) -> Result<(), CommandError> {
        if let Some(what) = self.clash(path).map_err(|error| told(flag, path, &error))? {
            return Err(told(flag, path, &format_args!("is {what}")));
        }
        self.0.push((flag, path.to_owned()));
        Ok(())
    }

    /// What a path is already.
    fn clash(&self, path: &Path) -> io::Result<Option<&'static str>> {
        for (what, other) in &self.0 {
            if is_same_file(path, other)? {
                return Ok(Some(what));
            }
        }
        Ok(None)
    }
}

fn told(flag: &str, path: &Path, problem: &dyn Display) -> CommandError {
    CommandError::usage(format!("{flag}: {} {problem}", path.display()))
}
