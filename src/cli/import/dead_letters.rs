//! The dead-letter file: rows that failed, whole, with their line and the reason, ready to be corrected and imported again.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::outcome::Outcome;
use super::report::{GrowingCsv, GrowingLines};
use super::row::{Original, Row};
use super::source_file::without_mark;

/// What stands before the original columns. An import of the file passes over these.
const ADDED_HEADER: [&str; 3] = ["failed_line", "failed_reason", "failed_message"];

/// Rows that failed. The file is begun with the first of them.
pub(crate) struct DeadLetters {
    path: PathBuf,
    header: csv::ByteRecord,
    file: Option<Growing>,
}

enum Growing {
    Csv(Box<GrowingCsv>),
    Lines(GrowingLines),
}

impl DeadLetters {
    /// Prepares the file; `header` is that of the imported file, empty for one of JSON lines.
    pub(crate) fn new(path: PathBuf, header: csv::ByteRecord) -> Self {
        Self { path, header, file: None }
    }

    /// Goes on behind what an interrupted import had written.
    pub(crate) fn resume(path: PathBuf, header: csv::ByteRecord, length: u64) -> io::Result<Self> {
        let file = match (length, header.is_empty()) {
            (0, _) => None,
            (_, true) => Some(Growing::Lines(GrowingLines::resume(&path, length)?)),
            (_, false) => Some(Growing::Csv(Box::new(GrowingCsv::resume(&path, length)?))),
        };
        Ok(Self { path, header, file })
    }

    /// Where it is, or would be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a row that failed.
    pub(crate) fn add(&mut self, row: &Row, outcome: &Outcome) -> io::Result<()> {
        let code = outcome.reasons.first().map_or("", String::as_str);
        if self.file.is_none() {
            self.file = Some(self.begin()?);
        }
        match (&mut self.file, &row.original) {
            (Some(Growing::Csv(file)), Original::Cells(cells)) => {
                let line = row.line.to_string();
                let added = [line.as_bytes(), code.as_bytes(), outcome.message.as_bytes()];
                file.write(added.into_iter().chain(cells.iter()))
            }
            (Some(Growing::Lines(file)), Original::Line(line)) => {
                file.write(failed_line(row.line, code, &outcome.message, line).as_bytes())
            }
            _ => Ok(()),
        }
    }

    /// Makes everything durable; returns how long the file is then, 0 when there is none.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        match &mut self.file {
            None => Ok(0),
            Some(Growing::Csv(file)) => file.sync(),
            Some(Growing::Lines(file)) => file.sync(),
        }
    }

    fn begin(&self) -> io::Result<Growing> {
        if self.header.is_empty() {
            return Ok(Growing::Lines(GrowingLines::create(&self.path)?));
        }
        let header = ADDED_HEADER.iter().map(|name| name.as_bytes()).chain(self.header.iter());
        Ok(Growing::Csv(Box::new(GrowingCsv::create(&self.path, header)?)))
    }
}

/// The object of the line with three keys added, or, where it is none, an object that holds the line as a text.
fn failed_line(line: u64, code: &str, message: &str, original: &[u8]) -> String {
    let mut object = match serde_json::from_slice(without_mark(original)) {
        Ok(serde_json::Value::Object(object)) => object,
        _ => {
            let text = String::from_utf8_lossy(original).trim_end().to_owned();
            serde_json::Map::from_iter([("extra".to_owned(), text.into())])
        }
    };
    for (key, value) in ADDED_HEADER.into_iter().zip([json!(line), json!(code), json!(message)]) {
        object.insert(key.to_owned(), value);
    }
    serde_json::Value::Object(object).to_string()
}
