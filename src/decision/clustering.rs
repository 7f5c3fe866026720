//! Groups from scored pairs, without chaining: a pair may only unite two groups that nothing within contradicts.

use std::collections::{BTreeSet, HashMap};

use super::matching::Score;

/// A scored pair of records, by their places in a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredPair {
    /// The lower place.
    pub a: u32,
    /// The higher place.
    pub b: u32,
    /// log2 of the odds that the two are one.
    pub weight: f32,
}

impl ScoredPair {
    /// Of two records in either order, and log2 of the odds.
    pub fn new(a: u32, b: u32, weight: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a few dozen bits")]
        let weight = weight as f32;
        Self { a: a.min(b), b: a.max(b), weight }
    }
}

/// Records whose pairs are looked at when two groups meet; of larger groups only the first ones.
const MOST_LOOKED_AT: usize = 24;

/// What one pair of records can say when two groups meet, in bits either way: no single link outweighs everything else.
const MOST_SAID: f64 = 12.0;

/// The mean of what the records of two groups say of each other from which they may unite. Below zero: records of which each holds a part
/// of the truth say little of each other.
const ENOUGH: f64 = -3.0;

/// The same where some pairs say that they are two: a name that was taken down wrongly, among records that agree on all else.
const ENOUGH_IN_SPITE: f64 = 4.0;

/// The share of pairs that may say so.
const MOST_IN_SPITE: f64 = 0.34;

/// How much stronger, in bits, a record must belong to its group than to one that excludes it.
pub(super) const CLEARLY: f32 = 4.0;

/// Groups of two or more among `records` records, each sorted, in the order of their first members. `pairs` are those that match, the
/// lower place first as in all; `rivals` those that would match if a mailbox did not tell of a second person of the name; `apart` holds
/// pairs that must not be in one group whatever is like them; `score_of` scores any two records.
///
/// Agglomerative, strongest pair first. A record that fits two groups which exclude each other, and none of them clearly better, belongs
/// to neither: that is for a person to say. Nor does a group meet the first bearer of a name that may be the second's.
pub fn groups(
    records: usize,
    mut pairs: Vec<ScoredPair>,
    rivals: &[ScoredPair],
    apart: &BTreeSet<(u32, u32)>,
    score_of: impl Fn(u32, u32) -> Score,
) -> Vec<Vec<u32>> {
    pairs.sort_unstable_by(|x, y| y.weight.total_cmp(&x.weight).then((x.a, x.b).cmp(&(y.a, y.b))));
    let mut grouping = Grouping::new(records, rivals, apart);
    grouping.unite_all(&pairs, &score_of);
    let undecided = grouping.undecided(&pairs);
    if !undecided.is_empty() {
        pairs.retain(|pair| !undecided.contains(&pair.a) && !undecided.contains(&pair.b));
        grouping = Grouping::new(records, rivals, apart);
        grouping.unite_all(&pairs, &score_of);
    }
    let mut groups: Vec<Vec<u32>> = grouping.members.into_values().collect();
    groups.sort_unstable();
    groups
}

/// How two groups stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meeting {
    /// They are one.
    Unite,
    /// They say too little of each other.
    Part,
    /// They are two.
    Exclude,
}

/// Groups while they grow.
struct Grouping<'a> {
    /// The group of each record, named by its first member.
    group_of: Vec<u32>,
    /// The members of groups of two or more, sorted.
    members: HashMap<u32, Vec<u32>>,
    /// Pairs that match, of groups that exclude each other.
    excluded: Vec<ScoredPair>,
    /// Pairs that must not meet.
    apart: &'a BTreeSet<(u32, u32)>,
    /// With what weight each record may be one with a second bearer of its name.
    rivals: HashMap<u32, Vec<(u32, f32)>>,
}

impl<'a> Grouping<'a> {
    fn new(records: usize, rivals: &[ScoredPair], apart: &'a BTreeSet<(u32, u32)>) -> Self {
        let mut rivals_of: HashMap<u32, Vec<(u32, f32)>> = HashMap::new();
        for ScoredPair { a, b, weight } in rivals {
            rivals_of.entry(*a).or_default().push((*b, *weight));
            rivals_of.entry(*b).or_default().push((*a, *weight));
        }
        let group_of = (0..u32::try_from(records).unwrap_or(u32::MAX)).collect();
        Self { group_of, members: HashMap::new(), excluded: Vec::new(), apart, rivals: rivals_of }
    }

