//! From a plan to a change set: the lead, the keys it gains, the blocking keys it touches, and what waits for a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{LeadId, TenantId};

use super::blocking::{blocks_alike, blocks_of_lead};
use super::identity_key::{IdentityKey, KeyHolders, keys_of_lead};
use super::plan::LeadChange;
use super::review::{DeadLetter, Review, ReviewKind, ReviewState};
use super::rows::{Row, RowKey, RowWrite};

/// The keys that a lead gains by a change. A lead never loses one: old ids and addresses find it for ever.
pub fn gained_keys(change: &LeadChange) -> Vec<IdentityKey> {
    let held = change.before.as_ref().map(|before| keys_of_lead(before)).unwrap_or_default();
    keys_of_lead(&change.after).into_iter().filter(|key| !held.contains(key)).collect()
}

/// The blocking keys of a lead that changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Those of the lead as it will stand, for the index.
    pub after: Vec<u64>,
    /// Those that the change touches, of the lead as it stood and as it will stand; none where they stay as they are.
    pub touched: Vec<u64>,
}

/// The blocking keys of a change that callers can see. `incoming` are those of the payload, which are those of a lead made of it.
pub fn blocks_of_change(change: &LeadChange, incoming: impl FnOnce() -> Vec<u64>) -> Blocks {
    let Some(before) = &change.before else {
        let after = incoming();
        return Blocks { touched: after.clone(), after };
    };
    let after = blocks_of_lead(&change.after);
    if blocks_alike(before, &change.after) {
        return Blocks { after, touched: Vec::new() };
    }
    let mut touched = blocks_of_lead(before);
    if touched == after {
        touched.clear();
    } else {
        touched.extend(&after);
        touched.sort_unstable();
        touched.dedup();
    }
    Blocks { after, touched }
}

/// The rows of a lead change. `holders` are the rows of the keys that it gains, as they stand.
pub fn lead_writes(
    tenant: &TenantId,
    change: &LeadChange,
    holders: &BTreeMap<IdentityKey, Arc<KeyHolders>>,
) -> Vec<RowWrite> {
    let lead_id = change.after.lead_id;
    let lead = RowWrite { key: RowKey::lead(tenant, lead_id), row: Some(Row::Lead(Arc::clone(&change.after))) };
    let keys = gained_keys(change).into_iter().map(|key| {
        let held = holders.get(&key).cloned().unwrap_or_default();
        RowWrite { key: RowKey::identity(tenant, &key), row: Some(Row::Key(with_holder(&held, lead_id).into())) }
    });
    std::iter::once(lead).chain(keys).collect()
}

fn with_holder(held: &KeyHolders, lead_id: LeadId) -> KeyHolders {
    let mut leads = held.leads.clone();
    if !leads.contains(&lead_id) {
        leads.push(lead_id);
    }
    KeyHolders { leads }
}

/// The write that opens a review, unless it is open, or a person has judged the pair.
pub fn review_write(tenant: &TenantId, review: Review, known: Option<&Review>) -> Option<RowWrite> {
    let settled =
        known.is_some_and(|known| known.state == ReviewState::Open || known.kind == ReviewKind::PossibleDuplicate);
    (!settled)
        .then(|| RowWrite { key: RowKey::review(tenant, review.review_id), row: Some(Row::Review(review.into())) })
}

/// The write that keeps a dead letter: a payload once, a failed write with the count of its failures.
pub fn dead_letter_write(tenant: &TenantId, mut letter: DeadLetter, known: Option<&DeadLetter>) -> Option<RowWrite> {
    if let Some(known) = known {
        if letter.payload.is_some() {
            return None;
        }
        letter.attempts = known.attempts.saturating_add(1);
        letter.create_time = known.create_time;
    }
    Some(RowWrite {
        key: RowKey::dead_letter(tenant, letter.dead_letter_id),
        row: Some(Row::DeadLetter(letter.into())),
    })
}
