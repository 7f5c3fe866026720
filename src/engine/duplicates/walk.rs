//! Over all leads by id, a page at a time.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::thread::available_parallelism;

use futures_util::future::try_join_all;
use tokio::sync::OwnedSemaphorePermit;

use crate::decision::rows::{Row, RowClass, RowKey};
use crate::domain::{Lead, LeadId, SourceName};
use crate::store::{LeadView, Scan};

use super::super::answer::{DuplicateGroup, RequestError};
use super::super::read_failed;
use super::component::group_of_records;
use super::cursor::Cursor;
use super::moment::Moment;
use super::ties::Against;
use super::{DuplicateEvent, in_background};

/// How many rows are read at once.
const PAGE: usize = 256;

/// After so many leads without a word, how far the walk has come is told.
const TELL_EVERY: u64 = 4_096;

/// Leads ahead of the walk that are remembered as told. Of more it is found out again who told them.
const MOST_SETTLED: usize = 100_000;

/// A search on its way.
pub(super) struct Walk<V> {
    moment: Arc<Moment<V>>,
    /// Its place among the searches that look through all leads, where it does.
    place: Option<OwnedSemaphorePermit>,
    /// Only leads that hold several records of this system.
    records_of: Option<SourceName>,
    /// Leads to walk.
    total: u64,
    /// Leads walked.
    walked: u64,
    /// Leads walked when something was said last.
    told_at: u64,
    /// Where the walk was broken off in the middle of what one lead begins.
    broken_off: Option<Cursor>,
    /// The last row read; `None` where the rows have come to an end.
    read_to: Option<Scan>,
    /// Leads that were read, each with whether one behind it is tied to it.
    page: VecDeque<(Arc<Lead>, bool)>,
    /// What is to be said next.
    events: VecDeque<DuplicateEvent>,
    /// Leads ahead that belong to what was told.
    settled: HashSet<LeadId>,
}

impl<V: LeadView> Walk<V> {
    /// Around one lead: there is nothing to walk, and one thing to say.
    pub(super) async fn around(moment: Arc<Moment<V>>, lead_id: LeadId, told: bool) -> Result<Self, RequestError> {
        let looked_at = Arc::clone(&moment);
        let found = async move { if told { Ok(None) } else { looked_at.around(lead_id).await } };
        let group = in_background(found).await?;
        let resume = Cursor { walked: 0, lead_id, told: None }.to_bytes();
        let event = DuplicateEvent { group, resume, compared: 0, total: 0 };
        Ok(Self { events: VecDeque::from([event]), read_to: None, ..Self::new(moment) })
    }

    /// Over all leads, from the start or from where it was broken off.
    pub(super) async fn begin(
        moment: Arc<Moment<V>>,
        place: OwnedSemaphorePermit,
        records_of: Option<SourceName>,
        resume: Option<&[u8]>,
    ) -> Result<Self, RequestError> {
        let cursor = resume.and_then(Cursor::from_bytes);
        let counted = Arc::clone(&moment);
        let count = async move { counted.index_state.read(|| counted.index.live_len(&counted.tenant)) };
        let total = in_background(count).await?;
        let mut walk = Self { place: Some(place), records_of, total, ..Self::new(moment) };
        if let Some(cursor) = cursor {
            (walk.walked, walk.told_at) = (cursor.walked, cursor.walked);
            walk.broken_off = cursor.told.map(|_| cursor);
            let after = RowKey::lead(&walk.moment.tenant, cursor.after());
            walk.read_to = walk.read_to.map(|scan| Scan { after: Some(after), ..scan });
        }
        Ok(walk)
    }

    fn new(moment: Arc<Moment<V>>) -> Self {
        let tenant = Some(moment.tenant.clone());
        Self {
            moment,
            place: None,
            records_of: None,
            total: 0,
            walked: 0,
            told_at: 0,
            broken_off: None,
            read_to: Some(Scan { class: RowClass::Lead, tenant, after: None, limit: PAGE }),
            page: VecDeque::new(),
            events: VecDeque::new(),
            settled: HashSet::new(),
        }
    }

