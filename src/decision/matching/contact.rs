//! Comparing addresses and numbers: tags, typos, mailboxes of functions, switchboards.

use serde::{Deserialize, Serialize};

use crate::domain::{Email, Phone, registrable};

use super::frequency::{FrequencyTable, Term, TermHash};
use super::level::{Kind, Level};
use super::organisation::label;
use super::person::Person;
use super::scoring::Agreement;
use super::similarity::{edits, is_misspelt, similarity, similarity_after};
use super::weights::Weights;

/// Bits that an address of one person says at least.
const ADDRESS_BITS: f64 = 12.0;

/// Letters of the shortest mailbox name that says something at another domain: initials are anybody's.
const MIN_MAILBOX: usize = 3;

/// An address, ready to be compared.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mailbox {
    address: Box<str>,
    /// Letters and digits before the @, without the tag.
    name: Box<str>,
    /// The parts of the name between dots, hyphens and digits.
    words: Vec<Box<str>>,
    domain: Box<str>,
    is_role: bool,
    is_free: bool,
    /// Whether the name is made of the person's.
    is_named: bool,
    address_term: TermHash,
    domain_term: TermHash,
    name_term: TermHash,
}

impl Mailbox {
    pub(super) fn new(email: &Email, person: Option<&Person>) -> Self {
        let address = email.canonical();
        let name: String = email.mailbox().chars().filter(|c| c.is_alphanumeric()).collect();
        Self {
            words: email
                .mailbox()
                .split(|c: char| !c.is_alphabetic())
                .filter(|word| word.len() > 2)
                .map(Into::into)
                .collect(),
            is_named: person.is_some_and(|person| person.names(&name)),
            address_term: TermHash::of(Term::Email, &address),
            domain_term: TermHash::of(Term::MailDomain, email.domain()),
            name_term: TermHash::of(Term::Mailbox, &name),
            address: address.into(),
            domain: email.domain().into(),
            is_role: email.is_role_mailbox(),
            is_free: email.is_free_mail(),
            name: name.into(),
        }
    }

    /// Whether both are one address. The hash parts most of them without a look at the text.
    fn has_address_of(&self, other: &Self) -> bool {
        self.address_term == other.address_term && self.address == other.address
    }

    /// Whether it is a name with a digit from 2 behind it, at a company.
    fn is_second(&self) -> bool {
        let digits = self.name.len() - self.letters().len();
        self.is_named && !self.is_free && digits == 1 && !self.name.ends_with(['0', '1'])
    }

    /// The name without the digits behind it.
    fn letters(&self) -> &str {
        self.name.trim_end_matches(|c: char| c.is_ascii_digit())
    }

    /// The name under which its host is registered, whatever the suffix: `mail.a.com` and `mail.b.org` are two.
    fn employer(&self) -> &str {
        label(registrable(&self.domain))
    }

    /// Whether it is one person's, and not a function's.
    pub(super) fn is_personal(&self) -> bool {
        !self.is_role
    }

    pub(super) fn domain_term(&self) -> TermHash {
        self.domain_term
    }

    pub(super) fn terms(&self) -> [TermHash; 2] {
        [self.address_term, self.name_term]
    }
}

/// What any two addresses say: the agreement that weighs most, or else the first disagreement. Two mailboxes that tell two people apart
/// stand against whatever else agrees, but an address of one person that both have.
pub(super) fn compare_emails(
    a: &[Mailbox],
    b: &[Mailbox],
    table: &FrequencyTable,
    weights: &Weights,
) -> Option<Agreement> {
    if let ([one], [other]) = (a, b) {
        return Some(email(one, other, table));
    }
    let pairs: Vec<Agreement> = a.iter().flat_map(|one| b.iter().map(|other| email(one, other, table))).collect();
    let of_kind = |wanted: fn(Kind) -> bool| pairs.iter().copied().filter(move |pair| wanted(pair.level.kind()));
    let shares_mailbox = || pairs.iter().any(|pair| pair.level.is_one_mailbox());
    let contrary = of_kind(|kind| kind == Kind::Contrary).next().filter(|_| !shares_mailbox());
    let agreement = || Agreement::heaviest(of_kind(Kind::agrees), weights);
    contrary.or_else(agreement).or_else(|| Agreement::best(pairs.iter().copied()))
}

