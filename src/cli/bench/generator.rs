//! Leads out of nothing: made from a seed and a number, the same ones every time, with every field, unlike each other as real ones are.

use crate::cli::random::Random;
use crate::grpc::proto::LeadInput;

/// Makes leads. Two of one generator never share an external id, email or phone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generator {
    seed: u64,
}

const FIRST_NAMES: [&str; 40] = [
    "Ann", "Maria", "James", "Robert", "Linda", "Michael", "Elena", "David", "Sofia", "Daniel", "Laura", "Thomas",
    "Julia", "Peter", "Nina", "Mark", "Paula", "Stefan", "Carla", "Andrew", "Helen", "George", "Irene", "Victor",
    "Alice", "Henry", "Clara", "Oscar", "Diana", "Felix", "Emma", "Lucas", "Grace", "Martin", "Olivia", "Simon",
    "Teresa", "Walter", "Vera", "Hugo",
];
const SYLLABLES: [&str; 32] = [
    "ba", "bel", "ber", "car", "dan", "der", "dor", "fal", "fen", "gar", "gil", "han", "hol", "jan", "kel", "kor",
    "lan", "lin", "mar", "mon", "nor", "pel", "ran", "ros", "sal", "sen", "tal", "tor", "ven", "wal", "win", "zan",
];
const LEGAL_FORMS: [&str; 6] = ["Inc", "LLC", "Ltd", "Corp", "GmbH", "Group"];
const TITLES: [&str; 8] =
    ["Head of Sales", "CEO", "Buyer", "Marketing Manager", "CTO", "Analyst", "Office Manager", "VP Operations"];
const STREETS: [&str; 6] = ["Main St", "Oak Ave", "River Rd", "Church St", "Lake Ave", "Park Blvd"];
const CITIES: [(&str, &str, &str); 8] = [
    ("New York", "NY", "100"),
    ("Boston", "MA", "021"),
    ("Chicago", "IL", "606"),
    ("Houston", "TX", "770"),
    ("Denver", "CO", "802"),
    ("Seattle", "WA", "981"),
    ("Columbus", "OH", "432"),
    ("San Jose", "CA", "951"),
];
const AREA_CODES: [u64; 32] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234,
    239, 240, 248, 251, 252, 253, 254, 256, 260,
];
const SOURCES: [&str; 5] = ["Web", "Event", "Referral", "Purchased list", "Advertisement"];
const STATUSES: [&str; 4] = ["New", "Working", "Nurturing", "Qualified"];

/// Telephone exchanges in one area code: 200 to 999 without those that end with 11.
const EXCHANGES: u64 = 8 * 99;

/// Telephone numbers in one exchange.
const NUMBERS_PER_EXCHANGE: u64 = 10_000;

