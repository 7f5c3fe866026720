//! The feed as a stream.

use std::time::Duration;

use leadgate::grpc::proto::{DecisionEventKind, UpsertRequest, UpsertStatus, WatchDecisionsRequest};
use tonic::Code;

use super::{PATIENCE, Server, ann, refusal, request, with_email};

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_followed_from_a_token_without_gaps() {
    let server = Server::with(|settings| settings.server.heartbeat_interval = Duration::from_millis(50)).await;
    let mut client = server.dedup().await;
    let asked = UpsertRequest { target: "salesforce".to_owned(), ..request(ann()) };
    client.upsert(asked).await.expect("an answer");
    for name in ["bob", "eve"] {
        client.upsert(request(with_email(&format!("{name}@example.com")))).await.expect("an answer");
    }
    let from_start = WatchDecisionsRequest { include_lead: true, ..WatchDecisionsRequest::default() };
    let mut events = client.watch_decisions(from_start).await.expect("a stream").into_inner();
    let first = events.message().await.expect("a response").expect("a response");
    let event = first.event.expect("an event");
    assert_eq!((event.position, event.kind(), event.status()), (1, DecisionEventKind::Upsert, UpsertStatus::Created));
    assert_eq!((event.source.as_str(), event.version), ("crm", 1));
    assert_eq!(event.lead.expect("the lead").email.as_deref(), Some("ann@example.com"));
    let write = event.instructions[0].write.clone().expect("an instruction");
    assert_eq!((write.target.as_str(), write.claim_token.as_str()), ("salesforce", ""));
    drop(events);

    let resumed = WatchDecisionsRequest { resume_token: first.resume_token, ..WatchDecisionsRequest::default() };
    let mut events = client.watch_decisions(resumed).await.expect("a stream").into_inner();
    let mut positions = Vec::new();
    let mut signs_of_life = 0;
    while signs_of_life < 2 {
        let response = events.message().await.expect("a response").expect("a response");
        assert!(!response.resume_token.is_empty());
        match response.event {
            Some(event) => positions.push(event.position),
            None => signs_of_life += 1,
        }
    }
    assert_eq!(positions, [2, 3]);
    client.upsert(request(with_email("mallory@example.com"))).await.expect("an answer");
    let live = async {
        loop {
            if let Some(event) = events.message().await.expect("a response").expect("a response").event {
                break event.position;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, live).await.expect("an event in time"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_this_feed_did_not_give_are_refused() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    client.upsert(request(ann())).await.expect("an answer");
    for (resume_token, from_now) in [("zz", false), ("00000000000000000000000000000001", false), ("00", true)] {
        let request = WatchDecisionsRequest { resume_token: resume_token.to_owned(), from_now, ..Default::default() };
        let refused = client.watch_decisions(request).await.expect_err("no such token");
        assert_eq!(refusal(&refused), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_is_told_of_the_drain_and_does_not_hold_it_up() {
    let mut server = Server::start().await;
    let mut client = server.dedup().await;
    let from_now = WatchDecisionsRequest { from_now: true, ..WatchDecisionsRequest::default() };
    let mut events = client.watch_decisions(from_now).await.expect("a stream").into_inner();
    server.ask_to_stop();
    let ended = tokio::time::timeout(PATIENCE, events.message()).await.expect("an end in time");
    assert_eq!(refusal(&ended.expect_err("a drain")), (Code::Unavailable, "DRAINING".to_owned()));
    server.stop().await.0.expect("a clean end");
}
