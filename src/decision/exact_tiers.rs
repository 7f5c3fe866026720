//! What one exact key says: whether it unites the payload with a lead, on its own or under the name guard.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::domain::{ContactPoint, Email, IncomingLead, Lead, LeadId, LinkedBy};

use super::evidence::{KeyLookup, Names};
use super::name_guard::NameVerdict;
use super::policy::Policy;
use super::reason::ReasonCode;
use super::tier::MatchTier;

/// What one key says.
#[derive(Debug, Clone)]
pub(crate) enum KeyVerdict {
    /// Nobody holds it.
    Free,
    /// The payload belongs to this lead.
    Unites(Arc<Lead>),
    /// A person must say.
    Ambiguous { reason: ReasonCode, best: Arc<Lead>, holders: Vec<Arc<Lead>> },
    /// Several fit and none stands out.
    Possible { best: Arc<Lead>, holders: Vec<Arc<Lead>> },
    /// It is held, by somebody of another name.
    GuardFailed(Vec<Arc<Lead>>),
}

/// Evaluates keys for one payload.
pub(crate) struct TierEvaluator<'a> {
    pub(crate) incoming: &'a Names,
    pub(crate) lead: &'a IncomingLead,
    pub(crate) policy: &'a Policy,
}

impl TierEvaluator<'_> {
    /// What the key says. A key that only the lead decided for holds speaks for it without a guard.
    pub(crate) fn evaluate(&self, lookup: &KeyLookup, decided: Option<LeadId>) -> KeyVerdict {
        let holders = lookup.matchable();
        match holders.as_slice() {
            [] => KeyVerdict::Free,
            [only] if decided == Some(only.lead_id) => KeyVerdict::Unites(Arc::clone(only)),
            [only] if self.is_unique(lookup) => self.unite_unless_reused(lookup, only, decided),
            _ if decided.is_some_and(|id| holders.iter().any(|lead| lead.lead_id == id)) => KeyVerdict::Free,
            _ => self.guard(lookup, &holders),
        }
    }

    /// A unique key with one holder unites on its own: every external id, and every email that is neither a role mailbox nor listed.
    fn is_unique(&self, lookup: &KeyLookup) -> bool {
        match lookup.key.key.tier() {
            MatchTier::ExternalId => true,
            MatchTier::Email => !self.is_role_or_listed(lookup),
            MatchTier::LeadId | MatchTier::Phone | MatchTier::Fuzzy => false,
        }
    }

    fn is_role_or_listed(&self, lookup: &KeyLookup) -> bool {
        let text = lookup.key.key.text();
        lookup.key.key.tier() == MatchTier::Email
            && (self.policy.shared_emails.contains(text)
                || self.lead.emails.iter().any(|email| email.normalized() == text && email.is_role_mailbox()))
    }

    fn unite_unless_reused(&self, lookup: &KeyLookup, lead: &Arc<Lead>, decided: Option<LeadId>) -> KeyVerdict {
        let guarded = lookup.key.key.tier() == MatchTier::ExternalId && decided.is_none();
        if guarded && self.is_reuse_suspected(lead) {
            let holders = vec![Arc::clone(lead)];
            return KeyVerdict::Ambiguous {
                reason: ReasonCode::ExternalIdReuseSuspected,
                best: Arc::clone(lead),
                holders,
            };
        }
        KeyVerdict::Unites(Arc::clone(lead))
    }

    /// Name, email and phone are present on both sides and all three disagree.
    fn is_reuse_suspected(&self, lead: &Lead) -> bool {
        let emails_disagree = !self.lead.emails.is_empty()
            && !lead.emails.is_empty()
            && !self.lead.emails.iter().any(|email| lead.emails.iter().any(|known| *known.key == *email.normalized()));
        let phones_disagree = !self.lead.phones.is_empty()
            && !lead.phones.is_empty()
            && !self.lead.phones.iter().any(|phone| lead.phones.iter().any(|known| *known.key == *phone.phone.key()));
        emails_disagree && phones_disagree && self.is_another_person(lead)
    }

    /// Both sides name a person, and not the same.
    fn is_another_person(&self, lead: &Lead) -> bool {
        let names = Names::of_lead(lead);
        let named = self.incoming.person().is_some() && names.person().is_some();
        named && self.incoming.compare(&names) == NameVerdict::Incompatible
    }

    fn guard(&self, lookup: &KeyLookup, holders: &[&Arc<Lead>]) -> KeyVerdict {
        let names: Vec<Names> = holders.iter().map(|lead| Names::of_lead(lead)).collect();
        let verdicts: Vec<NameVerdict> = names.iter().map(|name| self.incoming.compare(name)).collect();
        let phone = lookup.key.key.tier() == MatchTier::Phone;
        if phone && holds_three_incompatible(&names) {
            return KeyVerdict::GuardFailed(owned(holders));
        }
        // A name on one side only is no objection where nobody else could be meant.
        let one_sided_fits = holders.len() == 1 && !lookup.truncated && !self.is_role_or_listed(lookup);
        let fits = |index: &usize| match verdicts[*index] {
            NameVerdict::Compatible { .. } | NameVerdict::OneSided if phone && self.is_of_function(holders[*index]) => {
                false
            }
            NameVerdict::Compatible { .. } => true,
            NameVerdict::OneSided => one_sided_fits,
            NameVerdict::Incompatible => false,
        };
        let compatible: Vec<usize> = (0..holders.len()).filter(fits).collect();
        match compatible.as_slice() {
            [] => self.nobody_fits(lookup, holders, &verdicts),
            [only] => KeyVerdict::Unites(Arc::clone(holders[*only])),
            several => {
                let equal: Vec<usize> = several
                    .iter()
                    .copied()
                    .filter(|index| verdicts[*index] == NameVerdict::Compatible { equal: true })
                    .collect();
                let several: Vec<_> = several.iter().map(|index| holders[*index]).collect();
                match equal.as_slice() {
                    [only] => KeyVerdict::Unites(Arc::clone(holders[*only])),
                    _ if phone => KeyVerdict::Possible { best: best_of(&several), holders: owned(&several) },
                    _ => multiple_matches(&several),
                }
            }
        }
    }

    /// Whether one side names nobody and writes for a function, and the other does not for the same: both answer the company's phone.
    fn is_of_function(&self, lead: &Lead) -> bool {
        let incoming =
            self.incoming.person().is_none() && all_roles(self.lead.emails.iter().map(Email::is_role_mailbox));
        let stored = Names::of_lead(lead).person().is_none() && writes_for_functions(lead);
        let known = |email: &Email| lead.emails.iter().any(|known| *known.key == *email.normalized());
        (incoming || stored) && !self.lead.emails.iter().any(known)
    }

    /// Where a name is missing on one side, the name does not tell several holders of a personal address apart: that is for a
    /// person to say. Another name does tell them apart, and a role mailbox or a phone never unites without one. An external id that
    /// several hold is never given to one lead more: it names one record, whoever that is by now.
    fn nobody_fits(&self, lookup: &KeyLookup, holders: &[&Arc<Lead>], verdicts: &[NameVerdict]) -> KeyVerdict {
        let nameless = || {
            let one_sided = holders.iter().zip(verdicts).filter(|(_, verdict)| **verdict == NameVerdict::OneSided);
            one_sided.map(|(lead, _)| *lead).collect::<Vec<_>>()
        };
        let in_doubt = match lookup.key.key.tier() {
            MatchTier::ExternalId => holders.to_vec(),
            MatchTier::Email if !self.is_role_or_listed(lookup) => nameless(),
            _ => Vec::new(),
        };
        if !in_doubt.is_empty() {
            return multiple_matches(&in_doubt);
        }
        // Whom only likeness gave the key does not hold it for somebody else: the same payload gave it.
        let own: Vec<_> = holders.iter().copied().filter(|lead| !is_added_by_likeness(lookup, lead)).collect();
        if own.is_empty() { KeyVerdict::Free } else { KeyVerdict::GuardFailed(owned(&own)) }
    }
}

