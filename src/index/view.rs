//! What a reader sees: one commit of the index and everything recorded since, as if it were one.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use tantivy::SegmentReader;

use crate::domain::{LeadId, TenantId};

use super::error::{IndexError, InvalidQuery, SearchError};
use super::expression::Expression;
use super::generation::RecentLead;
use super::indexed::Indexed;
use super::opened_segment::OpenedSegment;
use super::recent::Layers;
use super::search_text::{FULL_WEIGHT, Weight};
use super::segment_search::{Match, matches};

/// Behind this hit no page begins: who looks so far needs better words.
pub const MAX_OFFSET: usize = 10_000;

/// Most hits of a page; a larger page is cut to it.
pub const MAX_PAGE_SIZE: usize = 1_000;

/// What a person looks for.
#[derive(Clone)]
pub struct SearchQuery {
    /// Words, beginnings of words and identifiers; a lead must have all of them.
    pub text: String,
    /// How many hits to show, at most [`MAX_PAGE_SIZE`].
    pub page_size: usize,
    /// How many of the best hits to leave out, at most [`MAX_OFFSET`].
    pub offset: usize,
}

/// A lead that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Which lead.
    pub lead_id: LeadId,
    /// How well it fits, above 0 and at most 1. Depends on the lead and the query alone.
    pub score: f64,
}

/// One page of hits, best first; hits of equal score by lead id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchPage {
    /// The hits.
    pub hits: Vec<Hit>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// The index and the overlay at one moment. Cheap to share; holds on to files of the index, so do not keep it.
///
/// A view holds everything that was recorded before it was taken, and may show later records too.
pub struct View(pub(super) Arc<Layers<Indexed>>);

impl View {
    /// Free text for people: every word must be met by a whole word of the lead, or the beginning of one, in whatever
    /// case, accents and phone notation.
    ///
    /// Blocks for milliseconds where a short word fits a good part of all leads.
    ///
    /// # Errors
    ///
    /// The query is refused, or the index cannot be read.
    pub fn search(&self, tenant: &TenantId, query: &SearchQuery) -> Result<SearchPage, SearchError> {
        let expression = Expression::parse(&query.text)?;
        if query.offset > MAX_OFFSET {
            return Err(InvalidQuery::OffsetTooLarge.into());
        }
        let page_size = query.page_size.min(MAX_PAGE_SIZE);
        let mut best = Best::new(query.offset + page_size + 1);
        let recent = self.0.recent(tenant);
        add_recent(&mut best, &expression, &recent);
        let overridden = recent.iter().map(|lead| lead.document().lead_id).collect();
        for (segment, opened) in self.0.base.segments() {
            let found = matches(segment, self.0.base.fields(), tenant, &expression)?;
            add_indexed(&mut best, segment, opened, &found, &overridden);
        }
        Ok(best.into_page(query.offset, page_size))
    }

    /// Every live lead of the tenant, as often as it is found, sorted: for `verify`, to be compared with the store.
    ///
    /// # Errors
    ///
    /// The index cannot be read, or contradicts itself.
    pub fn live_ids(&self, tenant: &TenantId) -> Result<Vec<LeadId>, IndexError> {
        let recent = self.0.recent(tenant);
        let overridden: IdSet = recent.iter().map(|lead| lead.document().lead_id).collect();
        let mut leads = self.0.base.leads_of(tenant)?;
        leads.retain(|lead_id| !overridden.contains(lead_id));
        leads.extend(recent.iter().filter(|lead| lead.document().live).map(|lead| lead.document().lead_id));
        leads.sort_unstable();
        Ok(leads)
    }

    /// The tenants that the index or the overlay has leads of, or had until lately.
    ///
    /// # Errors
    ///
    /// The index cannot be read.
    pub fn tenants(&self) -> Result<BTreeSet<String>, IndexError> {
        let mut tenants = self.0.base.tenants()?;
        self.0.with_recent(|recent| tenants.extend(recent.tenants().map(|tenant| tenant.as_str().to_owned())));
        Ok(tenants)
    }

    /// How many leads the index holds, of all tenants; what is only in the overlay is not counted.
    pub fn indexed_len(&self) -> u64 {
        self.0.base.len()
    }
}

type IdSet = HashSet<LeadId, RandomState>;

fn add_recent(best: &mut Best, expression: &Expression, recent: &[Arc<RecentLead>]) {
    for lead in recent.iter().filter(|lead| lead.document().live) {
        let lead_id = lead.document().lead_id;
        best.add(expression.weigh(lead_id, lead.words()), || lead_id);
    }
}

fn add_indexed(best: &mut Best, segment: &SegmentReader, opened: &OpenedSegment, found: &[Match], overridden: &IdSet) {
    for Match { doc, weight } in found {
        if best.takes(*weight) && !segment.is_deleted(*doc) {
            let lead_id = opened.lead_id(*doc);
            if !overridden.contains(&lead_id) {
                best.add(*weight, || lead_id);
            }
        }
    }
}

/// The best hits so far, the worst of them on top.
struct Best {
    heap: BinaryHeap<(Reverse<Weight>, LeadId)>,
    room: usize,
}

impl Best {
    fn new(room: usize) -> Self {
        Self { heap: BinaryHeap::new(), room }
    }

    /// Whether a hit of this weight may be among the best.
    fn takes(&self, weight: Weight) -> bool {
        weight > 0 && (self.heap.len() < self.room || self.heap.peek().is_some_and(|worst| weight >= worst.0.0))
    }

    fn add(&mut self, weight: Weight, lead_id: impl FnOnce() -> LeadId) {
        if self.takes(weight) {
            self.heap.push((Reverse(weight), lead_id()));
            if self.heap.len() > self.room {
                self.heap.pop();
            }
        }
    }

    fn into_page(self, offset: usize, page_size: usize) -> SearchPage {
        let hits = self.heap.into_sorted_vec();
        let more = hits.len() > offset + page_size;
        let hits = hits.into_iter().skip(offset).take(page_size).map(|(Reverse(weight), lead_id)| hit(weight, lead_id));
        SearchPage { hits: hits.collect(), more }
    }
}

fn hit(weight: Weight, lead_id: LeadId) -> Hit {
    Hit { lead_id, score: f64::from(weight) / f64::from(FULL_WEIGHT) }
}
