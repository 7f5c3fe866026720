//! Several callers at once: some order that is consistent with real time makes the model give the same answers and the same state.
//!
//! The search is Wing and Gong's: among the calls that no other had finished before they began, each is tried next, and states of the
//! model that were reached before with the same calls behind them are not searched twice. Likeness is searched for in the same way, against
//! the core that looks at every lead.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use leadgate::decision::policy::Policy;
use leadgate::domain::TenantId;
use leadgate::engine::RequestError;

use super::alphabet::{Dice, Range, hour};
use super::call::{Answered, Call};
use super::campaign::Campaign;
use super::core::Core;
use super::reference::{Contract, Reference};
use super::script::{Memory, Step};
use super::served::Served;
use super::state::Remains;

/// A call between its begin and its end, as one clock counted them.
#[derive(Clone, Debug)]
struct Operation {
    step: Step,
    call: Call,
    answered: Answered,
    begin: u64,
    end: u64,
}

/// What happened in one tenant.
struct History {
    operations: Vec<Operation>,
    remains: Remains,
}

/// The search for an order.
struct Search<'a, R: Reference> {
    history: &'a History,
    seen: HashSet<(u32, R::State)>,
    /// The most calls that could be explained, and why no more.
    furthest: (usize, String),
}

impl<R: Reference> Search<'_, R> {
    fn finds_an_order(&mut self, done: u32, model: &R) -> bool {
        let count = done.count_ones() as usize;
        if count == self.history.operations.len() {
            let difference = model.difference(&self.history.remains);
            return difference.map(|difference| self.note(count + 1, difference)).is_none();
        }
        if model.state().is_some_and(|state| !self.seen.insert((done, state))) {
            return false;
        }
        (0..self.history.operations.len()).any(|next| self.may_be_next(done, next) && self.takes(done, next, model))
    }

    /// Nothing that is still to come had ended before it began.
    fn may_be_next(&self, done: u32, next: usize) -> bool {
        let operations = &self.history.operations;
        let waits = |other: &usize| done & (1 << other) == 0 && operations[*other].end < operations[next].begin;
        done & (1 << next) == 0 && !(0..operations.len()).any(|other| waits(&other))
    }

    fn takes(&mut self, done: u32, next: usize, model: &R) -> bool {
        let operation = &self.history.operations[next];
        if !self.is_told_next(done, operation) {
            return false;
        }
        let count = done.count_ones() as usize;
        let mut after = model.clone();
        if !was_turned_away(&operation.answered) {
            let time = hour(1000) + SignedDuration::from_secs(count as i64);
            let reviews = &self.history.remains.reviews;
            if let Err(difference) = after.follow(&operation.call, &operation.answered, reviews, time) {
                self.note(count, format!("call {next}\n{difference}"));
                return false;
            }
        }
        self.finds_an_order(done | 1 << next, &after)
    }

    /// The feed tells things in the order in which they took place, and of a payload only once that it was parked.
    fn is_told_next(&self, done: u32, operation: &Operation) -> bool {
        let told = |operation: &Operation| operation.answered.told(&operation.call);
        let operations = self.history.operations.iter().enumerate();
        let earlier = operations.filter(|(index, _)| done & (1 << index) != 0).map(|(_, earlier)| earlier);
        let (mut before, mut parked) = (0, HashSet::new());
        for earlier in earlier.filter(|earlier| told(earlier).is_some()) {
            before += usize::from(earlier.answered.parked().is_none_or(|review_id| parked.insert(review_id)));
        }
        if operation.answered.parked().is_some_and(|review_id| parked.contains(&review_id)) {
            return true;
        }
        told(operation).is_none_or(|told| self.history.remains.feed.get(before) == Some(&told))
    }

    fn note(&mut self, count: usize, text: String) {
        if count >= self.furthest.0 {
            self.furthest = (count, text);
        }
    }
}

/// Without key locks a caller may be told to come back; nothing was done then.
fn was_turned_away(answered: &Answered) -> bool {
    let error = match answered {
        Answered::Upsert(Err(error)) | Answered::Report(Err(error)) | Answered::Get(Err(error)) => error,
        _ => return false,
    };
    matches!(error, RequestError::Contention { .. })
}

