//! How well duplicates are found: `leadgate dedupe` over labelled files, against the truth.
//!
//! `cargo bench --bench accuracy -- --data DIR` runs every file of DIR that has a bar below and prints one table, and under it how often
//! the hard pairs of `NAME.pairs.csv` were united, and what became of pairs that were held to be so and so probable. Ends with 1 where a
//! bar is not reached; with `--known`, where more is missed than is known to be. Measures: pairwise precision, recall and F1.
//!
//! With `--learn` it learns the weights that ship, from all files and from `benches/by-hand.yaml`, and ends with 1 where others ship. With
//! `--leave-one-out` it prints how each file fares with the weights that are learned in the same way without files of its kind. With
//! `--online` it prints how the file fares row by row: imported into an empty store, in its own order and in three others, a record's group
//! being the lead that it ended on.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
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

/// Slices of which more are united, with the share that is known: with `--known` only more than that is missed.
const KNOWN_UNITED: [(&str, f64); 1] = [("namesake_same_co", 0.14)];

/// How far the mean probability of a tenth may be from the share of its pairs that are one lead.
const MOST_APART: f64 = 0.1;

/// Fewer pairs show no share; and as many lie from 0.85 to 0.95, where a match begins.
const FEWEST_TO_JUDGE: u64 = 100;

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
    if arguments.iter().any(|argument| argument == "--learn") {
        return ExitCode::from(u8::from(!ships_what_is_learned(&data)));
    }
    if arguments.iter().any(|argument| argument == "--leave-one-out") {
        leave_one_out(&data);
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--online") {
        return ExitCode::from(u8::from(!online(&data)));
    }
    println!(
        "{:<18} {:>7} {:>7} {:>7} {:>9} {:>7} {:>7} {:>6}  ",
        "file", "records", "true", "found", "precision", "recall", "F1", "bar"
    );
    let reached: Vec<bool> = BARS.iter().map(|bar| measure(&data, bar)).collect();
    let file = data.join("leadgen_seed7.csv");
    let known = if arguments.iter().any(|argument| argument == "--known") { &KNOWN_UNITED[..] } else { &[] };
    let slices = slices(&data.join("leadgen_seed7.pairs.csv"), &groups_of(&file, None), known);
    let calibrated = calibration(&file);
    ExitCode::from(u8::from(!(reached.iter().all(|reached| *reached) && slices && calibrated)))
}

/// Runs one file and prints its row; whether its bars are reached.
fn measure(data: &Path, (name, bar, precision_bar): &(&str, f64, f64)) -> bool {
    let file = data.join(format!("{name}.csv"));
    let began = Instant::now();
    let found = groups_of(&file, None);
    let took = began.elapsed();
    let counts = Counts::of(&rows(&file), &found);
    let Counts { records, real, said, .. } = counts;
    let (precision, recall, f1) = counts.measures();
    let reached = f1 >= *bar && precision >= *precision_bar;
    let verdict = if reached { "reached" } else { "NOT REACHED" };
    println!(
        "{name:<18} {records:>7} {real:>7} {said:>7} {precision:>9.4} {recall:>7.4} {f1:>7.4} {bar:>6}  {verdict}, {took:.1?}"
    );
    reached
}

/// The weights from which those that ship are learned.
const BY_HAND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/by-hand.yaml");

/// Learns from all files and prints which weights are others than those that ship; whether none is.
fn ships_what_is_learned(data: &Path) -> bool {
    let (learned, shipped) = (temporary("learned.yaml"), temporary("shipped.yaml"));
    print!("{}", learn(data, |_| true, &learned));
    std::fs::write(&shipped, "format: 1\nversion: \"shipped\"\n").unwrap();
    let weights = |policy: &Path| {
        let checked = leadgate().args(["policy", "check"]).arg(policy).output().unwrap();
        succeeded(&checked);
        let rules = String::from_utf8(checked.stdout).unwrap();
        rules.lines().filter(|rule| rule.trim_start().starts_with("matching.")).map(str::to_owned).collect::<Vec<_>>()
    };
    let (learned_weights, shipped_weights) = (weights(&learned), weights(&shipped));
    assert!(!learned_weights.is_empty() && learned_weights.len() == shipped_weights.len(), "{learned_weights:?}");
    let others = learned_weights.iter().zip(&shipped_weights).filter(|(learned, shipped)| learned != shipped);
    let others = others.inspect(|(learned, shipped)| println!("learned {learned}, ships {shipped}")).count();
    println!("{others} of {} weights are others than those that ship", learned_weights.len());
    [learned, shipped].iter().for_each(|file| std::fs::remove_file(file).unwrap());
    others == 0
}

