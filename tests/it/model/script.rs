//! Random steps, and how a step becomes a call once it is known what was answered before.

use leadgate::decision::command::{UpdateMode, UpsertMode};
use leadgate::decision::outcome::WriteAction;
use leadgate::decision::plan::{ReportEvent, WriteReport};
use leadgate::decision::review::Payload;
use leadgate::domain::{LeadId, TenantId};
use leadgate::engine::LeadSelector;

use super::alphabet::{Dice, EMAILS, Form, IDS, Range, TARGETS, external_id, source};
use super::call::{Answered, Call};

/// One step of a script.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Upsert(Form),
    Match(Form),
    /// What happened in a target.
    Report {
        lead: usize,
        target: &'static str,
        token: Token,
        written: Option<&'static str>,
    },
    /// Who holds this external id of this system, or this email.
    Get {
        system: &'static str,
        key: &'static str,
    },
}

/// What a reporter shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token {
    /// What it was last given for this lead and target.
    Given,
    /// Something else.
    Wrong,
    /// Nothing.
    None,
}

impl Step {
    /// A random step.
    pub(crate) fn random(dice: &mut Dice, range: Range) -> Self {
        if dice.percent(12) {
            return Self::Report {
                lead: dice.below(3),
                target: dice.pick(&TARGETS),
                token: dice.pick(&[Token::Given, Token::Given, Token::Given, Token::Wrong, Token::None]),
                written: dice.maybe(75, &IDS),
            };
        }
        if dice.percent(6) {
            let system = dice.pick(&["crm", "events", "erp", "email"]);
            let key = if system == "email" { dice.pick(&EMAILS) } else { dice.pick(&IDS) };
            return Self::Get { system, key };
        }
        let form = Form::random(dice, range);
        if dice.percent(8) { Self::Match(as_match(form)) } else { Self::Upsert(form) }
    }
}

/// A match asks neither for a mode nor for anything to be done.
fn as_match(form: Form) -> Form {
    Form {
        mode: UpsertMode::default(),
        update_mode: UpdateMode::default(),
        validate_only: false,
        request_id: None,
        expected_version: None,
        time: None,
        clear: Vec::new(),
        ..form
    }
}

/// What a caller remembers of earlier answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Leads in the order in which they were created.
    pub(crate) leads: Vec<LeadId>,
    /// The last token given, by lead and target.
    tokens: Vec<(LeadId, String, String)>,
}

impl Memory {
    /// Takes note of an answer.
    pub(crate) fn note(&mut self, call: &Call, answered: &Answered) {
        self.leads.extend(answered.created(call));
        let Some((lead, write)) = answered.write() else { return };
        if let (WriteAction::Create | WriteAction::Update, Some(token)) = (write.action, &write.claim_token) {
            self.tokens.push((lead, write.target.to_string(), token.to_string()));
        }
    }

    fn token(&self, lead: LeadId, target: &str) -> Option<&str> {
        let given = |(of, to, _): &&(LeadId, String, String)| *of == lead && to == target;
        self.tokens.iter().rev().find(given).map(|(_, _, token)| token.as_str())
    }

    /// The call that a step means by now.
    pub(crate) fn call(&self, step: &Step, tenant: &TenantId) -> Call {
        match step {
            Step::Upsert(form) => Call::Upsert(Box::new(form.command(tenant, &self.leads))),
            Step::Match(form) => Call::Match(Box::new(form.command(tenant, &self.leads))),
            Step::Get { system: "email", key } => Call::Get(tenant.clone(), LeadSelector::Email((*key).into())),
            Step::Get { system, key } => Call::Get(tenant.clone(), LeadSelector::ExternalId(external_id(system, key))),
            Step::Report { lead, target, token, written } => {
                let lead_id = self.leads.get(*lead).copied().unwrap_or(LeadId::from_bytes([0xCD; 16]));
                let token = match token {
                    Token::Given => self.token(lead_id, target).unwrap_or_default(),
                    Token::Wrong => "wrong",
                    Token::None => "",
                };
                let event = match written {
                    Some(id) => ReportEvent::Written { external_id: external_id(target, id) },
                    None => {
                        ReportEvent::Failed { code: "E1".into(), message: Payload(Box::default()), retryable: true }
                    }
                };
                Call::Report(WriteReport {
                    tenant: tenant.clone(),
                    target: source(target),
                    lead_id,
                    claim_token: token.into(),
                    event,
                })
            }
        }
    }
}
