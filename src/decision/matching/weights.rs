//! The weights by which levels are summed.

use super::level::Level;

/// A weight for each level, in bits, and what a value's rarity adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    levels: [(f64, f64); Level::ALL.len()],
    /// The most that a sum reaches where nothing but the name agrees.
    pub name_alone: f64,
    /// log2 of how many of a lead's duplicates there are among all leads.
    pub duplicates: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { levels: Level::ALL.map(Level::shipped), name_alone: 0.0, duplicates: 1.0 }
    }
}

impl Weights {
    /// The weight of a level, for a value of this rarity. However common a value is, to agree on it never weighs less than to agree on it
    /// less, nor the best agreement less than nothing.
    pub(super) fn of(&self, level: Level, rarity: f64) -> f64 {
        let own = self.own(level, rarity);
        if !level.kind().agrees() {
            return own;
        }
        let field = Level::ALL.iter().filter(|other| other.field() == level.field() && other.kind().agrees());
        let is_best = field.clone().min() == Some(&level);
        let lesser = field.filter(|other| **other > level).map(|other| self.own(*other, rarity));
        lesser.fold(if is_best { own.max(0.0) } else { own }, f64::max)
    }

    fn own(&self, level: Level, rarity: f64) -> f64 {
        let (weight, of_rarity) = self.levels[level as usize];
        weight + of_rarity * rarity
    }
}
