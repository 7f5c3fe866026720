//! The process dies, the machine does not: what was acknowledged is there at the next start.
//!
//! `LEADGATE_KILLS` sets how often (8 by default).

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use leadgate::store::EmbeddedStore;
use tempfile::TempDir;

use super::chance::Chance;
use super::workload::{self, Shape, Sum};
use super::{Run, SMALL, commit_up_to};

const ENDLESS: Run = Run { last: u64::MAX, reopen_after: 0, ..SMALL };
const SHAPE: Shape = SMALL.shape;

/// What is killed; does nothing when it is run as a test.
#[test]
fn the_process_to_kill() {
    let Some(folder) = std::env::var_os("LEADGATE_KILLED_FOLDER") else { return };
    let folder = PathBuf::from(folder);
    let mut said = OpenOptions::new().create(true).append(true).open(folder.join("said")).unwrap();
    let mut say = |text: String| said.write_all(format!("{text}\n").as_bytes()).unwrap();
    commit_up_to(u64::MAX, &folder.join("store"), ENDLESS, &mut say);
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["power_cut::killed::the_process_to_kill", "--exact", "--test-threads=1"])
        .env("LEADGATE_KILLED_FOLDER", folder)
        .spawn()
        .unwrap()
}

/// The last number that was said behind a word.
fn last_said(folder: &Path, word: &str) -> u64 {
    let said = std::fs::read_to_string(folder.join("said")).unwrap_or_default();
    let mut numbers = said.lines().rev().filter_map(|line| line.strip_prefix(word)?.trim().parse().ok());
    numbers.next().unwrap_or(0)
}

#[test]
fn no_kill_loses_what_was_acknowledged() {
    let kills = std::env::var("LEADGATE_KILLS").map_or(8, |kills| kills.parse().unwrap());
    let place = TempDir::new().unwrap();
    let mut chance = Chance::new(kills);
    let mut expected = vec![Sum::default()];
    for _ in 0..kills {
        let mut child = start(place.path());
        std::thread::sleep(Duration::from_millis(100 + chance.below(700)));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = EmbeddedStore::open(&place.path().join("store"), ENDLESS.options()).unwrap();
        let reached = store.position().sequence;
        let (acknowledged, sent) = (last_said(place.path(), "acknowledged"), last_said(place.path(), "sent"));
        assert!((acknowledged..=sent.max(acknowledged)).contains(&reached), "{acknowledged} <= {reached} <= {sent}");
        if reached >= expected.len() as u64 {
            expected = workload::expected(2 * reached, SHAPE);
        }
        assert_eq!(workload::held(&store.view()).unwrap(), expected[usize::try_from(reached).unwrap()]);
    }
    assert!(expected.len() > 1, "something was committed");
}
