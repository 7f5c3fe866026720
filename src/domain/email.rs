//! E-mail addresses.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::blank::is_blocked;
use super::{domain_name, mail_domains, role_mailbox};

/// Longest address in characters and longest local part in bytes, as SMTP has them.
const MAX_CHARS: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// Longest text that is looked at: an address with a display name around it.
const MAX_TEXT_BYTES: usize = 1024;

/// Why a text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EmailError {
    /// Blank, or a value that stands for none.
    #[error("the address is blank or a placeholder")]
    Blank,
    /// Longer than 254 characters.
    #[error("the address is longer than {MAX_CHARS} characters")]
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
///
/// `==` compares the address as it was given; the identity key is [`Self::normalized`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email {
    given: Box<str>,
    /// `None` when the address was given in its normalised form.
    normalized: Option<Box<str>>,
}

impl Email {
    /// Reads an address as people paste it: with blanks around, `mailto:`, a display name and angle brackets.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(EmailError::TooLong);
        }
        if is_blocked(text) {
            return Err(EmailError::Blank);
        }
        let folded = fold_width(text);
        let (local, domain) = bare(&folded).rsplit_once('@').ok_or(EmailError::Malformed)?;
        let normalized = normalize(local, domain)?;
        Ok(Self { given: text.into(), normalized: (normalized != text).then(|| normalized.into()) })
    }

    /// The address as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The address as a key: lower-case, domain in ASCII.
    pub fn normalized(&self) -> &str {
        self.normalized.as_ref().unwrap_or(&self.given)
    }

    /// The mailbox behind the address: without plus tag and, at Gmail, without dots and under its one name.
    pub fn canonical(&self) -> String {
        let domain = self.domain();
        if matches!(domain, "gmail.com" | "googlemail.com") {
            // Google gives out nothing but ASCII, and `ann.+x` is Ann's as well, though `ann.` alone is no mailbox.
            let (named, _) = self.local_part().split_once('+').unwrap_or((self.local_part(), ""));
            let mailbox = named.replace('.', "");
            if mailbox.is_ascii() && is_local_part(&mailbox) {
                return format!("{mailbox}@gmail.com");
            }
        }
        format!("{}@{domain}", self.mailbox())
    }

    /// What stands before the @, normalised, with its tag.
    pub fn local_part(&self) -> &str {
        self.parts().0
    }

    /// What stands after the @, normalised.
    pub fn domain(&self) -> &str {
        self.parts().1
    }

    /// What stands before the @ without its plus tag.
    pub fn mailbox(&self) -> &str {
        let local = self.local_part();
        local.split_once('+').map(|(mailbox, _)| mailbox).filter(|mailbox| is_local_part(mailbox)).unwrap_or(local)
    }

    /// True for an address of a function (`info@`), not of a person.
    pub fn is_role_mailbox(&self) -> bool {
        role_mailbox::is_role(self.mailbox())
    }

    /// True for an address at a provider where anybody can have one.
    pub fn is_free_mail(&self) -> bool {
        mail_domains::is_free_mail(self.domain())
    }

    /// The whole address as its owner probably meant it, when the domain looks mistyped. Never changes the address itself.
    pub fn typo_suggestion(&self) -> Option<String> {
        let domain = mail_domains::suggestion(self.domain())?;
        Some(format!("{}@{domain}", self.local_part()))
    }

    fn parts(&self) -> (&str, &str) {
        self.normalized().rsplit_once('@').unwrap_or_default()
    }
}

fn normalize(local: &str, domain: &str) -> Result<String, EmailError> {
    let local = lower(unquoted(local));
    if !is_local_part(&local) {
        return Err(if local.is_empty() { EmailError::Malformed } else { EmailError::LocalPart });
    }
    let domain = domain_name::to_ascii(domain).ok_or(EmailError::Domain)?;
    let normalized = format!("{local}@{domain}");
    if normalized.chars().count() > MAX_CHARS { Err(EmailError::TooLong) } else { Ok(normalized) }
}

/// Full-width and other compatibility forms as plain ones; characters that cannot be seen are left out.
fn fold_width(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfkc().filter(|c| !is_invisible(*c)).nfkc().collect())
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
}

/// The address in `Jane Doe <mailto:jane@example.com?subject=x>.`
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    if let Some((_, inner)) = text.rsplit_once('<') {
        text = inner.split('>').next().unwrap_or(inner).trim();
    }
    while let Some(rest) = text.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:")).and(text.get(7..)) {
        text = rest.trim_start();
    }
    let text = text.split_once('?').filter(|(address, _)| address.contains('@')).map_or(text, |(address, _)| address);
    text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '>' | '.'))
}

/// A quoted local part that needs no quotes.
fn unquoted(local: &str) -> &str {
    local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(local)
}

/// Lower case that lower-casing and NFKC leave as it is.
fn lower(local: &str) -> String {
    if local.is_ascii() {
        return local.to_ascii_lowercase();
    }
    let lower: String = local.to_lowercase().nfkc().collect();
    if lower == local { lower } else { self::lower(&lower) }
}

