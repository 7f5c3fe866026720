//! One row of a file: what it says of a lead, or why it cannot be read.

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
}

impl Row {
    /// The id that the file gives the row, where it has one.
    pub(crate) fn id(&self) -> &str {
        let values = self.values.as_ref().map(Vec::as_slice).unwrap_or_default();
        values.iter().find(|(target, _)| *target == Target::ExternalId).map_or("", |(_, value)| value)
    }
}
