//! The score of two leads, from their texts.

use std::collections::HashMap;
use std::sync::LazyLock;

mod properties;

use super::*;
use crate::domain::{BirthDate, CompanyName, CountryCode, DomainName, Email, Field, IncomingLead, IncomingPhone};
use crate::domain::{PersonName, Phone, PhoneKind};

/// A lead of the form `name=Jane Doe; email=jane@example.com`; `name=Doe,` is a last name without any other, and ` | ` stands between
/// addresses.
fn lead(text: &str) -> IncomingLead {
    let mut lead = IncomingLead::default();
    for (field, value) in text.split("; ").filter_map(|field| field.split_once('=')) {
        set(&mut lead, field, value);
    }
    lead
}

fn set(lead: &mut IncomingLead, field: &str, value: &str) {
    let mut text = |field| drop(lead.values.insert(field, value.into()));
    match field {
        "name" => {
            let last = value.strip_suffix(',');
            lead.name = PersonName::from_parts(None, last, Some(value).filter(|_| last.is_none()));
        }
        "company" => lead.company = CompanyName::parse(value),
        "email" => lead.emails.extend(value.split(" | ").flat_map(Email::parse)),
        "phone" => {
            let phone = Phone::parse(value, CountryCode::parse("US").ok());
            lead.phones.extend(phone.map(|phone| IncomingPhone { phone, kind: PhoneKind::Work }));
        }
        "site" => lead.website = DomainName::parse(value).ok(),
        "born" => lead.birth_date = BirthDate::parse(value).ok(),
        "street" => text(Field::Street),
        "city" => text(Field::City),
        "postal" => text(Field::PostalCode),
        "state" => text(Field::State),
        "title" => text(Field::Title),
        _ => lead.country = CountryCode::parse(value).ok(),
    }
}

/// In which common things are common: a thousand leads, some of them of the same few names.
fn table() -> &'static FrequencyTable {
    static TABLE: LazyLock<FrequencyTable> = LazyLock::new(a_thousand_leads);
    &TABLE
}

fn a_thousand_leads() -> FrequencyTable {
    let mut table = FrequencyTable::default();
    let count = |text: &str, table: &mut FrequencyTable| Profile::of_incoming(&lead(text)).count_in(table);
    for number in 0..1000 {
        match number % 10 {
            0 => count(
                "name=John Smith; company=Google; site=google.com; city=London; email=info@google.com",
                &mut table,
            ),
            1 => count("name=Mary Smith; company=Google; city=London; phone=+1 212 555 0100", &mut table),
            2 => count(&format!("name=Given{number} Family{number}; email=one{number}@gmail.com"), &mut table),
            _ => count(&format!("name=Given{number} Family{number}; city=City{number}"), &mut table),
        }
    }
    table
}

fn score_in(table: &FrequencyTable, a: &str, b: &str) -> Score {
    let (a, b) = (Profile::of_incoming(&lead(a)), Profile::of_incoming(&lead(b)));
    compare(&a, &b, table, &Weights::default())
}

fn levels(a: &str, b: &str) -> Vec<String> {
    let score = score_in(table(), a, b);
    score.comparisons.iter().map(|one| format!("{}: {}", one.level.field().name(), one.level.name())).collect()
}

#[test]
fn a_table_of_what_was_seen_twice_is_that_of_everything() {
    let leads: Vec<Profile> = (0..500)
        .map(|number| {
            let (few, many) = (number % 7, number % 90);
            format!("name=Given{many} Family{few}; company=Company{many}; city=City{few}; born=1980-01-0{}; email=a{many}@b{few}.com", few + 1)
        })
        .map(|text| Profile::of_incoming(&lead(&text)))
        .collect();
    let count = |mut table: FrequencyTable| {
        leads.iter().for_each(|lead| lead.count_in(&mut table));
        table.forget_singles();
        table
    };
    let mut look = FirstLook::for_leads(leads.len());
    leads.iter().for_each(|lead| lead.show(&mut look));
    let (whole, repeated) = (count(FrequencyTable::default()), count(FrequencyTable::of_repeated(look)));
    assert!(whole.counts().len() > 100);
    assert_eq!(whole, repeated);
    let mut growing = GrowingTable::behind(&FrequencyTable::default(), leads.len());
    leads.iter().for_each(|lead| growing.add(lead));
    let grown: HashMap<u64, u32> = growing.so_far().counts().into_iter().collect();
    assert_eq!((growing.leads(), grown.len()), (whole.leads(), whole.counts().len()));
    // The first person of a value may be one that comes again.
    assert!(whole.counts().into_iter().all(|(term, count)| (count - 1..=count).contains(&grown[&term])));
}

