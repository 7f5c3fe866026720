//! Compares many pairs of which few reach a threshold: stops as soon as a pair cannot reach it any more.

use super::frequency::FrequencyTable;
use super::level::{ComparedField, Level};
use super::profile::{Contact, LATER, Profile, are_people, compare_rest, compare_who, prior};
use super::scoring::{Agreement, Score, most_of, weigh_into};
use super::weights::Weights;

/// The most that each field of a lead that is looked at later can weigh, whatever it is compared with; 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling([f32; LATER.len()]);

/// Bits by which sums of the same numbers in another order and precision may differ.
const ROUNDING: f64 = 0.01;

impl Ceiling {
    /// Of a lead, by how rare its values are.
    pub fn of(profile: &Profile, table: &FrequencyTable, weights: &Weights) -> Self {
        let rarities = profile.rarities(table);
        let most = |field: usize| rarities[field].map_or(0.0, |rarity| most(weights, LATER[field], rarity));
        #[expect(clippy::cast_possible_truncation, reason = "a few dozen bits")]
        Self(std::array::from_fn(|field| most(field) as f32))
    }
}

/// The most that a field can weigh for a value of this rarity or a more common one. Weights are straight lines over rarity, or the highest of
/// several: highest at an end.
fn most(weights: &Weights, field: ComparedField, rarity: f64) -> f64 {
    let levels = Level::ALL.iter().filter(|level| level.field() == field);
    levels.map(|level| weights.of(*level, 0.0).max(weights.of(*level, rarity))).fold(0.0, f64::max)
}

/// Compares pairs, one after the other.
#[derive(Debug)]
pub struct Comparer<'a> {
    table: &'a FrequencyTable,
    weights: &'a Weights,
    floor: f64,
    found: Vec<Agreement>,
    score: Score,
}

impl<'a> Comparer<'a> {
    /// For pairs whose weight is `floor` or more.
    pub fn new(table: &'a FrequencyTable, weights: &'a Weights, floor: f64) -> Self {
        let score = Score { comparisons: Vec::new(), prior: prior(table, weights), guard: 0.0 };
        Self { table, weights, floor, found: Vec::new(), score }
    }

    /// The score of two leads, the very one that [`compare`](super::compare) gives, if it reaches the floor.
    pub fn compare(&mut self, (a, most_a): (&Profile, &Ceiling), (b, most_b): (&Profile, &Ceiling)) -> Option<&Score> {
        self.found.clear();
        let of_people = are_people(a, b);
        let contact = compare_who(a, b, self.table, &mut self.found);
        if self.most(&contact, of_people, most_a, most_b) + ROUNDING < self.floor {
            return None;
        }
        compare_rest(a, b, contact, self.table, &mut self.found);
        weigh_into(&mut self.score, &self.found, of_people, self.weights);
        (self.score.weight() >= self.floor).then_some(&self.score)
    }

    /// The most that a pair can weigh of which so much is known.
    fn most(&self, contact: &Contact, of_people: bool, a: &Ceiling, b: &Ceiling) -> f64 {
        let known = self.found.iter().chain(&contact.email).chain(&contact.phone).chain(&contact.birth);
        let known: f64 = known.map(|agreement| self.weights.of(agreement.level, agreement.rarity)).sum();
        let later: [_; LATER.len()] =
            std::array::from_fn(|field| (LATER[field], f64::from(a.0[field].min(b.0[field]))));
        self.score.prior + known + most_of(&later, of_people)
    }
}
