//! Reports of what happened in a target: written as a request is, under the same locks and preconditions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::decision::change::{blocks_of_change, gained_keys, lead_writes};
use crate::decision::command::RequestId;
use crate::decision::outcome::UpsertStatus;
use crate::decision::plan::{NewIds, PlanContext, ReportPlan, WriteReport, plan_report, reported_key};
use crate::decision::policy::Policy;
use crate::decision::reason::ReasonCode;
use crate::decision::rows::{ChangeSet, RecordedReply, Row, RowKey, RowWrite};
use crate::decision::tier::MatchLevel;
use crate::domain::{Lead, LeadId};
use crate::index::IndexDocument;
use crate::store::LeadStore;

use super::answer::{ReportAnswer, RequestError};
use super::lock_set::LockSet;
use super::reading::Look;
use super::sequencer::SubmitError;
use super::upserting::{document_of, new_ids};
use super::{Engine, closed, read_failed};

const ROUNDS: usize = 8;

/// An answer, and the sequence that it waits for.
type Reported = (Result<ReportAnswer, RequestError>, u64);

impl<S: LeadStore> Engine<S> {
    /// Takes a report about a lead in a target. With a request id a retry gets the first answer.
    pub async fn report_write(
        &self,
        report: WriteReport,
        request_id: Option<RequestId>,
    ) -> Result<ReportAnswer, RequestError> {
        self.admit()?;
        let policy = self.policy();
        for _ in 0..ROUNDS {
            let guards = self.acquire(&locks_of(&report, request_id.as_ref())).await?;
            self.index_state.require_whole()?;
            let attempted = self.attempt_report(&report, request_id.as_ref(), &policy).await?;
            drop(guards);
            if let Some((answer, rests_on)) = attempted {
                self.durable(rests_on).await?;
                return answer;
            }
        }
        Err(RequestError::Contention { retry_after: Duration::from_millis(50) })
    }

    async fn attempt_report(
        &self,
        report: &WriteReport,
        request_id: Option<&RequestId>,
        policy: &Policy,
    ) -> Result<Option<Reported>, RequestError> {
        let mut look = self.look(None).await?;
        if let Some(answer) = self.recorded_report(report, request_id, &mut look).await? {
            return self.settle_report(&look, answer);
        }
        let Some((lead, redirected)) = look.lead(&report.tenant, report.lead_id).await.map_err(read_failed)? else {
            let unknown = ReportAnswer { lead_id: None, next: None, reasons: vec![ReasonCode::LeadNotFound.into()] };
            return self.settle_report(&look, Ok(unknown));
        };
        let holder = self.other_holder(report, &lead, &mut look).await?;
        let ids = new_ids();
        let context = PlanContext { policy, now: self.now(), ids: &ids, digests: &self.digests };
        let mut plan = plan_report(report, &lead, holder, context);
        if redirected {
            plan.reasons.push(ReasonCode::Redirected.into());
        }
        let (changes, document) = self.compose_report(report, request_id, &plan, context, &mut look).await?;
        let answer = ReportAnswer { lead_id: Some(plan.lead_id), next: plan.next, reasons: plan.reasons };
        match self.submit(&look, changes, document) {
            Ok(sequence) => Ok(Some((Ok(answer), sequence.max(look.reads().highest())))),
            Err(SubmitError::Conflict) => Ok(None),
            Err(SubmitError::Closed) => Err(closed()),
        }
    }

    /// An answer that writes nothing, if what it rests on is still so.
    fn settle_report(
        &self,
        look: &Look<'_, S::View>,
        answer: Result<ReportAnswer, RequestError>,
    ) -> Result<Option<Reported>, RequestError> {
        Ok(self.is_current(look.reads())?.then(|| (answer, look.reads().highest())))
    }

