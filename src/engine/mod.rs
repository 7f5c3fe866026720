//! The engine: the only place that knows store, index and decision together.

mod answer;

pub use answer::{
    Answer, DuplicateGroup, DuplicatePair, FeedItem, FoundLead, LeadSelector, ListedDeadLetter, ListedReview, Page,
    RecordMerge, ReportAnswer, RequestError,
};
