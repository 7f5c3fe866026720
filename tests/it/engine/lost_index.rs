//! An index that breaks while the engine runs: it is rebuilt, and meanwhile nobody is told that there is nobody.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use leadgate::decision::command::UpsertCommand;
use leadgate::decision::outcome::UpsertStatus;
use leadgate::domain::{LeadId, TenantId};
use leadgate::engine::{DuplicateQuery, DuplicateScope, Health, RequestError};

use super::Fixture;
use super::payloads::payload;

const JANE: &str = "crm: id=1 email=jane@acme.com first=Jane last=Papadimitriou company=Acme_Logistics city=Bonn";
/// The same person, whom only the index finds.
const JANE_ELSEWHERE: &str = "web: id=77 first=Jane last=Papadimitriou company=Acme_Logistics city=Bonn";

/// How long a rebuild may take to begin and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// An engine whose leads all lie in the index, and none in the overlay.
async fn indexed() -> (Fixture, LeadId) {
    let fixture = Fixture::new();
    let jane = fixture.engine.upsert(payload(JANE)).await.expect("an answer").outcome.lead_id.expect("a lead");
    let mut batch = fixture.engine.begin_stream();
    let others = (0..3_000).map(|number| payload(&format!("crm: id=o{number} email=o{number}@m{number}.example")));
    let others: Vec<_> = others.map(|other| batch.submit("".into(), other)).collect();
    futures_util::future::try_join_all(others).await.expect("answers");
    drop(batch);
    (fixture.reopen().await, jane)
}

impl Fixture {
    fn index_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("index")).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    /// Asks everything that needs the index about Jane. Returns whether all of it was answered.
    async fn ask(&self, jane: LeadId) -> bool {
        let tenant = TenantId::default();
        let matched = self.engine.match_lead(payload(JANE_ELSEWHERE)).await;
        let preview = UpsertCommand { validate_only: true, ..payload(JANE_ELSEWHERE) };
        let previewed = self.engine.upsert(preview).await;
        let mut all = true;
        for answer in [matched, previewed] {
            match answer {
                Ok(answer) => assert_eq!(answer.outcome.lead_id, Some(jane), "{:?}", answer.outcome.status),
                Err(error) => all &= refused(&error),
            }
        }
        match self.engine.search(&tenant, "papadimitriou", 10, 0).await {
            Ok(page) => assert_eq!(page.items.iter().map(|lead| lead.lead_id).collect::<Vec<_>>(), [jane]),
            Err(error) => all &= refused(&error),
        }
        let query = DuplicateQuery {
            scope: DuplicateScope::Lead(jane),
            min_score: 0.85,
            tiers: Vec::new(),
            update_time_after: None,
            resume: None,
        };
        let events: Vec<_> = self.engine.find_duplicates(tenant, query).collect().await;
        for event in events {
            match event {
                Ok(event) => assert!(event.group.is_none()),
                Err(error) => all &= refused(&error),
            }
        }
        all
    }

    /// Asks until the index has been rebuilt.
    async fn ask_until_rebuilt(&self, jane: LeadId) {
        let (began, mut rebuilding) = (Instant::now(), false);
        loop {
            assert!(began.elapsed() < PATIENCE, "rebuilt? {rebuilding}");
            let answered = self.ask(jane).await;
            let health = *self.engine.health().borrow();
            rebuilding |= matches!(health, Health::Degraded(_));
            if rebuilding && answered && health == Health::Ready {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Every refusal says to come again.
fn refused(error: &RequestError) -> bool {
    assert!(matches!(error, RequestError::Unavailable { .. }), "{error}");
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_index_is_rebuilt_nobody_is_taken_for_new() {
    let (fixture, jane) = indexed().await;
    assert!(fixture.ask(jane).await);
    fs::remove_dir_all(fixture.folder.path().join("index")).expect("removed");
    // What is recorded now cannot be published.
    fixture.engine.upsert(payload("crm: id=2 email=zoe@zeta.example")).await.expect("an answer");
    fixture.ask_until_rebuilt(jane).await;
    let written = fixture.engine.upsert(payload(JANE_ELSEWHERE)).await.expect("an answer");
    assert_eq!((written.outcome.status, written.outcome.lead_id), (UpsertStatus::Updated, Some(jane)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_cannot_be_read_is_rebuilt() {
    let (fixture, jane) = indexed().await;
    assert!(fixture.ask(jane).await);
    // In place, as a bad sector does: who has the file open sees it. What is compared lies in the stored documents.
    for file in fixture.index_files().iter().filter(|file| file.extension().is_some_and(|end| end == "store")) {
        let length = fs::metadata(file).expect("a file").len();
        let mut damaged = fs::OpenOptions::new().write(true).open(file).expect("a file");
        let noise = vec![0xff; usize::try_from(length).expect("a small file")];
        std::io::Write::write_all(&mut damaged, &noise).expect("written");
    }
    fixture.ask_until_rebuilt(jane).await;
}
