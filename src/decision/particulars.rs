//! What blocking and comparing look at, of a payload and of a stored lead alike: the same content gives the same particulars.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::{
    BirthDate, CompanyName, ContactPoint, CountryCode, DomainName, Email, Field, FieldValue, IncomingLead, Lead,
    LinkedBy, PersonName, Phone,
};

use super::evidence::Names;

/// What tells leads apart, parsed. Holds personal data.
pub(crate) struct Particulars<'a> {
    /// The person.
    pub(crate) person: Option<Cow<'a, PersonName>>,
    /// The company.
    pub(crate) company: Option<Cow<'a, CompanyName>>,
    /// The addresses, without those that only a fuzzy match added.
    pub(crate) emails: Vec<Cow<'a, Email>>,
    /// The addresses that only a fuzzy match added: they tell who somebody is not, never who it is.
    pub(crate) added_emails: Vec<Cow<'a, Email>>,
    /// The numbers, without those that only a fuzzy match added.
    pub(crate) phones: Vec<Cow<'a, Phone>>,
    /// The website's domain.
    pub(crate) website: Option<Cow<'a, DomainName>>,
    /// The country.
    pub(crate) country: Option<CountryCode>,
    /// The date of birth.
    pub(crate) birth_date: Option<BirthDate>,
    texts: Texts<'a>,
}

enum Texts<'a> {
    Payload(&'a BTreeMap<Field, Box<str>>),
    Stored(&'a BTreeMap<Field, FieldValue>),
}

impl<'a> Particulars<'a> {
    /// Those of a payload.
    pub(crate) fn of_incoming(lead: &'a IncomingLead) -> Self {
        Self {
            person: lead.name.as_ref().map(Cow::Borrowed),
            company: lead.company.as_ref().map(Cow::Borrowed),
            emails: lead.emails.iter().map(Cow::Borrowed).collect(),
            added_emails: Vec::new(),
            phones: lead.phones.iter().map(|phone| Cow::Borrowed(&phone.phone)).collect(),
            website: lead.website.as_ref().map(Cow::Borrowed),
            country: lead.country,
            birth_date: lead.birth_date,
            texts: Texts::Payload(&lead.values),
        }
    }

    /// Those of a lead as it stands.
    pub(crate) fn of_lead(lead: &'a Lead) -> Self {
        let (person, company) = Names::of_lead(lead).into_parts();
        let country = lead.value(Field::Country).and_then(|country| CountryCode::parse(country).ok());
        let confirmed = |point: &&ContactPoint| point.linked_by == LinkedBy::Exact;
        let (emails, added_emails): (Vec<_>, Vec<_>) = lead.emails.iter().partition(confirmed);
        let parsed = |points: Vec<&ContactPoint>| {
            points.into_iter().filter_map(|point| Email::parse(&point.key).ok()).map(Cow::Owned).collect()
        };
        let phones = lead.phones.iter().filter(confirmed).filter_map(|phone| stored_phone(phone, country));
        Self {
            person: person.map(Cow::Owned),
            company: company.map(Cow::Owned),
            emails: parsed(emails),
            added_emails: parsed(added_emails),
            phones: phones.map(Cow::Owned).collect(),
            website: lead.value(Field::Website).and_then(|website| DomainName::parse(website).ok()).map(Cow::Owned),
            country,
            birth_date: lead.value(Field::DateOfBirth).and_then(|date| BirthDate::parse(date).ok()),
            texts: Texts::Stored(&lead.fields),
        }
    }

    /// A field as given.
    pub(crate) fn text(&self, field: Field) -> Option<&'a str> {
        match self.texts {
            Texts::Payload(values) => values.get(&field).map(|text| &**text),
            Texts::Stored(fields) => fields.get(&field).map(|value| &*value.value),
        }
    }
}

/// A stored number, with the extension where it was given in a form that says the same without its source's country.
fn stored_phone(point: &ContactPoint, country: Option<CountryCode>) -> Option<Phone> {
    let as_given = || Phone::parse(&point.value, country).ok().filter(|phone| *phone.key() == *point.key);
    let has_more = point.value.len() > point.key.len();
    has_more.then(as_given).flatten().or_else(|| Phone::parse(&point.key, None).ok())
}
