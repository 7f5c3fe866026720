//! A score with the values on both sides, as they were given, so that a reader can add it up.

use crate::domain::{ContactPoint, Email, Field, IncomingLead, Lead, LinkedBy};

use super::explanation::{GUARD, NAME_ALONE};
use super::matching::{ComparedField, Kind, Level, Score};
use super::outcome::Comparison;

/// One of two leads that were compared.
#[derive(Clone, Copy)]
pub(crate) enum Side<'a> {
    /// A payload.
    Incoming(&'a IncomingLead),
    /// A lead as it stands.
    Stored(&'a Lead),
}

/// The comparisons of a score with both values of each.
pub(crate) fn side_by_side(score: &Score, incoming: Side<'_>, existing: Side<'_>) -> Vec<Comparison> {
    let fields = score.comparisons.iter().map(|comparison| Comparison {
        field: comparison.level.field().name(),
        incoming: incoming.shown(comparison.level),
        existing: existing.shown(comparison.level),
        similarity: comparison.similarity,
        level: comparison.level.name(),
        weight: comparison.weight,
    });
    let guard = (score.guard < 0.0).then(|| Comparison {
        field: NAME_ALONE,
        incoming: Box::default(),
        existing: Box::default(),
        similarity: 0.0,
        level: GUARD,
        weight: score.guard,
    });
    fields.chain(guard).collect()
}

impl<'a> Side<'a> {
    /// What it says in a field, or in the fields that are compared as one.
    fn shown(self, level: Level) -> Box<str> {
        match level.field() {
            ComparedField::FamilyName => one_of(self.text(Field::LastName), self.text(Field::FullName)).into(),
            ComparedField::GivenName => one_of(self.text(Field::FirstName), self.text(Field::FullName)).into(),
            ComparedField::Name | ComparedField::MiddleName | ComparedField::Generation => self.whole_name(),
            ComparedField::Company => self.text(Field::Company).into(),
            ComparedField::Domain => self.domains(),
            ComparedField::Email if level.kind() == Kind::Contrary => self.all_emails().join(BETWEEN).into(),
            ComparedField::Email => self.emails().join(BETWEEN).into(),
            ComparedField::Phone => self.phones().join(BETWEEN).into(),
            ComparedField::Street => self.text(Field::Street).into(),
            ComparedField::City => self.text(Field::City).into(),
            ComparedField::PostalCode => self.text(Field::PostalCode).into(),
            ComparedField::State => self.text(Field::State).into(),
            ComparedField::Country => self.text(Field::Country).into(),
            ComparedField::DateOfBirth => self.text(Field::DateOfBirth).into(),
            ComparedField::Title => self.text(Field::Title).into(),
        }
    }

    fn text(self, field: Field) -> &'a str {
        match self {
            Self::Incoming(lead) => lead.values.get(&field).map_or("", |value| value),
            Self::Stored(lead) => lead.value(field).unwrap_or_default(),
        }
    }

    fn whole_name(self) -> Box<str> {
        match self.text(Field::FullName) {
            "" => format!("{} {}", self.text(Field::FirstName), self.text(Field::LastName)).trim().into(),
            full => full.into(),
        }
    }

    /// Those that speak for somebody.
    fn emails(self) -> Vec<&'a str> {
        match self {
            Self::Incoming(_) => self.all_emails(),
            Self::Stored(lead) => compared(&lead.emails).map(|point| &*point.value).collect(),
        }
    }

    fn all_emails(self) -> Vec<&'a str> {
        match self {
            Self::Incoming(lead) => lead.emails.iter().map(Email::as_given).collect(),
            Self::Stored(lead) => lead.emails.iter().map(|point| &*point.value).collect(),
        }
    }

    fn phones(self) -> Vec<&'a str> {
        match self {
            Self::Incoming(lead) => lead.phones.iter().map(|phone| phone.phone.as_given()).collect(),
            Self::Stored(lead) => compared(&lead.phones).map(|point| &*point.value).collect(),
        }
    }

    fn domains(self) -> Box<str> {
        let emails = self.emails().into_iter().filter_map(|email| Email::parse(email).ok());
        let of_mail = emails.filter(|email| !email.is_free_mail()).map(|email| email.domain().to_owned());
        let website = Some(self.text(Field::Website)).filter(|website| !website.is_empty()).map(str::to_owned);
        website.into_iter().chain(of_mail).collect::<Vec<_>>().join(BETWEEN).into()
    }
}

/// Stands between several values.
const BETWEEN: &str = " | ";

/// What only a fuzzy match added was not compared, but to tell two people apart.
fn compared(points: &[ContactPoint]) -> impl Iterator<Item = &ContactPoint> {
    points.iter().filter(|point| point.linked_by == LinkedBy::Exact)
}

fn one_of<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.is_empty() { second } else { first }
}
