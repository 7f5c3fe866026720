//! Domains of mail providers: where anybody can have a mailbox, and which ones people mistype.

use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// True for a domain, lower-case ASCII, at which anybody can have a mailbox.
pub(crate) fn is_free_mail(domain: &str) -> bool {
    FREE_MAIL.contains(domain)
}

/// The domain that was probably meant, when this one looks mistyped.
///
/// One slip of the keyboard in the provider's name, one in its ending, or both: a letter left out, repeated, swapped with the
/// next, or hit on the key beside. Never for a domain that is a provider itself, or known to be somebody's.
/// An ending that does not exist (`.con`) is corrected for every domain.
pub(crate) fn suggestion(domain: &str) -> Option<String> {
    if is_free_mail(domain) || LOOKALIKES.contains(&domain) {
        return None;
    }
    let (name, ending) = domain.split_once('.')?;
    let provider = PROVIDERS.iter().find(|provider| provider.may_be_meant_by(name, ending));
    provider.map(|provider| format!("{}.{}", provider.name, provider.ending)).or_else(|| with_real_ending(domain))
}

static FREE_MAIL: LazyLock<HashSet<&'static str, FixedState>> = LazyLock::new(|| {
    include_str!("data/free_mail_domains.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// A provider that people mistype. Names that are words as well are corrected in their ending only.
struct Provider {
    name: &'static str,
    ending: &'static str,
    is_word: bool,
}

const fn provider(name: &'static str, ending: &'static str) -> Provider {
    Provider { name, ending, is_word: false }
}

const fn word(name: &'static str, ending: &'static str) -> Provider {
    Provider { name, ending, is_word: true }
}

/// The largest consumer mail providers, by common knowledge; the first that fits wins.
const PROVIDERS: &[Provider] = &[
    provider("gmail", "com"),
    provider("hotmail", "com"),
    provider("yahoo", "com"),
    provider("outlook", "com"),
    provider("icloud", "com"),
    provider("googlemail", "com"),
    provider("yahoo", "co.uk"),
    provider("hotmail", "co.uk"),
    provider("yahoo", "fr"),
    provider("hotmail", "fr"),
    provider("yahoo", "de"),
    provider("hotmail", "de"),
    provider("yahoo", "it"),
    provider("hotmail", "it"),
    provider("yahoo", "es"),
    provider("hotmail", "es"),
    provider("yahoo", "co.in"),
    provider("yahoo", "com.br"),
    provider("protonmail", "com"),
    provider("btinternet", "com"),
    provider("comcast", "net"),
    provider("verizon", "net"),
    provider("sbcglobal", "net"),
    provider("bellsouth", "net"),
    provider("t-online", "de"),
    provider("freenet", "de"),
    provider("wanadoo", "fr"),
    provider("laposte", "net"),
    provider("yandex", "ru"),
    provider("rambler", "ru"),
    provider("rediffmail", "com"),
    provider("libero", "it"),
    word("live", "com"),
    word("aol", "com"),
    word("msn", "com"),
    word("orange", "fr"),
];

/// Domains of somebody's own, one slip away from a provider.
const LOOKALIKES: &[&str] = &["gail.com"];

/// Endings of two letters that exist, but that behind a provider's name mean `com`.
const CUT_COM: &[&str] = &["co", "cm", "om"];

impl Provider {
    fn may_be_meant_by(&self, name: &str, ending: &str) -> bool {
        let same_name = name == self.name;
        let same_ending = ending == self.ending;
        let near_name = same_name || (!self.is_word && is_slip_of(name, self.name));
        near_name
            && (same_ending
                || is_mistyped_ending(ending, self.ending)
                || (same_name && !self.is_word && self.is_cut(ending)))
    }

    fn is_cut(&self, ending: &str) -> bool {
        self.ending == "com" && CUT_COM.contains(&ending)
    }
}

/// An ending that does not exist, one slip away from one that does.
fn is_mistyped_ending(ending: &str, meant: &str) -> bool {
    !ending.contains('.') && is_unheard_of(ending) && is_slip_of(ending, meant)
}

fn is_unheard_of(ending: &str) -> bool {
    !psl::suffix(ending.as_bytes()).is_some_and(|suffix| suffix.is_known())
}

fn with_real_ending(domain: &str) -> Option<String> {
    let (rest, ending) = domain.rsplit_once('.')?;
    is_mistyped_ending(ending, "com").then(|| format!("{rest}.com"))
}

/// True when `typed` is `meant` with one slip behind its first letter: a swap, a letter missing or too many, a neighbouring key.
fn is_slip_of(typed: &str, meant: &str) -> bool {
    let (typed, meant) = (typed.as_bytes(), meant.as_bytes());
    let same = typed.iter().zip(meant).take_while(|(a, b)| a == b).count();
    let (typed_rest, meant_rest) = (&typed[same..], &meant[same..]);
    match (typed_rest, meant_rest) {
        ([a, b, typed_tail @ ..], [c, d, meant_tail @ ..]) if a == d && b == c && typed_tail == meant_tail => true,
        _ if same == 0 => false,
        ([a, typed_tail @ ..], [b, meant_tail @ ..]) if typed_tail == meant_tail => {
            are_neighbours(*a, *b) || typed.get(same - 1) == Some(a)
        }
        (_, [_, meant_tail @ ..]) if typed_rest == meant_tail => true,
        ([extra, typed_tail @ ..], _) if typed_tail == meant_rest => {
            let beside = [typed.get(same - 1), typed_tail.first()];
            beside.into_iter().flatten().any(|key| key == extra || are_neighbours(*key, *extra))
        }
        _ => false,
    }
}

/// True for two keys that lie side by side on a QWERTY keyboard.
fn are_neighbours(a: u8, b: u8) -> bool {
    const ROWS: [&[u8]; 4] = [b"1234567890", b"qwertyuiop", b"asdfghjkl", b"zxcvbnm,"];
    let place =
        |key: u8| ROWS.iter().enumerate().find_map(|(row, keys)| Some((row, keys.iter().position(|k| *k == key)?)));
    let (Some((row_a, at_a)), Some((row_b, at_b))) = (place(a), place(b)) else { return false };
    match row_a.cmp(&row_b) {
        std::cmp::Ordering::Equal => at_a.abs_diff(at_b) == 1,
        std::cmp::Ordering::Less => row_a + 1 == row_b && (at_b == at_a || at_b + 1 == at_a),
        std::cmp::Ordering::Greater => row_b + 1 == row_a && (at_a == at_b || at_a + 1 == at_b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_corrected() {
        let check = |domain: &str, meant: &str| assert_eq!(suggestion(domain).as_deref(), Some(meant), "{domain}");
        check("gmial.com", "gmail.com");
        check("gamil.com", "gmail.com");
        check("gnail.com", "gmail.com");
        check("gmaill.com", "gmail.com");
        check("gmsil.com", "gmail.com");
        check("mgail.com", "gmail.com");
        check("gmal.com", "gmail.com");
        check("yaho.com", "yahoo.com");
        check("gmail.con", "gmail.com");
        check("gmail.cmo", "gmail.com");
        check("gmail.co", "gmail.com");
        check("gmail.cm", "gmail.com");
        check("gmial.con", "gmail.com");
        check("hotmial.com", "hotmail.com");
        check("hotmal.com", "hotmail.com");
        check("hotnail.com", "hotmail.com");
        check("hotmial.fr", "hotmail.fr");
        check("yahooo.com", "yahoo.com");
        check("yhaoo.com", "yahoo.com");
        check("yahho.com", "yahoo.com");
        check("yahoo.comm", "yahoo.com");
        check("outlok.com", "outlook.com");
        check("outllok.com", "outlook.com");
        check("iclod.com", "icloud.com");
        check("comcats.net", "comcast.net");
        check("live.con", "live.com");
        check("acme.con", "acme.com");
        check("mail.acme.ocm", "mail.acme.com");
    }

    #[test]
    fn real_domains_are_left_alone() {
        for domain in [
            "gmail.com",
            "googlemail.com",
            "gmx.com",
            "gmx.de",
            "mail.com",
            "email.com",
            "ymail.com",
            "hotmail.de",
            "yahoo.ca",
            "yahoo.co.jp",
            "grail.com",
            "gail.com",
            "cloud.com",
            "orange.com",
            "live.co",
            "aol.co",
            "web.de",
            "me.com",
            "mac.com",
            "acme.com",
            "acme.co",
            "acme.cm",
            "acme.de",
            "example.com",
            "example.org",
            "outlook.de",
            "yandex.com",
            "gmail.acme.com",
            "hotmail.acme",
            "bigmail.com",
            "gmails.io",
            "com",
            "a.unheardof",
            "msn.de",
            "fmail.com",
        ] {
            assert_eq!(suggestion(domain), None, "{domain}");
        }
    }

    #[test]
    fn the_list_of_providers_is_well_formed() {
        assert!(FREE_MAIL.len() > 4_000);
        for provider in PROVIDERS {
            assert!(is_free_mail(&format!("{}.{}", provider.name, provider.ending)), "{}", provider.name);
        }
        for domain in ["example.com", "salesforce.com", "facebook.com", "acme.com"] {
            assert!(!is_free_mail(domain), "{domain}");
        }
    }
}
