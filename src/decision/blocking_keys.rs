//! Blocking keys: what two leads must share before the fuzzy tier may compare them, and what is locked.
//!
//! Fuzziness is derived into the keys: two leads that a person would take for one should share at least one of them, although
//! nothing but the sound of a name, the tail of a number or the core of a company is the same. A key that many share is of no
//! use, so every key but the mailbox and the phone joins two facts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use crate::domain::nickname::{all_canonical_given_names, canonical_given_names};
use crate::domain::{BirthDate, CompanyName, DomainName, Email, PersonName, Phone, fold, registrable};

use super::addresses::{is_street_word, postal_area};
use super::phonetics::{Sound, latin_letters};

/// Codes that are kept of a name's and of a company's sound.
const NAME_CODES: usize = 5;
const COMPANY_CODES: usize = 7;

/// Letters in the shortest part of a double family name that counts alone, and how many parts do.
const MIN_FAMILY_PART: usize = 4;
const MAX_FAMILY_PARTS: usize = 2;

/// Cores and mailboxes with fewer letters than this are taken as written: their sound says too little.
const MIN_SOUNDING_LETTERS: usize = 6;

/// Digits at the end of a phone number that are one subscriber's, whatever stands before them.
const PHONE_TAIL: usize = 7;

/// A blocking key: stable across versions and machines, the same for every tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockingKey(u64);

impl BlockingKey {
    /// Reads the number that [`Self::get`] shows.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The key as a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The first eight bytes of the BLAKE3 hash of kind and parts, in little-endian order.
    fn of(kind: Kind, parts: &[&str]) -> Self {
        let mut text = Vec::with_capacity(64);
        text.push(kind as u8);
        for part in parts {
            text.extend_from_slice(part.as_bytes());
            text.push(0);
        }
        let hash = blake3::hash(&text);
        let first = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        Self(u64::from_le_bytes(first))
    }
}

/// What a key is made of. The numbers are part of every key: they never change and are never used again.
#[derive(Clone, Copy)]
enum Kind {
    Name = 1,
    CompanyAndInitial = 2,
    Company = 3,
    DomainAndInitial = 4,
    Domain = 5,
    PhoneTail = 6,
    Mailbox = 7,
    BirthDate = 8,
    NameAndPostalCode = 9,
    Address = 11,
    NameAndCity = 12,
    GivenNameAndPostalCode = 14,
}

/// The parts of a lead that blocking keys are made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockingInput<'a> {
    /// The person.
    pub name: Option<&'a PersonName>,
    /// The company.
    pub company: Option<&'a CompanyName>,
    /// Every address that may be compared.
    pub emails: &'a [&'a Email],
    /// Every number that may be compared.
    pub phones: &'a [&'a Phone],
    /// The company's web site.
    pub domain: Option<&'a DomainName>,
    /// City, as given.
    pub city: Option<&'a str>,
    /// Postal code, as given.
    pub postal_code: Option<&'a str>,
    /// Birth date.
    pub birth_date: Option<BirthDate>,
    /// Street and number, as given.
    pub street: Option<&'a str>,
}

/// The blocking keys of a lead, sorted, each once. Whether a name was written the wrong way round makes no difference to its
/// name keys. Never empty for a lead that has a usable name, company, email or phone.
pub fn blocking_keys(input: &BlockingInput<'_>) -> Vec<BlockingKey> {
    let mut keys = Keys(Vec::with_capacity(32));
    let person = input.name.map(Person::of);
    let place = Place::of(input);
    keys.add_person(person.as_ref(), input.birth_date, &place);
    keys.add_company(person.as_ref(), input);
    keys.add_domains(person.as_ref(), input);
    keys.add_contacts(input);
    keys.add_address(person.as_ref(), input, &place);
    keys.0.sort_unstable();
    keys.0.dedup();
    keys.0
}

/// How a person's name sounds, and what it begins with.
struct Person {
    family: Vec<String>,
    given: Vec<Cow<'static, str>>,
    initials: Vec<&'static str>,
}

impl Person {
    fn of(name: &PersonName) -> Self {
        let given = name.given().first().map_or("", |first| first);
        let canonical: Vec<&str> = canonical_given_names(given).filter(|name| !name.is_empty()).collect();
        let mut initials: Vec<&str> = canonical.iter().copied().chain([name.family()]).filter_map(initial).collect();
        initials.sort_unstable();
        initials.dedup();
        Self {
            family: family_codes(name.family()),
            given: canonical.into_iter().filter_map(given_code).collect(),
            initials,
        }
    }

