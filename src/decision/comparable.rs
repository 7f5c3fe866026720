//! What is kept of a lead beside its blocking keys, so that it can be compared, and most often turned down, without being read.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::domain::{Field, Lead};

use super::blocking::blocks_alike;
use super::matching::Profile;

/// The fields that are compared, besides those that blocking keys are made of.
const COMPARED_BESIDES: [Field; 3] = [Field::Title, Field::State, Field::Country];

/// A lead as far as it is compared. Holds personal data: shows nothing of it in `Debug`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparable {
    /// What is compared.
    pub profile: Profile,
    has_external_id: bool,
    values: u32,
}

impl Comparable {
    /// A lead as it stands.
    pub fn of(lead: &Lead) -> Self {
        Self {
            profile: Profile::of_lead(lead),
            has_external_id: !lead.external_ids.is_empty(),
            values: u32::try_from(lead.fields.len() + lead.attributes.len()).unwrap_or(u32::MAX),
        }
    }

    /// Whether two states of a lead are compared alike. Profiles are made only where something differs that they could be made of: most
    /// updates change a score or a status.
    pub fn is_unmoved(before: &Lead, after: &Lead) -> bool {
        let same = |field: &Field| before.value(*field) == after.value(*field);
        blocks_alike(before, after) && COMPARED_BESIDES.iter().all(same)
            || Profile::of_lead(before) == Profile::of_lead(after)
    }

    /// What was [written](Self::to_bytes); `None` where these bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// The lead in postcard's format, for an index that is rebuilt when what is compared changes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A vector has room for everything, and nothing in here has a length that is not known.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Sorts leads that are as likely as each other: the one that has an external id goes first, then the most complete.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        (!self.has_external_id, Reverse(self.values))
    }
}
