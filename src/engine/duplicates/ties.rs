//! What ties one lead to others: keys that both hold, and likeness.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decision::blocking::blocks_of_lead;
use crate::decision::comparable::Comparable;
use crate::decision::grouping::Tie;
use crate::decision::identity_key::{IdentityKey, keys_of_lead};
use crate::domain::LeadId;
use crate::index::{Candidate, Sought};
use crate::store::LeadView;

use super::super::answer::RequestError;
use super::super::reading::MOST_IN_BLOCK;
use super::moment::{Moment, Ready};

/// Leads that are less likely one than two are no pair by their likeness, whatever is asked for.
const LEAST_ALIKE: f64 = 0.5;

/// Whom a lead is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// Those with a greater id: each pair once.
    Behind,
    /// All, the same from either side.
    All,
    /// All, and those that share only what many have in common, as an upsert looks for them.
    AllAndCommon,
}

/// How one lead stands to others.
#[derive(Default)]
pub(super) struct Ties {
    /// What ties it to each that it is tied to.
    pub(super) tied: BTreeMap<LeadId, Tie>,
    /// Those that it would be tied to, if a mailbox did not tell of a second person of the name.
    pub(super) rivals: Vec<Rival>,
}

/// A lead that may be a second bearer of another's name.
#[derive(Clone)]
pub(super) struct Rival {
    pub(super) lead_id: LeadId,
    pub(super) comparable: Arc<Comparable>,
    /// log2 of the odds that the two are one, if there were only one of the name.
    pub(super) weight: f64,
}

impl<V: LeadView> Moment<V> {
    /// What ties a lead to others, but for those that a person told apart from it.
    pub(super) async fn ties(&self, ready: &Ready, against: Against) -> Result<Ties, RequestError> {
        let mut ties = Ties::default();
        for key in keys_of_lead(&ready.lead) {
            if self.wanted.tier(key.tier()) {
                self.add_holders(ready, &key, against, &mut ties.tied).await?;
            }
        }
        if self.compares() {
            self.add_alike(ready, against, &mut ties)?;
        }
        let mut apart = Vec::new();
        for other in ties.tied.keys().chain(ties.rivals.iter().map(|rival| &rival.lead_id)) {
            if self.is_judged(ready.lead.lead_id, *other).await? {
                apart.push(*other);
            }
        }
        ties.tied.retain(|other, _| !apart.contains(other));
        ties.rivals.retain(|rival| !apart.contains(&rival.lead_id));
        Ok(ties)
    }

    /// Only the first holders of a key count, whoever asks.
    async fn add_holders(
        &self,
        ready: &Ready,
        key: &IdentityKey,
        against: Against,
        tied: &mut BTreeMap<LeadId, Tie>,
    ) -> Result<(), RequestError> {
        let Some(holders) = self.holders(key).await? else { return Ok(()) };
        let first = &holders.leads[..holders.leads.len().min(self.policy.limits.holders_read)];
        if !first.contains(&ready.lead.lead_id) {
            return Ok(());
        }
        for other in first.iter().filter(|other| reaches(ready, against, **other)) {
            let Some(holder) = self.lead(*other).await? else { continue };
            let tie = Tie::of_shared_key(key.tier(), (&ready.lead, &ready.names), (&holder.lead, &holder.names));
            if tie.score >= self.wanted.min_score {
                add(tied, *other, tie);
            }
        }
        Ok(())
    }

    fn add_alike(&self, ready: &Ready, against: Against, ties: &mut Ties) -> Result<(), RequestError> {
        let least = self.wanted.min_score.max(LEAST_ALIKE);
        for partner in self.partners(ready, against)? {
            let score = self.score(&ready.profile, &partner.comparable.profile);
            let tie = Tie::of_likeness(&score);
            if tie.score >= least {
                add(&mut ties.tied, partner.lead_id, tie);
            } else if let Some(weight) = score.of_second_bearer() {
                ties.rivals.push(Rival { lead_id: partner.lead_id, comparable: partner.comparable, weight });
            }
        }
        Ok(())
    }

    fn partners(&self, ready: &Ready, against: Against) -> Result<Vec<Candidate>, RequestError> {
        let blocks = blocks_of_lead(&ready.lead);
        let most = usize::try_from(MOST_IN_BLOCK).unwrap_or(usize::MAX);
        let reached = |other| reaches(ready, against, other);
        let partners = || self.index.partners(&self.tenant, &blocks, most, reached);
        let mut partners = self.index_state.read(partners)?;
        if against == Against::AllAndCommon {
            let sought = Sought { blocks: &blocks, signature: ready.profile.signature() };
            let common = || self.index.candidates(&self.tenant, sought, MOST_IN_BLOCK);
            let common = self.index_state.read(common)?;
            partners.extend(common.leads.into_iter().filter(|lead| reached(lead.lead_id)));
            partners.sort_unstable_by_key(|partner| partner.lead_id);
            partners.dedup_by_key(|partner| partner.lead_id);
        }
        Ok(partners)
    }
}

fn reaches(ready: &Ready, against: Against, other: LeadId) -> bool {
    match against {
        Against::Behind => other > ready.lead.lead_id,
        Against::All | Against::AllAndCommon => other != ready.lead.lead_id,
    }
}

fn add(tied: &mut BTreeMap<LeadId, Tie>, other: LeadId, tie: Tie) {
    tied.entry(other).and_modify(|known| *known = known.and(tie)).or_insert(tie);
}
