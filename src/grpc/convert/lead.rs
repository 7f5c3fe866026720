//! A lead as the wire has it.

use std::collections::BTreeMap;

use crate::domain::{ContactPoint, Field, FieldKey, FieldValue, Lead, Lifecycle, LinkedId};
use crate::grpc::proto;

use super::enums::{contact_point_type, external_id_state, linked_by};
use super::time::timestamp;

/// The lead as it stands.
pub(crate) fn lead(lead: &Lead) -> proto::Lead {
    let Lead {
        lead_id,
        version,
        lifecycle,
        external_ids,
        emails,
        phones,
        fields,
        attributes,
        pipelines,
        pipelines_provenance: _,
        systems: _,
        create_time,
        update_time,
    } = lead;
    let (lifecycle, merged_into) = match lifecycle {
        Lifecycle::Active => (proto::LeadLifecycle::Active, String::new()),
        Lifecycle::Merged { into } => (proto::LeadLifecycle::Merged, into.to_string()),
        Lifecycle::Deleted => (proto::LeadLifecycle::Deleted, String::new()),
    };
    let mut message = proto::Lead {
        lead_id: lead_id.to_string(),
        version: *version,
        lifecycle: lifecycle.into(),
        merged_into,
        external_ids: linked_ids(external_ids),
        emails: emails.iter().map(contact_point).collect(),
        phones: phones.iter().map(contact_point).collect(),
        provenance: provenance(lead),
        create_time: Some(timestamp(*create_time)),
        update_time: Some(timestamp(*update_time)),
        attributes: attributes.iter().map(|(key, value)| (key.to_string(), value.value.to_string())).collect(),
        pipelines: pipelines.iter().map(ToString::to_string).collect(),
        ..proto::Lead::default()
    };
    for (field, value) in fields {
        set_field(&mut message, *field, &value.value);
    }
    message
}

fn set_field(message: &mut proto::Lead, field: Field, value: &str) {
    let slot = match field {
        Field::Email => &mut message.email,
        Field::Phone => &mut message.phone,
        Field::MobilePhone => &mut message.mobile_phone,
        Field::FirstName => &mut message.first_name,
        Field::LastName => &mut message.last_name,
        Field::FullName => &mut message.full_name,
        Field::Company => &mut message.company,
        Field::Website => &mut message.website,
        Field::Title => &mut message.title,
        Field::Street => &mut message.street,
        Field::City => &mut message.city,
        Field::State => &mut message.state,
        Field::PostalCode => &mut message.postal_code,
        Field::Country => &mut message.country,
        Field::DateOfBirth => &mut message.date_of_birth,
        Field::LeadSource => &mut message.lead_source,
        Field::LeadStatus => &mut message.lead_status,
        Field::LeadScore => {
            // The door writes it from an int32.
            message.lead_score = value.parse().ok();
            return;
        }
    };
    *slot = Some(value.to_owned());
}

/// External ids with their state.
pub(super) fn linked_ids(ids: &[LinkedId]) -> Vec<proto::ExternalId> {
    let message = |linked: &LinkedId| proto::ExternalId {
        source: linked.id.source().as_str().to_owned(),
        value: linked.id.value().to_owned(),
        state: external_id_state(linked.state).into(),
        linked_by: linked_by(linked.linked_by).into(),
    };
    ids.iter().map(message).collect()
}

fn contact_point(point: &ContactPoint) -> proto::ContactPoint {
    let ContactPoint { value, key, kind, primary, linked_by: how } = point;
    proto::ContactPoint {
        value: value.to_string(),
        normalized: key.to_string(),
        r#type: contact_point_type(*kind).into(),
        primary: *primary,
        linked_by: linked_by(*how).into(),
    }
}

fn provenance(lead: &Lead) -> BTreeMap<String, proto::FieldProvenance> {
    let message = |value: &FieldValue| proto::FieldProvenance {
        source: value.source.as_str().to_owned(),
        update_time: Some(timestamp(value.update_time)),
    };
    let fields = lead.fields.iter().map(|(field, value)| (field.name().to_owned(), message(value)));
    let attributes =
        lead.attributes.iter().map(|(key, value)| (FieldKey::Attribute(key.clone()).to_string(), message(value)));
    let pipelines = lead.pipelines_provenance.iter().map(|(source, time)| {
        let update_time = Some(timestamp(*time));
        (FieldKey::Pipelines.to_string(), proto::FieldProvenance { source: source.as_str().to_owned(), update_time })
    });
    fields.chain(attributes).chain(pipelines).collect()
}
