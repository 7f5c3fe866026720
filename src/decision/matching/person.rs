//! Comparing people's names: nicknames, initials, swapped, double and mistyped names, generations.

use serde::{Deserialize, Serialize};

use crate::domain::nickname::{is_well_known, other_given_names, same_given_name};
use crate::domain::{Generation, PersonName};

use super::super::phonetics::Sound;
use super::frequency::{FrequencyTable, Term, TermHash};
use super::level::Level;
use super::scoring::Agreement;
use super::similarity::{MOST_WORDS, clipped, is_misspelt, latin, letters, numbers_differ, similarity};

/// Codes that are kept of how a family name sounds.
const SOUND_CODES: usize = 6;

/// Letters in the shortest part of a double name that stands for it.
const MIN_PART: usize = 3;

/// A name, ready to be compared.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Person {
    given: Vec<Box<str>>,
    family: Box<str>,
    /// The family name without its spaces.
    family_letters: Box<str>,
    sound: Box<str>,
    generation: Option<Generation>,
    given_term: TermHash,
    family_term: TermHash,
}

impl Person {
    pub(super) fn new(name: &PersonName) -> Self {
        // A name of nothing that has a Latin letter is none.
        let given = name.given().iter().map(|name| latin(name)).filter(|name| !name.is_empty());
        let given: Vec<Box<str>> = given.take(MOST_WORDS).map(|name| clipped(&name).into()).collect();
        let family = latin(name.family());
        let family = clipped(&family);
        let joined = letters(family);
        let sounded = if joined.is_empty() { given.first().map_or("", |first| first) } else { &joined };
        let sound = Sound::of(sounded, SOUND_CODES);
        Self {
            given_term: TermHash::of(Term::GivenName, given.first().map_or("", |first| first)),
            family_term: TermHash::of(Term::FamilyName, &joined),
            family: family.into(),
            family_letters: joined.into(),
            sound: sound.map_or("".into(), |sound| sound.primary().into()),
            generation: name.generation(),
            given,
        }
    }

    pub(super) fn terms(&self) -> impl Iterator<Item = TermHash> {
        let given = (!self.given.is_empty()).then_some(self.given_term);
        let family = (!self.family.is_empty()).then_some(self.family_term);
        given.into_iter().chain(family)
    }

    /// The given names and the family name.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.given.iter().map(|given| &**given).chain([&*self.family_letters])
    }

    /// Whether a word of a mailbox is made of this name.
    pub(super) fn names(&self, mailbox: &str) -> bool {
        let holds = |name: &str| name.len() >= MIN_PART && (mailbox.contains(name) || is_misspelt(mailbox, name));
        holds(&self.family_letters) || self.given.iter().any(|given| holds(given))
    }

    /// Whether a mailbox holds the family name as it is written.
    pub(super) fn is_spelt_in(&self, mailbox: &str) -> bool {
        self.family_letters.len() >= MIN_PART && mailbox.contains(&*self.family_letters)
    }

    /// Whether a mailbox, whose words and letters these are, holds the first given name as it is written, and not within a longer one.
    pub(super) fn is_given_spelt_in(&self, words: &[Box<str>], letters: &str) -> bool {
        let first = self.first();
        let before_family = || letters.strip_prefix(first).is_some_and(|rest| rest == &*self.family_letters);
        first.len() >= MIN_PART && (words.iter().any(|word| **word == *first) || before_family())
    }

    /// Whether the first given name is a well-known one: another that is nearly so may be it, mistyped.
    pub(super) fn has_well_known_name(&self) -> bool {
        is_well_known(self.first())
    }

    /// Whether letters are the initials of this name.
    pub(super) fn has_initials(&self, letters: &str) -> bool {
        let initial = |name: &str| name.chars().next();
        let initials: String = initial(self.first()).into_iter().chain(initial(&self.family)).collect();
        initials.len() == 2 && (letters == initials || letters.chars().rev().eq(initials.chars()))
    }

    /// How rare the family name is, or the given name where there is no other.
    pub(super) fn rarity(&self, table: &FrequencyTable) -> f64 {
        table.rarity(self.own_term())
    }

    fn own_term(&self) -> TermHash {
        if self.family.is_empty() { self.given_term } else { self.family_term }
    }

    /// Something that most records of one person have in common and those of two do not.
    pub(super) fn mark(&self) -> &str {
        if self.sound.is_empty() { self.first() } else { &self.sound }
    }

    /// The name, where it is one word.
    fn single(&self) -> Option<&str> {
        match (&*self.given, &*self.family_letters) {
            ([], family) => Some(family),
            ([given], "") => Some(given),
            _ => None,
        }
    }

    fn first(&self) -> &str {
        self.given.first().map_or("", |first| first)
    }
}

