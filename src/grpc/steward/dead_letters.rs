//! `ListDeadLetters`: what failed and is kept, oldest first.

use std::sync::Arc;

use jiff::Timestamp;

use crate::decision::review::{DeadLetter, DeadLetterKind};
use crate::domain::SourceName;
use crate::engine::DeadLetterFilter;
use crate::grpc::convert;
use crate::grpc::desk::Desk;
use crate::grpc::page::{filled, page_size};
use crate::grpc::proto;
use crate::grpc::status::Failure;
use crate::grpc::token::Sealer;
use crate::grpc::violation::Violations;
use crate::store::LeadStore;

use super::{MOST_ON_A_PAGE, USUAL_PAGE};

/// A page of dead letters.
pub(super) async fn list<S: LeadStore>(
    desk: &Desk<S>,
    mut request: proto::ListDeadLettersRequest,
) -> Result<proto::ListDeadLettersResponse, Failure> {
    let engine = desk.engine()?;
    let tenant = &desk.caller().tenant;
    let token = std::mem::take(&mut request.page_token);
    let size = page_size(std::mem::take(&mut request.page_size), USUAL_PAGE, MOST_ON_A_PAGE)?;
    let sealer = Sealer::new("ListDeadLetters", tenant, &request);
    let after = sealer.open(&token, "page_token")?;
    let wanted = wanted(request)?;
    if !wanted.pending {
        return Ok(proto::ListDeadLettersResponse::default());
    }
    let fetch = |size, after| engine.list_dead_letters(tenant, wanted.filter(), size, after);
    let page = filled(size, after, fetch, |letter: &Arc<DeadLetter>| wanted.keeps(letter)).await?;
    Ok(proto::ListDeadLettersResponse {
        dead_letters: page.items.iter().map(|letter| convert::dead_letter(letter)).collect(),
        next_page_token: page.next.map(|cursor| sealer.seal(&cursor)).unwrap_or_default(),
    })
}

/// What a request asks for.
struct Wanted {
    /// Whether dead letters that wait are asked for: there are no others yet.
    pending: bool,
    kinds: Vec<proto::DeadLetterKind>,
    sources: Vec<SourceName>,
    targets: Vec<SourceName>,
    lead_id: Option<crate::domain::LeadId>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Wanted {
    /// As much of it as the engine can do by itself.
    fn filter(&self) -> DeadLetterFilter {
        DeadLetterFilter { lead_id: self.lead_id, ..DeadLetterFilter::default() }
    }

    fn keeps(&self, letter: &DeadLetter) -> bool {
        let kind = convert::kind_on_wire(letter.kind, letter.reason);
        let of_system = match letter.kind {
            DeadLetterKind::Payload => allows(&self.sources, &letter.source) && self.targets.is_empty(),
            DeadLetterKind::CrmWrite => allows(&self.targets, &letter.source) && self.sources.is_empty(),
        };
        of_system
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.from.is_none_or(|from| letter.create_time >= from)
            && self.to.is_none_or(|to| letter.create_time < to)
    }
}

fn allows(systems: &[SourceName], system: &SourceName) -> bool {
    systems.is_empty() || systems.contains(system)
}

fn wanted(request: proto::ListDeadLettersRequest) -> Result<Wanted, Violations> {
    let proto::ListDeadLettersRequest {
        page_size: _,
        page_token: _,
        states,
        kinds,
        sources,
        targets,
        lead_id,
        create_time_from,
        create_time_to,
    } = request;
    let mut violations = Violations::default();
    let states: Vec<proto::DeadLetterState> =
        states.into_iter().map(|number| convert::known(number, "states", &mut violations)).collect();
    let waits = |state: &proto::DeadLetterState| {
        matches!(state, proto::DeadLetterState::Unspecified | proto::DeadLetterState::Pending)
    };
    let mut kinds: Vec<proto::DeadLetterKind> =
        kinds.into_iter().map(|number| convert::known(number, "kinds", &mut violations)).collect();
    if kinds.contains(&proto::DeadLetterKind::Unspecified) {
        kinds.clear();
    }
    let mut systems = |names: &[String], field| -> Vec<SourceName> {
        names.iter().filter_map(|name| convert::source_name(name, field, &mut violations)).collect()
    };
    let (sources, targets) = (systems(&sources, "sources"), systems(&targets, "targets"));
    let wanted = Wanted {
        pending: states.is_empty() || states.iter().any(waits),
        kinds,
        sources,
        targets,
        lead_id: convert::optional_lead_id(&lead_id, "lead_id", &mut violations),
        from: convert::instant(create_time_from, "create_time_from", &mut violations),
        to: convert::instant(create_time_to, "create_time_to", &mut violations),
    };
    convert::unless_broken(Some(wanted), violations)
}
