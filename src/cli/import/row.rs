//! One row of a file: what it says of a lead, or why it cannot be read.

use crate::grpc::proto::Reason;

use super::column::Target;

/// Between several values in one cell.
pub(super) const VALUE_SEPARATOR: &str = " | ";

/// A row as it was read.
#[derive(Clone)]
pub(crate) struct Row {
    /// Its first line in the file, from 1.
    pub(crate) line: u64,
    /// How many bytes of the file end with it.
    pub(crate) end: u64,
    /// The id that the file gives it, empty without one. A row that cannot be read has it too, where its id can be.
    pub(crate) id: String,
    /// Its content as it stands in the file, for the dead-letter file.
    pub(crate) original: Original,
    /// What it says.
    pub(crate) values: Result<Vec<(Target, String)>, RowProblem>,
}

/// A row's content as it stands in the file.
#[derive(Clone)]
pub(crate) enum Original {
    /// Cells.
    Cells(csv::ByteRecord),
    /// A line.
    Line(Vec<u8>),
}

/// Why a row is not imported. The message names columns, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowProblem {
    /// A reason code of the contract.
    pub(crate) code: String,
    /// A sentence for people.
    pub(crate) message: String,
}

impl RowProblem {
    /// A value that cannot be read.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { code: "INVALID_VALUE".into(), message: message.into() }
    }

    /// What a server says of it.
    pub(crate) fn of_reason(reason: &Reason) -> Self {
        let field = reason.metadata.get("field").map(|field| format!("{field}: ")).unwrap_or_default();
        Self { code: reason.code.clone(), message: format!("{field}{}", reason.message) }
    }
}
