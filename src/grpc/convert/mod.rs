//! Between the wire and the core: requests in, answers out.
//!
//! Behind this module there is no unchecked string: what leaves it inwards has been parsed, and every mistake that a request
//! makes is told at once. Messages are taken apart completely, so that a new field breaks the build instead of being
//! forgotten. Nothing here waits, and nothing looks anything up.

mod dead_letter;
mod decision;
mod enums;
mod event;
mod external_ids;
#[cfg(test)]
mod fixture;
mod lead;
mod lead_input;
mod metadata;
mod payload;
mod reply;
mod review;
mod selector;
mod text;
mod time;
mod unborn;
mod upsert;
mod write;

pub(crate) use dead_letter::{dead_letter, kind_on_wire};
pub(crate) use decision::comparison;
pub(crate) use enums::{known, match_tier, match_tiers, upsert_statuses};
pub(crate) use event::{decision_event, kind_and_status};
pub(crate) use lead::lead;
pub(crate) use metadata::MatchingHeaders;
pub(crate) use reply::{match_response, upsert_response};
pub(crate) use review::review;
pub(crate) use selector::{found_lead, lead_selector};
pub(crate) use time::instant;
#[cfg(any(test, fuzzing))]
pub(crate) use upsert::read_any_request;
pub(crate) use upsert::{incoming_lead, match_command, upsert_command};
pub(crate) use write::{record_merge, report_answer, targets, write_report};

use jiff::Timestamp;

use crate::decision::policy::Policy;
use crate::domain::{LeadId, SourceName, TenantId};

use super::violation::{Rule, Violations};

/// Who calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// Whose leads.
    pub(crate) tenant: TenantId,
    /// The source that the credential stands for.
    pub(crate) source: Option<SourceName>,
}

/// What a request is read against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door<'a> {
    /// Who calls.
    pub(crate) caller: &'a Caller,
    /// The rules.
    pub(crate) policy: &'a Policy,
    /// The SAP headers of the call.
    pub(crate) headers: MatchingHeaders,
    /// The source that a request without one inherits from its batch.
    pub(crate) inherited_source: Option<&'a SourceName>,
    /// The time of receipt.
    pub(crate) now: Timestamp,
}

impl Door<'_> {
    /// The source that a request names, or inherits.
    fn source(&self, given: &str, field: &'static str, violations: &mut Violations) -> Option<SourceName> {
        if given.trim().is_empty() {
            let inherited = self.inherited_source.or(self.caller.source.as_ref()).cloned();
            if inherited.is_none() {
                violations.add(field, Rule::MissingSource, "name the system that sends the lead");
            }
            return inherited;
        }
        source_name(given, field, violations)
    }
}

/// A source or target by name.
pub(crate) fn source_name(given: &str, field: &'static str, violations: &mut Violations) -> Option<SourceName> {
    match SourceName::parse(given) {
        Ok(source) => Some(source),
        Err(error) => {
            violations.add(field, Rule::InvalidValue, error.to_string());
            None
        }
    }
}

/// A lead id where one is given; blank means none.
pub(crate) fn optional_lead_id(given: &str, field: &'static str, violations: &mut Violations) -> Option<LeadId> {
    if given.is_empty() {
        return None;
    }
    let parsed = given.parse();
    if parsed.is_err() {
        violations.add(field, Rule::InvalidValue, "a lead_id is a UUID in its hyphenated form");
    }
    parsed.ok()
}

/// A lead id that must be there.
pub(crate) fn required_lead_id(given: &str, field: &'static str, violations: &mut Violations) -> Option<LeadId> {
    if given.is_empty() {
        violations.add(field, Rule::InvalidValue, "name the lead by its lead_id");
    }
    optional_lead_id(given, field, violations)
}

/// What was built, unless a rule was broken on the way.
pub(crate) fn unless_broken<T>(built: Option<T>, violations: Violations) -> Result<T, Violations> {
    match built {
        Some(built) if violations.is_empty() => Ok(built),
        _ => Err(violations),
    }
}
