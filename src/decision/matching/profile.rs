//! What of a lead is compared, prepared once for all its comparisons.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::decision::particulars::Particulars;
use crate::domain::{DomainName, Email, Field, IncomingLead, Lead, registrable};

use super::contact::{
    Mailbox, Number, Spelt, compare_emails, compare_mailboxes, compare_phones, two_bearers, two_owners,
};
use super::frequency::{FirstLook, FrequencyTable, TermHash, hash_of_content};
use super::level::{ComparedField, Level};
use super::organisation::{self, Organisation};
use super::person::{self, Person};
use super::personal::{Birth, Title, compare_births, compare_titles};
use super::place::{self, Place};
use super::scoring::{Agreement, Score, weigh};
use super::signature::Signature;
use super::weights::Weights;

/// The fields that are looked at behind [`compare_who`]: those of organisations first.
pub(super) const LATER: [ComparedField; 8] = [
    ComparedField::Company,
    ComparedField::Domain,
    ComparedField::Street,
    ComparedField::PostalCode,
    ComparedField::City,
    ComparedField::State,
    ComparedField::Country,
    ComparedField::Title,
];

/// A lead, ready to be compared, and as it lies in the index. Holds personal data: shows nothing of it in `Debug`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    person: Option<Person>,
    organisation: Organisation,
    emails: Vec<Mailbox>,
    /// Addresses that only likeness added: they tell two bearers of a name apart, and unite nobody.
    added_emails: Vec<Mailbox>,
    phones: Vec<Number>,
    place: Place,
    birth: Option<Birth>,
    title: Option<Title>,
}

impl Profile {
    /// What a payload says.
    pub fn of_incoming(lead: &IncomingLead) -> Self {
        Self::new(&Particulars::of_incoming(lead))
    }

    /// What a lead says as it stands.
    pub fn of_lead(lead: &Lead) -> Self {
        Self::new(&Particulars::of_lead(lead))
    }

    /// What particulars say.
    pub(crate) fn new(of: &Particulars<'_>) -> Self {
        let person = of.person.as_deref().map(Person::new);
        let mailboxes =
            |emails: &[Cow<'_, Email>]| emails.iter().map(|email| Mailbox::new(email, person.as_ref())).collect();
        Self {
            organisation: Organisation::new(of.company.as_deref(), domains_of(&of.emails, of.website.as_deref())),
            emails: mailboxes(&of.emails),
            added_emails: mailboxes(&of.added_emails),
            phones: of.phones.iter().map(|phone| Number::new(phone)).collect(),
            place: place_of(of),
            birth: of.birth_date.map(Birth::new),
            title: of.text(Field::Title).and_then(Title::new),
            person,
        }
    }

    /// A hash of everything that is compared, the same for records that are wholly equal; `None` where they may be two people's all the same:
    /// nothing but a name, or a function's mailbox, is anybody's.
    pub fn fingerprint(&self) -> Option<u128> {
        let is_somebodys = !self.phones.is_empty() || self.emails.iter().any(Mailbox::is_personal);
        let bytes = is_somebodys.then(|| postcard::to_allocvec(self).ok()).flatten()?;
        Some(hash_of_content(&bytes))
    }

    /// By what it is told from strangers without a comparison.
    pub fn signature(&self) -> Signature {
        let place = self.place.street_words().chain([self.organisation.name()]);
        Signature::of(self.person.iter().flat_map(Person::words), place)
    }

    /// How rare the value of each field of [`LATER`] is, as far as this lead has it.
    pub(super) fn rarities(&self, table: &FrequencyTable) -> [Option<f64>; LATER.len()] {
        let [company, domain] = self.organisation.rarities(table);
        let [street, postal_code, city, state, country] = self.place.rarities(table);
        let title = self.title.as_ref().map(|_| 0.0);
        [company, domain, street, postal_code, city, state, country, title]
    }

    /// Shows the values that this lead holds to whoever counts them in a second walk.
    pub fn show(&self, look: &mut FirstLook) {
        look.see(self.terms());
        look.see(self.terms_of_person());
    }

    /// Counts the values that this lead holds.
    pub fn count_in(&self, table: &mut FrequencyTable) {
        table.count(self.terms());
        let mark = self.person.as_ref().map_or("", Person::mark);
        self.terms_of_person().for_each(|term| table.count_of_person(term, mark));
    }

    /// Values that are counted once for each lead.
    fn terms(&self) -> Vec<TermHash> {
        let person = self.person.iter().flat_map(Person::terms);
        let mut terms: Vec<TermHash> = person
            .chain(self.organisation.terms())
            .chain(self.place.terms())
            .chain(self.emails.iter().map(Mailbox::domain_term))
            .collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// Values that are counted once for each person.
    fn terms_of_person(&self) -> impl Iterator<Item = TermHash> {
        let contact = self.emails.iter().flat_map(Mailbox::terms).chain(self.phones.iter().map(Number::term));
        contact.chain(self.birth.iter().map(Birth::term))
    }
}

fn domains_of(emails: &[Cow<'_, Email>], website: Option<&DomainName>) -> Vec<String> {
    let mail = emails.iter().filter(|email| !email.is_free_mail()).map(|email| registrable(email.domain()));
    let mut domains: Vec<String> =
        website.map(DomainName::registrable).into_iter().chain(mail).map(str::to_owned).collect();
    domains.sort_unstable();
    domains.dedup();
    domains
}

fn place_of(of: &Particulars<'_>) -> Place {
    Place::new(place::Given {
        street: of.text(Field::Street),
        city: of.text(Field::City),
        postal_code: of.text(Field::PostalCode),
        state: of.text(Field::State),
        country: of.country,
    })
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Profile([redacted])")
    }
}

/// log2 of the odds that two leads taken at random are one.
pub fn prior(table: &FrequencyTable, weights: &Weights) -> f64 {
    weights.prior(table.population())
}

/// How two leads agree, before it is weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedPair {
    pub(super) agreements: Vec<Agreement>,
    pub(super) of_people: bool,
}

impl ComparedPair {
    /// Compares two leads. Symmetric. Where several of their addresses agree, the weights say which of them counts.
    pub fn of(a: &Profile, b: &Profile, table: &FrequencyTable, weights: &Weights) -> Self {
        let mut agreements = Vec::with_capacity(12);
        let contact = compare_who(a, b, table, weights, &mut agreements);
        compare_organisations(a, b, table, &mut agreements);
        compare_rest(a, b, contact, table, &mut agreements);
        Self { agreements, of_people: are_people(a, b) }
    }

