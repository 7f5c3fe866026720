//! Which lead to read.

use crate::domain::{Email, ExternalId, Lifecycle};
use crate::engine::{FoundLead, LeadSelector};
use crate::grpc::proto;
use crate::grpc::proto::get_lead_request::By;
use crate::grpc::status::Failure;
use crate::grpc::violation::{Rule, Violations};

use super::lead::lead;
use super::{Door, required_lead_id, unless_broken};

/// The lead that a request asks for.
pub(crate) fn lead_selector(request: proto::GetLeadRequest, door: &Door<'_>) -> Result<LeadSelector, Violations> {
    let proto::GetLeadRequest { by } = request;
    let mut violations = Violations::default();
    let selector = match by {
        None => {
            violations.add("by", Rule::InvalidValue, "name the lead by lead_id, external_id or email");
            None
        }
        Some(By::LeadId(id)) => required_lead_id(&id, "lead_id", &mut violations).map(LeadSelector::LeadId),
        Some(By::ExternalId(id)) => external_id(&id, door, &mut violations).map(LeadSelector::ExternalId),
        Some(By::Email(text)) => email(&text, &mut violations),
    };
    unless_broken(selector, violations)
}

/// The lead that was found. One that is deleted is not there for those who do not ask for deleted ones.
pub(crate) fn found_lead(found: Option<FoundLead>) -> Result<proto::GetLeadResponse, Failure> {
    let found = found.filter(|found| found.lead.lifecycle != Lifecycle::Deleted);
    let FoundLead { lead: stored, redirected_from } = found.ok_or(Failure::LeadNotFound)?;
    Ok(proto::GetLeadResponse {
        lead: Some(lead(&stored)),
        redirected_from: redirected_from.map(|id| id.to_string()).unwrap_or_default(),
    })
}

fn external_id(id: &proto::ExternalId, door: &Door<'_>, violations: &mut Violations) -> Option<ExternalId> {
    let proto::ExternalId { source, value, state: _, linked_by: _ } = id;
    let source = door.source(source, "external_id.source", violations)?;
    let rules = door.policy.source(&source);
    let format = rules.external_id_format;
    let description = match ExternalId::parse(source.clone(), value, format, rules.external_id_prefix.as_deref()) {
        Ok(Some(id)) => return Some(id),
        Ok(None) => "an external id that is blank or a placeholder names nothing".to_owned(),
        Err(error) => error.to_string(),
    };
    violations.add("external_id.value", Rule::InvalidValue, description);
    None
}

fn email(text: &str, violations: &mut Violations) -> Option<LeadSelector> {
    match Email::parse(text) {
        Ok(email) => Some(LeadSelector::Email(email.normalized().into())),
        Err(error) => {
            violations.add("email", Rule::InvalidValue, error.to_string());
            None
        }
    }
}
