//! One lead at a time.

use leadgate::grpc::proto;
use leadgate::grpc::proto::get_lead_request::By;
use leadgate::grpc::proto::write_report::Event;
use leadgate::grpc::proto::{MatchLevel, MatchTier, UpsertMode, UpsertRequest, UpsertStatus, WriteAction};
use tonic::{Code, Request};

use super::{Server, ann, codes, refusal, request, with_email};

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_created_found_updated_and_unchanged() {
    let server = Server::start().await;
    let mut client = server.dedup().await;

    let created = client.upsert(request(ann())).await.expect("an answer").into_inner();
    assert_eq!((created.status(), created.version), (UpsertStatus::Created, 1));

    let lead = proto::LeadInput { company: Some("Acme".to_owned()), ..ann() };
    let asked = UpsertRequest { include_lead: true, client_ref: "row 2".to_owned(), ..request(lead) };
    let updated = client.upsert(asked.clone()).await.expect("an answer").into_inner();
    assert_eq!((updated.status(), updated.version), (UpsertStatus::Updated, 2));
    assert_eq!((updated.lead_id.as_str(), updated.client_ref.as_str()), (created.lead_id.as_str(), "row 2"));
    let decision = updated.decision.expect("a decision");
    assert_eq!((decision.level(), decision.matched_by()), (MatchLevel::Match, MatchTier::Email));
    assert_eq!((decision.match_threshold, decision.review_threshold), (0.85, 0.7));
    let stands = updated.lead.expect("the lead");
    assert_eq!((stands.company.as_deref(), stands.email.as_deref()), (Some("Acme"), Some("ann@example.com")));
    assert_eq!(stands.lead_source.as_deref(), Some("crm"));
    assert_eq!(stands.provenance["company"].source, "crm");

    let unchanged = client.upsert(asked).await.expect("an answer").into_inner();
    assert_eq!((unchanged.status(), unchanged.version), (UpsertStatus::Unchanged, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_says_what_an_upsert_would_do_and_writes_nothing() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let question = |lead| proto::MatchLeadRequest {
        source: "crm".to_owned(),
        target: "salesforce".to_owned(),
        lead: Some(lead),
        include_lead: true,
        ..proto::MatchLeadRequest::default()
    };
    let nobody = client.match_lead(question(ann())).await.expect("an answer").into_inner();
    assert_eq!((nobody.status(), nobody.lead), (UpsertStatus::Created, None));
    let created = client.upsert(request(ann())).await.expect("an answer").into_inner();
    assert_eq!(created.status(), UpsertStatus::Created);
    let found = client.match_lead(question(ann())).await.expect("an answer").into_inner();
    let lead = found.lead.clone().expect("the best match");
    assert_eq!((lead.lead_id, lead.version), (created.lead_id, 1));
    let write = found.write.expect("an instruction");
    assert_eq!((write.action(), write.claim_token.as_str()), (WriteAction::Create, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_gives_no_id_and_leaves_nothing() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let preview = UpsertRequest { validate_only: true, include_lead: true, ..request(ann()) };
    for _ in 0..2 {
        let answer = client.upsert(preview.clone()).await.expect("an answer").into_inner();
        assert_eq!((answer.status(), answer.lead_id.as_str()), (UpsertStatus::Created, ""));
        assert_eq!(answer.lead.expect("the lead").lead_id, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_gets_its_first_reply_again_also_after_a_restart() {
    let server = Server::start().await;
    let asked = UpsertRequest { request_id: "r1".to_owned(), ..request(ann()) };
    let first = server.dedup().await.upsert(asked.clone()).await.expect("an answer").into_inner();
    assert!(!first.replayed);
    let (ended, folder) = server.stop().await;
    ended.expect("a clean end");

    let server = Server::on(folder, |_| {}).await;
    let mut client = server.dedup().await;
    let again = UpsertRequest { include_lead: true, client_ref: "retry".to_owned(), ..asked.clone() };
    let second = client.upsert(again).await.expect("an answer").into_inner();
    assert!(second.replayed);
    assert_eq!((second.status(), &second.lead_id), (UpsertStatus::Created, &first.lead_id));
    assert_eq!(second.lead.expect("the lead as it stands").lead_id, first.lead_id);
    let other = UpsertRequest { lead: Some(with_email("bob@example.com")), ..asked };
    let refused = client.upsert(other).await.expect_err("another body");
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sap_headers_are_understood_and_a_field_wins_over_them() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let with_header = |name: &'static str, value: &'static str, message: UpsertRequest| {
        let mut request = Request::new(message);
        request.metadata_mut().insert(name, value.parse().expect("a value"));
        request
    };
    let answer = client.upsert(with_header("x-create-if-not-found", "false", request(ann()))).await;
    let answer = answer.expect("an answer").into_inner();
    assert_eq!((answer.status(), codes(&answer).contains(&"LEAD_NOT_FOUND")), (UpsertStatus::Skipped, true));
    let explicit = UpsertRequest { mode: UpsertMode::CreateOrUpdate.into(), ..request(ann()) };
    let answer = client.upsert(with_header("x-create-if-not-found", "false", explicit)).await;
    assert_eq!(answer.expect("an answer").into_inner().status(), UpsertStatus::Created);
    let refused = client.upsert(with_header("x-update-mode", "append", request(ann()))).await;
    let refused = refused.expect_err("a bad header");
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_creates_the_record_and_reports_it() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let asked = UpsertRequest { target: "salesforce".to_owned(), ..request(ann()) };
    let first = client.upsert(asked.clone()).await.expect("an answer").into_inner();
    let create = first.write.expect("an instruction");
    assert_eq!(create.action(), WriteAction::Create);
    assert!(!create.claim_token.is_empty() && create.claim_expire_time.is_some());
    let second = client.upsert(asked.clone()).await.expect("an answer").into_inner();
    let wait = second.write.expect("an instruction");
    assert_eq!((wait.action(), wait.claim_token.as_str()), (WriteAction::Wait, ""));
    assert!(wait.retry_after.is_some());

    let written = Event::Written(proto::CrmRecordWritten {
        lead_id: first.lead_id.clone(),
        claim_token: create.claim_token,
        external_id: "00Q1".to_owned(),
        ..proto::CrmRecordWritten::default()
    });
    let unknown = Event::Failed(proto::CrmWriteFailed {
        lead_id: "0190a6e2-0000-7000-8000-000000000001".to_owned(),
        code: "TIMEOUT".to_owned(),
        ..proto::CrmWriteFailed::default()
    });
    let report = |event| proto::WriteReport { target: "salesforce".to_owned(), request_id: String::new(), event };
    let reports = vec![report(Some(written)), report(Some(unknown)), report(None)];
    let results = client.report_writes(proto::ReportWritesRequest { reports }).await.expect("results").into_inner();
    let codes: Vec<Vec<&str>> = results
        .results
        .iter()
        .map(|result| result.reasons.iter().map(|reason| reason.code.as_str()).collect())
        .collect();
    assert_eq!(results.results[0].lead_id, first.lead_id);
    assert_eq!(codes[1..], [vec!["LEAD_NOT_FOUND"], vec!["INVALID_VALUE"]]);

    let third = client.upsert(asked).await.expect("an answer").into_inner();
    let none = third.write.expect("an instruction");
    assert_eq!((none.action(), none.external_id.as_str()), (WriteAction::None, "00Q1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_of_reports_that_are_not_understood_yet_are_refused_before_anything_is_taken() {
    let server = Server::start().await;
    let deleted = Event::Deleted(proto::CrmRecordDeleted { external_id: "1".to_owned() });
    let report = proto::WriteReport { target: "crm".to_owned(), event: Some(deleted), ..Default::default() };
    let request = proto::ReportWritesRequest { reports: vec![report] };
    let refused = server.dedup().await.report_writes(request).await.expect_err("not yet");
    assert_eq!(refusal(&refused), (Code::Unimplemented, "NOT_YET_AVAILABLE".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_read_by_any_of_its_names() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let lead = proto::LeadInput { external_id: Some("7".to_owned()), ..ann() };
    let lead_id = client.upsert(request(lead)).await.expect("an answer").into_inner().lead_id;
    let external_id = |source: &str, value: &str| {
        By::ExternalId(proto::ExternalId { source: source.to_owned(), value: value.to_owned(), ..Default::default() })
    };
    for by in [By::LeadId(lead_id.clone()), external_id("crm", "7"), By::Email(" ANN@example.com ".to_owned())] {
        let found = client.get_lead(proto::GetLeadRequest { by: Some(by) }).await.expect("a lead").into_inner();
        assert_eq!(found.lead.expect("a lead").lead_id, lead_id);
        assert_eq!(found.redirected_from, "");
    }
    for (by, code, reason) in [
        (Some(external_id("crm", "8")), Code::NotFound, "LEAD_NOT_FOUND"),
        (Some(external_id("", "7")), Code::InvalidArgument, "MISSING_SOURCE"),
        (Some(external_id("crm", "null")), Code::InvalidArgument, "INVALID_VALUE"),
        (Some(By::Email("nobody".to_owned())), Code::InvalidArgument, "INVALID_VALUE"),
        (Some(By::LeadId("7".to_owned())), Code::InvalidArgument, "INVALID_VALUE"),
        (None, Code::InvalidArgument, "INVALID_VALUE"),
    ] {
        let refused = client.get_lead(proto::GetLeadRequest { by }).await.expect_err("no lead");
        assert_eq!(refusal(&refused), (code, reason.to_owned()));
    }
}
