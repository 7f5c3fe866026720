//! A payload that becomes a lead.

use std::sync::Arc;

use crate::decision::decide::Decided;
use crate::decision::outcome::{Outcome, UpsertStatus};
use crate::decision::reason::ReasonCode;
use crate::domain::{Field, FieldKey, Lead};

use super::edit::{LeadEdit, digests_of_payload};
use super::identifiers::{Links, link_identifiers};
use super::{LeadChange, Plan, Planner, add_reason};

impl Planner<'_> {
    pub(super) fn plan_create(&self, mut decided: Decided, review_with: Option<Arc<Lead>>) -> Plan {
        let context = self.context;
        let empty = Lead::empty(context.ids.lead_id, context.now);
        let mut edit = LeadEdit::new(&empty, self.command, context.policy, context.digests, context.now, false);
        // A new lead has nothing that a mode could keep.
        edit.claimant.mode = crate::decision::command::UpdateMode::Merge;
        let linking = link_identifiers(&mut edit, self.command, &|_| false, Links::EXACT);
        edit.apply_values(self.command);
        let source_field = FieldKey::Field(Field::LeadSource);
        if edit.lead.value(Field::LeadSource).is_none() {
            edit.set(&source_field, self.command.source.as_str());
        }
        edit.remember_sent(self.command, &digests_of_payload(self.command, context.digests));
        edit.lead.to_mut().version = 1;
        for reason in linking.reasons {
            add_reason(&mut decided.reasons, reason);
        }
        edit.add_withheld_reasons(&mut decided.reasons);

        let mut outcome = Outcome { withheld: edit.withheld, ..self.empty_outcome(decided, UpsertStatus::Created) };
        let mut lead = edit.lead;
        outcome.write = self.instruct(&mut lead, true, &mut outcome.reasons);
        let review = review_with.map(|other| {
            add_reason(&mut outcome.reasons, ReasonCode::InReviewBand);
            self.review_of_pair(lead.lead_id, other.lead_id, &outcome)
        });
        outcome.review_id = review.as_ref().map(|review| review.review_id);
        let changed = edit.changed.into_iter().collect();
        self.finish(
            outcome,
            Some(LeadChange { before: None, after: Arc::new(lead.into_owned()) }),
            review.into_iter().collect(),
            changed,
        )
    }
}
