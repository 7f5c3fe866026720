//! The searchable index at one commit: a searcher, and what is kept open of its segments.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use tantivy::postings::TermInfo;
use tantivy::schema::{IndexRecordOption, TantivyDocument, Value};
use tantivy::{DocAddress, DocId, DocSet, Searcher, SegmentOrdinal, SegmentReader, TERMINATED, Term};

use crate::decision::comparable::Comparable;
use crate::domain::{LeadId, TenantId};

use super::candidates::{Candidate, MAX_INDEXED_CANDIDATES};
use super::error::IndexError;
use super::opened_segment::OpenedSegment;
use super::schema::{Fields, after_scope, scope, split_key};
use super::segment_filter::hash_of;
use super::sharing::{MOST_OF_A_KEY, Rank, Sought, leave_rare, ranked, share_of};

/// The index as one commit left it; cheap to clone.
#[derive(Clone)]
pub(super) struct Indexed {
    searcher: Searcher,
    opened: Arc<[Arc<OpenedSegment>]>,
    fields: Fields,
}

/// The leads that share blocking keys.
#[derive(Default)]
pub(super) struct Sharing {
    /// The documents of the leads, the likeliest first; each once.
    pub(super) ranked: Vec<(Rank, DocAddress)>,
    /// Whether leads were left out because too many have a key.
    pub(super) cut: bool,
}

/// A blocking key that leads have: how many, and where in each segment they are listed.
pub(super) struct Listed {
    pub(super) block: u64,
    /// Documents that have it, deleted ones included until their segment is merged.
    pub(super) frequency: u64,
    segments: Vec<(SegmentOrdinal, TermInfo)>,
}

/// A live document, which is one lead's, and what it says to share a key with it.
type Share = (DocAddress, u32);

