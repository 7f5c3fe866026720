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

/// Keys are read, rarest first, at least until so many leads are listed: of many leads every key is common, and a lead that shares several
/// common ones is found by none of them alone.
const ENOUGH_LISTED: u64 = 4_000;

/// Leaves the keys that at most `cap` leads have, more of the rarest where these list few leads, and two however many have them. Returns
/// whether leads are left out.
pub fn leave_rare<Key>(keys: &mut Vec<Key>, frequency: impl Fn(&Key) -> u64, cap: u64) -> bool {
    keys.sort_by_key(&frequency);
    let mut listed = 0;
    let common = keys.iter().enumerate().position(|(place, key)| {
        listed += frequency(key);
        place >= 2 && frequency(key) > cap && listed > ENOUGH_LISTED
    });
    keys.truncate(common.unwrap_or(keys.len()));
    common.is_some() || keys.iter().any(|key| frequency(key) > MOST_OF_A_KEY as u64)
}

/// What it says to share a key that so many of all leads have: the bits of its rarity.
pub fn share_of(frequency: u64, leads: u64) -> u32 {
    1 + (leads / frequency.max(1)).max(1).ilog2()
}

/// Each lead once, by the sum of its shares and how like its names are, then in order.
pub fn ranked<Lead: Ord + Copy>(mut shares: Vec<(Lead, u32)>, likeness: impl Fn(Lead) -> u32) -> Vec<Lead> {
    shares.sort_unstable();
    let sums = shares.chunk_by(|one, other| one.0 == other.0);
    let sum = |shares: &[(Lead, u32)]| shares.iter().map(|(_, share)| share).sum::<u32>() + likeness(shares[0].0);
    let mut sums: Vec<(Reverse<u32>, Lead)> = sums.map(|shares| (Reverse(sum(shares)), shares[0].0)).collect();
    sums.sort_unstable();
    sums.into_iter().map(|(_, lead)| lead).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(mut frequencies: Vec<u64>, cap: u64) -> (Vec<u64>, bool) {
        let cut = leave_rare(&mut frequencies, |frequency| *frequency, cap);
        (frequencies, cut)
    }

    #[test]
    fn common_keys_are_left_out_but_never_the_two_rarest_nor_those_that_list_few_leads() {
        assert_eq!(left(vec![7, 300, 2], 300), (vec![2, 7, 300], false));
        assert_eq!(left(vec![9_000, 7, 301, 2], 300), (vec![2, 7, 301], true), "few leads in all");
        assert_eq!(left(vec![1_500, 1_400, 1_300, 1_200], 300), (vec![1_200, 1_300, 1_400], true));
        assert_eq!(left(vec![4_900, 4_800, 4_700], 300), (vec![4_700, 4_800], true));
        assert_eq!(left(vec![4_900, 300, 300, 300, 300], 300), (vec![300, 300, 300, 300], true));
        assert_eq!(left(vec![5_001], 300), (vec![5_001], true), "not all of it is looked at");
        assert_eq!(left(vec![], 300), (vec![], false));
    }

    #[test]
    fn leads_that_share_the_most_and_rarest_come_first() {
        assert_eq!([share_of(1, 1_000), share_of(500, 1_000), share_of(1_000, 1_000)], [10, 2, 1]);
        let shares = || vec![(3, 5), (1, 2), (2, 9), (1, 7), (4, 1)];
        assert_eq!(ranked(shares(), |_| 3), [1, 2, 3, 4]);
        assert_eq!(ranked(shares(), |lead| if lead == 4 { 32 } else { 0 }), [4, 1, 2, 3]);
    }
}
