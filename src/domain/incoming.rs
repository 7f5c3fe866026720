//! A lead as a caller sent it, parsed: what may serve as a key, what is only a value, and what was noticed.

use std::collections::BTreeMap;
use std::fmt;

use super::birth_date::BirthDate;
use super::company_name::CompanyName;
use super::country::CountryCode;
use super::domain_name::DomainName;
use super::email::Email;
use super::external_id::ExternalId;
use super::field::Field;
use super::person_name::PersonName;
use super::phone::{Phone, PhoneKind};

/// A phone with the field it came in.
#[derive(Debug, Clone)]
pub struct IncomingPhone {
    /// The number.
    pub phone: Phone,
    /// `Mobile` for `mobile_phone`, else `Work`.
    pub kind: PhoneKind,
}

/// Something about one field that the caller should know, and that does not stop the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputNote {
    /// A placeholder such as `n/a`: kept as a value of the payload, never a key and never stored on the lead.
    Blocked(&'static str),
    /// It could not be read as what the field holds: stored as given, never a key.
    Unreadable(&'static str),
    /// The email's domain looks mistyped; the suggestion is the whole corrected address.
    EmailTypo(Redacted),
    /// The source sent no external id of its own.
    BlankExternalId,
    /// `source_update_time` lay too far ahead and was set to the time of receipt.
    ClockSkew,
}

/// A text that never shows itself in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted(pub Box<str>);

impl fmt::Debug for Redacted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// A lead as a caller sent it, behind the door: everything in it has been parsed.
#[derive(Clone, Default)]
pub struct IncomingLead {
    /// Usable external ids, the source's own first, without repetition.
    pub external_ids: Vec<ExternalId>,
    /// Usable email addresses, without repetition; the first is the one meant as primary.
    pub emails: Vec<Email>,
    /// Usable phones, without repetition of number and kind.
    pub phones: Vec<IncomingPhone>,
    /// The person's name, where there is one.
    pub name: Option<PersonName>,
    /// The company, where there is one.
    pub company: Option<CompanyName>,
    /// The website's domain, where it could be read.
    pub website: Option<DomainName>,
    /// The country, where it could be read.
    pub country: Option<CountryCode>,
    /// The date of birth, where it could be read.
    pub birth_date: Option<BirthDate>,
    /// Every present single value that is neither blank nor blocked, trimmed, as given.
    pub values: BTreeMap<Field, Box<str>>,
    /// Attributes that are not blank, as given.
    pub attributes: BTreeMap<Box<str>, Box<str>>,
    /// Pipelines without repetition.
    pub pipelines: Vec<Box<str>>,
    /// What the caller should know.
    pub notes: Vec<InputNote>,
}

impl fmt::Debug for IncomingLead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IncomingLead")
            .field("fields", &self.values.keys().collect::<Vec<_>>())
            .field("external_ids", &self.external_ids.len())
            .finish_non_exhaustive()
    }
}
