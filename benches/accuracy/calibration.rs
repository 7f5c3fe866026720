//! Whether pairs are one as often as they are held to be.

use std::collections::HashMap;
use std::path::Path;

use crate::program::{leadgate, succeeded, temporary};
use crate::truth::{rows, share};

/// How far the mean probability of a tenth may be from the share of its pairs that are one lead.
const MOST_APART: f64 = 0.1;

/// Fewer pairs show no share; and as many lie from 0.85 to 0.95, where a match begins.
const FEWEST_TO_JUDGE: u64 = 100;

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
pub(crate) fn calibration(file: &Path) -> bool {
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
