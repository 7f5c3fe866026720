use super::super::fixture::{NOW, at_door, broken, command_of, converted, converted_by, policy_with, request_of, some};
use super::*;
use crate::decision::command::UpdateMode;
use crate::decision::policy::{Policy, UnknownSources};
use crate::grpc::convert::MatchingHeaders;
use crate::grpc::proto::{LeadInput, UpsertRequest};

const LEAD_ID: &str = "0190a6e2-0000-7000-8000-000000000001";

fn lead() -> LeadInput {
    LeadInput { email: some("ann@example.com"), ..LeadInput::default() }
}

fn check(request: UpsertRequest, expected: &[&str]) {
    assert_eq!(broken(converted(request)), expected);
}

#[test]
fn bad_fields_are_named() {
    let good = || request_of(lead());
    let time = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let clearing = |path: &str| Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
    check(good(), &[]);
    check(UpsertRequest { source: " ".into(), ..good() }, &["source MISSING_SOURCE"]);
    check(UpsertRequest { source: "a\0".into(), ..good() }, &["source INVALID_VALUE"]);
    check(UpsertRequest { source: "x".repeat(101), ..good() }, &["source INVALID_VALUE"]);
    check(UpsertRequest { target: "x".repeat(101), ..good() }, &["target INVALID_VALUE"]);
    check(UpsertRequest { lead_id: "7".into(), ..good() }, &["lead_id INVALID_VALUE"]);
    check(UpsertRequest { mode: 99, ..good() }, &["mode INVALID_VALUE"]);
    check(UpsertRequest { update_mode: -1, ..good() }, &["update_mode INVALID_VALUE"]);
    check(UpsertRequest { expected_version: Some(-1), ..good() }, &["expected_version INVALID_VALUE"]);
    check(UpsertRequest { request_id: "ü".repeat(128), ..good() }, &[]);
    check(UpsertRequest { request_id: "ü".repeat(129), ..good() }, &["request_id INVALID_VALUE"]);
    check(UpsertRequest { source_update_time: time(i64::MAX, 0), ..good() }, &["source_update_time INVALID_VALUE"]);
    check(UpsertRequest { clear_fields: clearing("fax"), ..good() }, &["clear_fields.fax INVALID_VALUE"]);
    check(UpsertRequest { clear_fields: clearing("email"), ..good() }, &["clear_fields.email INVALID_VALUE"]);
    check(UpsertRequest { clear_fields: clearing("attributes.x"), ..good() }, &[]);
}

#[test]
fn a_client_ref_is_bounded() {
    let check = |client_ref: &str, fits| {
        let policy = Policy::default();
        let convert = |door: &Door<'_>| upsert_command(request_of(lead()), client_ref, door).is_ok();
        assert_eq!(at_door(&policy, MatchingHeaders::default(), convert), fits);
    };
    check(&"ü".repeat(128), true);
    check(&"ü".repeat(129), false);
}

#[test]
fn an_empty_value_does_not_contradict_clearing_it() {
    let clear_fields = Some(prost_types::FieldMask { paths: vec!["title".into(), "title".into(), "pipelines".into()] });
    let lead = LeadInput { title: some(" "), ..lead() };
    let (command, _) = converted(UpsertRequest { clear_fields, ..request_of(lead) }).expect("a good request");
    let cleared: Vec<_> = command.clear_fields.iter().map(ToString::to_string).collect();
    assert_eq!(cleared, ["title", "pipelines"]);
}

#[test]
fn the_tier_that_goes_first_needs_its_value() {
    let with =
        |tier: proto::MatchTier, lead: LeadInput| UpsertRequest { lookup_field: tier.into(), ..request_of(lead) };
    use proto::MatchTier::{Email, ExternalId, Fuzzy, LeadId, Phone};
    let all = || LeadInput { external_id: some("7"), phone: some("+4930123456"), ..lead() };
    for tier in [ExternalId, Email, Phone] {
        check(with(tier, all()), &[]);
        check(with(tier, LeadInput::default()), &["lookup_field INVALID_VALUE"]);
    }
    check(with(Email, LeadInput { email: some("n/a"), ..all() }), &["lookup_field INVALID_VALUE"]);
    check(with(Fuzzy, all()), &["lookup_field INVALID_VALUE"]);
    check(with(LeadId, all()), &["lookup_field INVALID_VALUE"]);
    check(UpsertRequest { lead_id: LEAD_ID.into(), ..with(LeadId, all()) }, &[]);
}

