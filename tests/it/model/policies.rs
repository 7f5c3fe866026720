//! Policies under which the model is held against the product.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use leadgate::decision::policy::{Channel, FuzzyTier, OnBulkMatch, OnPossible, Policy, SourcePolicy};
use leadgate::domain::{Field, FieldKey};

use super::alphabet::{EMAILS, source};

/// Two plain sources of different rank, a form, a list, and one that only updates; a listed email and two shields.
pub(crate) fn usual() -> Policy {
    let attribute = FieldKey::Attribute("billing_address".into());
    let sources = [
        ("crm", SourcePolicy { rank: 60, ..SourcePolicy::default() }),
        ("events", SourcePolicy { denied_fields: BTreeSet::from([attribute]), ..SourcePolicy::default() }),
        ("form", SourcePolicy { channel: Channel::WebForm, ..SourcePolicy::default() }),
        ("list", SourcePolicy { channel: Channel::Bulk, rank: 40, ..SourcePolicy::default() }),
        ("sync", SourcePolicy { update_only: true, ..SourcePolicy::default() }),
    ];
    Policy {
        sources: sources.into_iter().map(|(name, rules)| (source(name), rules)).collect(),
        shared_emails: BTreeSet::from([EMAILS[3].into()]),
        protect: [(FieldKey::Field(Field::LeadStatus), source("crm"))].into(),
        // The naive model knows of keys alone.
        fuzzy_tier: FuzzyTier::Disabled,
        ..Policy::default()
    }
}

/// The band holds, lists are parked, and claims expire at once.
pub(crate) fn strict() -> Policy {
    let mut policy = Policy { on_possible: OnPossible::Hold, claim_duration: SignedDuration::ZERO, ..usual() };
    for rules in policy.sources.values_mut() {
        rules.on_bulk_match = OnBulkMatch::Review;
    }
    policy
}

/// Lists merge, every source speaks equally, and a lead holds very little.
pub(crate) fn tight() -> Policy {
    let mut policy = usual();
    for rules in policy.sources.values_mut() {
        rules.on_bulk_match = OnBulkMatch::Merge;
        rules.rank = 50;
    }
    policy.limits.emails = 2;
    policy.limits.phones = 2;
    policy.limits.external_ids_per_source = 2;
    policy
}

/// Every policy of the campaign with its name; each has its share of the seeds.
pub(crate) fn all() -> [(&'static str, Policy); 3] {
    [("usual", usual()), ("strict", strict()), ("tight", tight())]
}
