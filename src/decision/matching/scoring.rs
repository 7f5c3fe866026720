//! The sum of the weights, and what it means as a probability.

use std::cmp::Ordering;

use super::level::{ComparedField, Kind, Level};
use super::weights::Weights;

/// How two values of a field agree, before it is weighed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Agreement {
    pub(super) level: Level,
    /// 0..1.
    pub(super) similarity: f64,
    /// log2 of one over the share of leads that hold the value.
    pub(super) rarity: f64,
}

impl Agreement {
    pub(super) fn new(level: Level, similarity: f64) -> Self {
        Self { level, similarity, rarity: 0.0 }
    }

    /// The best of several; of equal ones the rarest.
    pub(super) fn best(agreements: impl Iterator<Item = Self>) -> Option<Self> {
        agreements.min_by(Self::order)
    }

    /// The one of several that weighs most; of equal ones the best.
    pub(super) fn heaviest(agreements: impl Iterator<Item = Self>, weights: &Weights) -> Option<Self> {
        let weighed = agreements.map(|agreement| (weights.of(agreement.level, agreement.rarity), agreement));
        let heavier = |one: &(f64, Self), other: &(f64, Self)| one.0.total_cmp(&other.0);
        weighed.max_by(|one, other| heavier(one, other).then(other.1.order(&one.1))).map(|(_, agreement)| agreement)
    }

    /// From the best to the least.
    fn order(&self, other: &Self) -> Ordering {
        let rarer = other.rarity.total_cmp(&self.rarity);
        self.level.cmp(&other.level).then(rarer).then(other.similarity.total_cmp(&self.similarity))
    }

    pub(super) fn rare(self, rarity: f64) -> Self {
        Self { rarity, ..self }
    }

    /// The same where its rarity counts: values that do not agree are as rare as any.
    pub(super) fn rare_if_agrees(self, rarity: impl FnOnce() -> f64) -> Self {
        if self.level.kind().agrees() { self.rare(rarity()) } else { self }
    }
}

/// What one field says about two leads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldComparison {
    /// How its values agree.
    pub level: Level,
    /// 0..1; 0 where they do not agree and nobody counted.
    pub similarity: f64,
    /// log2 of the Bayes factor, as it counts in the sum.
    pub weight: f64,
}

/// What all fields say about two leads together.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// One for each field that both sides have, and for a name that one side lacks.
    pub comparisons: Vec<FieldComparison>,
    /// log2 of the odds that two leads taken at random are one.
    pub prior: f64,
    /// What was taken off so that a name alone does not match; 0 or less.
    pub guard: f64,
}

impl Score {
    /// log2 of the odds that the two are one: prior, weights and guard.
    pub fn weight(&self) -> f64 {
        self.prior + self.guard + self.comparisons.iter().map(|comparison| comparison.weight).sum::<f64>()
    }

    /// Whether something says that they are two people, and the rest does not outweigh it. A date of birth in common does: then the name
    /// was taken down wrongly.
    pub fn is_contrary(&self) -> bool {
        self.weight() < 0.0 && self.any(|level| level.kind() == Kind::Contrary) && !self.born_together()
    }

    /// Whether they are two people whoever else is like them: the second bearer of a name, or a function's mailbox.
    pub fn excludes(&self) -> bool {
        let given = [Level::GivenDifferent, Level::GivenUnrelated];
        self.is_contrary() && self.any(|level| level.kind() == Kind::Contrary && !given.contains(&level))
    }

    /// Whether the two have different names, more than mistyped.
    pub fn names_differ(&self) -> bool {
        let others = [Level::FamilyDifferent, Level::GivenMistaken, Level::GenerationDifferent];
        self.any(|level| level.kind() == Kind::Contrary || others.contains(&level))
    }

    /// Whether the odds are that they are one person, and they bear one given name.
    pub fn bear_one_name(&self) -> bool {
        let given = [Level::GivenExact, Level::GivenNickname];
        self.weight() > 0.0 && self.any(|level| given.contains(&level))
    }

    /// log2 of the odds that the two are one, if only one person of the name were there: where a mailbox tells that there are two, and leaves it
    /// open which of them is meant. `None` where none does.
    pub fn of_second_bearer(&self) -> Option<f64> {
        (self.guard < 0.0 && self.has_second_bearer()).then(|| self.weight() - self.guard)
    }

    fn has_second_bearer(&self) -> bool {
        self.any(|level| level == Level::EmailSecond) && !self.born_together()
    }

    fn born_together(&self) -> bool {
        self.any(|level| matches!(level, Level::BirthDateExact | Level::BirthDateMisspelt))
    }

    fn any(&self, wanted: impl Fn(Level) -> bool) -> bool {
        self.comparisons.iter().any(|comparison| wanted(comparison.level))
    }

    /// The probability that the two are one, from 0 to 1.
    pub fn probability(&self) -> f64 {
        probability_of_weight(self.weight())
    }
}

/// The probability of odds that are told in log2.
pub fn probability_of_weight(weight: f64) -> f64 {
    1.0 / (1.0 + (-weight).exp2())
}

/// log2 of the odds of a probability; infinite for 0 and 1.
pub fn weight_of_probability(probability: f64) -> f64 {
    (probability / (1.0 - probability)).log2()
}

