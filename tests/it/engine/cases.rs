//! The contract's cases, one after the other, as a caller would meet them.

use leadgate::decision::command::{UpdateMode, UpsertCommand, UpsertMode};
use leadgate::decision::outcome::{UpsertStatus, WriteAction};
use leadgate::decision::plan::{ReportEvent, WriteReport};
use leadgate::domain::{ExternalId, ExternalIdFormat, TenantId};
use leadgate::engine::{Answer, LeadSelector, RequestError, ReviewFilter};

use super::Fixture;
use super::payloads::{payload, request_id, source};

impl Fixture {
    async fn upsert(&self, command: UpsertCommand) -> Answer {
        self.engine.upsert(command).await.expect("an answer")
    }
}

fn codes(answer: &Answer) -> Vec<&'static str> {
    answer.outcome.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

/// Upserts the lines in order and checks `STATUS #lead reasons` of each; leads are numbered as they first appear.
async fn check(lines: &[(&str, &str)]) {
    let fixture = Fixture::new();
    let mut leads = Vec::new();
    for (line, expected) in lines {
        let answer = fixture.upsert(payload(line)).await;
        let lead = answer.outcome.lead_id.map_or("-".to_owned(), |lead_id| {
            let known = leads.iter().position(|known| *known == lead_id);
            let number = known.unwrap_or_else(|| {
                leads.push(lead_id);
                leads.len() - 1
            });
            format!("#{}", number + 1)
        });
        let status = format!("{:?}", answer.outcome.status).to_uppercase();
        let got = [vec![status, lead], codes(&answer).into_iter().map(Into::into).collect()].concat().join(" ");
        assert_eq!(got, *expected, "{line}");
    }
}

#[tokio::test]
async fn the_same_payload_again_is_unchanged() {
    check(&[
        ("crm: id=1 email=a@x.com first=Ann last=Lee", "CREATED #1"),
        ("crm: id=1 email=a@x.com first=Ann last=Lee", "UNCHANGED #1"),
        ("web: email=A@X.com", "UNCHANGED #1"),
        ("web: id=9 email=a@x.com", "UPDATED #1 LINKED"),
        ("crm: id=2 email=a@x.com", "UPDATED #1 LINKED SOURCE_HOLDS_DUPLICATE"),
        ("crm: id=1 email=a@x.com first=Ann last=Lee", "UNCHANGED #1"),
    ])
    .await;
}

#[tokio::test]
async fn a_shared_phone_needs_a_compatible_name() {
    check(&[
        ("web: phone=+4930901820 email=ann@old.com first=Ann last=Lee", "CREATED #1"),
        ("web: phone=+4930901820 first=Bob last=Lee", "CREATED #2 NAME_GUARD_FAILED"),
        ("web: phone=+4930901820 first=Ann last=Lee title=CEO", "UPDATED #1"),
        ("web: phone=+4930901820 email=ann@new.com first=Ann last=Lee", "UPDATED #1 EMAIL_CHANGED"),
        ("web: phone=+4930901820", "CREATED #3 NAME_GUARD_FAILED"),
    ])
    .await;
}

#[tokio::test]
async fn a_role_mailbox_needs_a_compatible_name() {
    check(&[
        ("web: email=info@acme.com first=Ann last=Lee", "CREATED #1"),
        ("web: email=info@acme.com first=Bob last=Roe", "CREATED #2 NAME_GUARD_FAILED"),
        ("web: email=info@acme.com first=Bob last=Roe city=Bonn", "UPDATED #2"),
    ])
    .await;
}

#[tokio::test]
async fn a_contested_email_stays_where_it_is_and_opens_a_review() {
    let fixture = Fixture::new();
    let a = fixture.upsert(payload("crm: id=1 email=a@x.com first=Ann last=Lee")).await;
    let b = fixture.upsert(payload("crm: id=2 email=b@x.com first=Bob last=Roe")).await;
    let both = fixture.upsert(payload("crm: id=1 email=b@x.com title=CEO")).await;
    assert_eq!(both.outcome.status, UpsertStatus::Updated);
    assert_eq!(both.outcome.lead_id, a.outcome.lead_id);
    assert_eq!(both.outcome.decision.conflicts[0].lead_id, b.outcome.lead_id.expect("a lead"));
    assert_eq!(both.outcome.withheld[0].field.to_string(), "email");
    assert!(both.outcome.review_id.is_some());
    let reviews =
        fixture.engine.list_reviews(&TenantId::default(), ReviewFilter::default(), 10, None).await.expect("reviews");
    assert_eq!(reviews.items.len(), 1);
}