impl Generator {
    /// A generator; the same seed makes the same leads.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The lead of this number.
    pub(crate) fn lead(&self, number: u64) -> LeadInput {
        let mut random = Random::new(self.seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let first_name = random.one_of(&FIRST_NAMES);
        let last_name = word(&mut random, 3);
        let company_word = word(&mut random, 3);
        let domain = format!("{}.example", company_word.to_lowercase());
        let (city, state, zip) = random.one_of(&CITIES);
        LeadInput {
            external_id: Some(format!("L-{number}")),
            email: Some(format!("{}.{}.{number}@{domain}", first_name.to_lowercase(), last_name.to_lowercase())),
            phone: Some(phone(number)),
            first_name: Some(first_name.to_owned()),
            last_name: Some(last_name),
            company: Some(format!("{company_word} {}", random.one_of(&LEGAL_FORMS))),
            website: Some(format!("https://www.{domain}")),
            title: Some(random.one_of(&TITLES).to_owned()),
            street: Some(format!("{} {}", 1 + random.below(9_999), random.one_of(&STREETS))),
            city: Some(city.to_owned()),
            state: Some(state.to_owned()),
            postal_code: Some(format!("{zip}{:02}", random.below(100))),
            country: Some("US".to_owned()),
            date_of_birth: Some(date_of_birth(&mut random)),
            lead_source: Some(random.one_of(&SOURCES).to_owned()),
            lead_status: Some(random.one_of(&STATUSES).to_owned()),
            lead_score: Some(random.below(101) as i32),
            attributes: [("utm_campaign".to_owned(), format!("campaign-{}", random.below(50)))].into(),
            pipelines: vec![format!("pipeline-{}", random.below(5))],
            ..LeadInput::default()
        }
    }

    /// The lead of this number as a later report of the same source has it: only its score and status differ.
    pub(crate) fn changed_lead(&self, number: u64, change: u64) -> LeadInput {
        let mut random = Random::new(change);
        LeadInput {
            lead_score: Some(random.below(1_000_000) as i32),
            lead_status: Some(random.one_of(&STATUSES).to_owned()),
            ..self.lead(number)
        }
    }

    /// What is enough to find the lead of this number by exact keys, and its name.
    pub(crate) fn keys_of_lead(&self, number: u64) -> LeadInput {
        let LeadInput { external_id, email, phone, first_name, last_name, country, .. } = self.lead(number);
        LeadInput { external_id, email, phone, first_name, last_name, country, ..LeadInput::default() }
    }

    /// The lead of this number as a stranger's list has it: no key in common, the last name mistyped, the company under another legal form.
    pub(crate) fn like_lead(&self, number: u64) -> LeadInput {
        let LeadInput { first_name, last_name, company, title, city, state, postal_code, country, .. } =
            self.lead(number);
        let company =
            company.as_deref().and_then(|company| company.split(' ').next()).map(|word| format!("{word} Holding"));
        let last_name = last_name.map(|name| with_slip(&name));
        LeadInput { first_name, last_name, company, title, city, state, postal_code, country, ..LeadInput::default() }
    }
}

/// Two letters in the middle exchanged.
fn with_slip(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let middle = letters.len() / 2;
    letters.swap(middle, middle + 1);
    letters.into_iter().collect()
}

fn word(random: &mut Random, syllables: usize) -> String {
    let mut word: String = (0..syllables).map(|_| random.one_of(&SYLLABLES)).collect();
    word[..1].make_ascii_uppercase();
    word
}

/// No two leads have the same, up to some 250 million leads.
fn phone(number: u64) -> String {
    let numbers = EXCHANGES * NUMBERS_PER_EXCHANGE * AREA_CODES.len() as u64;
    // The factor has no divisor in common with their count, so that the numbers are scattered and each is met once.
    let scattered = (number % numbers) * 7_368_787 % numbers;
    let (exchange, within) = (scattered / NUMBERS_PER_EXCHANGE, scattered % NUMBERS_PER_EXCHANGE);
    let area = AREA_CODES[(exchange / EXCHANGES) as usize];
    let (hundreds, rest) = (2 + exchange % EXCHANGES / 99, exchange % 99);
    let rest = if rest < 11 { rest } else { rest + 1 };
    format!("+1{area}{hundreds}{rest:02}{within:04}")
}

fn date_of_birth(random: &mut Random) -> String {
    format!("{}-{:02}-{:02}", 1940 + random.below(65), 1 + random.below(12), 1 + random.below(28))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_lead_is_the_same_every_time_and_shares_no_key_with_another() {
        let generator = Generator::new(7);
        let mut keys = BTreeSet::new();
        for number in (0..5_000).chain(900_000..901_000) {
            let lead = generator.lead(number);
            assert_eq!(lead, Generator::new(7).lead(number));
            for key in [&lead.external_id, &lead.email, &lead.phone] {
                assert!(keys.insert(key.clone()), "{key:?}");
            }
        }
        assert_ne!(generator.lead(1).last_name, Generator::new(8).lead(1).last_name);
    }

    #[test]
    fn every_phone_is_a_valid_number() {
        for number in 0..2_000 {
            let phone = crate::domain::Phone::parse(&phone(number * 104_729), None).expect("a phone");
            assert!(phone.is_valid(), "{}", phone.normalized());
        }
    }

    #[test]
    fn a_changed_lead_has_the_same_keys() {
        let generator = Generator::new(7);
        let (lead, changed) = (generator.lead(3), generator.changed_lead(3, 99));
        assert_ne!(lead, changed);
        assert_eq!((lead.email, lead.phone), (changed.email, changed.phone));
    }
}
