//! Codes for how a name sounds, for blocking only: never shown, never a key.

use std::borrow::Cow;

use deunicode::deunicode_char;
use rphonetic::DoubleMetaphone;

/// Longest word that is coded, in letters; what follows does not sound.
const MAX_LETTERS: usize = 40;

/// How a name sounds, in the one or two ways that Double Metaphone knows.
///
/// L. Philips, "The Double Metaphone Search Algorithm", C/C++ Users Journal 18(6), 2000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    primary: String,
    alternate: Option<String>,
}

impl Sound {
    /// How a name in any script sounds, cut to `length` codes; `None` when no letter of it has a Latin transcription.
    pub(super) fn of(name: &str, length: usize) -> Option<Self> {
        let letters = latin_letters(name);
        if letters.is_empty() {
            return None;
        }
        let code = DoubleMetaphone::new(Some(length)).double_metaphone(&letters);
        let primary = Some(code.primary()).filter(|code| !code.is_empty()).unwrap_or_else(|| letters.into_owned());
        let alternate = Some(code.alternate()).filter(|code| !code.is_empty() && *code != primary);
        Some(Self { primary, alternate })
    }

    /// The more usual way.
    pub(super) fn primary(&self) -> &str {
        &self.primary
    }

    /// Both ways.
    pub(super) fn into_codes(self) -> impl Iterator<Item = String> {
        std::iter::once(self.primary).chain(self.alternate)
    }
}

/// The letters a to z of a transcription: the encoders panic on everything else.
pub(super) fn latin_letters(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_LETTERS && name.bytes().all(|b| b.is_ascii_lowercase()) {
        return Cow::Borrowed(name);
    }
    let transcribed = name.chars().filter_map(deunicode_char).flat_map(str::chars);
    let letters = transcribed.filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase());
    Cow::Owned(letters.take(MAX_LETTERS).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_sound_alike_share_a_code() {
        let check = |a: &str, b: &str, alike: bool| {
            let codes = |name| Sound::of(name, 6).unwrap().into_codes().collect::<Vec<_>>();
            let (a, b) = (codes(a), codes(b));
            assert_eq!(a.iter().any(|code| b.contains(code)), alike, "{a:?} {b:?}");
        };
        check("smith", "schmidt", true);
        check("muller", "mueller", true);
        check("muller", "miller", true);
        check("lindenberg", "lyndenburg", true);
        check("юлия", "yuliya", true);
        check("smith", "jones", false);
    }

    #[test]
    fn what_has_no_letters_has_no_sound() {
        assert_eq!(Sound::of("", 6), None);
        assert_eq!(Sound::of("123", 6), None);
        assert!(Sound::of("山田", 6).is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8192))]

        #[test]
        fn any_text_sounds_or_does_not(text in ".{0,60}|[a-z]{0,60}|\\PC{0,20}") {
            if let Some(sound) = Sound::of(&text, 6) {
                prop_assert!(sound.into_codes().all(|code| !code.is_empty()));
            }
        }
    }
}
