//! Durable truth: every lead, key, reply, review, dead letter and decision, written once and never lost.
//!
//! Owns the rows of [`crate::decision::rows`] on disk, the feed and its order. Never decides anything, never names the index, and
//! nothing outside this module knows which engine lies below.
//!
//! What is promised, by [`LeadStore::commit`] and [`LeadView`]:
//!
//! - **durable before said**: when a commit has returned, its change sets survive the loss of power; what views and the announced
//!   position show has been made durable before.
//! - **whole**: a view stands at one commit sequence and holds exactly the change sets up to it, none by half.
//! - **in order**: change sets are applied in the order of their sequences, and the feed is that order, without gaps.
//! - **never silently less**: a store that has lost acknowledged change sets refuses to open.

pub mod codec;
pub mod embedded;
mod error;
pub mod verify;

use std::future::Future;

use crate::decision::rows::{FeedEntry, Row, RowClass, RowKey, SequencedChangeSet};

pub use embedded::{EmbeddedStore, EmbeddedView, StoreOptions};
pub use error::{CommitError, EngineError, OpenError, ReadError, RowName};

/// How far a store has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The sequence of the last change set; 0 when there is none.
    pub sequence: u64,
    /// The position of the last feed entry; 0 when there is none. A change set without an event moves only the sequence.
    pub feed: u64,
}

/// A row with the sequence of its last change.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned {
    /// The commit sequence of the row's last change.
    pub sequence: u64,
    /// Its value.
    pub row: Row,
}

/// Which rows of a class to list, in the order of their keys.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The class.
    pub class: RowClass,
    /// Only this tenant's.
    pub tenant: Option<crate::domain::TenantId>,
    /// Only rows behind this one, which is where the last page ended.
    pub after: Option<RowKey>,
    /// At most this many.
    pub limit: usize,
}

/// One row of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct ScannedRow {
    /// The row's key.
    pub key: RowKey,
    /// Its value.
    pub value: Versioned,
}

/// Durable state that several processes may share.
///
/// Implementations: [`EmbeddedStore`]. Nothing here assumes that this process is the only writer: a commit may answer
/// [`CommitError::Conflict`], and the feed may grow by itself.
pub trait LeadStore: Send + Sync + 'static {
    /// How it is read.
    type View: LeadView;

    /// A view of everything durable now.
    fn view(&self) -> impl Future<Output = Result<Self::View, ReadError>> + Send;

    /// Makes change sets durable: all of them, in order, or none. They follow the last committed one without a gap.
    ///
    /// Not cancel safe: a future that is dropped may or may not have committed.
    fn commit(&self, batch: &[SequencedChangeSet]) -> impl Future<Output = Result<(), CommitError>> + Send;

    /// How far the store has durably come.
    fn position(&self) -> Position;

    /// Waits until the feed has grown past a position, and answers how far the store has come. Cancel safe.
    fn feed_past(&self, position: u64) -> impl Future<Output = Position> + Send;
}

/// The state of a store at one commit sequence. Cheap to clone; holding one for long keeps old rows on disk.
pub trait LeadView: Clone + Send + Sync + 'static {
    /// Where the view stands.
    fn position(&self) -> Position;

    /// One row.
    fn get(&self, key: &RowKey) -> impl Future<Output = Result<Option<Versioned>, ReadError>> + Send;

    /// A page of one class's rows.
    fn scan(&self, scan: &Scan) -> impl Future<Output = Result<Vec<ScannedRow>, ReadError>> + Send;

    /// Feed entries behind a position, in order, at most `limit`.
    fn feed_after(&self, position: u64, limit: usize)
    -> impl Future<Output = Result<Vec<FeedEntry>, ReadError>> + Send;

    /// Feed entries before a position, newest first, at most `limit`.
    fn feed_before(
        &self,
        position: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<FeedEntry>, ReadError>> + Send;
}
