//! Views that stand still.

use crate::domain::{LeadId, TenantId};
use crate::index::{IndexDocument, View};

use super::fixtures::{document, lead, lead_id, open, publish};

fn at_rest(view: &View) -> View {
    view.at_rest(view.recorded(&TenantId::default()))
}

fn partners(view: &View, blocks: &[u64], cap: usize) -> Vec<LeadId> {
    let partners = view.partners(&TenantId::default(), blocks, cap, |_| true).unwrap();
    partners.iter().map(|partner| partner.lead_id).collect()
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<LeadId> {
    numbers.into_iter().map(lead_id).collect()
}

#[test]
fn a_view_at_rest_takes_nothing_more_in() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    index.record(document(1, lead(1), &[10]));
    publish(&index, 1);
    index.record(document(2, lead(2), &[10]));
    let live = index.view();
    let rest = at_rest(&live);
    assert!(live.is(&index.view()));
    index.record(document(3, lead(3), &[10]));
    index.record(IndexDocument { live: false, ..document(4, lead(1), &[10]) });
    assert_eq!(partners(&rest, &[10], 9), ids([1, 2]));
    assert_eq!(rest.live_len(&TenantId::default()).unwrap(), 2);
    assert_eq!(partners(&live, &[10], 9), ids([2, 3]));
    assert_eq!(live.live_len(&TenantId::default()).unwrap(), 2);
    publish(&index, 4);
    assert!(!live.is(&index.view()));
    assert_eq!(partners(&rest, &[10], 9), ids([1, 2]));
}

#[test]
fn a_key_that_too_many_have_makes_no_partners_from_either_side() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    (0..3).for_each(|number| index.record(document(1 + number, lead(number), &[1, 100 + number])));
    publish(&index, 3);
    (3..6).for_each(|number| index.record(document(1 + number, lead(number), &[1, 2, 97 + number])));
    let rest = at_rest(&index.view());
    assert_eq!(partners(&rest, &[1], 6), ids(0..6));
    assert_eq!(partners(&rest, &[1], 5), []);
    assert_eq!(partners(&rest, &[1, 102, 2], 5), ids(2..6));
    assert_eq!(partners(&rest, &[2], 2), [], "too many of the overlay alone");
}
