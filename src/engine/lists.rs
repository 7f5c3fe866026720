//! Reads: one lead, a search, and the lists that people page through. Lists show what is durable, which includes everything answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::decision::identity_key::IdentityKey;
use crate::decision::outcome::UpsertStatus;
use crate::decision::review::{DeadLetter, DeadLetterKind, Review, ReviewKind, ReviewState};
use crate::decision::rows::{FeedEntry, FeedEventKind, Row, RowClass, RowKey};
use crate::domain::{Lead, LeadId, SourceName, TenantId};
use crate::index::{SearchError, SearchQuery};
use crate::store::{LeadStore, LeadView, Scan};

use super::answer::{FeedItem, FoundLead, LeadSelector, Page, RequestError};
use super::{Engine, read_failed};

/// How many rows are looked at for one page before the page ends early: a filter that fits little must not hold a call for long.
const MOST_LOOKED_AT: usize = 20_000;

/// How many rows are read at once.
const READ_AT_ONCE: usize = 500;

/// How often a read is tried again while what it reads keeps changing.
const READ_ROUNDS: usize = 8;

/// Which reviews to list; an empty list of kinds or states means all.
#[derive(Debug, Clone, Default)]
pub struct ReviewFilter {
    /// Only these kinds.
    pub kinds: Vec<ReviewKind>,
    /// Only these states.
    pub states: Vec<ReviewState>,
    /// Only those about this lead.
    pub lead_id: Option<LeadId>,
    /// Only those opened by this source.
    pub source: Option<SourceName>,
}

/// Which dead letters to list; an empty list of kinds means all.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    /// Only these kinds.
    pub kinds: Vec<DeadLetterKind>,
    /// Only those of this source or target.
    pub source: Option<SourceName>,
    /// Only those of this lead.
    pub lead_id: Option<LeadId>,
}

/// Which decisions to list; an empty list of statuses means all.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Only those that name this lead.
    pub lead_id: Option<LeadId>,
    /// Only those of this source or target.
    pub source: Option<SourceName>,
    /// Only upserts with these statuses.
    pub statuses: Vec<UpsertStatus>,
    /// Not before.
    pub from_time: Option<Timestamp>,
    /// Before.
    pub to_time: Option<Timestamp>,
}

impl<S: LeadStore> Engine<S> {
    /// One lead; `None` where nobody is known by this. A soft-deleted lead is not found.
    pub async fn get_lead(&self, tenant: &TenantId, by: LeadSelector) -> Result<Option<FoundLead>, RequestError> {
        for _ in 0..READ_ROUNDS {
            let mut look = self.look(None).await?;
            let asked = match &by {
                LeadSelector::LeadId(lead_id) => vec![*lead_id],
                LeadSelector::ExternalId(id) => self.holders(&mut look, tenant, &IdentityKey::external_id(id)).await?,
                LeadSelector::Email(email) => {
                    self.holders(&mut look, tenant, &IdentityKey::of_normalized_email(email)).await?
                }
            };
            let mut found = Vec::new();
            for lead_id in asked {
                let lead = look.lead(tenant, lead_id).await.map_err(read_failed)?;
                let Some((lead, redirected)) = lead.filter(|(lead, _)| lead.is_live()) else { continue };
                found.push(FoundLead { lead, redirected_from: redirected.then_some(lead_id) });
            }
            let found = found.into_iter().min_by_key(|found| by.rank(&found.lead));
            if self.is_current(look.reads())? {
                self.durable(look.reads().highest()).await?;
                return Ok(found);
            }
        }
        Err(RequestError::Contention { retry_after: std::time::Duration::from_millis(50) })
    }

    async fn holders(
        &self,
        look: &mut super::Look<'_, S::View>,
        tenant: &TenantId,
        key: &IdentityKey,
    ) -> Result<Vec<LeadId>, RequestError> {
        let holders = look.holders(tenant, &[key]).await.map_err(read_failed)?;
        Ok(holders.into_iter().flat_map(|holders| holders.leads.clone()).collect())
    }

