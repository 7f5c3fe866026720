//! What streets and postal codes are made of, for blocking and for comparing.

/// Words of streets that people shorten, each group under its shortest form; they tell streets apart less than their own words do.
const STREET_WORDS: &[&[&str]] = &[
    &["ave", "avenue", "av", "avenida", "avda"],
    &["blvd", "boulevard", "blv", "boul"],
    &["st", "street", "str", "strasse", "saint"],
    &["rd", "road"],
    &["dr", "drive"],
    &["ln", "lane"],
    &["ct", "court", "crt"],
    &["cir", "circle", "circuit", "crct"],
    &["cres", "crescent", "cr"],
    &["pl", "place", "plaza", "platz"],
    &["sq", "square"],
    &["hwy", "highway"],
    &["pkwy", "parkway"],
    &["ter", "terrace", "tce"],
    &["n", "north"],
    &["s", "south"],
    &["e", "east"],
    &["w", "west"],
    &["fl", "floor"],
    &["1st", "first"],
    &["2nd", "second"],
    &["3rd", "third"],
    &["4th", "fourth"],
    &["5th", "fifth"],
    &["6th", "sixth"],
    &["7th", "seventh"],
    &["8th", "eighth"],
    &["9th", "ninth"],
    &["10th", "tenth"],
    &["allee"],
    &["bldg", "building"],
    &["calle"],
    &["rue"],
    &["via"],
    &["way"],
    &["apt", "apartment", "unit", "suite", "ste", "flat", "room"],
];

/// The shortest form of a word that streets share; any other word as it is.
pub(super) fn short_street_word(word: &str) -> &str {
    STREET_WORDS.iter().find(|group| group.contains(&word)).map_or(word, |group| group[0])
}

/// Whether many streets have this word, in whatever form.
pub(super) fn is_street_word(word: &str) -> bool {
    STREET_WORDS.iter().any(|group| group.contains(&word))
}

/// Digits of a United States postal code without its extension.
const ZIP_DIGITS: usize = 5;

/// A postal code that was folded and has no spaces, without the extension of a ZIP code.
pub(super) fn postal_area(code: &str) -> &str {
    let is_extended = code.len() == ZIP_DIGITS + 4 && code.bytes().all(|b| b.is_ascii_digit());
    if is_extended { &code[..ZIP_DIGITS] } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_in_one_group() {
        let mut words: Vec<&str> = STREET_WORDS.iter().flat_map(|group| group.iter().copied()).collect();
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
        assert_eq!((short_street_word("street"), short_street_word("elm")), ("st", "elm"));
        assert!(is_street_word("avenue") && is_street_word("ave") && !is_street_word("elm"));
    }

    #[test]
    fn the_extension_of_a_zip_code_is_left_out() {
        assert_eq!(
            (postal_area("123456789"), postal_area("12345"), postal_area("sw1a1aa12")),
            ("12345", "12345", "sw1a1aa12")
        );
    }
}
