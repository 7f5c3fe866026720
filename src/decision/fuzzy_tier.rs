//! The fuzzy tier: every lead that shares a blocking key is compared, and the best decides by its probability.

use std::sync::Arc;

use crate::domain::{Lead, LeadId};

use super::clustering::CLEARLY;
use super::comparable::Comparable;
use super::matching::{FrequencyTable, Profile, Score, compare, weight_of_probability};
use super::policy::Policy;
use super::tier::MatchLevel;

/// How many of the leads that were compared are kept, at most: the best.
const MOST_KEPT: usize = 50;

/// How many of them a caller is told of who does not ask why.
const MOST_TOLD: usize = 10;

/// So many are told of however unlikely they are, so that a reader sees what came closest.
const ALWAYS_TOLD: usize = 3;

/// The others are told of from this probability on: strangers who share a city are no news.
const CLOSE: f64 = 0.01;

/// A lead that shares a blocking key with something.
#[derive(Debug, Clone)]
pub struct SharingLead {
    /// Which.
    pub lead_id: LeadId,
    /// What it is compared by.
    pub comparable: Arc<Comparable>,
}

/// Leads that share a blocking key with something.
#[derive(Debug, Clone, Default)]
pub struct SharingLeads {
    /// The leads as they stand, each once.
    pub leads: Vec<SharingLead>,
    /// Whether there are more than were looked at.
    pub truncated: bool,
}

/// A lead that was compared.
#[derive(Debug, Clone)]
pub struct ComparedLead {
    /// Which.
    pub lead_id: LeadId,
    /// What all fields say together.
    pub score: Score,
    /// How sure that is.
    pub level: MatchLevel,
    /// The lead as it stands, where it was [needed](Likeness::needed).
    pub lead: Option<Arc<Lead>>,
}

/// How like something the leads are that share a blocking key with it.
#[derive(Debug, Clone, Default)]
pub struct Likeness {
    /// The leads that are most like it, best first; of equals the one that has an external id, then the most complete, then the oldest.
    pub leads: Vec<ComparedLead>,
    /// Whether there were more than were compared.
    pub truncated: bool,
    /// Whether the best of them fits, and so does another one that is somebody else, nearly as well or better: nobody knows who it is.
    pub torn: bool,
}

impl Likeness {
    /// Compares what shares a blocking key.
    pub fn of(profile: &Profile, sharing: &SharingLeads, frequencies: &FrequencyTable, policy: &Policy) -> Self {
        let mut compared: Vec<(&SharingLead, Score, f64)> = sharing
            .leads
            .iter()
            .map(|lead| {
                let score = compare(profile, &lead.comparable.profile, frequencies, &policy.weights);
                let weight = score.weight();
                (lead, score, weight)
            })
            .collect();
        compared.sort_by(|(one, _, weight), (other, _, other_weight)| {
            let rank = |lead: &SharingLead| (lead.comparable.rank(), lead.lead_id);
            other_weight.total_cmp(weight).then_with(|| rank(one).cmp(&rank(other)))
        });
        let close = |score: &Score| score.probability() >= CLOSE;
        let torn = is_torn(&compared, frequencies, policy);
        let told = compared.into_iter().enumerate().take(MOST_KEPT);
        let told = told.take_while(|(place, (_, score, _))| *place < ALWAYS_TOLD || close(score));
        let leads = told.map(|(_, (lead, score, _))| ComparedLead {
            lead_id: lead.lead_id,
            level: level_of(score.probability(), policy),
            score,
            lead: None,
        });
        Self { leads: leads.collect(), truncated: sharing.truncated, torn }
    }

    /// The leads that a caller is told of.
    pub fn told(&self, explain: bool) -> &[ComparedLead] {
        let most = if explain { MOST_KEPT } else { MOST_TOLD };
        &self.leads[..self.leads.len().min(most)]
    }

    /// The leads that have to be read: those that may decide, and where a caller wants to know why, all that are told of.
    pub fn needed(&self, explain: bool) -> Vec<LeadId> {
        let needed = self.told(explain).iter().filter(|compared| explain || compared.level != MatchLevel::None);
        needed.map(|compared| compared.lead_id).collect()
    }

    /// Puts leads where they belong that were read.
    pub fn put(&mut self, leads: &[Arc<Lead>]) {
        for compared in &mut self.leads {
            compared.lead = leads.iter().find(|lead| lead.lead_id == compared.lead_id).cloned();
        }
    }
}

/// Whether the best of what was compared matches, and another one that excludes it does nearly as well or better, or would but for a mailbox
/// that tells of a second person of the name: as in [groups](super::clustering::groups), that is for a person to say.
fn is_torn(compared: &[(&SharingLead, Score, f64)], frequencies: &FrequencyTable, policy: &Policy) -> bool {
    let Some(((best, _, weight), others)) = compared.split_first() else { return false };
    let least = weight_of_probability(policy.match_threshold);
    let near = |rival: f64| *weight < rival + f64::from(CLEARLY);
    let between = |other: &SharingLead| {
        compare(&best.comparable.profile, &other.comparable.profile, frequencies, &policy.weights)
    };
    let is_other = |(other, score, weight): &(&SharingLead, Score, f64)| {
        let rival = score.of_second_bearer().unwrap_or(*weight);
        rival >= least && near(rival) && between(other).excludes()
            || score.excludes() && between(other).of_second_bearer().is_some_and(|rival| rival >= least && near(rival))
    };
    *weight >= least && others.iter().any(is_other)
}

fn level_of(probability: f64, policy: &Policy) -> MatchLevel {
    match probability {
        sure if sure >= policy.match_threshold => MatchLevel::Match,
        perhaps if perhaps >= policy.review_threshold => MatchLevel::Possible,
        _ => MatchLevel::None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use crate::domain::Field;

    use super::*;

    fn named(number: u64, name: &str) -> Lead {
        Lead::empty(LeadId::new(Uuid::from_u64_pair(1, number)), Timestamp::UNIX_EPOCH)
            .with_field(Field::FullName, name)
            .with_field(Field::Company, "Acme Logistics")
            .with_field(Field::City, "Bonn")
    }

    /// How many of twelve strangers and so many of the same name are told of, and how many have to be read.
    fn told(alike: u64) -> (usize, [usize; 2]) {
        let strangers = (0..12).map(|number| named(number, "Xaver Oberschmidt"));
        let leads = strangers.chain((100..100 + alike).map(|number| named(number, "Jane Papadimitriou")));
        let sharing = |lead: Lead| SharingLead { lead_id: lead.lead_id, comparable: Comparable::of(&lead).into() };
        let sharing = SharingLeads { leads: leads.map(sharing).collect(), truncated: false };
        let profile = Profile::of_lead(&named(999, "Jane Papadimitriou"));
        let likeness = Likeness::of(&profile, &sharing, &FrequencyTable::default(), &Policy::default());
        (likeness.leads.len(), [false, true].map(|explain| likeness.needed(explain).len()))
    }

    #[test]
    fn who_came_close_is_told_of_and_always_the_three_likeliest() {
        assert_eq!(told(0), (3, [0, 3]));
        assert_eq!(told(1), (3, [1, 3]));
        assert_eq!(told(5), (5, [5, 5]));
        assert_eq!(told(11), (11, [10, 11]));
        assert_eq!(told(60), (50, [10, 50]));
    }
}
