//! The fuzzy tier in upserts and matches: the contract's cases where no key agrees.

use std::sync::{Arc, Barrier};

use leadgate::decision::command::{UpdateMode, UpsertCommand, UpsertMode};
use leadgate::decision::outcome::UpsertStatus;
use leadgate::decision::policy::{Channel, OnPossible, SourcePolicy};
use leadgate::decision::reason::ReasonCode;
use leadgate::decision::tier::{MatchLevel, MatchTier};
use leadgate::domain::{Field, Lead, LeadId, LinkedBy, TenantId};
use leadgate::engine::{Answer, LeadSelector, RequestError, ReviewFilter};
use tokio::runtime::Handle;

use super::Fixture;
use super::payloads::{payload, source};

pub(super) const JANE: &str =
    "crm: id=1 email=jane@acme.com first=Jane last=Papadimitriou company=Acme_Logistics city=Bonn title=CFO";
/// The same person from elsewhere: no key in common.
pub(super) const JANE_ELSEWHERE: &str =
    "web: id=77 phone=+4930901820 first=Jayne last=Papadimitrou company=ACME_Logistics_GmbH city=Bonn title=Boss";

pub(super) async fn upsert(fixture: &Fixture, command: UpsertCommand) -> Answer {
    fixture.engine.upsert(command).await.expect("an answer")
}

pub(super) async fn stored(fixture: &Fixture, answer: &Answer) -> Lead {
    let by = LeadSelector::LeadId(answer.outcome.lead_id.expect("a lead"));
    let found = fixture.engine.get_lead(&TenantId::default(), by).await.expect("read").expect("a lead");
    Lead::clone(&found.lead)
}

pub(super) async fn reviews(fixture: &Fixture) -> usize {
    let page = fixture.engine.list_reviews(&TenantId::default(), ReviewFilter::default(), 10, None).await;
    page.expect("reviews").items.len()
}

#[tokio::test]
async fn the_same_person_without_a_common_key_is_found_and_only_added_to() {
    let fixture = Fixture::new();
    let created = upsert(&fixture, payload(JANE)).await;
    let found = upsert(&fixture, payload(JANE_ELSEWHERE)).await;
    assert_eq!(found.outcome.status, UpsertStatus::Updated);
    assert_eq!(found.outcome.lead_id, created.outcome.lead_id);
    assert_eq!(found.outcome.decision.matched_by, Some(MatchTier::Fuzzy));
    assert!(found.outcome.decision.score >= 0.85, "{}", found.outcome.decision.score);
    let lead = stored(&fixture, &found).await;
    let value = |field| lead.value(field).expect("a value").to_owned();
    assert_eq!((value(Field::LastName), value(Field::Title)), ("Papadimitriou".to_owned(), "CFO".to_owned()));
    assert_eq!(value(Field::Phone), "+4930901820", "a blank field is filled");
    assert_eq!(lead.phones[0].linked_by, LinkedBy::Fuzzy);
    assert_eq!(
        lead.external_ids.iter().map(|linked| linked.linked_by).collect::<Vec<_>>(),
        [LinkedBy::Exact, LinkedBy::Fuzzy]
    );
    let again = upsert(&fixture, payload(JANE_ELSEWHERE)).await;
    assert_eq!(again.outcome.status, UpsertStatus::Unchanged);
    assert_eq!(again.outcome.decision.matched_by, Some(MatchTier::ExternalId), "what was added is a key");
    assert_eq!(stored(&fixture, &again).await, lead);
}

#[tokio::test]
async fn an_address_that_likeness_added_tells_the_second_bearer_of_a_name_apart() {
    let fixture = Fixture::new();
    let known = "first=Jane last=Papadimitriou company=Acme_Logistics city=Bonn title=CFO";
    let first = upsert(&fixture, payload(&format!("crm: id=1 {known}"))).await;
    let added = upsert(&fixture, payload(&format!("web: id=2 {known} email=janepapadimitriou@acme.com"))).await;
    assert_eq!((added.outcome.status, added.outcome.lead_id), (UpsertStatus::Updated, first.outcome.lead_id));
    assert_eq!(stored(&fixture, &added).await.emails[0].linked_by, LinkedBy::Fuzzy);
    // It speaks for nobody: with the same mailbox name elsewhere somebody is no more like her.
    let elsewhere = async |rest: &str| {
        let text = format!("web: first=Jane last=Papadimitriou city=Bonn {rest}");
        let answer = fixture.engine.match_lead(payload(&text)).await.expect("an answer");
        answer.outcome.decision.candidates[0].weight
    };
    assert_eq!(elsewhere("email=janepapadimitriou@web.example").await, elsewhere("").await);
    let second =
        UpsertCommand { explain: true, ..payload(&format!("web: id=3 {known} email=janepapadimitriou2@acme.com")) };
    let second = upsert(&fixture, second).await;
    assert_eq!(second.outcome.status, UpsertStatus::Created);
    let compared = &second.outcome.decision.candidates[0].comparisons;
    let email = compared.iter().find(|comparison| comparison.field == "email").expect("compared");
    assert_eq!((email.level, &*email.existing), ("numbered", "janepapadimitriou@acme.com"));
}

