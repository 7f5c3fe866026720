//! A purge as a page for people: how much was found, how sure it is, the largest groups, and the pairs that were decided by a hair. One file
//! that asks for nothing from anywhere, and in which every value is escaped.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use crate::cli::exit::CommandError;
use crate::cli::explain::svg::{self, escaped};
use crate::cli::whole_file::write_whole;
use crate::decision::clustering::ScoredPair;
use crate::decision::explanation::{Thresholds, Waterfall};
use crate::decision::matching::weight_of_probability;

use super::Purge;
use super::comparing::Found;
use super::texts::Texts;

/// Groups that are shown, and members of each.
const MOST_GROUPS: usize = 10;
const MOST_MEMBERS: usize = 10;

/// Pairs that are shown on each side of the match threshold.
const MOST_PAIRS: usize = 5;

const STYLE: &str = ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.15rem .9rem .15rem 0;text-align:left;vertical-align:top}\
td.number{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto;margin:.5rem 0}h3{margin-bottom:0}";

/// What is shown of a purge.
pub(super) struct Report<'a> {
    purge: &'a Purge,
    found: &'a Found,
    groups: Vec<&'a [u32]>,
    count: usize,
    duplicates: usize,
    above: Vec<ScoredPair>,
    below: Vec<ScoredPair>,
}

impl<'a> Report<'a> {
    /// Chooses what is shown.
    pub(super) fn new(purge: &'a Purge, found: &'a Found, groups: &'a [Vec<u32>]) -> Self {
        let mut largest: Vec<&[u32]> = groups.iter().map(Vec::as_slice).collect();
        largest.sort_by_key(|group| Reverse(group.len()));
        largest.truncate(MOST_GROUPS);
        let threshold = weight_of_probability(purge.policy.match_threshold);
        let (above, below) = found.pairs.iter().partition(|pair| f64::from(pair.weight) >= threshold);
        let duplicates = groups.iter().map(|group| group.len() - 1).sum();
        let (above, below) = (nearest(above, threshold), nearest(below, threshold));
        Self { purge, found, groups: largest, count: groups.len(), duplicates, above, below }
    }

    /// The records of which it shows values.
    pub(super) fn shown(&self) -> BTreeSet<u32> {
        let members = self.groups.iter().flat_map(|group| group.iter().take(MOST_MEMBERS)).copied();
        let pairs = self.above.iter().chain(&self.below).flat_map(|pair| [pair.a, pair.b]);
        members.chain(pairs).collect()
    }

    /// Writes the page; `numbers` has the number of each record's group.
    pub(super) fn write(&self, path: &Path, title: &str, texts: &Texts, numbers: &[u32]) -> Result<(), CommandError> {
        let page = self.page(title, texts, numbers);
        write_whole(path, |file| file.write_all(page.as_bytes()))
    }

    fn page(&self, title: &str, texts: &Texts, numbers: &[u32]) -> String {
        let title = escaped(&format!("Duplicates in {title}"));
        let pairs = |heading: &str, pairs: &[ScoredPair]| {
            let drawn: String = pairs.iter().map(|pair| self.pair(*pair, texts)).collect();
            if pairs.is_empty() { String::new() } else { format!("<h2>{heading}</h2>\n{drawn}") }
        };
        [
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n".to_owned(),
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                .into(),
            "<meta name=\"viewport\" content=\"width=device-width\">\n".into(),
            format!("<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"),
            self.summary(),
            self.found.histogram.draw(self.thresholds()),
            "<p>Pairs below a probability of 0.5 are not shown.</p>\n".into(),
            self.largest(texts, numbers),
            pairs("Pairs that match by a hair", &self.above),
            pairs("Pairs that a person should look at, nearest to a match", &self.below),
            "</body>\n</html>\n".into(),
        ]
        .concat()
    }

    fn thresholds(&self) -> Thresholds {
        let policy = &self.purge.policy;
        Thresholds { matching: policy.match_threshold, review: policy.review_threshold }
    }

    fn summary(&self) -> String {
        let (records, found) = (&self.purge.records, self.found);
        let threshold = weight_of_probability(self.purge.policy.match_threshold);
        let matching = found.pairs.iter().filter(|pair| f64::from(pair.weight) >= threshold).count();
        let rows = [
            ("records", records.ids.len() as u64),
            ("rows that could not be read and stand alone", records.findings.rows as u64),
            ("groups of two or more records", self.count as u64),
            ("records too many", self.duplicates as u64),
            ("pairs compared", found.compared),
            ("pairs that match", matching as u64),
            ("pairs that a person should look at", (found.pairs.len() - matching) as u64),
            (
                "blocking keys that too many records share and that were passed over",
                self.purge.blocks.passed_over as u64,
            ),
        ];
        let rows = rows.map(|(what, count)| format!("<tr><td>{what}</td><td class=\"number\">{count}</td></tr>\n"));
        format!("<table>\n{}</table>\n", rows.concat())
    }

    fn largest(&self, texts: &Texts, numbers: &[u32]) -> String {
        if self.groups.is_empty() {
            return "<p>No two records are one.</p>\n".into();
        }
        let groups = self.groups.iter().map(|group| self.group(group, numbers[group[0] as usize], texts));
        format!("<h2>The largest groups</h2>\n{}", groups.collect::<String>())
    }

    fn group(&self, group: &[u32], number: u32, texts: &Texts) -> String {
        let row = |record: &u32| {
            let value = |field: &str| escaped(texts.value(*record, field));
            let (id, name) = (escaped(&self.purge.records.ids[*record as usize]), escaped(&texts.name(*record)));
            format!("<tr><td>{id}</td><td>{name}</td><td>{}</td><td>{}</td></tr>\n", value("company"), value("email"))
        };
        let rows: String = group.iter().take(MOST_MEMBERS).map(row).collect();
        let more = match group.len().saturating_sub(MOST_MEMBERS) {
            0 => String::new(),
            more => format!("<p>and {more} more</p>\n"),
        };
        format!(
            "<h3>Group {number}: {} records</h3>\n<table>\n<tr><th>id</th><th>name</th><th>company</th><th>email</th></tr>\n{rows}</table>\n{more}",
            group.len()
        )
    }

    fn pair(&self, pair: ScoredPair, texts: &Texts) -> String {
        let id = |record: u32| &*self.purge.records.ids[record as usize];
        let values = |field: &str| {
            let [one, other] = [pair.a, pair.b].map(|record| texts.value(record, field).to_owned());
            (!one.is_empty() || !other.is_empty()).then_some((one, other))
        };
        let waterfall = Waterfall::of_score(&self.purge.score(pair.a, pair.b), self.thresholds(), values);
        svg::draw(&waterfall, &format!("{} and {}", id(pair.a), id(pair.b)))
    }
}

/// The pairs nearest to the threshold, the nearest first.
fn nearest(mut pairs: Vec<ScoredPair>, threshold: f64) -> Vec<ScoredPair> {
    let distance = |pair: &ScoredPair| (f64::from(pair.weight) - threshold).abs();
    pairs.sort_by(|one, other| distance(one).total_cmp(&distance(other)));
    pairs.truncate(MOST_PAIRS);
    pairs
}