    /// Free text for people, best first. Every lead whose upsert was answered is found.
    pub async fn search(
        &self,
        tenant: &TenantId,
        text: &str,
        page_size: usize,
        offset: usize,
    ) -> Result<Page<Arc<Lead>>, RequestError> {
        let query = SearchQuery { text: text.to_owned(), page_size, offset };
        let view = self.index_view()?;
        let searched = self.index_state.read(|| match view.search(tenant, &query) {
            Err(SearchError::Index(error)) => Err(error),
            Err(SearchError::Invalid(invalid)) => Ok(Err(invalid)),
            Ok(page) => Ok(Ok(page)),
        })?;
        let page = searched.map_err(|invalid| RequestError::InvalidSearch(invalid.to_string()))?;
        // Who is missing may have been changed a moment ago: that rests on all that was recorded so far, as who is found does.
        let rests_on = self.sequencer.last_sequence();
        let ids: Vec<LeadId> = page.hits.iter().map(|hit| hit.lead_id).collect();
        // Each lead is shown as it stood at one moment, not all of them at the same: a page must not fail because one is hot.
        let mut look = self.look(None).await?;
        let mut items = look.leads(tenant, &ids).await.map_err(read_failed)?;
        items.retain(|lead| lead.is_live());
        self.durable(look.reads().highest().max(rests_on)).await?;
        let next = page.more.then(|| ((offset + page.hits.len()) as u64).to_be_bytes().to_vec());
        Ok(Page { items, next })
    }

    /// Reviews, oldest first.
    pub async fn list_reviews(
        &self,
        tenant: &TenantId,
        filter: ReviewFilter,
        page_size: usize,
        after: Option<Vec<u8>>,
    ) -> Result<Page<Arc<Review>>, RequestError> {
        let fits = |review: &Review| {
            (filter.kinds.is_empty() || filter.kinds.contains(&review.kind))
                && (filter.states.is_empty() || filter.states.contains(&review.state))
                && filter.lead_id.is_none_or(|lead_id| review.lead_ids.contains(&lead_id))
                && filter.source.as_ref().is_none_or(|source| *source == review.source)
        };
        let pick = |row| match row {
            Row::Review(review) if fits(&review) => Some((review.create_time, review)),
            _ => None,
        };
        self.list(tenant, RowClass::Review, page_size, after, pick).await
    }

    /// Dead letters, oldest first.
    pub async fn list_dead_letters(
        &self,
        tenant: &TenantId,
        filter: DeadLetterFilter,
        page_size: usize,
        after: Option<Vec<u8>>,
    ) -> Result<Page<Arc<DeadLetter>>, RequestError> {
        let fits = |letter: &DeadLetter| {
            (filter.kinds.is_empty() || filter.kinds.contains(&letter.kind))
                && (filter.lead_id.is_none() || filter.lead_id == letter.lead_id)
                && filter.source.as_ref().is_none_or(|source| *source == letter.source)
        };
        let pick = |row| match row {
            Row::DeadLetter(letter) if fits(&letter) => Some((letter.create_time, letter)),
            _ => None,
        };
        self.list(tenant, RowClass::DeadLetter, page_size, after, pick).await
    }

    /// The oldest rows behind a cursor. Rows lie in the order of their ids, which say nothing of time, so that each page looks at all
    /// of them and holds one page of them: the cost grows with what waits for people, and other calls get their turn meanwhile.
    async fn list<T>(
        &self,
        tenant: &TenantId,
        class: RowClass,
        page_size: usize,
        after: Option<Vec<u8>>,
        pick: impl Fn(Row) -> Option<(Timestamp, T)>,
    ) -> Result<Page<T>, RequestError> {
        let view = self.store.view().await.map_err(read_failed)?;
        let mut scan = Scan { class, tenant: Some(tenant.clone()), after: None, limit: READ_AT_ONCE };
        let mut oldest = BTreeMap::new();
        let mut more = false;
        loop {
            let rows = view.scan(&scan).await.map_err(read_failed)?;
            let ended = rows.len() < READ_AT_ONCE;
            for row in rows {
                if let Some((time, item)) = pick(row.value.row) {
                    let cursor = cursor(time, &row.key);
                    if after.as_ref().is_none_or(|after| cursor > *after) {
                        oldest.insert(cursor, item);
                    }
                }
                if oldest.len() > page_size {
                    oldest.pop_last();
                    more = true;
                }
                scan.after = Some(row.key);
            }
            if ended {
                break;
            }
            tokio::task::yield_now().await;
        }
        let next = oldest.last_key_value().filter(|_| more).map(|(cursor, _)| cursor.clone());
        Ok(Page { items: oldest.into_values().collect(), next })
    }

