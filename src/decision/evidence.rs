//! What a decision looks at: the lead that the request names, and the holders of each of its keys.

use std::sync::Arc;

use crate::domain::{CompanyName, Field, IncomingLead, Lead, LeadId, PersonName};

use super::command::IncomingKey;
use super::fuzzy_tier::Likeness;
use super::matching::FrequencyTable;
use super::name_guard::{NameVerdict, Named, compare_names};

/// The lead that the request names by id.
#[derive(Debug, Clone, Default)]
pub enum NamedLead {
    /// None is named.
    #[default]
    NotAsked,
    /// No lead has this id.
    Unknown,
    /// The lead, or the survivor that holds its content.
    Found {
        /// The lead, never merged.
        lead: Arc<Lead>,
        /// The merged lead that was named, where it was one.
        redirected_from: Option<LeadId>,
    },
}

/// A key of the payload with the leads that hold it.
#[derive(Debug, Clone)]
pub struct KeyLookup {
    /// The key.
    pub key: IncomingKey,
    /// Its holders, oldest first: live and soft-deleted, never merged.
    pub holders: Vec<Arc<Lead>>,
    /// Whether there are more holders than were read.
    pub truncated: bool,
}

impl KeyLookup {
    /// The holders that can be matched: the live ones, or where there are none the deleted ones, which a match revives.
    pub fn matchable(&self) -> Vec<&Arc<Lead>> {
        let live: Vec<_> = self.holders.iter().filter(|lead| lead.is_live()).collect();
        if live.is_empty() { self.holders.iter().collect() } else { live }
    }
}

/// Everything that a decision looks at.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The lead that the request names.
    pub named: NamedLead,
    /// Every key of the payload, in the order of the tiers.
    pub keys: Vec<KeyLookup>,
    /// How common values are, for whatever is compared.
    pub frequencies: Arc<FrequencyTable>,
    /// How like the payload other leads are; `None` where the fuzzy tier was not asked.
    pub likeness: Option<Likeness>,
    /// How like the lead, as a first plan would leave it, other leads are; `None` where it leaves the blocking keys alone.
    pub neighbours: Option<Likeness>,
}

/// Who somebody is, as far as the name guard looks.
#[derive(Debug, Clone)]
pub struct Names {
    person: Option<PersonName>,
    company: Option<CompanyName>,
}

impl Names {
    /// The names on a lead.
    pub fn of_lead(lead: &Lead) -> Self {
        let person = PersonName::from_parts(
            lead.value(Field::FirstName),
            lead.value(Field::LastName),
            lead.value(Field::FullName),
        );
        Self { person, company: lead.value(Field::Company).and_then(CompanyName::parse) }
    }

    /// The names in a payload.
    pub fn of_incoming(lead: &IncomingLead) -> Self {
        Self { person: lead.name.clone(), company: lead.company.clone() }
    }

    /// What the name guard says of the two.
    pub fn compare(&self, other: &Self) -> NameVerdict {
        compare_names(&self.as_named(), &other.as_named())
    }

    /// The person's name.
    pub fn person(&self) -> Option<&PersonName> {
        self.person.as_ref()
    }

    /// The company.
    pub fn company(&self) -> Option<&CompanyName> {
        self.company.as_ref()
    }

    /// The person's name and the company.
    pub fn into_parts(self) -> (Option<PersonName>, Option<CompanyName>) {
        (self.person, self.company)
    }

    fn as_named(&self) -> Named<'_> {
        Named { person: self.person.as_ref(), company: self.company.as_ref() }
    }
}
