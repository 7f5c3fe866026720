//! Likeness under concurrency: two payloads of one person, without any key in common, at the same instant from two connections.
//!
//! `LEADGATE_LIKE_PAIRS` sets how many pairs (200 by default) and `LEADGATE_LIKE_ROUNDS` how often, each time with new people (3).

use std::sync::Arc;
use std::time::Instant;

use leadgate::grpc::proto::{LeadInput, MatchTier, UpsertRequest, UpsertResponse, UpsertStatus};
use tempfile::TempDir;
use tokio::sync::{Barrier, Semaphore};

use super::chance::Chance;
use super::kept::{live_leads, verify};
use super::launch::{Hooks, Launch};
use super::server::Server;
use super::size;
use super::wire::{Dedup, Meaning, meaning, upsert};

/// Pairs that are under way at once: every one of them is two calls at one instant.
const PAIRS_AT_A_TIME: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_payloads_of_one_person_become_one_lead() {
    campaign("like pairs", Race::TwoNew, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_payloads_of_one_person_become_one_lead_without_locks() {
    campaign("like pairs, locks off", Race::TwoNew, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_that_becomes_like_a_new_one_is_found_or_finds_it() {
    campaign("a stored lead becomes like a new one", Race::StoredMoves, true).await;
}

/// Who meets whom.
#[derive(Clone, Copy, PartialEq)]
enum Race {
    /// Two payloads of somebody who is not known.
    TwoNew,
    /// A new payload, and an update of a stored lead that makes it like that one.
    StoredMoves,
}

async fn campaign(name: &str, race: Race, key_locks: bool) {
    let place = TempDir::new().expect("a folder");
    let hooks = (!key_locks).then(|| Hooks { key_locks, ..Hooks::default() });
    let server = Server::start(&Launch { hooks, ..Launch::on(place.path()) }).await;
    let sides = [Dedup::new(server.channel().await), Dedup::new(server.channel().await)];
    let (pairs, rounds) = (size("LEADGATE_LIKE_PAIRS", 200_u64), size("LEADGATE_LIKE_ROUNDS", 3_u64));
    let began = Instant::now();
    let room = Arc::new(Semaphore::new(PAIRS_AT_A_TIME));
    let mut met = Vec::new();
    for number in 0..pairs * rounds {
        let turn = Arc::clone(&room).acquire_owned().await.expect("an open semaphore");
        let sides = sides.clone();
        met.push(tokio::spawn(async move {
            let firsts = Person::new(number).meet(race, sides).await;
            drop(turn);
            firsts
        }));
    }
    let mut reviewed = 0;
    for pair in met {
        reviewed += u64::from(pair.await.expect("a pair that is as it should be"));
    }
    server.stop().await;
    println!("{name}: {} pairs in {:.1?}, {reviewed} reviews", pairs * rounds, began.elapsed());
    verify(place.path());
    let leads = live_leads(place.path()).len() as u64;
    match race {
        Race::TwoNew => assert_eq!((leads, reviewed), (pairs * rounds, 0), "one lead for each pair"),
        Race::StoredMoves => {
            assert_eq!(leads, pairs * rounds + reviewed, "one lead for each pair, but for those in review");
        }
    }
}

/// Somebody like whom there is nobody else.
struct Person {
    number: u64,
    first: (&'static str, &'static str),
    last: String,
    company: String,
    city: String,
}

/// A given name and what else its bearer may be called.
const FIRST_NAMES: [(&str, &str); 8] = [
    ("Robert", "Bob"),
    ("Margaret", "Peggy"),
    ("William", "Bill"),
    ("Katherine", "Kate"),
    ("Jane", "Jane"),
    ("Alexander", "Alex"),
    ("Olivia", "O."),
    ("Thomas", "Tomas"),
];

impl Person {
    fn new(number: u64) -> Self {
        let mut chance = Chance::new(number + 1);
        Self {
            number,
            first: FIRST_NAMES[usize::try_from(number % 8).expect("a small number")],
            last: word(&mut chance, 5),
            company: word(&mut chance, 5),
            city: word(&mut chance, 4),
        }
    }

    fn at_work(&self) -> LeadInput {
        LeadInput {
            external_id: Some(format!("c{}", self.number)),
            email: Some(format!("{}@{}.com", self.last.to_lowercase(), self.company.to_lowercase())),
            first_name: Some(self.first.0.to_owned()),
            last_name: Some(self.last.clone()),
            company: Some(format!("{} Logistics", self.company)),
            city: Some(self.city.clone()),
            ..LeadInput::default()
        }
    }

    fn elsewhere(&self) -> LeadInput {
        LeadInput {
            external_id: Some(format!("w{}", self.number)),
            phone: Some(format!("+49301{:07}", self.number)),
            first_name: Some(self.first.1.to_owned()),
            last_name: Some(self.mistyped()),
            company: Some(format!("{} Logistics GmbH", self.company.to_uppercase())),
            city: Some(self.city.clone()),
            ..LeadInput::default()
        }
    }

    /// Every third time the last two letters are exchanged.
    fn mistyped(&self) -> String {
        let (head, tail) = self.last.split_at(self.last.len() - 2);
        if self.number.is_multiple_of(3) {
            format!("{head}{}", tail.chars().rev().collect::<String>())
        } else {
            self.last.clone()
        }
    }

    /// Sends both at once, and checks what came of it. Returns whether a review was opened.
    async fn meet(self, race: Race, [one, other]: [Dedup; 2]) -> bool {
        let first = upsert("crm", self.at_work());
        if race == Race::StoredMoves {
            let known = LeadInput {
                external_id: first.lead.as_ref().and_then(|lead| lead.external_id.clone()),
                first_name: Some(self.first.0.to_owned()),
                last_name: Some(self.last.clone()),
                ..LeadInput::default()
            };
            let stored = insist(one.clone(), upsert("crm", known)).await;
            assert_eq!(stored.status(), UpsertStatus::Created, "pair {}", self.number);
        }
        let barrier = Arc::new(Barrier::new(2));
        let (first, second) = tokio::join!(
            at_once(one, first, Arc::clone(&barrier)),
            at_once(other, upsert("web", self.elsewhere()), barrier)
        );
        self.check(race, &first, &second)
    }

    fn check(&self, race: Race, first: &UpsertResponse, second: &UpsertResponse) -> bool {
        let said = format!("pair {}: {first:?} and {second:?}", self.number);
        let mut statuses = [first.status(), second.status()];
        statuses.sort_unstable();
        if race == Race::StoredMoves && second.status() == UpsertStatus::Created {
            // The new one was first: two live leads, and somebody is asked about them.
            let conflict = first.decision.as_ref().and_then(|decision| decision.conflicts.first()).expect(&said);
            assert_eq!((conflict.tier(), &conflict.lead_id), (MatchTier::Fuzzy, &second.lead_id), "{said}");
            assert!(!first.review_id.is_empty(), "{said}");
            return true;
        }
        let expected = match race {
            Race::TwoNew => [UpsertStatus::Created, UpsertStatus::Updated],
            Race::StoredMoves => [UpsertStatus::Updated, UpsertStatus::Updated],
        };
        assert_eq!(statuses, expected, "{said}");
        assert_eq!(first.lead_id, second.lead_id, "{said}");
        assert!(first.review_id.is_empty() && second.review_id.is_empty(), "{said}");
        false
    }
}

async fn at_once(client: Dedup, request: UpsertRequest, barrier: Arc<Barrier>) -> UpsertResponse {
    barrier.wait().await;
    insist(client, request).await
}

/// The answer, however often the server says to come again.
async fn insist(mut client: Dedup, request: UpsertRequest) -> UpsertResponse {
    loop {
        let status = match client.upsert(request.clone()).await {
            Ok(response) => return response.into_inner(),
            Err(status) => status,
        };
        let Meaning::ComeAgain(delay) = meaning(&status) else { panic!("{status:?}") };
        tokio::time::sleep(delay).await;
    }
}

/// A word of so many syllables out of a thousand, so that hardly two people's are alike.
fn word(chance: &mut Chance, syllables: usize) -> String {
    const ONSETS: [&str; 20] =
        ["b", "br", "d", "dr", "f", "g", "gl", "h", "k", "kr", "l", "m", "n", "p", "r", "s", "st", "t", "v", "z"];
    const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];
    const CODAS: [&str; 10] = ["", "n", "r", "l", "s", "m", "k", "t", "nd", "rt"];
    let mut text = String::new();
    for _ in 0..syllables {
        text += ONSETS[usize::try_from(chance.below(20)).expect("small")];
        text += VOWELS[usize::try_from(chance.below(5)).expect("small")];
        text += CODAS[usize::try_from(chance.below(10)).expect("small")];
    }
    text[..1].to_uppercase() + &text[1..]
}
