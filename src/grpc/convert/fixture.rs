//! What the row tests of this module share.

use crate::decision::command::UpsertCommand;
use crate::decision::policy::{Policy, SourcePolicy};
use crate::domain::SourceName;
use crate::grpc::proto::{LeadInput, UpsertRequest};
use crate::grpc::status::Failure;
use crate::grpc::violation::Violations;

use super::reply::Presentation;
use super::{Caller, Door, MatchingHeaders, upsert_command};

/// The source of every request here.
pub(super) const SOURCE: &str = "crm";

/// The time of receipt: 2025-06-01T00:00:00Z.
pub(super) const NOW: i64 = 1_748_736_000;

/// A policy in which [`SOURCE`] has rules of its own.
pub(super) fn policy_with(change: impl FnOnce(&mut SourcePolicy)) -> Policy {
    let mut rules = SourcePolicy::default();
    change(&mut rules);
    let mut policy = Policy::default();
    policy.sources.insert(SourceName::parse(SOURCE).expect("a source"), rules);
    policy
}

/// Calls with a door for these rules and headers.
pub(super) fn at_door<T>(policy: &Policy, headers: MatchingHeaders, call: impl FnOnce(&Door<'_>) -> T) -> T {
    let now = jiff::Timestamp::from_second(NOW).expect("a time");
    call(&Door { caller: &Caller::default(), policy, headers, inherited_source: None, now })
}

/// What becomes of a request under the default policy.
pub(super) fn converted(request: UpsertRequest) -> Result<(UpsertCommand, Presentation), Failure> {
    converted_by(&Policy::default(), request)
}

/// What becomes of a request under a policy.
pub(super) fn converted_by(policy: &Policy, request: UpsertRequest) -> Result<(UpsertCommand, Presentation), Failure> {
    at_door(policy, MatchingHeaders::default(), |door| upsert_command(request, "", door))
}

/// The command that a lead becomes.
pub(super) fn command_of(lead: LeadInput) -> UpsertCommand {
    converted(request_of(lead)).expect("a good lead").0
}

/// A request with nothing but a source and a lead.
pub(super) fn request_of(lead: LeadInput) -> UpsertRequest {
    UpsertRequest { source: SOURCE.to_owned(), lead: Some(lead), ..UpsertRequest::default() }
}

/// The rules that a request breaks, as `field RULE`, in their order.
pub(super) fn broken(result: Result<(UpsertCommand, Presentation), Failure>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(Failure::Invalid(violations)) => told(&violations),
        Err(other) => vec![format!("{other:?}")],
    }
}

fn told(violations: &Violations) -> Vec<String> {
    let told = violations.told().iter();
    told.map(|violation| format!("{} {}", violation.field, violation.rule.as_str())).collect()
}

/// A text that is there.
#[expect(clippy::unnecessary_wraps, reason = "the fields of the wire are optional")]
pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}
