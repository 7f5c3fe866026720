//! Folding: the form in which names, companies and places are compared.

/// Lower-case, without marks, one space between words, nothing but letters and digits.
pub(crate) fn fold_words(text: &str) -> String {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}
