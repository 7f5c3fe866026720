//! Phone numbers.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::CountryCode;
use super::blank::is_blocked_phone;
use super::numbering_plan::{CallingCode, Dialling, NationalNumber};
use super::phone_text::{Dialled, MAX_DIGITS, MIN_DIGITS};

/// Longest text that is looked at, in characters.
const MAX_CHARS: usize = 64;

/// How the key of a number begins that its country's plan does not know.
const NATIONAL: &str = "national:";

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
    /// Fewer than five digits, calling code and national prefix not counted.
    #[error("the number has fewer than five digits")]
    TooShort,
    /// Holds characters that numbers do not have, or two numbers.
    #[error("the number holds characters that no phone number has")]
    Malformed,
}

/// A phone number.
///
/// `==` compares the number as it was given too; the identity key is [`Self::key`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone {
    given: Box<str>,
    normalized: Box<str>,
    /// `None` for a valid number, whose normalised form is its key.
    national_key: Option<Box<str>>,
    extension: Option<Box<str>>,
}

impl Phone {
    /// Reads a number as people write it; `region` is where it is dialled when it names no country itself.
    ///
    /// A number that begins with `+` or `00` needs no region. Without a region no country is guessed: the number keeps its
    /// digits under a key of no country. A key is read back as the number that it is the key of.
    pub fn parse(raw: &str, region: Option<CountryCode>) -> Result<Self, PhoneError> {
        let text = trimmed(raw)?;
        if is_blocked_phone(&text) {
            return Err(PhoneError::Blank);
        }
        let (number, extension) = match text.strip_prefix(NATIONAL) {
            Some(key) => (Number::from_key(key)?, None),
            None => {
                let dialled = Dialled::read(&text)?;
                (Number::of(dialled.plus, &dialled.digits, region), dialled.extension)
            }
        };
        Self::new(raw, &number, extension)
    }

    fn new(raw: &str, number: &Number, extension: Option<String>) -> Result<Self, PhoneError> {
        let normalized = number.normalized();
        match () {
            () if number.is_too_short() => Err(PhoneError::TooShort),
            () if normalized.len() > MAX_DIGITS + 1 => Err(PhoneError::TooLong),
            () if is_blocked_phone(&normalized) => Err(PhoneError::Blank),
            () if number.national_key().is_some_and(|key| is_blocked_phone(&key)) => Err(PhoneError::Blank),
            () => Ok(Self {
                given: raw.into(),
                normalized: normalized.into(),
                national_key: number.national_key().map(Into::into),
                extension: extension.map(Into::into),
            }),
        }
    }

    /// The number as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The identity key: `+4930123456`, or `national:DE:30123456` where the number is not a valid one.
    pub fn key(&self) -> &str {
        self.national_key.as_ref().unwrap_or(&self.normalized)
    }

    /// The number as it is shown and stored: with `+` where its country is known, else its digits.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// True when the number fits its country's numbering plan.
    pub fn is_valid(&self) -> bool {
        self.national_key.is_none()
    }

    /// The digits to dial after the call is answered; no part of the key.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// Compiles the numbering plans of `regions`, which otherwise the first number of each would pay for with milliseconds.
    pub fn warm(regions: &[CountryCode]) {
        regions.iter().copied().filter_map(Dialling::of).for_each(|home| home.warm());
    }
}

/// The text in NFKC, without white space around it.
fn trimmed(raw: &str) -> Result<Cow<'_, str>, PhoneError> {
    let text = raw.trim();
    if text.chars().nth(MAX_CHARS).is_some() {
        return Err(PhoneError::TooLong);
    }
    Ok(if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfkc().collect::<String>().trim().to_owned())
    })
}

/// A number, as far as it is known where it belongs.
enum Number {
    /// Under a calling code.
    Placed(NationalNumber),
    /// Dialled in a country without a numbering plan, or nobody knows where.
    Unplaced { plus: bool, country: Option<CountryCode>, digits: String },
}

impl Number {
    fn of(plus: bool, digits: &str, region: Option<CountryCode>) -> Self {
        let home = region.and_then(Dialling::of);
        let from_abroad = (plus || digits.starts_with("00")).then(|| digits.trim_start_matches('0'));
        match from_abroad.and_then(CallingCode::split).map(|(code, rest)| code.settle(rest)) {
            Some(number) if number.is_valid || plus || home.is_none() => Self::Placed(number),
            Some(number) => Self::Placed(home.and_then(|home| home.reach(digits)).unwrap_or(number)),
            None if plus && !digits.starts_with('0') => {
                Self::Unplaced { plus, country: None, digits: digits.to_owned() }
            }
            None => Self::dialled_at(home, digits, region),
        }
    }

