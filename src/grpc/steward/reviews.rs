//! `ListReviews`: what waits for a person, oldest first.

use std::sync::Arc;

use futures_util::future::try_join_all;
use jiff::Timestamp;

use crate::decision::review::{Review, ReviewKind, ReviewState};
use crate::domain::{Lead, SourceName};
use crate::engine::{Engine, LeadSelector, RequestError, ReviewFilter};
use crate::grpc::convert;
use crate::grpc::desk::Desk;
use crate::grpc::page::{filled, page_size};
use crate::grpc::proto;
use crate::grpc::status::Failure;
use crate::grpc::token::Sealer;
use crate::grpc::violation::{Rule, Violations};
use crate::store::LeadStore;

use super::{MOST_ON_A_PAGE, USUAL_PAGE};

/// A page of reviews.
pub(super) async fn list<S: LeadStore>(
    desk: &Desk<S>,
    mut request: proto::ListReviewsRequest,
) -> Result<proto::ListReviewsResponse, Failure> {
    let engine = desk.engine()?;
    let tenant = &desk.caller().tenant;
    let token = std::mem::take(&mut request.page_token);
    let size = page_size(std::mem::take(&mut request.page_size), USUAL_PAGE, MOST_ON_A_PAGE)?;
    let include_leads = request.include_leads;
    let sealer = Sealer::new("ListReviews", tenant, &request);
    let after = sealer.open(&token, "page_token")?;
    let Some(wanted) = wanted(request)? else { return Ok(proto::ListReviewsResponse::default()) };
    let fetch = |size, after| engine.list_reviews(tenant, wanted.filter.clone(), size, after);
    let page = filled(size, after, fetch, |review: &Arc<Review>| wanted.keeps(review)).await?;
    let mut reviews = Vec::with_capacity(page.items.len());
    for review in &page.items {
        let leads = if include_leads { leads_of(desk, &engine, review).await? } else { Vec::new() };
        reviews.push(convert::review(review, &leads));
    }
    let next_page_token = page.next.map(|cursor| sealer.seal(&cursor)).unwrap_or_default();
    Ok(proto::ListReviewsResponse { reviews, next_page_token })
}

/// The leads that a review concerns, as they stand.
async fn leads_of<S: LeadStore>(
    desk: &Desk<S>,
    engine: &Engine<S>,
    review: &Review,
) -> Result<Vec<Arc<Lead>>, RequestError> {
    let tenant = &desk.caller().tenant;
    let lookups = review.lead_ids.iter().map(|id| engine.get_lead(tenant, LeadSelector::LeadId(*id)));
    let found = try_join_all(lookups).await?;
    Ok(found.into_iter().flatten().map(|found| found.lead).collect())
}

/// What a request asks for: a filter of the engine's, and what is left for us.
struct Wanted {
    filter: ReviewFilter,
    sources: Vec<SourceName>,
    min_score: f64,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Wanted {
    fn keeps(&self, review: &Review) -> bool {
        (self.sources.is_empty() || self.sources.contains(&review.source))
            && f64::from(review.score_thousandths) / 1000.0 >= self.min_score
            && self.from.is_none_or(|from| review.create_time >= from)
            && self.to.is_none_or(|to| review.create_time < to)
    }
}

/// `None` where the filter lets nothing through that exists.
fn wanted(request: proto::ListReviewsRequest) -> Result<Option<Wanted>, Violations> {
    let proto::ListReviewsRequest {
        page_size: _,
        page_token: _,
        states,
        kinds,
        sources,
        lead_id,
        min_score,
        create_time_from,
        create_time_to,
        include_leads: _,
    } = request;
    let mut violations = Violations::default();
    if min_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        violations.add("min_score", Rule::InvalidValue, "must be between 0 and 1");
    }
    let states = states_of(&states, &mut violations);
    let kinds = kinds_of(&kinds, &mut violations);
    let sources: Vec<SourceName> =
        sources.iter().filter_map(|source| convert::source_name(source, "sources", &mut violations)).collect();
    let lead_id = convert::optional_lead_id(&lead_id, "lead_id", &mut violations);
    let from = convert::instant(create_time_from, "create_time_from", &mut violations);
    let to = convert::instant(create_time_to, "create_time_to", &mut violations);
    let source = if let [source] = &sources[..] { Some(source.clone()) } else { None };
    let wanted = states.zip(kinds).map(|(states, kinds)| Wanted {
        filter: ReviewFilter { kinds, states, lead_id, source },
        sources,
        min_score: min_score.unwrap_or_default(),
        from,
        to,
    });
    convert::unless_broken(Some(wanted), violations)
}

/// None means OPEN. `None` where only states are asked for that no review can be in yet.
fn states_of(numbers: &[i32], violations: &mut Violations) -> Option<Vec<ReviewState>> {
    let state = |number: &i32| match convert::known(*number, "states", violations) {
        proto::ReviewState::Unspecified | proto::ReviewState::Open => Some(ReviewState::Open),
        proto::ReviewState::Resolved => Some(ReviewState::Resolved),
        proto::ReviewState::Postponed | proto::ReviewState::Obsolete => None,
    };
    let states: Vec<_> = numbers.iter().filter_map(state).collect();
    match (numbers.is_empty(), states.is_empty()) {
        (true, _) => Some(vec![ReviewState::Open]),
        (false, true) => None,
        (false, false) => Some(states),
    }
}

/// None means any. `None` where only kinds are asked for that no review can have yet.
fn kinds_of(numbers: &[i32], violations: &mut Violations) -> Option<Vec<ReviewKind>> {
    let mut any = numbers.is_empty();
    let mut kinds = Vec::new();
    for number in numbers {
        match convert::known(*number, "kinds", violations) {
            proto::ReviewKind::Unspecified => any = true,
            // Two leads that one payload points at are a pair that could be the same.
            proto::ReviewKind::PossibleDuplicate | proto::ReviewKind::Conflict => {
                kinds.push(ReviewKind::PossibleDuplicate);
            }
            proto::ReviewKind::ParkedPayload => kinds.push(ReviewKind::ParkedPayload),
            proto::ReviewKind::BulkOverwrite => kinds.push(ReviewKind::BulkOverwrite),
            proto::ReviewKind::JudgementContradicted => {}
        }
    }
    if any {
        return Some(Vec::new());
    }
    (!kinds.is_empty()).then_some(kinds)
}
