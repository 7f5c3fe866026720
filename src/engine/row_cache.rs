//! Rows that decisions have read lately, as they stand: what a look finds without asking the store.
//!
//! It lies under the sequencer's lock, and that is why it can be believed: a row comes in only while it is known to be current, and
//! every change that is numbered changes it here in the same breath. So it never shows anything that the overlay and the store
//! together would not.

use foldhash::fast::RandomState;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use crate::decision::rows::{Row, RowClass, RowKey, RowWrite};
use crate::domain::{ContactPoint, Lead, SystemRecord};

/// Bytes of an ordinary row, for the first guess at how many there will be.
const USUAL_ROW_BYTES: usize = 500;

/// A row that was changed or read lately, as it stands.
#[derive(Debug, Clone)]
pub struct RecentRow {
    /// The sequence of its last change.
    pub sequence: u64,
    /// Its value; `None` when the change deleted it.
    pub row: Option<Row>,
}

/// Leads and holders of keys, those read lately; the policy of what goes first is quick_cache's.
pub(super) struct RowCache {
    rows: Cache<RowKey, RecentRow, Bytes, RandomState>,
}

impl RowCache {
    /// An empty cache that grows to about so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let rows = (bytes / USUAL_ROW_BYTES).max(1);
        Self { rows: Cache::with(rows, bytes as u64, Bytes, RandomState::default(), <_>::default()) }
    }

    /// The row as it stands, if it was read lately.
    pub(super) fn get(&self, key: &RowKey) -> Option<&RecentRow> {
        self.rows.get(key)
    }

    /// Takes in a row that is current.
    pub(super) fn insert(&mut self, key: &RowKey, row: RecentRow) {
        if matches!(key.class(), RowClass::Lead | RowClass::Key) {
            self.rows.insert(key.clone(), row);
        }
    }

    /// Follows a change. Rows that nobody has read stay out: an import would drive out all others.
    pub(super) fn follow(&mut self, write: &RowWrite, sequence: u64) {
        if let Some(mut known) = self.rows.peek_mut(&write.key) {
            *known = RecentRow { sequence, row: write.row.clone() };
        }
    }
}

/// Weighs rows by about what they take in memory.
#[derive(Clone)]
struct Bytes;

impl Weighter<RowKey, RecentRow> for Bytes {
    fn weight(&self, key: &RowKey, row: &RecentRow) -> u64 {
        const ENTRY: usize = 120;
        let row = match &row.row {
            Some(Row::Lead(lead)) => bytes_of_lead(lead),
            Some(Row::Key(holders)) => 48 + size_of_val(&*holders.leads),
            _ => 0,
        };
        (ENTRY + key.bytes().len() + row) as u64
    }
}

/// About what a lead takes: its own size, what its tables reserve, and its texts.
fn bytes_of_lead(lead: &Lead) -> usize {
    const TABLE_ROW: usize = 80;
    let contact = |point: &ContactPoint| size_of::<ContactPoint>() + point.value.len() + point.key.len() + 16;
    let digests = |system: &SystemRecord| {
        system.told.len() + system.reported.len() + system.sent.iter().map(|sent| sent.values.len()).sum::<usize>()
    };
    let fields = lead.fields.values().chain(lead.attributes.values());
    size_of::<Lead>()
        + fields.map(|field| TABLE_ROW + field.value.len()).sum::<usize>()
        + lead.emails.iter().chain(&lead.phones).map(contact).sum::<usize>()
        + lead.external_ids.iter().map(|linked| 64 + linked.id.value().len()).sum::<usize>()
        + lead.systems.iter().map(|system| size_of::<SystemRecord>() + 40 * digests(system)).sum::<usize>()
}
