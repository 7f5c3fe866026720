//! Reading: what the store held at one commit sequence.

use std::ops::Bound;
use std::sync::Arc;

use fjall::{Readable as _, Snapshot};

use crate::decision::rows::{FeedEntry, RowClass, RowKey};
use crate::store::codec;
use crate::store::{EngineError, LeadView, Position, ReadError, RowName, Scan, ScannedRow, Versioned};

use super::naming::Naming;
use super::table::{Table, Tables};
use super::value::{self, Head};

/// Everything that the store held at one commit sequence. All of it was durable when the view was made.
///
/// The inherent methods answer at once: a row that is in memory takes a few microseconds, one that has to come from disk blocks the
/// thread for the length of a read.
#[derive(Clone)]
pub struct EmbeddedView {
    inner: Arc<Inner>,
}

struct Inner {
    snapshot: Snapshot,
    tables: Tables,
    position: Position,
    naming: Naming,
}

/// A physical row, reassembled.
pub(crate) struct RawRow {
    /// Its key within its table.
    pub(crate) key: Vec<u8>,
    /// The sequence of its last change.
    pub(crate) sequence: u64,
    /// Its value as encoded.
    pub(crate) payload: Vec<u8>,
}

impl EmbeddedView {
    /// A view of the snapshot, which must have been taken while no batch was being applied: fjall's flushes move its snapshots'
    /// horizon into the middle of a batch that is on its way.
    pub(super) fn new(snapshot: Snapshot, tables: Tables, position: Position, naming: Naming) -> Self {
        Self { inner: Arc::new(Inner { snapshot, tables, position, naming }) }
    }

    /// Where the view stands.
    pub fn position(&self) -> Position {
        self.inner.position
    }

    /// One row. Rows of a class that is never stored are never there.
    pub fn get(&self, key: &RowKey) -> Result<Option<Versioned>, ReadError> {
        let Some(table) = Table::of(key.class()) else { return Ok(None) };
        let Some(head) = self.raw(table, key.bytes())? else { return Ok(None) };
        let (sequence, row) =
            self.payload(table, key.bytes(), &head, |payload| codec::decode_row(key.class(), payload)).and_then(
                |(sequence, row)| Ok((sequence, row.map_err(|problem| self.corrupt(table, key.bytes(), problem.0))?)),
            )?;
        Ok(Some(Versioned { sequence, row }))
    }

    /// The sequence of a row's last change, without its value.
    pub fn sequence_of(&self, key: &RowKey) -> Result<Option<u64>, ReadError> {
        let Some(table) = Table::of(key.class()) else { return Ok(None) };
        let Some(head) = self.raw(table, key.bytes())? else { return Ok(None) };
        match value::parse_head(&head) {
            Ok(Head::Whole { sequence, .. } | Head::Chunked { sequence, .. }) => Ok(Some(sequence)),
            Err(_) => Err(self.corrupt(table, key.bytes(), "its frame is broken")),
        }
    }

    /// A page of one class's rows.
    pub fn scan(&self, scan: &Scan) -> Result<Vec<ScannedRow>, ReadError> {
        let Some(table) = Table::of(scan.class) else { return Ok(Vec::new()) };
        self.rows(table, scan_bounds(scan)).take(scan.limit).map(|raw| self.scanned(scan.class, table, &raw?)).collect()
    }

    fn scanned(&self, class: RowClass, table: Table, raw: &RawRow) -> Result<ScannedRow, ReadError> {
        let row = codec::decode_row(class, &raw.payload).map_err(|problem| self.corrupt(table, &raw.key, problem.0))?;
        Ok(ScannedRow { key: RowKey::from_stored(class, &raw.key), value: Versioned { sequence: raw.sequence, row } })
    }

    /// Feed entries behind a position, in order, at most `limit`.
    pub fn feed_after(&self, position: u64, limit: usize) -> Result<Vec<FeedEntry>, ReadError> {
        let bounds = (Bound::Excluded(position.to_be_bytes().to_vec()), Bound::Unbounded);
        self.rows(Table::Feed, bounds).take(limit).map(|raw| self.feed_entry(&raw?)).collect()
    }

    /// Feed entries before a position, newest first, at most `limit`.
    pub fn feed_before(&self, position: u64, limit: usize) -> Result<Vec<FeedEntry>, ReadError> {
        let bounds = (Bound::Unbounded, Bound::Excluded(position.to_be_bytes().to_vec()));
        self.rows(Table::Feed, bounds).rev().take(limit).map(|raw| self.feed_entry(&raw?)).collect()
    }

    pub(crate) fn feed_entry(&self, raw: &RawRow) -> Result<FeedEntry, ReadError> {
        let corrupt = |problem| self.corrupt(Table::Feed, &raw.key, problem);
        let position =
            raw.key.as_slice().try_into().map(u64::from_be_bytes).map_err(|_| corrupt("its key is no position"))?;
        let event = codec::decode_event(&raw.payload).map_err(|problem| corrupt(problem.0))?;
        Ok(FeedEntry { position, sequence: raw.sequence, event })
    }

