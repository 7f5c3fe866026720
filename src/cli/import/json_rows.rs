//! Reads the rows of a file with a JSON object on each line, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use serde_json::Value;

use super::column::{Target, folded};
use super::mapping::MapRule;
use super::row::{Original, Row, RowProblem, VALUE_SEPARATOR};
use super::source_file::{SourceFile, without_mark};

/// Longer lines are not imported.
const LONGEST_LINE_BYTES: usize = 4 << 20;

/// The rows of a file of JSON lines in the order of the file. Blank lines are passed over.
pub(crate) struct JsonRows {
    reader: BufReader<File>,
    rules: Vec<MapRule>,
    line: u64,
    end: u64,
    unknown: BTreeSet<String>,
}

impl JsonRows {
    /// Begins at the first line.
    pub(crate) fn open(file: &SourceFile, rules: &[MapRule]) -> std::io::Result<Self> {
        Ok(Self { reader: file.reader()?, rules: rules.to_vec(), line: 0, end: 0, unknown: BTreeSet::new() })
    }

    /// Keys met so far that mean nothing here.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(String::as_str)
    }

    /// The next line that is not blank, with what ends it; an overlong one is cut off behind the limit.
    fn next_line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        loop {
            let mut line = Vec::new();
            let mut limited = self.reader.by_ref().take(LONGEST_LINE_BYTES as u64 + 1);
            let mut read = limited.read_until(b'\n', &mut line)? as u64;
            if read == 0 {
                return Ok(None);
            }
            if !line.ends_with(b"\n") {
                read += skip_line(&mut self.reader)?;
            }
            self.line += 1;
            self.end += read;
            if !without_mark(&line).trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn row(&mut self, line: Vec<u8>) -> Row {
        let values = read_object(&line, &self.rules, &mut self.unknown);
        let id = match &values {
            Ok(values) => values.iter().find(|(target, _)| *target == Target::ExternalId).map(|(_, id)| id.clone()),
            Err(_) => id_of_object(&line, &self.rules),
        };
        Row { line: self.line, end: self.end, id: id.unwrap_or_default(), original: Original::Line(line), values }
    }
}

/// What one JSON object says of a lead. Keys that mean nothing here are added to `unknown`.
pub(crate) fn read_object(
    text: &[u8],
    rules: &[MapRule],
    unknown: &mut BTreeSet<String>,
) -> Result<Vec<(Target, String)>, RowProblem> {
    if text.len() > LONGEST_LINE_BYTES {
        return Err(RowProblem::invalid(format!("the line is longer than {LONGEST_LINE_BYTES} bytes")));
    }
    let object: serde_json::Map<String, Value> = serde_json::from_slice(without_mark(text))
        .map_err(|error| RowProblem::invalid(format!("not a JSON object (column {})", error.column())))?;
    let mut values = Values::new();
    for (key, value) in object {
        add(&mut values, rules, unknown, &key, &value)?;
    }
    Ok(values.into_iter().map(|((_, target), value)| (target, value)).collect())
}

/// The id of a JSON object that is wrong elsewhere.
fn id_of_object(text: &[u8], rules: &[MapRule]) -> Option<String> {
    let object: serde_json::Map<String, Value> = serde_json::from_slice(without_mark(text)).ok()?;
    let id = |(key, value): (&String, &Value)| match meaning(key, rules)? {
        (rank, target @ Target::ExternalId) => Some((rank, text_of(&target, value).ok()?)),
        _ => None,
    };
    let ids = object.iter().filter_map(id).filter(|(_, text)| !text.is_empty());
    ids.min_by_key(|(rank, _)| *rank).map(|(_, text)| text)
}

/// What a key means, with its rank: what a rule says comes before a field's own name, and that before an alias.
fn meaning(key: &str, rules: &[MapRule]) -> Option<(u8, Target)> {
    let by_rule = rules.iter().find(|rule| rule.header == key || folded(&rule.header) == folded(key));
    by_rule
        .map(|rule| (0, rule.target.clone()))
        .or_else(|| Target::of_header(key).map(|(target, own_name)| (if own_name { 1 } else { 2 }, target)))
}

/// Values by rank and target.
type Values = BTreeMap<(u8, Target), String>;

fn add(
    values: &mut Values,
    rules: &[MapRule],
    unknown: &mut BTreeSet<String>,
    key: &str,
    value: &Value,
) -> Result<(), RowProblem> {
    let (rank, target) = match (meaning(key, rules), folded(key).as_str(), value) {
        (Some(by_rule @ (0, _)), ..) => by_rule,
        (_, "attributes", Value::Object(entries)) => return add_nested(values, "attributes", entries),
        (_, "external_ids", Value::Object(entries)) => return add_nested(values, "external_ids", entries),
        (_, "external_ids", Value::Array(entries)) => return add_ids(values, entries),
        (Some(by_name), ..) => by_name,
        (None, ..) => {
            unknown.insert(key.to_owned());
            return Ok(());
        }
    };
    let text = text_of(&target, value)?;
    if target == Target::Ignored || text.is_empty() { Ok(()) } else { put(values, rank, target, text) }
}

