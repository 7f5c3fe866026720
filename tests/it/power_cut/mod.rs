//! Power cuts: everything that the store does to its folder is recorded, and the store is opened from what a power cut at any moment
//! might have left.
//!
//! `LEADGATE_CRASH_POINTS` sets how many moments are tried (400 by default); `LEADGATE_CRASH_SEED` another choice of them.

#![expect(clippy::print_stdout, reason = "how many events and crash points there were is the test's result")]

pub(crate) mod chance;
mod disk;
mod killed;
mod trace;
pub(crate) mod workload;

use std::fs::{self, File};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use leadgate::store::verify::Invariant;
use leadgate::store::{EmbeddedStore, OpenError, StoreOptions};
use tempfile::TempDir;

use chance::Chance;
use disk::Disk;
use trace::Event;
use workload::{COUNTED_FROM, Shape, Sum};

use crate::store_upgrade::bring_back_to_format_1;

/// A recorded run, and how to read it.
struct Recording {
    /// Where it began.
    base: TempDir,
    /// What had been said before.
    said: Said,
    events: Vec<Event>,
    run: Run,
}

/// What the recorded process does.
#[derive(Clone, Copy)]
struct Run {
    /// It commits up to this sequence,
    last: u64,
    /// closing the store and opening it again after this one.
    reopen_after: u64,
    shape: Shape,
    memtable_bytes: u64,
}

impl Run {
    fn options(self) -> StoreOptions {
        StoreOptions { cache_bytes: 1 << 20, memtable_bytes: self.memtable_bytes, ..StoreOptions::default() }
    }

    fn to_text(self) -> String {
        let Self { last, reopen_after, shape: Shape { largest, filling }, memtable_bytes } = self;
        format!("{last} {reopen_after} {largest} {filling} {memtable_bytes}")
    }

    fn from_text(text: &str) -> Self {
        let numbers: Vec<u64> = text.split(' ').map(|number| number.parse().unwrap()).collect();
        let [last, reopen_after, largest, filling, memtable_bytes] = numbers[..] else { panic!("{text}") };
        Self { last, reopen_after, shape: Shape { largest, filling }, memtable_bytes }
    }
}

/// A place for files that need not survive: in memory where there is such a place.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// The recorder as a shared library, compiled once.
fn recorder() -> &'static Path {
    static RECORDER: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = RECORDER.get_or_init(|| {
        let place = TempDir::new().unwrap();
        let library = place.path().join("librecorder.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/power_cut/recorder.rs");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let status = Command::new(rustc)
            .args(["--edition", "2024", "--crate-type", "cdylib", "-O", "-o"])
            .args([&library, &source])
            .status()
            .unwrap();
        assert!(status.success(), "the recorder did not compile");
        (place, library)
    });
    path
}

/// Runs the child below under the recorder, on a folder in which something may have been done and said before.
fn record(run: Run, prepare: impl FnOnce(&Path) -> Said) -> Recording {
    let (base, work, notes) = (scratch(), scratch(), scratch());
    let said = prepare(base.path());
    copy_folder(base.path(), work.path());
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["power_cut::the_recorded_process", "--exact", "--nocapture", "--test-threads=1"])
        .env("LEADGATE_RECORDED_RUN", run.to_text())
        .env("LEADGATE_RECORD_ROOT", work.path())
        .env("LEADGATE_RECORD_MARKS", notes.path().join("marks"))
        .env("LEADGATE_RECORD_TRACE", notes.path().join("trace"))
        .env("LD_PRELOAD", recorder())
        .status()
        .unwrap();
    assert!(status.success(), "the recorded process failed");
    Recording { base, said, events: trace::read(&notes.path().join("trace")), run }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What runs under the recorder; does nothing when it is run as a test.
#[test]
fn the_recorded_process() {
    let Ok(run) = std::env::var("LEADGATE_RECORDED_RUN") else { return };
    let run = Run::from_text(&run);
    let folder = PathBuf::from(std::env::var_os("LEADGATE_RECORD_ROOT").unwrap());
    let mut marks = File::create(std::env::var_os("LEADGATE_RECORD_MARKS").unwrap()).unwrap();
    for last in [run.reopen_after, run.last] {
        commit_up_to(last, &folder, run, &mut |text| marks.write_all(text.as_bytes()).unwrap());
    }
}

/// Commits in batches of one to six, saying before each what is sent and after it what was acknowledged.
fn commit_up_to(last: u64, folder: &Path, run: Run, say: &mut dyn FnMut(String)) {
    let store = EmbeddedStore::open(folder, run.options()).unwrap();
    let mut sequence = store.position().sequence;
    // What an open store shows may be acted on.
    say(format!("acknowledged {sequence}"));
    while sequence < last {
        let end = last.min(sequence + 1 + Chance::new(sequence).below(6));
        let batch: Vec<_> = (sequence + 1..=end).map(|sequence| workload::change_set(sequence, run.shape)).collect();
        say(format!("sent {end}"));
        store.blocking_commit(&batch).unwrap();
        say(format!("acknowledged {end}"));
        sequence = end;
    }
    // Flushes and compactions are under way: some of them shall be recorded to their end.
    std::thread::sleep(std::time::Duration::from_millis(300));
}

