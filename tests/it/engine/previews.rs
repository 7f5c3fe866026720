//! Batches of previews: what they tell is what a real batch would do, and nothing of it stays.

use leadgate::decision::command::{UpsertCommand, UpsertMode};
use leadgate::decision::outcome::UpsertStatus;
use leadgate::decision::tier::MatchTier;
use leadgate::engine::{Answer, RequestError, Unborn};

use super::Fixture;
use super::payloads::payload;

fn preview(text: &str) -> UpsertCommand {
    UpsertCommand { validate_only: true, ..payload(text) }
}

/// The answers to a batch, item by item, in its order; the reference of an item is its place.
async fn run(fixture: &Fixture, commands: Vec<UpsertCommand>) -> Vec<Result<Answer, RequestError>> {
    let mut batch = fixture.engine.begin_batch();
    let mut answers = Vec::new();
    // As many at a time as a stream decides.
    for (chunk, commands) in commands.chunks(256).enumerate() {
        let submit = |(place, command): (usize, &UpsertCommand)| {
            batch.submit((chunk * 256 + place).to_string().into(), command.clone())
        };
        let items: Vec<_> = commands.iter().enumerate().map(submit).collect();
        for item in items {
            answers.push(item.await);
        }
    }
    answers
}

/// What a caller is told of one item, but for ids.
fn told(answer: &Result<Answer, RequestError>) -> (UpsertStatus, Option<MatchTier>, Option<String>) {
    let answer = answer.as_ref().expect("an answer");
    let same_as = answer.same_as_client_ref.as_deref().map(str::to_owned);
    (answer.outcome.status, answer.outcome.decision.matched_by, same_as)
}

const FIRST: [&str; 8] = ["Anna", "Boris", "Clara", "Dmitri", "Elena", "Farid", "Greta", "Hassan"];
const LAST: [&str; 9] = [
    "Papadimitriou",
    "Wojciechowski",
    "Oberschmidt",
    "Karavelas",
    "Nakashima",
    "Lindqvist",
    "Montefiore",
    "Zvonimirov",
    "Achterberg",
];

/// A lead of a file in which every fifth is a duplicate: of an email address, of nothing but likeness, word by word, or by a phone that a
/// colleague shares.
fn lead(number: usize) -> String {
    let person = |number: usize| {
        let (first, last) = (FIRST[number % 8], LAST[number / 8 % 9]);
        format!("first={first} last={last}{} company=Company_{number}_{last} city=Bonn", letters(number))
    };
    let of = number / 20 * 20;
    match number % 20 {
        4 => format!("crm: id=d{number} email=P{of}@M{of}.example title=CFO"),
        9 => format!("web: id=w{number} phone=+4930{:07} {}", 2_000_000 + number, person(of + 1)),
        14 => format!("crm: id={} email=p{}@m{}.example {}", of + 2, of + 2, of + 2, person(of + 2)),
        19 => format!("crm: id=s{number} phone=+4930{:07} first=Quentin last=Yarbrough", 1_000_000 + of + 3),
        _ => format!(
            "crm: id={number} email=p{number}@m{number}.example phone=+4930{:07} {}",
            1_000_000 + number,
            person(number)
        ),
    }
}

