//! A row as the request that is sent for it.

use crate::domain::{Field, FieldKey};
use crate::grpc::proto::{ExternalId, LeadInput, UpsertMode, UpsertRequest};

use super::column::Target;
use super::row::{RowProblem, VALUE_SEPARATOR};

/// What all requests of an import have in common.
#[derive(Debug, Clone)]
pub(crate) struct RequestTemplate {
    /// The source.
    pub(crate) source: String,
    /// The system to write to; empty for the policy's.
    pub(crate) target: String,
    /// Create, update or both.
    pub(crate) mode: UpsertMode,
    /// Whether nothing is to be written.
    pub(crate) validate_only: bool,
    /// The beginning of the request ids: one for each run of an import over a file.
    pub(crate) run: String,
}

impl RequestTemplate {
    /// The request of the row that begins on `line`. Its client reference is the line.
    pub(crate) fn request(&self, line: u64, values: &[(Target, String)]) -> Result<UpsertRequest, RowProblem> {
        let mut request = UpsertRequest {
            source: self.source.clone(),
            target: self.target.clone(),
            lead: Some(LeadInput::default()),
            mode: self.mode.into(),
            validate_only: self.validate_only,
            client_ref: line.to_string(),
            request_id: if self.validate_only { String::new() } else { format!("{}:{line}", self.run) },
            ..UpsertRequest::default()
        };
        for (target, value) in values {
            put(&mut request, target, value)?;
        }
        Ok(request)
    }
}

fn put(request: &mut UpsertRequest, target: &Target, value: &str) -> Result<(), RowProblem> {
    if *target == Target::SourceUpdateTime {
        let time: jiff::Timestamp = value
            .parse()
            .map_err(|_| RowProblem::invalid("source_update_time is no time such as 2026-05-09T07:30:00Z"))?;
        request.source_update_time =
            Some(prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() });
        return Ok(());
    }
    let lead = request.lead.get_or_insert_default();
    match target {
        Target::ExternalId => lead.external_id = Some(value.to_owned()),
        Target::ExternalContactId => lead.external_contact_id = Some(value.to_owned()),
        Target::ExternalIdIn(source) => {
            let id = ExternalId { source: source.to_string(), value: value.to_owned(), ..ExternalId::default() };
            lead.external_ids.push(id);
        }
        Target::Lead(FieldKey::Attribute(key)) => {
            lead.attributes.insert(key.to_string(), value.to_owned());
        }
        Target::Lead(FieldKey::Pipelines) => {
            let pipelines = value.split(VALUE_SEPARATOR).map(str::trim).filter(|name| !name.is_empty());
            lead.pipelines.extend(pipelines.map(str::to_owned));
        }
        Target::Lead(FieldKey::Field(field)) => put_field(lead, *field, value)?,
        Target::StreetSecondLine => append(&mut lead.street, "\n", value),
        Target::SourceUpdateTime | Target::Ignored => {}
    }
    Ok(())
}

fn put_field(lead: &mut LeadInput, field: Field, value: &str) -> Result<(), RowProblem> {
    let slot = match field {
        Field::Email => &mut lead.email,
        Field::Phone => &mut lead.phone,
        Field::MobilePhone => &mut lead.mobile_phone,
        Field::FirstName => &mut lead.first_name,
        Field::LastName => &mut lead.last_name,
        Field::FullName => &mut lead.full_name,
        Field::Company => &mut lead.company,
        Field::Website => &mut lead.website,
        Field::Title => &mut lead.title,
        Field::Street => &mut lead.street,
        Field::City => &mut lead.city,
        Field::State => &mut lead.state,
        Field::PostalCode => &mut lead.postal_code,
        Field::Country => &mut lead.country,
        Field::DateOfBirth => {
            lead.date_of_birth = Some(hyphenated(value));
            return Ok(());
        }
        Field::LeadSource => &mut lead.lead_source,
        Field::LeadStatus => &mut lead.lead_status,
        Field::LeadScore => {
            let score = value.parse().map_err(|_| RowProblem::invalid("lead_score is no whole number of 32 bits"))?;
            lead.lead_score = Some(score);
            return Ok(());
        }
    };
    append(slot, VALUE_SEPARATOR, value);
    Ok(())
}

/// Several columns of one field: their values are joined.
fn append(slot: &mut Option<String>, separator: &str, value: &str) {
    match slot {
        Some(text) => {
            text.push_str(separator);
            text.push_str(value);
        }
        None => *slot = Some(value.to_owned()),
    }
}

/// `20260509` as the contract wants it, `2026-05-09`; anything else as it is.
fn hyphenated(date: &str) -> String {
    match date.len() {
        8 if date.bytes().all(|byte| byte.is_ascii_digit()) => format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]),
        _ => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> RequestTemplate {
        RequestTemplate {
            source: "crm".into(),
            target: String::new(),
            mode: UpsertMode::Unspecified,
            validate_only: false,
            run: "run".into(),
        }
    }

    fn request(values: &[(&str, &str)]) -> Result<UpsertRequest, RowProblem> {
        let values: Vec<_> = values
            .iter()
            .map(|(header, value)| (Target::of_header(header).expect("a field").0, (*value).to_owned()))
            .collect();
        template().request(7, &values)
    }

    #[test]
    fn values_become_the_fields_of_a_lead() {
        let request = request(&[
            ("id", "1"),
            ("email", "a@example.com"),
            ("work_email", "b@example.com"),
            ("street", "1 Main St"),
            ("address2", "Floor 2"),
            ("dob", "19990102"),
            ("lead_score", "-3"),
            ("attributes.a", "b"),
            ("pipelines", "x | y"),
            ("external_ids.erp", "9"),
            ("source_update_time", "2026-05-09T07:30:00Z"),
            ("extra", "{}"),
        ])
        .expect("a request");
        let lead = request.lead.expect("a lead");
        assert_eq!((request.client_ref.as_str(), request.request_id.as_str()), ("7", "run:7"));
        assert_eq!(lead.external_id.as_deref(), Some("1"));
        assert_eq!(lead.email.as_deref(), Some("a@example.com | b@example.com"));
        assert_eq!(lead.street.as_deref(), Some("1 Main St\nFloor 2"));
        assert_eq!((lead.date_of_birth.as_deref(), lead.lead_score), (Some("1999-01-02"), Some(-3)));
        assert_eq!((lead.attributes.len(), lead.pipelines.len()), (1, 2));
        assert_eq!(lead.external_ids[0].source, "erp");
        assert_eq!(request.source_update_time.map(|time| time.seconds), Some(1_778_311_800));
    }

    #[test]
    fn what_cannot_be_sent_names_the_field_and_not_the_value() {
        for (header, value) in [("lead_score", "99999999999"), ("lead_score", "x1"), ("source_update_time", "x1")] {
            let problem = request(&[(header, value)]).map(|_| ()).expect_err(header);
            assert!(problem.message.contains(header) && !problem.message.contains(value), "{}", problem.message);
        }
    }
}
