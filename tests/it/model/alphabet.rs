//! Small alphabets, so that requests meet: few ids, emails, phones and names, every mode.

use std::fmt;

use jiff::Timestamp;

use leadgate::decision::command::{RequestId, UpdateMode, UpsertCommand, UpsertMode};
use leadgate::decision::review::Payload;
use leadgate::decision::tier::MatchTier;
use leadgate::domain::{
    BirthDate, CompanyName, Email, ExternalId, ExternalIdFormat, Field, FieldKey, IncomingLead, IncomingPhone,
    InputNote, LeadId, PersonName, Phone, PhoneKind, Redacted, SourceName, TenantId,
};

/// Sources: two plain ones of different rank, a form, a list and one that only updates.
pub(crate) const SOURCES: [&str; 5] = ["crm", "events", "form", "list", "sync"];
/// Systems to write to.
pub(crate) const TARGETS: [&str; 2] = ["crm", "erp"];
pub(crate) const IDS: [&str; 4] = ["1", "2", "3", "4"];
/// A person's address, the same with a mistyped domain, a role mailbox, and one that the policy lists as shared.
pub(crate) const EMAILS: [&str; 4] = ["ann@gmail.com", "ann@gmial.com", "info@acme.com", "team@acme.com"];
pub(crate) const PHONES: [&str; 3] = ["+14155552671", "+442083661177", "+493012345678"];
/// Two strangers, a variant of the first by initial, and a third stranger.
pub(crate) const NAMES: [(&str, &str); 4] = [("Ann", "Miller"), ("Bob", "Stone"), ("A", "Miller"), ("Carla", "Diaz")];
/// People who are alike: spellings of one, her swapped and married names, her son and his father, a colleague, a stranger.
const NAMES_ALIKE: [(&str, &str); 9] = [
    ("Jane", "Papadimitriou"),
    ("Jayne", "Papadimitrou"),
    ("Papadimitriou", "Jane"),
    ("J.", "Papadimitriou"),
    ("Jane", "Papadimitriou-Weiss"),
    ("Nikos", "Papadimitriou Jr"),
    ("Nikos", "Papadimitriou Sr"),
    ("Karl", "Oberschmidt"),
    ("Jane", "Miller"),
];
/// Her address, a second bearer's of the name, one elsewhere, one of them mistyped, and a role mailbox.
const EMAILS_ALIKE: [&str; 6] = [
    "jane.papadimitriou@acme.example",
    "jane.papadimitriou2@acme.example",
    "papadimitriou@gmail.com",
    "papadimitriou@gmial.com",
    "jpapadimitriou@acme.example",
    "info@acme.example",
];
/// Two of one switchboard and one of another.
const PHONES_ALIKE: [&str; 3] = ["+4930901820", "+4930901821", "+493012345678"];
pub(crate) const COMPANIES: [&str; 2] = ["Acme", "Globex"];

