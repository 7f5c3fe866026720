//! What random sequences once found, as rows: each is the shortest sequence on which the core and the contract disagreed.

use jiff::SignedDuration;

use leadgate::decision::command::{UpdateMode, UpsertMode};
use leadgate::decision::outcome::{UpsertStatus, WriteAction};
use leadgate::decision::reason::ReasonCode;
use leadgate::decision::tier::MatchTier;
use leadgate::domain::{Field, FieldKey, Lead, TenantId};

use super::alphabet::{EMAILS, Form, NAMES, PHONES, hour};
use super::call::{Said, identify};
use super::core::Core;
use super::naive::Reply;
use super::policies;
use super::script::{Memory, Step};
use super::sequential::run_core;

/// The last answer, and the leads as they stand; the model agrees with all of it.
fn after(forms: &[Form]) -> (Reply, Vec<Lead>) {
    let steps: Vec<Step> = forms.iter().cloned().map(Step::Upsert).collect();
    assert_eq!(run_core(&policies::usual(), &steps), None);
    let mut core = Core::new(&policies::usual());
    let mut memory = Memory::default();
    let mut last = None;
    for (number, step) in steps.iter().enumerate() {
        let call = memory.call(step, &TenantId::default());
        let answered = core.ask(&call, hour(1000) + SignedDuration::from_secs(number as i64));
        memory.note(&call, &answered);
        last = Some(answered);
    }
    let reviews = core.reviews.iter().map(|(id, review)| (*id, identify(review))).collect();
    let Some(Said::Reply(reply)) = last.map(|answered| answered.said(&reviews)) else { panic!("no reply") };
    (*reply, core.leads.iter().map(|lead| Lead::clone(lead)).collect())
}

fn form(source: &'static str, time: i64) -> Form {
    Form { source, time: Some(time), ..Form::default() }
}

const ANN: Option<(&str, &str)> = Some(NAMES[0]);
const BOB: Option<(&str, &str)> = Some(NAMES[1]);
const CARLA: Option<(&str, &str)> = Some(NAMES[3]);

/// Three leads that hold one email: two of the first name, or of none, and one stranger.
fn shared_email(name: Option<(&'static str, &'static str)>) -> Vec<Form> {
    let holder = |name| Form { mode: UpsertMode::CreateDuplicate, email: Some(EMAILS[0]), name, ..form("crm", 1) };
    let stranger =
        Form { values: vec![(Field::Company, "Acme"), (Field::Title, "CEO")], own_id: Some("4"), ..holder(BOB) };
    vec![stranger, holder(name), holder(name)]
}

#[test]
fn a_title_is_nothing_to_find_a_name_by() {
    let (reply, _) = after(&[Form { name: ANN, values: vec![(Field::Title, "CEO")], ..form("crm", 1) }]);
    assert_eq!(reply.status, UpsertStatus::Skipped);
    assert!(reply.reasons.contains(&ReasonCode::NoUsableIdentifier));
}

#[test]
fn a_form_never_updates_a_stranger_who_shares_the_email() {
    for name in [ANN, None] {
        let mut forms = shared_email(name);
        forms.push(Form { email: Some(EMAILS[0]), name: ANN, values: vec![(Field::Title, "CTO")], ..form("form", 2) });
        let (reply, leads) = after(&forms);
        assert_eq!(reply.status, UpsertStatus::Updated);
        assert_ne!(reply.lead_id, Some(leads[0].lead_id));
    }
}

#[test]
fn an_email_of_several_leads_is_nobody_s_alone() {
    let mut forms = shared_email(ANN);
    forms.push(Form { own_id: Some("1"), name: CARLA, ..form("crm", 2) });
    forms.push(Form { own_id: Some("1"), email: Some(EMAILS[0]), ..form("crm", 3) });
    let (reply, leads) = after(&forms);
    assert_eq!((reply.status, reply.withheld.len()), (UpsertStatus::Updated, 0));
    assert_eq!(leads[3].emails.len(), 1);
}

#[test]
fn an_external_id_of_several_leads_is_given_to_no_further_one() {
    let holder = |name| Form { mode: UpsertMode::CreateDuplicate, own_id: Some("1"), name, ..form("crm", 1) };
    let (reply, leads) = after(&[holder(ANN), holder(BOB), Form { own_id: Some("1"), name: CARLA, ..form("crm", 2) }]);
    assert_eq!((reply.status, leads.len()), (UpsertStatus::Review, 2));
    assert!(reply.reasons.contains(&ReasonCode::MultipleMatches));
}

#[test]
fn what_disagrees_with_a_doubtful_tier_is_a_conflict() {
    let mut forms = shared_email(ANN);
    forms.push(Form { name: CARLA, phone: Some(PHONES[0]), ..form("crm", 1) });
    forms.push(Form { email: Some(EMAILS[0]), phone: Some(PHONES[0]), ..form("crm", 2) });
    let (reply, leads) = after(&forms);
    assert_eq!(reply.status, UpsertStatus::Review);
    assert_eq!(reply.conflicts, [(MatchTier::Phone, leads[3].lead_id, "phone".to_string())].into());
}

