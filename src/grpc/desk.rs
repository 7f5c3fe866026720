//! What every handler works with: the engine's place, who calls, and the limits of an answer.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use prost::Message;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::decision::policy::Policy;
use crate::engine::{Engine, RequestError};
use crate::store::LeadStore;

use super::convert::{Caller, Door, MatchingHeaders};
use super::in_flight::InFlight;
use super::limits::ServerSettings;
use super::slot::EngineSlot;
use super::status::Failure;

/// What a streaming method answers with.
pub(crate) type ReplyStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What every handler works with.
pub(crate) struct Desk<S: LeadStore> {
    slot: EngineSlot<S>,
    caller: Caller,
    settings: ServerSettings,
    draining: watch::Receiver<bool>,
    in_flight: InFlight,
}

impl<S: LeadStore> Desk<S> {
    /// A desk; `draining` turns true when the server shuts down.
    pub(crate) fn new(
        slot: EngineSlot<S>,
        settings: ServerSettings,
        draining: watch::Receiver<bool>,
        in_flight: InFlight,
    ) -> Self {
        Self { slot, caller: Caller::default(), settings, draining, in_flight }
    }

    /// The engine, once it is there.
    pub(crate) fn engine(&self) -> Result<Arc<Engine<S>>, RequestError> {
        self.slot.engine().ok_or(RequestError::Unavailable { what: "the server is recovering or has stopped" })
    }

    /// Who calls. Without authentication everybody is the same.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The settings of the server.
    pub(crate) fn settings(&self) -> &ServerSettings {
        &self.settings
    }

    /// Turns true when the server shuts down.
    pub(crate) fn draining(&self) -> watch::Receiver<bool> {
        self.draining.clone()
    }

    /// What a request is read against, now.
    pub(crate) fn door<'a>(&'a self, policy: &'a Policy, headers: MatchingHeaders) -> Door<'a> {
        Door { caller: &self.caller, policy, headers, inherited_source: None, now: Timestamp::now() }
    }

    /// An answer, unless it is longer than the server sends.
    pub(crate) fn reply<T: Message>(&self, message: T) -> Result<Response<T>, Status> {
        Ok(Response::new(self.within_limit(message)?))
    }

    /// A stream of answers. One that panics or draws a longer answer than the server sends ends with a status that says so.
    pub(crate) fn reply_stream<T: Message + 'static>(
        &self,
        answers: impl Stream<Item = Result<T, Failure>> + Send + 'static,
    ) -> Response<ReplyStream<T>> {
        let limit_bytes = self.settings.max_reply_bytes;
        let call = self.in_flight.begin();
        let answers = AssertUnwindSafe(answers).catch_unwind().map(move |answer| {
            let _in_flight = &call;
            match answer {
                Ok(Ok(message)) if message.encoded_len() > limit_bytes => {
                    Err(Failure::ReplyTooLarge { limit_bytes }.into())
                }
                Ok(answer) => answer.map_err(Status::from),
                Err(_panic) => Err(Failure::Panicked.into()),
            }
        });
        Response::new(Box::pin(until_first_failure(answers)))
    }

    fn within_limit<T: Message>(&self, message: T) -> Result<T, Failure> {
        let limit_bytes = self.settings.max_reply_bytes;
        if message.encoded_len() > limit_bytes {
            return Err(Failure::ReplyTooLarge { limit_bytes });
        }
        Ok(message)
    }
}

/// Splits a request into the SAP headers and the message.
pub(crate) fn opened<T>(request: Request<T>) -> Result<(MatchingHeaders, T), Failure> {
    let headers = MatchingHeaders::read(request.metadata())?;
    Ok((headers, request.into_inner()))
}

/// The stream up to and with its first failure; it is not asked again after that.
fn until_first_failure<T>(
    answers: impl Stream<Item = Result<T, Status>> + Send,
) -> impl Stream<Item = Result<T, Status>> + Send {
    futures_util::stream::unfold(Some(Box::pin(answers)), |answers| async move {
        let mut answers = answers?;
        let answer = answers.next().await?;
        let rest = answer.is_ok().then_some(answers);
        Some((answer, rest))
    })
}

/// Resolves when the server shuts down.
pub(crate) async fn drained(mut draining: watch::Receiver<bool>) {
    // A server that has gone without a word has drained as well.
    let _ = draining.wait_for(|draining| *draining).await;
}
