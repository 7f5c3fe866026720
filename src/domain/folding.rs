//! Folding: the form in which names, companies and places are compared.
//!
//! Folding is lossy on purpose and idempotent. It is never shown and never a unique key.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower-case words of letters and digits with one space between them: marks and punctuation are gone,
/// apostrophes join what they part, letters that decompose to nothing (ß, ł, ø) are spelt out.
pub(crate) fn fold(text: &str) -> String {
    let mut words = Words::with_capacity(text.len());
    if text.is_ascii() {
        text.chars().for_each(|c| words.push(c));
        return words.finish();
    }
    text.chars().filter(|c| !is_dropped(*c)).nfkd().for_each(|c| words.push_unicode(c));
    let folded: String = words.finish().nfc().collect();
    if folded.nfkd().any(is_stripped_mark) { fold(&folded) } else { folded }
}

/// The other usual spelling in ASCII: `ü` as `ue`, `ø` as `oe`; `None` when the text has no such letter.
pub(crate) fn fold_spelt_out(text: &str) -> Option<String> {
    if text.is_ascii() || !text.nfc().any(|c| spelt_out(c).is_some()) {
        return None;
    }
    let mut spelt = String::with_capacity(text.len() + 4);
    for c in text.nfc() {
        match spelt_out(c) {
            Some(letters) => spelt.push_str(letters),
            None => spelt.push(c),
        }
    }
    Some(fold(&spelt))
}

/// True when both folded texts have the same letters, wherever their spaces are.
pub(crate) fn same_letters(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

/// The characters of a folded text without its spaces.
pub(crate) fn letters(folded: &str) -> impl Iterator<Item = char> + '_ {
    folded.chars().filter(|c| *c != ' ')
}

/// Collects folded characters into words.
struct Words {
    text: String,
    gap: bool,
}

impl Words {
    fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), gap: false }
    }

    fn push_unicode(&mut self, c: char) {
        match c {
            _ if is_stripped_mark(c) || is_dropped(c) => {}
            _ if c.is_ascii() => self.push(c),
            _ => c.to_lowercase().for_each(|lower| self.push_lower(lower)),
        }
    }

    fn push_lower(&mut self, c: char) {
        match spelt(c) {
            Some(letters) => letters.chars().for_each(|letter| self.push(letter)),
            None if is_stripped_mark(c) => {}
            None => self.push(c),
        }
    }

    fn push(&mut self, c: char) {
        if c == '\'' || c == '`' {
            return;
        }
        let continues = !c.is_ascii() && is_combining_mark(c) && !self.text.is_empty();
        if !c.is_alphanumeric() && !continues {
            self.gap = true;
            return;
        }
        if std::mem::take(&mut self.gap) && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push(c.to_ascii_lowercase());
    }

    fn finish(self) -> String {
        self.text
    }
}

/// Letters that Unicode does not decompose, in lower case.
fn spelt(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' => "t",
        'ŋ' => "n",
        'ı' => "i",
        'ĸ' => "k",
        'ə' => "a",
        'ς' => "σ",
        _ => return None,
    })
}

/// Apostrophes, and characters that cannot be seen.
fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2032}' | '\u{00B4}' | '\u{02B9}'..='\u{02BF}' | '\u{FF07}' | '\u{FF40}'
        | '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}'
    )
}

/// Marks that only refine a letter. Vowel signs of Indic scripts and the voicing marks of kana are not among them.
fn is_stripped_mark(c: char) -> bool {
    matches!(
        c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0487}' | '\u{0591}'..='\u{05C7}' | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{06D6}'..='\u{06ED}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}'
    ) && is_combining_mark(c)
}

/// What German and Nordic keyboards write for a letter that they lack.
fn spelt_out(c: char) -> Option<&'static str> {
    Some(match c {
        'ä' | 'Ä' => "ae",
        'ö' | 'Ö' | 'ø' | 'Ø' => "oe",
        'ü' | 'Ü' => "ue",
        'å' | 'Å' => "aa",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folding_keeps_letters_and_digits() {
        let check = |text: &str, folded: &str| assert_eq!(fold(text), folded);
        check("", "");
        check(" ...  ", "");
        check("Jean-Claude", "jean claude");
        check("O'Brien", "obrien");
        check("O’Brien", "obrien");
        check("D´Angelo", "dangelo");
        check("  MÜLLER,  Straße 5a ", "muller strasse 5a");
        check("Łukasz Żółć", "lukasz zolc");
        check("Søren Ærø", "soren aero");
        check("İstanbul Işık", "istanbul isik");
        check("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width");
        check("Юлия Ёлкина", "юлия елкина");
        check("ΟΔΥΣΣΕΥΣ", "οδυσσευσ");
        check("한국어", "한국어");
        check("が", "が");
        check("हिन्दी", "हिन्दी");
        check("مُحَمَّد", "محمد");
        check("zero\u{200B}width", "zerowidth");
        check("ﬁn", "fin");
    }

    #[test]
    fn umlauts_have_a_second_spelling() {
        let check = |text: &str, spelt: Option<&str>| assert_eq!(fold_spelt_out(text).as_deref(), spelt);
        check("Muller", None);
        check("Müller", Some("mueller"));
        check("Mu\u{308}ller", Some("mueller"));
        check("Åse Bjørk", Some("aase bjoerk"));
        check("Élodie", None);
    }

    #[test]
    fn spaces_do_not_tell_words_apart() {
        assert!(same_letters("van der bilt", "vanderbilt"));
        assert!(!same_letters("van der bilt", "vanderbil"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}|.{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
