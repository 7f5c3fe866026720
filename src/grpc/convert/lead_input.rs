//! A `LeadInput` as the lead that the core decides about.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::decision::policy::SourcePolicy;
use crate::domain::blank::is_blocked;
use crate::domain::{
    BirthDate, CompanyName, CountryCode, DomainName, Email, EmailError, Field, FieldKey, IncomingLead, IncomingPhone,
    InputNote, PersonName, Phone, PhoneError, PhoneKind, Redacted, SourceName,
};
use crate::grpc::proto;
use crate::grpc::violation::{Rule, Violations};

use super::Door;
use super::external_ids::{GivenIds, read_external_ids};
use super::text::{Lines, clean};

/// What separates several values in `email`, `phone` and `mobile_phone`.
const SEPARATOR: &str = " | ";

/// A lead that was read, with what the request said about it.
pub(super) struct ReadLead {
    /// The lead.
    pub(super) lead: IncomingLead,
    /// The fields that the request has a value for, whatever became of it.
    pub(super) given: GivenFields,
}

/// A set of single-valued fields.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GivenFields(u32);

impl GivenFields {
    fn insert(&mut self, field: Field) {
        self.0 |= 1 << field as u8;
    }

    fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }
}

impl ReadLead {
    /// Whether the request has a value for what `key` names.
    pub(super) fn gives(&self, key: &FieldKey) -> bool {
        match key {
            FieldKey::Field(field) => self.given.contains(*field),
            FieldKey::Attribute(name) => self.lead.attributes.contains_key(name),
            FieldKey::Pipelines => !self.lead.pipelines.is_empty(),
        }
    }
}

/// Reads a lead. `needs_id` says whether the source's rule about blank external ids applies.
pub(super) fn read_lead(
    input: proto::LeadInput,
    source: &SourceName,
    needs_id: bool,
    door: &Door<'_>,
    violations: &mut Violations,
) -> ReadLead {
    let proto::LeadInput {
        external_id,
        external_ids,
        external_contact_id,
        email,
        phone,
        mobile_phone,
        first_name,
        last_name,
        full_name,
        company,
        website,
        title,
        street,
        city,
        state,
        postal_code,
        country,
        date_of_birth,
        lead_source,
        lead_status,
        lead_score,
        attributes,
        pipelines,
    } = input;
    let rules = door.policy.source(source);
    let mut reader = Reader { door, rules, violations, lead: IncomingLead::default(), given: GivenFields::default() };
    reader.plain(Field::Country, country);
    reader.read_country();
    reader.emails(email);
    reader.phones(Field::Phone, phone, PhoneKind::Work);
    reader.phones(Field::MobilePhone, mobile_phone, PhoneKind::Mobile);
    reader.plain(Field::FirstName, first_name);
    reader.plain(Field::LastName, last_name);
    reader.plain(Field::FullName, full_name);
    reader.plain(Field::Company, company);
    reader.plain(Field::Website, website);
    reader.plain(Field::Title, title);
    reader.plain(Field::Street, street);
    reader.plain(Field::City, city);
    reader.plain(Field::State, state);
    reader.plain(Field::PostalCode, postal_code);
    reader.plain(Field::DateOfBirth, date_of_birth);
    reader.plain(Field::LeadSource, lead_source);
    reader.plain(Field::LeadStatus, lead_status);
    reader.score(lead_score);
    reader.attributes(attributes);
    reader.pipelines(pipelines);
    reader.read_names();
    let ids = GivenIds { own: external_id, others: external_ids, contact: external_contact_id };
    read_external_ids(ids, source, needs_id, door, &mut reader.lead, reader.violations);
    ReadLead { lead: reader.lead, given: reader.given }
}

struct Reader<'a> {
    door: &'a Door<'a>,
    rules: &'a SourcePolicy,
    violations: &'a mut Violations,
    lead: IncomingLead,
    given: GivenFields,
}

