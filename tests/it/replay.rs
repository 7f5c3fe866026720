//! Replay: the same question about the same leads gets the same answer, byte for byte.

use std::sync::Arc;

use jiff::Timestamp;
use leadgate::decision::blocking::{blocks_of_incoming, blocks_of_lead};
use leadgate::decision::command::{UpsertCommand, UpsertMode};
use leadgate::decision::comparable::Comparable;
use leadgate::decision::decide::{asks_fuzzy_tier, decide};
use leadgate::decision::digest::DigestKey;
use leadgate::decision::evidence::{Evidence, KeyLookup};
use leadgate::decision::fuzzy_tier::{Likeness, SharingLead, SharingLeads};
use leadgate::decision::identity_key::{IdentityKey, keys_of_lead};
use leadgate::decision::matching::{FrequencyTable, Profile};
use leadgate::decision::outcome::{Decision, Outcome};
use leadgate::decision::plan::{NewIds, Plan, PlanContext, plan_upsert};
use leadgate::decision::policy::Policy;
use leadgate::decision::rows::Row;
use leadgate::decision::tier::MatchTier;
use leadgate::domain::{Lead, LeadId};
use leadgate::store::codec;
use proptest::prelude::*;
use uuid::Uuid;

use crate::engine::Fixture;
use crate::engine::payloads::payload;

/// A person's first names, last names and companies, as one system or another spells them.
type Spellings = [&'static [&'static str]; 3];

const PEOPLE: [Spellings; 4] = [
    [&["Jane", "Jayne", "J."], &["Papadimitriou", "Papadimitrou"], &["Acme_Logistics", "ACME_Logistics_GmbH"]],
    [&["Janet", "Jane"], &["Papadimitriou"], &["Acme_Logistics", "Acme_Travel"]],
    [&["Bob", "Robert"], &["Smith", "Smyth"], &["Google", "Gogle"]],
    [&["Mary", "Maria"], &["Smith"], &["Google", "Acme_Logistics"]],
];

/// What a source knows of somebody, each field of it perhaps: near duplicates of few people, many of them equal but for their ids.
fn fields() -> impl Strategy<Value = String> {
    let spelt = prop::sample::select(&PEOPLE[..]).prop_flat_map(|spellings| spellings.map(prop::sample::select));
    let others = (
        prop::option::weighted(0.6, prop::sample::select(vec!["Bonn", "Bom", "London"])),
        prop::option::weighted(0.3, 0..4_u32),
        prop::option::weighted(0.3, 0..6_u32),
        prop::option::of(prop::sample::select(vec!["CFO", "Boss"])),
    );
    (spelt, others).prop_map(|([first, last, company], (city, mailbox, line, title))| {
        let city = city.map(|city| format!(" city={city}"));
        let email = mailbox.map(|number| format!(" email={last}{number}@acme.example"));
        let phone = line.map(|number| format!(" phone=+4930901820{number}"));
        let title = title.map(|title| format!(" title={title}"));
        let optional = [city, email, phone, title].map(Option::unwrap_or_default).concat();
        format!("first={first} last={last} company={company}{optional}")
    })
}

