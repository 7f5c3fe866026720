//! Which lead a payload belongs to: every tier is evaluated, the highest with an opinion decides, and the others that
//! point elsewhere are reported as conflicts.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::domain::{Lead, LeadId};

use super::command::UpsertCommand;
use super::evidence::{Evidence, KeyLookup, NamedLead, Names};
use super::exact_tiers::{KeyVerdict, TierEvaluator};
use super::fuzzy_tier::ComparedLead;
use super::matching::{Profile, compare, prior};
use super::outcome::{Candidate, Conflict, Decision, Weighing};
use super::policy::{FuzzyTier, Policy};
use super::reason::{Reason, ReasonCode};
use super::side_by_side::{Side, side_by_side};
use super::tier::{MatchLevel, MatchTier};

/// Which lead a payload belongs to.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// This one.
    Match {
        /// The lead, as looked at.
        lead: Arc<Lead>,
        /// The tier that decided.
        tier: MatchTier,
    },
    /// One of several, or one that may have been re-used: a person must say.
    Ambiguous {
        /// What is in doubt.
        reason: ReasonCode,
        /// The most likely lead: has an external id, then most complete, then oldest.
        best: Arc<Lead>,
        /// Every lead that it may be.
        among: Vec<LeadId>,
    },
    /// Perhaps this one.
    Possible {
        /// The lead, as looked at.
        lead: Arc<Lead>,
    },
    /// None that is known.
    None,
    /// The request names a lead that does not exist.
    UnknownLead,
}

/// A verdict with its reasons.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Which lead.
    pub verdict: Verdict,
    /// What the caller reads of it.
    pub decision: Decision,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Leads that a tier united with the payload, other than the lead that was decided for: pairs for a review.
    pub rivals: Vec<LeadId>,
}

/// Decides. Pure: the same inputs give the same answer.
pub fn decide(command: &UpsertCommand, evidence: &Evidence, policy: &Policy) -> Decided {
    let Some(mut deciding) = ask_exact_tiers(command, evidence, policy) else { return unknown_lead() };
    deciding.ask_fuzzy_tier(command, evidence, policy);
    if command.explain {
        deciding.explain_exact_tiers(command, evidence, policy);
    }
    deciding.finish(policy)
}

/// Whether the fuzzy tier has a say: it has none where an exact tier has decided already. What such a payload makes of the lead is
/// compared with its neighbours instead.
pub fn asks_fuzzy_tier(command: &UpsertCommand, evidence: &Evidence, policy: &Policy) -> bool {
    policy.fuzzy_tier == FuzzyTier::Enabled
        && ask_exact_tiers(command, evidence, policy).is_some_and(|deciding| !deciding.decided_by_exact_tier())
}

/// Goes through the exact tiers; `None` where the request names a lead that does not exist.
fn ask_exact_tiers(command: &UpsertCommand, evidence: &Evidence, policy: &Policy) -> Option<Deciding> {
    let incoming = Names::of_incoming(&command.lead);
    let evaluator = TierEvaluator { incoming: &incoming, lead: &command.lead, policy };
    let mut ordered: Vec<&KeyLookup> = evidence.keys.iter().collect();
    // A stable sort: the tier asked for goes first, the others keep their order.
    ordered.sort_by_key(|lookup| command.lookup_field != Some(lookup.key.key.tier()));

    let mut deciding = Deciding::default();
    match &evidence.named {
        NamedLead::NotAsked => {}
        NamedLead::Unknown => return None,
        NamedLead::Found { lead, redirected_from } => deciding.name(lead, *redirected_from),
    }
    for lookup in ordered {
        deciding.truncated |= lookup.truncated;
        let verdict = evaluator.evaluate(lookup, deciding.decided_lead());
        deciding.take(lookup, verdict);
    }
    Some(deciding)
}

fn unknown_lead() -> Decided {
    Decided {
        verdict: Verdict::UnknownLead,
        decision: Decision::default(),
        reasons: vec![ReasonCode::LeadNotFound.into()],
        rivals: Vec::new(),
    }
}

