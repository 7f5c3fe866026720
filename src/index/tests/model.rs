//! Random operations against a naive model: a map of the latest states, searched by looking at every one.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use crate::domain::{Field, Lead, LeadId, TenantId};
use crate::index::expression::Expression;
use crate::index::search_text::{FULL_WEIGHT, SearchText};
use crate::index::{IndexDocument, LeadIndex, SearchQuery};

use super::fixtures::{
    document, lead, lead_id, number, open, sought, tenant, with_email, with_external_id, with_phone,
};

const NAMES: [&str; 6] = ["Jane", "Jané-Luc", "J", "O'Brien", "Müller", "山田"];
const COMPANIES: [&str; 4] = ["Jane Acme GmbH", "A&B", "Łódź S.A.", "Müllerei"];
const CITIES: [&str; 3] = ["Jena 12", "Łódź", "10115 Berlin"];
const EMAILS: [&str; 3] = ["jane.m@acme.com", "j@b.de", "o.brien@müller.de"];
const PHONES: [&str; 4] = ["+493012345678", "+14155550199", "+493012340199", "national:DE:30123456"];
const IDS: [&str; 3] = ["MKTG-123", "123", "00Q-jane"];
const QUERIES: [&str; 24] = [
    "jane",
    "jan",
    "j",
    "ja",
    "muller",
    "m",
    "o'brien",
    "obrien",
    "jane muller",
    "acme jane",
    "a b",
    "lodz",
    "山",
    "山田",
    "jane.m@acme.com",
    "com",
    "030 123456",
    "5550199",
    "0199",
    "123",
    "12 30123",
    "mktg",
    "b",
    "10115 berlin",
];

/// What may happen.
#[derive(Debug, Clone)]
enum Operation {
    Record(Box<Recorded>),
    Freeze,
    Publish,
    Reopen,
    Rebuild,
}

#[derive(Debug, Clone)]
struct Recorded {
    tenant: usize,
    number: u64,
    live: bool,
    blocks: Vec<u64>,
    parts: Vec<(usize, usize)>,
}

fn operation() -> impl Strategy<Value = Operation> {
    let parts = prop::collection::vec((0_usize..6, 0_usize..6), 0..5);
    let blocks = prop::collection::vec(0_u64..5, 0..4);
    let record = (0_usize..2, 0_u64..8, prop::bool::weighted(0.8), blocks, parts);
    prop_oneof![
        12 => record.prop_map(|(tenant, number, live, blocks, parts)| {
            Operation::Record(Box::new(Recorded { tenant, number, live, blocks, parts }))
        }),
        4 => Just(Operation::Freeze),
        4 => Just(Operation::Publish),
        1 => Just(Operation::Reopen),
        1 => Just(Operation::Rebuild),
    ]
}

fn tenants() -> [TenantId; 2] {
    [tenant("a"), tenant("ab")]
}

fn filled(number: u64, parts: &[(usize, usize)]) -> Lead {
    parts.iter().fold(lead(number), |lead, (part, which)| match part {
        0 => lead.with_field(Field::FirstName, NAMES[which % NAMES.len()]),
        1 => lead.with_field(Field::LastName, NAMES[which % NAMES.len()]),
        2 => lead.with_field(Field::Company, COMPANIES[which % COMPANIES.len()]),
        3 => lead.with_field(Field::City, CITIES[which % CITIES.len()]),
        4 if which % 2 == 0 => with_email(lead, EMAILS[which / 2]),
        4 => with_external_id(lead, IDS[which / 2]),
        _ => with_phone(lead, "", PHONES[which % PHONES.len()]),
    })
}

/// The latest state of every lead, and how far the index claims to be.
#[derive(Default)]
struct Model {
    latest: BTreeMap<(TenantId, LeadId), IndexDocument>,
    sequence: u64,
    frozen: Option<u64>,
    payload: u64,
    /// The highest sequence recorded since the last freeze.
    active: Option<u64>,
}

impl Model {
    fn live_of<'a>(&'a self, tenant: &'a TenantId) -> impl Iterator<Item = &'a IndexDocument> {
        self.latest.values().filter(move |document| document.live && document.tenant == *tenant)
    }

