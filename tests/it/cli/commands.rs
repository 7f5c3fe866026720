//! The commands around a server: match, search, verify, policy check, completions.

use super::{Place, distinct_leads};

/// A folder with the leads `distinct_leads(3)` in `data`.
fn with_leads() -> Place {
    let place = Place::new();
    place.write("crm.csv", distinct_leads(3));
    place.run(&["import", "crm.csv", "--data-dir", "data"]).expect(0);
    place
}

#[test]
fn a_match_tells_which_lead_it_is_and_why() {
    let place = with_leads();
    let arguments = ["match", "--data-dir", "data", "--source", "web"];
    let table =
        place.run(&[&arguments[..], &["--email", "P1@company1.example", "--last-name", "Other"]].concat()).expect(0);
    for expected in ["status      UPDATED", "level       MATCH", "matched by  EMAIL", "external id  crm:1"] {
        let words = expected.split_whitespace().collect::<Vec<_>>();
        let found = table.out.lines().any(|line| line.split_whitespace().collect::<Vec<_>>() == words);
        assert!(found, "{expected}: {table:#?}");
    }
    let json = place
        .run_with_input(&[&arguments[..], &["--output", "json"]].concat(), "{\"E-Mail\": \"p2@company2.example\"}")
        .expect(0);
    let answer: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(answer["decision"]["matched_by"], "EMAIL", "{json:#?}");
    let unknown = place.run_with_input(&arguments, "{\"colour\": \"red\"}").expect(2);
    assert!(unknown.err.contains("no fields of a lead: colour"), "{unknown:#?}");
    let nothing =
        place.run(&[&arguments[..], &["--email", "nobody@example.com", "--output", "jsonl"]].concat()).expect(0);
    assert!(nothing.out.contains("\"status\":\"CREATED\""), "{nothing:#?}");
}

#[test]
fn a_search_finds_leads_by_words() {
    let place = with_leads();
    let table = place.run(&["search", "family2", "company2", "--data-dir", "data"]).expect(0);
    assert!(table.out.contains("Person2 Family2") && table.out.contains("crm:2"), "{table:#?}");
    assert_eq!(table.out.lines().count(), 2, "{table:#?}");
    let lines = place.run(&["search", "inc", "--data-dir", "data", "--output", "jsonl", "--limit", "2"]).expect(0);
    assert_eq!(lines.out.lines().count(), 2, "{lines:#?}");
}

#[test]
fn verify_tells_every_invariant_and_finds_a_damaged_index() {
    let place = with_leads();
    let clean = place.run(&["verify", "--data-dir", "data"]).expect(0);
    for name in ["rows-are-readable", "feed-is-gap-free", "live-leads-are-indexed", "index-is-not-ahead"] {
        let line =
            clean.out.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {clean:#?}"));
        assert!(line.ends_with("ok"), "{line}");
    }
    assert!(clean.out.contains("the index holds 3 leads"), "{clean:#?}");
    let segment = std::fs::read_dir(place.path("data/index"))
        .expect("the index")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "term"))
        .expect("a file of terms");
    let mut content = std::fs::read(&segment).expect("read");
    let middle = content.len() / 2;
    content[middle] ^= 0xff;
    std::fs::write(&segment, content).expect("written");
    let damaged = place.run(&["verify", "--data-dir", "data", "--output", "json"]).expect(1);
    let found: serde_json::Value = serde_json::from_str(&damaged.out).expect("JSON");
    assert_eq!(found["invariants"]["index-is-readable"], 1, "{damaged:#?}");
}

#[test]
fn verify_makes_no_data_folder_and_refuses_a_newer_one() {
    let place = Place::new();
    place.run(&["verify", "--data-dir", "nothing"]).expect(2);
    assert!(!super::exists(&place.path("nothing")));
}

#[test]
fn what_only_reads_refuses_a_folder_without_data_and_makes_none() {
    let place = Place::new();
    for command in
        [&["match", "--email", "a@example.com"][..], &["explain", "--email", "a@example.com"], &["search", "a"]]
    {
        let ended = place.run(&[command, &["--data-dir", "nothing"]].concat()).expect(2);
        assert!(ended.err.contains("nothing is no data folder"), "{ended:#?}");
    }
    assert!(!super::exists(&place.path("nothing")));
}

#[test]
fn a_policy_is_checked() {
    let place = Place::new();
    place.write("good.yaml", "format: 1\nversion: \"7\"\nreview_threshold: 0.6\n");
    let good = place.run(&["policy", "check", "good.yaml"]).expect(0);
    assert!(good.out.starts_with("OK: good.yaml is policy `7`"), "{good:#?}");
    assert!(good.out.lines().any(|line| line.starts_with("review_threshold") && line.ends_with("0.6")), "{good:#?}");
    place.write("bad.yaml", "format: 1\nversion: \"7\"\nreview_threshold: 2\ncolour: red\n");
    let bad = place.run(&["policy", "check", "bad.yaml"]).expect(2);
    let lines: Vec<_> = bad.err.lines().collect();
    assert_eq!(lines.len(), 2, "{bad:#?}");
    assert!(lines[0].starts_with("leadgate: bad.yaml:3: review_threshold: `2` is not allowed"), "{bad:#?}");
    assert!(lines[1].starts_with("leadgate: bad.yaml:4: colour: unknown key"), "{bad:#?}");
    place.run(&["policy", "check", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/policy-example.yaml")]).expect(0);
}

#[test]
fn completions_are_printed_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).expect(0);
        assert!(script.out.contains("leadgate") && script.out.contains("import"), "{shell}");
    }
}

#[test]
fn a_wrong_command_line_is_refused_with_the_code_that_the_help_names() {
    let place = Place::new();
    place.run(&["imprt"]).expect(2);
    place.run(&["import"]).expect(2);
    place.run(&["import", "x.csv", "--map", "a=fax"]).expect(2);
    let help = place.run(&["--help"]).expect(0);
    assert!(help.out.contains("Exit codes:") && help.out.contains("130"), "{help:#?}");
}
