//! What a target's report changes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use leadgate::decision::outcome::WriteAction;
use leadgate::decision::plan::{ReportEvent, WriteReport};
use leadgate::decision::policy::Policy;
use leadgate::decision::reason::ReasonCode;
use leadgate::domain::{LeadId, SourceName};

use super::Fresh;
use super::reply::{ReportReply, Write};
use super::state::{Model, ModelLead};

impl Model {
    /// Takes a report.
    pub(crate) fn report(
        &mut self,
        policy: &Policy,
        report: &WriteReport,
        now: Timestamp,
        fresh: &Fresh,
    ) -> ReportReply {
        let mut reasons = BTreeSet::new();
        if self.lead(report.lead_id).is_none() {
            reasons.insert(ReasonCode::LeadNotFound);
            return ReportReply { lead_id: None, next: None, reasons };
        }
        let next = match &report.event {
            ReportEvent::Failed { code, .. } => {
                self.dead_writes.insert((report.target.clone(), report.lead_id, code.to_string()));
                self.failed(report, &mut reasons);
                None
            }
            ReportEvent::Written { external_id } => {
                let id = (external_id.source().clone(), external_id.value().to_string());
                self.written(policy, report, id, now, fresh, &mut reasons)
            }
        };
        ReportReply { lead_id: Some(report.lead_id), next, reasons }
    }

    /// The claim is free again, unless somebody else holds it by now.
    fn failed(&mut self, report: &WriteReport, reasons: &mut BTreeSet<ReasonCode>) {
        let claims = &mut self.lead_mut(report.lead_id).claims;
        match claims.get(&report.target) {
            None => {}
            Some((token, _)) if **token == *report.claim_token || report.claim_token.is_empty() => {
                claims.remove(&report.target);
            }
            Some(_) => drop(reasons.insert(ReasonCode::UnknownClaim)),
        }
    }

    fn written(
        &mut self,
        policy: &Policy,
        report: &WriteReport,
        id: (SourceName, String),
        now: Timestamp,
        fresh: &Fresh,
        reasons: &mut BTreeSet<ReasonCode>,
    ) -> Option<Write> {
        let is_linked = self.lead_mut(report.lead_id).ids.contains(&id);
        if let Some(holder) = self.holder_of(&id, report.lead_id).filter(|_| !is_linked) {
            reasons.insert(ReasonCode::ConflictingKey);
            self.open_pair(report.lead_id, holder);
        } else {
            let lead = self.lead_mut(report.lead_id);
            link(lead, id, reasons);
            take_what_was_written(lead, report, reasons);
        }
        // After a write only an update can be due, and only where the target has the lead.
        let exists = !self.lead_mut(report.lead_id).ids_of(&report.target).is_empty();
        let (next, reason) = self.instruct(policy, report.lead_id, &report.target, now, fresh, exists);
        reasons.extend(reason);
        (exists || next.action == WriteAction::Wait).then_some(next)
    }

    fn holder_of(&self, id: &(SourceName, String), but: LeadId) -> Option<LeadId> {
        self.leads.iter().find(|lead| lead.id != but && lead.ids.contains(id)).map(|lead| lead.id)
    }
}

fn link(lead: &mut ModelLead, id: (SourceName, String), reasons: &mut BTreeSet<ReasonCode>) {
    if lead.ids.contains(&id) {
        return;
    }
    let system = id.0.clone();
    lead.ids.push(id);
    lead.version += 1;
    if lead.ids_of(&system).len() > 1 {
        reasons.insert(ReasonCode::SourceHoldsDuplicate);
    }
}

/// The target holds what was told last, if it is this that was written; in any case nobody need create there any more.
fn take_what_was_written(lead: &mut ModelLead, report: &WriteReport, reasons: &mut BTreeSet<ReasonCode>) {
    let token = report.claim_token.to_string();
    let claim = lead.claims.remove(&report.target);
    let is_claim = claim.is_some_and(|(held, _)| held == token);
    let is_last = lead.told_token.get(&report.target) == Some(&token);
    if !(token.is_empty() || is_claim || is_last) {
        reasons.insert(ReasonCode::UnknownClaim);
        return;
    }
    let told = lead.told.get(&report.target).cloned().unwrap_or_default();
    lead.reported.insert(report.target.clone(), told);
}
