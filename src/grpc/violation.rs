//! What is wrong with the fields of a request: collected while it is converted, and told all at once.

use std::borrow::Cow;

/// So many are told; a status with more would not fit into the headers that clients accept.
const MOST_TOLD: usize = 20;

/// Longest field path that is repeated to the caller, in characters; keys of attributes are the caller's own text.
const LONGEST_PATH: usize = 120;

/// Which rule a field breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// No source, neither in the request nor in the batch or the credential.
    MissingSource,
    /// The source's policy requires an external id.
    MissingExternalId,
    /// More or longer than one request may hold.
    IdentifierLimit,
    /// Anything else.
    InvalidValue,
}

impl Rule {
    /// The reason code of an error whose cause this is.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::MissingSource => "MISSING_SOURCE",
            Self::MissingExternalId => "MISSING_EXTERNAL_ID",
            Self::IdentifierLimit => "IDENTIFIER_LIMIT",
            Self::InvalidValue => "INVALID_VALUE",
        }
    }

    /// Marketo's number for the same thing.
    pub(crate) fn marketo_code(self) -> &'static str {
        match self {
            Self::MissingSource | Self::MissingExternalId => "1002",
            Self::IdentifierLimit | Self::InvalidValue => "1001",
        }
    }
}

/// One field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Path of the field in the request.
    pub(crate) field: Cow<'static, str>,
    /// The rule.
    pub(crate) rule: Rule,
    /// A sentence for people. Never repeats the value.
    pub(crate) description: Cow<'static, str>,
}

/// Every violation of one request, in the order of its fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Violations {
    told: Vec<Violation>,
    untold: usize,
}

impl Violations {
    /// Exactly one violation.
    pub(crate) fn one(
        field: impl Into<Cow<'static, str>>,
        rule: Rule,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut violations = Self::default();
        violations.add(field, rule, description);
        violations
    }

    /// Adds a violation.
    pub(crate) fn add(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        rule: Rule,
        description: impl Into<Cow<'static, str>>,
    ) {
        if self.told.len() == MOST_TOLD {
            self.untold += 1;
            return;
        }
        let mut field = field.into();
        if let Some((end, _)) = field.char_indices().nth(LONGEST_PATH) {
            field.to_mut().truncate(end);
        }
        self.told.push(Violation { field, rule, description: description.into() });
    }

    /// Whether the request may pass.
    pub(crate) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Those that are told, in the order of the fields.
    pub(crate) fn told(&self) -> &[Violation] {
        &self.told
    }

    /// How many more there are.
    pub(crate) fn untold(&self) -> usize {
        self.untold
    }

    /// The rule that names the error: a missing source before everything, else the first broken.
    pub(crate) fn leading_rule(&self) -> Rule {
        let rules = || self.told.iter().map(|violation| violation.rule);
        rules().find(|rule| *rule == Rule::MissingSource).or_else(|| rules().next()).unwrap_or(Rule::InvalidValue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_source_names_the_error_wherever_it_stands() {
        let mut violations = Violations::one("lead.email", Rule::IdentifierLimit, "too long");
        assert_eq!(violations.leading_rule(), Rule::IdentifierLimit);
        violations.add("source", Rule::MissingSource, "missing");
        assert_eq!(violations.leading_rule(), Rule::MissingSource);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut violations = Violations::default();
        for index in 0..MOST_TOLD + 3 {
            violations.add(format!("lead.pipelines[{index}]"), Rule::InvalidValue, "bad");
        }
        assert_eq!((violations.told().len(), violations.untold()), (MOST_TOLD, 3));
    }

    #[test]
    fn a_path_made_of_a_callers_text_is_cut() {
        let violations = Violations::one(format!("lead.attributes.{}", "ü".repeat(5000)), Rule::InvalidValue, "bad");
        assert_eq!(violations.told()[0].field.chars().count(), LONGEST_PATH);
    }
}
