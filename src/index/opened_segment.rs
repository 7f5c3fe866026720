//! What is kept open of a segment, from the commit that brought it to the merge that takes it away.

use std::sync::{Arc, OnceLock};

use tantivy::columnar::ColumnValues;
use tantivy::index::SegmentId;
use tantivy::{DocId, InvertedIndexReader, SegmentReader};

use crate::decision::matching::Signature;
use crate::domain::LeadId;

use super::error::IndexError;
use super::schema::{Fields, ID_HIGH, ID_LOW, SIGNATURE, joined};
use super::segment_filter::SegmentFilter;

/// A filter of so many terms is made as the segment is opened. One of more would hold a publication up, and is left for later.
const FILTERED_AT_ONCE: usize = 500_000;

/// The columns of one segment, its blocking keys, and its last key.
pub(super) struct OpenedSegment {
    id: SegmentId,
    high: Arc<dyn ColumnValues<u64>>,
    low: Arc<dyn ColumnValues<u64>>,
    signature: Arc<dyn ColumnValues<u64>>,
    pub(super) blocks: Arc<InvertedIndexReader>,
    filter: OnceLock<SegmentFilter>,
    /// The greatest key; empty where it has none.
    pub(super) last_key: Box<[u8]>,
}

impl OpenedSegment {
    /// Opens a segment; a large one without a filter.
    pub(super) fn open(segment: &SegmentReader, fields: Fields) -> Result<Self, IndexError> {
        let opened = Self::unfiltered(segment, fields)?;
        if opened.blocks.terms().num_terms() <= FILTERED_AT_ONCE {
            opened.add_filter()?;
        }
        Ok(opened)
    }

    /// Opens a segment without a filter.
    pub(super) fn unfiltered(segment: &SegmentReader, fields: Fields) -> Result<Self, IndexError> {
        let columns = segment.fast_fields();
        Ok(Self {
            id: segment.segment_id(),
            high: columns.column_first_or_default(ID_HIGH)?,
            low: columns.column_first_or_default(ID_LOW)?,
            signature: columns.column_first_or_default(SIGNATURE)?,
            blocks: segment.inverted_index(fields.blocks)?,
            filter: OnceLock::new(),
            last_key: last_key(segment, fields)?,
        })
    }

    /// Whether this was opened of the segment.
    pub(super) fn is(&self, segment: &SegmentReader) -> bool {
        self.id == segment.segment_id()
    }

    /// What tells that the segment does not have a blocking key; `None` while there is none.
    pub(super) fn filter(&self) -> Option<&SegmentFilter> {
        self.filter.get()
    }

    /// Makes the filter, for which every term is walked.
    pub(super) fn add_filter(&self) -> Result<(), IndexError> {
        let filter = SegmentFilter::of(self.blocks.terms())?;
        let _ = self.filter.set(filter);
        Ok(())
    }

    /// The lead of a document.
    pub(super) fn lead_id(&self, doc: DocId) -> LeadId {
        joined(self.high.get_val(doc), self.low.get_val(doc))
    }

    /// What the names of a document's lead are like.
    pub(super) fn signature(&self, doc: DocId) -> Signature {
        Signature::from_bits(self.signature.get_val(doc))
    }

    /// Refuses a document whose columns tell another lead than its key.
    pub(super) fn check(&self, doc: DocId, lead_id: LeadId) -> Result<(), IndexError> {
        if self.lead_id(doc) == lead_id { Ok(()) } else { Err(IndexError::inconsistent()) }
    }
}

fn last_key(segment: &SegmentReader, fields: Fields) -> Result<Box<[u8]>, IndexError> {
    let index = segment.inverted_index(fields.key)?;
    let mut key = Vec::new();
    if let Some(last) = (index.terms().num_terms() as u64).checked_sub(1) {
        index.terms().ord_to_term(last, &mut key)?;
    }
    Ok(key.into())
}
