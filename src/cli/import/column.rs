//! What a column of a file is called elsewhere, and which field of a lead it means here.

use crate::domain::{Field, FieldKey};

/// What the values of a column become.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    /// The lead's id in the source of the import.
    ExternalId,
    /// The id of the contact in the source of the import.
    ExternalContactId,
    /// The lead's id in another system.
    ExternalIdIn(Box<str>),
    /// A field, an attribute or the pipelines.
    Lead(FieldKey),
    /// A further line of the street.
    StreetSecondLine,
    /// When the values were true in the source.
    SourceUpdateTime,
    /// Nothing: left out without a word.
    Ignored,
}

impl Target {
    /// Whether several columns may mean it: their values are joined, in the order of the columns.
    pub(crate) fn joins(&self) -> bool {
        match self {
            Self::Lead(FieldKey::Field(field)) => {
                matches!(field, Field::Email | Field::Phone | Field::MobilePhone)
            }
            Self::Lead(FieldKey::Pipelines) | Self::Ignored => true,
            _ => false,
        }
    }

    /// Reads the right side of `--map header=field`: a field of LeadInput, `attributes.KEY`, `external_ids.SOURCE`,
    /// `source_update_time` or `ignore`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "external_id" => Some(Self::ExternalId),
            "external_contact_id" => Some(Self::ExternalContactId),
            "source_update_time" => Some(Self::SourceUpdateTime),
            "ignore" => Some(Self::Ignored),
            text => match text.strip_prefix("external_ids.") {
                Some(source) => (!source.trim().is_empty()).then(|| Self::ExternalIdIn(source.trim().into())),
                None => text.parse().ok().map(Self::Lead),
            },
        }
    }

    /// What a header means by its name alone, with whether it is the field's own name and not an alias.
    pub(crate) fn of_header(header: &str) -> Option<(Self, bool)> {
        let header = header.trim();
        if let Some(target) = Self::parse(header).filter(|target| *target != Self::Ignored) {
            return Some((target, true));
        }
        let folded = folded(header);
        if let Some(target) = Self::parse(&folded).filter(|target| matches!(target, Self::Lead(FieldKey::Field(_)))) {
            return Some((target, true));
        }
        ALIASES
            .iter()
            .find(|(_, names)| names.contains(&folded.as_str()))
            .map(|(target, _)| (target.to_target(), false))
    }
}

/// A target that can stand in a table.
enum Meaning {
    ExternalId,
    ExternalContactId,
    Field(Field),
    Pipelines,
    StreetSecondLine,
    SourceUpdateTime,
    Ignored,
}

impl Meaning {
    fn to_target(&self) -> Target {
        match self {
            Self::ExternalId => Target::ExternalId,
            Self::ExternalContactId => Target::ExternalContactId,
            Self::Field(field) => Target::Lead(FieldKey::Field(*field)),
            Self::Pipelines => Target::Lead(FieldKey::Pipelines),
            Self::StreetSecondLine => Target::StreetSecondLine,
            Self::SourceUpdateTime => Target::SourceUpdateTime,
            Self::Ignored => Target::Ignored,
        }
    }
}

/// Headers as exports of CRMs, marketing tools and spreadsheets have them, folded.
const ALIASES: [(Meaning, &[&str]); 23] = [
    (Meaning::ExternalId, &["external_id", "id", "record_id", "lead_id", "crm_id", "ext_id", "uid"]),
    (Meaning::ExternalContactId, &["external_contact_id", "contact_id"]),
    (
        Meaning::Field(Field::Email),
        &[
            "e_mail",
            "email_address",
            "e_mail_address",
            "mail",
            "primary_email",
            "work_email",
            "business_email",
            "email_1",
            "email1",
            "email_2",
            "email2",
            "secondary_email",
            "other_email",
            "personal_email",
        ],
    ),
    (
        Meaning::Field(Field::Phone),
        &[
            "telephone",
            "tel",
            "phone_number",
            "telephone_number",
            "primary_phone",
            "work_phone",
            "business_phone",
            "office_phone",
            "phone_1",
            "phone1",
            "phone_2",
            "phone2",
            "other_phone",
            "home_phone",
        ],
    ),
    (
        Meaning::Field(Field::MobilePhone),
        &["mobile", "cell", "cell_phone", "cellphone", "mobile_number", "mobile_phone_number", "mobilephone"],
    ),
    (Meaning::Field(Field::FirstName), &["first", "firstname", "given_name", "forename", "fname"]),
    (Meaning::Field(Field::LastName), &["last", "lastname", "family_name", "surname", "lname"]),
    (
        Meaning::Field(Field::FullName),
        &["name", "fullname", "contact_name", "person_name", "display_name", "lead_name"],
    ),
    (
        Meaning::Field(Field::Company),
        &[
            "company_name",
            "organisation",
            "organization",
            "organisation_name",
            "organization_name",
            "account",
            "account_name",
            "company_account",
            "employer",
            "business_name",
        ],
    ),
    (
        Meaning::Field(Field::Website),
        &[
            "web_site",
            "domain",
            "url",
            "web",
            "homepage",
            "website_url",
            "company_website",
            "company_domain",
            "company_domain_name",
        ],
    ),
    (Meaning::Field(Field::Title), &["job_title", "jobtitle", "position", "designation"]),
    (
        Meaning::Field(Field::Street),
        &[
            "address",
            "street_address",
            "addr",
            "address_1",
            "address1",
            "address_line_1",
            "address_line1",
            "mailing_street",
        ],
    ),
    (Meaning::StreetSecondLine, &["address_2", "address2", "address_line_2", "address_line2", "street_2", "street2"]),
    (Meaning::Field(Field::City), &["town", "locality", "mailing_city"]),
    (Meaning::Field(Field::State), &["province", "region", "state_province", "state_region", "mailing_state"]),
    (
        Meaning::Field(Field::PostalCode),
        &[
            "postcode",
            "post_code",
            "postalcode",
            "zip",
            "zip_code",
            "zipcode",
            "zip_postal_code",
            "plz",
            "mailing_postal_code",
        ],
    ),
    (Meaning::Field(Field::Country), &["country_code", "country_region", "nation", "mailing_country"]),
    (Meaning::Field(Field::DateOfBirth), &["dob", "birth_date", "birthdate", "birthday"]),
    (Meaning::Field(Field::LeadSource), &["source", "leadsource", "original_source"]),
    (Meaning::Field(Field::LeadStatus), &["status", "leadstatus"]),
    (Meaning::Pipelines, &["pipeline", "lists", "list"]),
    (Meaning::SourceUpdateTime, &["source_update_time"]),
    (Meaning::Ignored, &["cluster_id", "extra", "entity_type", "failed_line", "failed_reason", "failed_message"]),
];

