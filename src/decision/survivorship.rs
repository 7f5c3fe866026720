//! Which value stands when two sources disagree: rank, age, protection, and what a source merely repeats.

use jiff::Timestamp;

use crate::domain::{Field, FieldKey, FieldValue, SourceName};

use super::command::UpdateMode;
use super::policy::Policy;
use super::reason::ReasonCode;

/// A source that wants to set, or clear, a field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimant<'a> {
    pub(crate) source: &'a SourceName,
    pub(crate) time: Timestamp,
    pub(crate) mode: UpdateMode,
    /// A bulk source that only fills blank fields.
    pub(crate) bulk: bool,
}

/// Whether the claimant may replace `current` in `field` by `value`; if not, why.
pub(crate) fn may_replace(
    policy: &Policy,
    claimant: Claimant<'_>,
    field: &FieldKey,
    current: Option<&FieldValue>,
    value: &str,
) -> Result<(), ReasonCode> {
    if !policy.may_write(claimant.source, field) {
        return Err(ReasonCode::Protected);
    }
    let Some(current) = current else { return Ok(()) };
    match restrictive(policy, field, current, value) {
        Some(verdict) => verdict,
        None if claimant.bulk => Err(ReasonCode::BulkOverwrite),
        None if matches!(claimant.mode, UpdateMode::FillBlanks | UpdateMode::LinkOnly) => Err(ReasonCode::NotBlank),
        None if claimant.mode == UpdateMode::Overwrite => Ok(()),
        None if *field == FieldKey::Field(Field::LeadSource) => first_stays(claimant, current),
        None => by_precedence(policy, claimant, field, current),
    }
}

/// Consent: once withdrawn, it stays withdrawn, whoever says otherwise.
fn restrictive(policy: &Policy, field: &FieldKey, current: &FieldValue, value: &str) -> Option<Result<(), ReasonCode>> {
    let FieldKey::Attribute(name) = field else { return None };
    if !policy.most_restrictive.contains(name) {
        return None;
    }
    match (is_true(&current.value), is_true(value)) {
        (true, _) => Some(Err(ReasonCode::Protected)),
        (false, true) => Some(Ok(())),
        (false, false) => None,
    }
}

fn is_true(value: &str) -> bool {
    ["true", "yes", "1", "y", "on"].iter().any(|word| word.eq_ignore_ascii_case(value.trim()))
}

/// The first lead source stays, the first in time and not in order of arrival.
fn first_stays(claimant: Claimant<'_>, current: &FieldValue) -> Result<(), ReasonCode> {
    if claimant.time < current.update_time { Ok(()) } else { Err(ReasonCode::Protected) }
}

fn by_precedence(
    policy: &Policy,
    claimant: Claimant<'_>,
    field: &FieldKey,
    current: &FieldValue,
) -> Result<(), ReasonCode> {
    if policy.rank(claimant.source, field) < policy.rank(&current.source, field) {
        return Err(ReasonCode::LowerPrecedence);
    }
    if claimant.time < current.update_time {
        return Err(ReasonCode::StaleUpdate);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> SourceName {
        SourceName::parse(text).expect("a good source name")
    }

    fn policy() -> Policy {
        let mut policy = Policy::default();
        for (source, rank) in [("erp", 90), ("crm", 50), ("list", 10)] {
            let rules = super::super::policy::SourcePolicy { rank, ..Default::default() };
            policy.sources.insert(name(source), rules);
        }
        policy.protect.insert(FieldKey::Attribute("billing_address".into()), name("erp"));
        policy
    }

    fn check(
        mode: UpdateMode,
        source: &str,
        second: i64,
        field: &str,
        held: (&str, &str),
        value: &str,
        expected: Result<(), ReasonCode>,
    ) {
        let at = |second| Timestamp::from_second(second).expect("a good time");
        let field: FieldKey = field.parse().expect("a good field");
        let current = FieldValue { value: held.1.into(), source: name(held.0), update_time: at(100) };
        let claimant = Claimant { source: &name(source), time: at(second), mode, bulk: false };
        assert_eq!(
            may_replace(&policy(), claimant, &field, Some(&current), value),
            expected,
            "{source} at {second} on {field}"
        );
    }

    #[test]
    fn rank_then_age_then_protection_decide() {
        use UpdateMode::{FillBlanks, Merge, Overwrite};
        check(Merge, "crm", 101, "company", ("crm", "A"), "B", Ok(()));
        check(Merge, "crm", 100, "company", ("crm", "A"), "B", Ok(()));
        check(Merge, "crm", 99, "company", ("crm", "A"), "B", Err(ReasonCode::StaleUpdate));
        check(Merge, "list", 101, "company", ("crm", "A"), "B", Err(ReasonCode::LowerPrecedence));
        check(Merge, "erp", 101, "company", ("crm", "A"), "B", Ok(()));
        check(Merge, "erp", 99, "company", ("crm", "A"), "B", Err(ReasonCode::StaleUpdate));
        check(Overwrite, "list", 1, "company", ("erp", "A"), "B", Ok(()));
        check(Overwrite, "crm", 101, "attributes.billing_address", ("erp", "A"), "B", Err(ReasonCode::Protected));
        check(Merge, "erp", 101, "attributes.billing_address", ("erp", "A"), "B", Ok(()));
        check(FillBlanks, "erp", 101, "company", ("crm", "A"), "B", Err(ReasonCode::NotBlank));
    }

    #[test]
    fn the_first_lead_source_in_time_stays() {
        check(UpdateMode::Merge, "crm", 101, "lead_source", ("crm", "Web"), "Event", Err(ReasonCode::Protected));
        check(UpdateMode::Merge, "crm", 99, "lead_source", ("crm", "Web"), "Event", Ok(()));
    }

    #[test]
    fn withdrawn_consent_stays_withdrawn() {
        check(UpdateMode::Merge, "list", 1, "attributes.unsubscribed", ("erp", "false"), "true", Ok(()));
        check(UpdateMode::FillBlanks, "list", 1, "attributes.unsubscribed", ("erp", "false"), "true", Ok(()));
        check(
            UpdateMode::Overwrite,
            "erp",
            999,
            "attributes.unsubscribed",
            ("list", "true"),
            "false",
            Err(ReasonCode::Protected),
        );
    }
}
