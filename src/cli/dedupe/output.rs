//! What a purge writes: the group of every record, and the pairs with what spoke for and against them.

use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;

use crate::cli::exit::CommandError;
use crate::cli::whole_file::write_whole;
use crate::decision::clustering::ScoredPair;

use super::Purge;
use super::records::Records;

/// `id,group_id` for every record.
pub(super) fn write_groups(path: &Path, records: &Records, numbers: &[u32]) -> Result<(), CommandError> {
    write_rows(path, |writer| {
        writer.write_record(["id", "group_id"])?;
        for (id, number) in records.ids.iter().zip(numbers) {
            writer.write_record([&**id, &number.to_string()])?;
        }
        Ok(())
    })
}

/// The number of each record's group. Groups are numbered from 1 in the order of their first members: ids may repeat, or be missing.
pub(super) fn numbers(records: usize, groups: &[Vec<u32>]) -> Vec<u32> {
    let mut numbers = vec![0; records];
    let mut first_of: Vec<u32> = (0..).take(records).collect();
    for group in groups {
        group.iter().for_each(|member| first_of[*member as usize] = group[0]);
    }
    let mut last = 0;
    for record in 0..records {
        let first = first_of[record] as usize;
        if first == record {
            last += 1;
            numbers[record] = last;
        } else {
            numbers[record] = numbers[first];
        }
    }
    numbers
}

fn write_rows(
    path: &Path,
    write: impl FnOnce(&mut csv::Writer<&mut dyn Write>) -> io::Result<()>,
) -> Result<(), CommandError> {
    write_whole(path, |file| {
        let mut writer = csv::Writer::from_writer(file as &mut dyn Write);
        write(&mut writer)?;
        writer.flush()
    })
}

/// Pairs that are told before their rows are written.
const BATCH: usize = 65_536;

/// Each pair with its probability, its weight in bits, and what every field adds to it. Holds no values.
pub(super) fn write_pairs(path: &Path, purge: &Purge, pairs: &[ScoredPair]) -> Result<(), CommandError> {
    write_rows(path, |writer| {
        writer.write_record(["id_a", "id_b", "probability", "weight", "prior", "guard", "comparisons"])?;
        for batch in pairs.chunks(BATCH) {
            let rows: Vec<[String; 7]> = batch.par_iter().map(|pair| row_of_pair(purge, *pair)).collect();
            rows.iter().try_for_each(|row| writer.write_record(row))?;
        }
        Ok(())
    })
}

fn row_of_pair(purge: &Purge, pair: ScoredPair) -> [String; 7] {
    let score = purge.score(pair.a, pair.b);
    let said = score.comparisons.iter();
    let said = said.map(|one| format!("{}={} {:.2}", one.level.field().name(), one.level.name(), one.weight));
    [
        purge.records.ids[pair.a as usize].to_string(),
        purge.records.ids[pair.b as usize].to_string(),
        format!("{:.4}", score.probability()),
        format!("{:.2}", score.weight()),
        format!("{:.2}", score.prior),
        format!("{:.2}", score.guard),
        said.collect::<Vec<_>>().join("; "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_numbered_in_the_order_of_their_first_members() {
        assert_eq!(numbers(6, &[vec![1, 4], vec![2, 5]]), [1, 2, 3, 4, 2, 3]);
        assert!(numbers(0, &[]).is_empty());
    }
}