/// A number as letters, so that names differ.
fn letters(mut number: usize) -> String {
    let mut text = String::new();
    for _ in 0..4 {
        text.push(char::from(b"aeioubdgklmnprstvz"[number % 18]));
        number /= 18;
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_previews_tells_what_the_batch_would_do_and_leaves_nothing() {
    let (fixture, real) = (Fixture::new(), Fixture::new());
    for fixture in [&fixture, &real] {
        // What is stored already counts as well.
        for number in [20, 43, 61] {
            fixture.engine.upsert(payload(&lead(number))).await.expect("an answer");
        }
    }
    let before = fixture.engine.statistics().last_sequence;
    let texts: Vec<String> = (0..600).map(lead).collect();
    let previewed = run(&fixture, texts.iter().map(|text| preview(text)).collect()).await;
    let done = run(&real, texts.iter().map(|text| payload(text)).collect()).await;
    for (place, (previewed, done)) in previewed.iter().zip(&done).enumerate() {
        assert_eq!(told(previewed), told(done), "{}", texts[place]);
    }
    let fuzzy = done.iter().filter(|answer| told(answer).1 == Some(MatchTier::Fuzzy)).count();
    let updated = done.iter().filter(|answer| told(answer).0 == UpsertStatus::Updated).count();
    assert!(fuzzy >= 25 && updated >= 50, "{fuzzy} by likeness, {updated} updated");
    assert_eq!(fixture.engine.statistics().last_sequence, before);
    let again = run(&fixture, vec![preview(&lead(0))]).await;
    assert_eq!(told(&again[0]).0, UpsertStatus::Created, "the next batch sees nothing of it");
}

#[tokio::test]
async fn leads_that_are_only_previewed_are_named_as_such() {
    let fixture = Fixture::new();
    let stored = fixture.engine.upsert(payload("crm: id=9 phone=+4930901820")).await.expect("an answer");
    let rows = [
        "crm: id=1 email=a@x.com",
        "web: email=a@x.com title=CEO",
        "web: id=7 email=a@x.com phone=+4930901820",
        "crm: id=9 title=CTO",
    ];
    let answers = run(&fixture, rows.iter().map(|text| preview(text)).collect()).await;
    let answers: Vec<Answer> = answers.into_iter().map(|answer| answer.expect("an answer")).collect();
    let (made, stored) = (answers[0].outcome.lead_id.expect("a lead"), stored.outcome.lead_id.expect("a lead"));
    for answer in &answers[..3] {
        assert_eq!(answer.unborn.lead_ids, [made]);
    }
    assert_eq!(answers[3].outcome.lead_id, Some(stored));
    assert_eq!(answers[3].unborn, Unborn::default());
    assert!(answers[2].outcome.decision.conflicts.iter().any(|conflict| conflict.lead_id == stored));
    assert_eq!(answers[2].same_as_client_ref.as_deref(), Some("0"));
}

#[tokio::test]
async fn previews_that_hold_too_much_are_refused_until_their_batch_has_ended() {
    let fixture = Fixture::with(|settings| settings.preview_memory_bytes = 200_000);
    for _ in 0..2 {
        let answers = run(&fixture, (0..1_000).map(|number| preview(&lead(number))).collect()).await;
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!((20..900).contains(&done), "{done}");
        let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
        for error in refused {
            assert!(matches!(error, RequestError::PreviewsFull { limit_bytes: 200_000 }), "{error}");
        }
    }
    let written = fixture.engine.upsert(payload(&lead(0))).await;
    assert_eq!(written.expect("an answer").outcome.status, UpsertStatus::Created, "writes go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_previews_that_share_a_blocking_key_are_held_in_few_bytes() {
    const HALF: usize = 4_000;
    let fixture = Fixture::new();
    // One city for everybody, and one company for every fourth.
    let text = |number: usize| {
        let (first, last) = (FIRST[number % 8], letters(number));
        let company = if number.is_multiple_of(4) { "Acme_Logistics".to_owned() } else { format!("{last}_{number}") };
        format!("crm: id={number} first={first} last={last}{last} company={company} city=Bonn")
    };
    let mut batch = fixture.engine.begin_batch();
    for half in 0..2 {
        for chunk in 0..HALF / 250 {
            let numbers = (0..250).map(|place| half * HALF + chunk * 250 + place);
            let items: Vec<_> =
                numbers.map(|number| batch.submit(number.to_string().into(), preview(&text(number)))).collect();
            for item in items {
                item.await.expect("an answer");
            }
        }
    }
    let each = fixture.engine.statistics().preview_bytes / (2 * HALF);
    assert!((100..2_000).contains(&each), "{each} bytes of each row");
    drop(batch);
    let after = fixture.engine.statistics();
    assert_eq!((after.preview_bytes, after.last_sequence), (0, 0), "it ends without a trace");
}

#[tokio::test]
async fn what_earlier_items_made_common_says_less_of_later_ones() {
    let fixture = Fixture::new();
    let namesake = |number: usize| {
        let place = letters(number);
        let text = format!("crm: id={number} first=Jane last=Papadimitriou company={place}_Trading city={place}ville");
        UpsertCommand { mode: UpsertMode::CreateDuplicate, ..preview(&text) }
    };
    let place = letters(1_000);
    let probe = UpsertCommand {
        explain: true,
        ..preview(&format!("web: first=Jayne last=Papadimitriou company={place}_Trade city={place}ville"))
    };
    let mut batch = fixture.engine.begin_batch();
    let mut ask = async |command| batch.submit("item".into(), command).await.expect("an answer").outcome.decision;
    ask(namesake(1_000)).await;
    let early = ask(probe.clone()).await.candidates[0].weight;
    for number in 0..200 {
        ask(namesake(number)).await;
    }
    let late = ask(probe).await.candidates[0].weight;
    assert!(late < early - 5.0, "{early} bits among few, {late} among two hundred of the name");
}
