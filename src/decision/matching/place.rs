//! Comparing places: streets with their usual short forms, house numbers, cities, postal codes.

use serde::{Deserialize, Serialize};

use crate::decision::addresses::{is_street_word, postal_area, short_street_word};
use crate::domain::{CountryCode, fold};

use super::frequency::{FrequencyTable, Term, TermHash};
use super::level::Level;
use super::scoring::Agreement;
use super::similarity::{MOST_WORDS, clipped, edits, is_misspelt, latin, letters, similarity, similarity_after};

/// Where a lead is, ready to be compared.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    street: Option<Street>,
    city: Option<(Box<str>, TermHash)>,
    postal_code: Option<(Box<str>, TermHash)>,
    state: Option<Box<str>>,
    country: Option<CountryCode>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Street {
    house: Box<str>,
    words: Vec<Box<str>>,
    term: TermHash,
}

/// A lead's place as given.
#[derive(Clone, Copy, Default)]
pub(super) struct Given<'a> {
    pub(super) street: Option<&'a str>,
    pub(super) city: Option<&'a str>,
    pub(super) postal_code: Option<&'a str>,
    pub(super) state: Option<&'a str>,
    pub(super) country: Option<CountryCode>,
}

impl Place {
    pub(super) fn new(given: Given<'_>) -> Self {
        let text = |text: Option<&str>| text.map(|text| letters(&latin(&fold(text)))).filter(|text| !text.is_empty());
        let counted = |given, term| text(given).map(|text| (clipped(&text).into(), TermHash::of(term, &text)));
        Self {
            street: given.street.and_then(Street::new),
            city: counted(given.city, Term::City),
            postal_code: counted(given.postal_code, Term::PostalCode),
            state: text(given.state).map(Into::into),
            country: given.country,
        }
    }

    /// How rare street, postal code, city, state and country are, as far as it has them.
    pub(super) fn rarities(&self, table: &FrequencyTable) -> [Option<f64>; 5] {
        let rarity = |value: &Option<(Box<str>, TermHash)>| value.as_ref().map(|(_, term)| table.rarity(*term));
        [
            self.street.as_ref().map(|street| table.rarity(street.term)),
            rarity(&self.postal_code),
            rarity(&self.city),
            self.state.as_ref().map(|_| 0.0),
            self.country.map(|_| 0.0),
        ]
    }

    /// The words of the street with its house number.
    pub(super) fn street_words(&self) -> impl Iterator<Item = &str> {
        let street = self.street.iter();
        street.flat_map(|street| street.words.iter().chain([&street.house])).map(|word| &**word)
    }

    pub(super) fn terms(&self) -> impl Iterator<Item = TermHash> {
        let city = self.city.iter().chain(&self.postal_code).map(|(_, term)| *term);
        self.street.iter().map(|street| street.term).chain(city)
    }
}

impl Street {
    fn new(given: &str) -> Option<Self> {
        let folded = fold(given);
        let text = latin(&folded);
        let mut house = "";
        let mut words: Vec<Box<str>> = Vec::new();
        // The house number and the words.
        let given = text.split(' ').filter(|word| !word.is_empty()).take(1 + MOST_WORDS);
        for word in given.map(clipped) {
            match word.as_bytes()[0].is_ascii_digit() && house.is_empty() {
                true => house = word,
                false => words.push(short_street_word(word).into()),
            }
        }
        let key = format!("{house} {}", words.iter().take(2).map(|word| &**word).collect::<Vec<_>>().join(" "));
        (!words.is_empty() || !house.is_empty()).then(|| Self {
            term: TermHash::of(Term::Street, &key),
            house: house.into(),
            words,
        })
    }
}

