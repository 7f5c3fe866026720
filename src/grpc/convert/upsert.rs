//! Requests to upsert or match, as commands.

use jiff::Timestamp;

use crate::decision::command::{RequestId, UpdateMode, UpsertCommand, UpsertMode};
use crate::decision::policy::Policy;
use crate::decision::review::Payload;
use crate::decision::tier::MatchTier;
use crate::domain::{FieldKey, IncomingLead, InputNote, SourceName};
use crate::grpc::blank_ids::count_blank_external_id;
use crate::grpc::proto;
use crate::grpc::status::Failure;
use crate::grpc::violation::{Rule, Violations};

use super::enums::{known, match_tier, mode_on_wire, tier, update_mode, update_mode_on_wire, upsert_mode};
use super::lead_input::{ReadLead, read_lead};
use super::payload::{canonical, digest_of};
use super::reply::Presentation;
use super::time::instant;
use super::{Caller, Door, MatchingHeaders, optional_lead_id, source_name};

/// Longest `request_id` and `client_ref`, in characters.
const MOST_CHARS: usize = 128;
/// Most entries of `clear_fields`.
const MOST_CLEARED: usize = 300;
/// Candidates in an answer that nobody counted.
const USUAL_CANDIDATES: usize = 10;
/// Most candidates in an answer.
const MOST_CANDIDATES: i32 = 50;

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Upsert,
    Match,
}

/// A request to upsert, and how it wants to be answered. The `client_ref` is left to the caller, which needs it for failures.
pub(crate) fn upsert_command(
    mut request: proto::UpsertRequest,
    client_ref: &str,
    door: &Door<'_>,
) -> Result<(UpsertCommand, Presentation), Failure> {
    let mut violations = Violations::default();
    if client_ref.chars().nth(MOST_CHARS).is_some() {
        violations.add("client_ref", Rule::InvalidValue, format!("longer than {MOST_CHARS} characters"));
    }
    let request_id = request_id_text(std::mem::take(&mut request.request_id), &mut violations);
    request.client_ref.clear();
    resolve(&mut request, door);
    let payload = canonical(&mut request);
    let request_id = request_id.map(|id| RequestId { id, body_digest: digest_of(&payload) });
    let presentation = Presentation {
        validate_only: request.validate_only,
        include_lead: request.include_lead,
        explain: request.explain,
        max_candidates: USUAL_CANDIDATES,
    };
    let command = command(request, Purpose::Upsert, door, violations)?;
    Ok((UpsertCommand { request_id, payload: Payload(payload), ..command }, presentation))
}

/// The lead of a request, read as an upsert reads it.
pub(crate) fn incoming_lead(mut request: proto::UpsertRequest, policy: &Policy) -> Result<IncomingLead, Failure> {
    let caller = Caller::default();
    let headers = MatchingHeaders::default();
    let door = Door { caller: &caller, policy, headers, inherited_source: None, now: Timestamp::MAX };
    resolve(&mut request, &door);
    Ok(command(request, Purpose::Match, &door, Violations::default())?.lead)
}

/// A request to match: what an upsert in the default modes would decide.
pub(crate) fn match_command(
    request: proto::MatchLeadRequest,
    door: &Door<'_>,
) -> Result<(UpsertCommand, Presentation), Failure> {
    let proto::MatchLeadRequest { source, target, lead_id, lead, lookup_field, max_candidates, include_lead } = request;
    let mut violations = Violations::default();
    if !(0..=MOST_CANDIDATES).contains(&max_candidates) {
        violations.add("max_candidates", Rule::InvalidValue, "must be between 0 and 50; 0 means 10");
    }
    let max_candidates = usize::try_from(max_candidates).ok().filter(|count| *count > 0).unwrap_or(USUAL_CANDIDATES);
    let asked = proto::UpsertRequest { source, target, lead_id, lead, lookup_field, ..proto::UpsertRequest::default() };
    let mut request = proto::UpsertRequest { explain: true, ..asked };
    resolve(&mut request, door);
    let command = command(request, Purpose::Match, door, violations)?;
    Ok((command, Presentation { validate_only: true, include_lead, explain: true, max_candidates }))
}

