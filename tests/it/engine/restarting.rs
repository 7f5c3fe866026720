//! Starting again: what a start has done for the index counts, also when the process does not live long behind it, and what has
//! expired goes.

use jiff::SignedDuration;
use leadgate::decision::command::UpsertCommand;
use leadgate::decision::rows::RowClass;
use leadgate::engine::{Engine, EngineSettings};
use leadgate::index::{IndexSettings, LeadIndex};
use leadgate::store::Scan;

use super::Fixture;
use super::payloads::{payload, request_id};

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
