//! `FindDuplicates`: groups as a stream, with progress, and from where it was broken off.

use leadgate::grpc::proto;
use leadgate::grpc::proto::find_duplicates_request::Scope;
use leadgate::grpc::proto::{FindDuplicatesRequest, FindDuplicatesResponse, MatchTier, UpsertMode, UpsertRequest};
use tonic::Code;

use super::{Server, refusal, request};

/// A person without any key, whom another record of hers is like.
fn person(last_name: &str, city: &str) -> proto::LeadInput {
    proto::LeadInput {
        first_name: Some("Jane".to_owned()),
        last_name: Some(last_name.to_owned()),
        company: Some(format!("{last_name} Logistics")),
        city: Some(city.to_owned()),
        ..proto::LeadInput::default()
    }
}

async fn found(server: &Server, asked: &FindDuplicatesRequest) -> Vec<FindDuplicatesResponse> {
    let mut stream = server.dedup().await.find_duplicates(asked.clone()).await.expect("a stream").into_inner();
    let mut found = Vec::new();
    while let Some(response) = stream.message().await.expect("a response") {
        found.push(response);
    }
    found
}

fn ids(responses: &[FindDuplicatesResponse]) -> Vec<&str> {
    responses.iter().map(|response| &*response.group_id).filter(|id| !id.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_leads_that_are_alike_come_with_what_was_compared_and_can_be_gone_on_with() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    for (name, city) in [("Papadimitriou", "Bonn"), ("Castellanos", "Ulm"), ("Dombrowska", "Kiel")].repeat(2) {
        let lead = person(name, city);
        let mode = UpsertMode::CreateDuplicate.into();
        client.upsert(UpsertRequest { mode, ..request(lead) }).await.expect("an answer");
    }
    let everything = Some(Scope::Everything(proto::Everything {}));
    let asked = FindDuplicatesRequest { scope: everything, ..FindDuplicatesRequest::default() };
    let whole = found(&server, &asked).await;
    assert_eq!(ids(&whole).len(), 3);
    let pair = &whole[0].pairs[0];
    assert_eq!((pair.matched_by(), whole[0].pairs.len()), (MatchTier::Fuzzy, 1));
    assert!(pair.comparisons.iter().any(|comparison| comparison.field == "last_name" && comparison.weight > 0.0));
    let progress = whole.last().and_then(|response| response.progress).expect("progress");
    assert_eq!((progress.compared, progress.total), (6, 6));
    for place in 0..whole.len() {
        let resumed = FindDuplicatesRequest { resume_token: whole[place].resume_token.clone(), ..asked.clone() };
        let rest = found(&server, &resumed).await;
        assert_eq!(ids(&rest), ids(&whole[place + 1..]), "after response {place}");
    }
    let other = FindDuplicatesRequest { min_score: Some(0.9), resume_token: whole[0].resume_token.clone(), ..asked };
    let refused = client.find_duplicates(other).await.expect_err("a token of another request");
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));

    let scope = Some(Scope::LeadId(whole[1].members[1].lead_id.clone()));
    let of_one = found(&server, &FindDuplicatesRequest { scope, ..FindDuplicatesRequest::default() }).await;
    assert_eq!((ids(&of_one), of_one[0].progress), (ids(&whole[1..2]), None));
}
