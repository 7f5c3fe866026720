//! The words under which a lead is found, and what finding it by one of them is worth.
//!
//! The same words serve the index and the overlay, and a match is worth the same in both: its weight follows from the
//! word's class and from how much of the word was typed, never from how many other leads have it. So a hit neither
//! moves nor vanishes when its lead passes from the overlay into the index.

use crate::domain::{ContactPoint, Field, Lead};

use super::folding::{cut, plain, runs};
use super::phone_digits::{digits, national, reversed};

/// Stands before every item of a [`SearchText`]; no word holds it.
pub(super) const ITEM_START: char = '\u{1}';

/// Stands between a word and the letter of its class; no word holds it.
pub(super) const CLASS_MARK: char = '\u{0}';

/// Stands before the digits of a phone from last to first; no word begins with it.
pub(super) const TAIL_MARK: char = '<';

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
    /// A whole email, phone or external id, without punctuation.
    Identifier,
    /// A part of an email, external id or web site.
    Part,
}

impl WordClass {
    const ALL: [Self; 5] = [Self::Name, Self::Company, Self::Address, Self::Identifier, Self::Part];

    /// The letter under which whole words of the class are indexed; initials have it in upper case.
    const fn letter(self) -> char {
        match self {
            Self::Name => 'n',
            Self::Company => 'c',
            Self::Address => 'a',
            Self::Identifier => 'i',
            Self::Part => 'p',
        }
    }

    const fn weight(self, whole: bool) -> Weight {
        match (self, whole) {
            (Self::Name | Self::Identifier, true) => FULL_WEIGHT,
            (Self::Company, true) => 9_000,
            (Self::Name, false) => 7_000,
            (Self::Company | Self::Part, true | false) => 6_000,
            (Self::Address, true) => 5_000,
            (Self::Identifier, false) => 4_500,
            (Self::Address, false) => 3_000,
        }
    }
}

/// The weight of matching an item by its beginning, `rest` being what follows the part that was typed.
pub(super) fn weight_of(rest: &[u8]) -> Weight {
    let letter = rest.last().copied().map_or(' ', char::from);
    let whole = rest.len() == 2 && letter.is_ascii_lowercase();
    let class = WordClass::ALL.into_iter().find(|class| class.letter() == letter.to_ascii_lowercase());
    class.map_or(0, |class| class.weight(whole))
}

/// The words of one lead: items `word CLASS_MARK letter`, each after an [`ITEM_START`], sorted, each once.
///
/// Holds personal data and therefore shows nothing of itself.
pub(super) struct SearchText(Box<str>);

impl SearchText {
    /// The words under which the lead is found.
    pub(super) fn of(lead: &Lead) -> Self {
        let mut words = Words::default();
        words.add_names(lead);
        words.add_addresses(lead);
        lead.emails.iter().for_each(|email| words.add_email_contact(email));
        lead.phones.iter().for_each(|phone| words.add_phone_contact(phone));
        lead.external_ids.iter().for_each(|linked| words.add_identifier(linked.id.value()));
        words.add_unreadable(lead);
        words.into_text()
    }

    /// The items, as the tokenizer of the index takes them.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The best weight of an item that begins with `start`, weighed by `weigh`; 0 where there is none.
    pub(super) fn best(&self, start: &str, weigh: impl Fn(&[u8]) -> Weight) -> Weight {
        self.0
            .split(ITEM_START)
            .filter_map(|item| item.strip_prefix(start))
            .map(|rest| weigh(rest.as_bytes()))
            .max()
            .unwrap_or(0)
    }
}

/// Items being collected.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn add_names(&mut self, lead: &Lead) {
        for field in [Field::FirstName, Field::LastName, Field::FullName] {
            self.add_field(lead, field, WordClass::Name);
        }
        self.add_field(lead, Field::Company, WordClass::Company);
        if let Some(website) = lead.value(Field::Website) {
            self.add(site(website), WordClass::Part);
        }
    }

    fn add_addresses(&mut self, lead: &Lead) {
        for field in [Field::Street, Field::City, Field::State, Field::PostalCode, Field::Country] {
            self.add_field(lead, field, WordClass::Address);
        }
        // `SW1A 1AA` is also looked for as `SW1A1AA`.
        if let Some(code) = lead.value(Field::PostalCode) {
            self.push(&runs(code).concat(), WordClass::Address);
        }
    }

    fn add_field(&mut self, lead: &Lead, field: Field, class: WordClass) {
        if let Some(value) = lead.value(field) {
            self.add(value, class);
        }
    }

    fn add_email_contact(&mut self, email: &ContactPoint) {
        self.add_email(&email.value);
        if email.key != email.value {
            self.add_email(&email.key);
        }
    }

    fn add_email(&mut self, email: &str) {
        self.add_identifier(email);
        if email.contains('@') {
            email.split('@').for_each(|side| self.push(&runs(side).concat(), WordClass::Part));
        }
    }

    fn add_phone_contact(&mut self, phone: &ContactPoint) {
        let key = plain(&phone.key);
        self.add_digits(&digits(&key));
        if let Some(national) = national(&key) {
            self.push(national, WordClass::Identifier);
        }
        // A value that is no key is found by the digits in which it was given.
        if key.is_empty() {
            self.add_digits(&digits(&plain(&phone.value)));
        }
    }

    /// Emails and phones that could not be read stand only in their fields.
    fn add_unreadable(&mut self, lead: &Lead) {
        if let Some(email) = lead.value(Field::Email).filter(|value| !holds(&lead.emails, value)) {
            self.add_email(email);
        }
        for field in [Field::Phone, Field::MobilePhone] {
            if let Some(phone) = lead.value(field).filter(|value| !holds(&lead.phones, value)) {
                self.add(phone, WordClass::Part);
                self.add_digits(&digits(&plain(phone)));
            }
        }
    }

    fn add_digits(&mut self, digits: &str) {
        if digits.is_empty() {
            return;
        }
        self.push(digits, WordClass::Identifier);
        let backwards = reversed(digits);
        self.0.push(format!("{TAIL_MARK}{}{CLASS_MARK}{}", cut(&backwards), WordClass::Identifier.letter()));
    }

    fn add_identifier(&mut self, value: &str) {
        self.add(value, WordClass::Part);
        self.push(&runs(value).concat(), WordClass::Identifier);
    }

    /// Every run of every word, and the whole word where it has several: `Jean-Luc` is `jean`, `luc` and `jeanluc`.
    fn add(&mut self, text: &str, class: WordClass) {
        for word in text.split_whitespace() {
            let runs = runs(word);
            runs.iter().for_each(|run| self.push(run, class));
            if runs.len() > 1 {
                self.push(&runs.concat(), class);
            }
        }
    }

    /// The word, and its initial, by which one typed letter finds it without walking every word that begins so.
    fn push(&mut self, word: &str, class: WordClass) {
        let word = cut(word);
        let Some(initial) = word.chars().next() else { return };
        let letter = class.letter();
        self.0.push(format!("{word}{CLASS_MARK}{letter}"));
        if word.len() > initial.len_utf8() {
            self.0.push(format!("{initial}{CLASS_MARK}{}", letter.to_ascii_uppercase()));
        }
    }

    fn into_text(mut self) -> SearchText {
        self.0.sort_unstable();
        self.0.dedup();
        let mut text = String::with_capacity(self.0.iter().map(|item| item.len() + 1).sum());
        for item in &self.0 {
            text.push(ITEM_START);
            text.push_str(item);
        }
        SearchText(text.into())
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
