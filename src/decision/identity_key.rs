//! Identity keys: the exact values that tie a payload to a lead.

use std::fmt;

use crate::domain::{Email, ExternalId, Lead, LeadId, Phone};

use super::tier::MatchTier;

/// An exact key of a lead, within its tenant. Personal data, so `Debug` shows only its kind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey {
    tier: MatchTier,
    text: Box<str>,
}

impl IdentityKey {
    /// The key of an external id: its source and value.
    pub fn external_id(id: &ExternalId) -> Self {
        // A source name holds no control character, so the separator cannot be forged.
        Self { tier: MatchTier::ExternalId, text: format!("{}\u{0}{}", id.source().as_str(), id.value()).into() }
    }

    /// The key of an email address: its normalised form.
    pub fn email(email: &Email) -> Self {
        Self::of_normalized_email(email.normalized())
    }

    /// The key of an email address that a lead already holds.
    pub fn of_normalized_email(normalized: &str) -> Self {
        Self { tier: MatchTier::Email, text: normalized.into() }
    }

    /// The key of a phone: E.164, else national digits with country.
    pub fn phone(phone: &Phone) -> Self {
        Self::of_phone_key(phone.key())
    }

    /// The key of a phone that a lead already holds.
    pub fn of_phone_key(key: &str) -> Self {
        Self { tier: MatchTier::Phone, text: key.into() }
    }

    /// The tier that the key belongs to.
    pub fn tier(&self) -> MatchTier {
        self.tier
    }

    /// The key's text, as stored.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A key read back from the store.
    pub fn from_stored(tier: MatchTier, text: &str) -> Self {
        Self { tier, text: text.into() }
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IdentityKey").field("tier", &self.tier).finish_non_exhaustive()
    }
}

/// Every identity key that a lead holds while it is live, or would hold again were it revived.
pub fn keys_of_lead(lead: &Lead) -> Vec<IdentityKey> {
    let ids = lead.external_ids.iter().map(|linked| IdentityKey::external_id(&linked.id));
    let emails = lead.emails.iter().map(|email| IdentityKey::of_normalized_email(&email.key));
    let phones = lead.phones.iter().map(|phone| IdentityKey::of_phone_key(&phone.key));
    let mut keys: Vec<_> = ids.chain(emails).chain(phones).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Which leads hold a key. Merged leads hand their keys to the survivor; soft-deleted leads keep theirs, so that a match revives them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyHolders {
    /// The holders, oldest first, without repetition.
    pub leads: Vec<LeadId>,
}