/// What two addresses say that stand against whatever else agrees; `None` where no two do.
pub(super) fn two_bearers(a: &[Mailbox], b: &[Mailbox], table: &FrequencyTable) -> Option<Agreement> {
    let mut pairs = a.iter().flat_map(|one| b.iter().map(|other| email(one, other, table)));
    pairs.find(|pair| pair.level.kind() == Kind::Contrary)
}

fn email(a: &Mailbox, b: &Mailbox, table: &FrequencyTable) -> Agreement {
    // One mailbox may be written in two ways, with dots and under two domains, of which only one is a function's or a common one.
    let same_address = a.has_address_of(b);
    let is_role = a.is_role || b.is_role;
    if same_address && (a.is_named || b.is_named) && !is_role {
        let rarity = table.rarity(a.domain_term).min(table.rarity(b.domain_term));
        return Agreement::new(Level::EmailExactNamed, 1.0).rare(rarity);
    }
    if same_address {
        let level = if is_role { Level::EmailRole } else { Level::EmailExact };
        return Agreement::new(level, 1.0).rare(table.rarity_of_unique(a.address_term, ADDRESS_BITS));
    }
    let rarity = || table.rarity(a.name_term).min(table.rarity(b.name_term));
    let same_domain = a.domain_term == b.domain_term && a.domain == b.domain;
    // Two mailboxes that are both made of names differ as the names do, which says nothing more.
    let named = a.is_named && b.is_named;
    let slip = |one: &str, other: &str| !named && is_misspelt(one, other);
    let same_name = a.name_term == b.name_term && a.name == b.name;
    let same_initial = a.name.chars().next() == b.name.chars().next();
    let level = match () {
        () if a.is_role != b.is_role => Level::EmailFunction,
        () if a.is_role && same_domain => Level::EmailFunctions,
        () if a.is_role => Level::EmailDifferent,
        () if same_name && is_misspelt(&a.domain, &b.domain) && named => Level::EmailNamedMisspelt,
        () if same_name && is_misspelt(&a.domain, &b.domain) => Level::EmailMisspelt,
        () if same_name && a.name.len() < MIN_MAILBOX => Level::EmailDifferent,
        () if same_name && named => Level::EmailNamed,
        () if same_name => Level::EmailMailbox,
        () if is_numbered(a, b) && a.employer() == b.employer() => Level::EmailNumbered,
        () if same_domain && slip(&a.name, &b.name) && same_initial => Level::EmailMisspelt,
        () if same_domain && !a.is_free && !named => Level::EmailColleagues,
        () if !same_domain && slip(&a.name, &b.name) && is_misspelt(&a.domain, &b.domain) => Level::EmailMisspelt,
        () if a.is_second() != b.is_second() => Level::EmailSecond,
        () => Level::EmailDifferent,
    };
    let alike = if level.kind().agrees() { similarity(&a.address, &b.address) } else { 0.0 };
    Agreement::new(level, alike).rare_if_agrees(rarity)
}

/// Which of somebody's names a mailbox may spell.
#[derive(Clone, Copy)]
pub(super) enum Spelt {
    Given,
    Family,
}

/// What two mailboxes at one domain are that spell the names of their two owners, each its own and not the other's: then nobody mistyped a
/// name. `None` where there are no such.
pub(super) fn two_owners(spelt: Spelt, a: (&[Mailbox], &Person), b: (&[Mailbox], &Person)) -> Option<Level> {
    let spells = |mailbox: &Mailbox, person: &Person| match spelt {
        Spelt::Given => person.is_given_spelt_in(&mailbox.words, &mailbox.name),
        Spelt::Family => person.is_spelt_in(&mailbox.name),
    };
    let vouches = |mailbox: &Mailbox, own: &Person, other: &Person| spells(mailbox, own) && !spells(mailbox, other);
    let answers = |one: &Mailbox, other: &Mailbox| {
        one.domain_term == other.domain_term && one.domain == other.domain && vouches(other, b.1, a.1)
    };
    let vouching = a.0.iter().filter(|one| vouches(one, a.1, b.1) && b.0.iter().any(|other| answers(one, other)));
    vouching.map(|one| if one.is_free { Level::EmailDifferent } else { Level::EmailColleagues }).min()
}