#[tokio::test]
async fn modes_allow_what_they_say() {
    let fixture = Fixture::new();
    let mode = |mode, text: &str| UpsertCommand { mode, ..payload(text) };
    let update_only = fixture.upsert(mode(UpsertMode::UpdateOnly, "crm: id=1 email=a@x.com")).await;
    assert_eq!((update_only.outcome.status, codes(&update_only)), (UpsertStatus::Skipped, vec!["LEAD_NOT_FOUND"]));
    fixture.upsert(payload("crm: id=1 email=a@x.com")).await;
    let create_only = fixture.upsert(mode(UpsertMode::CreateOnly, "crm: id=1 email=a@x.com")).await;
    assert_eq!((create_only.outcome.status, codes(&create_only)), (UpsertStatus::Skipped, vec!["LEAD_ALREADY_EXISTS"]));
    let duplicate = fixture.upsert(mode(UpsertMode::CreateDuplicate, "crm: id=1 email=a@x.com")).await;
    assert_eq!(duplicate.outcome.status, UpsertStatus::Created);
    let parked = fixture.upsert(payload("web: email=a@x.com first=Ann last=Lee")).await;
    assert_eq!((parked.outcome.status, codes(&parked)), (UpsertStatus::Review, vec!["MULTIPLE_MATCHES"]));
    let again = fixture.upsert(payload("web: email=a@x.com first=Ann last=Lee")).await;
    assert_eq!(again.outcome.review_id, parked.outcome.review_id);
    let link = UpsertCommand { update_mode: UpdateMode::LinkOnly, ..payload("web: email=none@x.com") };
    assert_eq!(codes(&fixture.upsert(link).await), ["LEAD_NOT_FOUND"]);
}

#[tokio::test]
async fn of_several_leads_the_one_whose_primary_email_it_is_is_read_then_the_oldest() {
    let fixture = Fixture::new();
    let first = fixture.upsert(payload("crm: id=1 email=a@x.com")).await.outcome.lead_id.expect("a lead");
    let twin = UpsertCommand { mode: UpsertMode::CreateDuplicate, ..payload("crm: id=2 email=a@x.com") };
    let second = fixture.upsert(twin).await.outcome.lead_id.expect("a lead");
    let read = async || {
        let by = LeadSelector::Email("a@x.com".into());
        fixture.engine.get_lead(&TenantId::default(), by).await.expect("read").expect("a lead").lead.lead_id
    };
    assert_eq!(read().await, first);
    fixture.upsert(payload("crm: id=1 email=b@x.com")).await;
    assert_eq!(read().await, second);
}

#[tokio::test]
async fn a_retry_gets_the_first_reply_across_a_restart() {
    let fixture = Fixture::new();
    let command = UpsertCommand { request_id: request_id("r1", 1), ..payload("crm: id=1 email=a@x.com") };
    let first = fixture.upsert(command.clone()).await;
    let fixture = fixture.reopen().await;
    let again = fixture.upsert(command.clone()).await;
    assert!(again.replayed);
    assert_eq!(again.outcome.status, UpsertStatus::Created);
    assert_eq!(again.outcome.lead_id, first.outcome.lead_id);
    assert_eq!(again.decision_id, first.decision_id);
    let other = UpsertCommand { request_id: request_id("r1", 2), ..command };
    assert!(matches!(fixture.engine.upsert(other).await, Err(RequestError::RequestIdReused)));
}

#[tokio::test]
async fn one_caller_at_a_time_is_told_to_create() {
    let fixture = Fixture::new();
    let command = |text: &str| UpsertCommand { target: Some(source("sfdc")), ..payload(text) };
    let first = fixture.upsert(command("web: email=a@x.com first=Ann last=Lee")).await;
    let create = first.outcome.write.expect("an instruction");
    assert_eq!(create.action, WriteAction::Create);
    let second = fixture.upsert(command("web: email=a@x.com title=CEO")).await;
    assert_eq!(second.outcome.write.expect("an instruction").action, WriteAction::Wait);
    let external_id =
        ExternalId::parse(source("sfdc"), "003A", ExternalIdFormat::Plain, None).expect("good").expect("not blank");
    let report = WriteReport {
        tenant: TenantId::default(),
        target: source("sfdc"),
        lead_id: first.outcome.lead_id.expect("a lead"),
        claim_token: create.claim_token.expect("a token"),
        event: ReportEvent::Written { external_id },
    };
    let reported = fixture.engine.report_write(report, None).await.expect("an answer");
    let next = reported.next.expect("an instruction");
    assert_eq!(next.action, WriteAction::Update);
    let changed: Vec<String> = next.changed_fields.iter().map(ToString::to_string).collect();
    assert_eq!(changed, ["title"]);
    let echo = fixture.upsert(payload("sfdc: id=003A email=a@x.com first=Ann last=Lee title=CEO")).await;
    assert_eq!((echo.outcome.status, codes(&echo)), (UpsertStatus::Unchanged, vec!["ECHO"]));
}