/// A small, seeded source of choices (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Less than `sides`.
    pub(crate) fn below(&mut self, sides: usize) -> usize {
        (self.next() % sides as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn maybe<T: Copy>(&mut self, percent: usize, from: &[T]) -> Option<T> {
        self.percent(percent).then(|| self.pick(from))
    }
}

/// A request before it is parsed, printed when a sequence fails.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Form {
    pub(crate) source: &'static str,
    pub(crate) target: Option<&'static str>,
    /// The lead meant, by its number in the order of creation; a number too high names no lead.
    pub(crate) lead: Option<usize>,
    pub(crate) own_id: Option<&'static str>,
    pub(crate) other_id: Option<(&'static str, &'static str)>,
    pub(crate) email: Option<&'static str>,
    pub(crate) second_email: Option<&'static str>,
    pub(crate) phone: Option<&'static str>,
    pub(crate) mobile: Option<&'static str>,
    pub(crate) name: Option<(&'static str, &'static str)>,
    pub(crate) values: Vec<(Field, &'static str)>,
    pub(crate) attributes: Vec<(&'static str, &'static str)>,
    pub(crate) pipeline: Option<&'static str>,
    pub(crate) mode: UpsertMode,
    pub(crate) update_mode: UpdateMode,
    pub(crate) lookup_field: Option<MatchTier>,
    pub(crate) validate_only: bool,
    pub(crate) request_id: Option<(&'static str, u8)>,
    pub(crate) expected_version: Option<i64>,
    /// Hours; `None` is the time of receipt.
    pub(crate) time: Option<i64>,
    pub(crate) clear: Vec<FieldKey>,
}

/// Which parts of the contract a random sequence touches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// Requests may come without a time of their own.
    pub(crate) times_of_receipt: bool,
    pub(crate) request_ids: bool,
    /// Who is sent is often like somebody without a key in common.
    pub(crate) likeness: bool,
    /// How many ids, emails, phones and names are used: the fewer, the hotter.
    pub(crate) letters: usize,
}

impl Default for Range {
    fn default() -> Self {
        Self { times_of_receipt: false, request_ids: false, likeness: false, letters: 4 }
    }
}

/// Shows what differs from an empty request.
impl fmt::Debug for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = vec![format!("{} at {:?}", self.source, self.time)];
        let mut show = |name: &str, text: String, empty: &str| {
            if text != empty {
                parts.push(format!("{name}={text}"));
            }
        };
        show("mode", format!("{:?}", self.mode), "CreateOrUpdate");
        show("update_mode", format!("{:?}", self.update_mode), "Merge");
        show("lead", format!("{:?}", self.lead), "None");
        show("id", format!("{:?}", self.own_id), "None");
        show("other_id", format!("{:?}", self.other_id), "None");
        show("email", format!("{:?}", self.email), "None");
        show("second_email", format!("{:?}", self.second_email), "None");
        show("phone", format!("{:?}", self.phone), "None");
        show("mobile", format!("{:?}", self.mobile), "None");
        show("name", format!("{:?}", self.name), "None");
        show("values", format!("{:?}", self.values), "[]");
        show("attributes", format!("{:?}", self.attributes), "[]");
        show("pipeline", format!("{:?}", self.pipeline), "None");
        show("clear", format!("{:?}", self.clear), "[]");
        show("lookup", format!("{:?}", self.lookup_field), "None");
        show("expects", format!("{:?}", self.expected_version), "None");
        show("target", format!("{:?}", self.target), "None");
        show("request_id", format!("{:?}", self.request_id), "None");
        show("validate_only", format!("{}", self.validate_only), "false");
        formatter.write_str(&parts.join(", "))
    }
}

impl Form {
    /// A random request.
    pub(crate) fn random(dice: &mut Dice, range: Range) -> Self {
        let phones = &PHONES[..range.letters.min(PHONES.len())];
        let mut form = Self {
            source: dice.pick(&SOURCES),
            own_id: dice.maybe(45, &IDS[..range.letters]),
            email: dice.maybe(55, &EMAILS[..range.letters]),
            phone: dice.maybe(40, phones),
            mobile: dice.maybe(10, phones),
            name: dice.maybe(65, &NAMES[..range.letters]),
            time: Some(dice.below(6) as i64),
            ..Self::default()
        };
        if range.likeness {
            form.add_likeness(dice);
        }
        form.add_identifiers(dice);
        form.add_content(dice);
        form.add_modes(dice, range);
        form
    }

