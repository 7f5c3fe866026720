//! The rows of a dry run that would end on one lead: with each other, or with one that is stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::outcome::Outcome;

/// How many groups are shown to a person.
const SHOWN_GROUPS: usize = 20;

/// How many lines of a group are shown to a person.
const SHOWN_LINES: usize = 8;

/// Rows that would end on one lead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    /// The lines on which they begin.
    pub(crate) lines: BTreeSet<u64>,
    /// The stored lead; empty where the import would make it.
    pub(crate) lead_id: String,
    /// By which tiers they were matched, each with how many rows.
    pub(crate) matched_by: BTreeMap<&'static str, u64>,
}

/// The groups. A row that would end on a lead of its own takes no memory.
#[derive(Debug, Default)]
pub(crate) struct Unions {
    groups: Vec<Group>,
    /// By the first line of a group, its place.
    places: HashMap<u64, usize>,
}

impl Unions {
    /// Takes the outcome of the row on `line`.
    pub(crate) fn take(&mut self, line: u64, outcome: &Outcome) {
        let earlier = outcome.same_as_line.parse().ok();
        if earlier.is_none() && outcome.lead_id.is_empty() {
            return;
        }
        let group = self.group_of(earlier.unwrap_or(line));
        group.lines.insert(line);
        group.lead_id.clone_from(&outcome.lead_id);
        if !outcome.tier_name().is_empty() {
            *group.matched_by.entry(outcome.tier_name()).or_default() += 1;
        }
    }

    /// Every group, in the order of their first rows.
    pub(crate) fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by_key(|group| group.lines.first());
        groups
    }

    /// Rows of a table: the lines, the lead, how they were matched.
    pub(crate) fn rows_of_table(&self) -> Vec<[String; 3]> {
        self.groups().into_iter().take(SHOWN_GROUPS).map(row_of_table).collect()
    }

    /// How many groups the table leaves out.
    pub(crate) fn untold(&self) -> usize {
        self.groups.len().saturating_sub(SHOWN_GROUPS)
    }

    /// The group of the row on `first`, on whose lead others end. A row that would make its lead is not in a group before.
    fn group_of(&mut self, first: u64) -> &mut Group {
        let place = *self.places.entry(first).or_insert(self.groups.len());
        if place == self.groups.len() {
            self.groups.push(Group { lines: BTreeSet::from([first]), ..Group::default() });
        }
        &mut self.groups[place]
    }
}

fn row_of_table(group: &Group) -> [String; 3] {
    let shown: Vec<String> = group.lines.iter().take(SHOWN_LINES).map(ToString::to_string).collect();
    let more = group.lines.len().saturating_sub(SHOWN_LINES);
    let lines = if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) };
    let lead = if group.lead_id.is_empty() { "new" } else { &group.lead_id };
    let tiers: Vec<String> = group.matched_by.iter().map(|(tier, rows)| format!("{tier} {rows}")).collect();
    [lines, lead.to_owned(), tiers.join(", ")]
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Reply;
    use super::*;
    use crate::grpc::proto::{Decision, MatchTier, UpsertResponse, UpsertStatus};

    fn unions(rows: &[(u64, &str, &str, MatchTier)]) -> Unions {
        let mut unions = Unions::default();
        for (line, lead_id, same_as, tier) in rows {
            let response = UpsertResponse {
                status: UpsertStatus::Updated.into(),
                lead_id: (*lead_id).to_owned(),
                same_as_client_ref: (*same_as).to_owned(),
                decision: Some(Decision { matched_by: (*tier).into(), ..Default::default() }),
                ..Default::default()
            };
            let Reply::Final(outcome) = response.into() else { panic!("final") };
            unions.take(*line, &outcome);
        }
        unions
    }

    #[test]
    fn rows_unite_with_earlier_rows_and_with_stored_leads() {
        use MatchTier::{Email, Fuzzy, Unspecified};
        let unions = unions(&[
            (2, "", "", Unspecified),
            (3, "stored", "", Email),
            (4, "", "2", Fuzzy),
            (5, "stored", "3", Email),
            (6, "", "2", Email),
            (7, "", "", Unspecified),
            // The later row was decided first.
            (8, "other", "9", Email),
            (9, "other", "", Fuzzy),
        ]);
        let shown: Vec<String> = unions.rows_of_table().iter().map(|row| row.join(" | ")).collect();
        assert_eq!(
            shown,
            ["2, 4, 6 | new | EMAIL 1, FUZZY 1", "3, 5 | stored | EMAIL 2", "8, 9 | other | EMAIL 1, FUZZY 1"]
        );
        assert_eq!(unions.untold(), 0);
    }

    #[test]
    fn a_person_is_shown_the_first_groups_and_the_first_lines_of_each() {
        let mut rows: Vec<(u64, &str, &str, MatchTier)> =
            (100..150).map(|line| (line, "a", "", MatchTier::Email)).collect();
        rows.extend((200..220).map(|line| (line, "a", "100", MatchTier::Email)));
        let unions = unions(&rows);
        let table = unions.rows_of_table();
        assert_eq!((table.len(), unions.untold(), unions.groups().len()), (20, 30, 50));
        assert_eq!(table[0][0], "100, 200, 201, 202, 203, 204, 205, 206 and 13 more");
    }
}