/// Fills in what came by batch, credential and headers; what the request says itself wins.
fn resolve(request: &mut proto::UpsertRequest, door: &Door<'_>) {
    if request.source.trim().is_empty()
        && let Some(source) = door.inherited_source.or(door.caller.source.as_ref())
    {
        source.as_str().clone_into(&mut request.source);
    }
    let headers = door.headers;
    if let (0, Some(mode)) = (request.mode, headers.mode) {
        request.mode = mode_on_wire(mode).into();
    }
    if let (0, Some(mode)) = (request.update_mode, headers.update_mode) {
        request.update_mode = update_mode_on_wire(mode).into();
    }
    if let (0, Some(tier)) = (request.lookup_field, headers.lookup_field) {
        request.lookup_field = match_tier(Some(tier)).into();
    }
}

/// The command, without request id and payload.
fn command(
    request: proto::UpsertRequest,
    purpose: Purpose,
    door: &Door<'_>,
    mut violations: Violations,
) -> Result<UpsertCommand, Failure> {
    let proto::UpsertRequest {
        source,
        target,
        lead_id,
        lead,
        mode,
        update_mode: how,
        lookup_field,
        validate_only,
        request_id: _,
        client_ref: _,
        expected_version,
        source_update_time,
        clear_fields,
        include_lead,
        explain,
    } = request;
    let Some(source) = door.source(&source, "source", &mut violations) else { return Err(violations.into()) };
    if !door.policy.accepts(&source) {
        return Err(Failure::UnknownSource(source));
    }
    let target = named_target(&target, &mut violations);
    let lead_id = optional_lead_id(&lead_id, "lead_id", &mut violations);
    let mut read = read_lead(lead.unwrap_or_default(), &source, lead_id.is_none(), door, &mut violations);
    if purpose == Purpose::Upsert && read.lead.notes.contains(&InputNote::BlankExternalId) {
        count_blank_external_id(&source);
    }
    let mode = upsert_mode(known(mode, "mode", &mut violations)).unwrap_or_default();
    let how = update_mode(known(how, "update_mode", &mut violations)).unwrap_or_default();
    let lookup_field = tier(known(lookup_field, "lookup_field", &mut violations));
    check_lookup(lookup_field, lead_id.is_some(), &read, &mut violations);
    if mode == UpsertMode::CreateDuplicate && how == UpdateMode::LinkOnly {
        let description = "UPDATE_MODE_LINK_ONLY never creates a lead and UPSERT_MODE_CREATE_DUPLICATE always does";
        violations.add("update_mode", Rule::InvalidValue, description);
    }
    if expected_version.is_some_and(|version| version < 0) {
        violations.add("expected_version", Rule::InvalidValue, "versions are not negative");
    }
    let source_update_time = update_time(source_update_time, door, &mut read, &mut violations);
    let clear_fields = cleared(clear_fields, &read, &mut violations);
    if !violations.is_empty() {
        return Err(violations.into());
    }
    if mode == UpsertMode::CreateDuplicate && !door.policy.source(&source).may_create_duplicates {
        return Err(Failure::NotPermitted("this source may not use CREATE_DUPLICATE"));
    }
    Ok(UpsertCommand {
        tenant: door.caller.tenant.clone(),
        source,
        target,
        lead_id,
        lead: read.lead,
        mode,
        update_mode: how,
        lookup_field,
        validate_only,
        request_id: None,
        expected_version,
        source_update_time,
        clear_fields,
        include_lead,
        explain,
        // Nothing of a match is parked; an upsert fills it in.
        payload: Payload(Box::default()),
    })
}