#[test]
fn the_policy_decides_who_may_call_and_duplicate() {
    let strict = Policy { unknown_sources: UnknownSources::Refuse, ..Policy::default() };
    assert!(matches!(converted_by(&strict, request_of(lead())), Err(Failure::UnknownSource(_))));
    let duplicate = || UpsertRequest { mode: proto::UpsertMode::CreateDuplicate.into(), ..request_of(lead()) };
    assert!(converted(duplicate()).is_ok());
    let links = UpsertRequest { update_mode: proto::UpdateMode::LinkOnly.into(), ..duplicate() };
    check(links, &["update_mode INVALID_VALUE"]);
    let forbidding = policy_with(|rules| rules.may_create_duplicates = false);
    assert!(matches!(converted_by(&forbidding, duplicate()), Err(Failure::NotPermitted(_))));
}

#[test]
fn a_time_too_far_ahead_counts_as_the_time_of_receipt() {
    for (ahead, seconds, noted) in [(-1_000_000, NOW - 1_000_000, false), (600, NOW + 600, false), (601, NOW, true)] {
        let source_update_time = Some(prost_types::Timestamp { seconds: NOW + ahead, nanos: 0 });
        let (command, _) = converted(UpsertRequest { source_update_time, ..request_of(lead()) }).expect("a request");
        assert_eq!(command.source_update_time.map(jiff::Timestamp::as_second), Some(seconds));
        assert_eq!(command.lead.notes.contains(&InputNote::ClockSkew), noted);
    }
}

#[test]
fn headers_fill_in_what_the_request_leaves_open() {
    let headers = MatchingHeaders {
        lookup_field: Some(MatchTier::Email),
        mode: Some(UpsertMode::UpdateOnly),
        update_mode: Some(UpdateMode::Overwrite),
    };
    let check = |request: UpsertRequest, expected| {
        let convert = |door: &Door<'_>| upsert_command(request, "", door).expect("a good request").0;
        let command = at_door(&Policy::default(), headers, convert);
        assert_eq!((command.mode, command.update_mode, command.lookup_field), expected);
    };
    check(request_of(lead()), (UpsertMode::UpdateOnly, UpdateMode::Overwrite, Some(MatchTier::Email)));
    let explicit = UpsertRequest {
        lead_id: LEAD_ID.into(),
        mode: proto::UpsertMode::CreateOrUpdate.into(),
        update_mode: proto::UpdateMode::Merge.into(),
        lookup_field: proto::MatchTier::LeadId.into(),
        ..request_of(lead())
    };
    check(explicit, (UpsertMode::CreateOrUpdate, UpdateMode::Merge, Some(MatchTier::LeadId)));
}

#[test]
fn the_digest_shows_the_body_and_nothing_but_the_body() {
    let digest = |request: UpsertRequest| {
        let request = UpsertRequest { request_id: "r1".into(), ..request };
        converted(request).expect("a good request").0.request_id.expect("a request id").body_digest
    };
    let same = digest(request_of(lead()));
    let presented = UpsertRequest { include_lead: true, explain: true, client_ref: "7".into(), ..request_of(lead()) };
    assert_eq!(digest(presented), same);
    let other = LeadInput { email: some("bob@example.com"), ..LeadInput::default() };
    assert_ne!(digest(request_of(other)), same);
    let mode = proto::UpsertMode::UpdateOnly.into();
    assert_ne!(digest(UpsertRequest { mode, ..request_of(lead()) }), same);
    assert!(command_of(lead()).request_id.is_none());
}

#[test]
fn the_payload_is_the_request_without_its_envelope() {
    let request = UpsertRequest {
        request_id: "r1".into(),
        client_ref: "7".into(),
        validate_only: true,
        include_lead: true,
        ..request_of(lead())
    };
    let (command, presentation) = converted(request).expect("a good request");
    let kept = crate::grpc::convert::payload::request_of(&command.payload).expect("a payload");
    assert_eq!(kept, request_of(lead()));
    assert!(command.validate_only && presentation.validate_only && presentation.include_lead);
}

#[test]
fn a_match_counts_its_candidates() {
    let check = |given: i32, expected: Option<usize>| {
        let request = proto::MatchLeadRequest {
            source: "crm".into(),
            lead: Some(lead()),
            max_candidates: given,
            ..proto::MatchLeadRequest::default()
        };
        let convert = |door: &Door<'_>| match_command(request, door).ok().map(|(_, shown)| shown.max_candidates);
        assert_eq!(at_door(&Policy::default(), MatchingHeaders::default(), convert), expected, "{given}");
    };
    check(0, Some(10));
    check(1, Some(1));
    check(50, Some(50));
    check(51, None);
    check(-1, None);
}