    /// Another live lead that holds the reported id.
    async fn other_holder(
        &self,
        report: &WriteReport,
        lead: &Lead,
        look: &mut Look<'_, S::View>,
    ) -> Result<Option<LeadId>, RequestError> {
        let Some(key) = reported_key(report) else { return Ok(None) };
        let holders = look.holders(&report.tenant, &[&key]).await.map_err(read_failed)?;
        let ids: Vec<LeadId> = holders.iter().flat_map(|holders| holders.leads.iter().copied()).collect();
        if ids.contains(&lead.lead_id) {
            return Ok(None);
        }
        let others = look.leads(&report.tenant, &ids).await.map_err(read_failed)?;
        Ok(others.into_iter().find(|other| other.is_live()).map(|other| other.lead_id))
    }

    async fn compose_report(
        &self,
        report: &WriteReport,
        request_id: Option<&RequestId>,
        plan: &ReportPlan,
        context: PlanContext<'_>,
        look: &mut Look<'_, S::View>,
    ) -> Result<(ChangeSet, Option<IndexDocument>), RequestError> {
        let tenant = &report.tenant;
        let mut changes = ChangeSet { event: Some(plan.event.clone()), ..ChangeSet::default() };
        let mut document = None;
        if let Some(change) = &plan.lead {
            let gained = gained_keys(change);
            let rows = look.holders(tenant, &gained.iter().collect::<Vec<_>>()).await.map_err(read_failed)?;
            changes.writes = lead_writes(tenant, change, &gained.into_iter().zip(rows).collect::<BTreeMap<_, _>>());
            if change.before.as_ref().is_some_and(|before| before.version != change.after.version) {
                document = Some(document_of(tenant, change, blocks_of_change(change, Vec::new)));
            }
        }
        changes.writes.extend(self.waiting_writes(tenant, &plan.reviews, plan.dead_letter.as_ref(), look).await?);
        if let Some(request_id) = request_id {
            let reply = recorded(plan, request_id, context.ids, context);
            let key = RowKey::report(tenant, &report.target, &request_id.id);
            changes.writes.push(RowWrite { key, row: Some(Row::Request(Arc::new(reply))) });
        }
        Ok((changes, document))
    }

    async fn recorded_report(
        &self,
        report: &WriteReport,
        request_id: Option<&RequestId>,
        look: &mut Look<'_, S::View>,
    ) -> Result<Option<Result<ReportAnswer, RequestError>>, RequestError> {
        let Some(request_id) = request_id else { return Ok(None) };
        let row =
            look.row(RowKey::report(&report.tenant, &report.target, &request_id.id)).await.map_err(read_failed)?;
        let Some(Row::Request(reply)) = row else { return Ok(None) };
        if reply.body_digest != request_id.body_digest {
            return Ok(Some(Err(RequestError::RequestIdReused)));
        }
        let answer = ReportAnswer { lead_id: reply.lead_id, next: reply.write.clone(), reasons: reply.reasons.clone() };
        Ok(Some(Ok(answer)))
    }
}

fn locks_of(report: &WriteReport, request_id: Option<&RequestId>) -> LockSet {
    let tenant = &report.tenant;
    let key = reported_key(report).map(|key| RowKey::identity(tenant, &key));
    let request = request_id.map(|request| RowKey::report(tenant, &report.target, &request.id));
    LockSet::of(key.into_iter().chain(request)).with_lead(&RowKey::lead(tenant, report.lead_id))
}

/// A report's answer in the form of a recorded reply; what only an upsert has stays empty.
fn recorded(plan: &ReportPlan, request_id: &RequestId, ids: &NewIds, context: PlanContext<'_>) -> RecordedReply {
    RecordedReply {
        body_digest: request_id.body_digest,
        time: context.now,
        status: UpsertStatus::Updated,
        lead_id: Some(plan.lead_id),
        version: plan.event.version,
        decision_id: ids.decision_id.clone(),
        level: MatchLevel::None,
        matched_by: None,
        match_lead_id: None,
        score: 0.0,
        conflicts: Vec::new(),
        truncated: false,
        weighed: None,
        external_ids: Vec::new(),
        write: plan.next.clone(),
        reasons: plan.reasons.clone(),
        review_id: None,
        policy_version: context.policy.version.clone(),
    }
}