/// Compares two names, as written or with one of them the wrong way round, whichever says more.
pub(super) fn compare(a: &Person, b: &Person, table: &FrequencyTable, out: &mut Vec<Agreement>) {
    let straight = [family(a, b, table), given(a, b, table)];
    if let Some(single) = single_word(a, b, table).or_else(|| single_word(b, a, table)) {
        out.extend(single);
    } else if straight
        .iter()
        .all(|agreement| agreement.level != Level::FamilyDifferent && agreement.level != Level::GivenDifferent)
    {
        out.extend(straight);
    } else {
        // An initial in common says nothing of people of two families.
        let other_given = [Level::GivenDifferent, Level::GivenInitial];
        let both_differ = straight[0].level == Level::FamilyDifferent && other_given.contains(&straight[1].level);
        let swapped = swapped(a, b, table).filter(|swapped| both_differ || swapped[1].level != Level::GivenDifferent);
        out.extend(swapped.unwrap_or_else(|| if both_differ { unrelated(straight) } else { straight }));
    }
    out.extend(middle(a, b));
    out.extend(generation(a, b));
}

/// A name of one word may be either name of the other: nobody knows which it was meant to be.
fn single_word(a: &Person, b: &Person, table: &FrequencyTable) -> Option<[Agreement; 2]> {
    let word = a.single().filter(|word| word.len() >= MIN_PART)?;
    let missing = Agreement::new(Level::GivenMissing, 0.0);
    let rarity = |term: TermHash| table.rarity(term).min(a.rarity(table));
    if b.family.is_empty() || b.given.is_empty() {
        let as_other_name = a.family.is_empty() != b.family.is_empty() && b.single() == Some(word);
        return as_other_name.then(|| [Agreement::new(Level::FamilyPart, 1.0).rare(rarity(b.own_term())), missing]);
    }
    let alike = similarity(word, &b.family_letters);
    let as_family = family_level((word, word), (&b.family, &b.family_letters), alike, a.sound == b.sound);
    let (level, alike, term) = match as_family {
        Level::FamilyDifferent if word == b.first() => (Level::FamilyPart, 1.0, b.given_term),
        Level::FamilyDifferent => return None,
        // Who has it for a given name agrees more.
        Level::FamilyExact if a.family.is_empty() => (Level::FamilyPart, alike, b.family_term),
        level => (level, alike, b.family_term),
    };
    Some([Agreement::new(level, alike).rare(rarity(term)), missing])
}

fn unrelated([family, given]: [Agreement; 2]) -> [Agreement; 2] {
    [family, Agreement { level: Level::GivenUnrelated, ..given }]
}

/// One name with given and family name exchanged: nobody means it, so that it weighs less than the same names in order.
fn swapped(a: &Person, b: &Person, table: &FrequencyTable) -> Option<[Agreement; 2]> {
    let (a_family, b_family) = (&*a.family_letters, &*b.family_letters);
    if a_family.is_empty() || a.given.is_empty() || b.given.is_empty() || b_family.is_empty() {
        return None;
    }
    let agree = |one: &str, other: &str| one == other || is_misspelt(one, other);
    let (one, other) = (agree(a_family, b.first()), agree(a.first(), b_family));
    let rarity = |one: TermHash, other: TermHash| table.rarity(one).min(table.rarity(other));
    let family = Agreement::new(Level::FamilyPart, 1.0);
    // Where only one of the two is written alike, it is the family name, and the other the given name or an initial of it.
    let is_family = |name: &str, same: &str| name == same && name.len() > MIN_PART;
    Some(match (one, other) {
        (true, true) => [
            family.rare(rarity(a.family_term, b.family_term)),
            Agreement::new(Level::GivenNickname, 1.0).rare(rarity(a.given_term, b.given_term)),
        ],
        (true, false) if is_family(a_family, b.first()) => {
            [family.rare(table.rarity(a.family_term)), as_given(a.first(), b_family)]
        }
        (false, true) if is_family(b_family, a.first()) => {
            [family.rare(table.rarity(b.family_term)), as_given(a_family, b.first())]
        }
        _ => return None,
    })
}

/// How given names agree of which one was written as the family name.
fn as_given(one: &str, other: &str) -> Agreement {
    let level = match () {
        () if is_initial_of(one, other) => Level::GivenInitial,
        () if same_given_name(one, other) => Level::GivenNickname,
        () => Level::GivenDifferent,
    };
    Agreement::new(level, if level.kind().agrees() { similarity(one, other) } else { 0.0 })
}

fn family(a: &Person, b: &Person, table: &FrequencyTable) -> Agreement {
    if a.family.is_empty() || b.family.is_empty() {
        return Agreement::new(Level::FamilyMissing, 0.0);
    }
    let same_sound = !a.sound.is_empty() && a.sound == b.sound;
    let rarity = table.rarity(a.family_term).min(table.rarity(b.family_term));
    let alike = similarity(&a.family_letters, &b.family_letters);
    let (one, other) = ((&*a.family, &*a.family_letters), (&*b.family, &*b.family_letters));
    Agreement::new(family_level(one, other, alike, same_sound), alike).rare(rarity)
}

