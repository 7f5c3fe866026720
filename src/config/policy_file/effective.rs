//! The rules that hold once a policy file was read, as rows for a person.

use crate::config::scalar::shown_duration;
use crate::decision::policy::{Limits, Policy, SourcePolicy};

use super::source::{BLANK_EXTERNAL_ID, CHANNEL, EXTERNAL_ID_FORMAT, ON_BULK_MATCH};
use super::{FUZZY_TIER, ON_DELETED, ON_POSSIBLE, UNKNOWN_SOURCES, word};

/// Every rule with its path in the file, defaults included. Shared emails are counted, not shown.
pub fn effective_rules(policy: &Policy) -> Vec<(String, String)> {
    let mut rules = vec![
        ("version".into(), policy.version.to_string()),
        ("match_threshold".into(), policy.match_threshold.to_string()),
        ("review_threshold".into(), policy.review_threshold.to_string()),
        ("fuzzy_tier".into(), word(&FUZZY_TIER, &policy.fuzzy_tier).into()),
        ("on_possible".into(), word(&ON_POSSIBLE, &policy.on_possible).into()),
        ("on_deleted".into(), word(&ON_DELETED, &policy.on_deleted).into()),
        ("unknown_sources".into(), word(&UNKNOWN_SOURCES, &policy.unknown_sources).into()),
        ("claim_duration".into(), shown_duration(policy.claim_duration)),
        ("request_id_retention".into(), shown_duration(policy.request_id_retention)),
        ("clock_skew_tolerance".into(), shown_duration(policy.clock_skew_tolerance)),
        ("shared_emails".into(), format!("{} listed", policy.shared_emails.len())),
        ("most_restrictive".into(), joined(&policy.most_restrictive)),
    ];
    rules.extend(policy.protect.iter().map(|(field, owner)| (format!("protect.{field}"), owner.to_string())));
    add_limits(&mut rules, &policy.limits);
    super::matching::add_rules(&mut rules, &policy.weights);
    add_source(&mut rules, "default_source", &policy.default_source);
    for (name, source) in &policy.sources {
        add_source(&mut rules, &format!("sources.{name}"), source);
    }
    rules
}

fn add_limits(rules: &mut Vec<(String, String)>, limits: &Limits) {
    let Limits { external_ids_per_source, emails, phones, pipelines, attributes, value_bytes, holders_read } = limits;
    for (key, limit) in [
        ("external_ids_per_source", external_ids_per_source),
        ("emails", emails),
        ("phones", phones),
        ("pipelines", pipelines),
        ("attributes", attributes),
        ("value_bytes", value_bytes),
        ("holders_read", holders_read),
    ] {
        rules.push((format!("limits.{key}"), limit.to_string()));
    }
}

fn add_source(rules: &mut Vec<(String, String)>, path: &str, source: &SourcePolicy) {
    let SourcePolicy {
        rank,
        field_ranks,
        channel,
        external_id_format,
        external_id_prefix,
        blank_external_id,
        target,
        default_country,
        on_bulk_match,
        update_only,
        may_create_duplicates,
        denied_fields,
    } = source;
    let none = || "none".to_owned();
    let mut add = |key: &str, value: String| rules.push((format!("{path}.{key}"), value));
    add("rank", rank.to_string());
    for (field, rank) in field_ranks {
        add(&format!("field_ranks.{field}"), rank.to_string());
    }
    add("channel", word(&CHANNEL, channel).into());
    add("external_id_format", word(&EXTERNAL_ID_FORMAT, external_id_format).into());
    add("external_id_prefix", external_id_prefix.as_ref().map_or_else(none, ToString::to_string));
    add("blank_external_id", word(&BLANK_EXTERNAL_ID, blank_external_id).into());
    add("target", target.as_ref().map_or_else(none, ToString::to_string));
    add("default_country", default_country.as_ref().map_or_else(none, ToString::to_string));
    add("on_bulk_match", word(&ON_BULK_MATCH, on_bulk_match).into());
    add("update_only", update_only.to_string());
    add("may_create_duplicates", may_create_duplicates.to_string());
    add("denied_fields", joined(denied_fields));
}

fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "none".into() } else { items.join(", ") }
}
