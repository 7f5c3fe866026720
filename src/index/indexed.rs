//! The searchable index at one commit: a searcher, and the columns that turn its documents into lead ids.

use std::collections::BTreeSet;
use std::sync::Arc;

use tantivy::collector::TopDocs;
use tantivy::columnar::ColumnValues;
use tantivy::query::BooleanQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocId, DocSet, Searcher, SegmentReader, TERMINATED, Term};

use crate::domain::{LeadId, TenantId};

use super::error::IndexError;
use super::schema::{Fields, ID_HIGH, ID_LOW, after_scope, joined, scope, split_key};

/// The index as one commit left it; cheap to clone.
#[derive(Clone)]
pub(super) struct Indexed {
    searcher: Searcher,
    columns: Arc<[IdColumns]>,
    fields: Fields,
}

/// Blocking terms worth asking for, and whether others were left out.
pub(super) struct SelectedTerms {
    terms: Vec<Term>,
    /// Whether a term that leads have was left out because too many have it.
    pub(super) cut: bool,
}

impl Indexed {
    /// Opens the columns of every segment, once per commit.
    pub(super) fn new(searcher: Searcher, fields: Fields) -> Result<Self, IndexError> {
        let open = |segment| IdColumns::open(segment, fields);
        let columns = searcher.segment_readers().iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { searcher, columns, fields })
    }

    /// The segments with their columns.
    pub(super) fn segments(&self) -> impl Iterator<Item = (&SegmentReader, &IdColumns)> {
        self.searcher.segment_readers().iter().zip(self.columns.iter())
    }

    /// The fields of the index.
    pub(super) fn fields(&self) -> Fields {
        self.fields
    }

    /// How many leads it holds.
    pub(super) fn len(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// The terms of blocking keys that at most `cap` leads have, and the two rarest however many have them.
    pub(super) fn select_terms(
        &self,
        tenant: &TenantId,
        blocks: &[u64],
        cap: u64,
    ) -> Result<SelectedTerms, IndexError> {
        let mut frequencies = Vec::with_capacity(blocks.len());
        for block in blocks {
            let term = self.fields.block_term(tenant, *block);
            let frequency = self.searcher.doc_freq(&term)?;
            if frequency > 0 {
                frequencies.push((frequency, term));
            }
        }
        frequencies.sort_unstable();
        frequencies.dedup();
        let all = frequencies.len();
        let kept = frequencies.into_iter().enumerate().filter(|(rank, (frequency, _))| *rank < 2 || *frequency <= cap);
        let terms: Vec<Term> = kept.map(|(_, (_, term))| term).collect();
        Ok(SelectedTerms { cut: terms.len() < all, terms })
    }

    /// The `limit` leads that share the most and rarest of the terms, by BM25.
    pub(super) fn best(&self, selected: &SelectedTerms, limit: usize) -> Result<Vec<LeadId>, IndexError> {
        if selected.terms.is_empty() {
            return Ok(Vec::new());
        }
        let query = BooleanQuery::new_multiterms_query(selected.terms.clone());
        let hits = self.searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        Ok(hits.into_iter().map(|(_, address)| self.lead_at(address)).collect())
    }

    /// Whether a segment knows the lead, be it as a deleted document.
    ///
    /// Ids grow with time, so that a new lead lies behind the last one of nearly every segment and nothing has to be looked up.
    pub(super) fn knows(&self, tenant: &TenantId, lead_id: LeadId) -> Result<bool, IndexError> {
        let term = self.fields.key_term(tenant, lead_id);
        for (segment, columns) in self.segments() {
            if *columns.last_key >= *term.serialized_value_bytes()
                && segment.inverted_index(self.fields.key)?.doc_freq(&term)? > 0
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The lead of every live document of the tenant, as often as there is one.
    pub(super) fn leads_of(&self, tenant: &TenantId) -> Result<Vec<LeadId>, IndexError> {
        let scope = scope(tenant);
        let mut leads = Vec::new();
        for (segment, columns) in self.segments() {
            let keys = segment.inverted_index(self.fields.key)?;
            let mut terms = keys.terms().range().ge(&scope).into_stream()?;
            while let Some((key, info)) = terms.next() {
                let Some((_, lead_id)) = split_key(key).filter(|(owner, _)| *owner == tenant.as_str()) else { break };
                let mut postings = keys.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
                for doc in live_docs(segment, &mut postings) {
                    columns.check(doc, lead_id)?;
                    leads.push(lead_id);
                }
            }
        }
        Ok(leads)
    }

    /// The tenants of all documents, deleted ones included.
    pub(super) fn tenants(&self) -> Result<BTreeSet<String>, IndexError> {
        let mut tenants = BTreeSet::new();
        for (segment, _) in self.segments() {
            let keys = segment.inverted_index(self.fields.key)?;
            let mut from = Vec::new();
            while let Some((key, _)) = keys.terms().range().ge(&from).into_stream()?.next() {
                let (tenant, _) = split_key(key).ok_or_else(IndexError::inconsistent)?;
                from = after_scope(tenant);
                tenants.insert(tenant.to_owned());
            }
        }
        Ok(tenants)
    }

    fn lead_at(&self, address: DocAddress) -> LeadId {
        self.columns[address.segment_ord as usize].lead_id(address.doc_id)
    }
}

/// The two halves of the lead ids of one segment, and its last key.
pub(super) struct IdColumns {
    high: Arc<dyn ColumnValues<u64>>,
    low: Arc<dyn ColumnValues<u64>>,
    last_key: Box<[u8]>,
}

impl IdColumns {
    fn open(segment: &SegmentReader, fields: Fields) -> Result<Self, IndexError> {
        let columns = segment.fast_fields();
        let (high, low) = (columns.column_first_or_default(ID_HIGH)?, columns.column_first_or_default(ID_LOW)?);
        Ok(Self { high, low, last_key: last_key(segment, fields)? })
    }

    /// The lead of a document.
    pub(super) fn lead_id(&self, doc: DocId) -> LeadId {
        joined(self.high.get_val(doc), self.low.get_val(doc))
    }

    fn check(&self, doc: DocId, lead_id: LeadId) -> Result<(), IndexError> {
        if self.lead_id(doc) == lead_id { Ok(()) } else { Err(IndexError::inconsistent()) }
    }
}

/// The greatest key of a segment; empty where it has none.
fn last_key(segment: &SegmentReader, fields: Fields) -> Result<Box<[u8]>, IndexError> {
    let index = segment.inverted_index(fields.key)?;
    let mut key = Vec::new();
    if let Some(last) = (index.terms().num_terms() as u64).checked_sub(1) {
        index.terms().ord_to_term(last, &mut key)?;
    }
    Ok(key.into())
}

/// The documents of `docs` that were not deleted.
pub(super) fn live_docs<'a>(segment: &'a SegmentReader, docs: &'a mut impl DocSet) -> impl Iterator<Item = DocId> + 'a {
    let mut next = docs.doc();
    let all = std::iter::from_fn(move || {
        let doc = next;
        next = if doc == TERMINATED { TERMINATED } else { docs.advance() };
        (doc != TERMINATED).then_some(doc)
    });
    all.filter(|doc| !segment.is_deleted(*doc))
}
