//! The words under which a lead is found, and what finding it by one of them is worth.
//!
//! The same words serve the index and the overlay, and a match is worth the same in both: its weight follows from the
//! word's class and from how much of the word was typed, never from how many other leads have it. So a hit neither
//! moves nor vanishes when its lead passes from the overlay into the index.

use std::ops::Range;

use crate::domain::{ContactPoint, Field, Lead};

use super::folding::{Folded, cut, plain};
use super::phone_digits::{digits, national};

/// Stands before every item of a [`SearchText`]; no word holds it.
pub(super) const ITEM_START: char = '\u{1}';

/// No word holds a smaller character. What ends a word in an item is smaller: one character that names its class, because
/// every further one costs the index dearly.
pub(super) const FIRST_WORD_BYTE: u8 = 0x20;

/// Added to the character of a class where an item is an initial.
const INITIAL: u8 = 0x10;

/// What a match is worth, in ten-thousandths; 0 is no match.
pub(super) type Weight = u32;

/// The weight of a match than which none is better.
pub(super) const FULL_WEIGHT: Weight = 10_000;

/// What a word says of the lead that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordClass {
    /// Of the person's name.
    Name,
    /// Of the company's name.
    Company,
    /// Of the address.
    Address,
    /// A whole email or external id, without punctuation.
    Identifier,
    /// The national digits of a phone.
    Phone,
    /// A later part of an email or external id, or a part of a web site.
    Part,
}

impl WordClass {
    const ALL: [Self; 6] = [Self::Name, Self::Company, Self::Address, Self::Identifier, Self::Phone, Self::Part];

    /// The character that ends its words.
    const fn mark(self) -> u8 {
        match self {
            Self::Name => 2,
            Self::Company => 3,
            Self::Address => 4,
            Self::Identifier => 5,
            Self::Phone => 6,
            Self::Part => 7,
        }
    }

    /// The beginning of an identifier is worth as much as a part of one, because its first part is indexed as nothing else.
    const fn weight(self, whole: bool) -> Weight {
        match (self, whole) {
            (Self::Name | Self::Identifier | Self::Phone, true) => FULL_WEIGHT,
            (Self::Company, true) => 9_000,
            (Self::Name, false) => 7_000,
            (Self::Company | Self::Identifier, false) | (Self::Part, _) => 6_000,
            (Self::Address, true) => 5_000,
            (Self::Phone, false) => 4_500,
            (Self::Address, false) => 3_000,
        }
    }
}

/// The weight of matching an item by its beginning, `rest` being what follows the part that was typed.
pub(super) fn weight_of(rest: &[u8]) -> Weight {
    let mark = rest.last().copied().unwrap_or_default();
    let class = WordClass::ALL.into_iter().find(|class| class.mark() == mark & !INITIAL);
    class.map_or(0, |class| class.weight(rest.len() == 1 && mark < INITIAL))
}

/// The words of one lead: items `word mark`, each after an [`ITEM_START`], sorted, each once.
///
/// Holds personal data and therefore shows nothing of itself.
pub(super) struct SearchText(Box<str>);

impl SearchText {
    /// The words under which the lead is found.
    pub(super) fn of(lead: &Lead) -> Self {
        let mut words = Words::default();
        words.add_names(lead);
        words.add_addresses(lead);
        lead.emails.iter().for_each(|email| words.add_email(email));
        lead.phones.iter().for_each(|phone| words.add_phone(phone));
        lead.external_ids.iter().for_each(|linked| words.add_identifier(linked.id.value()));
        words.add_unreadable(lead);
        words.into_text()
    }

    /// The items, as the tokenizer of the index takes them.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The best weight of an item that begins with `word`; 0 where there is none.
    pub(super) fn best(&self, word: &str) -> Weight {
        let items = self.0.split(ITEM_START).filter_map(|item| item.strip_prefix(word));
        items.map(|rest| weight_of(rest.as_bytes())).max().unwrap_or(0)
    }
}

/// Items being collected, one after the other in one text.
#[derive(Default)]
struct Words {
    text: String,
    items: Vec<Range<usize>>,
    folded: Folded,
}

impl Words {
    fn add_names(&mut self, lead: &Lead) {
        for field in [Field::FirstName, Field::LastName, Field::FullName] {
            self.add_field(lead, field, WordClass::Name);
        }
        self.add_field(lead, Field::Company, WordClass::Company);
        if let Some(website) = lead.value(Field::Website) {
            self.fold(site(website), |words, folded| words.push_runs(folded, 0, WordClass::Part));
        }
    }