/// A request id, where one is given.
pub(super) fn request_id_text(given: String, violations: &mut Violations) -> Option<Box<str>> {
    if given.is_empty() {
        return None;
    }
    if given.chars().nth(MOST_CHARS).is_some() {
        violations.add("request_id", Rule::InvalidValue, format!("longer than {MOST_CHARS} characters"));
    }
    Some(given.into())
}

fn named_target(given: &str, violations: &mut Violations) -> Option<SourceName> {
    if given.trim().is_empty() {
        return None;
    }
    source_name(given, "target", violations)
}

/// The tier that goes first needs its value.
fn check_lookup(tier: Option<MatchTier>, names_lead: bool, read: &ReadLead, violations: &mut Violations) {
    let missing = match tier {
        None => return,
        Some(MatchTier::LeadId) if !names_lead => "LEAD_ID needs a lead_id",
        Some(MatchTier::ExternalId) if read.lead.external_ids.is_empty() => "EXTERNAL_ID needs a usable external id",
        Some(MatchTier::Email) if read.lead.emails.is_empty() => "EMAIL needs a usable email",
        Some(MatchTier::Phone) if read.lead.phones.is_empty() => "PHONE needs a usable phone",
        Some(MatchTier::Fuzzy) => "FUZZY cannot go first",
        Some(_) => return,
    };
    violations.add("lookup_field", Rule::InvalidValue, missing);
}

/// When the values were true. Too far ahead counts as the time of receipt.
fn update_time(
    given: Option<prost_types::Timestamp>,
    door: &Door<'_>,
    read: &mut ReadLead,
    violations: &mut Violations,
) -> Option<Timestamp> {
    let time = instant(given, "source_update_time", violations)?;
    if time.duration_since(door.now) > door.policy.clock_skew_tolerance {
        read.lead.notes.push(InputNote::ClockSkew);
        return Some(door.now);
    }
    Some(time)
}

fn cleared(mask: Option<prost_types::FieldMask>, read: &ReadLead, violations: &mut Violations) -> Vec<FieldKey> {
    let paths = mask.map(|mask| mask.paths).unwrap_or_default();
    if paths.len() > MOST_CLEARED {
        violations.add("clear_fields", Rule::InvalidValue, format!("at most {MOST_CLEARED} fields"));
        return Vec::new();
    }
    let mut fields = Vec::with_capacity(paths.len());
    for path in paths {
        match path.parse::<FieldKey>() {
            Err(error) => violations.add(format!("clear_fields.{path}"), Rule::InvalidValue, error.to_string()),
            Ok(key) if read.gives(&key) => {
                let description = "the request has a value for the same field";
                violations.add(format!("clear_fields.{key}"), Rule::InvalidValue, description);
            }
            Ok(key) if fields.contains(&key) => {}
            Ok(key) => fields.push(key),
        }
    }
    fields
}

/// Reads any bytes as a request, for the fuzzer: a command whose payload is a request that says the same, or the caller's mistake.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_any_request(data: &[u8], policy: &crate::decision::policy::Policy, now: Timestamp) {
    use prost::Message as _;

    let Ok(request) = proto::UpsertRequest::decode(data) else { return };
    let caller = super::Caller::default();
    let headers = super::MatchingHeaders::default();
    let door = Door { caller: &caller, policy, headers, inherited_source: None, now };
    let client_ref = request.client_ref.clone();
    match upsert_command(request, &client_ref, &door) {
        Ok((command, _)) => {
            let kept = proto::UpsertRequest::decode(&*command.payload.0).expect("what is kept can be read");
            let (again, _) = upsert_command(kept, "", &door).expect("what is kept is a command");
            assert!(again.payload == command.payload && format!("{:?}", again.lead) == format!("{:?}", command.lead));
        }
        Err(failure) => assert_eq!(failure.into_status().code(), tonic::Code::InvalidArgument),
    }
}

#[cfg(test)]
mod tests;