#[test]
fn values_agree_at_the_level_that_fits() {
    let check = |a: &str, b: &str, expected: &[&str]| {
        assert_eq!(levels(a, b), expected, "{a} / {b}");
        assert_eq!(levels(b, a), expected, "{b} / {a}");
    };
    check("name=Jane Doe", "name=JANE DOE", &["last_name: exact", "first_name: exact"]);
    check("name=Bob Smith", "name=Robert Smyth", &["last_name: misspelt", "first_name: nickname"]);
    check("name=J. Doe", "name=Jane Doe", &["last_name: exact", "first_name: initial"]);
    check("name=J. Doe", "name=J. Doe", &["last_name: exact", "first_name: initial"]);
    check("name=Doe Jane", "name=Jane Doe", &["last_name: part", "first_name: nickname"]);
    check("name=Walters J", "name=Jane Walters", &["last_name: part", "first_name: initial"]);
    check("name=Walters Bob", "name=Robert Walters", &["last_name: part", "first_name: nickname"]);
    check("name=Walters Tim", "name=Jane Walters", &["last_name: part", "first_name: different"]);
    check("name=Doe", "name=Jane Doe", &["last_name: part", "first_name: missing"]);
    check("name=Doe", "name=Doe", &["last_name: missing", "first_name: exact"]);
    check("name=Doe,", "name=Jane Doe", &["last_name: exact", "first_name: missing"]);
    check("name=Doe,", "name=Doe", &["last_name: part", "first_name: missing"]);
    check("name=Jane Price-Thornton", "name=Jane Price", &["last_name: part", "first_name: exact"]);
    check("name=Jane Doe", "name=Peter Miller", &["last_name: different", "first_name: unrelated"]);
    check("name=John Doe Jr", "name=John Doe Sr", &["last_name: exact", "first_name: exact", "generation: different"]);
    let apart = ["last_name: exact", "first_name: different", "middle_name: different"];
    check("name=Jean-Pierre Doe", "name=Jean-Luc Doe", &apart);
    check("name=Yong-Jin Doe", "name=Yong Min Doe", &apart);
    let same = ["last_name: exact", "first_name: exact"];
    check("name=Jean-Pierre Doe", "name=Jean Doe", &same);
    check("name=Jean-Pierre Doe", "name=Jeanpierre Doe", &same);
    check("name=Jean-Pierre Doe", "name=Jean P. Doe", &[same[0], same[1], "middle_name: agrees"]);
    check("name=Jean-Pierre Doe", "name=Jean Pierer Doe", &[same[0], same[1], "middle_name: agrees"]);
    check("name=Остап Рогова", "name=Ostap Rogova", &["last_name: exact", "first_name: exact"]);
    check("company=Acme Technologies GmbH", "company=ACME tech", &["company: words"]);
    check("company=International Business Machines", "company=IBM", &["company: acronym"]);
    check("company=Acme", "site=acme.com", &["company: domain"]);
    check("email=jane.doe+x@acme.com", "email=jane.doe@acme.com", &["domain: exact", "email: exact"]);
    check("email=jane@acme.com", "email=jane2@acme.com", &["domain: exact", "email: numbered"]);
    check("email=info@acme.com", "email=jane@acme.com", &["domain: exact", "email: function"]);
    check("email=lilly77@gmail.com", "email=lilly77@gmial.com", &["email: misspelt"]);
    check("email=lilly77@gmail.com", "email=lilly77@acme.com", &["email: mailbox"]);
    check("email=p@m2.example", "email=p@m10.example", &["domain: different", "email: different"]);
    check("phone=+1 212 853 7755", "phone=(212) 853-7755", &["phone: exact"]);
    check("phone=+1 212 853 7755 ext 1", "phone=+1 212 853 7755 ext 2", &["phone: other extension"]);
    check("phone=+1 212 853 7755", "phone=+1 212 853 7756", &["phone: misspelt"]);
    check("phone=+1 212 853 7755 ext 1", "phone=+1 212 853 7756 ext 2", &["phone: block"]);
    check("street=12 Main Street", "street=12 Main St.", &["street: exact"]);
    check("street=12 Main Street", "street=14 Main St.", &["street: misspelt"]);
    check("street=12 Main Street", "street=250 Main St.", &["street: other house"]);
    check("street=12 Main Street", "street=7 Elm Road", &["street: different site"]);
    let at = |street: &str| format!("name=Jane Doe; street={street}");
    check(&at("12 Main Street"), &at("7 Elm Road"), &["last_name: exact", "first_name: exact", "street: different"]);
    check("street=17", "street=17", &["street: exact"]);
    check("street=221B", "street=221b", &["street: exact"]);
    check("street=17", "street=35", &["street: different site"]);
    check("street=17", "street=17 Elm Road", &["street: different site"]);
    check("born=1980-02-01", "born=1980-01-02", &["date_of_birth: misspelt"]);
    check("born=1980-02-01", "born=1956-07-09", &["date_of_birth: different"]);
    check("title=VP of Sales", "title=Vice President, Sales", &["title: exact"]);
}