    fn dialled_at(home: Option<Dialling>, digits: &str, region: Option<CountryCode>) -> Self {
        match home {
            Some(home) => Self::Placed(home.reach(digits).unwrap_or_else(|| home.code().settle(digits))),
            None => Self::Unplaced { plus: false, country: region, digits: digits.to_owned() },
        }
    }

    /// The number of `DE:30123456`, `800:12345`, `:30123456` or `:+99912345`.
    fn from_key(key: &str) -> Result<Self, PhoneError> {
        let (place, text) = key.split_once(':').ok_or(PhoneError::Malformed)?;
        let Dialled { plus, digits, .. } = Dialled::read(text)?;
        let country = CountryCode::parse(place).ok().filter(|country| country.as_str() == place);
        let code = CallingCode::split(place).filter(|(_, rest)| rest.is_empty()).map(|(code, _)| code);
        match code.or_else(|| country.and_then(Dialling::of).map(|home| home.code())) {
            _ if place.is_empty() => Ok(Self::of(plus, &digits, None)),
            _ if plus => Err(PhoneError::Malformed),
            Some(code) => Ok(Self::Placed(code.settle(&digits))),
            None if country.is_some() => Ok(Self::Unplaced { plus, country, digits }),
            None => Err(PhoneError::Malformed),
        }
    }

    fn normalized(&self) -> String {
        match self {
            Self::Placed(number) => format!("+{}{}", number.code.digits(), number.digits),
            Self::Unplaced { plus: true, digits, .. } => format!("+{digits}"),
            Self::Unplaced { digits, .. } => digits.clone(),
        }
    }

    fn national_key(&self) -> Option<String> {
        match self {
            Self::Placed(number) if number.is_valid => None,
            Self::Placed(number) => Some(format!("{NATIONAL}{}:{}", number.code.place(), number.digits)),
            Self::Unplaced { country, .. } => {
                let country = country.as_ref().map_or("", CountryCode::as_str);
                Some(format!("{NATIONAL}{country}:{}", self.normalized()))
            }
        }
    }

