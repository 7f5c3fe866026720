//! Comparing dates of birth and job titles.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::domain::{BirthDate, BirthDateError, fold};

use super::frequency::{FrequencyTable, Term, TermHash};
use super::level::Level;
use super::scoring::Agreement;
use super::similarity::{MOST_WORDS, clipped, edits, is_misspelt, similarity};

/// log2 of the days on which people who have not died were born, a little less because births are uneven.
const DAYS_BITS: f64 = 13.0;

/// A date of birth, ready to be compared.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub(super) struct Birth {
    date: BirthDate,
    digits: Box<str>,
    term: TermHash,
}

impl Birth {
    pub(super) fn new(date: BirthDate) -> Self {
        let digits: String = date.to_string().chars().filter(char::is_ascii_digit).collect();
        Self { date, term: TermHash::of(Term::BirthDate, &digits), digits: digits.into() }
    }

    pub(super) fn term(&self) -> TermHash {
        self.term
    }
}

impl From<Birth> for Box<str> {
    fn from(birth: Birth) -> Self {
        birth.digits
    }
}

impl TryFrom<Box<str>> for Birth {
    type Error = BirthDateError;

    fn try_from(digits: Box<str>) -> Result<Self, BirthDateError> {
        BirthDate::parse(&digits).map(Self::new)
    }
}

pub(super) fn compare_births(a: &Birth, b: &Birth, table: &FrequencyTable) -> Agreement {
    if a.date == b.date {
        return Agreement::new(Level::BirthDateExact, 1.0).rare(table.rarity_of_unique(a.term, DAYS_BITS));
    }
    let (one, other) = (a.date.date(), b.date.date());
    let swapped = one.year() == other.year() && one.month() == other.day() && one.day() == other.month();
    let slip = edits(&a.digits, &b.digits) == 1;
    let apart = one.duration_since(other).as_hours().unsigned_abs() / 24;
    let parts = [one.year() == other.year(), one.month() == other.month(), one.day() == other.day()];
    let alike = parts.iter().filter(|same| **same).count() == 2 || edits(&a.digits, &b.digits) == 2;
    let years = edits(&a.digits[..4], &b.digits[..4]);
    let decade_slip = years == 1 && (one.day_of_year() - other.day_of_year()).abs() <= 31;
    let level = match () {
        () if swapped || slip => Level::BirthDateMisspelt,
        () if alike || apart <= 31 => Level::BirthDateAlike,
        () if apart <= 366 || decade_slip => Level::BirthDateNear,
        () => Level::BirthDateDifferent,
    };
    Agreement::new(level, similarity(&a.digits, &b.digits))
}

/// Words of titles that stand for each other, each group under its first word.
const TITLE_WORDS: &[&[&str]] = &[
    &["chief executive officer", "ceo"],
    &["chief technology officer", "cto"],
    &["chief financial officer", "cfo"],
    &["chief operating officer", "coo"],
    &["chief information officer", "cio"],
    &["chief marketing officer", "cmo"],
    &["vice president", "vp"],
    &["senior", "sr"],
    &["junior", "jr"],
    &["manager", "mgr"],
    &["director", "dir"],
    &["engineer", "eng"],
    &["software engineer", "swe", "software developer", "software eng"],
    &["account executive", "account exec", "ae"],
    &["human resources", "hr", "people"],
    &["information technology", "it"],
    &["marketing", "mktg"],
    &["head", "lead"],
    &["assistant", "asst"],
    &["administrator", "admin"],
];

/// What a short form stands for.
fn long_form(short: &str) -> Option<&'static str> {
    static LONG_FORMS: LazyLock<HashMap<&str, &str, FixedState>> = LazyLock::new(|| {
        TITLE_WORDS.iter().flat_map(|group| group[1..].iter().map(|short| (*short, group[0]))).collect()
    });
    LONG_FORMS.get(short).copied()
}

/// A job title's words, short forms written out, sorted.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Title(Vec<Box<str>>);

impl Title {
    pub(super) fn new(title: &str) -> Option<Self> {
        let folded = fold(title);
        // Initials written with dots fall into letters: `C.E.O.` is `c e o`.
        let initials = folded.split(' ').all(|word| word.len() == 1);
        let text = if initials { folded.replace(' ', "") } else { folded };
        let given = text.split(' ').filter(|word| !matches!(*word, "" | "of" | "and"));
        let given: Vec<&str> = given.take(MOST_WORDS).map(clipped).collect();
        let mut words: Vec<Box<str>> = Vec::with_capacity(given.len() + 2);
        let mut rest = &*given;
        while let [first, behind @ ..] = rest {
            let pair = behind.first().and_then(|second| long_form(&format!("{first} {second}")));
            rest = if pair.is_some() { &behind[1..] } else { behind };
            let long = pair.or_else(|| long_form(first)).unwrap_or(first);
            words.extend(long.split(' ').map(Box::from));
        }
        words.sort_unstable();
        words.dedup();
        (!words.is_empty()).then_some(Self(words))
    }
}

pub(super) fn compare_titles(a: &Title, b: &Title) -> Agreement {
    let within = |a: &Title, b: &Title| {
        a.0.iter().filter(|word| b.0.iter().any(|other| *word == other || is_misspelt(word, other))).count()
    };
    let shared = within(a, b).min(within(b, a));
    #[expect(clippy::cast_precision_loss, reason = "titles have few words")]
    let share = shared as f64 / a.0.len().max(b.0.len()) as f64;
    let level = match () {
        () if share >= 0.99 => Level::TitleExact,
        () if share >= 0.5 => Level::TitleAlike,
        () => Level::TitleDifferent,
    };
    Agreement::new(level, share)
}
