//! `leadgate verify`: checks a data folder at rest.

use std::path::PathBuf;

use serde_json::json;

use crate::engine::{OpenError, Verification, VerifyError, verify};
use crate::store;

use super::destination::{is_data_folder, no_data_folder};
use super::exit::{CommandError, Exit};
use super::output::{OutputFormat, Table, print, print_json, print_json_line, say};

/// How many findings are told one by one; the rest is counted.
const TOLD: usize = 100;

/// Check every invariant of a data folder whose server is not running.
///
/// A folder of an older version is brought to this version's format first, as `leadgate serve` does it: take a copy to go back.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyOptions {
    /// The data folder.
    #[arg(long, value_name = "DIR", env = "LEADGATE_DATA_DIR", default_value = "./leadgate-data")]
    data_dir: PathBuf,

    /// How to print what was found.
    #[arg(long, value_enum, default_value = "table")]
    output: OutputFormat,
}

/// Checks the folder. Findings end with [`Exit::Findings`].
pub(crate) fn run(options: &VerifyOptions) -> Result<Exit, CommandError> {
    if !is_data_folder(&options.data_dir) {
        return Err(no_data_folder(&options.data_dir));
    }
    let mut findings = Vec::new();
    let mut untold = 0u64;
    let verification = verify(&options.data_dir, &mut |finding| match findings.len() {
        told if told < TOLD => findings.push(finding.clone()),
        _ => untold += 1,
    })
    .map_err(|error| CommandError::new(exit_of(&error), error))?;
    let findings: Vec<_> = findings.iter().map(|finding| (finding.invariant, finding.problem.as_str())).collect();
    show(options.output, &verification, &findings, untold).map_err(|error| CommandError::new(Exit::InUse, error))?;
    Ok(if findings.is_empty() { Exit::Success } else { Exit::Findings })
}

fn show(
    output: OutputFormat,
    verification: &Verification,
    findings: &[(&str, &str)],
    untold: u64,
) -> std::io::Result<()> {
    let as_json = |(invariant, problem): &(&str, &str)| json!({"invariant": invariant, "problem": problem});
    match output {
        OutputFormat::Table => {
            let mut table = Table::new(["invariant", "violations", "result"]).numbers(&[1]);
            for (name, violations) in &verification.invariants {
                let result = if *violations == 0 { "ok" } else { "VIOLATED" };
                table.row([(*name).to_owned(), violations.to_string(), result.to_owned()]);
            }
            print(&table.render())?;
            print(&counts(verification))?;
            for (invariant, problem) in findings {
                print(&format!("{invariant}: {problem}\n"))?;
            }
            if untold > 0 {
                print(&format!("and {untold} more\n"))?;
            }
            Ok(())
        }
        OutputFormat::Json => print_json(&json!({
            "invariants": verification.invariants.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
            "rows": verification.rows,
            "indexed_leads": verification.indexed,
            "index_missing": verification.index_missing,
            "findings": findings.iter().map(as_json).collect::<Vec<_>>(),
            "findings_untold": untold,
        })),
        OutputFormat::Jsonl => findings.iter().try_for_each(|finding| print_json_line(&as_json(finding))),
    }
}

fn counts(verification: &Verification) -> String {
    let rows: Vec<_> = verification.rows.iter().map(|(table, rows)| format!("{rows} {table}")).collect();
    let index = match verification.index_missing {
        true => "there is no index to check: it is made anew at the next start".to_owned(),
        false => format!("the index holds {} leads", verification.indexed),
    };
    format!("rows: {}; {index}\n", if rows.is_empty() { "none".to_owned() } else { rows.join(", ") })
}

fn exit_of(error: &VerifyError) -> Exit {
    match error {
        VerifyError::Open(error) => exit_of_open(error),
        VerifyError::Read(_) => {
            say("the disk cannot be read");
            Exit::InUse
        }
    }
}

/// What a data folder that cannot be opened means to a script.
pub(crate) fn exit_of_open(error: &OpenError) -> Exit {
    match error {
        OpenError::Store(error) => match error {
            store::OpenError::Locked { .. } | store::OpenError::Io(_) => Exit::InUse,
            store::OpenError::NewerFormat { .. }
            | store::OpenError::NoFormat { .. }
            | store::OpenError::UnreadableFormat { .. }
            | store::OpenError::DamagedJournal { .. }
            | store::OpenError::Behind { .. }
            | store::OpenError::UnreadableHighWater { .. }
            | store::OpenError::Engine(_) => Exit::DataRefused,
        },
        OpenError::Index(_) | OpenError::Replay(_) | OpenError::Thread(_) => Exit::InUse,
    }
}
