//! What people look at: search, reviews, dead letters, the audit log, duplicates.

use leadgate::grpc::proto;
use leadgate::grpc::proto::find_duplicates_request::Scope;
use leadgate::grpc::proto::{DeadLetterKind, ReviewKind, UpsertMode, UpsertRequest, UpsertStatus};
use tonic::Code;

use super::{Server, ann, refusal, request, with_email};

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_searched_for_the_moment_its_upsert_was_answered() {
    let server = Server::start().await;
    let (mut client, mut steward) = (server.dedup().await, server.steward().await);
    for index in 0..5 {
        let lead = proto::LeadInput {
            last_name: Some("Papadimitriou".to_owned()),
            ..with_email(&format!("p{index}@example.com"))
        };
        client.upsert(request(lead)).await.expect("an answer");
    }
    let mut asked = proto::SearchLeadsRequest { query: "papadim".to_owned(), page_size: 2, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = steward.search_leads(asked.clone()).await.expect("a page").into_inner();
        assert!(page.leads.len() <= 2);
        found.extend(page.leads.into_iter().map(|lead| lead.lead_id));
        if page.next_page_token.is_empty() {
            break;
        }
        asked.page_token = page.next_page_token;
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 5);
    let changed = proto::SearchLeadsRequest { query: "smith".to_owned(), ..asked };
    if !changed.page_token.is_empty() {
        let refused = steward.search_leads(changed).await.expect_err("another filter");
        assert_eq!(refusal(&refused), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_payload_and_a_dead_letter_can_be_seen_whole() {
    let server = Server::start().await;
    let (mut client, mut steward) = (server.dedup().await, server.steward().await);
    client.upsert(request(with_email("shared@example.com"))).await.expect("an answer");
    let duplicate =
        UpsertRequest { mode: UpsertMode::CreateDuplicate.into(), ..request(with_email("shared@example.com")) };
    client.upsert(duplicate).await.expect("an answer");
    let parked = client.upsert(request(with_email("shared@example.com"))).await.expect("an answer").into_inner();
    assert_eq!(parked.status(), UpsertStatus::Review);
    let asked = proto::ListReviewsRequest { include_leads: true, ..proto::ListReviewsRequest::default() };
    let reviews = steward.list_reviews(asked).await.expect("a page").into_inner().reviews;
    let review = reviews.iter().find(|review| review.review_id == parked.review_id).expect("the review");
    assert_eq!(review.kind(), ReviewKind::ParkedPayload);
    let payload = review.payload.as_ref().expect("the payload").request.as_ref().expect("the request");
    assert_eq!(payload.lead, Some(with_email("shared@example.com")));
    assert_eq!(review.candidates.len(), 2);
    assert!(review.candidates.iter().all(|candidate| candidate.lead.is_some()));

    let nothing = proto::LeadInput { title: Some("Boss".to_owned()), ..proto::LeadInput::default() };
    let skipped = client.upsert(request(nothing.clone())).await.expect("an answer").into_inner();
    assert_eq!(skipped.status(), UpsertStatus::Skipped);
    let asked = |kind: DeadLetterKind, source: &str| proto::ListDeadLettersRequest {
        kinds: vec![kind.into()],
        sources: vec![source.to_owned()],
        ..proto::ListDeadLettersRequest::default()
    };
    let letters = steward.list_dead_letters(asked(DeadLetterKind::NoUsableIdentifier, "crm")).await;
    let letters = letters.expect("a page").into_inner().dead_letters;
    assert_eq!(letters.len(), 1);
    let request = letters[0].payload.clone().expect("the payload").request.expect("the request");
    assert_eq!(request.lead, Some(nothing));
    for asked in [asked(DeadLetterKind::CrmWrite, "crm"), asked(DeadLetterKind::NoUsableIdentifier, "other")] {
        assert!(steward.list_dead_letters(asked).await.expect("a page").into_inner().dead_letters.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_paged_oldest_first() {
    let server = Server::start().await;
    let (mut client, mut steward) = (server.dedup().await, server.steward().await);
    for index in 0..7 {
        let nobody = proto::LeadInput { title: Some(format!("Boss {index}")), ..proto::LeadInput::default() };
        client.upsert(request(nobody)).await.expect("an answer");
    }
    let mut asked = proto::ListDeadLettersRequest { page_size: 2, ..proto::ListDeadLettersRequest::default() };
    let mut titles = Vec::new();
    loop {
        let page = steward.list_dead_letters(asked.clone()).await.expect("a page").into_inner();
        assert!(page.dead_letters.len() <= 2);
        for letter in page.dead_letters {
            let lead = letter.payload.and_then(|payload| payload.request?.lead).expect("a lead");
            titles.extend(lead.title);
        }
        if page.next_page_token.is_empty() {
            break;
        }
        asked.page_token = page.next_page_token;
    }
    assert_eq!(titles, (0..7).map(|index| format!("Boss {index}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_paged_newest_first_and_filtered() {
    let server = Server::start().await;
    let (mut client, mut steward) = (server.dedup().await, server.steward().await);
    for index in 0..7 {
        client.upsert(request(with_email(&format!("p{index}@example.com")))).await.expect("an answer");
    }
    let updated =
        client.upsert(request(proto::LeadInput { title: Some("CEO".to_owned()), ..with_email("p3@example.com") }));
    let lead_id = updated.await.expect("an answer").into_inner().lead_id;
    let mut asked = proto::ListDecisionsRequest { page_size: 3, ..proto::ListDecisionsRequest::default() };
    let mut positions = Vec::new();
    loop {
        let page = steward.list_decisions(asked.clone()).await.expect("a page").into_inner();
        positions.extend(page.decisions.iter().map(|event| event.position));
        if page.next_page_token.is_empty() {
            break;
        }
        asked.page_token = page.next_page_token;
    }
    assert_eq!(positions, [8, 7, 6, 5, 4, 3, 2, 1]);
    let about = proto::ListDecisionsRequest {
        lead_id,
        statuses: vec![UpsertStatus::Updated.into()],
        ..proto::ListDecisionsRequest::default()
    };
    let events = steward.list_decisions(about).await.expect("a page").into_inner().decisions;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].changed_fields.clone().expect("changed fields").paths, ["title"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_share_a_key_are_a_group() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let one = client.upsert(request(ann())).await.expect("an answer").into_inner();
    let duplicate = UpsertRequest { mode: UpsertMode::CreateDuplicate.into(), ..request(ann()) };
    let two = client.upsert(duplicate).await.expect("an answer").into_inner();
    client.upsert(request(with_email("bob@example.com"))).await.expect("an answer");
    for scope in [Scope::Everything(proto::Everything {}), Scope::LeadId(two.lead_id.clone())] {
        let asked = proto::FindDuplicatesRequest { scope: Some(scope), ..Default::default() };
        let mut found = client.find_duplicates(asked).await.expect("a stream").into_inner();
        let mut groups = Vec::new();
        while let Some(response) = found.message().await.expect("a response") {
            if !response.group_id.is_empty() {
                groups.push(response);
            }
        }
        assert_eq!(groups.len(), 1);
        let mut members: Vec<_> = groups[0].members.iter().map(|member| member.lead_id.clone()).collect();
        members.sort();
        let mut expected = [one.lead_id.clone(), two.lead_id.clone()];
        expected.sort();
        assert_eq!(members, expected);
    }
    for (scope, min_score, code, reason) in [
        (None, None, Code::InvalidArgument, "INVALID_VALUE"),
        (Some(Scope::Everything(proto::Everything {})), Some(f64::NAN), Code::InvalidArgument, "INVALID_VALUE"),
        (Some(Scope::LeadId("0190a6e2-0000-7000-8000-000000000001".into())), None, Code::NotFound, "LEAD_NOT_FOUND"),
    ] {
        let asked = proto::FindDuplicatesRequest { scope, min_score, ..Default::default() };
        let refused = client.find_duplicates(asked).await.expect_err("a refusal");
        assert_eq!(refusal(&refused), (code, reason.to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_later_says_so() {
    let server = Server::start().await;
    let mut steward = server.steward().await;
    let refused = [
        steward.merge_leads(proto::MergeLeadsRequest::default()).await.map(drop),
        steward.unmerge_lead(proto::UnmergeLeadRequest::default()).await.map(drop),
        steward.split_lead(proto::SplitLeadRequest::default()).await.map(drop),
        steward.resolve_review(proto::ResolveReviewRequest::default()).await.map(drop),
        steward.explain_decision(proto::ExplainDecisionRequest::default()).await.map(drop),
        steward.replay_dead_letter(proto::ReplayDeadLetterRequest::default()).await.map(drop),
        steward.delete_lead(proto::DeleteLeadRequest::default()).await.map(drop),
        steward.undelete_lead(proto::UndeleteLeadRequest::default()).await.map(drop),
        steward.erase_lead(proto::EraseLeadRequest::default()).await.map(drop),
    ];
    for answer in refused {
        let status = answer.expect_err("not yet");
        assert_eq!(refusal(&status), (Code::Unimplemented, "NOT_YET_AVAILABLE".to_owned()));
    }
}
