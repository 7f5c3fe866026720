//! Counts payloads whose source sent no external id of its own.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use crate::domain::SourceName;

const METRIC: &str = "leadgate_blank_external_ids_total";

/// So many sources get a series of their own; source names come from callers, and series cost memory.
const MOST_SERIES: usize = 1_000;

/// The series of every source beyond that.
const OTHER_SOURCES: &str = "(other)";

static COUNTED: RwLock<BTreeSet<SourceName>> = RwLock::new(BTreeSet::new());

/// Counts one payload of this source.
pub(crate) fn count_blank_external_id(source: &SourceName) {
    let series = if has_series(source) { source.as_str() } else { OTHER_SOURCES };
    metrics::counter!(METRIC, "source" => series.to_owned()).increment(1);
}

fn has_series(source: &SourceName) -> bool {
    if COUNTED.read().unwrap_or_else(PoisonError::into_inner).contains(source) {
        return true;
    }
    let mut counted = COUNTED.write().unwrap_or_else(PoisonError::into_inner);
    counted.len() < MOST_SERIES && {
        counted.insert(source.clone());
        true
    }
}
