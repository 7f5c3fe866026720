//! The fields of a lead that carry one value, and the names by which callers address them.

use std::fmt;
use std::str::FromStr;

/// A single-valued field of `LeadInput`, in the order in which the contract lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "each variant is the LeadInput field of that name")]
pub enum Field {
    Email = 1,
    Phone = 2,
    MobilePhone = 3,
    FirstName = 4,
    LastName = 5,
    FullName = 6,
    Company = 7,
    Website = 8,
    Title = 9,
    Street = 10,
    City = 11,
    State = 12,
    PostalCode = 13,
    Country = 14,
    DateOfBirth = 15,
    LeadSource = 16,
    LeadStatus = 17,
    LeadScore = 18,
}

impl Field {
    /// Every field, in declaration order.
    pub const ALL: [Self; 18] = [
        Self::Email,
        Self::Phone,
        Self::MobilePhone,
        Self::FirstName,
        Self::LastName,
        Self::FullName,
        Self::Company,
        Self::Website,
        Self::Title,
        Self::Street,
        Self::City,
        Self::State,
        Self::PostalCode,
        Self::Country,
        Self::DateOfBirth,
        Self::LeadSource,
        Self::LeadStatus,
        Self::LeadScore,
    ];

    /// The name of the field in `LeadInput`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::MobilePhone => "mobile_phone",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::FullName => "full_name",
            Self::Company => "company",
            Self::Website => "website",
            Self::Title => "title",
            Self::Street => "street",
            Self::City => "city",
            Self::State => "state",
            Self::PostalCode => "postal_code",
            Self::Country => "country",
            Self::DateOfBirth => "date_of_birth",
            Self::LeadSource => "lead_source",
            Self::LeadStatus => "lead_status",
            Self::LeadScore => "lead_score",
        }
    }

    /// The field with this stable number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|field| *field as u8 == number)
    }

    /// Whether the field's value is also an identifier that the lead keeps as an alias.
    pub fn is_contact_point(self) -> bool {
        matches!(self, Self::Email | Self::Phone | Self::MobilePhone)
    }
}

/// Anything on a lead that has a provenance of its own: a field, one attribute, or the pipelines as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldKey {
    /// A single-valued field.
    Field(Field),
    /// One entry of `attributes`, by its key.
    Attribute(Box<str>),
    /// The list of pipelines.
    Pipelines,
}

impl fmt::Display for FieldKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => formatter.write_str(field.name()),
            Self::Attribute(key) => write!(formatter, "attributes.{key}"),
            Self::Pipelines => formatter.write_str("pipelines"),
        }
    }
}

/// The text names no field of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("names no field of LeadInput; use a field name such as `company`, `attributes.<key>` or `pipelines`")]
pub struct UnknownField;

impl FromStr for FieldKey {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, UnknownField> {
        if text == "pipelines" {
            return Ok(Self::Pipelines);
        }
        if let Some(key) = text.strip_prefix("attributes.") {
            return if key.is_empty() { Err(UnknownField) } else { Ok(Self::Attribute(key.into())) };
        }
        Field::ALL.into_iter().find(|field| field.name() == text).map(Self::Field).ok_or(UnknownField)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name_and_number() {
        for field in Field::ALL {
            assert_eq!(field.name().parse(), Ok(FieldKey::Field(field)));
            assert_eq!(Field::from_number(field as u8), Some(field));
        }
    }

    #[test]
    fn a_field_key_is_read_back_from_what_it_prints() {
        for key in
            [FieldKey::Pipelines, FieldKey::Attribute("last_activity_date".into()), FieldKey::Field(Field::Company)]
        {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        assert_eq!("attributes.".parse::<FieldKey>(), Err(UnknownField));
        assert_eq!("fax".parse::<FieldKey>(), Err(UnknownField));
    }
}
