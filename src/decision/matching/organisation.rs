//! Comparing companies and their domains: legal forms, abbreviations, acronyms, words that matter.

use serde::{Deserialize, Serialize};

use crate::domain::CompanyName;

use super::frequency::{FrequencyTable, Term, TermHash};
use super::level::Level;
use super::scoring::Agreement;
use super::similarity::{MOST_WORDS, clipped, is_misspelt, latin, letters, similarity};

/// Words that companies shorten, each group under its first form.
const SHORT_FORMS: &[&[&str]] = &[
    &["academy", "acad"],
    &["american", "amer"],
    &["associates", "association", "assoc", "assn"],
    &["brothers", "bros"],
    &["center", "centre", "ctr", "cntr"],
    &["children", "childrens", "child"],
    &["communications", "communication", "comm", "comms"],
    &["community", "comm"],
    &["department", "dept"],
    &["development", "dev", "devel"],
    &["electronics", "electronic", "elec"],
    &["engineering", "engineers", "eng", "engr"],
    &["group", "grp"],
    &["hospital", "hosp"],
    &["industries", "industrial", "industry", "ind"],
    &["institute", "inst"],
    &["international", "intl", "int"],
    &["laboratories", "laboratory", "labs", "lab"],
    &["management", "mgmt"],
    &["manufacturing", "mfg", "manuf"],
    &["national", "natl", "nat"],
    &["saint", "st"],
    &["school", "sch"],
    &["services", "service", "svcs", "svc", "serv"],
    &["systems", "system", "sys"],
    &["technology", "technologies", "tech"],
    &["university", "univ"],
];

/// The most that a name says, however many words it has.
const MOST_BITS: f64 = 15.0;

/// Words that say nothing within a name.
const FILLERS: &[&str] = &["and", "of", "the", "for", "a", "an", "at", "in", "de", "der", "und", "y", "et"];

/// A company and its domains, ready to be compared.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Organisation {
    core: Box<str>,
    words: Vec<(Box<str>, TermHash)>,
    term: Option<TermHash>,
    domains: Vec<(Box<str>, TermHash)>,
}

impl Organisation {
    pub(super) fn new(company: Option<&CompanyName>, domains: Vec<String>) -> Self {
        let core = company.map(|company| latin(company.core()).into_owned()).unwrap_or_default();
        let words = core.split(' ').filter(|word| !word.is_empty() && !FILLERS.contains(word)).take(MOST_WORDS);
        let words: Vec<Box<str>> = words.map(|word| long_form(clipped(word))).collect();
        let joined = letters(&core);
        Self {
            words: words
                .into_iter()
                .map(|word| {
                    let term = TermHash::of(Term::CompanyWord, &word);
                    (word, term)
                })
                .collect(),
            term: (!joined.is_empty()).then(|| TermHash::of(Term::Company, &joined)),
            core: clipped(&joined).into(),
            domains: domains
                .into_iter()
                .map(|domain| {
                    let term = TermHash::of(Term::Domain, &domain);
                    (domain.into(), term)
                })
                .collect(),
        }
    }

    /// The letters of the company's name; empty where it has none.
    pub(super) fn name(&self) -> &str {
        &self.core
    }

    /// How rare the name is: as a whole where it is common, else as rare as its words are together.
    fn rarity(&self, table: &FrequencyTable) -> f64 {
        let whole = self.term.map_or(0.0, |term| table.rarity_of_unique(term, self.bits(table)));
        whole.min(MOST_BITS)
    }

    fn bits(&self, table: &FrequencyTable) -> f64 {
        self.words.iter().map(|(_, term)| table.rarity(*term).max(1.0)).sum()
    }

    /// How rare its name and its domains are, as far as it has them. A domain may stand for a name.
    pub(super) fn rarities(&self, table: &FrequencyTable) -> [Option<f64>; 2] {
        let domain = self.domains.iter().map(|(_, term)| table.rarity(*term)).reduce(f64::max);
        let name = (!self.core.is_empty()).then(|| self.rarity(table));
        [name.or(domain.map(|_| 0.0)), domain]
    }

    pub(super) fn terms(&self) -> impl Iterator<Item = TermHash> {
        let words = self.words.iter().map(|(_, term)| *term);
        self.term.into_iter().chain(words).chain(self.domains.iter().map(|(_, term)| *term))
    }
}

fn long_form(word: &str) -> Box<str> {
    let group = SHORT_FORMS.iter().find(|group| group.contains(&word));
    group.map_or(word, |group| group[0]).into()
}

/// Compares companies and domains. Which are two views of one fact: the weaker of two agreements counts a part.
pub(super) fn compare(
    a: &Organisation,
    b: &Organisation,
    of_people: bool,
    table: &FrequencyTable,
    out: &mut Vec<Agreement>,
) {
    let mut company = company(a, b, table);
    if let Some(different) = company.as_mut().filter(|company| !of_people && company.level == Level::CompanyDifferent) {
        different.level = Level::OrganisationDifferent;
    }
    let domain = domain(a, b, table);
    out.extend(company);
    out.extend(domain);
}

