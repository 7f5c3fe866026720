//! What the recorder wrote, read back.

use std::path::{Path, PathBuf};

/// Something that a process did to the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A new, empty file of this number appeared.
    Create { file: u64, path: PathBuf },
    /// A file that was there before the recording was opened for the first time.
    Adopt { file: u64, path: PathBuf },
    /// Bytes were written.
    Write { file: u64, offset: u64, data: Vec<u8> },
    /// A file was cut or extended.
    Truncate { file: u64, size: u64 },
    /// A file's content was made durable.
    Sync { file: u64 },
    /// A folder's names were made durable.
    SyncFolder { path: PathBuf },
    /// A name moved.
    Rename { from: PathBuf, to: PathBuf },
    /// A name went.
    Unlink { path: PathBuf },
    /// A folder appeared.
    MakeFolder { path: PathBuf },
    /// The process said something.
    Mark(String),
}

/// Reads a trace. Panics on what the recorder could not follow: such a recording proves nothing.
pub(crate) fn read(path: &Path) -> Vec<Event> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut events = Vec::new();
    while !rest.is_empty() {
        events.push(event(&mut rest));
    }
    events
}

fn event(rest: &mut &[u8]) -> Event {
    let (kind, tail) = rest.split_first().unwrap();
    *rest = tail;
    let (file, offset) = (number(rest), number(rest));
    let (first, second) = (part(rest), part(rest));
    let path = || PathBuf::from(String::from_utf8(first.to_vec()).unwrap());
    match kind {
        1 => Event::Create { file, path: path() },
        2 => Event::Adopt { file, path: path() },
        3 => Event::Write { file, offset, data: first.to_vec() },
        4 => Event::Truncate { file, size: offset },
        5 => Event::Sync { file },
        6 => Event::SyncFolder { path: path() },
        7 => Event::Rename { from: path(), to: PathBuf::from(String::from_utf8(second.to_vec()).unwrap()) },
        8 => Event::Unlink { path: path() },
        9 => Event::MakeFolder { path: path() },
        10 => Event::Mark(String::from_utf8(first.to_vec()).unwrap()),
        _ => panic!("the recorder could not follow {}", String::from_utf8_lossy(first)),
    }
}

fn number(rest: &mut &[u8]) -> u64 {
    let (number, tail) = rest.split_first_chunk().unwrap();
    *rest = tail;
    u64::from_le_bytes(*number)
}

fn part<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = number(rest) as usize;
    let (part, tail) = rest.split_at(length);
    *rest = tail;
    part
}
