//! Writing a payload's values into a lead under survivorship, field by field.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::decision::command::{UpdateMode, UpsertCommand};
use crate::decision::digest::DigestKey;
use crate::decision::evidence::Names;
use crate::decision::name_guard::NameVerdict;
use crate::decision::outcome::Withheld;
use crate::decision::policy::Policy;
use crate::decision::reason::{Reason, ReasonCode};
use crate::decision::survivorship::{Claimant, may_replace};
use crate::domain::{DigestMap, Field, FieldKey, FieldValue, Lead, SentRecord, SourceName};

use super::add_reason;

/// A lead while a payload is written into it: copied when the first thing of it changes, for most payloads change nothing.
pub(super) struct LeadEdit<'a> {
    pub(super) lead: Cow<'a, Lead>,
    pub(super) policy: &'a Policy,
    pub(super) claimant: Claimant<'a>,
    pub(super) digests: &'a DigestKey,
    /// What the payload's own record sent last, and what its system was reported to hold: repeating either is no change.
    known: [Option<&'a DigestMap>; 2],
    pub(super) changed: BTreeSet<FieldKey>,
    pub(super) withheld: Vec<Withheld>,
}

/// A value of the payload, as given and as compared.
pub(super) struct IncomingValue<'a> {
    pub(super) key: FieldKey,
    pub(super) given: &'a str,
    pub(super) compared: &'a str,
}

impl<'a> LeadEdit<'a> {
    pub(super) fn new(
        before: &'a Lead,
        command: &'a UpsertCommand,
        policy: &'a Policy,
        digests: &'a DigestKey,
        now: Timestamp,
        bulk: bool,
    ) -> Self {
        let claimant = Claimant {
            source: &command.source,
            time: command.source_update_time.unwrap_or(now),
            mode: command.update_mode,
            bulk,
        };
        let known = known_values(before, &command.source, command.own_external_id().unwrap_or_default());
        let lead = Cow::Borrowed(before);
        Self { lead, policy, claimant, digests, known, changed: BTreeSet::new(), withheld: Vec::new() }
    }

    /// Whether this record sent the same value last, or its system was reported to hold it.
    pub(super) fn is_repeated(&self, value: &IncomingValue<'_>) -> bool {
        if self.known.iter().flatten().all(|known| known.is_empty()) {
            return false;
        }
        let digest = self.digests.value(&value.key, value.compared);
        self.known.iter().flatten().any(|known| known.get(&value.key) == Some(&digest))
    }

    /// Sets every plain field, attribute and the pipelines; contact points are identifiers and go first.
    pub(super) fn apply_values(&mut self, command: &UpsertCommand) {
        if self.claimant.mode == UpdateMode::LinkOnly {
            return;
        }
        let named = Names::of_incoming(&command.lead).compare(&Names::of_lead(&self.lead));
        for (field, text) in &command.lead.values {
            if !field.is_contact_point() {
                let value = IncomingValue { key: FieldKey::Field(*field), given: text, compared: text };
                let otherwise = if named == NameVerdict::Incompatible { self.named_otherwise(*field) } else { None };
                self.apply_against(&value, otherwise);
            }
        }
        for (name, text) in &command.lead.attributes {
            self.apply(&IncomingValue { key: FieldKey::Attribute(name.clone()), given: text, compared: text });
        }
        self.imply_lead_source(command);
        self.apply_pipelines(&command.lead.pipelines);
        for field in &command.clear_fields {
            self.clear(field);
        }
    }

    /// A payload without a lead source says that it came from its source; the first in time stays, in whatever order they arrive.
    fn imply_lead_source(&mut self, command: &UpsertCommand) {
        let key = FieldKey::Field(Field::LeadSource);
        let source = self.claimant.source.clone();
        let merges = self.claimant.mode == UpdateMode::Merge && !self.claimant.bulk;
        let is_first = self
            .lead
            .fields
            .get(&Field::LeadSource)
            .is_some_and(|current| self.claimant.time < current.update_time && *current.value != *source.as_str());
        let may_write = self.policy.may_write(&source, &key);
        if merges && is_first && may_write && !command.lead.values.contains_key(&Field::LeadSource) {
            self.set(&key, source.as_str());
        }
    }

    /// What says somebody's name where the field does not: another name is not put beside it as if there were none.
    fn named_otherwise(&self, field: Field) -> Option<FieldValue> {
        let others: &[Field] = match field {
            Field::FirstName | Field::LastName => &[Field::FullName],
            Field::FullName => &[Field::LastName, Field::FirstName],
            _ => return None,
        };
        others.iter().find_map(|other| self.lead.fields.get(other)).cloned()
    }