    /// Fewer keys, and more to compare.
    fn add_likeness(&mut self, dice: &mut Dice) {
        self.own_id = self.own_id.filter(|_| dice.percent(60));
        self.email = dice.maybe(35, &EMAILS_ALIKE);
        self.phone = dice.maybe(25, &PHONES_ALIKE);
        self.name = dice.maybe(90, &NAMES_ALIKE);
        let choices: [(Field, &[&'static str]); 4] = [
            (Field::Company, &["Acme Logistics", "ACME Logistics GmbH", "Acme Logistic", "Globex"]),
            (Field::City, &["Bonn", "Köln"]),
            (Field::PostalCode, &["53111", "53113"]),
            (Field::DateOfBirth, &["1980-03-12", "1980-12-03"]),
        ];
        for (field, texts) in choices {
            self.values.extend(dice.maybe(50, texts).map(|text| (field, text)));
        }
    }

    fn add_identifiers(&mut self, dice: &mut Dice) {
        self.lead = dice.percent(8).then(|| dice.below(5));
        if dice.percent(15) {
            self.other_id =
                Some((dice.pick(&["crm", "erp"]), dice.pick(&IDS))).filter(|(source, _)| *source != self.source);
        }
        if self.email.is_some() && dice.percent(8) {
            self.second_email = Some(dice.pick(&EMAILS)).filter(|email| Some(*email) != self.email);
        }
        self.target = dice.maybe(25, &TARGETS);
    }

    fn add_content(&mut self, dice: &mut Dice) {
        let choices: [(Field, &[&'static str]); 5] = [
            (Field::Company, &COMPANIES),
            (Field::Title, &["CEO", "CTO"]),
            (Field::Street, &["Main St 1", "High St 2"]),
            (Field::LeadSource, &["fair", "ad"]),
            (Field::LeadStatus, &["open", "won"]),
        ];
        for (field, texts) in choices {
            let free = self.values.iter().all(|(known, _)| *known != field);
            self.values.extend(dice.maybe(30, texts).filter(|_| free).map(|text| (field, text)));
        }
        self.attributes.extend(dice.maybe(15, &["yes", "no"]).map(|text| ("tier", text)));
        self.attributes.extend(dice.maybe(15, &["true", "false"]).map(|text| ("unsubscribed", text)));
        self.attributes.extend(dice.maybe(8, &["Main St 1"]).map(|text| ("billing_address", text)));
        self.pipeline = dice.maybe(15, &["inbound", "outbound"]);
        if dice.percent(12) {
            let fields =
                [Field::Email, Field::Phone, Field::MobilePhone, Field::Company, Field::Title, Field::LastName];
            self.clear.push(FieldKey::Field(dice.pick(&fields)));
            let present = self.present_fields();
            self.clear.retain(|field| !present.contains(field));
        }
    }

    fn add_modes(&mut self, dice: &mut Dice, range: Range) {
        if dice.percent(45) {
            self.mode = dice.pick(&[
                UpsertMode::CreateOnly,
                UpsertMode::UpdateOnly,
                UpsertMode::CreateDuplicate,
                UpsertMode::CreateDuplicate,
            ]);
        }
        if dice.percent(40) {
            self.update_mode = dice.pick(&[UpdateMode::FillBlanks, UpdateMode::Overwrite, UpdateMode::LinkOnly]);
        }
        self.lookup_field = dice.maybe(20, &self.usable_tiers());
        self.validate_only = dice.percent(6);
        self.expected_version = dice.percent(6).then(|| dice.below(4) as i64);
        if range.times_of_receipt && dice.percent(30) {
            self.time = None;
        }
        if range.request_ids && dice.percent(25) {
            self.request_id = Some((dice.pick(&["r1", "r2", "r3"]), dice.below(2) as u8));
        }
    }

    /// A lookup field needs its value.
    fn usable_tiers(&self) -> Vec<MatchTier> {
        let tiers = [
            (MatchTier::ExternalId, self.own_id.is_some()),
            (MatchTier::Email, self.email.is_some()),
            (MatchTier::Phone, self.phone.is_some()),
        ];
        let usable: Vec<_> = tiers.into_iter().filter(|(_, usable)| *usable).map(|(tier, _)| tier).collect();
        if usable.is_empty() { vec![MatchTier::Fuzzy] } else { usable }
    }

    fn single_values(&self) -> Vec<(Field, &'static str)> {
        let mut values = self.values.clone();
        values.extend(self.email.map(|email| (Field::Email, email)));
        values.extend(self.phone.map(|phone| (Field::Phone, phone)));
        values.extend(self.mobile.map(|phone| (Field::MobilePhone, phone)));
        values.extend(self.name.map(|(first, _)| (Field::FirstName, first)));
        values.extend(self.name.map(|(_, last)| (Field::LastName, last)));
        values
    }

    fn present_fields(&self) -> Vec<FieldKey> {
        let mut fields: Vec<_> = self.single_values().into_iter().map(|(field, _)| FieldKey::Field(field)).collect();
        fields.extend(self.attributes.iter().map(|(name, _)| FieldKey::Attribute((*name).into())));
        fields.extend(self.pipeline.map(|_| FieldKey::Pipelines));
        fields
    }

    /// The request as the product and the model read it; `leads` are the ids created so far.
    pub(crate) fn command(&self, tenant: &TenantId, leads: &[LeadId]) -> UpsertCommand {
        let body = format!("{:?}", Self { request_id: None, validate_only: false, ..self.clone() });
        UpsertCommand {
            tenant: tenant.clone(),
            source: source(self.source),
            target: self.target.map(source),
            lead_id: self.lead.map(|number| leads.get(number).copied().unwrap_or(LeadId::from_bytes([0xAB; 16]))),
            lead: self.incoming(),
            mode: self.mode,
            update_mode: self.update_mode,
            lookup_field: self.lookup_field,
            validate_only: self.validate_only,
            request_id: self.request_id.map(|(id, body)| RequestId { id: id.into(), body_digest: [body; 16] }),
            expected_version: self.expected_version,
            source_update_time: self.time.map(hour),
            clear_fields: self.clear.clone(),
            include_lead: true,
            explain: false,
            payload: Payload(body.into_bytes().into()),
        }
    }

    fn notes(&self) -> Vec<InputNote> {
        let blank = self.own_id.is_none().then_some(InputNote::BlankExternalId);
        let emails = [self.email, self.second_email].into_iter().flatten();
        let typo = |email: &str| readable(email).typo_suggestion();
        let typos = emails.filter_map(typo).map(|suggestion| InputNote::EmailTypo(Redacted(suggestion.into())));
        blank.into_iter().chain(typos).collect()
    }

    fn incoming(&self) -> IncomingLead {
        let own = self.own_id.map(|value| (self.source, value));
        let emails = [self.email, self.second_email].into_iter().flatten();
        let phones = [(self.phone, PhoneKind::Work), (self.mobile, PhoneKind::Mobile)];
        let values = self.single_values();
        let value = |wanted| values.iter().find(|(field, _)| *field == wanted).map(|(_, text)| *text);
        let company = value(Field::Company).and_then(CompanyName::parse);
        let birth_date = value(Field::DateOfBirth).map(|date| BirthDate::parse(date).expect("a date"));
        IncomingLead {
            external_ids: own
                .into_iter()
                .chain(self.other_id)
                .map(|(system, value)| external_id(system, value))
                .collect(),
            emails: emails.map(readable).collect(),
            phones: phones
                .into_iter()
                .filter_map(|(phone, kind)| {
                    Some(IncomingPhone { phone: Phone::parse(phone?, None).expect("a good number"), kind })
                })
                .collect(),
            name: self.name.and_then(|(first, last)| PersonName::from_parts(Some(first), Some(last), None)),
            company,
            birth_date,
            values: values.into_iter().map(|(field, text)| (field, text.into())).collect(),
            attributes: self.attributes.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect(),
            pipelines: self.pipeline.into_iter().map(Into::into).collect(),
            notes: self.notes(),
            ..IncomingLead::default()
        }
    }
}

fn readable(email: &str) -> Email {
    Email::parse(email).expect("a good address")
}

/// A parsed source name.
pub(crate) fn source(name: &str) -> SourceName {
    SourceName::parse(name).expect("a good source name")
}

pub(crate) fn external_id(system: &str, value: &str) -> ExternalId {
    let id = ExternalId::parse(source(system), value, ExternalIdFormat::Plain, None);
    id.expect("a readable id").expect("no placeholder")
}

/// A moment long before any test runs.
pub(crate) fn hour(number: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + number * 3600).expect("a good time")
}