    /// Physical rows of a table in the order of their keys, reassembled.
    pub(crate) fn rows(
        &self,
        table: Table,
        bounds: Bounds,
    ) -> impl DoubleEndedIterator<Item = Result<RawRow, ReadError>> + '_ {
        self.inner.snapshot.range(self.inner.tables.get(table), bounds).map(move |guard| {
            let (key, head) = guard.into_inner().map_err(EngineError::new)?;
            let (sequence, payload) = self.payload(table, &key, &head, <[u8]>::to_vec)?;
            Ok(RawRow { key: key.to_vec(), sequence, payload })
        })
    }

    /// The key of every chunk row, and whether a value counts it.
    pub(crate) fn stored_chunks(&self) -> impl Iterator<Item = Result<(Vec<u8>, StoredChunk), ReadError>> + '_ {
        self.raw_rows(Table::Chunk).map(|row| {
            let (key, bytes) = row?;
            let counted = match value::parse_chunk_key(&key).zip(value::parse_chunk(&bytes).ok()) {
                Some(((table, owner, index), (sequence, _))) => self.counts_chunk(table, owner, index, sequence)?,
                None => false,
            };
            Ok((key, if counted { StoredChunk::Counted } else { StoredChunk::Stray }))
        })
    }

    fn counts_chunk(&self, table: u8, owner: &[u8], index: u16, sequence: u64) -> Result<bool, ReadError> {
        let Some(table) = Table::from_number(table) else { return Ok(false) };
        let Some(head) = self.raw(table, owner)? else { return Ok(false) };
        Ok(match value::parse_head(&head) {
            Ok(Head::Chunked { sequence: own, chunks, .. }) => own == sequence && index < chunks,
            _ => false,
        })
    }

    /// Physical rows of a table as they lie there.
    pub(crate) fn raw_rows(&self, table: Table) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), ReadError>> + '_ {
        self.inner.snapshot.iter(self.inner.tables.get(table)).map(|guard| {
            let (key, value) = guard.into_inner().map_err(EngineError::new)?;
            Ok((key.to_vec(), value.to_vec()))
        })
    }

    /// A physical row as it lies there.
    pub(crate) fn raw(&self, table: Table, key: &[u8]) -> Result<Option<fjall::Slice>, ReadError> {
        Ok(self.inner.snapshot.get(self.inner.tables.get(table), key).map_err(EngineError::new)?)
    }

    /// The name of a row for people.
    pub(crate) fn name(&self, table: Table, key: &[u8]) -> RowName {
        self.inner.naming.name(table, key)
    }

    /// Hands a value's bytes on, put together from its chunks where it has any.
    fn payload<T>(
        &self,
        table: Table,
        key: &[u8],
        head: &[u8],
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<(u64, T), ReadError> {
        match value::parse_head(head) {
            Ok(Head::Whole { sequence, payload }) => Ok((sequence, read(payload))),
            Ok(Head::Chunked { sequence, length, chunks }) => {
                Ok((sequence, read(&self.reassemble(table, key, sequence, length, chunks)?)))
            }
            Err(_) => Err(self.corrupt(table, key, "its frame is broken")),
        }
    }

    fn reassemble(
        &self,
        table: Table,
        key: &[u8],
        sequence: u64,
        length: usize,
        chunks: u16,
    ) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::with_capacity(length.min(usize::from(chunks) * value::MAX_PHYSICAL_BYTES));
        for index in 0..chunks {
            let chunk = self.raw(Table::Chunk, &value::chunk_key(table as u8, key, index))?;
            let chunk = chunk.ok_or_else(|| self.corrupt(table, key, "one of its chunks is missing"))?;
            match value::parse_chunk(&chunk) {
                Ok((own, part)) if own == sequence => bytes.extend_from_slice(part),
                _ => return Err(self.corrupt(table, key, "one of its chunks belongs to another version")),
            }
        }
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(self.corrupt(table, key, "its chunks do not add up to its length"))
        }
    }

    pub(crate) fn corrupt(&self, table: Table, key: &[u8], problem: &'static str) -> ReadError {
        ReadError::Corrupt { row: self.name(table, key), problem }
    }
}

/// Whether a chunk row is part of a value.
pub(crate) enum StoredChunk {
    /// A value counts it among its chunks.
    Counted,
    /// No value does, or one of another version.
    Stray,
}

/// A range of physical keys.
pub(crate) type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Every key.
pub(crate) const EVERYTHING: Bounds = (Bound::Unbounded, Bound::Unbounded);

/// Keys begin with `tenant 0x00`, so those of a tenant end before `tenant 0x01`.
fn scan_bounds(scan: &Scan) -> Bounds {
    let edge = |byte: u8| scan.tenant.as_ref().map(|tenant| [tenant.as_str().as_bytes(), &[byte]].concat());
    let start = edge(0).map_or(Bound::Unbounded, Bound::Included);
    let end = edge(1).map_or(Bound::Unbounded, Bound::Excluded);
    let after = scan.after.as_ref().map(|key| key.bytes().to_vec());
    match (after, start) {
        (Some(after), Bound::Included(start)) if after < start => (Bound::Included(start), end),
        (Some(after), _) => (Bound::Excluded(after), end),
        (None, start) => (start, end),
    }
}

impl LeadView for EmbeddedView {
    fn position(&self) -> Position {
        self.inner.position
    }

    async fn get(&self, key: &RowKey) -> Result<Option<Versioned>, ReadError> {
        Self::get(self, key)
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<ScannedRow>, ReadError> {
        Self::scan(self, scan)
    }

    async fn feed_after(&self, position: u64, limit: usize) -> Result<Vec<FeedEntry>, ReadError> {
        Self::feed_after(self, position, limit)
    }

    async fn feed_before(&self, position: u64, limit: usize) -> Result<Vec<FeedEntry>, ReadError> {
        Self::feed_before(self, position, limit)
    }
}
