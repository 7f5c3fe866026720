//! The rows that are on their way: sent and not answered, or answered behind one that is not.
//!
//! Rows leave in the order in which they came, so that reports are in the order of the file.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::grpc::proto::UpsertRequest;

use super::outcome::Outcome;
use super::row::Row;

/// Between two attempts at one row, where the server names no delay.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// A row on its way.
struct Slot {
    row: Row,
    request: Option<UpsertRequest>,
    outcome: Option<Outcome>,
    attempts: u32,
    /// When to send it again; `None` while an answer is awaited.
    again: Option<Instant>,
}

/// Rows on their way, in the order of the file.
#[derive(Default)]
pub(crate) struct Window {
    slots: VecDeque<Slot>,
    awaited: usize,
    delayed: usize,
}

impl Window {
    /// Takes a row that is about to be sent.
    pub(crate) fn push(&mut self, row: Row, request: UpsertRequest) {
        self.slots.push_back(Slot { row, request: Some(request), outcome: None, attempts: 1, again: None });
        self.awaited += 1;
    }

    /// Takes a row that is not sent.
    pub(crate) fn push_done(&mut self, row: Row, outcome: Outcome) {
        self.slots.push_back(Slot { row, request: None, outcome: Some(outcome), attempts: 0, again: None });
    }

    /// How many rows it holds.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether rows wait to be sent again: then none behind them should be sent.
    pub(crate) fn is_held(&self) -> bool {
        self.delayed > 0
    }

    /// Whether every row has its outcome.
    pub(crate) fn is_settled(&self) -> bool {
        self.awaited == 0 && self.delayed == 0
    }

    /// Notes the outcome of the row on `line`. Ignores a second one, which a repeated request can bring.
    pub(crate) fn settle(&mut self, line: u64, outcome: Outcome) {
        let Some(index) = self.awaited_at(line) else { return };
        let slot = &mut self.slots[index];
        slot.outcome = Some(outcome);
        slot.request = None;
        self.awaited -= 1;
    }

    /// Notes that the row on `line` is to be sent again, no earlier than `after` and later with each attempt.
    pub(crate) fn delay(&mut self, line: u64, after: Duration, now: Instant) {
        let Some(index) = self.awaited_at(line) else { return };
        let slot = &mut self.slots[index];
        slot.again = Some(now + after.max(backoff(slot.attempts)));
        slot.attempts += 1;
        self.awaited -= 1;
        self.delayed += 1;
    }

    /// When the first row is to be sent again.
    pub(crate) fn next_attempt(&self) -> Option<Instant> {
        if self.delayed == 0 {
            return None;
        }
        self.slots.iter().filter_map(|slot| slot.again).min()
    }

    /// The requests that are due again, in the order of the file.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<UpsertRequest> {
        let mut requests = Vec::new();
        for slot in self.slots.iter_mut().filter(|slot| slot.again.is_some_and(|again| again <= now)) {
            slot.again = None;
            requests.extend(slot.request.clone());
        }
        self.delayed -= requests.len();
        self.awaited += requests.len();
        requests
    }

    /// Every request without an answer, in the order of the file: for a new connection.
    pub(crate) fn unanswered(&mut self) -> Vec<UpsertRequest> {
        let mut requests = Vec::new();
        for slot in self.slots.iter_mut().filter(|slot| slot.outcome.is_none()) {
            slot.again = None;
            requests.extend(slot.request.clone());
        }
        self.delayed = 0;
        self.awaited = requests.len();
        requests
    }

    /// The first row, if it has its outcome.
    pub(crate) fn pop_settled(&mut self) -> Option<(Row, Outcome)> {
        self.slots.front()?.outcome.as_ref()?;
        let slot = self.slots.pop_front()?;
        slot.outcome.map(|outcome| (slot.row, outcome))
    }

    fn awaited_at(&self, line: u64) -> Option<usize> {
        let index = self.slots.binary_search_by_key(&line, |slot| slot.row.line).ok()?;
        let slot = &self.slots[index];
        (slot.outcome.is_none() && slot.again.is_none()).then_some(index)
    }
}

/// Doubles with each attempt.
pub(crate) fn backoff(attempts: u32) -> Duration {
    FIRST_DELAY.saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    use super::super::row::{Original, RowProblem};
    use super::*;

    fn row(line: u64) -> Row {
        Row { line, end: 0, id: String::new(), original: Original::Line(Vec::new()), values: Ok(Vec::new()) }
    }

    fn request(line: u64) -> UpsertRequest {
        UpsertRequest { client_ref: line.to_string(), ..Default::default() }
    }

    fn outcome() -> Outcome {
        Outcome::not_sent(&RowProblem::invalid("x"))
    }

    fn window(lines: &[u64]) -> Window {
        let mut window = Window::default();
        for line in lines {
            window.push(row(*line), request(*line));
        }
        window
    }

    fn lines(requests: &[UpsertRequest]) -> Vec<&str> {
        requests.iter().map(|request| request.client_ref.as_str()).collect()
    }

    fn popped(window: &mut Window) -> Vec<u64> {
        std::iter::from_fn(|| window.pop_settled()).map(|(row, _)| row.line).collect()
    }

    #[test]
    fn rows_leave_in_the_order_in_which_they_came() {
        let mut window = window(&[2, 3, 7]);
        window.push_done(row(9), outcome());
        window.settle(7, outcome());
        window.settle(3, outcome());
        assert_eq!(popped(&mut window), [0; 0]);
        window.settle(2, outcome());
        assert_eq!(popped(&mut window), [2, 3, 7, 9]);
        assert!(window.is_settled() && window.len() == 0);
    }

    #[test]
    fn a_delayed_row_is_due_again_in_its_time() {
        let mut window = window(&[2, 3]);
        let now = Instant::now();
        window.delay(2, Duration::from_secs(1), now);
        assert!(window.is_held() && !window.is_settled());
        assert!(window.due(now).is_empty());
        assert_eq!(window.next_attempt(), Some(now + Duration::from_secs(1)));
        assert_eq!(lines(&window.due(now + Duration::from_secs(1))), ["2"]);
        assert!(!window.is_held());
        window.delay(2, Duration::ZERO, now);
        assert_eq!(window.next_attempt(), Some(now + Duration::from_millis(200)));
    }

    #[test]
    fn a_new_connection_gets_everything_without_an_answer_and_late_answers_count_once() {
        let mut window = window(&[2, 3, 4]);
        window.settle(3, outcome());
        window.delay(4, Duration::ZERO, Instant::now());
        assert_eq!(lines(&window.unanswered()), ["2", "4"]);
        assert!(!window.is_held());
        window.settle(3, outcome());
        window.settle(2, outcome());
        window.settle(2, outcome());
        window.settle(4, outcome());
        assert!(window.is_settled());
        assert_eq!(popped(&mut window), [2, 3, 4]);
    }
}
