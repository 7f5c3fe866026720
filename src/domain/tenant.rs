//! Whose leads these are.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Longest tenant name, in characters.
const MAX_CHARS: usize = 100;

/// Why a text is not a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TenantIdError {
    /// Nothing but white space.
    #[error("the tenant is blank")]
    Blank,
    /// Longer than a hundred characters.
    #[error("the tenant is longer than {MAX_CHARS} characters")]
    TooLong,
    /// Holds a control character.
    #[error("the tenant holds a control character")]
    ControlCharacter,
}

/// A tenant: leads of two tenants never meet. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Trims; 1 to 100 characters, none of them a control character; case is kept.
    pub fn parse(text: &str) -> Result<Self, TenantIdError> {
        let text = text.trim();
        match () {
            () if text.is_empty() => Err(TenantIdError::Blank),
            () if text.chars().count() > MAX_CHARS => Err(TenantIdError::TooLong),
            () if text.chars().any(char::is_control) => Err(TenantIdError::ControlCharacter),
            () => Ok(Self(text.into())),
        }
    }

    /// The tenant as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The tenant of every call when authentication is off.
impl Default for TenantId {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_trimmed_and_bounded() {
        let check = |text: &str, name: Result<&str, TenantIdError>| {
            assert_eq!(TenantId::parse(text).as_ref().map(TenantId::as_str), name.as_ref().copied(), "{text:?}");
        };
        check(" acme ", Ok("acme"));
        check("", Err(TenantIdError::Blank));
        check("a\tb", Err(TenantIdError::ControlCharacter));
        check(&"x".repeat(101), Err(TenantIdError::TooLong));
        assert_eq!(TenantId::default().as_str(), "default");
    }
}
