//! The digits of phone numbers, in the forms under which people look for them.

/// The decimal digits of a text, without the `(0)` of notations such as `+44 (0)20 …`.
pub(super) fn digits(text: &str) -> String {
    text.replace("(0)", "").chars().filter(char::is_ascii_digit).collect()
}

/// The digits of an identity key without the country code: of `+4930123` and of `national:DE:30123` alike.
pub(super) fn national(key: &str) -> &str {
    match key.strip_prefix('+') {
        Some(digits) => without_country_code(digits),
        None => key.rsplit(':').next().unwrap_or(key),
    }
}

/// The digits behind the country code with which international ones begin.
pub(super) fn without_country_code(digits: &str) -> &str {
    digits.get(country_code_length(digits)..).unwrap_or("")
}

/// Whether a text holds nothing but what people write phone numbers with.
pub(super) fn looks_like_phone(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.chars().all(is_phone_character)
}

fn is_phone_character(c: char) -> bool {
    c.is_ascii_digit() || "+-()./\u{2212}".contains(c) || ('\u{2010}'..='\u{2015}').contains(&c)
}

/// By ITU-T E.164: zones 1 and 7 have one digit, these have two, the rest of the world three.
fn country_code_length(digits: &str) -> usize {
    if digits.starts_with(['1', '7']) {
        return 1;
    }
    match digits.get(..2).and_then(|code| code.parse().ok()) {
        Some(20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98) => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_national_part_follows_the_country_code() {
        for (key, expected) in [
            ("+14155550199", "4155550199"),
            ("+493012345678", "3012345678"),
            ("+35312345678", "12345678"),
            ("+1", ""),
            ("+35", ""),
            ("+", ""),
            ("national:DE:30123456", "30123456"),
            ("national::30123456", "30123456"),
        ] {
            assert_eq!(national(key), expected, "{key}");
        }
    }

    #[test]
    fn digits_leave_out_the_optional_zero() {
        assert_eq!(digits("+44 (0)20 7946-0018"), "442079460018");
    }

    #[test]
    fn only_phone_notation_looks_like_a_phone() {
        for text in ["+1", "(415)", "555-0199", "030/123"] {
            assert!(looks_like_phone(text), "{text}");
        }
        for text in ["", "-", "12a", "x12", "Ｆ1"] {
            assert!(!looks_like_phone(text), "{text}");
        }
    }
}
