//! Which of the leads that share blocking keys are looked at: the index and whatever stands in for it choose alike.

use std::cmp::Reverse;

/// Most leads of one blocking key that are looked at, of a key that is asked for however many have it.
pub const MOST_OF_A_KEY: usize = 5_000;

/// Leaves the keys that at most `cap` leads have, and the two rarest however many have them. Returns whether leads are left out.
pub fn leave_rare<Key>(keys: &mut Vec<Key>, frequency: impl Fn(&Key) -> u64, cap: u64) -> bool {
    keys.sort_by_key(&frequency);
    let common = keys.iter().skip(2).position(|key| frequency(key) > cap);
    keys.truncate(common.map_or(keys.len(), |place| place + 2));
    common.is_some() || keys.iter().any(|key| frequency(key) > MOST_OF_A_KEY as u64)
}

/// What it says to share a key that so many of all leads have: the bits of its rarity.
pub fn share_of(frequency: u64, leads: u64) -> u32 {
    1 + (leads / frequency.max(1)).max(1).ilog2()
}

/// Each lead once, by the sum of its shares, then in order.
pub fn ranked<Lead: Ord + Copy>(mut shares: Vec<(Lead, u32)>) -> Vec<Lead> {
    shares.sort_unstable();
    let sums = shares.chunk_by(|one, other| one.0 == other.0);
    let mut sums: Vec<(Reverse<u32>, Lead)> =
        sums.map(|shares| (Reverse(shares.iter().map(|(_, share)| share).sum()), shares[0].0)).collect();
    sums.sort_unstable();
    sums.into_iter().map(|(_, lead)| lead).collect()
}
