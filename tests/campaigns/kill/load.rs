//! The load: every kind of write, from connections of their own, until the server is gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use leadgate::grpc::proto::write_report::Event;
use leadgate::grpc::proto::{
    BatchUpsertRequest, CrmRecordWritten, CrmWriteFailed, GetLeadRequest, ReportWritesRequest, StreamUpsertRequest,
    UpsertRequest, UpsertResponse, UpsertStatus, WriteAction, WriteInstruction, WriteReport, get_lead_request,
};
use tokio::time::{sleep, timeout};
use tonic::Status;

use crate::chance::Chance;
use crate::wire::{Dedup, Meaning, connect, email_of, meaning};

use super::journal::{HOT, Journal, TARGET};

/// The server is gone, or about to be.
struct Gone;

/// Requests in one batch or stream.
const MANY: u64 = 20;

/// A call that hangs for so long is a breach: a dead server breaks the connection at once.
const HANGS: Duration = Duration::from_secs(30);

/// Calls until the connection breaks.
pub(super) async fn call_until_gone(address: SocketAddr, journal: Arc<Journal>, seed: u64) {
    let Ok(channel) = connect(address).await else { return };
    let mut caller = Caller { client: Dedup::new(channel), journal, chance: Chance::new(seed), seed, calls: 0 };
    let calling = async { while caller.call().await.is_ok() {} };
    // A call within takes long only where the server neither answers nor goes.
    timeout(HANGS, calling).await.expect("a server that answers or is gone");
}

struct Caller {
    client: Dedup,
    journal: Arc<Journal>,
    chance: Chance,
    seed: u64,
    calls: u64,
}

impl Caller {
    async fn call(&mut self) -> Result<(), Gone> {
        self.calls += 1;
        match self.chance.below(20) {
            0 => self.batch().await,
            1 => self.stream().await,
            2..=3 => self.read().await,
            _ => self.single().await,
        }
    }

    /// New, known before, or hot.
    fn person(&mut self) -> u64 {
        match self.chance.below(3) {
            0 => self.journal.new_person(),
            1 => self.journal.old_person(self.chance.below(u64::MAX)),
            _ => self.chance.below(HOT),
        }
    }

    fn request(&mut self, person: u64) -> UpsertRequest {
        let source = format!("s{}", self.seed % 4);
        let mut request = self.journal.request(person, &source);
        if self.chance.of(0.5) {
            let title = request.lead.as_ref().and_then(|lead| lead.title.clone());
            request.request_id = title.expect("every request has one");
        }
        if self.chance.of(0.3) {
            request.target = TARGET.to_owned();
        }
        if self.chance.of(0.3) {
            let lead = request.lead.as_mut().expect("every request has one");
            lead.external_id = Some(format!("{source}-{person}"));
        }
        request
    }

    async fn single(&mut self) -> Result<(), Gone> {
        let person = self.person();
        let request = self.request(person);
        loop {
            match self.client.upsert(request.clone()).await {
                Ok(response) => {
                    let response = response.into_inner();
                    let lead_id = response.lead_id.clone();
                    let write = response.write.clone();
                    let claim = self.journal.answered(person, request, response);
                    return self.follow(person, lead_id, claim.or(write)).await;
                }
                Err(status) => {
                    if self.comes_again(&status).await.is_err() {
                        self.journal.lost(person, request);
                        return Err(Gone);
                    }
                }
            }
        }
    }

    /// Waits where the server says so. Anything else is the end of the server, or a breach.
    async fn comes_again(&self, status: &Status) -> Result<(), Gone> {
        match meaning(status) {
            Meaning::ComeAgain(delay) => {
                sleep(delay).await;
                Ok(())
            }
            Meaning::Unknown => Err(Gone),
            Meaning::Wrong => panic!("{status:?}"),
        }
    }

    fn many(&mut self) -> Vec<(u64, UpsertRequest)> {
        let mut many = Vec::new();
        for number in 0..MANY {
            let person = self.person();
            let mut request = self.request(person);
            request.client_ref = number.to_string();
            many.push((person, request));
        }
        many
    }

    async fn batch(&mut self) -> Result<(), Gone> {
        let mut many = self.many();
        let requests = many.iter().map(|(_, request)| request.clone()).collect();
        let batch = BatchUpsertRequest { requests, ..BatchUpsertRequest::default() };
        let answer = self.client.batch_upsert(batch).await;
        let answered = match &answer {
            Ok(answer) => answer.get_ref().results.clone(),
            Err(_) => Vec::new(),
        };
        for response in answered {
            self.item(&mut many, response);
        }
        self.rest_is_lost(many);
        match answer {
            Ok(_) => Ok(()),
            Err(status) => self.comes_again(&status).await,
        }
    }

