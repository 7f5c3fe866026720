//! The command line: what can be asked, what is printed, and how a script learns how it ended.
//!
//! Every command is a list of steps over the modules below. Results go to the standard output, everything else to the standard error;
//! [`exit`] has the exit codes.

mod bench;
mod completions;
mod dedupe;
mod destination;
pub mod exit;
mod explain;
mod healthcheck;
mod import;
mod interrupt;
mod json;
mod lead_options;
mod match_lead;
mod output;
mod policy;
mod random;
mod search;
mod serve;
mod taken_paths;
mod verify;
mod whole_file;

#[cfg(any(test, fuzzing))]
pub(crate) use import::read_any_file;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::{CommandError, EXIT_CODES, Exit};
use output::say;

/// Decides, before anyone writes a sales lead into a CRM, whether that lead is already known.
#[derive(Debug, Parser)]
#[command(name = "leadgate", version, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::ServeOptions>),
    Import(Box<import::ImportOptions>),
    Match(Box<match_lead::MatchOptions>),
    Explain(Box<explain::ExplainOptions>),
    Search(search::SearchOptions),
    Dedupe(dedupe::DedupeOptions),
    Verify(verify::VerifyOptions),
    Healthcheck(healthcheck::HealthcheckOptions),
    /// Look at policy files, and learn one.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    Bench(Box<bench::BenchOptions>),
    #[command(hide = true)]
    BenchServer(bench::BenchServerOptions),
    Completions(completions::CompletionsOptions),
}

/// Runs the command of the process's arguments to its end.
pub fn main() -> ExitCode {
    // Exits with code 2 where the arguments are wrong, as it does everywhere.
    let command = CommandLine::parse().command;
    match run(command) {
        Ok(exit) => exit.into(),
        Err(CommandError { exit, message }) => {
            for line in message.lines() {
                say(&format!("leadgate: {line}"));
            }
            exit.into()
        }
    }
}

fn run(command: Command) -> Result<Exit, CommandError> {
    match command {
        Command::Serve(options) => block_on(serve::run(*options)),
        Command::Import(options) => block_on(import::import(*options)),
        Command::Match(options) => block_on(match_lead::run(*options)),
        Command::Explain(options) => block_on(explain::run(*options)),
        Command::Dedupe(options) => dedupe::run(&options),
        Command::Search(options) => block_on(search::run(options)),
        Command::Verify(options) => verify::run(&options),
        Command::Healthcheck(options) => block_on(healthcheck::run(&options)),
        Command::Policy(command) => policy::run(&command),
        Command::Bench(options) => block_on(bench::run(*options)),
        Command::BenchServer(options) => block_on(bench::serve(options)),
        Command::Completions(options) => completions::run(&options),
    }
}

/// Runs a command that waits. When it has ended nothing it started is waited for.
fn block_on(command: impl Future<Output = Result<Exit, CommandError>>) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(Exit::InUse, format!("no threads can be started: {error}")))?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <CommandLine as clap::CommandFactory>::command().debug_assert();
    }
}
