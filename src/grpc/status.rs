//! Failures as gRPC statuses: the only place that knows status codes.
//!
//! Every failure that leaves the server is described here, once: its code, the reason in its `ErrorInfo`, and whether a
//! retry helps. Business outcomes are no failures.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::decision::plan::PlanError;
use crate::domain::SourceName;
use crate::engine::RequestError;

use super::proto;
use super::violation::{Rule, Violations};

/// The domain of every `ErrorInfo`.
pub(crate) const DOMAIN: &str = "leadgate";

/// When to ask again where nothing tells better.
const USUAL_RETRY: Duration = Duration::from_secs(1);

/// Marketo's number for "too many calls".
const MARKETO_RATE: &str = "606";
/// Marketo's number for "not found".
const MARKETO_NOT_FOUND: &str = "1004";
/// Marketo's number for "invalid".
const MARKETO_INVALID: &str = "1001";

/// Why a call, or an item of a batch or stream, was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Fields of the request break rules.
    Invalid(Violations),
    /// The policy lists its sources and this one is not among them.
    UnknownSource(SourceName),
    /// The caller may not do this.
    NotPermitted(&'static str),
    /// There is no such lead.
    LeadNotFound,
    /// The call is part of the contract and comes with a later release.
    NotYetAvailable(&'static str),
    /// The answer is longer than the server sends.
    ReplyTooLarge {
        /// The server's limit.
        limit_bytes: usize,
    },
    /// The request is longer than the server reads.
    RequestTooLarge(Box<str>),
    /// The request cannot be read as the message that the method takes.
    Unreadable(Box<str>),
    /// The request uses something of gRPC that this server does not have: a method, an encoding.
    Unsupported(Box<str>),
    /// The connection or stream ended before the request did.
    Interrupted(Code, Box<str>),
    /// The health service does not know the name.
    UnknownService,
    /// The server is shutting down.
    Draining,
    /// A handler panicked.
    Panicked,
    /// The engine did not do it.
    Request(RequestError),
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<Violations> for Failure {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        failure.into_status()
    }
}

impl From<RequestError> for Status {
    fn from(error: RequestError) -> Self {
        Failure::from(error).into_status()
    }
}

impl From<Violations> for Status {
    fn from(violations: Violations) -> Self {
        Failure::from(violations).into_status()
    }
}

/// What callers learn about a failure.
struct Description {
    code: Code,
    reason: &'static str,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    metadata: Vec<(&'static str, String)>,
}

impl Description {
    fn new(code: Code, reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason, message: message.into(), retry_after: None, metadata: Vec::new() }
    }

    fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }
}

impl Failure {
    /// What tonic itself answered before or behind a handler, in our words. `None` where nothing failed.
    pub(crate) fn of_transport(code: Code, message: &str) -> Option<Self> {
        match code {
            Code::Ok => None,
            Code::OutOfRange | Code::ResourceExhausted => Some(Self::RequestTooLarge(message.into())),
            // Tonic blames itself where a request cannot be decoded; failures of our own carry details and never get here.
            Code::Internal | Code::InvalidArgument | Code::Unknown | Code::DataLoss => {
                Some(Self::Unreadable(message.into()))
            }
            Code::Unimplemented => Some(Self::Unsupported(message.into())),
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Unavailable
            | Code::Unauthenticated => Some(Self::Interrupted(code, message.into())),
        }
    }

