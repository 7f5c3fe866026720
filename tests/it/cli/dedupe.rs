//! `leadgate dedupe`: a file in, groups out, nothing left behind.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::{Place, exists};

const LEADS: &str = "\
id,first_name,last_name,email,phone,company,city
1,Ann,Papadaki,ann.papadaki@acme.example,+30 210 1234567,Acme GmbH,Athens
2,Anna,Papadaki,a.papadaki@gmail.com,0030 210 1234567,ACME,Athens
3,Ann,Papadaki,ann.papadaki2@acme.example,,Acme,Athens
4,Bob,Roe,bob.roe@initech.example,+1 212 555 0187,Initech,New York
5,Robert,Roe,bob.roe@initech.example,,Initech Inc,New York
6,Carla,Roe,carla.roe@initech.example,+1 212 555 0199,Initech,New York
";

/// What strangers are called.
const SYLLABLES: [&str; 17] =
    ["ba", "ko", "ri", "tu", "ve", "no", "shi", "gra", "plo", "mun", "del", "fis", "wex", "jaq", "zor", "hul", "cyp"];

/// The leads above among five hundred strangers: what is rare is told by what is common.
fn file() -> String {
    let strangers = (0..500).map(|number| {
        let city = ["Athens", "New York", "Oslo", "Lima"][number % 4];
        let word = |salt: u64| {
            let hash = (number as u64 + 1).wrapping_mul(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            [16, 24, 32, 40].map(|shift| SYLLABLES[(hash >> shift) as usize % SYLLABLES.len()]).concat()
        };
        format!("s{number},{},{},{}@mail.example,,{} Co,{city}\n", word(7), word(13), word(37), word(91))
    });
    LEADS.to_owned() + &strangers.collect::<String>()
}

fn groups(place: &Place, name: &str) -> BTreeMap<String, String> {
    let content = place.read(name);
    let rows = content.lines().skip(1).filter_map(|line| line.split_once(','));
    rows.map(|(id, group)| (id.to_owned(), group.to_owned())).collect()
}

#[test]
fn the_duplicates_of_a_file_are_grouped_and_the_second_bearer_of_a_name_is_not() {
    let place = Place::new();
    place.write("leads.csv", file());
    let ended = place.run(&["dedupe", "leads.csv", "--output", "groups.csv", "--pairs", "pairs.csv"]).expect(0);
    let groups = groups(&place, "groups.csv");
    assert_eq!(groups.len(), 506, "every record has a row: {ended:#?}");
    let group = |id: &str| groups[id].as_str();
    assert_eq!((group("1"), group("2"), group("3")), ("1", "1", "2"), "{ended:#?}");
    assert_eq!((group("4"), group("5"), group("6")), ("3", "3", "4"), "{ended:#?}");
    let united: Vec<_> = (0..500).filter(|number| group(&format!("s{number}")) != (number + 5).to_string()).collect();
    assert!(united.is_empty(), "strangers: {united:?}");
    let left: Vec<_> =
        std::fs::read_dir(place.path(".")).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 3, "the file, the groups and the pairs: {left:?}");
}

#[test]
fn what_a_pair_says_adds_up_and_shows_no_value() {
    let place = Place::new();
    place.write("leads.csv", file());
    place.run(&["dedupe", "leads.csv", "--output", "groups.csv", "--pairs", "pairs.csv"]).expect(0);
    let pairs = place.read("pairs.csv");
    assert!(!pairs.contains("Papadaki") && !pairs.contains('@'), "{pairs}");
    for row in pairs.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let number = |cell: &str| cell.parse::<f64>().expect("a number");
        let weights = cells[6].split("; ").filter_map(|said| said.rsplit_once(' ')).map(|(_, weight)| number(weight));
        let sum = number(cells[4]) + number(cells[5]) + weights.sum::<f64>();
        assert!((sum - number(cells[3])).abs() < 0.5, "rounded to a tenth each: {row}");
        assert!(number(cells[2]) >= 0.7, "{row}");
    }
}

