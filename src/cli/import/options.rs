//! What can be said about an import on the command line.

use std::path::PathBuf;

use crate::cli::destination::DestinationOptions;
use crate::cli::exit::CommandError;
use crate::cli::output::OutputFormat;
use crate::cli::taken_paths::TakenPaths;
use crate::grpc::proto::UpsertMode;

use super::mapping::MapRule;
use super::place;
use super::request::RequestTemplate;
use super::rows::Rows;
use super::source_file::FileFormat;
use super::state::Identity;

/// Which outcomes an import allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ImportMode {
    /// Create leads, and update those that are known.
    CreateOrUpdate,
    /// Create leads, and leave alone those that are known.
    CreateOnly,
    /// Update leads that are known, and create none.
    UpdateOnly,
}

/// Import leads from a file, row by row in its order.
///
/// Headers are understood by their names and usual aliases (id, postcode, dob, address, telephone, organisation, name, ...); several
/// values in an email or phone cell are separated by ` | `. Columns that mean nothing are listed and left out. Rows that fail go to
/// FILE.failed.csv with their line and the reason. An interrupted import goes on with --resume; nothing is written twice.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = super::column::header_names())]
pub(crate) struct ImportOptions {
    /// The file: CSV with a header row, or a JSON object on each line; UTF-8.
    pub(crate) file: PathBuf,

    /// The source that the leads come from. Default: the file's name without folder and extension.
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,

    /// The system that the leads are about to be written to.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) target: String,

    #[command(flatten)]
    pub(crate) destination: DestinationOptions,

    /// What a column means: a field of a lead, attributes.KEY, external_ids.SOURCE, source_update_time or ignore.
    #[arg(long, value_name = "HEADER=FIELD")]
    pub(crate) map: Vec<MapRule>,

    /// Which outcomes are allowed.
    #[arg(long, value_enum, default_value = "create-or-update")]
    pub(crate) mode: ImportMode,

    /// Write nothing: tell what would become of the rows, and which of them would end on one lead, with each other or with one that
    /// is stored.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// A CSV file to write the outcome of each row to.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// The file for rows that fail. Default: FILE.failed.csv or FILE.failed.jsonl.
    #[arg(long, value_name = "FILE")]
    pub(crate) failed: Option<PathBuf>,

    /// Go on with an interrupted import of this file.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) resume: bool,

    /// How the rows are written. Default: by the file's name or its first bytes.
    #[arg(long, value_enum)]
    pub(crate) format: Option<FileFormat>,

    /// What separates cells, one ASCII character or `tab`. Default: whichever of `, ; tab |` the header row has most of.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub(crate) delimiter: Option<u8>,

    /// How many seconds the server may be away, or take nothing, before the import gives up.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) patience_s: u64,

    /// How to print what became of the rows: table and json count them, jsonl prints each.
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) output: OutputFormat,
}

impl ImportOptions {
    /// The source: as given, or the file's stem.
    fn source(&self) -> String {
        let stem = || self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.source.clone().unwrap_or_else(stem)
    }

    fn upsert_mode(&self) -> UpsertMode {
        match self.mode {
            ImportMode::CreateOrUpdate => UpsertMode::CreateOrUpdate,
            ImportMode::CreateOnly => UpsertMode::CreateOnly,
            ImportMode::UpdateOnly => UpsertMode::UpdateOnly,
        }
    }

    /// What all requests have in common; `run` begins their ids.
    pub(crate) fn template(&self, run: &str) -> RequestTemplate {
        RequestTemplate {
            source: self.source(),
            target: self.target.clone(),
            mode: self.upsert_mode(),
            validate_only: self.dry_run,
            run: run.to_owned(),
        }
    }

    /// What makes it this import and no other.
    pub(crate) fn identity(&self, digest: String) -> Identity {
        Identity {
            file: digest,
            source: self.source(),
            target: self.target.clone(),
            options: format!("{:?} {:?} {:?} {:?}", self.map, self.mode, self.format, self.delimiter),
            report: self.report.clone(),
        }
    }

    /// Where rows that fail go.
    pub(crate) fn failed_path(&self, rows: &Rows) -> PathBuf {
        let extension = if rows.header().is_empty() { "jsonl" } else { "csv" };
        self.failed.clone().unwrap_or_else(|| place::failed_of(&self.file, extension))
    }

    /// Refuses to write over the file that is imported, one file over another, or rows that fail to where no file can be.
    pub(crate) fn check_paths(&self, rows: &Rows) -> Result<(), CommandError> {
        let mut taken = TakenPaths::default();
        taken.read("the file that is imported", &self.file);
        if !self.dry_run {
            let (flag, failed) = (self.failed_flag(), self.failed_path(rows));
            taken.read("the note of an interrupted import", &place::state_of(&self.file));
            taken.write(flag, &failed)?;
            place::check_may_be_file(&failed)
                .map_err(|problem| CommandError::usage(format!("{flag}: {} {problem}", failed.display())))?;
        }
        self.report.iter().try_for_each(|path| taken.write("--report", path))
    }

    /// What the file for rows that fail is called in a message.
    fn failed_flag(&self) -> &'static str {
        if self.failed.is_some() { "--failed" } else { "the file for rows that fail" }
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r') => {
            Ok(*byte)
        }
        _ => Err("one ASCII character that is no letter, digit or quote, or `tab`".into()),
    }
}