#[tokio::test]
async fn a_match_says_the_same_and_adds_up() {
    let fixture = Fixture::new();
    upsert(&fixture, payload(JANE)).await;
    let command = UpsertCommand { explain: true, ..payload(JANE_ELSEWHERE) };
    let matched = fixture.engine.match_lead(command.clone()).await.expect("an answer");
    let decision = &matched.outcome.decision;
    let candidate = &decision.candidates[0];
    let weighed = decision.weighed.expect("weights");
    let sum = weighed.prior + candidate.comparisons.iter().map(|comparison| comparison.weight).sum::<f64>();
    assert!((sum - candidate.weight).abs() < 1e-9, "{sum} and {}", candidate.weight);
    assert!((1.0 / (1.0 + (-sum).exp2()) - candidate.score).abs() < 1e-9);
    let last_name = candidate.comparisons.iter().find(|comparison| comparison.field == "last_name").expect("compared");
    assert_eq!((&*last_name.incoming, &*last_name.existing), ("Papadimitrou", "Papadimitriou"));
    let written = upsert(&fixture, command).await;
    assert_eq!(format!("{:?}", written.outcome.decision.score), format!("{:?}", decision.score));
    assert_eq!(written.outcome.status, matched.outcome.status);
}

#[tokio::test]
async fn namesakes_and_families_stay_apart() {
    let fixture = Fixture::new();
    for text in [
        "crm: id=1 first=Jane last=Doe city=Bonn",
        "crm: id=2 first=Jane last=Doe",
        "crm: id=3 email=jane@one.com first=Jane last=Doe company=One",
        "crm: id=4 email=john@acme.com phone=+4930901820 first=John last=Roe company=Acme city=Bonn",
        "crm: id=5 email=mary@acme.com phone=+4930901820 first=Mary last=Roe company=Acme city=Bonn",
    ] {
        assert_eq!(upsert(&fixture, payload(text)).await.outcome.status, UpsertStatus::Created, "{text}");
    }
}

#[tokio::test]
async fn who_may_be_either_of_two_people_of_one_name_is_put_to_a_person() {
    let numbered = "crm: id=2 email=jane2@acme.com first=Jane last=Papadimitriou company=Acme_Logistics";
    let first = "crm: id=1 email=jane@acme.com first=Jane last=Papadimitriou company=Acme_Logistics";
    let elsewhere = "web: id=3 email=papa@web.example first=Jane last=Papadimitriou company=Acme_Logistics";
    let (junior, senior) =
        (first.replace("Papadimitriou", "Papadimitriou_Jr"), numbered.replace("Papadimitriou", "Papadimitriou_Sr"));
    for known in [[first, numbered], [numbered, elsewhere], [&junior, &senior]] {
        let fixture = Fixture::new();
        let mut ids = Vec::new();
        for text in known {
            let command = UpsertCommand { mode: UpsertMode::CreateDuplicate, ..payload(text) };
            ids.push(upsert(&fixture, command).await.outcome.lead_id);
        }
        let incoming = if known.contains(&elsewhere) { first } else { elsewhere };
        let answer = upsert(&fixture, payload(incoming)).await;
        assert_eq!(answer.outcome.status, UpsertStatus::Created, "{known:?}");
        let decision = &answer.outcome.decision;
        assert_eq!((decision.level, reviews(&fixture).await), (MatchLevel::Possible, 1), "{known:?}");
        assert!(ids.contains(&decision.lead_id) && decision.score < 0.85, "{known:?}");
        assert_eq!(decision.candidates[0].reasons[0].code, ReasonCode::MultipleMatches, "{known:?}");
    }
    // Where only one of them is known, there is nobody else to be.
    let fixture = Fixture::new();
    let created = upsert(&fixture, payload(first)).await;
    assert_eq!(upsert(&fixture, payload(elsewhere)).await.outcome.lead_id, created.outcome.lead_id);
}

