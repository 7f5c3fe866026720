//! What holds of the score of any two leads.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The values that a field takes in the properties: alike, misspelt, and strangers to each other.
const VALUES: [(&str, &[&str]); 11] = [
    (
        "name",
        &[
            "Jane Doe",
            "Jane M. Doe",
            "J. Doe",
            "Doe Jane",
            "Jnae Doe",
            "Jane Do",
            "John Smith",
            "Mary Smith",
            "Mary Jane Doe",
            "J M Doe",
            "JM Doe",
            "Jane Doe-Smith",
            "Jane",
            "Doe",
            "Doe,",
            "Bob Roe",
            "Bob Roe Jr",
        ],
    ),
    ("company", &["Acme Inc", "Acme Technologies", "Acme tech", "AT", "Google", "Gogle"]),
    ("site", &["acme.com", "acme.de", "google.com"]),
    (
        "email",
        &[
            "jane.doe@acme.com",
            "jane.doe2@acme.com",
            "jdoe@gmail.com",
            "jane.doe@gmial.com",
            "jane.doe@gmail.com",
            "janedoe@googlemail.com",
            "info@google.com",
            "info@gmail.com",
            "in.fo@googlemail.com",
            "jane.doe@acme.com | info@acme.com",
            "jane.doe2@acme.com | info@acme.com",
            "jane.doe@acme.com | jane.doe@gmail.com | jdoe@gmail.com",
        ],
    ),
    ("phone", &["+1 212 853 7755", "+1 212 853 7756", "+1 212 853 9000", "+1 212 555 0100", "+1 212 853 7755 ext 7"]),
    ("street", &["12 Main Street", "12 Main St", "14 Main St", "7 Elm Road", "12 Mian Street Apt 4"]),
    ("postal", &["10115", "10116", "SW1A 1AA", "SW1A 2AA"]),
    ("city", &["London", "Lodnon", "York"]),
    ("state", &["NY", "CA"]),
    ("born", &["1980-02-01", "1980-01-02", "1980-02-11", "1956-07-09"]),
    ("title", &["CEO", "Chief Executive Officer", "VP Sales", "Sales Manager"]),
];

type Choice = BTreeMap<&'static str, &'static str>;

fn any_lead() -> impl Strategy<Value = Choice> {
    let fields = VALUES.map(|(field, values)| {
        prop::option::weighted(0.7, prop::sample::select(values))
            .prop_map(move |value| value.map(|value| (field, value)))
    });
    fields.to_vec().prop_map(|values| values.into_iter().flatten().collect())
}

/// A field, and two leads. A mailbox is a view of name and organisation, too: a value that one takes over may part it from what another
/// agreed with, so that of these fields the leads have no other.
fn a_field_and_leads_with_one_view_of_it() -> impl Strategy<Value = (&'static str, Choice, Choice)> {
    const VIEWS: [&str; 4] = ["name", "company", "site", "email"];
    (prop::sample::select(&VALUES[..]), any_lead(), any_lead()).prop_map(|((field, _), mut a, mut b)| {
        let keeps = |other: &str| other == field || !(VIEWS.contains(&field) && VIEWS.contains(&other));
        a.retain(|other, _| keeps(other));
        b.retain(|other, _| keeps(other));
        (field, a, b)
    })
}

fn text(choice: &Choice) -> String {
    let fields: Vec<String> = choice.iter().map(|(field, value)| format!("{field}={value}")).collect();
    fields.join("; ")
}

/// A text for each field: of any letters, or of those that fields are made of.
fn any_texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(".{0,30}|[a-z0-9@. ]{0,20}", VALUES.len())
}

