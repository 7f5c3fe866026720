//! A view is whole: it holds exactly the change sets up to where it stands, whatever is committed, flushed and compacted meanwhile,
//! and for as long as somebody holds it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use leadgate::store::{EmbeddedStore, EmbeddedView, StoreOptions};

use crate::power_cut::chance::Chance;
use crate::power_cut::workload::{self, Shape, Sum};

const SHAPE: Shape = Shape { largest: 4_000, filling: 0 };
const LAST: u64 = 2_500;

fn check(view: &EmbeddedView, expected: &[Sum]) {
    let sequence = view.position().sequence;
    let held = workload::held(view).unwrap();
    assert_eq!(held, expected[usize::try_from(sequence).unwrap()], "the view at {sequence}");
    assert_eq!(view.position().feed, workload::feed_after(sequence));
}

/// Takes views, keeps some of them for a while, and looks at them more than once.
fn read_until(done: &AtomicBool, store: &EmbeddedStore, expected: &[Sum], seed: u64) -> u64 {
    let mut chance = Chance::new(seed);
    let mut kept: Vec<EmbeddedView> = Vec::new();
    let mut looked = 0;
    while !done.load(Ordering::Acquire) {
        let view = if kept.len() < 4 { store.view() } else { chance.pick(&kept).clone() };
        check(&view, expected);
        looked += 1;
        if chance.of(0.3) {
            kept.push(view);
        }
        if chance.of(0.2) {
            kept.clear();
        }
    }
    kept.iter().for_each(|view| check(view, expected));
    looked
}

#[test]
fn a_view_holds_exactly_the_change_sets_up_to_where_it_stands() {
    let place = tempfile::tempdir().unwrap();
    let options = StoreOptions { cache_bytes: 1 << 20, memtable_bytes: 64 << 10, ..StoreOptions::default() };
    let store = EmbeddedStore::open(place.path(), options).unwrap();
    let expected = workload::expected(LAST, SHAPE);
    let done = AtomicBool::new(false);
    let looked: u64 = std::thread::scope(|scope| {
        let reader = |seed| {
            let (done, store, expected) = (&done, &store, expected.as_slice());
            scope.spawn(move || read_until(done, store, expected, seed))
        };
        let readers: Vec<_> = (1..=3).map(reader).collect();
        commit_for(&store, Duration::from_secs(20));
        done.store(true, Ordering::Release);
        readers.into_iter().map(|reader| reader.join().unwrap()).sum()
    });
    assert!(looked > 0);
    check(&store.view(), &expected);
}

/// Commits everything, but stops early on a machine that is too slow.
fn commit_for(store: &EmbeddedStore, longest: Duration) {
    let begun = Instant::now();
    let mut sequence = 0;
    while sequence < LAST && begun.elapsed() < longest {
        let end = LAST.min(sequence + 1 + Chance::new(sequence).below(6));
        let batch: Vec<_> = (sequence + 1..=end).map(|sequence| workload::change_set(sequence, SHAPE)).collect();
        store.blocking_commit(&batch).unwrap();
        sequence = end;
    }
}
