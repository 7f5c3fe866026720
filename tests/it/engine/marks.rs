//! What likeness added to a lead, marked until it is confirmed.

use leadgate::decision::outcome::UpsertStatus;
use leadgate::decision::tier::MatchTier;
use leadgate::domain::LinkedBy;
use leadgate::engine::Answer;

use super::Fixture;
use super::likeness::{JANE, JANE_ELSEWHERE, reviews, stored, upsert};
use super::payloads::payload;

#[tokio::test]
async fn what_likeness_added_says_nothing_until_its_source_confirms_it() {
    let fixture = Fixture::new();
    let created = upsert(&fixture, payload(JANE)).await;
    upsert(&fixture, payload(JANE_ELSEWHERE)).await;
    // Like the second by the phone alone, which only likeness linked to the first.
    let third = upsert(&fixture, payload("list: id=5 phone=+4930901821 first=J. last=Papadimitrou")).await;
    assert_eq!(third.outcome.status, UpsertStatus::Created);
    let confirmed = upsert(&fixture, payload("web: id=77 email=jane@acme.com phone=+4930901820")).await;
    assert_eq!(confirmed.outcome.lead_id, created.outcome.lead_id);
    assert_eq!(confirmed.outcome.status, UpsertStatus::Updated);
    let lead = stored(&fixture, &confirmed).await;
    assert!(lead.external_ids.iter().all(|linked| linked.linked_by == LinkedBy::Exact));
    assert!(lead.phones.iter().all(|phone| phone.linked_by == LinkedBy::Exact));
}

#[tokio::test]
async fn what_likeness_added_holds_nobody_up_who_sends_it_again() {
    let fixture = Fixture::new();
    let created =
        upsert(&fixture, payload("crm: id=1 first=Anna last=Garcia-Lopez company=Acme born=1962-03-03")).await;
    let married = "web: phone=+14155552009 first=Anna last=van_der_Berg company=Acme born=1962-03-03";
    let found = upsert(&fixture, payload(married)).await;
    assert_eq!((found.outcome.status, found.outcome.lead_id), (UpsertStatus::Updated, created.outcome.lead_id));
    let again = upsert(&fixture, payload(married)).await;
    assert_eq!((again.outcome.status, again.outcome.lead_id), (UpsertStatus::Unchanged, created.outcome.lead_id));
    assert_eq!(reviews(&fixture).await, 0);
}

#[tokio::test]
async fn a_mark_is_taken_away_by_neither_a_shared_mailbox_nor_another_system() {
    let fixture = Fixture::new();
    upsert(&fixture, payload("crm: id=1 email=info@acme.com first=Jane last=Papadimitriou company=Acme city=Bonn"))
        .await;
    let elsewhere = "web: id=7 email=info@acme.com first=Jayne last=Papadimitrou company=Acme city=Bonn";
    let marked = async |answer: &Answer| {
        let lead = stored(&fixture, answer).await;
        lead.external_ids.iter().filter(|linked| linked.linked_by == LinkedBy::Fuzzy).count()
    };
    let found = upsert(&fixture, payload(elsewhere)).await;
    assert_eq!((found.outcome.decision.matched_by, marked(&found).await), (Some(MatchTier::Fuzzy), 1));
    let again = upsert(&fixture, payload(elsewhere)).await;
    assert_eq!((again.outcome.status, marked(&again).await), (UpsertStatus::Unchanged, 1));
    let other = upsert(&fixture, payload("crm: id=1 id.web=7")).await;
    assert_eq!(marked(&other).await, 1, "the web has not confirmed what it calls her");
}
