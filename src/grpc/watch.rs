//! `WatchDecisions`: the feed from a resume token, without gaps, and a sign of life while nothing happens.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use tokio::time::{Duration, sleep};

use crate::domain::{SourceName, TenantId};
use crate::engine::{Engine, FeedItem, LeadSelector, RequestError};
use crate::store::LeadStore;

use super::convert;
use super::desk::{Desk, drained};
use super::proto;
use super::status::Failure;
use super::token::Sealer;
use super::violation::{Rule, Violations};

/// A watcher: what it wants and how far it has come.
struct Watcher<S: LeadStore> {
    engine: Arc<Engine<S>>,
    tenant: TenantId,
    sealer: Sealer,
    targets: Vec<SourceName>,
    include_lead: bool,
    heartbeat: Duration,
    events: Pin<Box<dyn Stream<Item = Result<FeedItem, RequestError>> + Send>>,
    drained: Pin<Box<dyn Future<Output = ()> + Send>>,
    position: u64,
}

/// The events that a request asks for, until the caller ends it or the server drains.
pub(crate) fn watch_decisions<S: LeadStore>(
    desk: &Desk<S>,
    request: proto::WatchDecisionsRequest,
) -> Result<impl Stream<Item = Result<proto::WatchDecisionsResponse, Failure>> + Send + use<S>, Failure> {
    let proto::WatchDecisionsRequest { resume_token, from_now, targets, include_lead } = request;
    let engine = desk.engine()?;
    let tenant = desk.caller().tenant.clone();
    // A token is good for the whole feed of the tenant, whatever is asked for beside it.
    let sealer = Sealer::new("WatchDecisions", &tenant, &proto::WatchDecisionsRequest::default());
    let mut violations = Violations::default();
    let targets = convert::targets(&targets, &mut violations);
    let position = start(&sealer, &resume_token, from_now, engine.last_position(), &mut violations);
    let position = convert::unless_broken(position, violations)?;
    let watcher = Watcher {
        events: Box::pin(engine.watch_decisions(tenant.clone(), position)),
        drained: Box::pin(drained(desk.draining())),
        heartbeat: desk.settings().heartbeat_interval,
        engine,
        tenant,
        sealer,
        targets,
        include_lead,
        position,
    };
    Ok(futures_util::stream::unfold(watcher, |mut watcher| async move { Some((watcher.next().await?, watcher)) }))
}

/// The position after which to begin.
fn start(sealer: &Sealer, token: &str, from_now: bool, last_position: u64, violations: &mut Violations) -> Option<u64> {
    if from_now {
        if !token.is_empty() {
            violations.add("from_now", Rule::InvalidValue, "only without a resume_token");
        }
        return Some(last_position);
    }
    let Ok(cursor) = sealer.open(token, "resume_token") else {
        violations.add("resume_token", Rule::InvalidValue, "not a token of this feed");
        return None;
    };
    let Some(cursor) = cursor else { return Some(0) };
    let position = cursor.try_into().map(u64::from_be_bytes).ok().filter(|position| *position <= last_position);
    if position.is_none() {
        violations.add("resume_token", Rule::InvalidValue, "this feed has not come so far");
    }
    position
}

impl<S: LeadStore> Watcher<S> {
    async fn next(&mut self) -> Option<Result<proto::WatchDecisionsResponse, Failure>> {
        tokio::select! {
            biased;
            event = self.events.next() => Some(self.told(event?).await),
            () = &mut self.drained => Some(Err(Failure::Draining)),
            () = sleep(self.heartbeat) => Some(Ok(self.response(None))),
        }
    }

    async fn told(&mut self, item: Result<FeedItem, RequestError>) -> Result<proto::WatchDecisionsResponse, Failure> {
        let item = item?;
        self.position = item.entry.position;
        let stands = match item.entry.event.lead_id {
            Some(lead_id) if self.include_lead => {
                self.engine.get_lead(&self.tenant, LeadSelector::LeadId(lead_id)).await?
            }
            _ => None,
        };
        let policy = self.engine.policy();
        let event = convert::decision_event(&item, &self.targets, stands.map(|found| found.lead), &policy);
        Ok(self.response(Some(event)))
    }

    fn response(&self, event: Option<proto::DecisionEvent>) -> proto::WatchDecisionsResponse {
        proto::WatchDecisionsResponse { event, resume_token: self.sealer.seal(&self.position.to_be_bytes()) }
    }
}
