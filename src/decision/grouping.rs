//! Groups of duplicates: pairs that share a key, how much that says, and what to merge where.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{ExternalIdState, Lead, LeadId, SourceName};

use super::evidence::Names;
use super::name_guard::NameVerdict;
use super::tier::MatchTier;

/// Two leads that share a key.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedKeyPair {
    /// The lower id.
    pub a: LeadId,
    /// The higher id.
    pub b: LeadId,
    /// 0..1.
    pub score: f64,
    /// The tier of the key.
    pub tier: MatchTier,
}

/// Every pair among the holders of one key.
pub fn pairs_of_holders(tier: MatchTier, holders: &[Arc<Lead>]) -> Vec<SharedKeyPair> {
    let names: Vec<Names> = holders.iter().map(|lead| Names::of_lead(lead)).collect();
    let indexes = (0..holders.len()).flat_map(|first| (first + 1..holders.len()).map(move |second| (first, second)));
    indexes
        .map(|(first, second)| {
            let (one, other) = (holders[first].lead_id, holders[second].lead_id);
            SharedKeyPair {
                a: one.min(other),
                b: one.max(other),
                score: score(tier, &names[first].compare(&names[second])),
                tier,
            }
        })
        .collect()
}

/// How much a shared key says of two leads: an external id or an address is meant for one person, a phone is not.
fn score(tier: MatchTier, names: &NameVerdict) -> f64 {
    match (tier, names) {
        (MatchTier::Phone, NameVerdict::Compatible { .. }) => 0.9,
        (MatchTier::Phone, NameVerdict::OneSided) => 0.7,
        (MatchTier::Phone, NameVerdict::Incompatible) => 0.3,
        (_, NameVerdict::Compatible { .. }) => 1.0,
        (_, NameVerdict::OneSided) => 0.9,
        (_, NameVerdict::Incompatible) => 0.7,
    }
}

/// The connected groups of pairs, by their lowest member.
pub fn groups_of(pairs: impl Iterator<Item = (LeadId, LeadId)>) -> Vec<BTreeSet<LeadId>> {
    let mut parent: BTreeMap<LeadId, LeadId> = BTreeMap::new();
    for (a, b) in pairs {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        parent.insert(a.max(b), a.min(b));
    }
    let members: Vec<LeadId> = parent.keys().copied().collect();
    let mut groups: BTreeMap<LeadId, BTreeSet<LeadId>> = BTreeMap::new();
    for member in members {
        groups.entry(root(&mut parent, member)).or_default().insert(member);
    }
    groups.into_values().collect()
}

fn root(parent: &mut BTreeMap<LeadId, LeadId>, member: LeadId) -> LeadId {
    let mut at = member;
    loop {
        let up = *parent.entry(at).or_insert(at);
        if up == at {
            parent.insert(member, at);
            return at;
        }
        at = up;
    }
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

    #[test]
    fn pairs_that_touch_form_one_group() {
        let groups = groups_of([(id(3), id(4)), (id(1), id(2)), (id(4), id(7))].into_iter());
        assert_eq!(groups, [BTreeSet::from([id(1), id(2)]), BTreeSet::from([id(3), id(4), id(7)])]);
    }
}
