//! Identities that Leadgate itself gives out.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

/// Why a text is not an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a hyphenated UUID")]
pub struct ParseIdError;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Shown and read as a hyphenated UUID; shown in lower case.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID; the caller makes it (version 7, so that ids sort by time).
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Reads the sixteen bytes that [`Self::as_bytes`] shows.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes, in the order in which ids sort.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The wrapped UUID.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hyphenated(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// Names a lead for ever, also after it was merged or deleted.
    LeadId
}
uuid_id! {
    /// Names a review: a pair of leads, or a parked payload, that waits for a person.
    ReviewId
}
uuid_id! {
    /// Names a dead letter: a payload or CRM write that failed and is kept whole.
    DeadLetterId
}

/// UUIDs have several spellings; an id has one, so that equal ids are equal texts.
fn parse_hyphenated(text: &str) -> Result<Uuid, ParseIdError> {
    const HYPHENATED: usize = 36;
    if text.len() != HYPHENATED {
        return Err(ParseIdError);
    }
    Uuid::try_parse(text).map_err(|_| ParseIdError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let check = |text: &str, shown: Option<&str>| {
            assert_eq!(text.parse::<LeadId>().ok().map(|id| id.to_string()).as_deref(), shown, "{text}");
        };
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        check(id, Some(id));
        check(&id.to_uppercase(), Some(id));
        check(&id.replace('-', ""), None);
        check(&format!("{{{id}}}"), None);
        check(&format!("urn:uuid:{id}"), None);
        check("", None);
        check("0190163d-8694-739b-aea5-966c26f8ad9é", None);
        assert_eq!(format!("{:?}", id.parse::<ReviewId>().unwrap()), format!("ReviewId({id})"));
    }

    proptest! {
        #[test]
        fn bytes_and_text_come_back(bytes: [u8; 16]) {
            let id = DeadLetterId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(*id.as_bytes(), bytes);
        }

        #[test]
        fn any_text_is_an_id_or_refused(text in ".{0,40}") {
            let _ = text.parse::<LeadId>();
        }
    }
}
