//! Groups of duplicates: what ties two leads, which tied leads are one person, and what to merge where.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{ExternalIdState, Lead, LeadId, SourceName};

use super::clustering::{ScoredPair, groups};
use super::evidence::Names;
use super::exact_tiers::writes_for_functions;
use super::matching::{FrequencyTable, Profile, Score, Weights, compare, weight_of_probability};
use super::name_guard::NameVerdict;
use super::tier::MatchTier;

/// The most that a shared key weighs, in bits: it counts by decree, however rare its value.
const MOST_OF_A_KEY: f64 = 12.0;

/// What speaks for two leads being one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tie {
    /// The highest tier that does.
    pub tier: MatchTier,
    /// What this tier says, 0..1.
    pub score: f64,
    /// log2 of the odds by whichever tier says most.
    pub weight: f64,
}

impl Tie {
    /// That of a key which both hold: an external id or an address is meant for one person, a phone is not, and sales and billing of a
    /// company answer one phone without being one.
    pub fn of_shared_key(tier: MatchTier, one: (&Lead, &Names), other: (&Lead, &Names)) -> Self {
        let score = match (tier, one.1.compare(other.1)) {
            (MatchTier::Phone, NameVerdict::Compatible { .. } | NameVerdict::OneSided)
                if are_of_functions(one, other) =>
            {
                0.3
            }
            (MatchTier::Phone, NameVerdict::Compatible { .. }) => 0.9,
            (MatchTier::Phone, NameVerdict::OneSided) => 0.7,
            (MatchTier::Phone, NameVerdict::Incompatible) => 0.3,
            (_, NameVerdict::Compatible { .. }) => 1.0,
            (_, NameVerdict::OneSided) => 0.9,
            (_, NameVerdict::Incompatible) => 0.7,
        };
        Self { tier, score, weight: weight_of_probability(score).min(MOST_OF_A_KEY) }
    }

    /// That of their likeness.
    pub fn of_likeness(score: &Score) -> Self {
        Self { tier: MatchTier::Fuzzy, score: score.probability(), weight: score.weight() }
    }

    /// Both at once.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |tie: &Self| (Reverse(tie.tier), tie.score);
        let higher = if rank(&other) > rank(&self) { other } else { self };
        Self { weight: self.weight.max(other.weight), ..higher }
    }
}

/// Whether one of them names nobody and writes for a function, and the other one does not for the same.
fn are_of_functions(one: (&Lead, &Names), other: (&Lead, &Names)) -> bool {
    let is_function = |(lead, names): (&Lead, &Names)| names.person().is_none() && writes_for_functions(lead);
    let shared = one.0.emails.iter().any(|email| other.0.emails.iter().any(|known| known.key == email.key));
    (is_function(one) || is_function(other)) && !shared
}

/// Leads that hang together, by their places in a list.
pub(crate) struct Web<'a> {
    /// The leads.
    pub(crate) profiles: &'a [&'a Profile],
    /// What ties them, the lower place first.
    pub(crate) ties: &'a BTreeMap<(u32, u32), Tie>,
    /// Pairs that would match if a mailbox did not tell of a second person of the name.
    pub(crate) rivals: &'a [ScoredPair],
    /// Pairs that a person judged different, the lower place first.
    pub(crate) apart: &'a BTreeSet<(u32, u32)>,
    /// How common values are.
    pub(crate) frequencies: &'a FrequencyTable,
    /// What agreement weighs.
    pub(crate) weights: &'a Weights,
}

impl Web<'_> {
    /// Those of the leads that are one person each, sorted, in the order of their first members.
    pub(crate) fn groups(&self) -> Vec<Vec<u32>> {
        let pairs = self.ties.iter().map(|(&(a, b), tie)| ScoredPair::new(a, b, tie.weight));
        groups(self.profiles.len(), pairs.collect(), self.rivals, self.apart, |a, b| self.score(a, b))
    }

    /// How alike two leads are; a key in common raises the odds before anything is compared.
    fn score(&self, a: u32, b: u32) -> Score {
        let mut score = compare(self.profiles[a as usize], self.profiles[b as usize], self.frequencies, self.weights);
        if let Some(tie) = self.ties.get(&(a, b)) {
            score.prior += (tie.weight - score.weight()).max(0.0);
        }
        score
    }
}

