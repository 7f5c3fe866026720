//! The weights by which levels are summed.

use std::sync::LazyLock;

use super::level::Level;
use super::scoring::weight_of_probability;

/// What a level adds to the sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelWeight {
    /// log2 of the Bayes factor, for a value that everybody has.
    pub bits: f64,
    /// How much of each bit of the value's rarity is added.
    pub of_rarity: f64,
}

impl LevelWeight {
    /// The most bits of a level, either way.
    pub const MOST_BITS: f64 = 100.0;
    /// The largest part of a bit of rarity.
    pub const MOST_OF_RARITY: f64 = 4.0;

    /// Whether a level may weigh so: what does not agree, missing data included, never weighs for a match, and no rarity is asked of it.
    /// That is what keeps agreement from weighing less than its lack, together with what is raised when weights are summed: an exact
    /// level counts at least as much as every nearer one of its field.
    fn fits(self, level: Level) -> bool {
        let (most_bits, most_of_rarity) =
            if level.kind().agrees() { (Self::MOST_BITS, Self::MOST_OF_RARITY) } else { (0.0, 0.0) };
        (-Self::MOST_BITS..=most_bits).contains(&self.bits) && (0.0..=most_of_rarity).contains(&self.of_rarity)
    }
}

/// A weight for each level, in bits, and what a value's rarity adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    levels: [LevelWeight; Level::ALL.len()],
    /// The most that a sum reaches where nothing but the name agrees.
    pub name_alone: f64,
    /// log2 of how many of a lead's duplicates there are among all leads.
    pub duplicates: f64,
    /// The part of each weight, and of the prior, that counts in the sum. What one field says is told by others in part, so that a whole
    /// sum would be surer than it has reason to be (P. N. Bennett, "Assessing the Calibration of Naive Bayes' Posterior Estimates",
    /// CMU-CS-00-155, 2000). Above 0; it changes the order of no two sums.
    pub scale: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { levels: Level::ALL.map(Level::shipped), name_alone: 1.99, duplicates: 2.73, scale: 0.7 }
    }
}

impl Weights {
    /// These weights for a policy whose leads match from this probability on: where nothing but the name agrees, the sum stays below it.
    #[must_use]
    pub fn matching_from(mut self, probability: f64) -> Self {
        const BELOW: f64 = 0.01;
        let most = (weight_of_probability(probability) - BELOW).max(-LevelWeight::MOST_BITS);
        self.name_alone = self.name_alone.min(most);
        self
    }

    /// The weight of a level, as it is set.
    pub fn level(&self, level: Level) -> LevelWeight {
        self.levels[level as usize]
    }

    /// These weights with another one for a level; `None` where the level may not weigh so.
    #[must_use]
    pub fn with(mut self, level: Level, weight: LevelWeight) -> Option<Self> {
        self.levels[level as usize] = weight;
        weight.fits(level).then_some(self)
    }

    /// log2 of the odds that two of so many leads, taken at random, are one.
    pub(super) fn prior(&self, leads: u32) -> f64 {
        self.prior_of(self.duplicates, leads)
    }

    /// The same, where leads have so many duplicates.
    pub(super) fn prior_of(&self, duplicates: f64, leads: u32) -> f64 {
        self.scale * (duplicates - f64::from(leads.max(2)).log2())
    }

    /// The weight of a level in the sum, for a value of this rarity.
    pub(super) fn of(&self, level: Level, rarity: f64) -> f64 {
        self.counting(level, rarity).1 * self.scale
    }

    /// The level whose weight counts for one that was found, and that weight before it is scaled. However common a value is, to agree on it
    /// never weighs less than to agree on it less, nor the best agreement less than nothing; then no level's counts.
    pub(super) fn counting(&self, level: Level, rarity: f64) -> (Option<Level>, f64) {
        let own = (Some(level), self.own(level as usize, rarity));
        let place = &PLACES[level as usize];
        if !place.agrees {
            return own;
        }
        let floor = if place.is_best && own.1 < 0.0 { (None, 0.0) } else { own };
        let lesser = (level as usize + 1..place.end).filter(|lesser| PLACES[*lesser].agrees);
        let lesser = lesser.map(|lesser| (Some(Level::ALL[lesser]), self.own(lesser, rarity)));
        lesser.fold(floor, |most, one| if one.1 > most.1 { one } else { most })
    }

    fn own(&self, level: usize, rarity: f64) -> f64 {
        let LevelWeight { bits, of_rarity } = self.levels[level];
        bits + of_rarity * rarity
    }
}

/// Where a level stands among those of its field.
struct Place {
    agrees: bool,
    is_best: bool,
    /// The first level of the next field.
    end: usize,
}

/// The places of all levels. Those of one field stand together, from the best to the least.
static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| Level::ALL.iter().map(|level| Place::of(*level)).collect());

impl Place {
    fn of(level: Level) -> Self {
        let of_field = || Level::ALL.iter().filter(|other| other.field() == level.field());
        let agrees = level.kind().agrees();
        Self {
            agrees,
            is_best: agrees && of_field().find(|other| other.kind().agrees()) == Some(&level),
            end: of_field().map(|other| *other as usize + 1).max().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_fits_and_disagreement_never_weighs_for_a_match() {
        let shipped = Weights::default();
        for level in Level::ALL {
            assert_eq!(shipped.clone().with(level, shipped.level(level)), Some(shipped.clone()), "{level:?}");
            let weight = |bits, of_rarity| shipped.clone().with(level, LevelWeight { bits, of_rarity }).is_some();
            assert_eq!(weight(0.1, 0.0), level.kind().agrees(), "{level:?}");
            assert_eq!(weight(0.0, 0.1), level.kind().agrees(), "{level:?}");
            assert!(!weight(f64::NAN, 0.0) && !weight(f64::NEG_INFINITY, 0.0) && !weight(0.0, -0.1), "{level:?}");
        }
    }

    #[test]
    fn an_exact_level_counts_at_least_as_much_as_a_near_one() {
        let near = LevelWeight { bits: 9.0, of_rarity: 0.0 };
        let weights = Weights::default().with(Level::PhoneMisspelt, near).expect("fits");
        assert!((weights.of(Level::PhoneExact, 3.0) - 9.0 * weights.scale).abs() < 1e-9);
        assert!(weights.of(Level::PhoneDifferent, 3.0) < 0.0);
    }

    #[test]
    fn the_levels_of_a_field_stand_together() {
        let mut fields: Vec<_> = Level::ALL.iter().map(|level| level.field()).collect();
        fields.dedup();
        let count = fields.len();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), count);
    }
}