#[test]
fn a_report_stands_on_its_own_and_escapes_every_value() {
    let place = Place::new();
    let content = file()
        .replace("Anna,Papadaki", "Anna <script>alert(1)</script>,Papadaki")
        .replace("Initech Inc", "\"Init & \"\"Co\"\"\"");
    place.write("leads.csv", content);
    let arguments = ["dedupe", "leads.csv", "--output", "groups.csv", "--pairs", "pairs.csv"];
    place.run(&arguments).expect(0);
    let before = (place.read("groups.csv"), place.read("pairs.csv"));
    place.run(&[&arguments[..], &["--report", "report.html"]].concat()).expect(0);
    assert_eq!((place.read("groups.csv"), place.read("pairs.csv")), before, "a report changes nothing else");
    let page = place.read("report.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    for expected in [
        "<h1>Duplicates in leads.csv</h1>",
        "<tr><td>records</td><td class=\"number\">506</td></tr>",
        "review 0.7<",
        "match 0.85<",
        "<h2>The largest groups</h2>",
        "Group 1: 2 records",
        "Anna &lt;script&gt;alert(1)&lt;/script&gt; Papadaki",
        "Init &amp; &quot;Co&quot;",
        "<h2>Pairs that match by a hair</h2>",
        ">last_name</text>",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    for outside in ["<script", "href", "src=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}\n{page}");
    }
    assert!(!exists(&place.path("report.html.part")));
    let refused = place.run(&[&arguments[..], &["--report", "pairs.csv"]].concat()).expect(2);
    assert!(refused.err.contains("--report: pairs.csv is --pairs"), "{refused:#?}");
}

