//! The policy: the versioned set of rules by which leads are decided and merged. Every default is the contract's.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use crate::domain::{CountryCode, ExternalIdFormat, FieldKey, SourceName};

use super::matching::Weights;

/// What happens in the review band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPossible {
    /// A lead is created and a review of the pair opens.
    #[default]
    CreateAndReview,
    /// The payload is parked.
    Hold,
}

/// Whether leads are found by likeness where no key agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FuzzyTier {
    /// They are.
    #[default]
    Enabled,
    /// Only keys count.
    Disabled,
}

/// What happens when a match is a soft-deleted lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDeleted {
    /// It is revived under its id.
    #[default]
    Revive,
    /// It stays deleted and the payload is skipped as LEAD_NOT_FOUND.
    Skip,
}

/// What happens to a payload whose source sent no external id of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlankExternalId {
    /// The next tier decides.
    #[default]
    Resolve,
    /// The request is refused with MISSING_EXTERNAL_ID.
    Require,
    /// A stable id is made from the payload's keys.
    Generate,
}

/// How a source reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channel {
    /// A system that maintains its records.
    #[default]
    Api,
    /// A person filling in a form, who cannot be asked again: nothing is parked.
    WebForm,
    /// A list: it never overwrites.
    Bulk,
}

/// What a bulk source may do to a lead that it matches exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBulkMatch {
    /// Fill blank fields; the rest is withheld and one review per lead opens.
    #[default]
    FillBlanks,
    /// Merge like any other source.
    Merge,
    /// Park the payload.
    Review,
}

/// Whether a source that the policy does not list may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownSources {
    /// It may, with the default rank and channel.
    #[default]
    Accept,
    /// It is refused with UNKNOWN_SOURCE.
    Refuse,
}

/// The rules of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourcePolicy {
    /// Higher wins over lower.
    pub rank: i32,
    /// Ranks of single fields, where they differ.
    pub field_ranks: BTreeMap<FieldKey, i32>,
    /// How it reaches us.
    pub channel: Channel,
    /// How its external ids are written.
    pub external_id_format: ExternalIdFormat,
    /// A prefix that its external ids may carry or lack.
    pub external_id_prefix: Option<Box<str>>,
    /// What happens when it sends no external id.
    pub blank_external_id: BlankExternalId,
    /// The system that it is about to write to, where the request names none.
    pub target: Option<SourceName>,
    /// The country of its national phone numbers, where the lead names none.
    pub default_country: Option<CountryCode>,
    /// What it may do to a lead that it matches exactly; for the bulk channel only.
    pub on_bulk_match: OnBulkMatch,
    /// Whether it may only update.
    pub update_only: bool,
    /// Whether it may use CREATE_DUPLICATE.
    pub may_create_duplicates: bool,
    /// Fields that it must not touch.
    pub denied_fields: BTreeSet<FieldKey>,
}

impl Default for SourcePolicy {
    fn default() -> Self {
        Self {
            rank: 50,
            field_ranks: BTreeMap::new(),
            channel: Channel::Api,
            external_id_format: ExternalIdFormat::Plain,
            external_id_prefix: None,
            blank_external_id: BlankExternalId::Resolve,
            target: None,
            default_country: None,
            on_bulk_match: OnBulkMatch::FillBlanks,
            update_only: false,
            may_create_duplicates: true,
            denied_fields: BTreeSet::new(),
        }
    }
}

/// How much one lead, and one request, may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Live external ids per source and lead.
    pub external_ids_per_source: usize,
    /// Emails per lead.
    pub emails: usize,
    /// Phones per lead.
    pub phones: usize,
    /// Pipelines per lead.
    pub pipelines: usize,
    /// Attributes per lead.
    pub attributes: usize,
    /// Bytes per value.
    pub value_bytes: usize,
    /// Holders of one shared key that a decision reads; beyond it the decision is `truncated`.
    pub holders_read: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            external_ids_per_source: 20,
            emails: 50,
            phones: 50,
            pipelines: 100,
            attributes: 200,
            value_bytes: 4096,
            holders_read: 64,
        }
    }
}

/// The versioned set of rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its name in every decision.
    pub version: Box<str>,
    /// A probability at or above it is a match.
    pub match_threshold: f64,
    /// A probability at or above it, and below a match, is possible.
    pub review_threshold: f64,
    /// Whether leads are found by likeness.
    pub fuzzy_tier: FuzzyTier,
    /// What agreement and disagreement weigh.
    pub weights: Weights,
    /// What happens in the review band.
    pub on_possible: OnPossible,
    /// What happens when a match is a soft-deleted lead.
    pub on_deleted: OnDeleted,
    /// Whether a source that is not listed may call.
    pub unknown_sources: UnknownSources,
    /// The rules of a source that is not listed.
    pub default_source: SourcePolicy,
    /// The rules of the sources listed.
    pub sources: BTreeMap<SourceName, SourcePolicy>,
    /// Emails that several people share, normalised.
    pub shared_emails: BTreeSet<Box<str>>,
    /// Fields pinned to a source: no other source may change them.
    pub protect: BTreeMap<FieldKey, SourceName>,
    /// Attributes where the most restrictive value wins for good.
    pub most_restrictive: BTreeSet<Box<str>>,
    /// How long a claim to create holds.
    pub claim_duration: SignedDuration,
    /// How long a reply is kept for its request id.
    pub request_id_retention: SignedDuration,
    /// How far ahead `source_update_time` may lie.
    pub clock_skew_tolerance: SignedDuration,
    /// How much one lead may hold.
    pub limits: Limits,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: "default-2".into(),
            match_threshold: 0.85,
            review_threshold: 0.70,
            fuzzy_tier: FuzzyTier::Enabled,
            weights: Weights::default(),
            on_possible: OnPossible::CreateAndReview,
            on_deleted: OnDeleted::Revive,
            unknown_sources: UnknownSources::Accept,
            default_source: SourcePolicy::default(),
            sources: BTreeMap::new(),
            shared_emails: BTreeSet::new(),
            protect: BTreeMap::new(),
            most_restrictive: ["unsubscribed", "email_opt_out", "do_not_call"].map(Box::from).into(),
            claim_duration: SignedDuration::from_secs(60),
            request_id_retention: SignedDuration::from_hours(7 * 24),
            clock_skew_tolerance: SignedDuration::from_mins(10),
            limits: Limits::default(),
        }
    }
}

impl Policy {
    /// The rules of a source, listed or not.
    pub fn source(&self, source: &SourceName) -> &SourcePolicy {
        self.sources.get(source).unwrap_or(&self.default_source)
    }

    /// Whether a source may call at all.
    pub fn accepts(&self, source: &SourceName) -> bool {
        self.unknown_sources == UnknownSources::Accept || self.sources.contains_key(source)
    }

    /// How strongly a source speaks for a field.
    pub fn rank(&self, source: &SourceName, field: &FieldKey) -> i32 {
        let rules = self.source(source);
        rules.field_ranks.get(field).copied().unwrap_or(rules.rank)
    }

    /// Whether a source may touch a field at all.
    pub fn may_write(&self, source: &SourceName, field: &FieldKey) -> bool {
        !self.source(source).denied_fields.contains(field)
            && self.protect.get(field).is_none_or(|owner| owner == source)
    }
}
