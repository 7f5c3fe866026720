//! A day on which somebody was born.

use std::fmt;

use jiff::civil::Date;
use thiserror::Error;

/// Why a text is not a birth date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BirthDateError {
    /// Neither YYYY-MM-DD nor YYYYMMDD.
    #[error("the date is not of the form YYYY-MM-DD")]
    Malformed,
    /// A day that no calendar has.
    #[error("there is no such day")]
    NoSuchDay,
    /// A year before 1850 or after 2100.
    #[error("the year is not between 1850 and 2100")]
    AbsurdYear,
}

/// A birth date, shown as YYYY-MM-DD.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate(Date);

impl BirthDate {
    /// Reads YYYY-MM-DD or YYYYMMDD. Whether it lies in the future is for the caller to say.
    pub fn parse(text: &str) -> Result<Self, BirthDateError> {
        let digits = digits(text.trim()).ok_or(BirthDateError::Malformed)?;
        let number = |part: &[u8]| part.iter().fold(0i16, |sum, digit| sum * 10 + i16::from(digit - b'0'));
        let (year, month, day) = (number(&digits[..4]), number(&digits[4..6]), number(&digits[6..]));
        if !(1850..=2100).contains(&year) {
            return Err(BirthDateError::AbsurdYear);
        }
        Date::new(year, month as i8, day as i8).map(Self).map_err(|_| BirthDateError::NoSuchDay)
    }

    /// The day in the civil calendar.
    pub fn date(self) -> Date {
        self.0
    }
}

/// The eight digits of a date, if that is all it has beside two hyphens in the right places.
fn digits(text: &str) -> Option<[u8; 8]> {
    let bytes = text.as_bytes();
    let compact: Vec<u8> = match bytes {
        [_, _, _, _, b'-', _, _, b'-', _, _] => [&bytes[..4], &bytes[5..7], &bytes[8..]].concat(),
        _ => bytes.to_vec(),
    };
    compact.try_into().ok().filter(|digits: &[u8; 8]| digits.iter().all(u8::is_ascii_digit))
}

impl fmt::Display for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate([redacted])")
    }
}
