//! The weights of the fuzzy tier, as the policy file has them: by field, then by level, under the names that answers have.

use crate::config::scalar;
use crate::config::section::Section;
use crate::decision::matching::{ComparedField, Level, LevelWeight, Weights};

/// The most bits of the prior and of a name alone, either way.
const MOST_BITS: f64 = 100.0;

/// The least part of each weight that counts, and the most.
const LEAST_SCALE: f64 = 0.1;
const MOST_SCALE: f64 = 2.0;

/// Reads weights; what is not set keeps what ships.
pub(super) fn read(mut section: Section<'_>) -> Weights {
    let mut weights = Weights::default();
    let bits = scalar::number(-MOST_BITS, MOST_BITS);
    weights.duplicates = section.take("duplicates", &bits).unwrap_or(weights.duplicates);
    weights.name_alone = section.take("name_alone", &bits).unwrap_or(weights.name_alone);
    weights.scale = section.take("scale", scalar::number(LEAST_SCALE, MOST_SCALE)).unwrap_or(weights.scale);
    for field in ComparedField::ALL {
        if let Some(levels) = section.section(field.name()) {
            weights = read_levels(levels, field, weights);
        }
    }
    section.finish();
    weights
}

fn read_levels(mut section: Section<'_>, field: ComparedField, mut weights: Weights) -> Weights {
    for level in field.levels() {
        if let Some(weight) = section.section(level.name()) {
            let weight = read_level(weight, level, weights.level(level));
            weights = weights.clone().with(level, weight).unwrap_or(weights);
        }
    }
    section.finish();
    weights
}

/// A level of disagreement, missing data included, weighs nothing or against, and has no rarity.
fn read_level(mut section: Section<'_>, level: Level, shipped: LevelWeight) -> LevelWeight {
    let agrees = level.kind().agrees();
    let most_bits = if agrees { LevelWeight::MOST_BITS } else { 0.0 };
    let bits = section.take("weight", scalar::number(-LevelWeight::MOST_BITS, most_bits)).unwrap_or(shipped.bits);
    let of_rarity = match agrees {
        true => section.take("rarity", scalar::number(0.0, LevelWeight::MOST_OF_RARITY)).unwrap_or(shipped.of_rarity),
        false => shipped.of_rarity,
    };
    section.finish();
    LevelWeight { bits, of_rarity }
}

/// Every weight with its path in the file.
pub(super) fn add_rules(rules: &mut Vec<(String, String)>, weights: &Weights) {
    rules.push(("matching.duplicates".into(), weights.duplicates.to_string()));
    rules.push(("matching.name_alone".into(), weights.name_alone.to_string()));
    rules.push(("matching.scale".into(), weights.scale.to_string()));
    for level in Level::ALL {
        let path = format!("matching.{}.{}", level.field().name(), level.name());
        rules.push((path, shown(level, weights.level(level))));
    }
}

fn shown(level: Level, LevelWeight { bits, of_rarity }: LevelWeight) -> String {
    if level.kind().agrees() { format!("weight {bits}, rarity {of_rarity}") } else { format!("weight {bits}") }
}

/// The section of these weights, as a policy file has it; every level is in it.
pub fn matching_section(weights: &Weights) -> String {
    let Weights { duplicates, name_alone, scale, .. } = weights;
    let mut text =
        format!("matching:\n  duplicates: {duplicates:?}\n  name_alone: {name_alone:?}\n  scale: {scale:?}\n");
    for field in ComparedField::ALL {
        text.push_str(&format!("  {}:\n", field.name()));
        field.levels().for_each(|level| text.push_str(&line(level, weights.level(level))));
    }
    text
}

fn line(level: Level, LevelWeight { bits, of_rarity }: LevelWeight) -> String {
    let rarity = if level.kind().agrees() { format!(", rarity: {of_rarity:?}") } else { String::new() };
    format!("    {}: {{weight: {bits:?}{rarity}}}\n", level.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::policy_file::parse;

    const HEAD: &str = "format: 1\nversion: \"v\"\n";

    #[test]
    fn weights_that_are_written_are_those_that_are_read() {
        let mut weights = Weights::default();
        (weights.duplicates, weights.name_alone, weights.scale) = (-2.25, -0.1, 0.5);
        for (number, level) in Level::ALL.into_iter().enumerate() {
            let of_rarity = if level.kind().agrees() { number as f64 / 100.0 } else { 0.0 };
            let weight = LevelWeight { bits: -(number as f64) / 8.0, of_rarity };
            weights = weights.with(level, weight).unwrap_or_else(|| panic!("{level:?}"));
        }
        let text = format!("{HEAD}{}", matching_section(&weights));
        assert_eq!(parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).weights, weights);
    }

    #[test]
    fn one_level_is_changed_and_the_rest_stays() {
        let text = format!("{HEAD}matching:\n  email: {{exact of name: {{weight: 1}}}}\n");
        let weights = parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).weights;
        let shipped = Weights::default();
        for level in Level::ALL {
            let expected = LevelWeight { bits: 1.0, ..shipped.level(level) };
            let expected = if level == Level::EmailExactNamed { expected } else { shipped.level(level) };
            assert_eq!(weights.level(level), expected, "{level:?}");
        }
    }
}
