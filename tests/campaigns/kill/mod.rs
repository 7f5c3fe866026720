//! Kill -9: the server is killed under load again and again, and everything that it ever answered stays true.
//!
//! `LEADGATE_KILLS` sets how often (10 by default); `LEADGATE_KILL_SEED` another course of events.

mod check;
mod journal;
mod load;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::sleep;

use super::chance::Chance;
use super::launch::Launch;
use super::server::{Server, kill_while_it_starts};
use super::size;
use check::Checker;
use journal::Journal;

/// Connections that send at a time.
const CALLERS: u64 = 8;
/// Short, so that claims run out between two kills.
const CLAIM_MS: i64 = 1000;
/// A restart takes no longer.
const READY_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_takes_back_what_was_answered() {
    let kills: u64 = size("LEADGATE_KILLS", 10);
    let mut chance = Chance::new(size("LEADGATE_KILL_SEED", kills));
    let place = TempDir::new().expect("a folder");
    let launch = Launch { claim_ms: CLAIM_MS, ..Launch::on(place.path()) };
    let journal = Arc::new(Journal::default());
    let mut checker = Checker::new(Arc::clone(&journal));
    let mut starts = Vec::new();
    let mut server = Server::start(&launch).await;
    for round in 0..kills {
        load_until_killed(server, &journal, round, &mut chance).await;
        if chance.of(0.1) {
            kill_while_it_starts(&launch, Duration::from_millis(chance.below(150))).await;
        }
        server = Server::start(&launch).await;
        starts.push(server.ready_after);
        checker.after_restart(&server, &mut chance).await;
        report(round, &starts, &journal);
    }
    // The last check takes the answers out of the journal.
    let summary = journal.summary();
    checker.everything(&server).await;
    server.stop().await;
    checker.at_rest(place.path());
    summarize(&mut starts, &summary);
    assert!(starts.last().is_some_and(|slowest| *slowest <= READY_WITHIN), "each restart is ready within 5 s");
}

/// Load from several connections, and in the midst of it a kill.
async fn load_until_killed(server: Server, journal: &Arc<Journal>, round: u64, chance: &mut Chance) {
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let seed = round * CALLERS + caller;
        callers.push(tokio::spawn(load::call_until_gone(server.address, Arc::clone(journal), seed)));
    }
    sleep(Duration::from_millis(200 + chance.below(800))).await;
    server.kill().await;
    for caller in callers {
        caller.await.expect("a caller that only loses its connection");
    }
}

fn report(round: u64, starts: &[Duration], journal: &Journal) {
    if (round + 1).is_multiple_of(25) {
        let slowest = starts.iter().max().expect("a start");
        println!("{} kills: {}; slowest start {slowest:.2?}", round + 1, journal.summary());
    }
}

/// Prints the figures, and leaves the slowest start last.
fn summarize(starts: &mut [Duration], summary: &str) {
    starts.sort_unstable();
    let (Some(median), Some(slowest)) = (starts.get(starts.len() / 2), starts.last()) else { return };
    println!("{} kills: {summary}; ready after {median:.2?} (median), {slowest:.2?} (slowest)", starts.len());
}
