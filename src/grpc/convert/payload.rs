//! The request as it came: its canonical bytes, what they hash to, and how they are read back.
//!
//! Maps on the wire are ordered maps in memory, so equal requests are equal bytes.

use prost::Message;

use crate::decision::review::Payload;
use crate::grpc::proto;

/// The canonical bytes of a request: what came as header or by the batch is filled in; what only says how to call or how to
/// answer is left out. So a retry that asks for the lead as well is the same request.
pub(super) fn canonical(request: &mut proto::UpsertRequest) -> Box<[u8]> {
    let flags = (request.validate_only, request.include_lead, request.explain);
    (request.validate_only, request.include_lead, request.explain) = (false, false, false);
    let bytes = request.encode_to_vec();
    (request.validate_only, request.include_lead, request.explain) = flags;
    bytes.into()
}

/// What shows that two bodies are the same.
pub(super) fn digest_of(bytes: &[u8]) -> [u8; 16] {
    let digest = *blake3::hash(bytes).as_bytes();
    std::array::from_fn(|index| digest[index])
}

/// A payload that was kept, as the request that it was. `None` where it cannot be read any more.
pub(super) fn request_of(payload: &Payload) -> Option<proto::UpsertRequest> {
    proto::UpsertRequest::decode(&*payload.0).ok()
}

/// A payload for people to look at.
pub(super) fn parked(
    payload: &Payload,
    source: &str,
    receive_time: prost_types::Timestamp,
) -> Option<proto::ParkedPayload> {
    let request = request_of(payload)?;
    Some(proto::ParkedPayload { source: source.to_owned(), request: Some(request), receive_time: Some(receive_time) })
}
