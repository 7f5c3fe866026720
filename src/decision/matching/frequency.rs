//! How common each value is: agreement on a rare one says more.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use super::background::{POPULATION, holders};
use super::profile::Profile;

/// What a value is a value of. The numbers are part of every hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Term {
    FamilyName = 1,
    GivenName = 2,
    Company = 3,
    CompanyWord = 4,
    Domain = 5,
    Email = 6,
    Mailbox = 7,
    Phone = 8,
    Street = 9,
    City = 10,
    PostalCode = 11,
    BirthDate = 12,
    MailDomain = 13,
}

/// A value by its hash, which is stored: enough to count it, nothing to read it from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct TermHash(#[serde(with = "postcard::fixint::le")] u64);

impl TermHash {
    pub(super) fn of(term: Term, value: &str) -> Self {
        Self::seeded(term as u64, value)
    }

    /// This value together with another.
    fn with(self, value: &str) -> Self {
        Self::seeded(self.0, value)
    }

    fn seeded(seed: u64, value: &str) -> Self {
        Self(xxh3_64_with_seed(value.as_bytes(), seed))
    }
}

/// Tells whole contents apart within one file, where no two of millions share it by chance.
pub(super) fn hash_of_content(bytes: &[u8]) -> u128 {
    xxh3_128(bytes)
}

/// How many leads hold each value. Rarity is told in whole bits, so that a lead more or less changes no score. A table of few leads is
/// filled up with what is common in the world.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FrequencyTable {
    version: u64,
    leads: u32,
    counts: HashMap<TermHash, u32, FixedState>,
    /// Persons that were counted for a value.
    persons: HashSet<TermHash, FixedState>,
    /// Which values are counted at all; `None` for all of them.
    counted: Option<Marks>,
    /// Leads of a value that had passed before it was found to be counted.
    missed: u32,
}

/// A first look at leads that are then counted: which values more than one of them holds. Most are one lead's, and a table that holds
/// them until all leads are counted takes more memory than anything else.
pub struct FirstLook {
    seen: Marks,
    again: Marks,
}

/// Marks on values, a few bits for each: one that was not marked may share the mark of another.
#[derive(Debug, Clone, Default, PartialEq)]
struct Marks(Box<[u64]>);

impl Marks {
    /// For the values of so many leads.
    fn for_leads(leads: usize) -> Self {
        const BITS_OF_LEAD: usize = 128;
        const MOST_WORDS: usize = 1 << 24;
        let words = (leads.saturating_mul(BITS_OF_LEAD) / 64).next_power_of_two().clamp(1024, MOST_WORDS);
        Self(vec![0; words].into())
    }

    fn place(&self, term: TermHash) -> (usize, u64) {
        let word = (term.0 >> 6) as usize & (self.0.len() - 1);
        (word, 1 << (term.0 & 63))
    }

    fn has(&self, term: TermHash) -> bool {
        let (word, bit) = self.place(term);
        self.0[word] & bit != 0
    }

    /// Sets the mark. Returns whether it was set.
    fn mark(&mut self, term: TermHash) -> bool {
        let (word, bit) = self.place(term);
        let had = self.0[word] & bit != 0;
        self.0[word] |= bit;
        had
    }
}

impl FirstLook {
    /// For about so many leads.
    pub fn for_leads(leads: usize) -> Self {
        Self { seen: Marks::for_leads(leads), again: Marks::for_leads(leads) }
    }

    /// Looks at the values of one more lead, each once.
    pub(super) fn see(&mut self, terms: impl IntoIterator<Item = TermHash>) {
        for term in terms {
            if self.seen.mark(term) {
                self.again.mark(term);
            }
        }
    }
}

/// A table of leads that come one after the other and are not kept: any moment it can be told how common their values are. Of two leads
/// that hold a value the first is only remembered by a mark.
pub struct GrowingTable {
    look: FirstLook,
    table: FrequencyTable,
}

impl GrowingTable {
    /// Goes on behind the leads that a table has counted, with marks for so many more; of still more some values share a mark, and count
    /// as if one lead more held them.
    pub fn behind(table: &FrequencyTable, leads: usize) -> Self {
        let mut look = FirstLook::for_leads(leads);
        for term in table.counts.keys() {
            look.see([*term, *term]);
        }
        Self { look, table: FrequencyTable { missed: 1, ..table.clone() } }
    }

    /// Counts one more lead.
    pub fn add(&mut self, profile: &Profile) {
        profile.show(&mut self.look);
        self.table.counted = Some(std::mem::take(&mut self.look.again));
        profile.count_in(&mut self.table);
        self.look.again = self.table.counted.take().unwrap_or_default();
    }

