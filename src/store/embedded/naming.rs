//! Names of rows that may appear in logs and reports.

use uuid::Uuid;

use crate::store::RowName;

use super::table::Table;

/// Makes names of rows: an id where the key is one, else a digest keyed by the store, which tells nobody whose it is.
#[derive(Clone)]
pub(super) struct Naming {
    key: [u8; 32],
}

impl Naming {
    /// The naming of one store.
    pub(super) fn of_store(store_id: Uuid) -> Self {
        Self { key: blake3::derive_key("leadgate store 2025 row names", store_id.as_bytes()) }
    }

    /// The name of a row.
    pub(super) fn name(&self, table: Table, key: &[u8]) -> RowName {
        let label = match table {
            Table::Lead | Table::Review | Table::DeadLetter => id_label(key),
            Table::Feed => key.try_into().ok().map(|position| u64::from_be_bytes(position).to_string()),
            _ => None,
        };
        RowName { table: table.name(), label: label.unwrap_or_else(|| self.digest(key)) }
    }

    fn digest(&self, key: &[u8]) -> String {
        format!("#{}", &blake3::keyed_hash(&self.key, key).to_hex()[..16])
    }
}

/// The key is `tenant 0x00 id`, and the id alone names the row.
fn id_label(key: &[u8]) -> Option<String> {
    let end = key.iter().position(|byte| *byte == 0)?;
    Uuid::from_slice(&key[end + 1..]).ok().map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_and_keys_are_not() {
        let naming = Naming::of_store(Uuid::nil());
        let id = Uuid::from_u128(7);
        let lead = naming.name(Table::Lead, &[b"acme\0", &id.as_bytes()[..]].concat());
        assert_eq!(lead.to_string(), format!("lead row {id}"));
        assert_eq!(naming.name(Table::Feed, &9_u64.to_be_bytes()).to_string(), "feed row 9");
        let key = naming.name(Table::Key, b"acme\0\x03ada@example.com").to_string();
        assert!(key.starts_with("key row #") && !key.contains("ada"), "{key}");
        let other = Naming::of_store(Uuid::from_u128(1)).name(Table::Key, b"acme\0\x03ada@example.com");
        assert_ne!(other.to_string(), key);
    }
}