#[tokio::test]
async fn modes_and_channels_take_what_likeness_finds_as_the_contract_says() {
    let status = async |mode: UpsertMode, channel: Channel| {
        let fixture = Fixture::with(|settings| {
            let rules = SourcePolicy { channel, ..SourcePolicy::default() };
            settings.policy.sources.insert(source("web"), rules);
        });
        upsert(&fixture, payload(JANE)).await;
        let answer = upsert(&fixture, UpsertCommand { mode, ..payload(JANE_ELSEWHERE) }).await;
        let last = answer.outcome.reasons.last().map(|reason| reason.code.as_str()).unwrap_or_default();
        (answer.outcome.status, last)
    };
    assert_eq!(status(UpsertMode::UpdateOnly, Channel::Api).await.0, UpsertStatus::Updated);
    assert_eq!(status(UpsertMode::CreateOnly, Channel::Api).await, (UpsertStatus::Skipped, "LEAD_ALREADY_EXISTS"));
    assert_eq!(status(UpsertMode::CreateDuplicate, Channel::Api).await.0, UpsertStatus::Created);
    assert_eq!(status(UpsertMode::CreateOrUpdate, Channel::WebForm).await.0, UpsertStatus::Updated);
    assert_eq!(status(UpsertMode::CreateOrUpdate, Channel::Bulk).await, (UpsertStatus::Review, "BULK_FUZZY_MATCH"));
}

#[tokio::test]
async fn the_review_band_creates_and_asks_or_holds() {
    let band = async |on_possible: OnPossible, channel: Channel, mode: UpsertMode| {
        let fixture = Fixture::with(|settings| {
            // Every match is in the band.
            (settings.policy.match_threshold, settings.policy.on_possible) = (1.0, on_possible);
            settings.policy.sources.insert(source("web"), SourcePolicy { channel, ..SourcePolicy::default() });
        });
        upsert(&fixture, payload(JANE)).await;
        let answer = upsert(&fixture, UpsertCommand { mode, ..payload(JANE_ELSEWHERE) }).await;
        assert_eq!(answer.outcome.decision.level, MatchLevel::Possible);
        // The same again opens no second review.
        upsert(&fixture, UpsertCommand { mode, ..payload(JANE_ELSEWHERE) }).await;
        (answer.outcome.status, answer.outcome.review_id.is_some(), reviews(&fixture).await)
    };
    use OnPossible::{CreateAndReview, Hold};
    use UpsertMode::{CreateOrUpdate, UpdateOnly};
    assert_eq!(band(CreateAndReview, Channel::Api, CreateOrUpdate).await, (UpsertStatus::Created, true, 1));
    assert_eq!(band(Hold, Channel::Api, CreateOrUpdate).await, (UpsertStatus::Review, true, 1));
    assert_eq!(band(Hold, Channel::WebForm, CreateOrUpdate).await, (UpsertStatus::Created, true, 1));
    assert_eq!(band(CreateAndReview, Channel::Api, UpdateOnly).await, (UpsertStatus::Skipped, false, 0));
}

#[tokio::test]
async fn an_update_after_which_two_leads_are_alike_opens_a_review_and_unites_nothing() {
    let fixture = Fixture::new();
    let first = upsert(&fixture, payload(JANE)).await;
    let second = upsert(&fixture, payload("web: id=9 phone=+4930901820 first=Otto last=Quist")).await;
    assert_eq!(second.outcome.status, UpsertStatus::Created);
    let moved = upsert(&fixture, payload("web: id=9 first=Jane last=Papadimitrou city=Bonn")).await;
    assert_eq!((moved.outcome.status, moved.outcome.lead_id), (UpsertStatus::Updated, second.outcome.lead_id));
    let conflict = &moved.outcome.decision.conflicts[0];
    assert_eq!((conflict.tier, Some(conflict.lead_id)), (MatchTier::Fuzzy, first.outcome.lead_id));
    assert!(moved.outcome.review_id.is_some());
    let page = fixture.engine.list_reviews(&TenantId::default(), ReviewFilter::default(), 10, None).await;
    let opened = page.expect("reviews").items;
    assert_eq!(opened.len(), 1);
    let score = opened[0].score_thousandths;
    assert!((850..1_000).contains(&score), "as likely as the pair is, not as the update was sure: {score}");
}

#[tokio::test]
async fn an_update_that_takes_away_what_told_two_leads_apart_opens_a_review() {
    let fixture = Fixture::new();
    let person = |id: u32, mark: &str| {
        payload(&format!("crm: id={id} first=John last=Papadimitriou_{mark} company=Acme_Logistics city=Bonn"))
    };
    let junior = upsert(&fixture, person(1, "Jr")).await;
    let senior = upsert(&fixture, person(2, "Sr")).await;
    assert_eq!((senior.outcome.status, reviews(&fixture).await), (UpsertStatus::Created, 0));
    // No blocking key says which of the two generations it is.
    let changed = upsert(&fixture, person(2, "Jr")).await;
    assert_eq!((changed.outcome.status, changed.outcome.lead_id), (UpsertStatus::Updated, senior.outcome.lead_id));
    let doubles: Vec<_> = changed.outcome.decision.conflicts.iter().map(|conflict| conflict.lead_id).collect();
    assert_eq!(doubles, [junior.outcome.lead_id.expect("a lead")]);
    assert!(changed.outcome.review_id.is_some());
    assert_eq!(reviews(&fixture).await, 1);
}

