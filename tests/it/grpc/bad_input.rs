//! Any bytes in any field get OK or a clear error, and the server lives on.

use bytes::{Buf, BufMut, Bytes};
use leadgate::grpc::proto;
use leadgate::grpc::proto::{LeadInput, UpsertRequest, UpsertStatus};
use prost::Message;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::{Server, ann, channel, codes, refusal, request};

/// Sends and receives bytes as they are.
#[derive(Default)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Calls a unary method with these bytes.
async fn call(channel: &Channel, method: &str, bytes: Vec<u8>) -> Result<Bytes, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("a connection");
    let path = method.parse().expect("a path");
    client.unary(Request::new(Bytes::from(bytes)), path, RawCodec).await.map(tonic::Response::into_inner)
}

const UPSERT: &str = "/leadgate.v1.DedupService/Upsert";

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decoded_is_the_callers_mistake() {
    let server = Server::start().await;
    let channel = channel(server.address).await;
    let invalid_utf8 = [&[0x22, 4, 0x22, 2, 0xff, 0xfe][..], &[0x0a, 1, 0xff]].concat();
    let wrong_type = vec![0x0d, 1, 2, 3, 4];
    let truncated = vec![0x0a, 100, b'x'];
    let endless_varint = vec![0xff; 20];
    for bytes in [invalid_utf8, wrong_type, truncated, endless_varint] {
        for method in [UPSERT, "/leadgate.v1.DedupService/BatchUpsert", "/leadgate.v1.DedupService/MatchLead"] {
            let refused = call(&channel, method, bytes.clone()).await.expect_err("not a message");
            assert_eq!(refusal(&refused), (Code::InvalidArgument, "INVALID_VALUE".to_owned()), "{method}");
        }
    }
    let refused = call(&channel, "/leadgate.v1.StewardService/ListReviews", vec![0xff]).await.expect_err("garbage");
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));
    for method in ["/leadgate.v1.DedupService/Nothing", "/leadgate.v1.Nothing/Upsert", "/"] {
        let refused = call(&channel, method, Vec::new()).await.expect_err("no such method");
        assert_eq!(refusal(&refused), (Code::Unimplemented, "UNKNOWN_METHOD".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_clearly_at_what_cannot_be_decoded_and_answers_what_came_before() {
    let server = Server::start().await;
    let mut client = tonic::client::Grpc::new(channel(server.address).await);
    client.ready().await.expect("a connection");
    let good = proto::StreamUpsertRequest { request: Some(request(ann())) }.encode_to_vec();
    let requests = tokio_stream::iter([Bytes::from(good), Bytes::from_static(&[0x0a, 9, 1])]);
    let path = "/leadgate.v1.DedupService/StreamUpsert".parse().expect("a path");
    let mut results = client.streaming(Request::new(requests), path, RawCodec).await.expect("a stream").into_inner();
    let first = results.message().await.expect("a result").expect("a result");
    let first = proto::StreamUpsertResponse::decode(first).expect("a response").result.expect("a result");
    assert_eq!(first.status(), UpsertStatus::Created);
    let ended = results.message().await.expect_err("not a message");
    assert_eq!(refusal(&ended), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_too_long_are_named_and_messages_that_are_too_long_refused() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let long = |length: usize| request(LeadInput { title: Some("x".repeat(length)), ..ann() });
    let refused = client.upsert(long(1_000_000)).await.expect_err("a long value");
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "IDENTIFIER_LIMIT".to_owned()));
    assert!(refused.message().starts_with("lead.title"), "{}", refused.message());
    let refused = client.upsert(long(10_000_000)).await.expect_err("a long message");
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));
    let (_, folder) = server.stop().await;

    let server = Server::on(folder, |settings| settings.server.max_request_bytes = 64 * 1024 * 1024).await;
    let refused = server.dedup().await.upsert(long(10_000_000)).await.expect_err("a long value");
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "IDENTIFIER_LIMIT".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_bad_lead_gets_a_clear_error_or_reason() {
    let server = Server::start().await;
    let mut client = server.dedup().await;
    let text = |text: &str| Some(text.to_owned());
    let refusals = [
        (UpsertRequest { source: String::new(), ..request(ann()) }, "MISSING_SOURCE"),
        (request(LeadInput { pipelines: vec!["p".to_owned(); 1_000], ..ann() }), "IDENTIFIER_LIMIT"),
        (request(LeadInput { first_name: text("a\u{0}b"), ..ann() }), "INVALID_VALUE"),
        (UpsertRequest { lead_id: "not a uuid".to_owned(), ..request(ann()) }, "INVALID_VALUE"),
        (UpsertRequest { mode: 77, ..request(ann()) }, "INVALID_VALUE"),
    ];
    for (request, reason) in refusals {
        let refused = client.upsert(request).await.expect_err("a refusal");
        assert_eq!(refusal(&refused), (Code::InvalidArgument, reason.to_owned()));
    }
    let answers = [
        (UpsertRequest { lead: None, ..request(ann()) }, UpsertStatus::Skipped, "NO_USABLE_IDENTIFIER"),
        (request(LeadInput::default()), UpsertStatus::Skipped, "NO_USABLE_IDENTIFIER"),
        (request(LeadInput { email: text("nobody"), ..LeadInput::default() }), UpsertStatus::Skipped, "INVALID_VALUE"),
        (request(LeadInput { date_of_birth: text("9999-99-99"), ..ann() }), UpsertStatus::Created, "INVALID_VALUE"),
    ];
    for (request, status, reason) in answers {
        let answer = client.upsert(request).await.expect("an answer").into_inner();
        assert_eq!(answer.status(), status);
        assert!(codes(&answer).contains(&reason), "{:?}", codes(&answer));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_the_policy_does_not_list_is_refused() {
    let server = Server::with(|settings| {
        settings.engine.policy.unknown_sources = leadgate::decision::policy::UnknownSources::Refuse;
    })
    .await;
    let refused = server.dedup().await.upsert(request(ann())).await.expect_err("unknown");
    assert_eq!(refusal(&refused), (Code::PermissionDenied, "UNKNOWN_SOURCE".to_owned()));
}

/// xorshift64*: the same bytes in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.next() % most).map(|_| (self.next() >> 32) as u8).collect()
    }

    /// A request with bytes changed, cut and doubled.
    fn mutated(&mut self) -> Vec<u8> {
        let mut bytes = UpsertRequest {
            request_id: "r".to_owned(),
            clear_fields: Some(prost_types::FieldMask { paths: vec!["title".to_owned()] }),
            source_update_time: Some(prost_types::Timestamp { seconds: 1, nanos: 1 }),
            ..request(LeadInput { phone: Some("+49 30 123456".to_owned()), country: Some("DE".to_owned()), ..ann() })
        }
        .encode_to_vec();
        for _ in 0..=self.next() % 4 {
            let at = (self.next() % bytes.len() as u64) as usize;
            bytes[at] = (self.next() >> 32) as u8;
        }
        bytes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_never_find_a_bug() {
    let server = Server::start().await;
    let channel = channel(server.address).await;
    let methods =
        ["DedupService/Upsert", "DedupService/MatchLead", "DedupService/BatchUpsert", "DedupService/ReportWrites"]
            .into_iter()
            .chain(["DedupService/GetLead", "StewardService/SearchLeads", "StewardService/ListReviews"])
            .chain(["StewardService/ListDecisions", "StewardService/ListDeadLetters"]);
    let mut chance = Chance(0x1eaf);
    for method in methods {
        for round in 0..150 {
            let bytes = if round % 2 == 0 { chance.bytes(60) } else { chance.mutated() };
            if let Err(status) = call(&channel, &format!("/leadgate.v1.{method}"), bytes).await {
                let (code, reason) = refusal(&status);
                assert!(!matches!(code, Code::Internal | Code::Unknown), "{method}: {reason} {status:?}");
            }
        }
    }
    let question =
        proto::MatchLeadRequest { source: "crm".to_owned(), lead: Some(ann()), ..proto::MatchLeadRequest::default() };
    server.dedup().await.match_lead(question).await.expect("an answer");
}
