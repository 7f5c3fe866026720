//! How files fare row by row, in their own order and in others.

use std::path::{Path, PathBuf};

use crate::BARS;
use crate::program::{groups_of, leads_of, temporary};
use crate::slices::slices;
use crate::truth::{Counts, rows};

/// How far F1 row by row may lie from that of the whole file.
const MOST_LOST_ONLINE: f64 = 0.03;

/// How far F1 may lie from that of another order of the same rows.
const MOST_BY_ORDER: f64 = 0.02;

/// Prints how each file fares row by row; whether that is near enough to how it fares as a whole, in whatever order. Not for files that
/// plant one address on several people: online an address is a key.
pub(crate) fn online(data: &Path) -> bool {
    println!("{:<18} {:>8} {:>17} {:>27}", "file", "whole F1", "online: P, R, F1", "in three other orders: F1");
    let files = BARS.iter().map(|(name, _, _)| *name).filter(|name| !name.starts_with("dqbench"));
    let measured: Vec<bool> = files.map(|name| measure_online(data, name)).collect();
    let file = data.join("leadgen_seed7.csv");
    let slices = slices(&data.join("leadgen_seed7.pairs.csv"), &leads_of(&file), &[]);
    measured.iter().all(|reached| *reached) && slices
}

fn measure_online(data: &Path, name: &str) -> bool {
    let file = data.join(format!("{name}.csv"));
    let truth = rows(&file);
    let (_, _, whole) = Counts::of(&truth, &groups_of(&file, None)).measures();
    let (precision, recall, in_order) = Counts::of(&truth, &leads_of(&file)).measures();
    let other_orders = [1, 2, 3].map(|seed| {
        let shuffled = shuffled(&file, seed);
        let found = leads_of(&shuffled);
        std::fs::remove_file(&shuffled).unwrap();
        Counts::of(&truth, &found).measures().2
    });
    let lost = (whole - in_order).abs() > MOST_LOST_ONLINE;
    let ordered = other_orders.iter().any(|other| (other - in_order).abs() > MOST_BY_ORDER);
    let verdict = match (lost, ordered) {
        (false, false) => "reached",
        (true, true) => "NOT REACHED: online, order",
        (true, false) => "NOT REACHED: online",
        (false, true) => "NOT REACHED: order",
    };
    let [one, two, three] = other_orders;
    println!(
        "{name:<18} {whole:>8.4}   {precision:>7.4} {recall:>6.4} {in_order:>6.4}   {one:.4} {two:.4} {three:.4}  {verdict}"
    );
    !lost && !ordered
}

/// The same rows in another order (Fisher and Yates, with the numbers of Knuth's MMIX).
fn shuffled(file: &Path, seed: u64) -> PathBuf {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let header = reader.byte_headers().unwrap().clone();
    let mut records: Vec<csv::ByteRecord> = reader.into_byte_records().map(Result::unwrap).collect();
    let mut state = seed;
    for last in (1..records.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        records.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
    }
    let path = temporary(&format!("order-{seed}.csv"));
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_byte_record(&header).unwrap();
    records.iter().for_each(|record| writer.write_byte_record(record).unwrap());
    writer.flush().unwrap();
    path
}
