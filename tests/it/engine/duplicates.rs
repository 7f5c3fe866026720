//! Finding duplicates: by keys and by likeness, for one lead and over everything.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use leadgate::decision::command::{UpsertCommand, UpsertMode};
use leadgate::decision::review::{Review, ReviewState};
use leadgate::decision::rows::{ChangeSet, Row, RowKey, RowWrite, SequencedChangeSet};
use leadgate::decision::tier::MatchTier;
use leadgate::domain::{LeadId, TenantId};
use leadgate::engine::{DuplicateEvent, DuplicateGroup, DuplicateQuery, DuplicateScope, RequestError, ReviewFilter};
use leadgate::store::{EmbeddedStore, StoreOptions};

use super::Fixture;
use super::payloads::{payload, source};
use super::waiting::{halted, is_pending};

const JANE: &str = "crm: id=1 email=jane@acme.com first=Jane last=Papadimitriou company=Acme_Logistics city=Bonn";
const JANE_AGAIN: &str =
    "web: id=2 phone=+4930901820 first=Jayne last=Papadimitrou company=ACME_Logistics_GmbH city=Bonn";
const OTHER: &str = "crm: id=9 email=otto@zeta.de first=Otto last=Quist company=Zeta city=Ulm";

/// Makes a lead of each, whoever is there already.
async fn made(fixture: &Fixture, payloads: &[&str]) -> Vec<LeadId> {
    let mut made = Vec::new();
    for text in payloads {
        let command = UpsertCommand { mode: UpsertMode::CreateDuplicate, ..payload(text) };
        let answer = fixture.engine.upsert(command).await.expect("an answer");
        made.push(answer.outcome.lead_id.expect("a lead"));
    }
    made
}

fn everything() -> DuplicateQuery {
    let scope = DuplicateScope::Everything;
    DuplicateQuery { scope, min_score: 0.85, tiers: Vec::new(), update_time_after: None, resume: None }
}

fn around(lead_id: LeadId) -> DuplicateQuery {
    DuplicateQuery { scope: DuplicateScope::Lead(lead_id), ..everything() }
}

fn search(
    fixture: &Fixture,
    query: DuplicateQuery,
) -> impl Stream<Item = Result<DuplicateEvent, RequestError>> + Send + use<> {
    fixture.engine.find_duplicates(TenantId::default(), query)
}

async fn events(fixture: &Fixture, query: DuplicateQuery) -> Vec<DuplicateEvent> {
    search(fixture, query).map(|event| event.expect("an event")).collect().await
}

async fn groups(fixture: &Fixture, query: DuplicateQuery) -> Vec<DuplicateGroup> {
    events(fixture, query).await.into_iter().filter_map(|event| event.group).collect()
}

fn members(groups: &[DuplicateGroup]) -> Vec<BTreeSet<LeadId>> {
    groups.iter().map(|group| group.members.iter().map(|lead| lead.lead_id).collect()).collect()
}

fn set(ids: &[LeadId]) -> BTreeSet<LeadId> {
    ids.iter().copied().collect()
}

/// Pairs of leads of different people: every two of one person, and nobody else.
fn pairs_of_people(people: usize) -> Vec<String> {
    let names =
        ["Abernathy", "Brzezinski", "Castellanos", "Dombrowska", "Eriksson", "Fitzgerald", "Grigorescu", "Hakkinen"];
    let one = |person: usize| {
        let (name, row) = (names[person % names.len()], person / names.len());
        [
            format!(
                "crm: id={person} first=Maria last={name} company={name}_{row}_Trading email=m{person}@t{person}.com"
            ),
            format!(
                "web: id={person} first=Maria last={name} company={name}_{row}_Trading email=m{person}@t{person}.com"
            ),
        ]
    };
    (0..people).flat_map(one).collect()
}

