//! Mailboxes of functions: `info@`, `sales@`, `buchhaltung@`. The table and where it is from: `data/role_mailboxes.txt`.

use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// Functions that stay one whatever short word stands behind them: `info-de`, `sales.emea`.
const STEMS: &[&str] = &[
    "accounts",
    "admin",
    "billing",
    "booking",
    "bookings",
    "careers",
    "contact",
    "customerservice",
    "hr",
    "info",
    "jobs",
    "kontakt",
    "marketing",
    "office",
    "orders",
    "press",
    "reservations",
    "sales",
    "service",
    "support",
    "vertrieb",
];

/// Longest word that may follow a stem: a country, a region.
const MAX_REGION: usize = 4;

static ROLES: LazyLock<HashSet<&'static str, FixedState>> =
    LazyLock::new(|| include_str!("data/role_mailboxes.txt").lines().filter(|line| !line.starts_with('#')).collect());

/// True when the part before the @, lower-case and without tag, names a function and not a person.
pub(super) fn is_role(local: &str) -> bool {
    let joined: String = local.chars().filter(|c| !is_separator(*c)).collect();
    ROLES.contains(joined.trim_end_matches(|c: char| c.is_ascii_digit())) || is_regional(local)
}

fn is_regional(local: &str) -> bool {
    let mut words = local.split(is_separator);
    words.next().is_some_and(|stem| STEMS.contains(&stem))
        && words.all(|word| word.len() <= MAX_REGION || ROLES.contains(word))
}

fn is_separator(c: char) -> bool {
    matches!(c, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_told_from_people() {
        for local in [
            "info",
            "sales",
            "support",
            "office",
            "contact",
            "hr",
            "no-reply",
            "noreply",
            "do_not_reply",
            "customer.service",
            "sales2",
            "info-de",
            "sales.emea",
            "support-team",
            "buchhaltung",
            "einkauf",
            "kontakt",
            "accueil",
            "compras",
            "amministrazione",
            "atendimento",
            "verkoop",
            "sekretariat",
            "biuro",
            "faktura",
            "zakaz",
            "enquiries",
            "hello",
            "webmaster",
            "postmaster",
        ] {
            assert!(is_role(local), "{local}");
        }
        for local in [
            "jane",
            "jane.doe",
            "j.doe",
            "doe",
            "max",
            "grace",
            "mark",
            "art",
            "bill",
            "infante",
            "officer.doe",
            "john.sales",
            "paris",
            "sales.johnson",
            "alla",
            "dean",
            "mercy",
            "victoria",
            "",
            ".",
            "123",
            "test",
            "office365.admin.jane",
        ] {
            assert!(!is_role(local), "{local}");
        }
    }

    #[test]
    fn the_table_is_well_formed() {
        assert!(ROLES.len() > 900);
        assert!(ROLES.iter().all(|role| role.bytes().all(|b| b.is_ascii_lowercase())));
    }
}
