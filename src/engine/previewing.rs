//! The end of a request that writes nothing: its answer, and what later items of the same batch see of it.

use crate::decision::change::lead_writes;
use crate::decision::outcome::Outcome;
use crate::decision::plan::Plan;
use crate::decision::review::{Review, ReviewKind};
use crate::domain::{LeadId, TenantId};
use crate::store::LeadStore;

use super::Engine;
use super::answer::{Answer, RequestError, Unborn};
use super::preview::{Preview, PreviewsFull};
use super::reading::Look;
use super::upserting::{Decided, Drafted, Request, answer_of};

impl<S: LeadStore> Engine<S> {
    pub(super) fn preview(
        &self,
        request: Request<'_>,
        drafted: Drafted,
        look: &Look<'_, S::View>,
        preview: Option<&Preview>,
    ) -> Result<Option<Decided>, RequestError> {
        let Drafted { plan, blocks, ids, holders, .. } = drafted;
        let tenant = &request.command.tenant;
        let unborn = unborn_of(tenant, &plan, preview);
        let Plan { mut outcome, lead, .. } = plan;
        strip_claim(&mut outcome);
        let answer = Answer { unborn, ..answer_of(outcome, &ids, request.policy) };
        let settled = self.settle(look, Ok(answer))?;
        // Only a batch of previews looks at what an earlier one would have written to a lead.
        if let (Some(preview), Some(decided), Some(change)) = (preview, &settled, &lead) {
            let writes = lead_writes(tenant, change, &holders);
            let kept =
                preview.write(tenant, change, writes, blocks.as_ref(), decided.rests_on, &self.frequencies.of(tenant));
            if let Err(PreviewsFull { limit_bytes }) = kept {
                let result = Err(RequestError::PreviewsFull { limit_bytes });
                return Ok(Some(Decided { result, rests_on: decided.rests_on }));
            }
        }
        Ok(settled)
    }
}

/// What a plan names that is only previewed, by itself or by earlier items.
fn unborn_of(tenant: &TenantId, plan: &Plan, preview: Option<&Preview>) -> Unborn {
    let decision = &plan.outcome.decision;
    let created = plan.lead.iter().filter(|change| change.before.is_none()).map(|change| change.after.lead_id);
    let named = plan.outcome.lead_id.into_iter().chain(decision.lead_id);
    let named = named.chain(decision.candidates.iter().map(|candidate| candidate.lead_id));
    let named = named.chain(decision.conflicts.iter().map(|conflict| conflict.lead_id));
    let earlier = named.filter(|lead_id| preview.is_some_and(|preview| preview.is_unborn(tenant, *lead_id)));
    let mut lead_ids: Vec<LeadId> = created.chain(earlier).collect();
    lead_ids.sort_unstable();
    lead_ids.dedup();
    let review = plan.reviews.first().is_some_and(|review| is_about_any(review, &lead_ids));
    Unborn { lead_ids, review }
}

/// A review takes its id from the leads that it is about, but for a parked payload.
fn is_about_any(review: &Review, unborn: &[LeadId]) -> bool {
    review.kind != ReviewKind::ParkedPayload && review.lead_ids.iter().any(|lead_id| unborn.contains(lead_id))
}

/// Nothing was written, so nobody holds a claim, and no report can be about what nobody was told to write.
fn strip_claim(outcome: &mut Outcome) {
    if let Some(write) = &mut outcome.write {
        write.claim_token = None;
        write.claim_expire_time = None;
    }
}
