//! Any row and any event, for the round-trip properties.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use uuid::Uuid;

use crate::decision::identity_key::KeyHolders;
use crate::decision::matching::FrequencyTable;
use crate::decision::outcome::{Conflict, UpsertStatus, Weighing, WriteAction, WriteInstruction};
use crate::decision::reason::{Reason, ReasonCode};
use crate::decision::review::{DeadLetter, DeadLetterKind, Payload, Review, ReviewKind, ReviewState};
use crate::decision::rows::{FeedEvent, FeedEventKind, RecordedReply, Row};
use crate::decision::tier::{MatchLevel, MatchTier};
use crate::domain::{
    Claim, ContactPoint, DeadLetterId, DigestMap, ExternalId, ExternalIdFormat, ExternalIdState, Field, FieldKey,
    FieldValue, Lead, LeadId, Lifecycle, LinkedBy, LinkedId, PhoneKind, ReviewId, SentRecord, SourceName, SystemRecord,
    TenantId, ValueDigest,
};

fn text() -> impl Strategy<Value = Box<str>> {
    ".{0,12}".prop_map(Into::into)
}

fn source() -> impl Strategy<Value = SourceName> {
    "[a-zA-Zäß][a-z0-9._-]{0,8}".prop_map(|name| SourceName::parse(&name).unwrap())
}

fn lead_id() -> impl Strategy<Value = LeadId> {
    any::<u128>().prop_map(|bits| LeadId::new(Uuid::from_u128(bits)))
}

fn time() -> impl Strategy<Value = Timestamp> {
    let range = Timestamp::MIN.as_second()..Timestamp::MAX.as_second();
    (range, 0..1_000_000_000).prop_map(|(seconds, nanos)| Timestamp::new(seconds, nanos).unwrap())
}

fn field_key() -> impl Strategy<Value = FieldKey> {
    prop_oneof![
        prop::sample::select(Field::ALL.to_vec()).prop_map(FieldKey::Field),
        text().prop_map(FieldKey::Attribute),
        Just(FieldKey::Pipelines)
    ]
}

fn linked_by() -> impl Strategy<Value = LinkedBy> {
    prop::sample::select(vec![LinkedBy::Exact, LinkedBy::Fuzzy])
}

fn linked_id() -> impl Strategy<Value = LinkedId> {
    let states = vec![ExternalIdState::Live, ExternalIdState::Redirected, ExternalIdState::Retired];
    (source(), "[A-Z]{2}[0-9]{1,9}", prop::sample::select(states), linked_by()).prop_map(
        |(source, value, state, linked_by)| {
            let id = ExternalId::parse(source, &value, ExternalIdFormat::Plain, None).unwrap().unwrap();
            LinkedId { id, state, linked_by }
        },
    )
}

fn contact() -> impl Strategy<Value = ContactPoint> {
    let kinds = vec![PhoneKind::Work, PhoneKind::Mobile, PhoneKind::Other];
    (text(), text(), any::<bool>(), prop::sample::select(kinds), any::<bool>(), linked_by()).prop_map(
        |(value, key, same, kind, primary, linked_by)| ContactPoint {
            key: if same { value.clone() } else { key },
            value,
            kind,
            primary,
            linked_by,
        },
    )
}

fn value() -> impl Strategy<Value = FieldValue> {
    (text(), source(), time()).prop_map(|(value, source, update_time)| FieldValue { value, source, update_time })
}

fn digests() -> impl Strategy<Value = DigestMap> {
    btree_map(field_key(), any::<u64>().prop_map(ValueDigest), 0..5)
}

fn claim() -> impl Strategy<Value = Claim> {
    (text(), time()).prop_map(|(token, expire_time)| Claim { token, expire_time })
}

fn system() -> impl Strategy<Value = SystemRecord> {
    let sent = (text(), digests()).prop_map(|(record, values)| SentRecord { record, values });
    (source(), vec(sent, 0..3), digests(), any::<i64>(), digests(), prop::option::of(claim())).prop_map(
        |(system, sent, told, told_version, reported, claim)| SystemRecord {
            system,
            sent,
            told,
            told_version,
            reported,
            claim,
        },
    )
}

fn lifecycle() -> impl Strategy<Value = Lifecycle> {
    prop_oneof![
        Just(Lifecycle::Active),
        lead_id().prop_map(|into| Lifecycle::Merged { into }),
        Just(Lifecycle::Deleted)
    ]
}