/// Leads to store, each with an id of its own.
fn stored(number: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<UpsertCommand>> {
    let numbered = |fields: Vec<String>| {
        let texts = fields.into_iter().enumerate().map(|(number, fields)| format!("crm: id={number} {fields}"));
        texts.map(|text| UpsertCommand { mode: UpsertMode::CreateDuplicate, ..payload(&text) }).collect()
    };
    prop::collection::vec(fields(), number).prop_map(numbered)
}

/// A payload that a decision is asked for, explained.
fn question() -> impl Strategy<Value = UpsertCommand> {
    fields().prop_map(|fields| UpsertCommand { explain: true, ..payload(&format!("web: {fields}")) })
}

fn encoded(lead: &Arc<Lead>) -> Vec<u8> {
    codec::encode_row(&Row::Lead(Arc::clone(lead)))
}

/// A decision with everything that `Debug` hides.
fn whole_decision(decision: &Decision) -> String {
    let candidates = decision.candidates.iter().map(|candidate| {
        let compared = candidate.comparisons.iter();
        let compared = compared.map(|one| (one.weight.to_bits(), one.incoming.clone(), one.existing.clone()));
        (candidate.lead.as_ref().map(encoded), compared.collect::<Vec<_>>())
    });
    format!("{decision:?} {:?}", candidates.collect::<Vec<_>>())
}

/// The same of what a match tells.
fn whole_match(outcome: &Outcome) -> String {
    let withheld = outcome.withheld.iter().map(|withheld| (&withheld.incoming, &withheld.kept));
    let Outcome { status, decision, withheld: fields, reasons, .. } = outcome;
    let withheld = withheld.collect::<Vec<_>>();
    format!("{status:?} {} {fields:?} {withheld:?} {reasons:?}", whole_decision(decision))
}

/// The same of everything that is planned.
fn whole_plan(plan: &Plan) -> String {
    let lead = plan.lead.as_ref().map(|change| encoded(&change.after));
    let reviews = plan.reviews.iter().map(|review| codec::encode_row(&Row::Review(review.clone().into())));
    let event = plan.event.as_ref().map(codec::encode_event);
    format!("{plan:?} {} {lead:?} {:?} {event:?}", whole_match(&plan.outcome), reviews.collect::<Vec<_>>())
}

/// What stays the same between a decision and its replay.
struct Constants {
    policy: Policy,
    digests: DigestKey,
}

impl Constants {
    fn plan(&self, command: &UpsertCommand, evidence: &Evidence, number: u64) -> Plan {
        let ids = NewIds {
            lead_id: LeadId::new(Uuid::from_u64_pair(9, number)),
            decision_id: "d".into(),
            claim_token: "c".into(),
        };
        let context =
            PlanContext { policy: &self.policy, now: Timestamp::UNIX_EPOCH, ids: &ids, digests: &self.digests };
        plan_upsert(command, evidence, context).unwrap()
    }

    /// The leads that these payloads make, by id: made anew, in this order.
    fn leads(&self, payloads: &[UpsertCommand], order: impl Iterator<Item = usize>) -> Vec<Arc<Lead>> {
        let make = |number: usize| {
            let plan = self.plan(&payloads[number], &Evidence::default(), number as u64);
            plan.lead.unwrap().after
        };
        let mut leads: Vec<_> = order.map(make).collect();
        leads.sort_by_key(|lead| lead.lead_id);
        leads
    }

    /// What there is to know about a payload among these leads.
    fn evidence(&self, command: &UpsertCommand, leads: &[Arc<Lead>]) -> Evidence {
        let mut frequencies = FrequencyTable::default();
        leads.iter().for_each(|lead| Profile::of_lead(lead).count_in(&mut frequencies));
        let holders =
            |key: &IdentityKey| leads.iter().filter(|lead| keys_of_lead(lead).contains(key)).cloned().collect();
        let lookups =
            command.keys().into_iter().map(|key| KeyLookup { holders: holders(&key.key), key, truncated: false });
        let mut evidence =
            Evidence { keys: lookups.collect(), frequencies: Arc::new(frequencies), ..Evidence::default() };
        if asks_fuzzy_tier(command, &evidence, &self.policy) {
            let profile = Profile::of_incoming(&command.lead);
            let blocks = blocks_of_incoming(&command.lead);
            evidence.likeness = Some(self.likeness(&profile, &blocks, leads, &evidence));
        }
        let changed = self.plan(command, &evidence, u64::MAX).lead;
        if let Some(change) = changed.filter(|change| change.before.is_some()) {
            let profile = Profile::of_lead(&change.after);
            evidence.neighbours = Some(self.likeness(&profile, &blocks_of_lead(&change.after), leads, &evidence));
        }
        evidence
    }

    /// How like something those of the leads are that share a blocking key with it.
    fn likeness(&self, profile: &Profile, blocks: &[u64], leads: &[Arc<Lead>], evidence: &Evidence) -> Likeness {
        let shares = |lead: &&Arc<Lead>| blocks_of_lead(lead).iter().any(|block| blocks.contains(block));
        let sharing = leads.iter().filter(shares);
        let sharing =
            sharing.map(|lead| SharingLead { lead_id: lead.lead_id, comparable: Comparable::of(lead).into() });
        let sharing = SharingLeads { leads: sharing.collect(), truncated: false };
        let mut likeness = Likeness::of(profile, &sharing, &evidence.frequencies, &self.policy);
        likeness.put(leads);
        likeness
    }

    /// Decision and plan, all bytes of them, and how many candidates only likeness speaks for.
    fn told(&self, command: &UpsertCommand, evidence: &Evidence) -> (String, usize) {
        let decided = decide(command, evidence, &self.policy);
        let fuzzy = decided.decision.candidates.iter().filter(|candidate| candidate.matched_by == MatchTier::Fuzzy);
        let plan = self.plan(command, evidence, u64::MAX);
        let fuzzy = fuzzy.count();
        (format!("{decided:?} {} {}", whole_decision(&decided.decision), whole_plan(&plan)), fuzzy)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_global_rejects: 10_000, ..ProptestConfig::default() })]

    /// Everything is made anew for the replay, in another order and on another thread: nothing may depend on where something lies in
    /// memory, on how a map is seeded, or on what was decided before.
    #[test]
    fn the_same_evidence_gives_the_same_decision_and_plan(payloads in stored(2..16), command in question()) {
        let constants = Constants { policy: Policy::default(), digests: DigestKey::new([5; 32]) };
        let told = |leads: &[Arc<Lead>]| {
            let evidence = constants.evidence(&command, leads);
            constants.told(&command, &evidence)
        };
        let leads = constants.leads(&payloads, 0..payloads.len());
        let (first, fuzzy) = told(&leads);
        prop_assume!(fuzzy >= 2);
        prop_assert_eq!(&told(&leads).0, &first);
        let replay = || told(&constants.leads(&payloads, (0..payloads.len()).rev())).0;
        let replayed = std::thread::scope(|scope| scope.spawn(replay).join().unwrap());
        prop_assert_eq!(&replayed, &first);
    }
}

