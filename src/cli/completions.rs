//! `leadgate completions`: the completion script of a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::exit::{CommandError, Exit};
use super::output::print;

/// Print the completion script of a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsOptions {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(options: &CompletionsOptions) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut super::CommandLine::command(), "leadgate", &mut script);
    print(&String::from_utf8_lossy(&script)).map_err(|error| CommandError::new(Exit::InUse, error))?;
    Ok(Exit::Success)
}
