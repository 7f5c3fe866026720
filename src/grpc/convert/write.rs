//! Writes to a target: instructions out, reports in.

use prost::Message;

use crate::decision::command::RequestId;
use crate::decision::outcome::{WriteAction, WriteInstruction};
use crate::decision::plan::{ReportEvent, WriteReport};
use crate::decision::review::Payload;
use crate::domain::{ExternalId, FieldKey, SourceName};
use crate::engine::{self, ReportAnswer};
use crate::grpc::proto;
use crate::grpc::proto::write_report::Event;
use crate::grpc::status::Failure;
use crate::grpc::violation::{Rule, Violations};

use super::decision::reasons;
use super::enums::write_action;
use super::payload::digest_of;
use super::text::{Lines, clean};
use super::time::{duration, instant, timestamp};
use super::upsert::request_id_text;
use super::{Door, required_lead_id, source_name, unless_broken};

/// Whether an instruction carries the claim that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The caller of an upsert gets it.
    Told,
    /// Nobody gets it by looking: previews, matches and the feed.
    Withheld,
}

/// An instruction as the wire has it.
pub(crate) fn instruction(instruction: WriteInstruction, claim: Claim) -> proto::WriteInstruction {
    let WriteInstruction {
        target,
        action,
        external_id,
        other_external_ids,
        changed_fields,
        claim_token,
        claim_expire_time,
        retry_after,
    } = instruction;
    let claims = claim == Claim::Told && action == WriteAction::Create;
    proto::WriteInstruction {
        target: target.as_str().to_owned(),
        action: write_action(action).into(),
        external_id: external_id.map(String::from).unwrap_or_default(),
        other_external_ids: other_external_ids.into_iter().map(String::from).collect(),
        changed_fields: (!changed_fields.is_empty()).then(|| field_mask(&changed_fields)),
        claim_token: claim_token.filter(|_| claims).map(String::from).unwrap_or_default(),
        claim_expire_time: claim_expire_time.filter(|_| claims).map(timestamp),
        retry_after: retry_after.map(duration),
    }
}

/// Field names as a mask.
pub(super) fn field_mask(fields: &[FieldKey]) -> prost_types::FieldMask {
    prost_types::FieldMask { paths: fields.iter().map(ToString::to_string).collect() }
}

/// A merge to carry out in another system.
pub(crate) fn record_merge(merge: engine::RecordMerge) -> proto::RecordMerge {
    let engine::RecordMerge { source, survivor_external_id, loser_external_ids } = merge;
    proto::RecordMerge {
        source: source.as_str().to_owned(),
        survivor_external_id: survivor_external_id.into(),
        loser_external_ids: loser_external_ids.into_iter().map(String::from).collect(),
    }
}

/// The answer to a report.
pub(crate) fn report_answer(answer: ReportAnswer) -> proto::WriteReportResult {
    let ReportAnswer { lead_id, next, reasons: why } = answer;
    proto::WriteReportResult {
        lead_id: lead_id.map(|id| id.to_string()).unwrap_or_default(),
        next: next.map(|next| instruction(next, Claim::Told)),
        reasons: reasons(&why),
    }
}

/// A report, and what makes it safe to repeat.
pub(crate) fn write_report(
    mut message: proto::WriteReport,
    door: &Door<'_>,
) -> Result<(WriteReport, Option<RequestId>), Failure> {
    let mut violations = Violations::default();
    let request_id = request_id_text(std::mem::take(&mut message.request_id), &mut violations);
    let request_id = request_id.map(|id| RequestId { id, body_digest: digest_of(&message.encode_to_vec()) });
    let proto::WriteReport { target, request_id: _, event } = message;
    let target = door.source(&target, "target", &mut violations);
    let report = match event {
        None => {
            violations.add("event", Rule::InvalidValue, "say what happened");
            None
        }
        Some(Event::Written(written)) => written_report(written, target, door, &mut violations),
        Some(Event::Failed(failed)) => failed_report(failed, target, door, &mut violations),
        Some(Event::Merged(_)) => return Err(Failure::NotYetAvailable("reporting merged records")),
        Some(Event::Deleted(_)) => return Err(Failure::NotYetAvailable("reporting deleted records")),
        Some(Event::Converted(_)) => return Err(Failure::NotYetAvailable("reporting converted records")),
    };
    Ok((unless_broken(report, violations)?, request_id))
}

fn written_report(
    written: proto::CrmRecordWritten,
    target: Option<SourceName>,
    door: &Door<'_>,
    violations: &mut Violations,
) -> Option<WriteReport> {
    let proto::CrmRecordWritten { lead_id, claim_token, external_id, write_time, version } = written;
    let lead_id = required_lead_id(&lead_id, "written.lead_id", violations);
    // Only checked: what the target holds is told by the version that was written, not by a clock.
    instant(write_time, "written.write_time", violations);
    if version.is_some_and(|version| version < 1) {
        violations.add("written.version", Rule::InvalidValue, "versions count from 1");
    }
    let external_id = reported_id(external_id, target.as_ref(), door, violations);
    let claim_token = match version {
        Some(version) if claim_token.is_empty() => update_token(version),
        _ => claim_token.into(),
    };
    Some(WriteReport {
        tenant: door.caller.tenant.clone(),
        target: target?,
        lead_id: lead_id?,
        claim_token,
        event: ReportEvent::Written { external_id: external_id? },
    })
}

/// What stands for "the update to this version" where a report carries no claim.
fn update_token(version: i64) -> Box<str> {
    format!("update-{version}").into()
}

fn reported_id(
    given: String,
    target: Option<&SourceName>,
    door: &Door<'_>,
    violations: &mut Violations,
) -> Option<ExternalId> {
    const FIELD: &str = "written.external_id";
    let limit = door.policy.limits.value_bytes;
    let text = clean(given, Lines::One, limit, violations, || FIELD.into());
    let target = target?;
    let rules = door.policy.source(target);
    let parsed = ExternalId::parse(
        target.clone(),
        text.as_deref().unwrap_or_default(),
        rules.external_id_format,
        rules.external_id_prefix.as_deref(),
    );
    match parsed {
        Ok(Some(id)) => Some(id),
        Ok(None) if violations.is_empty() => {
            violations.add(FIELD, Rule::InvalidValue, "name the record that was written");
            None
        }
        Ok(None) => None,
        Err(error) => {
            violations.add(FIELD, Rule::InvalidValue, error.to_string());
            None
        }
    }
}

fn failed_report(
    failed: proto::CrmWriteFailed,
    target: Option<SourceName>,
    door: &Door<'_>,
    violations: &mut Violations,
) -> Option<WriteReport> {
    let proto::CrmWriteFailed { lead_id, claim_token, code, message, retryable } = failed;
    let lead_id = required_lead_id(&lead_id, "failed.lead_id", violations);
    let limit = door.policy.limits.value_bytes;
    let code = clean(code, Lines::One, limit, violations, || "failed.code".into());
    let message = clean(message, Lines::Many, limit, violations, || "failed.message".into());
    Some(WriteReport {
        tenant: door.caller.tenant.clone(),
        target: target?,
        lead_id: lead_id?,
        claim_token: claim_token.into(),
        event: ReportEvent::Failed {
            code: code.unwrap_or_default(),
            message: Payload(message.unwrap_or_default().into_boxed_bytes()),
            retryable,
        },
    })
}

/// The systems whose instructions a watcher wants.
pub(crate) fn targets(names: &[String], violations: &mut Violations) -> Vec<SourceName> {
    names.iter().filter_map(|name| source_name(name, "targets", violations)).collect()
}
