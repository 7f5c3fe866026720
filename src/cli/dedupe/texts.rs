//! What a few records say in the words of the file, for its owner: read again, because a purge keeps nothing of it.

use std::collections::{BTreeSet, HashMap};
use std::io;

use crate::cli::import::Rows;

/// The values of some records, by the fields that they are values of. Personal data: nothing of it has a `Debug`.
pub(super) struct Texts(HashMap<u32, Vec<(String, String)>>);

/// Fields of which a full name may hold the value.
const NAMES: [&str; 5] = ["name", "last_name", "first_name", "middle_name", "generation"];

impl Texts {
    /// Reads as far as the last record that is wanted.
    pub(super) fn read(rows: Rows, wanted: &BTreeSet<u32>) -> io::Result<Self> {
        let mut texts = HashMap::new();
        for (record, row) in (0u32..).zip(rows) {
            if texts.len() == wanted.len() {
                break;
            }
            let row = row?;
            if wanted.contains(&record) {
                let values = row.values.unwrap_or_default().into_iter();
                texts.insert(record, values.map(|(target, value)| (target.to_string(), value)).collect());
            }
        }
        Ok(Self(texts))
    }

    /// What a record says of a field; empty for nothing.
    pub(super) fn value(&self, record: u32, field: &str) -> &str {
        let of = |name: &str| {
            let mut values = self.0.get(&record).into_iter().flatten();
            values.find(|(field, _)| field == name).map(|(_, value)| value.as_str())
        };
        of(field).or_else(|| NAMES.contains(&field).then(|| of("full_name")).flatten()).unwrap_or_default()
    }

    /// How a record is called.
    pub(super) fn name(&self, record: u32) -> String {
        let parts = [self.value(record, "first_name"), self.value(record, "last_name")];
        if parts[0] == parts[1] { parts[0].to_owned() } else { parts.join(" ").trim().to_owned() }
    }
}
