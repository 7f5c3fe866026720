//! Names of companies.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::blank::is_blocked;
use super::folding::{fold, fold_spelt_out, same_letters};

/// A company's name.
///
/// `==` compares the name as it was given; companies are compared with [`Self::agrees_with`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CompanyName {
    given: Box<str>,
    folded: Box<str>,
    core: Box<str>,
    spelt_out_core: Option<Box<str>>,
}

impl CompanyName {
    /// Reads a name; `None` when it is blank, blocked, or has neither letter nor digit.
    pub fn parse(text: &str) -> Option<Self> {
        if is_blocked(text) {
            return None;
        }
        let folded = fold_company(&fold_and(text, fold));
        let spelt_out_core = fold_spelt_out(text).map(|_| core_of(&fold_company(&fold_and(text, spell_out))));
        let core = core_of(&folded);
        (!folded.is_empty()).then(|| Self { given: text.into(), folded: folded.into(), core, spelt_out_core })
    }

    /// The name as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The whole name, folded: `&` as `and`, initials in one word.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The folded name without legal forms and article; never empty.
    pub fn core(&self) -> &str {
        &self.core
    }

    /// True when the cores have the same letters; `Müller` is both `Muller` and `Mueller`.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.cores().any(|a| other.cores().any(|b| same_letters(a, b)))
    }

    fn cores(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.core).chain(self.spelt_out_core.as_deref())
    }
}

fn spell_out(text: &str) -> String {
    fold_spelt_out(text).unwrap_or_else(|| fold(text))
}

/// Folds the stretches between signs for "and" and writes the word there.
fn fold_and(text: &str, fold: impl Fn(&str) -> String) -> String {
    let stretches: Vec<String> =
        text.split(['&', '＆', '﹠', '+']).map(fold).filter(|folded| !folded.is_empty()).collect();
    stretches.join(" and ")
}

/// Joins initials that stand together: `a b c company` is `abc company`, and `s p a` is `spa`.
fn fold_company(folded: &str) -> String {
    let mut name = String::with_capacity(folded.len());
    let mut after_initial = false;
    for word in folded.split(' ') {
        let initial = is_letter(word);
        let joins_initial = initial && after_initial;
        if !name.is_empty() && !joins_initial {
            name.push(' ');
        }
        name.push_str(word);
        after_initial = initial;
    }
    name
}

fn is_letter(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_lowercase) && letters.next().is_none()
}

/// Takes articles and legal forms off both ends until none is left or nothing else would be.
fn core_of(folded: &str) -> Box<str> {
    let mut core = folded;
    while let Some(shorter) = without_prefix(core).or_else(|| without_suffix(core)) {
        core = shorter;
    }
    core.into()
}

fn without_suffix(name: &str) -> Option<&str> {
    let longest =
        name.match_indices(' ').map(|(at, _)| at).rev().take(LONGEST_FORM).filter(|at| is_form(&name[at + 1..]));
    longest.min().map(|at| &name[..at])
}

fn without_prefix(name: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)?.strip_prefix(' '))
}

fn is_form(words: &str) -> bool {
    LEGAL_FORMS.contains(words)
}

impl fmt::Debug for CompanyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompanyName([redacted])")
    }
}

/// Words in the longest legal form.
const LONGEST_FORM: usize = 5;

/// What stands before a company's name and is no part of it: articles, and forms of countries that put them first.
const PREFIXES: &[&str] = &[
    "the",
    "limited liability company",
    "public joint stock company",
    "closed joint stock company",
    "open joint stock company",
    "joint stock company",
    "ooo",
    "oao",
    "zao",
    "pao",
    "ojsc",
    "cjsc",
    "pjsc",
    "jsc",
    "too",
    "tov",
    "pt",
    "firma",
    "firmy",
    "ооо",
    "оао",
    "зао",
    "пао",
    "ао",
    "тов",
    "общество с ограниченнои ответственностью",
    "акционерное общество",
];

