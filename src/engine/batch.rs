//! The order within one batch or stream: an item starts when those before it that it may meet have been sequenced.
//!
//! The items of a batch are worked off one after the other: two that share no key may still reach one lead, each by a key of its own.
//! Previews are, in a stream as well, because each sees what the earlier ones would have written. Writes of a stream overlap, but for
//! those that share a key. No item waits for another's fsync.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

use crate::decision::blocking::blocks_of_incoming;
use crate::decision::command::UpsertCommand;
use crate::decision::rows::RowKey;
use crate::store::LeadStore;

use super::Engine;
use super::answer::{Answer, RequestError};
use super::firsts::Firsts;
use super::lock_set::lock_number;
use super::preview::Preview;
use super::upserting::Intent;

/// How many keys are remembered before those of finished items are forgotten.
const FEWEST_TURNS: usize = 4096;

/// One batch or stream.
pub struct Batch<S: LeadStore> {
    engine: Arc<Engine<S>>,
    order: Order,
    /// The turn of the last item that begins in input order: closed when that item has been sequenced or given up.
    last: Option<watch::Receiver<()>>,
    /// By key, the turn of the last item that has it.
    turns: HashMap<u64, watch::Receiver<()>>,
    /// When `turns` is next swept.
    sweep_at: usize,
    shared: Arc<Shared>,
}

/// Which items wait for which.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Each for the one before it.
    Input,
    /// Previews for the preview before them, and each item for those that share a key with it.
    Keys,
}

struct Shared {
    preview: Preview,
    firsts: Mutex<Firsts>,
}

impl<S: LeadStore> Engine<S> {
    /// Begins a batch: its items are decided in input order, each after the one before it.
    pub fn begin_batch(self: &Arc<Self>) -> Batch<S> {
        self.begin(Order::Input)
    }

    /// Begins a stream: its writes overlap where they share no key.
    pub fn begin_stream(self: &Arc<Self>) -> Batch<S> {
        self.begin(Order::Keys)
    }

    fn begin(self: &Arc<Self>, order: Order) -> Batch<S> {
        let preview = Preview::new(Arc::clone(&self.preview_memory));
        let firsts = Mutex::new(Firsts::new(Arc::clone(&self.preview_memory)));
        let shared = Arc::new(Shared { preview, firsts });
        Batch { engine: Arc::clone(self), order, last: None, turns: HashMap::new(), sweep_at: FEWEST_TURNS, shared }
    }
}

impl<S: LeadStore> Batch<S> {
    /// Takes the next item, in input order. It starts when its turn comes and goes on though its future is dropped or not polled.
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

    /// The turns that an item waits for, which from now on is waited for itself.
    fn queue_behind(
        &mut self,
        command: &UpsertCommand,
        blocks: &[u64],
        finished: &watch::Receiver<()>,
    ) -> Vec<watch::Receiver<()>> {
        let in_turn = self.order == Order::Input || command.validate_only;
        let before = if in_turn { self.last.replace(finished.clone()) } else { None };
        let sharing = if self.order == Order::Keys { self.queue_by_key(command, blocks, finished) } else { Vec::new() };
        before.into_iter().chain(sharing).collect()
    }

    /// Blocking keys count as well: two of one person may have no other in common.
    fn queue_by_key(
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
        if let Some(first) = firsts.before(lead_id, client_ref) {
            answer.same_as_client_ref = Some(first);
        }
    }
}