/// Each name as its words, and as its letters, which are `alike`.
fn family_level((a, one): (&str, &str), (b, other): (&str, &str), alike: f64, same_sound: bool) -> Level {
    match () {
        () if one == other => Level::FamilyExact,
        () if is_part(a, one, b) || is_part(b, other, a) => Level::FamilyPart,
        () if is_misspelt(one, other) => Level::FamilyMisspelt,
        () if one.len().min(other.len()) == 1 && one.as_bytes()[0] == other.as_bytes()[0] => Level::FamilyInitial,
        () if numbers_differ(one, other) => Level::FamilyDifferent,
        () if same_sound && alike >= 0.5 => Level::FamilySound,
        () if is_alike(one, other, alike) => Level::FamilyAlike,
        () => Level::FamilyDifferent,
    }
}

/// Names that a careless hand may make of each other.
fn is_alike(a: &str, b: &str, similarity: f64) -> bool {
    a.len().min(b.len()) >= 2 && similarity >= if a.as_bytes()[0] == b.as_bytes()[0] { 0.57 } else { 0.65 }
}

/// Whether the whole of one name, whose letters are `wanted`, is a word, or the words at an end, of the other.
fn is_part(part: &str, wanted: &str, whole: &str) -> bool {
    wanted.len() >= MIN_PART
        && whole.contains(' ')
        && (whole.split(' ').any(|word| word == wanted || is_misspelt(word, wanted))
            || part.contains(' ') && (whole.starts_with(part) || whole.ends_with(part)))
}

fn given(a: &Person, b: &Person, table: &FrequencyTable) -> Agreement {
    let (Some(one), Some(other)) = (a.given.first(), b.given.first()) else {
        return Agreement::new(Level::GivenMissing, 0.0);
    };
    let rarity = table.rarity(a.given_term).min(table.rarity(b.given_term));
    let initial = is_initial_of(one, other);
    if !initial && (one == other || letters_of(&a.given).eq(letters_of(&b.given))) {
        let other_names = later_names_differ(&a.given, &b.given);
        let level = if other_names { Level::GivenDifferent } else { Level::GivenExact };
        return Agreement::new(level, if other_names { 0.5 } else { 1.0 }).rare(rarity);
    }
    let alike = similarity(one, other);
    let level = match () {
        () if initial => Level::GivenInitial,
        () if same_given_name(one, other) => Level::GivenNickname,
        () if second_is_first(&a.given, other) || second_is_first(&b.given, one) => Level::GivenSecond,
        () if other_given_names(one, other) => Level::GivenDifferent,
        () if is_misspelt(one, other) => Level::GivenMisspelt,
        () if is_short_form(one, other) => Level::GivenNickname,
        () if is_alike(one, other, alike) && !numbers_differ(one, other) => Level::GivenAlike,
        () => Level::GivenDifferent,
    };
    Agreement::new(level, alike).rare(rarity)
}

/// Whether one of two names is the first letter of the other.
fn is_initial_of(one: &str, other: &str) -> bool {
    let begins = |short: &str, long: &str| short.len() == 1 && long.starts_with(short);
    begins(one, other) || begins(other, one)
}

fn letters_of(names: &[Box<str>]) -> impl Iterator<Item = u8> {
    names.iter().flat_map(|name| name.bytes())
}

/// Short forms that no table has are beginnings.
fn is_short_form(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() >= MIN_PART && long.starts_with(short)
}

fn second_is_first(given: &[Box<str>], first: &str) -> bool {
    given.iter().skip(1).any(|name| name.len() > 1 && (**name == *first || same_given_name(name, first)))
}

/// Whether both have whole names behind the first, and none of them may be one of the other's: Jean-Pierre is not Jean-Luc, with a hyphen or
/// without. A slip in a short name leaves one within the other.
fn later_names_differ(a: &[Box<str>], b: &[Box<str>]) -> bool {
    let has_whole = |names: &[Box<str>]| names.iter().skip(1).any(|name| name.len() >= MIN_PART);
    let may_be = |one: &str, other: &str| {
        same_given_name(one, other)
            || is_misspelt(one, other)
            || is_initial_of(one, other)
            || one.contains(other)
            || other.contains(one)
    };
    has_whole(a) && has_whole(b) && !a.iter().skip(1).any(|one| b.iter().skip(1).any(|other| may_be(one, other)))
}

fn middle(a: &Person, b: &Person) -> Option<Agreement> {
    let (one, other) = (a.given.get(1)?, b.given.get(1)?);
    let initial = one.len() == 1 || other.len() == 1;
    let agrees =
        if initial { one.as_bytes()[..1] == other.as_bytes()[..1] } else { one == other || is_misspelt(one, other) };
    let level = if agrees { Level::MiddleAgrees } else { Level::MiddleDifferent };
    Some(Agreement::new(level, similarity(one, other)))
}

fn generation(a: &Person, b: &Person) -> Option<Agreement> {
    let level = match (a.generation, b.generation) {
        (Some(a), Some(b)) if a.agrees_with(b) => Level::GenerationAgrees,
        (Some(_), Some(_)) => Level::GenerationDifferent,
        (None, None) => return None,
        _ => Level::GenerationOneSided,
    };
    Some(Agreement::new(level, if level == Level::GenerationAgrees { 1.0 } else { 0.0 }))
}
