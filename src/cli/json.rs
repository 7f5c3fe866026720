//! Answers as JSON, in the contract's own words: field names as in the proto, enumerations without their prefix, absent fields left out.

use serde_json::{Map, Value, json};

use crate::grpc::proto;

/// The answer to a match.
pub(crate) fn match_response(response: &proto::MatchLeadResponse) -> Value {
    let proto::MatchLeadResponse { status: _, decision, external_ids, write, withheld, reasons: why, lead: found } =
        response;
    let mut object = Map::new();
    object.insert("status".into(), status(response.status()).into());
    put(&mut object, "decision", decision.as_ref().map(decided));
    put_list(&mut object, "external_ids", external_ids.iter().map(external_id));
    put(&mut object, "write", write.as_ref().map(instruction));
    put_list(&mut object, "withheld", withheld.iter().map(withheld_field));
    put_list(&mut object, "reasons", why.iter().map(reason));
    put(&mut object, "lead", found.as_deref().map(lead));
    object.into()
}

/// The name of a status.
pub(crate) fn status(status: proto::UpsertStatus) -> &'static str {
    status.as_str_name().trim_start_matches("UPSERT_STATUS_")
}

/// The name of a level.
pub(crate) fn level(level: proto::MatchLevel) -> &'static str {
    level.as_str_name().trim_start_matches("MATCH_LEVEL_")
}

/// The name of a tier; empty for none.
pub(crate) fn tier(tier: proto::MatchTier) -> &'static str {
    match tier {
        proto::MatchTier::Unspecified => "",
        tier => tier.as_str_name().trim_start_matches("MATCH_TIER_"),
    }
}

/// The name of what to do in a target.
pub(crate) fn action(action: proto::WriteAction) -> &'static str {
    action.as_str_name().trim_start_matches("WRITE_ACTION_")
}

fn decided(decision: &proto::Decision) -> Value {
    let mut object = Map::new();
    object.insert("decision_id".into(), decision.decision_id.clone().into());
    object.insert("level".into(), level(decision.level()).into());
    put_text(&mut object, "matched_by", tier(decision.matched_by()));
    put_text(&mut object, "lead_id", &decision.lead_id);
    object.insert("score".into(), decision.score.into());
    object.insert("match_threshold".into(), decision.match_threshold.into());
    object.insert("review_threshold".into(), decision.review_threshold.into());
    put_list(&mut object, "candidates", decision.candidates.iter().map(candidate));
    put_list(&mut object, "conflicts", decision.conflicts.iter().map(conflict));
    object.insert("truncated".into(), decision.truncated.into());
    object.insert("policy_version".into(), decision.policy_version.clone().into());
    object.into()
}

fn candidate(candidate: &proto::Candidate) -> Value {
    let mut object = Map::new();
    object.insert("lead_id".into(), candidate.lead_id.clone().into());
    object.insert("level".into(), level(candidate.level()).into());
    put_text(&mut object, "matched_by", tier(candidate.matched_by()));
    object.insert("score".into(), candidate.score.into());
    object.insert("total_weight".into(), candidate.total_weight.into());
    put_list(&mut object, "comparisons", candidate.comparisons.iter().map(comparison));
    put_list(&mut object, "reasons", candidate.reasons.iter().map(reason));
    put(&mut object, "lead", candidate.lead.as_deref().map(lead));
    object.into()
}

fn comparison(comparison: &proto::Comparison) -> Value {
    let proto::Comparison { field, incoming, existing, similarity, level, weight } = comparison;
    json!({
        "field": field, "incoming": incoming, "existing": existing,
        "similarity": similarity, "level": level, "weight": weight,
    })
}

fn conflict(conflict: &proto::Conflict) -> Value {
    json!({"tier": tier(conflict.tier()), "lead_id": conflict.lead_id, "value_field": conflict.value_field})
}

