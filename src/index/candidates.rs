//! Candidates for the fuzzy tier: leads that share a blocking key.

use std::sync::Arc;

use crate::decision::comparable::Comparable;
use crate::domain::{LeadId, TenantId};

use super::error::IndexError;
use super::generation::RecentLead;
use super::indexed::Sharing;
use super::recent::RecentOfTenant;
use super::sharing::Sought;
use super::view::View;

/// Most candidates that are taken from the index. Those of the overlay come on top, all of them.
pub const MAX_INDEXED_CANDIDATES: usize = 12;

/// A lead that shares a blocking key.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Which.
    pub lead_id: LeadId,
    /// What it is compared by, as it stands.
    pub comparable: Arc<Comparable>,
    /// The sequence that it rests on; 0 for a lead of the index, which is durable.
    pub sequence: u64,
}

/// Leads that share a blocking key.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// The leads, by id, each once.
    pub leads: Vec<Candidate>,
    /// Whether leads of the index that share one may be missing. Leads of the overlay never are.
    pub truncated: bool,
}

impl Candidates {
    /// Which leads.
    pub fn lead_ids(&self) -> impl Iterator<Item = LeadId> {
        self.leads.iter().map(|candidate| candidate.lead_id)
    }
}

impl View {
    /// The leads that share at least one of the blocking keys: from the overlay all, from the index the
    /// [`MAX_INDEXED_CANDIDATES`] that are the likeliest by what they share and by their signatures.
    ///
    /// The index is asked for the keys that at most `cap` leads have, and for the two rarest however many have them.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn candidates(&self, tenant: &TenantId, sought: Sought<'_>, cap: u64) -> Result<Candidates, IndexError> {
        let base = &self.0.base;
        // The index is asked before the overlay, so that a lead that is recorded meanwhile is seen in one of them.
        let Sharing { ranked, cut } = base.sharing(tenant, sought, cap)?;
        let (recent, (indexed, more)) = self.0.with_recent(|recent| {
            let recent = recent.of(tenant);
            let indexed = base.likeliest(&ranked, MAX_INDEXED_CANDIDATES, |lead_id| !recent.contains(lead_id));
            (sharing_any(recent, sought.blocks), indexed)
        });
        let mut leads: Vec<Candidate> = recent.iter().map(|lead| Candidate::of_recent(lead)).collect();
        for (lead_id, document) in indexed {
            leads.push(base.candidate(lead_id, document)?);
        }
        leads.sort_unstable_by_key(|candidate| candidate.lead_id);
        Ok(Candidates { leads, truncated: cut || more })
    }
}

impl Candidate {
    /// A lead of the overlay.
    pub(super) fn of_recent(lead: &RecentLead) -> Self {
        let document = lead.document();
        Self { lead_id: document.lead_id, comparable: Arc::clone(lead.comparable()), sequence: document.sequence }
    }
}

/// Each lead once.
fn sharing_any(recent: RecentOfTenant<'_>, blocks: &[u64]) -> Vec<Arc<RecentLead>> {
    let mut leads: Vec<&Arc<RecentLead>> = blocks.iter().flat_map(|block| recent.sharing(*block)).collect();
    leads.sort_unstable_by_key(|lead| lead.document().lead_id);
    leads.dedup_by_key(|lead| lead.document().lead_id);
    leads.into_iter().cloned().collect()
}
