//! `DedupService`: the handlers that integrations call. Each unpacks, calls and converts.

use std::sync::Arc;

use futures_util::future::join_all;
use tonic::{Request, Response, Status, Streaming};

use crate::domain::SourceName;
use crate::store::LeadStore;

use super::bulk::{StreamDriver, submit};
use super::convert;
use super::convert::{Door, match_command, match_response, upsert_command, upsert_response};
use super::desk::{Desk, ReplyStream, opened};
use super::duplicates::find_duplicates;
use super::proto;
use super::proto::dedup_service_server::DedupService;
use super::reports::report_writes;
use super::status::Failure;
use super::violation::{Rule, Violations};
use super::watch::watch_decisions;

/// Most requests or reports in one call.
const MOST_ITEMS: usize = 300;

/// The handlers.
pub(crate) struct Dedup<S: LeadStore> {
    desk: Arc<Desk<S>>,
}

impl<S: LeadStore> Dedup<S> {
    /// Handlers at a desk.
    pub(crate) fn new(desk: Arc<Desk<S>>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<S: LeadStore> DedupService for Dedup<S> {
    async fn match_lead(
        &self,
        request: Request<proto::MatchLeadRequest>,
    ) -> Result<Response<proto::MatchLeadResponse>, Status> {
        let (headers, request) = opened(request)?;
        let engine = self.desk.engine()?;
        let policy = engine.policy();
        let (command, presentation) = match_command(request, &self.desk.door(&policy, headers))?;
        let answer = engine.match_lead(command).await?;
        self.desk.reply(match_response(answer, presentation, &policy))
    }

    async fn upsert(&self, request: Request<proto::UpsertRequest>) -> Result<Response<proto::UpsertResponse>, Status> {
        let (headers, mut request) = opened(request)?;
        let engine = self.desk.engine()?;
        let policy = engine.policy();
        let client_ref = std::mem::take(&mut request.client_ref);
        let (command, presentation) = upsert_command(request, &client_ref, &self.desk.door(&policy, headers))?;
        let answer = engine.upsert(command).await?;
        self.desk.reply(upsert_response(answer, client_ref, presentation, &policy))
    }

    async fn batch_upsert(
        &self,
        request: Request<proto::BatchUpsertRequest>,
    ) -> Result<Response<proto::BatchUpsertResponse>, Status> {
        let (headers, proto::BatchUpsertRequest { source, requests, validate_only }) = opened(request)?;
        check_count("requests", requests.len())?;
        let engine = self.desk.engine()?;
        let policy = engine.policy();
        let source = batch_source(&source)?;
        let door = Door { inherited_source: source.as_ref(), ..self.desk.door(&policy, headers) };
        let mut batch = engine.begin_batch();
        let results: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let validate_only = validate_only || request.validate_only;
                submit(&mut batch, proto::UpsertRequest { validate_only, ..request }, &door, &policy)
            })
            .collect();
        self.desk.reply(proto::BatchUpsertResponse { results: join_all(results).await })
    }

    type StreamUpsertStream = ReplyStream<proto::StreamUpsertResponse>;

    async fn stream_upsert(
        &self,
        request: Request<Streaming<proto::StreamUpsertRequest>>,
    ) -> Result<Response<Self::StreamUpsertStream>, Status> {
        let (headers, requests) = opened(request)?;
        let driver = StreamDriver::new(Arc::clone(&self.desk), self.desk.engine()?, headers);
        Ok(self.desk.reply_stream(driver.run(requests)))
    }

    async fn report_writes(
        &self,
        request: Request<proto::ReportWritesRequest>,
    ) -> Result<Response<proto::ReportWritesResponse>, Status> {
        let (headers, proto::ReportWritesRequest { reports }) = opened(request)?;
        check_count("reports", reports.len())?;
        let engine = self.desk.engine()?;
        let policy = engine.policy();
        let results = report_writes(&engine, reports, &self.desk.door(&policy, headers)).await?;
        self.desk.reply(proto::ReportWritesResponse { results })
    }

    type FindDuplicatesStream = ReplyStream<proto::FindDuplicatesResponse>;

    async fn find_duplicates(
        &self,
        request: Request<proto::FindDuplicatesRequest>,
    ) -> Result<Response<Self::FindDuplicatesStream>, Status> {
        let groups = find_duplicates(&self.desk, request.into_inner()).await?;
        Ok(self.desk.reply_stream(groups))
    }

    async fn get_lead(
        &self,
        request: Request<proto::GetLeadRequest>,
    ) -> Result<Response<proto::GetLeadResponse>, Status> {
        let (headers, request) = opened(request)?;
        let engine = self.desk.engine()?;
        let policy = engine.policy();
        let door = self.desk.door(&policy, headers);
        let selector = convert::lead_selector(request, &door)?;
        let found = engine.get_lead(&door.caller.tenant, selector).await?;
        self.desk.reply(convert::found_lead(found)?)
    }

    type WatchDecisionsStream = ReplyStream<proto::WatchDecisionsResponse>;

    async fn watch_decisions(
        &self,
        request: Request<proto::WatchDecisionsRequest>,
    ) -> Result<Response<Self::WatchDecisionsStream>, Status> {
        let events = watch_decisions(&self.desk, request.into_inner())?;
        Ok(self.desk.reply_stream(events))
    }
}

fn check_count(field: &'static str, count: usize) -> Result<(), Violations> {
    if count > MOST_ITEMS {
        let description = format!("at most {MOST_ITEMS} in one call, not {count}");
        return Err(Violations::one(field, Rule::InvalidValue, description));
    }
    Ok(())
}

/// The source that the requests of a batch inherit; a batch may leave it out.
fn batch_source(given: &str) -> Result<Option<SourceName>, Failure> {
    let mut violations = Violations::default();
    let source = (!given.trim().is_empty()).then(|| convert::source_name(given, "source", &mut violations)).flatten();
    if violations.is_empty() { Ok(source) } else { Err(violations.into()) }
}
