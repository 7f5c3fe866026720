//! The blocking keys of a lead and of a payload: the same content gives the same keys.

use crate::domain::{BirthDate, CompanyName, DomainName, Email, Field, IncomingLead, Lead, LinkedBy, Phone};

use super::blocking_keys::{BlockingInput, blocking_keys};
use super::evidence::Names;

/// The blocking keys of a lead as it stands, sorted, each once. What a fuzzy match added is not blocked on until it is confirmed.
pub fn blocks_of_lead(lead: &Lead) -> Vec<u64> {
    let names = Names::of_lead(lead);
    let exact = |linked_by| linked_by == LinkedBy::Exact;
    let emails: Vec<Email> = lead
        .emails
        .iter()
        .filter(|email| exact(email.linked_by))
        .filter_map(|email| Email::parse(&email.key).ok())
        .collect();
    let phones: Vec<Phone> = lead
        .phones
        .iter()
        .filter(|phone| exact(phone.linked_by))
        .filter_map(|phone| Phone::parse(&phone.key, None).ok())
        .collect();
    blocks(Parts {
        names: &names,
        emails: &emails.iter().collect::<Vec<_>>(),
        phones: &phones.iter().collect::<Vec<_>>(),
        website: lead.value(Field::Website).and_then(|website| DomainName::parse(website).ok()).as_ref(),
        birth_date: lead.value(Field::DateOfBirth).and_then(|date| BirthDate::parse(date).ok()),
        text: &|field| lead.value(field),
    })
}

/// Whether two states of a lead have the same blocking keys because nothing differs that they are made of.
pub(crate) fn blocks_alike(before: &Lead, after: &Lead) -> bool {
    let same = |field: &Field| before.value(*field) == after.value(*field);
    before.emails == after.emails && before.phones == after.phones && BLOCKED_ON.iter().all(same)
}

/// The fields, besides emails and phones, that blocking keys are made of.
const BLOCKED_ON: [Field; 9] = [
    Field::FirstName,
    Field::LastName,
    Field::FullName,
    Field::Company,
    Field::Website,
    Field::City,
    Field::PostalCode,
    Field::DateOfBirth,
    Field::Street,
];

/// The blocking keys that a lead made of this payload alone would have, sorted, each once.
pub fn blocks_of_incoming(lead: &IncomingLead) -> Vec<u64> {
    blocks(Parts {
        names: &Names::of_incoming(lead),
        emails: &lead.emails.iter().collect::<Vec<_>>(),
        phones: &lead.phones.iter().map(|phone| &phone.phone).collect::<Vec<_>>(),
        website: lead.website.as_ref(),
        birth_date: lead.birth_date,
        text: &|field| lead.values.get(&field).map(|text| &**text),
    })
}

struct Parts<'a> {
    names: &'a Names,
    emails: &'a [&'a Email],
    phones: &'a [&'a Phone],
    website: Option<&'a DomainName>,
    birth_date: Option<BirthDate>,
    text: &'a dyn Fn(Field) -> Option<&'a str>,
}

fn blocks(parts: Parts<'_>) -> Vec<u64> {
    let company: Option<&CompanyName> = parts.names.company();
    let input = BlockingInput {
        name: parts.names.person(),
        company,
        emails: parts.emails,
        phones: parts.phones,
        domain: parts.website,
        city: (parts.text)(Field::City),
        postal_code: (parts.text)(Field::PostalCode),
        birth_date: parts.birth_date,
        street: (parts.text)(Field::Street),
    };
    blocking_keys(&input).into_iter().map(super::blocking_keys::BlockingKey::get).collect()
}
