//! Opens the file of an import and refuses what is none before anything is sent.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// How the rows of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FileFormat {
    /// Rows of separated values behind a row of headers.
    Csv,
    /// A JSON object on each line.
    Jsonl,
}

/// Why a file cannot be imported at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceFileError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a text of rows.
    #[error("{} {problem}", path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        problem: String,
    },
}

/// A file of rows, looked at but not read yet.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: PathBuf,
    /// How its rows are written.
    pub(crate) format: FileFormat,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its first bytes.
    beginning: Vec<u8>,
}

/// How much of a file is looked at to tell what it is.
const BEGINNING_BYTES: u64 = 64 << 10;

/// First bytes of what people import by mistake.
const FOREIGN: [(&[u8], &str); 7] = [
    (b"PK\x03\x04", "is an Excel workbook or a zip archive: export it as CSV (UTF-8)"),
    (b"\xD0\xCF\x11\xE0", "is an old Excel workbook: export it as CSV (UTF-8)"),
    (b"\x1F\x8B", "is compressed: unpack it first"),
    (b"\x28\xB5\x2F\xFD", "is compressed: unpack it first"),
    (b"%PDF", "is a PDF document: export the data as CSV (UTF-8)"),
    (b"\xFF\xFE", "is UTF-16: save it as UTF-8"),
    (b"\xFE\xFF", "is UTF-16: save it as UTF-8"),
];

impl SourceFile {
    /// Opens a file and tells what it is, by `format`, its name or its first bytes.
    pub(crate) fn open(path: &Path, format: Option<FileFormat>) -> Result<Self, SourceFileError> {
        let unreadable = |source| SourceFileError::Unreadable { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let no_rows = |problem: &str| SourceFileError::NoRows { path: path.to_owned(), problem: problem.into() };
        if !metadata.is_file() {
            return Err(no_rows("is not a file"));
        }
        let mut beginning = Vec::new();
        file.by_ref().take(BEGINNING_BYTES).read_to_end(&mut beginning).map_err(unreadable)?;
        let format = format.unwrap_or_else(|| format_of(path, &beginning));
        check_beginning(&beginning, format).map_err(|problem| no_rows(&problem))?;
        Ok(Self { path: path.to_owned(), format, size: metadata.len(), beginning })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A reader from its start, independent of every other: clones of one open file would share their place in it.
    pub(crate) fn reader(&self) -> std::io::Result<BufReader<File>> {
        Ok(BufReader::with_capacity(256 << 10, File::open(&self.path)?))
    }

    /// A digest of its content, from which its rows' request ids derive. Reads it whole.
    pub(crate) fn digest(&self) -> std::io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(self.reader()?)?;
        Ok(hasher.finalize().to_hex()[..32].to_owned())
    }

    /// The separator of its header row: the one of `, ; tab |` that occurs most often there outside quotes.
    pub(crate) fn delimiter(&self) -> u8 {
        let mut counts = [(b',', 0usize), (b';', 0), (b'\t', 0), (b'|', 0)];
        let mut quoted = false;
        for byte in &self.beginning {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => break,
                _ if quoted => {}
                byte => counts.iter_mut().filter(|(delimiter, _)| delimiter == byte).for_each(|(_, count)| *count += 1),
            }
        }
        counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
    }
}

fn format_of(path: &Path, beginning: &[u8]) -> FileFormat {
    let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    match extension.as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("jsonl" | "ndjson") => FileFormat::Jsonl,
        Some("csv" | "tsv" | "txt") => FileFormat::Csv,
        _ if without_mark(beginning).trim_ascii_start().starts_with(b"{") => FileFormat::Jsonl,
        _ => FileFormat::Csv,
    }
}

fn check_beginning(beginning: &[u8], format: FileFormat) -> Result<(), String> {
    if let Some((_, problem)) = FOREIGN.iter().find(|(bytes, _)| beginning.starts_with(bytes)) {
        return Err((*problem).to_owned());
    }
    let text = without_mark(beginning).trim_ascii_start();
    match () {
        () if text.is_empty() => Err("is empty".into()),
        () if beginning.contains(&0) => Err("is a binary file, not a text of rows".into()),
        () if format == FileFormat::Csv && (text.starts_with(b"[{") || text.starts_with(b"{\"")) => {
            Err("is JSON: write an object on each line and name the file .jsonl".into())
        }
        () if format == FileFormat::Csv && text.starts_with(b"<") => {
            Err("is XML or HTML: export the data as CSV (UTF-8)".into())
        }
        () if format == FileFormat::Jsonl && !text.starts_with(b"{") => Err("does not begin with a JSON object".into()),
        () => Ok(()),
    }
}

/// Without a byte order mark.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(name: &str, content: &[u8]) -> Result<SourceFile, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        SourceFile::open(&path, None).map_err(|error| error.to_string().replace(&*path.to_string_lossy(), "FILE"))
    }

    #[test]
    fn what_is_no_file_of_rows_is_refused_with_advice() {
        for (name, content, problem) in [
            ("a.csv", &b""[..], "FILE is empty"),
            ("a.csv", b"\xEF\xBB\xBF \r\n", "FILE is empty"),
            ("a.csv", b"PK\x03\x04rest", "FILE is an Excel workbook or a zip archive: export it as CSV (UTF-8)"),
            ("a.csv", b"\xFF\xFEi\0d\0", "FILE is UTF-16: save it as UTF-8"),
            ("a.csv", b"id\0name\n", "FILE is a binary file, not a text of rows"),
            ("a.csv", b"[{\"a\": 1}]", "FILE is JSON: write an object on each line and name the file .jsonl"),
            ("a.csv", b"<html>", "FILE is XML or HTML: export the data as CSV (UTF-8)"),
            ("a.jsonl", b"[{\"a\": 1}]", "FILE does not begin with a JSON object"),
        ] {
            assert_eq!(opened(name, content).map(|file| file.format).expect_err(problem), problem);
        }
        let missing = SourceFile::open(Path::new("/no/such/file.csv"), None).expect_err("missing");
        assert!(missing.to_string().starts_with("/no/such/file.csv cannot be read: "));
    }

    #[test]
    fn readers_of_one_file_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        let content = b"id,name\n".repeat(100_000);
        std::fs::write(&path, &content).expect("written");
        let file = SourceFile::open(&path, None).expect("a file");
        let mut reader = file.reader().expect("a reader");
        let mut read = vec![0; 300_000];
        reader.read_exact(&mut read).expect("the first part");
        file.digest().expect("a digest");
        reader.read_to_end(&mut read).expect("the rest");
        assert_eq!(read, content);
    }

    #[test]
    fn format_and_delimiter_are_told_from_name_and_content() {
        for (name, content, format, delimiter) in [
            ("a.csv", &b"id,name\n"[..], FileFormat::Csv, b','),
            ("a.csv", b"id;name;a,b\n", FileFormat::Csv, b';'),
            ("a.tsv", b"id\tname\n", FileFormat::Csv, b'\t'),
            ("a", b"\"a;b;c\"|name|x\n", FileFormat::Csv, b'|'),
            ("a.csv", b"email\n", FileFormat::Csv, b','),
            ("a.ndjson", b"{\"id\": 1}", FileFormat::Jsonl, b','),
            ("a", b"\xEF\xBB\xBF{\"id\": 1}", FileFormat::Jsonl, b','),
        ] {
            let file = opened(name, content).expect(name);
            assert_eq!((file.format, file.delimiter()), (format, delimiter), "{name}");
        }
    }
}
