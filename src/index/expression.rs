//! A search text as an expression over words: what a lead must have, and in which alternative notations.
//!
//! Built from terms alone: there is no query language, so no text has a meaning beyond its words.

use crate::domain::LeadId;

use super::error::InvalidQuery;
use super::folding::{Folded, cut, plain};
use super::phone_digits::{digits, looks_like_phone, without_country_code};
use super::search_text::{FULL_WEIGHT, SearchText, Weight, site, strip_prefix_ignoring_case};

/// Longest search text, in characters.
pub const MAX_TEXT_CHARS: usize = 256;

/// Most words of a search text.
pub const MAX_WORDS: usize = 16;

/// Most terms that the words of a search text may fall into.
const MAX_TERMS: usize = 64;

/// Most digits of a phone that is typed with spaces.
const MAX_PHONE_DIGITS: usize = 20;

/// Fewest digits of a phone that is typed with spaces.
const MIN_PHONE_DIGITS: usize = 4;

/// Fewest digits that may begin with a country code although neither `+` nor `00` says so.
const MIN_INTERNATIONAL_DIGITS: usize = 9;

/// What a lead must have to be a hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// A word that begins so.
    Word(String),
    /// This id.
    Lead(LeadId),
    /// All of them; worth their mean.
    All(Vec<Expression>),
    /// One of them; worth the best.
    Any(Vec<Expression>),
}

impl Expression {
    /// Reads a search text: every word must be met, by a whole word or the beginning of one.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidQuery> {
        if text.chars().nth(MAX_TEXT_CHARS).is_some() {
            return Err(InvalidQuery::TooLong);
        }
        let words: Vec<QueryWord> = text.split_whitespace().filter_map(QueryWord::read).collect();
        match words.len() {
            0 => return Err(InvalidQuery::NoWords),
            count if count > MAX_WORDS => return Err(InvalidQuery::TooManyWords),
            _ => {}
        }
        let expression = Self::all(words.chunk_by(|a, b| a.is_phone() && b.is_phone()).map(of_group).collect());
        if expression.terms() > MAX_TERMS { Err(InvalidQuery::TooManyWords) } else { Ok(expression) }
    }

    /// What a lead is worth that has these words and this id; 0 when it is no hit.
    pub(super) fn weigh(&self, lead_id: LeadId, text: &SearchText) -> Weight {
        match self {
            Self::Word(word) => text.best(word),
            Self::Lead(id) => {
                if *id == lead_id {
                    FULL_WEIGHT
                } else {
                    0
                }
            }
            Self::All(parts) => mean_of_all(parts.iter().map(|part| part.weigh(lead_id, text))),
            Self::Any(parts) => parts.iter().map(|part| part.weigh(lead_id, text)).max().unwrap_or(0),
        }
    }

    fn terms(&self) -> usize {
        match self {
            Self::Word(_) | Self::Lead(_) => 1,
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::terms).sum(),
        }
    }

    /// All of `parts`, each once.
    fn all(parts: Vec<Self>) -> Self {
        Self::joined(parts, Self::All)
    }

    /// Any of `parts`, each once.
    fn any(parts: Vec<Self>) -> Self {
        Self::joined(parts, Self::Any)
    }

    fn joined(parts: Vec<Self>, join: impl Fn(Vec<Self>) -> Self) -> Self {
        let mut distinct: Vec<Self> = Vec::with_capacity(parts.len());
        for part in parts {
            if !distinct.contains(&part) {
                distinct.push(part);
            }
        }
        if distinct.len() == 1 { distinct.remove(0) } else { join(distinct) }
    }
}

/// The mean of weights of which none may be 0.
fn mean_of_all(weights: impl Iterator<Item = Weight>) -> Weight {
    let (mut sum, mut count) = (0, 0);
    for weight in weights {
        if weight == 0 {
            return 0;
        }
        sum += weight;
        count += 1;
    }
    mean(sum, count)
}

/// The mean of `count` weights that add up to `sum`.
pub(super) fn mean(sum: Weight, count: u32) -> Weight {
    sum.checked_div(count).unwrap_or(0)
}

/// A word of the search text, as typed, with its folded runs.
struct QueryWord {
    text: String,
    whole: String,
    runs: Vec<String>,
}

