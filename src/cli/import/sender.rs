//! Sends rows through one stream of upserts and takes what is answered, again and again if the connection breaks.

use std::io;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::grpc::client::{Client, ClientError, ServerAddress, UpsertResults};
use crate::grpc::proto::UpsertRequest;

use super::ledger::Ledger;
use super::outcome::{Outcome, Reply};
use super::request::RequestTemplate;
use super::row::Row;
use super::window::{Window, backoff};

/// How many rows may be on their way.
const WINDOW_ROWS: usize = 2048;
/// After an interruption: how long what was sent may still be answered.
const SETTLE_DEADLINE: Duration = Duration::from_secs(10);

/// How an import ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every row has its outcome.
    Finished,
    /// It was asked to stop; every row sent has its outcome.
    Interrupted,
}

/// Why an import stopped before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The server, at last.
    #[error("{0}")]
    Server(#[from] ClientError),
    /// The server is there and takes nothing.
    #[error("{0}")]
    GaveUp(String),
    /// The file, the report or another file.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Sends the rows of one import.
pub(crate) struct Sender<'a> {
    /// Where to.
    pub(crate) address: ServerAddress,
    /// What the requests have in common.
    pub(crate) template: RequestTemplate,
    /// How long the server may be away, or take nothing.
    pub(crate) patience: Duration,
    /// Where outcomes go.
    pub(crate) ledger: &'a mut Ledger,
    /// Turns true when the import is to stop.
    pub(crate) interrupt: watch::Receiver<bool>,
}

/// What is on its way, across connections.
struct Traffic {
    rows: mpsc::Receiver<io::Result<Row>>,
    window: Window,
    all_read: bool,
    interrupted_at: Option<Instant>,
    /// When the last row got its outcome.
    progress: Instant,
}

