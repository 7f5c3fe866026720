//! The policy file: a versioned YAML text that sets every rule of [`Policy`].
//!
//! Strict: an unknown key, a key set twice, a value of the wrong kind or out of range is a mistake, and all mistakes are told at once,
//! each with its line, its path and what is allowed there. What the file does not set keeps the contract's default.

mod effective;
mod matching;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::SignedDuration;

use crate::decision::policy::{FuzzyTier, Limits, OnDeleted, OnPossible, Policy, SourcePolicy, UnknownSources};
use crate::domain::{Email, FieldKey, SourceName};

use super::document::{Node, Value};
use super::mistake::{Mistake, Mistakes, Place};
use super::scalar;
use super::section::{Problem, Section};

pub use effective::effective_rules;
pub use matching::matching_section;

/// The format of the file that this program reads.
const FORMAT: i64 = 1;

/// Larger files are no policies.
const LARGEST_FILE_BYTES: u64 = 4 << 20;

/// Reads a policy file. Every mistake names the file.
pub fn read(path: &Path) -> Result<Policy, Vec<Mistake>> {
    let in_file = |mistakes: Vec<Mistake>| mistakes.into_iter().map(|mistake| mistake.in_file(path)).collect();
    let text = super::file_text(path, LARGEST_FILE_BYTES).map_err(|mistake| vec![mistake])?;
    parse(&text).map_err(in_file)
}

/// Reads the text of a policy file.
pub fn parse(text: &str) -> Result<Policy, Vec<Mistake>> {
    let node = Node::parse(text).map_err(|error| {
        let place = Place::File { file: Default::default(), line: error.line, path: String::new() };
        vec![Mistake { place, problem: format!("is not YAML: {}", error.message), allowed: String::new() }]
    })?;
    let mistakes = Mistakes::default();
    let policy = read_policy(&node, &mistakes);
    mistakes.into_result(policy)
}

fn read_policy(node: &Node, mistakes: &Mistakes) -> Policy {
    let default = Policy::default();
    let mut root = Section::root(node, mistakes);
    root.require("format", "1", format);
    let version = root.require("version", "a text of at most 100 characters", scalar::short_text(100));
    let default_source = read_default_source(&mut root);
    let match_threshold = root.take("match_threshold", scalar::probability).unwrap_or(default.match_threshold);
    let weights = root.section("matching").map(matching::read).unwrap_or_default();
    let policy = Policy {
        version: version.unwrap_or_else(|| default.version.clone()),
        match_threshold,
        review_threshold: root.take("review_threshold", scalar::probability).unwrap_or(default.review_threshold),
        fuzzy_tier: root.take("fuzzy_tier", scalar::choice(&FUZZY_TIER)).unwrap_or_default(),
        weights: weights.matching_from(match_threshold),
        on_possible: root.take("on_possible", scalar::choice(&ON_POSSIBLE)).unwrap_or_default(),
        on_deleted: root.take("on_deleted", scalar::choice(&ON_DELETED)).unwrap_or_default(),
        unknown_sources: root.take("unknown_sources", scalar::choice(&UNKNOWN_SOURCES)).unwrap_or_default(),
        sources: read_sources(&mut root, &default_source),
        default_source,
        shared_emails: read_shared_emails(&mut root),
        protect: read_protected(&mut root),
        most_restrictive: read_most_restrictive(&mut root).unwrap_or(default.most_restrictive),
        claim_duration: take_duration(&mut root, "claim_duration", (1, 86_400)).unwrap_or(default.claim_duration),
        request_id_retention: take_duration(&mut root, "request_id_retention", (60, 365 * 86_400))
            .unwrap_or(default.request_id_retention),
        clock_skew_tolerance: take_duration(&mut root, "clock_skew_tolerance", (0, 86_400))
            .unwrap_or(default.clock_skew_tolerance),
        limits: root.section("limits").map(read_limits).unwrap_or_default(),
    };
    check_together(&root, &policy);
    root.finish();
    policy
}

/// What only several values together show to be wrong.
fn check_together(root: &Section<'_>, policy: &Policy) {
    if policy.review_threshold > policy.match_threshold {
        let key = if root.has("review_threshold") { "review_threshold" } else { "match_threshold" };
        let problem =
            format!("review_threshold {} is above match_threshold {}", policy.review_threshold, policy.match_threshold);
        root.note(key, problem, "review_threshold from 0 to match_threshold");
    }
    if policy.unknown_sources == UnknownSources::Refuse {
        if policy.sources.is_empty() {
            root.note(
                "unknown_sources",
                "`refuse` without any source would refuse every call",
                "accept, or list sources",
            );
        }
        for (field, owner) in &policy.protect {
            if !policy.sources.contains_key(owner) {
                let problem = format!("{field} is protected for `{owner}`, which is not listed and would be refused");
                root.note("protect", problem, "a source of `sources`");
            }
        }
    }
}

