//! Checks a data folder at rest: everything that must be true of the store, of the index, and of the two together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::decision::rows::{Row, RowClass};
use crate::domain::{LeadId, TenantId};
use crate::index::{IndexError, IndexSettings, LeadIndex, RebuildReason};
use crate::store::verify::Invariant as StoreInvariant;
use crate::store::{EmbeddedStore, EmbeddedView, ReadError, Scan, StoreOptions};

use super::OpenError;

/// How many leads are read at a time.
const PAGE: usize = 10_000;

/// Something that must be true of the index beside its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexInvariant {
    /// Its files are all there and as they were written.
    IndexIsReadable,
    /// It holds nothing that the store does not hold.
    IndexIsNotAhead,
    /// Every live lead that it is said to hold is found.
    LiveLeadsAreIndexed,
    /// Every lead that is found is live in the store.
    IndexedLeadsAreLive,
    /// No lead is found twice.
    LeadsAreIndexedOnce,
}

impl IndexInvariant {
    /// Every invariant.
    pub const ALL: [Self; 5] = [
        Self::IndexIsReadable,
        Self::IndexIsNotAhead,
        Self::LiveLeadsAreIndexed,
        Self::IndexedLeadsAreLive,
        Self::LeadsAreIndexedOnce,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::IndexIsReadable => "index-is-readable",
            Self::IndexIsNotAhead => "index-is-not-ahead",
            Self::LiveLeadsAreIndexed => "live-leads-are-indexed",
            Self::IndexedLeadsAreLive => "indexed-leads-are-live",
            Self::LeadsAreIndexedOnce => "leads-are-indexed-once",
        }
    }
}

/// One thing that is not as it must be. Names rows by id or digest, never by a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the invariant.
    pub invariant: &'static str,
    /// Of what it is not true, and in what way.
    pub problem: String,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The store's rows by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Every invariant with how many violations it has.
    pub invariants: Vec<(&'static str, u64)>,
    /// Leads that the index holds.
    pub indexed: u64,
    /// Why there is nothing to say about the index, where there is not: it is made anew at the next start.
    pub index_missing: bool,
}

/// Checks the data folder of a server that is not running, and reports each finding as it is made.
///
/// Opening the store completes what an interrupted write left, as a start does. A damaged index is a finding, and is begun anew.
///
/// # Errors
///
/// The folder is in use, of a newer format, without acknowledged changes, or cannot be read.
pub fn verify(data_dir: &Path, report: &mut dyn FnMut(&Finding)) -> Result<Verification, VerifyError> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut count = |finding: Finding| {
        *counts.entry(finding.invariant).or_default() += 1;
        report(&finding);
    };
    let store = EmbeddedStore::open(&data_dir.join("store"), StoreOptions::default()).map_err(OpenError::from)?;
    let view = store.view();
    let checked = view.verify(&mut |violation| {
        let problem = format!("{}: {}", violation.row, violation.problem);
        count(Finding { invariant: violation.invariant.name(), problem });
    })?;
    let (indexed, index_missing) = verify_index(&data_dir.join("index"), &view, &mut |invariant, problem| {
        count(Finding { invariant: invariant.name(), problem });
    })?;
    let names =
        StoreInvariant::ALL.map(StoreInvariant::name).into_iter().chain(IndexInvariant::ALL.map(IndexInvariant::name));
    let invariants = names.map(|name| (name, counts.get(name).copied().unwrap_or(0))).collect();
    Ok(Verification { rows: checked.rows, invariants, indexed, index_missing })
}

/// Why a data folder could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The disk could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

type Report<'a> = &'a mut dyn FnMut(IndexInvariant, String);