/// Weighs what was compared. Two views of one fact do not count twice: within each group the strongest agreement counts whole and
/// every other a part.
pub(super) fn weigh(agreements: &[Agreement], of_people: bool, weights: &Weights, prior: f64) -> Score {
    let mut score = Score { comparisons: Vec::with_capacity(agreements.len()), prior, guard: 0.0 };
    weigh_into(&mut score, agreements, of_people, weights);
    score
}

/// The same, into a score that was another pair's.
pub(super) fn weigh_into(score: &mut Score, agreements: &[Agreement], of_people: bool, weights: &Weights) {
    score.guard = 0.0;
    score.comparisons.clear();
    score.comparisons.extend(agreements.iter().map(|agreement| one(*agreement, weights)));
    spare_domain(&mut score.comparisons);
    for group in groups(of_people) {
        dampen(&mut score.comparisons, *group);
    }
    score.guard = guard(score, weights);
}

fn groups(of_people: bool) -> &'static [Group] {
    if of_people { &GROUPS_OF_PEOPLE } else { &GROUPS_OF_ORGANISATIONS }
}

/// The most that agreements of several fields add up to, each of which weighs at most what is given for it: dampened as they are.
pub(super) fn most_of(most: &[(ComparedField, f64)], of_people: bool) -> f64 {
    // What the email takes off the domain is not known yet: it only takes away more.
    let saved = groups(of_people).iter().map(|(fields, part)| {
        let of_group = || most.iter().filter(|(field, _)| fields.contains(field)).map(|(_, most)| *most);
        (1.0 - part) * (of_group().sum::<f64>() - of_group().fold(0.0, f64::max))
    });
    most.iter().map(|(_, most)| *most).sum::<f64>() - saved.sum::<f64>()
}

fn one(agreement: Agreement, weights: &Weights) -> FieldComparison {
    let Agreement { level, similarity, rarity } = agreement;
    FieldComparison { level, similarity, weight: weights.of(level, rarity) }
}

/// The part that an address and its domain count twice, of the weaker of the two.
const OF_EMAIL_IN_DOMAIN: f64 = 0.8;

/// An address says its domain. What both say is taken off the domain, before the domain meets the groups, and off nothing else: of a
/// domain that weighs most of its group the others are dampened, and they must not pay for the address once more.
fn spare_domain(comparisons: &mut [FieldComparison]) {
    let mut of_email = comparisons.iter().filter(|one| one.level.field() == ComparedField::Email);
    let email = of_email.next().map_or(0.0, |email| email.weight);
    if let Some(domain) = comparisons.iter_mut().find(|one| one.level.field() == ComparedField::Domain) {
        domain.weight -= OF_EMAIL_IN_DOMAIN * domain.weight.min(email).max(0.0);
    }
}

/// Fields of which one follows from another, with the part that the weaker agreement counts.
type Group = (&'static [ComparedField], f64);

/// Where somebody works says where that is.
const WORKPLACE: &[ComparedField] = &[
    ComparedField::Company,
    ComparedField::Domain,
    ComparedField::Street,
    ComparedField::PostalCode,
    ComparedField::City,
];

/// No two groups share a field: the sum over each grows with every weight in it, so that an agreement more never takes away as much as it
/// adds.
const GROUPS_OF_PEOPLE: [Group; 1] = [(WORKPLACE, 0.5)];

const GROUPS_OF_ORGANISATIONS: [Group; 2] = [
    (&[ComparedField::Street, ComparedField::PostalCode, ComparedField::City], 0.5),
    (&[ComparedField::Company, ComparedField::Domain], 0.3),
];

fn dampen(comparisons: &mut [FieldComparison], (fields, part): (&[ComparedField], f64)) {
    let of_group = |comparison: &FieldComparison| fields.contains(&comparison.level.field()) && comparison.weight > 0.0;
    let strongest = comparisons.iter().filter(|one| of_group(one)).map(|one| one.weight).fold(0.0, f64::max);
    let mut whole = true;
    for comparison in comparisons.iter_mut().filter(|one| of_group(one)) {
        if whole && comparison.weight >= strongest {
            whole = false;
        } else {
            comparison.weight *= part;
        }
    }
}

/// A name alone never matches: without anything beside it the sum stays in the review band. So it does where the mailbox of one is numbered
/// and the other's is elsewhere: two of that name work there, and what else agrees, but the date of birth, both of them have. Of two whose
/// names contradict each other, and who share no mailbox, it stays at even odds: what else they have in common, families and colleagues
/// have too.
fn guard(score: &Score, weights: &Weights) -> f64 {
    let supported =
        score.comparisons.iter().any(|comparison| comparison.level.kind() == Kind::Support && comparison.weight > 0.0);
    let shares_mailbox = || score.any(Level::is_one_mailbox);
    let contrary = score.any(|level| level.kind() == Kind::Contrary) && !score.born_together() && !shares_mailbox();
    let name_alone = !supported || score.has_second_bearer();
    let limits = [name_alone.then_some(weights.name_alone), contrary.then_some(0.0)];
    let limit = limits.into_iter().flatten().fold(f64::INFINITY, f64::min);
    (limit - score.weight()).min(0.0)
}
