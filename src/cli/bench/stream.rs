//! Streams of upserts: as many leads on their way as fit in a window.

use std::collections::HashMap;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::grpc::client::{ClientError, LoadClient, LoadResults};

use super::load::Schedule;
use super::measurement::Measurement;
use super::workload::Requests;

/// Sends new leads through one stream, `window` of them on their way, until the schedule ends.
pub(super) async fn run(
    mut client: LoadClient,
    requests: &Requests,
    schedule: &Schedule,
    window: usize,
) -> Measurement {
    let mut measured = Measurement::new();
    let (sender, receiver) = mpsc::channel(window);
    let exchanged = match client.stream(receiver).await {
        Ok(results) => {
            Exchange { sender, results, requests, under_way: HashMap::new() }.run(schedule, window, &mut measured).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = exchanged {
        measured.error(error.reason.as_deref().unwrap_or("UNREACHABLE"));
    }
    measured
}

struct Exchange<'a> {
    sender: mpsc::Sender<bytes::Bytes>,
    results: LoadResults,
    requests: &'a Requests,
    under_way: HashMap<u64, Instant>,
}

impl Exchange<'_> {
    async fn run(mut self, schedule: &Schedule, window: usize, measured: &mut Measurement) -> Result<(), ClientError> {
        while self.under_way.len() < window && schedule.goes_on(Instant::now()) {
            self.send().await;
        }
        while !self.under_way.is_empty() {
            let ended_early = || ClientError::broken("the stream ended early");
            let result = self.results.next().await.ok_or_else(ended_early)??;
            let begun = result.client_ref.parse().ok().and_then(|number: u64| self.under_way.remove(&number));
            if let Some(begun) = begun {
                let ended = Instant::now();
                measured.answered(1, schedule.measured_part(begun, ended));
                if schedule.is_measured(begun) {
                    measured.success(ended - begun, 1);
                    measured.status(result.status);
                }
            }
            if schedule.goes_on(Instant::now()) {
                self.send().await;
            }
        }
        Ok(())
    }

    async fn send(&mut self) {
        let number = self.requests.new_number();
        self.under_way.insert(number, Instant::now());
        // A closed stream shows in the results.
        let _ = self.sender.send(self.requests.stream_message(number)).await;
    }
}