fn profile_of_texts(values: &[String]) -> Profile {
    let mut lead = IncomingLead::default();
    let fields = VALUES.iter().map(|(field, _)| *field);
    fields.zip(values).for_each(|(field, value)| set(&mut lead, field, value));
    Profile::of_incoming(&lead)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_score_is_the_same_from_either_side(a in any_lead(), b in any_lead()) {
        let table = table();
        let (one, other) = (score_in(table, &text(&a), &text(&b)), score_in(table, &text(&b), &text(&a)));
        prop_assert_eq!(&one, &other);
        prop_assert!((0.0..=1.0).contains(&one.probability()));
    }

    #[test]
    fn any_texts_are_compared_alike_from_either_side(a in any_texts(), b in any_texts()) {
        let (a, b) = (profile_of_texts(&a), profile_of_texts(&b));
        let weights = Weights::default();
        prop_assert_eq!(compare(&a, &b, table(), &weights), compare(&b, &a, table(), &weights));
    }

    #[test]
    fn a_lead_that_was_written_down_is_compared_as_before(a in any_texts(), b in any_lead()) {
        let written = |profile: &Profile| postcard::to_allocvec(profile).expect("bytes");
        let read = |profile: &Profile| postcard::from_bytes::<Profile>(&written(profile)).expect("a profile");
        let (a, b) = (profile_of_texts(&a), Profile::of_incoming(&lead(&text(&b))));
        let weights = Weights::default();
        for (one, other) in [(&a, &b), (&b, &b), (&a, &a)] {
            prop_assert_eq!(compare(one, other, table(), &weights), compare(one, &read(other), table(), &weights));
        }
        prop_assert_eq!(written(&a), written(&read(&a)));
    }

    #[test]
    fn a_pair_that_is_given_up_does_not_reach_the_threshold(a in any_lead(), b in any_lead(), floor in -60.0..60.0) {
        let (table, weights) = (table(), Weights::default());
        let [a, b] = [a, b].map(|choice| Profile::of_incoming(&lead(&text(&choice))));
        let [most_a, most_b] = [&a, &b].map(|profile| Ceiling::of(profile, table, &weights));
        let score = compare(&a, &b, table, &weights);
        for floor in [floor, score.weight()] {
            let mut comparer = Comparer::new(table, &weights, floor);
            let expected = (score.weight() >= floor).then_some(&score);
            prop_assert_eq!(comparer.compare((&a, &most_a), (&b, &most_b)), expected);
            prop_assert_eq!(comparer.compare((&b, &most_b), (&a, &most_a)), expected);
        }
    }

    #[test]
    fn a_score_is_what_its_parts_add_up_to(a in any_lead(), b in any_lead()) {
        let score = score_in(table(), &text(&a), &text(&b));
        let sum: f64 = score.comparisons.iter().map(|one| one.weight).sum::<f64>() + score.prior + score.guard;
        prop_assert!((score.weight() - sum).abs() < 1e-9);
        prop_assert!((weight_of_probability(score.probability()) - sum).abs() < 1e-3 || sum.abs() > 40.0);
    }

    /// Taking over a value where there is none parts nothing, whatever it is a view of. But who is named makes of an unusual mailbox
    /// that both have a usual one.
    #[test]
    fn a_value_more_in_common_never_lowers_a_score(a in any_lead(), b in any_lead(), (field, _) in prop::sample::select(&VALUES[..])) {
        let table = table();
        let Some(value) = a.get(field) else { return Ok(()) };
        let mut without = b;
        without.retain(|other, _| *other != field && !(field == "name" && *other == "email"));
        let mut with = without.clone();
        with.insert(field, value);
        let (before, after) = (score_in(table, &text(&a), &text(&without)), score_in(table, &text(&a), &text(&with)));
        prop_assert!(after.weight() >= before.weight() - 1e-9, "{} -> {}\n{before:?}\n{after:?}", before.weight(), after.weight());
    }

    /// Taking over a value of the other lead makes them no less alike.
    #[test]
    fn more_agreement_never_lowers_a_score((field, a, b) in a_field_and_leads_with_one_view_of_it()) {
        let table = table();
        let Some(value) = a.get(field) else { return Ok(()) };
        let mut nearer = b.clone();
        nearer.insert(field, value);
        let (before, after) = (score_in(table, &text(&a), &text(&b)), score_in(table, &text(&a), &text(&nearer)));
        prop_assert!(after.weight() >= before.weight() - 1e-9, "{} -> {}\n{before:?}\n{after:?}", before.weight(), after.weight());
    }
}
