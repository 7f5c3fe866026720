//! Which lead a payload belongs to.

use std::collections::BTreeSet;

use leadgate::decision::command::{IncomingKey, UpsertCommand};
use leadgate::decision::name_guard::{NameVerdict, Named, compare_names};
use leadgate::decision::policy::Policy;
use leadgate::decision::tier::MatchTier;
use leadgate::domain::{Email, LeadId};

use super::state::{Model, ModelLead};

/// What one key, or the whole request, says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// Nobody holds it.
    Nobody,
    /// The request names a lead that does not exist.
    UnknownLead,
    /// Somebody of another name holds it.
    GuardFailed,
    /// Several might be the one, and it is only a phone.
    Possible(Vec<LeadId>),
    /// Several might be the one.
    Several(Vec<LeadId>),
    /// The id seems to have been given to another person.
    Reused(LeadId),
    /// This one.
    One(LeadId),
}

/// What the keys say together.
#[derive(Clone, Debug)]
pub(crate) struct Matched {
    pub(crate) says: Says,
    pub(crate) tier: Option<MatchTier>,
    /// Keys that point elsewhere.
    pub(crate) conflicts: BTreeSet<(MatchTier, LeadId, String)>,
    /// Leads that another key would have united the payload with, had none been found before.
    pub(crate) elsewhere: Vec<LeadId>,
    pub(crate) guard_failed: bool,
}

/// Every tier is asked, the highest decides: the lead named, then the tier asked for, then the others in their order.
pub(crate) fn find_match(model: &Model, policy: &Policy, command: &UpsertCommand) -> Matched {
    let mut matched = Matched {
        says: Says::Nobody,
        tier: None,
        conflicts: BTreeSet::new(),
        elsewhere: Vec::new(),
        guard_failed: false,
    };
    if let Some(lead_id) = command.lead_id {
        if model.lead(lead_id).is_none() {
            return Matched { says: Says::UnknownLead, ..matched };
        }
        (matched.says, matched.tier) = (Says::One(lead_id), Some(MatchTier::LeadId));
    }
    let mut keys = command.keys();
    keys.sort_by_key(|key| (Some(key.key.tier()) != command.lookup_field, key.key.tier()));
    for key in keys {
        let holders: Vec<&ModelLead> = model.leads.iter().filter(|lead| holds(lead, &key)).collect();
        let is_no_news = |found: LeadId| holders.iter().any(|lead| lead.id == found);
        if !matches!(matched.says, Says::One(found) if is_no_news(found)) {
            let says = ask(&holders, policy, command, &key, &matched.says);
            matched.hear(&key, says);
        }
    }
    matched
}

impl Matched {
    fn hear(&mut self, key: &IncomingKey, says: Says) {
        self.guard_failed |= says == Says::GuardFailed;
        let is_sure = matches!(says, Says::One(_) | Says::Several(_) | Says::Reused(_));
        let was_sure = matches!(self.says, Says::One(_) | Says::Several(_) | Says::Reused(_));
        let was_possible = matches!(self.says, Says::Possible(_));
        if was_sure {
            self.hear_another(key, &says);
        } else if is_sure || (matches!(says, Says::Possible(_)) && !was_possible) {
            (self.says, self.tier) = (says, Some(key.key.tier()));
        }
    }

    /// It is decided already: this key agrees or is in conflict.
    fn hear_another(&mut self, key: &IncomingKey, says: &Says) {
        let others = match says {
            Says::One(lead) | Says::Reused(lead) => vec![*lead],
            Says::Several(leads) => leads.clone(),
            _ => return,
        };
        let meant = self.meant();
        if others.iter().any(|other| meant.contains(other)) {
            return;
        }
        if let (Says::One(_), Says::One(other)) = (&self.says, says)
            && !self.elsewhere.contains(other)
        {
            self.elsewhere.push(*other);
        }
        self.conflicts.extend(others.into_iter().map(|other| (key.key.tier(), other, key.value_field.to_string())));
    }

    fn meant(&self) -> Vec<LeadId> {
        match &self.says {
            Says::One(lead) | Says::Reused(lead) => vec![*lead],
            Says::Several(leads) | Says::Possible(leads) => leads.clone(),
            Says::Nobody | Says::UnknownLead | Says::GuardFailed => Vec::new(),
        }
    }
}

fn ask(holders: &[&ModelLead], policy: &Policy, command: &UpsertCommand, key: &IncomingKey, so_far: &Says) -> Says {
    match key.key.tier() {
        _ if holders.is_empty() => Says::Nobody,
        MatchTier::ExternalId => ask_external_id(holders, command, matches!(so_far, Says::One(_))),
        MatchTier::Email => ask_email(holders, policy, command, key.key.text()),
        _ => ask_phone(holders, command),
    }
}

pub(crate) fn holds(lead: &ModelLead, key: &IncomingKey) -> bool {
    let text = key.key.text();
    match key.key.tier() {
        MatchTier::ExternalId => lead.ids.iter().any(|(source, value)| format!("{source}\u{0}{value}") == text),
        MatchTier::Email => lead.emails.iter().any(|email| email.key == text),
        _ => lead.phones.iter().any(|phone| phone.key == text),
    }
}

/// Re-use is a reason not to unite, so it is asked only where nothing has united yet.
fn ask_external_id(holders: &[&ModelLead], command: &UpsertCommand, is_decided: bool) -> Says {
    match holders {
        [only] if !is_decided && seems_reused(only, command) => Says::Reused(only.id),
        [only] => Says::One(only.id),
        several => tell_apart(several, command, &compatible(several, command)),
    }
}

