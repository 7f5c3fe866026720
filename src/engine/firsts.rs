//! Which item of a batch or stream ended first on each lead: what later items that end there name.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::LeadId;

use super::preview::{ALLOCATION, PreviewMemory, bytes_of_table};

/// Of so many leads the first item is remembered. A stream may go on for ever: whoever sends a lead again behind so many others is told
/// what was done about it, and no longer which item of it came first.
const MOST_REMEMBERED: usize = 1_000_000;

/// The first items. Those of the leads that came first are forgotten when there are too many, or the memory is used up.
pub(super) struct Firsts {
    memory: Arc<PreviewMemory>,
    most: usize,
    by_lead: HashMap<LeadId, Box<str>>,
    /// The same leads, in the order in which they came.
    order: VecDeque<LeadId>,
    /// Bytes of the references themselves.
    contents: usize,
    /// What has been charged for all of it.
    charged: usize,
}

impl Firsts {
    /// None yet; charged to `memory`.
    pub(super) fn new(memory: Arc<PreviewMemory>) -> Self {
        Self::at_most(MOST_REMEMBERED, memory)
    }

    fn at_most(most: usize, memory: Arc<PreviewMemory>) -> Self {
        Self { memory, most, by_lead: HashMap::new(), order: VecDeque::new(), contents: 0, charged: 0 }
    }

    /// The item that ended on the lead before this one, which is remembered where there is none.
    pub(super) fn before(&mut self, lead_id: LeadId, client_ref: Box<str>) -> Option<Box<str>> {
        if let Some(first) = self.by_lead.get(&lead_id) {
            return Some(first.clone());
        }
        if self.order.len() >= self.most || self.memory.is_full() {
            self.forget_oldest();
        }
        self.contents += bytes_of(&client_ref);
        self.order.push_back(lead_id);
        self.by_lead.insert(lead_id, client_ref);
        self.recharge();
        None
    }

    fn forget_oldest(&mut self) {
        let oldest = self.order.pop_front().and_then(|oldest| self.by_lead.remove(&oldest));
        self.contents -= oldest.map_or(0, |oldest| bytes_of(&oldest));
    }

    fn recharge(&mut self) {
        let tables =
            bytes_of_table::<(LeadId, Box<str>)>(self.by_lead.capacity()) + self.order.capacity() * size_of::<LeadId>();
        let bytes = tables + self.contents;
        self.memory.recharge(self.charged, bytes);
        self.charged = bytes;
    }
}

impl Drop for Firsts {
    fn drop(&mut self) {
        self.memory.recharge(self.charged, 0);
    }
}

fn bytes_of(client_ref: &str) -> usize {
    client_ref.len() + ALLOCATION
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn before(firsts: &mut Firsts, number: u64) -> Option<Box<str>> {
        firsts.before(LeadId::new(Uuid::from_u64_pair(0, number)), number.to_string().into())
    }

    #[test]
    fn the_first_item_of_a_lead_is_named_until_too_many_others_have_come() {
        let mut firsts = Firsts::at_most(100, PreviewMemory::new(1 << 20));
        assert_eq!(before(&mut firsts, 0), None);
        assert_eq!(before(&mut firsts, 0).as_deref(), Some("0"));
        assert!((1..=100).all(|number| before(&mut firsts, number).is_none()));
        assert_eq!(before(&mut firsts, 1).as_deref(), Some("1"));
        assert_eq!(before(&mut firsts, 0), None, "forgotten, and remembered anew");
        assert_eq!((firsts.by_lead.len(), firsts.order.len()), (100, 100));
    }

    #[test]
    fn what_is_remembered_is_charged_and_given_back() {
        let memory = PreviewMemory::new(100_000);
        let mut firsts = Firsts::new(Arc::clone(&memory));
        assert!((0..100_000).all(|number| before(&mut firsts, number).is_none()));
        assert!((50_000..300_000).contains(&memory.used()), "{}", memory.used());
        drop(firsts);
        assert_eq!(memory.used(), 0);
    }
}
