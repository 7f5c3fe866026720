//! A lead as it stands: its values, where each came from, and what each other system knows of it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::external_id::{ExternalId, SourceName};
use super::field::{Field, FieldKey};
use super::ids::LeadId;
use super::phone::PhoneKind;

/// Where a lead stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// Live: it can be matched and written.
    Active,
    /// United with another lead, to which every old id leads for ever.
    Merged {
        /// The lead that holds its content now; may itself have been merged later.
        into: LeadId,
    },
    /// Soft-deleted: a match revives it under the same id.
    Deleted,
}

/// Whether an external id may still be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIdState {
    /// The record exists in that system.
    Live,
    /// The record was merged into another one there.
    Redirected,
    /// The record was deleted there.
    Retired,
}

/// How an identifier came to a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkedBy {
    /// By its own source or an exact key: it is evidence.
    Exact,
    /// By a fuzzy match: an exact key, but never compared or blocked on until confirmed.
    Fuzzy,
}

/// An external id on a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedId {
    /// The id.
    pub id: ExternalId,
    /// Whether that record still exists.
    pub state: ExternalIdState,
    /// How it came to the lead.
    pub linked_by: LinkedBy,
}

/// An email or phone on a lead; personal data, so `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactPoint {
    /// As the source gave it.
    pub value: Box<str>,
    /// The identity key's text: normalised address, E.164 number, or `national:…`.
    pub key: Box<str>,
    /// What kind of contact it is.
    pub kind: PhoneKind,
    /// Whether it is the one to use: one email, one mobile phone and one other phone per lead.
    pub primary: bool,
    /// How it came to the lead.
    pub linked_by: LinkedBy,
}

impl fmt::Debug for ContactPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ContactPoint")
            .field("kind", &self.kind)
            .field("primary", &self.primary)
            .field("linked_by", &self.linked_by)
            .finish_non_exhaustive()
    }
}

/// A value with its provenance; personal data, so `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// The value as given, trimmed. Never empty.
    pub value: Box<str>,
    /// The source that set it.
    pub source: SourceName,
    /// When that source says it was true.
    pub update_time: Timestamp,
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FieldValue")
            .field("source", &self.source)
            .field("update_time", &self.update_time)
            .finish_non_exhaustive()
    }
}

/// A keyed digest of a value: enough to see that it is the same, nothing to read it from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueDigest(pub u64);

/// Digests of values by field, sorted by field.
pub type DigestMap = BTreeMap<FieldKey, ValueDigest>;

/// The right to create this lead in a target, held by one caller until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What the holder shows when it reports.
    pub token: Box<str>,
    /// From this moment another caller may be told to create.
    pub expire_time: Timestamp,
}

/// What one record of a system last sent. A system that holds a person twice sends two sets of values in turn: neither is news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRecord {
    /// The record's external id; empty for payloads without one.
    pub record: Box<str>,
    /// The values.
    pub values: DigestMap,
}

/// What another system has to do with a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemRecord {
    /// The system: a source, a target, or both.
    pub system: SourceName,
    /// The values that each of its records last sent.
    pub sent: Vec<SentRecord>,
    /// The values it was last told to write.
    pub told: DigestMap,
    /// The lead's version when it was told so; 0 when never.
    pub told_version: i64,
    /// The values it was last reported to hold.
    pub reported: DigestMap,
    /// The unexpired or expired claim to create the lead there.
    pub claim: Option<Claim>,
}

impl SystemRecord {
    /// A system of which nothing is known yet.
    pub fn new(system: SourceName) -> Self {
        Self {
            system,
            sent: Vec::new(),
            told: DigestMap::new(),
            told_version: 0,
            reported: DigestMap::new(),
            claim: None,
        }
    }
}

/// A lead as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Its id, for ever.
    pub lead_id: LeadId,
    /// Counts changes visible to callers, from 1.
    pub version: i64,
    /// Where it stands in its life.
    pub lifecycle: Lifecycle,
    /// Its ids in other systems, in the order in which they were linked.
    pub external_ids: Vec<LinkedId>,
    /// Its email addresses, in the order in which they were linked.
    pub emails: Vec<ContactPoint>,
    /// Its phones, in the order in which they were linked.
    pub phones: Vec<ContactPoint>,
    /// Its single-valued fields; `email`, `phone` and `mobile_phone` repeat the primary contact points.
    pub fields: BTreeMap<Field, FieldValue>,
    /// Free attributes by key.
    pub attributes: BTreeMap<Box<str>, FieldValue>,
    /// The pipelines it is in, without repetition, in order of arrival.
    pub pipelines: Vec<Box<str>>,
    /// Who set `pipelines` last, and when.
    pub pipelines_provenance: Option<(SourceName, Timestamp)>,
    /// What other systems sent, were told, and were reported to hold.
    pub systems: Vec<SystemRecord>,
    /// When the lead was created.
    pub create_time: Timestamp,
    /// When its version last changed.
    pub update_time: Timestamp,
}

impl Lead {
    /// A lead without content, of version 0: the plan that fills it makes it version 1.
    pub fn empty(lead_id: LeadId, now: Timestamp) -> Self {
        Self {
            lead_id,
            version: 0,
            lifecycle: Lifecycle::Active,
            external_ids: Vec::new(),
            emails: Vec::new(),
            phones: Vec::new(),
            fields: BTreeMap::new(),
            attributes: BTreeMap::new(),
            pipelines: Vec::new(),
            pipelines_provenance: None,
            systems: Vec::new(),
            create_time: now,
            update_time: now,
        }
    }

    /// Whether it can be matched and written as it stands.
    pub fn is_live(&self) -> bool {
        self.lifecycle == Lifecycle::Active
    }

    /// The value of a field, where it has one.
    pub fn value(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(|value| &*value.value)
    }

    /// What is known of a system.
    pub fn system(&self, system: &SourceName) -> Option<&SystemRecord> {
        self.systems.iter().find(|record| record.system == *system)
    }

    /// What is known of a system, begun where nothing was.
    pub fn system_mut(&mut self, system: &SourceName) -> &mut SystemRecord {
        let index = self.systems.iter().position(|record| record.system == *system).unwrap_or_else(|| {
            self.systems.push(SystemRecord::new(system.clone()));
            self.systems.len() - 1
        });
        &mut self.systems[index]
    }

    /// The live ids that the lead has in one system.
    pub fn live_ids_of<'a>(&'a self, system: &'a SourceName) -> impl Iterator<Item = &'a ExternalId> + 'a {
        self.external_ids
            .iter()
            .filter(move |linked| linked.state == ExternalIdState::Live && linked.id.source() == system)
            .map(|linked| &linked.id)
    }
}

#[cfg(test)]
impl Lead {
    /// The lead with this value of a field, from the source `crm`, older than any other.
    pub(crate) fn with_field(mut self, field: Field, value: &str) -> Self {
        let source = SourceName::parse("crm").expect("a name");
        self.fields.insert(field, FieldValue { value: value.into(), source, update_time: Timestamp::UNIX_EPOCH });
        self
    }
}
