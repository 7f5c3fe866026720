//! Writing a payload's values into a lead under survivorship, field by field.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::decision::command::{UpdateMode, UpsertCommand};
use crate::decision::digest::DigestKey;
use crate::decision::outcome::Withheld;
use crate::decision::policy::Policy;
use crate::decision::reason::ReasonCode;
use crate::decision::survivorship::{Claimant, may_replace};
use crate::domain::{DigestMap, Field, FieldKey, FieldValue, Lead, SentRecord, SourceName};

/// A lead while a payload is written into it.
pub(super) struct LeadEdit<'a> {
    pub(super) lead: Lead,
    pub(super) policy: &'a Policy,
    pub(super) claimant: Claimant<'a>,
    pub(super) digests: &'a DigestKey,
    /// What the payload's own record sent last: repeating it is no change.
    pub(super) known: DigestMap,
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
        lead: Lead,
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
        let known = known_values(&lead, &command.source, command.own_external_id().unwrap_or_default());
        Self { lead, policy, claimant, digests, known, changed: BTreeSet::new(), withheld: Vec::new() }
    }

    /// Whether this record sent the same value last, or its system was reported to hold it.
    pub(super) fn is_repeated(&self, value: &IncomingValue<'_>) -> bool {
        self.known.get(&value.key) == Some(&self.digests.value(&value.key, value.compared))
    }

    /// Sets every plain field, attribute and the pipelines; contact points are identifiers and go first.
    pub(super) fn apply_values(&mut self, command: &UpsertCommand) {
        if self.claimant.mode == UpdateMode::LinkOnly {
            return;
        }
        for (field, text) in &command.lead.values {
            if !field.is_contact_point() {
                self.apply(&IncomingValue { key: FieldKey::Field(*field), given: text, compared: text });
            }
        }
        for (name, text) in &command.lead.attributes {
            self.apply(&IncomingValue { key: FieldKey::Attribute(name.clone()), given: text, compared: text });
        }
        self.apply_pipelines(&command.lead.pipelines);
        for field in &command.clear_fields {
            self.clear(field);
        }
    }

    /// Sets one value, or says why not.
    pub(super) fn apply(&mut self, value: &IncomingValue<'_>) -> bool {
        let current = self.current(&value.key);
        if current.is_some_and(|current| *current.value == *value.given) || self.is_repeated(value) {
            return false;
        }
        match may_replace(self.policy, self.claimant, &value.key, current, value.given) {
            Ok(()) => {
                self.set(&value.key, value.given);
                true
            }
            Err(reason) => {
                self.withhold(&value.key, value.given, reason);
                false
            }
        }
    }

    pub(super) fn set(&mut self, key: &FieldKey, given: &str) {
        let value =
            FieldValue { value: given.into(), source: self.claimant.source.clone(), update_time: self.claimant.time };
        match key {
            FieldKey::Field(field) => drop(self.lead.fields.insert(*field, value)),
            FieldKey::Attribute(name) => drop(self.lead.attributes.insert(name.clone(), value)),
            FieldKey::Pipelines => {}
        }
        self.changed.insert(key.clone());
    }

    pub(super) fn withhold(&mut self, key: &FieldKey, incoming: &str, reason: ReasonCode) {
        let current = self.current(key);
        let (kept, source) = (current.map(|value| value.value.clone()), current.map(|value| value.source.clone()));
        self.withheld.push(Withheld {
            field: key.clone(),
            incoming: incoming.into(),
            kept: kept.unwrap_or_default(),
            source,
            reason,
        });
    }

    pub(super) fn current(&self, key: &FieldKey) -> Option<&FieldValue> {
        match key {
            FieldKey::Field(field) => self.lead.fields.get(field),
            FieldKey::Attribute(name) => self.lead.attributes.get(name),
            FieldKey::Pipelines => None,
        }
    }

    /// Pipelines are memberships: they add up, and only an overwrite replaces them.
    fn apply_pipelines(&mut self, incoming: &[Box<str>]) {
        let known: BTreeSet<&Box<str>> = self.lead.pipelines.iter().collect();
        let fills = matches!(self.claimant.mode, UpdateMode::FillBlanks) && !known.is_empty();
        if incoming.is_empty() || incoming.iter().all(|pipeline| known.contains(pipeline)) || fills {
            return;
        }
        if !self.policy.may_write(self.claimant.source, &FieldKey::Pipelines) {
            return self.withhold(&FieldKey::Pipelines, &incoming.join(", "), ReasonCode::Protected);
        }
        let kept = if self.claimant.mode == UpdateMode::Overwrite { Vec::new() } else { self.lead.pipelines.clone() };
        let all: BTreeSet<Box<str>> = kept.into_iter().chain(incoming.iter().cloned()).collect();
        self.set_pipelines(all.into_iter().collect());
    }

    fn set_pipelines(&mut self, pipelines: Vec<Box<str>>) {
        self.lead.pipelines = pipelines;
        self.lead.pipelines_provenance = Some((self.claimant.source.clone(), self.claimant.time));
        self.changed.insert(FieldKey::Pipelines);
    }

    /// Clears a field under precedence. A cleared email or phone stays as an alias.
    fn clear(&mut self, key: &FieldKey) {
        if *key == FieldKey::Pipelines {
            if !self.lead.pipelines.is_empty() && self.policy.may_write(self.claimant.source, key) {
                self.set_pipelines(Vec::new());
            }
            return;
        }
        let Some(current) = self.current(key) else { return };
        if let Err(reason) = may_replace(self.policy, self.claimant, key, Some(current), "") {
            return self.withhold(key, "", reason);
        }
        match key {
            FieldKey::Field(field) => drop(self.lead.fields.remove(field)),
            FieldKey::Attribute(name) => drop(self.lead.attributes.remove(name)),
            FieldKey::Pipelines => {}
        }
        self.demote_primary(key);
        self.changed.insert(key.clone());
    }

    fn demote_primary(&mut self, key: &FieldKey) {
        let FieldKey::Field(field) = key else { return };
        let points = match field {
            Field::Email => &mut self.lead.emails,
            Field::Phone | Field::MobilePhone => &mut self.lead.phones,
            _ => return,
        };
        let mobile = *field == Field::MobilePhone;
        for point in points {
            let of_field = *field == Field::Email || (point.kind == crate::domain::PhoneKind::Mobile) == mobile;
            point.primary &= !of_field;
        }
    }

    /// Notes what this record sent, so that it does not compete when it sends the same again.
    pub(super) fn remember_sent(&mut self, command: &UpsertCommand, values: &DigestMap) {
        if values.is_empty() {
            return;
        }
        let record = command.own_external_id().unwrap_or_default();
        let system = self.lead.system_mut(&command.source);
        match system.sent.iter_mut().find(|sent| *sent.record == *record) {
            Some(sent) => sent.values.extend(values.iter().map(|(key, digest)| (key.clone(), *digest))),
            None => system.sent.push(SentRecord { record: record.into(), values: values.clone() }),
        }
    }
}

/// What a record last sent, over what its system was reported to hold.
fn known_values(lead: &Lead, source: &SourceName, record: &str) -> DigestMap {
    let Some(system) = lead.system(source) else { return DigestMap::new() };
    let mut known = system.reported.clone();
    if let Some(sent) = system.sent.iter().find(|sent| *sent.record == *record) {
        known.extend(sent.values.iter().map(|(key, digest)| (key.clone(), *digest)));
    }
    known
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
    plain
        .chain(email)
        .chain(phones)
        .chain(attributes)
        .map(|(key, text)| (key.clone(), digests.value(&key, text)))
        .collect()
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
