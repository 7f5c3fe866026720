//! Keyed digests: what may be stored of a value to recognise it again.

use crate::domain::{DeadLetterId, FieldKey, LeadId, ReviewId, ValueDigest};

/// The store's own secret, so that a digest cannot be looked up in a table of known values.
#[derive(Clone)]
pub struct DigestKey([u8; 32]);

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DigestKey([redacted])")
    }
}

impl DigestKey {
    /// A key from 32 random bytes that the store keeps for ever.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest of a field's value.
    pub fn value(&self, field: &FieldKey, value: &str) -> ValueDigest {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        match field {
            FieldKey::Field(field) => hasher.update(&[0, *field as u8]),
            FieldKey::Attribute(name) => hasher.update(&[1]).update(name.as_bytes()).update(&[0]),
            FieldKey::Pipelines => hasher.update(&[2]),
        };
        let bytes = *hasher.update(value.as_bytes()).finalize().as_bytes();
        ValueDigest(u64::from_le_bytes(std::array::from_fn(|index| bytes[index])))
    }

    /// 16 bytes that stand for these parts; a part cannot run into the next.
    pub fn parts(&self, domain: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let bytes = *hasher.finalize().as_bytes();
        std::array::from_fn(|index| bytes[index])
    }

    /// The review that asks whether two leads are the same, whichever comes first.
    pub fn review_of_pair(&self, a: LeadId, b: LeadId) -> ReviewId {
        let (low, high) = (a.min(b), a.max(b));
        ReviewId::from_bytes(self.parts("review of pair", &[low.as_bytes(), high.as_bytes()]))
    }

    /// The review of a parked payload, by what identifies the payload.
    pub fn review_of_payload(&self, identity: &[u8]) -> ReviewId {
        ReviewId::from_bytes(self.parts("review of payload", &[identity]))
    }

    /// The review of what a bulk source would have overwritten on a lead.
    pub fn review_of_bulk(&self, lead: LeadId) -> ReviewId {
        ReviewId::from_bytes(self.parts("review of bulk", &[lead.as_bytes()]))
    }

    /// The dead letter of a payload or a failed write, by what identifies it.
    pub fn dead_letter(&self, identity: &[&[u8]]) -> DeadLetterId {
        DeadLetterId::from_bytes(self.parts("dead letter", identity))
    }
}