/// How many leads the index holds, and whether there is none to check.
fn verify_index(path: &Path, view: &EmbeddedView, report: Report<'_>) -> Result<(u64, bool), VerifyError> {
    let opened = LeadIndex::open(path, &IndexSettings::default()).map_err(OpenError::from)?;
    match opened.rebuilt {
        Some(RebuildReason::Damaged) => {
            report(
                IndexInvariant::IndexIsReadable,
                "files are missing, cut short or changed; it was begun anew".into(),
            );
            return Ok((0, false));
        }
        Some(RebuildReason::Missing | RebuildReason::OtherFormat) => return Ok((0, true)),
        None if opened.payload == 0 => return Ok((0, true)),
        None => {}
    }
    let position = view.position();
    if opened.payload > position.sequence {
        let problem =
            format!("the index holds sequence {} and the store ends at {}", opened.payload, position.sequence);
        report(IndexInvariant::IndexIsNotAhead, problem);
    }
    let indexed = opened.index.view().indexed_len();
    match compare(view, &opened.index, opened.payload, report) {
        // A row that cannot be read was found by the walk over the store; without it there is nothing to compare.
        Ok(()) | Err(Stopped::Read(ReadError::Corrupt { .. })) => {}
        Err(Stopped::Read(error)) => return Err(error.into()),
        Err(Stopped::Index(error)) => report(IndexInvariant::IndexIsReadable, error.to_string()),
    }
    opened.index.close();
    Ok((indexed, false))
}

enum Stopped {
    Index(IndexError),
    Read(ReadError),
}

impl From<IndexError> for Stopped {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

/// Compares the live leads of the store with those of the index, tenant by tenant.
fn compare(view: &EmbeddedView, index: &LeadIndex, payload: u64, report: Report<'_>) -> Result<(), Stopped> {
    let mut stored = leads_by_tenant(view, payload).map_err(Stopped::Read)?;
    let index = index.view();
    for tenant in index.tenants()? {
        stored.entry(tenant).or_default();
    }
    for (tenant, stored) in &stored {
        let Ok(tenant) = TenantId::parse(tenant) else { continue };
        compare_tenant(stored, &index.live_ids(&tenant)?, report);
    }
    Ok(())
}

/// The leads of one tenant in the store.
#[derive(Default)]
struct StoredLeads {
    /// Live ones that the index must hold, sorted.
    indexed: Vec<LeadId>,
    /// Those that changed after the index was written: it may hold them or not.
    newer: BTreeSet<LeadId>,
}

fn compare_tenant(stored: &StoredLeads, found: &[LeadId], report: Report<'_>) {
    let mut last = None;
    for lead_id in found {
        if last == Some(lead_id) {
            report(IndexInvariant::LeadsAreIndexedOnce, format!("lead {lead_id} is found more than once"));
        } else if stored.indexed.binary_search(lead_id).is_err() && !stored.newer.contains(lead_id) {
            report(
                IndexInvariant::IndexedLeadsAreLive,
                format!("lead {lead_id} is found and is no live lead of the store"),
            );
        }
        last = Some(lead_id);
    }
    for lead_id in stored.indexed.iter().filter(|lead_id| found.binary_search(lead_id).is_err()) {
        report(IndexInvariant::LiveLeadsAreIndexed, format!("lead {lead_id} is live and is not found"));
    }
}

fn leads_by_tenant(view: &EmbeddedView, payload: u64) -> Result<BTreeMap<String, StoredLeads>, ReadError> {
    let mut tenants: BTreeMap<String, StoredLeads> = BTreeMap::new();
    let mut scan = Scan { class: RowClass::Lead, tenant: None, after: None, limit: PAGE };
    loop {
        let rows = view.scan(&scan)?;
        let Some(last) = rows.last().map(|row| row.key.clone()) else { break };
        for row in rows {
            let (Some((tenant, _)), Row::Lead(lead)) = (row.key.split(), &row.value.row) else { continue };
            let stored = tenants.entry(tenant.to_owned()).or_default();
            if row.value.sequence > payload {
                stored.newer.insert(lead.lead_id);
            } else if lead.is_live() {
                stored.indexed.push(lead.lead_id);
            }
        }
        scan.after = Some(last);
    }
    for stored in tenants.values_mut() {
        stored.indexed.sort_unstable();
    }
    Ok(tenants)
}

#[cfg(test)]
mod tests;