#[test]
fn of_hundreds_of_words_and_letters_the_beginning_is_compared() {
    let words = |ending: char| {
        let words =
            (0..815).map(|number| if number < 17 { format!("w{number:03}") } else { format!("{ending}{number:03}") });
        words.collect::<Vec<_>>().join(" ")
    };
    let letters = |ending: &str| format!("{}{}", "abcdefgh".repeat(8), ending.repeat(4000));
    let check = |field: &str, [a, b]: [String; 2], expected: &str| {
        assert_eq!(levels(&format!("{field}={a}"), &format!("{field}={b}")), [expected], "{field}");
    };
    let (many, long) = (|| ['x', 'y'].map(words), || ["x", "y"].map(letters));
    check("company", many(), "company: words");
    check("company", long(), "company: words");
    check("title", many(), "title: exact");
    check("title", long(), "title: exact");
    check("street", many(), "street: exact");
    check("street", long(), "street: exact");
    check("city", long(), "city: exact");
    check("postal", long(), "postal_code: exact");
}

#[test]
fn rare_agreement_weighs_more_than_common() {
    let table = table();
    let common = score_in(table, "name=John Smith; company=Google", "name=John Smith; company=Google");
    let rare = score_in(table, "name=Anna Papadimitriou; company=Acme", "name=Anna Papadimitriou; company=Acme");
    assert!(common.probability() < 0.85, "{}", common.probability());
    assert!(rare.probability() > 0.85, "{}", rare.probability());
}

#[test]
fn an_initial_on_both_sides_says_no_less_than_on_one() {
    let score =
        |a: &str, b: &str| score_in(table(), &format!("{a}; born=1980-02-01"), &format!("{b}; born=1980-02-01"));
    let one_sided = score("name=J. Doe", "name=Jane Doe").weight();
    assert!(score("name=J. Doe", "name=J. Doe").weight() >= one_sided);
    assert!(score("name=Doe", "name=Doe").weight() >= score("name=Doe", "name=Jane Doe").weight());
}

#[test]
fn the_domain_of_an_address_that_agrees_takes_nothing_from_the_company() {
    let weight = |a: &str, b: &str| score_in(table(), a, b).weight();
    let rises = |a: &str, b: &str, more: &str| {
        let (before, after) = (weight(a, b), weight(&format!("{a}; {more}"), &format!("{b}; {more}")));
        assert!(after > before, "{before} -> {after}: {a} / {b} and {more}");
    };
    let here = |company: &str, email: &str| format!("name=John Smith; company={company}; email={email}");
    rises(&here("Zyx", "kq7@gmail.com"), &here("Zyx Papers", "kq7@gmail.com"), "site=zyx.com");
    rises(&here("Zyx", "kq77a@gmail.com"), &here("Zyx Papers", "kq77a@yahoo.com"), "site=zyx.com");
}

