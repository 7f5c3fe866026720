//! Which records are compared: those that share a blocking key which not too many share.

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
        entries.sort_unstable();
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

    /// The records behind this one that share a key with it, ascending, each once.
    pub(super) fn partners(&self, record: u32, partners: &mut Vec<u32>) {
        partners.clear();
        let own = self.records[record as usize] as usize..self.records[record as usize + 1] as usize;
        for block in &self.blocks[own] {
            let block = *block as usize;
            let members = &self.members[self.starts[block] as usize..self.starts[block + 1] as usize];
            partners.extend(members.iter().filter(|member| **member > record));
        }
        partners.sort_unstable();
        partners.dedup();
    }
}

/// A place in a list; files with more entries than 32 bits count are refused while they are read.
fn place(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partners(blocks: &Blocks, record: u32) -> Vec<u32> {
        let mut partners = Vec::new();
        blocks.partners(record, &mut partners);
        partners
    }

    #[test]
    fn every_pair_that_shares_a_key_comes_once() {
        let blocks = Blocks::of(5, vec![(7, 3), (7, 0), (9, 0), (9, 3), (9, 4), (8, 1), (6, 2)]);
        assert_eq!(partners(&blocks, 0), [3, 4]);
        assert_eq!(partners(&blocks, 3), [4]);
        assert!(partners(&blocks, 1).is_empty());
        assert!(partners(&blocks, 4).is_empty());
    }

    #[test]
    fn a_key_that_too_many_share_is_passed_over() {
        let entries = (0..=MOST_IN_BLOCK).map(|record| (1, place(record))).collect();
        let blocks = Blocks::of(MOST_IN_BLOCK + 1, entries);
        assert_eq!((blocks.passed_over, partners(&blocks, 0)), (1, vec![]));
    }
}