    /// Decisions, newest first.
    pub async fn list_decisions(
        &self,
        tenant: &TenantId,
        filter: DecisionFilter,
        page_size: usize,
        after: Option<Vec<u8>>,
    ) -> Result<Page<FeedItem>, RequestError> {
        let view = self.store.view().await.map_err(read_failed)?;
        let mut before = match after.as_deref().map(<[u8; 8]>::try_from) {
            Some(Ok(bytes)) => u64::from_be_bytes(bytes),
            _ => view.position().feed + 1,
        };
        let mut items = Vec::new();
        let mut looked_at = 0;
        loop {
            let entries = view.feed_before(before, READ_AT_ONCE).await.map_err(read_failed)?;
            let ended = entries.len() < READ_AT_ONCE;
            for entry in entries {
                before = entry.position;
                looked_at += 1;
                if filter.fits(tenant, &entry) {
                    items.push(with_payload(&view, entry).await?);
                }
                if items.len() >= page_size || looked_at >= MOST_LOOKED_AT {
                    return Ok(Page { items, next: (before > 1).then(|| before.to_be_bytes().to_vec()) });
                }
            }
            if ended {
                return Ok(Page { items, next: None });
            }
        }
    }

    /// The position of the last event in the feed.
    pub fn last_position(&self) -> u64 {
        self.store.position().feed
    }
}

impl LeadSelector {
    /// Who is meant where several leads are known by this comes first: by email the one whose primary address it is, then the oldest.
    /// Ids grow with time.
    fn rank(&self, lead: &Lead) -> (bool, LeadId) {
        let is_primary = match self {
            Self::Email(email) => lead.emails.iter().any(|known| known.primary && *known.key == **email),
            Self::LeadId(_) | Self::ExternalId(_) => true,
        };
        (!is_primary, lead.lead_id)
    }
}

/// A place in a list: sorts by time, then by id.
fn cursor(time: Timestamp, key: &RowKey) -> Vec<u8> {
    // With the sign bit turned over, two's complement sorts as bytes do.
    let time = time.as_microsecond().cast_unsigned() ^ (1 << 63);
    [&time.to_be_bytes(), key.bytes()].concat()
}

impl DecisionFilter {
    fn fits(&self, tenant: &TenantId, entry: &FeedEntry) -> bool {
        let event = &entry.event;
        let status = if let FeedEventKind::Upsert(status) = event.kind { Some(status) } else { None };
        event.tenant == *tenant
            && self.lead_id.is_none_or(|lead_id| event.lead_id == Some(lead_id) || event.candidates.contains(&lead_id))
            && self.source.as_ref().is_none_or(|source| *source == event.source)
            && (self.statuses.is_empty() || status.is_some_and(|status| self.statuses.contains(&status)))
            && self.from_time.is_none_or(|from| event.time >= from)
            && self.to_time.is_none_or(|to| event.time < to)
    }
}

/// An event with its payload.
pub(super) async fn with_payload<V: LeadView>(view: &V, entry: FeedEntry) -> Result<FeedItem, RequestError> {
    let mut payload = None;
    if entry.event.has_payload {
        let lead_id = entry.event.lead_id.unwrap_or(NO_LEAD);
        let row =
            view.get(&RowKey::payload(&entry.event.tenant, lead_id, entry.sequence)).await.map_err(read_failed)?;
        payload = row.and_then(|stored| if let Row::Payload(payload) = stored.row { Some(payload) } else { None });
    }
    Ok(FeedItem { entry, payload })
}

/// Stands for the lead in the key of a payload that belongs to none.
const NO_LEAD: LeadId = LeadId::from_bytes([0; 16]);
