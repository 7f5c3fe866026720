//! From change sets to one batch of the engine.

use std::collections::BTreeMap;

use fjall::OwnedWriteBatch as EngineBatch;

use crate::decision::rows::{Row, RowClass, RowKey, SequencedChangeSet};
use crate::domain::LeadId;
use crate::store::{CommitError, EngineError, Position, codec};

use super::marker::Marker;
use super::table::{Table, Tables};
use super::value::{self, Head};

/// The rows that a run of change sets leaves behind: of several writes to one row only the last is written.
pub(super) struct Batch<'a> {
    marker: Marker,
    rows: BTreeMap<&'a RowKey, Staged<'a>>,
    payloads: Vec<(RowKey, u64, Vec<u8>)>,
    feed: Vec<(u64, u64, Vec<u8>)>,
}

struct Staged<'a> {
    sequence: u64,
    row: Option<&'a Row>,
}

impl<'a> Batch<'a> {
    /// Checks that the change sets follow `last` without a gap, and collects their rows.
    pub(super) fn stage(last: Position, sets: &'a [SequencedChangeSet]) -> Result<Self, CommitError> {
        let marker = Marker { first: last.sequence + 1, position: last };
        let mut batch = Self { marker, rows: BTreeMap::new(), payloads: Vec::new(), feed: Vec::new() };
        for set in sets {
            batch.advance(set)?;
            batch.stage_rows(set)?;
            batch.stage_event(set);
        }
        Ok(batch)
    }

    /// Where the store stands once the batch is committed.
    pub(super) fn position(&self) -> Position {
        self.marker.position
    }

    fn advance(&mut self, set: &SequencedChangeSet) -> Result<(), CommitError> {
        let position = &mut self.marker.position;
        in_order("sequence", position.sequence, set.sequence)?;
        position.sequence = set.sequence;
        if set.feed_position.is_some() != set.changes.event.is_some() {
            return Err(CommitError::OutOfOrder {
                what: "feed position",
                last: position.feed,
                found: set.feed_position.unwrap_or(0),
            });
        }
        if let Some(feed) = set.feed_position {
            in_order("feed position", position.feed, feed)?;
            position.feed = feed;
        }
        Ok(())
    }

    fn stage_rows(&mut self, set: &'a SequencedChangeSet) -> Result<(), CommitError> {
        for write in &set.changes.writes {
            if let Some(row) = &write.row
                && row.class() != write.key.class()
            {
                let class = Table::of(row.class()).map_or("block", Table::name);
                return Err(CommitError::WrongClass { class });
            }
            self.rows.insert(&write.key, Staged { sequence: set.sequence, row: write.row.as_ref() });
        }
        Ok(())
    }

    fn stage_event(&mut self, set: &SequencedChangeSet) {
        let (Some(event), Some(feed)) = (&set.changes.event, set.feed_position) else { return };
        self.feed.push((feed, set.sequence, codec::encode_event(event)));
        if let Some(payload) = &set.changes.payload {
            let key =
                RowKey::payload(&event.tenant, event.lead_id.unwrap_or(LeadId::from_bytes([0; 16])), set.sequence);
            self.payloads.push((key, set.sequence, codec::encode_payload(payload)));
        }
    }

    /// Writes everything into the engine's batch, the marker last.
    pub(super) fn fill(self, engine: EngineBatch, tables: &Tables) -> Result<EngineBatch, EngineError> {
        let mut writer = Writer { engine, tables };
        for (key, staged) in &self.rows {
            let Some(table) = Table::of(key.class()) else { continue };
            writer.write(table, key.bytes(), staged.sequence, staged.row.map(codec::encode_row).as_deref())?;
        }
        for (key, sequence, payload) in &self.payloads {
            writer.write(Table::Payload, key.bytes(), *sequence, Some(payload))?;
        }
        for (position, sequence, event) in &self.feed {
            writer.write(Table::Feed, &position.to_be_bytes(), *sequence, Some(event))?;
        }
        writer.engine.insert(tables.get(Table::Meta), Marker::KEY, self.marker.encode());
        Ok(writer.engine)
    }
}

fn in_order(what: &'static str, last: u64, found: u64) -> Result<(), CommitError> {
    if found == last + 1 { Ok(()) } else { Err(CommitError::OutOfOrder { what, last, found }) }
}

struct Writer<'t> {
    engine: EngineBatch,
    tables: &'t Tables,
}

impl Writer<'_> {
    fn write(&mut self, table: Table, key: &[u8], sequence: u64, value: Option<&[u8]>) -> Result<(), EngineError> {
        let framed = value.map(|value| value::frame(sequence, value));
        let kept = framed.as_ref().map_or(0, |framed| framed.chunks.len());
        for index in kept..self.stored_chunks(table, key)? {
            self.engine.remove(self.tables.get(Table::Chunk), value::chunk_key(table as u8, key, chunk_number(index)));
        }
        let Some(framed) = framed else {
            self.engine.remove(self.tables.get(table), key);
            return Ok(());
        };
        for (index, chunk) in framed.chunks.into_iter().enumerate() {
            let key = value::chunk_key(table as u8, key, chunk_number(index));
            self.engine.insert(self.tables.get(Table::Chunk), key, chunk);
        }
        self.engine.insert(self.tables.get(table), key, framed.head);
        Ok(())
    }

    /// How many chunk rows the row has now. The table of chunks is nearly always empty, so that asking it first costs little.
    fn stored_chunks(&self, table: Table, key: &[u8]) -> Result<usize, EngineError> {
        let first = value::chunk_key(table as u8, key, 0);
        if !self.tables.get(Table::Chunk).contains_key(first).map_err(EngineError::new)? {
            return Ok(0);
        }
        let head = self.tables.get(table).get(key).map_err(EngineError::new)?;
        match head.as_deref().map(value::parse_head) {
            Some(Ok(Head::Chunked { chunks, .. })) => Ok(usize::from(chunks)),
            _ => Ok(0),
        }
    }
}

/// Values are bounded far below 65,536 chunks: the largest message that the server takes is 4 MiB.
fn chunk_number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

impl Row {
    /// The class of row that this is the value of.
    pub(in crate::store) fn class(&self) -> RowClass {
        match self {
            Self::Lead(_) => RowClass::Lead,
            Self::Key(_) => RowClass::Key,
            Self::Request(_) => RowClass::Request,
            Self::Review(_) => RowClass::Review,
            Self::DeadLetter(_) => RowClass::DeadLetter,
            Self::Payload(_) => RowClass::Payload,
            Self::Frequencies(_) => RowClass::Frequencies,
        }
    }
}
