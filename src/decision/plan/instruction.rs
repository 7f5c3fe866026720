//! What the caller should write to a target: one caller at a time is told to create, and nobody writes what the target holds.

use std::borrow::Cow;
use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::decision::outcome::{WriteAction, WriteInstruction};
use crate::decision::reason::{Reason, ReasonCode};
use crate::domain::{Claim, DigestMap, FieldKey, Lead, SourceName};

use super::edit::digests_of_lead;
use super::{PlanContext, Planner, add_reason};

/// The longest that a waiting caller is told to wait before it asks again.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(5);

impl Planner<'_> {
    /// The instruction for the request's target, noted on the lead where it is binding.
    pub(super) fn instruct(
        &self,
        lead: &mut Cow<'_, Lead>,
        binding: bool,
        reasons: &mut Vec<Reason>,
    ) -> Option<WriteInstruction> {
        let rules = self.context.policy.source(&self.command.source);
        let target = self.command.target.as_ref().or(rules.target.as_ref())?;
        Some(instruct(lead, target, &self.context, binding, reasons))
    }
}

/// The instruction for a target. `binding` notes on the lead what was told, and takes a claim where one is to be had.
pub(super) fn instruct(
    lead: &mut Cow<'_, Lead>,
    target: &SourceName,
    context: &PlanContext<'_>,
    binding: bool,
    reasons: &mut Vec<Reason>,
) -> WriteInstruction {
    let held = digests_of_lead(lead, context.digests);
    let reported = lead.system(target).map(|system| system.reported.clone()).unwrap_or_default();
    let changed = differing_fields(&held, &reported);
    let mut ids: VecDeque<Box<str>> = lead.live_ids_of(target).map(|id| id.value().into()).collect();
    let instruction = match ids.pop_front() {
        Some(external_id) => update(target, external_id, ids.into(), changed, lead.version),
        None => create_or_wait(lead, target, changed, context, binding, reasons),
    };
    if binding && matches!(instruction.action, WriteAction::Create | WriteAction::Update) {
        note_told(lead.to_mut(), target, held, &instruction, context.now);
    }
    instruction
}

fn update(
    target: &SourceName,
    external_id: Box<str>,
    others: Vec<Box<str>>,
    changed: Vec<FieldKey>,
    version: i64,
) -> WriteInstruction {
    let action = if changed.is_empty() { WriteAction::None } else { WriteAction::Update };
    WriteInstruction {
        external_id: Some(external_id),
        other_external_ids: others,
        claim_token: (action == WriteAction::Update).then(|| update_token(version)),
        changed_fields: changed,
        ..blank(target, action)
    }
}

fn create_or_wait(
    lead: &Lead,
    target: &SourceName,
    changed: Vec<FieldKey>,
    context: &PlanContext<'_>,
    binding: bool,
    reasons: &mut Vec<Reason>,
) -> WriteInstruction {
    let claim = lead.system(target).and_then(|system| system.claim.as_ref());
    if let Some(claim) = claim.filter(|claim| claim.expire_time > context.now) {
        let remaining = claim.expire_time.duration_since(context.now);
        return WriteInstruction { retry_after: Some(remaining.min(LONGEST_WAIT)), ..blank(target, WriteAction::Wait) };
    }
    if claim.is_some() {
        add_reason(reasons, ReasonCode::ClaimExpired);
    }
    WriteInstruction {
        changed_fields: changed,
        claim_token: binding.then(|| context.ids.claim_token.clone()),
        claim_expire_time: binding.then(|| context.now + context.policy.claim_duration),
        ..blank(target, WriteAction::Create)
    }
}

fn blank(target: &SourceName, action: WriteAction) -> WriteInstruction {
    WriteInstruction {
        target: target.clone(),
        action,
        external_id: None,
        other_external_ids: Vec::new(),
        changed_fields: Vec::new(),
        claim_token: None,
        claim_expire_time: None,
        retry_after: None,
    }
}

fn note_told(lead: &mut Lead, target: &SourceName, held: DigestMap, instruction: &WriteInstruction, now: Timestamp) {
    let version = lead.version;
    let system = lead.system_mut(target);
    system.told = held;
    system.told_version = version;
    if instruction.action == WriteAction::Create
        && let Some(token) = &instruction.claim_token
    {
        system.claim = Some(Claim { token: token.clone(), expire_time: instruction.claim_expire_time.unwrap_or(now) });
    }
}

/// An update's token names the version that was to be written, so that a late report claims no more than that.
pub(super) fn update_token(version: i64) -> Box<str> {
    format!("update-{version}").into()
}

/// What differs between what the lead holds and what the target was reported to hold.
pub(super) fn differing_fields(held: &DigestMap, reported: &DigestMap) -> Vec<FieldKey> {
    let set = held.iter().filter(|(key, digest)| reported.get(key) != Some(digest)).map(|(key, _)| key);
    let cleared = reported.keys().filter(|key| !held.contains_key(key));
    let mut fields: Vec<FieldKey> = set.chain(cleared).cloned().collect();
    fields.sort_unstable();
    fields
}
