//! What a purge writes: the group of every record, and the pairs with what spoke for and against them.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::decision::clustering::ScoredPair;

use super::Purge;
use super::records::Records;

/// `id,group_id` for every record: a group is named by its first member.
pub(super) fn write_groups(path: &Path, records: &Records, groups: &[Vec<u32>]) -> io::Result<()> {
    let mut group_of: Vec<usize> = (0..records.ids.len()).collect();
    for group in groups {
        group.iter().for_each(|member| group_of[*member as usize] = group[0] as usize);
    }
    whole(path, |writer| {
        writer.write_record(["id", "group_id"])?;
        for (id, group) in records.ids.iter().zip(&group_of) {
            writer.write_record([&**id, &*records.ids[*group]])?;
        }
        Ok(())
    })
}

/// Writes a file whole or not at all: what stood under its name before stays until then.
fn whole(path: &Path, write: impl FnOnce(&mut csv::Writer<File>) -> io::Result<()>) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut writer = csv::Writer::from_path(&part)?;
    let written = write(&mut writer).and_then(|()| writer.flush()).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Each pair with its probability, its weight in bits, and what every field adds to it. Holds no values.
pub(super) fn write_pairs(path: &Path, purge: &Purge, pairs: &[ScoredPair]) -> io::Result<()> {
    whole(path, |writer| {
        writer.write_record(["id_a", "id_b", "probability", "weight", "prior", "guard", "comparisons"])?;
        pairs.iter().try_for_each(|pair| write_pair(writer, purge, *pair))
    })
}

fn write_pair(writer: &mut csv::Writer<File>, purge: &Purge, pair: ScoredPair) -> io::Result<()> {
    let score = purge.score(pair.a, pair.b);
    let said = score.comparisons.iter();
    let said = said.map(|one| format!("{}={} {:.1}", one.level.field().name(), one.level.name(), one.weight));
    let id = |record: u32| &*purge.records.ids[record as usize];
    writer.write_record([
        id(pair.a),
        id(pair.b),
        &format!("{:.4}", score.probability()),
        &format!("{:.2}", score.weight()),
        &format!("{:.2}", score.prior),
        &format!("{:.2}", score.guard),
        &said.collect::<Vec<_>>().join("; "),
    ])?;
    Ok(())
}
