//! Candidates for the fuzzy tier: leads that share a blocking key.

use crate::domain::{LeadId, TenantId};

use super::error::IndexError;
use super::indexed::{Indexed, SelectedTerms};
use super::recent::RecentOfTenant;
use super::view::View;

/// Most candidates that are taken from the index. Those of the overlay come on top, all of them.
pub const MAX_INDEXED_CANDIDATES: usize = 50;

/// How many hits to ask for where recent leads took the places of others among the first.
const SECOND_LOOK: usize = 4 * MAX_INDEXED_CANDIDATES;

/// Leads that share a blocking key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The leads, by id, each once.
    pub lead_ids: Vec<LeadId>,
    /// Whether leads of the index that share one may be missing. Leads of the overlay never are.
    pub truncated: bool,
}

impl View {
    /// The leads that share at least one of the blocking keys: from the overlay all, from the index the
    /// [`MAX_INDEXED_CANDIDATES`] that share the most and rarest.
    ///
    /// The index is asked for the keys that at most `cap` leads have, and for the two rarest however many have them.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn candidates(&self, tenant: &TenantId, blocks: &[u64], cap: u64) -> Result<Candidates, IndexError> {
        let base = &self.0.base;
        let selected = base.select_terms(tenant, blocks, cap)?;
        let first = self.look(tenant, blocks, base, &selected, MAX_INDEXED_CANDIDATES + 1)?;
        let look = if first.is_short() { self.look(tenant, blocks, base, &selected, SECOND_LOOK)? } else { first };
        Ok(look.into_candidates(selected.cut))
    }

    /// The index is asked before the overlay, so that a lead that is recorded meanwhile is seen in one of them.
    fn look(
        &self,
        tenant: &TenantId,
        blocks: &[u64],
        base: &Indexed,
        selected: &SelectedTerms,
        limit: usize,
    ) -> Result<Look, IndexError> {
        let mut indexed = base.best(selected, limit)?;
        let exhausted = indexed.len() < limit;
        let recent = self.0.with_recent(|recent| {
            let recent = recent.of(tenant);
            indexed.retain(|lead_id| !recent.contains(*lead_id));
            sharing_any(recent, blocks)
        });
        Ok(Look { indexed, recent, exhausted })
    }
}

/// What one look at index and overlay found.
struct Look {
    indexed: Vec<LeadId>,
    recent: Vec<LeadId>,
    /// Whether the index has no further hit.
    exhausted: bool,
}

impl Look {
    /// Whether recent leads took places that older ones should have.
    fn is_short(&self) -> bool {
        !self.exhausted && self.indexed.len() < MAX_INDEXED_CANDIDATES
    }

    fn into_candidates(self, cut: bool) -> Candidates {
        let truncated = cut || !self.exhausted || self.indexed.len() > MAX_INDEXED_CANDIDATES;
        let mut lead_ids = self.recent;
        lead_ids.extend(self.indexed.into_iter().take(MAX_INDEXED_CANDIDATES));
        lead_ids.sort_unstable();
        lead_ids.dedup();
        Candidates { lead_ids, truncated }
    }
}

fn sharing_any(recent: RecentOfTenant<'_>, blocks: &[u64]) -> Vec<LeadId> {
    blocks.iter().flat_map(|block| recent.sharing(*block)).collect()
}
