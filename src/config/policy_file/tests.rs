//! Rows of policy texts: what they set, and what is wrong with them.

use crate::decision::matching::probability_of_weight;
use crate::decision::policy::{BlankExternalId, Channel, OnBulkMatch, OnDeleted, OnPossible};
use crate::domain::Field;

use super::*;

const HEAD: &str = "format: 1\nversion: \"v\"\n";

fn policy(body: &str) -> Policy {
    parse(&format!("{HEAD}{body}")).unwrap_or_else(|mistakes| panic!("{body}: {mistakes:#?}"))
}

/// The mistakes of a text behind the two lines of the head, as they are printed.
fn mistakes(body: &str) -> Vec<String> {
    let mistakes = parse(&format!("{HEAD}{body}")).expect_err(body);
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_with_only_its_version_is_the_default_policy() {
    assert_eq!(policy(""), Policy { version: "v".into(), ..Policy::default() });
}

#[test]
fn a_name_alone_stays_below_the_threshold_of_every_policy() {
    for body in ["", "match_threshold: 0.75", "match_threshold: 0.85\nmatching:\n  name_alone: 9"] {
        let policy = policy(body);
        let name_alone = probability_of_weight(policy.weights.name_alone);
        assert!(
            policy.match_threshold - 0.06 < name_alone && name_alone < policy.match_threshold,
            "{body}: {name_alone}"
        );
    }
    assert_eq!(policy("match_threshold: 0\nreview_threshold: 0").weights.name_alone, -100.0);
}

#[test]
fn the_example_file_is_read_and_sets_every_key() {
    let text = include_str!("../../../tests/data/policy-example.yaml");
    let policy = parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert_ne!(policy, Policy::default());
    for (rule, _) in effective_rules(&Policy::default()) {
        let key = rule.rsplit('.').next().unwrap_or_default();
        assert!(text.contains(&format!("{key}:")), "the example does not show {rule}");
    }
    assert_eq!(policy.weights, Policy::default().weights, "the example says that it shows the default weights");
}

#[test]
fn everything_can_be_set() {
    let policy = policy(
        "match_threshold: 0.9\nreview_threshold: 0\non_possible: hold\non_deleted: skip\nunknown_sources: refuse\n\
         shared_emails: [Office@Example.com]\nprotect: {lead_status: crm, attributes.vat: crm}\n\
         most_restrictive: [attributes.optout]\nclaim_duration: 90s\nrequest_id_retention: 30d\nclock_skew_tolerance: 0s\n\
         limits: {emails: 5, value_bytes: 100}\n\
         default_source: {rank: 10, default_country: NO}\n\
         sources:\n  crm: {rank: 90, field_ranks: {company: 95}, external_id_format: salesforce, target: crm}\n  \
         list:\n    channel: bulk\n    on_bulk_match: review\n    blank_external_id: generate\n    update_only: true\n    \
         may_create_duplicates: false\n    denied_fields: [email, attributes.billing_address]\n    external_id_prefix: \"MKTG-\"\n",
    );
    assert_eq!((policy.match_threshold, policy.review_threshold), (0.9, 0.0));
    assert_eq!((policy.on_possible, policy.on_deleted), (OnPossible::Hold, OnDeleted::Skip));
    assert_eq!(policy.unknown_sources, UnknownSources::Refuse);
    assert!(policy.shared_emails.contains("office@example.com"));
    assert_eq!(policy.protect.len(), 2);
    assert_eq!(policy.most_restrictive.iter().map(|key| &**key).collect::<Vec<_>>(), ["optout"]);
    assert_eq!(policy.claim_duration, SignedDuration::from_secs(90));
    assert_eq!(policy.limits, Limits { emails: 5, value_bytes: 100, ..Limits::default() });
    let source = |name: &str| &policy.sources[&SourceName::parse(name).expect("a source")];
    assert_eq!(source("crm").field_ranks[&FieldKey::Field(Field::Company)], 95);
    assert_eq!(source("crm").external_id_format, crate::domain::ExternalIdFormat::Salesforce);
    assert_eq!(source("crm").default_country.map(|country| country.to_string()), Some("NO".into()));
    let list = source("list");
    assert_eq!((list.rank, list.channel, list.on_bulk_match), (10, Channel::Bulk, OnBulkMatch::Review));
    assert_eq!((list.blank_external_id, list.update_only), (BlankExternalId::Generate, true));
    assert_eq!((list.may_create_duplicates, list.denied_fields.len()), (false, 2));
    assert_eq!(list.external_id_prefix.as_deref(), Some("MKTG-"));
}

#[test]
fn each_mistake_is_told_with_its_line_its_path_and_what_is_allowed() {
    for (body, expected) in [
        ("colour: red", "line 3: colour: unknown key; allowed: format, version, "),
        ("match_threshold: 1.5", "line 3: match_threshold: `1.5` is not allowed; allowed: a number from 0 to 1"),
        ("match_threshold: high", "line 3: match_threshold: `high` is not allowed; allowed: a number from 0 to 1"),
        ("match_threshold: .nan", "line 3: match_threshold:"),
        (
            "match_threshold: 0.6",
            "line 3: match_threshold: review_threshold 0.7 is above match_threshold 0.6; allowed: review_",
        ),
        (
            "\nreview_threshold: 0.9",
            "line 4: review_threshold: review_threshold 0.9 is above match_threshold 0.85; allowed: review_",
        ),
        ("on_possible: maybe", "line 3: on_possible: `maybe` is not allowed; allowed: create_and_review, hold"),
        ("unknown_sources: refuse", "line 3: unknown_sources: `refuse` without any source"),
        ("claim_duration: 60", "line 3: claim_duration: `60` is not allowed; allowed: a number with a unit"),
        (
            "claim_duration: 2d",
            "line 3: claim_duration: `2d` is not allowed; allowed: a number with a unit (ms, s, m, h, d), from 1s to 1d",
        ),
        ("sources: [crm]", "line 3: sources: a list is not allowed; allowed: a map"),
        (
            "sources:\n  crm:\n    rank: 5000",
            "line 5: sources.crm.rank: `5000` is not allowed; allowed: a whole number from -1000 to 1000",
        ),
        ("sources:\n  crm:\n    colour: red", "line 5: sources.crm.colour: unknown key; allowed: rank, "),
        ("sources:\n  \"\": {}", "line 4: sources.: the source is blank; allowed: 1 to 100 characters"),
        (
            "sources:\n  crm: {update_only: yes}",
            "line 4: sources.crm.update_only: `yes` is not allowed; allowed: true or false",
        ),
        (
            "sources:\n  crm: {on_bulk_match: merge}",
            "line 4: sources.crm.on_bulk_match: has no effect; allowed: only together",
        ),
        (
            "sources:\n  crm: {field_ranks: {fax: 1}}",
            "line 4: sources.crm.field_ranks.fax: is no field of a lead; allowed:",
        ),
        (
            "sources:\n  crm: {denied_fields: [email, fax]}",
            "line 4: sources.crm.denied_fields[1]: is no field of a lead;",
        ),
        ("sources:\n  crm: {}\n  crm: {}", "line 5: sources.crm: is set a second time, first on line 4"),
        ("protect: {fax: crm}", "line 3: protect.fax: is no field of a lead;"),
        (
            "unknown_sources: refuse\nsources: {crm: {}}\nprotect: {city: erp}",
            "line 5: protect: city is protected for `erp`",
        ),
        (
            "shared_emails: office@example.com",
            "line 3: shared_emails: `office@example.com` is not allowed; allowed: a list",
        ),
        ("limits: {emails: 0}", "line 3: limits.emails: `0` is not allowed; allowed: a whole number from 1 to 1000"),
        ("limits: {faxes: 1}", "line 3: limits.faxes: unknown key; allowed: external_ids_per_source, emails,"),
        (
            "default_source: {default_country: Atlantis}",
            "line 3: default_source.default_country: `Atlantis` is not allowed;",
        ),
        (
            "matching: {hair: {}}",
            "line 3: matching.hair: unknown key; allowed: duplicates, name_alone, scale, last_name, ",
        ),
        (
            "matching:\n  email:\n    exactly: {weight: 1}",
            "line 5: matching.email.exactly: unknown key; allowed: exact of name, exact, misspelt of name, ",
        ),
        (
            "matching: {email: {exact: {weight: .nan}}}",
            "line 3: matching.email.exact.weight: `.nan` is not allowed; allowed: a number from -100 to 100",
        ),
        (
            "matching: {duplicates: -.inf}",
            "line 3: matching.duplicates: `-.inf` is not allowed; allowed: a number from",
        ),
        (
            "matching: {last_name: {missing: {weight: 0.5}}}",
            "line 3: matching.last_name.missing.weight: `0.5` is not allowed; allowed: a number from -100 to 0",
        ),
        (
            "matching: {phone: {different: {rarity: 1}}}",
            "line 3: matching.phone.different.rarity: unknown key; allowed: weight",
        ),
        ("matching: {phone: {exact: 3}}", "line 3: matching.phone.exact: `3` is not allowed; allowed: a map"),
        ("a: b: c", "is not YAML: "),
    ] {
        let found = mistakes(body);
        assert!(found.len() == 1 && found[0].contains(expected), "{body}: {found:#?}");
    }
}

#[test]
fn a_shared_email_that_is_none_is_not_repeated_in_the_message() {
    let found = mistakes("shared_emails:\n  - office@example.com\n  - jane doe\n");
    assert!(found.len() == 1 && found[0].starts_with("line 5: shared_emails[1]: "), "{found:?}");
    assert!(!found[0].contains("jane"));
}

#[test]
fn head_mistakes() {
    for (text, expected) in [
        ("", vec!["format: is missing; allowed: 1", "version: is missing; allowed: a text of at most 100 characters"]),
        ("format: 2\nversion: \"1\"", vec!["line 1: format: format 2 is newer than this program; allowed: 1"]),
        (
            "format: 1\nversion: 1",
            vec!["line 2: version: `1` is not allowed; allowed: a text; write a number or a truth value in quotes"],
        ),
        ("- a", vec!["line 1: a list is not allowed; allowed: a map", "line 1: format: is missing"]),
    ] {
        let found: Vec<_> = parse(text).expect_err(text).iter().map(ToString::to_string).collect();
        for expected in expected {
            assert!(found.iter().any(|mistake| mistake.contains(expected)), "{text}: {found:#?}");
        }
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let found = mistakes("match_threshold: 2\ncolour: red\nsources:\n  crm: {rank: x, channel: y}\nlimits: 3\n");
    let lines: Vec<_> = found.iter().map(|mistake| mistake.split(':').next().unwrap_or_default()).collect();
    assert_eq!(lines, ["line 3", "line 4", "line 6", "line 6", "line 7"], "{found:#?}");
}
