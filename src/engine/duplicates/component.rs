//! Everything that hangs together with one lead, and the groups in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::decision::clustering::ScoredPair;
use crate::decision::grouping::{Merge, Tie, Web, holding_together, record_merges_of, suggested_survivor};
use crate::decision::matching::Profile;
use crate::decision::side_by_side::{Side, side_by_side};
use crate::decision::tier::MatchTier;
use crate::domain::{Lead, LeadId, SourceName};
use crate::store::LeadView;

use super::super::answer::{DuplicateGroup, DuplicatePair, RecordMerge, RequestError};
use super::moment::{Moment, Ready};
use super::ties::{Against, Rival};

/// Most leads that are taken together. Where more hang together, the weaker ties between them do not count.
const MOST_TOGETHER: usize = 500;

/// By how many bits ties must be stronger each time that too many leads hang together.
const STRONGER: f64 = 4.0;

/// Of a group that more pairs hold together, only the strongest that connect it are told.
const MOST_PAIRS: usize = 100;

/// Leads that hang together, by id, with what ties them, the lower id first.
#[derive(Default)]
pub(super) struct Component {
    pub(super) leads: BTreeMap<LeadId, Arc<Ready>>,
    ties: BTreeMap<(LeadId, LeadId), Tie>,
    /// For some of the leads those that may be a second bearer of the name, whether or not they hang together with them.
    rivals: Vec<(LeadId, Rival)>,
}

/// The leads that were explored: their ties are known.
type Explored = HashMap<LeadId, Arc<Ready>>;

impl<V: LeadView> Moment<V> {
    /// What hangs together with a lead. The same from each of its leads, also where it had to be split.
    pub(super) async fn component(&self, lead_id: LeadId) -> Result<Component, RequestError> {
        let mut explored = Explored::new();
        let mut least = f64::NEG_INFINITY;
        loop {
            if let Some(ids) = self.explore(lead_id, least, &mut explored).await? {
                return Ok(Component::of(&ids, least, explored));
            }
            tracing::debug!(%lead_id, least, "too many leads hang together: only stronger ties count");
            least = least.max(0.0) + STRONGER;
        }
    }

