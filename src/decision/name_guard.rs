//! The name guard: may two leads that share a key be one person? (CONTRACT.md, *Compatible names*.)

use crate::domain::{CompanyName, PersonName};

/// Who a lead says it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'a> {
    /// The person, if it names one.
    pub person: Option<&'a PersonName>,
    /// The company, if it names one.
    pub company: Option<&'a CompanyName>,
}

/// What two names say about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameVerdict {
    /// They may be one.
    Compatible {
        /// True when they are the same name, not only one that may stand for the other.
        equal: bool,
    },
    /// Only one side names a person: the caller decides by who else holds the key.
    OneSided,
    /// They are two.
    Incompatible,
}

/// Compares the names of two leads; symmetric.
///
/// Two people: family names agree, given names are equal, nickname, initial or absent, and no generation suffix speaks against
/// it. No person on either side: the companies agree, or neither names one.
pub fn compare_names(a: &Named<'_>, b: &Named<'_>) -> NameVerdict {
    match (a.person, b.person) {
        (Some(a), Some(b)) if may_be_one(a, b) => NameVerdict::Compatible { equal: a.is_equal_to(b) },
        (Some(_), Some(_)) => NameVerdict::Incompatible,
        (None, None) if same_company(a.company, b.company) => NameVerdict::Compatible { equal: true },
        (None, None) => NameVerdict::Incompatible,
        _ => NameVerdict::OneSided,
    }
}

fn may_be_one(a: &PersonName, b: &PersonName) -> bool {
    a.family_agrees_with(b) && a.given_agrees_with(b) && !generations_differ(a, b)
}

fn generations_differ(a: &PersonName, b: &PersonName) -> bool {
    a.generation().zip(b.generation()).is_some_and(|(a, b)| !a.agrees_with(b))
}

fn same_company(a: Option<&CompanyName>, b: Option<&CompanyName>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.agrees_with(b),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::NameVerdict::{Compatible, Incompatible, OneSided};
    use super::*;

    const EQUAL: NameVerdict = Compatible { equal: true };
    const MAY_BE: NameVerdict = Compatible { equal: false };

    /// Compares leads of the form `Jane Doe @ Acme`, either part of which may be empty.
    fn verdict(a: &str, b: &str) -> NameVerdict {
        let read = |text: &str| {
            let (person, company) = text.split_once('@').unwrap_or((text, ""));
            (PersonName::from_parts(None, None, Some(person)), CompanyName::parse(company))
        };
        let ((a, a_company), (b, b_company)) = (read(a), read(b));
        let a = Named { person: a.as_ref(), company: a_company.as_ref() };
        let b = Named { person: b.as_ref(), company: b_company.as_ref() };
        assert_eq!(compare_names(&a, &b), compare_names(&b, &a));
        compare_names(&a, &b)
    }

    #[test]
    fn people_are_compared_by_name() {
        let check = |a: &str, b: &str, expected: NameVerdict| assert_eq!(verdict(a, b), expected, "{a} / {b}");
        check("Jane Doe", "JANE DOE", EQUAL);
        check("Jane Doe", "Doe, Jane", EQUAL);
        check("Dr. Jane Doe", "Jane Doe, PhD", EQUAL);
        check("Jean-Claude Juncker", "Jeanclaude Juncker", EQUAL);
        check("Robert Smith", "Bob Smith", MAY_BE);
        check("Rob Smith", "Bob Smith", MAY_BE);
        check("J. Doe", "Jane Doe", MAY_BE);
        check("J.-C. Juncker", "Jean-Claude Juncker", MAY_BE);
        check("Mr. Doe", "Jane Doe", MAY_BE);
        check("Jane Mary Doe", "Jane Doe", MAY_BE);
        check("Jane M. Doe", "Jane Mary Doe", MAY_BE);
        check("John Smith", "John Smith Jr", MAY_BE);
        check("John Smith II", "John Smith Jr", MAY_BE);
        check("Jörg Müller", "Joerg Mueller", MAY_BE);
        check("Jörg Müller", "Jorg Muller", EQUAL);
        check("John Smith Sr", "John Smith Jr", Incompatible);
        check("John Smith II", "John Smith III", Incompatible);
        check("Jane Doe", "John Doe", Incompatible);
        check("Jane Doe", "Jane Roe", Incompatible);
        check("Jane M. Doe", "Jane K. Doe", Incompatible);
        check("Chris Doe", "Tina Doe", Incompatible);
        check("Jane", "Jane Doe", Incompatible);
        check("Smith John", "John Smith", Incompatible);
        check("李伟", "李伟明", Incompatible);
    }

    #[test]
    fn companies_speak_where_nobody_is_named() {
        let check = |a: &str, b: &str, expected: NameVerdict| assert_eq!(verdict(a, b), expected, "{a} / {b}");
        check("", "", EQUAL);
        check("@Acme GmbH", "@ACME", EQUAL);
        check("@Acme", "@Initech", Incompatible);
        check("@Acme", "", Incompatible);
        check("Jane Doe", "", OneSided);
        check("Jane Doe @Acme", "@Acme", OneSided);
        check("Jane Doe @Acme", "Jane Doe @Initech", EQUAL);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn a_name_is_compatible_with_itself_and_order_does_not_matter(a in "[\\PC]{0,20}", b in "[A-Za-zäöü.,' -]{0,20}") {
            prop_assert_eq!(verdict(&a, &a), EQUAL);
            verdict(&a, &b);
        }
    }
}
