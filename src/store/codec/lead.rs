//! Leads. A lead names each source once, and its values refer to it by number.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{
    Claim, ContactPoint, DigestMap, Field, FieldKey, FieldValue, Lead, LeadId, Lifecycle, PhoneKind, SentRecord,
    SourceName, SystemRecord, ValueDigest,
};

use super::Problem;
use super::parts::{StoredLinkedId, StoredTime, all, field, lead_id, linked_by, linked_by_number, source, time, uuid};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredLead {
    #[prost(bytes = "vec", tag = "1")]
    lead_id: Vec<u8>,
    #[prost(sint64, tag = "2")]
    version: i64,
    #[prost(uint32, tag = "3")]
    lifecycle: u32,
    #[prost(bytes = "vec", tag = "4")]
    merged_into: Vec<u8>,
    #[prost(string, repeated, tag = "5")]
    sources: Vec<String>,
    #[prost(message, repeated, tag = "6")]
    external_ids: Vec<StoredLinkedId>,
    #[prost(message, repeated, tag = "7")]
    emails: Vec<StoredContact>,
    #[prost(message, repeated, tag = "8")]
    phones: Vec<StoredContact>,
    #[prost(message, repeated, tag = "9")]
    fields: Vec<StoredValue>,
    #[prost(message, repeated, tag = "10")]
    attributes: Vec<StoredValue>,
    #[prost(string, repeated, tag = "11")]
    pipelines: Vec<String>,
    #[prost(message, optional, tag = "12")]
    pipelines_provenance: Option<StoredValue>,
    #[prost(message, repeated, tag = "13")]
    systems: Vec<StoredSystem>,
    #[prost(message, optional, tag = "14")]
    create_time: Option<StoredTime>,
    #[prost(message, optional, tag = "15")]
    update_time: Option<StoredTime>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredContact {
    #[prost(string, tag = "1")]
    value: String,
    /// Left out where it is equal to the value.
    #[prost(string, optional, tag = "2")]
    key: Option<String>,
    #[prost(uint32, tag = "3")]
    kind: u32,
    #[prost(bool, tag = "4")]
    primary: bool,
    #[prost(uint32, tag = "5")]
    linked_by: u32,
}

/// A value with its provenance: of a field, by number, or of an attribute, by key.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredValue {
    #[prost(uint32, tag = "1")]
    field: u32,
    #[prost(string, tag = "2")]
    value: String,
    #[prost(uint32, tag = "3")]
    source: u32,
    #[prost(sint64, tag = "4")]
    seconds: i64,
    #[prost(sint32, tag = "5")]
    nanos: i32,
    #[prost(string, tag = "6")]
    attribute: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredSystem {
    #[prost(uint32, tag = "1")]
    system: u32,
    #[prost(message, repeated, tag = "2")]
    sent: Vec<StoredSent>,
    #[prost(message, optional, tag = "3")]
    told: Option<StoredDigests>,
    #[prost(sint64, tag = "4")]
    told_version: i64,
    #[prost(message, optional, tag = "5")]
    reported: Option<StoredDigests>,
    #[prost(message, optional, tag = "6")]
    claim: Option<StoredClaim>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredSent {
    #[prost(string, tag = "1")]
    record: String,
    #[prost(message, optional, tag = "2")]
    values: Option<StoredDigests>,
}

/// Digests by field; each list of digests goes with the list before it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredDigests {
    #[prost(uint32, repeated, tag = "1")]
    fields: Vec<u32>,
    #[prost(fixed64, repeated, tag = "2")]
    field_digests: Vec<u64>,
    #[prost(string, repeated, tag = "3")]
    attributes: Vec<String>,
    #[prost(fixed64, repeated, tag = "4")]
    attribute_digests: Vec<u64>,
    #[prost(fixed64, optional, tag = "5")]
    pipelines: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StoredClaim {
    #[prost(string, tag = "1")]
    token: String,
    #[prost(message, optional, tag = "2")]
    expire_time: Option<StoredTime>,
}

/// The sources that a lead names, in order of first use.
#[derive(Default)]
struct Sources(Vec<String>);

impl Sources {
    fn number(&mut self, source: &SourceName) -> u32 {
        let known = self.0.iter().position(|known| known == source.as_str());
        let index = known.unwrap_or_else(|| {
            self.0.push(source.as_str().into());
            self.0.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

impl From<&Lead> for StoredLead {
    fn from(lead: &Lead) -> Self {
        let Lead {
            lead_id,
            version,
            lifecycle,
            external_ids,
            emails,
            phones,
            fields,
            attributes,
            pipelines,
            pipelines_provenance,
            systems,
            create_time,
            update_time,
        } = lead;
        let mut sources = Sources::default();
        let (lifecycle, merged_into) = lifecycle_parts(*lifecycle);
        Self {
            lead_id: lead_id.as_bytes().into(),
            version: *version,
            lifecycle,
            merged_into,
            external_ids: external_ids.iter().map(Into::into).collect(),
            emails: emails.iter().map(Into::into).collect(),
            phones: phones.iter().map(Into::into).collect(),
            fields: fields.iter().map(|(field, value)| stored_value(*field as u32, "", value, &mut sources)).collect(),
            attributes: attributes.iter().map(|(key, value)| stored_value(0, key, value, &mut sources)).collect(),
            pipelines: pipelines.iter().map(|pipeline| String::from(&**pipeline)).collect(),
            pipelines_provenance: pipelines_provenance
                .as_ref()
                .map(|(source, time)| provenance(String::new(), source, *time, &mut sources)),
            systems: systems.iter().map(|system| stored_system(system, &mut sources)).collect(),
            create_time: Some((*create_time).into()),
            update_time: Some((*update_time).into()),
            sources: sources.0,
        }
    }
}

fn lifecycle_parts(lifecycle: Lifecycle) -> (u32, Vec<u8>) {
    match lifecycle {
        Lifecycle::Active => (1, Vec::new()),
        Lifecycle::Merged { into } => (2, into.as_bytes().into()),
        Lifecycle::Deleted => (3, Vec::new()),
    }
}

impl From<&ContactPoint> for StoredContact {
    fn from(contact: &ContactPoint) -> Self {
        let ContactPoint { value, key, kind, primary, linked_by } = contact;
        Self {
            value: String::from(&**value),
            key: (key != value).then(|| String::from(&**key)),
            kind: match kind {
                PhoneKind::Work => 1,
                PhoneKind::Mobile => 2,
                PhoneKind::Other => 3,
            },
            primary: *primary,
            linked_by: linked_by_number(*linked_by),
        }
    }
}

fn stored_value(field: u32, attribute: &str, value: &FieldValue, sources: &mut Sources) -> StoredValue {
    let FieldValue { value, source, update_time } = value;
    StoredValue {
        field,
        attribute: attribute.into(),
        ..provenance(String::from(&**value), source, *update_time, sources)
    }
}

fn provenance(value: String, source: &SourceName, time: Timestamp, sources: &mut Sources) -> StoredValue {
    let StoredTime { seconds, nanos } = time.into();
    StoredValue { field: 0, value, source: sources.number(source), seconds, nanos, attribute: String::new() }
}

fn stored_system(record: &SystemRecord, sources: &mut Sources) -> StoredSystem {
    let SystemRecord { system, sent, told, told_version, reported, claim } = record;
    StoredSystem {
        system: sources.number(system),
        sent: sent.iter().map(Into::into).collect(),
        told: stored_digests(told),
        told_version: *told_version,
        reported: stored_digests(reported),
        claim: claim.as_ref().map(|Claim { token, expire_time }| StoredClaim {
            token: String::from(&**token),
            expire_time: Some((*expire_time).into()),
        }),
    }
}

impl From<&SentRecord> for StoredSent {
    fn from(sent: &SentRecord) -> Self {
        let SentRecord { record, values } = sent;
        Self { record: String::from(&**record), values: stored_digests(values) }
    }
}

/// `None` for no digests at all.
fn stored_digests(digests: &DigestMap) -> Option<StoredDigests> {
    let mut stored = StoredDigests::default();
    for (key, ValueDigest(digest)) in digests {
        match key {
            FieldKey::Field(field) => {
                stored.fields.push(*field as u32);
                stored.field_digests.push(*digest);
            }
            FieldKey::Attribute(key) => {
                stored.attributes.push(String::from(&**key));
                stored.attribute_digests.push(*digest);
            }
            FieldKey::Pipelines => stored.pipelines = Some(*digest),
        }
    }
    (!digests.is_empty()).then_some(stored)
}

/// The sources of a stored lead, looked up by number.
struct Named(Vec<SourceName>);

impl Named {
    fn get(&self, number: u32) -> Result<SourceName, Problem> {
        let named = usize::try_from(number).ok().and_then(|index| self.0.get(index));
        named.cloned().ok_or(Problem("it refers to a source that it does not name"))
    }

    fn value(&self, stored: StoredValue) -> Result<FieldValue, Problem> {
        let update_time = StoredTime { seconds: stored.seconds, nanos: stored.nanos }.try_into()?;
        Ok(FieldValue { value: stored.value.into(), source: self.get(stored.source)?, update_time })
    }

    fn field(&self, stored: StoredValue) -> Result<(Field, FieldValue), Problem> {
        Ok((field(stored.field)?, self.value(stored)?))
    }

    fn attribute(&self, mut stored: StoredValue) -> Result<(Box<str>, FieldValue), Problem> {
        Ok((std::mem::take(&mut stored.attribute).into(), self.value(stored)?))
    }

    fn system(&self, stored: StoredSystem) -> Result<SystemRecord, Problem> {
        Ok(SystemRecord {
            system: self.get(stored.system)?,
            sent: all(stored.sent)?,
            told: digests(stored.told)?,
            told_version: stored.told_version,
            reported: digests(stored.reported)?,
            claim: stored.claim.map(TryInto::try_into).transpose()?,
        })
    }
}

impl TryFrom<StoredLead> for Lead {
    type Error = Problem;

    fn try_from(stored: StoredLead) -> Result<Self, Problem> {
        let named = Named(stored.sources.iter().map(|name| source(name)).collect::<Result<_, _>>()?);
        let pipelines_provenance = stored.pipelines_provenance.map(|value| named.value(value)).transpose()?;
        Ok(Self {
            lead_id: lead_id(&stored.lead_id)?,
            version: stored.version,
            lifecycle: lifecycle(stored.lifecycle, &stored.merged_into)?,
            external_ids: all(stored.external_ids)?,
            emails: all(stored.emails)?,
            phones: all(stored.phones)?,
            fields: stored.fields.into_iter().map(|value| named.field(value)).collect::<Result<BTreeMap<_, _>, _>>()?,
            attributes: stored.attributes.into_iter().map(|value| named.attribute(value)).collect::<Result<_, _>>()?,
            pipelines: stored.pipelines.into_iter().map(Into::into).collect(),
            pipelines_provenance: pipelines_provenance.map(|value| (value.source, value.update_time)),
            systems: stored.systems.into_iter().map(|system| named.system(system)).collect::<Result<_, _>>()?,
            create_time: time(stored.create_time)?,
            update_time: time(stored.update_time)?,
        })
    }
}

fn lifecycle(number: u32, merged_into: &[u8]) -> Result<Lifecycle, Problem> {
    match number {
        1 => Ok(Lifecycle::Active),
        2 => Ok(Lifecycle::Merged { into: LeadId::new(uuid(merged_into)?) }),
        3 => Ok(Lifecycle::Deleted),
        _ => Err(Problem("it holds an unknown lifecycle")),
    }
}

impl TryFrom<StoredContact> for ContactPoint {
    type Error = Problem;

    fn try_from(stored: StoredContact) -> Result<Self, Problem> {
        let value: Box<str> = stored.value.into();
        let kind = match stored.kind {
            1 => PhoneKind::Work,
            2 => PhoneKind::Mobile,
            3 => PhoneKind::Other,
            _ => return Err(Problem("it holds an unknown kind of contact")),
        };
        let key = stored.key.map_or_else(|| value.clone(), Into::into);
        Ok(Self { value, key, kind, primary: stored.primary, linked_by: linked_by(stored.linked_by)? })
    }
}

impl TryFrom<StoredSent> for SentRecord {
    type Error = Problem;

    fn try_from(stored: StoredSent) -> Result<Self, Problem> {
        Ok(Self { record: stored.record.into(), values: digests(stored.values)? })
    }
}

impl TryFrom<StoredClaim> for Claim {
    type Error = Problem;

    fn try_from(stored: StoredClaim) -> Result<Self, Problem> {
        Ok(Self { token: stored.token.into(), expire_time: time(stored.expire_time)? })
    }
}

fn digests(stored: Option<StoredDigests>) -> Result<DigestMap, Problem> {
    let Some(stored) = stored else { return Ok(DigestMap::new()) };
    if stored.fields.len() != stored.field_digests.len() || stored.attributes.len() != stored.attribute_digests.len() {
        return Err(Problem("its digests do not go with its fields"));
    }
    let mut digests = DigestMap::new();
    for (number, digest) in stored.fields.into_iter().zip(stored.field_digests) {
        digests.insert(FieldKey::Field(field(number)?), ValueDigest(digest));
    }
    for (key, digest) in stored.attributes.into_iter().zip(stored.attribute_digests) {
        digests.insert(FieldKey::Attribute(key.into()), ValueDigest(digest));
    }
    digests.extend(stored.pipelines.map(|digest| (FieldKey::Pipelines, ValueDigest(digest))));
    Ok(digests)
}
