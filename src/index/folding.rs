//! Folding: the form in which the words of leads and of queries meet.
//!
//! Compatibility decomposition, lower case, marks dropped, Latin letters without a decomposition spelled out (`ß` is
//! `ss`, `ł` is `l`), other scripts as they are. What is neither a letter nor a digit ends a run.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest word in characters. Longer ones are cut, on both sides alike, so that they are still found.
const MAX_WORD_CHARS: usize = 64;

/// The runs of letters and digits of a text, folded, in order; used again and again, because leads are many.
#[derive(Default)]
pub(super) struct Folded {
    joined: String,
    ends: Vec<usize>,
}

impl Folded {
    /// Takes the place of what was folded before.
    pub(super) fn fold(&mut self, text: &str) {
        self.joined.clear();
        self.ends.clear();
        if text.is_ascii() {
            text.bytes().for_each(|byte| self.add_ascii(byte));
        } else {
            text.nfkd().flat_map(char::to_lowercase).for_each(|c| self.add(c));
        }
        self.end_run();
    }

    /// All runs as one word.
    pub(super) fn whole(&self) -> &str {
        &self.joined
    }

    /// The runs.
    pub(super) fn runs(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|at| {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.joined[start..self.ends[at]]
        })
    }

    fn add_ascii(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() {
            self.joined.push(char::from(byte.to_ascii_lowercase()));
        } else {
            self.end_run();
        }
    }

    /// Adds what a decomposed, lower-case character contributes.
    fn add(&mut self, c: char) {
        match c {
            _ if is_dropped(c) => {}
            'ς' => self.joined.push('σ'),
            _ if is_latin(c) => push_latin(&mut self.joined, c),
            _ if c.is_alphanumeric() || is_combining_mark(c) => self.joined.push(c),
            _ => self.end_run(),
        }
    }

    fn end_run(&mut self) {
        if self.joined.len() > self.ends.last().copied().unwrap_or(0) {
            self.ends.push(self.joined.len());
        }
    }
}

/// Cuts a word to the length that is indexed.
pub(super) fn cut(word: &str) -> &str {
    match word.char_indices().nth(MAX_WORD_CHARS) {
        Some((end, _)) => &word[..end],
        None => word,
    }
}

/// The text with full-width and other compatibility forms replaced, so that its digits are plain digits.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) }
}

/// Marks that people leave out when they type, and characters that nobody sees.
fn is_dropped(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn is_latin(c: char) -> bool {
    matches!(c, '\u{df}'..='\u{24f}' | '\u{250}'..='\u{2af}' | '\u{1e00}'..='\u{1eff}') && c.is_alphabetic()
}

/// Spells a Latin letter with plain ones; kept as it is where there is no plain spelling.
fn push_latin(joined: &mut String, c: char) {
    match deunicode::deunicode_char(c) {
        Some(plain) if !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            joined.push_str(&plain.to_ascii_lowercase());
        }
        _ => joined.push(c),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs(text: &str) -> Vec<String> {
        let mut folded = Folded::default();
        folded.fold(text);
        folded.runs().map(str::to_owned).collect()
    }

    #[test]
    fn words_meet_however_they_are_written() {
        for (text, expected) in [
            ("Müller", vec!["muller"]),
            ("MU\u{308}LLER", vec!["muller"]),
            ("Straße", vec!["strasse"]),
            ("Łukasz Ørsted", vec!["lukasz", "orsted"]),
            ("İstanbul ısı", vec!["istanbul", "isi"]),
            ("O’Brien", vec!["o", "brien"]),
            ("Παπαδόπουλος", vec!["παπαδοπουλοσ"]),
            ("ΠΑΠΑΔΟΠΟΥΛΟΣ", vec!["παπαδοπουλοσ"]),
            ("Ｆｕｌｌ　Ｗｉｄｔｈ", vec!["full", "width"]),
            ("山田\u{3000}太郎", vec!["山田", "太郎"]),
            ("So\u{ad}ft", vec!["soft"]),
            ("ﬁsh & Co.", vec!["fish", "co"]),
            ("\u{0}\u{1}", vec![]),
        ] {
            assert_eq!(runs(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_word_is_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(100)), "é".repeat(64));
        assert_eq!(cut("short"), "short");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = runs(&text);
            for run in &once {
                prop_assert_eq!(&runs(run), &vec![run.clone()]);
            }
        }
    }
}
