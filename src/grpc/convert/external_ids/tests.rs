use super::super::fixture::{SOURCE, broken, converted, converted_by, policy_with, request_of, some};
use super::*;
use crate::decision::policy::{Policy, SourcePolicy};
use crate::domain::ExternalIdFormat;
use crate::grpc::proto::{LeadInput, UpsertRequest};

fn id(source: &str, value: &str) -> proto::ExternalId {
    proto::ExternalId { source: source.to_owned(), value: value.to_owned(), state: 0, linked_by: 0 }
}

fn ids_by(policy: &Policy, lead: LeadInput) -> Vec<String> {
    let (command, _) = converted_by(policy, request_of(lead)).expect("a good lead");
    command.lead.external_ids.iter().map(|id| format!("{}:{}", id.source(), id.value())).collect()
}

fn check(lead: LeadInput, expected: &[&str]) {
    assert_eq!(ids_by(&Policy::default(), lead), expected);
}

#[test]
fn the_sources_own_ids_come_first_and_each_id_once() {
    let lead = LeadInput {
        external_id: some(" 7 "),
        external_ids: vec![id("erp", "E1"), id("", "8"), id(SOURCE, "7"), id("erp", "E1")],
        external_contact_id: some("C9"),
        ..LeadInput::default()
    };
    check(lead, &["crm:7", "crm:8", "erp:E1", "crm.contact:C9"]);
}

#[test]
fn placeholders_are_no_ids() {
    let lead = LeadInput { external_ids: vec![id("erp", "null"), id("erp", "")], ..LeadInput::default() };
    let (command, _) = converted(request_of(lead)).expect("a good lead");
    assert!(command.lead.external_ids.is_empty());
    let notes = [InputNote::Blocked("external_ids"), InputNote::BlankExternalId];
    assert_eq!(command.lead.notes, notes);
}

#[test]
fn each_source_has_its_own_format_and_prefix() {
    let salesforce = policy_with(|rules| rules.external_id_format = ExternalIdFormat::Salesforce);
    let of = |text| LeadInput { external_id: some(text), ..LeadInput::default() };
    assert_eq!(ids_by(&salesforce, of("00Q5g00000AbCdE")), ids_by(&salesforce, of("00Q5g00000AbCdEEAV")));
    let contact = |text| LeadInput { external_contact_id: some(text), ..LeadInput::default() };
    assert_eq!(ids_by(&salesforce, contact("00Q5g00000AbCdE")), ids_by(&salesforce, contact("00Q5g00000AbCdEEAV")));
    let prefixed = policy_with(|rules| rules.external_id_prefix = Some("MKTG-".into()));
    assert_eq!(ids_by(&prefixed, of("12345")), ids_by(&prefixed, of("MKTG-12345")));
}

#[test]
fn bad_and_too_many_ids_are_refused() {
    let own = |text: &str| LeadInput { external_id: some(text), ..LeadInput::default() };
    let others = |ids| LeadInput { external_ids: ids, ..LeadInput::default() };
    let many = |count: usize| (0..count).map(|index| id("erp", &index.to_string())).collect::<Vec<_>>();
    for (lead, expected) in [
        (own(&"x".repeat(100)), vec![]),
        (own(&"x".repeat(101)), vec!["lead.external_id INVALID_VALUE"]),
        (own("a\0b"), vec!["lead.external_id INVALID_VALUE"]),
        (others(many(20)), vec![]),
        (others(many(21)), vec!["lead.external_ids IDENTIFIER_LIMIT"]),
        (others(many(100_000)), vec!["lead.external_ids IDENTIFIER_LIMIT"]),
        (others(vec![id("a\0", "1")]), vec!["lead.external_ids.source INVALID_VALUE"]),
    ] {
        assert_eq!(broken(converted(request_of(lead))), expected);
    }
}

#[test]
fn a_blank_id_is_resolved_required_or_generated() {
    let with = |rule| policy_with(|rules: &mut SourcePolicy| rules.blank_external_id = rule);
    let lead = || LeadInput { external_id: some(""), email: some("Ann@example.com"), ..LeadInput::default() };

    let resolved = converted_by(&with(BlankExternalId::Resolve), request_of(lead())).expect("a good lead").0;
    assert!(resolved.lead.external_ids.is_empty() && resolved.lead.notes.contains(&InputNote::BlankExternalId));

    let required = converted_by(&with(BlankExternalId::Require), request_of(lead()));
    assert_eq!(broken(required), ["lead.external_id MISSING_EXTERNAL_ID"]);

    let generating = with(BlankExternalId::Generate);
    let generated = ids_by(&generating, lead());
    assert_eq!(generated, ids_by(&generating, LeadInput { email: some("ann@EXAMPLE.com"), ..lead() }));
    assert_ne!(generated, ids_by(&generating, LeadInput { email: some("bob@example.com"), ..lead() }));
    assert!(generated[0].starts_with("crm:generated-"));
    assert!(ids_by(&generating, LeadInput::default()).is_empty());
}

#[test]
fn a_request_that_names_its_lead_needs_no_id() {
    let policy = policy_with(|rules| rules.blank_external_id = BlankExternalId::Require);
    let lead_id = "0190a6e2-0000-7000-8000-000000000001".to_owned();
    let request = UpsertRequest { lead_id, ..request_of(LeadInput::default()) };
    assert!(converted_by(&policy, request).is_ok());
}
