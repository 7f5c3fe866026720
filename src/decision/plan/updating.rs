//! A payload that belongs to a lead that is known.

use std::sync::Arc;

use crate::decision::command::UpdateMode;
use crate::decision::decide::{Decided, Verdict};
use crate::decision::outcome::{Conflict, Outcome, UpsertStatus};
use crate::decision::policy::{Channel, OnBulkMatch};
use crate::decision::reason::{Reason, ReasonCode};
use crate::decision::review::{Review, ReviewKind};
use crate::decision::tier::{MatchLevel, MatchTier};
use crate::domain::{DigestMap, Field, Lead, LeadId, Lifecycle, LinkedBy};

use super::edit::{LeadEdit, digests_of_payload};
use super::identifiers::{Linking, Links, exceeded_limit, is_contested, link_identifiers, lookup_of, primary_key};
use super::parking::thousandths;
use super::{Plan, Planner, add_reason, changed_lead};

/// By what the payload is known to be the lead's.
fn linked_by(decided: &Decided) -> LinkedBy {
    match decided.verdict {
        Verdict::Match { tier: MatchTier::Fuzzy, .. } => LinkedBy::Fuzzy,
        _ => LinkedBy::Exact,
    }
}

impl Planner<'_> {
    pub(super) fn plan_update(&self, mut decided: Decided, lead: &Arc<Lead>, review: Option<ReasonCode>) -> Plan {
        let context = self.context;
        let linked_by = linked_by(&decided);
        let mut edit =
            LeadEdit::new(lead, self.command, context.policy, context.digests, context.now, self.only_fills_blanks());
        if linked_by == LinkedBy::Fuzzy && edit.claimant.mode != UpdateMode::LinkOnly {
            edit.claimant.mode = UpdateMode::FillBlanks;
        }
        let revived = !lead.is_live();
        if revived {
            edit.lead.to_mut().lifecycle = Lifecycle::Active;
        }
        let contested =
            |key: &_| lookup_of(self.evidence, key).is_some_and(|lookup| is_contested(lookup, lead, context.policy));
        let confirms = linked_by == LinkedBy::Exact && self.is_confirmed(&decided, lead);
        let linking = link_identifiers(&mut edit, self.command, &contested, Links { linked_by, confirms });
        edit.apply_values(self.command);
        if let Some(limit) = exceeded_limit(&edit.lead, &context.policy.limits) {
            add_reason(&mut decided.reasons, Reason::from(ReasonCode::IdentifierLimit).with("limit", limit));
            return self.plan_park(decided, ReasonCode::IdentifierLimit);
        }
        let payload = digests_of_payload(self.command, context.digests);
        let echo = self.is_echo(lead, &payload);
        edit.remember_sent(self.command, &payload);
        let changed = revived || linking.linked || !edit.changed.is_empty();
        if changed {
            let lead = edit.lead.to_mut();
            lead.version += 1;
            lead.update_time = context.now;
        }
        if changed {
            self.find_doubles(&mut decided, &edit.lead);
        }
        self.update_reasons(&mut decided, lead, &edit, &linking, echo && !changed);
        self.answer_update(decided, lead, edit, changed, review)
    }

    /// Whether the payload shows that it is this lead's by something that no fuzzy match added.
    fn is_confirmed(&self, decided: &Decided, lead: &Lead) -> bool {
        if decided.decision.matched_by == Some(MatchTier::LeadId) {
            return true;
        }
        let exact = |linked_by| linked_by == LinkedBy::Exact;
        let payload = &self.command.lead;
        let by_id =
            lead.external_ids.iter().any(|linked| exact(linked.linked_by) && payload.external_ids.contains(&linked.id));
        let shared = &self.context.policy.shared_emails;
        let personal = payload.emails.iter().map(|email| (email.normalized(), email.is_role_mailbox()));
        let mut personal = personal.filter(|(key, is_role)| !is_role && !shared.contains(*key));
        let holds = |key: &str| lead.emails.iter().any(|point| exact(point.linked_by) && *point.key == *key);
        by_id || personal.any(|(key, _)| holds(key))
    }

    /// Other leads that the lead is like as it will stand: never united here, but told, and put to a person.
    fn find_doubles(&self, decided: &mut Decided, after: &Lead) {
        let Some(neighbours) = &self.evidence.neighbours else { return };
        let doubles = neighbours.leads.iter().filter(|compared| compared.level == MatchLevel::Match);
        for lead_id in doubles.map(|compared| compared.lead_id).filter(|lead_id| *lead_id != after.lead_id) {
            if !decided.rivals.contains(&lead_id) {
                decided.rivals.push(lead_id);
                decided.decision.conflicts.push(Conflict { tier: MatchTier::Fuzzy, lead_id, value_field: "".into() });
            }
        }
        decided.decision.truncated |= neighbours.truncated;
    }

    fn only_fills_blanks(&self) -> bool {
        let rules = self.context.policy.source(&self.command.source);
        rules.channel == Channel::Bulk && rules.on_bulk_match == OnBulkMatch::FillBlanks
    }

    /// Whether the values are those that this system was told to write.
    fn is_echo(&self, lead: &Lead, payload: &DigestMap) -> bool {
        let told = lead.system(&self.command.source).map(|system| &system.told);
        !payload.is_empty()
            && told.is_some_and(|told| payload.iter().all(|(key, digest)| told.get(key) == Some(digest)))
    }

    fn update_reasons(&self, decided: &mut Decided, before: &Lead, edit: &LeadEdit<'_>, linking: &Linking, echo: bool) {
        let revived = !before.is_live();
        let reasons = &mut decided.reasons;
        if revived {
            add_reason(reasons, ReasonCode::Revived);
        }
        if linking.linked && edit.changed.is_empty() && !revived {
            add_reason(reasons, ReasonCode::Linked);
        }
        if echo {
            add_reason(reasons, ReasonCode::Echo);
        }
        for reason in &linking.reasons {
            add_reason(reasons, reason.clone());
        }
        let emails = [primary_key(before, Field::Email), primary_key(&edit.lead, Field::Email)];
        let replaced = matches!(emails, [Some(old), Some(new)] if old != new);
        if replaced && decided.decision.matched_by == Some(MatchTier::Phone) {
            add_reason(reasons, ReasonCode::EmailChanged);
        }
        edit.add_withheld_reasons(reasons);
    }

    fn answer_update(
        &self,
        decided: Decided,
        before: &Arc<Lead>,
        edit: LeadEdit<'_>,
        changed: bool,
        review: Option<ReasonCode>,
    ) -> Plan {
        let status = if changed { UpsertStatus::Updated } else { UpsertStatus::Unchanged };
        let rivals = decided.rivals.clone();
        let mut outcome = self.empty_outcome(decided, status);
        let mut lead = edit.lead;
        outcome.withheld = edit.withheld;
        outcome.write = self.instruct(&mut lead, true, &mut outcome.reasons);
        let mut reviews: Vec<Review> =
            rivals.into_iter().map(|rival| self.review_of_double(before.lead_id, rival, &outcome)).collect();
        reviews.extend(self.review_of_bulk(before, &outcome));
        reviews.extend(review.map(|reason| self.review_of_payload(reason, &outcome)));
        outcome.review_id = reviews.first().map(|review| review.review_id);
        let written = changed_lead(before, lead);
        let after = written.as_ref().map_or(before, |change| &change.after);
        outcome.lead = Some(Arc::clone(after));
        self.finish(outcome, written, reviews, edit.changed.into_iter().collect())
    }

    /// A pair that the update made alike is as likely one as it was found to be, whatever the decision was.
    fn review_of_double(&self, lead_id: LeadId, rival: LeadId, outcome: &Outcome) -> Review {
        let review = self.review_of_pair(lead_id, rival, outcome);
        let neighbours = self.evidence.neighbours.iter().flat_map(|neighbours| &neighbours.leads);
        let alike = neighbours.into_iter().find(|compared| compared.lead_id == rival);
        let of_key = outcome.decision.conflicts.iter().any(|one| one.lead_id == rival && one.tier != MatchTier::Fuzzy);
        match alike.filter(|_| !of_key) {
            Some(compared) => Review { score_thousandths: thousandths(compared.score.probability()), ..review },
            None => review,
        }
    }

    fn review_of_bulk(&self, lead: &Lead, outcome: &Outcome) -> Option<Review> {
        let overwrites = outcome.withheld.iter().any(|withheld| withheld.reason == ReasonCode::BulkOverwrite);
        overwrites.then(|| Review {
            payload: Some(self.command.payload.clone()),
            lead_ids: vec![lead.lead_id],
            reasons: vec![ReasonCode::BulkOverwrite],
            ..self.review(
                self.context.digests.review_of_bulk(lead.lead_id),
                ReviewKind::BulkOverwrite,
                MatchLevel::Match,
                outcome,
            )
        })
    }
}
