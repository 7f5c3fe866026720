//! Takes a written name apart: titles, given names, family name, generation suffix.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::blank::is_blocked;
use super::folding::{fold, letters};
use super::person_name::Generation;

/// A name in pieces, as written; titles and credentials are left out.
#[derive(Default)]
pub(super) struct NameParts {
    pub(super) given: String,
    pub(super) family: String,
    pub(super) generation: Option<Generation>,
}

impl NameParts {
    /// Reads first and last name where both are there, else the full name, else whatever is there.
    pub(super) fn from_fields(first: Option<&str>, last: Option<&str>, full: Option<&str>) -> Self {
        match (usable(first), usable(last), usable(full)) {
            (Some(first), Some(last), _) => Self::from_pair(first, last),
            // A full name that repeats the last one says no more than it.
            (None, Some(last), Some(full)) if last == full && !last.contains([' ', ',']) => Self::from_pair("", last),
            (_, _, Some(full)) => Self::from_full(full),
            (Some(first), None, None) => Self::from_full(first),
            (None, Some(last), None) if last.contains(',') => Self::from_full(last),
            (None, Some(last), None) => Self::from_pair("", last),
            (None, None, None) => Self::default(),
        }
    }

    fn from_pair(first: &str, last: &str) -> Self {
        let mut first = Words::of(first);
        let mut last = Words::of(last);
        first.0.drain(..first.titles());
        last.drop_titles();
        let generation = last.take_suffixes().or(first.take_suffixes());
        Self { given: first.join(), family: last.join(), generation }
    }

    /// `Given Family`, `Family, Given`, `FAMILY Given`, each with titles and suffixes.
    fn from_full(full: &str) -> Self {
        let mut segments: Vec<Words<'_>> = full.split(',').map(Words::of).filter(|words| !words.0.is_empty()).collect();
        let mut generation = None;
        while segments.len() > 1 && segments.last().is_some_and(Words::is_all_suffixes) {
            generation = segments.pop().and_then(|words| words.generation()).or(generation);
        }
        let mut parts = match <[Words<'_>; 1]>::try_from(segments) {
            Ok([words]) => Self::from_words(words),
            Err(segments) => Self::from_reversed(segments),
        };
        parts.generation = parts.generation.or(generation);
        parts
    }

    /// The segments of `Family, Given`; what follows a second comma is no name.
    fn from_reversed(segments: Vec<Words<'_>>) -> Self {
        let mut segments = segments.into_iter();
        let mut family = segments.next().unwrap_or_default();
        let mut given = segments.next().unwrap_or_default();
        family.drop_titles();
        given.drop_titles();
        let generation = family.take_suffixes().or(given.take_suffixes());
        Self { given: given.join(), family: family.join(), generation }
    }

    fn from_words(mut words: Words<'_>) -> Self {
        let titled = words.drop_titles();
        let generation = words.take_suffixes();
        let (given, family) = words.split(titled);
        Self { given, family, generation }
    }
}

/// A field that says something; an address in it is no name.
fn usable(field: Option<&str>) -> Option<&str> {
    field.filter(|text| !is_blocked(text) && !text.contains('@') && !text.split_whitespace().all(is_blocked))
}

/// A word of a name with its letters.
#[derive(Clone)]
struct Word<'a> {
    raw: &'a str,
    letters: String,
}

impl<'a> Word<'a> {
    fn of(raw: &'a str) -> Option<Self> {
        let letters: String = match raw.is_ascii() {
            true => raw.bytes().filter(u8::is_ascii_alphanumeric).map(|b| char::from(b.to_ascii_lowercase())).collect(),
            false => letters(&fold(raw)).collect(),
        };
        (!letters.is_empty()).then_some(Self { raw, letters })
    }

    fn is_title(&self) -> bool {
        WordKind::Title.is_kind_of(&self.letters)
    }

    fn is_particle(&self) -> bool {
        WordKind::Particle.is_kind_of(&self.letters)
    }

    fn is_credential(&self) -> bool {
        WordKind::Credential.is_kind_of(&self.letters)
    }

    /// A credential that is also a word of names: only its dots or a comma before it tell them apart.
    fn is_doubtful_credential(&self) -> bool {
        WordKind::DoubtfulCredential.is_kind_of(&self.letters)
    }

    fn generation(&self) -> Option<Generation> {
        Some(match self.letters.as_str() {
            "sr" | "snr" | "senior" | "1st" => Generation::Senior,
            "jr" | "jnr" | "jun" | "junior" => Generation::Junior,
            "ii" | "2nd" => Generation::Second,
            "iii" | "3rd" => Generation::Third,
            "iv" | "4th" => Generation::Fourth,
            "5th" => Generation::Fifth,
            _ => return None,
        })
    }

    fn is_shouted(&self) -> bool {
        let plain = !self.raw.chars().any(|c| c.is_lowercase() || c == '.');
        plain && self.raw.chars().filter(|c| c.is_uppercase()).count() >= 3
    }
}

#[derive(Default)]
struct Words<'a>(Vec<Word<'a>>);

impl<'a> Words<'a> {
    /// Words between white space, without what is quoted or in brackets; `Dr.Smith` is two.
    fn of(text: &'a str) -> Self {
        let outside: Vec<&str> = outside_quotes(text);
        let words: Vec<Word<'a>> = outside
            .into_iter()
            .flat_map(str::split_whitespace)
            .flat_map(split_glued_title)
            .filter_map(Word::of)
            .collect();
        if words.is_empty() { Self(text.split_whitespace().filter_map(Word::of).collect()) } else { Self(words) }
    }

    fn join(&self) -> String {
        let words: Vec<&str> = self.0.iter().map(|word| word.raw).collect();
        words.join(" ")
    }

