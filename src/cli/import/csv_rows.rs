//! Reads the rows of a CSV file, one after the other.

use std::fs::File;
use std::io::{BufReader, Read};

use super::mapping::{MapRule, Mapping, MappingError};
use super::row::{Original, Row, RowProblem};
use super::source_file::{SourceFile, without_mark};

/// Rows of more bytes than this are not imported.
const LARGEST_ROW_BYTES: usize = 4 << 20;

/// The rows of a CSV file in the order of the file.
pub(crate) struct CsvRows {
    reader: csv::Reader<Remembering>,
    mapping: Mapping,
    header: csv::ByteRecord,
    line: u64,
}

/// Why no rows can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CsvError {
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
            .from_reader(Remembering::new(file.reader()?)?);
        let header = reader.byte_headers().map_err(|_| CsvError::Header("cannot be read"))?.clone();
        let names = header
            .iter()
            .map(std::str::from_utf8)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| CsvError::Header("is not UTF-8: save the file as UTF-8"))?;
        let mapping = Mapping::of_headers(&names, rules)?;
        Ok(Self { mapping, header, reader, line: 0 })
    }

    /// The columns.
    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The header row.
    pub(crate) fn header(&self) -> &csv::ByteRecord {
        &self.header
    }

    /// The line on which the row that was just read begins.
    ///
    /// The position that comes with a record is where the row before it ended, which may be in front of a line feed or of blank
    /// lines. So count back from where the row ends.
    fn first_line(&self, record: &csv::ByteRecord) -> u64 {
        let end = self.reader.position();
        let within = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let terminator = u64::from(end.byte() > 0 && self.reader.get_ref().byte_at(end.byte() - 1) == Some(b'\n'));
        end.line().saturating_sub(within + terminator)
    }

    fn row(&self, line: u64, end: u64, record: csv::ByteRecord) -> Row {
        let (id, values) = (self.id(&record), self.values(&record));
        Row { line, end, id, original: Original::Cells(record), values }
    }

    fn id(&self, record: &csv::ByteRecord) -> String {
        let cell = self.mapping.id_column().and_then(|column| record.get(column)).unwrap_or_default();
        std::str::from_utf8(cell).map_or("", str::trim).to_owned()
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
                // Rows are told apart by their lines, so no two may have one, whatever ends the lines of the file.
                self.line = self.first_line(&record).max(self.line + 1);
                let line = self.line;
                let end = self.reader.get_ref().mark + self.reader.position().byte();
                Some(Ok(self.row(line, end, record)))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// A file without its byte order mark that remembers what it gave last.
struct Remembering {
    inner: BufReader<File>,
    /// Length of the byte order mark.
    mark: u64,
    start: u64,
    last: Vec<u8>,
}

impl Remembering {
    fn new(mut inner: BufReader<File>) -> std::io::Result<Self> {
        use std::io::BufRead as _;
        let buffer = inner.fill_buf()?;
        let mark = buffer.len() - without_mark(buffer).len();
        inner.consume(mark);
        Ok(Self { inner, mark: mark as u64, start: 0, last: Vec::new() })
    }

    /// A byte of what was given last, by its place behind the byte order mark.
    fn byte_at(&self, place: u64) -> Option<u8> {
        let index = usize::try_from(place.checked_sub(self.start)?).ok()?;
        self.last.get(index).copied()
    }
}

impl Read for Remembering {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read > 0 {
            self.start += self.last.len() as u64;
            self.last.clear();
            self.last.extend_from_slice(&buffer[..read]);
        }
        Ok(read)
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