#[test]
fn a_name_alone_never_matches() {
    let score = score_in(table(), "name=Anna Papadimitriou", "name=Anna Papadimitriou");
    assert!(score.probability() < 0.85 && score.guard < 0.0, "{score:?}");
}

#[test]
fn mailboxes_that_spell_two_names_are_two_people_s() {
    let check = |one: &str, other: &str, expected: [&str; 2]| {
        let (a, b) = (format!("name=Tom Walters; {one}"), format!("name=Tom Winters; {other}"));
        for levels in [levels(&a, &b), levels(&b, &a)] {
            let of = |field: &str| levels.iter().find(|level| level.starts_with(field)).map(String::as_str);
            assert_eq!([of("last_name"), of("email")], expected.map(Some), "{a} / {b}");
        }
    };
    let two = ["last_name: different", "email: colleagues"];
    check("email=tom.walters@acme.com", "email=tom.winters@acme.com", two);
    check("email=walters@acme.com", "email=t.winters@acme.com", two);
    let elsewhere = ["last_name: different", "email: different"];
    check("email=tom.walters@gmail.com", "email=tom.winters@gmail.com", elsewhere);
    // Either name may be mistyped where a mailbox spells only one of them, and mailboxes elsewhere are anybody's.
    let mistyped = ["last_name: alike", "email: misspelt"];
    check("email=tom.walters@acme.com", "email=t.walters@acme.com", mistyped);
    let elsewhere = ["last_name: alike", "email: different"];
    check("email=tom.walters@acme.com", "email=tom.winters@initech.com", elsewhere);
    let shared = "email=tom.walters@acme.com; email=tom@acme.com";
    check(shared, "email=tom.winters@acme.com; email=tom@acme.com", ["last_name: alike", "email: exact of name"]);
}

#[test]
fn mailboxes_that_spell_two_given_names_are_two_people_s() {
    let check = |one: [&str; 2], other: [&str; 2], expected: [&str; 2]| {
        let [a, b] = [one, other].map(|[name, mailbox]| format!("name={name} Park; email={mailbox}@acme.com"));
        for levels in [levels(&a, &b), levels(&b, &a)] {
            let of = |field: &str| levels.iter().find(|level| level.starts_with(field)).map(String::as_str);
            assert_eq!([of("first_name"), of("email")], expected.map(Some), "{a} / {b}");
        }
    };
    let two = ["first_name: different", "email: colleagues"];
    check(["Jin", "jin.park"], ["Min", "min.park"], two);
    check(["Sujin", "sujinpark"], ["Sumin", "sumin_park"], two);
    // Either may be mistyped where a mailbox spells only one of them.
    check(["Jin", "j.park"], ["Min", "min.park"], ["first_name: alike", "email: different"]);
    check(["Daniel", "daniel.park"], ["Daneil", "daneil.park"], ["first_name: misspelt", "email: different"]);
}

#[test]
fn another_well_known_given_name_is_another_person_s() {
    let score = |one: &str, other: &str| {
        let of = |name: &str| {
            let mailbox = name.to_lowercase().replace(' ', ".");
            format!(
                "name={name}; company=Zyx Papers; email={mailbox}@zyx.com; phone=+1 212 853 7755; street=12 Elm Road"
            )
        };
        score_in(table(), &of(one), &of(other))
    };
    for (one, other) in [
        ("Patrick Daly", "Patricia Daly"),
        ("Christian Vogt", "Christina Vogt"),
        ("Daniel Price", "Danielle Price"),
        ("Joan Fry", "John Fry"),
        ("Eric Marsh", "Erica Marsh"),
        ("Maria Lopez", "Mario Lopez"),
        ("Francis Kerr", "Frances Kerr"),
    ] {
        assert!(score(one, other).probability() <= 0.5, "{one} {other}: {:?}", score(one, other));
    }
    for (one, other) in [("Jon Fry", "John Fry"), ("Daniel Price", "Daneil Price"), ("Chris Vogt", "Christina Vogt")] {
        assert!(score(one, other).probability() > 0.85, "{one} {other}: {:?}", score(one, other));
    }
}

