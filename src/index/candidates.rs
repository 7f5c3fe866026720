//! Candidates for the fuzzy tier: leads that share a blocking key.

use crate::domain::{LeadId, TenantId};

use super::error::IndexError;
use super::indexed::Sharing;
use super::recent::RecentOfTenant;
use super::view::View;

/// Most candidates that are taken from the index. Those of the overlay come on top, all of them.
pub const MAX_INDEXED_CANDIDATES: usize = 20;

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
        // The index is asked before the overlay, so that a lead that is recorded meanwhile is seen in one of them.
        let Sharing { leads: mut indexed, cut } = self.0.base.sharing(tenant, blocks, cap)?;
        let mut lead_ids = self.0.with_recent(|recent| {
            let recent = recent.of(tenant);
            indexed.retain(|lead_id| !recent.contains(*lead_id));
            sharing_any(recent, blocks)
        });
        let truncated = cut || indexed.len() > MAX_INDEXED_CANDIDATES;
        lead_ids.extend(indexed.into_iter().take(MAX_INDEXED_CANDIDATES));
        lead_ids.sort_unstable();
        lead_ids.dedup();
        Ok(Candidates { lead_ids, truncated })
    }
}

fn sharing_any(recent: RecentOfTenant<'_>, blocks: &[u64]) -> Vec<LeadId> {
    blocks.iter().flat_map(|block| recent.sharing(*block)).collect()
}
