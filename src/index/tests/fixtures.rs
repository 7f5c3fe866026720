//! Leads and indexes for tests.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::decision::matching::Signature;
use crate::domain::{
    ContactPoint, ExternalId, ExternalIdFormat, ExternalIdState, Lead, LeadId, LinkedBy, LinkedId, PhoneKind,
    SourceName, TenantId,
};
use crate::index::{IndexDocument, IndexSettings, LeadIndex, Opened, SearchQuery, Sought};

/// A lead without content.
pub(super) fn lead(number: u64) -> Lead {
    Lead::empty(lead_id(number), Timestamp::UNIX_EPOCH)
}

pub(super) fn lead_id(number: u64) -> LeadId {
    LeadId::from_bytes(u128::from(number).to_be_bytes())
}

pub(super) fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub(super) fn with_email(mut lead: Lead, email: &str) -> Lead {
    lead.emails.push(contact(email, &email.to_lowercase()));
    lead
}

pub(super) fn with_phone(mut lead: Lead, given: &str, key: &str) -> Lead {
    lead.phones.push(contact(given, key));
    lead
}

pub(super) fn with_external_id(mut lead: Lead, value: &str) -> Lead {
    let source = SourceName::parse("crm").unwrap();
    let id = ExternalId::parse(source, value, ExternalIdFormat::Plain, None).unwrap().unwrap();
    lead.external_ids.push(LinkedId { id, state: ExternalIdState::Live, linked_by: LinkedBy::Exact });
    lead
}

fn contact(value: &str, key: &str) -> ContactPoint {
    ContactPoint {
        value: value.into(),
        key: key.into(),
        kind: PhoneKind::Work,
        primary: true,
        linked_by: LinkedBy::Exact,
    }
}

/// Leads that share these keys, whatever their names.
pub(super) fn sought(blocks: &[u64]) -> Sought<'_> {
    Sought { blocks, signature: Signature::default() }
}

/// The document of a live lead of the default tenant.
pub(super) fn document(sequence: u64, lead: Lead, blocks: &[u64]) -> IndexDocument {
    IndexDocument {
        tenant: TenantId::default(),
        lead_id: lead.lead_id,
        sequence,
        live: true,
        blocks: blocks.to_vec(),
        lead: Arc::new(lead),
    }
}

pub(super) fn settings() -> IndexSettings {
    IndexSettings { writer_memory_bytes: 15_000_000, max_recent: 100 }
}

pub(super) fn open(path: &Path) -> Opened {
    LeadIndex::open(path, &settings()).unwrap()
}

/// Puts everything recorded into the index.
pub(super) fn publish(index: &LeadIndex, at_sequence: u64) {
    assert!(index.freeze(at_sequence));
    index.publish().unwrap();
}

/// The numbers of the leads that a text finds, best first.
pub(super) fn found(index: &LeadIndex, tenant: &TenantId, text: &str) -> Vec<u64> {
    let query = SearchQuery { text: text.into(), page_size: 1_000, offset: 0 };
    let page = index.view().search(tenant, &query).unwrap();
    assert!(!page.more);
    page.hits.iter().map(|hit| number(hit.lead_id)).collect()
}

/// The number that the id of a lead was made of.
pub(super) fn number(lead_id: LeadId) -> u64 {
    u64::try_from(u128::from_be_bytes(*lead_id.as_bytes())).unwrap()
}