    /// The failure as a status with exactly one `ErrorInfo`, and `BadRequest` and `RetryInfo` where they apply.
    pub(crate) fn into_status(self) -> Status {
        let description = self.describe();
        let metadata: HashMap<String, String> =
            description.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut details = ErrorDetails::with_error_info(description.reason, DOMAIN, metadata);
        if let Self::Invalid(violations) = &self {
            details.set_bad_request(field_violations(violations));
        }
        if let Some(delay) = description.retry_after {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(description.code, description.message, details)
    }

    /// The failure as the reasons of an item in a batch or stream; the first is the one of the error.
    pub(crate) fn into_reasons(self) -> Vec<proto::Reason> {
        let description = self.describe();
        let mut metadata: BTreeMap<String, String> =
            description.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if let Some(delay) = description.retry_after {
            metadata.insert("retry_after_ms".to_owned(), delay.as_millis().to_string());
        }
        let Self::Invalid(violations) = self else {
            return vec![proto::Reason {
                code: description.reason.to_owned(),
                message: description.message.into_owned(),
                metadata,
            }];
        };
        reasons_of(&violations)
    }

    /// The failure as a FAILED item.
    pub(crate) fn into_item(self, client_ref: String) -> proto::UpsertResponse {
        proto::UpsertResponse {
            status: proto::UpsertStatus::Failed.into(),
            reasons: self.into_reasons(),
            client_ref,
            ..Default::default()
        }
    }

    fn describe(&self) -> Description {
        use Code::{
            Internal, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted, Unavailable, Unimplemented,
        };
        match self {
            Self::Invalid(violations) => describe_violations(violations),
            Self::UnknownSource(source) => Description::new(
                PermissionDenied,
                "UNKNOWN_SOURCE",
                "the policy does not list this source and refuses those that it does not list",
            )
            .with("source", source.as_str()),
            Self::NotPermitted(what) => Description::new(PermissionDenied, "PERMISSION_DENIED", *what),
            Self::LeadNotFound => Description::new(NotFound, "LEAD_NOT_FOUND", "there is no such lead")
                .with("marketo_code", MARKETO_NOT_FOUND),
            Self::NotYetAvailable(what) => Description::new(
                Unimplemented,
                "NOT_YET_AVAILABLE",
                format!("{what} is part of the contract and comes with a later release"),
            ),
            Self::ReplyTooLarge { limit_bytes } => Description::new(
                ResourceExhausted,
                "REPLY_TOO_LARGE",
                "the answer is longer than the server sends: ask for fewer entries or without leads",
            )
            .with("limit_bytes", limit_bytes.to_string()),
            Self::RequestTooLarge(message) => {
                Description::new(InvalidArgument, "INVALID_VALUE", format!("the request is too long: {message}"))
                    .with("marketo_code", MARKETO_INVALID)
            }
            Self::Unreadable(message) => {
                Description::new(InvalidArgument, "INVALID_VALUE", format!("the request cannot be read: {message}"))
                    .with("marketo_code", MARKETO_INVALID)
            }
            Self::Unsupported(message) if message.is_empty() => {
                Description::new(Unimplemented, "UNKNOWN_METHOD", "this server has no such method")
            }
            Self::Unsupported(message) => Description::new(Unimplemented, "UNSUPPORTED", message.to_string()),
            Self::Interrupted(code, message) => Description::new(*code, "INTERRUPTED", message.to_string()),
            Self::UnknownService => {
                Description::new(NotFound, "UNKNOWN_SERVICE", "the health service does not know this name")
            }
            Self::Draining => {
                Description::new(Unavailable, "DRAINING", "the server is shutting down: retry elsewhere or later")
                    .retry_after(USUAL_RETRY)
            }
            Self::Panicked => {
                Description::new(Internal, "INTERNAL", "the server made a mistake; its log has the particulars")
            }
            Self::Request(error) => describe_request_error(error),
        }
    }
}

fn describe_request_error(error: &RequestError) -> Description {
    use Code::{Aborted, InvalidArgument, ResourceExhausted, Unavailable};
    let message = error.to_string();
    match error {
        RequestError::Refused(PlanError::VersionMismatch { expected, current }) => {
            Description::new(Aborted, "VERSION_MISMATCH", message)
                .with("expected_version", expected.to_string())
                .with("current_version", current.to_string())
        }
        RequestError::RequestIdReused => Description::new(InvalidArgument, "REQUEST_ID_REUSED", message)
            .with("field", "request_id")
            .with("marketo_code", MARKETO_INVALID),
        RequestError::KeyQueueFull { retry_after } => Description::new(ResourceExhausted, "KEY_QUEUE_FULL", message)
            .with("marketo_code", MARKETO_RATE)
            .retry_after(*retry_after),
        RequestError::RateLimited { retry_after } => Description::new(ResourceExhausted, "RATE_LIMITED", message)
            .with("marketo_code", MARKETO_RATE)
            .retry_after(*retry_after),
        RequestError::Overloaded { what, retry_after } => Description::new(ResourceExhausted, "OVERLOADED", message)
            .with("what", *what)
            .with("marketo_code", MARKETO_RATE)
            .retry_after(*retry_after),
        RequestError::PreviewsFull { limit_bytes } => {
            Description::new(ResourceExhausted, "PREVIEWS_FULL", message).with("limit_bytes", limit_bytes.to_string())
        }
        RequestError::Contention { retry_after } => {
            Description::new(Unavailable, "CONTENTION", message).retry_after(*retry_after)
        }
        RequestError::Unavailable { what } => {
            Description::new(Unavailable, "NOT_READY", message).with("what", *what).retry_after(USUAL_RETRY)
        }
        RequestError::CommitOutcomeUnknown => {
            Description::new(Unavailable, "COMMIT_OUTCOME_UNKNOWN", message).retry_after(USUAL_RETRY)
        }
        RequestError::InvalidSearch(_) => Description::new(InvalidArgument, "INVALID_VALUE", message)
            .with("field", "query")
            .with("marketo_code", MARKETO_INVALID),
        RequestError::ReadFailed => Description::new(Unavailable, "STORE_UNREADABLE", message).retry_after(USUAL_RETRY),
    }
}

fn describe_violations(violations: &Violations) -> Description {
    let rule = violations.leading_rule();
    let leading = violations.told().iter().find(|violation| violation.rule == rule);
    let message = match leading {
        Some(violation) => format!("{}: {}", violation.field, violation.description),
        None => "the request breaks a rule".to_owned(),
    };
    let others = violations.told().len().saturating_sub(1) + violations.untold();
    let message = if others == 0 { message } else { format!("{message} (and {others} more)") };
    let description = Description::new(Code::InvalidArgument, rule.as_str(), message);
    let description = description.with("marketo_code", rule.marketo_code());
    match leading {
        Some(violation) => description.with("field", violation.field.to_string()),
        None => description,
    }
}

fn field_violations(violations: &Violations) -> Vec<FieldViolation> {
    let told = violations.told().iter().map(|violation| FieldViolation {
        field: violation.field.to_string(),
        description: violation.description.to_string(),
        reason: violation.rule.as_str().to_owned(),
        localized_message: None,
    });
    told.collect()
}

/// A reason for each violation, the leading one first.
fn reasons_of(violations: &Violations) -> Vec<proto::Reason> {
    let leading: Rule = violations.leading_rule();
    let mut told: Vec<_> = violations.told().iter().collect();
    told.sort_by_key(|violation| violation.rule != leading);
    told.into_iter()
        .map(|violation| proto::Reason {
            code: violation.rule.as_str().to_owned(),
            message: violation.description.to_string(),
            metadata: BTreeMap::from([
                ("field".to_owned(), violation.field.to_string()),
                ("marketo_code".to_owned(), violation.rule.marketo_code().to_owned()),
            ]),
        })
        .collect()
}

#[cfg(test)]
mod tests;
