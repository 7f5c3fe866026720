//! Finding duplicates by what leads share: an external id or email that is no longer theirs alone, or a phone. Never merges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::Stream;
use jiff::Timestamp;

use crate::decision::grouping::{groups_of, pairs_of_holders, record_merges_of};
use crate::decision::identity_key::{IdentityKey, keys_of_lead};
use crate::decision::rows::{Row, RowClass, RowKey};
use crate::decision::tier::MatchTier;
use crate::domain::{Lead, LeadId, SourceName, TenantId};
use crate::store::{LeadStore, LeadView, Scan};

use super::answer::{DuplicateGroup, DuplicatePair, RequestError};
use super::{Engine, read_failed};

/// How many rows are read at once.
const READ_AT_ONCE: usize = 1_000;

/// Where to look.
#[derive(Debug, Clone)]
pub enum DuplicateScope {
    /// Duplicates of one lead.
    Lead(LeadId),
    /// All duplicates.
    Everything,
    /// Every lead that holds several live records of one system.
    RecordsOfSource(SourceName),
}

/// What to look for.
#[derive(Debug, Clone)]
pub struct DuplicateQuery {
    /// Where.
    pub scope: DuplicateScope,
    /// Pairs below it are left out, 0..1.
    pub min_score: f64,
    /// Only pairs that share a key of one of these tiers; empty for all.
    pub tiers: Vec<MatchTier>,
    /// Only groups of which a member changed after this.
    pub update_time_after: Option<Timestamp>,
    /// Where an earlier search of the same scope ended.
    pub resume: Option<Vec<u8>>,
}

/// A group, or how far the search has come.
#[derive(Debug, Clone)]
pub struct DuplicateEvent {
    /// The group, where one was found.
    pub group: Option<DuplicateGroup>,
    /// Where to go on from.
    pub resume: Vec<u8>,
    /// Rows looked at.
    pub compared: u64,
    /// Rows to look at.
    pub total: u64,
}

impl<S: LeadStore> Engine<S> {
    /// Groups of duplicates as they stand when the search begins, by group id. The search reads one view: writes go on meanwhile.
    pub fn find_duplicates(
        self: &Arc<Self>,
        tenant: TenantId,
        query: DuplicateQuery,
    ) -> impl Stream<Item = Result<DuplicateEvent, RequestError>> + Send + 'static + use<S> {
        let engine = Arc::clone(self);
        let found = async move { engine.find(&tenant, &query).await };
        futures_util::stream::unfold(Some(Finding::Begin(Box::pin(found))), |finding| async move {
            match finding? {
                Finding::Begin(found) => match found.await {
                    Ok(events) => Finding::Going(events.into_iter()).next(),
                    Err(error) => Some((Err(error), None)),
                },
                going @ Finding::Going(_) => going.next(),
            }
        })
    }

    async fn find(&self, tenant: &TenantId, query: &DuplicateQuery) -> Result<Vec<DuplicateEvent>, RequestError> {
        let search = Search {
            view: self.store.view().await.map_err(read_failed)?,
            tenant,
            query,
            holders_read: self.policy().limits.holders_read,
        };
        let (groups, looked_at) = match &query.scope {
            DuplicateScope::Lead(lead_id) => search.around(*lead_id).await?,
            DuplicateScope::Everything => search.everywhere().await?,
            DuplicateScope::RecordsOfSource(source) => search.records_of(source).await?,
        };
        let after = query.resume.as_deref().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()).map(LeadId::from_bytes);
        let fits = |group: &DuplicateGroup| {
            after.is_none_or(|after| group.group_id > after)
                && query.update_time_after.is_none_or(|time| group.members.iter().any(|lead| lead.update_time > time))
        };
        let event = |group: Option<DuplicateGroup>| {
            let last = group.as_ref().map(|group| group.group_id).or(after);
            let resume = last.map(|last| last.as_bytes().to_vec()).unwrap_or_default();
            DuplicateEvent { group, resume, compared: looked_at, total: looked_at }
        };
        let mut events: Vec<DuplicateEvent> = groups.into_iter().filter(fits).map(|group| event(Some(group))).collect();
        if events.is_empty() {
            events.push(event(None));
        }
        Ok(events)
    }
}

type Found = std::pin::Pin<Box<dyn Future<Output = Result<Vec<DuplicateEvent>, RequestError>> + Send>>;

enum Finding {
    Begin(Found),
    Going(std::vec::IntoIter<DuplicateEvent>),
}

impl Finding {
    fn next(self) -> Option<(Result<DuplicateEvent, RequestError>, Option<Self>)> {
        let Self::Going(mut events) = self else { return None };
        let event = events.next()?;
        Some((Ok(event), Some(Self::Going(events))))
    }
}

struct Search<'a, V> {
    view: V,
    tenant: &'a TenantId,
    query: &'a DuplicateQuery,
    holders_read: usize,
}

type Groups = Result<(Vec<DuplicateGroup>, u64), RequestError>;