impl Reader<'_> {
    fn cleaned(&mut self, field: Field, text: Option<String>) -> Option<Box<str>> {
        let lines = if field == Field::Street { Lines::Many } else { Lines::One };
        let limit = self.door.policy.limits.value_bytes;
        let cleaned = clean(text?, lines, limit, self.violations, || path_of(field))?;
        self.given.insert(field);
        Some(cleaned)
    }

    fn note(&mut self, note: InputNote) {
        if !self.lead.notes.contains(&note) {
            self.lead.notes.push(note);
        }
    }

    fn value(&self, field: Field) -> Option<&str> {
        self.lead.values.get(&field).map(|value| &**value)
    }

    /// Keeps a value as it was given.
    fn plain(&mut self, field: Field, text: Option<String>) {
        let Some(text) = self.cleaned(field, text) else { return };
        if is_blocked(&text) {
            self.note(InputNote::Blocked(field.name()));
        } else {
            self.lead.values.insert(field, text);
        }
    }

    fn read_country(&mut self) {
        let Some(text) = self.value(Field::Country) else { return };
        match CountryCode::parse(text) {
            Ok(country) => self.lead.country = Some(country),
            Err(_) => self.note(InputNote::Unreadable(Field::Country.name())),
        }
    }

    fn emails(&mut self, text: Option<String>) {
        let Some(text) = self.cleaned(Field::Email, text) else { return };
        for part in parts_of(&text) {
            match Email::parse(part) {
                _ if is_blocked(part) => self.note(InputNote::Blocked(Field::Email.name())),
                Ok(email) => self.email(email),
                Err(EmailError::Blank) => self.note(InputNote::Blocked(Field::Email.name())),
                Err(_) => self.note(InputNote::Unreadable(Field::Email.name())),
            }
        }
        if let Some(first) = self.lead.emails.first() {
            let given = first.as_given().into();
            self.lead.values.insert(Field::Email, given);
        }
        self.limit(self.lead.emails.len(), self.door.policy.limits.emails, path_of(Field::Email));
    }

    fn email(&mut self, email: Email) {
        if let Some(suggestion) = email.typo_suggestion() {
            self.note(InputNote::EmailTypo(Redacted(suggestion.into())));
        }
        if !self.lead.emails.iter().any(|known| known.normalized() == email.normalized()) {
            self.lead.emails.push(email);
        }
    }

    fn phones(&mut self, field: Field, text: Option<String>, kind: PhoneKind) {
        let Some(text) = self.cleaned(field, text) else { return };
        let region = self.lead.country.or(self.rules.default_country);
        let before = self.lead.phones.len();
        for part in parts_of(&text) {
            match Phone::parse(part, region) {
                _ if is_blocked(part) => self.note(InputNote::Blocked(field.name())),
                Ok(phone) => self.phone(phone, kind),
                Err(PhoneError::Blank) => self.note(InputNote::Blocked(field.name())),
                Err(_) => self.note(InputNote::Unreadable(field.name())),
            }
        }
        if let Some(first) = self.lead.phones.get(before) {
            let given = first.phone.as_given().into();
            self.lead.values.insert(field, given);
        }
        self.limit(self.lead.phones.len(), self.door.policy.limits.phones, path_of(field));
    }

    fn phone(&mut self, phone: Phone, kind: PhoneKind) {
        let known = |known: &IncomingPhone| known.kind == kind && known.phone.key() == phone.key();
        if !self.lead.phones.iter().any(known) {
            self.lead.phones.push(IncomingPhone { phone, kind });
        }
    }

    fn score(&mut self, score: Option<i32>) {
        let Some(score) = score else { return };
        self.given.insert(Field::LeadScore);
        self.lead.values.insert(Field::LeadScore, score.to_string().into());
    }

    fn attributes(&mut self, attributes: BTreeMap<String, String>) {
        let limits = &self.door.policy.limits;
        if !self.limit(attributes.len(), limits.attributes, "lead.attributes".into()) {
            return;
        }
        for (key, text) in attributes {
            let path = || Cow::Owned(format!("lead.attributes.{key}"));
            let value = clean(text, Lines::Many, limits.value_bytes, self.violations, path);
            let name = clean(key, Lines::One, limits.value_bytes, self.violations, || "lead.attributes".into());
            match (name, value) {
                (Some(name), Some(value)) => drop(self.lead.attributes.insert(name, value)),
                (None, Some(_)) => {
                    self.violations.add("lead.attributes", Rule::InvalidValue, "the key of an attribute is blank");
                }
                (_, None) => {}
            }
        }
    }

    fn pipelines(&mut self, pipelines: Vec<String>) {
        let limits = &self.door.policy.limits;
        if !self.limit(pipelines.len(), limits.pipelines, "lead.pipelines".into()) {
            return;
        }
        for (index, text) in pipelines.into_iter().enumerate() {
            let path = || Cow::Owned(format!("lead.pipelines[{index}]"));
            let Some(name) = clean(text, Lines::One, limits.value_bytes, self.violations, path) else { continue };
            if !self.lead.pipelines.contains(&name) {
                self.lead.pipelines.push(name);
            }
        }
    }

    /// Whether so many are allowed.
    fn limit(&mut self, count: usize, most: usize, path: Cow<'static, str>) -> bool {
        if count > most {
            self.violations.add(path, Rule::IdentifierLimit, format!("at most {most} in one request, not {count}"));
        }
        count <= most
    }

    fn read_names(&mut self) {
        self.lead.name = PersonName::from_parts(
            self.value(Field::FirstName),
            self.value(Field::LastName),
            self.value(Field::FullName),
        );
        self.lead.company = self.value(Field::Company).and_then(CompanyName::parse);
        self.read_website();
        self.read_birth_date();
    }

    fn read_website(&mut self) {
        let Some(text) = self.value(Field::Website) else { return };
        match DomainName::parse(text) {
            Ok(domain) => self.lead.website = Some(domain),
            Err(_) => self.note(InputNote::Unreadable(Field::Website.name())),
        }
    }

    fn read_birth_date(&mut self) {
        let Some(text) = self.value(Field::DateOfBirth) else { return };
        // A day ahead of UTC is today somewhere.
        let tomorrow = self.door.now.to_zoned(jiff::tz::TimeZone::UTC).date().saturating_add(jiff::Span::new().days(1));
        match BirthDate::parse(text) {
            Ok(birth_date) if birth_date.date() <= tomorrow => self.lead.birth_date = Some(birth_date),
            _ => self.note(InputNote::Unreadable(Field::DateOfBirth.name())),
        }
    }
}

/// The values in one text, without blank ones.
fn parts_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty())
}

fn path_of(field: Field) -> Cow<'static, str> {
    Cow::Owned(format!("lead.{}", field.name()))
}

#[cfg(test)]
mod tests;
