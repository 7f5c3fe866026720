//! What an exact tier decided: keys from the highest to the lowest, and what each says of a candidate.

use crate::grpc::proto::{Candidate, Decision, LeadInput, MatchLevel, MatchTier};

use crate::cli::json;
use crate::cli::output::Table;

use super::svg;

/// The exact tiers, the highest first.
const TIERS: [MatchTier; 4] = [MatchTier::LeadId, MatchTier::ExternalId, MatchTier::Email, MatchTier::Phone];

/// The keys of a lead as steps of a ladder.
pub(super) struct Keys {
    rungs: Vec<Rung>,
    conclusion: &'static str,
}

/// What one key says.
struct Rung {
    tier: &'static str,
    /// What the lead to look for has: personal data.
    value: String,
    says: String,
    decided: bool,
}

impl Keys {
    /// Of a candidate for which an exact tier speaks.
    pub(super) fn of(candidate: &Candidate, decision: &Decision, given: &LeadInput) -> Self {
        let decided = decision.lead_id == candidate.lead_id && decision.matched_by() == candidate.matched_by();
        let conclusion = match candidate.level() {
            MatchLevel::Match if decided => "An exact key decided: the highest one that points at a lead wins.",
            MatchLevel::Match => "An exact key speaks for it, and a higher one points at another lead.",
            _ => "An exact key points at it, and does not unite: see the reasons above.",
        };
        Self { rungs: TIERS.map(|tier| rung(tier, candidate, decision, given, decided)).into(), conclusion }
    }

    pub(super) fn text(&self) -> String {
        let mut table = Table::new(["", "key", "value", "says"]);
        for Rung { tier, value, says, decided } in &self.rungs {
            table.row([if *decided { "*" } else { "" }, tier, value, says]);
        }
        format!("{}\n{}", table.render(), self.conclusion) + "\n"
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let mut content = svg::label("", 10.0, 22.0, title);
        let mut base = 56.0;
        for Rung { tier, value, says, decided } in &self.rungs {
            let class = if *decided { "for" } else { "faint" };
            content.push_str(&format!("<circle class=\"{class}\" cx=\"16\" cy=\"{:.1}\" r=\"6\"/>\n", base - 4.0));
            content.push_str(&svg::label("", 34.0, base, tier));
            content.push_str(&svg::label("faint", 150.0, base, value));
            content.push_str(&svg::label("", 480.0, base, says));
            base += 24.0;
        }
        content.push_str(&svg::label("faint", 10.0, base + 8.0, self.conclusion));
        svg::picture(&format!("{title}. {}", self.conclusion), base + 24.0, &content)
    }
}

fn rung(tier: MatchTier, candidate: &Candidate, decision: &Decision, given: &LeadInput, decided: bool) -> Rung {
    let own = candidate.matched_by() == tier;
    let elsewhere =
        decision.conflicts.iter().find(|conflict| conflict.tier() == tier && conflict.lead_id != candidate.lead_id);
    let value = value(tier, given);
    let says = match elsewhere {
        _ if own && decided => "this lead; it decided".to_owned(),
        _ if own => "this lead".to_owned(),
        Some(conflict) => format!("lead {}", conflict.lead_id),
        None if value.is_empty() && tier != MatchTier::LeadId => "not given".to_owned(),
        None => "-".to_owned(),
    };
    Rung { tier: json::tier(tier), value, says, decided: own && decided }
}

fn value(tier: MatchTier, given: &LeadInput) -> String {
    let ids = || given.external_ids.iter().map(|id| format!("{}:{}", id.source, id.value));
    let values: Vec<String> = match tier {
        MatchTier::ExternalId => given.external_id.iter().cloned().chain(ids()).collect(),
        MatchTier::Email => given.email.iter().cloned().collect(),
        MatchTier::Phone => given.phone.iter().chain(&given.mobile_phone).cloned().collect(),
        _ => Vec::new(),
    };
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::proto::Conflict;

    #[test]
    fn the_key_that_decided_is_marked_and_the_others_say_what_they_point_at() {
        let candidate = Candidate {
            lead_id: "a".into(),
            level: MatchLevel::Match.into(),
            matched_by: MatchTier::Email.into(),
            ..Candidate::default()
        };
        let conflict = Conflict { tier: MatchTier::Phone.into(), lead_id: "b".into(), value_field: "phone".into() };
        let decision = Decision {
            lead_id: "a".into(),
            matched_by: MatchTier::Email.into(),
            conflicts: vec![conflict],
            ..Decision::default()
        };
        let given = LeadInput {
            email: Some("<ann@acme.example>".into()),
            phone: Some("+12125550187".into()),
            ..LeadInput::default()
        };
        let keys = Keys::of(&candidate, &decision, &given);
        assert_eq!(
            keys.text(),
            "   key          value               says\n   \
             LEAD_ID                          -\n   \
             EXTERNAL_ID                      not given\n\
             *  EMAIL        <ann@acme.example>  this lead; it decided\n   \
             PHONE        +12125550187        lead b\n\n\
             An exact key decided: the highest one that points at a lead wins.\n"
        );
        let svg = keys.svg("t");
        assert!(svg.contains("&lt;ann@acme.example&gt;") && svg.matches("class=\"for\"").count() == 1, "{svg}");
    }
}
