//! Reading for a decision: the overlay first, then the store, everything noted as a precondition.

use std::sync::Arc;

use crate::decision::blocking::blocks_of_lead;
use crate::decision::command::{IncomingKey, UpsertCommand};
use crate::decision::comparable::Comparable;
use crate::decision::evidence::{Evidence, KeyLookup, NamedLead};
use crate::decision::fuzzy_tier::{SharingLead, SharingLeads};
use crate::decision::identity_key::{IdentityKey, KeyHolders};
use crate::decision::rows::{Row, RowKey};
use crate::domain::{Lead, LeadId, Lifecycle, TenantId};
use crate::index::{self, Candidate, Candidates, IndexError, Sought};
use crate::store::{LeadView, ReadError};

use super::preview::Preview;
use super::sequencer::{ReadSet, Reading, RecentRow, Sequencer};

/// How many merges are followed: more than anybody can pile up by hand, and an end to any loop.
const MOST_MERGES: usize = 64;

/// A blocking key that more leads of the index share is passed over, but for the two rarest of a payload: it says too little.
pub(super) const MOST_IN_BLOCK: u64 = 300;

/// Why leads that share a blocking key could not be found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SharingError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// What one decision reads.
pub(crate) struct Look<'a, V> {
    reading: Reading<'a>,
    sequencer: &'a Sequencer,
    view: V,
    preview: Option<&'a Preview>,
}

impl<'a, V: LeadView> Look<'a, V> {
    /// `view` was taken after `reading` began.
    pub(crate) fn new(reading: Reading<'a>, sequencer: &'a Sequencer, view: V, preview: Option<&'a Preview>) -> Self {
        Self { reading, sequencer, view, preview }
    }

    /// What was read so far.
    pub(crate) fn reads(&self) -> &ReadSet {
        &self.reading.reads
    }