    fn hits(&self, tenant: &TenantId, text: &str) -> Vec<(u64, f64)> {
        let expression = Expression::parse(text).unwrap();
        let weigh = |document: &IndexDocument| expression.weigh(document.lead_id, &SearchText::of(&document.lead));
        let mut hits: Vec<_> = self.live_of(tenant).map(|document| (weigh(document), document.lead_id)).collect();
        hits.retain(|(weight, _)| *weight > 0);
        hits.sort_by_key(|(weight, lead_id)| (std::cmp::Reverse(*weight), *lead_id));
        hits.iter().map(|(weight, lead_id)| (number(*lead_id), f64::from(*weight) / f64::from(FULL_WEIGHT))).collect()
    }

    fn sharing(&self, tenant: &TenantId, blocks: &[u64]) -> Vec<LeadId> {
        let shares = |document: &&IndexDocument| document.blocks.iter().any(|block| blocks.contains(block));
        self.live_of(tenant).filter(shares).map(|document| document.lead_id).collect()
    }
}

/// Runs operations on both.
struct Run<'a> {
    path: &'a Path,
    index: Option<LeadIndex>,
    model: Model,
}

impl Run<'_> {
    fn index(&self) -> &LeadIndex {
        self.index.as_ref().unwrap()
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Record(recorded) => self.record(recorded),
            Operation::Freeze => self.freeze(),
            Operation::Publish => self.publish(),
            Operation::Reopen => self.reopen(),
            Operation::Rebuild => {
                self.index().drop_and_rebuild().unwrap();
                self.model.payload = 0;
                self.model.frozen = None;
                self.replay();
            }
        }
    }

    fn record(&mut self, recorded: &Recorded) {
        self.model.sequence += 1;
        let mut document = document(self.model.sequence, filled(recorded.number, &recorded.parts), &recorded.blocks);
        document.tenant = tenants()[recorded.tenant].clone();
        document.live = recorded.live;
        self.model.latest.insert((document.tenant.clone(), document.lead_id), document.clone());
        self.model.active = Some(self.model.sequence);
        self.index().record(document);
    }

    fn freeze(&mut self) {
        let expected = self.model.frozen.is_none() && self.model.active.is_some();
        assert_eq!(self.index().freeze(self.model.sequence), expected);
        if expected {
            self.model.frozen = Some(self.model.sequence);
            self.model.active = None;
        }
        assert_eq!(self.index().frozen_sequence(), self.model.frozen);
    }

    fn publish(&mut self) {
        self.index().publish().unwrap();
        self.model.payload = self.model.frozen.take().unwrap_or(self.model.payload);
    }

    /// A crash: what is not published is gone and comes back from the feed.
    fn reopen(&mut self) {
        self.index = None;
        let opened = open(self.path);
        assert_eq!((opened.payload, opened.rebuilt), (self.model.payload, None));
        self.index = Some(opened.index);
        self.model.frozen = None;
        self.model.active = None;
        self.replay();
    }

    fn replay(&mut self) {
        let mut missing: Vec<_> = self.model.latest.values().cloned().collect();
        missing.retain(|document| document.sequence > self.model.payload);
        missing.sort_by_key(|document| document.sequence);
        for document in missing {
            self.model.active = Some(document.sequence);
            self.index().record(document);
        }
    }

    fn check(&self) {
        let view = self.index().view();
        for tenant in tenants() {
            for text in QUERIES {
                let query = SearchQuery { text: text.into(), page_size: 100, offset: 0 };
                let page = view.search(&tenant, &query).unwrap();
                let hits: Vec<_> = page.hits.iter().map(|hit| (number(hit.lead_id), hit.score)).collect();
                assert_eq!(hits, self.model.hits(&tenant, text), "{text}");
            }
            for blocks in [vec![0], vec![1, 2], vec![3, 4, 0]] {
                let candidates = view.candidates(&tenant, sought(&blocks), 1_000).unwrap();
                assert_eq!(candidates.lead_ids().collect::<Vec<_>>(), self.model.sharing(&tenant, &blocks));
                assert!(!candidates.truncated);
            }
            let live: Vec<_> = self.model.live_of(&tenant).map(|document| document.lead_id).collect();
            assert_eq!(view.live_ids(&tenant).unwrap(), live);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 10, ..ProptestConfig::default() })]

    #[test]
    fn the_index_answers_as_the_model_does(operations in prop::collection::vec(operation(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let index = open(folder.path()).index;
        let mut run = Run { path: folder.path(), index: Some(index), model: Model::default() };
        for operation in &operations {
            run.apply(operation);
            run.check();
        }
    }
}

#[test]
fn ids_of_the_fixtures_sort_as_their_numbers() {
    assert!(lead_id(1) < lead_id(256));
}
