//! The state in the end, model against product.

use std::collections::BTreeSet;
use std::fmt::Debug;

use leadgate::domain::{ContactPoint, FieldKey, Lead, LeadId};

use super::alphabet::hour;
use super::call::{Reviews, Told, dead_letter_name};
use super::naive::{Model, ModelLead, ReviewIdentity};

/// What a history leaves behind in the product.
pub(crate) struct Remains {
    pub(crate) leads: Vec<Lead>,
    pub(crate) reviews: Reviews,
    pub(crate) dead_letters: BTreeSet<String>,
    /// In order.
    pub(crate) feed: Vec<Told>,
}

/// What shows of a lead, as text by part; times of receipt are only told apart from times that were sent.
fn parts_of_model(lead: &ModelLead) -> BTreeSet<String> {
    let mut parts = BTreeSet::from([format!("version {}", lead.version)]);
    parts.extend(lead.ids.iter().map(|(source, value)| format!("id {source} {value}")));
    parts.extend(lead.emails.iter().map(|email| format!("email {} {}", email.key, email.primary)));
    parts.extend(lead.phones.iter().map(|phone| format!("phone {} {:?} {}", phone.key, phone.kind, phone.primary)));
    parts.extend(lead.values.iter().map(|(field, value)| value_part(field, &value.text, &value.source, value.time)));
    parts.extend(lead.pipelines.iter().map(|pipeline| format!("pipeline {pipeline}")));
    parts.extend(lead.pipelines_by.as_ref().map(|(source, time)| format!("pipelines by {source} at {}", shown(*time))));
    parts
}

fn parts_of_lead(lead: &Lead) -> BTreeSet<String> {
    let mut parts = BTreeSet::from([format!("version {}", lead.version)]);
    parts.extend(lead.external_ids.iter().map(|linked| format!("id {} {}", linked.id.source(), linked.id.value())));
    parts.extend(lead.emails.iter().map(|email| format!("email {} {}", email.key, email.primary)));
    let phone_part = |phone: &ContactPoint| format!("phone {} {:?} {}", phone.key, phone.kind, phone.primary);
    parts.extend(lead.phones.iter().map(phone_part));
    let fields = lead.fields.iter().map(|(field, value)| (FieldKey::Field(*field), value));
    let attributes = lead.attributes.iter().map(|(name, value)| (FieldKey::Attribute(name.clone()), value));
    let values = fields.chain(attributes);
    parts.extend(values.map(|(field, value)| value_part(&field, &value.value, &value.source, value.update_time)));
    parts.extend(lead.pipelines.iter().map(|pipeline| format!("pipeline {pipeline}")));
    let provenance = lead.pipelines_provenance.as_ref();
    parts.extend(provenance.map(|(source, time)| format!("pipelines by {source} at {}", shown(*time))));
    parts
}

fn value_part(field: &FieldKey, text: &str, source: impl std::fmt::Display, time: jiff::Timestamp) -> String {
    format!("{field} = {text} by {source} at {}", shown(time))
}

fn shown(time: jiff::Timestamp) -> String {
    if time < hour(900) { time.to_string() } else { "receipt".into() }
}

/// Where leads, open reviews or dead letters differ.
pub(crate) fn difference(model: &Model, remains: &Remains) -> Option<String> {
    let leads = model.leads.iter().map(|lead| (lead.id, parts_of_model(lead))).collect();
    let reviews = model.reviews.iter().map(|review| review.identity.clone()).collect();
    let payloads = model.dead_payloads.iter().map(|(source, payload)| dead_letter_name(source, None, "", payload));
    let writes = model.dead_writes.iter().map(|(target, lead, code)| dead_letter_name(target, Some(*lead), code, &[]));
    compared(&leads, &reviews, &payloads.chain(writes).collect(), remains)
}

/// The same of what somebody else leaves behind, with how everything was linked.
pub(crate) fn difference_of_remains(expected: &Remains, remains: &Remains) -> Option<String> {
    let linked = |remains: &Remains| -> BTreeSet<_> {
        remains.leads.iter().map(|lead| (lead.lead_id, links_of_lead(lead))).collect()
    };
    let leads = expected.leads.iter().map(|lead| (lead.lead_id, parts_of_lead(lead))).collect();
    let reviews = expected.reviews.values().cloned().collect();
    let links = differ(&linked(expected), &linked(remains));
    let others = compared(&leads, &reviews, &expected.dead_letters, remains);
    if links.is_empty() { others } else { Some(others.unwrap_or_default() + &links) }
}

/// How each identifier of a lead was linked.
fn links_of_lead(lead: &Lead) -> BTreeSet<String> {
    let ids = lead.external_ids.iter().map(|linked| format!("id {} {:?}", linked.id.value(), linked.linked_by));
    let contacts = lead.emails.iter().chain(&lead.phones);
    ids.chain(contacts.map(|contact| format!("{} {:?} {:?}", contact.key, contact.kind, contact.linked_by))).collect()
}

fn compared(
    leads: &BTreeSet<(LeadId, BTreeSet<String>)>,
    reviews: &BTreeSet<ReviewIdentity>,
    dead_letters: &BTreeSet<String>,
    remains: &Remains,
) -> Option<String> {
    let observed = remains.leads.iter().map(|lead| (lead.lead_id, parts_of_lead(lead))).collect();
    let leads = differ(leads, &observed);
    let reviews = differ(reviews, &remains.reviews.values().cloned().collect());
    let differences = leads + &reviews + &differ(dead_letters, &remains.dead_letters);
    (!differences.is_empty()).then(|| format!("in the end\n{differences}"))
}

fn differ<T: Ord + Debug>(expected: &BTreeSet<T>, observed: &BTreeSet<T>) -> String {
    let missing = expected.difference(observed).map(|item| format!("expected: {item:?}\n"));
    let surplus = observed.difference(expected).map(|item| format!("product:  {item:?}\n"));
    missing.chain(surplus).collect()
}
