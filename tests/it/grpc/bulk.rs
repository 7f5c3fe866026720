//! Batches and streams.

use std::time::Duration;

use leadgate::grpc::proto;
use leadgate::grpc::proto::{BatchUpsertRequest, StreamUpsertRequest, UpsertRequest, UpsertStatus};
use tokio_stream::StreamExt;
use tonic::Code;

use super::{PATIENCE, Server, ann, codes, refusal, request, with_email};

fn item(client_ref: &str, lead: proto::LeadInput) -> UpsertRequest {
    UpsertRequest { source: String::new(), client_ref: client_ref.to_owned(), ..request(lead) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_every_item_in_order_and_one_bad_lead_fails_alone() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let bad = proto::LeadInput { title: Some("a\0b".to_owned()), ..ann() };
    let requests = vec![
        item("a", ann()),
        item("b", bad),
        item("c", ann()),
        item("d", with_email("bob@example.com")),
        item("e", proto::LeadInput::default()),
    ];
    let batch = BatchUpsertRequest { source: "crm".to_owned(), requests, validate_only: false };
    let results = client.batch_upsert(batch).await.expect("results").into_inner().results;
    let told: Vec<_> = results.iter().map(|result| (result.client_ref.as_str(), result.status())).collect();
    use UpsertStatus::{Created, Failed, Skipped, Unchanged};
    assert_eq!(told, [("a", Created), ("b", Failed), ("c", Unchanged), ("d", Created), ("e", Skipped)]);
    assert_eq!(results[2].same_as_client_ref, "a");
    assert_eq!(results[1].reasons[0].code, "INVALID_VALUE");
    assert_eq!(results[1].reasons[0].metadata["field"], "lead.title");
    assert!(codes(&results[4]).contains(&"NO_USABLE_IDENTIFIER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_of_a_batch_sees_its_own_items_and_leaves_nothing() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let batch = || BatchUpsertRequest {
        source: "crm".to_owned(),
        requests: vec![item("a", ann()), item("b", ann())],
        validate_only: true,
    };
    for _ in 0..2 {
        let results = client.batch_upsert(batch()).await.expect("results").into_inner().results;
        assert_eq!(results[0].status(), UpsertStatus::Created);
        assert_eq!((results[1].status(), results[1].same_as_client_ref.as_str()), (UpsertStatus::Unchanged, "a"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_bounded_and_may_be_empty() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let empty = client.batch_upsert(BatchUpsertRequest::default()).await.expect("no results").into_inner();
    assert!(empty.results.is_empty());
    let requests = vec![UpsertRequest::default(); 300];
    let results = client.batch_upsert(BatchUpsertRequest { requests, ..Default::default() }).await;
    let results = results.expect("results").into_inner().results;
    assert!(results.iter().all(|result| result.reasons[0].code == "MISSING_SOURCE"));
    let requests = vec![UpsertRequest::default(); 301];
    let refused = client.batch_upsert(BatchUpsertRequest { requests, ..Default::default() }).await;
    assert_eq!(refusal(&refused.expect_err("too many")), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_any_size_gets_a_result_for_each_request() {
    const REQUESTS: usize = 2_000;
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let requests = (0..REQUESTS).map(|index| StreamUpsertRequest {
        request: (index % 100 != 99).then(|| UpsertRequest {
            source: "crm".to_owned(),
            ..item(&index.to_string(), with_email(&format!("p{}@example.com", index % 500)))
        }),
    });
    let requests: Vec<_> = requests.collect();
    let mut results = client.stream_upsert(tokio_stream::iter(requests)).await.expect("a stream").into_inner();
    let (mut created, mut failed, mut total) = (0, 0, 0);
    while let Some(response) = results.message().await.expect("a result") {
        let result = response.result.expect("a result");
        total += 1;
        match result.status() {
            UpsertStatus::Created => created += 1,
            UpsertStatus::Failed => failed += 1,
            _ => assert!(!result.same_as_client_ref.is_empty(), "{result:?}"),
        }
    }
    assert_eq!((total, failed), (REQUESTS, REQUESTS / 100));
    assert_eq!(created, 495);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_slowed_down_before_anything_of_it_is_refused() {
    let server = Server::with(|settings| settings.engine.limits.overlay = 2_000).await;
    let mut client = server.dedup().await;
    let requests = (0..4_000).map(|index| StreamUpsertRequest {
        request: Some(UpsertRequest {
            source: "crm".to_owned(),
            ..item(&index.to_string(), with_email(&format!("p{index}@m{index}.example")))
        }),
    });
    let requests: Vec<_> = requests.collect();
    let mut results = client.stream_upsert(tokio_stream::iter(requests)).await.expect("a stream").into_inner();
    let mut created = 0;
    while let Some(response) = results.message().await.expect("a result") {
        let result = response.result.expect("a result");
        assert_eq!(result.status(), UpsertStatus::Created, "{:?}", result.reasons);
        created += 1;
    }
    assert_eq!(created, 4_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_cancels_nothing_that_was_decided() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let asked = UpsertRequest { source: "crm".to_owned(), ..item("a", ann()) };
    let requests = tokio_stream::once(StreamUpsertRequest { request: Some(asked) }).chain(tokio_stream::pending());
    let mut results = client.stream_upsert(requests).await.expect("a stream").into_inner();
    let first = results.message().await.expect("a result").expect("a result").result.expect("a result");
    assert_eq!(first.status(), UpsertStatus::Created);
    drop(results);
    let again = client.upsert(request(ann())).await.expect("an answer").into_inner();
    assert_eq!((again.status(), again.lead_id), (UpsertStatus::Unchanged, first.lead_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_what_it_has_when_the_server_drains() {
    let mut server = Server::start().await;
    let mut client = server.dedup().await;
    let asked = UpsertRequest { source: "crm".to_owned(), ..item("a", ann()) };
    let requests = tokio_stream::once(StreamUpsertRequest { request: Some(asked) }).chain(tokio_stream::pending());
    let mut results = client.stream_upsert(requests).await.expect("a stream").into_inner();
    assert!(results.message().await.expect("a result").is_some());
    server.ask_to_stop();
    let ended = tokio::time::timeout(PATIENCE, results.message()).await.expect("an end in time");
    assert_eq!(refusal(&ended.expect_err("a drain")), (Code::Unavailable, "DRAINING".to_owned()));
    let began = std::time::Instant::now();
    server.stop().await.0.expect("a clean end");
    assert!(began.elapsed() < Duration::from_secs(10));
}
