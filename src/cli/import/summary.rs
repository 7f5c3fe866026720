//! How many rows of an import had which outcome.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// How many rows had which outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Summary {
    /// Rows with an outcome.
    pub(crate) rows: u64,
    /// By status, as the contract names it without prefix.
    pub(crate) statuses: BTreeMap<String, u64>,
    /// By the tier that matched.
    pub(crate) matched_by: BTreeMap<String, u64>,
    /// By the code of a reason, for rows whose status is SKIPPED, REVIEW or FAILED.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Rows that ended on the same lead as an earlier row.
    pub(crate) repeated: u64,
}

/// The statuses in the order in which they are shown.
const STATUSES: [&str; 7] = ["CREATED", "UPDATED", "UNCHANGED", "SKIPPED", "REVIEW", "SUPPRESSED", "FAILED"];

impl Summary {
    /// Counts a row.
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        let increase = |counts: &mut BTreeMap<String, u64>, name: &str| match counts.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(counts.insert(name.to_owned(), 1)),
        };
        self.rows += 1;
        increase(&mut self.statuses, outcome.status_name());
        if !outcome.tier_name().is_empty() {
            increase(&mut self.matched_by, outcome.tier_name());
        }
        if matches!(outcome.status_name(), "SKIPPED" | "REVIEW" | "FAILED")
            && let Some(code) = outcome.reasons.first()
        {
            increase(&mut self.reasons, code);
        }
        self.repeated += u64::from(!outcome.same_as_line.is_empty());
    }

    /// How many rows failed.
    pub(crate) fn failed(&self) -> u64 {
        self.statuses.get("FAILED").copied().unwrap_or(0)
    }

    /// Rows of a table: what is counted, and how many.
    pub(crate) fn rows_of_table(&self) -> Vec<[String; 2]> {
        let mut rows = Vec::new();
        for status in STATUSES {
            if let Some(count) = self.statuses.get(status) {
                rows.push([status.to_owned(), count.to_string()]);
            }
        }
        for (tier, count) in &self.matched_by {
            rows.push([format!("matched by {tier}"), count.to_string()]);
        }
        for (code, count) in &self.reasons {
            rows.push([format!("reason {code}"), count.to_string()]);
        }
        if self.repeated > 0 {
            rows.push(["same lead as an earlier row".to_owned(), self.repeated.to_string()]);
        }
        rows.push(["rows".to_owned(), self.rows.to_string()]);
        rows
    }
}