    /// Weighs it, for two of so many leads.
    pub fn score(&self, weights: &Weights, leads: u32) -> Score {
        weigh(&self.agreements, self.of_people, weights, weights.prior(leads))
    }
}

/// Compares two leads. Symmetric.
pub fn compare(a: &Profile, b: &Profile, table: &FrequencyTable, weights: &Weights) -> Score {
    ComparedPair::of(a, b, table, weights).score(weights, table.population())
}

/// Whether either of two leads names a person.
pub(super) fn are_people(a: &Profile, b: &Profile) -> bool {
    a.person.is_some() || b.person.is_some()
}

/// How two leads are reached, and when they were born.
pub(super) struct Contact {
    pub(super) email: Option<Agreement>,
    pub(super) phone: Option<Agreement>,
    pub(super) birth: Option<Agreement>,
}

/// Compares what tells most pairs apart. What the names say goes to `found`.
pub(super) fn compare_who(
    a: &Profile,
    b: &Profile,
    table: &FrequencyTable,
    weights: &Weights,
    found: &mut Vec<Agreement>,
) -> Contact {
    match (&a.person, &b.person) {
        (Some(a), Some(b)) => person::compare(a, b, table, found),
        (Some(person), None) => found.extend(compare_to_nobody(person, a, b, table)),
        (None, Some(person)) => found.extend(compare_to_nobody(person, b, a, table)),
        (None, None) => {}
    }
    let birth = a.birth.as_ref().zip(b.birth.as_ref()).map(|(a, b)| compare_births(a, b, table));
    if birth.is_some_and(|birth| matches!(birth.level, Level::BirthDateExact | Level::BirthDateMisspelt)) {
        mistaken_names(found);
    }
    let mut email = compare_emails(&a.emails, &b.emails, table, weights);
    let added = [(&a.added_emails, &b.emails), (&a.emails, &b.added_emails), (&a.added_emails, &b.added_emails)];
    if !email.is_some_and(|email| email.level.is_one_mailbox()) {
        email = added.into_iter().find_map(|(a, b)| two_bearers(a, b, table)).or(email);
    }
    if let (Some(one), Some(other)) = (&a.person, &b.person)
        && let Some(email) = email.as_mut().filter(|email| !email.level.kind().agrees())
    {
        for name in found.iter_mut() {
            let Some((spelt, different)) = doubtful(name.level, one, other) else { continue };
            if let Some(owners) = two_owners(spelt, (&a.emails, one), (&b.emails, other)) {
                name.level = different;
                email.level = email.level.min(owners);
            }
        }
    }
    Contact { email, phone: compare_phones(&a.phones, &b.phones, table), birth }
}

/// Compares where they work.
pub(super) fn compare_organisations(a: &Profile, b: &Profile, table: &FrequencyTable, found: &mut Vec<Agreement>) {
    organisation::compare(&a.organisation, &b.organisation, are_people(a, b), table, found);
}

/// Compares everything else; afterwards `found` has all agreements in the order in which they are told.
pub(super) fn compare_rest(
    a: &Profile,
    b: &Profile,
    contact: Contact,
    table: &FrequencyTable,
    found: &mut Vec<Agreement>,
) {
    found.extend(contact.email);
    found.extend(contact.phone);
    place::compare(&a.place, &b.place, are_people(a, b), table, found);
    found.extend(contact.birth);
    found.extend(a.title.as_ref().zip(b.title.as_ref()).map(|(a, b)| compare_titles(a, b)));
}

/// A lead without a name is a company's, or a person's of whom only the mailbox or the date of birth is known.
fn compare_to_nobody(
    person: &Person,
    somebody: &Profile,
    nobody: &Profile,
    table: &FrequencyTable,
) -> Option<Agreement> {
    let agreement = compare_mailboxes(&nobody.emails, person, &somebody.emails, table);
    (agreement.level != Level::PersonMissing || nobody.birth.is_none()).then_some(agreement)
}

/// Of names that may be one, mistyped: which they are, and the level of two.
fn doubtful(level: Level, one: &Person, other: &Person) -> Option<(Spelt, Level)> {
    let nearly_known = || one.has_well_known_name() || other.has_well_known_name();
    match level {
        Level::FamilyMisspelt | Level::FamilySound | Level::FamilyAlike => {
            Some((Spelt::Family, Level::FamilyDifferent))
        }
        Level::GivenMisspelt if nearly_known() => None,
        Level::GivenMisspelt | Level::GivenAlike => Some((Spelt::Given, Level::GivenDifferent)),
        _ => None,
    }
}

/// Who was born on the same day and has another name was taken down wrongly, more often than not.
fn mistaken_names(found: &mut [Agreement]) {
    let different = [Level::GivenDifferent, Level::GivenUnrelated];
    let other_names = found.iter_mut().filter(|agreement| different.contains(&agreement.level));
    other_names.for_each(|agreement| agreement.level = Level::GivenMistaken);
}