#[tokio::test]
async fn previews_of_a_batch_find_each_other_by_likeness() {
    let fixture = Fixture::new();
    let mut batch = fixture.engine.begin_batch();
    let preview = |text: &str| UpsertCommand { validate_only: true, ..payload(text) };
    let first = batch.submit("r1".into(), preview(JANE));
    let second = batch.submit("r2".into(), preview(JANE_ELSEWHERE));
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.expect("an answer").outcome.status, UpsertStatus::Created);
    let second = second.expect("an answer");
    assert_eq!(second.outcome.status, UpsertStatus::Updated);
    assert_eq!(second.same_as_client_ref.as_deref(), Some("r1"));
    assert_eq!(fixture.engine.statistics().last_sequence, 0);
}

#[tokio::test]
async fn a_lead_that_is_only_linked_gets_ids_and_addresses_alone() {
    let fixture = Fixture::new();
    upsert(&fixture, payload(JANE)).await;
    let linked = upsert(&fixture, UpsertCommand { update_mode: UpdateMode::LinkOnly, ..payload(JANE_ELSEWHERE) }).await;
    assert_eq!(linked.outcome.status, UpsertStatus::Updated);
    assert_eq!(stored(&fixture, &linked).await.external_ids.len(), 2);
}

/// The lead, however often the engine says to come again.
async fn insist(fixture: &Fixture, command: UpsertCommand) -> Option<LeadId> {
    loop {
        match fixture.engine.upsert(command.clone()).await {
            Err(RequestError::Contention { .. }) => {}
            answer => return answer.expect("an answer").outcome.lead_id,
        }
    }
}

#[tokio::test]
async fn two_payloads_of_one_person_at_one_instant_make_one_lead() {
    for key_locks in [true, false] {
        let fixture = Arc::new(Fixture::with(|settings| settings.key_locks = key_locks));
        let meeting = Arc::new(Barrier::new(2));
        for number in 0..100 {
            // Each time in a tenant where there is nobody else.
            let tenant = TenantId::parse(&format!("t{number}")).expect("a tenant");
            let [one, other] = [JANE, JANE_ELSEWHERE].map(|text| {
                let command = UpsertCommand { tenant: tenant.clone(), ..payload(text) };
                let (fixture, meeting) = (Arc::clone(&fixture), Arc::clone(&meeting));
                // Threads of their own: tasks that wait for each other take turns on one.
                tokio::task::spawn_blocking(move || {
                    meeting.wait();
                    Handle::current().block_on(insist(&fixture, command))
                })
            });
            let (one, other) = (one.await.expect("no panic"), other.await.expect("no panic"));
            assert_eq!(one, other, "tenant {number}, locks {key_locks}");
        }
    }
}

#[tokio::test]
async fn a_name_alone_makes_no_lead_however_like_somebody_it_is() {
    let fixture = Fixture::new();
    upsert(&fixture, payload("crm: id=1 first=Elizabeth last=Papadimitriou company=Acme")).await;
    for _ in 0..2 {
        let named = upsert(&fixture, payload("web: first=Elizabeth last=Papadimitriou")).await;
        assert_eq!(named.outcome.status, UpsertStatus::Skipped);
        assert!(named.outcome.reasons.iter().any(|reason| reason.code == ReasonCode::NoUsableIdentifier));
    }
    assert_eq!(reviews(&fixture).await, 0);
}

#[tokio::test]
async fn a_name_that_is_held_in_one_piece_is_not_blank() {
    let fixture = Fixture::new();
    upsert(&fixture, payload("crm: id=1 email=jane@acme.com full=Jane_Doe")).await;
    let fill = UpsertCommand {
        update_mode: UpdateMode::FillBlanks,
        ..payload("web: email=jane@acme.com first=Max last=Power")
    };
    let filled = upsert(&fixture, fill).await;
    assert_eq!(filled.outcome.status, UpsertStatus::Unchanged);
    let withheld: Vec<_> =
        filled.outcome.withheld.iter().map(|withheld| (withheld.field.to_string(), withheld.reason)).collect();
    let not_blank = |field: &str| (field.to_owned(), ReasonCode::NotBlank);
    assert_eq!(withheld, [not_blank("first_name"), not_blank("last_name")]);
    assert_eq!(stored(&fixture, &filled).await.value(Field::LastName), None);
}
