//! Enumerations on the wire and in the core.

use crate::decision::command::{UpdateMode, UpsertMode};
use crate::decision::outcome::{UpsertStatus, WriteAction};
use crate::decision::review::{ReviewKind, ReviewState};
use crate::decision::tier::{MatchLevel, MatchTier};
use crate::domain::{ExternalIdState, LinkedBy, PhoneKind};
use crate::grpc::proto;
use crate::grpc::violation::{Rule, Violations};

/// A number of the wire as its enumeration; one that it does not have breaks a rule.
pub(crate) fn known<E: TryFrom<i32> + Default>(number: i32, field: &'static str, violations: &mut Violations) -> E {
    E::try_from(number).unwrap_or_else(|_| {
        violations.add(field, Rule::InvalidValue, "not a value of this enumeration");
        E::default()
    })
}

/// A mode, where one is named.
pub(super) fn upsert_mode(mode: proto::UpsertMode) -> Option<UpsertMode> {
    match mode {
        proto::UpsertMode::Unspecified => None,
        proto::UpsertMode::CreateOrUpdate => Some(UpsertMode::CreateOrUpdate),
        proto::UpsertMode::CreateOnly => Some(UpsertMode::CreateOnly),
        proto::UpsertMode::UpdateOnly => Some(UpsertMode::UpdateOnly),
        proto::UpsertMode::CreateDuplicate => Some(UpsertMode::CreateDuplicate),
    }
}

/// The mode on the wire.
pub(super) fn mode_on_wire(mode: UpsertMode) -> proto::UpsertMode {
    match mode {
        UpsertMode::CreateOrUpdate => proto::UpsertMode::CreateOrUpdate,
        UpsertMode::CreateOnly => proto::UpsertMode::CreateOnly,
        UpsertMode::UpdateOnly => proto::UpsertMode::UpdateOnly,
        UpsertMode::CreateDuplicate => proto::UpsertMode::CreateDuplicate,
    }
}

/// An update mode, where one is named.
pub(super) fn update_mode(mode: proto::UpdateMode) -> Option<UpdateMode> {
    match mode {
        proto::UpdateMode::Unspecified => None,
        proto::UpdateMode::Merge => Some(UpdateMode::Merge),
        proto::UpdateMode::FillBlanks => Some(UpdateMode::FillBlanks),
        proto::UpdateMode::Overwrite => Some(UpdateMode::Overwrite),
        proto::UpdateMode::LinkOnly => Some(UpdateMode::LinkOnly),
    }
}

/// The update mode on the wire.
pub(super) fn update_mode_on_wire(mode: UpdateMode) -> proto::UpdateMode {
    match mode {
        UpdateMode::Merge => proto::UpdateMode::Merge,
        UpdateMode::FillBlanks => proto::UpdateMode::FillBlanks,
        UpdateMode::Overwrite => proto::UpdateMode::Overwrite,
        UpdateMode::LinkOnly => proto::UpdateMode::LinkOnly,
    }
}

/// A tier, where one is named.
pub(super) fn tier(tier: proto::MatchTier) -> Option<MatchTier> {
    match tier {
        proto::MatchTier::Unspecified => None,
        proto::MatchTier::LeadId => Some(MatchTier::LeadId),
        proto::MatchTier::ExternalId => Some(MatchTier::ExternalId),
        proto::MatchTier::Email => Some(MatchTier::Email),
        proto::MatchTier::Phone => Some(MatchTier::Phone),
        proto::MatchTier::Fuzzy => Some(MatchTier::Fuzzy),
    }
}

/// The tiers of a filter.
pub(crate) fn match_tiers(numbers: &[i32], field: &'static str, violations: &mut Violations) -> Vec<MatchTier> {
    numbers.iter().filter_map(|number| tier(known(*number, field, violations))).collect()
}

