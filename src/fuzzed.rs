//! What must hold for any bytes that reach a parser: they are parsed or refused, what was parsed is parsed again as the same, and
//! nothing shows a value in `Debug`. One function for each target of `fuzz/` (`--cfg fuzzing`); the tests run all of them over the kept
//! corpus and over mutants of it.

use jiff::Timestamp;

use crate::decision::policy::Policy;
use crate::decision::rows::RowClass;
use crate::domain::{
    BirthDate, CompanyName, CountryCode, DomainName, Email, ExternalId, ExternalIdFormat, PersonName, Phone, SourceName,
};
use crate::store::codec;

/// A target: its name, which is that of its corpus, and what it runs.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("email", email),
    ("phone", phone),
    ("person_name", person_name),
    ("company_name", company_name),
    ("domain_name", domain_name),
    ("external_id", external_id),
    ("country", country),
    ("birth_date", birth_date),
    ("policy_file", policy_file),
    ("stored_row", stored_row),
    ("upsert_request", upsert_request),
    ("search_text", search_text),
    ("import_file", import_file),
];

/// An address has one normalised and one canonical form, and a suggestion is an address that needs no other.
pub fn email(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(email) = Email::parse(&text) else { return };
    let again = Email::parse(email.normalized()).expect("the normalised form is an address");
    assert_eq!(again.normalized(), email.normalized());
    let canonical = Email::parse(&email.canonical()).expect("the canonical form is an address");
    assert_eq!(canonical.canonical(), email.canonical());
    assert_eq!(format!("{}@{}", email.local_part(), email.domain()), email.normalized());
    if let Some(suggestion) = email.typo_suggestion() {
        let suggested = Email::parse(&suggestion).expect("a suggestion is an address");
        assert_eq!((suggested.normalized(), suggested.typo_suggestion()), (&*suggestion, None));
    }
    assert_eq!(format!("{email:?}"), "Email([redacted])");
}

/// A number has one key, which its normalised form and the key itself have too. The first byte chooses the region.
pub fn phone(data: &[u8]) {
    const REGIONS: [&str; 12] = ["", "DE", "US", "CA", "GB", "IT", "AR", "BR", "AG", "AQ", "RU", "JE"];
    let Some((choice, text)) = data.split_first() else { return };
    let region = CountryCode::parse(REGIONS[usize::from(*choice) % REGIONS.len()]).ok();
    let Ok(phone) = Phone::parse(&String::from_utf8_lossy(text), region) else { return };
    // National digits say nothing without the country that the text may have named.
    for again in [phone.normalized(), phone.key()].into_iter().filter(|text| text.starts_with('+')) {
        let again = Phone::parse(again, region).expect("a normalised number is a number");
        assert_eq!((again.key(), again.normalized()), (phone.key(), phone.normalized()));
    }
    let keyed = Phone::parse(phone.key(), None).expect("a key is a number anywhere");
    assert_eq!(keyed.key(), phone.key());
    assert_eq!(format!("{phone:?}"), "Phone([redacted])");
}

/// A name is its own equal. Lines are the first, last and full name.
pub fn person_name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let Some(name) = PersonName::from_parts(lines.next(), lines.next(), lines.next()) else { return };
    assert!(name.is_equal_to(&name) && name.family_agrees_with(&name) && name.given_agrees_with(&name));
    assert!(!name.given().is_empty() || !name.family().is_empty());
    assert!(name.given().iter().all(|given| !given.is_empty() && !given.contains(' ')));
    assert_eq!(format!("{name:?}"), "PersonName([redacted])");
}

/// A company's folded name and core fold to themselves.
pub fn company_name(data: &[u8]) {
    let Some(company) = CompanyName::parse(&String::from_utf8_lossy(data)) else { return };
    assert!(!company.core().is_empty() && company.agrees_with(&company));
    if let Some(again) = CompanyName::parse(company.folded()) {
        assert_eq!((again.folded(), again.core()), (company.folded(), company.core()));
    }
    if let Some(again) = CompanyName::parse(company.core()) {
        assert_eq!(again.core(), company.core());
    }
    assert_eq!(format!("{company:?}"), "CompanyName([redacted])");
}

