//! The high-water mark: a small file that remembers how far the store had come, beside the store itself.
//!
//! The engine's journal ends where it can no longer be read, and damage there takes the rest with it in silence. So the position is
//! written here as well, after every commit and only once that commit is durable: the mark may be behind the truth, never ahead of it.
//! It is not synced with every commit but at most once a second, and when the store closes. After a crash of the process alone the
//! mark is therefore exact, and after a power cut at most a second (or the kernel's write-back) behind.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::store::Position;

/// Each slot has a disk sector of its own, so that a torn write leaves the other one whole.
const SLOT_BYTES: usize = 512;
const MAGIC: [u8; 8] = *b"LGHIGHW1";
const RECORD_BYTES: usize = 32;
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The open mark.
pub(super) struct HighWater {
    file: File,
    next_slot: u64,
    last_sync: Instant,
    unsynced: bool,
}

impl HighWater {
    /// Writes a new mark at position 0, durable but for its directory entry.
    pub(super) fn create(path: &Path) -> io::Result<()> {
        let file = File::create_new(path)?;
        file.write_all_at(&slot(Position::default()), 0)?;
        file.write_all_at(&slot(Position::default()), SLOT_BYTES as u64)?;
        file.sync_all()
    }

    /// Opens the mark and reads it. `None`: neither slot can be read, which no power cut does.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<Position>)> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::with_capacity(2 * SLOT_BYTES);
        (&mut file).take(2 * SLOT_BYTES as u64).read_to_end(&mut bytes)?;
        let slots: Vec<_> = bytes.chunks(SLOT_BYTES).map(parse_slot).collect();
        let newest = (0..slots.len()).filter(|index| slots[*index].is_some()).max_by_key(|index| slots[*index]);
        let position = newest.and_then(|index| slots[index]);
        let next_slot = if newest == Some(0) { 1 } else { 0 };
        Ok((Self { file, next_slot, last_sync: Instant::now(), unsynced: false }, position))
    }

    /// Remembers a position that is durable in the store.
    pub(super) fn advance(&mut self, position: Position) -> io::Result<()> {
        self.file.write_all_at(&slot(position), self.next_slot * SLOT_BYTES as u64)?;
        self.next_slot ^= 1;
        self.unsynced = true;
        if self.last_sync.elapsed() >= SYNC_EVERY { self.sync() } else { Ok(()) }
    }

    /// Makes what was remembered survive a power cut.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.file.sync_data()?;
            self.unsynced = false;
        }
        self.last_sync = Instant::now();
        Ok(())
    }
}

impl Drop for HighWater {
    fn drop(&mut self) {
        if let Err(error) = self.sync() {
            tracing::warn!(%error, "the store's high-water mark could not be synced on closing");
        }
    }
}

fn slot(position: Position) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&position.sequence.to_le_bytes());
    bytes[16..24].copy_from_slice(&position.feed.to_le_bytes());
    let checksum = checksum(&bytes[..24]);
    bytes[24..RECORD_BYTES].copy_from_slice(&checksum);
    bytes
}

fn parse_slot(bytes: &[u8]) -> Option<Position> {
    let record = bytes.first_chunk::<RECORD_BYTES>()?;
    if record[..8] != MAGIC || record[24..] != checksum(&record[..24]) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| record[range].try_into().map(u64::from_le_bytes).ok();
    Some(Position { sequence: number(8..16)?, feed: number(16..24)? })
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sequence: u64) -> Position {
        Position { sequence, feed: sequence / 2 }
    }

    fn read(path: &Path) -> Option<Position> {
        HighWater::open(path).unwrap().1
    }

    #[test]
    fn the_newest_position_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("high-water");
        HighWater::create(&path).unwrap();
        assert_eq!(read(&path), Some(at(0)));
        for round in 0..3 {
            let (mut mark, _) = HighWater::open(&path).unwrap();
            for step in 1..=3 {
                mark.advance(at(round * 10 + step)).unwrap();
            }
            drop(mark);
            assert_eq!(read(&path), Some(at(round * 10 + 3)));
        }
    }

    #[test]
    fn one_spoilt_slot_leaves_the_position_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("high-water");
        HighWater::create(&path).unwrap();
        let (mut mark, _) = HighWater::open(&path).unwrap();
        mark.advance(at(8)).unwrap();
        mark.advance(at(9)).unwrap();
        drop(mark);
        let mut bytes = std::fs::read(&path).unwrap();
        let newest = if parse_slot(&bytes[..SLOT_BYTES]) == Some(at(9)) { 0 } else { SLOT_BYTES };
        bytes[newest + 9] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path), Some(at(8)));
        bytes.fill(0);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path), None);
    }
}
