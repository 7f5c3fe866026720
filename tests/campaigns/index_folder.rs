//! The index folder deleted, or half deleted, between two runs: it is made anew, and every answer is the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leadgate::domain::{LeadId, TenantId};
use leadgate::engine::{Engine, EngineSettings, LeadSelector};
use leadgate::store::EmbeddedStore;
use tempfile::TempDir;

use super::chance::Chance;
use super::payloads::payload;

/// What is done to the folder, given its files.
type Damage = fn(&Path, &[PathBuf], &mut Chance);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_index_folder_changes_no_answer() {
    let damages: [(&str, Damage); 7] = [
        ("nothing", |_, _, _| {}),
        ("folder deleted", |folder, _, _| fs::remove_dir_all(folder).expect("a folder to delete")),
        ("emptied", |_, files, _| files.iter().for_each(|file| delete(file))),
        ("half of the files deleted", |_, files, chance| some(files, chance, 0.5).iter().for_each(|file| delete(file))),
        ("one file deleted", |_, files, chance| delete(chance.pick::<PathBuf>(files))),
        ("half of the files cut short", |_, files, chance| some(files, chance, 0.5).iter().for_each(|file| cut(file))),
        ("meta.json deleted", |folder, _, _| delete(&folder.join("meta.json"))),
    ];
    let place = TempDir::new().expect("a folder");
    let mut chance = Chance::new(7);
    let mut engine = open(place.path()).await;
    for (round, (name, damage)) in damages.iter().cycle().take(2 * damages.len()).enumerate() {
        write(&engine, round).await;
        let answers = Answers::of(&engine).await;
        engine.drain().await;
        drop(engine);
        let folder = place.path().join("index");
        damage(&folder, &files_of(&folder), &mut chance);
        engine = open(place.path()).await;
        assert_eq!(Answers::of(&engine).await, answers, "after {name}");
    }
    engine.drain().await;
}

async fn open(data_dir: &Path) -> Arc<Engine<EmbeddedStore>> {
    let settings = EngineSettings::new(data_dir);
    tokio::task::spawn_blocking(|| Engine::open(settings)).await.expect("no panic").expect("an engine")
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn some(files: &[PathBuf], chance: &mut Chance, share: f64) -> Vec<PathBuf> {
    files.iter().filter(|_| chance.of(share)).cloned().collect()
}

fn delete(file: &Path) {
    fs::remove_file(file).expect("a file to delete");
}

fn cut(file: &Path) {
    let length = fs::metadata(file).expect("a file").len();
    fs::OpenOptions::new().write(true).open(file).and_then(|file| file.set_len(length / 2)).expect("a file to cut");
}

const FAMILIES: [&str; 4] = ["Lee", "Roe", "Kaya", "Smith"];
const COMPANIES: [&str; 3] = ["Acme", "Globex", "Initech"];

/// New leads, and changes of old ones.
async fn write(engine: &Arc<Engine<EmbeddedStore>>, round: usize) {
    for number in 0..40 {
        let (family, company) = (FAMILIES[number % 4], COMPANIES[number % 3]);
        let id = if number < 30 { 100 * round + number } else { number };
        let text = format!("crm: id={id} email=p{id}@x.com first=Ann{id} last={family} company={company}_{round}");
        engine.upsert(payload(&text)).await.expect("an answer");
    }
}

/// What a client sees.
#[derive(Debug, PartialEq)]
struct Answers {
    found: Vec<(String, Vec<LeadId>)>,
    matched: Vec<Option<LeadId>>,
    got: Vec<Option<(LeadId, i64)>>,
}

impl Answers {
    async fn of(engine: &Arc<Engine<EmbeddedStore>>) -> Self {
        let tenant = TenantId::default();
        let mut answers = Self { found: Vec::new(), matched: Vec::new(), got: Vec::new() };
        let words = FAMILIES.iter().chain(&COMPANIES).map(ToString::to_string);
        for text in words.chain(["ann", "ann10", "lee acme", "globex 3", "p131"].map(String::from)) {
            let page = engine.search(&tenant, &text, 1000, 0).await.expect("a page");
            let mut ids: Vec<LeadId> = page.items.iter().map(|lead| lead.lead_id).collect();
            ids.sort_unstable();
            answers.found.push((text, ids));
        }
        for id in (0..1400).step_by(13) {
            let matched = engine.match_lead(payload(&format!("web: email=p{id}@x.com"))).await.expect("an answer");
            answers.matched.push(matched.outcome.decision.lead_id);
            let got = engine.get_lead(&tenant, LeadSelector::Email(format!("p{id}@x.com").into())).await;
            answers.got.push(got.expect("an answer").map(|found| (found.lead.lead_id, found.lead.version)));
        }
        answers
    }
}
