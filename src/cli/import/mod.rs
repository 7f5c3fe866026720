//! `leadgate import`: the rows of a file, through the gate, in their order.
//!
//! Owns the file, its report, its dead-letter file and the note of how far it has come. Decides nothing about leads: every row is an
//! upsert, and what became of it is what the server says.

mod column;
mod csv_rows;
mod dead_letters;
mod json_rows;
mod ledger;
mod mapping;
mod options;
mod outcome;
mod place;
mod report;
mod request;
mod row;
mod rows;
mod sender;
mod source_file;
mod state;
mod summary;
mod unions;
mod window;

#[cfg(any(test, fuzzing))]
pub(crate) use rows::read_any_file;

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::destination::{Destination, WithoutFolder};
use super::exit::{CommandError, Exit};
use super::output::{OutputFormat, Table, print, print_json, say};

pub(crate) use column::{Target, folded};
use dead_letters::DeadLetters;
pub(crate) use json_rows::read_object;
use ledger::{Ledger, progress_bar};
pub(crate) use mapping::MapRule;
pub(crate) use options::ImportOptions;
pub(crate) use place::is_same_file;
use report::{GrowingCsv, HEADER};
pub(crate) use request::RequestTemplate;
pub(crate) use row::{Original, Row, RowProblem};
pub(crate) use rows::Rows;
use sender::{Ending, SendError, Sender};
pub(crate) use source_file::SourceFile;
use state::{Identity, Progress};
use summary::Summary;
use unions::{Group, Unions};

/// How many rows are read ahead.
const READ_AHEAD_ROWS: usize = 4096;

/// Imports a file: opens and checks it, sends its rows, and tells what became of them.
pub(crate) async fn import(options: ImportOptions) -> Result<Exit, CommandError> {
    let file = SourceFile::open(&options.file, options.format).map_err(CommandError::usage)?;
    let rows = Rows::open(&file, options.delimiter, &options.map).map_err(|error| in_file(&file, &error))?;
    options.check_paths(&rows)?;
    tell_unknown(&rows.unknown());
    let mut ledger = open_ledger(&options, &file, &rows)?;
    let without = if options.dry_run { WithoutFolder::Pretend } else { WithoutFolder::Make };
    let destination = Destination::open(&options.destination, without).await?;
    let ending = send(&options, rows, &mut ledger, &destination).await;
    let closed = destination.close().await;
    let exit = conclude(&options, &mut ledger, ending)?;
    closed.map(|()| exit)
}

fn in_file(file: &SourceFile, error: &dyn std::error::Error) -> CommandError {
    CommandError::usage(format!("{}: {error}", file.path().display()))
}

fn tell_unknown(unknown: &[String]) {
    if !unknown.is_empty() {
        let columns = shown_columns(unknown);
        say(&format!("not imported, because they are no fields of a lead (use --map): {columns}"));
    }
}

/// Names of columns for a message.
pub(crate) fn shown_columns(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Begins the import's files, or goes on with those of an interrupted import.
fn open_ledger(options: &ImportOptions, file: &SourceFile, rows: &Rows) -> Result<Ledger, CommandError> {
    let digest = file.digest().map_err(|error| in_file(file, &error))?;
    let identity = options.identity(digest);
    let state = (!options.dry_run).then(|| place::state_of(&options.file));
    let noted = match &state {
        Some(path) => interrupted(options, path, &identity)?,
        None => None,
    };
    let progress = noted.clone().unwrap_or_else(|| Progress::new(new_run(&identity), identity));
    let report = open_report(options, noted.as_ref())?;
    let dead_letters = open_dead_letters(options, rows, noted.as_ref())?;
    let mut ledger = Ledger {
        progress,
        state,
        report,
        dead_letters,
        unions: options.dry_run.then(Unions::default),
        rows_as_json: options.output == OutputFormat::Jsonl,
        bar: progress_bar(file.size),
        noted: Instant::now(),
    };
    // Before anything is sent: a second run must find the run's request ids.
    if ledger.note().is_err() {
        ledger.state = None;
        say("no folder can be written to for the note of an interrupted import: --resume will not be possible");
    }
    Ok(ledger)
}

/// The interrupted import that is to go on; `None` to begin at the beginning.
fn interrupted(options: &ImportOptions, path: &Path, identity: &Identity) -> Result<Option<Progress>, CommandError> {
    match (options.resume, Progress::read(path)) {
        (true, Ok(Some(progress))) => {
            progress.check(identity, path).map_err(CommandError::usage)?;
            say(&format!("going on behind line {}", progress.line));
            Ok(Some(progress))
        }
        (true, Ok(None)) => {
            say("no interrupted import of this file is noted; beginning at its beginning");
            Ok(None)
        }
        (true, Err(error)) => Err(CommandError::usage(error)),
        (false, Ok(None)) => Ok(None),
        (false, _) => {
            say("an import of this file was interrupted before; beginning at its beginning (--resume goes on)");
            Ok(None)
        }
    }
}

/// The beginning of the request ids of a new run. They differ from those of an earlier run over the same file: a second import is
/// answered by what is known now, not by the replies of the first.
fn new_run(identity: &Identity) -> String {
    let run = uuid::Uuid::now_v7().simple().to_string();
    format!("import:{}:{run}", &identity.file[..16])
}

fn open_report(options: &ImportOptions, noted: Option<&Progress>) -> Result<Option<GrowingCsv>, CommandError> {
    let Some(path) = &options.report else { return Ok(None) };
    let opened = match noted {
        Some(progress) => GrowingCsv::resume(path, progress.report_bytes),
        None => GrowingCsv::create(path, HEADER),
    };
    opened.map(Some).map_err(|error| {
        CommandError::new(Exit::InUse, format!("the report {} cannot be written: {error}", path.display()))
    })
}

fn open_dead_letters(
    options: &ImportOptions,
    rows: &Rows,
    noted: Option<&Progress>,
) -> Result<Option<DeadLetters>, CommandError> {
    if options.dry_run {
        return Ok(None);
    }
    let path = options.failed_path(rows);
    match noted {
        None => Ok(Some(DeadLetters::new(path, rows.header()))),
        Some(progress) => DeadLetters::resume(path.clone(), rows.header(), progress.failed_bytes)
            .map(Some)
            .map_err(|error| CommandError::new(Exit::InUse, format!("{} cannot be written: {error}", path.display()))),
    }
}

/// Reads on a thread of its own and sends from here.
async fn send(
    options: &ImportOptions,
    rows: Rows,
    ledger: &mut Ledger,
    destination: &Destination,
) -> Result<Ending, SendError> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD_ROWS);
    let line = ledger.progress.line;
    let reading = tokio::task::spawn_blocking(move || rows.read_into(line, &sender));
    let template = options.template(&ledger.progress.run);
    let known = matches!(&options.file.extension(), Some(extension) if *extension == "csv");
    let result = Sender {
        address: destination.address().clone(),
        template,
        patience: Duration::from_secs(options.patience_s),
        ledger,
        interrupt: stop_signal(),
    }
    .run(receiver)
    .await;
    if let (Ok(rows), false) = (reading.await, known) {
        tell_unknown(&rows.unknown());
    }
    result
}

