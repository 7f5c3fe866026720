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
    pub(super) fn read(mut rows: Rows, policy: &Policy, tell: impl Fn(u64)) -> io::Result<Self> {
        let mut records = Self::default();
        loop {
            let chunk: Vec<Row> = rows.by_ref().take(CHUNK).collect::<io::Result<_>>()?;
            let Some(last) = chunk.last() else { break };
            tell(last.end);
            let prepared: Vec<Prepared> = chunk.par_iter().map(|row| Prepared::of(row, policy)).collect();
            prepared.into_iter().for_each(|one| records.add(one));
        }
        records.table.forget_singles();
        records.profiles.shrink_to_fit();
        Ok(records)
    }

    fn add(&mut self, prepared: Prepared) {
        let record = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        prepared.profile.count_in(&mut self.table);
        self.unreadable += usize::from(!prepared.readable);
        self.ids.push(prepared.id);
        self.profiles.push(prepared.profile);
        self.keys.extend(prepared.keys.into_iter().map(|key| (key, record)));
    }
}

/// One row, read.
struct Prepared {
    id: Box<str>,
    profile: Profile,
    keys: Vec<u64>,
    readable: bool,
}

impl Prepared {
    fn of(row: &Row, policy: &Policy) -> Self {
        let template = RequestTemplate {
            source: "file".into(),
            target: String::new(),
            mode: UpsertMode::Unspecified,
            validate_only: true,
            run: String::new(),
        };
        let id = Some(row.id()).filter(|id| !id.is_empty()).map_or_else(|| row.line.to_string().into(), Into::into);
        let request = row.values.as_ref().ok().and_then(|values| template.request(row.line, values).ok());
        let lead = request.and_then(|request| incoming_lead(request, policy).ok());
        let readable = lead.is_some();
        let lead = lead.unwrap_or_default();
        Self { id, profile: Profile::of_incoming(&lead), keys: blocks_of_incoming(&lead), readable }
    }
}
