//! What became of a row.

use std::time::Duration;

use crate::grpc::proto::{MatchTier, Reason, UpsertResponse, UpsertStatus};

use super::row::RowProblem;

/// What became of a row: a reply, or why none was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The contract's status.
    pub(crate) status: UpsertStatus,
    /// The lead it ended on; empty without one.
    pub(crate) lead_id: String,
    /// The tier that matched.
    pub(crate) matched_by: MatchTier,
    /// Codes of the reasons. One about a value that was left out names its field: `INVALID_VALUE(email)`.
    pub(crate) reasons: Vec<String>,
    /// The review that it opened or met.
    pub(crate) review_id: String,
    /// The line of the first row of this import that ended on the same lead.
    pub(crate) same_as_line: String,
    /// For a failed row: why, in a sentence.
    pub(crate) message: String,
}

/// A reply, or a request to send the row again.
pub(crate) enum Reply {
    /// Final.
    Final(Outcome),
    /// The server cannot do it now.
    Later {
        /// When to send it again.
        after: Duration,
        /// The reason's code.
        code: String,
    },
}

/// Codes of values that could not be used.
const LEFT_OUT: [&str; 2] = ["INVALID_VALUE", "BLOCKED_VALUE"];

impl Outcome {
    /// A row that was not sent.
    pub(crate) fn not_sent(problem: &RowProblem) -> Self {
        Self {
            status: UpsertStatus::Failed,
            lead_id: String::new(),
            matched_by: MatchTier::Unspecified,
            reasons: vec![problem.code.clone()],
            review_id: String::new(),
            same_as_line: String::new(),
            message: problem.message.clone(),
        }
    }

    /// Whether the row belongs in the dead-letter file.
    pub(crate) fn failed(&self) -> bool {
        self.status == UpsertStatus::Failed
    }

    /// The status as people and files read it: without its prefix.
    pub(crate) fn status_name(&self) -> &'static str {
        self.status.as_str_name().trim_start_matches("UPSERT_STATUS_")
    }

    /// The tier as people and files read it; empty without one.
    pub(crate) fn tier_name(&self) -> &'static str {
        match self.matched_by {
            MatchTier::Unspecified => "",
            tier => tier.as_str_name().trim_start_matches("MATCH_TIER_"),
        }
    }
}

impl From<UpsertResponse> for Reply {
    fn from(response: UpsertResponse) -> Self {
        let status = response.status();
        let first = response.reasons.first();
        let retry = first.and_then(|reason| reason.metadata.get("retry_after_ms")).and_then(|text| text.parse().ok());
        if let (UpsertStatus::Failed, Some(milliseconds), Some(reason)) = (status, retry, first) {
            return Self::Later { after: Duration::from_millis(milliseconds), code: reason.code.clone() };
        }
        let problem = first.filter(|_| status == UpsertStatus::Failed).map(RowProblem::of_reason);
        Self::Final(Outcome {
            status,
            lead_id: response.lead_id,
            matched_by: response.decision.map_or(MatchTier::Unspecified, |decision| decision.matched_by()),
            reasons: response.reasons.into_iter().map(|reason| shown(reason, status)).collect(),
            review_id: response.review_id,
            same_as_line: response.same_as_client_ref,
            message: problem.map(|problem| problem.message).unwrap_or_default(),
        })
    }
}

/// A reason's code, with the field where the row went on without what stood there. Why a row failed is told by its message.
fn shown(reason: Reason, status: UpsertStatus) -> String {
    match reason.metadata.get("field") {
        Some(field) if status != UpsertStatus::Failed && LEFT_OUT.contains(&&*reason.code) => {
            format!("{}({field})", reason.code)
        }
        _ => reason.code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::proto::Decision;

    fn failed(code: &str, metadata: &[(&str, &str)]) -> Reply {
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let reason = Reason { code: code.into(), message: "why".into(), metadata };
        UpsertResponse { status: UpsertStatus::Failed.into(), reasons: vec![reason], ..Default::default() }.into()
    }

    #[test]
    fn only_what_the_server_wants_again_is_sent_again() {
        assert!(matches!(failed("OVERLOADED", &[("retry_after_ms", "250")]),
            Reply::Later { after, code } if after.as_millis() == 250 && code == "OVERLOADED"));
        let Reply::Final(outcome) = failed("INVALID_VALUE", &[("field", "lead.email")]) else { panic!("final") };
        assert!(outcome.failed());
        assert_eq!((outcome.message.as_str(), outcome.status_name()), ("lead.email: why", "FAILED"));
        assert_eq!(outcome.reasons, ["INVALID_VALUE"]);
    }

    #[test]
    fn a_value_that_was_left_out_is_told_with_its_field() {
        let reason = |code: &str, field: &str| Reason {
            code: code.into(),
            metadata: [("field".to_owned(), field.to_owned())].into(),
            ..Reason::default()
        };
        let reasons = vec![reason("INVALID_VALUE", "email"), reason("PROTECTED_FIELD", "city")];
        let response = UpsertResponse { status: UpsertStatus::Created.into(), reasons, ..Default::default() };
        let Reply::Final(outcome) = response.into() else { panic!("final") };
        assert_eq!(outcome.reasons, ["INVALID_VALUE(email)", "PROTECTED_FIELD"]);
    }

    #[test]
    fn a_reply_is_told_by_its_status_lead_and_tier() {
        let decision = Decision { matched_by: MatchTier::Email.into(), ..Default::default() };
        let response = UpsertResponse {
            status: UpsertStatus::Updated.into(),
            lead_id: "id".into(),
            decision: Some(decision),
            same_as_client_ref: "7".into(),
            ..Default::default()
        };
        let Reply::Final(outcome) = response.into() else { panic!("final") };
        assert_eq!((outcome.status_name(), outcome.tier_name()), ("UPDATED", "EMAIL"));
        assert_eq!((outcome.same_as_line.as_str(), outcome.message.as_str()), ("7", ""));
    }
}