    /// What there is to say next; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<DuplicateEvent>, RequestError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                self.told_at = self.walked;
                return Ok(Some(event));
            }
            if let Some((lead, is_tied)) = self.page.pop_front() {
                self.step(lead, is_tied).await?;
            } else if let Some(scan) = self.read_to.take() {
                self.read(scan).await?;
            } else {
                self.place = None;
                return Ok(None);
            }
        }
    }

    /// Reads a page and looks who of it is tied to anybody. At the end says that it is the end.
    async fn read(&mut self, scan: Scan) -> Result<(), RequestError> {
        let (moment, asked) = (Arc::clone(&self.moment), scan.clone());
        let rows = in_background(async move { moment.view.scan(&asked).await.map_err(read_failed) }).await?;
        let Some(last) = rows.last().map(|row| row.key.clone()) else {
            let last = scan.after.as_ref().and_then(lead_of).unwrap_or(LeadId::from_bytes([0; 16]));
            self.events.push_back(self.event(None, Cursor { walked: self.walked, lead_id: last, told: None }));
            return Ok(());
        };
        let leads =
            rows.into_iter().filter_map(|row| if let Row::Lead(lead) = row.value.row { Some(lead) } else { None });
        let leads: Vec<Arc<Lead>> = leads.filter(|lead| lead.is_live()).collect();
        self.page = self.with_ties(leads).await?.into();
        self.read_to = Some(Scan { after: Some(last), ..scan });
        Ok(())
    }

    /// The leads, each with whether it has to be looked at closely. On half of the processors: writes go on.
    async fn with_ties(&self, leads: Vec<Arc<Lead>>) -> Result<Vec<(Arc<Lead>, bool)>, RequestError> {
        if self.records_of.is_some() {
            return Ok(leads.into_iter().map(|lead| (lead, true)).collect());
        }
        let shares = available_parallelism().map_or(1, |processors| processors.get().div_ceil(2));
        let leads: Vec<(Arc<Lead>, bool)> =
            leads.into_iter().map(|lead| (Arc::clone(&lead), !self.settled.contains(&lead.lead_id))).collect();
        let shares = leads.chunks(leads.len().div_ceil(shares).max(1));
        let shares = shares.map(|share| in_background(tied(Arc::clone(&self.moment), share.to_vec())));
        Ok(try_join_all(shares).await?.concat())
    }

    async fn step(&mut self, lead: Arc<Lead>, is_tied: bool) -> Result<(), RequestError> {
        let (before, lead_id) = (self.walked, lead.lead_id);
        self.walked += 1;
        let broken_off = self.broken_off.take().filter(|cursor| cursor.lead_id == lead_id);
        if !self.settled.remove(&lead_id) && is_tied {
            let mut groups = self.groups_from(lead).await?;
            groups.retain(|group| broken_off.is_none_or(|cursor| cursor.told < Some(group.group_id)));
            let last = groups.len().saturating_sub(1);
            for (place, group) in groups.into_iter().enumerate() {
                let within = Cursor { walked: before, lead_id, told: Some(group.group_id) };
                let done = Cursor { walked: self.walked, lead_id, told: None };
                self.events.push_back(self.event(Some(group), if place < last { within } else { done }));
            }
        }
        if self.events.is_empty() && self.walked - self.told_at >= TELL_EVERY {
            self.events.push_back(self.event(None, Cursor { walked: self.walked, lead_id, told: None }));
        }
        Ok(())
    }

    /// The groups in what hangs together with a lead, where it is the first of it.
    async fn groups_from(&mut self, lead: Arc<Lead>) -> Result<Vec<DuplicateGroup>, RequestError> {
        if let Some(source) = &self.records_of {
            let several = lead.live_ids_of(source).count() > 1 && self.moment.wanted.changed([&lead].into_iter());
            return Ok(several.then(|| group_of_records(lead, source)).into_iter().collect());
        }
        let (moment, lead_id) = (Arc::clone(&self.moment), lead.lead_id);
        let (together, groups) = in_background(async move {
            let component = moment.component(lead_id).await?;
            let is_first = component.leads.keys().next() == Some(&lead_id);
            let groups = if is_first { moment.groups(&component).await? } else { Vec::new() };
            Ok((component.leads.into_keys().collect::<Vec<LeadId>>(), groups))
        })
        .await?;
        if self.settled.len() + together.len() <= MOST_SETTLED {
            self.settled.extend(together.into_iter().filter(|other| *other > lead_id));
        }
        Ok(groups)
    }

    fn event(&self, group: Option<DuplicateGroup>, cursor: Cursor) -> DuplicateEvent {
        // What was made or deleted since an earlier part of the search does not make it longer than whole.
        let total = self.total.max(self.walked);
        DuplicateEvent { group, resume: cursor.to_bytes(), compared: self.walked, total }
    }
}

/// Of leads that are not settled, whether one with a greater id is tied to each.
async fn tied<V: LeadView>(
    moment: Arc<Moment<V>>,
    mut leads: Vec<(Arc<Lead>, bool)>,
) -> Result<Vec<(Arc<Lead>, bool)>, RequestError> {
    for (lead, is_open) in leads.iter_mut().filter(|(_, is_open)| *is_open) {
        let ready = moment.prepare(Arc::clone(lead));
        *is_open = !moment.ties(&ready, Against::Behind).await?.tied.is_empty();
    }
    Ok(leads)
}

fn lead_of(key: &RowKey) -> Option<LeadId> {
    key.split().and_then(|(_, id)| id.try_into().ok()).map(LeadId::from_bytes)
}
