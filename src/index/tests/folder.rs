//! What becomes of an index folder that is not what it was.

use std::fs;
use std::path::{Path, PathBuf};

use crate::decision::blocking::blocks_of_lead;
use crate::decision::comparable::Comparable;
use crate::domain::{Field, LeadId, LinkedBy, TenantId};
use crate::index::{LeadIndex, OpenError, Opened, RebuildReason};

use super::super::schema::FORMAT;
use super::fixtures::{
    document, found, lead, open, publish, settings, sought, with_email, with_external_id, with_phone,
};

const LEADS: u64 = 40;

/// Records every lead again, as the engine does from the feed.
fn replay(opened: &Opened) {
    for number in opened.payload + 1..=LEADS {
        let named = lead(number).with_field(Field::LastName, &format!("Name{}", number % 10));
        opened.index.record(document(number, named, &[number % 5]));
        if number % 7 == 0 {
            publish(&opened.index, number);
        }
    }
    if opened.payload < LEADS {
        publish(&opened.index, LEADS);
    }
}

fn answers(index: &LeadIndex) -> (Vec<u64>, Vec<LeadId>, Vec<LeadId>) {
    let view = index.view();
    let tenant = TenantId::default();
    let candidates = view.candidates(&tenant, sought(&[3]), 1_000).unwrap();
    (found(index, &tenant, "name3"), candidates.lead_ids().collect(), view.live_ids(&tenant).unwrap())
}

fn build(path: &Path) -> (Vec<u64>, Vec<LeadId>, Vec<LeadId>) {
    let opened = open(path);
    replay(&opened);
    let answers = answers(&opened.index);
    opened.index.close();
    answers
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_none_or(|extension| extension != "lock"));
    files.sort();
    files
}

/// Damages each file in turn: the index comes back whole or is rebuilt, and then gives the same answers.
fn damage_each(damage: impl Fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let expected = build(folder.path());
    let mut rebuilt = 0;
    for at in 0..files(folder.path()).len() {
        let Some(file) = files(folder.path()).into_iter().nth(at) else { break };
        damage(&file);
        let opened = open(folder.path());
        rebuilt += u32::from(opened.rebuilt.is_some());
        assert_eq!(opened.rebuilt.is_some(), opened.payload == 0, "{file:?}");
        replay(&opened);
        assert_eq!(answers(&opened.index), expected, "{file:?}");
        opened.index.close();
    }
    assert!(rebuilt > 5, "{rebuilt}");
}

/// Merges go on behind a publication, and whoever opens the folder next must not meet one that ends.
#[test]
fn an_index_that_is_dropped_writes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut sequence = 0;
    for _ in 0..40 {
        let Opened { index, payload, rebuilt } = open(folder.path());
        assert_eq!((payload, rebuilt.is_some()), (sequence, sequence == 0));
        for _ in 0..3 {
            (0..3).for_each(|number| {
                sequence += 1;
                index.record(document(sequence, lead((sequence + number) % 8), &[]));
            });
            publish(&index, sequence);
        }
    }
    assert_eq!(open(folder.path()).index.view().indexed_len(), 8);
}

#[test]
fn a_reopened_index_gives_the_same_answers_and_knows_its_payload() {
    let folder = tempfile::tempdir().unwrap();
    let expected = build(folder.path());
    let opened = open(folder.path());
    assert_eq!((opened.payload, opened.rebuilt), (LEADS, None));
    assert_eq!(answers(&opened.index), expected);
    assert_eq!(opened.index.view().indexed_len(), LEADS);
}

#[test]
fn a_missing_or_empty_folder_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("deep/er"), folder.path().join("deep")] {
        let opened = open(&path);
        assert_eq!((opened.payload, opened.rebuilt), (0, Some(RebuildReason::Missing)));
    }
}

#[test]
fn a_half_deleted_folder_is_rebuilt() {
    damage_each(|file| fs::remove_file(file).unwrap());
}

#[test]
fn a_file_cut_short_is_noticed() {
    damage_each(|file| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    });
}

#[test]
fn an_emptied_file_is_noticed() {
    damage_each(|file| fs::write(file, []).unwrap());
}

