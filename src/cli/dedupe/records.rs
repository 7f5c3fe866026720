//! The records of a file, read as an import would read them.

use std::io;

use rayon::prelude::*;

use crate::cli::import::{RequestTemplate, Row, Rows};
use crate::decision::blocking::blocks_of_incoming;
use crate::decision::matching::{FrequencyTable, Profile};
use crate::decision::policy::Policy;
use crate::grpc::incoming_lead;
use crate::grpc::proto::UpsertMode;

/// Rows that are read before they are prepared.
const CHUNK: usize = 8_192;

/// Why the records of a file cannot be compared.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// It cannot be read to its end.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Their places do not fit into 32 bits.
    #[error("has four billion records or blocking keys, more than can be compared at once: split the file")]
    TooMany,
}

/// Every record of a file, ready to be compared.
#[derive(Default)]
pub(super) struct Records {
    /// The id of each, or its line where it has none.
    pub(super) ids: Vec<Box<str>>,
    /// What of each is compared.
    pub(super) profiles: Vec<Profile>,
    /// Blocking keys, each with the place of its record.
    pub(super) keys: Vec<(u64, u32)>,
    /// How common each value is.
    pub(super) table: FrequencyTable,
    /// Rows that say nothing that can be read; they stay alone.
    pub(super) unreadable: usize,
}

impl Records {
    /// Reads a file whole; `tell` hears how many of its bytes are read.
    pub(super) fn read(mut rows: Rows, policy: &Policy, tell: impl Fn(u64)) -> Result<Self, ReadError> {
        let (mut records, template) = (Self::default(), template());
        let mut chunk = next(&mut rows)?;
        let mut before = Vec::new();
        // While some rows are prepared, those before are taken over and those behind are read.
        while let Some(last) = chunk.last() {
            tell(last.end);
            let prepare = || chunk.into_par_iter().map(|row| Prepared::of(&row, &template, policy)).collect();
            let read_on = || records.add_all(before).and_then(|()| next(&mut rows));
            let (prepared, read) = rayon::join(prepare, read_on);
            (before, chunk) = (prepared, read?);
        }
        records.add_all(before)?;
        records.table.forget_singles();
        records.profiles.shrink_to_fit();
        Ok(records)
    }

    fn add_all(&mut self, prepared: Vec<Prepared>) -> Result<(), ReadError> {
        prepared.into_iter().try_for_each(|one| self.add(one))
    }

    fn add(&mut self, prepared: Prepared) -> Result<(), ReadError> {
        let record = counted(self.ids.len())?;
        counted(self.keys.len() + prepared.keys.len())?;
        prepared.profile.count_in(&mut self.table);
        self.unreadable += usize::from(!prepared.readable);
        self.ids.push(prepared.id);
        self.profiles.push(prepared.profile);
        self.keys.extend(prepared.keys.into_iter().map(|key| (key, record)));
        Ok(())
    }
}

fn next(rows: &mut Rows) -> Result<Vec<Row>, ReadError> {
    Ok(rows.take(CHUNK).collect::<io::Result<_>>()?)
}

/// A number of records or of blocking keys, which 32 bits must hold.
fn counted(count: usize) -> Result<u32, ReadError> {
    u32::try_from(count).ok().filter(|count| *count < u32::MAX).ok_or(ReadError::TooMany)
}

/// One row, read.
struct Prepared {
    id: Box<str>,
    profile: Profile,
    keys: Vec<u64>,
    readable: bool,
}

impl Prepared {
    fn of(row: &Row, template: &RequestTemplate, policy: &Policy) -> Self {
        let id = Some(row.id()).filter(|id| !id.is_empty()).map_or_else(|| row.line.to_string().into(), Into::into);
        let request = row.values.as_ref().ok().and_then(|values| template.request(row.line, values).ok());
        let lead = request.and_then(|request| incoming_lead(request, policy).ok());
        let readable = lead.is_some();
        let lead = lead.unwrap_or_default();
        Self { id, profile: Profile::of_incoming(&lead), keys: blocks_of_incoming(&lead), readable }
    }
}

/// What the requests have in common that records are read as.
fn template() -> RequestTemplate {
    RequestTemplate {
        source: "file".into(),
        target: String::new(),
        mode: UpsertMode::Unspecified,
        validate_only: true,
        run: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_32_bits_count_is_refused() {
        assert_eq!(counted(7).ok(), Some(7));
        assert!(matches!(counted(u32::MAX as usize), Err(ReadError::TooMany)));
        assert!(matches!(counted(1 << 40), Err(ReadError::TooMany)));
    }
}