impl<V: LeadView> Search<'_, V> {
    async fn around(&self, lead_id: LeadId) -> Groups {
        let Some(lead) = self.lead(lead_id).await? else { return Ok((Vec::new(), 0)) };
        let keys = keys_of_lead(&lead);
        let mut pairs = Vec::new();
        for key in &keys {
            let holders = self.holders(key).await?;
            let found = self.pairs(key.tier(), &holders).await?;
            pairs.extend(found.into_iter().filter(|pair| pair.lead_id_a == lead_id || pair.lead_id_b == lead_id));
        }
        Ok((self.groups(pairs).await?, keys.len() as u64))
    }

    async fn everywhere(&self) -> Groups {
        let (mut pairs, mut looked_at) = (Vec::new(), 0);
        let mut scan = self.scan(RowClass::Key);
        loop {
            let rows = self.view.scan(&scan).await.map_err(read_failed)?;
            let Some(last) = rows.last().map(|row| row.key.clone()) else { break };
            for row in rows {
                looked_at += 1;
                let tier = row.key.split().and_then(|(_, id)| id.first().copied()).and_then(MatchTier::from_number);
                if let (Row::Key(holders), Some(tier)) = (row.value.row, tier)
                    && holders.leads.len() > 1
                {
                    pairs.extend(self.pairs(tier, &holders.leads).await?);
                }
            }
            scan.after = Some(last);
        }
        Ok((self.groups(pairs).await?, looked_at))
    }

    async fn records_of(&self, source: &SourceName) -> Groups {
        let (mut groups, mut looked_at) = (Vec::new(), 0);
        let mut scan = self.scan(RowClass::Lead);
        loop {
            let rows = self.view.scan(&scan).await.map_err(read_failed)?;
            let Some(last) = rows.last().map(|row| row.key.clone()) else { break };
            for row in rows {
                looked_at += 1;
                if let Row::Lead(lead) = row.value.row
                    && lead.is_live()
                    && lead.live_ids_of(source).count() > 1
                {
                    groups.push(group_of_records(lead, source));
                }
            }
            scan.after = Some(last);
        }
        Ok((groups, looked_at))
    }

    fn scan(&self, class: RowClass) -> Scan {
        Scan { class, tenant: Some(self.tenant.clone()), after: None, limit: READ_AT_ONCE }
    }

    /// The pairs among the first holders of a key that are live and fit the query.
    async fn pairs(&self, tier: MatchTier, holders: &[LeadId]) -> Result<Vec<DuplicatePair>, RequestError> {
        if holders.len() < 2 || !(self.query.tiers.is_empty() || self.query.tiers.contains(&tier)) {
            return Ok(Vec::new());
        }
        let mut leads = Vec::new();
        for lead_id in holders.iter().take(self.holders_read) {
            leads.extend(self.lead(*lead_id).await?);
        }
        let pairs = pairs_of_holders(tier, &leads).into_iter().filter(|pair| pair.score >= self.query.min_score);
        Ok(pairs
            .map(|pair| DuplicatePair {
                lead_id_a: pair.a,
                lead_id_b: pair.b,
                score: pair.score,
                matched_by: pair.tier,
            })
            .collect())
    }

    async fn groups(&self, pairs: Vec<DuplicatePair>) -> Result<Vec<DuplicateGroup>, RequestError> {
        let mut best: BTreeMap<(LeadId, LeadId), DuplicatePair> = BTreeMap::new();
        for pair in pairs {
            let known = best.entry((pair.lead_id_a, pair.lead_id_b)).or_insert_with(|| pair.clone());
            if (pair.score, std::cmp::Reverse(pair.matched_by)) > (known.score, std::cmp::Reverse(known.matched_by)) {
                *known = pair;
            }
        }
        let members = groups_of(best.keys().copied());
        let mut groups = Vec::with_capacity(members.len());
        for ids in members {
            groups.push(self.group(&ids, &best).await?);
        }
        Ok(groups)
    }

    async fn group(
        &self,
        ids: &BTreeSet<LeadId>,
        best: &BTreeMap<(LeadId, LeadId), DuplicatePair>,
    ) -> Result<DuplicateGroup, RequestError> {
        let mut members = Vec::with_capacity(ids.len());
        for lead_id in ids {
            members.extend(self.lead(*lead_id).await?);
        }
        let pairs: Vec<DuplicatePair> = best.values().filter(|pair| ids.contains(&pair.lead_id_a)).cloned().collect();
        let weakest_score = pairs.iter().map(|pair| pair.score).fold(1.0, f64::min);
        Ok(describe(members, pairs, weakest_score))
    }

    async fn lead(&self, lead_id: LeadId) -> Result<Option<Arc<Lead>>, RequestError> {
        let row = self.view.get(&RowKey::lead(self.tenant, lead_id)).await.map_err(read_failed)?;
        Ok(row
            .and_then(|stored| if let Row::Lead(lead) = stored.row { Some(lead) } else { None })
            .filter(|lead| lead.is_live()))
    }

    async fn holders(&self, key: &IdentityKey) -> Result<Vec<LeadId>, RequestError> {
        let row = self.view.get(&RowKey::identity(self.tenant, key)).await.map_err(read_failed)?;
        Ok(row
            .map(|stored| if let Row::Key(holders) = stored.row { holders.leads.clone() } else { Vec::new() })
            .unwrap_or_default())
    }
}

fn group_of_records(lead: Arc<Lead>, source: &SourceName) -> DuplicateGroup {
    let mut group = describe(vec![lead], Vec::new(), 1.0);
    group.record_merges.retain(|merge| merge.source == *source);
    group
}

fn describe(members: Vec<Arc<Lead>>, pairs: Vec<DuplicatePair>, weakest_score: f64) -> DuplicateGroup {
    let survivor = crate::decision::grouping::suggested_survivor(&members);
    let record_merges = record_merges_of(&members, survivor).into_iter().map(Into::into).collect();
    let group_id = members.iter().map(|lead| lead.lead_id).min().unwrap_or(survivor);
    DuplicateGroup { group_id, members, pairs, suggested_survivor: survivor, weakest_score, record_merges }
}

impl From<crate::decision::grouping::Merge> for super::answer::RecordMerge {
    fn from(merge: crate::decision::grouping::Merge) -> Self {
        Self { source: merge.source, survivor_external_id: merge.survivor, loser_external_ids: merge.losers }
    }
}