/// A domain parses to itself and ends with its registrable part.
pub fn domain_name(data: &[u8]) {
    let Ok(domain) = DomainName::parse(&String::from_utf8_lossy(data)) else { return };
    assert_eq!(DomainName::parse(domain.as_str()).as_ref(), Ok(&domain));
    assert!(domain.as_str().ends_with(domain.registrable()) && !domain.registrable().is_empty());
    assert_eq!(format!("{domain:?}"), "DomainName([redacted])");
}

/// An id parses to itself. The first byte chooses format and prefix.
pub fn external_id(data: &[u8]) {
    let Some((choice, raw)) = data.split_first() else { return };
    let source = SourceName::parse("crm").expect("a source");
    let format = if choice & 1 == 0 { ExternalIdFormat::Plain } else { ExternalIdFormat::Salesforce };
    let prefix = [None, Some(""), Some("MKTG-"), Some("0")][usize::from(choice >> 1) % 4];
    let parse = |raw: &str| ExternalId::parse(source.clone(), raw, format, prefix);
    let Ok(Some(id)) = parse(&String::from_utf8_lossy(raw)) else { return };
    assert_eq!(parse(id.value()), Ok(Some(id.clone())));
    assert!((1..=100).contains(&id.value().chars().count()) && id.value().trim() == id.value());
    assert_eq!(format!("{id:?}"), "ExternalId(\"crm\", [redacted])");
}

/// A country's code is read as the country.
pub fn country(data: &[u8]) {
    let Ok(country) = CountryCode::parse(&String::from_utf8_lossy(data)) else { return };
    assert_eq!(CountryCode::parse(country.as_str()), Ok(country));
    assert_eq!(country.as_str().len(), 2);
}

/// A date is read as it is shown.
pub fn birth_date(data: &[u8]) {
    let Ok(date) = BirthDate::parse(&String::from_utf8_lossy(data)) else { return };
    assert_eq!(BirthDate::parse(&date.to_string()), Ok(date));
    assert_eq!(format!("{date:?}"), "BirthDate([redacted])");
}

/// A policy file is a policy, or a list of mistakes that each say something.
pub fn policy_file(data: &[u8]) {
    if let Err(mistakes) = crate::config::policy_file::parse(&String::from_utf8_lossy(data)) {
        assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| !mistake.to_string().is_empty()));
    }
}

/// A stored value that can be read is written so that it is read again as the same. The first byte chooses the class; the one behind
/// the last class is the feed.
pub fn stored_row(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    match RowClass::STORED.get(usize::from(*choice) % (RowClass::STORED.len() + 1)) {
        Some(class) => {
            let Ok(row) = codec::decode_row(*class, bytes) else { return };
            assert_eq!(codec::decode_row(*class, &codec::encode_row(&row)).as_ref(), Ok(&row));
        }
        None => {
            let Ok(event) = codec::decode_event(bytes) else { return };
            assert_eq!(codec::decode_event(&codec::encode_event(&event)).as_ref(), Ok(&event));
        }
    }
}

/// A request is a command, or a refusal that names the caller's mistake; what is kept of it is a request that says the same.
pub fn upsert_request(data: &[u8]) {
    crate::grpc::read_any_request(data, &Policy::default(), Timestamp::UNIX_EPOCH);
}

/// A search text is a search, or is refused.
pub fn search_text(data: &[u8]) {
    crate::index::read_any_search(&String::from_utf8_lossy(data));
}

/// A file is rows that end one behind the other, or is refused. The first byte chooses its name.
pub fn import_file(data: &[u8]) {
    let Some((choice, content)) = data.split_first() else { return };
    let ending = if choice & 1 == 0 { "csv" } else { "jsonl" };
    let path = std::env::temp_dir().join(format!("leadgate-fuzz-{}.{ending}", std::process::id()));
    std::fs::write(&path, content).expect("a file can be written");
    crate::cli::read_any_file(&path);
    // What stays behind lies in the temporary folder.
    let _ = std::fs::remove_file(&path);
}

#[cfg(test)]
mod tests;
