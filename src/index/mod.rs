//! The derived view: what people search for, and candidates for the fuzzy tier. Owns the index folder and the overlay.
//!
//! It holds nothing that the store does not: a folder that is gone, damaged or of another format is begun anew, and the
//! engine replays what it lacks. It only owes recall: whoever uses a hit reads the lead from the store.
//!
//! | piece | does |
//! |---|---|
//! | `lead_index` | [`LeadIndex`]: record, freeze, publish, view |
//! | `recent`, `generation` | the overlay: what is recorded and not searchable yet |
//! | `folder`, `schema`, `indexed` | the index on disk, its terms, one commit of it |
//! | `opened_segment`, `segment_filter` | what is kept open of a segment, and which terms it cannot have |
//! | `folding`, `phone_digits`, `search_text` | the words of a lead, and what a match is worth |
//! | `expression`, `segment_search`, `view` | searches |
//! | `candidates`, `sharing` | leads that share a blocking key |
//! | `at_rest` | a view that stands still, for walks over everything |
//!
//! What this module never does: decide anything, read the store, or take a text for a query language.

mod at_rest;
mod candidates;
mod document;
mod error;
mod expression;
mod folder;
mod folding;
mod generation;
mod indexed;
mod lead_index;
mod opened_segment;
mod phone_digits;
mod recent;
#[cfg(all(test, shuttle))]
#[path = "../../tests/shuttle/index.rs"]
mod schedules;
mod schema;
mod search_text;
mod segment_filter;
mod segment_search;
mod sharing;
mod sync;
#[cfg(test)]
mod tests;
mod view;

pub use candidates::{Candidate, Candidates, MAX_INDEXED_CANDIDATES};
pub use document::IndexDocument;
pub use error::{IndexError, InvalidQuery, OpenError, SearchError};
#[cfg(all(any(test, fuzzing), not(shuttle)))]
pub(crate) use expression::read_any_search;
pub use expression::{MAX_TEXT_CHARS, MAX_WORDS};
pub use folder::RebuildReason;
pub use lead_index::{IndexSettings, LeadIndex, Opened};
pub use sharing::{MOST_OF_A_KEY, Rank, Sought, leave_rare, ranked, share_of};
pub use view::{Hit, MAX_OFFSET, MAX_PAGE_SIZE, SearchPage, SearchQuery, View};
