//! What the model remembers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use leadgate::decision::review::ReviewKind;
use leadgate::domain::{CompanyName, Field, FieldKey, LeadId, PersonName, PhoneKind, SourceName};

use leadgate::engine::LeadSelector;

use super::reply::{Reply, ReviewIdentity};

/// Everything that one tenant's requests have left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Model {
    /// Oldest first.
    pub(crate) leads: Vec<ModelLead>,
    /// Open reviews, none twice.
    pub(crate) reviews: BTreeSet<ModelReview>,
    /// Replies by (source, request id), with the digest of the body.
    pub(crate) replies: BTreeMap<(SourceName, String), ([u8; 16], Reply)>,
    /// Payloads that could become no lead.
    pub(crate) dead_payloads: BTreeSet<(SourceName, Vec<u8>)>,
    /// Failed writes by target, lead and code.
    pub(crate) dead_writes: BTreeSet<(SourceName, LeadId, String)>,
}

/// An open review.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ModelReview {
    pub(crate) identity: ReviewIdentity,
    pub(crate) kind: u8,
}

impl ModelReview {
    pub(crate) fn new(kind: ReviewKind, identity: ReviewIdentity) -> Self {
        Self { identity, kind: kind as u8 }
    }
}

/// A value with who set it and when.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) source: SourceName,
    pub(crate) time: Timestamp,
}

/// An email or a phone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Contact {
    pub(crate) key: String,
    pub(crate) kind: PhoneKind,
    pub(crate) primary: bool,
}

/// What one record of a system sent, or a system was told or reported to hold.
pub(crate) type Texts = BTreeMap<FieldKey, String>;

/// A lead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ModelLead {
    pub(crate) id: LeadId,
    pub(crate) version: i64,
    pub(crate) ids: Vec<(SourceName, String)>,
    pub(crate) emails: Vec<Contact>,
    pub(crate) phones: Vec<Contact>,
    pub(crate) values: BTreeMap<FieldKey, Value>,
    pub(crate) pipelines: BTreeSet<String>,
    pub(crate) pipelines_by: Option<(SourceName, Timestamp)>,
    /// By source and the record's own external id, empty for none.
    pub(crate) sent: BTreeMap<(SourceName, String), Texts>,
    pub(crate) told: BTreeMap<SourceName, Texts>,
    /// The token of the last UPDATE, under which it was told so.
    pub(crate) told_token: BTreeMap<SourceName, String>,
    pub(crate) reported: BTreeMap<SourceName, Texts>,
    pub(crate) claims: BTreeMap<SourceName, (String, Timestamp)>,
}

impl ModelLead {
    pub(crate) fn new(id: LeadId) -> Self {
        Self {
            id,
            version: 0,
            ids: Vec::new(),
            emails: Vec::new(),
            phones: Vec::new(),
            values: BTreeMap::new(),
            pipelines: BTreeSet::new(),
            pipelines_by: None,
            sent: BTreeMap::new(),
            told: BTreeMap::new(),
            told_token: BTreeMap::new(),
            reported: BTreeMap::new(),
            claims: BTreeMap::new(),
        }
    }

    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        self.values.get(&FieldKey::Field(field)).map(|value| value.text.as_str())
    }

    /// The lead's person name.
    pub(crate) fn person(&self) -> Option<PersonName> {
        PersonName::from_parts(self.text(Field::FirstName), self.text(Field::LastName), self.text(Field::FullName))
    }

    pub(crate) fn company(&self) -> Option<CompanyName> {
        self.text(Field::Company).and_then(CompanyName::parse)
    }

    pub(crate) fn ids_of(&self, system: &SourceName) -> Vec<String> {
        self.ids.iter().filter(|(source, _)| source == system).map(|(_, value)| value.clone()).collect()
    }

    /// What shows to callers: two states that differ in nothing of this are one version.
    pub(crate) fn visible(&self) -> impl PartialEq + use<> {
        (
            self.ids.clone(),
            self.emails.clone(),
            self.phones.clone(),
            self.values.clone(),
            self.pipelines.clone(),
            self.pipelines_by.clone(),
        )
    }
}

impl Model {
    pub(crate) fn lead(&self, id: LeadId) -> Option<&ModelLead> {
        self.leads.iter().find(|lead| lead.id == id)
    }

    /// The oldest lead that holds it.
    pub(crate) fn get(&self, by: &LeadSelector) -> Option<&ModelLead> {
        let known = self.leads.iter().filter(|lead| match by {
            LeadSelector::LeadId(id) => lead.id == *id,
            LeadSelector::ExternalId(id) => lead.ids.contains(&(id.source().clone(), id.value().to_string())),
            LeadSelector::Email(email) => lead.emails.iter().any(|known| *known.key == **email),
        });
        known.min_by_key(|lead| match by {
            LeadSelector::Email(email) => {
                (!lead.emails.iter().any(|known| known.primary && *known.key == **email), lead.id)
            }
            _ => (false, lead.id),
        })
    }

    pub(crate) fn lead_mut(&mut self, id: LeadId) -> &mut ModelLead {
        self.leads.iter_mut().find(|lead| lead.id == id).expect("the id came from this list")
    }
}
