//! `ListDecisions`: the audit log, newest first.

use crate::domain::SourceName;
use crate::engine::{DecisionFilter, FeedItem};
use crate::grpc::convert;
use crate::grpc::desk::Desk;
use crate::grpc::page::{filled, page_size};
use crate::grpc::proto;
use crate::grpc::status::Failure;
use crate::grpc::token::Sealer;
use crate::grpc::violation::{Rule, Violations};
use crate::store::LeadStore;

use super::{MOST_ON_A_PAGE, USUAL_PAGE};

/// A page of the audit log.
pub(super) async fn list<S: LeadStore>(
    desk: &Desk<S>,
    mut request: proto::ListDecisionsRequest,
) -> Result<proto::ListDecisionsResponse, Failure> {
    let engine = desk.engine()?;
    let tenant = &desk.caller().tenant;
    let token = std::mem::take(&mut request.page_token);
    let size = page_size(std::mem::take(&mut request.page_size), USUAL_PAGE, MOST_ON_A_PAGE)?;
    let sealer = Sealer::new("ListDecisions", tenant, &request);
    let after = sealer.open(&token, "page_token")?;
    if !request.request_id.is_empty() {
        return Err(Failure::NotYetAvailable("finding a decision by its request_id"));
    }
    let Some(wanted) = wanted(request)? else { return Ok(proto::ListDecisionsResponse::default()) };
    let fetch = |size, after| engine.list_decisions(tenant, wanted.filter.clone(), size, after);
    let page = filled(size, after, fetch, |item: &FeedItem| wanted.keeps(item)).await?;
    let policy = engine.policy();
    Ok(proto::ListDecisionsResponse {
        decisions: page.items.iter().map(|item| convert::decision_event(item, &[], None, &policy)).collect(),
        next_page_token: page.next.map(|cursor| sealer.seal(&cursor)).unwrap_or_default(),
    })
}

/// What a request asks for: a filter of the engine's, and what is left for us.
struct Wanted {
    filter: DecisionFilter,
    kinds: Vec<proto::DecisionEventKind>,
    sources: Vec<SourceName>,
    matched_by: Vec<crate::decision::tier::MatchTier>,
    reason_codes: Vec<String>,
    review_id: Option<crate::domain::ReviewId>,
}

impl Wanted {
    fn keeps(&self, item: &FeedItem) -> bool {
        let event = &item.entry.event;
        let (kind, _) = convert::kind_and_status(event.kind);
        let has_reason = |code: &String| event.reasons.iter().any(|reason| reason.code.as_str() == code);
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.sources.is_empty() || self.sources.contains(&event.source))
            && (self.matched_by.is_empty() || event.matched_by.is_some_and(|tier| self.matched_by.contains(&tier)))
            && (self.reason_codes.is_empty() || self.reason_codes.iter().any(has_reason))
            && self.review_id.is_none_or(|review_id| event.review_id == Some(review_id))
    }
}

/// `None` where the filter lets nothing through that exists.
fn wanted(request: proto::ListDecisionsRequest) -> Result<Option<Wanted>, Violations> {
    let proto::ListDecisionsRequest {
        page_size: _,
        page_token: _,
        lead_id,
        kinds,
        sources,
        actors,
        statuses,
        matched_by,
        reason_codes,
        request_id: _,
        review_id,
        event_time_from,
        event_time_to,
    } = request;
    let mut violations = Violations::default();
    let mut kinds: Vec<proto::DecisionEventKind> =
        kinds.into_iter().map(|number| convert::known(number, "kinds", &mut violations)).collect();
    if kinds.contains(&proto::DecisionEventKind::Unspecified) {
        kinds.clear();
    }
    let sources: Vec<SourceName> =
        sources.iter().filter_map(|source| convert::source_name(source, "sources", &mut violations)).collect();
    // Without authentication nobody has a name, so nothing was done by somebody.
    let statuses = convert::upsert_statuses(&statuses, "statuses", &mut violations).filter(|_| actors.is_empty());
    let impossible = statuses.is_none();
    let filter = DecisionFilter {
        lead_id: convert::optional_lead_id(&lead_id, "lead_id", &mut violations),
        source: if let [source] = &sources[..] { Some(source.clone()) } else { None },
        statuses: statuses.unwrap_or_default(),
        from_time: convert::instant(event_time_from, "event_time_from", &mut violations),
        to_time: convert::instant(event_time_to, "event_time_to", &mut violations),
    };
    let parsed_review = (!review_id.is_empty()).then(|| review_id.parse());
    if let Some(Err(_)) = parsed_review {
        violations.add("review_id", Rule::InvalidValue, "a review_id is a UUID in its hyphenated form");
    }
    let wanted = Wanted {
        filter,
        kinds,
        sources,
        matched_by: convert::match_tiers(&matched_by, "matched_by", &mut violations),
        reason_codes,
        review_id: parsed_review.and_then(Result::ok),
    };
    convert::unless_broken(Some((!impossible).then_some(wanted)), violations)
}
