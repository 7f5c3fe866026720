//! `leadgate import --dry-run`: what it tells is what the import does, and it leaves nothing behind.

use std::collections::BTreeSet;

use super::{Place, exists, report};

/// Leads of whom some come again: by their email address, by likeness alone, unchanged, or with a phone that somebody else has as well.
/// No two families have a name in common: rows that meet by way of a third alone are decided in any order.
fn doubled_leads(rows: usize) -> String {
    const NAMES: [&str; 7] =
        ["Papadimitriou", "Wojciechowski", "Oberschmidt", "Karavelas", "Nakashima", "Lindqvist", "Montefiore"];
    let mut text = "id,first_name,last_name,company,email,phone,city\n".to_owned();
    for row in 0..rows {
        let of = row / 10 * 10;
        let last = |row: usize| format!("{}{}", NAMES[row % 7], letters(row));
        let (phone, other) = (format!("+4930{:07}", 1_000_000 + row), format!("+4930{:07}", 2_000_000 + row));
        let first = ["Anna", "Boris", "Clara", "Dmitri"][row % 4];
        text.push_str(&match row % 10 {
            3 => format!("d{row},,,,P{of}@M{of}.example,,Bonn\n"),
            5 => {
                let of = of + 1;
                let first = ["Anna", "Boris", "Clara", "Dmitri"][of % 4];
                format!("w{row},{first},{},Company {of} GmbH,,{other},Bonn\n", last(of))
            }
            7 => format!("{of},,,,p{of}@m{of}.example,,\n"),
            9 => format!("s{row},Quentin,Yarb{},,,+4930{:07},\n", letters(row), 1_000_000 + of + 2),
            _ => format!("{row},{first},{},Company {row},p{row}@m{row}.example,{phone},Bonn\n", last(row)),
        });
    }
    text
}

/// A number as letters.
fn letters(number: usize) -> String {
    const LETTERS: &[u8; 18] = b"aeioubdgklmnprstvz";
    let places = [1, 18, 324].map(|place| char::from(LETTERS[number * 7 % 5_832 / place % 18]));
    places.into_iter().collect()
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
    place.write("leads.csv", doubled_leads(400));
    let server = place.serve(&["--data-dir", "served"]);
    for destination in [&["--data-dir", "own"][..], &["--server", &server.address]] {
        let run = |arguments: &[&str]| place.run(&[&["import", "--source", "crm"], arguments, destination].concat());
        run(&["known.csv", "--report", "known-report.csv"]).expect(0);
        let dry = run(&["leads.csv", "--dry-run", "--report", "dry.csv"]).expect(0);
        assert!(!exists(&place.path("leads.csv.import-state")));
        let done = run(&["leads.csv", "--report", "done.csv"]).expect(0);
        let (dry_rows, done_rows) = (told(&place, "dry.csv"), told(&place, "done.csv"));
        assert_eq!(dry_rows.len(), 400);
        for (dry, done) in dry_rows.iter().zip(&done_rows) {
            assert_eq!(dry, done);
        }
        for status in ["CREATED", "UPDATED", "UNCHANGED"] {
            assert!(done.count(status) > 0 && dry.count(status) == done.count(status), "{status}: {dry:#?}");
        }
        assert!(done.count("matched by FUZZY") >= 30, "{done:#?}");
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
