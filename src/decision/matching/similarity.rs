//! How alike two words are, in the form in which they are compared: folded, transcribed to Latin letters.

use std::borrow::Cow;

use deunicode::deunicode_char;

pub(super) use super::edits::edits;
use super::edits::within;

/// A folded text in Latin letters, digits and single spaces. Lossy: for comparison only, never shown, never a key.
pub(super) fn latin(folded: &str) -> Cow<'_, str> {
    if folded.is_ascii() {
        return Cow::Borrowed(folded);
    }
    let transcribed: String = folded.chars().filter_map(deunicode_char).collect();
    Cow::Owned(crate::domain::fold(&transcribed))
}

/// The letters and digits of a Latin text without its spaces.
pub(super) fn letters(text: &str) -> String {
    text.chars().filter(|c| *c != ' ').collect()
}

/// Words of one text that are compared, each with each of the other's: of a text of kilobytes its beginning says what it is.
pub(super) const MOST_WORDS: usize = 16;

/// Letters of a word that are compared: as many as the distance of two words is counted for at once.
const MOST_LETTERS: usize = 64;

/// The beginning of a word, as far as it is compared.
pub(super) fn clipped(word: &str) -> &str {
    word.char_indices().nth(MOST_LETTERS).map_or(word, |(end, _)| &word[..end])
}

/// Whether two different words may be one, mistyped: one edit from four letters on, two from eight.
pub(super) fn is_misspelt(a: &str, b: &str) -> bool {
    let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
    let most = match short {
        0..=3 => return false,
        4..=7 => 1,
        _ => 2,
    };
    long - short <= most && within(a, b, most) && !numbers_differ(a, b)
}

/// Whether both hold digits, and not the same: who writes 12 does not mean 13. A digit in one word only is a slip for a letter.
pub(super) fn numbers_differ(a: &str, b: &str) -> bool {
    let (a, b) = (digits(a), digits(b));
    a.clone().next().is_some() && b.clone().next().is_some() && !a.eq(b)
}

fn digits(word: &str) -> impl Iterator<Item = u8> + Clone {
    word.bytes().filter(u8::is_ascii_digit)
}

/// How alike two words are, from 0 to 1: one less the share of letters that were edited.
pub(super) fn similarity(a: &str, b: &str) -> f64 {
    similarity_after(edits(a, b), a, b)
}

/// The same, of words that are so many edits apart.
pub(super) fn similarity_after(edits: usize, a: &str, b: &str) -> f64 {
    let longest = a.len().max(b.len());
    if longest == 0 {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "words are short")]
    let share = edits as f64 / longest as f64;
    1.0 - share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_in_a_short_word_and_two_in_a_long_one() {
        let check = |a: &str, b: &str, misspelt: bool| {
            assert_eq!(is_misspelt(a, b), misspelt, "{a} {b}");
            assert_eq!(is_misspelt(b, a), misspelt, "{b} {a}");
        };
        check("scott", "scptt", true);
        check("schmitz", "scmhitz", true);
        check("adcock", "adc0ck", true);
        check("technology", "tcehnolgy", true);
        check("ann", "amn", false);
        check("jane", "jean", false);
        check("smith", "jones", false);
        check("company12", "company13", false);
    }

    #[test]
    fn any_script_is_compared_in_latin_letters() {
        assert_eq!(latin(&crate::domain::fold("Рогова")), "rogova");
        assert_eq!(latin("jane doe"), "jane doe");
    }
}
