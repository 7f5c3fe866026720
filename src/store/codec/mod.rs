//! Stored bytes: protobuf messages with hand-kept field numbers, and their way to and from the domain's types.
//!
//! Numbers are never used twice and never change their meaning; a field that is added is optional, and what an older program does not
//! know it drops. Whatever bytes lie in the store, decoding answers a value or a [`Problem`]; it never panics.

mod event;
mod frequencies;
mod key;
mod lead;
mod parts;
mod reply;
mod review;
#[cfg(test)]
pub(crate) mod sample;

use prost::Message as _;

use crate::decision::review::Payload;
use crate::decision::rows::{FeedEvent, Row, RowClass};

/// Why stored bytes are no value. Says nothing of the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(pub(crate) &'static str);

impl From<prost::DecodeError> for Problem {
    fn from(_: prost::DecodeError) -> Self {
        Self("it is no protobuf message")
    }
}

/// The bytes of a row's value.
pub fn encode_row(row: &Row) -> Vec<u8> {
    match row {
        Row::Lead(lead) => lead::StoredLead::from(&**lead).encode_to_vec(),
        Row::Key(holders) => key::StoredHolders::from(&**holders).encode_to_vec(),
        Row::Request(reply) => reply::StoredReply::from(&**reply).encode_to_vec(),
        Row::Review(review) => review::StoredReview::from(&**review).encode_to_vec(),
        Row::DeadLetter(letter) => review::StoredDeadLetter::from(&**letter).encode_to_vec(),
        Row::Payload(payload) => encode_payload(payload),
        Row::Frequencies(table) => frequencies::StoredFrequencies::from(&**table).encode_to_vec(),
    }
}

/// The value of a row of a class.
pub fn decode_row(class: RowClass, bytes: &[u8]) -> Result<Row, Problem> {
    Ok(match class {
        RowClass::Lead => Row::Lead(crate::domain::Lead::try_from(lead::StoredLead::decode(bytes)?)?.into()),
        RowClass::Key => {
            Row::Key(crate::decision::identity_key::KeyHolders::try_from(key::StoredHolders::decode(bytes)?)?.into())
        }
        RowClass::Request => {
            Row::Request(crate::decision::rows::RecordedReply::try_from(reply::StoredReply::decode(bytes)?)?.into())
        }
        RowClass::Review => {
            Row::Review(crate::decision::review::Review::try_from(review::StoredReview::decode(bytes)?)?.into())
        }
        RowClass::DeadLetter => Row::DeadLetter(
            crate::decision::review::DeadLetter::try_from(review::StoredDeadLetter::decode(bytes)?)?.into(),
        ),
        RowClass::Payload => Row::Payload(Payload(bytes.into()).into()),
        RowClass::Frequencies => Row::Frequencies(
            crate::decision::matching::FrequencyTable::try_from(frequencies::StoredFrequencies::decode(bytes)?)?.into(),
        ),
        RowClass::Block => return Err(Problem("rows of its class are never stored")),
    })
}

/// The bytes of a payload row: the payload itself.
pub fn encode_payload(payload: &Payload) -> Vec<u8> {
    payload.0.to_vec()
}

/// The bytes of a feed event.
pub fn encode_event(event: &FeedEvent) -> Vec<u8> {
    event::StoredEvent::from(event).encode_to_vec()
}

/// The feed event that bytes hold.
pub fn decode_event(bytes: &[u8]) -> Result<FeedEvent, Problem> {
    FeedEvent::try_from(event::StoredEvent::decode(bytes)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn every_row_is_read_back_as_it_was(row in sample::any_row()) {
            prop_assert_eq!(decode_row(row.class(), &encode_row(&row)), Ok(row));
        }

        #[test]
        fn every_event_is_read_back_as_it_was(event in sample::any_event()) {
            prop_assert_eq!(decode_event(&encode_event(&event)), Ok(event));
        }

        #[test]
        fn any_bytes_are_a_value_or_a_problem(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for class in RowClass::STORED {
                let _ = decode_row(class, &bytes);
            }
            let _ = decode_event(&bytes);
        }

        #[test]
        fn a_spoilt_byte_is_a_value_or_a_problem(row in sample::any_row(), place in any::<prop::sample::Index>(), flip in 1..=255_u8) {
            let mut bytes = encode_row(&row);
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] ^= flip;
                let _ = decode_row(row.class(), &bytes);
            }
        }
    }
}