/// The state of going through the tiers.
#[derive(Default)]
struct Deciding {
    verdict: Option<(Verdict, MatchTier)>,
    candidates: Vec<Candidate>,
    conflicts: Vec<Conflict>,
    rivals: Vec<LeadId>,
    reasons: Vec<Reason>,
    truncated: bool,
    weighed: Option<Weighing>,
}

impl Deciding {
    fn name(&mut self, lead: &Arc<Lead>, redirected_from: Option<LeadId>) {
        if let Some(from) = redirected_from {
            self.reasons.push(Reason::from(ReasonCode::Redirected).with("redirected_from", from.to_string()));
        }
        self.settle(Verdict::Match { lead: Arc::clone(lead), tier: MatchTier::LeadId }, MatchTier::LeadId);
        self.add_candidate(lead, MatchLevel::Match, MatchTier::LeadId, None);
    }

    fn decided_lead(&self) -> Option<LeadId> {
        match &self.verdict {
            Some((Verdict::Match { lead, .. }, _)) => Some(lead.lead_id),
            _ => None,
        }
    }

    /// The first opinion decides; a mere possibility gives way to a later tier that is sure.
    fn settle(&mut self, verdict: Verdict, tier: MatchTier) {
        let open = matches!(self.verdict, None | Some((Verdict::Possible { .. }, _)));
        if open && !(self.verdict.is_some() && matches!(verdict, Verdict::Possible { .. })) {
            self.verdict = Some((verdict, tier));
        }
    }

    /// Whether a higher tier has settled it, and on none of these leads.
    fn disagrees(&self, leads: &[Arc<Lead>]) -> bool {
        match &self.verdict {
            Some((Verdict::Match { lead: decided, .. }, _)) => leads.iter().all(|lead| lead.lead_id != decided.lead_id),
            Some((Verdict::Ambiguous { among, .. }, _)) => leads.iter().all(|lead| !among.contains(&lead.lead_id)),
            _ => false,
        }
    }

    fn take(&mut self, lookup: &KeyLookup, verdict: KeyVerdict) {
        let tier = lookup.key.key.tier();
        match verdict {
            KeyVerdict::Free => {}
            KeyVerdict::Unites(lead) => self.take_match(lookup, &lead, tier),
            KeyVerdict::Ambiguous { reason, best, holders } => {
                self.take_ambiguous(lookup, &holders, reason);
                let among = holders.iter().map(|lead| lead.lead_id).collect();
                self.settle(Verdict::Ambiguous { reason, best, among }, tier);
            }
            KeyVerdict::Possible { best, holders } => {
                for lead in &holders {
                    self.add_candidate(lead, MatchLevel::Possible, tier, Some(ReasonCode::MultipleMatches));
                }
                self.settle(Verdict::Possible { lead: best }, tier);
            }
            KeyVerdict::GuardFailed(holders) => self.take_guard_failure(&holders, tier),
        }
    }

    fn take_match(&mut self, lookup: &KeyLookup, lead: &Arc<Lead>, tier: MatchTier) {
        if self.disagrees(std::slice::from_ref(lead)) {
            self.add_conflict(lookup, lead.lead_id);
            if self.decided_lead().is_some() && !self.rivals.contains(&lead.lead_id) {
                self.rivals.push(lead.lead_id);
            }
        } else {
            self.settle(Verdict::Match { lead: Arc::clone(lead), tier }, tier);
        }
        self.add_candidate(lead, MatchLevel::Match, tier, None);
    }

    fn take_ambiguous(&mut self, lookup: &KeyLookup, holders: &[Arc<Lead>], reason: ReasonCode) {
        let disagrees = self.disagrees(holders);
        for lead in holders {
            if disagrees {
                self.add_conflict(lookup, lead.lead_id);
            }
            self.add_candidate(lead, MatchLevel::Possible, lookup.key.key.tier(), Some(reason));
        }
    }