/// Puts a value where it belongs; a field's own name wins over an alias, and two of one rank are joined or ambiguous.
fn put(values: &mut Values, rank: u8, target: Target, text: String) -> Result<(), RowProblem> {
    let known: Vec<u8> = values.keys().filter(|(_, known)| *known == target).map(|(rank, _)| *rank).collect();
    if !target.joins() && known.iter().any(|known| *known < rank) {
        return Ok(());
    }
    if !target.joins() {
        values.retain(|(known, other), _| *other != target || *known <= rank);
    }
    match values.entry((rank, target)) {
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(text);
        }
        std::collections::btree_map::Entry::Occupied(mut place) if place.key().1.joins() => {
            place.get_mut().push_str(VALUE_SEPARATOR);
            place.get_mut().push_str(&text);
        }
        std::collections::btree_map::Entry::Occupied(place) => {
            return Err(RowProblem::invalid(format!("several keys mean {}: say which with --map", place.key().1)));
        }
    }
    Ok(())
}

/// `{"attributes": {KEY: VALUE}}` and `{"external_ids": {SOURCE: VALUE}}`.
fn add_nested(values: &mut Values, prefix: &str, entries: &serde_json::Map<String, Value>) -> Result<(), RowProblem> {
    for (key, value) in entries {
        let target = Target::parse(&format!("{prefix}.{key}"))
            .ok_or_else(|| RowProblem::invalid(format!("{prefix} has an empty key")))?;
        let text = text_of(&target, value)?;
        if !text.is_empty() {
            put(values, 1, target, text)?;
        }
    }
    Ok(())
}

/// `{"external_ids": [{"source": SOURCE, "value": VALUE}]}`, as the API has it.
fn add_ids(values: &mut Values, entries: &[Value]) -> Result<(), RowProblem> {
    for entry in entries {
        let part = |name: &str| entry.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let (Some(source), Some(value)) = (part("source"), part("value")) else {
            return Err(RowProblem::invalid("external_ids: every entry needs a source and a value"));
        };
        put(values, 1, Target::ExternalIdIn(source.into()), value.to_owned())?;
    }
    Ok(())
}

/// A value as text: empty for null; a list only where several values may stand.
fn text_of(target: &Target, value: &Value) -> Result<String, RowProblem> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(items) if target.joins() => {
            let texts = items.iter().map(|item| text_of(&Target::Ignored, item)).collect::<Result<Vec<_>, _>>()?;
            Ok(texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(VALUE_SEPARATOR))
        }
        _ if *target == Target::Ignored => Ok(String::new()),
        Value::Array(_) => Err(RowProblem::invalid(format!("{target} is a list"))),
        Value::Object(_) => Err(RowProblem::invalid(format!("{target} is an object"))),
    }
}

/// Passes over the rest of a line; how many bytes that was.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(skipped);
        }
        let (length, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(index) => (index + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(length);
        skipped += length as u64;
        if ended {
            return Ok(skipped);
        }
    }
}

impl Iterator for JsonRows {
    type Item = std::io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_line() {
            Ok(None) => None,
            Ok(Some(line)) => Some(Ok(self.row(line))),
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(content: &str, rules: &[&str]) -> (Vec<String>, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("leads.jsonl");
        std::fs::write(&path, content).expect("written");
        let file = SourceFile::open(&path, None).expect("a file");
        let rules: Vec<_> = rules.iter().map(|rule| rule.parse().expect("a rule")).collect();
        let mut rows = JsonRows::open(&file, &rules).expect("rows");
        let shown = rows
            .by_ref()
            .map(|row| {
                let row = row.expect("read");
                match row.values {
                    Ok(values) => {
                        let values: Vec<_> = values.iter().map(|(target, value)| format!("{target}={value}")).collect();
                        format!("{} {}", row.line, values.join(" "))
                    }
                    Err(problem) => format!("{} {}", row.line, problem.message),
                }
            })
            .collect();
        (shown, rows.unknown().map(str::to_owned).collect())
    }

    #[test]
    fn each_line_is_a_row() {
        let (shown, unknown) = rows(
            "\u{feff}{\"id\": 7, \"firstName\": \"Ann\", \"emails\": 1, \"email\": [\"a@x.com\", \"b@x.com\"], \"company\": null}\n\n\
             {\"external_ids\": [{\"source\": \"crm\", \"value\": \"1\"}], \"attributes\": {\"vip\": true}, \"extra\": {}}\r\n\
             {\"external_ids\": {\"crm\": \"1\"}, \"organisation\": \"A\", \"company\": \"B\"}\n\
             {broken\n\
             {\"company\": {}}\n\
             {\"company\": [\"a\"]}\n\
             {\"account\": \"a\", \"organisation\": \"b\"}\n\
             [1]",
            &[],
        );
        assert_eq!(
            shown,
            [
                "1 email=a@x.com | b@x.com first_name=Ann external_id=7",
                "3 external_ids.crm=1 attributes.vip=true",
                "4 external_ids.crm=1 company=B",
                "5 not a JSON object (column 2)",
                "6 company is an object",
                "7 company is a list",
                "8 several keys mean company: say which with --map",
                "9 not a JSON object (column 0)",
            ]
        );
        assert_eq!(unknown, ["emails"]);
    }

    #[test]
    fn rules_come_first() {
        assert_eq!(
            rows("{\"Kunde\": \"A\", \"company\": \"B\", \"id\": 1}", &["kunde=company", "id=ignore"]).0,
            ["1 company=A"]
        );
    }
}
