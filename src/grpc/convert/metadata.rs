//! The SAP headers, understood as gRPC metadata. A field in the request wins over them.

use tonic::metadata::MetadataMap;

use crate::decision::command::{UpdateMode, UpsertMode};
use crate::decision::tier::MatchTier;
use crate::grpc::violation::{Rule, Violations};

const MATCHING_STRATEGY: &str = "x-matching-strategy";
const CREATE_IF_NOT_FOUND: &str = "x-create-if-not-found";
const UPDATE_MODE: &str = "x-update-mode";

/// What the headers of one call ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MatchingHeaders {
    /// `x-matching-strategy`.
    pub(super) lookup_field: Option<MatchTier>,
    /// `x-create-if-not-found`: false means update only.
    pub(super) mode: Option<UpsertMode>,
    /// `x-update-mode`.
    pub(super) update_mode: Option<UpdateMode>,
}

impl MatchingHeaders {
    /// Reads the headers; values compare without case.
    pub(crate) fn read(metadata: &MetadataMap) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let headers = Self {
            lookup_field: read(metadata, MATCHING_STRATEGY, &mut violations, |text| match text {
                "externalid" => Some(MatchTier::ExternalId),
                "email" => Some(MatchTier::Email),
                "phone" => Some(MatchTier::Phone),
                _ => None,
            }),
            mode: read(metadata, CREATE_IF_NOT_FOUND, &mut violations, |text| match text {
                "true" => Some(UpsertMode::CreateOrUpdate),
                "false" => Some(UpsertMode::UpdateOnly),
                _ => None,
            }),
            update_mode: read(metadata, UPDATE_MODE, &mut violations, |text| match text {
                "merge" => Some(UpdateMode::Merge),
                "overwrite" => Some(UpdateMode::Overwrite),
                _ => None,
            }),
        };
        if violations.is_empty() { Ok(headers) } else { Err(violations) }
    }
}

fn read<T>(
    metadata: &MetadataMap,
    name: &'static str,
    violations: &mut Violations,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let value = metadata.get(name)?;
    let parsed = value.to_str().ok().and_then(|text| parse(&text.trim().to_ascii_lowercase()));
    if parsed.is_none() {
        violations.add(format!("metadata.{name}"), Rule::InvalidValue, allowed(name));
    }
    parsed
}

fn allowed(name: &str) -> &'static str {
    match name {
        MATCHING_STRATEGY => "must be externalId, email or phone",
        CREATE_IF_NOT_FOUND => "must be true or false",
        _ => "must be merge or overwrite",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[(&'static str, &str)], expected: Option<MatchingHeaders>) {
        let mut metadata = MetadataMap::new();
        for (name, value) in given {
            metadata.insert(*name, value.parse().expect("a metadata value"));
        }
        assert_eq!(MatchingHeaders::read(&metadata).ok(), expected, "{given:?}");
    }

    #[test]
    fn headers_are_read_without_case_and_bad_ones_are_refused() {
        let none = MatchingHeaders::default();
        check(&[], Some(none));
        check(
            &[("x-matching-strategy", "externalId")],
            Some(MatchingHeaders { lookup_field: Some(MatchTier::ExternalId), ..none }),
        );
        check(
            &[("x-matching-strategy", "EMAIL")],
            Some(MatchingHeaders { lookup_field: Some(MatchTier::Email), ..none }),
        );
        check(&[("x-matching-strategy", "fuzzy")], None);
        check(
            &[("x-create-if-not-found", "false")],
            Some(MatchingHeaders { mode: Some(UpsertMode::UpdateOnly), ..none }),
        );
        check(&[("x-create-if-not-found", "no")], None);
        check(
            &[("x-update-mode", "overwrite")],
            Some(MatchingHeaders { update_mode: Some(UpdateMode::Overwrite), ..none }),
        );
        check(&[("x-update-mode", "")], None);
    }
}