#[tokio::test]
async fn leads_that_are_only_alike_are_found_for_one_and_over_everything() {
    let fixture = Fixture::new();
    let ids = made(&fixture, &[JANE, JANE_AGAIN, OTHER]).await;
    for query in [everything(), around(ids[0]), around(ids[1])] {
        let found = groups(&fixture, query).await;
        assert_eq!(members(&found), [set(&ids[..2])]);
        let pair = &found[0].pairs[0];
        assert_eq!((pair.lead_id_a, pair.lead_id_b, pair.matched_by), (ids[0], ids[1], MatchTier::Fuzzy));
        assert!(pair.score >= 0.85 && found[0].weakest_score <= pair.score, "{}", pair.score);
        let name = pair.comparisons.iter().find(|comparison| comparison.field == "last_name").expect("compared");
        assert_eq!((&*name.incoming, &*name.existing), ("Papadimitriou", "Papadimitrou"));
    }
    assert!(groups(&fixture, around(ids[2])).await.is_empty());
}

#[tokio::test]
async fn two_functions_of_a_company_that_answer_one_phone_are_no_pair() {
    let fixture = Fixture::new();
    let sales = "crm: id=1 email=sales@zort.com phone=+4930901820 company=Zort_Labs";
    let ids = made(&fixture, &[sales, &sales.replace("sales", "billing").replace("id=1", "id=2")]).await;
    assert!(groups(&fixture, everything()).await.is_empty());
    assert!(groups(&fixture, around(ids[0])).await.is_empty());
    let again = made(&fixture, &[&sales.replace("id=1", "id=3")]).await;
    assert_eq!(members(&groups(&fixture, everything()).await), [set(&[ids[0], again[0]])]);
}

#[tokio::test]
async fn a_key_in_common_names_the_pair_and_the_tiers_asked_for_decide() {
    let fixture = Fixture::new();
    let again = "web: id=2 phone=+4930901820 first=Jane last=Papadimitriou company=Acme_Logistics city=Bonn";
    let briefly = "list: id=3 email=jane@acme.com phone=+4930901820 first=J. last=Papadimitriou";
    let ids = made(&fixture, &[JANE, again, briefly]).await;
    let all = groups(&fixture, everything()).await;
    assert_eq!(members(&all), [set(&ids)]);
    let tiers: Vec<_> = all[0].pairs.iter().map(|pair| (pair.lead_id_a, pair.lead_id_b, pair.matched_by)).collect();
    let by = |a: usize, b: usize, tier| (ids[a], ids[b], tier);
    assert_eq!(tiers, [by(0, 1, MatchTier::Fuzzy), by(0, 2, MatchTier::Email), by(1, 2, MatchTier::Phone)]);
    for (tier, expected) in [
        (MatchTier::Email, vec![set(&[ids[0], ids[2]])]),
        (MatchTier::Phone, vec![set(&[ids[1], ids[2]])]),
        (MatchTier::ExternalId, vec![]),
    ] {
        let query = DuplicateQuery { tiers: vec![tier], ..everything() };
        assert_eq!(members(&groups(&fixture, query).await), expected, "{tier:?}");
    }
    let surer = DuplicateQuery { min_score: 0.95, tiers: vec![MatchTier::Phone], ..everything() };
    assert!(groups(&fixture, surer).await.is_empty());
}

#[tokio::test]
async fn who_may_be_either_bearer_of_a_name_is_grouped_with_neither() {
    let fixture = Fixture::new();
    let ids = made(
        &fixture,
        &[
            "crm: id=1 email=jane@acme.com first=Jane last=Papadimitriou company=Acme_Logistics",
            "web: id=2 email=papa@web.example first=Jane last=Papadimitriou company=Acme_Logistics",
        ],
    )
    .await;
    assert_eq!(members(&groups(&fixture, everything()).await), [set(&ids)]);
    let second = "crm: id=3 email=jane2@acme.com first=Jane last=Papadimitriou company=Acme_Logistics";
    made(&fixture, &[second]).await;
    assert!(groups(&fixture, everything()).await.is_empty());
}

