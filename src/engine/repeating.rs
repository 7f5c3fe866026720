//! A request that comes again with its request id: it gets the answer that it got, and nothing is decided or written.

use std::sync::Arc;

use jiff::Timestamp;

use crate::decision::command::UpsertCommand;
use crate::decision::outcome::{Decision, Outcome};
use crate::decision::plan::{NewIds, Plan, without_personal_data};
use crate::decision::policy::Policy;
use crate::decision::rows::{RecordedReply, Row, RowKey};
use crate::store::LeadStore;

use super::answer::{Answer, RequestError, Unborn};
use super::reading::Look;
use super::{Engine, read_failed};

impl<S: LeadStore> Engine<S> {
    /// The answer to a request id that is known; `None` where there is none, or it is not remembered any more.
    pub(super) async fn repeated(
        &self,
        command: &UpsertCommand,
        policy: &Policy,
        look: &mut Look<'_, S::View>,
    ) -> Result<Option<Result<Answer, RequestError>>, RequestError> {
        let Some(reply) = self.recorded_reply(command, policy, self.now(), look).await? else { return Ok(None) };
        let same = command.request_id.as_ref().is_some_and(|id| id.body_digest == reply.body_digest);
        let answer =
            if same { Ok(self.replay(command, &reply, look).await?) } else { Err(RequestError::RequestIdReused) };
        Ok(Some(answer))
    }

    async fn recorded_reply(
        &self,
        command: &UpsertCommand,
        policy: &Policy,
        now: Timestamp,
        look: &mut Look<'_, S::View>,
    ) -> Result<Option<Arc<RecordedReply>>, RequestError> {
        let Some(request_id) = &command.request_id else { return Ok(None) };
        let row =
            look.row(RowKey::request(&command.tenant, &command.source, &request_id.id)).await.map_err(read_failed)?;
        let Some(Row::Request(reply)) = row else { return Ok(None) };
        Ok((reply.time + policy.request_id_retention > now).then_some(reply))
    }

    async fn replay(
        &self,
        command: &UpsertCommand,
        reply: &RecordedReply,
        look: &mut Look<'_, S::View>,
    ) -> Result<Answer, RequestError> {
        let lead = match reply.lead_id {
            Some(lead_id) if command.include_lead => {
                look.lead(&command.tenant, lead_id).await.map_err(read_failed)?.map(|(lead, _)| lead)
            }
            _ => None,
        };
        let decision = Decision {
            level: reply.level,
            matched_by: reply.matched_by,
            lead_id: reply.match_lead_id,
            score: reply.score,
            candidates: Vec::new(),
            conflicts: reply.conflicts.clone(),
            truncated: reply.truncated,
            weighed: reply.weighed,
        };
        let outcome = Outcome {
            status: reply.status,
            lead_id: reply.lead_id,
            version: reply.version,
            decision,
            external_ids: reply.external_ids.clone(),
            write: reply.write.clone(),
            withheld: Vec::new(),
            reasons: reply.reasons.clone(),
            review_id: reply.review_id,
            lead,
        };
        Ok(Answer {
            outcome,
            decision_id: reply.decision_id.clone(),
            policy_version: reply.policy_version.clone(),
            replayed: true,
            same_as_client_ref: None,
            unborn: Unborn::default(),
        })
    }
}

/// What is remembered of an answer.
pub(super) fn recorded(
    plan: &Plan,
    body_digest: [u8; 16],
    ids: &NewIds,
    now: Timestamp,
    policy: &Policy,
) -> RecordedReply {
    let outcome = &plan.outcome;
    RecordedReply {
        body_digest,
        time: now,
        status: outcome.status,
        lead_id: outcome.lead_id,
        version: outcome.version,
        decision_id: ids.decision_id.clone(),
        level: outcome.decision.level,
        matched_by: outcome.decision.matched_by,
        match_lead_id: outcome.decision.lead_id,
        score: outcome.decision.score,
        conflicts: outcome.decision.conflicts.clone(),
        truncated: outcome.decision.truncated,
        weighed: outcome.decision.weighed,
        external_ids: outcome.external_ids.clone(),
        write: outcome.write.clone(),
        reasons: outcome.reasons.iter().map(without_personal_data).collect(),
        review_id: outcome.review_id,
        policy_version: policy.version.clone(),
    }
}