    /// Every way in which one of the two names sounds.
    fn codes(&self) -> impl Iterator<Item = &str> {
        self.family.iter().map(|code| &**code).chain(self.given.iter().map(|code| &**code))
    }
}

/// How a family name sounds, and each part of a double one: people drop one when they marry.
fn family_codes(family: &str) -> Vec<String> {
    let parts = family.split(' ').filter(|part| part.len() >= MIN_FAMILY_PART && *part != family);
    let sounds =
        [family].into_iter().chain(parts.take(MAX_FAMILY_PARTS)).filter_map(|name| Sound::of(name, NAME_CODES));
    sounds.flat_map(Sound::into_codes).collect()
}

/// How a canonical given name sounds; those of the table are coded once.
fn given_code(name: &str) -> Option<Cow<'static, str>> {
    static CODES: LazyLock<HashMap<&str, String, FixedState>> = LazyLock::new(|| {
        let sound = |name| Some((name, Sound::of(name, NAME_CODES)?.primary().to_owned()));
        all_canonical_given_names().filter_map(sound).collect()
    });
    let known = CODES.get(name).map(|code| Cow::Borrowed(&**code));
    known.or_else(|| Some(Cow::Owned(Sound::of(name, NAME_CODES)?.primary().to_owned())))
}

/// The first letter of a name's transcription.
fn initial(name: &str) -> Option<&'static str> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
    let first = latin_letters(name).bytes().next()?;
    let at = usize::from(first.checked_sub(b'a')?);
    LETTERS.get(at..=at)
}

/// Where a lead is, folded.
struct Place {
    city: Option<String>,
    postal_code: Option<String>,
}

impl Place {
    fn of(input: &BlockingInput<'_>) -> Self {
        let filled = |text: &str| Some(fold(text)).filter(|folded| !folded.is_empty());
        Self {
            city: input.city.and_then(filled),
            postal_code: input.postal_code.and_then(filled).map(|code| postal_area(&code.replace(' ', "")).to_owned()),
        }
    }
}

struct Keys(Vec<BlockingKey>);

impl Keys {
    fn add(&mut self, kind: Kind, parts: &[&str]) {
        self.0.push(BlockingKey::of(kind, parts));
    }

    fn add_person(&mut self, person: Option<&Person>, birth_date: Option<BirthDate>, place: &Place) {
        let Some(person) = person else { return };
        for family in &person.family {
            person.given.iter().for_each(|given| self.add_name(family, given));
            place.postal_code.iter().for_each(|code| self.add(Kind::NameAndPostalCode, &[family, code]));
            place.city.iter().for_each(|city| self.add(Kind::NameAndCity, &[family, city]));
        }
        for given in &person.given {
            place.postal_code.iter().for_each(|code| self.add(Kind::GivenNameAndPostalCode, &[given, code]));
        }
        if person.family.is_empty() || person.given.is_empty() {
            person.codes().for_each(|code| self.add(Kind::Name, &[code]));
        }
        if let Some(date) = birth_date.map(|date| date.to_string()) {
            let place = place.postal_code.as_deref().into_iter().chain(place.city.as_deref());
            person.initials.iter().copied().chain(place).for_each(|other| self.add(Kind::BirthDate, &[other, &date]));
        }
    }

    /// The same key for a name and for the name the wrong way round.
    fn add_name(&mut self, family: &str, given: &str) {
        self.add(Kind::Name, &[family.min(given), family.max(given)]);
    }

    fn add_company(&mut self, person: Option<&Person>, input: &BlockingInput<'_>) {
        let Some(code) = input.company.and_then(|company| company_code(company.core())) else { return };
        self.add_with_initials(Kind::CompanyAndInitial, Kind::Company, &code, person);
    }

    fn add_domains(&mut self, person: Option<&Person>, input: &BlockingInput<'_>) {
        let site = input.domain.map(DomainName::registrable);
        let mail = input.emails.iter().filter(|email| !email.is_free_mail()).map(|email| registrable(email.domain()));
        for domain in site.into_iter().chain(mail) {
            self.add_with_initials(Kind::DomainAndInitial, Kind::Domain, domain, person);
        }
    }