    fn is_too_short(&self) -> bool {
        matches!(self, Self::Placed(number) if !number.is_valid && number.digits.len() < MIN_DIGITS)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn region(code: &str) -> Option<CountryCode> {
        CountryCode::parse(code).ok()
    }

    #[test]
    fn all_renderings_of_a_number_have_one_key() {
        let check = |home: &str, key: &str, texts: &[&str]| {
            for text in texts {
                assert_eq!(Phone::parse(text, region(home)).unwrap().key(), key, "{text} in {home}");
            }
        };
        check(
            "DE",
            "+4930123456",
            &[
                "030 123456",
                "(030) 123456",
                "030/12 34 56",
                "+49 30 123456",
                "0049 30 123456",
                "+49 (0)30 123456",
                "+4930123456",
                "030 123456 ext. 7",
                "030 123456-x7",
                "tel:+49-30-123456",
                "00 49 30 123456",
                "+49 030 123456",
                "＋４９ 30 123456",
                "Tel.: 030 123456",
                "30 123456",
                "national:DE:30123456",
                "+0049 30 123456",
            ],
        );
        check("", "+4930123456", &["+49 30 123456", "0049 30 123456", "+49 (0)30 123456", "national:DE:30123456"]);
        check(
            "US",
            "+12108537755",
            &[
                "210 853 7755",
                "(210) 853-7755",
                "1-210-853-7755",
                "+1 210 853 7755",
                "001 210 853 7755",
                "2108537755 ext 12",
                "+1 (210) 853 7755",
            ],
        );
        check("US", "+4930123456", &["011 49 30 123456", "+49 30 123456", "0049 30 123456"]);
        check("CA", "+14165550123", &["416 555 0123", "+1 416 555 0123"]);
        check("GB", "+442079460018", &["020 7946 0018", "+44 (0)20 7946 0018", "0044 20 7946 0018"]);
        check("IT", "+390612345678", &["06 1234 5678", "+39 06 1234 5678", "0039 06 1234 5678"]);
        check("FR", "+33123456789", &["01 23 45 67 89", "+33 1 23 45 67 89", "+33 (0)1 23 45 67 89"]);
        check("RU", "+78123456789", &["8 812 345-67-89", "+7 812 345-67-89", "812 345 67 89"]);
        check("IN", "+917003290183", &["7003290183", "07003290183", "+91 7003290183", "917003290183"]);
        check("JP", "+81312345678", &["03-1234-5678", "+81 3-1234-5678", "010 81 3 1234 5678"]);
        check("AU", "+61291234567", &["(02) 9123 4567", "0011 61 2 9123 4567", "+61 2 9123 4567"]);
        check("JE", "+441534456789", &["456789", "01534 456789", "+44 1534 456789"]);
    }

    #[test]
    fn numbers_outside_a_plan_keep_a_national_key() {
        let check = |home: &str, key: &str, texts: &[&str]| {
            for text in texts {
                let phone = Phone::parse(text, region(home)).unwrap();
                assert_eq!((phone.key(), phone.is_valid()), (key, false), "{text} in {home}");
            }
        };
        check(
            "US",
            "national:US:4555604258",
            &["(455) 560-4258", "1-455-560-4258", "+1 455 560 4258", "+14555604258 x1"],
        );
        check("CA", "national:US:4555604258", &["(455) 560-4258", "+14555604258"]);
        check("DE", "national:DE:12345", &["12345", "012345", "+49 12345", "+49 (0)12345"]);
        check("", "national::2108537755", &["210 853 7755", "(210) 853-7755", "2108537755x2"]);
        check("", "national::030123456", &["030 123456", "030/123456"]);
        check("AQ", "national:AQ:123456", &["12 34 56", "national:AQ:123456"]);
        check("", "national::+999123456", &["+999 123 456", "national::+999123456"]);
        check("DE", "national::+999123456", &["+999 123 456"]);
        check("", "national::999123456", &["999 123 456"]);
        check("", "national:247:00000", &["+247 00000", "national:247:00000"]);
        check("", "national:870:12345", &["+870 12345", "national:870:12345"]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let check = |text: &str, error: PhoneError| assert_eq!(Phone::parse(text, region("DE")), Err(error), "{text}");
        check("", PhoneError::Blank);
        check("n/a", PhoneError::Blank);
        check("00000", PhoneError::Blank);
        check("１１１１１", PhoneError::Blank);
        check("1234", PhoneError::TooShort);
        check("+49 1", PhoneError::TooShort);
        check("+49 0 0 0 1 2", PhoneError::TooShort);
        check("call me", PhoneError::Malformed);
        check("national:XX:12345", PhoneError::Malformed);
        check("national:DE", PhoneError::Malformed);
        check(&"1 ".repeat(40), PhoneError::TooLong);
        check(&"12".repeat(11), PhoneError::TooLong);
    }

    #[test]
    fn the_extension_is_kept_apart() {
        let phone = Phone::parse("+49 30 123456 ext. 78", None).unwrap();
        assert_eq!((phone.extension(), phone.as_given()), (Some("78"), "+49 30 123456 ext. 78"));
        assert_eq!(format!("{phone:?}"), "Phone([redacted])");
        Phone::warm(&[region("DE").unwrap(), region("US").unwrap()]);
    }

    fn homes() -> impl Strategy<Value = Option<CountryCode>> {
        let codes =
            ["", "DE", "US", "CA", "GB", "IT", "FR", "RU", "AR", "BR", "AG", "SM", "AQ", "JE", "LT", "HU", "NF", "CR"];
        prop::sample::select(codes.map(region).to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8192))]

        #[test]
        fn parsing_twice_changes_nothing(text in ".{0,30}|(\\+|00)?[0-9]{4,16}|\\+?[0-9 ()./-]{5,24}( ?(x|ext\\.?) ?[0-9]{1,4})?", home in homes()) {
            let Ok(once) = Phone::parse(&text, home) else { return Ok(()) };
            for again in [once.normalized(), once.key(), once.as_given()] {
                let twice = Phone::parse(again, home).unwrap();
                prop_assert_eq!((twice.key(), twice.normalized(), twice.is_valid()), (once.key(), once.normalized(), once.is_valid()));
            }
            let keyed = Phone::parse(once.key(), None).unwrap();
            prop_assert_eq!(keyed.key(), once.key());
        }
    }
}
