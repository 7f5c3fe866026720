//! Payloads with one and the same key set end in one and the same state, in whatever order they arrive.
//!
//! They have distinct `source_update_time`s and sources of one rank. Two payloads do not repeat each other's value of a field: "an equal value
//! never changes provenance" and "what a source last sent does not compete" make a repetition no event, so that which of two equal values
//! came first is not to be seen afterwards.

use std::collections::BTreeSet;

use leadgate::decision::policy::Policy;
use leadgate::domain::{ContactPoint, Field, Lead, TenantId};

use super::alphabet::{Dice, EMAILS, Form, IDS, NAMES, PHONES, hour};
use super::campaign::Campaign;
use super::core::Core;
use super::script::{Memory, Step};

/// Values that no other payload has, by the payload's number.
const TITLES: [&str; 5] = ["CEO", "CTO", "CFO", "COO", "CIO"];
const STREETS: [&str; 5] = ["Main St 1", "Main St 2", "Main St 3", "Main St 4", "Main St 5"];
const LEAD_SOURCES: [&str; 5] = ["fair", "ad", "call", "walk-in", "partner"];
const PIPELINES: [&str; 5] = ["inbound", "outbound", "renewal", "partner", "pilot"];
const PEOPLE: [(&str, &str); 5] =
    [("Ann", "Miller"), ("Bob", "Stone"), ("Carla", "Diaz"), ("Dora", "Fox"), ("Emil", "Hart")];
const SOURCES: [&str; 5] = ["alpha", "beta", "gamma", "delta", "epsilon"];

/// Some payloads that share every key.
fn payloads(dice: &mut Dice) -> Vec<Form> {
    let keys = Form {
        other_id: Some(("erp", dice.pick(&IDS))),
        email: dice.maybe(70, &EMAILS),
        phone: dice.maybe(70, &PHONES),
        mobile: dice.maybe(30, &PHONES),
        name: dice.maybe(70, &NAMES),
        ..Form::default()
    };
    let count = 2 + dice.below(4);
    let mut times: Vec<i64> = (0..count as i64).collect();
    shuffle(dice, &mut times);
    let same_name = dice.percent(60);
    let mut payloads: Vec<_> = (0..count).map(|number| payload(dice, &keys, number, times[number])).collect();
    for (number, payload) in payloads.iter_mut().enumerate().filter(|_| !same_name) {
        payload.name = Some(PEOPLE[number]);
    }
    payloads
}

fn payload(dice: &mut Dice, keys: &Form, number: usize, time: i64) -> Form {
    let mut form = Form { source: SOURCES[number], time: Some(time), ..keys.clone() };
    let mut add = |percent, field, text| form.values.extend(dice.percent(percent).then_some((field, text)));
    add(60, Field::Title, TITLES[number]);
    add(50, Field::Street, STREETS[number]);
    add(50, Field::LeadSource, LEAD_SOURCES[number]);
    form.attributes.extend(dice.percent(50).then_some(("tier", TITLES[number])));
    form.attributes.extend(dice.maybe(50, &["true", "false"]).map(|text| ("unsubscribed", text)));
    form.pipeline = dice.percent(50).then_some(PIPELINES[number]);
    form
}

fn shuffle<T>(dice: &mut Dice, items: &mut [T]) {
    for index in (1..items.len()).rev() {
        items.swap(index, dice.below(index + 1));
    }
}

/// The only lead's content, as a set of texts.
fn content(leads: &[Lead]) -> BTreeSet<String> {
    let [lead] = leads else { return BTreeSet::from([format!("{} leads", leads.len())]) };
    let mut parts = BTreeSet::new();
    parts.extend(lead.external_ids.iter().map(|linked| format!("id {} {}", linked.id.source(), linked.id.value())));
    let point = |point: &ContactPoint| format!("{} {:?} {}", point.key, point.kind, point.primary);
    parts.extend(lead.emails.iter().chain(&lead.phones).map(point));
    let value = |text: &str, source: &dyn std::fmt::Display| format!("{text} by {source}");
    // Who set a value counts too, except where several may have said the same.
    parts.extend(lead.fields.iter().map(|(field, held)| match field {
        Field::FirstName | Field::LastName => format!("{} = {}", field.name(), held.value),
        field if field.is_contact_point() => format!("{} = {}", field.name(), held.value),
        field => format!("{} = {}", field.name(), value(&held.value, &held.source)),
    }));
    parts.extend(lead.attributes.iter().map(|(name, held)| match &**name {
        "unsubscribed" => format!("{name} = {}", held.value),
        _ => format!("{name} = {}", value(&held.value, &held.source)),
    }));
    parts.extend(lead.pipelines.iter().map(|pipeline| format!("pipeline {pipeline}")));
    parts
}

fn state_after(forms: &[Form]) -> BTreeSet<String> {
    let mut core = Core::new(&Policy::default());
    let mut memory = Memory::default();
    for (number, form) in forms.iter().enumerate() {
        let call = memory.call(&Step::Upsert(form.clone()), &TenantId::default());
        let answered = core.ask(&call, hour(1000 + number as i64));
        memory.note(&call, &answered);
    }
    content(&core.leads.iter().map(|lead| Lead::clone(lead)).collect::<Vec<_>>())
}

#[test]
fn payloads_with_one_key_set_end_in_one_state_in_every_order() {
    for seed in Campaign::from_environment(3_000).seeds() {
        let mut dice = Dice::new(seed);
        let mut forms = payloads(&mut dice);
        let expected = state_after(&forms);
        for _ in 0..6 {
            let before = forms.clone();
            shuffle(&mut dice, &mut forms);
            assert_eq!(state_after(&forms), expected, "seed {seed}\n{before:#?}\n{forms:#?}");
        }
    }
}
