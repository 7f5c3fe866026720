use std::collections::BTreeMap;

use super::super::fixture::{broken, command_of, converted, converted_by, policy_with, request_of, some};
use super::*;
use crate::grpc::proto::LeadInput;

/// The values that the core gets, as `field=value`, and the notes.
fn check(lead: LeadInput, values: &[&str], notes: &[InputNote]) {
    let lead = command_of(lead).lead;
    let got: Vec<String> = lead.values.iter().map(|(field, value)| format!("{}={value}", field.name())).collect();
    assert_eq!(got, values);
    let noted: Vec<_> = lead.notes.into_iter().filter(|note| *note != InputNote::BlankExternalId).collect();
    assert_eq!(noted, notes);
}

fn keys_of(lead: LeadInput) -> (Vec<String>, Vec<String>) {
    let lead = command_of(lead).lead;
    let emails = lead.emails.iter().map(|email| email.normalized().to_owned()).collect();
    let phones = lead.phones.iter().map(|phone| format!("{:?} {}", phone.kind, phone.phone.key())).collect();
    (emails, phones)
}

#[test]
fn values_are_kept_as_given_and_blank_ones_are_absent() {
    let lead = LeadInput {
        first_name: some("  José "),
        company: some(""),
        title: some("   "),
        street: some("1 Main St\nFloor 2"),
        city: some("New\nYork"),
        lead_score: Some(-1),
        ..LeadInput::default()
    };
    check(lead, &["first_name=José", "street=1 Main St\nFloor 2", "city=New York", "lead_score=-1"], &[]);
}

#[test]
fn placeholders_are_noted_and_never_values_nor_keys() {
    let lead = LeadInput {
        email: some("N/A"),
        phone: some("11111"),
        company: some("{{lead.Company}}"),
        last_name: some("null"),
        ..LeadInput::default()
    };
    let notes = ["email", "phone", "last_name", "company"].map(InputNote::Blocked);
    check(lead.clone(), &[], &notes);
    assert_eq!(keys_of(lead), (vec![], vec![]));
}

#[test]
fn unreadable_contact_points_are_no_values_and_other_unreadable_values_stay() {
    let lead = LeadInput {
        email: some("not an address"),
        phone: some("call me"),
        country: some("Atlantis"),
        date_of_birth: some("1990-02-30"),
        ..LeadInput::default()
    };
    let notes = ["country", "email", "phone", "date_of_birth"].map(InputNote::Unreadable);
    check(lead, &["country=Atlantis", "date_of_birth=1990-02-30"], &notes);
}

#[test]
fn absurd_and_future_dates_of_birth_are_no_dates() {
    for (text, reads) in [
        ("1990-02-28", true),
        ("2025-06-02", true),
        ("2025-06-03", false),
        ("9999-99-99", false),
        ("-1-1-1", false),
        ("0000-00-00", false),
        ("yesterday", false),
    ] {
        let lead = command_of(LeadInput { date_of_birth: some(text), ..LeadInput::default() }).lead;
        assert_eq!(lead.birth_date.is_some(), reads, "{text}");
    }
}

#[test]
fn several_values_in_one_field_are_several_keys_and_the_first_is_the_value() {
    let lead = LeadInput {
        email: some("Ann@Example.com | n/a | ann@example.com | b@example.com"),
        phone: some("+49 30 123456 | +49 30 123457"),
        mobile_phone: some("+49 30 123456"),
        ..LeadInput::default()
    };
    let (emails, phones) = keys_of(lead.clone());
    assert_eq!(emails, ["ann@example.com", "b@example.com"]);
    assert_eq!(phones, ["Work +4930123456", "Work +4930123457", "Mobile +4930123456"]);
    let values = ["email=Ann@Example.com", "phone=+49 30 123456", "mobile_phone=+49 30 123456"];
    check(lead, &values, &[InputNote::Blocked("email")]);
}