/// Whether the lead has an email or phone by likeness alone, which nothing has confirmed since.
fn is_added_by_likeness(lookup: &KeyLookup, lead: &Lead) -> bool {
    let points = match lookup.key.key.tier() {
        MatchTier::Email => &lead.emails,
        MatchTier::Phone => &lead.phones,
        MatchTier::LeadId | MatchTier::ExternalId | MatchTier::Fuzzy => return false,
    };
    let mut held = points.iter().filter(|point| *point.key == *lookup.key.key.text()).peekable();
    held.peek().is_some() && held.all(|point| point.linked_by == LinkedBy::Fuzzy)
}

/// Whether a lead has addresses, all of them of functions.
pub(super) fn writes_for_functions(lead: &Lead) -> bool {
    let is_role = |point: &ContactPoint| Email::parse(&point.key).is_ok_and(|email| email.is_role_mailbox());
    all_roles(lead.emails.iter().map(is_role))
}

/// Whether there are addresses, all of them of functions.
fn all_roles(mut roles: impl Iterator<Item = bool>) -> bool {
    roles.next() == Some(true) && roles.all(|is_role| is_role)
}

fn multiple_matches(holders: &[&Arc<Lead>]) -> KeyVerdict {
    KeyVerdict::Ambiguous { reason: ReasonCode::MultipleMatches, best: best_of(holders), holders: owned(holders) }
}

fn owned(holders: &[&Arc<Lead>]) -> Vec<Arc<Lead>> {
    holders.iter().map(|lead| Arc::clone(lead)).collect()
}

/// The holder that a form updates where others would be parked: has an external id, then most complete, then oldest.
fn best_of(holders: &[&Arc<Lead>]) -> Arc<Lead> {
    let best = holders.iter().min_by_key(|lead| {
        let completeness = lead.fields.len() + lead.attributes.len();
        // Ids grow with time, and of two leads that were made at the same time all must see the same one as the older.
        (lead.external_ids.is_empty(), Reverse(completeness), lead.lead_id)
    });
    // `holders` is never empty here: an empty key is `Free`.
    Arc::clone(best.unwrap_or(&holders[0]))
}

/// Whether three of the names are pairwise incompatible: then the phone belongs to a switchboard or a household, not a person.
fn holds_three_incompatible(names: &[Names]) -> bool {
    let apart = |a: &Names, b: &Names| a.compare(b) == NameVerdict::Incompatible;
    let pairs = (0..names.len()).flat_map(|first| (first + 1..names.len()).map(move |second| (first, second)));
    pairs.filter(|(first, second)| apart(&names[*first], &names[*second])).any(|(first, second)| {
        (second + 1..names.len())
            .any(|third| apart(&names[first], &names[third]) && apart(&names[second], &names[third]))
    })
}
