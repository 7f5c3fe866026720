//! Finding duplicates: leads that share a key which is no longer theirs alone, and leads that are alike. Never merges.
//!
//! | piece | does |
//! |---|---|
//! | `moment` | what a search looks at: store and index as they stood together when it began |
//! | `ties` | what ties one lead to others |
//! | `component` | everything that hangs together with one lead, and the groups in it |
//! | `cursor`, `walk` | over all leads by id, a page at a time, with progress, and from where it was broken off |
//!
//! No search holds more than a page of leads and what hangs together with one of them. Ties are the same from either side, so that
//! what hangs together is the same from each of its leads: the first of them tells all of it, and the others nothing.

mod component;
mod cursor;
mod moment;
mod ties;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use jiff::Timestamp;

use crate::decision::tier::MatchTier;
use crate::domain::{LeadId, SourceName, TenantId};
use crate::store::LeadStore;

use super::Engine;
use super::answer::{DuplicateGroup, RequestError};

use moment::{Moment, Wanted};
use walk::Walk;

/// Most searches that look through all leads at once: each holds some tens of megabytes, and keeps old files from being deleted.
pub(super) const MOST_WALKS: usize = 4;

const TOO_MANY_WALKS: RequestError =
    RequestError::Overloaded { what: "too many searches look through all leads", retry_after: Duration::from_secs(5) };

/// Where to look.
#[derive(Debug, Clone)]
pub enum DuplicateScope {
    /// Duplicates of one lead.
    Lead(LeadId),
    /// All duplicates.
    Everything,
    /// Every lead that holds several live records of one system.
    RecordsOfSource(SourceName),
}

/// What to look for.
#[derive(Debug, Clone)]
pub struct DuplicateQuery {
    /// Where.
    pub scope: DuplicateScope,
    /// Pairs below it are left out, 0..1; of pairs that are only alike also those below one half.
    pub min_score: f64,
    /// Only pairs that match by one of these tiers; empty for all.
    pub tiers: Vec<MatchTier>,
    /// Only groups of which a member changed after this.
    pub update_time_after: Option<Timestamp>,
    /// Where an earlier search of the same scope ended.
    pub resume: Option<Vec<u8>>,
}

/// A group, or how far the search has come.
#[derive(Debug, Clone)]
pub struct DuplicateEvent {
    /// The group, where one was found.
    pub group: Option<DuplicateGroup>,
    /// Where to go on from.
    pub resume: Vec<u8>,
    /// Leads looked through, those of the search that is gone on with included.
    pub compared: u64,
    /// Leads to look through; 0 where the search is for one lead.
    pub total: u64,
}

impl<S: LeadStore> Engine<S> {
    /// Groups of duplicates as they stand when the search begins, each as soon as it is found. Writes go on meanwhile. The stream does
    /// nothing while nobody asks for its next item, and holds on to files of store and index as long as it lives: of those that look
    /// through all leads a few run at once, and more are refused.
    pub fn find_duplicates(
        self: &Arc<Self>,
        tenant: TenantId,
        query: DuplicateQuery,
    ) -> impl Stream<Item = Result<DuplicateEvent, RequestError>> + Send + 'static + use<S> {
        let search = Search::Begin(Arc::clone(self), tenant, query);
        futures_util::stream::try_unfold(search, |search| async move {
            let mut walk = search.begun().await?;
            Ok(walk.next().await?.map(|event| (event, Search::Begun(walk))))
        })
    }

    async fn begin_search(&self, tenant: TenantId, query: DuplicateQuery) -> Result<Walk<S::View>, RequestError> {
        let DuplicateQuery { scope, min_score, tiers, update_time_after, resume } = query;
        let wanted = Wanted { min_score, tiers, update_time_after };
        let records_of = match scope {
            DuplicateScope::Lead(lead_id) => {
                let moment = Moment::at_rest(self, tenant, wanted).await?;
                return Walk::around(Arc::new(moment), lead_id, resume.is_some()).await;
            }
            DuplicateScope::Everything => None,
            DuplicateScope::RecordsOfSource(source) => Some(source),
        };
        let place = Arc::clone(&self.walks).try_acquire_owned().map_err(|_| TOO_MANY_WALKS)?;
        let moment = Moment::at_rest(self, tenant, wanted).await?;
        Walk::begin(Arc::new(moment), place, records_of, resume.as_deref()).await
    }
}

enum Search<S: LeadStore> {
    Begin(Arc<Engine<S>>, TenantId, DuplicateQuery),
    Begun(Box<Walk<S::View>>),
}

impl<S: LeadStore> Search<S> {
    async fn begun(self) -> Result<Box<Walk<S::View>>, RequestError> {
        match self {
            Self::Begin(engine, tenant, query) => Ok(Box::new(engine.begin_search(tenant, query).await?)),
            Self::Begun(walk) => Ok(walk),
        }
    }
}

/// Runs what computes or reads for long where it holds up nobody.
async fn in_background<T: Send + 'static>(
    work: impl Future<Output = Result<T, RequestError>> + Send + 'static,
) -> Result<T, RequestError> {
    let runtime = tokio::runtime::Handle::current();
    match tokio::task::spawn_blocking(move || runtime.block_on(work)).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(RequestError::Unavailable { what: "the server is stopping" }),
    }
}
