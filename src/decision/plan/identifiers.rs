//! Linking identifiers to a lead: external ids, emails and phones, each once, never one that is another lead's alone.

use std::borrow::Cow;

use crate::decision::command::{UpdateMode, UpsertCommand};
use crate::decision::evidence::{Evidence, KeyLookup, Names};
use crate::decision::identity_key::IdentityKey;
use crate::decision::name_guard::NameVerdict;
use crate::decision::policy::{Limits, Policy};
use crate::decision::reason::{Reason, ReasonCode};
use crate::decision::survivorship::may_replace;
use crate::decision::tier::MatchTier;
use crate::domain::{
    ContactPoint, Email, ExternalId, ExternalIdState, Field, FieldKey, IncomingPhone, Lead, LinkedBy, LinkedId,
    PhoneKind,
};

use super::add_reason;
use super::edit::{IncomingValue, LeadEdit};

/// What linking found out.
#[derive(Default)]
pub(super) struct Linking {
    /// Whether any identifier was added.
    pub(super) linked: bool,
    /// What the caller should know.
    pub(super) reasons: Vec<Reason>,
}

/// The field in which a phone of this kind stands.
pub(super) fn phone_field(kind: PhoneKind) -> Field {
    if kind == PhoneKind::Mobile { Field::MobilePhone } else { Field::Phone }
}

/// The key of the primary contact point behind a field.
pub(super) fn primary_key(lead: &Lead, field: Field) -> Option<&str> {
    let point = match field {
        Field::Email => lead.emails.iter().find(|email| email.primary),
        Field::Phone | Field::MobilePhone => {
            lead.phones.iter().find(|phone| phone.primary && phone_field(phone.kind) == field)
        }
        _ => None,
    };
    point.map(|point| &*point.key)
}

/// How identifiers are linked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    /// What new ones are marked with.
    pub(super) linked_by: LinkedBy,
    /// Whether those that a fuzzy match added lose their mark.
    pub(super) confirms: bool,
}

impl Links {
    /// Those of a lead that an exact tier found, or that is new.
    pub(super) const EXACT: Self = Self { linked_by: LinkedBy::Exact, confirms: false };
}

/// Links every identifier of the payload. `contested` says which belong to another lead alone.
pub(super) fn link_identifiers(
    edit: &mut LeadEdit<'_>,
    command: &UpsertCommand,
    contested: &dyn Fn(&IdentityKey) -> bool,
    links: Links,
) -> Linking {
    let mut linking = Linking::default();
    for id in &command.lead.external_ids {
        if contested(&IdentityKey::external_id(id)) {
            let field = if *id.source() == command.source { "external_id" } else { "external_ids" };
            add_reason(&mut linking.reasons, Reason::from(ReasonCode::ContestedValue).with("field", field));
        } else {
            // What a system calls its record, another one cannot confirm.
            let confirms = links.confirms && *id.source() == command.source;
            link_external_id(&mut edit.lead, id, Links { confirms, ..links }, &mut linking);
        }
    }
    for (index, email) in command.lead.emails.iter().enumerate() {
        if contested(&IdentityKey::email(email)) {
            withhold_contested(edit, email);
            continue;
        }
        link_email(&mut edit.lead, email, links, &mut linking);
        if index == 0 {
            take_primary_email(edit, command, email, &mut linking);
        }
    }
    for (index, phone) in command.lead.phones.iter().enumerate() {
        link_phone(&mut edit.lead, phone, links, &mut linking);
        let field = phone_field(phone.kind);
        if command.lead.phones[..index].iter().all(|before| phone_field(before.kind) != field) {
            take_primary_phone(edit, phone);
        }
    }
    linking
}

/// Links an external id, once; a second live one of the same source is worth saying.
pub(super) fn link_external_id(lead: &mut Cow<'_, Lead>, id: &ExternalId, links: Links, linking: &mut Linking) {
    if let Some(known) = lead.external_ids.iter().position(|linked| linked.id == *id) {
        if links.confirms && lead.external_ids[known].linked_by == LinkedBy::Fuzzy {
            lead.to_mut().external_ids[known].linked_by = LinkedBy::Exact;
            linking.linked = true;
        }
        return;
    }
    lead.to_mut().external_ids.push(LinkedId {
        id: id.clone(),
        state: ExternalIdState::Live,
        linked_by: links.linked_by,
    });
    linking.linked = true;
    if lead.live_ids_of(id.source()).count() > 1 {
        let reason = Reason::from(ReasonCode::SourceHoldsDuplicate).with("source", id.source().as_str());
        add_reason(&mut linking.reasons, reason);
    }
}

fn withhold_contested(edit: &mut LeadEdit<'_>, email: &Email) {
    let value = incoming_email(email);
    if !edit.is_repeated(&value) {
        edit.withhold(&value.key, value.given, ReasonCode::ContestedValue);
    }
}

fn incoming_email(email: &Email) -> IncomingValue<'_> {
    IncomingValue { key: FieldKey::Field(Field::Email), given: email.as_given(), compared: email.normalized() }
}

fn link_email(lead: &mut Cow<'_, Lead>, email: &Email, links: Links, linking: &mut Linking) {
    if let Some(known) = lead.emails.iter().position(|known| *known.key == *email.normalized()) {
        if links.confirms && lead.emails[known].linked_by == LinkedBy::Fuzzy {
            lead.to_mut().emails[known].linked_by = LinkedBy::Exact;
            linking.linked = true;
        }
        return;
    }
    lead.to_mut().emails.push(ContactPoint {
        value: email.as_given().into(),
        key: email.normalized().into(),
        kind: if email.is_free_mail() { PhoneKind::Other } else { PhoneKind::Work },
        primary: false,
        linked_by: links.linked_by,
    });
    linking.linked = true;
}

