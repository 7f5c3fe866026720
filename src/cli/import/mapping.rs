//! Which columns of a file are imported, as what, and which are not.

use crate::domain::Email;

use super::column::{Target, folded};

/// One `--map header=field`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MapRule {
    /// The header, as it was given.
    pub(crate) header: String,
    /// What it means.
    pub(crate) target: Target,
}

impl std::str::FromStr for MapRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (header, field) = text.rsplit_once('=').ok_or("not of the form header=field")?;
        let target = Target::parse(field).ok_or_else(|| {
            format!(
                "`{field}` is no field; allowed: a field of LeadInput such as company, attributes.KEY, external_ids.SOURCE, \
                 source_update_time, ignore"
            )
        })?;
        Ok(Self { header: header.to_owned(), target })
    }
}

/// A column that is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Where it stands in a row, from 0.
    pub(crate) index: usize,
    /// What it becomes.
    pub(crate) target: Target,
}

/// Which columns are imported, and which are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mapping {
    /// Those that are, in the order in which joined values are joined: a field's own name before its aliases.
    pub(crate) columns: Vec<Column>,
    /// Headers that mean nothing here.
    pub(crate) unknown: Vec<String>,
}

/// Why a file's columns cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MappingError {
    /// Nothing in it is a field of a lead.
    #[error(
        "no column is a field of a lead{found}; name them by a first row such as id,email,phone,company, or use --map header=field"
    )]
    NoUsableColumn {
        /// The headers found, where they do not look like data.
        found: String,
    },
    /// There is no header row: what stands there looks like somebody's data, which is not for messages.
    #[error("the first row looks like a record: a row of headers must come before it, such as id,email,phone,company")]
    NoHeaderRow,
    /// `--map` names a header that is not there.
    #[error("--map: the file has no column `{0}`")]
    NoSuchColumn(String),
    /// Two columns mean one field.
    #[error(
        "the columns `{first}` and `{second}` both mean {field}: say which with --map, for example --map '{second}=ignore'"
    )]
    Ambiguous {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        /// The field.
        field: String,
    },
}

impl Mapping {
    /// Maps the headers of a file. What `rules` say comes first, then a field's own name, then its aliases: an alias of a field that
    /// is already taken counts as unknown, and two aliases of one field are ambiguous.
    pub(crate) fn of_headers(headers: &[&str], rules: &[MapRule]) -> Result<Self, MappingError> {
        let by_rule = match_rules(headers, rules)?;
        let mut ranked: Vec<(u8, usize, Target)> = Vec::with_capacity(headers.len());
        let mut unknown = Vec::new();
        for (index, header) in headers.iter().enumerate() {
            match (&by_rule[index], Target::of_header(header)) {
                (Some(target), _) => ranked.push((0, index, target.clone())),
                (None, Some((target, own_name))) => ranked.push((if own_name { 1 } else { 2 }, index, target)),
                (None, None) => unknown.push((*header).to_owned()),
            }
        }
        if unknown.iter().any(|header| looks_personal(header)) {
            return Err(MappingError::NoHeaderRow);
        }
        ranked.sort_by_key(|(rank, index, _)| (*rank, *index));
        let columns = without_conflicts(headers, ranked, &mut unknown)?;
        if columns.iter().all(|column| !is_usable(&column.target)) {
            return Err(MappingError::NoUsableColumn { found: shown_headers(headers) });
        }
        Ok(Self { columns, unknown })
    }

    /// Where the ids of the rows stand, if they have any.
    pub(crate) fn id_column(&self) -> Option<usize> {
        self.columns.iter().find(|column| column.target == Target::ExternalId).map(|column| column.index)
    }
}

/// The rule of each header, where it has one.
fn match_rules(headers: &[&str], rules: &[MapRule]) -> Result<Vec<Option<Target>>, MappingError> {
    let mut by_header = vec![None; headers.len()];
    for rule in rules {
        let index = headers
            .iter()
            .position(|header| *header == rule.header)
            .or_else(|| headers.iter().position(|header| folded(header) == folded(&rule.header)))
            .ok_or_else(|| MappingError::NoSuchColumn(rule.header.clone()))?;
        by_header[index] = Some(rule.target.clone());
    }
    Ok(by_header)
}

fn without_conflicts(
    headers: &[&str],
    ranked: Vec<(u8, usize, Target)>,
    unknown: &mut Vec<String>,
) -> Result<Vec<Column>, MappingError> {
    let mut columns: Vec<(u8, Column)> = Vec::with_capacity(ranked.len());
    for (rank, index, target) in ranked {
        let taken = columns.iter().find(|(_, column)| column.target == target && !target.joins());
        match taken {
            Some((other_rank, _)) if *other_rank < rank => unknown.push(headers[index].to_owned()),
            Some((_, other)) => {
                return Err(MappingError::Ambiguous {
                    first: headers[other.index].to_owned(),
                    second: headers[index].to_owned(),
                    field: target.to_string(),
                });
            }
            None => columns.push((rank, Column { index, target })),
        }
    }
    Ok(columns.into_iter().map(|(_, column)| column).collect())
}

