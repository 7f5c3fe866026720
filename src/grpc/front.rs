//! The first to see a request and the last to see its reply.
//!
//! It sends calls on their way, keeps a panic from taking the connection down, and puts into our words what tonic answers by
//! itself: a request that is too long or cannot be decoded, a method that does not exist.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use futures_util::future::CatchUnwind;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;
use tonic::service::Routes;

use crate::store::LeadStore;

use super::dedup::Dedup;
use super::in_flight::{Call, InFlight};
use super::proto::dedup_service_server::DedupServiceServer;
use super::status::Failure;

/// What the server hands its requests to.
pub(crate) struct Front<S: LeadStore> {
    /// What integrations call, without the detour through a router.
    dedup: DedupServiceServer<Dedup<S>>,
    others: Routes,
    in_flight: InFlight,
}

impl<S: LeadStore> Front<S> {
    /// A front before these services.
    pub(crate) fn new(dedup: DedupServiceServer<Dedup<S>>, others: Routes, in_flight: InFlight) -> Self {
        Self { dedup, others: others.prepare(), in_flight }
    }
}

impl<S: LeadStore> Clone for Front<S> {
    fn clone(&self) -> Self {
        Self { dedup: self.dedup.clone(), others: self.others.clone(), in_flight: self.in_flight.clone() }
    }
}

impl<S: LeadStore> Service<Request<Body>> for Front<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let call = self.in_flight.begin();
        let answer: BoxFuture<Response<Body>, Infallible> = if is_for::<DedupServiceServer<Dedup<S>>>(&request) {
            self.dedup.call(request)
        } else {
            Box::pin(self.others.call(request))
        };
        Answering { answer: AssertUnwindSafe(answer).catch_unwind(), _call: call }
    }
}

/// Whether a request is for a method of this service.
fn is_for<N: NamedService>(request: &Request<Body>) -> bool {
    let method = request.uri().path().strip_prefix('/').and_then(|path| path.strip_prefix(N::NAME));
    method.is_some_and(|method| method.starts_with('/'))
}

/// A call that is being answered.
pub(crate) struct Answering {
    answer: CatchUnwind<AssertUnwindSafe<BoxFuture<Response<Body>, Infallible>>>,
    _call: Call,
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(context));
        Poll::Ready(Ok(match answer {
            Ok(Ok(response)) => in_our_words(response),
            Ok(Err(never)) => match never {},
            Err(panic) => after_panic(&*panic),
        }))
    }
}

/// The handler is gone and everything it held was dropped; the server lives on.
fn after_panic(_panic: &(dyn Any + Send)) -> Response<Body> {
    // What the panic says may repeat a value. The panic hook has told where it was.
    tracing::error!("a handler panicked");
    Failure::Panicked.into_status().into_http()
}

/// A reply that is nothing but a bare status gets an `ErrorInfo`, and a code that says whose mistake it is.
fn in_our_words(response: Response<Body>) -> Response<Body> {
    let headers = response.headers();
    if !headers.contains_key(Status::GRPC_STATUS) || headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return response;
    }
    let status = Status::from_header_map(headers);
    let failure = status.and_then(|status| Failure::of_transport(status.code(), status.message()));
    failure.map_or(response, |failure| failure.into_status().into_http())
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::StatusExt;

    use super::*;

    async fn answered(answer: BoxFuture<Response<Body>, Infallible>) -> Status {
        let answer = AssertUnwindSafe(answer).catch_unwind();
        let Ok(response) = Answering { answer, _call: InFlight::default().begin() }.await;
        Status::from_header_map(response.headers()).expect("a status")
    }

    fn check(status: &Status, code: Code, reason: &str) {
        assert_eq!(status.code(), code);
        assert_eq!(status.get_error_details().error_info().expect("an ErrorInfo").reason, reason);
    }

    #[tokio::test]
    async fn a_panic_becomes_an_answer() {
        check(&answered(Box::pin(async { panic!("a bug") })).await, Code::Internal, "INTERNAL");
    }

    #[tokio::test]
    async fn bare_statuses_get_our_words_and_ours_stay() {
        let bare = |status: Status| Box::pin(std::future::ready(Ok(status.into_http())));
        check(&answered(bare(Status::internal("cannot decode"))).await, Code::InvalidArgument, "INVALID_VALUE");
        check(&answered(bare(Status::unimplemented(""))).await, Code::Unimplemented, "UNKNOWN_METHOD");
        check(&answered(bare(Failure::Panicked.into_status())).await, Code::Internal, "INTERNAL");
        check(&answered(bare(Failure::LeadNotFound.into_status())).await, Code::NotFound, "LEAD_NOT_FOUND");
    }
}
