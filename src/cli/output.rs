//! What commands print: tables for people, JSON for programs. Results go to the standard output, everything else to the standard error.

use std::io::{self, Write};

use serde::Serialize;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    /// Aligned columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// A JSON object on each line.
    Jsonl,
}

/// Aligned columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Columns of numbers, which are aligned to the right.
    numbers: Vec<usize>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new(), numbers: Vec::new() }
    }

    /// Aligns columns to the right, by index.
    pub(crate) fn numbers(mut self, columns: &[usize]) -> Self {
        self.numbers = columns.to_vec();
        self
    }

    /// Adds a row.
    pub(crate) fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, without blanks at their ends.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let widths = self.widths();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let mut line = String::new();
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let cell = one_line(cell);
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                let gap = if index == 0 { "" } else { "  " };
                match self.numbers.contains(&index) {
                    true => line.extend([gap, &padding, &cell]),
                    false => line.extend([gap, &cell, &padding]),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.header.len()];
        for row in std::iter::once(&self.header).chain(&self.rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(one_line(cell).chars().count());
            }
        }
        widths
    }
}

/// A cell without line breaks and other control characters, which could move the cursor of a terminal.
pub(crate) fn one_line(cell: &str) -> String {
    cell.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Prints a result as it is. That nobody reads any more (a closed pipe) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints one JSON document.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints a JSON object on a line of its own.
pub(crate) fn print_json_line(value: &impl Serialize) -> io::Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}

/// Tells a person something that is no result.
pub(crate) fn say(text: &str) {
    // There is nobody to tell when the standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_and_hold_no_control_characters() {
        let mut table = Table::new(["name", "count"]).numbers(&[1]);
        table.row(["Zoë", "7"]);
        table.row(["a\u{1b}[2Jb", "1234"]);
        assert_eq!(table.render(), "name    count\nZoë         7\na [2Jb   1234\n");
    }
}