    fn add_addresses(&mut self, lead: &Lead) {
        for field in [Field::Street, Field::City, Field::State, Field::PostalCode, Field::Country] {
            self.add_field(lead, field, WordClass::Address);
        }
        // `SW1A 1AA` is also looked for as `SW1A1AA`.
        if let Some(code) = lead.value(Field::PostalCode) {
            self.fold(code, |words, folded| words.push(folded.whole(), WordClass::Address));
        }
    }

    fn add_field(&mut self, lead: &Lead, field: Field, class: WordClass) {
        if let Some(value) = lead.value(field) {
            self.add(value, class);
        }
    }

    fn add_email(&mut self, email: &ContactPoint) {
        self.add_identifier(&email.value);
        if email.key != email.value {
            self.add_identifier(&email.key);
        }
    }

    fn add_phone(&mut self, phone: &ContactPoint) {
        if phone.key.is_empty() {
            self.add_digits(&phone.value);
        } else {
            self.push(national(&phone.key), WordClass::Phone);
        }
    }

    /// Emails and phones that could not be read stand only in their fields.
    fn add_unreadable(&mut self, lead: &Lead) {
        if let Some(email) = lead.value(Field::Email).filter(|value| !holds(&lead.emails, value)) {
            self.add_identifier(email);
        }
        for field in [Field::Phone, Field::MobilePhone] {
            if let Some(phone) = lead.value(field).filter(|value| !holds(&lead.phones, value)) {
                self.add(phone, WordClass::Part);
                self.add_digits(phone);
            }
        }
    }

    fn add_digits(&mut self, phone: &str) {
        let digits = digits(&plain(phone));
        self.push(&digits, WordClass::Phone);
        self.push(digits.trim_start_matches('0'), WordClass::Phone);
    }

    /// The whole without punctuation, and its later parts. The first part is the beginning of the whole: as a term of
    /// its own it would find nothing more, and would often be as unique and as costly as the whole.
    fn add_identifier(&mut self, value: &str) {
        self.fold(value, |words, folded| {
            words.push(folded.whole(), WordClass::Identifier);
            words.push_runs(folded, 1, WordClass::Part);
        });
    }

    /// Every run of every word, and the whole word where it has several: `Jean-Luc` is `jean`, `luc` and `jeanluc`.
    fn add(&mut self, text: &str, class: WordClass) {
        for word in text.split_whitespace() {
            self.fold(word, |words, folded| {
                words.push_runs(folded, 0, class);
                words.push(folded.whole(), class);
            });
        }
    }

    fn fold(&mut self, text: &str, push: impl FnOnce(&mut Self, &Folded)) {
        let mut folded = std::mem::take(&mut self.folded);
        folded.fold(text);
        push(self, &folded);
        self.folded = folded;
    }

    fn push_runs(&mut self, folded: &Folded, skipped: usize, class: WordClass) {
        folded.runs().skip(skipped).for_each(|run| self.push(run, class));
    }

    /// The word, and its initial, by which one typed letter finds it without walking every word that begins so.
    fn push(&mut self, word: &str, class: WordClass) {
        let word = cut(word);
        let Some(initial) = word.chars().next() else { return };
        self.push_item(word, class.mark());
        if word.len() > initial.len_utf8() {
            self.push_item(&word[..initial.len_utf8()], class.mark() | INITIAL);
        }
    }

    fn push_item(&mut self, word: &str, mark: u8) {
        let start = self.text.len();
        self.text.push_str(word);
        self.text.push(char::from(mark));
        self.items.push(start..self.text.len());
    }

    fn into_text(mut self) -> SearchText {
        let text = &self.text;
        self.items.sort_unstable_by(|a, b| text[a.clone()].cmp(&text[b.clone()]));
        self.items.dedup_by(|a, b| text[a.clone()] == text[b.clone()]);
        let mut sorted = String::with_capacity(self.items.iter().map(|item| item.len() + 1).sum());
        for item in self.items {
            sorted.push(ITEM_START);
            sorted.push_str(&text[item]);
        }
        SearchText(sorted.into())
    }
}

fn holds(contacts: &[ContactPoint], value: &str) -> bool {
    contacts.iter().any(|contact| *contact.value == *value)
}

/// A web address without what every web address has: scheme, `www.` and path.
pub(super) fn site(text: &str) -> &str {
    let text = text.trim();
    let text = strip_prefix_ignoring_case(text, "https://").unwrap_or(text);
    let text = strip_prefix_ignoring_case(text, "http://").unwrap_or(text);
    let text = strip_prefix_ignoring_case(text, "www.").unwrap_or(text);
    text.split(['/', '?', '#']).next().unwrap_or(text)
}

/// The text behind a prefix of ASCII characters, whatever its case.
pub(super) fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