/// Legal forms behind a company's name, folded. Where they are from: `data/legal_forms.txt`.
static LEGAL_FORMS: LazyLock<HashSet<&'static str, FixedState>> =
    LazyLock::new(|| include_str!("data/legal_forms.txt").lines().filter(|line| !line.starts_with('#')).collect());

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn company(text: &str) -> CompanyName {
        CompanyName::parse(text).unwrap()
    }

    #[test]
    fn legal_forms_come_off() {
        let check = |text: &str, core: &str| assert_eq!(company(text).core(), core, "{text}");
        check("Acme", "acme");
        check("Acme, Inc.", "acme");
        check("ACME GmbH & Co. KG", "acme");
        check("Acme G.m.b.H.", "acme");
        check("Acme S.p.A.", "acme");
        check("Acme B.V.", "acme");
        check("Acme Pty. Ltd.", "acme");
        check("Acme Co., Ltd", "acme");
        check("Acme Sp. z o.o.", "acme");
        check("Acme S.A. de C.V.", "acme");
        check("Acme p.l.c.", "acme");
        check("Acme A/S", "acme");
        check("Acme Private Limited", "acme");
        check("Acme Limited Liability Company", "acme");
        check("OOO Acme", "acme");
        check("The Acme Company", "acme");
        check("Acme & Co", "acme");
        check("Lloyds Banking Group Public Limited Company", "lloyds banking group");
        check("Deutsche Bank (Schweiz) AG", "deutsche bank schweiz");
        check("AT&T Inc.", "at and t");
        check("AT and T", "at and t");
        check("S.C. Johnson & Son, Inc.", "sc johnson and son");
        check("A.B.C. Company", "abc");
        check("Société Générale S.A.", "societe generale");
        check("The Company", "company");
        check("Limited", "limited");
        check("Inc. Ltd.", "inc");
        check("3M", "3m");
        check("株式会社トヨタ", "株式会社トヨタ");
    }

    #[test]
    fn names_without_letters_are_none() {
        for text in ["", " - ", "n/a", "&", "...", "(null)"] {
            assert!(CompanyName::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn companies_agree_by_their_core() {
        let check = |a: &str, b: &str, agree: bool| {
            assert_eq!(company(a).agrees_with(&company(b)), agree, "{a} / {b}");
            assert_eq!(company(b).agrees_with(&company(a)), agree, "{b} / {a}");
        };
        check("Siemens Aktiengesellschaft", "SIEMENS AG", true);
        check("Goodwill Company", "Good Will Company", true);
        check("Müller GmbH", "Mueller", true);
        check("Müller GmbH", "Muller", true);
        check("Mueller", "Muller", false);
        check("Bank of China (Hong Kong) Limited", "Bank of China (Singapore) Limited", false);
        check("Bain Capital Fund X L.P.", "Bain Capital Fund XI L.P.", false);
    }

    #[test]
    fn the_tables_are_folded() {
        for form in LEGAL_FORMS.iter().chain(PREFIXES) {
            assert_eq!(fold_company(&fold(form)), **form);
        }
        let longest = LEGAL_FORMS.iter().map(|form| form.split(' ').count()).max();
        assert_eq!(longest, Some(LONGEST_FORM));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn parsing_twice_changes_nothing(text in ".{0,40}|([A-Za-zäöüß.&]{1,6}[ ,.]){0,6}(GmbH|Inc|Ltd|the|Co|KG|& Co)?") {
            let Some(once) = CompanyName::parse(&text) else { return Ok(()) };
            prop_assert!(!once.core().is_empty());
            let folded = CompanyName::parse(once.folded()).map(|name| name.folded().to_owned());
            if let Some(folded) = folded {
                prop_assert_eq!(folded, once.folded());
            }
            if let Some(core) = CompanyName::parse(once.core()) {
                prop_assert_eq!(core.core(), once.core());
            }
        }
    }
}
