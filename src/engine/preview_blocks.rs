//! Which previewed leads have a blocking key, in a few bytes for each.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

use crate::domain::TenantId;
use crate::index::{MAX_INDEXED_CANDIDATES, MOST_OF_A_KEY, leave_rare, ranked, share_of};

use super::preview::bytes_of_table;

/// Ends a chain.
const END: u32 = u32::MAX;

/// Leads by number, by the blocking keys that they would have.
#[derive(Default)]
pub(super) struct PreviewBlocks {
    chains: HashMap<u64, Chain, RandomState>,
    links: Vec<Link>,
}

/// The leads of one key, oldest first. No more are listed than are ever looked at; all are counted.
#[derive(Clone, Copy)]
struct Chain {
    first: u32,
    last: u32,
    count: u32,
}

#[derive(Clone, Copy)]
struct Link {
    lead: u32,
    next: u32,
}

impl PreviewBlocks {
    /// Notes that a lead has blocking keys.
    pub(super) fn add(&mut self, tenant: &TenantId, blocks: &[u64], lead: u32) {
        for block in blocks {
            let key = self.key(tenant, *block);
            let chain = self.chains.entry(key).or_insert(Chain { first: END, last: END, count: 0 });
            chain.count = chain.count.saturating_add(1);
            let Ok(place) = u32::try_from(self.links.len()) else { continue };
            if chain.count as usize > MOST_OF_A_KEY || place == END {
                continue;
            }
            match self.links.get_mut(chain.last as usize) {
                Some(last) => last.next = place,
                None => chain.first = place,
            }
            chain.last = place;
            self.links.push(Link { lead, next: END });
        }
    }

    /// The leads that share a key, those that share the most and rarest: by the caps of the index. With whether some are left out.
    /// `of` is how many leads there are.
    pub(super) fn sharing(
        &self,
        tenant: &TenantId,
        blocks: &[u64],
        likeness: impl Fn(u32) -> u32,
        cap: u64,
        of: u64,
    ) -> (Vec<u32>, bool) {
        let mut keys: Vec<u64> = blocks.iter().map(|block| self.key(tenant, *block)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut chains: Vec<Chain> = keys.iter().filter_map(|key| self.chains.get(key)).copied().collect();
        let cut = leave_rare(&mut chains, |chain| u64::from(chain.count), cap);
        let mut shares: Vec<(u32, u32)> = Vec::new();
        for chain in &chains {
            let share = share_of(u64::from(chain.count), of);
            shares.extend(self.leads_of(*chain).map(|lead| (lead, share)));
        }
        let numbers = ranked(shares, MAX_INDEXED_CANDIDATES, likeness);
        let truncated = cut || numbers.len() > MAX_INDEXED_CANDIDATES;
        (numbers.into_iter().take(MAX_INDEXED_CANDIDATES).map(|(_, lead)| lead).collect(), truncated)
    }

    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        bytes_of_table::<(u64, Chain)>(self.chains.capacity()) + self.links.capacity() * size_of::<Link>()
    }

    fn leads_of(&self, chain: Chain) -> impl Iterator<Item = u32> {
        let link = |place: u32| self.links.get(place as usize).copied();
        std::iter::successors(link(chain.first), move |last| link(last.next)).map(|link| link.lead)
    }

    /// Two that coincide cost a comparison too many, no more.
    fn key(&self, tenant: &TenantId, block: u64) -> u64 {
        self.chains.hasher().hash_one((tenant, block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).expect("a tenant")
    }

    #[test]
    fn leads_that_share_the_most_and_rarest_come_first_and_no_more_than_the_cap() {
        let (mut blocks, one) = (PreviewBlocks::default(), tenant("one"));
        for lead in 0..5_000 {
            let own = [u64::from(lead) + 100, 7];
            blocks.add(&one, if lead % 500 == 0 { &[1, 7] } else { &own }, lead);
        }
        assert_eq!(blocks.sharing(&one, &[1], |_| 0, 300, 5_000), ((0..10).map(|lead| lead * 500).collect(), false));
        let (leads, truncated) = blocks.sharing(&one, &[7, 1], |_| 0, 300, 5_000);
        assert_eq!(
            (leads[..10].to_vec(), leads.len()),
            ((0..10).map(|lead| lead * 500).collect(), MAX_INDEXED_CANDIDATES)
        );
        assert!(truncated);
        assert_eq!(blocks.sharing(&one, &[1, 101, 7], |_| 0, 300, 5_000).0.len(), 11);
        assert_eq!(blocks.sharing(&tenant("two"), &[1], |_| 0, 300, 5_000), (Vec::new(), false));
    }

    #[test]
    fn a_key_that_everybody_has_costs_no_more_than_the_first_of_them() {
        let (mut blocks, one) = (PreviewBlocks::default(), tenant("one"));
        for lead in 0..100_000 {
            blocks.add(&one, &[7], lead);
        }
        assert_eq!(blocks.links.len(), MOST_OF_A_KEY);
        let (leads, _) = blocks.sharing(&one, &[7], |lead| u32::from(lead == 777), 300, 100_000);
        assert_eq!(leads[..2], [777, 0], "of like names first");
        let first = (0..).take(MAX_INDEXED_CANDIDATES).collect();
        assert_eq!(blocks.sharing(&one, &[7], |_| 0, 300, 100_000), (first, true));
    }
}
