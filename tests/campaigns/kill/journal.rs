//! What the clients know: everything that was sent, and everything that was answered.
//!
//! Every request names a person by an email that nobody else has, so which lead it has to end on is known from the first answer on.
//! Every request carries its number as the lead's title, so whatever the server holds can be traced to who sent it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use leadgate::grpc::proto::{UpsertRequest, UpsertResponse, UpsertStatus, WriteInstruction};

use crate::grants::Grants;
use crate::wire::{email_of, lead, upsert};

use super::CLAIM_MS;

/// The system that callers are about to write to.
pub(super) const TARGET: &str = "crm";

/// How many of the persons are hot: everybody sends them.
pub(super) const HOT: u64 = 20;

/// An answer to an upsert, and where its request is worth repeating, the request.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) person: u64,
    pub(super) response: UpsertResponse,
    /// With its request id, which gets the same reply for days.
    pub(super) repeatable: Option<UpsertRequest>,
}

/// What is known of a person's lead.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) lead_id: String,
    /// The highest version that anybody was told.
    pub(super) version: i64,
    /// Whether the target was told to have a record, and that was acknowledged.
    pub(super) written: bool,
}

/// The journal of all clients.
#[derive(Default)]
pub(super) struct Journal(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    /// Numbers of requests, and of persons that are not hot.
    sent: u64,
    persons: u64,
    pub(super) known: HashMap<u64, Known>,
    /// By person, the decision that was answered CREATED.
    created: HashMap<u64, String>,
    /// Answers of the round, and of all rounds before.
    pub(super) fresh: Vec<Answered>,
    pub(super) settled: Vec<Answered>,
    /// Requests with a request id and without an answer.
    pub(super) open: Vec<(u64, UpsertRequest)>,
    pub(super) grants: Grants,
    reports: u64,
    lost: u64,
}

/// The person of an email.
pub(super) fn person_of(email: &str) -> Option<u64> {
    let person = email.strip_prefix('p')?.split('@').next()?.parse().ok()?;
    (email_of(person) == email).then_some(person)
}

impl Journal {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    /// A person that nobody has sent yet.
    pub(super) fn new_person(&self) -> u64 {
        let mut state = self.state();
        state.persons += 1;
        HOT + state.persons
    }

    /// A person that may have been sent before.
    pub(super) fn old_person(&self, any: u64) -> u64 {
        let persons = self.state().persons;
        if persons == 0 { any % HOT } else { HOT + 1 + any % persons }
    }

    /// A request about a person, noted as sent.
    pub(super) fn request(&self, person: u64, source: &str) -> UpsertRequest {
        let mut state = self.state();
        state.sent += 1;
        let mut lead = lead(&email_of(person));
        lead.title = Some(title_of(state.sent));
        upsert(source, lead)
    }

    /// Nobody knows what became of a request.
    pub(super) fn lost(&self, person: u64, request: UpsertRequest) {
        let mut state = self.state();
        state.lost += 1;
        if !request.request_id.is_empty() {
            state.open.push((person, request));
        }
    }

    /// An answer came. The claim it carries, if it carries one.
    pub(super) fn answered(
        &self,
        person: u64,
        request: UpsertRequest,
        response: UpsertResponse,
    ) -> Option<WriteInstruction> {
        let mut state = self.state();
        state.check(person, &response);
        state.named(person, &response.lead_id, response.version);
        let claim = state.grants.answered(&response, CLAIM_MS);
        let repeatable = (!request.request_id.is_empty()).then_some(request);
        state.fresh.push(Answered { person, response, repeatable });
        claim
    }

    /// A lead was named in an answer to a read.
    pub(super) fn named(&self, person: u64, lead_id: &str, version: i64) {
        self.state().named(person, lead_id, version);
    }

    /// A report about a claim is about to be sent.
    pub(super) fn reporting(&self, token: &str) {
        self.state().grants.reporting(token);
    }

    /// A report was taken.
    pub(super) fn reported(&self, person: u64, written: bool) {
        let mut state = self.state();
        state.reports += 1;
        if !written {
            return;
        }
        let known = state.known.get_mut(&person).expect("an answer came before the report");
        known.written = true;
        let lead_id = known.lead_id.clone();
        state.grants.written(&lead_id);
    }

    /// What there is of everything.
    pub(super) fn summary(&self) -> String {
        let state = self.state();
        format!(
            "{} requests sent, {} answered, {} with unknown outcome, {} leads, {} reports, {} claims",
            state.sent,
            state.fresh.len() + state.settled.len(),
            state.lost,
            state.known.len(),
            state.reports,
            state.grants.count(),
        )
    }
}

/// The title that the request of a number sends.
fn title_of(number: u64) -> String {
    format!("request {number}")
}

impl State {
    /// Whether a title was sent by somebody.
    pub(super) fn was_sent(&self, title: &str) -> bool {
        let number = title.strip_prefix("request ").and_then(|number| number.parse().ok());
        number.is_some_and(|number: u64| (1..=self.sent).contains(&number))
    }

    fn check(&mut self, person: u64, response: &UpsertResponse) {
        match response.status() {
            UpsertStatus::Created => {
                let decision = response.decision.as_ref().expect("every answer has one").decision_id.clone();
                let first = self.created.entry(person).or_insert_with(|| decision.clone());
                assert_eq!(*first, decision, "person {person} was created twice");
            }
            UpsertStatus::Updated | UpsertStatus::Unchanged => {}
            _ => panic!("person {person} was answered {response:?}"),
        }
    }

    /// One person, one lead, whose version never falls.
    fn named(&mut self, person: u64, lead_id: &str, version: i64) {
        let fresh = Known { lead_id: lead_id.to_owned(), version, written: false };
        let known = self.known.entry(person).or_insert(fresh);
        assert_eq!(known.lead_id, lead_id, "person {person} has two leads");
        known.version = known.version.max(version);
    }
}
