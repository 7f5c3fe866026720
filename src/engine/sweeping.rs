//! Forgetting recorded replies when their time is over: for a moment now and then, so that nobody notices.

use std::time::{Duration, Instant};

use crate::decision::rows::{ChangeSet, Row, RowClass, RowKey, RowWrite};
use crate::store::{LeadStore, LeadView, Scan};

use super::answer::RequestError;
use super::sequencer::SubmitError;
use super::{Engine, closed, read_failed};

/// How often the recorded replies are gone through.
const EVERY: Duration = Duration::from_secs(3_600);

/// How many are looked at at once.
const PAGE: usize = 500;

/// How long it takes at a time: short beside the round of the thread that does it, and enough to forget faster than callers can send.
const MOMENT: Duration = Duration::from_millis(50);

/// Where going through the recorded replies stands.
pub(super) struct Sweeper {
    begins: Instant,
    after: Option<RowKey>,
}

impl Sweeper {
    /// Begins at once: a process that is restarted every half hour has to get to it as well.
    pub(super) fn new() -> Self {
        Self { begins: Instant::now(), after: None }
    }

    /// Goes on for a moment, when it is time.
    pub(super) async fn go_on<S: LeadStore>(&mut self, engine: &Engine<S>) {
        let began = Instant::now();
        while began >= self.begins && began.elapsed() < MOMENT {
            match engine.forget_replies(self.after.take()).await {
                Ok(Some(after)) => self.after = Some(after),
                Ok(None) => self.begins = began + EVERY,
                Err(error) => {
                    tracing::warn!(%error, "recorded replies that have expired stay for now");
                    self.begins = began + EVERY;
                }
            }
        }
    }
}

impl<S: LeadStore> Engine<S> {
    /// Deletes the replies of one page that are older than the policy keeps them. Returns where the next page begins.
    pub(super) async fn forget_replies(&self, after: Option<RowKey>) -> Result<Option<RowKey>, RequestError> {
        let retention = self.policy().request_id_retention;
        let view = self.store.view().await.map_err(read_failed)?;
        let scan = Scan { class: RowClass::Request, tenant: None, after, limit: PAGE };
        let rows = view.scan(&scan).await.map_err(read_failed)?;
        let next = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.key.clone());
        let now = self.now();
        let expired = |row: &Row| matches!(row, Row::Request(reply) if reply.time + retention <= now);
        let keys: Vec<RowKey> = rows.into_iter().filter(|row| expired(&row.value.row)).map(|row| row.key).collect();
        if keys.is_empty() {
            return Ok(next);
        }
        // Read again with preconditions: an id may have been used anew since.
        let mut look = self.look(None).await?;
        let current = look.rows(&keys).await.map_err(read_failed)?;
        let still = keys.into_iter().zip(current).filter(|(_, row)| row.as_ref().is_some_and(expired));
        let writes: Vec<_> = still.map(|(key, _)| RowWrite { key, row: None }).collect();
        match self.submit(&look, ChangeSet { writes, ..ChangeSet::default() }, None) {
            // Who was in the way has used one of the ids: the next time is soon enough.
            Ok(_) | Err(SubmitError::Conflict) => Ok(next),
            Err(SubmitError::Closed) => Err(closed()),
        }
    }
}