/// Learns the weights from those files whose name is wanted; what the program said of it.
fn learn(data: &Path, wanted: impl Fn(&str) -> bool, policy: &Path) -> String {
    let inputs: Vec<PathBuf> = BARS
        .iter()
        .filter(|(name, _, _)| wanted(name))
        .map(|(name, _, _)| known_labels(&data.join(format!("{name}.csv"))))
        .collect();
    let mut command = leadgate();
    command.args(["policy", "learn", "--labels", "--policy", BY_HAND, "--output"]).arg(policy);
    command.args(inputs.iter().flat_map(|file| [Path::new("--input"), file]));
    let learned = command.output().unwrap();
    succeeded(&learned);
    inputs.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    String::from_utf8(learned.stdout).unwrap()
}

/// A copy of a labelled file in which a record of which nobody said who it is has no label.
fn known_labels(file: &Path) -> PathBuf {
    let copy = temporary(&file.file_name().unwrap().to_string_lossy());
    let mut reader = csv::Reader::from_path(file).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name| header.iter().position(|column| column == name).unwrap();
    let (label, extra) = (column("cluster_id"), column("extra"));
    let mut writer = csv::Writer::from_path(&copy).unwrap();
    writer.write_record(&header).unwrap();
    for record in reader.records().map(Result::unwrap) {
        let is_known = unlabelled_block(&record[extra]).is_none();
        let cells = record.iter().enumerate().map(|(at, cell)| if at == label && !is_known { "" } else { cell });
        writer.write_record(cells).unwrap();
    }
    writer.flush().unwrap();
    copy
}

/// Scores each file with the weights that ship, and with those that are learned from the labels of all files of another kind.
fn leave_one_out(data: &Path) {
    println!("{:<18} {:>25} {:>27}", "file left out", "shipped: precision, F1", "of the others: precision, F1");
    let policy = temporary("learned.yaml");
    for (name, _, _) in BARS {
        learn(data, |other| kind(other) != kind(name), &policy);
        let file = data.join(format!("{name}.csv"));
        let truth = rows(&file);
        let measures = |policy| Counts::of(&truth, &groups_of(&file, policy)).measures();
        let ((precision, _, f1), (learned_precision, _, learned_f1)) = (measures(None), measures(Some(&policy)));
        println!("{name:<18} {precision:>17.4} {f1:>7.4} {learned_precision:>19.4} {learned_f1:>7.4}");
    }
    std::fs::remove_file(&policy).unwrap();
}

