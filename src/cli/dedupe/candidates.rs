//! Which records are compared: those that share a blocking key which not too many share.

use std::cmp::Ordering;

use rayon::prelude::*;

/// A key that more records share is passed over: it says too little to look at every pair of them.
const MOST_IN_BLOCK: usize = 300;

/// The records of every blocking key that two or more share, and the keys of every record.
#[derive(Default)]
pub(super) struct Blocks {
    /// Where each block begins in `members`; one more than there are blocks.
    starts: Vec<u32>,
    /// The records of each block, ascending.
    members: Vec<u32>,
    /// Where each record begins in `blocks`; one more than there are records.
    records: Vec<u32>,
    /// The blocks of each record.
    blocks: Vec<u32>,
    /// How many keys were passed over.
    pub(super) passed_over: usize,
}

impl Blocks {
    /// `entries` are pairs of a key and a record, in any order.
    pub(super) fn of(records: usize, mut entries: Vec<(u64, u32)>) -> Self {
        entries.par_sort_unstable();
        let mut blocks = Self { starts: vec![0], ..Self::default() };
        for block in entries.chunk_by(|one, other| one.0 == other.0) {
            match block.len() {
                0 | 1 => {}
                2..=MOST_IN_BLOCK => blocks.add(block),
                _ => blocks.passed_over += 1,
            }
        }
        drop(entries);
        blocks.index(records);
        blocks
    }

    fn add(&mut self, block: &[(u64, u32)]) {
        self.members.extend(block.iter().map(|(_, record)| *record));
        self.starts.push(place(self.members.len()));
    }

    fn index(&mut self, records: usize) {
        let mut counts = vec![0u32; records + 1];
        self.members.iter().for_each(|record| counts[*record as usize + 1] += 1);
        for record in 0..records {
            counts[record + 1] += counts[record];
        }
        self.records.clone_from(&counts);
        self.blocks = vec![0; self.members.len()];
        for block in 0..self.starts.len() - 1 {
            for member in self.starts[block]..self.starts[block + 1] {
                let next = &mut counts[self.members[member as usize] as usize];
                self.blocks[*next as usize] = place(block);
                *next += 1;
            }
        }
    }

    /// How many blocks there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The pairs of a block that no block before it has: every pair comes once.
    ///
    /// Block by block, and not record by record, because the few records of a block stay in the processor's cache while all their pairs
    /// are compared.
    pub(super) fn pairs(&self, block: usize) -> impl Iterator<Item = (u32, u32)> {
        let members = &self.members[self.starts[block] as usize..self.starts[block + 1] as usize];
        let pairs = members.iter().enumerate().flat_map(|(place, a)| members[place + 1..].iter().map(|b| (*a, *b)));
        pairs.filter(move |(a, b)| !self.share_before(*a, *b, place(block)))
    }

    /// The records behind this one that share a key with it, ascending, each once.
    pub(super) fn partners(&self, record: u32) -> Vec<u32> {
        let members = |block: &u32| {
            let block = *block as usize;
            &self.members[self.starts[block] as usize..self.starts[block + 1] as usize]
        };
        let mut partners: Vec<u32> =
            self.blocks_of(record).iter().flat_map(members).copied().filter(|member| *member > record).collect();
        partners.sort_unstable();
        partners.dedup();
        partners
    }

    /// Whether two records share a block before this one.
    fn share_before(&self, a: u32, b: u32, block: u32) -> bool {
        let (mut one, mut other) = (self.blocks_of(a), self.blocks_of(b));
        while let ([first, rest @ ..], [second, others @ ..]) = (one, other) {
            match first.cmp(second) {
                _ if *first >= block || *second >= block => return false,
                Ordering::Equal => return true,
                Ordering::Less => one = rest,
                Ordering::Greater => other = others,
            }
        }
        false
    }

    /// The blocks of a record, ascending.
    fn blocks_of(&self, record: u32) -> &[u32] {
        let record = record as usize;
        &self.blocks[self.records[record] as usize..self.records[record + 1] as usize]
    }
}

/// A place in a list; files with more entries than 32 bits count are refused while they are read.
fn place(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(blocks: &Blocks) -> Vec<(u32, u32)> {
        let mut pairs: Vec<_> = (0..blocks.len()).flat_map(|block| blocks.pairs(block)).collect();
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn a_key_that_too_many_share_is_passed_over() {
        let entries = (0..=MOST_IN_BLOCK).map(|record| (1, place(record))).collect();
        let blocks = Blocks::of(MOST_IN_BLOCK + 1, entries);
        assert_eq!((blocks.passed_over, pairs(&blocks)), (1, vec![]));
    }

    proptest! {
        #[test]
        fn every_pair_that_shares_a_key_comes_once(keys in prop::collection::vec(prop::collection::btree_set(0u64..12, 0..5), 0..20)) {
            let entries = (0..).zip(&keys).flat_map(|(record, keys)| keys.iter().map(move |key| (*key, record)));
            let blocks = Blocks::of(keys.len(), entries.collect());
            let all = (0..keys.len()).flat_map(|a| (a + 1..keys.len()).map(move |b| (a, b)));
            let sharing = all.filter(|(a, b)| !keys[*a].is_disjoint(&keys[*b]));
            let expected: Vec<_> = sharing.map(|(a, b)| (place(a), place(b))).collect();
            prop_assert_eq!(pairs(&blocks), expected);
        }
    }
}