fn instruction(write: &proto::WriteInstruction) -> Value {
    let mut object = Map::new();
    object.insert("target".into(), write.target.clone().into());
    object.insert("action".into(), action(write.action()).into());
    put_text(&mut object, "external_id", &write.external_id);
    put_list(&mut object, "other_external_ids", write.other_external_ids.iter().map(|id| id.clone().into()));
    let changed = write.changed_fields.iter().flat_map(|mask| mask.paths.iter());
    put_list(&mut object, "changed_fields", changed.map(|path| path.clone().into()));
    object.into()
}

fn withheld_field(withheld: &proto::WithheldField) -> Value {
    let proto::WithheldField { field, incoming, kept, source, reason } = withheld;
    json!({"field": field, "incoming": incoming, "kept": kept, "source": source, "reason": reason})
}

fn reason(reason: &proto::Reason) -> Value {
    let proto::Reason { code, message, metadata } = reason;
    json!({"code": code, "message": message, "metadata": metadata})
}

fn external_id(id: &proto::ExternalId) -> Value {
    json!({
        "source": id.source, "value": id.value,
        "state": id.state().as_str_name().trim_start_matches("EXTERNAL_ID_STATE_"),
    })
}

fn contact_point(point: &proto::ContactPoint) -> Value {
    json!({
        "value": point.value, "normalized": point.normalized, "primary": point.primary,
        "type": point.r#type().as_str_name().trim_start_matches("CONTACT_POINT_TYPE_"),
    })
}

/// A lead.
pub(crate) fn lead(lead: &proto::Lead) -> Value {
    let mut object = Map::new();
    object.insert("lead_id".into(), lead.lead_id.clone().into());
    object.insert("version".into(), lead.version.into());
    let lifecycle = lead.lifecycle().as_str_name().trim_start_matches("LEAD_LIFECYCLE_");
    object.insert("lifecycle".into(), lifecycle.into());
    put_text(&mut object, "merged_into", &lead.merged_into);
    put_list(&mut object, "external_ids", lead.external_ids.iter().map(external_id));
    put_list(&mut object, "emails", lead.emails.iter().map(contact_point));
    put_list(&mut object, "phones", lead.phones.iter().map(contact_point));
    for (name, value) in values(lead) {
        put(&mut object, name, value.map(Value::from));
    }
    put(&mut object, "lead_score", lead.lead_score.map(Value::from));
    if !lead.attributes.is_empty() {
        object.insert("attributes".into(), json!(lead.attributes));
    }
    put_list(&mut object, "pipelines", lead.pipelines.iter().map(|name| name.clone().into()));
    object.into()
}

fn values(lead: &proto::Lead) -> [(&'static str, Option<&str>); 17] {
    [
        ("email", lead.email.as_deref()),
        ("phone", lead.phone.as_deref()),
        ("mobile_phone", lead.mobile_phone.as_deref()),
        ("first_name", lead.first_name.as_deref()),
        ("last_name", lead.last_name.as_deref()),
        ("full_name", lead.full_name.as_deref()),
        ("company", lead.company.as_deref()),
        ("website", lead.website.as_deref()),
        ("title", lead.title.as_deref()),
        ("street", lead.street.as_deref()),
        ("city", lead.city.as_deref()),
        ("state", lead.state.as_deref()),
        ("postal_code", lead.postal_code.as_deref()),
        ("country", lead.country.as_deref()),
        ("date_of_birth", lead.date_of_birth.as_deref()),
        ("lead_source", lead.lead_source.as_deref()),
        ("lead_status", lead.lead_status.as_deref()),
    ]
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}

fn put_text(object: &mut Map<String, Value>, name: &str, text: &str) {
    put(object, name, (!text.is_empty()).then(|| text.into()));
}

fn put_list(object: &mut Map<String, Value>, name: &str, items: impl Iterator<Item = Value>) {
    let items: Vec<_> = items.collect();
    put(object, name, (!items.is_empty()).then(|| items.into()));
}