impl QueryWord {
    /// `None` for a word without letters and digits, such as a lone `&`: it asks for nothing.
    fn read(word: &str) -> Option<Self> {
        let is_site =
            ["http://", "https://", "www."].iter().any(|start| strip_prefix_ignoring_case(word, start).is_some());
        let text = plain(if is_site { site(word) } else { word }).into_owned();
        let mut folded = Folded::default();
        folded.fold(&text);
        let runs: Vec<String> = folded.runs().map(|run| cut(run).to_owned()).collect();
        let whole = cut(folded.whole()).to_owned();
        (!runs.is_empty()).then_some(Self { text, whole, runs })
    }

    fn is_phone(&self) -> bool {
        looks_like_phone(&self.text)
    }

    /// The alternatives in which the word alone is met.
    fn expression(&self) -> Expression {
        let mut alternatives = Vec::new();
        if let Ok(lead_id) = self.text.parse() {
            alternatives.push(Expression::Lead(lead_id));
        }
        alternatives.push(Expression::Word(self.whole.clone()));
        alternatives.push(Expression::all(self.runs.iter().cloned().map(Expression::Word).collect()));
        if self.is_phone() {
            alternatives.extend(of_phone(&digits(&self.text), self.text.contains('+')));
        }
        Expression::any(alternatives)
    }
}

/// Words that look like parts of one phone may be one; or a house number, a postal code and a phone.
fn of_group(words: &[QueryWord]) -> Expression {
    let each = Expression::all(words.iter().map(QueryWord::expression).collect());
    let digits: String = words.iter().map(|word| digits(&word.text)).collect();
    if words.len() < 2 || !(MIN_PHONE_DIGITS..=MAX_PHONE_DIGITS).contains(&digits.len()) {
        return each;
    }
    let mut alternatives = of_phone(&digits, words.iter().any(|word| word.text.contains('+')));
    alternatives.push(each);
    Expression::any(alternatives)
}

/// The alternatives in which digits begin the national part of a phone: as they are, without the zeros that are dialled
/// before it, and without the country code.
fn of_phone(digits: &str, has_plus: bool) -> Vec<Expression> {
    let significant = digits.trim_start_matches('0');
    let is_international = has_plus || digits.starts_with("00") || significant.len() >= MIN_INTERNATIONAL_DIGITS;
    let national = if is_international { without_country_code(significant) } else { "" };
    let words = [digits, significant, national].into_iter().filter(|digits| !digits.is_empty());
    words.map(|digits| Expression::Word(cut(digits).to_owned())).collect()
}

/// Reads any search text, for the fuzzer: a search that any lead can be weighed by, or a refusal.
#[cfg(all(any(test, fuzzing), not(shuttle)))]
pub(crate) fn read_any_search(text: &str) {
    let nobody = crate::domain::Lead::empty(LeadId::from_bytes([7; 16]), jiff::Timestamp::UNIX_EPOCH);
    if let Ok(expression) = Expression::parse(text) {
        assert!(expression.weigh(nobody.lead_id, &SearchText::of(&nobody)) <= super::search_text::FULL_WEIGHT);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str) -> Expression {
        Expression::Word(text.into())
    }

    #[test]
    fn a_text_is_read_as_its_words() {
        for (text, expected) in [
            ("Jane", word("jane")),
            ("  Jane   jane ", word("jane")),
            ("Müller & Söhne", Expression::All(vec![word("muller"), word("sohne")])),
            ("O'Brien", Expression::Any(vec![word("obrien"), Expression::All(vec![word("o"), word("brien")])])),
            (
                "https://www.Acme.com/contact?x=1",
                Expression::Any(vec![word("acmecom"), Expression::All(vec![word("acme"), word("com")])]),
            ),
        ] {
            assert_eq!(Expression::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_parts_of_a_phone_are_also_read_as_one() {
        for (text, expected) in [("+49 (0)30 12345", "3012345"), ("030 12345", "3012345"), ("0049 30", "30")] {
            let Ok(Expression::Any(parts)) = Expression::parse(text) else { panic!("no alternatives: {text}") };
            assert!(parts.contains(&word(expected)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_searched_for_is_refused() {
        let parts: String = (0..80).map(|number| format!("{number}-")).collect();
        for (text, expected) in [
            ("", InvalidQuery::NoWords),
            (" \t& -- !", InvalidQuery::NoWords),
            (&*"a".repeat(257), InvalidQuery::TooLong),
            (&*"ab cd ".repeat(9), InvalidQuery::TooManyWords),
            (&*parts, InvalidQuery::TooManyWords),
        ] {
            assert_eq!(Expression::parse(text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = Expression::parse(&text);
        }

        #[test]
        fn any_digits_and_signs_are_read_or_refused(text in "[0-9 +()./-]{0,80}") {
            let _ = Expression::parse(&text);
        }
    }
}