/// What happened at the crash points of a recording.
#[derive(Debug, Default)]
struct Tally {
    /// Opened, with everything in place.
    opened: usize,
    /// Of those: without something that was sent and not acknowledged.
    cut_short: usize,
}

/// Tries so many crash points of a recording, on both processors.
fn try_crash_points(recording: &Recording, points: u64) -> Tally {
    let expected = workload::expected(recording.run.last + 1, recording.run.shape);
    let workers = 2;
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let start = |worker| {
            scope.spawn({
                let expected = &expected;
                move || Worker { recording, expected, worker, workers, points }.run()
            })
        };
        let handles: Vec<_> = (0..workers).map(start).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let sum = |count: fn(&Tally) -> usize| tallies.iter().map(count).sum();
    Tally { opened: sum(|tally| tally.opened), cut_short: sum(|tally| tally.cut_short) }
}

impl Recording {
    /// Leaves in an empty folder what one power cut leaves, and says what had been said by then.
    fn cut_once(&self, target: &Path, seed: u64) -> Said {
        let mut chance = Chance::new(seed);
        let place = usize::try_from(chance.below(self.events.len() as u64)).unwrap();
        let mut disk = Disk::of(self.base.path());
        let mut said = self.said;
        for event in &self.events[..=place] {
            disk.apply(event);
            said.note(event);
        }
        disk.crash_into(target, &mut chance);
        said
    }
}

struct Worker<'a> {
    recording: &'a Recording,
    expected: &'a [Sum],
    worker: u64,
    workers: u64,
    points: u64,
}

/// What had been said at a crash point.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    sent: u64,
    acknowledged: u64,
}

impl Worker<'_> {
    /// Walks once through the recording, and crashes where its points lie.
    fn run(self) -> Tally {
        let mut points = self.chosen();
        points.reverse();
        let mut disk = Disk::of(self.recording.base.path());
        let mut said = self.recording.said;
        let mut tally = Tally::default();
        for (place, event) in self.recording.events.iter().enumerate() {
            disk.apply(event);
            said.note(event);
            while let Some((_, seed)) = points.pop_if(|(chosen, _)| *chosen == place) {
                self.crash(&disk, said, place, seed, &mut tally);
            }
        }
        assert_eq!(points, [], "every point lies in the recording");
        tally
    }

    /// This worker's share of the crash points: places in the recording, ascending, each with a seed.
    fn chosen(&self) -> Vec<(usize, u64)> {
        let seed = std::env::var("LEADGATE_CRASH_SEED").map_or(1, |seed| seed.parse().unwrap());
        let mut chance = Chance::new(seed);
        let anywhere: Vec<usize> = (0..self.recording.events.len()).collect();
        let before_syncs: Vec<usize> =
            anywhere.windows(2).filter(|pair| self.is_sync(pair[1])).map(|pair| pair[0]).collect();
        let mut own = Vec::new();
        for index in 0..self.points {
            // Just before a sync most is at stake.
            let places = if chance.of(0.5) { &before_syncs } else { &anywhere };
            let point = (*chance.pick(places), chance.below(u64::MAX));
            if index % self.workers == self.worker {
                own.push(point);
            }
        }
        own.sort_unstable();
        own
    }

    fn is_sync(&self, place: usize) -> bool {
        matches!(self.recording.events[place], Event::Sync { .. } | Event::SyncFolder { .. })
    }

    fn crash(&self, disk: &Disk, said: Said, place: usize, seed: u64, tally: &mut Tally) {
        let image = scratch();
        disk.crash_into(image.path(), &mut Chance::new(seed));
        let outcome = catch_unwind(AssertUnwindSafe(|| self.check(image.path(), said, seed, tally)));
        let problem = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(problem)) => problem,
            Err(panic) => format!("a panic: {:?}", panic.downcast_ref::<String>()),
        };
        let image = image.keep();
        panic!("{problem}\nat event {place} with seed {seed}, {said:?}; what was left is in {}", image.display());
    }

    /// Opens what was left: clean or refused for a clear reason, with everything that was acknowledged and nothing that was not sent.
    fn check(&self, image: &Path, said: Said, seed: u64, tally: &mut Tally) -> Result<(), String> {
        let store = match EmbeddedStore::open(image, self.recording.run.options()) {
            Ok(store) => store,
            Err(OpenError::Engine(error)) => return Err(format!("the engine refused: {error:?}")),
            Err(OpenError::Io(error)) => return Err(format!("the folder could not be read: {error:?}")),
            // A refusal is allowed where something was lost; a power cut alone loses nothing.
            Err(error) => return Err(format!("refused: {error}")),
        };
        tally.opened += 1;
        let reached = self.check_content(&store, said)?;
        tally.cut_short += usize::from(reached < said.sent);
        if seed.is_multiple_of(4) {
            self.go_on(store, image, reached)?;
        }
        Ok(())
    }

    fn check_content(&self, store: &EmbeddedStore, said: Said) -> Result<u64, String> {
        let position = store.position();
        let reached = position.sequence;
        if reached < said.acknowledged || reached > said.sent {
            return Err(format!("the store has come to {reached}"));
        }
        if position.feed != workload::feed_after(reached) {
            return Err(format!("the feed has come to {} at {reached}", position.feed));
        }
        let view = store.view();
        let held = workload::held(&view).map_err(|error| format!("unreadable: {error}"))?;
        if held != self.expected[usize::try_from(reached).unwrap()] {
            return Err(format!("the store holds other rows than the change sets up to {reached} left"));
        }
        let mut violations = Vec::new();
        let checked = view.verify(&mut |violation| violations.push(violation)).map_err(|error| error.to_string())?;
        violations.retain(|violation| !is_made_up(violation.invariant));
        if violations.is_empty() { Ok(reached) } else { Err(format!("{violations:?} in {checked:?}")) }
    }

    /// Opens the store that this thread has just closed. Another test may be starting a program at this moment: until that runs, it
    /// holds every lock that its parent held.
    fn open_again(&self, image: &Path) -> Result<EmbeddedStore, OpenError> {
        for _ in 0..100 {
            match EmbeddedStore::open(image, self.recording.run.options()) {
                Err(OpenError::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
                opened => return opened,
            }
        }
        EmbeddedStore::open(image, self.recording.run.options())
    }

    /// What was left is a store like any other: it takes the next change set and keeps it.
    fn go_on(&self, store: EmbeddedStore, image: &Path, reached: u64) -> Result<(), String> {
        let next = workload::change_set(reached + 1, self.recording.run.shape);
        store.blocking_commit(&[next]).map_err(|error| format!("it could not go on: {error:?}"))?;
        drop(store);
        let store = self.open_again(image).map_err(|error| format!("it could not be opened again: {error:?}"))?;
        self.check_content(&store, Said { sent: reached + 1, acknowledged: reached + 1 }).map(drop)
    }
}

