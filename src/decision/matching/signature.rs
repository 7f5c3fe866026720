//! A few bits by which leads that may be one are told from strangers without a comparison: which pairs of letters their names have.

use std::ops::BitOr;

use serde::{Deserialize, Serialize};

/// Which pairs of letters occur in the names of a lead: a half for who it is, a half for where. Pairs share bits, so it says what is likely
/// and nothing more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature([u32; 2]);

/// What a half says at most, in bits.
const MOST_OF_HALF: u32 = 16;

impl Signature {
    /// The signature of these texts, which are folded.
    pub(super) fn of<'a>(who: impl Iterator<Item = &'a str>, place: impl Iterator<Item = &'a str>) -> Self {
        Self([who.map(pairs).fold(0, BitOr::bitor), place.map(pairs).fold(0, BitOr::bitor)])
    }

    /// The signature that [`Self::to_bits`] shows.
    pub fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = bits.to_be_bytes();
        Self([u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])])
    }

    /// The signature as a number.
    pub fn to_bits(self) -> u64 {
        u64::from(self.0[0]) << 32 | u64::from(self.0[1])
    }

    /// How alike two signatures are: from 0 to 32, of strangers about 10. Symmetric.
    pub fn likeness(self, other: Self) -> u32 {
        let halves = self.0.iter().zip(&other.0);
        let share = |(one, other): (&u32, &u32)| {
            let fewer = one.count_ones().min(other.count_ones());
            (MOST_OF_HALF * (one & other).count_ones()).checked_div(fewer).unwrap_or(0)
        };
        halves.map(share).sum()
    }
}

/// A bit for each pair of letters of a text, the first one with the beginning.
fn pairs(text: &str) -> u32 {
    let behind = text.bytes();
    let before = [b' '].into_iter().chain(text.bytes());
    before.zip(behind).fold(0, |bits, (one, other)| {
        let mixed = (u32::from(one) << 8 | u32::from(other)).wrapping_mul(0x9e37_79b1);
        bits | 1 << (mixed >> 27)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(who: &str, place: &str) -> Signature {
        Signature::of([who].into_iter(), [place].into_iter())
    }

    #[test]
    fn names_that_are_mistyped_are_more_alike_than_those_of_strangers() {
        let (one, slip) = (signature("papadimitriou", "acmelogistics"), signature("papadimitrou", "acmelogistcs"));
        let stranger = signature("wojciechowski", "brownandsons");
        assert_eq!(one.likeness(one), 32);
        assert!(one.likeness(slip) > 26, "{}", one.likeness(slip));
        assert!(one.likeness(stranger) <= 16, "{}", one.likeness(stranger));
        assert_eq!(one.likeness(stranger), stranger.likeness(one));
        assert_eq!(one.likeness(signature("papadimitriou", "")), 16);
        assert_eq!(one.likeness(Signature::default()), 0);
        assert_eq!(Signature::from_bits(one.to_bits()), one);
    }
}