/// Whether one mailbox is the other with a digit behind it, or both have one: the second bearer of a name gets `jane.doe2`.
fn is_numbered(a: &Mailbox, b: &Mailbox) -> bool {
    let one_digit = |mailbox: &Mailbox| mailbox.name.len() - mailbox.letters().len() <= 1;
    a.name != b.name && a.letters() == b.letters() && one_digit(a) && one_digit(b)
}

/// What the mailboxes of a lead without a name say about a person who has mailboxes of `own`.
pub(super) fn compare_mailboxes(
    mailboxes: &[Mailbox],
    person: &Person,
    own: &[Mailbox],
    table: &FrequencyTable,
) -> Agreement {
    let personal = || mailboxes.iter().filter(|mailbox| !mailbox.is_role);
    let named = |mailbox: &Mailbox| person.names(&mailbox.name) || mailbox.words.iter().any(|word| person.names(word));
    let shared = mailboxes.iter().any(|mailbox| own.iter().any(|own| own.has_address_of(mailbox)));
    let level = match () {
        () if personal().any(named) => Level::PersonInMailbox,
        () if personal().any(|mailbox| person.has_initials(mailbox.letters())) => Level::PersonInitials,
        () if mailboxes.is_empty() || shared => Level::PersonMissing,
        () if personal().next().is_some() => Level::PersonElsewhere,
        () => Level::PersonForFunction,
    };
    Agreement::new(level, 0.0).rare(person.rarity(table))
}

/// A number, ready to be compared.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Number {
    digits: Box<str>,
    extension: Option<Box<str>>,
    term: TermHash,
}

/// Digits at the end of a number that are the same however it was dialled.
const SUBSCRIBER: usize = 7;

/// Digits at the end of a number that differ within a block of one organisation.
const BLOCK: usize = 4;

/// Digits of the longest number without its country.
const NATIONAL: usize = 10;

impl Number {
    pub(super) fn new(phone: &Phone) -> Self {
        let digits: String = phone.normalized().chars().filter(char::is_ascii_digit).collect();
        let national = &digits[digits.len().saturating_sub(NATIONAL)..];
        Self {
            term: TermHash::of(Term::Phone, national),
            digits: national.into(),
            extension: phone.extension().map(Into::into),
        }
    }

    pub(super) fn term(&self) -> TermHash {
        self.term
    }
}

/// The best agreement of any two numbers.
pub(super) fn compare_phones(a: &[Number], b: &[Number], table: &FrequencyTable) -> Option<Agreement> {
    let pairs = a.iter().flat_map(|one| b.iter().map(move |other| (one, other)));
    Agreement::best(pairs.map(|(one, other)| phone(one, other, table)))
}

fn phone(a: &Number, b: &Number, table: &FrequencyTable) -> Agreement {
    let tail = a.digits.len().min(b.digits.len());
    let (one, other) = (&a.digits[a.digits.len() - tail..], &b.digits[b.digits.len() - tail..]);
    let slips = edits(one, other);
    let other_extension = a.extension.as_ref().zip(b.extension.as_ref()).is_some_and(|(a, b)| a != b);
    let block = tail.saturating_sub(BLOCK);
    let level = match () {
        () if tail >= SUBSCRIBER && one == other && other_extension => Level::PhoneExtension,
        () if tail >= SUBSCRIBER && one == other || a.digits == b.digits => Level::PhoneExact,
        // Another extension is a second difference: not one slip of the hand, but two lines.
        () if tail > SUBSCRIBER && a.digits.len() == b.digits.len() && slips == 1 && !other_extension => {
            Level::PhoneMisspelt
        }
        () if tail > SUBSCRIBER && one[..block] == other[..block] => Level::PhoneBlock,
        () => Level::PhoneDifferent,
    };
    let alike = similarity_after(slips, one, other);
    Agreement::new(level, alike).rare_if_agrees(|| table.rarity(a.term).min(table.rarity(b.term)))
}