/// Any lead, whether or not it makes sense.
pub(crate) fn any_lead() -> impl Strategy<Value = Lead> {
    let identifiers = (vec(linked_id(), 0..3), vec(contact(), 0..3), vec(contact(), 0..3));
    let values = (
        btree_map(prop::sample::select(Field::ALL.to_vec()), value(), 0..6),
        btree_map(text(), value(), 0..3),
        vec(text(), 0..3),
        prop::option::of((source(), time())),
    );
    (lead_id(), any::<i64>(), lifecycle(), identifiers, values, vec(system(), 0..3), time(), time()).prop_map(
        |(lead_id, version, lifecycle, (external_ids, emails, phones), values, systems, create_time, update_time)| {
            let (fields, attributes, pipelines, pipelines_provenance) = values;
            Lead {
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
            }
        },
    )
}

fn tier() -> impl Strategy<Value = MatchTier> {
    (1..=5_u8).prop_map(|number| MatchTier::from_number(number).unwrap())
}

fn level() -> impl Strategy<Value = MatchLevel> {
    prop::sample::select(vec![MatchLevel::None, MatchLevel::Possible, MatchLevel::Match])
}

fn status() -> impl Strategy<Value = UpsertStatus> {
    (1..=6_u8).prop_map(|number| UpsertStatus::from_number(number).unwrap())
}

fn conflict() -> impl Strategy<Value = Conflict> {
    (tier(), lead_id(), text()).prop_map(|(tier, lead_id, value_field)| Conflict { tier, lead_id, value_field })
}

fn reason_code() -> impl Strategy<Value = ReasonCode> {
    prop::sample::select(ReasonCode::ALL.to_vec())
}

