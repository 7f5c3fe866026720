//! Evaluates an expression over one segment: which documents match, and what each match is worth.

use std::cmp::Ordering;
use std::io;
use std::sync::Arc;

use tantivy::postings::{BlockSegmentPostings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, InvertedIndexReader, SegmentReader, Term};

use crate::domain::TenantId;

use super::error::IndexError;
use super::expression::{Expression, mean};
use super::schema::{Fields, scope};
use super::search_text::{CLASS_MARK, FULL_WEIGHT, Weight, weight_of};

/// A term is walked whole unless it has this many times more documents than can still match; then each is looked up.
const SEEK_RATIO: usize = 16;

/// From one match per so many documents on, matches are collected in an array over all documents rather than sorted.
const DENSE_RATIO: u64 = 16;

/// A document and what its match is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// The document, within the segment.
    pub(super) doc: DocId,
    /// Never 0.
    pub(super) weight: Weight,
}

/// The documents of the segment that match the expression, ascending, deleted ones included.
pub(super) fn matches(
    segment: &SegmentReader,
    fields: Fields,
    tenant: &TenantId,
    expression: &Expression,
) -> Result<Vec<Match>, IndexError> {
    let search = SegmentSearch {
        words: segment.inverted_index(fields.words)?,
        keys: segment.inverted_index(fields.key)?,
        scope: scope(tenant),
        lead_term: &|lead_id| fields.key_term(tenant, lead_id),
        max_doc: segment.max_doc(),
    };
    let plan = search.plan(expression)?;
    search.run(&plan, None)
}

/// An expression with its terms looked up in one segment.
enum Plan {
    Terms(Vec<(TermInfo, Weight)>),
    Docs(Vec<Match>),
    All(Vec<Plan>),
    Any(Vec<Plan>),
}

impl Plan {
    /// At most how many documents match, and about what it costs to tell.
    fn cost(&self) -> u64 {
        match self {
            Self::Terms(terms) => terms.iter().map(|(info, _)| u64::from(info.doc_freq)).sum(),
            Self::Docs(docs) => docs.len() as u64,
            Self::All(parts) => parts.iter().map(Self::cost).min().unwrap_or(0),
            Self::Any(parts) => parts.iter().map(Self::cost).sum(),
        }
    }
}

struct SegmentSearch<'a> {
    words: Arc<InvertedIndexReader>,
    keys: Arc<InvertedIndexReader>,
    scope: Vec<u8>,
    lead_term: &'a dyn Fn(crate::domain::LeadId) -> Term,
    max_doc: DocId,
}

