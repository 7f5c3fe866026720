//! Given names that one person may go by. The table and where it is from: `data/given_names.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// True when both folded names may name one person: equal, spellings of one name, or one a usual short form of the other.
/// Symmetric; not transitive (Bert is Albert or Herbert, who are not each other).
pub fn same_given_name(a: &str, b: &str) -> bool {
    a == b || TABLE.agree(a, b)
}

/// Whether two folded names are two that are well known, each in its full form: other than [the same](same_given_name), and no slip of the
/// hand either, however alike they look (Patrick and Patricia).
pub fn other_given_names(a: &str, b: &str) -> bool {
    a != b && is_well_known(a) && is_well_known(b) && !TABLE.agree(a, b)
}

/// Whether a folded name is a well-known given name in its full form.
pub fn is_well_known(name: &str) -> bool {
    TABLE.groups(name).iter().any(|member| member.is_full_form)
}

/// The first spelling of every group that holds the folded name, at most [`MOST_CANONICAL`]; the name itself where none does.
/// Two names of which one is a full form of the other share one of them.
pub(crate) fn canonical_given_names(name: &str) -> impl Iterator<Item = &str> {
    let groups = TABLE.groups(name);
    let own = groups.is_empty().then_some(name);
    own.into_iter().chain(groups.iter().take(MOST_CANONICAL).map(|member| TABLE.heads[usize::from(member.group)]))
}

/// Every name that [`canonical_given_names`] can return for a name of the table.
pub(crate) fn all_canonical_given_names() -> impl Iterator<Item = &'static str> {
    TABLE.heads.iter().copied()
}

/// A short form of more names than this is blocked under the first ones only.
pub(crate) const MOST_CANONICAL: usize = 4;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("data/given_names.txt")));

/// A name's place in a group.
#[derive(Clone, Copy)]
struct Member {
    group: u16,
    is_full_form: bool,
}

struct Table {
    members: HashMap<&'static str, Vec<Member>, FixedState>,
    heads: Vec<&'static str>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self { members: HashMap::default(), heads: Vec::new() };
        for (full, short) in
            text.lines().filter_map(|line| line.split_once('=')).filter(|(full, _)| !full.starts_with('#'))
        {
            table.add_group(full, short);
        }
        table
    }

    fn add_group(&mut self, full: &'static str, short: &'static str) {
        let Ok(group) = u16::try_from(self.heads.len()) else { return };
        self.heads.extend(full.split_whitespace().next());
        let full = full.split_whitespace().map(|name| (name, true));
        for (name, is_full_form) in full.chain(short.split_whitespace().map(|name| (name, false))) {
            self.members.entry(name).or_default().push(Member { group, is_full_form });
        }
    }

    fn groups(&self, name: &str) -> &[Member] {
        self.members.get(name).map_or(&[], Vec::as_slice)
    }

    fn agree(&self, a: &str, b: &str) -> bool {
        let (a, b) = (self.groups(a), self.groups(b));
        let one_belongs_here_only = a.len() == 1 || b.len() == 1;
        a.iter().any(|a| {
            let shared = b.iter().filter(|b| b.group == a.group);
            shared.into_iter().any(|b| a.is_full_form || b.is_full_form || one_belongs_here_only)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::folding::fold;

    #[test]
    fn names_agree_with_their_short_forms() {
        let check = |a: &str, b: &str, same: bool| {
            assert_eq!(same_given_name(a, b), same, "{a} {b}");
            assert_eq!(same_given_name(b, a), same, "{b} {a}");
        };
        for (a, b) in [
            ("bob", "robert"),
            ("bob", "rob"),
            ("bill", "william"),
            ("liz", "elizabeth"),
            ("betty", "elisabeth"),
            ("kathy", "katherine"),
            ("kathy", "catherine"),
            ("katherine", "catherine"),
            ("hans", "johannes"),
            ("pepe", "jose"),
            ("sasha", "alexander"),
            ("саша", "александр"),
            ("sasha", "alexandra"),
            ("ted", "theodore"),
            ("ted", "edward"),
            ("peggy", "margaret"),
            ("jack", "john"),
            ("chuck", "charles"),
            ("beppe", "giuseppe"),
            ("kuba", "jakub"),
            ("mohammed", "muhammad"),
            ("stephen", "steven"),
            ("geoff", "jeff"),
            ("tony", "antonio"),
            ("jp", "jp"),
            ("zoe", "zoe"),
            ("paco", "francisco"),
            ("katja", "katharina"),
            ("sepp", "josef"),
            ("chris", "christine"),
        ] {
            check(a, b, true);
        }
        for (a, b) in [
            ("john", "juan"),
            ("john", "james"),
            ("edward", "edmund"),
            ("chris", "tina"),
            ("robert", "albert"),
            ("mary", "maria"),
            ("anna", "hannah"),
            ("patrick", "patricia"),
            ("joe", "john"),
            ("alexander", "alexandra"),
            ("a", "anna"),
            ("", "anna"),
        ] {
            check(a, b, a == "mary");
        }
    }

    #[test]
    fn two_well_known_names_are_no_slip_of_each_other() {
        let check = |a: &str, b: &str, other: bool| {
            assert_eq!(other_given_names(a, b), other, "{a} {b}");
            assert_eq!(other_given_names(b, a), other, "{b} {a}");
        };
        for (a, b) in [
            ("patrick", "patricia"),
            ("christian", "christina"),
            ("daniel", "danielle"),
            ("joan", "john"),
            ("julia", "julian"),
            ("eric", "erica"),
            ("alexander", "alexandra"),
            ("maria", "mario"),
            ("francis", "frances"),
            ("marc", "marco"),
            ("paul", "paula"),
        ] {
            check(a, b, true);
        }
        // The same name, spelt otherwise or short, and what nobody is called.
        for (a, b) in [("jon", "john"), ("katherine", "catherine"), ("chris", "christina"), ("daniel", "daneil")] {
            check(a, b, false);
        }
        check("daniel", "daniel", false);
    }

    #[test]
    fn names_that_agree_share_a_canonical_name() {
        let check = |a: &str, b: &str| {
            let a: Vec<&str> = canonical_given_names(a).collect();
            assert!(canonical_given_names(b).any(|b| a.contains(&b)), "{a:?} {b}");
        };
        check("bob", "robert");
        check("bob", "rob");
        check("kathy", "catherine");
        check("sasha", "alexandra");
        check("zoe", "zoe");
    }

    #[test]
    fn the_table_is_well_formed() {
        assert!(TABLE.heads.len() > 400);
        for (name, members) in &TABLE.members {
            assert_eq!(fold(name), **name);
            let mut groups: Vec<u16> = members.iter().map(|member| member.group).collect();
            groups.dedup();
            assert_eq!(groups.len(), members.len(), "{name} is twice in one group");
        }
    }
}
