//! Invariant nowhere-missing: what was recorded is found at every moment from then on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::domain::{Field, TenantId};

use super::fixtures::{document, found, lead, lead_id, open, sought};

const LEADS: u64 = 2_000;

#[test]
fn what_was_recorded_is_found_while_generations_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    let visible = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=LEADS {
                let named = lead(number).with_field(Field::LastName, &format!("name{number}x"));
                index.record(document(number, named, &[number]));
                visible.store(number, Ordering::Release);
                if number % 50 == 0 {
                    index.freeze(number);
                    thread::yield_now();
                }
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                index.publish().unwrap();
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let number = visible.load(Ordering::Acquire);
                if number > 0 {
                    let candidates = index.view().candidates(&TenantId::default(), sought(&[number]), 10).unwrap();
                    assert!(candidates.lead_ids().eq([lead_id(number)]));
                    assert_eq!(found(&index, &TenantId::default(), &format!("name{number}x")), [number]);
                }
            }
        });
    });
    index.publish().unwrap();
    index.freeze(LEADS);
    index.publish().unwrap();
    let all: Vec<_> = (1..=LEADS).map(lead_id).collect();
    assert_eq!(index.view().live_ids(&TenantId::default()).unwrap(), all);
    assert_eq!((index.recent_len(), index.payload()), (0, LEADS));
}
