//! Pairs drawn from known shares of levels, and what is learned from them.

use super::super::scoring::Agreement;
use super::super::weights::LevelWeight;
use super::*;

/// A field: its levels, each with its share among pairs of one lead and of two.
type Field = &'static [(Level, f64, f64)];

const FIELDS: [Field; 5] = [
    &[(Level::PhoneExact, 0.7, 0.002), (Level::PhoneMisspelt, 0.1, 0.01), (Level::PhoneDifferent, 0.2, 0.988)],
    &[
        (Level::BirthDateExact, 0.8, 0.003),
        (Level::BirthDateNear, 0.05, 0.02),
        (Level::BirthDateDifferent, 0.15, 0.977),
    ],
    &[(Level::CityExact, 0.9, 0.05), (Level::CityDifferent, 0.1, 0.95)],
    &[(Level::TitleExact, 0.5, 0.1), (Level::TitleAlike, 0.3, 0.2), (Level::TitleDifferent, 0.2, 0.7)],
    &[(Level::MiddleAgrees, 0.6, 0.04), (Level::MiddleDifferent, 0.4, 0.96)],
];

/// How rare the values are on which pairs agree.
fn rarity(level: Level) -> f64 {
    match level {
        Level::PhoneExact | Level::BirthDateExact => 7.0,
        Level::CityExact => 4.0,
        _ => 0.0,
    }
}

/// Numbers that are random enough and the same every time (G. Marsaglia, "Xorshift RNGs", 2003).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn pair(&mut self, is_match: bool) -> ComparedPair {
        let agreements = FIELDS.map(|levels| {
            let mut left = self.next();
            let drawn = levels.iter().find(|(_, one, other)| {
                left -= if is_match { one } else { other };
                left < 0.0
            });
            let level = drawn.unwrap_or(&levels[levels.len() - 1]).0;
            Agreement::new(level, 0.0).rare(rarity(level))
        });
        ComparedPair { agreements: agreements.to_vec(), of_people: true }
    }
}

/// Leads of whose 125,000 pairs `matches` are one; pairs that agree on phone or date of birth share a key.
fn sample(seed: u64, matches: usize, labelled: bool) -> Sample {
    let mut chance = Chance(seed);
    let mut sample = Sample { leads: 501, candidates: Vec::new(), strangers: Vec::new(), strangers_share: 1.0 };
    for number in 0..125_250 {
        let is_match = number < matches;
        let pair = chance.pair(is_match);
        let keys = [Level::PhoneExact, Level::BirthDateExact];
        if is_match && labelled || pair.agreements.iter().any(|one| keys.contains(&one.level)) {
            sample.candidates.push(Candidate { pair, is_match: labelled.then_some(is_match), share: 1.0 });
        } else {
            sample.strangers.push(pair);
        }
    }
    sample
}

fn check(learned: &Learned, tolerance: f64) {
    for (level, one, other) in FIELDS.into_iter().flatten() {
        let LevelWeight { bits, of_rarity } = learned.weights.level(*level);
        let (expected, bits) = ((one / other).log2(), bits + of_rarity * rarity(*level));
        assert!((bits - expected).abs() <= tolerance, "{level:?}: {bits}, not {expected}");
    }
    let (expected, duplicates) = ((2.0 * 500.0 / 501.0f64).log2(), learned.weights.duplicates);
    assert!((duplicates - expected).abs() < tolerance, "{duplicates}, not {expected}");
}

#[test]
fn counted_labels_give_the_weights_back() {
    let learned = counting::maximise(&[sample(7, 500, true)], &Weights::default());
    check(&learned, 0.6);
    let evidence = learned.evidence[Level::CityExact as usize];
    assert!((400.0..500.0).contains(&evidence.matches), "{evidence:?}");
}

#[test]
fn without_labels_expectation_maximisation_gives_them_back() {
    let learned = learn(&[sample(7, 500, false)], &Weights::default());
    assert!((2..40).contains(&learned.rounds), "{}", learned.rounds);
    check(&learned, 0.9);
    assert_eq!(learned, learn(&[sample(7, 500, false)], &Weights::default()), "the same again");
}

/// How improbable the truth of a sample is, in nats.
fn loss(sample: &Sample, weights: &Weights) -> f64 {
    let of = |candidate: &Candidate| {
        let probability = candidate.pair.score(weights, sample.leads).probability();
        -if candidate.is_match == Some(true) { probability.ln() } else { (1.0 - probability).ln() }
    };
    sample.candidates.iter().map(of).sum()
}