#[test]
fn a_changed_byte_is_noticed() {
    damage_each(|file| {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        fs::write(file, bytes).unwrap();
    });
}

#[test]
fn an_index_of_another_format_is_rebuilt() {
    let own = format!("leadgate {FORMAT} 40");
    for (from, to) in [(&*own, "leadgate 1 40"), (&*own, "40"), ("\"blocks\"", "\"locks\"")] {
        let folder = tempfile::tempdir().unwrap();
        let expected = build(folder.path());
        let meta = folder.path().join("meta.json");
        let text = fs::read_to_string(&meta).unwrap();
        assert!(text.contains(from));
        fs::write(&meta, text.replace(from, to)).unwrap();
        let opened = open(folder.path());
        assert_eq!((opened.payload, opened.rebuilt), (0, Some(RebuildReason::OtherFormat)));
        replay(&opened);
        assert_eq!(answers(&opened.index), expected);
    }
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    replay(&opened);
    let expected = answers(&opened.index);
    assert!(matches!(LeadIndex::open(folder.path(), &settings()), Err(OpenError::InUse)));
    let named = lead(99).with_field(Field::LastName, "Last");
    opened.index.record(document(99, named, &[]));
    publish(&opened.index, 99);
    assert_eq!(found(&opened.index, &TenantId::default(), "name3"), expected.0);
}

#[test]
fn an_index_that_fails_is_dropped_and_rebuilt_while_it_goes_on_answering() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(folder.path());
    replay(&opened);
    let expected = answers(&opened.index);
    let index = &opened.index;
    let named = |number, name| document(number, lead(number).with_field(Field::LastName, name), &[]);
    index.record(named(100, "Frozen"));
    index.freeze(100);
    index.record(named(101, "Active"));
    // The next commit cannot write its files.
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(index.publish().is_err());
    let find = |text| found(&opened.index, &TenantId::default(), text);
    assert_eq!((find("name3"), find("frozen"), find("active")), (expected.0.clone(), vec![100], vec![101]));

    index.drop_and_rebuild().unwrap();
    assert_eq!((find("name3"), find("frozen"), find("active")), (vec![], vec![100], vec![101]));
    opened.payload = opened.index.payload();
    replay(&opened);
    assert_eq!(found(&opened.index, &TenantId::default(), "name3"), expected.0);
    assert_eq!(found(&opened.index, &TenantId::default(), "frozen"), [100]);
}

#[test]
fn replaying_what_is_indexed_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let expected = build(folder.path());
    for _ in 0..3 {
        let mut opened = open(folder.path());
        opened.payload = 0;
        replay(&opened);
        assert_eq!(answers(&opened.index), expected);
        assert_eq!(opened.index.payload(), LEADS);
        opened.index.close();
    }
}

#[test]
fn what_an_index_holds_of_a_lead_changes_only_with_its_format() {
    let fields = [
        (Field::FullName, "Dr. Anna-Maria Berg Jr."),
        (Field::Company, "Berg & Sons International GmbH"),
        (Field::Website, "www.berg.example"),
        (Field::Street, "12 Main Street"),
        (Field::City, "K\u{f6}ln"),
        (Field::PostalCode, "50667"),
        (Field::State, "NRW"),
        (Field::Country, "DE"),
        (Field::DateOfBirth, "1980-02-01"),
        (Field::Title, "VP Sales"),
    ];
    let anna = fields.into_iter().fold(lead(1), |lead, (field, value)| lead.with_field(field, value));
    let anna =
        with_external_id(with_phone(with_email(anna, "a.berg@berg.example"), "+49 30 901820", "+4930901820"), "1");
    let mut anna = with_email(anna, "anna@web.example");
    anna.emails[1].linked_by = LinkedBy::Fuzzy;
    let comparable = Comparable::of(&anna);
    let held = (comparable.to_bytes(), comparable.profile.signature().to_bits(), blocks_of_lead(&anna));
    let digest = blake3::hash(format!("{held:?}").as_bytes()).to_hex();
    assert_eq!(
        (FORMAT, &digest[..16]),
        (8, "97a82524e3737ae6"),
        "raise the format: an index must not hold what is read otherwise"
    );
}
