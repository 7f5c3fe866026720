//! What a lead takes of a payload.

use std::collections::BTreeSet;

use jiff::Timestamp;

use leadgate::decision::command::{UpdateMode, UpsertCommand};
use leadgate::decision::name_guard::NameVerdict;
use leadgate::decision::policy::{Channel, OnBulkMatch, Policy, SourcePolicy};
use leadgate::decision::reason::ReasonCode;
use leadgate::decision::tier::MatchTier;
use leadgate::domain::{Email, Field, FieldKey, PhoneKind, SourceName};

use super::matching::{is_role_or_listed, verdict};
use super::state::{Contact, ModelLead, Texts, Value};

/// How values are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    Merge,
    Overwrite,
    FillBlanks(ReasonCode),
    LinkOnly,
}

impl Taking {
    /// A bulk source only fills blanks, whatever it asks for.
    pub(crate) fn of(source: &SourcePolicy, mode: UpdateMode) -> Self {
        let bulk = source.channel == Channel::Bulk && source.on_bulk_match == OnBulkMatch::FillBlanks;
        match mode {
            UpdateMode::LinkOnly => Self::LinkOnly,
            _ if bulk => Self::FillBlanks(ReasonCode::BulkOverwrite),
            UpdateMode::FillBlanks => Self::FillBlanks(ReasonCode::NotBlank),
            UpdateMode::Overwrite => Self::Overwrite,
            UpdateMode::Merge => Self::Merge,
        }
    }
}

/// What was noticed while taking.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) withheld: BTreeSet<(FieldKey, ReasonCode)>,
    pub(crate) reasons: BTreeSet<ReasonCode>,
}

/// A payload on its way into a lead.
pub(crate) struct Update<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) command: &'a UpsertCommand,
    pub(crate) now: Timestamp,
    pub(crate) taking: Taking,
    /// Every other lead.
    pub(crate) others: &'a [ModelLead],
    /// A new lead takes its keys even where others hold them: they become shared.
    pub(crate) shares_keys: bool,
}

