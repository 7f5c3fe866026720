//! Countries, by ISO 3166-1. The table and where it is from: `data/countries.tsv`.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::folding::fold;

/// Longest text that is looked up, in bytes; no country has a longer name.
const MAX_BYTES: usize = 200;

/// The text names no country that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no country of ISO 3166-1 has this code or name")]
pub struct CountryError;

/// An ISO 3166-1 alpha-2 code, upper-case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// Reads an alpha-2 or alpha-3 code or a common name: English, native, or in the larger European languages.
    pub fn parse(text: &str) -> Result<Self, CountryError> {
        if text.len() > MAX_BYTES {
            return Err(CountryError);
        }
        let folded = fold(text);
        let name = folded.strip_prefix("the ").unwrap_or(&folded);
        let initials: String = name.split(' ').filter(|word| word.len() == 1).collect();
        let is_initialism = initials.len() > 1 && initials.len() * 2 == name.len() + 1;
        COUNTRIES.get(if is_initialism { initials.as_str() } else { name }).copied().ok_or(CountryError)
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Countries by folded code and name.
static COUNTRIES: LazyLock<HashMap<String, CountryCode, FixedState>> = LazyLock::new(|| {
    let mut countries = HashMap::default();
    let rows = include_str!("data/countries.tsv").lines().filter(|line| !line.starts_with('#'));
    for (code, name) in rows.flat_map(|row| row.split('\t').map(move |name| (&row.as_bytes()[..2], name))) {
        countries.entry(fold(name)).or_insert(CountryCode([code[0], code[1]]));
    }
    countries
});

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountryCode({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_and_names_are_read() {
        let check = |text: &str, code: &str| assert_eq!(CountryCode::parse(text).unwrap().as_str(), code, "{text}");
        check("DE", "DE");
        check(" de ", "DE");
        check("DEU", "DE");
        check("Deutschland", "DE");
        check("Germany", "DE");
        check("Allemagne", "DE");
        check("US", "US");
        check("USA", "US");
        check("U.S.A.", "US");
        check("u.s.", "US");
        check("United States", "US");
        check("The United States of America", "US");
        check("UK", "GB");
        check("U.K.", "GB");
        check("United Kingdom", "GB");
        check("England", "GB");
        check("The Netherlands", "NL");
        check("Österreich", "AT");
        check("España", "ES");
        check("Россия", "RU");
        check("日本", "JP");
        check("Côte d'Ivoire", "CI");
        check("EL", "GR");
        check("Kosovo", "XK");
        check("Türkiye", "TR");
        check("Korea, Republic of", "KR");
    }

    #[test]
    fn unknown_countries_are_refused() {
        for text in ["", "ZZ", "QQQ", "Atlantis", "-", "D", "1"] {
            assert!(CountryCode::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_twice_changes_nothing(text in ".{0,20}|[A-Za-z]{2,3}") {
            if let Ok(once) = CountryCode::parse(&text) {
                prop_assert_eq!(CountryCode::parse(once.as_str()), Ok(once));
            }
        }
    }
}
