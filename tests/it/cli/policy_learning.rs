//! `leadgate policy learn`: weights from a file, which the other commands take.

use std::fmt::Write as _;

use super::{Ended, Place, exists};

/// Leads of which every fourth was entered twice: with the same phone, another family name, and a title that says nothing.
///
/// What ships takes the two for two people, more likely than not. Here it is how one person is entered.
fn leads(labelled: bool) -> String {
    let word = |number: usize, salt: u64| {
        let hash = (number as u64 + 1).wrapping_mul(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        [16, 24, 32, 40].map(|shift| SYLLABLES[(hash >> shift) as usize % SYLLABLES.len()]).concat()
    };
    let mut text = format!("id,first_name,last_name,phone,city,title{}\n", if labelled { ",cluster_id" } else { "" });
    for number in 0..400 {
        let city = word(number, 13);
        for copy in 0..if number % 4 == 0 { 2 } else { 1 } {
            let title = ["Buyer", "Head of Sales", "Engineer"][(number + copy) % 3];
            let phone = 2_000_000 + number * 7_919;
            let label = if labelled { format!(",c{number}") } else { String::new() };
            let (given, family) = (word(number, 31), word(number + 1_000 * copy, 7));
            writeln!(text, "{number}-{copy},{given},{family},+1212{phone},{city}{copy},{title}{label}")
                .expect("a text");
        }
    }
    text
}

const SYLLABLES: [&str; 17] =
    ["ba", "ko", "ri", "tu", "ve", "no", "shi", "gra", "plo", "mun", "del", "fis", "wex", "jaq", "zor", "hul", "cyp"];

/// The weight of a comparison in the table: what ships, and what was learned.
fn weights(ended: &Ended, comparison: &str) -> (f64, f64) {
    let line = ended.out.lines().find(|line| line.starts_with(&format!("{comparison} ")));
    let line = line.unwrap_or_else(|| panic!("no `{comparison}` in {ended:#?}"));
    let numbers: Vec<f64> = line.split_whitespace().filter_map(|cell| cell.parse().ok()).collect();
    (numbers[0], numbers[1])
}

#[test]
fn what_is_learned_is_a_policy_and_changes_what_is_decided() {
    let place = Place::new();
    place.write("leads.csv", leads(true));
    let learned =
        place.run(&["policy", "learn", "--input", "leads.csv", "--labels", "--output", "learned.yaml"]).expect(0);
    let (shipped, title) = weights(&learned, "title: different");
    assert!(title > shipped + 0.5, "who is entered twice has two titles here: {learned:#?}");
    let checked = place.run(&["policy", "check", "learned.yaml"]).expect(0);
    assert!(checked.out.contains(&format!("weight {title}")), "{checked:#?}");
    let probabilities = |policy: &[&str]| {
        let arguments = ["dedupe", "leads.csv", "--output", "groups.csv", "--pairs", "pairs.csv"];
        place.run(&[&arguments[..], policy].concat()).expect(0);
        place.read("pairs.csv")
    };
    assert_ne!(probabilities(&[]), probabilities(&["--policy", "learned.yaml"]));
    assert!(!exists(&place.path("learned.yaml.part")));
}

#[test]
fn without_labels_the_same_direction_is_found_and_always_the_same_numbers() {
    let place = Place::new();
    place.write("leads.csv", leads(false));
    let learn = |output| place.run(&["policy", "learn", "--input", "leads.csv", "--output", output]).expect(0);
    let (first, second) = (learn("first.yaml"), learn("second.yaml"));
    let (shipped, title) = weights(&first, "title: different");
    assert!(title > shipped, "{first:#?}");
    assert_eq!(first.out, second.out);
    assert_eq!(place.read("first.yaml"), place.read("second.yaml"));
    assert!(!first.out.contains("2000000"), "no values");
}

#[test]
fn labels_that_say_nothing_are_refused_and_nothing_is_written() {
    let place = Place::new();
    place.write("leads.csv", leads(false));
    let arguments = ["policy", "learn", "--input", "leads.csv", "--labels", "--output", "learned.yaml"];
    let refused = |problem: &str| {
        let ended = place.run(&arguments).expect(2);
        assert!(ended.err.contains(problem), "{problem}: {ended:#?}");
        assert!(!exists(&place.path("learned.yaml")));
    };
    refused("leads.csv: --labels: there is no column `cluster_id`");
    place.write("leads.csv", "id,name,cluster_id\n1,Ann Roe,a\n2,Bob Poe,b\n");
    refused("--labels: no two records have the same `cluster_id`");
    place.write("leads.csv", "id,name,cluster_id\n1,Ann Roe,a\n2,Bob Poe\n");
    refused("leads.csv: nothing is learned from fewer than two records");
    place.write("leads.csv", "shoe,hat\n1,2\n");
    refused("leads.csv: no column is a field of a lead");
}

#[test]
fn labels_show_how_well_the_weights_find_pairs_before_and_after() {
    let place = Place::new();
    place.write("leads.csv", leads(true).replacen("cluster_id", "Cluster ID", 1));
    let learned = place.run(&["policy", "learn", "--input", "leads.csv", "--labels", "--output", "own.yaml"]).expect(0);
    for measure in ["precision", "recall", "F1"] {
        let (shipped, own) = weights(&learned, measure);
        assert!(own > 0.9 && own > shipped, "{measure}: {learned:#?}");
    }
    assert!(!learned.err.contains("worse"), "{learned:#?}");
    let again = place.run(&["policy", "learn", "--input", "leads.csv", "--labels", "--policy", "own.yaml"]).expect(0);
    assert_eq!(weights(&again, "F1").0, weights(&learned, "F1").1, "{again:#?}");
    let without = place.run(&["policy", "learn", "--input", "leads.csv"]).expect(0);
    assert!(!without.out.contains("precision"), "{without:#?}");
}

#[test]
fn lines_of_json_have_labels_too() {
    let place = Place::new();
    let mut lines = String::new();
    let text = leads(true);
    let mut rows = text.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let header = rows.next().expect("a header");
    for row in rows {
        let object: serde_json::Map<_, _> =
            header.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        writeln!(lines, "{}", serde_json::Value::Object(object)).expect("a text");
    }
    place.write("leads.csv", text);
    place.write("leads.jsonl", lines);
    let learn = |input| place.run(&["policy", "learn", "--labels", "--input", input]).expect(0);
    assert_eq!(learn("leads.csv").out, learn("leads.jsonl").out);
}

#[test]
fn the_thresholds_of_a_policy_hold_in_the_purge() {
    let place = Place::new();
    place.write("leads.csv", leads(false));
    place.write("none.yaml", "format: 1\nversion: \"never\"\nmatch_threshold: 1\nreview_threshold: 1\n");
    place.write("wrong.yaml", "format: 1\nversion: \"v\"\nmatching: {hair: {}}\n");
    place.run(&["dedupe", "leads.csv", "--output", "groups.csv", "--policy", "none.yaml"]).expect(0);
    let groups = place.read("groups.csv");
    let groups: Vec<&str> = groups.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.1)).collect();
    assert_eq!(groups.iter().collect::<std::collections::BTreeSet<_>>().len(), groups.len(), "every record is alone");
    let ended = place.run(&["dedupe", "leads.csv", "--output", "groups.csv", "--policy", "wrong.yaml"]).expect(2);
    assert!(ended.err.contains("wrong.yaml:3: matching.hair: unknown key"), "{ended:#?}");
}

#[test]
fn what_is_learned_is_written_over_no_file_that_is_read() {
    let place = Place::new();
    place.write("one.csv", leads(false));
    place.write("two.csv", leads(false));
    place.write("start.yaml", "format: 1\nversion: \"start\"\n");
    let inputs = ["policy", "learn", "--input", "one.csv", "--input", "two.csv", "--policy", "start.yaml"];
    for (output, what) in [
        ("one.csv", "a file that is read"),
        ("./one.csv", "a file that is read"),
        ("two.csv", "a file that is read"),
        ("start.yaml", "the policy that is read"),
    ] {
        let ended = place.run(&[&inputs[..], &["--output", output]].concat()).expect(2);
        assert!(ended.err.contains(&format!("--output: {output} is {what}")), "{ended:#?}");
    }
    assert_eq!((place.read("one.csv"), place.read("two.csv")), (leads(false), leads(false)));
}
