//! The fuzzy tier's comparison of two leads: levels per field, weights in bits, a sum, a probability.
//!
//! I. P. Fellegi, A. B. Sunter, "A Theory for Record Linkage", JASA 64 (1969); term frequencies after W. E. Winkler, "Frequency-Based
//! Matching in Fellegi-Sunter Model of Record Linkage", US Census Bureau RR2000/06. Pure: the same two leads, frequencies and weights
//! give the same score. What is prepared for comparison holds personal data: none of it has a `Debug`, but for [`Profile`], which shows
//! nothing.

mod background;
mod comparer;
mod contact;
mod edits;
mod frequency;
mod learning;
mod level;
mod organisation;
mod person;
mod personal;
mod place;
mod profile;
mod scoring;
mod signature;
mod similarity;
#[cfg(test)]
mod tests;
mod weights;

pub use comparer::{Ceiling, Comparer};
pub use frequency::{FEWEST_LEADS, FirstLook, FrequencyTable, GrowingTable, has_outgrown};
pub use learning::{Candidate, Learned, LevelEvidence, Sample, learn};
pub use level::{ComparedField, Kind, Level};
pub use profile::{ComparedPair, Profile, compare, prior};
pub use scoring::{FieldComparison, Score, probability_of_weight, weight_of_probability};
pub use signature::Signature;
pub use weights::{LevelWeight, Weights};