    fn unite_all(&mut self, pairs: &[ScoredPair], score_of: &impl Fn(u32, u32) -> Score) {
        for pair in pairs {
            let (a, b) = (self.group_of[pair.a as usize], self.group_of[pair.b as usize]);
            if a == b {
                continue;
            }
            let (one, other) = (self.members_of(a), self.members_of(b));
            let sides = [(&*one, &*other), (&other, &one)];
            if sides.into_iter().any(|(one, other)| self.may_be_another(one, other, pair.weight, score_of)) {
                continue;
            }
            match self.meet(&one, &other, score_of) {
                Meeting::Unite => self.unite(a, b),
                Meeting::Part => {}
                Meeting::Exclude => self.excluded.push(*pair),
            }
        }
    }

    /// Whether a record of one group may be one, nearly as well as with the other group or better, with a record that the other excludes.
    fn may_be_another(&self, one: &[u32], other: &[u32], weight: f32, score_of: &impl Fn(u32, u32) -> Score) -> bool {
        let rivals = one.iter().filter_map(|record| self.rivals.get(record)).flatten();
        let mut near = rivals.filter(|(_, rival)| weight < rival + CLEARLY);
        near.any(|(rival, _)| other.iter().any(|record| score_of(*record.min(rival), *record.max(rival)).excludes()))
    }

    fn meet(&self, one: &[u32], other: &[u32], score_of: &impl Fn(u32, u32) -> Score) -> Meeting {
        let apart = |a: &u32| other.iter().any(|b| self.apart.contains(&(*a.min(b), *a.max(b))));
        if !self.apart.is_empty() && one.iter().any(apart) { Meeting::Exclude } else { meet(one, other, score_of) }
    }

    fn members_of(&self, group: u32) -> Vec<u32> {
        self.members.get(&group).cloned().unwrap_or_else(|| vec![group])
    }

    fn unite(&mut self, a: u32, b: u32) {
        let mut united = self.members_of(a);
        united.extend(self.members_of(b));
        united.sort_unstable();
        self.members.remove(&a);
        self.members.remove(&b);
        united.iter().for_each(|member| self.group_of[*member as usize] = united[0]);
        self.members.insert(united[0], united);
    }

    /// Records that match another group, which excludes their own, nearly as well as their own.
    fn undecided(&self, pairs: &[ScoredPair]) -> BTreeSet<u32> {
        let mut own: HashMap<u32, f32> = HashMap::new();
        let within = pairs.iter().filter(|pair| self.group_of[pair.a as usize] == self.group_of[pair.b as usize]);
        for pair in within {
            for record in [pair.a, pair.b] {
                let best = own.entry(record).or_insert(pair.weight);
                *best = best.max(pair.weight);
            }
        }
        let torn = |record: &u32, weight: f32| own.get(record).is_some_and(|own| *own < weight + CLEARLY);
        self.excluded
            .iter()
            .flat_map(|pair| [pair.a, pair.b].into_iter().filter(|record| torn(record, pair.weight)))
            .collect()
    }
}