fn take_primary_email(edit: &mut LeadEdit<'_>, command: &UpsertCommand, email: &Email, linking: &mut Linking) {
    let value = incoming_email(email);
    let corrects = corrects_typo(edit, command, email);
    if corrects {
        edit.set(&value.key, value.given);
        linking.reasons.push(ReasonCode::EmailCorrected.into());
    }
    if corrects || promote(edit, &value) {
        mark_primary(&mut edit.lead.to_mut().emails, email.normalized(), |_| true);
    }
}

/// Whether the address is the correction that we would suggest for the lead's primary one, and comes from nobody of another name.
fn corrects_typo(edit: &LeadEdit<'_>, command: &UpsertCommand, email: &Email) -> bool {
    let stored = primary_key(&edit.lead, Field::Email).filter(|key| *key != email.normalized());
    let stored = stored.and_then(|key| Email::parse(key).ok());
    let suggestion = stored.and_then(|stored| stored.typo_suggestion());
    suggestion.is_some_and(|suggestion| suggestion == email.normalized())
        && edit.claimant.mode != UpdateMode::LinkOnly
        && edit.policy.may_write(edit.claimant.source, &FieldKey::Field(Field::Email))
        && Names::of_incoming(&command.lead).compare(&Names::of_lead(&edit.lead)) != NameVerdict::Incompatible
}

fn link_phone(lead: &mut Cow<'_, Lead>, incoming: &IncomingPhone, links: Links, linking: &mut Linking) {
    let field = phone_field(incoming.kind);
    let known = |point: &ContactPoint| *point.key == *incoming.phone.key() && phone_field(point.kind) == field;
    if let Some(known) = lead.phones.iter().position(known) {
        if links.confirms && lead.phones[known].linked_by == LinkedBy::Fuzzy {
            lead.to_mut().phones[known].linked_by = LinkedBy::Exact;
            linking.linked = true;
        }
        return;
    }
    lead.to_mut().phones.push(ContactPoint {
        value: incoming.phone.as_given().into(),
        key: incoming.phone.key().into(),
        kind: incoming.kind,
        primary: false,
        linked_by: links.linked_by,
    });
    linking.linked = true;
}

/// Of several numbers of one field the first is the one meant as primary.
fn take_primary_phone(edit: &mut LeadEdit<'_>, incoming: &IncomingPhone) {
    let field = phone_field(incoming.kind);
    let value =
        IncomingValue { key: FieldKey::Field(field), given: incoming.phone.as_given(), compared: incoming.phone.key() };
    if promote(edit, &value) {
        mark_primary(&mut edit.lead.to_mut().phones, incoming.phone.key(), |point| phone_field(point.kind) == field);
    }
}

/// Makes a linked contact point the primary one, where precedence allows it.
fn promote(edit: &mut LeadEdit<'_>, value: &IncomingValue<'_>) -> bool {
    let FieldKey::Field(field) = value.key else { return false };
    if primary_key(&edit.lead, field) == Some(value.compared) || edit.is_repeated(value) {
        return false;
    }
    let current = edit.current(&value.key);
    if edit.claimant.mode == UpdateMode::LinkOnly && current.is_some() {
        return false;
    }
    match may_replace(edit.policy, edit.claimant, &value.key, current.as_deref(), value.given) {
        Ok(()) => edit.set(&value.key, value.given),
        Err(reason) => edit.withhold(&value.key, value.given, reason),
    }
    primary_key(&edit.lead, field) != Some(value.compared) && edit.lead.value(field) == Some(value.given)
}

fn mark_primary(points: &mut [ContactPoint], key: &str, of_field: impl Fn(&ContactPoint) -> bool) {
    for point in points.iter_mut().filter(|point| of_field(point)) {
        point.primary = *point.key == *key;
    }
}

/// Whether a key belongs to another live lead alone: every external id, and every email that is neither a role mailbox nor listed
/// nor held by several already.
pub(super) fn is_contested(lookup: &KeyLookup, lead: &Lead, policy: &Policy) -> bool {
    let others = lookup.holders.iter().filter(|holder| holder.is_live() && holder.lead_id != lead.lead_id).count();
    let mine = lookup.holders.iter().any(|holder| holder.lead_id == lead.lead_id);
    let shared = lookup.key.key.tier() == MatchTier::Email && others > 1;
    others > 0 && !mine && !shared && is_unique_key(&lookup.key.key, policy)
}

fn is_unique_key(key: &IdentityKey, policy: &Policy) -> bool {
    match key.tier() {
        MatchTier::ExternalId => true,
        MatchTier::Email => {
            !policy.shared_emails.contains(key.text())
                && !Email::parse(key.text()).is_ok_and(|email| email.is_role_mailbox())
        }
        MatchTier::LeadId | MatchTier::Phone | MatchTier::Fuzzy => false,
    }
}

/// The look-up of a key.
pub(super) fn lookup_of<'a>(evidence: &'a Evidence, key: &IdentityKey) -> Option<&'a KeyLookup> {
    evidence.keys.iter().find(|lookup| lookup.key.key == *key)
}

/// Which limit the lead has passed by accumulation.
pub(super) fn exceeded_limit(lead: &Lead, limits: &Limits) -> Option<&'static str> {
    let crowded = lead
        .external_ids
        .iter()
        .any(|linked| lead.live_ids_of(linked.id.source()).count() > limits.external_ids_per_source);
    [
        (crowded, "external_ids"),
        (lead.emails.len() > limits.emails, "emails"),
        (lead.phones.len() > limits.phones, "phones"),
        (lead.pipelines.len() > limits.pipelines, "pipelines"),
        (lead.attributes.len() > limits.attributes, "attributes"),
    ]
    .into_iter()
    .find_map(|(exceeded, what)| exceeded.then_some(what))
}
