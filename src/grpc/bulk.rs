//! Batches and streams of upserts: every request gets a result, and one bad lead does not fail the others.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, ready};
use futures_util::stream::FuturesOrdered;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;
use tonic::Streaming;

use crate::decision::policy::Policy;
use crate::engine::{Batch, Engine};
use crate::store::LeadStore;

use super::convert::{Door, MatchingHeaders, upsert_command, upsert_response};
use super::desk::{Desk, drained};
use super::proto;
use super::status::Failure;
use super::violation::{Rule, Violations};

/// Results that wait between the deciding and the sending side of a stream.
const RESULTS_IN_TRANSIT: usize = 64;

/// How long a stream is not read before it is looked whether there is room again.
const PAUSE: Duration = Duration::from_millis(5);

/// Submits one request of a batch or stream. Its result never fails: what would be an error is a FAILED item.
pub(crate) fn submit<S: LeadStore>(
    batch: &mut Batch<S>,
    mut request: proto::UpsertRequest,
    door: &Door<'_>,
    policy: &Arc<Policy>,
) -> impl Future<Output = proto::UpsertResponse> + Send + use<S> {
    let client_ref = std::mem::take(&mut request.client_ref);
    let (command, presentation) = match upsert_command(request, &client_ref, door) {
        Ok(taken) => taken,
        Err(failure) => return Either::Left(ready(failure.into_item(client_ref))),
    };
    let answer = batch.submit(client_ref.as_str().into(), command);
    let policy = Arc::clone(policy);
    Either::Right(async move {
        match answer.await {
            Ok(answer) => upsert_response(answer, client_ref, presentation, &policy),
            Err(error) => Failure::from(error).into_item(client_ref),
        }
    })
}

/// Drives one stream of upserts.
///
/// It runs in a task of its own, so that requests in flight go on being decided while the caller does not read: a decision
/// that nobody drives would keep its keys locked. What was decided stands, whatever becomes of the caller.
pub(crate) struct StreamDriver<S: LeadStore> {
    desk: Arc<Desk<S>>,
    engine: Arc<Engine<S>>,
    headers: MatchingHeaders,
    batch: Batch<S>,
}

impl<S: LeadStore> StreamDriver<S> {
    /// A driver for one stream.
    pub(crate) fn new(desk: Arc<Desk<S>>, engine: Arc<Engine<S>>, headers: MatchingHeaders) -> Self {
        let batch = engine.begin_stream();
        Self { desk, engine, headers, batch }
    }

    /// The results, in the order of the requests, so that those that share a key keep theirs.
    pub(crate) fn run(
        self,
        requests: Streaming<proto::StreamUpsertRequest>,
    ) -> impl Stream<Item = Result<proto::StreamUpsertResponse, Failure>> + Send + 'static {
        let (sender, receiver) = mpsc::channel(RESULTS_IN_TRANSIT);
        let driving = tokio::spawn(self.drive(requests, sender));
        let results = tokio_stream::wrappers::ReceiverStream::new(receiver);
        let ending = futures_util::stream::once(async move {
            match driving.await {
                Ok(ended) => ended.err().map(Err),
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    Err(_cancelled) => Some(Err(Failure::Draining)),
                },
            }
        });
        let respond = |result| proto::StreamUpsertResponse { result: Some(result) };
        results.map(move |result| Ok(respond(result))).chain(ending.filter_map(ready))
    }

    async fn drive(
        mut self,
        mut requests: Streaming<proto::StreamUpsertRequest>,
        results: mpsc::Sender<proto::UpsertResponse>,
    ) -> Result<(), Failure> {
        let in_flight_limit = self.desk.settings().stream_in_flight.max(1);
        let mut drained = std::pin::pin!(drained(self.desk.draining()));
        let mut in_flight = FuturesOrdered::new();
        let mut unsent = VecDeque::new();
        let mut ending = None;
        while ending.is_none() || !in_flight.is_empty() || !unsent.is_empty() {
            let takes_more = ending.is_none() && in_flight.len() + unsent.len() < in_flight_limit;
            let has_room = !takes_more || self.engine.has_room();
            tokio::select! {
                Some(result) = in_flight.next(), if !in_flight.is_empty() => unsent.push_back(result),
                permit = results.reserve(), if !unsent.is_empty() => match (permit, unsent.pop_front()) {
                    (Ok(permit), Some(result)) => permit.send(result),
                    // The caller has gone. What is in flight is still decided.
                    _ => {
                        unsent.clear();
                        ending.get_or_insert(Ok(()));
                    }
                },
                () = tokio::time::sleep(PAUSE), if takes_more && !has_room => {}
                request = requests.message(), if takes_more && has_room => match request {
                    Ok(Some(request)) => in_flight.push_back(self.submit(request)),
                    Ok(None) => ending = Some(Ok(())),
                    Err(status) => ending = Some(Err(failure_of(&status))),
                },
                () = &mut drained, if ending.is_none() => ending = Some(Err(Failure::Draining)),
            }
        }
        ending.unwrap_or(Ok(()))
    }

    fn submit(
        &mut self,
        request: proto::StreamUpsertRequest,
    ) -> impl Future<Output = proto::UpsertResponse> + Send + use<S> {
        let proto::StreamUpsertRequest { request } = request;
        let Some(request) = request else {
            let missing = Violations::one("request", Rule::InvalidValue, "send a request");
            return Either::Left(ready(Failure::from(missing).into_item(String::new())));
        };
        let policy = self.engine.policy();
        let door = self.desk.door(&policy, self.headers);
        Either::Right(submit(&mut self.batch, request, &door, &policy))
    }
}

/// What became of the inbound side of a stream.
fn failure_of(status: &tonic::Status) -> Failure {
    Failure::of_transport(status.code(), status.message()).unwrap_or(Failure::Panicked)
}
