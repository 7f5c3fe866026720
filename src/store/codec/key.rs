//! The holders of an identity key.

use crate::decision::identity_key::KeyHolders;

use super::Problem;
use super::parts::{lead_ids, lead_ids_bytes};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredHolders {
    #[prost(bytes = "vec", tag = "1")]
    leads: Vec<u8>,
}

impl From<&KeyHolders> for StoredHolders {
    fn from(holders: &KeyHolders) -> Self {
        let KeyHolders { leads } = holders;
        Self { leads: lead_ids_bytes(leads) }
    }
}

impl TryFrom<StoredHolders> for KeyHolders {
    type Error = Problem;

    fn try_from(stored: StoredHolders) -> Result<Self, Problem> {
        Ok(Self { leads: lead_ids(&stored.leads)? })
    }
}
