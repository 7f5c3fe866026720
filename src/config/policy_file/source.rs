//! The rules of one source, as the policy file has them.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::document::Value;
use crate::config::scalar;
use crate::config::section::{Problem, Section};
use crate::decision::policy::{BlankExternalId, Channel, OnBulkMatch, SourcePolicy};
use crate::domain::{ExternalIdFormat, FieldKey};

pub(super) const CHANNEL: [(&str, Channel); 3] =
    [("api", Channel::Api), ("web_form", Channel::WebForm), ("bulk", Channel::Bulk)];
pub(super) const EXTERNAL_ID_FORMAT: [(&str, ExternalIdFormat); 2] =
    [("plain", ExternalIdFormat::Plain), ("salesforce", ExternalIdFormat::Salesforce)];
pub(super) const BLANK_EXTERNAL_ID: [(&str, BlankExternalId); 3] = [
    ("resolve", BlankExternalId::Resolve),
    ("require", BlankExternalId::Require),
    ("generate", BlankExternalId::Generate),
];
pub(super) const ON_BULK_MATCH: [(&str, OnBulkMatch); 3] =
    [("fill_blanks", OnBulkMatch::FillBlanks), ("merge", OnBulkMatch::Merge), ("review", OnBulkMatch::Review)];

/// Reads a source's rules; what is not set stays as in `inherited`.
pub(super) fn read(mut section: Section<'_>, inherited: &SourcePolicy) -> SourcePolicy {
    let rules = SourcePolicy {
        rank: section.take("rank", rank).unwrap_or(inherited.rank),
        field_ranks: read_field_ranks(&mut section).unwrap_or_else(|| inherited.field_ranks.clone()),
        channel: section.take("channel", scalar::choice(&CHANNEL)).unwrap_or(inherited.channel),
        external_id_format: section
            .take("external_id_format", scalar::choice(&EXTERNAL_ID_FORMAT))
            .unwrap_or(inherited.external_id_format),
        external_id_prefix: section
            .take("external_id_prefix", scalar::short_text(50))
            .or_else(|| inherited.external_id_prefix.clone()),
        blank_external_id: section
            .take("blank_external_id", scalar::choice(&BLANK_EXTERNAL_ID))
            .unwrap_or(inherited.blank_external_id),
        target: section.take("target", scalar::source_name).or_else(|| inherited.target.clone()),
        default_country: section.take("default_country", scalar::country).or(inherited.default_country),
        on_bulk_match: section.take("on_bulk_match", scalar::choice(&ON_BULK_MATCH)).unwrap_or(inherited.on_bulk_match),
        update_only: section.take("update_only", scalar::truth).unwrap_or(inherited.update_only),
        may_create_duplicates: section
            .take("may_create_duplicates", scalar::truth)
            .unwrap_or(inherited.may_create_duplicates),
        denied_fields: read_denied_fields(&mut section).unwrap_or_else(|| inherited.denied_fields.clone()),
    };
    if rules.channel != Channel::Bulk && rules.on_bulk_match != inherited.on_bulk_match {
        section.note("on_bulk_match", "has no effect", "only together with `channel: bulk`");
    }
    section.finish();
    rules
}

fn rank(value: &Value) -> Result<i32, Problem> {
    scalar::integer(-1_000, 1_000)(value).map(|rank| rank as i32)
}

fn read_field_ranks(section: &mut Section<'_>) -> Option<BTreeMap<FieldKey, i32>> {
    let entries = section.map("field_ranks", scalar::field_key_text);
    let ranks: BTreeMap<_, _> =
        entries.into_iter().filter_map(|(field, entry)| entry.read(rank).map(|rank| (field, rank))).collect();
    (!ranks.is_empty()).then_some(ranks)
}

fn read_denied_fields(section: &mut Section<'_>) -> Option<BTreeSet<FieldKey>> {
    section.list("denied_fields", scalar::field_key).map(|fields| fields.into_iter().collect())
}
