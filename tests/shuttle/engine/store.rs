//! A store in memory that commits in pieces: one change set after the other becomes durable, each in several steps, and only then the
//! whole batch is announced. It can break at a sequence.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use shuttle::future::yield_now;

use crate::decision::rows::{FeedEntry, Row, RowKey, SequencedChangeSet};
use crate::store::{LeadView, Position, ReadError, Scan, ScannedRow, Versioned};

/// What the store held at one sequence; durable, as every view is.
#[derive(Clone, Default)]
pub(super) struct SimView {
    pub(super) sequence: u64,
    rows: Arc<BTreeMap<RowKey, Versioned>>,
}

/// The disk broke.
#[derive(Debug)]
pub(super) struct Broken;

#[derive(Default)]
pub(super) struct SimStore {
    /// Without scheduling points of its own, so that it can be looked at where an answer is given.
    current: Mutex<SimView>,
    breaks_at: Option<u64>,
}

impl SimStore {
    pub(super) fn new(rows: impl IntoIterator<Item = (RowKey, Row)>, breaks_at: Option<u64>) -> Self {
        let rows: BTreeMap<_, _> = rows.into_iter().map(|(key, row)| (key, Versioned { sequence: 1, row })).collect();
        let sequence = u64::from(!rows.is_empty());
        Self { current: Mutex::new(SimView { sequence, rows: rows.into() }), breaks_at }
    }

    /// What would be there after a crash at this moment.
    pub(super) fn durable(&self) -> SimView {
        self.current.lock().expect("no panic").clone()
    }

    pub(super) async fn view(&self) -> SimView {
        yield_now().await;
        self.durable()
    }

    pub(super) async fn commit(&self, batch: &[SequencedChangeSet]) -> Result<(), Broken> {
        for set in batch {
            let last = self.durable();
            assert_eq!(set.sequence, last.sequence + 1, "change sets are committed in order and without a gap");
            let mut rows = (*last.rows).clone();
            for write in &set.changes.writes {
                yield_now().await;
                match &write.row {
                    Some(row) => drop(rows.insert(write.key.clone(), versioned(set.sequence, row))),
                    None => drop(rows.remove(&write.key)),
                }
            }
            if self.breaks_at == Some(set.sequence) {
                return Err(Broken);
            }
            *self.current.lock().expect("no panic") = SimView { sequence: set.sequence, rows: rows.into() };
            yield_now().await;
        }
        Ok(())
    }
}

fn versioned(sequence: u64, row: &Row) -> Versioned {
    Versioned { sequence, row: row.clone() }
}

impl SimView {
    pub(super) fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key).map(|stored| &stored.row)
    }
}

impl LeadView for SimView {
    fn position(&self) -> Position {
        Position { sequence: self.sequence, feed: 0 }
    }

    async fn get(&self, key: &RowKey) -> Result<Option<Versioned>, ReadError> {
        yield_now().await;
        Ok(self.rows.get(key).cloned())
    }

    async fn scan(&self, _scan: &Scan) -> Result<Vec<ScannedRow>, ReadError> {
        unreachable!("no scenario lists rows")
    }

    async fn feed_after(&self, _position: u64, _limit: usize) -> Result<Vec<FeedEntry>, ReadError> {
        unreachable!("no scenario reads the feed")
    }

    async fn feed_before(&self, _position: u64, _limit: usize) -> Result<Vec<FeedEntry>, ReadError> {
        unreachable!("no scenario reads the feed")
    }
}