/// What files of one kind are called before their number.
fn kind(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// How far F1 row by row may lie from that of the whole file.
const MOST_LOST_ONLINE: f64 = 0.03;

/// How far F1 may lie from that of another order of the same rows.
const MOST_BY_ORDER: f64 = 0.02;

/// Prints how each file fares row by row; whether that is near enough to how it fares as a whole, in whatever order. Not for files that
/// plant one address on several people: online an address is a key.
fn online(data: &Path) -> bool {
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

/// The lead that each record ended on, imported row by row into an empty store. A record that became none is a group of its own.
fn leads_of(file: &Path) -> HashMap<String, String> {
    let (store, report, failed) = (temporary("store"), temporary("report.csv"), temporary("failed.csv"));
    let mut command = leadgate();
    command.arg("import").arg(file).args(["--source", "file"]).arg("--data-dir").arg(&store);
    command.arg("--report").arg(&report).arg("--failed").arg(&failed);
    succeeded(&command.output().unwrap());
    let found = rows(&report).into_iter().map(|mut row| {
        let (id, lead) = (row.remove("id").unwrap(), row.remove("lead_id").unwrap());
        let alone = if lead.is_empty() { format!("none of {id}") } else { lead };
        (id, alone)
    });
    let found = found.collect();
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::remove_file(&report).unwrap();
    // There is none where no row failed.
    let _ = std::fs::remove_file(&failed);
    found
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

/// The program that is built.
fn leadgate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_leadgate"))
}

fn succeeded(run: &Output) {
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// A file of this process alone.
fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("leadgate-accuracy-{}-{name}", std::process::id()))
}

/// The group of each record, as the program finds it under a policy.
fn groups_of(file: &Path, policy: Option<&Path>) -> HashMap<String, String> {
    let groups = temporary("groups.csv");
    let mut command = leadgate();
    command.arg("dedupe").arg(file).arg("--output").arg(&groups);
    command.args(policy.into_iter().flat_map(|policy| [Path::new("--policy"), policy]));
    succeeded(&command.output().unwrap());
    let found = rows(&groups).into_iter().map(|mut row| (row.remove("id").unwrap(), row.remove("group_id").unwrap()));
    let found = found.collect();
    std::fs::remove_file(&groups).unwrap();
    found
}

/// Every pair that shares a blocking key: its probability, and whether it is one lead.
fn judged_pairs(file: &Path) -> Vec<(f64, bool)> {
    let (policy, groups, pairs) = (temporary("all.yaml"), temporary("groups.csv"), temporary("pairs.csv"));
    std::fs::write(&policy, "format: 1\nversion: \"every pair\"\nreview_threshold: 0\n").unwrap();
    let mut command = leadgate();
    command.arg("dedupe").arg(file).arg("--policy").arg(&policy).arg("--output").arg(&groups);
    succeeded(&command.arg("--pairs").arg(&pairs).output().unwrap());
    let clusters: HashMap<String, String> =
        rows(file).into_iter().map(|mut row| (row.remove("id").unwrap(), row.remove("cluster_id").unwrap())).collect();
    let judged = rows(&pairs).into_iter();
    let judged =
        judged.map(|row| (row["probability"].parse().unwrap(), clusters[&row["id_a"]] == clusters[&row["id_b"]]));
    let judged = judged.collect();
    [policy, groups, pairs].iter().for_each(|file| std::fs::remove_file(file).unwrap());
    judged
}

/// Prints how probable pairs are held to be and how many of them are one lead; whether these agree in every tenth that holds enough pairs
/// to say so, and enough pairs lie about the threshold.
fn calibration(file: &Path) -> bool {
    let judged = judged_pairs(file);
    println!("\n{:<24} {:>7} {:>7}  true share", "probability, as told", "pairs", "mean");
    let mut kept = true;
    for tenth in 0..10 {
        let (from, to) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
        let (pairs, mean, real) = share_within(&judged, from, if tenth == 9 { 2.0 } else { to });
        let apart = pairs >= FEWEST_TO_JUDGE && (mean - real).abs() > MOST_APART;
        kept &= !apart;
        println!("{from:.1} to {to:.1} {pairs:>21} {mean:>7.3}  {real:.3}{}", if apart { ", NOT REACHED" } else { "" });
    }
    let (pairs, mean, real) = share_within(&judged, 0.85, 0.95);
    let few = pairs < FEWEST_TO_JUDGE;
    println!("0.85 to 0.95 {pairs:>19} {mean:>7.3}  {real:.3}{}", if few { ", NOT REACHED" } else { "" });
    kept && !few
}

/// How many pairs have such a probability, its mean, and the share of them that are one lead.
fn share_within(judged: &[(f64, bool)], from: f64, to: f64) -> (u64, f64, f64) {
    let within: Vec<_> = judged.iter().filter(|(probability, _)| (from..to).contains(probability)).collect();
    let real = within.iter().filter(|(_, real)| *real).count() as u64;
    let pairs = within.len() as u64;
    let mean = within.iter().map(|(probability, _)| probability).sum::<f64>() / within.len().max(1) as f64;
    (pairs, mean, share(real, pairs))
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

    /// Precision, recall and F1.
    fn measures(&self) -> (f64, f64, f64) {
        let (precision, recall) = (share(self.both, self.said), share(self.both, self.real));
        (precision, recall, 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE))
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

/// Prints how many pairs of each slice were united; whether no slice of strangers has too many, nor more than is known of it.
fn slices(file: &Path, found: &HashMap<String, String>, known: &[(&str, f64)]) -> bool {
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
        let most = known.iter().find(|(name, _)| *name == slice).map_or(MOST_UNITED, |(_, most)| *most);
        kept &= !strangers || share <= most;
        println!("{slice:<24} {pairs:>7} {united:>7}  {share:.3}{verdict}");
    }
    kept
}