    /// Sets one value, or says why not.
    fn apply(&mut self, value: &IncomingValue<'_>) {
        self.apply_against(value, None);
    }

    /// The same where something else stands for a blank field.
    fn apply_against(&mut self, value: &IncomingValue<'_>, otherwise: Option<FieldValue>) {
        let current = self.current(&value.key).or(otherwise.map(Cow::Owned));
        if current.as_deref().is_some_and(|current| *current.value == *value.given) || self.is_repeated(value) {
            return;
        }
        match may_replace(self.policy, self.claimant, &value.key, current.as_deref(), value.given) {
            Ok(()) => self.set(&value.key, value.given),
            Err(reason) => self.withhold(&value.key, value.given, reason),
        }
    }

    pub(super) fn set(&mut self, key: &FieldKey, given: &str) {
        let value =
            FieldValue { value: given.into(), source: self.claimant.source.clone(), update_time: self.claimant.time };
        match key {
            FieldKey::Field(field) => drop(self.lead.to_mut().fields.insert(*field, value)),
            FieldKey::Attribute(name) => drop(self.lead.to_mut().attributes.insert(name.clone(), value)),
            FieldKey::Pipelines => {}
        }
        self.changed.insert(key.clone());
    }

    pub(super) fn withhold(&mut self, key: &FieldKey, incoming: &str, reason: ReasonCode) {
        let current = self.current(key);
        let (kept, source) = current.map(|value| (value.value.clone(), value.source.clone())).unzip();
        self.withheld.push(Withheld {
            field: key.clone(),
            incoming: incoming.into(),
            kept: kept.unwrap_or_default(),
            source,
            reason,
        });
    }

    pub(super) fn current(&self, key: &FieldKey) -> Option<Cow<'_, FieldValue>> {
        match key {
            FieldKey::Field(field) => self.lead.fields.get(field).map(Cow::Borrowed),
            FieldKey::Attribute(name) => self.lead.attributes.get(name).map(Cow::Borrowed),
            FieldKey::Pipelines => self.current_pipelines().map(Cow::Owned),
        }
    }

    /// Pipelines are memberships: they add up, and only an overwrite replaces them.
    fn apply_pipelines(&mut self, incoming: &[Box<str>]) {
        if incoming.is_empty() {
            return;
        }
        let replaces = self.claimant.mode == UpdateMode::Overwrite && !self.claimant.bulk;
        let kept = if replaces { &[] } else { &*self.lead.pipelines };
        let wanted: BTreeSet<Box<str>> = kept.iter().chain(incoming).cloned().collect();
        if wanted == self.lead.pipelines.iter().cloned().collect() {
            return;
        }
        match self.may_add_pipelines() {
            Ok(()) => self.set_pipelines(wanted.into_iter().collect()),
            Err(reason) => self.withhold(&FieldKey::Pipelines, &incoming.join(", "), reason),
        }
    }

    /// One more membership overwrites nobody's, so that neither rank nor age speaks against it.
    fn may_add_pipelines(&self) -> Result<(), ReasonCode> {
        let claimant = Claimant { mode: UpdateMode::Overwrite, ..self.claimant };
        let claimant = if self.claimant.mode == UpdateMode::FillBlanks { self.claimant } else { claimant };
        may_replace(self.policy, claimant, &FieldKey::Pipelines, self.current_pipelines().as_ref(), "")
    }

    fn current_pipelines(&self) -> Option<FieldValue> {
        let (source, update_time) =
            self.lead.pipelines_provenance.clone().filter(|_| !self.lead.pipelines.is_empty())?;
        Some(FieldValue { value: self.lead.pipelines.join(", ").into(), source, update_time })
    }

    fn set_pipelines(&mut self, pipelines: Vec<Box<str>>) {
        let lead = self.lead.to_mut();
        lead.pipelines = pipelines;
        lead.pipelines_provenance = Some((self.claimant.source.clone(), self.claimant.time));
        self.changed.insert(FieldKey::Pipelines);
    }

    /// Clears a field under precedence. A cleared email or phone stays as an alias.
    fn clear(&mut self, key: &FieldKey) {
        let Some(current) = self.current(key) else { return };
        if let Err(reason) = may_replace(self.policy, self.claimant, key, Some(&current), "") {
            return self.withhold(key, "", reason);
        }
        match key {
            FieldKey::Field(field) => drop(self.lead.to_mut().fields.remove(field)),
            FieldKey::Attribute(name) => drop(self.lead.to_mut().attributes.remove(name)),
            FieldKey::Pipelines => self.set_pipelines(Vec::new()),
        }
        self.demote_primary(key);
        self.changed.insert(key.clone());
    }

    fn demote_primary(&mut self, key: &FieldKey) {
        let FieldKey::Field(field) = key else { return };
        let points = match field {
            Field::Email => &mut self.lead.to_mut().emails,
            Field::Phone | Field::MobilePhone => &mut self.lead.to_mut().phones,
            _ => return,
        };
        let mobile = *field == Field::MobilePhone;
        for point in points {
            let of_field = *field == Field::Email || (point.kind == crate::domain::PhoneKind::Mobile) == mobile;
            point.primary &= !of_field;
        }
    }

    /// One reason for each code that something was withheld for.
    pub(super) fn add_withheld_reasons(&self, reasons: &mut Vec<Reason>) {
        for withheld in &self.withheld {
            add_reason(reasons, Reason::from(withheld.reason).with("field", withheld.field.to_string()));
        }
    }

    /// Notes what this record sent, so that it does not compete when it sends the same again. A field that the request did not
    /// consider was not sent, and one that it cleared no longer stands as sent.
    pub(super) fn remember_sent(&mut self, command: &UpsertCommand, values: &DigestMap) {
        if values.is_empty() && command.clear_fields.is_empty() {
            return;
        }
        let links_only = self.claimant.mode == UpdateMode::LinkOnly;
        let is_contact = |key: &FieldKey| matches!(key, FieldKey::Field(field) if field.is_contact_point());
        let considered = |key: &FieldKey| !links_only || is_contact(key);
        let [sent, _] = self.known;
        let is_news = |(key, digest)| considered(key) && sent.and_then(|sent| sent.get(key)) != Some(digest);
        let is_cleared = |key: &FieldKey| sent.is_some_and(|sent| sent.contains_key(key));
        if !values.iter().any(is_news) && !command.clear_fields.iter().any(is_cleared) && sent.is_some() {
            return;
        }
        let record = command.own_external_id().unwrap_or_default();
        let system = self.lead.to_mut().system_mut(&command.source);
        let index = system.sent.iter().position(|sent| *sent.record == *record).unwrap_or_else(|| {
            system.sent.push(SentRecord { record: record.into(), values: DigestMap::new() });
            system.sent.len() - 1
        });
        let sent = &mut system.sent[index].values;
        let news = values.iter().filter(|(key, _)| considered(key));
        sent.extend(news.map(|(key, digest)| (key.clone(), *digest)));
        sent.retain(|key, _| !command.clear_fields.contains(key));
    }
}

