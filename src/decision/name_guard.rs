//! The name guard: may two leads that share a key be one person? (CONTRACT.md, *Compatible names*.)

use crate::domain::{CompanyName, PersonName};

/// Who a lead says it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'a> {
    /// The person, if it names one.
    pub person: Option<&'a PersonName>,
    /// The company, if it names one.
    pub company: Option<&'a CompanyName>,
}

/// What two names say about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameVerdict {
    /// They may be one.
    Compatible {
        /// True when they are the same name, not only one that may stand for the other.
        equal: bool,
    },
    /// Only one side names a person: the caller decides by who else holds the key.
    OneSided,
    /// They are two.
    Incompatible,
}

/// Compares the names of two leads; symmetric.
pub fn compare_names(a: &Named<'_>, b: &Named<'_>) -> NameVerdict {
    match (a.person, b.person) {
        (Some(a), Some(b)) if a.is_equal_to(b) => NameVerdict::Compatible { equal: true },
        (Some(_), Some(_)) => NameVerdict::Incompatible,
        (None, None) => NameVerdict::Compatible { equal: true },
        _ => NameVerdict::OneSided,
    }
}
