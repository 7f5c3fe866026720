//! The report of an import: a row of a CSV file for each row of the import, in its order.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use super::outcome::Outcome;
use super::row::Row;

/// The columns.
pub(crate) const HEADER: [&str; 8] =
    ["line", "id", "status", "lead_id", "matched_by", "reasons", "review_id", "same_as_line"];

/// What a report says of one row, in the order of [`HEADER`].
pub(crate) fn fields(row: &Row, outcome: &Outcome) -> [String; 8] {
    [
        row.line.to_string(),
        row.id.clone(),
        outcome.status_name().to_owned(),
        outcome.lead_id.clone(),
        outcome.tier_name().to_owned(),
        outcome.reasons.join(" "),
        outcome.review_id.clone(),
        outcome.same_as_line.clone(),
    ]
}

/// A CSV file that grows and, after an interruption, goes on where it was when that was last noted.
pub(crate) struct GrowingCsv {
    writer: csv::Writer<BufWriter<File>>,
}

impl GrowingCsv {
    /// Begins a file anew, with its header.
    pub(crate) fn create<I, T>(path: &Path, header: I) -> io::Result<Self>
    where
        I: IntoIterator<Item = T>,
        T: AsRef<[u8]>,
    {
        let mut growing = Self::over(File::create(path)?);
        growing.write(header)?;
        Ok(growing)
    }

    /// Goes on behind the first `length` bytes and drops what follows them.
    pub(crate) fn resume(path: &Path, length: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        if file.metadata()?.len() < length {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it is shorter than it was when the import was interrupted",
            ));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self::over(file))
    }

    fn over(file: File) -> Self {
        // Rows that could not be read may have any number of cells.
        Self { writer: csv::WriterBuilder::new().flexible(true).from_writer(BufWriter::new(file)) }
    }

    /// Adds a row.
    pub(crate) fn write<I, T>(&mut self, fields: I) -> io::Result<()>
    where
        I: IntoIterator<Item = T>,
        T: AsRef<[u8]>,
    {
        self.writer.write_record(fields).map_err(io::Error::from)
    }

    /// Makes everything durable; returns how long the file is then.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        self.writer.flush()?;
        synced(self.writer.get_ref().get_ref())
    }
}

/// A file of lines that grows and goes on as [`GrowingCsv`] does.
pub(crate) struct GrowingLines {
    writer: BufWriter<File>,
}

impl GrowingLines {
    /// Begins a file anew.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { writer: BufWriter::new(File::create(path)?) })
    }

    /// Goes on behind the first `length` bytes and drops what follows them.
    pub(crate) fn resume(path: &Path, length: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { writer: BufWriter::new(file) })
    }

    /// Adds a line.
    pub(crate) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.writer.write_all(line)?;
        self.writer.write_all(b"\n")
    }

    /// Makes everything durable; returns how long the file is then.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        self.writer.flush()?;
        synced(self.writer.get_ref())
    }
}

/// Makes a file durable; returns how long it is. What is no file, such as `/dev/null`, keeps nothing.
fn synced(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if metadata.is_file() {
        file.sync_data()?;
    }
    Ok(metadata.len())
}
