//! What the server refuses, and says clearly: a folder of a newer program, a folder that is in use, and writes on a full disk.

use std::fs;

use leadgate::grpc::proto::write_report::Event;
use leadgate::grpc::proto::{
    CrmWriteFailed, GetLeadRequest, MatchLeadRequest, ReportWritesRequest, SearchLeadsRequest, UpsertStatus,
    WatchDecisionsRequest, WriteReport, get_lead_request,
};
use tempfile::TempDir;
use tonic::Code;
use tonic_types::StatusExt;

use super::launch::Launch;
use super::server::Server;
use super::wire::{Dedup, Steward, lead, upsert};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_a_newer_program_is_refused_and_left_alone() {
    let place = TempDir::new().expect("a folder");
    let launch = Launch::on(place.path());
    Server::start(&launch).await.stop().await;
    let marker = place.path().join("store/rows/format");
    let known = fs::read_to_string(&marker).expect("a marker");
    fs::write(&marker, known.replace("version 2\n", "version 99\n")).expect("a marker");
    let refused = Server::try_start(&launch).await.err().expect("a refusal");
    assert_eq!(refused.status.code(), Some(4), "the data is refused");
    assert!(refused.said.contains("format version 99") && refused.said.contains("use a newer leadgate"), "{refused:?}");
    fs::write(&marker, known).expect("a marker");
    Server::start(&launch).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_one_folder_is_refused_and_the_first_goes_on() {
    let place = TempDir::new().expect("a folder");
    let launch = Launch::on(place.path());
    let first = Server::start(&launch).await;
    let refused = Server::try_start(&launch).await.err().expect("a refusal");
    assert_eq!(refused.status.code(), Some(6), "something is in use");
    assert!(refused.said.contains("is in use by another process"), "{refused:?}");
    let answer = Dedup::new(first.channel().await).upsert(upsert("web", lead("ann@example.com"))).await;
    assert_eq!(answer.expect("an answer").get_ref().status(), UpsertStatus::Created);
    first.stop().await;
    Server::start(&launch).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_writes_are_told_to_come_again_and_reads_go_on() {
    let place = TempDir::new().expect("a folder");
    let roomy = Launch::on(place.path());
    let server = Server::start(&roomy).await;
    let first = Dedup::new(server.channel().await).upsert(upsert("web", lead("ann@example.com"))).await;
    let lead_id = first.expect("an answer").into_inner().lead_id;
    server.stop().await;

    let server = Server::start(&Launch { disk_reserve_mib: 1 << 24, ..roomy.clone() }).await;
    let mut client = Dedup::new(server.channel().await);
    writes_are_refused(&mut client, &lead_id).await;
    reads_go_on(&mut client, &mut Steward::new(server.channel().await), &lead_id).await;
    server.stop().await;

    let server = Server::start(&roomy).await;
    let again = Dedup::new(server.channel().await).upsert(upsert("web", lead("bob@example.com"))).await;
    assert_eq!(again.expect("an answer").get_ref().status(), UpsertStatus::Created);
    server.stop().await;
}

async fn writes_are_refused(client: &mut Dedup, lead_id: &str) {
    for email in ["ann@example.com", "new@example.com"] {
        let status = client.upsert(upsert("web", lead(email))).await.expect_err("no room");
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        let details = status.get_error_details();
        assert_eq!(details.error_info().map(|info| info.reason.as_str()), Some("OVERLOADED"));
        assert!(details.retry_info().is_some_and(|retry| retry.retry_delay.is_some()), "{status:?}");
    }
    let failed = CrmWriteFailed { lead_id: lead_id.to_owned(), ..CrmWriteFailed::default() };
    let report = WriteReport { target: "crm".to_owned(), event: Some(Event::Failed(failed)), ..WriteReport::default() };
    let reported = client.report_writes(ReportWritesRequest { reports: vec![report] }).await.expect("an answer");
    assert_eq!(reported.get_ref().results[0].reasons[0].code, "OVERLOADED");
}

async fn reads_go_on(client: &mut Dedup, steward: &mut Steward, lead_id: &str) {
    let by = get_lead_request::By::LeadId(lead_id.to_owned());
    let got = client.get_lead(GetLeadRequest { by: Some(by) }).await.expect("a lead").into_inner();
    assert_eq!(got.lead.expect("a lead").lead_id, lead_id);
    let lead = Some(lead("ann@example.com"));
    let asked = MatchLeadRequest { source: "web".to_owned(), lead, ..MatchLeadRequest::default() };
    let matched = client.match_lead(asked).await.expect("an answer").into_inner();
    assert_eq!(matched.decision.expect("a decision").lead_id, lead_id);
    let query = SearchLeadsRequest { query: "ann".to_owned(), ..SearchLeadsRequest::default() };
    let found = steward.search_leads(query).await.expect("a page").into_inner();
    assert_eq!(found.leads.len(), 1);
    let mut events = client.watch_decisions(WatchDecisionsRequest::default()).await.expect("the feed").into_inner();
    let told = events.message().await.expect("an event").expect("an event");
    assert_eq!(told.event.expect("an event").lead_id, lead_id);
}
