//! How common values are in a store together with what a batch of previews would have added to it.
//!
//! The store's own table is counted anew as its leads grow. Previews go by the same rule, or a preview of a large file would weigh its last
//! rows by what was known before the first.

use std::sync::Arc;

use crate::decision::matching::{FEWEST_LEADS, FrequencyTable, GrowingTable, Profile, has_outgrown};
use crate::domain::Lead;

/// So many leads have marks at first. Most batches are small.
const FEW_LEADS: u32 = 1 << 14;

/// So many have marks once there are more than few.
const MANY_LEADS: u32 = 1 << 20;

/// The tables of a batch of previews.
#[derive(Default)]
pub(super) struct PreviewFrequencies {
    /// Leads that earlier items would have made.
    created: u32,
    growing: Option<GrowingTable>,
    in_force: Option<Arc<FrequencyTable>>,
}

impl PreviewFrequencies {
    /// The table by which the next item is weighed; `None` for that of the store.
    pub(super) fn in_force(&self) -> Option<Arc<FrequencyTable>> {
        self.in_force.clone()
    }

    /// Counts a lead that an item would have made. `all` are those of earlier items and this one, which are counted anew when there are too
    /// many for the marks.
    pub(super) fn add<I: Iterator<Item = Lead>>(
        &mut self,
        base: &FrequencyTable,
        profile: &Profile,
        all: impl FnOnce() -> I,
    ) {
        self.created = self.created.saturating_add(1);
        if matches!(self.created, FEWEST_LEADS | FEW_LEADS) {
            let marks = if self.created == FEW_LEADS { MANY_LEADS } else { FEW_LEADS };
            let mut growing = GrowingTable::behind(base, marks as usize);
            all().for_each(|lead| growing.add(&Profile::of_lead(&lead)));
            self.growing = Some(growing);
        } else if let Some(growing) = &mut self.growing {
            growing.add(profile);
        }
        let counted = self.in_force.as_deref().unwrap_or(base).leads();
        if let Some(growing) = self.growing.as_ref().filter(|growing| has_outgrown(growing.leads(), counted)) {
            self.in_force = Some(growing.so_far().into());
        }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        // The table in force holds as much as the one that grows, at most.
        2 * self.growing.as_ref().map_or(0, GrowingTable::bytes)
    }
}
