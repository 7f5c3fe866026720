//! After a restart: every answer still stands, and the feed tells of nothing that nobody sent.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use leadgate::domain::{Field, Lead as HeldLead};
use leadgate::grpc::proto::{
    DecisionEvent, DecisionEventKind, GetLeadRequest, Lead, UpsertResponse, UpsertStatus, WatchDecisionsRequest,
    get_lead_request,
};

use crate::chance::Chance;
use crate::kept::{live_leads, verify};
use crate::server::Server;
use crate::wire::{Dedup, Meaning, email_of, meaning};

use super::journal::{Answered, Journal, TARGET, person_of};

/// Replies that are asked for again after each restart: of the last round, and of earlier ones. At the end all of them are.
const REPEATED: (usize, usize) = (300, 50);
/// Leads that are read after each restart. At the end all of them are.
const READ: usize = 200;
/// Calls at a time.
const AT_A_TIME: usize = 32;

/// Follows the feed over all restarts, and compares it with the journal.
pub(super) struct Checker {
    journal: Arc<Journal>,
    resume_token: String,
    position: i64,
    /// By lead, the version that the feed has come to.
    versions: HashMap<String, i64>,
    /// By decision, the lead and version that the feed told of since the last restart.
    decisions: HashMap<String, (String, i64)>,
}

impl Checker {
    pub(super) fn new(journal: Arc<Journal>) -> Self {
        let (versions, decisions) = (HashMap::new(), HashMap::new());
        Self { journal, resume_token: String::new(), position: 0, versions, decisions }
    }

    /// Holds what the last server answered against what this one says.
    pub(super) async fn after_restart(&mut self, server: &Server, chance: &mut Chance) {
        let client = Dedup::new(server.channel().await);
        self.answer_open(&client).await;
        let last = self.marker(&client).await;
        self.follow_feed(&client, &last).await;
        let fresh = std::mem::take(&mut self.journal.state().fresh);
        for answered in &fresh {
            self.check_told(&answered.response);
        }
        self.decisions.clear();
        let (of_fresh, of_settled) = REPEATED;
        let mut again = some(&fresh, of_fresh, chance);
        again.extend(some(&self.journal.state().settled, of_settled, chance));
        self.repeat(&client, again).await;
        self.read(&client, some(&fresh, READ, chance)).await;
        self.journal.state().settled.extend(fresh);
    }

    /// Asks for every recorded reply again.
    pub(super) async fn everything(&self, server: &Server) {
        let client = Dedup::new(server.channel().await);
        let all = self.journal.state().settled.clone();
        self.repeat(&client, all).await;
    }

    /// What became of the requests without an answer: whoever has a request id can ask.
    async fn answer_open(&self, client: &Dedup) {
        let open = std::mem::take(&mut self.journal.state().open);
        let ask = |(person, request)| async move {
            let response = insist(client, &request).await;
            self.journal.answered(person, request, response);
        };
        stream::iter(open).map(ask).buffer_unordered(AT_A_TIME).collect::<Vec<()>>().await;
    }

    /// A decision behind all others.
    async fn marker(&self, client: &Dedup) -> String {
        let person = self.journal.new_person();
        let request = self.journal.request(person, "marker");
        let response = insist(client, &request).await;
        let decision = response.decision.clone().expect("every answer has one").decision_id;
        self.journal.answered(person, request, response);
        decision
    }

    async fn follow_feed(&mut self, client: &Dedup, last: &str) {
        let resume_token = self.resume_token.clone();
        let request = WatchDecisionsRequest { resume_token, include_lead: true, ..WatchDecisionsRequest::default() };
        let mut feed = client.clone().watch_decisions(request).await.expect("a token that stays good").into_inner();
        loop {
            let told = feed.message().await.expect("a feed that goes on").expect("a feed without end");
            self.resume_token = told.resume_token;
            let Some(event) = told.event else { continue };
            self.take_in(&event);
            if event.decision_id == last {
                return;
            }
        }
    }

    fn take_in(&mut self, event: &DecisionEvent) {
        self.position += 1;
        assert_eq!(event.position, self.position, "the feed has no gap");
        let version = self.versions.entry(event.lead_id.clone()).or_default();
        let steps = match event.kind() {
            DecisionEventKind::Upsert => 1..=1,
            DecisionEventKind::CrmWritten => 0..=1,
            DecisionEventKind::CrmFailed => 0..=0,
            other => panic!("nobody did {other:?}"),
        };
        assert!(steps.contains(&(event.version - *version)), "version {version} is followed by {event:?}");
        let created = event.status() == UpsertStatus::Created;
        assert!(!created || event.version == 1, "a created lead has version 1");
        *version = event.version;
        self.decisions.insert(event.decision_id.clone(), (event.lead_id.clone(), event.version));
        self.check_lead(event.lead.as_ref().expect("a lead that lives"));
    }

