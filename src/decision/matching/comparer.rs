//! Compares many pairs of which few reach a threshold: stops as soon as a pair cannot reach it any more.

use super::frequency::FrequencyTable;
use super::level::{ComparedField, Level};
use super::profile::{Contact, LATER, Profile, are_people, compare_organisations, compare_rest, compare_who, prior};
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
        let contact = compare_who(a, b, self.table, self.weights, &mut self.found);
        let mut later = std::array::from_fn(|field| (LATER[field], f64::from(most_a.0[field].min(most_b.0[field]))));
        let who = self.known(&contact);
        self.reaches(who, &later, of_people).then_some(())?;
        let names = self.found.len();
        compare_organisations(a, b, self.table, &mut self.found);
        let against = self.put_known(names, &mut later);
        self.reaches(who + against, &later, of_people).then_some(())?;
        compare_rest(a, b, contact, self.table, &mut self.found);
        weigh_into(&mut self.score, &self.found, of_people, self.weights);
        (self.score.weight() >= self.floor).then_some(&self.score)
    }

    /// What names, contact and birth weigh at most.
    fn known(&self, contact: &Contact) -> f64 {
        let known = self.found.iter().chain(&contact.email).chain(&contact.phone).chain(&contact.birth);
        known.map(|agreement| self.weight(agreement)).sum()
    }

    fn weight(&self, agreement: &Agreement) -> f64 {
        self.weights.of(agreement.level, agreement.rarity)
    }

    /// Puts what organisations say, the agreements from `names` on, in the place of the most that they could say. Returns what speaks against.
    fn put_known(&self, names: usize, later: &mut Later) -> f64 {
        let said = |field| self.found[names..].iter().find(|agreement| agreement.level.field() == field);
        let mut against = 0.0;
        for (field, most) in &mut later[..ORGANISATIONS] {
            let weight = said(*field).map_or(0.0, |agreement| self.weight(agreement));
            *most = weight.max(0.0);
            against += weight.min(0.0);
        }
        against
    }

    /// Whether a pair of which so much is known can still reach the floor.
    fn reaches(&self, known: f64, later: &Later, of_people: bool) -> bool {
        self.score.prior + known + most_of(later, of_people) + ROUNDING >= self.floor
    }
}

/// The most that each field can weigh that is looked at later.
type Later = [(ComparedField, f64); LATER.len()];

/// How many of these fields are an organisation's.
const ORGANISATIONS: usize = 2;
