//! What is learned from the labelled files: the weights that ship, and what they are without files of one kind.

use std::path::{Path, PathBuf};

use crate::BARS;
use crate::program::{groups_of, leadgate, succeeded, temporary};
use crate::truth::{Counts, rows, unlabelled_block};

/// The weights from which those that ship are learned.
const BY_HAND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/accuracy/by-hand.yaml");

/// Learns from all files and prints which weights are others than those that ship; whether none is.
pub(crate) fn ships_what_is_learned(data: &Path) -> bool {
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
pub(crate) fn leave_one_out(data: &Path) {
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