/// What a record last sent, and what its system was reported to hold.
fn known_values<'a>(lead: &'a Lead, source: &SourceName, record: &str) -> [Option<&'a DigestMap>; 2] {
    let Some(system) = lead.system(source) else { return [None, None] };
    let sent = system.sent.iter().find(|sent| *sent.record == *record);
    [sent.map(|sent| &sent.values), Some(&system.reported)]
}

/// The digests of everything that a payload says, in the form in which it is compared.
pub(super) fn digests_of_payload(command: &UpsertCommand, digests: &DigestKey) -> DigestMap {
    let lead = &command.lead;
    let plain = lead.values.iter().filter(|(field, _)| !field.is_contact_point());
    let plain = plain.map(|(field, text)| (FieldKey::Field(*field), &**text));
    let email = lead.emails.first().map(|email| (FieldKey::Field(Field::Email), email.normalized()));
    let phones = lead
        .phones
        .iter()
        .map(|phone| (FieldKey::Field(super::identifiers::phone_field(phone.kind)), phone.phone.key()));
    let attributes = lead.attributes.iter().map(|(name, text)| (FieldKey::Attribute(name.clone()), &**text));
    let mut texts = DigestMap::new();
    for (key, text) in plain.chain(email).chain(phones).chain(attributes) {
        // Of several phones the first is the one meant as primary.
        texts.entry(key).or_insert_with_key(|key| digests.value(key, text));
    }
    texts
}

/// The digests of everything that a lead holds, in the form in which it is compared.
pub(super) fn digests_of_lead(lead: &Lead, digests: &DigestKey) -> DigestMap {
    let plain = lead.fields.iter().map(|(field, value)| {
        let text = super::identifiers::primary_key(lead, *field).unwrap_or(&value.value);
        (FieldKey::Field(*field), digests.value(&FieldKey::Field(*field), text))
    });
    let attributes = lead.attributes.iter().map(|(name, value)| {
        let key = FieldKey::Attribute(name.clone());
        let digest = digests.value(&key, &value.value);
        (key, digest)
    });
    let pipelines = (!lead.pipelines.is_empty())
        .then(|| (FieldKey::Pipelines, digests.value(&FieldKey::Pipelines, &lead.pipelines.join("\u{0}"))));
    plain.chain(attributes).chain(pipelines).collect()
}