#[tokio::test]
async fn a_chain_whose_ends_contradict_each_other_is_no_group() {
    let fixture = Fixture::new();
    // Two numbered mailboxes of one name and company, and one without a mailbox that fits both.
    let ids = made(
        &fixture,
        &[
            "crm: id=1 email=jane.papadimitriou1@acme.com first=Jane last=Papadimitriou company=Acme_Logistics",
            "crm: id=2 email=jane.papadimitriou2@acme.com first=Jane last=Papadimitriou company=Acme_Logistics",
            "web: id=3 first=Jane last=Papadimitriou company=Acme_Logistics",
        ],
    )
    .await;
    let all = members(&groups(&fixture, everything()).await);
    let meet = |group: &BTreeSet<LeadId>| group.contains(&ids[0]) && group.contains(&ids[1]);
    assert!(!all.iter().any(meet), "{all:?}");
    let of_third = members(&groups(&fixture, around(ids[2])).await);
    assert_eq!(of_third.len(), 1, "whoever asks for the third is told one that fits it");
    assert!(!of_third.iter().any(meet), "{of_third:?}");
}

#[tokio::test]
async fn what_a_person_told_apart_is_no_pair() {
    // Every match is in the review band, so that the second opens a review.
    let fixture = Fixture::with(|settings| settings.policy.match_threshold = 1.0);
    for text in [JANE, JANE_AGAIN] {
        fixture.engine.upsert(payload(text)).await.expect("an answer");
    }
    assert_eq!(groups(&fixture, everything()).await.len(), 1);
    let page = fixture.engine.list_reviews(&TenantId::default(), ReviewFilter::default(), 10, None).await;
    let review = page.expect("reviews").items.pop().expect("a review");
    let fixture = fixture.reopen_after(|folder| answer(folder, &review)).await;
    for query in [everything(), around(review.lead_ids[0])] {
        assert!(groups(&fixture, query).await.is_empty());
    }
}

/// Writes that a review was answered, as there is no way to say so yet.
fn answer(folder: &Path, review: &Review) {
    let store = EmbeddedStore::open(&folder.join("store"), StoreOptions::default()).expect("a store");
    let answered = Review { state: ReviewState::Resolved, ..review.clone() };
    let key = RowKey::review(&TenantId::default(), review.review_id);
    let writes = vec![RowWrite { key, row: Some(Row::Review(Arc::new(answered))) }];
    let changes = ChangeSet { writes, ..ChangeSet::default() };
    let sequence = store.view().position().sequence + 1;
    store
        .blocking_commit(&[SequencedChangeSet { sequence, feed_position: None, changes: Arc::new(changes) }])
        .expect("written");
}