fn company(a: &Organisation, b: &Organisation, table: &FrequencyTable) -> Option<Agreement> {
    if a.core.is_empty() || b.core.is_empty() {
        let fits = domain_fits(a, b) || domain_fits(b, a);
        return fits.then(|| Agreement::new(Level::CompanyOfDomain, 1.0));
    }
    let rarity = || a.rarity(table).min(b.rarity(table));
    if a.term == b.term && a.core == b.core {
        return Some(Agreement::new(Level::CompanyExact, 1.0).rare(rarity()));
    }
    let overlap = Overlap::of(a, b, table);
    let level = match () {
        () if overlap.least() >= 0.85 || is_misspelt(&a.core, &b.core) => Level::CompanyWords,
        () if is_acronym(a, b) || is_acronym(b, a) => Level::CompanyAcronym,
        () if overlap.most() >= 0.85 || is_beginning(a, b) || is_beginning(b, a) => Level::CompanyPart,
        () if overlap.mean() >= 0.4 => Level::CompanySome,
        () => Level::CompanyDifferent,
    };
    let alike = if level.kind().agrees() { similarity(&a.core, &b.core) } else { 0.0 };
    // No part of a name is rarer than the whole.
    let rarity = if level == Level::CompanyWords { rarity() } else { overlap.shared_bits.min(rarity()) };
    Some(Agreement::new(level, alike.max(overlap.mean())).rare(rarity))
}

/// Letters of the shortest beginning that stands for a whole name.
const MIN_BEGINNING: usize = 6;

fn is_beginning(short: &Organisation, long: &Organisation) -> bool {
    short.core.len() >= MIN_BEGINNING && long.core.starts_with(&*short.core)
}

fn is_acronym(short: &Organisation, long: &Organisation) -> bool {
    let initials = || long.words.iter().filter_map(|(word, _)| word.chars().next());
    short.words.len() == 1
        && short.core.len() >= 2
        && long.words.len() == short.core.chars().count()
        && initials().eq(short.core.chars())
}

/// Whether the name of one's domain is the beginning of the other's company, or the company the beginning of it.
fn domain_fits(domains: &Organisation, company: &Organisation) -> bool {
    company.core.len() >= 4
        && domains.domains.iter().any(|(domain, _)| {
            let label: String = label(domain).chars().filter(char::is_ascii_alphanumeric).collect();
            label.len() >= 4 && (company.core.starts_with(&label) || label.starts_with(&*company.core))
        })
}

/// The name of a domain without its suffix.
pub(super) fn label(domain: &str) -> &str {
    domain.split('.').next().unwrap_or(domain)
}

/// How much of each name's information is in the other.
struct Overlap {
    a: f64,
    b: f64,
    shared_bits: f64,
}

impl Overlap {
    fn of(a: &Organisation, b: &Organisation, table: &FrequencyTable) -> Self {
        let bits = |term: TermHash| table.rarity(term).max(1.0);
        let covered = |one: &Organisation, other: &Organisation| {
            let (mut shared, mut whole) = (0.0, 0.0);
            for (word, term) in &one.words {
                let best = other.words.iter().map(|(other, _)| same_word(word, other)).fold(0.0, f64::max);
                let bits = bits(*term);
                shared += bits * best;
                whole += bits;
            }
            (shared, whole)
        };
        let ((a_shared, a_whole), (b_shared, b_whole)) = (covered(a, b), covered(b, a));
        Self { a: a_shared / a_whole.max(1.0), b: b_shared / b_whole.max(1.0), shared_bits: a_shared.min(b_shared) }
    }

    fn least(&self) -> f64 {
        self.a.min(self.b)
    }

    fn most(&self) -> f64 {
        self.a.max(self.b)
    }

    fn mean(&self) -> f64 {
        f64::midpoint(self.a, self.b)
    }
}

fn same_word(a: &str, b: &str) -> f64 {
    let begins = |short: &str, long: &str| short.len() >= 3 && long.starts_with(short);
    match () {
        () if a == b => 1.0,
        () if is_misspelt(a, b) => 0.9,
        () if begins(a, b) || begins(b, a) => 0.8,
        () => 0.0,
    }
}

fn domain(a: &Organisation, b: &Organisation, table: &FrequencyTable) -> Option<Agreement> {
    if a.domains.is_empty() || b.domains.is_empty() {
        return None;
    }
    let same = a.domains.iter().filter(|(domain, _)| b.domains.iter().any(|(other, _)| domain == other));
    if let Some(rarity) = same.map(|(_, term)| table.rarity(*term)).reduce(f64::max) {
        return Some(Agreement::new(Level::DomainExact, 1.0).rare(rarity));
    }
    let pairs = a.domains.iter().flat_map(|(a, _)| b.domains.iter().map(move |(b, _)| (label(a), label(b))));
    let alike = pairs.filter(|(a, b)| a.len() > 3 && (a == b || is_misspelt(a, b)));
    let alike = alike.map(|(a, b)| Agreement::new(Level::DomainAlike, similarity(a, b)));
    Some(Agreement::best(alike).unwrap_or_else(|| Agreement::new(Level::DomainDifferent, 0.0)))
}