/// A dot-atom of RFC 5322, letters of other scripts allowed as in RFC 6531.
fn is_local_part(local: &str) -> bool {
    local.len() <= MAX_LOCAL_BYTES && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

fn is_atom_char(c: char) -> bool {
    match c {
        'a'..='z' | '0'..='9' => true,
        _ if c.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(c),
        _ => c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c),
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    #[test]
    fn pasted_addresses_are_one() {
        let check = |text: &str, normalized: &str| assert_eq!(email(text).normalized(), normalized, "{text}");
        for text in [
            "jane.doe@example.com",
            " Jane.Doe@EXAMPLE.com ",
            "mailto:jane.doe@example.com",
            "MAILTO:jane.doe@example.com?subject=hi",
            "<jane.doe@example.com>",
            "Jane Doe <jane.doe@example.com>",
            "Jane <mailto:jane.doe@example.com>",
            "jane.doe@example.com.",
            "jane.doe@example.com,",
            "ｊａｎｅ.doe＠example．com",
            "jane.doe@example.com\u{200B}",
            "\"jane.doe\"@example.com",
            "\u{a0}jane.doe@example.com\t",
        ] {
            check(text, "jane.doe@example.com");
        }
        check("jane+tag@example.com", "jane+tag@example.com");
        check("jane@müller.de", "jane@xn--mller-kva.de");
        check("Jörg@Müller.de", "jörg@xn--mller-kva.de");
        check("o'brien@example.com", "o'brien@example.com");
        check("jane@mail.example.co.uk", "jane@mail.example.co.uk");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let check = |text: &str, error: EmailError| assert_eq!(Email::parse(text), Err(error), "{text}");
        check("", EmailError::Blank);
        check("N/A", EmailError::Blank);
        check("{{lead.Email}}", EmailError::Blank);
        check("jane", EmailError::Malformed);
        check("@example.com", EmailError::Malformed);
        check("jane@", EmailError::Domain);
        check("jane@localhost", EmailError::Domain);
        check("jane@[10.0.0.1]", EmailError::Domain);
        check("jane@10.0.0.1", EmailError::Domain);
        check("jane@exa mple.com", EmailError::Domain);
        check("jane doe@example.com", EmailError::LocalPart);
        check("jane@doe@example.com", EmailError::LocalPart);
        check(".jane@example.com", EmailError::LocalPart);
        check("jane..doe@example.com", EmailError::LocalPart);
        check("\"jane doe\"@example.com", EmailError::LocalPart);
        check("ja\u{0}ne@example.com", EmailError::LocalPart);
        check("a@example.com; b@example.com", EmailError::LocalPart);
        check(&format!("{}@example.com", "a".repeat(65)), EmailError::LocalPart);
        check(&format!("{}@{}com", "a".repeat(60), "abc.".repeat(50)), EmailError::TooLong);
        check(&"a".repeat(2000), EmailError::TooLong);
    }

    #[test]
    fn one_mailbox_has_one_canonical_form() {
        let check = |text: &str, canonical: &str| assert_eq!(email(text).canonical(), canonical, "{text}");
        check("jane.doe+news@example.com", "jane.doe@example.com");
        check("Jane.Doe+news@GoogleMail.com", "janedoe@gmail.com");
        check("j.a.n.e@gmail.com", "jane@gmail.com");
        check("+tag@example.com", "+tag@example.com");
        check("jane.doe@outlook.com", "jane.doe@outlook.com");
    }

    #[test]
    fn roles_free_mail_and_typos_are_seen() {
        assert!(email("Info@example.com").is_role_mailbox());
        assert!(email("sales+de@example.com").is_role_mailbox());
        assert!(!email("jane@example.com").is_role_mailbox());
        assert!(email("jane@gmail.com").is_free_mail());
        assert!(!email("jane@example.com").is_free_mail());
        assert_eq!(email("Jane+x@gmial.com").typo_suggestion().as_deref(), Some("jane+x@gmail.com"));
        assert_eq!(email("jane@gmail.com").typo_suggestion(), None);
    }

    #[test]
    fn no_address_shows_itself() {
        assert_eq!(format!("{:?}", email("jane@example.com")), "Email([redacted])");
        assert_eq!(size_of::<Email>(), 32);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8192))]

        #[test]
        fn parsing_twice_changes_nothing(text in ".{0,40}|[ <\"]{0,2}(mailto:)?[\\PC]{1,8}@[a-zA-Z0-9äß。.-]{1,12}\\.(com|de)[>. ,]{0,2}") {
            let Ok(once) = Email::parse(&text) else { return Ok(()) };
            let twice = Email::parse(once.normalized());
            prop_assert_eq!(twice.as_ref().map(Email::normalized), Ok(once.normalized()));
            let canonical = Email::parse(&once.canonical()).map(|email| email.canonical());
            prop_assert_eq!(canonical, Ok(once.canonical()));
            let _ = (once.is_role_mailbox(), once.is_free_mail());
            if let Some(suggestion) = once.typo_suggestion() {
                let suggested = Email::parse(&suggestion);
                prop_assert!(suggested.is_ok_and(|email| email.normalized() == suggestion && email.typo_suggestion().is_none()));
            }
        }
    }
}
