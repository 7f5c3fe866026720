//! No answer of any kind goes out before what it rests on is durable. While the disk stands still, one poll brings a request as far as
//! it comes without it.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};

use futures_util::poll;
use leadgate::decision::command::UpsertCommand;
use leadgate::decision::outcome::UpsertStatus;
use leadgate::domain::TenantId;
use leadgate::engine::{Answer, LeadSelector, RequestError};

use super::Fixture;
use super::payloads::{payload, request_id};

/// An engine whose disk stands still until the sender is dropped.
pub(super) fn halted() -> (Fixture, mpsc::Sender<()>) {
    let (release, halt) = mpsc::channel::<()>();
    let halt = Mutex::new(halt);
    let hook = move |_: u64| {
        // An error is what is waited for: the sender is gone.
        let _ = halt.lock().expect("no panic").recv();
        Ok(())
    };
    (Fixture::with(|settings| settings.store.commit_hook = Some(Arc::new(hook))), release)
}

pub(super) async fn is_pending<T>(request: Pin<&mut impl Future<Output = T>>) -> bool {
    poll!(request).is_pending()
}

fn first() -> UpsertCommand {
    UpsertCommand { request_id: request_id("r", 1), ..payload("crm: id=1 email=a@x.com last=Lee") }
}

#[tokio::test]
async fn every_answer_waits_for_what_it_rests_on() {
    let (fixture, release) = halted();
    let engine = &fixture.engine;
    let mut created = pin!(engine.upsert(first()));
    assert!(is_pending(created.as_mut()).await);
    let mut replayed = pin!(engine.upsert(first()));
    let mut reused = pin!(engine.upsert(UpsertCommand { request_id: request_id("r", 2), ..first() }));
    let mut unchanged = pin!(engine.upsert(payload("crm: id=1 email=a@x.com last=Lee")));
    let mut matched = pin!(engine.match_lead(payload("web: email=a@x.com")));
    let tenant = TenantId::default();
    let mut got = pin!(engine.get_lead(&tenant, LeadSelector::Email("a@x.com".into())));
    let mut searched = pin!(engine.search(&tenant, "lee", 10, 0));
    assert!(is_pending(replayed.as_mut()).await);
    assert!(is_pending(reused.as_mut()).await);
    assert!(is_pending(unchanged.as_mut()).await);
    assert!(is_pending(matched.as_mut()).await);
    assert!(is_pending(got.as_mut()).await);
    assert!(is_pending(searched.as_mut()).await);
    let other = engine.match_lead(payload("web: email=b@x.com")).await.expect("rests on nothing that waits");
    assert_eq!(other.outcome.status, UpsertStatus::Created);
    drop(release);
    let lead_id = created.await.expect("an answer").outcome.lead_id;
    assert!(replayed.await.expect("an answer").replayed);
    assert!(matches!(reused.await, Err(RequestError::RequestIdReused)));
    assert_eq!(unchanged.await.expect("an answer").outcome.lead_id, lead_id);
    assert_eq!(matched.await.expect("an answer").outcome.lead_id, lead_id);
    assert_eq!(got.await.expect("an answer").map(|found| found.lead.lead_id), lead_id);
    assert_eq!(searched.await.expect("an answer").items.len(), 1);
}

#[tokio::test]
async fn that_nobody_is_found_rests_on_the_change_that_took_them_away() {
    let (fixture, release) = halted();
    let engine = &fixture.engine;
    release.send(()).expect("one commit goes through");
    let known = engine.upsert(payload("crm: id=1 first=Ann last=Papadimitriou company=Acme_Logistics city=Bonn")).await;
    let known = known.expect("an answer").outcome.lead_id;
    let alike = || payload("web: first=Ann last=Papadimitriou company=Acme_Logistics city=Bonn");
    assert_eq!(engine.match_lead(alike()).await.expect("an answer").outcome.lead_id, known);
    let renamed = "crm: id=1 first=Jolanthe last=Wojciechowski company=Zeta_Trading city=Graz";
    let mut renamed = pin!(engine.upsert(payload(renamed)));
    assert!(is_pending(renamed.as_mut()).await);
    let tenant = TenantId::default();
    let mut matched = pin!(engine.match_lead(alike()));
    let mut searched = pin!(engine.search(&tenant, "papadimitriou", 10, 0));
    assert!(is_pending(matched.as_mut()).await);
    assert!(is_pending(searched.as_mut()).await);
    drop(release);
    assert_eq!(renamed.await.expect("an answer").outcome.status, UpsertStatus::Updated);
    assert_eq!(matched.await.expect("an answer").outcome.status, UpsertStatus::Created);
    assert!(searched.await.expect("an answer").items.is_empty());
}

#[tokio::test]
async fn a_preview_rests_on_what_an_earlier_preview_rests_on() {
    let (fixture, release) = halted();
    release.send(()).expect("one commit goes through");
    let lead_id = fixture.engine.upsert(first()).await.expect("an answer").outcome.lead_id;
    // By its id, and in the end by a field that is not compared, so that nothing but the lead is looked at.
    let named = |text: &str| UpsertCommand { lead_id, ..payload(text) };
    let mut changed = pin!(fixture.engine.upsert(named("crm: title=CTO")));
    assert!(is_pending(changed.as_mut()).await);
    let mut batch = fixture.engine.begin_batch();
    let mut preview =
        |name: &str, text: &str| batch.submit(name.into(), UpsertCommand { validate_only: true, ..named(text) });
    let mut earlier = pin!(preview("1", "web: title=CEO"));
    let mut later = pin!(preview("2", "web: status=open"));
    // Items run in tasks of their own: they get as far as they come without the disk.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(is_pending(earlier.as_mut()).await);
    assert!(is_pending(later.as_mut()).await, "it names the same lead, which is not durable");
    drop(release);
    let lead = |answer: Result<Answer, RequestError>| answer.expect("an answer").outcome.lead_id;
    assert_eq!((lead(changed.await), lead(earlier.await), lead(later.await)), (lead_id, lead_id, lead_id));
}
