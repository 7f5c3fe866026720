//! `SearchLeads`: leads by words, best first.

use crate::domain::{Lead, Lifecycle, SourceName};
use crate::grpc::convert;
use crate::grpc::desk::Desk;
use crate::grpc::page::page_size;
use crate::grpc::proto;
use crate::grpc::proto::LeadLifecycle;
use crate::grpc::status::Failure;
use crate::grpc::token::Sealer;
use crate::grpc::violation::{Rule, Violations};
use crate::store::LeadStore;

/// Leads on a page that nobody counted.
const USUAL_PAGE: usize = 20;
/// Most leads on a page.
const MOST_ON_A_PAGE: usize = 100;
/// Longest query, in characters.
const LONGEST_QUERY: usize = 1_000;

/// A page of what is found.
pub(super) async fn search<S: LeadStore>(
    desk: &Desk<S>,
    mut request: proto::SearchLeadsRequest,
) -> Result<proto::SearchLeadsResponse, Failure> {
    let engine = desk.engine()?;
    let tenant = &desk.caller().tenant;
    let token = std::mem::take(&mut request.page_token);
    let size = page_size(std::mem::take(&mut request.page_size), USUAL_PAGE, MOST_ON_A_PAGE)?;
    let sealer = Sealer::new("SearchLeads", tenant, &request);
    let offset = offset_of(sealer.open(&token, "page_token")?)?;
    let search = search_of(request)?;
    let page = engine.search(tenant, &search.query, size, offset).await?;
    Ok(proto::SearchLeadsResponse {
        leads: page.items.iter().filter(|lead| search.wants(lead)).map(|lead| convert::lead(lead)).collect(),
        next_page_token: page.next.map(|cursor| sealer.seal(&cursor)).unwrap_or_default(),
    })
}

fn offset_of(cursor: Option<Vec<u8>>) -> Result<usize, Violations> {
    let Some(cursor) = cursor else { return Ok(0) };
    let offset = cursor.try_into().map(u64::from_be_bytes).ok().and_then(|offset| usize::try_from(offset).ok());
    offset.ok_or_else(|| Violations::one("page_token", Rule::InvalidValue, "not a token of this search"))
}

/// A search that was read.
struct Search {
    query: String,
    lifecycles: Vec<LeadLifecycle>,
    sources: Vec<SourceName>,
}

impl Search {
    fn wants(&self, lead: &Lead) -> bool {
        let lifecycle = match lead.lifecycle {
            Lifecycle::Active => LeadLifecycle::Active,
            Lifecycle::Merged { .. } => LeadLifecycle::Merged,
            Lifecycle::Deleted => LeadLifecycle::Deleted,
        };
        let known_to = |source| lead.external_ids.iter().any(|linked| linked.id.source() == source);
        self.lifecycles.contains(&lifecycle) && (self.sources.is_empty() || self.sources.iter().any(known_to))
    }
}

fn search_of(request: proto::SearchLeadsRequest) -> Result<Search, Violations> {
    let proto::SearchLeadsRequest { query, page_size: _, page_token: _, lifecycles, sources } = request;
    let mut violations = Violations::default();
    if query.chars().nth(LONGEST_QUERY).is_some() {
        violations.add("query", Rule::InvalidValue, format!("longer than {LONGEST_QUERY} characters"));
    }
    let mut lifecycles: Vec<LeadLifecycle> =
        lifecycles.into_iter().map(|number| convert::known(number, "lifecycles", &mut violations)).collect();
    if lifecycles.is_empty() || lifecycles.contains(&LeadLifecycle::Unspecified) {
        lifecycles.push(LeadLifecycle::Active);
    }
    let sources =
        sources.iter().filter_map(|source| convert::source_name(source, "sources", &mut violations)).collect();
    convert::unless_broken(Some(Search { query, lifecycles, sources }), violations)
}