    /// Whether a lead is one that somebody sent, and the only one of its person.
    fn check_lead(&self, lead: &Lead) {
        let person = person_of(lead.email()).expect("somebody's email");
        assert!(self.journal.state().was_sent(lead.title()), "{:?} was sent by nobody", lead.title());
        self.journal.named(person, &lead.lead_id, lead.version);
    }

    /// Whether the feed tells of what was answered.
    fn check_told(&self, response: &UpsertResponse) {
        if !matches!(response.status(), UpsertStatus::Created | UpsertStatus::Updated) {
            return;
        }
        let decision = &response.decision.as_ref().expect("every answer has one").decision_id;
        let told = self.decisions.get(decision);
        assert_eq!(told, Some(&(response.lead_id.clone(), response.version)), "what was answered is in the feed");
    }

    async fn repeat(&self, client: &Dedup, answers: Vec<Answered>) {
        let again = answers.into_iter().filter_map(|answered| Some((answered.repeatable?, answered.response)));
        let ask = |(request, first)| async move {
            let replay = insist(client, &request).await;
            assert!(replay.replayed, "a request id is good for days: {first:?}");
            assert_eq!(recorded(replay), recorded(first), "a replay is the first reply");
        };
        stream::iter(again).map(ask).buffer_unordered(AT_A_TIME).collect::<Vec<()>>().await;
    }

    async fn read(&self, client: &Dedup, answers: Vec<Answered>) {
        let persons = answers.into_iter().map(|answered| answered.person);
        let check = |person| async move {
            let known = self.journal.state().known[&person].clone();
            let by_id = get(client, get_lead_request::By::LeadId(known.lead_id.clone())).await;
            let by_email = get(client, get_lead_request::By::Email(email_of(person))).await;
            assert_eq!(by_id, by_email, "one lead for each key");
            assert_eq!(by_id.lead_id, known.lead_id);
            assert!(by_id.version >= known.version, "version {} after {}", by_id.version, known.version);
        };
        stream::iter(persons).map(check).buffer_unordered(AT_A_TIME).collect::<Vec<()>>().await;
    }

    /// Holds everything against the folder that the last server left.
    pub(super) fn at_rest(&self, data_dir: &Path) {
        verify(data_dir);
        let leads = live_leads(data_dir);
        let mut state = self.journal.state();
        let mut held = HashMap::new();
        for lead in &leads {
            let person = lead.value(Field::Email).and_then(person_of).expect("somebody's email");
            assert!(held.insert(person, lead).is_none(), "person {person} has two leads");
            assert!(lead.value(Field::Title).is_some_and(|title| state.was_sent(title)), "sent by nobody");
            assert_eq!(lead.emails.len(), 1, "nobody sent another email");
        }
        for (person, known) in &state.known {
            let lead = held.get(person).expect("a lead that was answered");
            assert_eq!(lead.lead_id.to_string(), known.lead_id);
            assert!(lead.version >= known.version, "version {} after {}", lead.version, known.version);
            assert!(!known.written || holds_record(lead, *person), "a written record stays linked");
        }
        let violations = state.grants.violations();
        assert!(violations.is_empty(), "{violations:#?}");
        state.settled.clear();
    }
}

fn holds_record(lead: &HeldLead, person: u64) -> bool {
    let record = format!("{TARGET}-{person}");
    lead.external_ids.iter().any(|linked| linked.id.source().as_str() == TARGET && linked.id.value() == record)
}

/// Up to so many, by chance.
fn some(answers: &[Answered], count: usize, chance: &mut Chance) -> Vec<Answered> {
    if answers.len() <= count {
        return answers.to_vec();
    }
    (0..count).map(|_| chance.pick(answers).clone()).collect()
}

async fn insist(client: &Dedup, request: &leadgate::grpc::proto::UpsertRequest) -> UpsertResponse {
    loop {
        match client.clone().upsert(request.clone()).await {
            Ok(response) => return response.into_inner(),
            Err(status) => match meaning(&status) {
                Meaning::ComeAgain(delay) => tokio::time::sleep(delay).await,
                _ => panic!("{status:?}"),
            },
        }
    }
}

async fn get(client: &Dedup, by: get_lead_request::By) -> Lead {
    let answer = client.clone().get_lead(GetLeadRequest { by: Some(by) }).await;
    answer.expect("a lead that was answered").into_inner().lead.expect("a found lead")
}

/// What of a reply is recorded: values are not, and a comparison is not.
fn recorded(mut response: UpsertResponse) -> UpsertResponse {
    response.replayed = false;
    response.withheld.clear();
    response.client_ref.clear();
    response.same_as_client_ref.clear();
    if let Some(decision) = &mut response.decision {
        decision.candidates.clear();
    }
    response
}