#[tokio::test]
async fn where_too_many_hang_together_only_the_stronger_pairs_count() {
    let fixture = Fixture::new();
    // Each shares an address with the next. Every second pair has a name on one side only.
    let chain: Vec<String> = (0..510)
        .map(|number| {
            let name = if number / 2 % 2 == 0 { "first=Jane last=Doe" } else { "" };
            format!("crm: id={number} email=a{number}@x.com email=a{}@x.com {name}", number + 1)
        })
        .collect();
    let ids = made(&fixture, &chain.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let found = groups(&fixture, DuplicateQuery { tiers: vec![MatchTier::Email], ..everything() }).await;
    let expected: Vec<_> = ids.chunks(2).map(set).collect();
    assert_eq!(members(&found), expected);
}

#[tokio::test]
async fn a_search_goes_on_from_any_token_with_exactly_the_rest() {
    let fixture = Fixture::new();
    let payloads = pairs_of_people(12);
    made(&fixture, &payloads.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let whole = events(&fixture, everything()).await;
    let found: Vec<_> = whole.iter().filter_map(|event| event.group.clone()).collect();
    assert_eq!(found.len(), 12);
    assert_eq!(found.iter().map(|group| group.members.len()).sum::<usize>(), 24);
    let last = whole.last().expect("an end");
    assert_eq!((last.compared, last.total, last.group.is_none()), (24, 24, true));
    for (place, event) in whole.iter().enumerate() {
        let rest = events(&fixture, DuplicateQuery { resume: Some(event.resume.clone()), ..everything() }).await;
        let rest_of = |events: &[DuplicateEvent]| {
            let groups: Vec<_> = events.iter().filter_map(|event| event.group.clone()).collect();
            (members(&groups), events.last().map(|event| (event.compared, event.total)))
        };
        let expected = (rest_of(&whole[place + 1..]).0, Some((24, 24)));
        assert_eq!(rest_of(&rest), expected, "after event {place}");
    }
}

#[tokio::test]
async fn writes_in_the_middle_of_a_search_do_not_disturb_it() {
    let fixture = Fixture::new();
    let payloads = pairs_of_people(8);
    let ids = made(&fixture, &payloads.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut found = pin!(search(&fixture, everything()));
    let first = found.next().await.expect("an event").expect("a group").group.expect("the first group");
    assert_eq!(members(&[first]), [set(&ids[..2])], "it comes before the end");
    // A third of the last person, and somebody else in the place of one of the second.
    let third = payloads[14].replace("crm:", "list:");
    made(&fixture, &[&third, OTHER]).await;
    let moved = payload("web: id=1 first=Otto last=Quist company=Zeta city=Ulm");
    fixture.engine.upsert(moved).await.expect("an answer");
    // Until the index has taken it over.
    while fixture.engine.statistics().index_overlay > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let rest: Vec<DuplicateEvent> = found.map(|event| event.expect("an event")).collect().await;
    let groups: Vec<_> = rest.iter().filter_map(|event| event.group.clone()).collect();
    let expected: Vec<_> = ids[2..].chunks(2).map(set).collect();
    assert_eq!(members(&groups), expected);
    assert!(rest.iter().all(|event| event.total == 16));
    assert_eq!(rest.last().map(|event| event.compared), Some(16));
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_compared_as_they_are_durable() {
    let (fixture, release) = halted();
    (0..2).for_each(|_| release.send(()).expect("a commit goes through"));
    let ids = made(&fixture, &[JANE, JANE_AGAIN]).await;
    let mut changed = pin!(fixture.engine.upsert(payload("web: id=2 first=Otto last=Quist city=Ulm")));
    assert!(is_pending(changed.as_mut()).await);
    let scores = |found: Vec<DuplicateGroup>| found.iter().map(|group| group.weakest_score).collect::<Vec<_>>();
    let durable = scores(groups(&fixture, around(ids[1])).await);
    assert_eq!(durable.len(), 1);
    for query in [around(ids[0]), everything()] {
        assert_eq!(scores(groups(&fixture, query).await), durable);
    }
    drop(release);
    changed.await.expect("an answer");
    assert!(groups(&fixture, around(ids[0])).await.is_empty());
}

#[tokio::test]
async fn a_search_that_finds_nothing_says_how_far_it_is() {
    const LEADS: u64 = 4_200;
    let fixture = Fixture::new();
    let mut batch = fixture.engine.begin_batch();
    let payloads = (0..LEADS).map(|number| payload(&format!("crm: id={number}")));
    let made: Vec<_> = payloads.map(|payload| batch.submit("".into(), payload)).collect();
    futures_util::future::try_join_all(made).await.expect("answers");
    let told: Vec<_> = events(&fixture, everything()).await;
    let progress: Vec<_> = told.iter().map(|event| (event.compared, event.total, event.group.is_some())).collect();
    assert_eq!(progress, [(4_096, LEADS, false), (LEADS, LEADS, false)]);
    let rest = events(&fixture, DuplicateQuery { resume: Some(told[0].resume.clone()), ..everything() }).await;
    assert_eq!(rest.iter().map(|event| (event.compared, event.total)).collect::<Vec<_>>(), [(LEADS, LEADS)]);
}

#[tokio::test]
async fn groups_are_disjoint_and_the_same_wherever_the_index_holds_the_leads() {
    let fixture = Fixture::new();
    let firsts = ["Jane", "Jayne", "J.", "Otto", "Maria", "Marie"];
    let lasts = ["Papadimitriou", "Papadimitrou", "Doe", "Dohe", "Castellanos"];
    let companies = ["Acme_Logistics", "ACME_Logistics_GmbH", "Zeta", "Zeta_Trading"];
    let payloads: Vec<String> = (0..120_usize)
        .map(|number| {
            // Steps that have little to do with each other, so that most combinations come.
            let (first, last) = (firsts[number * 7 % 6], lasts[number * 11 / 3 % 5]);
            let (company, email) = (companies[number * 5 / 2 % 4], number * number % 61);
            format!("crm: id={number} first={first} last={last} company={company} email=p{email}@x{email}.com")
        })
        .collect();
    made(&fixture, &payloads.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let recent = members(&groups(&fixture, everything()).await);
    let mut seen = BTreeSet::new();
    assert!(recent.iter().flatten().all(|lead_id| seen.insert(*lead_id)), "a lead is in two groups");
    assert!(recent.len() > 5 && recent.iter().all(|group| group.len() > 1), "{}", recent.len());
    let fixture = fixture.reopen().await;
    // So few leads have no table of how common values are, which would weigh them anew.
    assert_eq!(members(&groups(&fixture, everything()).await), recent);
}

#[tokio::test]
async fn searches_through_all_leads_are_few_at_once() {
    let fixture = Fixture::new();
    let ids = made(&fixture, &[JANE, JANE_AGAIN, OTHER]).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut search = Box::pin(search(&fixture, everything()));
        search.next().await.expect("an event").expect("a group");
        open.push(search);
    }
    let refused = search(&fixture, everything()).boxed().next().await.expect("an answer");
    assert!(matches!(refused, Err(RequestError::Overloaded { .. })), "{refused:?}");
    assert_eq!(groups(&fixture, around(ids[0])).await.len(), 1, "one lead is always looked at");
    open.pop();
    assert_eq!(groups(&fixture, everything()).await.len(), 1);
    assert_eq!(groups(&fixture, everything()).await.len(), 1, "a search that has ended holds no place");
}

#[tokio::test]
async fn only_groups_that_changed_since_are_told() {
    let fixture = Fixture::new();
    let payloads = pairs_of_people(2);
    let ids = made(&fixture, &payloads.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let changed = fixture.engine.upsert(payload("crm: id=1 city=Kiel")).await.expect("an answer");
    assert_eq!(changed.outcome.lead_id, Some(ids[2]));
    let time = changed.outcome.lead.expect("the lead").update_time;
    let since = |time| DuplicateQuery { update_time_after: Some(time), ..everything() };
    let before = time.checked_sub(jiff::SignedDuration::from_nanos(1_000)).expect("a time");
    assert_eq!(members(&groups(&fixture, since(before)).await), [set(&ids[2..])]);
    assert!(groups(&fixture, since(time)).await.is_empty());
}

#[tokio::test]
async fn several_records_of_one_system_are_told_with_their_merge() {
    let fixture = Fixture::new();
    for text in ["crm: id=a email=ann@x.com", "crm: id=b email=ann@x.com", "web: id=c email=ann@x.com", OTHER] {
        fixture.engine.upsert(payload(text)).await.expect("an answer");
    }
    let of = |name: &str| DuplicateQuery { scope: DuplicateScope::RecordsOfSource(source(name)), ..everything() };
    let found = events(&fixture, of("crm")).await;
    let merge = &found[0].group.as_ref().expect("a group").record_merges[0];
    assert_eq!((&*merge.survivor_external_id, &merge.loser_external_ids[..]), ("a", &["b".into()][..]));
    assert_eq!(found.len(), 2, "a group and the end");
    assert_eq!((found[1].compared, found[1].total), (2, 2));
    let rest = DuplicateQuery { resume: Some(found[0].resume.clone()), ..of("crm") };
    assert!(groups(&fixture, rest).await.is_empty());
    assert!(groups(&fixture, of("web")).await.is_empty());
}
