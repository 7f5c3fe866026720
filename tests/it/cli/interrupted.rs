//! Imports that do not come to their end at once: a slow server, one that dies, and an import that is killed itself.

use std::process::Stdio;

use super::{Ended, Place, Server, distinct_leads, ended, exists, report};

const ROWS: usize = 3_000;

/// Every line once, in order, and every row on a lead of its own.
fn check_report(place: &Place, name: &str) {
    let rows = report(place, name);
    let lines: Vec<_> = rows.iter().map(|row| row[0].parse::<usize>().expect("a line")).collect();
    assert_eq!(lines, (2..ROWS + 2).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row[2] == "CREATED"), "replays say what was first said");
    let leads: std::collections::BTreeSet<_> = rows.iter().map(|row| &row[3]).collect();
    assert_eq!(leads.len(), ROWS);
}

/// As many leads and events as rows: nothing was written twice.
fn check_store(place: &Place, mut server: Server) {
    server.signal("TERM");
    assert_eq!(server.wait(), 0);
    let ended = place.run(&["verify", "--output", "json"]).expect(0);
    let found: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(
        (found["rows"]["lead"].as_u64(), found["rows"]["feed"].as_u64()),
        (Some(ROWS as u64), Some(ROWS as u64))
    );
}

#[test]
fn a_killed_import_goes_on_and_nothing_is_written_twice() {
    let place = Place::new();
    place.write("leads.csv", distinct_leads(ROWS));
    // So slow that the import is still under way when it is killed; it also has to wait when the server says so.
    let server = place.serve(&["--rate-per-second=600"]);
    let arguments = ["import", "leads.csv", "--server", &server.address, "--report", "report.csv"];
    let mut first = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("run");
    let noted_line = || -> u64 {
        let state = std::fs::read(place.path("leads.csv.import-state")).unwrap_or_default();
        serde_json::from_slice::<serde_json::Value>(&state).map_or(0, |state| state["line"].as_u64().unwrap_or(0))
    };
    place.wait_until(|| noted_line() > 1);
    first.kill().expect("killed");
    first.wait().expect("ended");

    let other = place.run(&["import", "leads.csv", "--server", &server.address, "--resume", "--source", "x"]).expect(2);
    assert!(other.err.contains("had another --source"), "{other:#?}");
    let second = place.run(&[&arguments[..], &["--resume"]].concat()).expect(0);
    assert!(second.err.contains("going on behind line"), "{second:#?}");
    assert_eq!((second.count("CREATED"), second.count("rows")), (ROWS as u64, ROWS as u64), "{second:#?}");
    check_report(&place, "report.csv");
    assert!(!exists(&place.path("leads.csv.import-state")));
    check_store(&place, server);
}

#[test]
fn an_import_outlives_its_server() {
    let place = Place::new();
    place.write("leads.csv", distinct_leads(ROWS));
    let mut server = place.serve(&["--rate-per-second=1000"]);
    let arguments = ["import", "leads.csv", "--server", &server.address, "--report", "report.csv"];
    let import = place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run");
    place.wait_until(|| std::fs::metadata(place.path("report.csv")).is_ok_and(|metadata| metadata.len() > 1_000));
    server.signal("KILL");
    server.wait();
    let again = place.serve_on(&server.address, &[]);
    let ended: Ended = ended(import.wait_with_output().expect("ended")).expect(0);
    assert_eq!(ended.count("CREATED"), ROWS as u64, "{ended:#?}");
    check_report(&place, "report.csv");
    check_store(&place, again);
}
