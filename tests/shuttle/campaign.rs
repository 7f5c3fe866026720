//! How scenarios are explored: each on its share of the schedules asked for, half of them random walks, half by probabilistic
//! concurrency testing (Burckhardt et al., ASPLOS 2010), and counted.
//!
//! `LEADGATE_SCHEDULES` says how many there are in all, `LEADGATE_SCHEDULES_SEED` where the random numbers begin. A failure prints
//! its schedule; `shuttle::replay` repeats it.

use std::collections::HashSet;
use std::env::var;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use foldhash::fast::{FixedState, FoldHasher};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, Runner};

/// How many schedules the scenarios share when nobody says.
const DEFAULT_SCHEDULES: usize = 20_000;

/// How many scenarios share them.
pub(crate) const SCENARIOS: usize = 12;

/// How many preemptions probabilistic concurrency testing places.
const PREEMPTIONS: usize = 4;

/// Explores one scenario, and prints how many schedules that were.
pub(crate) fn explore(name: &str, scenario: fn()) {
    let schedules = number("LEADGATE_SCHEDULES").map_or(DEFAULT_SCHEDULES, |all| all as usize).div_ceil(SCENARIOS);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let seed = number("LEADGATE_SCHEDULES_SEED").unwrap_or_else(now);
    let began = Instant::now();
    let seen = Arc::default();
    let walks = run(RandomScheduler::new_from_seed(seed, schedules.div_ceil(2)), &seen, scenario);
    let placed = run(PctScheduler::new_from_seed(seed, PREEMPTIONS, schedules / 2), &seen, scenario);
    println!(
        "explored {} schedules, {} of them different, of {name} in {:.1} s from seed {seed}",
        walks + placed,
        seen.lock().expect("no panic").len(),
        began.elapsed().as_secs_f64()
    );
}

fn number(variable: &str) -> Option<u64> {
    let text = var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

fn run(scheduler: impl Scheduler + 'static, seen: &Seen, scenario: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = 0x4_0000;
    let counted = Counted { scheduler, seen: Arc::clone(seen), trace: None };
    Runner::new(counted, config).run(scenario)
}

type Seen = Arc<Mutex<HashSet<u64>>>;

/// A scheduler whose different schedules are counted.
struct Counted<S> {
    scheduler: S,
    seen: Seen,
    trace: Option<FoldHasher<'static>>,
}

impl<S> Counted<S> {
    fn count(&mut self) {
        if let Some(trace) = self.trace.take() {
            self.seen.lock().expect("no panic").insert(trace.finish());
        }
    }
}

impl<S: Scheduler> Scheduler for Counted<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.count();
        self.trace = Some(FixedState::with_seed(0).build_hasher());
        let next = self.scheduler.new_execution();
        if next.is_none() {
            self.trace = None;
        }
        next
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let next = self.scheduler.next_task(runnable, current, is_yielding);
        if let (Some(trace), Some(task)) = (&mut self.trace, next) {
            trace.write_usize(usize::from(task));
        }
        next
    }

    fn next_u64(&mut self) -> u64 {
        let next = self.scheduler.next_u64();
        if let Some(trace) = &mut self.trace {
            trace.write_u64(next);
        }
        next
    }
}
