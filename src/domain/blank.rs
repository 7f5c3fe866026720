//! Which texts say nothing. They are never a key, and they stay in the payload.

/// Values that systems write where they have none, lower-case (CONTRACT.md, "Never a key").
const BLOCKED: [&str; 13] = [
    "null",
    "(null)",
    "none",
    "nan",
    "undefined",
    "n/a",
    "#n/a",
    "-",
    "-1",
    "unknown",
    "anonymous",
    "[not provided]",
    "",
];

/// Opening and closing marks of a template token that nobody filled in.
const TOKENS: [(&str, &str); 3] = [("{{", "}}"), ("%%", "%%"), ("${", "}")];

/// How long a run of one digit must be before a phone number counts as filler.
const FILLER_DIGITS: usize = 5;

/// True when nothing but white space is left.
pub fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// True for a text that is blank, stands for "no value", or is an unresolved template token.
pub fn is_blocked(text: &str) -> bool {
    let text = text.trim();
    BLOCKED.iter().any(|blocked| text.eq_ignore_ascii_case(blocked)) || holds_token(text)
}

/// True for a text that is blocked, or for a phone number that is one digit repeated five times or more.
pub fn is_blocked_phone(text: &str) -> bool {
    is_blocked(text) || is_filler_number(text)
}

fn holds_token(text: &str) -> bool {
    let may_open = text.bytes().any(|byte| matches!(byte, b'{' | b'%' | b'$'));
    may_open
        && TOKENS.iter().any(|(open, close)| text.find(open).is_some_and(|at| text[at + open.len()..].contains(close)))
}

fn is_filler_number(text: &str) -> bool {
    let mut digits = text.chars().filter(char::is_ascii_digit);
    let Some(first) = digits.next() else { return false };
    let mut count = 1;
    for digit in digits {
        if digit != first {
            return false;
        }
        count += 1;
    }
    count >= FILLER_DIGITS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn placeholders_are_blocked() {
        let check = |text: &str, blocked: bool| assert_eq!(is_blocked(text), blocked, "{text:?}");
        for text in [
            "",
            "  ",
            "\u{a0}",
            "null",
            "NULL",
            " (null) ",
            "None",
            "NaN",
            "undefined",
            "N/A",
            "#N/A",
            "-",
            "-1",
            "Unknown",
            "ANONYMOUS",
            "[Not Provided]",
            "{{lead.Email}}",
            "%%email%%",
            "${email}",
            "x-{{lead.id}}",
        ] {
            check(text, true);
        }
        for text in [
            "0",
            "1",
            "111",
            "no",
            "na",
            "nullable",
            "{lead}",
            "100%",
            "$5",
            "}}{{",
            "%%",
            "anonymous@example.com",
            "--",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn one_repeated_digit_is_no_phone_number() {
        let check = |text: &str, blocked: bool| assert_eq!(is_blocked_phone(text), blocked, "{text:?}");
        check("00000", true);
        check("111-1111", true);
        check("+99 (999) 999 999", true);
        check("n/a", true);
        check("0000", false);
        check("+49 30 00000", false);
        check("12345", false);
    }

    #[test]
    fn blank_is_only_white_space() {
        assert!(is_blank(" \t\n"));
        assert!(!is_blank(" - "));
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,60}") {
            prop_assert!(!is_blank(&text) || is_blocked(&text));
            prop_assert!(!is_blocked(&text) || is_blocked_phone(&text));
        }
    }
}
