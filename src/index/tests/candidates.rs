//! Which leads are candidates.

use crate::domain::TenantId;
use crate::index::{Candidates, LeadIndex, MAX_INDEXED_CANDIDATES};

use super::fixtures::{document, lead, lead_id, open, publish};

fn candidates(index: &LeadIndex, blocks: &[u64], cap: u64) -> Candidates {
    index.view().candidates(&TenantId::default(), blocks, cap).unwrap()
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<crate::domain::LeadId> {
    numbers.into_iter().map(lead_id).collect()
}

#[test]
fn leads_that_share_a_blocking_key_are_candidates_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    index.record(document(1, lead(1), &[10, 11]));
    publish(&index, 1);
    index.record(document(2, lead(2), &[11, 12]));
    index.freeze(2);
    index.record(document(3, lead(3), &[12, 10]));
    for (blocks, expected) in [
        (vec![10], vec![1, 3]),
        (vec![11], vec![1, 2]),
        (vec![12, 11, 12], vec![1, 2, 3]),
        (vec![13], vec![]),
        (vec![], vec![]),
    ] {
        assert_eq!(candidates(&index, &blocks, 100), Candidates { lead_ids: ids(expected), truncated: false });
    }
}

#[test]
fn a_recent_state_decides_by_its_own_blocking_keys() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    index.record(document(1, lead(1), &[10]));
    publish(&index, 1);
    index.record(document(2, lead(1), &[11]));
    assert_eq!(candidates(&index, &[10], 100).lead_ids, []);
    assert_eq!(candidates(&index, &[11], 100).lead_ids, ids([1]));
    index.freeze(2);
    index.record(document(3, lead(1), &[12]));
    assert_eq!(candidates(&index, &[10, 11], 100).lead_ids, []);
    assert_eq!(candidates(&index, &[12], 100).lead_ids, ids([1]));
    index.record(document(2, lead(1), &[13]));
    assert_eq!(candidates(&index, &[13], 100).lead_ids, [], "an older state came later");
}

#[test]
fn common_keys_are_left_out_but_never_the_two_rarest() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    // Key 1 is common, 2 is less so, 3 and 4 are rare.
    for number in 0..20 {
        let blocks: Vec<u64> = (1..=4).filter(|block| number % (block * block * block) == 0).collect();
        index.record(document(number, lead(number), &blocks));
    }
    publish(&index, 20);
    let rare = candidates(&index, &[1, 3, 4], 2);
    assert_eq!(rare, Candidates { lead_ids: ids([0]), truncated: true });
    assert_eq!(candidates(&index, &[1, 3, 4], 20), Candidates { lead_ids: ids(0..20), truncated: false });
    assert_eq!(candidates(&index, &[1], 2), Candidates { lead_ids: ids(0..20), truncated: false });
}

#[test]
fn of_many_the_best_are_taken_and_recent_ones_do_not_crowd_them_out() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    for number in 0..120 {
        let blocks: &[u64] = if number >= 110 { &[1, 2] } else { &[1] };
        index.record(document(number, lead(number), blocks));
    }
    publish(&index, 120);
    let best = candidates(&index, &[1, 2], 1_000);
    assert!(best.truncated);
    assert_eq!(best.lead_ids.len(), MAX_INDEXED_CANDIDATES);
    assert!(ids(110..120).iter().all(|lead_id| best.lead_ids.contains(lead_id)), "those that share both");

    for number in 60..120 {
        index.record(document(200 + number, lead(number), &[3]));
    }
    let rest = candidates(&index, &[1, 2], 1_000);
    assert_eq!(rest.lead_ids.len(), MAX_INDEXED_CANDIDATES);
    assert!(rest.truncated);
    assert!(rest.lead_ids.iter().all(|lead_id| *lead_id < ids([60])[0]));

    for number in 0..120 {
        index.record(document(400 + number, lead(number), &[1]));
    }
    let recent = candidates(&index, &[1, 2], 1_000);
    assert_eq!(recent.lead_ids, ids(0..120), "all of the overlay");
}