/// Name, email and phone are there on both sides, and all three disagree.
fn seems_reused(lead: &ModelLead, command: &UpsertCommand) -> bool {
    let incoming = &command.lead;
    let names = lead.person().is_some() && incoming.name.is_some();
    let emails = !lead.emails.is_empty() && !incoming.emails.is_empty();
    let phones = !lead.phones.is_empty() && !incoming.phones.is_empty();
    let same_email =
        incoming.emails.iter().any(|email| lead.emails.iter().any(|known| known.key == email.normalized()));
    let same_phone = incoming.phones.iter().any(|phone| lead.phones.iter().any(|known| known.key == phone.phone.key()));
    names && emails && phones && verdict(lead, command) == NameVerdict::Incompatible && !same_email && !same_phone
}

fn ask_email(holders: &[&ModelLead], policy: &Policy, command: &UpsertCommand, address: &str) -> Says {
    let role_or_listed = is_role_or_listed(policy, address);
    if holders.len() == 1 && !role_or_listed {
        return Says::One(holders[0].id);
    }
    let compatible = compatible(holders, command);
    let nameless: Vec<_> =
        holders.iter().copied().filter(|lead| verdict(lead, command) == NameVerdict::OneSided).collect();
    match compatible.as_slice() {
        [] if !role_or_listed && !nameless.is_empty() => Says::Several(ids(&nameless)),
        [] => Says::GuardFailed,
        _ => tell_apart(holders, command, &compatible),
    }
}

pub(crate) fn is_role_or_listed(policy: &Policy, address: &str) -> bool {
    policy.shared_emails.contains(address) || Email::parse(address).is_ok_and(|email| email.is_role_mailbox())
}

/// One compatible holder, or the only one of equal name; several cannot be told apart.
fn tell_apart(holders: &[&ModelLead], command: &UpsertCommand, compatible: &[LeadId]) -> Says {
    match compatible {
        [] => Says::Several(ids(holders)),
        [only] => Says::One(*only),
        _ => only_equal(holders, command).map_or_else(|| Says::Several(compatible.to_vec()), Says::One),
    }
}

fn only_equal(holders: &[&ModelLead], command: &UpsertCommand) -> Option<LeadId> {
    let equal: Vec<_> =
        holders.iter().filter(|lead| verdict(lead, command) == NameVerdict::Compatible { equal: true }).collect();
    if let [only] = equal.as_slice() { Some(only.id) } else { None }
}

fn ask_phone(holders: &[&ModelLead], command: &UpsertCommand) -> Says {
    if three_strangers(holders) {
        return Says::GuardFailed;
    }
    let mut compatible = compatible(holders, command);
    compatible.retain(|id| !holders.iter().any(|lead| lead.id == *id && is_of_function(lead, command)));
    if let [only] = holders
        && verdict(only, command) == NameVerdict::OneSided
        && !is_of_function(only, command)
    {
        compatible.push(only.id);
    }
    match compatible.as_slice() {
        [] => Says::GuardFailed,
        [only] => Says::One(*only),
        _ => only_equal(holders, command).map_or(Says::Possible(compatible), Says::One),
    }
}

/// One side names nobody and has only addresses of functions, none of which the other has.
fn is_of_function(lead: &ModelLead, command: &UpsertCommand) -> bool {
    let is_role = |email: &str| Email::parse(email).is_ok_and(|email| email.is_role_mailbox());
    let incoming: Vec<&str> = command.lead.emails.iter().map(Email::normalized).collect();
    let stored: Vec<&str> = lead.emails.iter().map(|email| &*email.key).collect();
    let of_function = |emails: &[&str]| !emails.is_empty() && emails.iter().all(|email| is_role(email));
    let either =
        (command.lead.name.is_none() && of_function(&incoming)) || (lead.person().is_none() && of_function(&stored));
    either && !incoming.iter().any(|email| stored.contains(email))
}

/// Three of them, no two of whom could be one person.
fn three_strangers(holders: &[&ModelLead]) -> bool {
    let strangers = |a: &ModelLead, b: &ModelLead| lead_verdict(a, b) == NameVerdict::Incompatible;
    holders.iter().enumerate().any(|(i, a)| {
        holders[i + 1..]
            .iter()
            .enumerate()
            .any(|(j, b)| strangers(a, b) && holders[i + j + 2..].iter().any(|c| strangers(a, c) && strangers(b, c)))
    })
}

fn compatible(holders: &[&ModelLead], command: &UpsertCommand) -> Vec<LeadId> {
    let fits = |lead: &&&ModelLead| matches!(verdict(lead, command), NameVerdict::Compatible { .. });
    holders.iter().filter(fits).map(|lead| lead.id).collect()
}

fn ids(holders: &[&ModelLead]) -> Vec<LeadId> {
    holders.iter().map(|lead| lead.id).collect()
}

/// What the name guard says of a lead and the payload.
pub(crate) fn verdict(lead: &ModelLead, command: &UpsertCommand) -> NameVerdict {
    let (person, company) = (lead.person(), lead.company());
    compare_names(
        &Named { person: person.as_ref(), company: company.as_ref() },
        &Named { person: command.lead.name.as_ref(), company: command.lead.company.as_ref() },
    )
}

fn lead_verdict(a: &ModelLead, b: &ModelLead) -> NameVerdict {
    let (person_a, company_a, person_b, company_b) = (a.person(), a.company(), b.person(), b.company());
    compare_names(
        &Named { person: person_a.as_ref(), company: company_a.as_ref() },
        &Named { person: person_b.as_ref(), company: company_b.as_ref() },
    )
}
