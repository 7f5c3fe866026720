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
        let pair = |at: usize| two_digits(&digits[at..]);
        let year = i16::from(pair(0)) * 100 + i16::from(pair(2));
        if !(1850..=2100).contains(&year) {
            return Err(BirthDateError::AbsurdYear);
        }
        Date::new(year, pair(4), pair(6)).map(Self).map_err(|_| BirthDateError::NoSuchDay)
    }

    /// The day in the civil calendar.
    pub fn date(self) -> Date {
        self.0
    }
}

/// The eight digits of a date, if that is all it has beside two hyphens in the right places.
fn digits(text: &str) -> Option<[u8; 8]> {
    let digits = match *text.as_bytes() {
        [a, b, c, d, b'-', e, f, b'-', g, h] | [a, b, c, d, e, f, g, h] => [a, b, c, d, e, f, g, h],
        _ => return None,
    };
    digits.iter().all(u8::is_ascii_digit).then_some(digits)
}

/// The number that the first two of these digits write.
fn two_digits(digits: &[u8]) -> i8 {
    digits.iter().take(2).fold(0, |number, digit| number * 10 + (digit - b'0').cast_signed())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_or_refused() {
        let check = |text: &str, date: Result<&str, BirthDateError>| {
            assert_eq!(BirthDate::parse(text).map(|date| date.to_string()), date.map(str::to_owned), "{text}");
        };
        check("1980-02-29", Ok("1980-02-29"));
        check(" 19800229 ", Ok("1980-02-29"));
        check("1850-01-01", Ok("1850-01-01"));
        check("2100-12-31", Ok("2100-12-31"));
        check("1981-02-29", Err(BirthDateError::NoSuchDay));
        check("1980-00-10", Err(BirthDateError::NoSuchDay));
        check("1980-99-99", Err(BirthDateError::NoSuchDay));
        check("0000-00-00", Err(BirthDateError::AbsurdYear));
        check("1849-12-31", Err(BirthDateError::AbsurdYear));
        check("2101-01-01", Err(BirthDateError::AbsurdYear));
        check("", Err(BirthDateError::Malformed));
        check("29.02.1980", Err(BirthDateError::Malformed));
        check("1980-2-9", Err(BirthDateError::Malformed));
        check("1980-02-29T00:00:00Z", Err(BirthDateError::Malformed));
        check("１９８０-02-29", Err(BirthDateError::Malformed));
    }

    #[test]
    fn no_date_shows_itself() {
        assert_eq!(format!("{:?}", BirthDate::parse("1980-02-29").unwrap()), "BirthDate([redacted])");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn parsing_twice_changes_nothing(text in ".{0,12}|[0-9]{4}-?[0-9]{2}-?[0-9]{2}") {
            if let Ok(once) = BirthDate::parse(&text) {
                prop_assert_eq!(BirthDate::parse(&once.to_string()), Ok(once));
            }
        }
    }
}
