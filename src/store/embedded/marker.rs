//! The marker: one row, written anew in every batch, that says which change sets the batch holds and where the store stands after it.

use crate::store::Position;

use super::value::{self, Head};

/// Which change sets a batch holds, and where the store stands after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marker {
    /// The first sequence of the batch.
    pub(super) first: u64,
    /// The last sequence of the batch, and the last feed position up to there.
    pub(super) position: Position,
}

impl Marker {
    /// Its key in the meta table. No row key is equal to it: those hold a zero byte.
    pub(super) const KEY: &'static [u8] = b"leadgate/position";

    /// As it is stored.
    pub(super) fn encode(self) -> Vec<u8> {
        let mut payload = [0; 16];
        payload[..8].copy_from_slice(&self.first.to_le_bytes());
        payload[8..].copy_from_slice(&self.position.feed.to_le_bytes());
        value::frame(self.position.sequence, &payload).head
    }

    /// Reads a stored marker.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let Ok(Head::Whole { sequence, payload }) = value::parse_head(bytes) else { return None };
        let (first, feed) = payload.split_first_chunk::<8>()?;
        let feed = u64::from_le_bytes(feed.try_into().ok()?);
        Some(Self { first: u64::from_le_bytes(*first), position: Position { sequence, feed } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_back_and_anything_else_is_none() {
        let marker = Marker { first: 3, position: Position { sequence: 9, feed: 4 } };
        assert_eq!(Marker::parse(&marker.encode()), Some(marker));
        assert_eq!(Marker::parse(&marker.encode()[1..]), None);
        assert_eq!(Marker::parse(&[]), None);
    }
}