/// Compares where two leads are, people or organisations.
pub(super) fn compare(a: &Place, b: &Place, of_people: bool, table: &FrequencyTable, out: &mut Vec<Agreement>) {
    let rarity = |a: TermHash, b: TermHash| move || table.rarity(a).min(table.rarity(b));
    if let Some((a, b)) = a.street.as_ref().zip(b.street.as_ref()) {
        out.push(street(a, b, of_people).rare_if_agrees(rarity(a.term, b.term)));
    }
    if let Some(((one, a), (other, b))) = a.postal_code.as_ref().zip(b.postal_code.as_ref()) {
        out.push(postal_code(one, other).rare_if_agrees(rarity(*a, *b)));
    }
    if let Some(((one, a), (other, b))) = a.city.as_ref().zip(b.city.as_ref()) {
        out.push(city(one, other).rare_if_agrees(rarity(*a, *b)));
    }
    if let Some((a, b)) = a.state.as_ref().zip(b.state.as_ref()) {
        out.push(exact(a == b, Level::StateExact, Level::StateDifferent));
    }
    if let Some((a, b)) = a.country.zip(b.country) {
        out.push(exact(a == b, Level::CountryExact, Level::CountryDifferent));
    }
}

fn exact(equal: bool, yes: Level, no: Level) -> Agreement {
    if equal { Agreement::new(yes, 1.0) } else { Agreement::new(no, 0.0) }
}

fn street(a: &Street, b: &Street, of_people: bool) -> Agreement {
    let same_house = a.house == b.house;
    // A street may be no more than a number, which has no words to agree.
    let words = if same_house && a.words == b.words { 1.0 } else { words_alike(a, b) };
    let shorter = a.house.len().min(b.house.len());
    let close_house = same_house || shorter == 0 || (shorter > 1 && edits(&a.house, &b.house) == 1);
    let level = match () {
        () if same_house && words >= 0.9 => Level::StreetExact,
        () if close_house && words >= 0.5 => Level::StreetMisspelt,
        () if words >= 0.9 => Level::StreetOtherHouse,
        () if of_people => Level::StreetDifferent,
        () => Level::SiteDifferent,
    };
    Agreement::new(level, if same_house { words } else { words / 2.0 })
}

/// The share of the shorter street's words that are in the other; words that many streets have count a quarter.
fn words_alike(a: &Street, b: &Street) -> f64 {
    match a.words.len().cmp(&b.words.len()) {
        std::cmp::Ordering::Less => words_within(a, b),
        std::cmp::Ordering::Greater => words_within(b, a),
        std::cmp::Ordering::Equal => words_within(a, b).max(words_within(b, a)),
    }
}

fn words_within(short: &Street, long: &Street) -> f64 {
    let (mut shared, mut whole) = (0.0, 0.0);
    for word in &short.words {
        let weight = if is_street_word(word) || word.as_bytes()[0].is_ascii_digit() { 0.25 } else { 1.0 };
        whole += weight;
        if long.words.iter().any(|other| word == other) {
            shared += weight;
        } else if long.words.iter().any(|other| is_misspelt(word, other) || begins(word, other)) {
            shared += weight * 0.9;
        }
    }
    if whole == 0.0 { 0.0 } else { shared / whole }
}

fn begins(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() >= 4 && long.starts_with(short)
}

fn city(a: &str, b: &str) -> Agreement {
    let alike = similarity(a, b);
    let level = match () {
        () if a == b => Level::CityExact,
        () if is_misspelt(a, b) || begins(a, b) => Level::CityMisspelt,
        () if alike >= 0.57 => Level::CityAlike,
        () => Level::CityDifferent,
    };
    Agreement::new(level, alike)
}

fn postal_code(a: &str, b: &str) -> Agreement {
    let (one, other) = (postal_area(a), postal_area(b));
    let slips = edits(one, other);
    let level = match () {
        () if one == other => Level::PostalCodeExact,
        () if slips == 1 => Level::PostalCodeMisspelt,
        () => Level::PostalCodeDifferent,
    };
    Agreement::new(level, similarity_after(slips, one, other))
}
