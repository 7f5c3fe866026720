//! What the index is told of a lead.

use std::fmt;
use std::sync::Arc;

use crate::domain::{Lead, LeadId, TenantId};

/// A lead as the change set of one sequence left it.
#[derive(Clone)]
pub struct IndexDocument {
    /// Whose lead it is.
    pub tenant: TenantId,
    /// Which lead it is.
    pub lead_id: LeadId,
    /// The sequence of the change set that left it so.
    pub sequence: u64,
    /// Whether it can be found; a lead that was merged or deleted leaves the index.
    pub live: bool,
    /// Its blocking keys.
    pub blocks: Vec<u64>,
    /// The lead itself.
    pub lead: Arc<Lead>,
}

/// Shows no personal data.
impl fmt::Debug for IndexDocument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IndexDocument")
            .field("tenant", &self.tenant)
            .field("lead_id", &self.lead_id)
            .field("sequence", &self.sequence)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}
