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

#[cfg(test)]
mod tests {
    use tantivy::schema::{STRING, Schema};
    use tantivy::{Index, IndexWriter, TantivyDocument};

    use super::*;

    /// The filter of a segment that has these terms.
    fn filter_of(terms: impl Iterator<Item = String>) -> SegmentFilter {
        let mut schema = Schema::builder();
        let field = schema.add_text_field("terms", STRING);
        let index = Index::create_in_ram(schema.build());
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).expect("a writer");
        let mut document = TantivyDocument::default();
        terms.for_each(|term| document.add_text(field, term));
        writer.add_document(document).expect("room");
        writer.commit().expect("a segment");
        let searcher = index.reader().expect("a reader").searcher();
        let terms = searcher.segment_reader(0).inverted_index(field).expect("an index");
        SegmentFilter::of(terms.terms()).expect("a filter")
    }

    #[test]
    fn every_term_of_the_segment_may_be_there_and_hardly_any_other() {
        let filter = filter_of((0..20_000).map(|term| format!("default {term}")));
        let may_have = |term: usize| filter.may_have(hash_of(format!("default {term}").as_bytes()));
        assert!((0..20_000).all(may_have));
        let mistaken = (20_000..40_000).filter(|term| may_have(*term)).count();
        assert!((1..1_000).contains(&mistaken), "{mistaken}");
    }

    #[test]
    fn a_segment_without_terms_has_none() {
        let filter = filter_of(std::iter::empty());
        assert!(!filter.may_have(hash_of(b"default 1")));
    }
}
