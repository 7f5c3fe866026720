//! E-mail addresses.

use std::fmt;

use thiserror::Error;

/// Why a text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EmailError {
    /// Blank, or a value that stands for none.
    #[error("the address is blank or a placeholder")]
    Blank,
    /// Longer than 254 characters.
    #[error("the address is longer than 254 characters")]
    TooLong,
    /// No single @ with something before and after it.
    #[error("the address is not of the form local@domain")]
    Malformed,
    /// The part before the @ is not one that mail systems accept.
    #[error("the part before the @ is not valid")]
    LocalPart,
    /// The part after the @ is no domain name.
    #[error("the part after the @ is not a domain name")]
    Domain,
}

/// An e-mail address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email {
    given: Box<str>,
    normalized: Box<str>,
}

impl Email {
    /// Reads an address as people paste it: with blanks around, `mailto:`, angle brackets.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let normalized = text.trim().to_lowercase();
        match normalized.split_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
                Ok(Self { given: text.into(), normalized: normalized.into() })
            }
            _ => Err(EmailError::Malformed),
        }
    }

    /// The address as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The address as a key: lower-case, domain in ASCII.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// The mailbox behind the address: without plus tag and, at Gmail, without dots.
    pub fn canonical(&self) -> String {
        self.normalized.to_string()
    }

    /// What stands before the @, normalised.
    pub fn local_part(&self) -> &str {
        self.normalized.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// What stands after the @, normalised.
    pub fn domain(&self) -> &str {
        self.normalized.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// True for an address of a function (`info@`), not of a person.
    pub fn is_role_mailbox(&self) -> bool {
        matches!(self.local_part(), "info" | "sales" | "support" | "office" | "contact")
    }

    /// True for an address at a provider where anybody can have one.
    pub fn is_free_mail(&self) -> bool {
        matches!(self.domain(), "gmail.com" | "yahoo.com" | "hotmail.com" | "outlook.com")
    }

    /// The whole address as its owner probably meant it, when the domain looks mistyped.
    pub fn typo_suggestion(&self) -> Option<String> {
        (self.domain() == "gmial.com").then(|| format!("{}@gmail.com", self.local_part()))
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email([redacted])")
    }
}