    /// An organisation with each initial of the person, or alone where there is no person.
    fn add_with_initials(&mut self, with: Kind, alone: Kind, organisation: &str, person: Option<&Person>) {
        match person {
            Some(person) => person.initials.iter().for_each(|initial| self.add(with, &[organisation, initial])),
            None => self.add(alone, &[organisation]),
        }
    }

    fn add_contacts(&mut self, input: &BlockingInput<'_>) {
        for email in input.emails.iter().filter(|email| !email.is_role_mailbox()) {
            self.add_mailbox(email);
        }
        for phone in input.phones {
            let digits = phone.normalized();
            self.add(Kind::PhoneTail, &[&digits[digits.len().saturating_sub(PHONE_TAIL)..]]);
        }
    }

    /// The mailbox's letters, at whatever domain; a short one only with the first letter of the domain.
    fn add_mailbox(&mut self, email: &Email) {
        let name: String = email.mailbox().chars().filter(|c| c.is_alphanumeric()).collect();
        let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
        match letters.chars().count() < MIN_SOUNDING_LETTERS {
            true => self.add(Kind::Mailbox, &[&name, email.domain().get(..1).unwrap_or_default()]),
            false => self.add(Kind::Mailbox, &[letters]),
        }
    }

    fn add_address(&mut self, person: Option<&Person>, input: &BlockingInput<'_>, place: &Place) {
        let Some((number, street)) = input.street.map(fold).as_deref().and_then(house_and_street) else { return };
        let places = place.postal_code.as_deref().into_iter().chain(place.city.as_deref());
        let initials = person.map_or(&[""][..], |person| &person.initials);
        for other in places.chain(initials.iter().copied()) {
            self.add(Kind::Address, &[&number, &street, other]);
        }
    }
}

/// A company's sound, with its digits; short names as they are.
fn company_code(core: &str) -> Option<String> {
    let digits = core.chars().filter(char::is_ascii_digit);
    let letters = latin_letters(core);
    let code = match letters.len() < MIN_SOUNDING_LETTERS {
        true => letters.into_owned(),
        false => Sound::of(&letters, COMPANY_CODES)?.primary().to_owned(),
    };
    Some(code.chars().chain(digits).collect()).filter(|code: &String| !code.is_empty())
}

