//! Who was told to create, and when: at every moment at most one of them holds an unexpired claim for a lead.

use std::collections::{HashMap, HashSet};

use leadgate::grpc::proto::{UpsertResponse, WriteAction, WriteInstruction};

use super::wire::{micros, now_micros};

/// A claim that somebody was given. Times are microseconds of the machine's clock.
#[derive(Debug, Clone)]
struct Grant {
    token: String,
    granted: i64,
    expires: i64,
    /// Whether its holder was told that an earlier claim had run out.
    after_expiry: bool,
}

/// Every claim that anybody was told of, by lead, and every report that was sent about one.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    by_lead: HashMap<String, Vec<Grant>>,
    /// By token, when the first report about it was sent: from then on it may be free.
    reported: HashMap<String, i64>,
    /// By lead, when a written record was acknowledged: from then on nobody is told to create.
    written: HashMap<String, i64>,
}

impl Grants {
    /// Takes in an answer. The claim it carries, if it carries one.
    pub(crate) fn answered(&mut self, response: &UpsertResponse, claim_ms: i64) -> Option<WriteInstruction> {
        let write = response.write.clone().filter(|write| write.action() == WriteAction::Create)?;
        let expires = micros(write.claim_expire_time.as_ref().expect("a claim ends"));
        let after_expiry = response.reasons.iter().any(|reason| reason.code == "CLAIM_EXPIRED");
        let granted = expires - claim_ms * 1000;
        let grant = Grant { token: write.claim_token.clone(), granted, expires, after_expiry };
        assert!(!grant.token.is_empty(), "a claim has a token");
        let grants = self.by_lead.entry(response.lead_id.clone()).or_default();
        // A replay tells of the same claim again.
        match grants.iter().find(|known| known.token == grant.token) {
            Some(known) => assert_eq!(known.expires, grant.expires, "a claim ends when it was said to end"),
            None => grants.push(grant),
        }
        Some(write)
    }

    /// A report about a claim is about to be sent.
    pub(crate) fn reporting(&mut self, token: &str) {
        self.reported.entry(token.to_owned()).or_insert_with(now_micros);
    }

    /// A record was reported written, and that was acknowledged.
    pub(crate) fn written(&mut self, lead_id: &str) {
        self.written.entry(lead_id.to_owned()).or_insert_with(now_micros);
    }

    /// The leads that somebody holds or held a claim for.
    pub(crate) fn leads(&self) -> HashSet<String> {
        self.by_lead.keys().cloned().collect()
    }

    /// How many claims were given.
    pub(crate) fn count(&self) -> usize {
        self.by_lead.values().map(Vec::len).sum()
    }

    /// Everything that is wrong with them.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        for (lead_id, grants) in &self.by_lead {
            let mut grants: Vec<&Grant> = grants.iter().collect();
            grants.sort_by_key(|grant| grant.granted);
            for (index, later) in grants.iter().enumerate() {
                let held = grants[..index].iter().find(|earlier| self.holds(earlier, later.granted));
                violations.extend(held.map(|earlier| format!("{lead_id}: {later:?} was given while {earlier:?} held")));
                let lapsed = index > 0 && !self.reported.contains_key(&grants[index - 1].token);
                if lapsed && !later.after_expiry {
                    violations.push(format!("{lead_id}: {later:?} is not told that an earlier claim ran out"));
                }
                if self.written.get(lead_id).is_some_and(|written| *written < later.granted) {
                    violations.push(format!("{lead_id}: {later:?} was given for a record that was there"));
                }
            }
        }
        violations
    }

    /// Whether a claim was neither expired nor reported on at a moment.
    fn holds(&self, grant: &Grant, moment: i64) -> bool {
        let reported = self.reported.get(&grant.token).is_some_and(|sent| *sent <= moment);
        moment < grant.expires && !reported
    }
}

#[cfg(test)]
mod tests {
    use leadgate::grpc::proto::Reason;
    use prost_types::Timestamp;

    use super::*;

    fn told(token: &str, expires: i64, reason: &str) -> UpsertResponse {
        let expire_time = Timestamp { seconds: expires, nanos: 0 };
        let write = WriteInstruction {
            action: WriteAction::Create.into(),
            claim_token: token.to_owned(),
            claim_expire_time: Some(expire_time),
            ..WriteInstruction::default()
        };
        let reasons = vec![Reason { code: reason.to_owned(), ..Reason::default() }];
        UpsertResponse { lead_id: "a".to_owned(), write: Some(write), reasons, ..UpsertResponse::default() }
    }

    #[test]
    fn two_claims_at_a_time_are_noticed() {
        let check = |second_expires, reason: &str, reported: &[&str], expected: usize| {
            let mut grants = Grants::default();
            grants.answered(&told("one", 60, ""), 60_000);
            for token in reported {
                grants.reported.insert((*token).to_owned(), 0);
            }
            grants.answered(&told("two", second_expires, reason), 60_000);
            assert_eq!(grants.violations().len(), expected, "{second_expires} {reason} {reported:?}");
        };
        check(119, "CLAIM_EXPIRED", &[], 1);
        check(120, "CLAIM_EXPIRED", &[], 0);
        check(120, "", &[], 1);
        check(61, "", &["one"], 0);
        check(61, "", &["another"], 2);
    }
}
