//! Internet domains.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use super::blank::is_blocked;

/// Longest domain name in characters, as DNS has it.
const MAX_CHARS: usize = 253;

/// Longest text that is looked at: a URL with its path.
const MAX_TEXT_BYTES: usize = 4096;

/// Why a text is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DomainNameError {
    /// Blank, or a value that stands for none.
    #[error("the domain is blank or a placeholder")]
    Blank,
    /// Longer than a domain name can be.
    #[error("the domain is too long")]
    TooLong,
    /// Not a name of two labels or more.
    #[error("the text holds no domain name")]
    Malformed,
}

/// A domain name in ASCII, lower-case, without `www`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// Reads a domain, a URL, or what stands behind the @ of an address.
    pub fn parse(text: &str) -> Result<Self, DomainNameError> {
        match () {
            () if is_blocked(text) => Err(DomainNameError::Blank),
            () if text.len() > MAX_TEXT_BYTES => Err(DomainNameError::TooLong),
            () => Self::from_host(host_of(text)),
        }
    }

    fn from_host(host: &str) -> Result<Self, DomainNameError> {
        let name = to_ascii(host).ok_or(DomainNameError::Malformed)?;
        Ok(Self(without_www(&name).into()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that somebody registered (`example.co.uk`), private suffixes such as `github.io` respected.
    /// A name that is itself a public suffix is returned whole.
    pub fn registrable(&self) -> &str {
        registrable(&self.0)
    }
}

/// The registrable part of a name that is lower-case ASCII.
pub(crate) fn registrable(name: &str) -> &str {
    psl::domain_str(name).unwrap_or(name)
}

/// The host of a URL: without scheme, user, port, path.
fn host_of(text: &str) -> &str {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_start_matches('/');
    let authority = text.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default().trim()
}

/// Takes `www`, `www2` off the front as long as two labels remain.
fn without_www(name: &str) -> &str {
    let mut name = name;
    while let Some((label, rest)) = name.split_once('.') {
        let is_www = label.strip_prefix("www").is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
        if !is_www || !rest.contains('.') {
            break;
        }
        name = rest;
    }
    name
}

/// A name of two labels or more in lower-case ASCII, without a trailing dot; `None` for what DNS could not hold,
/// and for numeric addresses.
pub(super) fn to_ascii(name: &str) -> Option<Cow<'_, str>> {
    let name = name.trim_end_matches(['.', '。', '．', '｡']);
    let ascii = match name.is_ascii() && !has_punycode(name) {
        true if name.bytes().any(|b| b.is_ascii_uppercase()) => Cow::Owned(name.to_ascii_lowercase()),
        true => Cow::Borrowed(name),
        false => Cow::Owned(idna::domain_to_ascii(name).ok()?),
    };
    is_dns_name(&ascii).then_some(ascii)
}

fn has_punycode(name: &str) -> bool {
    name.split('.').any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")))
}

fn is_dns_name(name: &str) -> bool {
    let top = name.rsplit('.').next().unwrap_or_default();
    name.len() <= MAX_CHARS
        && name.contains('.')
        && name.split('.').all(is_label)
        && !top.bytes().all(|b| b.is_ascii_digit())
}

fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DomainName([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_become_domains() {
        let check = |text: &str, name: &str| assert_eq!(DomainName::parse(text).unwrap().as_str(), name, "{text}");
        check("example.com", "example.com");
        check(" HTTPS://www.Example.COM/path?x=1#y ", "example.com");
        check("//example.com", "example.com");
        check("http://user:secret@example.com:8080/", "example.com");
        check("www.example.com.", "example.com");
        check("www2.example.com", "example.com");
        check("www.com", "www.com");
        check("wwwexample.com", "wwwexample.com");
        check("jane@example.com", "example.com");
        check("müller.de", "xn--mller-kva.de");
        check("xn--mller-kva.de", "xn--mller-kva.de");
        check("XN--MLLER-KVA.de", "xn--mller-kva.de");
        check("ｅｘａｍｐｌｅ。ｃｏｍ", "example.com");
        check("example.com?utm=1", "example.com");
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        let check = |text: &str, error: DomainNameError| assert_eq!(DomainName::parse(text), Err(error), "{text}");
        check("", DomainNameError::Blank);
        check("n/a", DomainNameError::Blank);
        check("https://", DomainNameError::Malformed);
        check("localhost", DomainNameError::Malformed);
        check("192.168.0.1", DomainNameError::Malformed);
        check("exa mple.com", DomainNameError::Malformed);
        check("-a.com", DomainNameError::Malformed);
        check("a..com", DomainNameError::Malformed);
        check("a_b.com", DomainNameError::Malformed);
        check("xn--a.com", DomainNameError::Malformed);
        check(&"a".repeat(5000), DomainNameError::TooLong);
        check(&format!("{}.com", "a".repeat(64)), DomainNameError::Malformed);
        check(&format!("{}com", "a.".repeat(130)), DomainNameError::Malformed);
    }

    #[test]
    fn the_registrable_part_respects_suffixes() {
        let check = |text: &str, part: &str| assert_eq!(DomainName::parse(text).unwrap().registrable(), part, "{text}");
        check("mail.example.com", "example.com");
        check("shop.example.co.uk", "example.co.uk");
        check("jane.github.io", "jane.github.io");
        check("a.jane.github.io", "jane.github.io");
        check("github.io", "github.io");
        check("co.uk", "co.uk");
        check("a.b.unheardof", "b.unheardof");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn parsing_twice_changes_nothing(text in ".{0,40}|(www\\.)?[a-zA-Z0-9äöüß。.-]{1,30}\\.(com|de|co\\.uk)") {
            let Ok(once) = DomainName::parse(&text) else { return Ok(()) };
            prop_assert_eq!(&DomainName::parse(once.as_str()), &Ok(once.clone()));
            prop_assert!(once.as_str().ends_with(once.registrable()));
        }
    }
}
