//! `leadgate import --dry-run`: what it tells is what the import does, and it leaves nothing behind.

use std::collections::BTreeSet;

use super::{Place, exists, report};

/// Leads of whom some come again: by their email address, by likeness alone, unchanged, or with a phone that somebody else has as well.
/// Nobody else is like another: rows that meet by way of a third alone are decided in any order.
fn doubled_leads(rows: usize) -> String {
    let mut text = "id,first_name,last_name,company,email,phone,city\n".to_owned();
    for row in 0..rows {
        let of = row / 10 * 10;
        let first = |row: usize| ["Anna", "Boris", "Clara", "Dmitri"][row % 4];
        let (last, company, site) = (|row| word(4 * row), |row| word(4 * row + 1), |row| word(4 * row + 2));
        text.push_str(&match row % 10 {
            3 => format!("d{row},,,,P@{}.Example,,Bonn\n", site(of)),
            5 => {
                let of = of + 1;
                format!("w{row},{},{},{} GmbH,,{},Bonn\n", first(of), last(of), company(of), phone(4 * row + 3))
            }
            7 => format!("{of},,,,p@{}.example,,\n", site(of)),
            9 => format!("s{row},Quentin,{},,,{},\n", last(row), phone(4 * (of + 2))),
            _ => format!(
                "{row},{},{},{},p@{}.example,{},Bonn\n",
                first(row),
                last(row),
                company(row),
                site(row),
                phone(4 * row)
            ),
        });
    }
    text
}

/// A number as a word that is like no other.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "che", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu", "za"];
    let mixed = blake3::hash(&number.to_be_bytes());
    mixed.as_bytes()[..6].iter().map(|byte| SYLLABLES[usize::from(*byte) % 16]).collect()
}

/// A number as a phone number that is like no other.
fn phone(number: usize) -> String {
    format!("+4930{:07}", 1_000_000 + number * 7_654_321 % 8_999_993)
}

/// What a report says but for ids of leads and reviews, which a preview cannot know.
fn told(place: &Place, name: &str) -> Vec<Vec<String>> {
    let without_ids = |row: Vec<String>| [0, 1, 2, 4, 5, 7].map(|column: usize| row[column].clone()).to_vec();
    report(place, name).into_iter().map(without_ids).collect()
}

#[test]
fn a_dry_run_tells_row_by_row_what_the_import_does() {
    let place = Place::new();
    place.write("known.csv", doubled_leads(20));
    // So few that how common values are is not counted anew in between.
    place.write("leads.csv", doubled_leads(180));
    let server = place.serve(&["--data-dir", "served"]);
    for destination in [&["--data-dir", "own"][..], &["--server", &server.address]] {
        let run = |arguments: &[&str]| place.run(&[&["import", "--source", "crm"], arguments, destination].concat());
        run(&["known.csv", "--report", "known-report.csv"]).expect(0);
        let dry = run(&["leads.csv", "--dry-run", "--report", "dry.csv"]).expect(0);
        assert!(!exists(&place.path("leads.csv.import-state")));
        let done = run(&["leads.csv", "--report", "done.csv"]).expect(0);
        let (dry_rows, done_rows) = (told(&place, "dry.csv"), told(&place, "done.csv"));
        assert_eq!(dry_rows.len(), 180);
        for (dry, done) in dry_rows.iter().zip(&done_rows) {
            assert_eq!(dry, done);
        }
        for status in ["CREATED", "UPDATED", "UNCHANGED"] {
            assert!(done.count(status) > 0 && dry.count(status) == done.count(status), "{status}: {dry:#?}");
        }
        assert!(done.count("matched by FUZZY") >= 15, "{done:#?}");
        let known: BTreeSet<String> =
            report(&place, "known-report.csv").into_iter().map(|row| row[3].clone()).collect();
        for row in report(&place, "dry.csv") {
            assert!(row[3].is_empty() || known.contains(&row[3]), "line {} names a lead that is not there", row[0]);
        }
    }
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let place = Place::new();
    place.write("known.csv", "id,email\n1,a@example.com\n");
    place.write("leads.csv", doubled_leads(50));
    let server = place.serve(&["--data-dir", "served"]);
    let run = |arguments: &[&str]| place.run(&[arguments, &["--server", &server.address]].concat());
    run(&["import", "known.csv", "--source", "crm"]).expect(0);
    let first = run(&["import", "leads.csv", "--dry-run", "--output", "json"]).expect(0);
    let second = run(&["import", "leads.csv", "--dry-run", "--output", "json"]).expect(0);
    assert_eq!(first.out, second.out);
    assert_eq!(run(&["search", "Bonn", "--output", "json"]).expect(0).out.trim(), "[]");
}

#[test]
fn a_dry_run_on_a_folder_that_is_not_there_or_empty_makes_no_data() {
    let place = Place::new();
    place.write("leads.csv", doubled_leads(20));
    std::fs::create_dir(place.path("empty")).expect("made");
    std::fs::create_dir(place.path("temporary")).expect("made");
    for folder in ["nothing", "empty"] {
        let mut command = place.command(&["import", "leads.csv", "--dry-run", "--data-dir", folder]);
        let dry = super::ended(command.env("TMPDIR", place.path("temporary")).output().expect("run")).expect(0);
        assert!(dry.count("CREATED") > 0, "{dry:#?}");
    }
    assert!(!exists(&place.path("nothing")));
    for folder in ["empty", "temporary"] {
        assert_eq!(std::fs::read_dir(place.path(folder)).expect("a folder").count(), 0, "{folder}");
    }
}

#[test]
fn a_dry_run_lists_the_rows_that_would_end_on_one_lead() {
    let place = Place::new();
    place.write("known.csv", "id,email\n1,a@example.com\n");
    place.write(
        "leads.csv",
        "id,email,phone\n5,b@example.com,\n1,,+4930901820\n6,c@example.com,\n7,B@example.com,\n,a@example.com,\n",
    );
    let run = |arguments: &[&str]| place.run(&[arguments, &["--source", "crm", "--data-dir", "data"]].concat());
    run(&["import", "known.csv", "--report", "known-report.csv"]).expect(0);
    let lead_id = report(&place, "known-report.csv")[0][3].clone();
    let table = run(&["import", "leads.csv", "--dry-run"]).expect(0);
    let lines: Vec<&str> = table.out.lines().map(str::trim_end).collect();
    let stored = format!("3, 6                              {lead_id}  EMAIL 1, EXTERNAL_ID 1");
    assert!(lines.contains(&stored.as_str()), "{table:#?}");
    assert!(lines.iter().any(|line| line.starts_with("2, 5 ") && line.contains(" new ")), "{table:#?}");
    let json = run(&["import", "leads.csv", "--dry-run", "--output", "json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["rows"], 5);
    assert_eq!(json["groups"][0]["lines"], serde_json::json!([2, 5]));
    assert_eq!(json["groups"][1]["lead_id"], lead_id);
}