async fn perform(served: &Served, clock: &AtomicU64, step: Step, call: Call) -> Operation {
    let begin = clock.fetch_add(1, Ordering::SeqCst);
    let answered = served.ask(&call).await;
    let end = clock.fetch_add(1, Ordering::SeqCst);
    Operation { step, call, answered, begin, end }
}

/// One caller's steps, one after the other, with what it remembers.
async fn play(
    served: &Served,
    clock: &AtomicU64,
    tenant: &TenantId,
    steps: Vec<Step>,
    memory: &mut Memory,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for step in steps {
        let call = memory.call(&step, tenant);
        let operation = perform(served, clock, step, call).await;
        memory.note(&operation.call, &operation.answered);
        operations.push(operation);
    }
    operations
}

/// A few steps by one caller, then several callers at once.
async fn random_history(served: Served, seed: u64, range: Range) -> History {
    let tenant = TenantId::parse(&format!("history {seed}")).expect("a good tenant name");
    let since = served.position();
    let mut dice = Dice::new(seed);
    let range = Range { letters: 1 + dice.below(4), ..range };
    let clock = Arc::new(AtomicU64::new(0));
    let mut script = |length: usize| (0..length).map(|_| Step::random(&mut dice, range)).collect::<Vec<_>>();
    let first = script(2);
    let callers: Vec<_> = [3, 2, 2, 2].map(&mut script).into();
    let mut memory = Memory::default();
    let mut operations = play(&served, &clock, &tenant, first, &mut memory).await;
    let barrier = Arc::new(Barrier::new(callers.len()));
    let mut playing = JoinSet::new();
    for steps in callers {
        let (served, clock, tenant, mut memory) = (served.clone(), clock.clone(), tenant.clone(), memory.clone());
        let barrier = barrier.clone();
        playing.spawn(async move {
            barrier.wait().await;
            play(&served, &clock, &tenant, steps, &mut memory).await
        });
    }
    while let Some(played) = playing.join_next().await {
        operations.extend(played.expect("a caller does not panic"));
    }
    let created: Vec<_> =
        operations.iter().filter_map(|operation| operation.answered.created(&operation.call)).collect();
    History { remains: served.remains(&tenant, &created, since).await, operations }
}

/// Why no order explains the history.
fn unexplained<R: Reference>(policy: &Policy, history: &History) -> Option<String> {
    let mut search = Search { history, seen: HashSet::new(), furthest: (0, String::new()) };
    if search.finds_an_order(0, &R::new(policy)) {
        return None;
    }
    let (count, why) = search.furthest;
    let lines = history.operations.iter().enumerate().map(|(number, operation)| {
        let said = operation.answered.said(&history.remains.reviews);
        format!("{number}: {}..{} {:?}\n    {said:?}\n", operation.begin, operation.end, operation.step)
    });
    Some(format!("{}at most {count} calls are explained; then\n{why}", lines.collect::<String>()))
}

/// Holds engines against a reference, history by history.
async fn campaign<R: Reference>(histories: u64, key_locks: bool) {
    let run = |served: Served, seed: u64, range: Range| async move {
        let policy = served.policy.clone();
        let history = random_history(served, seed, range).await;
        tokio::task::spawn_blocking(move || unexplained::<R>(&policy, &history)).await.expect("no panic")
    };
    Campaign::from_environment(histories).hold::<R, _>(key_locks, 32, run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_concurrent_history_has_an_order_that_the_contract_allows() {
    campaign::<Contract>(2_000, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_concurrent_history_has_such_an_order_without_key_locks_too() {
    campaign::<Contract>(1_000, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_concurrent_history_of_people_who_are_alike_has_an_order_in_which_looking_at_every_lead_says_the_same() {
    campaign::<Core>(500, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_concurrent_history_of_people_who_are_alike_has_such_an_order_without_key_locks_too() {
    campaign::<Core>(300, false).await;
}