fn format(value: &Value) -> Result<(), Problem> {
    match value {
        Value::Integer(FORMAT) => Ok(()),
        Value::Integer(newer) if *newer > FORMAT => {
            Err(Problem::hidden(format!("format {newer} is newer than this program"), FORMAT.to_string()))
        }
        _ => Err(Problem::not(value, FORMAT.to_string())),
    }
}

fn read_default_source(root: &mut Section<'_>) -> SourcePolicy {
    root.section("default_source")
        .map_or_else(SourcePolicy::default, |section| source::read(section, &SourcePolicy::default()))
}

/// Listed sources begin with what `default_source` says.
fn read_sources(root: &mut Section<'_>, default: &SourcePolicy) -> BTreeMap<SourceName, SourcePolicy> {
    let mut sources = BTreeMap::new();
    for (name, entry) in root.map("sources", scalar::source_name_text) {
        sources.insert(name, source::read(entry.section(), default));
    }
    sources
}

fn read_shared_emails(root: &mut Section<'_>) -> BTreeSet<Box<str>> {
    let email = |value: &Value| {
        let text = scalar::text(value).map_err(|_| Problem::hidden("is no text", "an email address"))?;
        Email::parse(text)
            .map(|email| Box::from(email.normalized()))
            .map_err(|error| Problem::hidden(error.to_string(), "an email address"))
    };
    root.list("shared_emails", email).unwrap_or_default().into_iter().collect()
}

fn read_protected(root: &mut Section<'_>) -> BTreeMap<FieldKey, SourceName> {
    let mut protected = BTreeMap::new();
    for (field, entry) in root.map("protect", scalar::field_key_text) {
        if let Some(owner) = entry.read(scalar::source_name) {
            protected.insert(field, owner);
        }
    }
    protected
}

fn read_most_restrictive(root: &mut Section<'_>) -> Option<BTreeSet<Box<str>>> {
    let key = |value: &Value| {
        let text = scalar::short_text(200)(value)?;
        Ok(Box::from(text.strip_prefix("attributes.").unwrap_or(&text)))
    };
    root.list("most_restrictive", key).map(|keys| keys.into_iter().collect())
}

fn take_duration(root: &mut Section<'_>, key: &'static str, seconds: (i64, i64)) -> Option<SignedDuration> {
    root.take(key, scalar::duration(SignedDuration::from_secs(seconds.0), SignedDuration::from_secs(seconds.1)))
}

fn read_limits(mut section: Section<'_>) -> Limits {
    let default = Limits::default();
    let mut take = |key, highest: i64, default: usize| {
        let number = section.take(key, scalar::integer(1, highest));
        number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
    };
    let limits = Limits {
        external_ids_per_source: take("external_ids_per_source", 1_000, default.external_ids_per_source),
        emails: take("emails", 1_000, default.emails),
        phones: take("phones", 1_000, default.phones),
        pipelines: take("pipelines", 10_000, default.pipelines),
        attributes: take("attributes", 10_000, default.attributes),
        value_bytes: take("value_bytes", 65_536, default.value_bytes),
        holders_read: take("holders_read", 10_000, default.holders_read),
    };
    section.finish();
    limits
}

const ON_POSSIBLE: [(&str, OnPossible); 2] =
    [("create_and_review", OnPossible::CreateAndReview), ("hold", OnPossible::Hold)];
const FUZZY_TIER: [(&str, FuzzyTier); 2] = [("enabled", FuzzyTier::Enabled), ("disabled", FuzzyTier::Disabled)];
const ON_DELETED: [(&str, OnDeleted); 2] = [("revive", OnDeleted::Revive), ("skip", OnDeleted::Skip)];
const UNKNOWN_SOURCES: [(&str, UnknownSources); 2] =
    [("accept", UnknownSources::Accept), ("refuse", UnknownSources::Refuse)];

/// The word for a choice, as the file has it.
fn word<T: PartialEq>(choices: &[(&'static str, T)], choice: &T) -> &'static str {
    choices.iter().find(|(_, known)| known == choice).map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests;
