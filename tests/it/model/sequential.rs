//! One caller: every answer, what is left behind, and the feed are the model's.

use jiff::{SignedDuration, Timestamp};

use leadgate::decision::policy::Policy;
use leadgate::domain::TenantId;

use super::alphabet::{Dice, Range, hour};
use super::call::{Answered, Call};
use super::campaign::Campaign;
use super::core::Core;
use super::reference::{Contract, Reference};
use super::script::{Memory, Step};
use super::served::Served;
use super::state::Remains;

/// A call with its answer and the time at which the model hears of it.
struct Exchange {
    call: Call,
    answered: Answered,
    time: Timestamp,
}

/// Where the reference disagrees.
fn disagreement<R: Reference>(policy: &Policy, exchanges: &[Exchange], remains: &Remains) -> Option<String> {
    let mut reference = R::new(policy);
    for (number, exchange) in exchanges.iter().enumerate() {
        let followed = reference.follow(&exchange.call, &exchange.answered, &remains.reviews, exchange.time);
        if let Err(difference) = followed {
            return Some(format!("step {number}\n{difference}"));
        }
    }
    let told: Vec<_> = exchanges.iter().filter_map(|exchange| exchange.answered.told(&exchange.call)).collect();
    if told != remains.feed {
        return Some(format!("the feed\nanswers: {told:?}\nfeed:    {:?}", remains.feed));
    }
    reference.difference(remains)
}

/// Where the model disagrees with the core on these steps.
pub(crate) fn run_core(policy: &Policy, steps: &[Step]) -> Option<String> {
    let mut core = Core::new(policy);
    let mut memory = Memory::default();
    let mut exchanges = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let time = hour(1000) + SignedDuration::from_secs(number as i64);
        let call = memory.call(step, &TenantId::default());
        let answered = core.ask(&call, time);
        memory.note(&call, &answered);
        exchanges.push(Exchange { call, answered, time });
    }
    disagreement::<Contract>(policy, &exchanges, &core.remains())
}

/// Where the reference disagrees with the engine on these steps.
async fn run_engine<R: Reference>(served: &Served, tenant: &str, steps: &[Step]) -> Option<String> {
    let tenant = TenantId::parse(tenant).expect("a good tenant name");
    let since = served.position();
    let mut memory = Memory::default();
    let mut exchanges = Vec::new();
    for step in steps {
        let call = memory.call(step, &tenant);
        let answered = served.ask(&call).await;
        memory.note(&call, &answered);
        exchanges.push(Exchange { call, answered, time: Timestamp::now() });
    }
    disagreement::<R>(&served.policy, &exchanges, &served.remains(&tenant, &memory.leads, since).await)
}

fn random_steps(seed: u64, range: Range) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    (0..4 + dice.below(9)).map(|_| Step::random(&mut dice, range)).collect()
}

/// Every sequence that is one step shorter.
fn shorter(steps: &[Step]) -> impl Iterator<Item = Vec<Step>> {
    (0..steps.len()).map(|left_out| {
        let kept = steps.iter().enumerate().filter(|(index, _)| *index != left_out);
        kept.map(|(_, step)| step.clone()).collect()
    })
}

/// The shortest sequence that still fails, by leaving out steps.
fn shrink(policy: &Policy, steps: &[Step]) -> String {
    let shorter = shorter(steps).find(|steps| run_core(policy, steps).is_some());
    match shorter {
        Some(steps) => shrink(policy, &steps),
        None => format!("{steps:#?}\n{}", run_core(policy, steps).unwrap_or_default()),
    }
}

async fn shrink_on_engine<R: Reference>(served: &Served, tenant: &str, mut steps: Vec<Step>) -> String {
    let mut tries = 0;
    loop {
        let mut found = None;
        for steps in shorter(&steps) {
            tries += 1;
            if run_engine::<R>(served, &format!("{tenant}, try {tries}"), &steps).await.is_some() {
                found = Some(steps);
                break;
            }
        }
        match found {
            Some(shorter) => steps = shorter,
            None => break,
        }
    }
    let said = run_engine::<R>(served, &format!("{tenant}, at last"), &steps).await;
    format!("{steps:#?}\n{}", said.unwrap_or_default())
}

#[test]
fn the_core_answers_as_the_contract_says_one_at_a_time() {
    let range = Range { times_of_receipt: true, ..Range::default() };
    for (name, policy, seeds) in Campaign::from_environment(3_000).shares() {
        for seed in seeds {
            let steps = random_steps(seed, range);
            if run_core(&policy, &steps).is_some() {
                panic!("policy {name}, seed {seed}\n{}", shrink(&policy, &steps));
            }
        }
    }
}

/// Holds engines against a reference, sequence by sequence.
async fn campaign<R: Reference>(sequences: u64) {
    let run = |served: Served, seed: u64, range: Range| async move {
        let (steps, tenant) = (random_steps(seed, range), format!("sequence {seed}"));
        run_engine::<R>(&served, &tenant, &steps).await?;
        Some(shrink_on_engine::<R>(&served, &tenant, steps).await)
    };
    Campaign::from_environment(sequences).hold::<R, _>(true, 64, run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_engine_answers_as_the_contract_says_one_at_a_time() {
    campaign::<Contract>(2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_engine_finds_who_is_alike_as_if_it_looked_at_every_lead() {
    campaign::<Core>(1_000).await;
}
