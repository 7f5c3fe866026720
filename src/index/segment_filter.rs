//! Which terms a segment cannot have, told without a look into its dictionary.
//!
//! A lead has some twenty blocking keys and an index some dozen segments, most of which have none of them. To walk the dictionary of each
//! for each key took a fifth of the time of a new lead. The filter is held in memory, a byte for each term.

use std::hash::BuildHasher;
use std::io;

use fastbloom::BloomFilter;
use foldhash::fast::FixedState;
use tantivy::termdict::TermDictionary;

/// With so many, two in a hundred terms that a segment does not have are looked for all the same.
const BITS_PER_TERM: usize = 8;

/// A Bloom filter of the terms of one field in one segment.
pub(super) struct SegmentFilter(BloomFilter<FixedState>);

/// What a filter knows of a term.
pub(super) fn hash_of(term: &[u8]) -> u64 {
    FixedState::default().hash_one(term)
}

impl SegmentFilter {
    /// The filter of all terms of a dictionary.
    pub(super) fn of(dictionary: &TermDictionary) -> io::Result<Self> {
        let len = dictionary.num_terms().max(1);
        let sized = BloomFilter::with_num_bits(len * BITS_PER_TERM).hasher(FixedState::default());
        let mut filter = sized.expected_items(len);
        let mut terms = dictionary.stream()?;
        while terms.advance() {
            filter.insert_hash(hash_of(terms.key()));
        }
        Ok(Self(filter))
    }

    /// Whether the dictionary may have the term of this [hash](hash_of): false only where it does not.
    pub(super) fn may_have(&self, hash: u64) -> bool {
        self.0.contains_hash(hash)
    }
}