/// Whether a lead can be told by such a column at all.
fn is_usable(target: &Target) -> bool {
    !matches!(target, Target::Ignored | Target::SourceUpdateTime)
}

/// As many digits as a phone number has.
const PHONE_DIGITS: usize = 7;

/// Whether a header is more likely the email address or the phone number of somebody.
fn looks_personal(header: &str) -> bool {
    let digits = header.chars().filter(char::is_ascii_digit).count();
    digits >= PHONE_DIGITS || header.split([' ', '|', ';', ',']).any(|word| Email::parse(word).is_ok())
}

/// The headers for a message, unless the first row looks like data: people's data is not for messages.
fn shown_headers(headers: &[&str]) -> String {
    let looks_like_data =
        headers.iter().any(|header| header.contains('@') || header.chars().any(|c| c.is_ascii_digit()));
    if looks_like_data || headers.is_empty() {
        return String::new();
    }
    let shown: Vec<_> = headers.iter().take(12).map(|header| header.chars().take(30).collect::<String>()).collect();
    format!(" (found: {})", shown.join(", "))
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ExternalId => formatter.write_str("external_id"),
            Self::ExternalContactId => formatter.write_str("external_contact_id"),
            Self::ExternalIdIn(source) => write!(formatter, "external_ids.{source}"),
            Self::Lead(key) => key.fmt(formatter),
            Self::StreetSecondLine => formatter.write_str("street (second line)"),
            Self::SourceUpdateTime => formatter.write_str("source_update_time"),
            Self::Ignored => formatter.write_str("ignore"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns as `index:target`, unknown headers behind a bar.
    fn mapped(headers: &str, rules: &[&str]) -> String {
        let headers: Vec<_> = headers.split(',').collect();
        let rules: Vec<_> = rules.iter().map(|rule| rule.parse().expect("a rule")).collect();
        match Mapping::of_headers(&headers, &rules) {
            Ok(mapping) => {
                let columns: Vec<_> =
                    mapping.columns.iter().map(|column| format!("{}:{}", column.index, column.target)).collect();
                format!("{} | {}", columns.join(" "), mapping.unknown.join(" "))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn columns_are_mapped_by_rule_then_name_then_alias() {
        for (headers, rules, expected) in [
            ("id,email", &[][..], "1:email 0:external_id | "),
            ("street,address,shoe", &[], "0:street | shoe address"),
            ("address1,address2", &[], "0:street 1:street (second line) | "),
            ("company,organisation", &[], "0:company | organisation"),
            ("work_email,email", &[], "1:email 0:email | "),
            ("company,organisation", &["organisation=company", "company=ignore"], "0:ignore 1:company | "),
            ("Kunde,E-Mail", &["kunde=company"], "0:company 1:email | "),
            ("a=b,email", &["a=b=attributes.x"], "0:attributes.x 1:email | "),
            ("attributes.20260101,field_123,email", &[], "0:attributes.20260101 2:email | field_123"),
            ("score 2026-01-01,email", &["score 2026-01-01=lead_score"], "0:lead_score 1:email | "),
        ] {
            assert_eq!(mapped(headers, rules), expected, "{headers}");
        }
    }

    #[test]
    fn columns_that_cannot_be_mapped_are_refused() {
        for (headers, rules, expected) in [
            ("organisation,account", &[][..], "the columns `organisation` and `account` both mean company"),
            ("email", &["e=company"], "--map: the file has no column `e`"),
            ("colour,size", &[], "no column is a field of a lead (found: colour, size)"),
            ("7,Jane", &[], "no column is a field of a lead; name them"),
            ("7,jane@example.com,Jane", &[], "the first row looks like a record"),
            ("email,Jane,+49 30 901820", &[], "the first row looks like a record"),
            ("7,a@example.com | Jane <jane@example.com>", &[], "the first row looks like a record"),
            ("cluster_id,extra", &[], "no column is a field of a lead"),
            ("a,b", &["a=company", "b=company"], "the columns `a` and `b` both mean company"),
        ] {
            assert!(mapped(headers, rules).contains(expected), "{}", mapped(headers, rules));
        }
    }

    #[test]
    fn rules_are_read_or_refused() {
        assert!("a=fax".parse::<MapRule>().is_err_and(|error| error.contains("`fax` is no field")));
        assert!("a".parse::<MapRule>().is_err());
        assert_eq!("a = email".parse::<MapRule>().map(|rule| rule.target.to_string()), Ok("email".into()));
    }
}
