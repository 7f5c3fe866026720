//! Which leads are candidates.

use crate::decision::comparable::Comparable;
use crate::decision::matching::Signature;
use crate::domain::{Field, Lead, LeadId, TenantId};
use crate::index::indexed::Indexed;
use crate::index::{Candidates, LeadIndex, MAX_INDEXED_CANDIDATES, Sought};

use super::fixtures::{document, lead, lead_id, open, publish, sought, with_email};

fn candidates(index: &LeadIndex, blocks: &[u64], cap: u64) -> Candidates {
    index.view().candidates(&TenantId::default(), sought(blocks), cap).unwrap()
}

/// Which leads, and whether some are left out.
fn found(index: &LeadIndex, blocks: &[u64], cap: u64) -> (Vec<LeadId>, bool) {
    let candidates = candidates(index, blocks, cap);
    (candidates.lead_ids().collect(), candidates.truncated)
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<LeadId> {
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
        assert_eq!(found(&index, &blocks, 100), (ids(expected), false));
    }
}

#[test]
fn a_recent_state_decides_by_its_own_blocking_keys() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    index.record(document(1, lead(1), &[10]));
    publish(&index, 1);
    index.record(document(2, lead(1), &[11]));
    assert_eq!(found(&index, &[10], 100).0, []);
    assert_eq!(found(&index, &[11], 100).0, ids([1]));
    index.freeze(2);
    index.record(document(3, lead(1), &[12]));
    assert_eq!(found(&index, &[10, 11], 100).0, []);
    assert_eq!(found(&index, &[12], 100).0, ids([1]));
    index.record(document(2, lead(1), &[13]));
    assert_eq!(found(&index, &[13], 100).0, [], "an older state came later");
}

#[test]
fn common_keys_are_left_out_but_never_the_two_rarest() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    // Key 1 is common, 2 and 3 are rare.
    for number in 0..4_000 {
        let keys = [(1, 1), (2, 1_000), (3, 1_500)].into_iter().filter(|(_, every)| number % every == 0);
        index.record(document(number, lead(number), &keys.map(|(key, _)| key).collect::<Vec<_>>()));
    }
    publish(&index, 4_000);
    assert_eq!(found(&index, &[1, 2, 3], 2), (ids([0, 1_000, 1_500, 2_000, 3_000]), true));
    assert_eq!(candidates(&index, &[1, 2, 3], 4_000).leads.len(), MAX_INDEXED_CANDIDATES);
    assert_eq!(found(&index, &[1], 2), (ids(0..MAX_INDEXED_CANDIDATES as u64), true));
    assert_eq!(found(&index, &[2], 2), (ids([0, 1_000, 2_000, 3_000]), false));
}

#[test]
fn small_segments_are_filtered_as_they_are_opened_and_without_a_filter_the_same_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    for number in 0..120 {
        index.record(document(number, lead(number), &[number / 40, 3 + number % 20]));
        if number % 40 == 39 {
            publish(&index, number);
        }
    }
    let view = index.view();
    let filtered = &view.0.base;
    assert!(filtered.unfiltered_since(None).is_empty());
    let unfiltered = filtered.unfiltered().unwrap();
    let shared = |indexed: &Indexed, block| {
        let sought = Sought { blocks: &[block], signature: Signature::default() };
        indexed.sharing(&TenantId::default(), sought, 1_000).unwrap().ranked
    };
    let all = |indexed: &Indexed| (0..30).map(|block| shared(indexed, block)).collect::<Vec<_>>();
    let found = all(filtered);
    assert_eq!(found.iter().filter(|leads| !leads.is_empty()).count(), 23);
    assert_eq!(all(&unfiltered), found);
    assert!(unfiltered.unfiltered_since(Some(&unfiltered)).is_empty(), "somebody was told of them already");
    let without = unfiltered.unfiltered_since(Some(filtered));
    assert_eq!(without.len(), unfiltered.segments().count());
    without.iter().for_each(|segment| segment.add_filter().unwrap());
    assert!(unfiltered.unfiltered_since(None).is_empty());
    assert_eq!(all(&unfiltered), found);
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
    assert_eq!(best.leads.len(), MAX_INDEXED_CANDIDATES);
    assert!(
        ids(110..120).iter().all(|lead_id| best.lead_ids().any(|found| found == *lead_id)),
        "those that share both"
    );

    for number in 60..120 {
        index.record(document(200 + number, lead(number), &[3]));
    }
    let rest = candidates(&index, &[1, 2], 1_000);
    assert_eq!(rest.leads.len(), MAX_INDEXED_CANDIDATES);
    assert!(rest.truncated);
    assert!(rest.lead_ids().all(|found| found < lead_id(60)));

    for number in 0..120 {
        index.record(document(400 + number, lead(number), &[1]));
    }
    let recent = candidates(&index, &[1, 2], 1_000);
    assert_eq!(recent.lead_ids().collect::<Vec<_>>(), ids(0..120), "all of the overlay");
}

#[test]
fn a_candidate_brings_what_it_is_compared_by_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    let comparable = || candidates(&index, &[1], 100).leads[0].comparable.to_bytes();
    let anna = with_email(lead(1).with_field(Field::FullName, "Anna Berg"), "anna.berg@acme.com");
    let expected = |lead: &Lead| Comparable::of(lead).to_bytes();
    assert_ne!(expected(&anna), expected(&lead(1)));
    index.record(document(1, anna.clone(), &[1]));
    assert_eq!(comparable(), expected(&anna), "from the overlay");
    publish(&index, 1);
    assert_eq!(comparable(), expected(&anna), "from the index");
    let changed = anna.with_field(Field::City, "Bonn");
    index.record(document(2, changed.clone(), &[1]));
    assert_eq!(comparable(), expected(&changed), "from the overlay, over the index");
    publish(&index, 2);
    assert_eq!(comparable(), expected(&changed), "from the index, in place of the older document");
}

#[test]
fn leads_that_lost_a_key_make_it_no_more_common() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    // Keys 1 and 2 are equally rare among the leads as they stand; so few documents are deleted that none are merged away.
    let block = |number: u64, lost: bool| match number {
        0..16 => 1,
        16..32 => 2,
        32..64 if !lost => 1,
        _ => 3,
    };
    (0..200).for_each(|number| index.record(document(number, lead(number), &[block(number, false)])));
    publish(&index, 200);
    (32..64).for_each(|number| index.record(document(200 + number, lead(number), &[block(number, true)])));
    publish(&index, 264);
    assert_eq!(found(&index, &[1, 2], 1_000).0, ids(0..MAX_INDEXED_CANDIDATES as u64), "of equals the oldest");
}

#[test]
fn of_a_crowd_behind_one_key_those_of_like_names_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    let names =
        ["Wojciechowski", "Oberschmidt", "Karavelas", "Nakashima", "Lindqvist", "Montefiore", "Brown", "Dubois"];
    for number in 0..200 {
        let name = if number == 150 { "Papadimitriou" } else { names[number as usize % names.len()] };
        index.record(document(number, lead(number).with_field(Field::FullName, name), &[1]));
    }
    publish(&index, 200);
    let found = |signature| {
        let sought = Sought { blocks: &[1], signature };
        index.view().candidates(&TenantId::default(), sought, 1_000).unwrap().lead_ids().collect::<Vec<_>>()
    };
    let slip = lead(0).with_field(Field::FullName, "Papadimitrou");
    assert!(found(Comparable::of(&slip).profile.signature()).contains(&lead_id(150)));
    assert_eq!(found(Signature::default()), ids(0..MAX_INDEXED_CANDIDATES as u64), "without a name the oldest");
}