fn reason() -> impl Strategy<Value = Reason> {
    let keys = prop::sample::select(vec!["field", "limit", "marketo_code", "source"]);
    (reason_code(), btree_map(keys, text(), 0..3))
        .prop_map(|(code, metadata): (_, BTreeMap<&'static str, Box<str>>)| Reason { code, metadata })
}

fn write() -> impl Strategy<Value = WriteInstruction> {
    let ids = (prop::option::of(text()), vec(text(), 0..3), vec(field_key(), 0..4));
    let claim = (
        prop::option::of(text()),
        prop::option::of(time()),
        prop::option::of(any::<i64>().prop_map(SignedDuration::from_millis)),
    );
    (source(), 1..=4_u8, ids, claim).prop_map(|(target, action, ids, claim)| {
        let (external_id, other_external_ids, changed_fields) = ids;
        let (claim_token, claim_expire_time, retry_after) = claim;
        let action = WriteAction::from_number(action).unwrap();
        WriteInstruction {
            target,
            action,
            external_id,
            other_external_ids,
            changed_fields,
            claim_token,
            claim_expire_time,
            retry_after,
        }
    })
}

fn score() -> impl Strategy<Value = f64> {
    0.0..=1.0
}

fn any_reply() -> impl Strategy<Value = RecordedReply> {
    let what = (any::<[u8; 16]>(), time(), status(), prop::option::of(lead_id()), any::<i64>(), text());
    let decision =
        (level(), prop::option::of(tier()), prop::option::of(lead_id()), score(), vec(conflict(), 0..3), any::<bool>());
    let answer = (
        vec(linked_id(), 0..3),
        prop::option::of(write()),
        vec(reason(), 0..3),
        prop::option::of(any::<u128>()),
        (text(), prop::option::of((score(), any::<u64>()))),
    );
    (what, decision, answer).prop_map(|(what, decision, answer)| {
        let (body_digest, time, status, lead_id, version, decision_id) = what;
        let (level, matched_by, match_lead_id, score, conflicts, truncated) = decision;
        let (external_ids, write, reasons, review_id, (policy_version, weighed)) = answer;
        let review_id = review_id.map(|bits| ReviewId::new(Uuid::from_u128(bits)));
        let weighed = weighed.map(|(prior, frequency_table)| Weighing { prior, frequency_table });
        RecordedReply {
            weighed,
            body_digest,
            time,
            status,
            lead_id,
            version,
            decision_id,
            level,
            matched_by,
            match_lead_id,
            score,
            conflicts,
            truncated,
            external_ids,
            write,
            reasons,
            review_id,
            policy_version,
        }
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    vec(any::<u8>(), 0..40).prop_map(|bytes| Payload(bytes.into()))
}

fn any_review() -> impl Strategy<Value = Review> {
    let what = (any::<u128>(), 1..=3_u8, 1..=2_u8, source(), vec(lead_id(), 0..4));
    (what, prop::option::of(payload()), vec(reason_code(), 0..3), any::<u32>(), time()).prop_map(
        |((id, kind, state, source, lead_ids), payload, reasons, score_thousandths, create_time)| Review {
            review_id: ReviewId::new(Uuid::from_u128(id)),
            kind: ReviewKind::from_number(kind).unwrap(),
            state: ReviewState::from_number(state).unwrap(),
            source,
            lead_ids,
            payload,
            reasons,
            score_thousandths,
            create_time,
        },
    )
}

fn any_dead_letter() -> impl Strategy<Value = DeadLetter> {
    let what = (any::<u128>(), 1..=2_u8, source(), prop::option::of(lead_id()), prop::option::of(payload()));
    let why = (prop::option::of(reason_code()), text(), payload(), any::<bool>());
    (what, why, time(), any::<u32>()).prop_map(
        |(
            (id, kind, source, lead_id, payload),
            (reason, error_code, error_message, retryable),
            create_time,
            attempts,
        )| DeadLetter {
            dead_letter_id: DeadLetterId::new(Uuid::from_u128(id)),
            kind: DeadLetterKind::from_number(kind).unwrap(),
            source,
            lead_id,
            payload,
            reason,
            error_code,
            error_message,
            retryable,
            create_time,
            attempts,
        },
    )
}

/// Any row of a class that is stored.
pub(crate) fn any_row() -> impl Strategy<Value = Row> {
    prop_oneof![
        any_lead().prop_map(|lead| Row::Lead(Arc::new(lead))),
        vec(lead_id(), 0..5).prop_map(|leads| Row::Key(Arc::new(KeyHolders { leads }))),
        any_reply().prop_map(|reply| Row::Request(Arc::new(reply))),
        any_review().prop_map(|review| Row::Review(Arc::new(review))),
        any_dead_letter().prop_map(|letter| Row::DeadLetter(Arc::new(letter))),
        payload().prop_map(|payload| Row::Payload(Arc::new(payload))),
        any_frequencies().prop_map(|table| Row::Frequencies(Arc::new(table))),
    ]
}

fn any_frequencies() -> impl Strategy<Value = FrequencyTable> {
    let counts = prop::collection::btree_map(any::<u64>(), 1..u32::MAX, 0..8);
    (any::<u64>(), any::<u32>(), counts)
        .prop_map(|(version, leads, counts)| FrequencyTable::restored(version, leads, counts))
}

fn kind() -> impl Strategy<Value = FeedEventKind> {
    prop_oneof![
        status().prop_map(FeedEventKind::Upsert),
        Just(FeedEventKind::Written),
        Just(FeedEventKind::WriteFailed)
    ]
}

/// Any event.
pub(crate) fn any_event() -> impl Strategy<Value = FeedEvent> {
    let what = (time(), kind(), source(), text(), prop::option::of(lead_id()), any::<i64>());
    let decision = (level(), prop::option::of(tier()), score(), vec(lead_id(), 0..3), vec(conflict(), 0..3));
    let answer = (
        vec(reason(), 0..3),
        vec(field_key(), 0..4),
        any::<Option<u128>>(),
        any::<Option<u128>>(),
        prop::option::of(write()),
    );
    (what, decision, answer, text(), any::<bool>()).prop_map(|(what, decision, answer, policy_version, has_payload)| {
        let (time, kind, source, decision_id, lead_id, version) = what;
        let (level, matched_by, score, candidates, conflicts) = decision;
        let (reasons, changed_fields, review_id, dead_letter_id, write) = answer;
        FeedEvent {
            time,
            tenant: TenantId::default(),
            kind,
            source,
            decision_id,
            lead_id,
            version,
            level,
            matched_by,
            score,
            candidates,
            conflicts,
            reasons,
            changed_fields,
            review_id: review_id.map(|bits| ReviewId::new(Uuid::from_u128(bits))),
            dead_letter_id: dead_letter_id.map(|bits| DeadLetterId::new(Uuid::from_u128(bits))),
            write,
            policy_version,
            has_payload,
        }
    })
}
