//! Dead letters as the wire has them.

use crate::decision::reason::ReasonCode;
use crate::decision::review::{DeadLetter, DeadLetterKind, Payload};
use crate::grpc::proto;

use super::decision::reasons_of_codes;
use super::payload::parked;
use super::time::timestamp;

/// A dead letter that waits.
pub(crate) fn dead_letter(letter: &DeadLetter) -> proto::DeadLetter {
    let DeadLetter {
        dead_letter_id,
        kind,
        source,
        lead_id,
        payload,
        reason,
        error_code,
        error_message,
        retryable,
        create_time,
        attempts,
    } = letter;
    let failed = timestamp(*create_time);
    let lead_id = lead_id.map(|id| id.to_string()).unwrap_or_default();
    let system = source.as_str().to_owned();
    let (source, target) = match kind {
        DeadLetterKind::Payload => (system, String::new()),
        DeadLetterKind::CrmWrite => (String::new(), system),
    };
    let failure = (*kind == DeadLetterKind::CrmWrite).then(|| proto::CrmWriteFailed {
        lead_id: lead_id.clone(),
        claim_token: String::new(),
        code: error_code.to_string(),
        message: text_of(error_message),
        retryable: *retryable,
    });
    proto::DeadLetter {
        dead_letter_id: dead_letter_id.to_string(),
        kind: kind_on_wire(*kind, *reason).into(),
        state: proto::DeadLetterState::Pending.into(),
        payload: payload.as_ref().and_then(|payload| parked(payload, &source, failed)),
        source,
        target,
        lead_id,
        failure,
        reasons: reasons_of_codes(*reason),
        occurrence_count: i64::from(*attempts),
        create_time: Some(failed),
        update_time: Some(failed),
        closed_by: String::new(),
        close_reason: String::new(),
    }
}

/// The wire tells payloads apart by why they became no lead.
pub(crate) fn kind_on_wire(kind: DeadLetterKind, reason: Option<ReasonCode>) -> proto::DeadLetterKind {
    match (kind, reason) {
        (DeadLetterKind::CrmWrite, _) => proto::DeadLetterKind::CrmWrite,
        (DeadLetterKind::Payload, Some(ReasonCode::CreateNotAllowed)) => proto::DeadLetterKind::CreateNotAllowed,
        (DeadLetterKind::Payload, _) => proto::DeadLetterKind::NoUsableIdentifier,
    }
}

fn text_of(message: &Payload) -> String {
    String::from_utf8_lossy(&message.0).into_owned()
}
