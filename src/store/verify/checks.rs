//! What each kind of row says of itself and of others.

use crate::decision::identity_key::{IdentityKey, KeyHolders, keys_of_lead};
use crate::decision::review::{DeadLetter, Review, ReviewState};
use crate::decision::rows::{Row, RowKey};
use crate::decision::tier::MatchTier;
use crate::domain::{Lead, LeadId, Lifecycle};
use crate::store::ReadError;

use super::Invariant;
use super::walk::{Place, Walk};

/// A merge is followed this far: the chains of real data are short, and a longer one is a circle.
const LONGEST_MERGE_CHAIN: usize = 1_000;

/// What a reference to another row leads to.
enum Reference {
    Row(Row),
    /// There is a row that cannot be read, which is reported where that row itself is looked at.
    Unreadable,
    Nothing,
}

impl Walk<'_> {
    /// Checks what one row says of itself and of others.
    pub(super) fn check_row(&mut self, at: &Place<'_>, row: &Row) -> Result<(), ReadError> {
        match row {
            Row::Lead(lead) => self.check_lead(at, lead),
            Row::Key(holders) => self.check_key(at, holders),
            Row::Review(review) => self.check_review(at, review),
            Row::DeadLetter(letter) => self.check_dead_letter(at, letter),
            Row::Payload(_) => {
                self.check_payload(at);
                Ok(())
            }
            Row::Request(_) | Row::Frequencies(_) => Ok(()),
        }
    }

    fn violated(&mut self, invariant: Invariant, at: &Place<'_>, problem: &'static str) {
        self.violation(invariant, at.table, &at.raw.key, problem);
    }

    fn check_lead(&mut self, at: &Place<'_>, lead: &Lead) -> Result<(), ReadError> {
        self.check_id(at, lead.lead_id.as_bytes());
        if let Lifecycle::Merged { into } = lead.lifecycle {
            return self.check_merge(at, into);
        }
        for key in keys_of_lead(lead) {
            let named = match self.look_up(&RowKey::identity(at.tenant, &key))? {
                Reference::Row(Row::Key(holders)) => holders.leads.contains(&lead.lead_id),
                Reference::Row(_) | Reference::Unreadable => true,
                Reference::Nothing => false,
            };
            if !named {
                self.violated(Invariant::CarriedKeysNameTheirLead, at, "a key that it carries does not name it");
            }
        }
        Ok(())
    }

    fn check_merge(&mut self, at: &Place<'_>, into: LeadId) -> Result<(), ReadError> {
        let mut next = into;
        for _ in 0..LONGEST_MERGE_CHAIN {
            match self.look_up(&RowKey::lead(at.tenant, next))? {
                Reference::Row(Row::Lead(lead)) => match lead.lifecycle {
                    Lifecycle::Merged { into } => next = into,
                    Lifecycle::Active | Lifecycle::Deleted => return Ok(()),
                },
                Reference::Row(_) | Reference::Unreadable => return Ok(()),
                Reference::Nothing => {
                    self.violated(Invariant::MergesLeadToALead, at, "the lead that it was merged into does not exist");
                    return Ok(());
                }
            }
        }
        self.violated(Invariant::MergesLeadToALead, at, "its merges go round in a circle");
        Ok(())
    }

    fn check_key(&mut self, at: &Place<'_>, holders: &KeyHolders) -> Result<(), ReadError> {
        let Some(key) = identity_key(at.id) else {
            self.violated(Invariant::RowsAreReadable, at, "its key names no identity key");
            return Ok(());
        };
        let mut distinct = holders.leads.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.is_empty() || distinct.len() != holders.leads.len() {
            self.violated(Invariant::KeysHaveDistinctHolders, at, "it names no holder, or one twice");
        }
        for holder in distinct {
            self.check_holder(at, &key, holder)?;
        }
        Ok(())
    }

    fn check_holder(&mut self, at: &Place<'_>, key: &IdentityKey, holder: LeadId) -> Result<(), ReadError> {
        let problem = match self.look_up(&RowKey::lead(at.tenant, holder))? {
            Reference::Nothing => "a holder that it names does not exist",
            Reference::Row(Row::Lead(lead)) => match lead.lifecycle {
                Lifecycle::Merged { .. } => "a holder that it names was merged away",
                _ if !keys_of_lead(&lead).contains(key) => "a holder that it names does not carry the key",
                _ => return Ok(()),
            },
            Reference::Row(_) | Reference::Unreadable => return Ok(()),
        };
        self.violated(Invariant::HoldersCarryTheirKeys, at, problem);
        Ok(())
    }

    fn check_review(&mut self, at: &Place<'_>, review: &Review) -> Result<(), ReadError> {
        self.check_id(at, review.review_id.as_bytes());
        for lead_id in review.lead_ids.iter().filter(|_| review.state == ReviewState::Open) {
            if !self.exists(at, *lead_id)? {
                self.violated(Invariant::ReviewsNameLeads, at, "a lead that it is about does not exist");
            }
        }
        Ok(())
    }

    fn check_dead_letter(&mut self, at: &Place<'_>, letter: &DeadLetter) -> Result<(), ReadError> {
        self.check_id(at, letter.dead_letter_id.as_bytes());
        if let Some(lead_id) = letter.lead_id
            && !self.exists(at, lead_id)?
        {
            self.violated(Invariant::DeadLettersNameLeads, at, "the lead that it is about does not exist");
        }
        Ok(())
    }

    fn check_payload(&mut self, at: &Place<'_>) {
        let Some(event) = lead_and_sequence(at.id) else {
            return self.violated(Invariant::RowsAreReadable, at, "its key names no lead and sequence");
        };
        if self.with_payload.binary_search(&event).is_err() {
            self.violated(Invariant::PayloadsBelongToEvents, at, "no event of the feed has it");
        }
    }

    fn check_id(&mut self, at: &Place<'_>, id: &[u8; 16]) {
        if at.id != id {
            self.violated(Invariant::RowsAreReadable, at, "it holds another id than its key says");
        }
    }

    fn exists(&self, at: &Place<'_>, lead_id: LeadId) -> Result<bool, ReadError> {
        Ok(!matches!(self.look_up(&RowKey::lead(at.tenant, lead_id))?, Reference::Nothing))
    }

    fn look_up(&self, key: &RowKey) -> Result<Reference, ReadError> {
        match self.view.get(key) {
            Ok(Some(found)) => Ok(Reference::Row(found.row)),
            Ok(None) => Ok(Reference::Nothing),
            Err(ReadError::Corrupt { .. }) => Ok(Reference::Unreadable),
            Err(error) => Err(error),
        }
    }
}

/// The identity key that a key row's name ends in: its tier's number, and its text.
fn identity_key(id: &[u8]) -> Option<IdentityKey> {
    let (tier, text) = id.split_first()?;
    Some(IdentityKey::from_stored(MatchTier::from_number(*tier)?, std::str::from_utf8(text).ok()?))
}

/// The event that a payload row's name ends in, as sequence and lead.
fn lead_and_sequence(id: &[u8]) -> Option<(u64, LeadId)> {
    let (lead_id, sequence) = id.split_first_chunk::<16>()?;
    Some((u64::from_be_bytes(sequence.try_into().ok()?), LeadId::from_bytes(*lead_id)))
}
