//! Numbering plans: which numbers a country has and how they are dialled.
//!
//! The data is that of Google's libphonenumber as the crate `phonenumber` ships it. The crate's own checks run under one lock
//! and over a cache of a hundred patterns, which a mixed import throws out again and again (a parse then costs milliseconds);
//! here every pattern is compiled once, when the first number needs it, and kept.

use std::sync::OnceLock;

use phonenumber::metadata::{DATABASE, Descriptor, Descriptors, Metadata};
use regex::{Regex, RegexBuilder};

use super::CountryCode;

/// Digits in the longest calling code.
const MAX_CODE_DIGITS: usize = 3;

static CODES: [OnceLock<Option<CallingCode>>; 1000] = [const { OnceLock::new() }; 1000];

/// A calling code with the regions that share it, the main one first.
pub(super) struct CallingCode {
    digits: String,
    country: Option<CountryCode>,
    regions: Vec<Region>,
}

/// A national number under a calling code.
pub(super) struct NationalNumber {
    pub(super) code: &'static CallingCode,
    pub(super) digits: String,
    pub(super) is_valid: bool,
}

impl CallingCode {
    /// The code and what follows it in a number that is dialled from abroad.
    pub(super) fn split(digits: &str) -> Option<(&'static Self, &str)> {
        let mut code = 0;
        for (at, digit) in digits.bytes().enumerate().take(MAX_CODE_DIGITS) {
            code = code * 10 + u16::from(digit.checked_sub(b'0').filter(|value| *value < 10)?);
            if let Some(found) = Self::get(code).filter(|_| !digits.starts_with('0')) {
                return Some((found, digits.get(at + 1..)?));
            }
        }
        None
    }

    fn get(code: u16) -> Option<&'static Self> {
        CODES.get(usize::from(code))?.get_or_init(|| Self::load(code)).as_ref()
    }

    fn load(code: u16) -> Option<Self> {
        let regions: Vec<Region> = DATABASE.by_code(&code)?.into_iter().map(Region::new).collect();
        let country = regions.first().and_then(|main| CountryCode::parse(main.meta.id()).ok());
        Some(Self { digits: code.to_string(), country, regions })
    }

    /// The code itself, without a plus.
    pub(super) fn digits(&self) -> &str {
        &self.digits
    }

    /// The letters of the main country; the code itself where it has none in ISO 3166-1.
    pub(super) fn place(&self) -> &str {
        self.country.as_ref().map_or(&self.digits, CountryCode::as_str)
    }

    /// The national number in these digits, which may begin with a national prefix. Settling twice changes nothing.
    pub(super) fn settle(&'static self, digits: &str) -> NationalNumber {
        let mut digits = digits;
        loop {
            if let Some(valid) = self.valid(self.regions.first(), digits) {
                return valid;
            }
            let Some(shorter) = self.without_prefix(digits) else { break };
            digits = shorter;
        }
        NationalNumber { code: self, digits: digits.to_owned(), is_valid: false }
    }

    fn without_prefix<'a>(&self, digits: &'a str) -> Option<&'a str> {
        digits.strip_prefix(self.regions.first()?.meta.national_prefix()?).filter(|rest| !rest.is_empty())
    }

    /// The valid number in these digits, as they are or dialled by the habits of a region.
    fn valid(&'static self, region: Option<&Region>, digits: &str) -> Option<NationalNumber> {
        let number = |digits: String| NationalNumber { code: self, digits, is_valid: true };
        if self.is_valid(digits) {
            return Some(number(digits.to_owned()));
        }
        region?.dialled(digits).filter(|dialled| self.is_valid(dialled)).map(number)
    }

    /// As libphonenumber has it: the first region that claims the number by its leading digits decides.
    fn is_valid(&self, digits: &str) -> bool {
        match &*self.regions {
            [only] => only.has(digits),
            regions => regions.iter().find_map(|region| region.decides(digits)).unwrap_or(false),
        }
    }
}

