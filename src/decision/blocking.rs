//! The blocking keys of a lead and of a payload: the same content gives the same keys.

use crate::domain::{Email, Field, IncomingLead, Lead, Phone};

use super::blocking_keys::{BlockingInput, blocking_keys};
use super::particulars::Particulars;

/// The blocking keys of a lead as it stands, sorted, each once. What a fuzzy match added is not blocked on until it is confirmed.
pub fn blocks_of_lead(lead: &Lead) -> Vec<u64> {
    blocks(&Particulars::of_lead(lead))
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
    blocks(&Particulars::of_incoming(lead))
}

fn blocks(of: &Particulars<'_>) -> Vec<u64> {
    let input = BlockingInput {
        name: of.person.as_deref(),
        company: of.company.as_deref(),
        emails: &of.emails.iter().map(|email| &**email).collect::<Vec<&Email>>(),
        phones: &of.phones.iter().map(|phone| &**phone).collect::<Vec<&Phone>>(),
        domain: of.website.as_deref(),
        city: of.text(Field::City),
        postal_code: of.text(Field::PostalCode),
        birth_date: of.birth_date,
        street: of.text(Field::Street),
    };
    blocking_keys(&input).into_iter().map(super::blocking_keys::BlockingKey::get).collect()
}