/// How two groups stand to each other by what their records say. A record whose given name contradicts one of the other group's does not
/// speak for two people where it bears the name of a third one there: then the name was taken down wrongly once.
fn meet(one: &[u32], other: &[u32], score_of: &impl Fn(u32, u32) -> Score) -> Meeting {
    if one.len() == 1 && other.len() == 1 {
        return Meeting::Unite;
    }
    let looked_at = |group: &[u32]| group.len().min(MOST_LOOKED_AT);
    let (one, other) = (&one[..looked_at(one)], &other[..looked_at(other)]);
    let (mut sum, mut contrary, mut known) = (0.0, Vec::new(), BTreeSet::new());
    for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
        let score = score_of(a.min(b), a.max(b));
        if score.excludes() {
            return Meeting::Exclude;
        }
        if score.is_contrary() {
            contrary.push((a, b));
        }
        if score.bear_one_name() {
            known.extend([a, b]);
        }
        sum += score.weight().clamp(-MOST_SAID, MOST_SAID);
    }
    contrary.retain(|(a, b)| !known.contains(a) && !known.contains(b));
    let (count, contrary) = ((one.len() * other.len()) as f64, contrary.len() as f64);
    match contrary > 0.0 {
        true if contrary <= count * MOST_IN_SPITE && sum >= count * ENOUGH_IN_SPITE => Meeting::Unite,
        true => Meeting::Exclude,
        false if sum >= count * ENOUGH => Meeting::Unite,
        false => Meeting::Part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::matching::{FieldComparison, Level};

    /// What two records say of each other: a weight, and for some that they are two.
    fn score(weight: f64, level: Level) -> Score {
        let comparisons = vec![FieldComparison { level, similarity: 0.0, weight }];
        Score { comparisons, prior: 0.0, guard: 0.0 }
    }

    /// Groups of four records of which `said` holds what pairs say; all others speak a bit against each other.
    fn grouped(said: &[(u32, u32, f32, Level)]) -> Vec<Vec<u32>> {
        grouped_but(said, &[], &BTreeSet::new())
    }

    /// The same, where some may be a second bearer of the name, and a person judged some pairs.
    fn grouped_but(
        said: &[(u32, u32, f32, Level)],
        rivals: &[ScoredPair],
        apart: &BTreeSet<(u32, u32)>,
    ) -> Vec<Vec<u32>> {
        let matches = said.iter().filter(|(_, _, weight, _)| *weight > 2.5);
        let pairs = matches.map(|(a, b, weight, _)| ScoredPair::new(*a, *b, f64::from(*weight))).collect();
        groups(4, pairs, rivals, apart, |a, b| {
            let said = said.iter().find(|(one, other, _, _)| (*one, *other) == (a, b));
            said.map_or_else(
                || score(-1.0, Level::PhoneDifferent),
                |(_, _, weight, level)| score((*weight).into(), *level),
            )
        })
    }

    #[test]
    fn groups_do_not_chain_through_what_excludes_each_other() {
        let check =
            |said: &[(u32, u32, f32, Level)], expected: &[&[u32]]| assert_eq!(grouped(said), expected, "{said:?}");
        let yes = Level::EmailExact;
        check(&[], &[]);
        check(&[(0, 1, 5.0, yes), (2, 3, 6.0, yes)], &[&[0, 1], &[2, 3]]);
        check(&[(0, 1, 5.0, yes), (1, 2, 6.0, yes)], &[&[0, 1, 2]]);
        // 0 and 2 are two people: 1 belongs to the one that it fits clearly better.
        let numbered = Level::EmailNumbered;
        check(&[(0, 1, 12.0, yes), (1, 2, 5.0, yes), (0, 2, -9.0, numbered)], &[&[0, 1]]);
        // … and to neither where it fits both.
        check(&[(0, 1, 6.0, yes), (1, 2, 5.0, yes), (0, 2, -9.0, numbered)], &[]);
        // Many records that say the opposite of each other do not unite through one link.
        let far = Level::PhoneDifferent;
        check(&[(0, 1, 9.0, yes), (1, 2, 4.0, yes), (0, 2, -12.0, far)], &[&[0, 1]]);
        // Another name contradicts, but not where the group knows both.
        let (name, other_name) = (Level::GivenExact, Level::GivenDifferent);
        check(&[(0, 1, 9.0, yes), (1, 2, 5.0, yes), (0, 2, -6.0, other_name)], &[&[0, 1]]);
        check(&[(0, 1, 9.0, yes), (1, 2, 5.0, Level::GivenMisspelt), (0, 2, -6.0, other_name)], &[&[0, 1]]);
        check(&[(0, 1, 9.0, yes), (1, 2, 5.0, name), (0, 2, -6.0, other_name)], &[&[0, 1, 2]]);
    }

    #[test]
    fn nobody_is_the_first_bearer_of_a_name_who_may_be_the_second() {
        // 0 is the first bearer and 3 the second; 1 and 2 are one of them.
        let (yes, numbered) = (Level::EmailExact, Level::EmailNumbered);
        let said = [(0, 1, 9.0, yes), (1, 2, 15.0, yes), (0, 2, 4.0, yes), (0, 3, -9.0, numbered), (1, 3, 2.0, yes)];
        let check = |rivals: &[(u32, u32, f64)], expected: &[&[u32]]| {
            let rivals: Vec<_> = rivals.iter().map(|(a, b, weight)| ScoredPair::new(*a, *b, *weight)).collect();
            assert_eq!(grouped_but(&said, &rivals, &BTreeSet::new()), expected, "{rivals:?}");
        };
        check(&[], &[&[0, 1, 2]]);
        check(&[(2, 3, 10.0)], &[&[1, 2]]);
        // Clearly the first one.
        check(&[(2, 3, 5.0)], &[&[0, 1, 2]]);
    }

    #[test]
    fn what_a_person_judged_different_never_meets() {
        let yes = Level::EmailExact;
        let chain = [(0, 1, 12.0, yes), (1, 2, 5.0, yes), (0, 2, 4.0, yes)];
        let check = |apart: &[(u32, u32)], expected: &[&[u32]]| {
            assert_eq!(grouped_but(&chain, &[], &apart.iter().copied().collect()), expected, "{apart:?}");
        };
        check(&[], &[&[0, 1, 2]]);
        check(&[(0, 2)], &[&[0, 1]]);
        check(&[(0, 1), (1, 2), (0, 2)], &[]);
    }
}
