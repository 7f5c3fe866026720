//! Everything an import writes down: report, dead letters, counts, and how far it has come.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output::{print_json_line, say};

use super::dead_letters::DeadLetters;
use super::outcome::Outcome;
use super::report::{GrowingCsv, HEADER, fields};
use super::row::Row;
use super::state::Progress;
use super::unions::Unions;

/// How often it is noted how far the import has come.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// What an import writes down, in the order of the file.
pub(crate) struct Ledger {
    /// How far the import has come.
    pub(crate) progress: Progress,
    /// Where that is noted; `None` for nowhere.
    pub(crate) state: Option<PathBuf>,
    /// The report, if one is wanted.
    pub(crate) report: Option<GrowingCsv>,
    /// Rows that failed; `None` in a dry run, which leaves nothing behind but a report.
    pub(crate) dead_letters: Option<DeadLetters>,
    /// The rows that would end on one lead; `None` but in a dry run.
    pub(crate) unions: Option<Unions>,
    /// Whether each row is printed as a line of JSON.
    pub(crate) rows_as_json: bool,
    /// Tells a person how far it is; hidden where nobody looks.
    pub(crate) bar: ProgressBar,
    /// When the state was noted last.
    pub(crate) noted: Instant,
}

impl Ledger {
    /// Takes the next row of the file, which has its outcome.
    pub(crate) fn take(&mut self, row: &Row, outcome: &Outcome) -> io::Result<()> {
        self.progress.summary.count(outcome);
        self.progress.line = row.line;
        if let Some(unions) = &mut self.unions {
            unions.take(row.line, outcome);
        }
        if let Some(report) = &mut self.report {
            report.write(fields(row, outcome))?;
        }
        if let (true, Some(dead_letters)) = (outcome.failed(), &mut self.dead_letters) {
            dead_letters.add(row, outcome)?;
        }
        if self.rows_as_json {
            print_row(row, outcome)?;
        }
        self.bar.set_position(row.end);
        Ok(())
    }

    /// Notes how far the import has come, now and then.
    pub(crate) fn note_now_and_then(&mut self) -> io::Result<()> {
        if self.noted.elapsed() < NOTE_EVERY { Ok(()) } else { self.note() }
    }

    /// Notes how far the import has come. What the note counts on is durable before it is.
    pub(crate) fn note(&mut self) -> io::Result<()> {
        if let Some(report) = &mut self.report {
            self.progress.report_bytes = report.sync()?;
        }
        if let Some(dead_letters) = &mut self.dead_letters {
            self.progress.failed_bytes = dead_letters.sync()?;
        }
        if let Some(state) = &self.state {
            self.progress.write(state)?;
        }
        self.noted = Instant::now();
        Ok(())
    }

    /// Ends an import that came to its end: there is nothing to resume any more.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.note()?;
        self.bar.finish_and_clear();
        match &self.state {
            Some(state) => std::fs::remove_file(state),
            None => Ok(()),
        }
    }

    /// Tells a person something without disturbing the bar.
    pub(crate) fn say(&self, text: &str) {
        self.bar.suspend(|| say(text));
    }
}

/// A bar over the bytes of a file; drawn only on a terminal.
pub(crate) fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent}% of {total_bytes}, {elapsed} elapsed, {eta} left");
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn print_row(row: &Row, outcome: &Outcome) -> io::Result<()> {
    let fields = fields(row, outcome);
    let mut object = serde_json::Map::new();
    for (name, field) in HEADER.into_iter().zip(fields) {
        let value = match name {
            "line" => row.line.into(),
            "reasons" => outcome.reasons.clone().into(),
            _ => field.into(),
        };
        object.insert(name.to_owned(), value);
    }
    if outcome.failed() {
        object.insert("message".to_owned(), outcome.message.clone().into());
    }
    print_json_line(&object)
}
