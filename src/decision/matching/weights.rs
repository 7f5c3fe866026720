//! The weights by which levels are summed.

use std::sync::LazyLock;

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
        let own = self.own(level as usize, rarity);
        let place = &PLACES[level as usize];
        if !place.agrees {
            return own;
        }
        let lesser = (level as usize + 1..place.end).filter(|lesser| PLACES[*lesser].agrees);
        let floor = if place.is_best { own.max(0.0) } else { own };
        lesser.map(|lesser| self.own(lesser, rarity)).fold(floor, f64::max)
    }

    fn own(&self, level: usize, rarity: f64) -> f64 {
        let (weight, of_rarity) = self.levels[level];
        weight + of_rarity * rarity
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
    fn the_levels_of_a_field_stand_together() {
        let mut fields: Vec<_> = Level::ALL.iter().map(|level| level.field()).collect();
        fields.dedup();
        let count = fields.len();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), count);
    }
}
