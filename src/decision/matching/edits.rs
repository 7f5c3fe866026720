//! How many slips lie between two words.
//!
//! The distance in single-letter edits and transpositions of neighbours, each letter moved once ("optimal string alignment"), by
//! H. Hyyrö, "A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances", Nordic Journal of Computing 10 (2003), for
//! words of up to 64 letters and digits. Anything else is left to the library.

use rapidfuzz::distance::osa;

/// The longest word whose letters are bits of a number.
const WORD: usize = 64;

/// Bytes that are told apart here; all others together are one more.
const KNOWN: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789 .-_@+'&/,#:";

/// The class of a byte that is not known.
const UNKNOWN: u8 = 63;

/// The class of each byte, below 64.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [UNKNOWN; 256];
    let mut class = 0;
    while class < KNOWN.len() {
        classes[KNOWN[class] as usize] = class as u8;
        class += 1;
    }
    classes
}

/// The distance between two words.
pub(super) fn edits(a: &str, b: &str) -> usize {
    let (a, b) = without_common_ends(a.as_bytes(), b.as_bytes());
    distance(a, b)
}

/// Whether two words are at most so many edits apart; cheaper than to count them.
pub(super) fn within(a: &str, b: &str, most: usize) -> bool {
    let (a, b) = without_common_ends(a.as_bytes(), b.as_bytes());
    match (a.len().max(b.len()), most) {
        (longest, most) if longest <= most => true,
        (_, 0) => false,
        // One edit leaves one letter, or two that were exchanged.
        (2, 1) => a.len() == 2 && b.len() == 2 && a[0] == b[1] && a[1] == b[0],
        (_, 1) => false,
        _ => a.len().abs_diff(b.len()) <= most && may_be_within(a, b, most) && distance(a, b) <= most,
    }
}

/// What differs lies between the letters with which both begin and end.
fn without_common_ends<'a>(a: &'a [u8], b: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let begin = a.iter().zip(b).take_while(|(one, other)| one == other).count();
    let (a, b) = (&a[begin..], &b[begin..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(one, other)| one == other).count();
    (&a[..a.len() - end], &b[..b.len() - end])
}

/// An edit takes away one letter and brings another: more letters of which only one word has any are more edits.
fn may_be_within(a: &[u8], b: &[u8], most: usize) -> bool {
    let letters = |word: &[u8]| word.iter().fold(0u64, |letters, byte| letters | 1 << CLASS[*byte as usize]);
    (letters(a) ^ letters(b)).count_ones() as usize <= 2 * most
}

fn distance(a: &[u8], b: &[u8]) -> usize {
    if a.is_empty() || b.is_empty() {
        return a.len().max(b.len());
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let known = |word: &[u8]| word.iter().all(|byte| CLASS[*byte as usize] != UNKNOWN);
    if short.len() > WORD || !known(short) || !known(long) {
        return osa::distance(a.iter().copied(), b.iter().copied());
    }
    bit_parallel(short, long)
}

/// One column of the table of distances after the other, a bit for each letter of the pattern: where it grows (`up`), shrinks (`down`),
/// and stays along the diagonal (`same`).
fn bit_parallel(pattern: &[u8], text: &[u8]) -> usize {
    let mut places = [0u64; 64];
    for (place, byte) in pattern.iter().enumerate() {
        places[CLASS[*byte as usize] as usize] |= 1 << place;
    }
    let last = 1u64 << (pattern.len() - 1);
    let (mut up, mut down, mut same, mut before) = (!0u64, 0u64, 0u64, 0u64);
    let mut distance = pattern.len();
    for byte in text {
        let at = places[CLASS[*byte as usize] as usize];
        let exchanged = ((!same & at) << 1) & before;
        same = ((at & up).wrapping_add(up) ^ up) | at | down | exchanged;
        let (grows, shrinks) = (down | !(same | up), same & up);
        distance += usize::from(grows & last != 0);
        distance -= usize::from(shrinks & last != 0);
        let grows = (grows << 1) | 1;
        up = (shrinks << 1) | !(same | grows);
        down = grows & same;
        before = at;
    }
    distance
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words that have much in common, of letters that are known and that are not.
    fn word() -> impl Strategy<Value = String> {
        prop_oneof!["[abc]{0,8}", "[a-z0-9 ]{0,70}", "[abç]{0,70}", "\\PC{0,12}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_distance_is_that_of_the_library(a in word(), b in word()) {
            let expected = osa::distance(a.bytes(), b.bytes());
            prop_assert_eq!(edits(&a, &b), expected, "{} {}", a, b);
            for most in 0..4 {
                prop_assert_eq!(within(&a, &b, most), expected <= most, "{} {} within {}", a, b, most);
            }
        }
    }
}
