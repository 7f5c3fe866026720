//! The index's overlay, under every order of recording, freezing, publishing and reading.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::campaign::explore;
use crate::domain::{Lead, LeadId, TenantId};

use super::document::IndexDocument;
use super::recent::{Layers, Overlay};

/// What an index holds: leads with the sequence of their state.
type Base = Arc<BTreeMap<LeadId, u64>>;

struct World {
    overlay: Overlay<Base>,
    /// Stands for the sequencer's lock: who records holds it, and so does who freezes.
    sequence: shuttle::sync::Mutex<u64>,
    /// Leads with the sequence up to which they are recorded. Its lock has no scheduling point.
    recorded: Mutex<BTreeMap<LeadId, u64>>,
}

impl World {
    fn record(&self, lead_id: LeadId) {
        let mut sequence = self.sequence.lock().expect("no panic");
        *sequence += 1;
        self.overlay.record(IndexDocument {
            tenant: TenantId::default(),
            lead_id,
            sequence: *sequence,
            live: true,
            blocks: Vec::new(),
            lead: Arc::new(Lead::empty(lead_id, jiff::Timestamp::UNIX_EPOCH)),
        });
        self.recorded.lock().expect("no panic").insert(lead_id, *sequence);
    }

    fn publish(&self) {
        let sequence = self.sequence.lock().expect("no panic");
        self.overlay.freeze(*sequence);
        drop(sequence);
        let Some(frozen) = self.overlay.frozen() else { return };
        let mut base = (*self.overlay.load().base).clone();
        for lead in frozen.generation.read().leads() {
            let document = lead.document();
            assert!(document.sequence <= frozen.at_sequence, "the index never claims less than it holds");
            base.insert(document.lead_id, document.sequence);
        }
        self.overlay.publish(base.into());
    }

    /// Reads twice, and holds both against what had been recorded before.
    fn read(&self) {
        let mut known = BTreeMap::new();
        for _ in 0..2 {
            known.extend(self.recorded.lock().expect("no panic").clone());
            let view = self.overlay.load();
            for (lead_id, sequence) in &mut known {
                let found = newest(&view, *lead_id);
                assert!(found >= Some(*sequence), "recorded at {sequence}, found at {found:?}");
                *sequence = found.unwrap_or_default();
            }
        }
    }
}

fn newest(view: &Layers<Base>, lead_id: LeadId) -> Option<u64> {
    let recent = view.recent(&TenantId::default());
    let recent = recent.iter().map(|lead| lead.document()).find(|document| document.lead_id == lead_id);
    recent.map(|document| document.sequence).or_else(|| view.base.get(&lead_id).copied())
}

#[test]
fn nothing_recorded_is_missing() {
    explore("the index's overlay", || {
        let world = Arc::new(World {
            overlay: Overlay::new(Base::default()),
            sequence: shuttle::sync::Mutex::new(0),
            recorded: Mutex::default(),
        });
        let run = |work: fn(&World)| {
            let world = Arc::clone(&world);
            thread::spawn(move || work(&world))
        };
        let record = |world: &World| {
            for _ in 0..3 {
                world.record(LeadId::from_bytes([thread_rng().gen_range(0..2); 16]));
            }
        };
        let index = |world: &World| {
            // Nothing is published yet: an index begun anew has nothing to replay.
            if thread_rng().gen_bool(0.3) {
                world.overlay.freeze(0);
                world.overlay.restart(Base::default());
            }
            world.publish();
            world.publish();
        };
        let tasks = [run(record), run(record), run(index), run(World::read), run(World::read)];
        for task in tasks {
            task.join().expect("no panic");
        }
        world.publish();
        world.publish();
        assert_eq!(world.overlay.len(), 0);
        assert_eq!(*world.overlay.load().base, *world.recorded.lock().expect("no panic"));
    });
}
