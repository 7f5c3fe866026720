//! Short ways to write a payload.

use leadgate::decision::command::{RequestId, UpdateMode, UpsertCommand, UpsertMode};
use leadgate::decision::review::Payload;
use leadgate::domain::{
    BirthDate, CompanyName, Email, ExternalId, ExternalIdFormat, Field, IncomingLead, IncomingPhone, PersonName, Phone,
    PhoneKind, SourceName, TenantId,
};

pub(crate) fn source(name: &str) -> SourceName {
    SourceName::parse(name).expect("a good source name")
}

/// A payload from text: `id=1 email=a@x.com phone=+49.. first=Ann last=Lee company=Acme city=Bonn`, of the source named first.
pub(crate) fn payload(text: &str) -> UpsertCommand {
    let (name, fields) = text.split_once(':').expect("source: fields");
    let source = source(name);
    let mut lead = IncomingLead::default();
    let (mut first, mut last, mut full) = (None, None, None);
    for pair in fields.split_whitespace() {
        let (key, value) = pair.split_once('=').expect("key=value");
        let value = value.replace('_', " ");
        match key {
            "id" => lead.external_ids.push(external_id(&source, &value)),
            "email" => {
                lead.values.insert(Field::Email, value.as_str().into());
                lead.emails.push(Email::parse(&value).expect("a good email"));
            }
            "phone" => {
                lead.values.insert(Field::Phone, value.as_str().into());
                let phone = Phone::parse(&value, None).expect("a good phone");
                lead.phones.push(IncomingPhone { phone, kind: PhoneKind::Work });
            }
            "first" => first = Some(value),
            "last" => last = Some(value),
            "full" => full = Some(value),
            "born" => {
                lead.birth_date = BirthDate::parse(&value).ok();
                lead.values.insert(Field::DateOfBirth, value.into());
            }
            "company" => {
                lead.company = CompanyName::parse(&value);
                lead.values.insert(Field::Company, value.into());
            }
            "city" => drop(lead.values.insert(Field::City, value.into())),
            "title" => drop(lead.values.insert(Field::Title, value.into())),
            "status" => drop(lead.values.insert(Field::LeadStatus, value.into())),
            other => {
                let (system, of) = other.split_once('.').expect("a field or id.<system>");
                assert_eq!(system, "id");
                lead.external_ids.push(external_id(&self::source(of), &value));
            }
        }
    }
    lead.name = PersonName::from_parts(first.as_deref(), last.as_deref(), full.as_deref());
    for (field, value) in [(Field::FirstName, first), (Field::LastName, last), (Field::FullName, full)] {
        if let Some(value) = value {
            lead.values.insert(field, value.into());
        }
    }
    UpsertCommand {
        tenant: TenantId::default(),
        source,
        target: None,
        lead_id: None,
        lead,
        mode: UpsertMode::CreateOrUpdate,
        update_mode: UpdateMode::Merge,
        lookup_field: None,
        validate_only: false,
        request_id: None,
        expected_version: None,
        source_update_time: None,
        clear_fields: Vec::new(),
        include_lead: true,
        explain: false,
        payload: Payload(text.as_bytes().into()),
    }
}

fn external_id(source: &SourceName, value: &str) -> ExternalId {
    ExternalId::parse(source.clone(), value, ExternalIdFormat::Plain, None).expect("a good id").expect("not blank")
}

pub(crate) fn request_id(id: &str, body: u8) -> Option<RequestId> {
    Some(RequestId { id: id.into(), body_digest: [body; 16] })
}
