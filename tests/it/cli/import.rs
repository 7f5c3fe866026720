//! `leadgate import`: what becomes of rows, and of files that are none.

use super::{Place, distinct_leads, exists, report};

#[test]
fn the_second_import_of_a_file_changes_nothing() {
    let place = Place::new();
    place.write("crm.csv", distinct_leads(300));
    let first = place.run(&["import", "crm.csv", "--data-dir", "data", "--report", "first.csv"]).expect(0);
    assert_eq!((first.count("CREATED"), first.count("rows")), (300, 300), "{first:#?}");
    let second = place.run(&["import", "crm.csv", "--data-dir", "data", "--report", "second.csv"]).expect(0);
    assert_eq!((second.count("UNCHANGED"), second.count("rows")), (300, 300), "{second:#?}");
    let leads = |name| report(&place, name).into_iter().map(|row| (row[0].clone(), row[1].clone(), row[3].clone()));
    assert!(leads("first.csv").eq(leads("second.csv")), "the same lines, ids and leads");
    assert!(!exists(&place.path("crm.csv.import-state")) && !exists(&place.path("crm.failed.csv")));
    place.run(&["verify", "--data-dir", "data"]).expect(0);
}

#[test]
fn a_report_has_a_row_for_each_row_in_the_order_of_the_file() {
    let place = Place::new();
    place.write(
        "mix.csv",
        "\u{feff}id;E-Mail;Vorname;last name;extra\r\n\
         1;ann@example.com | a.smith@example.com;Ann;Smith;x\r\n\r\n\
         2;a.smith@example.com;Ann;Smith;y\r\n\
         3;\"not\nan address\";;;\r\n\
         4;n/a;Bob;;z\r\n",
    );
    let ended = place
        .run(&[
            "import",
            "mix.csv",
            "--source",
            "crm",
            "--data-dir",
            "data",
            "--map",
            "Vorname=first_name",
            "--report",
            "r.csv",
        ])
        .expect(0);
    let rows = report(&place, "r.csv");
    let shown: Vec<_> = rows.iter().map(|row| format!("{} {} {} {}", row[0], row[1], row[2], row[4])).collect();
    assert_eq!(shown[..2], ["2 1 CREATED ", "4 2 UPDATED EMAIL"], "{ended:#?}");
    assert_eq!((rows[2][0].as_str(), rows[3][0].as_str()), ("5", "7"));
    assert_eq!(rows[0][3], rows[1][3], "both rows are one lead");
    assert_eq!(rows[1][7], "2", "the line of the first row of that lead");
}

#[test]
fn rows_that_fail_are_kept_with_line_and_reason_and_can_be_imported_again() {
    let place = Place::new();
    let mut file = b"id,email,lead_score,colour\n1,a@example.com,7,red\n2,b@example.com,many,blue\n3,c@example.com\n4,\xFF@example.com,1,x\n".to_vec();
    file.extend(format!("5,{}@example.com,1,y\n", "x".repeat(5_000)).bytes());
    place.write("leads.csv", file);
    let ended = place.run(&["import", "leads.csv", "--data-dir", "data"]).expect(1);
    assert_eq!((ended.count("CREATED"), ended.count("FAILED")), (1, 4), "{ended:#?}");
    assert!(ended.err.contains("`colour`") && ended.err.contains("leads.failed.csv"), "{ended:#?}");

    let failed = std::fs::read(place.path("leads.failed.csv")).expect("a dead-letter file");
    let failed = String::from_utf8_lossy(&failed).into_owned();
    let lines: Vec<_> = failed.lines().collect();
    assert_eq!(lines[0], "failed_line,failed_reason,failed_message,id,email,lead_score,colour");
    assert_eq!(lines[1], "3,INVALID_VALUE,lead_score is no whole number of 32 bits,2,b@example.com,many,blue");
    assert_eq!(lines[2], "4,INVALID_VALUE,the row has 2 cells and the header row 4,3,c@example.com");
    assert!(lines[3].starts_with("5,INVALID_VALUE,email is not UTF-8,4,"));
    assert!(lines[4].starts_with("6,IDENTIFIER_LIMIT,lead.email: "), "{}", lines[4]);

    let corrected = format!("{}\n{}\n", lines[0], lines[1].replace("many", "8"));
    place.write("corrected.csv", corrected);
    let ended = place.run(&["import", "corrected.csv", "--source", "leads", "--data-dir", "data"]).expect(0);
    assert_eq!(ended.count("CREATED"), 1, "{ended:#?}");
}

#[test]
fn a_report_that_nobody_wants_goes_to_a_device() {
    let place = Place::new();
    place.write("leads.csv", "id,email,lead_score\n1,a@example.com,7\n2,b@example.com,many\n");
    let devices = ["--report", "/dev/null", "--failed", "/dev/null"];
    let ended = place.run(&[&["import", "leads.csv", "--data-dir", "data"], &devices[..]].concat()).expect(1);
    assert_eq!((ended.count("CREATED"), ended.count("FAILED")), (1, 1), "{ended:#?}");
    assert!(!ended.err.contains("no folder"), "{ended:#?}");
}