    async fn stream(&mut self) -> Result<(), Gone> {
        let mut many = self.many();
        let requests: Vec<_> =
            many.iter().map(|(_, request)| StreamUpsertRequest { request: Some(request.clone()) }).collect();
        let answer = self.client.stream_upsert(tokio_stream::iter(requests)).await;
        let mut results = match answer {
            Ok(answer) => answer.into_inner(),
            Err(status) => {
                self.rest_is_lost(many);
                return self.comes_again(&status).await;
            }
        };
        let ended = loop {
            match results.message().await {
                Ok(Some(result)) => self.item(&mut many, result.result.expect("every response has one")),
                Ok(None) => break Ok(()),
                Err(status) => break self.comes_again(&status).await,
            }
        };
        assert!(ended.is_err() || many.is_empty(), "a stream that ends has answered everything");
        self.rest_is_lost(many);
        ended
    }

    /// Takes in a result of a batch or stream.
    fn item(&self, many: &mut Vec<(u64, UpsertRequest)>, response: UpsertResponse) {
        let place = many.iter().position(|(_, request)| request.client_ref == response.client_ref);
        let (person, request) = many.remove(place.expect("each request is answered once"));
        if response.status() != UpsertStatus::Failed {
            self.journal.answered(person, request, response);
            return;
        }
        let reason = &response.reasons[0];
        assert!(reason.metadata.contains_key("retry_after_ms"), "{reason:?}");
        self.journal.lost(person, request);
    }

    fn rest_is_lost(&self, many: Vec<(u64, UpsertRequest)>) {
        for (person, request) in many {
            self.journal.lost(person, request);
        }
    }

    /// Does what the answer says, or dies over it.
    async fn follow(&mut self, person: u64, lead_id: String, write: Option<WriteInstruction>) -> Result<(), Gone> {
        let Some(write) = write else { return Ok(()) };
        let token = write.claim_token.clone();
        match write.action() {
            WriteAction::Create if self.chance.of(0.3) => Ok(()),
            WriteAction::Create if self.chance.of(0.3) => {
                let failed = CrmWriteFailed { lead_id, claim_token: token, ..CrmWriteFailed::default() };
                self.report(person, Event::Failed(failed)).await
            }
            WriteAction::Create | WriteAction::Update => {
                let external_id = format!("{TARGET}-{person}");
                let written =
                    CrmRecordWritten { lead_id, claim_token: token, external_id, ..CrmRecordWritten::default() };
                self.report(person, Event::Written(written)).await
            }
            _ => Ok(()),
        }
    }

    async fn report(&mut self, person: u64, event: Event) -> Result<(), Gone> {
        let (token, written) = match &event {
            Event::Written(written) => (written.claim_token.clone(), true),
            Event::Failed(failed) => (failed.claim_token.clone(), false),
            _ => unreachable!("nothing else is reported"),
        };
        if !token.is_empty() {
            self.journal.reporting(&token);
        }
        let mut report = WriteReport { target: TARGET.to_owned(), event: Some(event), ..WriteReport::default() };
        if self.chance.of(0.5) {
            report.request_id = format!("report {} {}", self.seed, self.calls);
        }
        let answer = self.client.report_writes(ReportWritesRequest { reports: vec![report] }).await;
        match answer {
            Ok(answer) => {
                let reasons = &answer.get_ref().results[0].reasons;
                if reasons.iter().all(|reason| !reason.metadata.contains_key("retry_after_ms")) {
                    self.journal.reported(person, written);
                }
                Ok(())
            }
            Err(status) => self.comes_again(&status).await,
        }
    }

    async fn read(&mut self) -> Result<(), Gone> {
        let person = self.person();
        let by = get_lead_request::By::Email(email_of(person));
        match self.client.get_lead(GetLeadRequest { by: Some(by) }).await {
            Ok(answer) => {
                let lead = answer.into_inner().lead.expect("a found lead");
                self.journal.named(person, &lead.lead_id, lead.version);
                Ok(())
            }
            Err(status) if status.code() == tonic::Code::NotFound => Ok(()),
            Err(status) => self.comes_again(&status).await,
        }
    }
}
