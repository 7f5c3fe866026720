//! From where a search that was broken off goes on.

use crate::domain::LeadId;

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// How many leads were walked.
    pub(super) walked: u64,
    /// The last of them.
    pub(super) lead_id: LeadId,
    /// The last group told of those that the lead *behind* the walked ones begins, which then is `lead_id`.
    pub(super) told: Option<LeadId>,
}

impl Cursor {
    /// As bytes.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let told = self.told.as_ref().map_or(&[][..], |told| told.as_bytes());
        [&self.walked.to_be_bytes(), &self.lead_id.as_bytes()[..], told].concat()
    }

    /// From bytes; `None` where these are no cursor.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (walked, rest) = bytes.split_first_chunk()?;
        let (lead_id, told) = rest.split_first_chunk()?;
        let told = if told.is_empty() { None } else { Some(LeadId::from_bytes(told.try_into().ok()?)) };
        Some(Self { walked: u64::from_be_bytes(*walked), lead_id: LeadId::from_bytes(*lead_id), told })
    }

    /// The id behind which the walk goes on.
    pub(super) fn after(self) -> LeadId {
        let id = u128::from_be_bytes(*self.lead_id.as_bytes());
        if self.told.is_some() { LeadId::from_bytes(id.saturating_sub(1).to_be_bytes()) } else { self.lead_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_says_where_to_go_on() {
        let id = |last: u8| LeadId::from_bytes([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        for (told, after) in [(None, id(7)), (Some(id(9)), id(6))] {
            let cursor = Cursor { walked: 3, lead_id: id(7), told };
            assert_eq!(Cursor::from_bytes(&cursor.to_bytes()), Some(cursor));
            assert_eq!(cursor.after(), after);
        }
        for bytes in [&[][..], &[0; 23], &[0; 25]] {
            assert_eq!(Cursor::from_bytes(bytes), None);
        }
    }
}
