use super::*;

const DELAY: Duration = Duration::from_millis(250);

fn check(failure: impl Into<Failure>, code: Code, reason: &str, retries: bool) {
    let status = failure.into().into_status();
    assert_eq!(status.code(), code, "{reason}");
    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, DOMAIN));
    assert_eq!(details.retry_info().is_some(), retries, "{reason}");
    assert_eq!(details.bad_request().is_some(), reason == "INVALID_VALUE" && !status.message().starts_with("the "));
}

#[test]
fn every_failure_has_a_code_a_reason_and_retries_only_where_a_retry_helps() {
    let source = SourceName::parse("crm").expect("a source");
    check(Violations::one("lead.email", Rule::InvalidValue, "bad"), Code::InvalidArgument, "INVALID_VALUE", false);
    check(Failure::UnknownSource(source), Code::PermissionDenied, "UNKNOWN_SOURCE", false);
    check(Failure::NotPermitted("no"), Code::PermissionDenied, "PERMISSION_DENIED", false);
    check(Failure::LeadNotFound, Code::NotFound, "LEAD_NOT_FOUND", false);
    check(Failure::NotYetAvailable("MergeLeads"), Code::Unimplemented, "NOT_YET_AVAILABLE", false);
    check(Failure::ReplyTooLarge { limit_bytes: 1 }, Code::ResourceExhausted, "REPLY_TOO_LARGE", false);
    check(Failure::Draining, Code::Unavailable, "DRAINING", true);
    check(Failure::Panicked, Code::Internal, "INTERNAL", false);
    let mismatch = PlanError::VersionMismatch { expected: 2, current: 3 };
    check(RequestError::Refused(mismatch), Code::Aborted, "VERSION_MISMATCH", false);
    check(RequestError::RequestIdReused, Code::InvalidArgument, "REQUEST_ID_REUSED", false);
    check(RequestError::KeyQueueFull { retry_after: DELAY }, Code::ResourceExhausted, "KEY_QUEUE_FULL", true);
    check(RequestError::RateLimited { retry_after: DELAY }, Code::ResourceExhausted, "RATE_LIMITED", true);
    let overloaded = RequestError::Overloaded { what: "queue", retry_after: DELAY };
    check(overloaded, Code::ResourceExhausted, "OVERLOADED", true);
    check(RequestError::PreviewsFull { limit_bytes: 7 }, Code::ResourceExhausted, "PREVIEWS_FULL", false);
    check(RequestError::Contention { retry_after: DELAY }, Code::Unavailable, "CONTENTION", true);
    check(RequestError::Unavailable { what: "starting" }, Code::Unavailable, "NOT_READY", true);
    check(RequestError::CommitOutcomeUnknown, Code::Unavailable, "COMMIT_OUTCOME_UNKNOWN", true);
    check(RequestError::InvalidSearch("the text is too long".into()), Code::InvalidArgument, "INVALID_VALUE", false);
    check(RequestError::ReadFailed, Code::Unavailable, "STORE_UNREADABLE", true);
}

#[test]
fn what_tonic_says_of_a_request_is_the_callers_mistake_and_never_internal() {
    let check = |given, code, reason: &str| {
        let failure = Failure::of_transport(given, "some text").expect("a failure");
        let status = failure.into_status();
        assert_eq!(status.code(), code);
        assert_eq!(status.get_error_details().error_info().expect("an ErrorInfo").reason, reason);
    };
    check(Code::Internal, Code::InvalidArgument, "INVALID_VALUE");
    check(Code::OutOfRange, Code::InvalidArgument, "INVALID_VALUE");
    check(Code::Unimplemented, Code::Unimplemented, "UNSUPPORTED");
    check(Code::Cancelled, Code::Cancelled, "INTERRUPTED");
    assert!(Failure::of_transport(Code::Ok, "").is_none());
}

#[test]
fn all_mistakes_are_told_at_once_and_the_leading_one_comes_first() {
    let mut violations = Violations::one("lead.email", Rule::InvalidValue, "bad");
    violations.add("source", Rule::MissingSource, "missing");
    let item = Failure::Invalid(violations).into_item("row 7".to_owned());
    assert_eq!(item.status(), proto::UpsertStatus::Failed);
    assert_eq!(item.client_ref, "row 7");
    let codes: Vec<_> = item.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["MISSING_SOURCE", "INVALID_VALUE"]);
    assert_eq!(item.reasons[0].metadata["marketo_code"], "1002");
}

#[test]
fn an_item_says_when_to_retry() {
    let item = Failure::from(RequestError::KeyQueueFull { retry_after: DELAY }).into_item(String::new());
    assert_eq!(item.reasons[0].metadata["retry_after_ms"], "250");
}