#[tokio::test]
async fn a_report_may_use_the_request_id_of_an_upsert() {
    let fixture = Fixture::new();
    let command = UpsertCommand { request_id: request_id("r1", 1), ..payload("sfdc: id=1 email=a@x.com") };
    let lead = fixture.upsert(command).await;
    let external_id =
        ExternalId::parse(source("sfdc"), "1", ExternalIdFormat::Plain, None).expect("good").expect("not blank");
    let report = WriteReport {
        tenant: TenantId::default(),
        target: source("sfdc"),
        lead_id: lead.outcome.lead_id.expect("a lead"),
        claim_token: "".into(),
        event: ReportEvent::Written { external_id },
    };
    let first = fixture.engine.report_write(report.clone(), request_id("r1", 2)).await.expect("an answer");
    let again = fixture.engine.report_write(report, request_id("r1", 2)).await.expect("an answer");
    assert_eq!(first.lead_id, again.lead_id);
}

#[tokio::test]
async fn a_lead_is_found_the_moment_its_upsert_was_answered() {
    let fixture = Fixture::new();
    fixture.upsert(payload("crm: id=1 email=ann.lee@acme.com first=Ann last=Lee company=Acme_GmbH")).await;
    for text in ["ann", "lee acme", "ann.lee@acme.com"] {
        let found = fixture.engine.search(&TenantId::default(), text, 10, 0).await.expect("a page");
        assert_eq!(found.items.len(), 1, "{text}");
    }
    let by_email = fixture.engine.get_lead(&TenantId::default(), LeadSelector::Email("ann.lee@acme.com".into())).await;
    assert!(by_email.expect("an answer").is_some());
    let fixture = fixture.reopen().await;
    let found = fixture.engine.search(&TenantId::default(), "acme", 10, 0).await.expect("a page");
    assert_eq!(found.items.len(), 1);
}

#[tokio::test]
async fn a_batch_of_previews_sees_itself_and_leaves_no_trace() {
    let fixture = Fixture::new();
    let mut batch = fixture.engine.begin_batch();
    let preview = |text: &str| UpsertCommand { validate_only: true, ..payload(text) };
    let first = batch.submit("r1".into(), preview("crm: id=1 email=a@x.com"));
    let second = batch.submit("r2".into(), preview("web: email=a@x.com title=CEO"));
    let (second, first) = tokio::join!(second, first);
    assert_eq!(first.expect("an answer").outcome.status, UpsertStatus::Created);
    let second = second.expect("an answer");
    assert_eq!(second.outcome.status, UpsertStatus::Updated);
    assert_eq!(second.same_as_client_ref.as_deref(), Some("r1"));
    assert_eq!(fixture.engine.statistics().last_sequence, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callers_of_one_key_make_one_lead() {
    for key_locks in [true, false] {
        let fixture = Fixture::with(|settings| settings.key_locks = key_locks);
        let mut tasks = Vec::new();
        for task in 0..16 {
            let engine = fixture.engine.clone();
            tasks.push(tokio::spawn(async move {
                let mut created = 0;
                for round in 0..50 {
                    let text = format!("s{task}: id={round} email=hot{}@x.com title=t{task}", round % 5);
                    let answer = loop {
                        match engine.upsert(payload(&text)).await {
                            Err(RequestError::Contention { .. }) => {}
                            answer => break answer.expect("an answer"),
                        }
                    };
                    created += usize::from(answer.outcome.status == UpsertStatus::Created);
                }
                created
            }));
        }
        let mut created = 0;
        for task in tasks {
            created += task.await.expect("no panic");
        }
        assert_eq!(created, 5, "locks {key_locks}");
        assert_eq!(fixture.engine.statistics().locked_keys, 0);
    }
}

#[tokio::test]
async fn of_two_phones_the_first_is_primary_and_sent_again_they_change_nothing() {
    let fixture = Fixture::new();
    let two = "web: email=mp@m.com phone=+49301234567 phone=+49301234568";
    let created = fixture.upsert(payload(two)).await;
    let lead = created.outcome.lead.clone().expect("a lead");
    let primary: Vec<_> = lead.phones.iter().filter(|phone| phone.primary).map(|phone| &*phone.key).collect();
    assert_eq!(primary, ["+49301234567"]);
    assert_eq!(fixture.upsert(payload(two)).await.outcome.status, UpsertStatus::Unchanged);
    let elsewhere = fixture.upsert(payload(&two.replace("web", "crm"))).await;
    assert_eq!(elsewhere.outcome.status, UpsertStatus::Unchanged);
}