#[test]
fn the_order_of_rows_changes_no_group() {
    let place = Place::new();
    place.write("leads.csv", file());
    let mut lines: Vec<String> = file().lines().map(str::to_owned).collect();
    lines[1..].reverse();
    place.write("turned.csv", lines.join("\n"));
    place.run(&["dedupe", "leads.csv", "--output", "groups.csv"]).expect(0);
    place.run(&["dedupe", "turned.csv", "--output", "turned-groups.csv"]).expect(0);
    let members = |name| {
        let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
        groups(&place, name).into_iter().for_each(|(id, group)| members.entry(group).or_default().push(id));
        members.into_values().collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(members("groups.csv"), members("turned-groups.csv"));
}

#[test]
fn records_without_an_id_or_with_the_same_one_are_grouped_by_what_they_say() {
    let place = Place::new();
    let content = file().replacen("\n2,Anna", "\n6,Anna", 1).replacen("\n3,Ann", "\n,Ann", 1);
    place.write("leads.csv", content);
    place.run(&["dedupe", "leads.csv", "--output", "groups.csv"]).expect(0);
    let groups = place.read("groups.csv");
    let first: Vec<&str> = groups.lines().take(7).collect();
    assert_eq!(first, ["id,group_id", "1,1", "6,1", "line 4,2", "4,3", "5,3", "6,4"]);
}

/// The ids of the groups that a file of this name and content ends in, with what was said.
fn ids(name: &str, content: impl AsRef<[u8]>, code: i32) -> (Vec<String>, String) {
    let place = Place::new();
    place.write(name, content);
    let ended = place.run(&["dedupe", name, "--output", "groups.csv"]).expect(code);
    let groups = place.read("groups.csv");
    let ids = groups.lines().skip(1).filter_map(|row| row.rsplit_once(',')).map(|(id, _)| id.to_owned());
    (ids.collect(), ended.err)
}

#[test]
fn a_row_that_cannot_be_read_keeps_its_id_and_one_without_an_id_takes_no_other() {
    let csv = b"id,name,email\n1,Ann Roe,\n2,Ann Roe\n3,\xFF,\n,Ann Roe,\n\xFF,Ann Roe,\n4,Ann Roe,x,y\n";
    assert_eq!(ids("leads.csv", csv, 1).0, ["1", "2", "3", "line 5", "line 6", "4"]);
    let jsonl = "{\"id\": 3, \"name\": \"Ann Roe\"}\n{\"uid\": 9, \"id\": 1, \"company\": {}}\n{broken\n{\"name\": \"Ann Roe\"}\n";
    assert_eq!(ids("leads.jsonl", jsonl, 1).0, ["3", "1", "line 3", "line 4"]);
    assert_eq!(ids("blank.csv", "id,name\n,Ann Roe\n", 0).0, ["line 2"]);
    assert_eq!(ids("none.csv", "name,email\nAnn Roe,a@example.com\nBob Roe\n", 1).0, ["2", "3"]);
    assert_eq!(ids("none.jsonl", "{\"name\": \"Ann Roe\"}\n{broken\n", 1).0, ["1", "2"]);
}

#[test]
fn what_is_not_compared_is_told_by_line_and_column_and_never_by_value() {
    let mut content = "id,email,phone,lead_score,shoe\n1,a@example.com,,7,42\n1,not an address,12,,\n".to_owned();
    for id in 2..14 {
        content.push_str(&format!("{id},secret{id}@example.com\n"));
    }
    content.push_str("14,,,secret,\n");
    let (ids, said) = ids("leads.csv", content, 1);
    assert_eq!(ids.len(), 15);
    for expected in [
        "not compared, because they are no fields of a lead (use --map): `shoe`",
        "values that are not what their field holds and are not compared: email 1, phone 1",
        "1 ids are given to more than one record",
        "13 rows could not be read and stand alone:",
        "line 4: INVALID_VALUE: the row has 2 cells and the header row 5",
        "and 3 more",
    ] {
        assert!(said.lines().any(|line| line == expected), "{expected}: {said}");
    }
    assert!(!said.contains("line 14:") && !said.contains("secret"), "{said}");
}

#[test]
fn what_a_policy_says_of_sources_refuses_no_row_of_a_file() {
    let place = Place::new();
    place.write("leads.csv", file().replacen("\n3,", "\n,", 1));
    for rules in [
        "unknown_sources: refuse\nsources: {crm: {}}\n",
        "default_source: {blank_external_id: require}\n",
        "sources: {file: {blank_external_id: require, denied_fields: [phone]}}\n",
    ] {
        place.write("policy.yaml", format!("format: 1\nversion: \"v\"\n{rules}"));
        let arguments = ["dedupe", "leads.csv", "--output", "groups.csv", "--policy", "policy.yaml"];
        place.run(&arguments).expect(0);
        let groups = groups(&place, "groups.csv");
        assert_eq!((groups["1"].as_str(), groups["2"].as_str()), ("1", "1"), "{rules}");
    }
}

#[test]
fn a_record_that_was_entered_hundreds_of_times_is_one() {
    let place = Place::new();
    let rows = |id: char, rest: &str| (0..350).map(|number| format!("{id}{number},{rest}\n")).collect::<String>();
    let by_phone = rows('p', "Max,Power,,+1 212 555 0101,,New York");
    let by_name = rows('n', "Jane,Miller,,,,Oslo");
    let of_function = rows('f', "Jim,Carter,info@umbrella.example,,,Lima");
    let by_email = rows('e', "John,Smith,john.smith@gmail.com,,Globex,Oslo");
    place.write("leads.csv", file() + &by_email + &by_phone + &by_name + &of_function);
    let ended = place.run(&["dedupe", "leads.csv", "--output", "groups.csv", "--pairs", "pairs.csv"]).expect(0);
    assert!(format!("{ended:?}").contains("698 records repeat another one whole"), "{ended:#?}");
    let groups = groups(&place, "groups.csv");
    let groups_of = |id: char| {
        let mut groups: Vec<&String> = (0..350).map(|number| &groups[&format!("{id}{number}")]).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.len()
    };
    // A name alone, and a mailbox that several use, may be as many people's.
    assert_eq!(['e', 'p', 'n', 'f'].map(groups_of), [1, 1, 350, 350]);
    let pairs = place.read("pairs.csv");
    let with_first = |id: char| pairs.lines().filter(|row| row.starts_with(&format!("{id}0,{id}"))).count();
    assert_eq!((with_first('e'), with_first('p')), (349, 349));
}

#[test]
fn no_output_is_the_file_that_is_read_nor_another_output() {
    let place = Place::new();
    place.write("leads.csv", LEADS);
    place.write("x.part", LEADS);
    let refused = |arguments: &[&str], message: &str| {
        let ended = place.run(&[&["dedupe"], arguments].concat()).expect(2);
        assert!(ended.err.contains(message), "{ended:#?}");
    };
    refused(&["leads.csv", "--output", "./leads.csv"], "--output: ./leads.csv is the file that is read");
    refused(&["x.part", "--output", "x"], "--output: x.part is the file that is read");
    refused(&["leads.csv", "--output", "g.csv", "--pairs", "leads.csv"], "--pairs: leads.csv is the file that is read");
    refused(&["leads.csv", "--output", "g.csv", "--pairs", "./g.csv"], "--pairs: ./g.csv is --output");
    place.run(&["dedupe", "leads.csv", "--output", "/dev/null", "--pairs", "/dev/null"]).expect(0);
    assert_eq!((place.read("leads.csv"), place.read("x.part")), (LEADS.to_owned(), LEADS.to_owned()));
    assert!(!exists(&place.path("g.csv")));
}

#[test]
fn a_file_that_is_none_is_refused_and_nothing_is_written() {
    let place = Place::new();
    place.write("leads.xlsx", b"PK\x03\x04rest");
    let ended = place.run(&["dedupe", "leads.xlsx", "--output", "groups.csv"]).expect(2);
    assert!(ended.err.contains("Excel"), "{ended:#?}");
    assert!(!exists(&place.path("groups.csv")) && !exists(&place.path("groups.csv.part")));
    place.write("leads.csv", LEADS);
    let ended = place.run(&["dedupe", "leads.csv", "--output", "nowhere/groups.csv"]).expect(6);
    assert!(ended.err.contains("nowhere/groups.csv cannot be written"), "{ended:#?}");
    place.write("odd.csv", "shoe,hat\n1,2\n");
    let ended = place.run(&["dedupe", "odd.csv", "--output", "groups.csv"]).expect(2);
    assert!(ended.err.contains("odd.csv: "), "{ended:#?}");
}

#[test]
fn an_interrupted_purge_leaves_no_half_a_file() {
    let place = Place::new();
    place.write("leads.csv", LEADS);
    assert!(Command::new("mkfifo").arg(place.path("pipe")).status().expect("run").success());
    // Nobody reads from the pipe, so the command waits there; the file is like one that it has begun.
    place.write("pairs.csv.part", "id_a,id_b");
    let mut command = place.command(&["dedupe", "leads.csv", "--output", "pipe", "--pairs", "pairs.csv"]);
    let mut purge = command.stderr(Stdio::null()).spawn().expect("run");
    place.wait_until(|| catches_interrupts(purge.id()));
    let status = Command::new("kill").args(["-s", "INT", &purge.id().to_string()]).status().expect("kill");
    assert!(status.success());
    assert_eq!(purge.wait().expect("ended").code(), Some(130));
    assert!(!exists(&place.path("pairs.csv.part")));
}

/// Whether a process does something about SIGINT, which is the second of the signals.
fn catches_interrupts(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("the signals it catches");
    u64::from_str_radix(caught.trim(), 16).expect("a mask") & 0b10 != 0
}
