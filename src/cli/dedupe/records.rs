//! The records of a file, read as an import would read them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

use foldhash::fast::FixedState;
use rayon::prelude::*;

use crate::cli::import::{RequestTemplate, Row, RowProblem, Rows, Target};
use crate::decision::blocking::blocks_of_incoming;
use crate::decision::matching::{FrequencyTable, Profile};
use crate::decision::policy::{Policy, SourcePolicy, UnknownSources};
use crate::domain::{IncomingLead, InputNote};
use crate::grpc::incoming_lead;
use crate::grpc::proto::UpsertMode;

use super::findings::Findings;

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
    /// The id of each. One without an id is called by its line: `line 7` among others that have ids, which may be numbers too.
    pub(super) ids: Vec<Box<str>>,
    /// What of each is compared.
    pub(super) profiles: Vec<Profile>,
    /// Blocking keys, each with the place of its record.
    pub(super) keys: Vec<(u64, u32)>,
    /// How common each value is.
    pub(super) table: FrequencyTable,
    /// What is not as it should be.
    pub(super) findings: Findings,
    /// Those without an id, called by the number of their line until all are read.
    nameless: Vec<u32>,
    /// Records that say whole what many others say, each behind the first of them: one record that was entered again and again. They are
    /// not blocked, and but for a few not counted: their own repetition would make of what they hold something that many have.
    pub(super) copies: Vec<(u32, u32)>,
    /// The first record of each content, and how many there are, while they are read.
    first: HashMap<u128, (u32, u32), FixedState>,
}

impl Records {
    /// Reads a file whole; `tell` hears how many of its bytes are read.
    pub(super) fn read(mut rows: Rows, policy: &Policy, tell: impl Fn(u64)) -> Result<Self, ReadError> {
        let (mut records, template, policy) = (Self::default(), template(), of_file(policy));
        let mut chunk = next(&mut rows)?;
        let mut before = Vec::new();
        // While some rows are prepared, those before are taken over and those behind are read.
        while let Some(last) = chunk.last() {
            tell(last.end);
            let prepare = || chunk.into_par_iter().map(|row| Prepared::of(row, &template, &policy)).collect();
            let read_on = || records.add_all(before).and_then(|()| next(&mut rows));
            let (prepared, read) = rayon::join(prepare, read_on);
            (before, chunk) = (prepared, read?);
        }
        records.add_all(before)?;
        records.name_nameless(rows.has_ids());
        records.findings.unknown = rows.unknown();
        records.findings.take_ids(records.ids.iter().map(|id| &**id));
        records.table.forget_singles();
        records.leave_out_copies();
        records.profiles.shrink_to_fit();
        Ok(records)
    }

    /// Tells lines from ids, where there are ids.
    fn name_nameless(&mut self, has_ids: bool) {
        let nameless = std::mem::take(&mut self.nameless);
        if has_ids || nameless.len() < self.ids.len() {
            for record in nameless {
                let id = &mut self.ids[record as usize];
                *id = format!("line {id}").into();
            }
        }
    }

    fn add_all(&mut self, prepared: Vec<Prepared>) -> Result<(), ReadError> {
        prepared.into_iter().try_for_each(|one| self.add(one))
    }

    /// Leaves those that are repeated too often to their first record.
    fn leave_out_copies(&mut self) {
        let contents = std::mem::take(&mut self.first).into_values();
        let often: HashSet<u32> =
            contents.filter(|(_, times)| *times > MOST_REPEATED).map(|(first, _)| first).collect();
        self.copies.retain(|(first, _)| often.contains(first));
        let copies: HashSet<u32> = self.copies.iter().map(|(_, copy)| *copy).collect();
        if !copies.is_empty() {
            self.keys.retain(|(_, record)| !copies.contains(record));
        }
    }

    /// The first record that says the same, and how many did up to this one.
    fn repeated(&mut self, fingerprint: Option<u128>, record: u32) -> (u32, u32) {
        let Some(content) = fingerprint else { return (record, 1) };
        let (first, times) = self.first.entry(content).or_insert((record, 0));
        *times += 1;
        (*first, *times)
    }

    fn add(&mut self, prepared: Prepared) -> Result<(), ReadError> {
        let record = counted(self.ids.len())?;
        counted(self.keys.len() + prepared.keys.len())?;
        let (first, times) = self.repeated(prepared.fingerprint, record);
        if times <= MOST_REPEATED {
            prepared.profile.count_in(&mut self.table);
            self.keys.extend(prepared.keys.into_iter().map(|key| (key, record)));
        }
        if first != record {
            self.copies.push((first, record));
        }
        self.findings.take_notes(&prepared.notes);
        if let Some(problem) = prepared.problem {
            self.findings.take_row(prepared.line, problem);
        }
        if prepared.id.is_empty() {
            self.nameless.push(record);
            self.ids.push(prepared.line.to_string().into());
        } else {
            self.ids.push(prepared.id);
        }
        self.profiles.push(prepared.profile);
        Ok(())
    }
}

/// Records of one content that are compared like any others, as files hold them in good faith: more of them are one.
const MOST_REPEATED: u32 = 8;

fn next(rows: &mut Rows) -> Result<Vec<Row>, ReadError> {
    Ok(rows.take(CHUNK).collect::<io::Result<_>>()?)
}

/// A number of records or of blocking keys, which 32 bits must hold.
fn counted(count: usize) -> Result<u32, ReadError> {
    u32::try_from(count).ok().filter(|count| *count < u32::MAX).ok_or(ReadError::TooMany)
}

/// One row, read.
struct Prepared {
    line: u64,
    id: Box<str>,
    profile: Profile,
    fingerprint: Option<u128>,
    keys: Vec<u64>,
    notes: Vec<InputNote>,
    /// Why it says nothing.
    problem: Option<RowProblem>,
}

impl Prepared {
    fn of(row: Row, template: &RequestTemplate, policy: &Policy) -> Self {
        let Row { line, id, values, .. } = row;
        let (lead, problem) = match values.and_then(|values| lead(line, &values, template, policy)) {
            Ok(lead) => (lead, None),
            Err(problem) => (IncomingLead::default(), Some(problem)),
        };
        let (profile, keys) = (Profile::of_incoming(&lead), blocks_of_incoming(&lead));
        Self { line, id: id.into(), fingerprint: profile.fingerprint(), profile, keys, notes: lead.notes, problem }
    }
}

fn lead(
    line: u64,
    values: &[(Target, String)],
    template: &RequestTemplate,
    policy: &Policy,
) -> Result<IncomingLead, RowProblem> {
    let request = template.request(line, values)?;
    incoming_lead(request, policy).map_err(|failure| {
        let first = failure.into_reasons().into_iter().next().unwrap_or_default();
        RowProblem::of_reason(&first)
    })
}

/// The policy as it holds for a file: what a source may write and must send says nothing about records that are only compared. Where its
/// national phone numbers are from does.
fn of_file(policy: &Policy) -> Policy {
    let default_country = policy.default_source.default_country;
    Policy {
        unknown_sources: UnknownSources::Accept,
        default_source: SourcePolicy { default_country, ..SourcePolicy::default() },
        sources: BTreeMap::new(),
        ..policy.clone()
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