/// The pairs that hold a group together: all, or of more than `most` the strongest that connect it.
pub fn holding_together(mut pairs: Vec<((LeadId, LeadId), Tie)>, most: usize) -> Vec<((LeadId, LeadId), Tie)> {
    if pairs.len() <= most {
        return pairs;
    }
    pairs.sort_by(|one, other| other.1.weight.total_cmp(&one.1.weight).then(one.0.cmp(&other.0)));
    let mut parent = BTreeMap::new();
    pairs.retain(|((a, b), _)| {
        let (a, b) = (root(&parent, *a), root(&parent, *b));
        parent.insert(a.max(b), a.min(b));
        a != b
    });
    pairs.sort_by_key(|(pair, _)| *pair);
    pairs
}

fn root(parent: &BTreeMap<LeadId, LeadId>, member: LeadId) -> LeadId {
    let mut at = member;
    while let Some(up) = parent.get(&at).filter(|up| **up != at) {
        at = *up;
    }
    at
}

/// The lead to keep: has an external id, then most complete, then oldest.
pub fn suggested_survivor(members: &[Arc<Lead>]) -> LeadId {
    let best = members.iter().min_by_key(|lead| {
        (lead.external_ids.is_empty(), Reverse(lead.fields.len() + lead.attributes.len()), lead.lead_id)
    });
    best.map_or(LeadId::from_bytes([0; 16]), |lead| lead.lead_id)
}

/// Records to merge in one other system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The system.
    pub source: SourceName,
    /// The record to keep.
    pub survivor: Box<str>,
    /// The records to merge into it.
    pub losers: Vec<Box<str>>,
}

/// What has to be merged in each system that holds several live records of these leads; the survivor's own first record stays.
pub fn record_merges_of(members: &[Arc<Lead>], survivor: LeadId) -> Vec<Merge> {
    let mut ordered: Vec<&Arc<Lead>> = members.iter().collect();
    ordered.sort_by_key(|lead| (lead.lead_id != survivor, lead.lead_id));
    let mut records: BTreeMap<&SourceName, Vec<Box<str>>> = BTreeMap::new();
    for linked in ordered.iter().flat_map(|lead| &lead.external_ids) {
        if linked.state == ExternalIdState::Live {
            let of_source = records.entry(linked.id.source()).or_default();
            if !of_source.iter().any(|value| **value == *linked.id.value()) {
                of_source.push(linked.id.value().into());
            }
        }
    }
    let several = records.into_iter().filter(|(_, values)| values.len() > 1);
    several
        .map(|(source, mut values)| Merge { source: source.clone(), survivor: values.remove(0), losers: values })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> LeadId {
        LeadId::from_bytes([number; 16])
    }

    fn tie(tier: MatchTier, score: f64, weight: f64) -> Tie {
        Tie { tier, score, weight }
    }

    #[test]
    fn the_highest_tier_names_a_tie_and_the_strongest_weighs_it() {
        let (email, likeness) = (tie(MatchTier::Email, 0.9, 3.0), tie(MatchTier::Fuzzy, 0.99, 8.0));
        assert_eq!(email.and(likeness), tie(MatchTier::Email, 0.9, 8.0));
        assert_eq!(likeness.and(email), tie(MatchTier::Email, 0.9, 8.0));
        let better = tie(MatchTier::Email, 1.0, 12.0);
        assert_eq!(email.and(better), better);
    }

    #[test]
    fn many_pairs_are_told_by_the_strongest_that_connect_them() {
        let pair = |a, b, weight| ((id(a), id(b)), tie(MatchTier::Fuzzy, 0.9, weight));
        let all = vec![pair(1, 2, 3.0), pair(1, 3, 9.0), pair(2, 3, 5.0), pair(3, 4, 4.0)];
        assert_eq!(holding_together(all.clone(), 4), all);
        assert_eq!(holding_together(all, 3), [pair(1, 3, 9.0), pair(2, 3, 5.0), pair(3, 4, 4.0)]);
    }
}
