//! For tests: a decision that takes its locks, begins to read, and goes no further.

use crate::decision::blocking::blocks_of_incoming;
use crate::decision::command::UpsertCommand;
use crate::store::LeadStore;

use super::Engine;
use super::answer::RequestError;
use super::key_locks::KeyGuards;
use super::reading::Look;
use super::upserting::locks_of;

/// A decision that neither goes on nor ends until it is dropped.
struct Halted<'a, S: LeadStore> {
    _guards: KeyGuards,
    _look: Look<'a, S::View>,
}

impl<S: LeadStore> Engine<S> {
    /// Begins the decision about a command, and halts it where it holds its locks and has begun to read. It ends when the value
    /// that is returned is dropped, without having written anything.
    #[doc(hidden)]
    pub async fn halt(&self, command: &UpsertCommand) -> Result<impl Send + use<'_, S>, RequestError> {
        let locks = locks_of(command, &blocks_of_incoming(&command.lead));
        Ok(Halted::<S> { _guards: self.acquire(&locks).await?, _look: self.look(None).await? })
    }
}