/// The first number of a folded street and the sound of its longest word of its own.
fn house_and_street(street: &str) -> Option<(String, String)> {
    let number = street.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    let words = street.split(' ').filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    let name = words.max_by_key(|word| if is_street_word(word) { 0 } else { word.len() })?;
    Some((number, Sound::of(name, NAME_CODES)?.primary().to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Lead {
        name: Option<PersonName>,
        company: Option<CompanyName>,
        emails: Vec<Email>,
        phones: Vec<Phone>,
        domain: Option<DomainName>,
        birth_date: Option<BirthDate>,
        texts: Vec<(&'static str, String)>,
    }

    impl Lead {
        /// A lead of the form `name=Jane Doe; email=jane@example.com`.
        fn of(text: &'static str) -> Self {
            let mut lead = Self::default();
            for (field, value) in text.split("; ").filter_map(|field| field.split_once('=')) {
                lead.set(field, value);
            }
            lead
        }

        fn set(&mut self, field: &'static str, value: &str) {
            match field {
                "name" => self.name = PersonName::from_parts(None, None, Some(value)),
                "company" => self.company = CompanyName::parse(value),
                "email" => self.emails.extend(Email::parse(value)),
                "phone" => self.phones.extend(Phone::parse(value, None)),
                "site" => self.domain = DomainName::parse(value).ok(),
                "born" => self.birth_date = BirthDate::parse(value).ok(),
                _ => self.texts.push((field, value.to_owned())),
            }
        }

        fn text(&self, field: &str) -> Option<&str> {
            self.texts.iter().find(|(name, _)| *name == field).map(|(_, text)| &**text)
        }

        fn keys(&self) -> Vec<BlockingKey> {
            blocking_keys(&BlockingInput {
                name: self.name.as_ref(),
                company: self.company.as_ref(),
                emails: &self.emails.iter().collect::<Vec<_>>(),
                phones: &self.phones.iter().collect::<Vec<_>>(),
                domain: self.domain.as_ref(),
                city: self.text("city"),
                postal_code: self.text("postal"),
                birth_date: self.birth_date,
                street: self.text("street"),
            })
        }
    }

    #[test]
    fn leads_that_may_be_one_share_a_key() {
        let check = |a: &'static str, b: &'static str, shared: bool| {
            let (a_keys, b_keys) = (Lead::of(a).keys(), Lead::of(b).keys());
            assert_eq!(a_keys.iter().any(|key| b_keys.contains(key)), shared, "{a} / {b}");
        };
        check("name=Jane Doe", "name=Doe, Jane", true);
        check("name=Bob Smith", "name=Robert Smyth", true);
        check("name=Smith John", "name=John Smith", true);
        check("name=Jürgen Müller", "name=Juergen Mueller", true);
        check("name=Юлия Иванова", "name=Yuliya Ivanova", true);
        check("name=Pamela Price-Thornton", "name=Pamela Price", true);
        check("name=Jane van der Berg", "name=Jane Berg", true);
        check("name=Jane Doe", "name=Jane Roe", false);
        check("name=J Doe; company=Acme Corporation", "name=Jane Doe; company=ACME Inc.", true);
        check("name=Jane Doe; company=Wallmart", "name=Jane Roe; company=Walmart Inc", true);
        check("name=Jane Doe; company=Acme", "name=Bill Smith; company=Acme", false);
        check("company=Acme GmbH", "company=ACME", true);
        check("company=Acme GmbH", "name=Jane Doe; company=Acme", false);
        check("company=Acme; city=Berlin", "name=Jane Doe; company=Acme; city=BERLIN", false);
        check("name=Jane D; email=jane@acme.com", "name=Jane Doe; site=https://www.acme.com/x", true);
        check("name=Jane D; email=jane@gmail.com", "name=Jolene Bly; email=jolene@gmail.com", false);
        check("email=jane.doe@old.com", "email=Jane.Doe+x@new.com", true);
        check("email=jane.doe@gmail.com", "email=janedoe77@gmial.com", true);
        check("email=jane@gmail.com", "email=jane@gmial.com", true);
        check("email=jane@gmail.com", "email=jane@acme.com", false);
        check("email=info@a.com", "email=info@b.com", false);
        check("phone=+49 30 123456", "phone=030 123456", true);
        check("phone=+1 210 853 7755", "phone=853-7755", true);
        check("name=Jane Doe; born=1980-02-29", "name=Jane Smith; born=19800229", true);
        check("name=Jane Doe; city=York", "name=Jenny Doe; city=YORK", true);
        check("company=Acme; street=12 Main Street", "company=Initech; street=12 Main St.", true);
        check("name=Jane Doe; postal=12345-6789", "name=Bill Dow; postal=12345", true);
        check("name=Jane Doe; street=12 Main Street; city=York", "name=Jolene Bly; street=Main St 12; city=YORK", true);
        check(
            "name=Jane Doe; street=12 Main Street; city=York",
            "name=Bill Smith; street=14 Main Street; city=York",
            false,
        );
        check("name=Jane Doe; street=12 Main Street", "name=Jolene Bly; street=12 Main Street; city=York", true);
    }

    #[test]
    fn keys_are_sorted_and_stable() {
        let keys =
            Lead::of("name=Jane Doe; company=Acme; email=jane.doe@acme.com; phone=+4930123456; born=1980-02-29").keys();
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_eq!(BlockingKey::of(Kind::PhoneTail, &["0123456"]).get(), STABLE);
        assert!(Lead::of("").keys().is_empty());
    }

    /// Written once; a change of this number makes every stored index useless.
    const STABLE: u64 = 14_810_782_776_825_540_723;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn any_lead_has_its_keys(values in prop::collection::vec(".{0,30}", 8)) {
            let mut lead = Lead::default();
            let fields = ["name", "company", "email", "phone", "site", "city", "postal", "street"];
            fields.into_iter().zip(&values).for_each(|(field, value)| lead.set(field, value));
            let keys = lead.keys();
            prop_assert_eq!(&keys, &lead.keys());
            prop_assert!(!keys.is_empty() || (lead.emails.is_empty() && lead.phones.is_empty()));
        }
    }
}