#[test]
fn the_second_bearer_of_a_name_is_somebody_else() {
    let table = table();
    let one = "name=Anna Papadimitriou; company=Acme; site=acme.com; email=anna@acme.com";
    let other = "name=Anna Papadimitriou; company=Acme; site=acme.com; email=anna2@acme.com";
    assert!(score_in(table, one, other).excludes());
    assert!(!score_in(table, one, one).is_contrary());
}

#[test]
fn two_bearers_of_a_name_stay_two_whatever_other_address_they_share_but_their_own() {
    let of = |emails: &[&str]| {
        let emails: Vec<String> = emails.iter().map(|email| format!("email={email}")).collect();
        format!("name=Bea Papadimitriou; {}", emails.join("; "))
    };
    let check = |a: &[&str], b: &[&str], expected: &str| {
        for levels in [levels(&of(a), &of(b)), levels(&of(b), &of(a))] {
            assert!(levels.iter().any(|level| level == expected), "{a:?} {b:?}: {levels:?}");
        }
    };
    let (first, second, both) = ("bea@initech.com", "bea2@initech.com", "info@initech.com");
    check(&[first, both], &[second, both], "email: numbered");
    check(&[first, "bea@web.example"], &[second, "bea@mail.example"], "email: numbered");
    check(&[first, second], &[second], "email: exact of name");
    check(&[first, "zq7@web.example"], &[second, "zq7@web.example"], "email: exact");
    // Of two employers neither has two bearers of the name.
    check(&["bea@mail.acme.com"], &["bea2@mail.initech.org"], "email: second bearer");
    check(&["bea@mail.acme.com"], &["bea2@acme.org"], "email: numbered");
}

#[test]
fn of_two_addresses_that_agree_the_one_that_says_more_counts() {
    let weight = |emails: &str| {
        let text = format!("name=Bea Papadimitriou; {emails}");
        score_in(table(), &text, &text).weight()
    };
    let [usual, unusual] = ["email=bea@gmail.com", "email=zq7@gmail.com"].map(weight);
    let both = weight("email=bea@gmail.com; email=zq7@gmail.com");
    assert!(unusual > usual && both >= unusual, "{usual} {unusual} {both}");
}

#[test]
fn one_mailbox_under_two_domains_is_as_common_as_the_more_common_of_them() {
    let [one, other] =
        ["jane.doe@gmail.com", "janedoe@googlemail.com"].map(|email| format!("name=Jane Doe; email={email}"));
    let mut table = FrequencyTable::default();
    (0..1000).for_each(|_| Profile::of_incoming(&lead("email=a@gmail.com")).count_in(&mut table));
    let same = score_in(&table, &one, &one);
    assert_eq!(score_in(&table, &one, &other).comparisons, same.comparisons);
    assert_eq!(score_in(&table, &other, &one).comparisons, same.comparisons);
    let function = |email: &str| levels("email=info@gmail.com", email);
    assert_eq!(function("email=in.fo@gmail.com"), ["email: role mailbox"]);
    assert_eq!(levels("email=in.fo@gmail.com", "email=info@gmail.com"), ["email: role mailbox"]);
}

#[test]
fn where_two_bear_a_name_a_mailbox_elsewhere_may_be_either_s() {
    let score = |other: &str| {
        let here =
            "name=Anna Papadimitriou; company=Acme; city=Bonn; title=Buyer; born=1980-02-01; phone=+49 228 555 0100";
        score_in(table(), &format!("{here}; email=anna2@acme.com"), other)
    };
    let elsewhere =
        "name=Anna Papadimitriou; company=Acme; city=Bonn; title=Buyer; phone=+49 228 555 0100; email=a@web.example";
    let either = score(elsewhere);
    assert!(either.probability() < 0.8 && either.of_second_bearer().is_some_and(|weight| weight > 10.0), "{either:?}");
    for one in [&format!("{elsewhere}; born=1980-02-01"), "name=Anna Papadimitriou; company=Acme; email=anna2@acme.com"]
    {
        assert!(score(one).probability() > 0.85 && score(one).of_second_bearer().is_none(), "{one}");
    }
}
