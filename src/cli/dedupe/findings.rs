//! What is not as it should be with a file whose records are compared: told once for all of it, by columns and lines and never by values.

use std::collections::BTreeMap;

use crate::cli::exit::Exit;
use crate::cli::import::{RowProblem, shown_columns};
use crate::cli::output::say;
use crate::domain::InputNote;

/// Rows that are told one by one; the rest is counted.
const MOST_TOLD: usize = 10;

/// What is not as it should be with a file.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Columns that mean nothing here.
    pub(super) unknown: Vec<String>,
    /// How many rows cannot be read; they stand alone.
    pub(super) rows: usize,
    first_rows: Vec<(u64, RowProblem)>,
    /// Values that are not what their field holds, by field.
    values: BTreeMap<&'static str, u64>,
    /// How many ids several records have.
    repeated_ids: usize,
}

impl Findings {
    /// Takes a row that cannot be read.
    pub(super) fn take_row(&mut self, line: u64, problem: RowProblem) {
        self.rows += 1;
        if self.first_rows.len() < MOST_TOLD {
            self.first_rows.push((line, problem));
        }
    }

    /// Takes what was noticed in a row.
    pub(super) fn take_notes(&mut self, notes: &[InputNote]) {
        for note in notes {
            if let InputNote::Unreadable(field) = note {
                *self.values.entry(field).or_default() += 1;
            }
        }
    }

    /// Counts the ids that several records have.
    pub(super) fn take_ids<'a>(&mut self, ids: impl Iterator<Item = &'a str>) {
        let mut ids: Vec<&str> = ids.collect();
        rayon::slice::ParallelSliceMut::par_sort_unstable(ids.as_mut_slice());
        self.repeated_ids = ids.chunk_by(|one, other| one == other).filter(|same| same.len() > 1).count();
    }

    /// Tells a person, each line behind `prefix`; [`Exit::Findings`] where rows cannot be read.
    pub(super) fn tell(&self, prefix: &str) -> Exit {
        self.lines().iter().for_each(|line| say(&format!("{prefix}{line}")));
        if self.rows > 0 { Exit::Findings } else { Exit::Success }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.unknown.is_empty() {
            let columns = shown_columns(&self.unknown);
            lines.push(format!("not compared, because they are no fields of a lead (use --map): {columns}"));
        }
        if !self.values.is_empty() {
            let values: Vec<_> = self.values.iter().map(|(field, count)| format!("{field} {count}")).collect();
            let values = values.join(", ");
            lines.push(format!("values that are not what their field holds and are not compared: {values}"));
        }
        if self.repeated_ids > 0 {
            lines.push(format!("{} ids are given to more than one record", self.repeated_ids));
        }
        lines.extend(self.lines_of_rows());
        lines
    }

    fn lines_of_rows(&self) -> Vec<String> {
        if self.rows == 0 {
            return Vec::new();
        }
        let mut lines = vec![format!("{} rows could not be read and stand alone:", self.rows)];
        let told = |(line, RowProblem { code, message }): &(u64, RowProblem)| format!("line {line}: {code}: {message}");
        lines.extend(self.first_rows.iter().map(told));
        let untold = self.rows - self.first_rows.len();
        if untold > 0 {
            lines.push(format!("and {untold} more"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rows_are_told_and_the_others_counted() {
        let mut findings = Findings::default();
        (2..14).for_each(|line| findings.take_row(line, RowProblem::invalid("company is a list")));
        let lines = findings.lines();
        assert_eq!((lines.len(), lines[0].as_str()), (12, "12 rows could not be read and stand alone:"));
        assert_eq!(lines[1], "line 2: INVALID_VALUE: company is a list");
        assert_eq!(lines[11], "and 2 more");
    }

    #[test]
    fn columns_values_and_ids_are_told_in_one_line_each_and_nothing_of_a_clean_file() {
        let mut findings = Findings::default();
        assert_eq!(findings.lines(), [""; 0]);
        findings.unknown = vec!["shoe".into(), "hat".into()];
        findings.take_notes(&[InputNote::Unreadable("phone"), InputNote::Blocked("email")]);
        findings.take_notes(&[InputNote::Unreadable("email"), InputNote::Unreadable("phone")]);
        findings.take_ids(["7", "8", "7", "9", "8"].into_iter());
        assert_eq!(
            findings.lines(),
            [
                "not compared, because they are no fields of a lead (use --map): `shoe`, `hat`",
                "values that are not what their field holds and are not compared: email 1, phone 2",
                "2 ids are given to more than one record",
            ]
        );
    }
}