impl Indexed {
    /// Opens every segment that the commit before did not have: what is in a segment never changes, but for what is deleted.
    pub(super) fn new(searcher: Searcher, fields: Fields, before: Option<&Self>) -> Result<Self, IndexError> {
        let before: &[Arc<OpenedSegment>] = before.map_or(&[], |before| &before.opened);
        let open = |segment: &SegmentReader| match before.iter().find(|opened| opened.is(segment)) {
            Some(opened) => Ok(Arc::clone(opened)),
            None => OpenedSegment::open(segment, fields).map(Arc::new),
        };
        let opened = searcher.segment_readers().iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { searcher, opened, fields })
    }

    /// The same commit, as long as none of its filters is made.
    #[cfg(test)]
    pub(super) fn unfiltered(&self) -> Result<Self, IndexError> {
        let open = |segment| OpenedSegment::unfiltered(segment, self.fields).map(Arc::new);
        let opened = self.searcher.segment_readers().iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { searcher: self.searcher.clone(), opened, fields: self.fields })
    }

    /// The segments with what is kept open of them.
    pub(super) fn segments(&self) -> impl Iterator<Item = (&SegmentReader, &OpenedSegment)> {
        self.searcher.segment_readers().iter().zip(self.opened.iter().map(|opened| &**opened))
    }

    /// The segments without a filter that the commit before did not have.
    pub(super) fn unfiltered_since(&self, before: Option<&Self>) -> Vec<Arc<OpenedSegment>> {
        let known = |opened: &Arc<OpenedSegment>| {
            before.is_some_and(|before| before.opened.iter().any(|known| Arc::ptr_eq(known, opened)))
        };
        self.opened.iter().filter(|opened| opened.filter().is_none() && !known(opened)).cloned().collect()
    }

    /// The fields of the index.
    pub(super) fn fields(&self) -> Fields {
        self.fields
    }

    /// How many leads it holds.
    pub(super) fn len(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// The leads that share at least one of the keys that at most `cap` leads have, or one of the two rarest however many have them.
    pub(super) fn sharing(&self, tenant: &TenantId, sought: Sought<'_>, cap: u64) -> Result<Sharing, IndexError> {
        let mut listed = self.listed(tenant, sought.blocks)?;
        let cut = leave_rare(&mut listed, |listed| listed.frequency, cap);
        let mut shares = Vec::new();
        for key in &listed {
            self.read(key, &mut shares)?;
        }
        let likeness = |DocAddress { segment_ord, doc_id }| {
            self.opened[segment_ord as usize].signature(doc_id).likeness(sought.signature)
        };
        Ok(Sharing { ranked: ranked(shares, MAX_INDEXED_CANDIDATES, likeness), cut })
    }

    /// The likeliest of ranked documents with their leads, of equals the oldest: at most so many that `keep` keeps, and whether there are
    /// more.
    pub(super) fn likeliest(
        &self,
        ranked: &[(Rank, DocAddress)],
        most: usize,
        keep: impl Fn(LeadId) -> bool,
    ) -> (Vec<(LeadId, DocAddress)>, bool) {
        let mut leads: Vec<(LeadId, DocAddress)> = Vec::new();
        for equals in ranked.chunk_by(|one, other| one.0 == other.0) {
            let first = leads.len();
            if first > most {
                break;
            }
            let found = equals.iter().map(|(_, document)| (self.lead_id(*document), *document));
            leads.extend(found.filter(|(lead_id, _)| keep(*lead_id)));
            leads[first..].sort_unstable();
        }
        let more = leads.len() > most;
        leads.truncate(most);
        (leads, more)
    }

    /// The lead of a document.
    pub(super) fn lead_id(&self, DocAddress { segment_ord, doc_id }: DocAddress) -> LeadId {
        self.opened[segment_ord as usize].lead_id(doc_id)
    }

    /// What the lead of a document is compared by.
    pub(super) fn comparable(&self, document: DocAddress) -> Result<Comparable, IndexError> {
        let stored: TantivyDocument = self.searcher.doc(document)?;
        let bytes = stored.get_first(self.fields.comparable).and_then(|value| value.as_bytes());
        bytes.and_then(Comparable::from_bytes).ok_or_else(IndexError::inconsistent)
    }

    /// The lead of a document, ready to be compared.
    pub(super) fn candidate(&self, lead_id: LeadId, document: DocAddress) -> Result<Candidate, IndexError> {
        Ok(Candidate { lead_id, comparable: self.comparable(document)?.into(), sequence: 0 })
    }

    /// Looks every key up once in each segment.
    pub(super) fn listed(&self, tenant: &TenantId, blocks: &[u64]) -> Result<Vec<Listed>, IndexError> {
        let mut blocks = blocks.to_vec();
        blocks.sort_unstable();
        blocks.dedup();
        let terms: Vec<Term> = blocks.iter().map(|block| self.fields.block_term(tenant, *block)).collect();
        let hashes: Vec<u64> = terms.iter().map(|term| hash_of(term.serialized_value_bytes())).collect();
        let mut listed: Vec<Listed> =
            blocks.iter().map(|block| Listed { block: *block, frequency: 0, segments: Vec::new() }).collect();
        for (ordinal, opened) in (0..).zip(self.opened.iter()) {
            let filter = opened.filter();
            for ((term, hash), listed) in terms.iter().zip(&hashes).zip(&mut listed) {
                if filter.is_none_or(|filter| filter.may_have(*hash))
                    && let Some(info) = opened.blocks.terms().get(term.serialized_value_bytes())?
                {
                    listed.frequency += u64::from(info.doc_freq);
                    listed.segments.push((ordinal, info));
                }
            }
        }
        listed.retain(|listed| listed.frequency > 0);
        Ok(listed)
    }

    /// Adds the live leads of a key. Of one that is read to its end only these count in what it says to share it, so that a merge of
    /// segments changes nothing.
    pub(super) fn read(&self, key: &Listed, shares: &mut Vec<Share>) -> Result<(), IndexError> {
        let begun = shares.len();
        let mut room = MOST_OF_A_KEY;
        for (ordinal, info) in &key.segments {
            let segment = self.searcher.segment_reader(*ordinal);
            let index = &self.opened[*ordinal as usize].blocks;
            let mut postings = index.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            let before = shares.len();
            let live = live_docs(segment, &mut postings).take(room);
            shares.extend(live.map(|doc| (DocAddress::new(*ordinal, doc), 0)));
            room -= shares.len() - before;
        }
        let having = if room == 0 { key.frequency } else { (shares.len() - begun) as u64 };
        let share = share_of(having, self.len());
        shares[begun..].iter_mut().for_each(|(_, of_key)| *of_key = share);
        Ok(())
    }

    /// Whether a segment knows the lead, be it as a deleted document.
    ///
    /// Ids grow with time, so that a new lead lies behind the last one of nearly every segment and nothing has to be looked up.
    pub(super) fn knows(&self, tenant: &TenantId, lead_id: LeadId) -> Result<bool, IndexError> {
        let term = self.fields.key_term(tenant, lead_id);
        for (segment, opened) in self.segments() {
            if *opened.last_key >= *term.serialized_value_bytes()
                && segment.inverted_index(self.fields.key)?.doc_freq(&term)? > 0
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The lead of every live document of the tenant, as often as there is one.
    pub(super) fn leads_of(&self, tenant: &TenantId) -> Result<Vec<LeadId>, IndexError> {
        let mut leads = Vec::new();
        let _ = self.each_lead_of(tenant, |lead_id, _| {
            leads.push(lead_id);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(leads)
    }

    /// Shows every live document of the tenant with its lead, until `show` breaks off.
    pub(super) fn each_lead_of(
        &self,
        tenant: &TenantId,
        mut show: impl FnMut(LeadId, DocAddress) -> Result<ControlFlow<()>, IndexError>,
    ) -> Result<ControlFlow<()>, IndexError> {
        let scope = scope(tenant);
        for (ordinal, (segment, opened)) in (0..).zip(self.segments()) {
            let keys = segment.inverted_index(self.fields.key)?;
            let mut terms = keys.terms().range().ge(&scope).into_stream()?;
            while let Some((key, info)) = terms.next() {
                let Some((_, lead_id)) = split_key(key).filter(|(owner, _)| *owner == tenant.as_str()) else { break };
                let mut postings = keys.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
                for doc in live_docs(segment, &mut postings) {
                    opened.check(doc, lead_id)?;
                    if show(lead_id, DocAddress::new(ordinal, doc))?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
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
