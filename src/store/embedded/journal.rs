//! Reads fjall's journal for its shape, before fjall does.
//!
//! fjall 3.1 ends a journal at the first entry it cannot parse, and drops what follows in silence; where an entry parses but its
//! batch's checksum is wrong, it refuses to open at all. Neither suits us: a torn last batch was never acknowledged and must not keep
//! the store from opening, and damage before the end has taken acknowledged batches and must. The store syncs each batch before it
//! writes the next one, so the two can be told apart: behind a torn batch there is no whole one.
//!
//! The format is that of fjall 3 (`FJL\x03`); `format_is_the_engines` holds this reader against the engine.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::marker::Marker;

const TAG_START: u8 = 1;
const TAG_ITEM: u8 = 2;
const TAG_END: u8 = 3;
const TAG_CLEAR: u8 = 4;
const TRAILER: [u8; 4] = *b"FJL\x03";
/// Type, compression, keyspace, key length, value length and stored length of an item, behind its tag.
const ITEM_HEADER_BYTES: usize = 1 + 1 + 8 + 2 + 4 + 4;
const BUFFER_BYTES: usize = 256 * 1024;

/// What a journal holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// Where its last whole batch ends.
    pub(super) end: u64,
    /// The markers of its batches, in order.
    pub(super) markers: Vec<Marker>,
    /// What lies behind the last whole batch.
    pub(super) tail: Tail,
}

/// What lies behind the last whole batch of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing but reserved space.
    Clean,
    /// The remains of one batch whose sync never returned.
    Torn,
    /// A whole batch: something before it was destroyed after it had been synced.
    Damaged,
}

/// Reads a journal to its end.
pub(super) fn read(path: &Path) -> io::Result<Contents> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader =
        Reader { input: BufReader::with_capacity(BUFFER_BYTES, file), position: 0, length, buffer: Vec::new() };
    let mut markers = Vec::new();
    let mut end = 0;
    while let ControlFlow::Continue(marker) = reader.batch()? {
        markers.extend(marker);
        end = reader.position;
    }
    let tail = tail(reader.input.into_inner(), end, length)?;
    Ok(Contents { end, markers, tail })
}

/// Reads entries one after the other; `Break` means that what lies here is no whole batch.
struct Reader<R> {
    input: R,
    position: u64,
    length: u64,
    buffer: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads one whole batch with its checksum.
    fn batch(&mut self) -> io::Result<ControlFlow<(), Option<Marker>>> {
        let Some([TAG_START]) = self.array()? else { return Ok(ControlFlow::Break(())) };
        let Some(count) = self.array()? else { return Ok(ControlFlow::Break(())) };
        let Some([..]) = self.array::<8>()? else { return Ok(ControlFlow::Break(())) };
        let mut checksum = Xxh3::new();
        let mut marker = None;
        for _ in 0..u32::from_le_bytes(count) {
            if !self.entry(&mut checksum)? {
                return Ok(ControlFlow::Break(()));
            }
            marker = self.marker().or(marker);
        }
        Ok(if self.end(checksum.digest())? { ControlFlow::Continue(marker) } else { ControlFlow::Break(()) })
    }

    /// Reads one entry of a batch into the buffer.
    fn entry(&mut self, checksum: &mut Xxh3) -> io::Result<bool> {
        self.buffer.clear();
        let Some([tag]) = self.array()? else { return Ok(false) };
        self.buffer.push(tag);
        let whole = match tag {
            TAG_ITEM => self.item()?,
            TAG_CLEAR => self.extend(8)?,
            _ => false,
        };
        checksum.update(&self.buffer);
        Ok(whole)
    }

    fn item(&mut self) -> io::Result<bool> {
        if !self.extend(ITEM_HEADER_BYTES)? {
            return Ok(false);
        }
        let Some((key, value)) = item_lengths(&self.buffer) else { return Ok(false) };
        self.extend(key + value)
    }

    fn end(&mut self, checksum: u64) -> io::Result<bool> {
        let (Some([TAG_END]), Some(stored)) = (self.array()?, self.array()?) else { return Ok(false) };
        Ok(u64::from_le_bytes(stored) == checksum && self.array()? == Some(TRAILER))
    }

    /// The position marker, where the entry in the buffer is one.
    fn marker(&self) -> Option<Marker> {
        let (key, value) = item_lengths(&self.buffer)?;
        let body = self.buffer.get(1 + ITEM_HEADER_BYTES..)?;
        if body.len() != key + value || body[..key] != *Marker::KEY {
            return None;
        }
        Marker::parse(&body[key..])
    }

    fn array<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        if self.length - self.position < N as u64 {
            return Ok(None);
        }
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        self.position += N as u64;
        Ok(Some(bytes))
    }

    fn extend(&mut self, count: usize) -> io::Result<bool> {
        if self.length - self.position < count as u64 {
            return Ok(false);
        }
        let start = self.buffer.len();
        self.buffer.resize(start + count, 0);
        self.input.read_exact(&mut self.buffer[start..])?;
        self.position += count as u64;
        Ok(true)
    }
}

/// The lengths of key and stored value that an item's header names; `None` where the entry is no item.
fn item_lengths(entry: &[u8]) -> Option<(usize, usize)> {
    let header = entry.get(1..=ITEM_HEADER_BYTES).filter(|_| entry[0] == TAG_ITEM)?;
    let key = u16::from_le_bytes(header[10..12].try_into().ok()?);
    let value = u32::from_le_bytes(header[16..20].try_into().ok()?);
    Some((usize::from(key), usize::try_from(value).ok()?))
}

fn tail(file: File, end: u64, length: u64) -> io::Result<Tail> {
    let rest = written_bytes(file, end, length)?;
    if rest.is_empty() {
        return Ok(Tail::Clean);
    }
    // A whole batch begins where the remains begin, or behind the end marker of a broken one.
    let ends = memmem(&rest, &TRAILER).map(|found| found + TRAILER.len());
    for start in std::iter::once(0).chain(ends) {
        let input = &rest[start..];
        let mut reader = Reader { input, position: 0, length: input.len() as u64, buffer: Vec::new() };
        if reader.batch()?.is_continue() {
            return Ok(Tail::Damaged);
        }
    }
    Ok(Tail::Torn)
}

/// What was written behind `from`, without the zeros around it. Journals are reserved in one piece, so holes are skipped unread.
fn written_bytes(mut file: File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    let start = match rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(from)) {
        Ok(start) => start,
        Err(rustix::io::Errno::NXIO) => return Ok(Vec::new()),
        Err(_) => from,
    };
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    let mut window = vec![0; BUFFER_BYTES];
    let mut input = file.take(length.saturating_sub(start));
    loop {
        let count = input.read(&mut window)?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(if bytes.is_empty() { trim_zeros(&window[..count]) } else { &window[..count] });
    }
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    Ok(bytes)
}

fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    &bytes[first..]
}

fn memmem<'a>(haystack: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    haystack.windows(needle.len()).enumerate().filter(move |(_, window)| *window == needle).map(|(index, _)| index)
}
