//! Leads that are only previewed: no answer tells an id that nobody will ever find them under.

use crate::engine::Unborn;
use crate::grpc::proto;

/// Takes the ids of leads that do not exist out of an answer, and that of a review about one.
pub(super) fn hide(response: &mut proto::UpsertResponse, unborn: &Unborn) {
    let Unborn { lead_ids, review } = unborn;
    if *review {
        response.review_id.clear();
    }
    let lead_ids: Vec<String> = lead_ids.iter().map(ToString::to_string).collect();
    let clear = |id: &mut String| {
        if lead_ids.contains(id) {
            id.clear();
        }
    };
    clear(&mut response.lead_id);
    response.lead.iter_mut().for_each(|lead| clear(&mut lead.lead_id));
    let Some(decision) = &mut response.decision else { return };
    clear(&mut decision.lead_id);
    decision.conflicts.iter_mut().for_each(|conflict| clear(&mut conflict.lead_id));
    for candidate in &mut decision.candidates {
        clear(&mut candidate.lead_id);
        candidate.lead.iter_mut().for_each(|lead| clear(&mut lead.lead_id));
    }
}
