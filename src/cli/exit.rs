//! Exit codes: what a script learns from a command that ended.

use crate::config::Mistake;
use crate::grpc::client::{ClientError, FailureKind};

/// How a command ended. The numbers are documented and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Success = 0,
    /// It did what was asked, and something is not as it should be: rows failed, an invariant is violated.
    Findings = 1,
    /// The command line, a file or a setting is wrong. Nothing was done.
    Usage = 2,
    /// The server cannot be reached, is not ready, or gave up.
    Unavailable = 3,
    /// The data is refused: of a newer format, damaged, or without acknowledged changes.
    DataRefused = 4,
    /// A commit failed, and whether it is durable is unknown. Start again; retries with the same request ids are safe.
    OutcomeUnknown = 5,
    /// A port, a folder or a file that is needed is in use or cannot be opened.
    InUse = 6,
    /// A bug of this program.
    Internal = 70,
    /// It was interrupted and can go on.
    Interrupted = 130,
}

/// The exit codes for `--help`.
pub const EXIT_CODES: &str = "Exit codes:
  0    done
  1    done, with findings: rows failed, an invariant is violated
  2    the command line, a file or a setting is wrong; nothing was done
  3    the server cannot be reached, is not ready, or gave up
  4    the data is refused: of a newer format, damaged, or without acknowledged changes
  5    a commit failed and its outcome is unknown: start again, retries with the same request ids are safe
  6    a port, folder or file is in use or cannot be opened
  70   a bug of this program
  130  interrupted; `import --resume` goes on";

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// The exit code.
    pub exit: Exit,
    /// For people: what is wrong and, where there is one, the way out. Several lines are several mistakes.
    pub message: String,
}

impl CommandError {
    /// An error with its exit code.
    pub fn new(exit: Exit, message: impl ToString) -> Self {
        Self { exit, message: message.to_string() }
    }

    /// A mistake of the caller.
    pub fn usage(message: impl ToString) -> Self {
        Self::new(Exit::Usage, message)
    }
}

impl From<Vec<Mistake>> for CommandError {
    fn from(mistakes: Vec<Mistake>) -> Self {
        let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        Self::usage(lines.join("\n"))
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        let exit = match error.kind {
            _ if error.reason.as_deref() == Some("COMMIT_OUTCOME_UNKNOWN") => Exit::OutcomeUnknown,
            FailureKind::Unreachable | FailureKind::Unavailable | FailureKind::Unsupported => Exit::Unavailable,
            FailureKind::Refused => Exit::Usage,
            FailureKind::Internal => Exit::Internal,
        };
        Self::new(exit, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_code() {
        for exit in [
            Exit::Success,
            Exit::Findings,
            Exit::Usage,
            Exit::Unavailable,
            Exit::DataRefused,
            Exit::OutcomeUnknown,
            Exit::InUse,
            Exit::Internal,
            Exit::Interrupted,
        ] {
            let number = (exit as u8).to_string();
            assert!(EXIT_CODES.lines().any(|line| line.split_whitespace().next() == Some(&number)), "{exit:?}");
        }
    }
}
