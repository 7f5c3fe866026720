//! How a score came about, as steps that a person can add up: the odds before anything is known, what each field adds to them, and what a
//! name alone takes off again.

use super::matching::{Score, probability_of_weight, weight_of_probability};

/// From where on two leads are one, and from where on a person should look; both are probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// From here on they are one.
    pub matching: f64,
    /// From here on a person should look.
    pub review: f64,
}

impl Thresholds {
    /// What a probability means.
    pub fn verdict(&self, probability: f64) -> Verdict {
        match () {
            () if probability >= self.matching => Verdict::Match,
            () if probability >= self.review => Verdict::Possible,
            () => Verdict::Different,
        }
    }
}

/// What a sum of weights comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are one.
    Match,
    /// A person should look.
    Possible,
    /// They are two.
    Different,
}

impl Verdict {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Possible => "possible match",
            Self::Different => "no match",
        }
    }
}

/// What one field says.
#[derive(Clone, Default, PartialEq)]
pub struct Part {
    /// The field.
    pub field: String,
    /// Its comparison level.
    pub level: String,
    /// 0..1, where it was counted.
    pub similarity: Option<f64>,
    /// In bits.
    pub weight: f64,
    /// The values of both sides where they may be shown: personal data.
    pub values: Option<(String, String)>,
}

/// The field of the part that takes off what a name alone says.
pub const NAME_ALONE: &str = "name_alone";

/// Its level.
pub const GUARD: &str = "guard";

/// The field of the step that everything begins with.
const PRIOR: &str = "prior";

/// One step of a sum.
#[derive(Clone, PartialEq)]
pub struct Step {
    /// What it adds.
    pub part: Part,
    /// The sum before it.
    pub before: f64,
    /// The sum behind it.
    pub after: f64,
}

impl Step {
    /// Its weight and the sum behind it as they are shown, in hundredths of a bit. A weight is shown as the difference of two sums, so that
    /// what is shown adds up to the last digit; it may be a hundredth off the weight itself.
    pub fn shown(&self) -> (f64, f64) {
        // Adding zero takes the sign from a zero.
        let hundredths = |bits: f64| (bits * 100.0).round() / 100.0 + 0.0;
        let sum = hundredths(self.after);
        (hundredths(sum - hundredths(self.before)), sum)
    }
}

/// Every step from the prior to the sum.
#[derive(Clone, PartialEq)]
pub struct Waterfall {
    steps: Vec<Step>,
    thresholds: Thresholds,
}

impl Waterfall {
    /// Of a prior in bits, and the parts in their order.
    pub fn new(prior: f64, parts: impl IntoIterator<Item = Part>, thresholds: Thresholds) -> Self {
        let first = Part { field: PRIOR.into(), weight: prior, ..Part::default() };
        let mut sum = 0.0;
        let step = |part: Part| {
            let before = sum;
            sum += part.weight;
            Step { part, before, after: sum }
        };
        Self { steps: std::iter::once(first).chain(parts).map(step).collect(), thresholds }
    }

    /// Of a score; `values` tells what both sides say of a field.
    pub fn of_score(score: &Score, thresholds: Thresholds, values: impl Fn(&str) -> Option<(String, String)>) -> Self {
        let compared = score.comparisons.iter().map(|compared| Part {
            field: compared.level.field().name().into(),
            level: compared.level.name().into(),
            similarity: Some(compared.similarity),
            weight: compared.weight,
            values: values(compared.level.field().name()),
        });
        let guard = Part { field: NAME_ALONE.into(), level: GUARD.into(), weight: score.guard, ..Part::default() };
        Self::new(score.prior, compared.chain((score.guard < 0.0).then_some(guard)), thresholds)
    }

    /// The prior, then the parts.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What all of it adds up to, in bits.
    pub fn weight(&self) -> f64 {
        self.steps.last().map_or(0.0, |step| step.after)
    }

