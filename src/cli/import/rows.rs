//! The rows of a file, whichever format it has.

use std::io;

use tokio::sync::mpsc;

use super::csv_rows::{CsvError, CsvRows};
use super::json_rows::JsonRows;
use super::mapping::{MapRule, MappingError};
use super::row::Row;
use super::source_file::{FileFormat, SourceFile};

/// How many rows of JSON are looked at to tell whether any of them says something of a lead.
const TRIED_ROWS: usize = 1000;

/// The rows of a file in its order.
pub(crate) enum Rows {
    /// Of separated values.
    Csv(Box<CsvRows>),
    /// Of JSON objects.
    Json(JsonRows),
}

impl Rows {
    /// Begins at the first row. Refuses a file in which nothing is a field of a lead.
    pub(crate) fn open(file: &SourceFile, delimiter: Option<u8>, rules: &[MapRule]) -> Result<Self, CsvError> {
        match file.format {
            FileFormat::Csv => Ok(Self::Csv(Box::new(CsvRows::open(file, delimiter, rules)?))),
            FileFormat::Jsonl => {
                let says_something =
                    |row: io::Result<Row>| row.is_ok_and(|row| row.values.is_ok_and(|values| !values.is_empty()));
                if !JsonRows::open(file, rules)?.take(TRIED_ROWS).any(says_something) {
                    return Err(MappingError::NoUsableColumn { found: String::new() }.into());
                }
                Ok(Self::Json(JsonRows::open(file, rules)?))
            }
        }
    }

    /// The header row; empty for JSON.
    pub(crate) fn header(&self) -> csv::ByteRecord {
        match self {
            Self::Csv(rows) => rows.header().clone(),
            Self::Json(_) => csv::ByteRecord::new(),
        }
    }

    /// Columns, or keys met so far, that mean nothing here.
    pub(crate) fn unknown(&self) -> Vec<String> {
        match self {
            Self::Csv(rows) => rows.mapping().unknown.clone(),
            Self::Json(rows) => rows.unknown().map(str::to_owned).collect(),
        }
    }

    /// Whether the rows are to have ids, as far as that shows before they are read.
    pub(crate) fn has_ids(&self) -> bool {
        match self {
            Self::Csv(rows) => rows.mapping().id_column().is_some(),
            Self::Json(_) => false,
        }
    }

    /// Reads on behind `line` until the end, or until nobody takes rows any more. Blocks.
    pub(crate) fn read_into(mut self, line: u64, rows: &mpsc::Sender<io::Result<Row>>) -> Self {
        for row in self.by_ref() {
            let ends = row.is_err();
            if row.as_ref().is_ok_and(|row| row.line <= line) {
                continue;
            }
            if rows.blocking_send(row).is_err() || ends {
                break;
            }
        }
        self
    }
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Csv(rows) => rows.next(),
            Self::Json(rows) => rows.next(),
        }
    }
}

/// Reads any file, for the fuzzer: rows that end one behind the other, within the file.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_any_file(path: &std::path::Path) {
    let Ok(file) = SourceFile::open(path, None) else { return };
    let Ok(rows) = Rows::open(&file, None, &[]) else { return };
    let (mut line, mut end) = (0, 0);
    for row in rows.map_while(Result::ok) {
        assert!(row.line > line && row.end >= end && row.end <= file.size, "line {} ends at {}", row.line, row.end);
        (line, end) = (row.line, row.end);
    }
}
