//! The order within batches and streams, whichever keys their items have.

use leadgate::decision::command::UpsertCommand;
use leadgate::decision::outcome::UpsertStatus;
use leadgate::domain::{Field, TenantId};
use leadgate::engine::Answer;

use super::Fixture;
use super::payloads::payload;

/// What was there before, and an item that reaches it by another key than the next item of the same batch does.
const MEETINGS: [(&str, &str, &str); 2] = [
    ("crm: id=L email=ann@x.example", "web: email=ann@x.example title=First", "crm: id=L title=Second"),
    (
        "crm: id=L first=Ann last=Papadimitriou company=Acme_Logistics city=Bonn",
        "web: first=Ann last=Papadimitriou company=Acme_Logistics city=Bonn title=First",
        "crm: id=L first=Anouk last=Wojciechowski company=Zeta_Trading title=Second",
    ),
];

/// So often that an order that is left to chance shows.
const ROUNDS: usize = 60;

/// How the items of one call are worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Batch,
    BatchOfPreviews,
    StreamOfPreviews,
}

/// The answers of a call with both items, in a tenant of its own where the lead is there.
async fn meet(fixture: &Fixture, tenant: &str, call: Call, (known, first, second): (&str, &str, &str)) -> [Answer; 2] {
    let tenant = TenantId::parse(tenant).expect("a tenant");
    let of = |text: &str| UpsertCommand { tenant: tenant.clone(), ..payload(text) };
    fixture.engine.upsert(of(known)).await.expect("an answer");
    let engine = &fixture.engine;
    let mut batch = if call == Call::StreamOfPreviews { engine.begin_stream() } else { engine.begin_batch() };
    let item = |text: &str| UpsertCommand { validate_only: call != Call::Batch, ..of(text) };
    let (first, second) = (batch.submit("a".into(), item(first)), batch.submit("b".into(), item(second)));
    let (first, second) = tokio::join!(first, second);
    [first.expect("an answer"), second.expect("an answer")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_that_reach_one_lead_by_different_keys_are_decided_in_input_order() {
    let fixture = Fixture::new();
    for call in [Call::Batch, Call::BatchOfPreviews, Call::StreamOfPreviews] {
        for (number, meeting) in MEETINGS.into_iter().enumerate() {
            for round in 0..ROUNDS {
                let [first, second] = meet(&fixture, &format!("{call:?}-{number}-{round}"), call, meeting).await;
                let case = format!("{call:?} of {meeting:?}, round {round}");
                assert_eq!(first.outcome.lead_id, second.outcome.lead_id, "{case}");
                assert_eq!((first.outcome.version, second.outcome.version), (2, 3), "{case}");
                let statuses = [&first, &second].map(|answer| answer.outcome.status);
                assert_eq!(statuses, [UpsertStatus::Updated; 2], "{case}");
                assert_eq!(first.same_as_client_ref, None, "{case}");
                assert_eq!(second.same_as_client_ref.as_deref(), Some("a"), "{case}");
                let lead = second.outcome.lead.as_ref().expect("a lead");
                assert_eq!(lead.value(Field::Title), Some("Second"), "{case}");
            }
        }
    }
}
