//! Names of people.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::folding::{fold, fold_spelt_out, letters, same_letters};
use super::name_parts::NameParts;
use super::nickname::same_given_name;

/// Which bearer of a name somebody is in the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Generation {
    /// Sr, or I.
    Senior,
    /// Jr.
    Junior,
    /// II.
    Second,
    /// III.
    Third,
    /// IV.
    Fourth,
    /// V.
    Fifth,
}

impl Generation {
    /// True when two suffixes may stand for one: the same, or Jr and II, which people use for each other.
    pub fn agrees_with(self, other: Self) -> bool {
        self.place() == other.place()
    }

    fn place(self) -> u8 {
        match self {
            Self::Senior => 1,
            Self::Junior | Self::Second => 2,
            Self::Third => 3,
            Self::Fourth => 4,
            Self::Fifth => 5,
        }
    }
}

/// A person's name, folded for comparison. At least one of given and family name is there.
///
/// `==` compares every spelling that is kept; names are compared with [`Self::is_equal_to`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName {
    written: Folded,
    spelt_out: Option<Box<Folded>>,
    generation: Option<Generation>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Folded {
    given: Box<[Box<str>]>,
    family: Box<str>,
}

impl PersonName {
    /// Reads a name from what a lead has of it; `None` when nothing of it is a name.
    ///
    /// First and last name win over the full name. Titles and credentials are left out; a single word is a given name.
    /// Given and family name that were entered the wrong way round stay so.
    pub fn from_parts(first: Option<&str>, last: Option<&str>, full: Option<&str>) -> Option<Self> {
        let parts = NameParts::from_fields(first, last, full);
        let written = Folded::new(&fold(&parts.given), fold(&parts.family));
        let named = written.letters().any(char::is_alphabetic);
        named.then(|| Self {
            spelt_out: Folded::spelt_out(&parts).map(Box::new),
            written,
            generation: parts.generation,
        })
    }

    /// Given names, folded, in order; initials are single letters. Empty when only the family name is known.
    pub fn given(&self) -> &[Box<str>] {
        &self.written.given
    }

    /// Family name, folded, with its particles; empty when unknown.
    pub fn family(&self) -> &str {
        &self.written.family
    }

    /// The generation suffix, when the name had one.
    pub fn generation(&self) -> Option<Generation> {
        self.generation
    }

    /// True when given names, family name and generation are the same after folding, wherever their spaces are.
    pub fn is_equal_to(&self, other: &Self) -> bool {
        self.generation == other.generation
            && same_letters(self.family(), other.family())
            && self.written.given_letters().eq(other.written.given_letters())
    }

    /// True when the family names are the same after folding; `Müller` is both `Muller` and `Mueller`.
    pub fn family_agrees_with(&self, other: &Self) -> bool {
        self.any_spelling(other, |a, b| same_letters(&a.family, &b.family))
    }

    /// True when the given names may be one person's: equal, nickname, initial, or absent on one side.
    pub fn given_agrees_with(&self, other: &Self) -> bool {
        self.any_spelling(other, Folded::given_agrees_with)
    }

    fn any_spelling(&self, other: &Self, agree: impl Fn(&Folded, &Folded) -> bool) -> bool {
        self.spellings().any(|a| other.spellings().any(|b| agree(a, b)))
    }

    fn spellings(&self) -> impl Iterator<Item = &Folded> {
        std::iter::once(&self.written).chain(self.spelt_out.as_deref())
    }
}

impl Folded {
    fn new(given: &str, family: String) -> Self {
        Self { given: given.split(' ').filter(|name| !name.is_empty()).map(Box::from).collect(), family: family.into() }
    }

    /// The name with its umlauts written as two letters, when it has any.
    fn spelt_out(parts: &NameParts) -> Option<Self> {
        match (fold_spelt_out(&parts.given), fold_spelt_out(&parts.family)) {
            (None, None) => None,
            (given, family) => {
                let given = given.unwrap_or_else(|| fold(&parts.given));
                Some(Self::new(&given, family.unwrap_or_else(|| fold(&parts.family))))
            }
        }
    }

    fn given_letters(&self) -> impl Iterator<Item = char> + '_ {
        self.given.iter().flat_map(|name| name.chars())
    }

    fn letters(&self) -> impl Iterator<Item = char> + '_ {
        self.given_letters().chain(letters(&self.family))
    }

    /// Names are compared in order as far as both go: a second name that only one side has does not count.
    fn given_agrees_with(&self, other: &Self) -> bool {
        self.given_letters().eq(other.given_letters())
            || self.given.iter().zip(&other.given).all(|(a, b)| given_name_agrees(a, b))
    }
}

fn given_name_agrees(a: &str, b: &str) -> bool {
    same_given_name(a, b) || is_initial_of(a, b) || is_initial_of(b, a)
}