impl Sender<'_> {
    /// Sends every row and waits for every outcome.
    ///
    /// A broken connection is made again and what was not answered is sent again, under the same request ids. A dry run cannot go on
    /// over a second connection: what it has seen ends with the first.
    pub(crate) async fn run(&mut self, rows: mpsc::Receiver<io::Result<Row>>) -> Result<Ending, SendError> {
        let mut client = Client::connect(&self.address).await?;
        let mut traffic = Traffic {
            rows,
            window: Window::default(),
            all_read: false,
            interrupted_at: None,
            progress: Instant::now(),
        };
        let mut attempts = 0;
        loop {
            let before = traffic.progress;
            match self.exchange(&mut client, &mut traffic).await {
                Err(SendError::Server(error)) if error.is_retryable() && self.may_go_on(&traffic) => {
                    attempts = if traffic.progress > before { 1 } else { attempts + 1 };
                    self.ledger.say(&format!("{error}; trying again"));
                    tokio::time::sleep(error.retry_after.unwrap_or_default().max(backoff(attempts))).await;
                    // A connection that cannot be made shows in the next exchange.
                    if let Ok(connected) = Client::connect(&self.address).await {
                        client = connected;
                    }
                }
                result => return result,
            }
        }
    }

    fn may_go_on(&self, traffic: &Traffic) -> bool {
        !self.template.validate_only && traffic.interrupted_at.is_none() && traffic.progress.elapsed() < self.patience
    }

    /// One stream, from what is unanswered to the end.
    async fn exchange(&mut self, client: &mut Client, traffic: &mut Traffic) -> Result<Ending, SendError> {
        let (requests, receiver) = mpsc::channel(WINDOW_ROWS);
        let mut results = client.stream_upsert(receiver).await?;
        send(&requests, traffic.window.unanswered())?;
        loop {
            self.write_down(traffic)?;
            if traffic.window.is_settled() && (traffic.all_read || traffic.interrupted_at.is_some()) {
                drop(requests);
                return finish(&mut results, traffic).await;
            }
            self.step(&requests, &mut results, traffic).await?;
        }
    }

    /// Waits for whatever happens next.
    async fn step(
        &mut self,
        requests: &mpsc::Sender<UpsertRequest>,
        results: &mut UpsertResults,
        traffic: &mut Traffic,
    ) -> Result<(), SendError> {
        let may_read = !traffic.all_read
            && traffic.interrupted_at.is_none()
            && traffic.window.len() < WINDOW_ROWS
            && !traffic.window.is_held();
        tokio::select! {
            result = results.next() => self.answered(result, traffic),
            row = traffic.rows.recv(), if may_read => match row {
                Some(row) => self.read(row?, requests, traffic),
                None => {
                    traffic.all_read = true;
                    Ok(())
                }
            },
            () = until(traffic.window.next_attempt()) => {
                self.check_patience(traffic)?;
                send(requests, traffic.window.due(Instant::now()))
            }
            () = until(traffic.interrupted_at.map(|at| at + SETTLE_DEADLINE)) => {
                Err(SendError::GaveUp("the server did not answer in time after the interruption".into()))
            }
            true = asked_to_stop(&mut self.interrupt), if traffic.interrupted_at.is_none() => {
                traffic.interrupted_at = Some(Instant::now());
                Ok(())
            }
        }
    }

    fn read(
        &mut self,
        row: Row,
        requests: &mpsc::Sender<UpsertRequest>,
        traffic: &mut Traffic,
    ) -> Result<(), SendError> {
        let request = match &row.values {
            Ok(values) => self.template.request(row.line, values),
            Err(problem) => Err(problem.clone()),
        };
        match request {
            Ok(request) => {
                traffic.window.push(row, request.clone());
                send(requests, vec![request])
            }
            Err(problem) => {
                traffic.window.push_done(row, Outcome::not_sent(&problem));
                Ok(())
            }
        }
    }

    fn answered(
        &mut self,
        result: Option<Result<crate::grpc::proto::UpsertResponse, ClientError>>,
        traffic: &mut Traffic,
    ) -> Result<(), SendError> {
        let response = result.ok_or_else(|| unreachable("the server ended the stream"))??;
        let line = response.client_ref.parse().map_err(|_| unreachable("the server answered something else"))?;
        match Reply::from(response) {
            Reply::Final(outcome) => {
                traffic.progress = Instant::now();
                traffic.window.settle(line, outcome);
            }
            Reply::Later { after, code } => {
                if !traffic.window.is_held() {
                    self.ledger.say(&format!("the server answers {code}; rows wait"));
                }
                traffic.window.delay(line, after, Instant::now());
            }
        }
        Ok(())
    }

    fn write_down(&mut self, traffic: &mut Traffic) -> io::Result<()> {
        while let Some((row, outcome)) = traffic.window.pop_settled() {
            self.ledger.take(&row, &outcome)?;
        }
        self.ledger.note_now_and_then()
    }

    fn check_patience(&self, traffic: &Traffic) -> Result<(), SendError> {
        if traffic.progress.elapsed() < self.patience {
            return Ok(());
        }
        Err(SendError::GaveUp(format!("the server took no row for {} s", self.patience.as_secs())))
    }
}

/// The server has answered everything and ends the stream in turn.
async fn finish(results: &mut UpsertResults, traffic: &Traffic) -> Result<Ending, SendError> {
    // A late second answer to a repeated request is all that can still come; an error changes nothing any more.
    let drained = async { while let Some(Ok(_)) = results.next().await {} };
    let _ = tokio::time::timeout(SETTLE_DEADLINE, drained).await;
    Ok(if traffic.all_read { Ending::Finished } else { Ending::Interrupted })
}

/// The channel holds as many requests as can be on their way.
fn send(requests: &mpsc::Sender<UpsertRequest>, due: Vec<UpsertRequest>) -> Result<(), SendError> {
    for request in due {
        requests.try_send(request).map_err(|_| unreachable("the stream is closed"))?;
    }
    Ok(())
}

fn unreachable(message: &str) -> ClientError {
    ClientError::broken(message)
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits until the import is to stop. Cancel safe.
async fn asked_to_stop(interrupt: &mut watch::Receiver<bool>) -> bool {
    match interrupt.wait_for(|stop| *stop).await {
        Ok(_) => true,
        // Nobody can ask any more.
        Err(_) => std::future::pending().await,
    }
}
