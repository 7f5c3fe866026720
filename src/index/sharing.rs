//! Which of the leads that share blocking keys are looked at: the index and whatever stands in for it choose alike.

use std::cmp::Reverse;

use crate::decision::matching::Signature;

/// What leads are looked for by.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    /// Blocking keys, of which they share one.
    pub blocks: &'a [u64],
    /// What their names are like, where there are too many.
    pub signature: Signature,
}

/// Most leads of one blocking key that are looked at, of a key that is asked for however many have it.
pub const MOST_OF_A_KEY: usize = 5_000;

/// Leaves the keys that at most `cap` leads have, and the two rarest however many have them. Returns whether leads are left out.
pub fn leave_rare<Key>(keys: &mut Vec<Key>, frequency: impl Fn(&Key) -> u64, cap: u64) -> bool {
    keys.sort_by_key(&frequency);
    let common = keys.iter().skip(2).position(|key| frequency(key) > cap);
    keys.truncate(common.map_or(keys.len(), |place| place + 2));
    common.is_some() || keys.iter().any(|key| frequency(key) > MOST_OF_A_KEY as u64)
}

/// What a point of likeness says beside the bits of what is shared. Of 10,000 leads of mistyped names among a million, 29 were not
/// among the twelve likeliest with 1, 12 with 2, and 2 with 3.
const BITS_OF_LIKENESS: u32 = 3;

/// What it says to share a key that so many of all leads have: the bits of its rarity.
pub fn share_of(frequency: u64, leads: u64) -> u32 {
    1 + (leads / frequency.max(1)).max(1).ilog2()
}

/// What speaks for a lead: the sum of what it shares, and where there are too many leads, how like its names are.
pub type Rank = Reverse<u32>;

/// Each lead once, the likeliest first, then in order. `likeness` is asked only where there are more than `enough`.
pub fn ranked<Lead: Ord + Copy>(
    mut shares: Vec<(Lead, u32)>,
    enough: usize,
    likeness: impl Fn(Lead) -> u32,
) -> Vec<(Rank, Lead)> {
    shares.sort_unstable();
    let sums = shares.chunk_by(|one, other| one.0 == other.0);
    let sum = |shares: &[(Lead, u32)]| shares.iter().map(|(_, share)| share).sum::<u32>();
    let mut sums: Vec<(Rank, Lead)> = sums.map(|shares| (Reverse(sum(shares)), shares[0].0)).collect();
    if sums.len() > enough {
        sums.iter_mut().for_each(|(Reverse(sum), lead)| *sum += BITS_OF_LIKENESS * likeness(*lead));
    }
    sums.sort_unstable();
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(mut frequencies: Vec<u64>, cap: u64) -> (Vec<u64>, bool) {
        let cut = leave_rare(&mut frequencies, |frequency| *frequency, cap);
        (frequencies, cut)
    }

    #[test]
    fn common_keys_are_left_out_but_never_the_two_rarest() {
        assert_eq!(left(vec![7, 300, 2], 300), (vec![2, 7, 300], false));
        assert_eq!(left(vec![301, 7, 300, 2], 300), (vec![2, 7, 300], true));
        assert_eq!(left(vec![4_900, 4_800, 4_700], 300), (vec![4_700, 4_800], true));
        assert_eq!(left(vec![5_001], 300), (vec![5_001], true), "not all of it is looked at");
        assert_eq!(left(vec![], 300), (vec![], false));
    }

    #[test]
    fn leads_that_share_the_most_and_rarest_come_first_and_of_too_many_those_of_like_names() {
        assert_eq!([share_of(1, 1_000), share_of(500, 1_000), share_of(1_000, 1_000)], [10, 2, 1]);
        let order = |enough, likeness: fn(u8) -> u32| -> Vec<u8> {
            let shares = vec![(3, 5), (1, 2), (2, 9), (1, 7), (4, 1)];
            ranked(shares, enough, likeness).into_iter().map(|(_, lead)| lead).collect()
        };
        assert_eq!(order(3, |_| 3), [1, 2, 3, 4]);
        assert_eq!(order(3, |lead| if lead == 4 { 3 } else { 0 }), [4, 1, 2, 3], "a point is more than a bit");
        assert_eq!(order(3, |lead| if lead == 4 { 32 } else { 0 }), [4, 1, 2, 3]);
        assert_eq!(order(4, |lead| if lead == 4 { 32 } else { 0 }), [1, 2, 3, 4], "enough for all");
    }
}
