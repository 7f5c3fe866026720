//! What a caller is told to write to its target, and who may create there.

use std::collections::BTreeSet;

use jiff::Timestamp;

use leadgate::decision::outcome::WriteAction;
use leadgate::decision::policy::Policy;
use leadgate::decision::reason::ReasonCode;
use leadgate::domain::{Field, FieldKey, LeadId, SourceName};

use super::Fresh;
use super::reply::Write;
use super::state::{Model, ModelLead, Texts};
use super::updating::primary_key;

impl Model {
    /// UPDATE where the target has the lead, NONE where nothing differs there, else CREATE for one caller and WAIT for the others.
    pub(crate) fn instruct(
        &mut self,
        policy: &Policy,
        lead_id: LeadId,
        target: &SourceName,
        now: Timestamp,
        fresh: &Fresh,
        claims: bool,
    ) -> (Write, Option<ReasonCode>) {
        let lead = self.lead_mut(lead_id);
        let records = lead.ids_of(target);
        let mut write = Write {
            target: target.clone(),
            action: WriteAction::None,
            external_id: records.first().cloned(),
            other_external_ids: records.iter().skip(1).cloned().collect(),
            changed_fields: changed_fields(lead, target),
            claim_token: None,
        };
        if !records.is_empty() {
            if !write.changed_fields.is_empty() {
                write.action = WriteAction::Update;
                if claims {
                    write.claim_token = Some(fresh.claim_token.clone());
                    remember_what_was_told(lead, target);
                    lead.told_token.insert(target.clone(), fresh.claim_token.clone());
                }
            }
            return (write, None);
        }
        let claim = lead.claims.get(target).cloned();
        if claim.as_ref().is_some_and(|(_, expires)| *expires > now) {
            write.action = WriteAction::Wait;
            write.changed_fields.clear();
            return (write, None);
        }
        write.action = WriteAction::Create;
        if claims {
            write.claim_token = Some(fresh.claim_token.clone());
            lead.claims.insert(target.clone(), (fresh.claim_token.clone(), now + policy.claim_duration));
            remember_what_was_told(lead, target);
        }
        (write, claim.map(|_| ReasonCode::ClaimExpired))
    }
}

/// Every field in which the lead differs from what the target was last reported to hold.
fn changed_fields(lead: &ModelLead, target: &SourceName) -> BTreeSet<FieldKey> {
    let nothing = Texts::new();
    let held = lead.reported.get(target).unwrap_or(&nothing);
    let now = texts_of_lead(lead);
    let fields: BTreeSet<&FieldKey> = held.keys().chain(now.keys()).collect();
    fields.into_iter().filter(|field| held.get(field) != now.get(field)).cloned().collect()
}

/// What the lead shows, contacts by their key.
pub(crate) fn texts_of_lead(lead: &ModelLead) -> Texts {
    let mut texts: Texts = lead.values.iter().map(|(field, value)| (field.clone(), value.text.clone())).collect();
    for field in [Field::Email, Field::Phone, Field::MobilePhone] {
        if let Some(key) = primary_key(lead, field) {
            texts.insert(FieldKey::Field(field), key);
        }
    }
    if !lead.pipelines.is_empty() {
        let all: Vec<_> = lead.pipelines.iter().cloned().collect();
        texts.insert(FieldKey::Pipelines, all.join("\u{0}"));
    }
    texts
}

fn remember_what_was_told(lead: &mut ModelLead, target: &SourceName) {
    let texts = texts_of_lead(lead);
    lead.told.insert(target.clone(), texts);
}
