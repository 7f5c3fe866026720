//! The fuzzy tier: every lead that shares a blocking key is compared, and the best decides by its probability.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::domain::{Email, Field, Lead, Phone};

use super::command::UpsertCommand;
use super::decide::{Verdict, decide};
use super::evidence::Evidence;
use super::matching::{ComparedField, FrequencyTable, Profile, Score, compare};
use super::outcome::Comparison;
use super::particulars::Particulars;
use super::policy::{FuzzyTier, Policy};
use super::tier::MatchLevel;

/// A lead that was compared.
pub(crate) struct Compared {
    pub(crate) lead: Arc<Lead>,
    pub(crate) score: Score,
    pub(crate) level: MatchLevel,
}

/// Whether the fuzzy tier has a say: it has none where an exact tier has decided already. What such a payload makes of the lead is
/// compared with its neighbours instead.
pub fn asks_fuzzy_tier(command: &UpsertCommand, evidence: &Evidence, policy: &Policy) -> bool {
    let enabled = policy.fuzzy_tier == FuzzyTier::Enabled;
    enabled && matches!(decide(command, evidence, policy).verdict, Verdict::None | Verdict::Possible { .. })
}

/// Compares a lead with others, best first; of equals the one that has an external id, then the most complete, then the oldest.
pub(crate) fn compare_all(
    profile: &Profile,
    leads: &[Arc<Lead>],
    frequencies: &FrequencyTable,
    policy: &Policy,
) -> Vec<Compared> {
    let live = leads.iter().filter(|lead| lead.is_live());
    let mut compared: Vec<Compared> = live
        .map(|lead| {
            let score = compare(profile, &Profile::of_lead(lead), frequencies, &policy.weights);
            Compared { lead: Arc::clone(lead), level: level_of(score.probability(), policy), score }
        })
        .collect();
    compared.sort_by(|one, other| {
        let rank = |lead: &Lead| {
            (lead.external_ids.is_empty(), Reverse(lead.fields.len() + lead.attributes.len()), lead.lead_id)
        };
        let by_weight = other.score.weight().total_cmp(&one.score.weight());
        by_weight.then_with(|| rank(&one.lead).cmp(&rank(&other.lead)))
    });
    compared
}

fn level_of(probability: f64, policy: &Policy) -> MatchLevel {
    match probability {
        sure if sure >= policy.match_threshold => MatchLevel::Match,
        perhaps if perhaps >= policy.review_threshold => MatchLevel::Possible,
        _ => MatchLevel::None,
    }
}

/// The comparisons of a score with the values on both sides, so that a reader can add them up.
pub(crate) fn told(score: &Score, incoming: &Particulars<'_>, existing: &Particulars<'_>) -> Vec<Comparison> {
    let fields = score.comparisons.iter().map(|comparison| Comparison {
        field: comparison.level.field().name(),
        incoming: shown(comparison.level.field(), incoming),
        existing: shown(comparison.level.field(), existing),
        similarity: comparison.similarity,
        level: comparison.level.name(),
        weight: comparison.weight,
    });
    let guard = (score.guard < 0.0).then(|| Comparison {
        field: "name_alone",
        incoming: Box::default(),
        existing: Box::default(),
        similarity: 0.0,
        level: "guard",
        weight: score.guard,
    });
    fields.chain(guard).collect()
}

/// The same of two stored leads.
pub(crate) fn told_of_leads(score: &Score, one: &Lead, other: &Lead) -> Vec<Comparison> {
    told(score, &Particulars::of_lead(one), &Particulars::of_lead(other))
}

/// What a lead says in a field, or in the fields that are compared as one.
fn shown(field: ComparedField, of: &Particulars<'_>) -> Box<str> {
    let text = |field| of.text(field).unwrap_or_default();
    match field {
        ComparedField::FamilyName => one_of(text(Field::LastName), text(Field::FullName)).into(),
        ComparedField::GivenName => one_of(text(Field::FirstName), text(Field::FullName)).into(),
        ComparedField::Name | ComparedField::MiddleName | ComparedField::Generation => whole_name(of),
        ComparedField::Company => text(Field::Company).into(),
        ComparedField::Domain => domains(of),
        ComparedField::Email => joined(of.emails.iter().map(|email| email.as_given())),
        ComparedField::Phone => joined(of.phones.iter().map(|phone: &std::borrow::Cow<'_, Phone>| phone.as_given())),
        ComparedField::Street => text(Field::Street).into(),
        ComparedField::City => text(Field::City).into(),
        ComparedField::PostalCode => text(Field::PostalCode).into(),
        ComparedField::State => text(Field::State).into(),
        ComparedField::Country => text(Field::Country).into(),
        ComparedField::DateOfBirth => text(Field::DateOfBirth).into(),
        ComparedField::Title => text(Field::Title).into(),
    }
}

fn one_of<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.is_empty() { second } else { first }
}

fn whole_name(of: &Particulars<'_>) -> Box<str> {
    let text = |field| of.text(field).unwrap_or_default();
    match text(Field::FullName) {
        "" => format!("{} {}", text(Field::FirstName), text(Field::LastName)).trim().into(),
        full => full.into(),
    }
}

fn domains(of: &Particulars<'_>) -> Box<str> {
    let website = of.text(Field::Website).into_iter();
    joined(
        website.chain(
            of.emails
                .iter()
                .filter(|email| !email.is_free_mail())
                .map(|email: &std::borrow::Cow<'_, Email>| email.domain()),
        ),
    )
}

fn joined<'a>(values: impl Iterator<Item = &'a str>) -> Box<str> {
    values.collect::<Vec<_>>().join(" | ").into()
}
