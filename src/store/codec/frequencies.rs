//! Frequency tables.

use crate::decision::matching::FrequencyTable;

use super::Problem;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredFrequencies {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(uint32, tag = "2")]
    leads: u32,
    #[prost(fixed64, repeated, tag = "3")]
    terms: Vec<u64>,
    #[prost(uint32, repeated, tag = "4")]
    counts: Vec<u32>,
}

impl From<&FrequencyTable> for StoredFrequencies {
    fn from(table: &FrequencyTable) -> Self {
        let (terms, counts) = table.counts().into_iter().unzip();
        Self { version: table.version(), leads: table.leads(), terms, counts }
    }
}

impl TryFrom<StoredFrequencies> for FrequencyTable {
    type Error = Problem;

    fn try_from(stored: StoredFrequencies) -> Result<Self, Problem> {
        let StoredFrequencies { version, leads, terms, counts } = stored;
        if terms.len() != counts.len() {
            return Err(Problem("it does not hold a count for every term"));
        }
        Ok(Self::restored(version, leads, terms.into_iter().zip(counts)))
    }
}