    fn titles(&self) -> usize {
        self.0.iter().take_while(|word| word.is_title()).count()
    }

    /// Takes titles off the front, but never the last word; true when there was one.
    fn drop_titles(&mut self) -> bool {
        let titles = self.titles().min(self.0.len().saturating_sub(1));
        self.0.drain(..titles);
        titles > 0
    }

    /// Takes credentials and generation suffixes off the end, but never the first word.
    fn take_suffixes(&mut self) -> Option<Generation> {
        let mut generation = None;
        while self.0.len() > 1 {
            let Some(last) = self.0.last() else { break };
            let suffix = last.generation();
            let dotted = last.raw.contains('.');
            if suffix.is_none() && !last.is_credential() && !(dotted && last.is_doubtful_credential()) {
                break;
            }
            generation = suffix.or(generation);
            self.0.pop();
        }
        generation
    }

    fn is_all_suffixes(&self) -> bool {
        self.0.iter().all(|word| {
            word.generation().is_some()
                || roman_generation(word).is_some()
                || word.is_credential()
                || word.is_doubtful_credential()
        })
    }

    fn generation(&self) -> Option<Generation> {
        self.0.iter().find_map(|word| word.generation().or_else(|| roman_generation(word)))
    }

    /// Given and family name. A single word is a given name, unless a title stood before it.
    fn split(&self, titled: bool) -> (String, String) {
        let join = |words: &[Word<'a>]| Words(words.to_vec()).join();
        match self.0.len() {
            0 => (String::new(), String::new()),
            1 if titled => (String::new(), self.join()),
            1 => (self.join(), String::new()),
            count => match self.shouted_family() {
                Some(end) => (join(&self.0[end..]), join(&self.0[..end])),
                None => {
                    let start = self.family_start(count - 1);
                    (join(&self.0[..start]), join(&self.0[start..]))
                }
            },
        }
    }

    /// Where the family name in capitals ends, in `LAVROV Sergey`.
    fn shouted_family(&self) -> Option<usize> {
        let shouted = self.0.iter().take_while(|word| word.is_shouted()).count();
        let rest = &self.0[shouted..];
        let plain = !rest.is_empty() && rest.iter().all(|word| word.raw.chars().any(char::is_lowercase));
        (shouted > 0 && plain).then_some(shouted)
    }

    /// Where the family name begins: its last word and the particles before it.
    fn family_start(&self, last: usize) -> usize {
        let particles = self.0[1..last].iter().rev().take_while(|word| word.is_particle()).count();
        last - particles
    }
}

/// `I` and `V` are suffixes only behind a comma: elsewhere they are initials.
fn roman_generation(word: &Word<'_>) -> Option<Generation> {
    match word.letters.as_str() {
        "i" => Some(Generation::Senior),
        "v" => Some(Generation::Fifth),
        _ => None,
    }
}

/// The stretches of a text outside brackets and double quotes.
fn outside_quotes(text: &str) -> Vec<&str> {
    let mut stretches = Vec::with_capacity(1);
    let mut rest = text;
    while let Some((at, open)) = rest.char_indices().find(|(_, c)| closing(*c).is_some()) {
        let inside = &rest[at + open.len_utf8()..];
        let Some(end) = closing(open).and_then(|close| inside.find(close)) else { break };
        stretches.push(&rest[..at]);
        rest = inside[end..].trim_start_matches(|c| Some(c) == closing(open));
    }
    stretches.push(rest);
    stretches
}

fn closing(open: char) -> Option<char> {
    Some(match open {
        '(' => ')',
        '[' => ']',
        '"' => '"',
        '“' => '”',
        '„' => '“',
        '«' => '»',
        _ => return None,
    })
}

/// `Dr.Smith` as `Dr.` and `Smith`; `J.R.` and `Ph.D.` stay whole.
fn split_glued_title(word: &str) -> impl Iterator<Item = &str> {
    let cut = word.find('.').map(|dot| dot + 1).filter(|cut| {
        let title = Word::of(&word[..*cut]).is_some_and(|word| word.is_title() && word.letters.chars().count() > 1);
        title && Word::of(&word[*cut..]).is_some_and(|word| word.letters.chars().count() > 1)
    });
    let (head, tail) = word.split_at(cut.unwrap_or(word.len()));
    [head, tail].into_iter().filter(|part| !part.is_empty())
}

/// What a word beside a name may be. The table and where it is from: `data/name_words.txt`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WordKind {
    /// Before the name, and no part of it.
    Title,
    /// Part of the family name behind it.
    Particle,
    /// Behind the name, and no part of it.
    Credential,
    /// Like [`Self::Credential`], but a name or initials as often.
    DoubtfulCredential,
}

impl WordKind {
    fn is_kind_of(self, letters: &str) -> bool {
        WORDS.get(letters).is_some_and(|kinds| kinds.contains(&self))
    }

    fn of_heading(heading: &str) -> Option<Self> {
        Some(match heading {
            "titles" => Self::Title,
            "particles" => Self::Particle,
            "credentials" => Self::Credential,
            "doubtful" => Self::DoubtfulCredential,
            _ => return None,
        })
    }
}

/// Kinds by a word's letters; some words are of two.
static WORDS: LazyLock<HashMap<&'static str, Vec<WordKind>, FixedState>> = LazyLock::new(|| {
    let mut words: HashMap<&str, Vec<WordKind>, FixedState> = HashMap::default();
    let lines = include_str!("data/name_words.txt").lines().filter_map(|line| line.split_once(": "));
    for (kind, line) in lines.filter_map(|(heading, line)| Some((WordKind::of_heading(heading)?, line))) {
        line.split(' ').for_each(|word| words.entry(word).or_default().push(kind));
    }
    words
});
