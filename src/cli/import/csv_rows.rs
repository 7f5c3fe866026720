//! Reads the rows of a CSV file, one after the other.

use std::fs::File;
use std::io::BufReader;

use super::mapping::{MapRule, Mapping, MappingError};
use super::row::{Original, Row, RowProblem};
use super::source_file::SourceFile;

/// Rows of more bytes than this are not imported.
const LARGEST_ROW_BYTES: usize = 4 << 20;

/// The rows of a CSV file in the order of the file.
pub(crate) struct CsvRows {
    reader: csv::Reader<BufReader<File>>,
    mapping: Mapping,
    header: csv::ByteRecord,
}

/// Why no rows can be read.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The header row is not a row of texts.
    #[error("the header row {0}")]
    Header(&'static str),
    /// Its columns mean nothing, or two things.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

impl CsvRows {
    /// Reads the header row and maps its columns.
    pub(crate) fn open(file: &SourceFile, delimiter: Option<u8>, rules: &[MapRule]) -> Result<Self, CsvError> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.unwrap_or_else(|| file.delimiter()))
            .flexible(true)
            .from_reader(file.reader()?);
        let header = reader.byte_headers().map_err(|_| CsvError::Header("cannot be read"))?.clone();
        let names = header
            .iter()
            .map(std::str::from_utf8)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| CsvError::Header("is not UTF-8: save the file as UTF-8"))?;
        let mapping = Mapping::of_headers(&names, rules)?;
        Ok(Self { mapping, header, reader })
    }

    /// The columns.
    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The header row.
    pub(crate) fn header(&self) -> &csv::ByteRecord {
        &self.header
    }

    fn row(&self, line: u64, end: u64, record: csv::ByteRecord) -> Row {
        let values = self.values(&record);
        Row { line, end, original: Original::Cells(record), values }
    }

    fn values(&self, record: &csv::ByteRecord) -> Result<Vec<(super::column::Target, String)>, RowProblem> {
        if record.len() != self.header.len() {
            let message = format!("the row has {} cells and the header row {}", record.len(), self.header.len());
            return Err(RowProblem::invalid(message));
        }
        if record.as_slice().len() > LARGEST_ROW_BYTES {
            return Err(RowProblem::invalid(format!("the row is larger than {LARGEST_ROW_BYTES} bytes")));
        }
        let mut values = Vec::with_capacity(self.mapping.columns.len());
        for column in &self.mapping.columns {
            let cell = std::str::from_utf8(&record[column.index])
                .map_err(|_| RowProblem::invalid(format!("{} is not UTF-8", column.target)))?;
            if !cell.trim().is_empty() {
                values.push((column.target.clone(), cell.trim().to_owned()));
            }
        }
        Ok(values)
    }
}

impl Iterator for CsvRows {
    type Item = std::io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = csv::ByteRecord::new();
        match self.reader.read_byte_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                let end = self.reader.position().byte();
                Some(Ok(self.row(line, end, record)))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(content: &[u8]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("leads.csv");
        std::fs::write(&path, content).expect("written");
        let file = SourceFile::open(&path, None).expect("a file");
        let rows = CsvRows::open(&file, None, &[]).expect("a header");
        rows.map(|row| {
            let row = row.expect("read");
            match row.values {
                Ok(values) => {
                    let values: Vec<_> = values.iter().map(|(target, value)| format!("{target}={value:?}")).collect();
                    format!("{} {}", row.line, values.join(" "))
                }
                Err(problem) => format!("{} {}: {}", row.line, problem.code, problem.message),
            }
        })
        .collect()
    }

    #[test]
    fn rows_know_their_lines_whatever_stands_in_them() {
        assert_eq!(
            rows(
                b"\xEF\xBB\xBFid,name,address,shoe\r\n1,\"Doe, Jane\",\"1 Main St\nFloor 2\",42\r\n\r\n2, Bob ,,\r\n3,x\r\n4,\xFF,,\r\n5,\"a\"\"b\",,"
            ),
            [
                r#"2 external_id="1" full_name="Doe, Jane" street="1 Main St\nFloor 2""#,
                r#"5 external_id="2" full_name="Bob""#,
                "6 INVALID_VALUE: the row has 2 cells and the header row 4",
                "7 INVALID_VALUE: full_name is not UTF-8",
                r#"8 external_id="5" full_name="a\"b""#,
            ]
        );
    }

    #[test]
    fn a_file_with_only_headers_has_no_rows() {
        assert_eq!(rows(b"id;email\n"), [""; 0]);
    }

    #[test]
    fn the_end_of_the_last_row_is_the_end_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("leads.csv");
        std::fs::write(&path, "id\n1\n2\n").expect("written");
        let file = SourceFile::open(&path, None).expect("a file");
        let ends: Vec<_> =
            CsvRows::open(&file, None, &[]).expect("a header").map(|row| row.expect("read").end).collect();
        assert_eq!(ends.last(), Some(&file.size));
    }
}
