//! `leadgate policy`: reads a policy file and tells what holds, or what is wrong; learns the weights of one.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::config::policy_file;

use super::dedupe::learning::{self, LearnOptions};
use super::exit::{CommandError, Exit};
use super::output::{OutputFormat, Table, print, print_json, print_json_line};

/// What to do with a policy file.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check a policy file: tell every rule that holds with it, or every mistake in it.
    Check {
        /// The policy file.
        file: PathBuf,

        /// How to print the rules.
        #[arg(long, value_enum, default_value = "table")]
        output: OutputFormat,
    },
    Learn(LearnOptions),
}

/// Does what is asked; every mistake in a policy file ends with [`Exit::Usage`].
pub(crate) fn run(command: &PolicyCommand) -> Result<Exit, CommandError> {
    match command {
        PolicyCommand::Check { file, output } => check(file, *output),
        PolicyCommand::Learn(options) => learning::run(options),
    }
}

fn check(file: &Path, output: OutputFormat) -> Result<Exit, CommandError> {
    let policy = policy_file::read(file)?;
    let rules = policy_file::effective_rules(&policy);
    let shown = match output {
        OutputFormat::Table => {
            let mut table = Table::new(["rule", "value"]);
            for (rule, value) in rules {
                table.row([rule, value]);
            }
            print(&format!(
                "OK: {} is policy `{}`; in force with it:\n{}",
                file.display(),
                policy.version,
                table.render()
            ))
        }
        OutputFormat::Json => {
            let rules: serde_json::Map<_, _> = rules.into_iter().map(|(rule, value)| (rule, value.into())).collect();
            print_json(&rules)
        }
        OutputFormat::Jsonl => {
            rules.iter().try_for_each(|(rule, value)| print_json_line(&json!({"rule": rule, "value": value})))
        }
    };
    shown.map_err(|error| CommandError::new(Exit::InUse, error))?;
    Ok(Exit::Success)
}