/// The workload's keys name leads that it never makes.
fn is_made_up(invariant: Invariant) -> bool {
    matches!(invariant, Invariant::HoldersCarryTheirKeys | Invariant::KeysHaveDistinctHolders)
}

impl Said {
    fn note(&mut self, event: &Event) {
        let Event::Mark(text) = event else { return };
        match text.split_once(' ') {
            Some(("sent", number)) => self.sent = number.parse().unwrap(),
            Some(("acknowledged", number)) => {
                self.acknowledged = number.parse().unwrap();
                self.sent = self.acknowledged;
            }
            _ => panic!("{text}"),
        }
    }
}

fn points() -> u64 {
    std::env::var("LEADGATE_CRASH_POINTS").map_or(400, |points| points.parse().unwrap())
}

const SMALL: Run =
    Run { last: 600, reopen_after: 300, shape: Shape { largest: u64::MAX, filling: 0 }, memtable_bytes: 64 << 10 };

#[test]
fn no_power_cut_loses_what_was_acknowledged() {
    let recording = record(SMALL, |_| Said::default());
    let tally = try_crash_points(&recording, points());
    println!("{} events: {tally:?}", recording.events.len());
}

/// A power cut while the store recovers from one.
#[test]
fn no_second_power_cut_loses_it_either() {
    for round in 0..4 {
        let first = record(Run { last: 90, reopen_after: 40, ..SMALL }, |_| Said::default());
        let second = record(Run { last: 140, reopen_after: 100, ..SMALL }, |base| first.cut_once(base, round));
        let tally = try_crash_points(&second, points() / 8);
        println!("{} events: {tally:?}", second.events.len());
    }
}

/// A power cut while a store of format 1 is brought to this one.
#[test]
fn no_power_cut_loses_it_while_the_store_is_upgraded() {
    let run = Run { last: COUNTED_FROM + 20, reopen_after: COUNTED_FROM + 10, ..SMALL };
    let recording = record(run, |base| {
        let mut said = Said::default();
        commit_up_to(COUNTED_FROM - 1, base, run, &mut |text| said.note(&Event::Mark(text)));
        bring_back_to_format_1(base);
        said
    });
    let tally = try_crash_points(&recording, points() / 4);
    println!("{} events: {tally:?}", recording.events.len());
}

/// The engine begins a new journal at 64 MB, and removes the old one when all of it has been flushed.
#[test]
fn no_power_cut_loses_it_when_the_journal_is_changed() {
    let shape = Shape { largest: u64::MAX, filling: 110 };
    let run = Run { last: 180, reopen_after: 140, shape, memtable_bytes: 16 << 20 };
    let recording = record(run, |base| {
        let mut said = Said::default();
        commit_up_to(82, base, run, &mut |text| said.note(&Event::Mark(text)));
        said
    });
    let begun = recording.events.iter().filter(|event| matches!(event, Event::Create { path, .. } if is_journal(path)));
    assert_eq!(begun.count(), 1, "a second journal was begun");
    let ended = recording.events.iter().filter(|event| matches!(event, Event::Unlink { path } if is_journal(path)));
    assert_eq!(ended.count(), 1, "the first journal was removed");
    let tally = try_crash_points(&recording, points() / 40);
    println!("{} events: {tally:?}", recording.events.len());
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jnl")
}