/// Only scripts with case have initials: a one-character name in Han is a whole name.
fn is_initial_of(initial: &str, name: &str) -> bool {
    let mut letters = initial.chars();
    letters.next().is_some_and(char::is_lowercase) && letters.next().is_none() && name.starts_with(initial)
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn full(text: &str) -> PersonName {
        PersonName::from_parts(None, None, Some(text)).unwrap()
    }

    fn shown(name: &PersonName) -> String {
        let generation = name.generation().map_or(String::new(), |generation| format!("{generation:?}"));
        format!("{}|{}|{generation}", name.given().join(" "), name.family())
    }

    #[test]
    fn full_names_come_apart() {
        let check = |text: &str, parts: &str| assert_eq!(shown(&full(text)), parts, "{text}");
        check("Jane Doe", "jane|doe|");
        check("  Jane   Mary  DOE ", "jane mary|doe|");
        check("Doe, Jane", "jane|doe|");
        check("Doe, Jane M.", "jane m|doe|");
        check("Doe Jr., Jane", "jane|doe|Junior");
        check("Doe, Jane, Jr.", "jane|doe|Junior");
        check("John Smith Jr", "john|smith|Junior");
        check("John Smith, Jr.", "john|smith|Junior");
        check("John Smith, V", "john|smith|Fifth");
        check("John V", "john|v|");
        check("John Smith III", "john|smith|Third");
        check("John Smith II, PhD", "john|smith|Second");
        check("John Smith, Ph.D., MBA", "john|smith|");
        check("Jack Ma", "jack|ma|");
        check("Jack Smith M.A.", "jack|smith|");
        check("Dr. John Smith", "john|smith|");
        check("Dr.Smith", "|smith|");
        check("Mr. Smith", "|smith|");
        check("Prof. Dr. med. Anna Groß", "anna|gross|");
        check("Dipl.-Ing. Hans Müller", "hans|muller|");
        check("Herr Müller", "|muller|");
        check("Sr. Juan Pérez", "juan|perez|");
        check("Ludwig van Beethoven", "ludwig|van beethoven|");
        check("Oscar de la Renta", "oscar|de la renta|");
        check("Van Morrison", "van|morrison|");
        check("Al Gore", "al|gore|");
        check("Bashar al-Assad", "bashar|al assad|");
        check("Jean-Claude Juncker", "jean claude|juncker|");
        check("J.-C. Juncker", "j c|juncker|");
        check("J.R.R. Tolkien", "j r r|tolkien|");
        check("Conan O'Brien", "conan|obrien|");
        check("Robert \"Bob\" Smith", "robert|smith|");
        check("Katherine (Kate) Jones", "katherine|jones|");
        check("LAVROV Sergey", "sergey|lavrov|");
        check("Sergey LAVROV", "sergey|lavrov|");
        check("JP Morgan", "jp|morgan|");
        check("JOHN SMITH", "john|smith|");
        check("Hannibal", "hannibal||");
        check("山田太郎", "山田太郎||");
        check("Юлия Иванова", "юлия|иванова|");
        check("Dr", "dr||");
        check("Jr", "jr||");
        check("(Bob)", "bob||");
        check("Smith (", "smith||");
    }

    #[test]
    fn fields_are_read_together() {
        let check = |first: &str, last: &str, text: &str, parts: Option<&str>| {
            let name = PersonName::from_parts(Some(first), Some(last), Some(text));
            assert_eq!(name.as_ref().map(shown).as_deref(), parts, "{first:?} {last:?} {text:?}");
        };
        check("Jane", "Doe", "Somebody Else", Some("jane|doe|"));
        check("Jane", "", "Jane Doe", Some("jane|doe|"));
        check("", "Doe", "Jane Doe", Some("jane|doe|"));
        check("Jane", "[Not Provided]", "", Some("jane||"));
        check("", "Doe", "", Some("|doe|"));
        check("Jane Doe", "", "", Some("jane|doe|"));
        check("", "Doe, Jane", "", Some("jane|doe|"));
        check("", "García López", "", Some("|garcia lopez|"));
        check("Prof. Dr.", "Doe", "", Some("|doe|"));
        check("Dr. Jane", "Doe, PhD", "", Some("jane|doe|"));
        check("John", "Smith Jr.", "", Some("john|smith|Junior"));
        check("John Jr", "Smith", "", Some("john|smith|Junior"));
        check("", "", "", None);
        check("n/a", "unknown", "null null", None);
        check("", "", "jane@example.com", None);
        check("", "", "12345", None);
        check("...", "--", "", None);
    }

    #[test]
    fn equal_names_have_the_same_letters() {
        let check = |a: &str, b: &str, equal: bool| assert_eq!(full(a).is_equal_to(&full(b)), equal, "{a} / {b}");
        check("Jane Doe", "DOE, JANE", true);
        check("Jean-Claude Juncker", "Jeanclaude Juncker", true);
        check("Margarita Simonyán", "Margarita Simonyan", true);
        check("Jane van der Berg", "Jane vander Berg", true);
        check("Jane Doe", "Jane Doe Jr", false);
        check("Jane Doe", "J Doe", false);
        check("Jane Mary Doe", "Jane Doe", false);
    }

    #[test]
    fn no_name_shows_itself() {
        assert_eq!(format!("{:?}", full("Jane Doe")), "PersonName([redacted])");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn any_text_is_a_name_or_none(first in ".{0,30}", last in ".{0,30}", text in ".{0,30}") {
            if let Some(name) = PersonName::from_parts(Some(&first), Some(&last), Some(&text)) {
                prop_assert!(name.is_equal_to(&name));
                prop_assert!(name.given_agrees_with(&name) && name.family_agrees_with(&name));
                prop_assert!(!name.given().is_empty() || !name.family().is_empty());
            }
        }

        #[test]
        fn reading_a_folded_name_changes_nothing(text in "[A-Za-zÀ-žЀ-я',. -]{0,40}") {
            let Some(name) = PersonName::from_parts(None, None, Some(&text)) else { return Ok(()) };
            let (given, family) = (name.given().join(" "), name.family().to_owned());
            prop_assert_eq!(fold(&given), given);
            prop_assert_eq!(fold(&family), family);
        }
    }
}
