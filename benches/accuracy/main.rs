//! How well duplicates are found: `leadgate dedupe` over labelled files, against the truth.
//!
//! `cargo bench --bench accuracy -- --data DIR` runs every file of DIR that has a bar below and prints one table, and under it how often
//! the hard pairs of `NAME.pairs.csv` were united, and what became of pairs that were held to be so and so probable. Ends with 1 where a
//! bar is not reached; with `--known`, where more is missed than is known to be. Measures: pairwise precision, recall and F1.
//!
//! With `--learn` it learns the weights that ship, from all files and from `benches/accuracy/by-hand.yaml`, and ends with 1 where others
//! ship. With `--leave-one-out` it prints how each file fares with the weights that are learned in the same way without files of its kind.
//! With `--online` it prints how the file fares row by row: imported into an empty store, in its own order and in three others, a record's
//! group being the lead that it ended on.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a benchmark")]

mod calibration;
mod learning;
mod online;
mod program;
mod slices;
mod truth;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use calibration::calibration;
use learning::{leave_one_out, ships_what_is_learned};
use online::online;
use program::groups_of;
use slices::{KNOWN_UNITED, slices};
use truth::{Counts, rows};

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