    /// Rows as they stand.
    pub(crate) async fn rows(&mut self, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadError> {
        let recent = self.sequencer.peek(keys);
        let mut rows = Vec::with_capacity(keys.len());
        for (key, recent) in keys.iter().zip(recent) {
            if let Some((row, rests_on)) = self.previewed(key)? {
                self.reading.reads.rest_on(rests_on);
                rows.push(Some(row));
                continue;
            }
            if let Some(recent) = recent {
                self.reading.reads.note(key.clone(), recent.sequence);
                rows.push(recent.row);
                continue;
            }
            let stored = self.view.get(key).await?;
            let stored = stored.map(|stored| RecentRow { sequence: stored.sequence, row: Some(stored.row) });
            rows.push(stored.as_ref().and_then(|stored| stored.row.clone()));
            self.reading.reads.note_stored(key.clone(), stored);
        }
        Ok(rows)
    }

    fn previewed(&self, key: &RowKey) -> Result<Option<(Row, u64)>, ReadError> {
        self.preview.map_or(Ok(None), |preview| preview.row(key))
    }

    /// One row as it stands.
    pub(crate) async fn row(&mut self, key: RowKey) -> Result<Option<Row>, ReadError> {
        Ok(self.rows(&[key]).await?.pop().flatten())
    }

    /// Leads by id; those that do not exist are left out.
    pub(crate) async fn leads(&mut self, tenant: &TenantId, ids: &[LeadId]) -> Result<Vec<Arc<Lead>>, ReadError> {
        let keys: Vec<RowKey> = ids.iter().map(|id| RowKey::lead(tenant, *id)).collect();
        let rows = self.rows(&keys).await?;
        Ok(rows.into_iter().filter_map(|row| if let Some(Row::Lead(lead)) = row { Some(lead) } else { None }).collect())
    }

    /// A lead, or the survivor that holds its content, and whether it was merged.
    pub(crate) async fn lead(
        &mut self,
        tenant: &TenantId,
        lead_id: LeadId,
    ) -> Result<Option<(Arc<Lead>, bool)>, ReadError> {
        let mut id = lead_id;
        for _ in 0..MOST_MERGES {
            let Some(lead) = self.leads(tenant, &[id]).await?.pop() else { return Ok(None) };
            match lead.lifecycle {
                Lifecycle::Merged { into } => id = into,
                Lifecycle::Active | Lifecycle::Deleted => return Ok(Some((lead, id != lead_id))),
            }
        }
        Ok(None)
    }

    /// The holders of keys.
    pub(crate) async fn holders(
        &mut self,
        tenant: &TenantId,
        keys: &[&IdentityKey],
    ) -> Result<Vec<Arc<KeyHolders>>, ReadError> {
        let rows: Vec<RowKey> = keys.iter().map(|key| RowKey::identity(tenant, key)).collect();
        let rows = self.rows(&rows).await?;
        Ok(rows
            .into_iter()
            .map(|row| if let Some(Row::Key(holders)) = row { holders } else { Arc::default() })
            .collect())
    }

    /// Everything that a decision about the command looks at.
    pub(crate) async fn evidence(
        &mut self,
        command: &UpsertCommand,
        holders_read: usize,
    ) -> Result<(Evidence, Vec<Arc<KeyHolders>>), ReadError> {
        let named = self.named(command).await?;
        let keys = command.keys();
        let holders = self.holders(&command.tenant, &keys.iter().map(|key| &key.key).collect::<Vec<_>>()).await?;
        let mut ids: Vec<LeadId> =
            holders.iter().flat_map(|holders| holders.leads.iter().take(holders_read).copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        let leads = self.leads(&command.tenant, &ids).await?;
        let lookups =
            keys.into_iter().zip(&holders).map(|(key, holders)| lookup(key, holders, &leads, holders_read)).collect();
        Ok((Evidence { named, keys: lookups, ..Evidence::default() }, holders))
    }

    /// The leads that share a blocking key: from the overlay of the index all, from the index itself those that share the most. `index` is
    /// a view that was taken after reading began. That nothing else joins them, or leaves them, and that none of them changes, are
    /// preconditions; and that somebody is missing rests on whatever touched a key last, as it may have taken them away.
    pub(crate) fn sharing(
        &mut self,
        tenant: &TenantId,
        sought: Sought<'_>,
        index: &index::View,
    ) -> Result<SharingLeads, SharingError> {
        self.note_blocks(sought.blocks.iter().map(|block| RowKey::block(tenant, *block)).collect());
        let Candidates { leads: candidates, mut truncated } = index.candidates(tenant, sought, MOST_IN_BLOCK)?;
        let mut leads: Vec<SharingLead> = Vec::with_capacity(candidates.len());
        for Candidate { lead_id, comparable, sequence } in candidates {
            self.reading.reads.note(RowKey::lead(tenant, lead_id), sequence);
            leads.push(SharingLead { lead_id, comparable });
        }
        if let Some(preview) = self.preview {
            truncated |= self.add_previewed(tenant, sought, preview, &mut leads)?;
        }
        Ok(SharingLeads { leads, truncated })
    }

    /// The precondition holds from the beginning, not from when a key was touched last: the view may be older than that.
    fn note_blocks(&mut self, blocks: Vec<RowKey>) {
        let touched = self.sequencer.peek(&blocks);
        for (block, touched) in blocks.into_iter().zip(touched) {
            self.reading.reads.note(block, 0);
            self.reading.reads.rest_on(touched.map_or(0, |touched| touched.sequence));
        }
    }

    /// Puts leads as earlier items of a batch would have left them over those of the index. Returns whether some are left out.
    fn add_previewed(
        &mut self,
        tenant: &TenantId,
        sought: Sought<'_>,
        preview: &Preview,
        leads: &mut Vec<SharingLead>,
    ) -> Result<bool, ReadError> {
        let (previewed, truncated) = preview.sharing(tenant, sought, MOST_IN_BLOCK);
        let mut lead_ids: Vec<LeadId> = leads.iter().map(|lead| lead.lead_id).chain(previewed).collect();
        lead_ids.sort_unstable();
        lead_ids.dedup();
        for lead_id in lead_ids {
            let Some((row, rests_on)) = preview.row(&RowKey::lead(tenant, lead_id))? else { continue };
            self.reading.reads.rest_on(rests_on);
            leads.retain(|lead| lead.lead_id != lead_id);
            if let Row::Lead(lead) = row
                && lead.is_live()
                && (!preview.has_rewritten(tenant, lead_id) || shares_any(&lead, sought.blocks))
            {
                leads.push(SharingLead { lead_id, comparable: Comparable::of(&lead).into() });
            }
        }
        Ok(truncated)
    }

    async fn named(&mut self, command: &UpsertCommand) -> Result<NamedLead, ReadError> {
        let Some(lead_id) = command.lead_id else { return Ok(NamedLead::NotAsked) };
        Ok(match self.lead(&command.tenant, lead_id).await? {
            Some((lead, redirected)) => NamedLead::Found { lead, redirected_from: redirected.then_some(lead_id) },
            None => NamedLead::Unknown,
        })
    }
}

/// Index and preview find a lead by the blocking keys that it has lost, too.
fn shares_any(lead: &Lead, blocks: &[u64]) -> bool {
    blocks_of_lead(lead).iter().any(|block| blocks.contains(block))
}

fn lookup(key: IncomingKey, holders: &KeyHolders, leads: &[Arc<Lead>], holders_read: usize) -> KeyLookup {
    let find = |id: &LeadId| leads.iter().find(|lead| lead.lead_id == *id).cloned();
    KeyLookup {
        key,
        holders: holders.leads.iter().take(holders_read).filter_map(find).collect(),
        truncated: holders.leads.len() > holders_read,
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