    fn take_guard_failure(&mut self, holders: &[Arc<Lead>], tier: MatchTier) {
        if !self.reasons.iter().any(|reason| reason.code == ReasonCode::NameGuardFailed) {
            self.reasons.push(ReasonCode::NameGuardFailed.into());
        }
        for lead in holders {
            self.add_candidate(lead, MatchLevel::None, tier, Some(ReasonCode::NameGuardFailed));
        }
    }

    fn add_conflict(&mut self, lookup: &KeyLookup, lead_id: LeadId) {
        let conflict = Conflict { tier: lookup.key.key.tier(), lead_id, value_field: lookup.key.value_field.into() };
        if !self.conflicts.contains(&conflict) {
            self.conflicts.push(conflict);
        }
    }

    /// Each lead is one candidate, under the highest level and tier that speak for it.
    fn add_candidate(&mut self, lead: &Arc<Lead>, level: MatchLevel, tier: MatchTier, reason: Option<ReasonCode>) {
        self.add(lead.lead_id, Some(lead), level, tier, reason);
    }

    fn add(
        &mut self,
        lead_id: LeadId,
        lead: Option<&Arc<Lead>>,
        level: MatchLevel,
        tier: MatchTier,
        reason: Option<ReasonCode>,
    ) {
        let known = self.candidate(lead_id);
        match known {
            Some(known) if known.level < level => {
                known.level = level;
                known.matched_by = tier;
            }
            Some(_) => {}
            None => self.candidates.push(Candidate {
                lead_id,
                lead: lead.cloned(),
                level,
                matched_by: tier,
                score: 0.0,
                weight: 0.0,
                comparisons: Vec::new(),
                reasons: reason.map(Reason::from).into_iter().collect(),
            }),
        }
    }

    fn candidate(&mut self, lead_id: LeadId) -> Option<&mut Candidate> {
        self.candidates.iter_mut().find(|candidate| candidate.lead_id == lead_id)
    }

    fn ask_fuzzy_tier(&mut self, command: &UpsertCommand, evidence: &Evidence, policy: &Policy) {
        let Some(likeness) = &evidence.likeness else { return };
        self.truncated |= likeness.truncated;
        self.weighed = Some(weighing(evidence, policy));
        let told = likeness.told(command.explain);
        for compared in told {
            self.take_compared(compared, likeness.torn, policy);
        }
        if command.explain {
            let incoming = Side::Incoming(&command.lead);
            for ComparedLead { lead_id, score, lead, .. } in told {
                if let (Some(lead), Some(candidate)) = (lead, self.candidate(*lead_id)) {
                    candidate.comparisons = side_by_side(score, incoming, Side::Stored(lead));
                }
            }
        }
    }

    /// A lead that an exact tier held for somebody else's, because the names differ, is at most possible; so is every lead where the
    /// payload is torn between two people.
    fn take_compared(&mut self, compared: &ComparedLead, torn: bool, policy: &Policy) {
        let known = self.candidate(compared.lead_id);
        let differs = known.is_some_and(|known| known.level == MatchLevel::None) && compared.score.names_differ();
        let guarded = differs || torn;
        let level = if guarded { compared.level.min(MatchLevel::Possible) } else { compared.level };
        let reason = match level {
            MatchLevel::Match => None,
            MatchLevel::Possible if torn && compared.level == MatchLevel::Match => Some(ReasonCode::MultipleMatches),
            MatchLevel::Possible => Some(ReasonCode::InReviewBand),
            MatchLevel::None => Some(ReasonCode::BelowThreshold),
        };
        self.add(compared.lead_id, compared.lead.as_ref(), level, MatchTier::Fuzzy, reason);
        let added = self.candidate(compared.lead_id);
        if let Some(candidate) = added.filter(|candidate| candidate.matched_by == MatchTier::Fuzzy) {
            let probability = compared.score.probability();
            candidate.score = if guarded { probability.min(midst(policy)) } else { probability };
            candidate.weight = compared.score.weight();
        }
        let Some(lead) = compared.lead.clone() else { return };
        match level {
            MatchLevel::Match if self.decided_by_exact_tier() => {}
            MatchLevel::Match => self.settle(Verdict::Match { lead, tier: MatchTier::Fuzzy }, MatchTier::Fuzzy),
            MatchLevel::Possible => self.settle(Verdict::Possible { lead }, MatchTier::Fuzzy),
            MatchLevel::None => {}
        }
    }