/// Turns true with the first Ctrl-C; the second one ends the program as it does by default.
fn stop_signal() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            say("stopping: what was sent is still waited for (again to stop at once)");
            let _ = sender.send(true);
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(Exit::Interrupted as i32);
            }
        }
        sender.closed().await;
    });
    receiver
}

fn conclude(
    options: &ImportOptions,
    ledger: &mut Ledger,
    ending: Result<Ending, SendError>,
) -> Result<Exit, CommandError> {
    let in_use = |error: std::io::Error| CommandError::new(Exit::InUse, error);
    let exit = match &ending {
        Ok(Ending::Finished) => {
            ledger.finish().map_err(in_use)?;
            if ledger.progress.summary.failed() > 0 { Exit::Findings } else { Exit::Success }
        }
        _ => {
            ledger.bar.finish_and_clear();
            ledger.note().map_err(in_use)?;
            Exit::Interrupted
        }
    };
    print_summary(options, ledger).map_err(in_use)?;
    let advice = if options.dry_run { "" } else { "; --resume goes on" };
    match ending {
        Ok(Ending::Finished) => Ok(exit),
        Ok(Ending::Interrupted) => {
            say(&format!("interrupted behind line {}{advice}", ledger.progress.line));
            Ok(exit)
        }
        Err(SendError::Server(error)) => {
            let CommandError { exit, message } = error.into();
            Err(CommandError::new(exit, format!("{message}{advice}")))
        }
        Err(SendError::GaveUp(message)) => Err(CommandError::new(Exit::Unavailable, format!("{message}{advice}"))),
        Err(SendError::Io(error)) => Err(CommandError::new(Exit::InUse, format!("{error}{advice}"))),
    }
}

/// What is printed as JSON: the counts, and in a dry run the groups as well.
#[derive(serde::Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<&'a Group>>,
}

fn print_summary(options: &ImportOptions, ledger: &Ledger) -> std::io::Result<()> {
    let summary = &ledger.progress.summary;
    let failed_path = ledger.dead_letters.as_ref().filter(|_| summary.failed() > 0).map(DeadLetters::path);
    if let Some(path) = failed_path {
        say(&format!("{} failed rows are in {}", summary.failed(), path.display()));
    }
    match options.output {
        OutputFormat::Jsonl => Ok(()),
        OutputFormat::Json => print_json(&Told { summary, groups: ledger.unions.as_ref().map(Unions::groups) }),
        OutputFormat::Table => {
            let mut table = Table::new([if options.dry_run { "would be" } else { "outcome" }, "rows"]).numbers(&[1]);
            for row in summary.rows_of_table() {
                table.row(row);
            }
            print(&table.render())?;
            ledger.unions.as_ref().map_or(Ok(()), print_groups)
        }
    }
}

/// Shows a person which rows would end on one lead.
fn print_groups(unions: &Unions) -> std::io::Result<()> {
    let mut table = Table::new(["lines that would end on one lead", "lead", "matched by"]);
    for row in unions.rows_of_table() {
        table.row(row);
    }
    if table.is_empty() {
        return Ok(());
    }
    print(&format!("\n{}", table.render()))?;
    match unions.untold() {
        0 => Ok(()),
        untold => print(&format!("and {untold} groups more: --report has every row, --output json every group\n")),
    }
}
