//! A view of one tenant that stands still, for walks over all its leads.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use tantivy::DocAddress;

use crate::decision::comparable::Comparable;
use crate::domain::{LeadId, TenantId};

use super::candidates::Candidate;
use super::document::IndexDocument;
use super::error::IndexError;
use super::generation::{Generation, RecentLead};
use super::recent::Layers;
use super::view::View;

impl View {
    /// Whether both show the same and always will: what is recorded after one was taken is in both.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What is recorded of a tenant over the index, each lead in its latest state, gone ones included.
    pub fn recorded(&self, tenant: &TenantId) -> Vec<IndexDocument> {
        self.0.recent(tenant).iter().map(|lead| lead.document().clone()).collect()
    }

    /// The same index, overridden by these documents and nothing else, now and later.
    pub fn at_rest(&self, documents: Vec<IndexDocument>) -> Self {
        let overlay = Generation::default();
        documents.into_iter().for_each(|document| overlay.record(document));
        Self(Arc::new(Layers::at_rest(self.0.base.clone(), overlay)))
    }

    /// The leads that share a blocking key which at most `cap` leads have, by id, each once: of those that `keep` keeps, with what they
    /// are compared by. In a view at rest this is symmetric: a lead that has these keys is a partner of each of them.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn partners(
        &self,
        tenant: &TenantId,
        blocks: &[u64],
        cap: usize,
        keep: impl Fn(LeadId) -> bool,
    ) -> Result<Vec<Candidate>, IndexError> {
        let mut crowds: Vec<(u64, Vec<Arc<RecentLead>>)> = self.0.with_recent(|recent| {
            let recent = recent.of(tenant);
            let sharing = |block| recent.sharing(block).take(cap + 1).cloned().collect();
            blocks.iter().map(|block| (*block, sharing(*block))).collect()
        });
        let mut indexed = Vec::new();
        for listed in self.0.base.listed(tenant, blocks)? {
            let crowd = crowds.iter_mut().filter(|(block, _)| *block == listed.block);
            let all = |recent: &[Arc<RecentLead>]| listed.frequency + recent.len() as u64;
            match crowd.map(|(_, recent)| recent).next() {
                Some(recent) if all(recent) > cap as u64 => recent.clear(),
                _ => self.0.base.read(&listed, &mut indexed)?,
            }
        }
        indexed.sort_unstable();
        indexed.dedup_by_key(|(document, _)| *document);
        let mut indexed: Vec<(LeadId, DocAddress)> =
            indexed.into_iter().map(|(document, _)| (self.0.base.lead_id(document), document)).collect();
        self.0.with_recent(|recent| {
            let recent = recent.of(tenant);
            indexed.retain(|(lead_id, _)| keep(*lead_id) && !recent.contains(*lead_id));
        });
        crowds.retain(|(_, recent)| recent.len() <= cap);
        let recent = crowds.iter().flat_map(|(_, recent)| recent).filter(|lead| keep(lead.document().lead_id));
        let mut partners: Vec<Candidate> = recent.map(|lead| Candidate::of_recent(lead)).collect();
        for (lead_id, document) in indexed {
            partners.push(self.0.base.candidate(lead_id, document)?);
        }
        partners.sort_unstable_by_key(|partner| partner.lead_id);
        partners.dedup_by_key(|partner| partner.lead_id);
        Ok(partners)
    }

    /// How many live leads the tenant has. Looks at each: blocks for a second where there are a million.
    ///
    /// # Errors
    ///
    /// The index cannot be read, or contradicts itself.
    pub fn live_len(&self, tenant: &TenantId) -> Result<u64, IndexError> {
        let recent = self.0.recent(tenant);
        let overridden: HashSet<LeadId> = recent.iter().map(|lead| lead.document().lead_id).collect();
        let mut count = recent.iter().filter(|lead| lead.document().live).count() as u64;
        let _ = self.0.base.each_lead_of(tenant, |lead_id, _| {
            count += u64::from(!overridden.contains(&lead_id));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(count)
    }

    /// Shows what each live lead of the tenant is compared by, until `show` breaks off. Blocks for seconds where there are a million.
    ///
    /// # Errors
    ///
    /// The index cannot be read, or contradicts itself.
    pub fn each_comparable(
        &self,
        tenant: &TenantId,
        mut show: impl FnMut(&Comparable) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, IndexError> {
        let recent = self.0.recent(tenant);
        let overridden: HashSet<LeadId> = recent.iter().map(|lead| lead.document().lead_id).collect();
        for lead in recent.iter().filter(|lead| lead.document().live) {
            if show(lead.comparable()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let base = &self.0.base;
        base.each_lead_of(tenant, |lead_id, document| {
            let comparable = (!overridden.contains(&lead_id)).then(|| base.comparable(document)).transpose()?;
            Ok(comparable.map_or(ControlFlow::Continue(()), |comparable| show(&comparable)))
        })
    }
}