#[test]
fn a_contested_external_id_is_said_to_be_contested() {
    let (reply, _) = after(&[
        Form { own_id: Some("1"), ..form("crm", 1) },
        Form { own_id: Some("2"), ..form("events", 1) },
        Form { own_id: Some("1"), other_id: Some(("crm", "1")), lead: Some(1), ..form("events", 2) },
    ]);
    assert!(reply.reasons.contains(&ReasonCode::ContestedValue));
    assert!(reply.review.is_some());
}

#[test]
fn a_first_email_is_no_changed_email() {
    let holder = Form { phone: Some(PHONES[0]), name: ANN, ..form("crm", 1) };
    let (reply, _) = after(&[holder.clone(), Form { email: Some(EMAILS[0]), time: Some(2), ..holder }]);
    assert_eq!(reply.status, UpsertStatus::Updated);
    assert!(!reply.reasons.contains(&ReasonCode::EmailChanged));
}

#[test]
fn what_only_linked_is_taken_when_it_is_sent_to_be_taken() {
    let link = Form {
        own_id: Some("1"),
        email: Some(EMAILS[0]),
        values: vec![(Field::Title, "CEO")],
        update_mode: UpdateMode::LinkOnly,
        ..form("events", 2)
    };
    let merge = Form { update_mode: UpdateMode::Merge, ..link.clone() };
    let (reply, leads) = after(&[Form { email: Some(EMAILS[0]), ..form("crm", 1) }, link, merge]);
    assert_eq!(reply.status, UpsertStatus::Updated);
    assert_eq!(leads[0].value(Field::Title), Some("CEO"));
}

#[test]
fn what_a_source_cleared_it_may_set_again() {
    let title = Form { own_id: Some("1"), values: vec![(Field::Title, "CEO")], ..form("crm", 1) };
    let clear = Form { own_id: Some("1"), clear: vec![FieldKey::Field(Field::Title)], ..form("crm", 2) };
    let (reply, leads) = after(&[title.clone(), clear, Form { time: Some(3), ..title }]);
    assert_eq!(reply.status, UpsertStatus::Updated);
    assert_eq!(leads[0].value(Field::Title), Some("CEO"));
}

#[test]
fn the_earliest_source_is_the_lead_source_in_every_order() {
    let first = Form { email: Some(EMAILS[0]), ..form("crm", 1) };
    let second = Form { email: Some(EMAILS[0]), ..form("events", 2) };
    for order in [[first.clone(), second.clone()], [second, first]] {
        let (_, leads) = after(&order);
        assert_eq!(leads[0].value(Field::LeadSource), Some("crm"));
    }
}

#[test]
fn pipelines_are_overwritten_and_cleared_under_the_same_rules_as_fields() {
    let member = |pipeline, source, time| Form {
        own_id: Some("1"),
        other_id: None,
        pipeline: Some(pipeline),
        ..form(source, time)
    };
    let forms = [member("inbound", "crm", 1), member("outbound", "crm", 2)];
    let overwrite = Form { update_mode: UpdateMode::Overwrite, ..member("inbound", "crm", 3) };
    let (_, leads) = after(&[forms.as_slice(), &[overwrite]].concat());
    assert_eq!(leads[0].pipelines, ["inbound".into()]);

    let fill = Form { update_mode: UpdateMode::FillBlanks, ..member("outbound", "crm", 3) };
    let (reply, _) = after(&[&forms[..1], &[fill]].concat());
    assert_eq!(reply.withheld, [(FieldKey::Pipelines, ReasonCode::NotBlank)].into());

    let clear = Form { lead: Some(0), clear: vec![FieldKey::Pipelines], ..form("events", 3) };
    let (reply, _) = after(&[&forms[..], &[clear]].concat());
    assert_eq!(reply.withheld, [(FieldKey::Pipelines, ReasonCode::LowerPrecedence)].into());
}

#[test]
fn whoever_is_told_to_create_holds_the_claim_also_when_skipped() {
    let known = Form { email: Some(EMAILS[0]), ..form("crm", 1) };
    let asks = Form { target: Some("erp"), mode: UpsertMode::CreateOnly, ..known.clone() };
    let (reply, _) = after(&[known.clone(), asks.clone()]);
    assert!(reply.write.is_some_and(|write| write.action == WriteAction::Create && write.claim_token.is_some()));
    let (reply, _) = after(&[known, asks.clone(), asks]);
    assert!(reply.write.is_some_and(|write| write.action == WriteAction::Wait));
}

#[test]
fn nobody_of_another_name_corrects_an_email() {
    let mistyped = Form { own_id: Some("1"), email: Some(EMAILS[1]), name: ANN, ..form("crm", 5) };
    let correction = |name| Form { email: Some(EMAILS[0]), name, ..Form { own_id: Some("1"), ..form("crm", 1) } };
    for (name, corrects) in [(ANN, true), (None, true), (BOB, false)] {
        let (reply, _) = after(&[mistyped.clone(), correction(name)]);
        assert_eq!(reply.reasons.contains(&ReasonCode::EmailCorrected), corrects, "{name:?}");
    }
}