/// Every header that is understood, by field, for `--help`.
pub(crate) fn header_names() -> String {
    let mut text = "Headers that are understood, whatever their case and whatever separates their words:\n".to_owned();
    for (meaning, aliases) in &ALIASES {
        let target = meaning.to_target();
        let own = Some(target.to_string()).filter(|name| Target::parse(name).is_some() && target != Target::Ignored);
        let others = aliases.iter().copied().filter(|alias| own.as_deref() != Some(*alias));
        let names: Vec<&str> = own.as_deref().into_iter().chain(others).collect();
        let field = if target == Target::Ignored { "left out".to_owned() } else { target.to_string() };
        text.push_str(&format!("  {field}: {}\n", names.join(", ")));
    }
    text.push_str("  lead_score, attributes.KEY, external_ids.SOURCE: by these names");
    text
}

/// A header as a name: lower case, words joined by one underscore, whatever separated them before.
pub(crate) fn folded(header: &str) -> String {
    let mut name = String::with_capacity(header.len() + 4);
    let mut after_lower = false;
    for character in header.trim().trim_start_matches('\u{feff}').chars() {
        let begins_word = character.is_uppercase() && after_lower;
        if (!character.is_alphanumeric() || begins_word) && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if character.is_alphanumeric() {
            name.extend(character.to_lowercase());
        }
        after_lower = character.is_lowercase() || character.is_numeric();
    }
    name.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_folded_to_names() {
        for (header, name) in [
            ("Email", "email"),
            ("\u{feff}E-Mail Address ", "e_mail_address"),
            ("firstName", "first_name"),
            ("LastName", "last_name"),
            ("ZIP/Postal Code", "zip_postal_code"),
            ("Company / Account", "company_account"),
            ("ID", "id"),
            ("Lead ID", "lead_id"),
            ("date_of_birth", "date_of_birth"),
            ("  ", ""),
            ("__x__", "x"),
            ("Straße", "straße"),
        ] {
            assert_eq!(folded(header), name, "{header}");
        }
    }

    #[test]
    fn headers_mean_fields() {
        let shown = |header: &str| match Target::of_header(header) {
            None => "-".to_owned(),
            Some((Target::ExternalId, _)) => "external_id".into(),
            Some((Target::ExternalContactId, _)) => "external_contact_id".into(),
            Some((Target::ExternalIdIn(source), _)) => format!("external_ids.{source}"),
            Some((Target::Lead(key), _)) => key.to_string(),
            Some((target @ (Target::SourceUpdateTime | Target::StreetSecondLine), _)) => target.to_string(),
            Some((Target::Ignored, _)) => "ignored".into(),
        };
        for (header, field) in [
            ("id", "external_id"),
            ("external_id", "external_id"),
            ("Record ID", "external_id"),
            ("Contact ID", "external_contact_id"),
            ("external_ids.marketo", "external_ids.marketo"),
            ("postcode", "postal_code"),
            ("PostalCode", "postal_code"),
            ("ZIP", "postal_code"),
            ("dob", "date_of_birth"),
            ("address", "street"),
            ("street", "street"),
            ("Address Line 2", "street (second line)"),
            ("domain", "website"),
            ("url", "website"),
            ("phone", "phone"),
            ("Telephone", "phone"),
            ("Mobile", "mobile_phone"),
            ("MobilePhone", "mobile_phone"),
            ("name", "full_name"),
            ("organisation", "company"),
            ("Account Name", "company"),
            ("source", "lead_source"),
            ("Lead Source", "lead_source"),
            ("Lead Score", "lead_score"),
            ("attributes.utm_source", "attributes.utm_source"),
            ("pipelines", "pipelines"),
            ("cluster_id", "ignored"),
            ("extra", "ignored"),
            ("entity_type", "ignored"),
            ("shoe size", "-"),
            ("ignore", "-"),
            ("", "-"),
        ] {
            assert_eq!(shown(header), field, "{header}");
        }
    }

    #[test]
    fn the_help_names_every_field_of_a_lead() {
        let help = header_names();
        for field in Field::ALL {
            assert!(help.contains(field.name()), "{}", field.name());
        }
    }

    #[test]
    fn no_alias_stands_twice_and_all_are_folded() {
        let mut seen = std::collections::BTreeSet::new();
        for alias in ALIASES.iter().flat_map(|(_, names)| names.iter()) {
            assert_eq!(folded(alias), **alias);
            assert!(seen.insert(alias), "{alias}");
        }
    }
}