    /// The probability of that.
    pub fn probability(&self) -> f64 {
        probability_of_weight(self.weight())
    }

    /// Where the thresholds lie, as probabilities.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// The sums from which on two leads are one, and a person should look.
    pub fn marks(&self) -> [f64; 2] {
        [self.thresholds.matching, self.thresholds.review].map(weight_of_probability)
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        self.thresholds.verdict(self.probability())
    }

    /// The lowest and the highest sum that a drawing shows: every step, nothing at all, and the thresholds.
    pub fn range(&self) -> (f64, f64) {
        let sums = self.steps.iter().map(|step| step.after).chain(self.marks()).filter(|sum| sum.is_finite());
        sums.fold((0.0, 0.0), |(low, high), sum| (low.min(sum), high.max(sum)))
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}={} {:+.2}", self.field, self.level, self.weight)
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} -> {:.2}", self.part, self.after)
    }
}

impl std::fmt::Debug for Waterfall {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(&self.steps).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THRESHOLDS: Thresholds = Thresholds { matching: 0.85, review: 0.7 };

    fn part(field: &str, weight: f64) -> Part {
        let values = Some(("Ann".to_owned(), "Anna".to_owned()));
        Part { field: field.into(), level: "exact".into(), similarity: Some(1.0), weight, values }
    }

    #[test]
    fn each_step_begins_where_the_one_before_ends() {
        let waterfall = Waterfall::new(-10.0, [part("email", 12.5), part("phone", -1.5)], THRESHOLDS);
        assert_eq!(
            format!("{waterfall:?}"),
            "[prior= -10.00 -> -10.00, email=exact +12.50 -> 2.50, phone=exact -1.50 -> 1.00]"
        );
        assert_eq!(waterfall.range(), (-10.0, weight_of_probability(0.85)));
        assert_eq!((waterfall.weight(), waterfall.verdict()), (1.0, Verdict::Different));
        assert!((waterfall.probability() - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_guard_is_a_step_of_its_own_where_it_takes_something_off() {
        let mut score = Score { comparisons: Vec::new(), prior: -3.0, guard: -2.0 };
        let last = |score: &Score| {
            Waterfall::of_score(score, THRESHOLDS, |_| None).steps().last().map(|step| step.part.clone())
        };
        assert_eq!(last(&score).map(|part| (part.field, part.weight)), Some((NAME_ALONE.to_owned(), -2.0)));
        score.guard = 0.0;
        assert_eq!(last(&score).map(|part| part.field), Some(PRIOR.to_owned()));
    }

    proptest! {
        #[test]
        fn the_steps_add_up_and_the_verdict_is_that_of_the_sum(prior in -30.0..0.0, weights in prop::collection::vec(-25.0..25.0, 0..12)) {
            let waterfall = Waterfall::new(prior, weights.iter().map(|weight| part("city", *weight)), THRESHOLDS);
            let sum = prior + weights.iter().sum::<f64>();
            prop_assert!((waterfall.weight() - sum).abs() < 1e-9);
            let hundredths = |text: String| text.replace('.', "").parse::<i64>();
            let mut shown_sum = 0;
            for step in waterfall.steps() {
                let (weight, sum) = step.shown();
                shown_sum += hundredths(format!("{weight:+.2}"))?;
                prop_assert_eq!(hundredths(format!("{sum:+.2}"))?, shown_sum);
                prop_assert!((weight - step.part.weight).abs() <= 0.0101);
            }
            let [matching, review] = waterfall.marks();
            let expected = if sum >= matching { Verdict::Match } else if sum >= review { Verdict::Possible } else { Verdict::Different };
            prop_assert!(waterfall.verdict() == expected || (sum - matching).abs() < 1e-6 || (sum - review).abs() < 1e-6);
            let (low, high) = waterfall.range();
            prop_assert!(waterfall.steps().iter().all(|step| low <= step.after.min(step.before) && step.after.max(step.before) <= high));
        }
    }
}