    /// How many leads are counted.
    pub fn leads(&self) -> u32 {
        self.table.leads
    }

    /// How common values are by now.
    pub fn so_far(&self) -> FrequencyTable {
        let counts = self.table.counts.iter().filter(|(_, count)| **count > 1);
        let counts = counts.map(|(term, count)| (*term, *count)).collect();
        FrequencyTable { version: self.table.version, leads: self.table.leads, counts, ..FrequencyTable::default() }
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let values = self.table.counts.capacity() + self.table.persons.capacity();
        2 * size_of_val(&*self.look.seen.0) + values * (size_of::<(TermHash, u32)>() + 1)
    }
}

/// Fewer leads are not worth a table: they say less than what is common in the world.
pub const FEWEST_LEADS: u32 = 128;

/// Whether so many leads are a quarter more than were counted, so that they are counted anew.
pub fn has_outgrown(leads: u32, counted: u32) -> bool {
    leads >= FEWEST_LEADS.max(counted.saturating_add(counted / 4))
}

/// So many differently written people may hold what is one person's.
const FEW_HOLDERS: u32 = 8;

impl FrequencyTable {
    /// An empty table that counts nothing but what more than one lead was seen to hold.
    pub fn of_repeated(look: FirstLook) -> Self {
        Self { counted: Some(look.again), ..Self::default() }
    }

    /// Counts one more lead with the values that it holds, each once.
    pub(super) fn count(&mut self, terms: impl IntoIterator<Item = TermHash>) {
        self.leads += 1;
        for term in terms.into_iter().filter(|term| counts(&self.counted, *term)) {
            *self.counts.entry(term).or_insert(self.missed) += 1;
        }
    }

    /// Counts a value once for each person that holds it: an address is rare however often its owner was entered.
    pub(super) fn count_of_person(&mut self, term: TermHash, person: &str) {
        if counts(&self.counted, term) && self.persons.insert(term.with(person)) {
            *self.counts.entry(term).or_default() += 1;
        }
    }

    /// Forgets values that one lead holds: nothing that is asked for is rarer.
    pub fn forget_singles(&mut self) {
        self.counts.retain(|_, count| *count > 1);
        self.counts.shrink_to_fit();
        self.persons = HashSet::default();
        self.counted = None;
    }

    /// A table as it was stored: its version, how many leads were counted, and the counts of [`Self::counts`].
    pub fn restored(version: u64, leads: u32, counts: impl IntoIterator<Item = (u64, u32)>) -> Self {
        let counts = counts.into_iter().map(|(term, count)| (TermHash(term), count)).collect();
        Self { version, leads, counts, ..Self::default() }
    }

    /// The counts, by term.
    pub fn counts(&self) -> Vec<(u64, u32)> {
        let mut counts: Vec<(u64, u32)> = self.counts.iter().map(|(term, count)| (term.0, *count)).collect();
        counts.sort_unstable();
        counts
    }

    /// Names the table.
    pub fn set_version(&mut self, version: u64) {
        self.version = version;
    }

    /// Which table it is: the sequence up to which leads were counted, at least; 0 for that of the world, which ships.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many leads were counted.
    pub fn leads(&self) -> u32 {
        self.leads
    }

    /// How many leads the table speaks for, those of the world included.
    pub fn population(&self) -> u32 {
        self.leads.max(POPULATION)
    }

    /// The rarity of a value of which the world has at least 2^`bits`, however small the file: unless more people hold it than chance brings
    /// together, as they do the first of January and the office's address.
    pub(super) fn rarity_of_unique(&self, term: TermHash, bits: f64) -> f64 {
        let rarity = self.rarity(term);
        let holders = self.counts.get(&term).copied().unwrap_or(1);
        if holders <= FEW_HOLDERS { rarity.max(bits) } else { rarity }
    }

    /// log2 of one over the share of leads that hold a value, in whole bits.
    pub(super) fn rarity(&self, term: TermHash) -> f64 {
        let own = self.counts.get(&term).copied().unwrap_or(0);
        let missing = self.population() - self.leads;
        let count = if missing == 0 { own } else { own + holders(term, missing) };
        // Whole bits: the logarithm of the whole part is that of the share, rounded down.
        f64::from((self.population() / count.max(1)).max(1).ilog2())
    }
}

fn counts(counted: &Option<Marks>, term: TermHash) -> bool {
    counted.as_ref().is_none_or(|counted| counted.has(term))
}