#[test]
fn json_lines_are_imported_and_their_failures_kept_as_json_lines() {
    let place = Place::new();
    place.write(
        "leads.jsonl",
        "{\"id\": 1, \"firstName\": \"Ann\", \"email\": [\"a@example.com\", \"b@example.com\"], \"shoe\": 42}\n\
         {\"id\": 2, \"email\": \"b@example.com\", \"attributes\": {\"vip\": true}}\nnonsense\n",
    );
    let ended = place.run(&["import", "leads.jsonl", "--data-dir", "data", "--output", "jsonl"]).expect(1);
    let rows: Vec<serde_json::Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].as_str().unwrap_or_default()).collect();
    assert_eq!(statuses, ["CREATED", "UPDATED", "FAILED"], "{ended:#?}");
    assert!(ended.err.contains("`shoe`"), "{ended:#?}");
    let failed: serde_json::Value = serde_json::from_str(place.read("leads.failed.jsonl").trim()).expect("JSON");
    assert_eq!((failed["failed_line"].as_u64(), failed["extra"].as_str()), (Some(3), Some("nonsense")));
}

#[test]
fn a_dry_run_tells_duplicates_within_the_file_and_writes_nothing() {
    let place = Place::new();
    place.write("leads.csv", "id,email\n1,a@example.com\n2,b@example.com\n3,A@example.com\n");
    for _ in 0..2 {
        let ended =
            place.run(&["import", "leads.csv", "--data-dir", "data", "--dry-run", "--report", "dry.csv"]).expect(0);
        assert_eq!((ended.count("CREATED"), ended.count("UPDATED")), (2, 1), "{ended:#?}");
        assert_eq!(ended.count("same lead as an earlier row"), 1, "{ended:#?}");
        let rows = report(&place, "dry.csv");
        assert_eq!((rows[2][7].as_str(), rows[2][3].as_str()), ("2", ""), "a lead that is not there has no id");
        assert!(ended.out.contains("2, 4 "), "{ended:#?}");
    }
    assert!(!exists(&place.path("data")));
}

#[test]
fn a_file_that_is_none_is_refused_before_anything_is_sent() {
    let place = Place::new();
    for (name, content, arguments, problem) in [
        ("a.csv", &b""[..], &[][..], "is empty"),
        ("a.csv", b"PK\x03\x04", &[], "is an Excel workbook"),
        ("a.csv", b"colour,size\nred,1\n", &[], "no column is a field of a lead (found: colour, size)"),
        ("a.csv", b"\xFF\xFA,id\n", &[], "the header row is not UTF-8"),
        ("a.csv", b"account,organisation\n", &[], "both mean company"),
        ("a.csv", b"id\n1\n", &["--map", "x=email"], "no column `x`"),
        ("a.csv", b"id\n1\n", &["--report", "a.csv"], "is the file that is imported"),
        ("a.csv", b"id\n1\n", &["--failed", "./a.csv"], "is the file that is imported"),
        ("a.csv", b"id\n1\n", &["--failed", "x", "--report", "./x"], "--report: ./x is --failed"),
        ("a.csv", b"id\n1\n", &["--report", "a.failed.csv"], "a.failed.csv is the file for rows that fail"),
        ("a.csv", b"id\n1\n", &["--report", "a.csv.import-state"], "is the note of an interrupted import"),
        ("a.csv", b"id\n1\n", &["--failed", "nowhere/x"], "nowhere/x cannot be written: its folder is not there"),
        ("a.csv", b"id\n1\n", &["--failed", "."], "--failed: . is a folder"),
        ("a.csv", b"7,jane@example.com,Jane\n", &[], "a.csv: the first row looks like a record"),
        ("a.jsonl", b"[1]\n", &[], "does not begin with a JSON object"),
        ("a.jsonl", b"{\"colour\": 1}\n", &[], "no column is a field of a lead"),
    ] {
        place.write(name, content);
        // No server listens there: the file is looked at before.
        let ended = place.run(&[&["import", name, "--server", "127.0.0.1:1"], arguments].concat()).expect(2);
        assert!(ended.err.contains(problem) && !ended.err.contains("jane"), "{problem}: {ended:#?}");
    }
    let missing = place.run(&["import", "missing.csv"]).expect(2);
    assert!(missing.err.contains("missing.csv cannot be read"), "{missing:#?}");
}

#[test]
fn an_import_without_a_server_says_so_at_once() {
    let place = Place::new();
    place.write("leads.csv", "id\n1\n");
    let ended = place.run(&["import", "leads.csv", "--server", "127.0.0.1:1"]).expect(3);
    assert!(ended.err.contains("http://127.0.0.1:1 cannot be reached"), "{ended:#?}");
}
