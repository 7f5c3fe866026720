//! Starting again: what a start has done for the index counts, also when the process does not live long behind it, and what has
//! expired goes.

use std::sync::Arc;

use jiff::SignedDuration;
use leadgate::decision::command::UpsertCommand;
use leadgate::decision::rows::{FeedEntry, RowClass};
use leadgate::decision::tier::MatchTier;
use leadgate::domain::{Lead, LeadId, ReviewId, TenantId};
use leadgate::engine::{Engine, EngineSettings, LeadSelector, ReviewFilter};
use leadgate::index::{IndexSettings, LeadIndex};
use leadgate::store::Scan;

use super::Fixture;
use super::payloads::{payload, request_id};
use crate::store_upgrade::bring_back_to_format_1;

/// Opens the engine, once the threads of the one before have gone, and gives it up without a word.
fn open_and_give_up(folder: &std::path::Path) -> u64 {
    for _ in 0..200 {
        if let Ok(engine) = Engine::open(EngineSettings::new(folder)) {
            return engine.statistics().last_sequence;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the store stays in use");
}

#[tokio::test]
async fn a_replay_is_not_repeated_by_the_next_start() {
    let fixture = Fixture::new();
    for number in 0..20 {
        fixture.engine.upsert(payload(&format!("crm: id={number} first=Ann last=Lee"))).await.expect("an answer");
    }
    fixture.engine.drain().await;
    let Fixture { engine, folder } = fixture;
    drop(engine);
    for rebuilt in [true, false] {
        if rebuilt {
            std::fs::remove_dir_all(folder.path().join("index")).expect("removed");
        }
        let path = folder.path().to_owned();
        let last = tokio::task::spawn_blocking(move || open_and_give_up(&path)).await.expect("no panic");
        let index = open_index(&folder.path().join("index")).await;
        assert_eq!((index, last), (20, 20), "rebuilt: {rebuilt}");
    }
}

/// What the index says that it holds, once the threads of the engine before have gone.
async fn open_index(path: &std::path::Path) -> u64 {
    for _ in 0..200 {
        if let Ok(opened) = LeadIndex::open(path, &IndexSettings::default()) {
            return opened.payload;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the index stays in use");
}

impl Fixture {
    fn recorded_replies(&self) -> usize {
        let scan = Scan { class: RowClass::Request, tenant: None, after: None, limit: 10_000 };
        self.engine.store().view().scan(&scan).expect("rows").len()
    }
}

#[tokio::test]
async fn recorded_replies_go_when_their_time_is_over() {
    let fixture = Fixture::new();
    for number in 0..1_200 {
        let request_id = request_id(&format!("r{number}"), 1);
        let command = UpsertCommand { request_id, ..payload(&format!("crm: id={} first=Ann last=Lee", number % 7)) };
        fixture.engine.upsert(command).await.expect("an answer");
    }
    let fixture = fixture.reopen().await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(fixture.recorded_replies(), 1_200);
    let fixture = fixture.reopen_with(|settings| settings.policy.request_id_retention = SignedDuration::ZERO).await;
    for _ in 0..100 {
        if fixture.recorded_replies() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{} are still there", fixture.recorded_replies());
}

/// The version of the frequency table that a match is weighed with, once there is one.
async fn counted(fixture: &Fixture) -> u64 {
    for _ in 0..200 {
        let matched =
            fixture.engine.match_lead(payload("web: first=Jane last=Roe city=Bonn")).await.expect("an answer");
        match matched.outcome.decision.weighed.expect("weights").frequency_table {
            0 => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            version => return version,
        }
    }
    panic!("nothing is counted");
}

/// A lead, the reviews that wait and what the feed tells.
async fn read(fixture: &Fixture, lead_id: LeadId) -> (Arc<Lead>, Vec<ReviewId>, Vec<FeedEntry>) {
    let (engine, tenant) = (&fixture.engine, TenantId::default());
    let lead = engine.get_lead(&tenant, LeadSelector::LeadId(lead_id)).await.expect("an answer").expect("a lead").lead;
    let reviews = engine.list_reviews(&tenant, ReviewFilter::default(), 10, None).await.expect("reviews").items;
    let feed = engine.store().view().feed_after(0, 10).expect("the feed");
    (lead, reviews.iter().map(|review| review.review_id).collect(), feed)
}

#[tokio::test]
async fn a_store_of_format_1_answers_as_before_and_counts_how_common_values_are() {
    let fixture = Fixture::new();
    let upsert = async |fixture: &Fixture, command| fixture.engine.upsert(command).await.expect("an answer");
    let jane = "crm: id=1 email=jane@acme.com first=Jane last=Papadimitriou company=Acme_Logistics city=Bonn";
    let command = UpsertCommand { request_id: request_id("r1", 1), ..payload(jane) };
    let first = upsert(&fixture, command.clone()).await;
    for email in ["a@x.com", "b@x.com"] {
        upsert(&fixture, payload(&format!("crm: id={email} email={email}"))).await;
    }
    let parked = upsert(&fixture, payload("crm: id=a@x.com email=b@x.com title=CEO")).await;
    let lead_id = first.outcome.lead_id.expect("a lead");
    let before = read(&fixture, lead_id).await;
    assert_eq!((Some(before.1[0]), before.2.len()), (parked.outcome.review_id, 4));

    let fixture = fixture.reopen_after(|folder| bring_back_to_format_1(&folder.join("store"))).await;
    assert_eq!(read(&fixture, lead_id).await, before);
    let again = upsert(&fixture, command).await;
    assert_eq!((again.replayed, again.decision_id), (true, first.decision_id));
    let misspelt = "web: id=9 phone=+4930901820 first=Jayne last=Papadimitrou company=ACME_Logistics_GmbH city=Bonn";
    let found = upsert(&fixture, payload(misspelt)).await.outcome;
    assert_eq!((found.decision.matched_by, found.lead_id), (Some(MatchTier::Fuzzy), Some(lead_id)));

    for number in 0..130 {
        upsert(&fixture, payload(&format!("crm: id=n{number} first=Jane last=Roe"))).await;
    }
    let version = counted(&fixture).await;
    assert_eq!(counted(&fixture.reopen().await).await, version);
}