/// A country's habits of dialling.
pub(super) struct Dialling {
    code: &'static CallingCode,
    region: &'static Region,
}

impl Dialling {
    /// `None` for a country without telephones of its own.
    pub(super) fn of(country: CountryCode) -> Option<Self> {
        let meta = DATABASE.by_id(country.as_str())?;
        let code = CallingCode::get(meta.country_code())?;
        let region = code.regions.iter().find(|region| region.meta.id() == meta.id())?;
        Some(Self { code, region })
    }

    /// The calling code of the country.
    pub(super) fn code(&self) -> &'static CallingCode {
        self.code
    }

    /// The valid number that somebody in this country reaches by these digits.
    pub(super) fn reach(&self, digits: &str) -> Option<NationalNumber> {
        self.code.valid(Some(self.region), digits).or_else(|| self.reach_abroad(digits)).or_else(|| {
            digits.strip_prefix(self.code.digits()).map(|rest| self.code.settle(rest)).filter(|number| number.is_valid)
        })
    }

    fn reach_abroad(&self, digits: &str) -> Option<NationalNumber> {
        let (code, rest) = CallingCode::split(self.region.abroad(digits)?)?;
        Some(code.settle(rest)).filter(|number| number.is_valid)
    }

    /// Compiles what the country's numbers need.
    pub(super) fn warm(&self) {
        let claims = self.code.regions.iter().filter_map(|region| region.leading_digits.as_ref());
        let kinds = [self.region].into_iter().chain(self.code.regions.first()).flat_map(Region::patterns);
        for pattern in claims.chain(kinds) {
            pattern.regex();
        }
    }
}

/// One region's plan.
struct Region {
    meta: &'static Metadata,
    general: Pattern,
    kinds: Vec<Pattern>,
    leading_digits: Option<Pattern>,
    national_prefix: Option<Pattern>,
    international_prefix: Option<Pattern>,
}

impl Region {
    fn new(meta: &'static Metadata) -> Self {
        Self {
            meta,
            general: Pattern::of(meta.descriptors().general()),
            kinds: kinds(meta.descriptors()),
            leading_digits: meta.leading_digits().map(|prefix| Pattern::new(prefix.as_str())),
            national_prefix: meta.national_prefix_for_parsing().map(|prefix| Pattern::new(prefix.as_str())),
            international_prefix: meta.international_prefix().map(|prefix| Pattern::new(prefix.as_str())),
        }
    }

    fn has(&self, digits: &str) -> bool {
        self.general.is_match(digits) && self.kinds.iter().any(|kind| kind.is_match(digits))
    }

    /// Whether the number is valid, where this region is the one to say.
    fn decides(&self, digits: &str) -> Option<bool> {
        match &self.leading_digits {
            Some(claim) => claim.is_match(digits).then(|| self.has(digits)),
            None => self.has(digits).then_some(true),
        }
    }

    /// The number behind the national prefix and carrier code; some islands let people leave out their area code.
    fn dialled(&self, digits: &str) -> Option<String> {
        let Some(prefix) = &self.national_prefix else {
            return digits.strip_prefix(self.meta.national_prefix()?).map(str::to_owned);
        };
        let found = prefix.regex()?.captures(digits)?;
        let rest = &digits[found.get(0)?.end()..];
        let mut number = String::new();
        let last_group = found.len() > 1 && found.get(found.len() - 1).is_some();
        if let Some(rule) = self.meta.national_prefix_transform_rule().filter(|_| last_group) {
            found.expand(rule, &mut number);
        }
        number.push_str(rest);
        (number != digits).then_some(number)
    }

    /// What follows this region's prefix for calls abroad.
    fn abroad<'a>(&self, digits: &'a str) -> Option<&'a str> {
        let found = self.international_prefix.as_ref()?.regex()?.find(digits)?;
        Some(&digits[found.end()..])
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        [&self.general].into_iter().chain(&self.kinds).chain(&self.national_prefix).chain(&self.international_prefix)
    }
}

