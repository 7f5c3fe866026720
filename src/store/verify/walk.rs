//! The walk over every table.

use crate::decision::rows::{RowClass, RowKey};
use crate::domain::{LeadId, TenantId};
use crate::store::embedded::{EVERYTHING, RawRow, StoredChunk, Table};
use crate::store::{EmbeddedView, ReadError, codec};

use super::{Checked, Invariant, Violation};

pub(super) struct Walk<'a> {
    pub(super) view: &'a EmbeddedView,
    report: &'a mut dyn FnMut(Violation),
    checked: Checked,
    /// The events that have a payload: sequence and lead, ascending.
    pub(super) with_payload: Vec<(u64, LeadId)>,
}

/// The row that is being looked at.
pub(super) struct Place<'a> {
    pub(super) table: Table,
    pub(super) raw: &'a RawRow,
    pub(super) tenant: &'a TenantId,
    /// Its key behind the tenant.
    pub(super) id: &'a [u8],
}

impl<'a> Walk<'a> {
    pub(super) fn new(view: &'a EmbeddedView, report: &'a mut dyn FnMut(Violation)) -> Self {
        Self { view, report, checked: Checked::default(), with_payload: Vec::new() }
    }

    pub(super) fn run(mut self) -> Result<Checked, ReadError> {
        self.walk_feed()?;
        for class in RowClass::STORED {
            self.walk_class(class)?;
        }
        self.walk_chunks()?;
        Ok(self.checked)
    }

    pub(super) fn violation(&mut self, invariant: Invariant, table: Table, key: &[u8], problem: &'static str) {
        self.checked.violations += 1;
        (self.report)(Violation { invariant, row: self.view.name(table, key), problem });
    }

    /// Looks at each row of a table that can be put together, and reports those that cannot.
    fn each(
        &mut self,
        table: Table,
        mut look: impl FnMut(&mut Self, RawRow) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let view = self.view;
        for row in view.rows(table, EVERYTHING) {
            *self.checked.rows.entry(table.name()).or_default() += 1;
            match row {
                Ok(row) => {
                    self.check_sequence(table, &row);
                    look(self, row)?;
                }
                Err(ReadError::Corrupt { row, problem }) => {
                    self.checked.violations += 1;
                    (self.report)(Violation { invariant: Invariant::RowsAreReadable, row, problem });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn check_sequence(&mut self, table: Table, row: &RawRow) {
        if row.sequence == 0 || row.sequence > self.view.position().sequence {
            self.violation(
                Invariant::SequencesAreBounded,
                table,
                &row.key,
                "its sequence is none that the store has reached",
            );
        }
    }

    fn walk_feed(&mut self) -> Result<(), ReadError> {
        let mut last = (0, 0);
        self.each(Table::Feed, |walk, row| {
            let Ok(entry) = walk.view.feed_entry(&row) else {
                walk.violation(Invariant::RowsAreReadable, Table::Feed, &row.key, "it holds no event");
                return Ok(());
            };
            let (position, sequence) = last;
            if entry.position != position + 1 {
                walk.violation(Invariant::FeedIsGapFree, Table::Feed, &row.key, "the entry before it is missing");
            }
            if entry.sequence <= sequence {
                walk.violation(
                    Invariant::FeedIsInOrder,
                    Table::Feed,
                    &row.key,
                    "it is not younger than the entry before it",
                );
            }
            last = (entry.position, entry.sequence);
            if entry.event.has_payload {
                walk.with_payload.push((entry.sequence, entry.event.lead_id.unwrap_or(LeadId::from_bytes([0; 16]))));
            }
            Ok(())
        })?;
        if last.0 != self.view.position().feed {
            let key = last.0.to_be_bytes();
            let problem = "it is the last entry, and the store's position says otherwise";
            self.violation(Invariant::FeedEndsAtThePosition, Table::Feed, &key, problem);
        }
        self.with_payload.sort_unstable();
        Ok(())
    }

    fn walk_class(&mut self, class: RowClass) -> Result<(), ReadError> {
        let Some(table) = Table::of(class) else { return Ok(()) };
        self.each(table, |walk, raw| {
            let key = RowKey::from_stored(class, &raw.key);
            let problem = match (codec::decode_row(class, &raw.payload), tenant_and_id(&key)) {
                (Ok(row), Some((tenant, id))) => {
                    return walk.check_row(&Place { table, raw: &raw, tenant: &tenant, id }, &row);
                }
                (Err(problem), _) => problem.0,
                (Ok(_), None) => "its key does not begin with a tenant",
            };
            walk.violation(Invariant::RowsAreReadable, table, &raw.key, problem);
            Ok(())
        })
    }

    fn walk_chunks(&mut self) -> Result<(), ReadError> {
        let view = self.view;
        for chunk in view.stored_chunks() {
            *self.checked.rows.entry(Table::Chunk.name()).or_default() += 1;
            if let (key, StoredChunk::Stray) = chunk? {
                self.violation(Invariant::ChunksBelongToValues, Table::Chunk, &key, "no value counts it");
            }
        }
        Ok(())
    }
}

fn tenant_and_id(key: &RowKey) -> Option<(TenantId, &[u8])> {
    let (tenant, id) = key.split()?;
    Some((TenantId::parse(tenant).ok()?, id))
}
