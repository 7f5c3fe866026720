//! One caller: every answer, and the state in the end, are the model's.

use jiff::Timestamp;
use tokio::task::JoinSet;

use leadgate::decision::policy::Policy;
use leadgate::domain::{Lead, TenantId};

use super::alphabet::{Dice, Range, hour};
use super::call::{Answered, Call, Reviews, Said, agree, ask_model, identify};
use super::core::Core;
use super::naive::Model;
use super::policies;
use super::script::{Memory, Step};
use super::served::Served;
use super::{Campaign, state};

/// A call with its answer and the time at which the model hears of it.
pub(crate) struct Exchange {
    pub(crate) call: Call,
    pub(crate) answered: Answered,
    pub(crate) time: Timestamp,
}

/// Where the model disagrees.
pub(crate) fn disagreement(
    policy: &Policy,
    exchanges: &[Exchange],
    leads: &[Lead],
    reviews: &Reviews,
) -> Option<String> {
    let mut model = Model::default();
    for (number, exchange) in exchanges.iter().enumerate() {
        let fresh = exchange.answered.fresh();
        let expected = ask_model(&mut model, policy, &exchange.call, &fresh, exchange.time);
        let observed = exchange.answered.said(reviews);
        if !agree(&expected, &observed) {
            return Some(format!("step {number}\n{}", difference(&expected, &observed)));
        }
    }
    state::difference(&model, leads, reviews)
}

fn difference(expected: &Said, observed: &Said) -> String {
    let (expected, observed) = (format!("{expected:#?}"), format!("{observed:#?}"));
    let only = |a: &str, b: &str, sign: &str| {
        let lines: Vec<_> = a.lines().filter(|line| !b.lines().any(|other| other == *line)).collect();
        lines.iter().map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    only(&expected, &observed, "contract:") + &only(&observed, &expected, "product: ")
}

/// Where the model disagrees with the core on these steps.
pub(crate) fn run_core(policy: &Policy, steps: &[Step]) -> Option<String> {
    let mut core = Core::new(policy.clone());
    let mut memory = Memory::default();
    let mut exchanges = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let time = hour(1000) + jiff::SignedDuration::from_secs(number as i64);
        let call = memory.call(step, &TenantId::default());
        let answered = core.ask(&call, time);
        memory.note(&call, &answered);
        exchanges.push(Exchange { call, answered, time });
    }
    let leads: Vec<Lead> = core.leads.iter().map(|lead| Lead::clone(lead)).collect();
    let reviews = core.reviews.iter().map(|(id, review)| (*id, identify(review))).collect();
    disagreement(policy, &exchanges, &leads, &reviews)
}

/// Leaves out every step without which the disagreement stands.
pub(crate) fn shrink(mut steps: Vec<Step>, mut fails: impl FnMut(&[Step]) -> Option<String>) -> (Vec<Step>, String) {
    let mut message = fails(&steps).unwrap_or_default();
    let mut index = 0;
    while index < steps.len() {
        let mut fewer = steps.clone();
        fewer.remove(index);
        match fails(&fewer) {
            Some(said) => (steps, message, index) = (fewer, said, 0),
            None => index += 1,
        }
    }
    (steps, message)
}

#[test]
fn survey() {
    let campaign = Campaign::from_environment(2_000);
    let range = Range { times_of_receipt: true, request_ids: false, letters: 4 };
    let mut groups: std::collections::BTreeMap<String, (usize, String)> = Default::default();
    for (name, policy) in policies::all() {
        for seed in campaign.seeds() {
            let mut dice = Dice::new(seed);
            let steps: Vec<Step> = (0..4 + dice.below(9)).map(|_| Step::random(&mut dice, range)).collect();
            if run_core(&policy, &steps).is_some() {
                let (steps, message) = shrink(steps, |steps| run_core(&policy, steps));
                let key: String = message
                    .lines()
                    .filter(|l| !l.starts_with("step") && !l.contains("LeadId(") && !l.contains("SourceName("))
                    .collect::<Vec<_>>()
                    .join("\n");
                let text = steps.iter().map(|s| format!("   {s:?}\n")).collect::<String>();
                let entry = groups.entry(key).or_insert_with(|| (0, format!("{name} {seed}\n{text}{message}")));
                entry.0 += 1;
                let new = format!("{name} {seed}\n{text}{message}");
                if new.len() < entry.1.len() {
                    entry.1 = new;
                }
            }
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by(|a, b| b.cmp(a));
    println!("{} groups, {} failures", groups.len(), groups.iter().map(|g| g.0).sum::<usize>());
    for (count, text) in groups.iter().take(14) {
        println!("=========== {count} x {text}");
    }
}

#[test]
fn the_core_answers_as_the_contract_says_one_at_a_time() {
    let campaign = Campaign::from_environment(30_000);
    let range = Range { times_of_receipt: true, request_ids: false, letters: 4 };
    for (name, policy) in policies::all() {
        for seed in campaign.seeds() {
            let mut dice = Dice::new(seed);
            let steps: Vec<Step> = (0..4 + dice.below(9)).map(|_| Step::random(&mut dice, range)).collect();
            if run_core(&policy, &steps).is_some() {
                let (steps, message) = shrink(steps, |steps| run_core(&policy, steps));
                panic!("policy {name}, seed {seed}\n{steps:#?}\n{message}");
            }
        }
    }
}

async fn run_engine(served: &Served, tenant: TenantId, steps: &[Step]) -> Option<String> {
    let mut memory = Memory::default();
    let mut exchanges = Vec::new();
    for step in steps {
        let call = memory.call(step, &tenant);
        let answered = served.ask(&call).await;
        memory.note(&call, &answered);
        exchanges.push(Exchange { call, answered, time: Timestamp::now() });
    }
    let leads = served.leads(&tenant, &memory.leads).await;
    disagreement(&served.policy, &exchanges, &leads, &served.reviews(&tenant).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_engine_answers_as_the_contract_says_one_at_a_time() {
    let campaign = Campaign::from_environment(1_000);
    let range = Range { times_of_receipt: true, request_ids: true, letters: 4 };
    for (name, policy) in policies::all() {
        let served = Served::new(&policy, true);
        let mut running = JoinSet::new();
        for seed in campaign.seeds() {
            let served = served.clone();
            running.spawn(async move {
                let mut dice = Dice::new(seed);
                let steps: Vec<Step> = (0..4 + dice.below(9)).map(|_| Step::random(&mut dice, range)).collect();
                let tenant = TenantId::parse(&format!("sequence {seed}")).unwrap();
                let said = run_engine(&served, tenant, &steps).await;
                said.map(|said| format!("seed {seed}\n{steps:#?}\n{said}"))
            });
            if running.len() >= 64 {
                let said = running.join_next().await.expect("one is running").expect("a sequence does not panic");
                assert!(said.is_none(), "policy {name}, {}", said.unwrap_or_default());
            }
        }
        for said in running.join_all().await.into_iter().flatten() {
            panic!("policy {name}, {said}");
        }
    }
}