/// The kinds of number that make a number valid, the usual ones first.
fn kinds(all: &'static Descriptors) -> Vec<Pattern> {
    let usual = [all.mobile(), all.fixed_line(), all.voip(), all.toll_free()];
    let rare = [all.premium_rate(), all.shared_cost(), all.personal_number(), all.pager(), all.uan(), all.voicemail()];
    let mut kinds: Vec<Pattern> = Vec::new();
    for pattern in usual.into_iter().chain(rare).flatten().map(Pattern::of) {
        if kinds.iter().all(|known| known.source != pattern.source || known.lengths != pattern.lengths) {
            kinds.push(pattern);
        }
    }
    kinds
}

/// A pattern that a number begins with, and the lengths that such a number can have.
struct Pattern {
    source: &'static str,
    lengths: &'static [u16],
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn new(source: &'static str) -> Self {
        Self { source, lengths: &[], regex: OnceLock::new() }
    }

    fn of(descriptor: &'static Descriptor) -> Self {
        Self { lengths: descriptor.possible_length(), ..Self::new(descriptor.national_number().as_str()) }
    }

    fn is_match(&self, digits: &str) -> bool {
        let possible =
            self.lengths.is_empty() || self.lengths.iter().any(|length| usize::from(*length) == digits.len());
        possible && self.regex().is_some_and(|regex| regex.is_match(digits))
    }

    /// The compiled pattern; one that does not compile matches nothing, and a test holds that all do.
    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| compile(self.source)).as_ref()
    }
}

fn compile(source: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{source})")).ignore_whitespace(true).unicode(false).build().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn countries() -> impl Iterator<Item = CountryCode> {
        let pairs = (b'A'..=b'Z').flat_map(|a| (b'A'..=b'Z').map(move |b| [a, b]));
        pairs.filter_map(|pair| CountryCode::parse(std::str::from_utf8(&pair).unwrap()).ok())
    }

    fn examples(all: &Descriptors) -> impl Iterator<Item = &str> {
        let kinds =
            [all.mobile(), all.fixed_line(), all.voip(), all.toll_free(), all.premium_rate(), all.uan(), all.pager()];
        kinds.into_iter().flatten().filter_map(Descriptor::example)
    }

    #[test]
    fn every_example_is_valid_from_home_and_from_abroad() {
        let mut count = 0;
        for home in countries().filter_map(Dialling::of) {
            for example in examples(home.region.meta.descriptors()) {
                let number = home.reach(example).unwrap();
                assert_eq!((number.code.digits(), &*number.digits), (home.code.digits(), example));
                assert!(home.code.settle(example).is_valid);
                count += 1;
            }
        }
        assert!(count > 1_000, "{count}");
    }

    #[test]
    fn every_pattern_compiles() {
        for code in (0..1000).filter_map(CallingCode::get) {
            for region in &code.regions {
                assert!(region.patterns().chain(&region.leading_digits).all(|pattern| pattern.regex().is_some()));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn validity_is_that_of_the_crate(code in prop::sample::select(vec!["1", "7", "33", "39", "44", "49", "55", "61", "81", "91", "599"]), digits in "[1-9][0-9]{5,11}") {
            let Ok(theirs) = phonenumber::parse(None, format!("+{code}{digits}")) else { return Ok(()) };
            let (ours, rest) = CallingCode::split(code).unwrap();
            prop_assert_eq!(rest, "");
            if theirs.national().to_string() == digits {
                prop_assert_eq!(ours.is_valid(&digits), theirs.is_valid());
            }
        }

        #[test]
        fn settling_twice_changes_nothing(code in 1_u16..1000, digits in "[0-9]{1,20}") {
            let Some(code) = CallingCode::get(code) else { return Ok(()) };
            let once = code.settle(&digits);
            let twice = code.settle(&once.digits);
            prop_assert_eq!((&twice.digits, twice.is_valid), (&once.digits, once.is_valid));
        }
    }
}
