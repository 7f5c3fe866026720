//! A request to upsert or match, parsed: what the pure core decides about.

use jiff::Timestamp;

use crate::domain::{FieldKey, IncomingLead, LeadId, SourceName, TenantId};

use super::identity_key::IdentityKey;
use super::review::Payload;
use super::tier::MatchTier;

/// Which outcomes the caller allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpsertMode {
    /// Create, or update what is found.
    #[default]
    CreateOrUpdate,
    /// Create, or leave alone what is found.
    CreateOnly,
    /// Update what is found, or do nothing.
    UpdateOnly,
    /// Create in any case; the keys become shared.
    CreateDuplicate,
}

/// How a match takes the payload's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpdateMode {
    /// A present value replaces under precedence.
    #[default]
    Merge,
    /// Only blank fields are filled; identifiers are added.
    FillBlanks,
    /// As merge, without regard to rank and age.
    Overwrite,
    /// Identifiers are added, nothing else.
    LinkOnly,
}

/// A request id with what shows that the body is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId {
    /// As given, at most 128 characters.
    pub id: Box<str>,
    /// Digest of the request's canonical encoding.
    pub body_digest: [u8; 16],
}

/// A request, parsed and with its headers resolved.
#[derive(Debug, Clone)]
pub struct UpsertCommand {
    /// Whose data.
    pub tenant: TenantId,
    /// Who sends it.
    pub source: SourceName,
    /// The system that the caller is about to write to.
    pub target: Option<SourceName>,
    /// The lead meant, where the caller knows it.
    pub lead_id: Option<LeadId>,
    /// The payload.
    pub lead: IncomingLead,
    /// Which outcomes are allowed.
    pub mode: UpsertMode,
    /// How a match takes the values.
    pub update_mode: UpdateMode,
    /// The tier that goes first.
    pub lookup_field: Option<MatchTier>,
    /// Run everything but the write.
    pub validate_only: bool,
    /// For a safe retry.
    pub request_id: Option<RequestId>,
    /// The version that the lead found must have.
    pub expected_version: Option<i64>,
    /// When the source says the values were true; the time of receipt where it says nothing.
    pub source_update_time: Option<Timestamp>,
    /// Fields to clear.
    pub clear_fields: Vec<FieldKey>,
    /// Answer with the lead as it stands afterwards.
    pub include_lead: bool,
    /// Answer with comparisons and candidates' leads.
    pub explain: bool,
    /// The request as it came, for parking and audit.
    pub payload: Payload,
}

/// A key of the payload with the field it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingKey {
    /// The key.
    pub key: IdentityKey,
    /// `external_id`, `external_ids`, `email`, `phone` or `mobile_phone`.
    pub value_field: &'static str,
}

impl UpsertCommand {
    /// Every usable key of the payload, in the order of the tiers, without repetition.
    pub fn keys(&self) -> Vec<IncomingKey> {
        let mut keys: Vec<IncomingKey> = Vec::with_capacity(4);
        let mut add = |key, value_field| {
            if !keys.iter().any(|known| known.key == key) {
                keys.push(IncomingKey { key, value_field });
            }
        };
        for id in &self.lead.external_ids {
            add(IdentityKey::external_id(id), if *id.source() == self.source { "external_id" } else { "external_ids" });
        }
        for email in &self.lead.emails {
            add(IdentityKey::email(email), "email");
        }
        for phone in &self.lead.phones {
            let mobile = phone.kind == crate::domain::PhoneKind::Mobile;
            add(IdentityKey::phone(&phone.phone), if mobile { "mobile_phone" } else { "phone" });
        }
        keys
    }

    /// The payload's id in its own source, where it has one.
    pub fn own_external_id(&self) -> Option<&str> {
        self.lead.external_ids.iter().find(|id| *id.source() == self.source).map(crate::domain::ExternalId::value)
    }
}
