//! The order within one batch or stream: an item that shares a key with an earlier one starts when that one has been sequenced.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

use crate::decision::blocking::blocks_of_incoming;
use crate::decision::command::UpsertCommand;
use crate::decision::rows::RowKey;
use crate::domain::LeadId;
use crate::store::LeadStore;

use super::Engine;
use super::answer::{Answer, RequestError};
use super::lock_set::lock_number;
use super::preview::Preview;
use super::upserting::Intent;

/// How many keys are remembered before those of finished items are forgotten.
const FEWEST_TURNS: usize = 4096;

/// One batch or stream.
pub struct Batch<S: LeadStore> {
    engine: Arc<Engine<S>>,
    /// By key, the turn of the last item that has it: closed when that item has been sequenced or given up.
    turns: HashMap<u64, watch::Receiver<()>>,
    /// When `turns` is next swept.
    sweep_at: usize,
    shared: Arc<Shared>,
}

struct Shared {
    preview: Preview,
    /// The first item that ended on each lead.
    firsts: Mutex<HashMap<LeadId, Box<str>>>,
}

impl<S: LeadStore> Engine<S> {
    /// Begins a batch or stream.
    pub fn begin_batch(self: &Arc<Self>) -> Batch<S> {
        let preview = Preview::new(Arc::clone(&self.preview_memory));
        let shared = Arc::new(Shared { preview, firsts: Mutex::default() });
        Batch { engine: Arc::clone(self), turns: HashMap::new(), sweep_at: FEWEST_TURNS, shared }
    }
}

impl<S: LeadStore> Batch<S> {
    /// Takes the next item, in input order. It starts at once and goes on though its future is dropped or not polled.
    pub fn submit(
        &mut self,
        client_ref: Box<str>,
        command: UpsertCommand,
    ) -> impl Future<Output = Result<Answer, RequestError>> + Send + 'static + use<S> {
        let (turn, finished) = watch::channel(());
        let blocks = blocks_of_incoming(&command.lead);
        let before = self.queue_behind(&command, &blocks, &finished);
        let (engine, shared) = (Arc::clone(&self.engine), Arc::clone(&self.shared));
        // A task of its own: whoever holds a key must go on even while nobody reads the results of its stream.
        let item = tokio::spawn(async move {
            for mut earlier in before {
                // An error is what is waited for: the earlier item has ended its turn.
                let _ = earlier.changed().await;
            }
            let intent = if command.validate_only { Intent::Preview(Some(&shared.preview)) } else { Intent::Write };
            let mut decided = engine.decide_on(&command, OnceLock::from(blocks), intent).await?;
            if let Ok(answer) = &mut decided.result {
                shared.note_first(client_ref, answer);
            }
            drop(turn);
            engine.answer(decided).await
        });
        async move {
            match item.await {
                Ok(answer) => answer,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Err(RequestError::Unavailable { what: "the server has stopped" }),
            }
        }
    }

    /// Blocking keys count as well: two of one person may have no other in common.
    fn queue_behind(
        &mut self,
        command: &UpsertCommand,
        blocks: &[u64],
        finished: &watch::Receiver<()>,
    ) -> Vec<watch::Receiver<()>> {
        if self.turns.len() >= self.sweep_at {
            self.turns.retain(|_, turn| turn.has_changed().is_ok());
            self.sweep_at = (2 * self.turns.len()).max(FEWEST_TURNS);
        }
        let tenant = &command.tenant;
        let keys = command.keys().into_iter().map(|key| RowKey::identity(tenant, &key.key));
        let request = command.request_id.iter().map(|request| RowKey::request(tenant, &command.source, &request.id));
        let named = command.lead_id.iter().map(|lead_id| RowKey::lead(tenant, *lead_id));
        let blocks = blocks.iter().map(|block| RowKey::block(tenant, *block));
        let numbers = keys.chain(request).chain(named).chain(blocks).map(|key| lock_number(&key));
        numbers
            .filter_map(|number| self.turns.insert(number, finished.clone()))
            .filter(|turn| !turn.same_channel(finished))
            .collect()
    }
}

impl Shared {
    fn note_first(&self, client_ref: Box<str>, answer: &mut Answer) {
        let Some(lead_id) = answer.outcome.lead_id else { return };
        let mut firsts = self.firsts.lock().unwrap_or_else(PoisonError::into_inner);
        match firsts.get(&lead_id) {
            Some(first) => answer.same_as_client_ref = Some(first.clone()),
            None => drop(firsts.insert(lead_id, client_ref)),
        }
    }
}