    /// The leads that ties of at least this weight connect; `None` where they are too many.
    async fn explore(
        &self,
        start: LeadId,
        least: f64,
        explored: &mut Explored,
    ) -> Result<Option<BTreeSet<LeadId>>, RequestError> {
        let mut found = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(lead_id) = open.pop() {
            if !explored.contains_key(&lead_id)
                && let Some(ready) = self.lead(lead_id).await?
            {
                ready.ties.get_or_try_init(|| self.ties(&ready, Against::All)).await?;
                explored.insert(lead_id, ready);
            }
            let ties = explored.get(&lead_id).and_then(|ready| ready.ties.get());
            let strong = ties.into_iter().flat_map(|ties| &ties.tied).filter(|(_, tie)| tie.weight >= least);
            open.extend(strong.map(|(other, _)| *other).filter(|other| found.insert(*other)));
            if found.len() > MOST_TOGETHER {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// The groups in what hangs together, by id.
    pub(super) async fn groups(&self, component: &Component) -> Result<Vec<DuplicateGroup>, RequestError> {
        let ids: Vec<LeadId> = component.leads.keys().copied().collect();
        let (strangers, rivals) = component.rivals_by_place(&ids);
        let profiles = component.leads.values().map(|ready| &ready.profile);
        let profiles: Vec<&Profile> = profiles.chain(strangers.iter().map(|rival| &rival.comparable.profile)).collect();
        let place = |id: &LeadId| ids.binary_search(id).ok().and_then(|place| u32::try_from(place).ok());
        let ties = component.ties.iter().filter_map(|((a, b), tie)| Some(((place(a)?, place(b)?), *tie)));
        let ties: BTreeMap<(u32, u32), Tie> = ties.collect();
        let apart = self.told_apart(&ids).await?;
        let (frequencies, weights) = (&*self.frequencies, &self.policy.weights);
        let web = Web { profiles: &profiles, ties: &ties, rivals: &rivals, apart: &apart, frequencies, weights };
        let groups = web.groups().into_iter().map(|places| {
            let members = places.into_iter().map(|place| ids[place as usize]).collect();
            self.describe(component, &members)
        });
        Ok(groups.filter(|group| self.wanted.changed(group.members.iter())).collect())
    }

    /// Which of these leads a person told apart, by their places. Two that are tied were not.
    async fn told_apart(&self, ids: &[LeadId]) -> Result<BTreeSet<(u32, u32)>, RequestError> {
        let mut apart = BTreeSet::new();
        for (a, one) in (0..).zip(ids).filter(|_| ids.len() > 2) {
            for (b, other) in (0..).zip(ids).skip(a as usize + 1) {
                if self.is_judged(*one, *other).await? {
                    apart.insert((a, b));
                }
            }
        }
        Ok(apart)
    }

    /// A lead and those that are tied to it: the strongest first, without those that contradict a stronger one.
    pub(super) async fn around(&self, lead_id: LeadId) -> Result<Option<DuplicateGroup>, RequestError> {
        let Some(center) = self.lead(lead_id).await? else { return Ok(None) };
        let mut ties: Vec<(LeadId, Tie)> = self.ties(&center, Against::AllAndCommon).await?.tied.into_iter().collect();
        ties.sort_by(|one, other| other.1.weight.total_cmp(&one.1.weight).then(one.0.cmp(&other.0)));
        let mut component = Component::default();
        for (other, tie) in ties {
            if component.leads.len() + 1 < MOST_TOGETHER
                && let Some(ready) = self.lead(other).await?
                && !self.contradicts(&ready, &component).await?
            {
                component.leads.insert(other, ready);
                component.ties.insert((lead_id.min(other), lead_id.max(other)), tie);
            }
        }
        if component.leads.is_empty() {
            return Ok(None);
        }
        component.leads.insert(lead_id, center);
        let group = self.describe(&component, &component.leads.keys().copied().collect());
        Ok(self.wanted.changed(group.members.iter()).then_some(group))
    }

    async fn contradicts(&self, ready: &Ready, component: &Component) -> Result<bool, RequestError> {
        for (other, member) in &component.leads {
            if self.score(&ready.profile, &member.profile).excludes()
                || self.is_judged(ready.lead.lead_id, *other).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn describe(&self, component: &Component, members: &BTreeSet<LeadId>) -> DuplicateGroup {
        let ties = component.ties.iter().filter(|((a, b), _)| members.contains(a) && members.contains(b));
        let ties = holding_together(ties.map(|(pair, tie)| (*pair, *tie)).collect(), MOST_PAIRS);
        let pairs = ties.into_iter().filter_map(|(pair, tie)| self.pair(component, pair, tie)).collect();
        let leads = members.iter().filter_map(|id| component.leads.get(id)).map(|ready| Arc::clone(&ready.lead));
        group_of(leads.collect(), pairs)
    }

    fn pair(&self, component: &Component, (a, b): (LeadId, LeadId), tie: Tie) -> Option<DuplicatePair> {
        let (one, other) = (component.leads.get(&a)?, component.leads.get(&b)?);
        let compared = || {
            side_by_side(&self.score(&one.profile, &other.profile), Side::Stored(&one.lead), Side::Stored(&other.lead))
        };
        let comparisons = if tie.tier == MatchTier::Fuzzy { compared() } else { Vec::new() };
        Some(DuplicatePair { lead_id_a: a, lead_id_b: b, score: tie.score, matched_by: tie.tier, comparisons })
    }
}

impl Component {
    fn of(ids: &BTreeSet<LeadId>, least: f64, mut explored: Explored) -> Self {
        let mut component = Self::default();
        for lead_id in ids {
            let Some(ready) = explored.remove(lead_id) else { continue };
            if let Some(ties) = ready.ties.get() {
                let behind = ties.tied.iter().filter(|(other, _)| lead_id < *other);
                let strong = behind.filter(|(_, tie)| tie.weight >= least);
                component.ties.extend(strong.map(|(other, tie)| ((*lead_id, *other), *tie)));
                component.rivals.extend(ties.rivals.iter().map(|rival| (*lead_id, rival.clone())));
            }
            component.leads.insert(*lead_id, ready);
        }
        component
    }

    /// The rivals that are none of these leads, whose places come behind theirs, and all by their places.
    fn rivals_by_place(&self, ids: &[LeadId]) -> (Vec<&Rival>, Vec<ScoredPair>) {
        let mut strangers: Vec<&Rival> = self.rivals.iter().map(|(_, rival)| rival).collect();
        strangers.retain(|rival| ids.binary_search(&rival.lead_id).is_err());
        strangers.sort_unstable_by_key(|rival| rival.lead_id);
        strangers.dedup_by_key(|rival| rival.lead_id);
        let place = |id: &LeadId| {
            let behind = || strangers.binary_search_by_key(id, |rival| rival.lead_id).map(|place| ids.len() + place);
            u32::try_from(ids.binary_search(id).or_else(|_| behind()).ok()?).ok()
        };
        let pair = |(lead_id, rival): &(LeadId, Rival)| {
            Some(ScoredPair::new(place(lead_id)?, place(&rival.lead_id)?, rival.weight))
        };
        let rivals = self.rivals.iter().filter_map(pair).collect();
        (strangers, rivals)
    }
}

/// A lead that holds several live records of a system, as a group of one.
pub(super) fn group_of_records(lead: Arc<Lead>, source: &SourceName) -> DuplicateGroup {
    let mut group = group_of(vec![lead], Vec::new());
    group.record_merges.retain(|merge| merge.source == *source);
    group
}

fn group_of(members: Vec<Arc<Lead>>, pairs: Vec<DuplicatePair>) -> DuplicateGroup {
    let survivor = suggested_survivor(&members);
    let weakest_score = pairs.iter().map(|pair| pair.score).fold(1.0, f64::min);
    let record_merges = record_merges_of(&members, survivor).into_iter().map(RecordMerge::from).collect();
    let group_id = members.iter().map(|lead| lead.lead_id).min().unwrap_or(survivor);
    DuplicateGroup { group_id, members, pairs, suggested_survivor: survivor, weakest_score, record_merges }
}

impl From<Merge> for RecordMerge {
    fn from(Merge { source, survivor, losers }: Merge) -> Self {
        Self { source, survivor_external_id: survivor, loser_external_ids: losers }
    }
}
