//! How well duplicates are found: `leadgate dedupe` over labelled files, against the truth.
//!
//! `cargo bench --bench accuracy -- --data DIR` runs every file of DIR that has a bar below and prints one table, and under it how often
//! the hard pairs of `NAME.pairs.csv` were united. Ends with 1 where a bar is not reached. Measures: pairwise precision, recall and F1.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// File, bar of F1, bar of precision.
const BARS: [(&str, f64, f64); 11] = [
    ("leadgen_seed7", 0.80, 0.98),
    ("dqbench_t1", 0.99, 0.98),
    ("dqbench_t2", 0.99, 0.98),
    ("dqbench_t3", 0.98, 0.98),
    ("fake_1000", 0.90, 0.0),
    ("febrl1", 0.985, 0.0),
    ("febrl2", 0.985, 0.0),
    ("febrl3", 0.985, 0.0),
    ("patentsview_small", 0.82, 0.0),
    ("early_childhood", 0.90, 0.0),
    ("restaurants", 0.95, 0.0),
];

/// Slices of pairs that are not one, of which at most two in a hundred may be united.
const MOST_UNITED: f64 = 0.02;

type Row = HashMap<String, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let data = arguments.iter().position(|argument| argument == "--data").and_then(|at| arguments.get(at + 1));
    let Some(data) = data.map(PathBuf::from) else {
        println!(
            "accuracy: not run; name the folder of the labelled files: cargo bench --bench accuracy -- --data DIR"
        );
        return ExitCode::SUCCESS;
    };
    println!(
        "{:<18} {:>7} {:>7} {:>7} {:>9} {:>7} {:>7} {:>6}  ",
        "file", "records", "true", "found", "precision", "recall", "F1", "bar"
    );
    let reached: Vec<bool> = BARS.iter().map(|bar| measure(&data, bar)).collect();
    let slices = slices(&data.join("leadgen_seed7.pairs.csv"), &groups_of(&data.join("leadgen_seed7.csv")));
    ExitCode::from(u8::from(!(reached.iter().all(|reached| *reached) && slices)))
}

/// Runs one file and prints its row; whether its bars are reached.
fn measure(data: &Path, (name, bar, precision_bar): &(&str, f64, f64)) -> bool {
    let file = data.join(format!("{name}.csv"));
    let began = Instant::now();
    let found = groups_of(&file);
    let took = began.elapsed();
    let Counts { records, real, said, both } = Counts::of(&rows(&file), &found);
    let (precision, recall) = (share(both, said), share(both, real));
    let f1 = 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE);
    let reached = f1 >= *bar && precision >= *precision_bar;
    let verdict = if reached { "reached" } else { "NOT REACHED" };
    println!(
        "{name:<18} {records:>7} {real:>7} {said:>7} {precision:>9.4} {recall:>7.4} {f1:>7.4} {bar:>6}  {verdict}, {took:.1?}"
    );
    reached
}

/// The group of each record, as the program that is built finds it.
fn groups_of(file: &Path) -> HashMap<String, String> {
    let groups = std::env::temp_dir().join(format!("leadgate-accuracy-{}.csv", std::process::id()));
    let run = Command::new(env!("CARGO_BIN_EXE_leadgate"))
        .arg("dedupe")
        .arg(file)
        .arg("--output")
        .arg(&groups)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let found = rows(&groups).into_iter().map(|mut row| (row.remove("id").unwrap(), row.remove("group_id").unwrap()));
    let found = found.collect();
    std::fs::remove_file(&groups).unwrap();
    found
}

fn rows(file: &Path) -> Vec<Row> {
    csv::Reader::from_path(file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

/// Pairs: in the truth, found, and both.
struct Counts {
    records: usize,
    real: u64,
    said: u64,
    both: u64,
}

impl Counts {
    /// Two records of one block of which nobody said whether they are one count neither way.
    fn of(truth: &[Row], found: &HashMap<String, String>) -> Self {
        let (mut real, mut said, mut both, mut unknown) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for row in truth {
            let (cluster, group) = (&row["cluster_id"], &found[&row["id"]]);
            *real.entry(cluster).or_insert(0u64) += 1;
            *said.entry(group).or_insert(0u64) += 1;
            *both.entry((cluster, group)).or_insert(0u64) += 1;
            if let Some(block) = unlabelled_block(&row["extra"]) {
                *unknown.entry((block, group)).or_insert(0u64) += 1;
            }
        }
        let said = pairs(said.values()) - pairs(unknown.values());
        Self { records: truth.len(), real: pairs(real.values()), said, both: pairs(both.values()) }
    }
}

fn unlabelled_block(extra: &str) -> Option<String> {
    let extra: serde_json::Value = serde_json::from_str(extra).ok()?;
    (extra["labelled"] == 0).then(|| extra["block"].as_str().map(str::to_owned))?
}

fn pairs<'a>(sizes: impl Iterator<Item = &'a u64>) -> u64 {
    sizes.map(|size| size * (size - 1) / 2).sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Prints how many pairs of each slice were united; whether no slice of strangers has too many.
fn slices(file: &Path, found: &HashMap<String, String>) -> bool {
    let mut slices: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for mut row in rows(file) {
        let united = found[&row["id_a"]] == found[&row["id_b"]];
        let slice = slices.entry((row.remove("label").unwrap(), row.remove("slice").unwrap())).or_default();
        slice.0 += u64::from(united);
        slice.1 += 1;
    }
    println!("\n{:<24} {:>7} {:>7}  share united", "slice of leadgen_seed7", "pairs", "united");
    let mut kept = true;
    for ((label, slice), (united, pairs)) in slices {
        let (share, strangers) = (share(united, pairs), label == "0");
        let verdict = match strangers {
            true if share > MOST_UNITED => ", NOT REACHED",
            true => ", two people",
            false => ", one person",
        };
        kept &= !strangers || share <= MOST_UNITED;
        println!("{slice:<24} {pairs:>7} {united:>7}  {share:.3}{verdict}");
    }
    kept
}
