//! `FindDuplicates`: groups of duplicates as a stream that can be taken up again.

use futures_util::{Stream, StreamExt};

use crate::engine::{DuplicateEvent, DuplicateGroup, DuplicatePair, DuplicateQuery, DuplicateScope, LeadSelector};
use crate::grpc::proto::find_duplicates_request::Scope;
use crate::store::LeadStore;

use super::convert;
use super::desk::{Desk, drained};
use super::proto;
use super::status::Failure;
use super::token::Sealer;
use super::violation::{Rule, Violations};

/// The groups that a request asks for.
pub(crate) async fn find_duplicates<S: LeadStore>(
    desk: &Desk<S>,
    mut request: proto::FindDuplicatesRequest,
) -> Result<impl Stream<Item = Result<proto::FindDuplicatesResponse, Failure>> + Send + use<S>, Failure> {
    let engine = desk.engine()?;
    let tenant = &desk.caller().tenant;
    let resume_token = std::mem::take(&mut request.resume_token);
    let sealer = Sealer::new("FindDuplicates", tenant, &request);
    let resume = sealer.open(&resume_token, "resume_token")?;
    let mut query = query(request, engine.policy().match_threshold)?;
    if let DuplicateScope::Lead(lead_id) = query.scope {
        let found = engine.get_lead(tenant, LeadSelector::LeadId(lead_id)).await?;
        query.scope = DuplicateScope::Lead(found.ok_or(Failure::LeadNotFound)?.lead.lead_id);
    }
    let events = engine.find_duplicates(tenant.clone(), DuplicateQuery { resume, ..query });
    let responses = events.map(move |event| event.map(|event| response(event, &sealer)).map_err(Failure::from));
    // A search is taken up again elsewhere by its token.
    let cut_off = futures_util::stream::once(drained(desk.draining())).map(|()| Err(Failure::Draining));
    Ok(until_either_ends(responses, cut_off))
}

/// The first stream, cut off by the first item of the second.
fn until_either_ends<T: Send + Sync>(
    items: impl Stream<Item = T> + Send,
    cut_off: impl Stream<Item = T> + Send,
) -> impl Stream<Item = T> + Send {
    let ended = futures_util::stream::once(std::future::ready(None));
    let items = items.map(Some).chain(ended);
    futures_util::stream::select(items, cut_off.map(Some))
        .take_while(|item| std::future::ready(item.is_some()))
        .filter_map(std::future::ready)
}

fn query(request: proto::FindDuplicatesRequest, match_threshold: f64) -> Result<DuplicateQuery, Violations> {
    let proto::FindDuplicatesRequest { scope, min_score, tiers, update_time_after, resume_token: _ } = request;
    let mut violations = Violations::default();
    if min_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        violations.add("min_score", Rule::InvalidValue, "must be between 0 and 1");
    }
    let scope = match scope {
        None => {
            violations.add("scope", Rule::InvalidValue, "say where to look: lead_id, everything or records_of_source");
            None
        }
        Some(Scope::LeadId(id)) => convert::required_lead_id(&id, "lead_id", &mut violations).map(DuplicateScope::Lead),
        Some(Scope::Everything(proto::Everything {})) => Some(DuplicateScope::Everything),
        Some(Scope::RecordsOfSource(source)) => {
            convert::source_name(&source, "records_of_source", &mut violations).map(DuplicateScope::RecordsOfSource)
        }
    };
    let query = scope.map(|scope| DuplicateQuery {
        scope,
        min_score: min_score.unwrap_or(match_threshold),
        tiers: convert::match_tiers(&tiers, "tiers", &mut violations),
        update_time_after: convert::instant(update_time_after, "update_time_after", &mut violations),
        resume: None,
    });
    convert::unless_broken(query, violations)
}

fn response(event: DuplicateEvent, sealer: &Sealer) -> proto::FindDuplicatesResponse {
    let DuplicateEvent { group, resume, compared, total } = event;
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let progress = proto::Progress { compared: count(compared), total: count(total) };
    proto::FindDuplicatesResponse {
        resume_token: sealer.seal(&resume),
        progress: (total > 0).then_some(progress),
        ..group.map(group_of).unwrap_or_default()
    }
}

fn group_of(group: DuplicateGroup) -> proto::FindDuplicatesResponse {
    let DuplicateGroup { group_id, members, pairs, suggested_survivor, weakest_score, record_merges } = group;
    let member = |lead: &std::sync::Arc<crate::domain::Lead>| proto::DuplicateMember {
        lead_id: lead.lead_id.to_string(),
        lead: Some(convert::lead(lead)),
    };
    proto::FindDuplicatesResponse {
        group_id: group_id.to_string(),
        members: members.iter().map(member).collect(),
        pairs: pairs.into_iter().map(pair_of).collect(),
        suggested_survivor: suggested_survivor.to_string(),
        weakest_score,
        record_merges: record_merges.into_iter().map(convert::record_merge).collect(),
        resume_token: String::new(),
        progress: None,
    }
}

fn pair_of(pair: DuplicatePair) -> proto::DuplicatePair {
    let DuplicatePair { lead_id_a, lead_id_b, score, matched_by, comparisons } = pair;
    proto::DuplicatePair {
        lead_id_a: lead_id_a.to_string(),
        lead_id_b: lead_id_b.to_string(),
        score,
        matched_by: convert::match_tier(Some(matched_by)).into(),
        comparisons: comparisons.into_iter().map(convert::comparison).collect(),
    }
}