/// The statuses of a filter; none means any. `None` where only such are asked for as no event can have.
pub(crate) fn upsert_statuses(
    numbers: &[i32],
    field: &'static str,
    violations: &mut Violations,
) -> Option<Vec<UpsertStatus>> {
    let mut any = numbers.is_empty();
    let mut statuses = Vec::new();
    for number in numbers {
        match known(*number, field, violations) {
            proto::UpsertStatus::Unspecified => any = true,
            proto::UpsertStatus::Created => statuses.push(UpsertStatus::Created),
            proto::UpsertStatus::Updated => statuses.push(UpsertStatus::Updated),
            proto::UpsertStatus::Unchanged => statuses.push(UpsertStatus::Unchanged),
            proto::UpsertStatus::Skipped => statuses.push(UpsertStatus::Skipped),
            proto::UpsertStatus::Review => statuses.push(UpsertStatus::Review),
            proto::UpsertStatus::Suppressed => statuses.push(UpsertStatus::Suppressed),
            proto::UpsertStatus::Failed => {}
        }
    }
    match (any, statuses.is_empty()) {
        (true, _) => Some(Vec::new()),
        (false, true) => None,
        (false, false) => Some(statuses),
    }
}

/// The tier on the wire; none is unspecified.
pub(crate) fn match_tier(tier: Option<MatchTier>) -> proto::MatchTier {
    match tier {
        None => proto::MatchTier::Unspecified,
        Some(MatchTier::LeadId) => proto::MatchTier::LeadId,
        Some(MatchTier::ExternalId) => proto::MatchTier::ExternalId,
        Some(MatchTier::Email) => proto::MatchTier::Email,
        Some(MatchTier::Phone) => proto::MatchTier::Phone,
        Some(MatchTier::Fuzzy) => proto::MatchTier::Fuzzy,
    }
}

/// The level on the wire.
pub(super) fn match_level(level: MatchLevel) -> proto::MatchLevel {
    match level {
        MatchLevel::None => proto::MatchLevel::None,
        MatchLevel::Possible => proto::MatchLevel::Possible,
        MatchLevel::Match => proto::MatchLevel::Match,
    }
}

/// The status on the wire.
pub(super) fn upsert_status(status: UpsertStatus) -> proto::UpsertStatus {
    match status {
        UpsertStatus::Created => proto::UpsertStatus::Created,
        UpsertStatus::Updated => proto::UpsertStatus::Updated,
        UpsertStatus::Unchanged => proto::UpsertStatus::Unchanged,
        UpsertStatus::Skipped => proto::UpsertStatus::Skipped,
        UpsertStatus::Review => proto::UpsertStatus::Review,
        UpsertStatus::Suppressed => proto::UpsertStatus::Suppressed,
    }
}

/// The action on the wire.
pub(super) fn write_action(action: WriteAction) -> proto::WriteAction {
    match action {
        WriteAction::None => proto::WriteAction::None,
        WriteAction::Create => proto::WriteAction::Create,
        WriteAction::Update => proto::WriteAction::Update,
        WriteAction::Wait => proto::WriteAction::Wait,
    }
}

/// How an identifier came, on the wire: only a fuzzy link is worth saying.
pub(super) fn linked_by(linked_by: LinkedBy) -> proto::MatchTier {
    match linked_by {
        LinkedBy::Exact => proto::MatchTier::Unspecified,
        LinkedBy::Fuzzy => proto::MatchTier::Fuzzy,
    }
}

/// The state of an external id on the wire.
pub(super) fn external_id_state(state: ExternalIdState) -> proto::ExternalIdState {
    match state {
        ExternalIdState::Live => proto::ExternalIdState::Live,
        ExternalIdState::Redirected => proto::ExternalIdState::Redirected,
        ExternalIdState::Retired => proto::ExternalIdState::Retired,
    }
}

/// The kind of a contact point on the wire.
pub(super) fn contact_point_type(kind: PhoneKind) -> proto::ContactPointType {
    match kind {
        PhoneKind::Work => proto::ContactPointType::Work,
        PhoneKind::Mobile => proto::ContactPointType::Mobile,
        PhoneKind::Other => proto::ContactPointType::Other,
    }
}

/// The kind of a review on the wire.
pub(super) fn review_kind(kind: ReviewKind) -> proto::ReviewKind {
    match kind {
        ReviewKind::PossibleDuplicate => proto::ReviewKind::PossibleDuplicate,
        ReviewKind::ParkedPayload => proto::ReviewKind::ParkedPayload,
        ReviewKind::BulkOverwrite => proto::ReviewKind::BulkOverwrite,
    }
}

/// The state of a review on the wire.
pub(super) fn review_state(state: ReviewState) -> proto::ReviewState {
    match state {
        ReviewState::Open => proto::ReviewState::Open,
        ReviewState::Resolved => proto::ReviewState::Resolved,
    }
}
