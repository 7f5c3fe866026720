//! Which records of a file are one lead, as far as its own column says.

use std::collections::HashMap;
use std::io;

use crate::cli::import::{Original, Row, Rows, folded};

/// The column, or key, that says with `--labels` which records are one lead.
pub(super) const LABEL: &str = "cluster_id";

/// Why a file says nothing of which records are one lead.
#[derive(Debug, thiserror::Error)]
pub(super) enum LabelError {
    /// It cannot be read to its end.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// No column, and no key of any record, is the label.
    #[error("--labels: there is no column `{LABEL}`")]
    NoColumn,
}

/// Which records of a file are one lead.
pub(super) struct Labels {
    /// The label of each record; of an empty one nothing is known.
    of: Vec<Box<str>>,
    /// The records of each label, ascending.
    members: HashMap<Box<str>, Vec<u32>>,
}

impl Labels {
    /// Reads a file whole.
    pub(super) fn read(rows: Rows) -> Result<Self, LabelError> {
        let column = rows.header().iter().position(|name| folded(&String::from_utf8_lossy(name)) == LABEL);
        let labels = rows.map(|row| row.map(|row| label(&row, column))).collect::<io::Result<Vec<_>>>()?;
        if labels.iter().all(Option::is_none) {
            return Err(LabelError::NoColumn);
        }
        let of: Vec<Box<str>> = labels.into_iter().map(Option::unwrap_or_default).collect();
        let mut members: HashMap<Box<str>, Vec<u32>> = HashMap::new();
        for (record, label) in (0..).zip(&of).filter(|(_, label)| !label.is_empty()) {
            members.entry(label.clone()).or_default().push(record);
        }
        Ok(Self { of, members })
    }

    /// Whether two records are one lead, where that is known.
    pub(super) fn say(&self, a: u32, b: u32) -> Option<bool> {
        let (one, other) = (&self.of[a as usize], &self.of[b as usize]);
        (!one.is_empty() && !other.is_empty()).then(|| one == other)
    }

    /// The records behind this one that are the same lead.
    pub(super) fn partners(&self, record: u32) -> impl Iterator<Item = u32> {
        let members = self.members.get(&self.of[record as usize]).into_iter().flatten();
        members.copied().filter(move |member| *member > record)
    }
}

/// The label of a row, `None` without such a column or key.
fn label(row: &Row, column: Option<usize>) -> Option<Box<str>> {
    let text = match &row.original {
        Original::Cells(cells) => String::from_utf8_lossy(cells.get(column?).unwrap_or_default()).into_owned(),
        Original::Line(line) => {
            let object: serde_json::Map<_, _> = serde_json::from_slice(line).ok()?;
            match object.into_iter().find(|(key, _)| folded(key) == LABEL)?.1 {
                serde_json::Value::String(label) => label,
                label @ serde_json::Value::Number(_) => label.to_string(),
                _ => String::new(),
            }
        }
    };
    Some(text.trim().into())
}
