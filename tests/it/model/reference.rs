//! What the product is held against: something that answers one call at a time.

use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;

use leadgate::decision::outcome::Candidate;
use leadgate::decision::plan::NewIds;
use leadgate::decision::policy::{FuzzyTier, Policy};
use leadgate::decision::tier::{MatchLevel, MatchTier};
use leadgate::domain::LeadId;

use super::alphabet::Range;
use super::call::{Answered, Call, Reviews, Said, agree, ask_model};
use super::core::Core;
use super::naive::Model;
use super::state::{self, Remains};

/// Answers one call at a time.
pub(crate) trait Reference: Clone {
    /// What it is in, so that no state is searched twice.
    type State: Eq + Hash;

    /// What of all calls it understands.
    fn range() -> Range;

    /// A policy as far as it understands it.
    fn held_under(policy: Policy) -> Policy;

    /// Before the first call.
    fn new(policy: &Policy) -> Self;

    /// Answers a call as the product did, with the ids that the product made up; or tells where the answers differ.
    fn follow(&mut self, call: &Call, answered: &Answered, reviews: &Reviews, now: Timestamp) -> Result<(), String>;

    /// Its state; `None` where it is too dear to tell.
    fn state(&self) -> Option<Self::State>;

    /// Where what it leaves behind differs from what the product does.
    fn difference(&self, remains: &Remains) -> Option<String>;
}

/// The naive model of the contract, under a policy.
#[derive(Clone)]
pub(crate) struct Contract {
    policy: Arc<Policy>,
    model: Model,
}

impl Reference for Contract {
    type State = Model;

    fn range() -> Range {
        Range { times_of_receipt: true, request_ids: true, ..Range::default() }
    }

    fn held_under(policy: Policy) -> Policy {
        policy
    }

    fn new(policy: &Policy) -> Self {
        Self { policy: policy.clone().into(), model: Model::default() }
    }

    fn follow(&mut self, call: &Call, answered: &Answered, reviews: &Reviews, now: Timestamp) -> Result<(), String> {
        let expected = ask_model(&mut self.model, &self.policy, call, &answered.fresh(), now);
        told_apart(&expected, &answered.said(reviews))
    }

    fn state(&self) -> Option<Model> {
        Some(self.model.clone())
    }

    fn difference(&self, remains: &Remains) -> Option<String> {
        state::difference(&self.model, remains)
    }
}

/// The core that looks at every lead: what the engine answers by locks, index and overlay has to be what it answers.
impl Reference for Core {
    type State = ();

    fn range() -> Range {
        Range { times_of_receipt: true, likeness: true, ..Range::default() }
    }

    fn held_under(policy: Policy) -> Policy {
        Policy { fuzzy_tier: FuzzyTier::Enabled, ..policy }
    }

    fn new(policy: &Policy) -> Self {
        Self::new(policy)
    }

    fn follow(&mut self, call: &Call, answered: &Answered, reviews: &Reviews, now: Timestamp) -> Result<(), String> {
        let fresh = answered.fresh();
        let ids =
            NewIds { lead_id: fresh.lead_id, decision_id: "".into(), claim_token: fresh.claim_token.as_str().into() };
        let expected = self.ask_with(call, &ids, now);
        told_apart(&expected.said(&self.named), &answered.said(reviews))?;
        let (expected, observed) = (candidates(&expected), candidates(answered));
        if expected == observed { Ok(()) } else { Err(format!("core:    {expected:?}\nproduct: {observed:?}")) }
    }

    fn state(&self) -> Option<()> {
        None
    }

    fn difference(&self, remains: &Remains) -> Option<String> {
        state::difference_of_remains(&self.remains(), remains)
    }
}

/// Who was told of, how sure it is, by which tier, and with which weight, to the last bit.
fn candidates(answered: &Answered) -> Vec<(LeadId, MatchLevel, MatchTier, u64)> {
    let Answered::Upsert(Ok(answer)) = answered else { return Vec::new() };
    let shown =
        |candidate: &Candidate| (candidate.lead_id, candidate.level, candidate.matched_by, candidate.weight.to_bits());
    answer.outcome.decision.candidates.iter().map(shown).collect()
}

fn told_apart(expected: &Said, observed: &Said) -> Result<(), String> {
    if agree(expected, observed) { Ok(()) } else { Err(lines_apart(expected, observed)) }
}

/// The lines of one answer that the other does not have.
fn lines_apart(expected: &Said, observed: &Said) -> String {
    let (expected, observed) = (format!("{expected:#?}"), format!("{observed:#?}"));
    let only = |a: &str, b: &str, sign: &str| {
        let lines: Vec<_> = a.lines().filter(|line| !b.lines().any(|other| other == *line)).collect();
        lines.iter().map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    only(&expected, &observed, "expected:") + &only(&observed, &expected, "product: ")
}