#[test]
fn what_is_learned_from_labels_tells_other_pairs_apart() {
    let (shipped, others) = (Weights::default(), sample(8, 500, true));
    let learned = learn(&[sample(7, 500, true)], &shipped);
    let (before, after) = (loss(&others, &shipped), loss(&others, &learned.weights));
    assert!(after < before * 0.8, "{after} after {before}");
    let probability = |candidate: &Candidate| candidate.pair.score(&learned.weights, others.leads).probability();
    let expected: f64 = others.candidates.iter().map(probability).sum();
    assert!((400.0..600.0).contains(&expected), "{expected} of 500 pairs");
    let evidence = learned.evidence[Level::CityExact as usize];
    assert!((400.0..500.0).contains(&evidence.matches), "{evidence:?}");
    assert_eq!(learned, learn(&[sample(7, 500, true)], &shipped), "the same again");
}

#[test]
fn fields_that_say_the_same_are_not_counted_twice() {
    let pair = |levels: &[Level]| ComparedPair {
        agreements: levels.iter().map(|level| Agreement::new(*level, 0.0)).collect(),
        of_people: true,
    };
    let sample = |agree: &[Level], differ: &[Level]| {
        let candidates = [(agree, true, 900), (agree, false, 100), (differ, true, 100), (differ, false, 9_900)];
        let candidate = |(levels, is_match, share): &(&[Level], bool, u32)| Candidate {
            pair: pair(levels),
            is_match: Some(*is_match),
            share: f64::from(*share),
        };
        let candidates = candidates.iter().map(candidate).collect();
        Sample { leads: 1_000, candidates, strangers: Vec::new(), strangers_share: 1.0 }
    };
    let one = sample(&[Level::PhoneExact], &[Level::PhoneDifferent]);
    let title = [Level::PhoneExact, Level::TitleExact];
    let both = sample(&title, &[Level::PhoneDifferent, Level::TitleDifferent]);
    let probability = |learned: &Learned, levels| pair(levels).score(&learned.weights, 1_000).probability();
    let alone = probability(&learn(&[one], &Weights::default()), &title[..1]);
    let together = probability(&learn(&[both], &Weights::default()), &title);
    assert!((0.6..0.9).contains(&alone) && (0.6..0.9).contains(&together), "{alone}, {together}");
    assert!((alone - together).abs() < 0.15, "{alone}, {together}");
}

#[test]
fn the_order_of_sets_makes_no_difference() {
    let both = learn(&[sample(7, 500, true), sample(8, 5, true)], &Weights::default());
    let swapped = learn(&[sample(8, 5, true), sample(7, 500, true)], &Weights::default());
    let bits = |learned: &Learned, level| learned.weights.level(level).bits;
    for level in Level::ALL {
        assert!((bits(&both, level) - bits(&swapped, level)).abs() < 0.011, "{level:?}");
    }
}

#[test]
fn a_level_that_few_pairs_show_keeps_the_shipped_weight() {
    let shipped = Weights::default();
    assert_eq!(learn(&[], &shipped).weights, shipped);
    let learned = learn(&[sample(7, 500, true)], &shipped).weights;
    let unseen =
        Level::ALL.into_iter().filter(|level| FIELDS.iter().all(|levels| levels[0].0.field() != level.field()));
    unseen.for_each(|level| assert_eq!(learned.level(level), shipped.level(level), "{level:?}"));
    let mut few = sample(7, 2, true);
    few.candidates.truncate(20);
    let few = learn(&[few], &shipped).weights;
    let moved = (few.level(Level::TitleAlike).bits - shipped.level(Level::TitleAlike).bits).abs();
    assert!(moved < 0.3, "{moved}");
}

#[test]
fn rarity_is_taken_off_what_is_counted() {
    // Every pair of one lead agrees on a number that one lead in 2^10 has, and so does one pair of two in 2^10.
    let pair =
        |level, rarity| ComparedPair { agreements: vec![Agreement::new(level, 0.0).rare(rarity)], of_people: true };
    let candidate = |is_match, level| Candidate { pair: pair(level, 10.0), is_match: Some(is_match), share: 1.0 };
    let mut candidates = vec![candidate(true, Level::PhoneExact); 1000];
    candidates.extend(vec![candidate(false, Level::PhoneExact); 1000]);
    let strangers = vec![pair(Level::PhoneDifferent, 10.0); 10_000];
    let sample = Sample { leads: 1_430, candidates, strangers, strangers_share: 102.3 };
    let bits = counting::maximise(&[sample], &Weights::default()).weights.level(Level::PhoneExact).bits;
    // 10 bits in all, of which rarity gives 9.
    assert!((bits - 1.0).abs() < 0.1, "{bits}");
}