impl Update<'_> {
    /// Takes what may be taken.
    pub(crate) fn apply(&self, lead: &mut ModelLead) -> Notes {
        let mut notes = Notes::default();
        self.link_external_ids(lead, &mut notes);
        self.take_emails(lead, &mut notes);
        self.take_phones(lead, &mut notes);
        if self.taking != Taking::LinkOnly {
            self.take_values(lead, &mut notes);
            self.take_pipelines(lead, &mut notes);
            self.clear(lead, &mut notes);
        }
        self.remember_what_was_sent(lead);
        notes
    }

    fn source(&self) -> &SourceName {
        &self.command.source
    }

    fn time(&self) -> Timestamp {
        self.command.source_update_time.unwrap_or(self.now)
    }

    fn link_external_ids(&self, lead: &mut ModelLead, notes: &mut Notes) {
        for id in &self.command.lead.external_ids {
            let known = (id.source().clone(), id.value().to_string());
            if lead.ids.contains(&known) {
                continue;
            }
            if !self.shares_keys && self.others.iter().any(|other| other.ids.contains(&known)) {
                notes.reasons.insert(ReasonCode::ContestedValue);
                continue;
            }
            lead.ids.push(known);
            if lead.ids_of(id.source()).len() > 1 {
                notes.reasons.insert(ReasonCode::SourceHoldsDuplicate);
            }
        }
    }

    fn take_emails(&self, lead: &mut ModelLead, notes: &mut Notes) {
        for (index, email) in self.command.lead.emails.iter().enumerate() {
            let key = email.normalized();
            if self.is_contested(lead, key) {
                if !self.is_no_news(lead, &FieldKey::Field(Field::Email), key) {
                    notes.withheld.insert((FieldKey::Field(Field::Email), ReasonCode::ContestedValue));
                }
                continue;
            }
            add_contact(&mut lead.emails, key, PhoneKind::Other);
            if index == 0 {
                self.take_primary(lead, Field::Email, email.as_given(), key, notes);
            }
        }
    }

    /// A unique email of another lead stays with it.
    fn is_contested(&self, lead: &ModelLead, key: &str) -> bool {
        let holders = self.others.iter().filter(|other| other.emails.iter().any(|email| email.key == key)).count();
        let own = lead.emails.iter().any(|email| email.key == key);
        !self.shares_keys && !own && holders == 1 && !is_role_or_listed(self.policy, key)
    }

    fn take_phones(&self, lead: &mut ModelLead, notes: &mut Notes) {
        let mut taken = BTreeSet::new();
        for phone in &self.command.lead.phones {
            add_contact(&mut lead.phones, phone.phone.key(), phone.kind);
            let field = if phone.kind == PhoneKind::Mobile { Field::MobilePhone } else { Field::Phone };
            if taken.insert(field) {
                self.take_primary(lead, field, phone.phone.as_given(), phone.phone.key(), notes);
            }
        }
    }

    /// The field of a contact, and with it which contact is primary.
    fn take_primary(&self, lead: &mut ModelLead, field: Field, given: &str, key: &str, notes: &mut Notes) {
        let field_key = FieldKey::Field(field);
        let current = primary_key(lead, field);
        let may = match self.taking {
            Taking::LinkOnly => current.is_none() && !self.is_no_news(lead, &field_key, key),
            _ if current.as_deref() == Some(key) => false,
            _ if field == Field::Email && self.is_correction(lead, current.as_deref(), key) => {
                notes.reasons.insert(ReasonCode::EmailCorrected);
                true
            }
            _ => self.may_take(lead, &field_key, key, notes),
        };
        if may {
            self.set(lead, &field_key, given.trim());
            make_primary(lead, field, Some(key));
        }
    }

    /// The address that we would suggest for the mistyped one, from somebody of no other name.
    fn is_correction(&self, lead: &ModelLead, current: Option<&str>, key: &str) -> bool {
        let suggestion = current.and_then(|current| Email::parse(current).ok()?.typo_suggestion());
        suggestion.as_deref() == Some(key) && verdict(lead, self.command) != NameVerdict::Incompatible
    }

    fn take_values(&self, lead: &mut ModelLead, notes: &mut Notes) {
        for (field, text) in &self.command.lead.values {
            if !field.is_contact_point() {
                self.take_value(lead, &FieldKey::Field(*field), text, notes);
            }
        }
        for (name, text) in &self.command.lead.attributes {
            self.take_value(lead, &FieldKey::Attribute(name.clone()), text, notes);
        }
        self.take_implied_lead_source(lead);
    }

    fn take_value(&self, lead: &mut ModelLead, field: &FieldKey, text: &str, notes: &mut Notes) {
        let current = lead.values.get(field).map(|value| value.text.clone());
        if current.as_deref() != Some(text) && self.may_take(lead, field, text, notes) {
            self.set(lead, field, text);
        }
    }

    /// A payload without a lead source says that it came from its source; the first in time stays.
    fn take_implied_lead_source(&self, lead: &mut ModelLead) {
        let field = FieldKey::Field(Field::LeadSource);
        let name = self.source().to_string();
        let earlier =
            |current: &Value| self.taking == Taking::Merge && self.time() < current.time && current.text != name;
        let is_first = lead.values.get(&field).map_or(lead.version == 0, earlier);
        if is_first && !self.command.lead.values.contains_key(&Field::LeadSource) {
            self.set(lead, &field, &name);
        }
    }

    /// Whether precedence lets the payload set the field; what it does not is withheld.
    fn may_take(&self, lead: &ModelLead, field: &FieldKey, text: &str, notes: &mut Notes) -> bool {
        if self.is_no_news(lead, field, text) {
            return false;
        }
        let refusal = self.refusal(lead, field, Some(text));
        notes.withheld.extend(refusal.map(|reason| (field.clone(), reason)));
        refusal.is_none()
    }

    /// What this record last sent, or this system was reported to hold, does not compete.
    fn is_no_news(&self, lead: &ModelLead, field: &FieldKey, text: &str) -> bool {
        let record = (self.source().clone(), self.own_record());
        let holds = |texts: Option<&Texts>| texts.and_then(|texts| texts.get(field)).is_some_and(|known| known == text);
        holds(lead.sent.get(&record)) || holds(lead.reported.get(self.source()))
    }

    fn own_record(&self) -> String {
        self.command.own_external_id().unwrap_or_default().to_string()
    }

    fn refusal(&self, lead: &ModelLead, field: &FieldKey, text: Option<&str>) -> Option<ReasonCode> {
        let rules = self.policy.source(self.source());
        let pinned = self.policy.protect.get(field).is_some_and(|owner| owner != self.source());
        if pinned || rules.denied_fields.contains(field) {
            return Some(ReasonCode::Protected);
        }
        let current = lead.values.get(field)?;
        if let FieldKey::Attribute(name) = field
            && self.policy.most_restrictive.contains(name)
        {
            match (is_yes(&current.text), text.is_some_and(is_yes)) {
                (true, _) => return Some(ReasonCode::Protected),
                (false, true) => return None,
                (false, false) => {}
            }
        }
        match self.taking {
            Taking::FillBlanks(reason) => return Some(reason),
            Taking::LinkOnly => return Some(ReasonCode::NotBlank),
            Taking::Merge | Taking::Overwrite => {}
        }
        if self.taking == Taking::Overwrite {
            return None;
        }
        if *field == FieldKey::Field(Field::LeadSource) {
            return if self.time() < current.time { None } else { Some(ReasonCode::Protected) };
        }
        self.outranked(field, current)
    }

    fn outranked(&self, field: &FieldKey, current: &Value) -> Option<ReasonCode> {
        if self.policy.rank(self.source(), field) < self.policy.rank(&current.source, field) {
            Some(ReasonCode::LowerPrecedence)
        } else if self.time() < current.time {
            Some(ReasonCode::StaleUpdate)
        } else {
            None
        }
    }

    fn set(&self, lead: &mut ModelLead, field: &FieldKey, text: &str) {
        let value = Value { text: text.to_string(), source: self.source().clone(), time: self.time() };
        lead.values.insert(field.clone(), value);
    }

    /// Memberships add up; only an overwrite replaces them.
    fn take_pipelines(&self, lead: &mut ModelLead, notes: &mut Notes) {
        let incoming: BTreeSet<String> = self.command.lead.pipelines.iter().map(ToString::to_string).collect();
        if incoming.is_empty() {
            return;
        }
        let wanted: BTreeSet<String> = match self.taking {
            Taking::Overwrite => incoming,
            _ => lead.pipelines.union(&incoming).cloned().collect(),
        };
        if wanted == lead.pipelines {
            return;
        }
        match self.taking {
            Taking::FillBlanks(reason) if !lead.pipelines.is_empty() => {
                notes.withheld.insert((FieldKey::Pipelines, reason));
            }
            _ => {
                lead.pipelines = wanted;
                lead.pipelines_by = Some((self.source().clone(), self.time()));
            }
        }
    }

    fn clear(&self, lead: &mut ModelLead, notes: &mut Notes) {
        for field in &self.command.clear_fields {
            if !lead.values.contains_key(field) {
                continue;
            }
            if let Some(reason) = self.refusal(lead, field, None) {
                notes.withheld.insert((field.clone(), reason));
                continue;
            }
            lead.values.remove(field);
            if let FieldKey::Field(field) = field
                && field.is_contact_point()
            {
                make_primary(lead, *field, None);
            }
        }
        self.clear_pipelines(lead, notes);
    }

    fn clear_pipelines(&self, lead: &mut ModelLead, notes: &mut Notes) {
        if lead.pipelines.is_empty() || !self.command.clear_fields.contains(&FieldKey::Pipelines) {
            return;
        }
        let held = lead.pipelines_by.clone().map(|(source, time)| Value { text: "pipelines".into(), source, time });
        let mut as_value = lead.clone();
        as_value.values.extend(held.map(|value| (FieldKey::Pipelines, value)));
        if let Some(reason) = self.refusal(&as_value, &FieldKey::Pipelines, None) {
            notes.withheld.insert((FieldKey::Pipelines, reason));
            return;
        }
        lead.pipelines.clear();
        lead.pipelines_by = Some((self.source().clone(), self.time()));
    }

    fn remember_what_was_sent(&self, lead: &mut ModelLead) {
        let record = (self.source().clone(), self.own_record());
        let sent = lead.sent.entry(record).or_default();
        // What only links says nothing about the other fields.
        let considers = |field: &FieldKey| {
            self.taking != Taking::LinkOnly || matches!(field, FieldKey::Field(field) if field.is_contact_point())
        };
        sent.extend(texts_of(self.command).into_iter().filter(|(field, _)| considers(field)));
        for field in &self.command.clear_fields {
            sent.remove(field);
        }
    }

    /// Reasons that only show when the lead before and after are held against each other.
    pub(crate) fn compare_states(
        &self,
        before: &ModelLead,
        after: &ModelLead,
        tier: Option<MatchTier>,
    ) -> BTreeSet<ReasonCode> {
        let mut reasons = BTreeSet::new();
        let old_email = primary_key(before, Field::Email);
        let new_email = primary_key(after, Field::Email);
        if tier == Some(MatchTier::Phone) && old_email.is_some() && new_email.is_some() && old_email != new_email {
            reasons.insert(ReasonCode::EmailChanged);
        }
        let count = |lead: &ModelLead| (lead.ids.len(), lead.emails.len(), lead.phones.len());
        let content = |lead: &ModelLead| (lead.values.clone(), lead.pipelines.clone(), lead.pipelines_by.clone());
        if count(before) != count(after) && content(before) == content(after) {
            reasons.insert(ReasonCode::Linked);
        }
        let texts = texts_of(self.command);
        let told = before.told.get(self.source());
        let echoed = |told: &Texts| texts.iter().all(|(field, text)| told.get(field) == Some(text));
        if before.visible() == after.visible() && !texts.is_empty() && told.is_some_and(echoed) {
            reasons.insert(ReasonCode::Echo);
        }
        reasons
    }
}