impl SegmentSearch<'_> {
    fn plan(&self, expression: &Expression) -> Result<Plan, IndexError> {
        Ok(match expression {
            Expression::Word(word) => Plan::Terms(self.expand_word(word)?),
            Expression::Tail { start, weight } => Plan::Terms(self.expand(start, start.len(), |_| *weight)?),
            Expression::Lead(lead_id) => Plan::Docs(self.docs_of(&(self.lead_term)(*lead_id))?),
            Expression::All(parts) => Plan::All(self.plans(parts)?),
            Expression::Any(parts) => Plan::Any(self.plans(parts)?),
        })
    }

    fn plans(&self, parts: &[Expression]) -> Result<Vec<Plan>, IndexError> {
        parts.iter().map(|part| self.plan(part)).collect()
    }

    /// The terms that begin with the word. A single letter is looked up among whole words and initials, which together
    /// find the same documents as the many words that begin with it.
    fn expand_word(&self, word: &str) -> io::Result<Vec<(TermInfo, Weight)>> {
        if word.chars().nth(1).is_some() {
            self.expand(word, word.len(), weight_of)
        } else {
            self.expand(&format!("{word}{CLASS_MARK}"), word.len(), weight_of)
        }
    }

    /// The terms that begin with `start`, weighed by what follows its first `typed` bytes.
    fn expand(
        &self,
        start: &str,
        typed: usize,
        weigh: impl Fn(&[u8]) -> Weight,
    ) -> io::Result<Vec<(TermInfo, Weight)>> {
        let from = [&self.scope, start.as_bytes()].concat();
        // No term holds this byte, because terms are UTF-8.
        let to = [&from, &[u8::MAX][..]].concat();
        let mut terms = Vec::new();
        let mut stream = self.words.terms().range().ge(&from).lt(&to).into_stream()?;
        while let Some((key, info)) = stream.next() {
            terms.push((info.clone(), weigh(&key[self.scope.len() + typed..])));
        }
        Ok(terms)
    }

    fn docs_of(&self, term: &Term) -> io::Result<Vec<Match>> {
        let Some(mut postings) = self.keys.read_block_postings(term, IndexRecordOption::Basic)? else {
            return Ok(Vec::new());
        };
        let mut docs = Vec::new();
        walk(&mut postings, |doc| docs.push(Match { doc, weight: FULL_WEIGHT }));
        Ok(docs)
    }

    /// The matches of a plan; where `within` is given, those that are not in it may be missing.
    fn run(&self, plan: &Plan, within: Option<&[Match]>) -> Result<Vec<Match>, IndexError> {
        match plan {
            Plan::Terms(terms) => self.run_terms(terms, within),
            Plan::Docs(docs) => Ok(docs.clone()),
            Plan::All(parts) => self.run_all(parts, within),
            Plan::Any(parts) => self.run_any(parts, within),
        }
    }

    /// The cheapest part first, so that the others need only be looked up in what is left.
    fn run_all(&self, parts: &[Plan], within: Option<&[Match]>) -> Result<Vec<Match>, IndexError> {
        let mut parts: Vec<&Plan> = parts.iter().collect();
        parts.sort_by_key(|part| part.cost());
        let Some((first, others)) = parts.split_first() else { return Ok(Vec::new()) };
        let mut sums = self.run(first, within)?;
        for part in others {
            if sums.is_empty() {
                break;
            }
            sums = summed(&sums, &self.run(part, Some(&sums))?);
        }
        let count = 1 + others.len() as u32;
        sums.iter_mut().for_each(|sum| sum.weight = mean(sum.weight, count));
        Ok(sums)
    }

    fn run_any(&self, parts: &[Plan], within: Option<&[Match]>) -> Result<Vec<Match>, IndexError> {
        let mut found = Vec::new();
        for part in parts {
            found.append(&mut self.run(part, within)?);
        }
        Ok(best_of_each(found))
    }

    fn run_terms(&self, terms: &[(TermInfo, Weight)], within: Option<&[Match]>) -> Result<Vec<Match>, IndexError> {
        let total: u64 = terms.iter().map(|(info, _)| u64::from(info.doc_freq)).sum();
        let dense = terms.len() > 1 && total > u64::from(self.max_doc) / DENSE_RATIO;
        let mut found = if dense { Found::dense(self.max_doc) } else { Found::Sparse(Vec::new()) };
        let mut walked = None;
        for (info, weight) in terms {
            match within.filter(|within| within.len() * SEEK_RATIO < info.doc_freq as usize) {
                Some(within) => self.seek_each(info, within, |doc| found.add(doc, *weight))?,
                None => self.walk_term(&mut walked, info, |doc| found.add(doc, *weight))?,
            }
        }
        Ok(found.into_matches())
    }

    /// Walks a term's documents with a cursor that is made once and used for every term.
    fn walk_term(
        &self,
        cursor: &mut Option<BlockSegmentPostings>,
        info: &TermInfo,
        add: impl FnMut(DocId),
    ) -> io::Result<()> {
        match cursor {
            Some(postings) => self.words.reset_block_postings_from_terminfo(info, postings)?,
            None => *cursor = Some(self.words.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?),
        }
        if let Some(postings) = cursor {
            walk(postings, add);
        }
        Ok(())
    }

    fn seek_each(&self, info: &TermInfo, within: &[Match], mut add: impl FnMut(DocId)) -> io::Result<()> {
        let mut postings = self.words.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        for Match { doc, .. } in within {
            if postings.doc() < *doc {
                postings.seek(*doc);
            }
            if postings.doc() == *doc {
                add(*doc);
            }
        }
        Ok(())
    }
}

fn walk(postings: &mut BlockSegmentPostings, mut add: impl FnMut(DocId)) {
    while !postings.docs().is_empty() {
        postings.docs().iter().for_each(|doc| add(*doc));
        postings.advance();
    }
}

/// Matches being collected, the best weight of each document.
enum Found {
    Sparse(Vec<Match>),
    /// By document, 0 where it does not match.
    Dense(Vec<Weight>),
}

impl Found {
    fn dense(max_doc: DocId) -> Self {
        Self::Dense(vec![0; max_doc as usize])
    }

    fn add(&mut self, doc: DocId, weight: Weight) {
        match self {
            Self::Sparse(matches) => matches.push(Match { doc, weight }),
            Self::Dense(weights) => weights[doc as usize] = weights[doc as usize].max(weight),
        }
    }

    fn into_matches(self) -> Vec<Match> {
        match self {
            Self::Sparse(matches) => best_of_each(matches),
            Self::Dense(weights) => {
                let matches = (0..).zip(weights).map(|(doc, weight)| Match { doc, weight });
                matches.filter(|found| found.weight > 0).collect()
            }
        }
    }
}

/// Sorted by document, each with its best weight.
fn best_of_each(mut matches: Vec<Match>) -> Vec<Match> {
    matches.sort_unstable_by(|a, b| a.doc.cmp(&b.doc).then(b.weight.cmp(&a.weight)));
    matches.dedup_by_key(|found| found.doc);
    matches
}

/// The documents in both, with the sum of their weights.
fn summed(a: &[Match], b: &[Match]) -> Vec<Match> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut both = Vec::new();
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        match left.doc.cmp(&right.doc) {
            Ordering::Less => drop(a.next()),
            Ordering::Greater => drop(b.next()),
            Ordering::Equal => {
                both.push(Match { doc: left.doc, weight: left.weight + right.weight });
                a.next();
                b.next();
            }
        }
    }
    both
}