/// What matches tell, all bytes but the decision's id.
async fn matched(fixture: &Fixture, questions: &[UpsertCommand]) -> Vec<String> {
    let mut told = Vec::new();
    for question in questions {
        told.push(whole_match(&fixture.engine.match_lead(question.clone()).await.unwrap().outcome));
    }
    told
}

/// Waits until the leads are counted, which happens once for fewer than 160, and all of them are indexed.
async fn settle(fixture: &Fixture, question: &UpsertCommand) {
    let settled = async || {
        let matched = fixture.engine.match_lead(question.clone()).await.unwrap();
        let counted = matched.outcome.decision.weighed.is_some_and(|weighed| weighed.frequency_table > 0);
        counted && fixture.engine.statistics().index_overlay == 0
    };
    for _ in 0..400 {
        if settled().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the leads are not counted");
}

async fn check_matches(payloads: Vec<UpsertCommand>, questions: &[UpsertCommand]) {
    let fixture = Fixture::new();
    let anybody =
        UpsertCommand { explain: true, ..payload("web: first=Jane last=Papadimitriou company=Acme_Logistics") };
    let count = payloads.len();
    for payload in payloads {
        fixture.engine.upsert(payload).await.unwrap();
    }
    settle(&fixture, &anybody).await;
    // Every update leaves a document behind in the index, until that is merged away or the index is rebuilt.
    for number in (0..count).filter(|number| number % 3 > 0) {
        fixture.engine.upsert(payload(&format!("crm: id={number} title=CTO"))).await.unwrap();
    }
    settle(&fixture, &anybody).await;
    let first = matched(&fixture, questions).await;
    assert!(first.iter().filter(|told| told.contains("matched_by: Fuzzy")).count() > questions.len() / 3);
    assert_eq!(matched(&fixture, questions).await, first);
    let fixture = fixture.reopen().await;
    assert_eq!(matched(&fixture, questions).await, first);
    let fixture = fixture.reopen_after(|folder| std::fs::remove_dir_all(folder.join("index")).unwrap()).await;
    assert_eq!(matched(&fixture, questions).await, first);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn a_match_is_the_same_when_it_is_asked_again_also_after_a_restart(
        payloads in stored(130..159),
        questions in prop::collection::vec(question(), 50),
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(check_matches(payloads, &questions));
    }
}