/// Every single value of the payload, contacts by their key.
pub(crate) fn texts_of(command: &UpsertCommand) -> Texts {
    let mut texts = Texts::new();
    for (field, text) in &command.lead.values {
        let text = match field {
            Field::Email => Email::parse(text).map_or(text.to_string(), |email| email.normalized().to_string()),
            Field::Phone => phone_key(command, PhoneKind::Work).unwrap_or(text.to_string()),
            Field::MobilePhone => phone_key(command, PhoneKind::Mobile).unwrap_or(text.to_string()),
            _ => text.to_string(),
        };
        texts.insert(FieldKey::Field(*field), text);
    }
    for (name, text) in &command.lead.attributes {
        texts.insert(FieldKey::Attribute(name.clone()), text.to_string());
    }
    texts
}

fn phone_key(command: &UpsertCommand, kind: PhoneKind) -> Option<String> {
    command.lead.phones.iter().find(|phone| phone.kind == kind).map(|phone| phone.phone.key().to_string())
}

fn is_yes(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "yes" | "1" | "y")
}

fn add_contact(contacts: &mut Vec<Contact>, key: &str, kind: PhoneKind) {
    if !contacts.iter().any(|contact| contact.key == key && contact.kind == kind) {
        contacts.push(Contact { key: key.to_string(), kind, primary: false });
    }
}

fn contacts_of(lead: &mut ModelLead, field: Field) -> Vec<&mut Contact> {
    match field {
        Field::Email => lead.emails.iter_mut().collect(),
        Field::MobilePhone => lead.phones.iter_mut().filter(|phone| phone.kind == PhoneKind::Mobile).collect(),
        _ => lead.phones.iter_mut().filter(|phone| phone.kind != PhoneKind::Mobile).collect(),
    }
}

/// The key of the contact that a field shows.
pub(crate) fn primary_key(lead: &ModelLead, field: Field) -> Option<String> {
    let mut lead = lead.clone();
    contacts_of(&mut lead, field).into_iter().find(|contact| contact.primary).map(|contact| contact.key.clone())
}

fn make_primary(lead: &mut ModelLead, field: Field, key: Option<&str>) {
    for contact in contacts_of(lead, field) {
        contact.primary = Some(contact.key.as_str()) == key;
    }
}
