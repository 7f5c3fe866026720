//! Leads of the benchmark: lead `n` is the same in every run, has every usual field, and shares its company with a few others.

use crate::grpc::proto::LeadInput;

const GIVEN: [&str; 24] = [
    "Anna", "Bruno", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Klara", "Lukas", "Maria",
    "Niklas", "Olivia", "Paul", "Rosa", "Simon", "Teresa", "Ursula", "Viktor", "Wanda", "Xaver", "Yvonne",
];

const FAMILY: [&str; 24] = [
    "Abel", "Brandt", "Castro", "Dietrich", "Engel", "Fischer", "Garcia", "Hofmann", "Ivanov", "Jansen", "Keller",
    "Lindner", "Meyer", "Novak", "Oliveira", "Peters", "Quast", "Richter", "Sauer", "Thomas", "Ullmann", "Vogel",
    "Weber", "Zimmer",
];

const CITY: [&str; 8] = ["Berlin", "Bonn", "Hamburg", "Munich", "Leipzig", "Dresden", "Bremen", "Kiel"];

/// A number that looks random and is the same every time (splitmix64, Steele, Lea and Flood 2014).
pub(super) fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick<'a>(list: &[&'a str], random: u64) -> &'a str {
    let index = random % list.len() as u64;
    list[usize::try_from(index).unwrap_or_default()]
}

/// The keys of lead `n`, and a name: what a caller looks somebody up by.
pub(super) fn keys_of_lead(number: u64) -> LeadInput {
    let random = scramble(number);
    let (given, family) = (pick(&GIVEN, random), pick(&FAMILY, random >> 8));
    LeadInput {
        external_id: Some(format!("c-{number}")),
        email: Some(format!("{given}.{family}.{number}@company{}.com", number / 5)),
        phone: Some(format!("+4930{:08}", 10_000_000 + number % 80_000_000)),
        first_name: Some(given.to_owned()),
        last_name: Some(format!("{family}{}", random % 997)),
        ..LeadInput::default()
    }
}

/// Lead `n` whole.
pub(super) fn lead(number: u64) -> LeadInput {
    let random = scramble(number ^ 0xffff);
    LeadInput {
        company: Some(format!("Company {} GmbH", number / 5)),
        website: Some(format!("https://www.company{}.com", number / 5)),
        title: Some("Head of Purchasing".to_owned()),
        street: Some(format!("Lange Straße {}", random % 200)),
        city: Some(pick(&CITY, random >> 16).to_owned()),
        postal_code: Some(format!("{:05}", random % 100_000)),
        country: Some("DE".to_owned()),
        ..keys_of_lead(number)
    }
}