#[test]
fn a_national_number_is_read_in_the_leads_country_else_in_the_sources() {
    let policy = policy_with(|rules| rules.default_country = CountryCode::parse("US").ok());
    for (country, expected) in [(some("DE"), "+4930123456"), (None, "+12125550123")] {
        let number = if country.is_some() { "030 123456" } else { "(212) 555-0123" };
        let lead = LeadInput { country, phone: some(number), ..LeadInput::default() };
        let (command, _) = converted_by(&policy, request_of(lead)).expect("a good lead");
        assert_eq!(command.lead.phones[0].phone.key(), expected);
    }
}

#[test]
fn a_mistyped_domain_is_noted_with_the_suggestion() {
    let lead = command_of(LeadInput { email: some("ann@gmial.com"), ..LeadInput::default() }).lead;
    assert!(lead.notes.contains(&InputNote::EmailTypo(Redacted("ann@gmail.com".into()))));
}

#[test]
fn names_are_read_from_their_parts() {
    let lead = LeadInput {
        first_name: some("Ann"),
        last_name: some("Smith"),
        company: some("Acme GmbH"),
        website: some("https://www.acme.example/"),
        ..LeadInput::default()
    };
    let lead = command_of(lead).lead;
    assert!(lead.name.is_some() && lead.company.is_some() && lead.website.is_some());
}

#[test]
fn limits_of_one_request_hold() {
    let many = |count: usize, part: &str| {
        Some((0..count).map(|index| format!("{index}{part}")).collect::<Vec<_>>().join(" | "))
    };
    let attributes = |count: usize| (0..count).map(|index| (index.to_string(), "x".to_owned())).collect();
    let empty = LeadInput::default;
    for (lead, expected) in [
        (LeadInput { email: many(50, "@a.com"), ..empty() }, vec![]),
        (LeadInput { email: many(51, "@a.com"), ..empty() }, vec!["lead.email IDENTIFIER_LIMIT"]),
        (LeadInput { phone: many(51, "23456789"), ..empty() }, vec!["lead.phone IDENTIFIER_LIMIT"]),
        (LeadInput { title: Some("x".repeat(4096)), ..empty() }, vec![]),
        (LeadInput { title: Some("x".repeat(10_000_000)), ..empty() }, vec!["lead.title IDENTIFIER_LIMIT"]),
        (LeadInput { pipelines: vec!["p".to_owned(); 100], ..empty() }, vec![]),
        (LeadInput { pipelines: vec!["p".to_owned(); 1000], ..empty() }, vec!["lead.pipelines IDENTIFIER_LIMIT"]),
        (LeadInput { attributes: attributes(200), ..empty() }, vec![]),
        (LeadInput { attributes: attributes(201), ..empty() }, vec!["lead.attributes IDENTIFIER_LIMIT"]),
    ] {
        assert_eq!(broken(converted(request_of(lead))), expected);
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let lead = LeadInput {
        first_name: some("a\0b"),
        city: some("\u{1b}[31m"),
        pipelines: vec!["ok".to_owned(), "\u{7}".to_owned()],
        attributes: BTreeMap::from([(" ".to_owned(), "value".to_owned()), ("k".to_owned(), "\u{0}".to_owned())]),
        ..LeadInput::default()
    };
    let expected = [
        "lead.first_name INVALID_VALUE",
        "lead.city INVALID_VALUE",
        "lead.attributes INVALID_VALUE",
        "lead.attributes.k INVALID_VALUE",
        "lead.pipelines[1] INVALID_VALUE",
    ];
    assert_eq!(broken(converted(request_of(lead))), expected);
}

#[test]
fn attributes_keep_placeholders_and_pipelines_lose_repetitions() {
    let lead = LeadInput {
        attributes: BTreeMap::from([("balance".to_owned(), "-1".to_owned()), ("empty".to_owned(), " ".to_owned())]),
        pipelines: ["a", " a", "", "b"].map(str::to_owned).into(),
        ..LeadInput::default()
    };
    let lead = command_of(lead).lead;
    assert_eq!(lead.attributes, BTreeMap::from([("balance".into(), "-1".into())]));
    assert_eq!(lead.pipelines, ["a".into(), "b".into()]);
}
