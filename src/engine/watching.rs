//! Following the feed: every event from a position on, in order, without a gap, and never one that is not durable.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::Stream;

use crate::decision::rows::FeedEntry;
use crate::domain::TenantId;
use crate::store::{LeadStore, LeadView};

use super::answer::{FeedItem, RequestError};
use super::lists::with_payload;
use super::{Engine, read_failed};

/// How many events are read at once.
const READ_AT_ONCE: usize = 256;

struct Follower<S: LeadStore> {
    engine: Arc<Engine<S>>,
    tenant: TenantId,
    position: u64,
    read: VecDeque<FeedEntry>,
}

impl<S: LeadStore> Engine<S> {
    /// Every event of a tenant behind a position, then those that come. Ends only with an error.
    pub fn watch_decisions(
        self: &Arc<Self>,
        tenant: TenantId,
        after_position: u64,
    ) -> impl Stream<Item = Result<FeedItem, RequestError>> + Send + 'static + use<S> {
        let follower = Follower { engine: Arc::clone(self), tenant, position: after_position, read: VecDeque::new() };
        futures_util::stream::try_unfold(follower, |mut follower| async move {
            let item = follower.next().await?;
            Ok(Some((item, follower)))
        })
    }
}

impl<S: LeadStore> Follower<S> {
    async fn next(&mut self) -> Result<FeedItem, RequestError> {
        loop {
            while let Some(entry) = self.read.pop_front() {
                self.position = entry.position;
                if entry.event.tenant == self.tenant {
                    let view = self.engine.store.view().await.map_err(read_failed)?;
                    return with_payload(&view, entry).await;
                }
            }
            let view = self.engine.store.view().await.map_err(read_failed)?;
            self.read = view.feed_after(self.position, READ_AT_ONCE).await.map_err(read_failed)?.into();
            if self.read.is_empty() {
                self.engine.store.feed_past(self.position).await;
            }
        }
    }
}