    /// Where the caller wants to know why, compares what the exact tiers found as well.
    fn explain_exact_tiers(&mut self, command: &UpsertCommand, evidence: &Evidence, policy: &Policy) {
        let found = self.candidates.iter_mut().filter(|candidate| candidate.comparisons.is_empty());
        let mut found = found.filter_map(|candidate| Some((candidate.lead.clone()?, candidate))).peekable();
        if found.peek().is_none() {
            return;
        }
        self.weighed = Some(weighing(evidence, policy));
        let profile = Profile::of_incoming(&command.lead);
        for (lead, candidate) in found {
            let score = compare(&profile, &Profile::of_lead(&lead), &evidence.frequencies, &policy.weights);
            candidate.comparisons = side_by_side(&score, Side::Incoming(&command.lead), Side::Stored(&lead));
        }
    }

    fn decided_by_exact_tier(&self) -> bool {
        matches!(self.verdict, Some((Verdict::Match { .. } | Verdict::Ambiguous { .. }, _)))
    }

    fn finish(mut self, policy: &Policy) -> Decided {
        let (verdict, tier) = match self.verdict.take() {
            Some((verdict, tier)) => (verdict, Some(tier)),
            None => (Verdict::None, None),
        };
        let (level, best) = match &verdict {
            Verdict::Match { lead, .. } => (MatchLevel::Match, Some(lead.lead_id)),
            Verdict::Ambiguous { best, .. } => (MatchLevel::Possible, Some(best.lead_id)),
            Verdict::Possible { lead } => (MatchLevel::Possible, Some(lead.lead_id)),
            Verdict::None | Verdict::UnknownLead => (MatchLevel::None, None),
        };
        if let Verdict::Ambiguous { reason, .. } = &verdict {
            self.reasons.push(Reason::from(*reason));
        }
        self.rank_candidates(best, policy);
        let decision = Decision {
            level,
            matched_by: tier,
            lead_id: best,
            score: self.candidates.first().map_or(0.0, |candidate| candidate.score),
            candidates: self.candidates,
            conflicts: self.conflicts,
            truncated: self.truncated,
            weighed: self.weighed,
        };
        Decided { verdict, decision, reasons: self.reasons, rivals: self.rivals }
    }

    fn rank_candidates(&mut self, best: Option<LeadId>, policy: &Policy) {
        for candidate in self.candidates.iter_mut().filter(|candidate| candidate.matched_by != MatchTier::Fuzzy) {
            candidate.score = score_of(candidate.level, policy);
        }
        self.candidates.sort_by(|one, other| {
            let rank = |candidate: &Candidate| {
                (Some(candidate.lead_id) != best, Reverse(candidate.level), candidate.matched_by)
            };
            let by_weight = other.weight.total_cmp(&one.weight);
            rank(one).cmp(&rank(other)).then(by_weight).then(one.lead_id.cmp(&other.lead_id))
        });
    }
}

fn weighing(evidence: &Evidence, policy: &Policy) -> Weighing {
    let prior = prior(&evidence.frequencies, &policy.weights);
    Weighing { prior, frequency_table: evidence.frequencies.version() }
}

/// An exact tier decides by decree: it is certain, in the middle of the review band, or says nothing.
fn score_of(level: MatchLevel, policy: &Policy) -> f64 {
    match level {
        MatchLevel::Match => 1.0,
        MatchLevel::Possible => midst(policy),
        MatchLevel::None => 0.0,
    }
}

/// The middle of the review band.
fn midst(policy: &Policy) -> f64 {
    f64::midpoint(policy.review_threshold, policy.match_threshold)
}
