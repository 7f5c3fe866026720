//! The external ids of a lead: its own, those in other systems, and that of its contact.

use crate::decision::identity_key::IdentityKey;
use crate::decision::policy::BlankExternalId;
use crate::domain::{ExternalId, IncomingLead, InputNote, SourceName};
use crate::grpc::proto;
use crate::grpc::violation::{Rule, Violations};

use super::text::{Lines, clean};
use super::{Door, source_name};

/// So many in one request, whatever their sources.
const MOST_IN_ONE_REQUEST: usize = 500;

/// Behind the name of a source: the source of its contacts' ids.
const CONTACT_SUFFIX: &str = ".contact";

/// The ids of a `LeadInput`.
pub(super) struct GivenIds {
    /// `external_id`.
    pub(super) own: Option<String>,
    /// `external_ids`.
    pub(super) others: Vec<proto::ExternalId>,
    /// `external_contact_id`.
    pub(super) contact: Option<String>,
}

/// Reads the ids into the lead, the source's own first. Its other keys have been read already.
pub(super) fn read_external_ids(
    given: GivenIds,
    source: &SourceName,
    needs_id: bool,
    door: &Door<'_>,
    lead: &mut IncomingLead,
    violations: &mut Violations,
) {
    let GivenIds { own, others, contact } = given;
    let mut reader = IdReader { door, lead, violations };
    if let Some(value) = own {
        reader.read(source, value, "lead.external_id", "external_id");
    }
    if others.len() > MOST_IN_ONE_REQUEST {
        let description = format!("at most {MOST_IN_ONE_REQUEST} in one request");
        reader.violations.add("lead.external_ids", Rule::IdentifierLimit, description);
    } else {
        for id in others {
            reader.other(id, source);
        }
    }
    if let Some(value) = contact {
        reader.contact(value, source);
    }
    reader.check_limit();
    // Stable: the source's own ids first, otherwise in the order in which they were given.
    reader.lead.external_ids.sort_by_key(|id| id.source() != source);
    if needs_id && !reader.lead.external_ids.iter().any(|id| id.source() == source) {
        reader.blank(source);
    }
}

struct IdReader<'a> {
    door: &'a Door<'a>,
    lead: &'a mut IncomingLead,
    violations: &'a mut Violations,
}

impl IdReader<'_> {
    fn read(&mut self, source: &SourceName, value: String, path: &'static str, field: &'static str) {
        let limit = self.door.policy.limits.value_bytes;
        let Some(value) = clean(value, Lines::One, limit, self.violations, || path.into()) else { return };
        let policy = self.door.policy;
        // A system writes the ids of its contacts as it writes those of its leads, unless the policy says otherwise.
        let system = source.as_str().strip_suffix(CONTACT_SUFFIX).and_then(|system| SourceName::parse(system).ok());
        let system = system.filter(|_| !policy.sources.contains_key(source));
        let format = policy.source(system.as_ref().unwrap_or(source)).external_id_format;
        let prefix = policy.source(source).external_id_prefix.as_deref();
        match ExternalId::parse(source.clone(), &value, format, prefix) {
            Ok(Some(id)) if self.lead.external_ids.contains(&id) => {}
            Ok(Some(id)) => self.lead.external_ids.push(id),
            Ok(None) => self.note(InputNote::Blocked(field)),
            Err(error) => self.violations.add(path, Rule::InvalidValue, error.to_string()),
        }
    }

    fn other(&mut self, id: proto::ExternalId, own: &SourceName) {
        let proto::ExternalId { source, value, state: _, linked_by: _ } = id;
        if source.trim().is_empty() {
            self.read(own, value, "lead.external_ids.value", "external_ids");
        } else if let Some(source) = source_name(&source, "lead.external_ids.source", self.violations) {
            self.read(&source, value, "lead.external_ids.value", "external_ids");
        }
    }

    fn contact(&mut self, value: String, own: &SourceName) {
        let name = format!("{own}{CONTACT_SUFFIX}");
        if let Some(source) = source_name(&name, "lead.external_contact_id", self.violations) {
            self.read(&source, value, "lead.external_contact_id", "external_contact_id");
        }
    }

    fn note(&mut self, note: InputNote) {
        if !self.lead.notes.contains(&note) {
            self.lead.notes.push(note);
        }
    }

    fn check_limit(&mut self) {
        let most = self.door.policy.limits.external_ids_per_source;
        let ids = &self.lead.external_ids;
        let of_source = |source| ids.iter().filter(|id| id.source() == source).count();
        if ids.len() > most && ids.iter().any(|id| of_source(id.source()) > most) {
            let description = format!("at most {most} for each source");
            self.violations.add("lead.external_ids", Rule::IdentifierLimit, description);
        }
    }

    /// What the policy says about a source that sent no id of its own.
    fn blank(&mut self, source: &SourceName) {
        match self.door.policy.source(source).blank_external_id {
            BlankExternalId::Resolve => {}
            BlankExternalId::Require => {
                let description = "the policy requires this source to send its external id";
                self.violations.add("lead.external_id", Rule::MissingExternalId, description);
            }
            BlankExternalId::Generate => self.generate(source),
        }
        self.note(InputNote::BlankExternalId);
    }

    /// The same first key always gives the same id.
    fn generate(&mut self, source: &SourceName) {
        let Some(key) = first_key(self.lead) else { return };
        let mut hasher = blake3::Hasher::new();
        for part in [self.door.caller.tenant.as_str(), source.as_str(), key.text()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.update(&[key.tier() as u8]);
        let value = format!("generated-{}", &hasher.finalize().to_hex()[..32]);
        let rules = self.door.policy.source(source);
        // No prefix is taken off and no format applied: the id is ours, not the source's.
        if let Ok(Some(id)) = ExternalId::parse(source.clone(), &value, rules.external_id_format, None) {
            self.lead.external_ids.insert(0, id);
        }
    }
}

fn first_key(lead: &IncomingLead) -> Option<IdentityKey> {
    let id = lead.external_ids.first().map(IdentityKey::external_id);
    let email = || lead.emails.first().map(IdentityKey::email);
    id.or_else(email).or_else(|| lead.phones.first().map(|phone| IdentityKey::phone(&phone.phone)))
}

#[cfg(test)]
mod tests;
