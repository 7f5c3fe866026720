//! What finds a lead, and in which order.

use crate::domain::{Field, Lead, TenantId};
use crate::index::{InvalidQuery, SearchError, SearchQuery};

use super::fixtures::{document, found, lead, open, publish, sought, tenant, with_email, with_external_id, with_phone};

fn jane() -> Lead {
    let lead = [
        (Field::FirstName, "Jane-Ann"),
        (Field::LastName, "Müller O'Brien"),
        (Field::Company, "Acme Straßenbau S.A.S."),
        (Field::Website, "https://www.acme-bau.de/de/kontakt"),
        (Field::Street, "221B Baker Street"),
        (Field::City, "San José"),
        (Field::PostalCode, "SW1A 1AA"),
        (Field::Country, "DE"),
    ]
    .into_iter()
    .fold(lead(7), |lead, (field, value)| lead.with_field(field, value));
    let lead = with_email(lead, "Jane.Doe+news@Acme-Bau.de");
    let lead = with_phone(lead, "030 12345-678", "+493012345678");
    with_external_id(lead, "MKTG-0012345")
}

/// Checks in the overlay, in the frozen generation and in the index: the answers may not differ.
fn check_everywhere(check: impl Fn(&dyn Fn(&str) -> Vec<u64>)) {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    let find = |text: &str| found(&index, &TenantId::default(), text);
    index.record(document(1, jane(), &[]));
    check(&find);
    index.freeze(1);
    check(&find);
    index.publish().unwrap();
    check(&find);
    assert_eq!(index.recent_len(), 0);
}

#[test]
fn a_lead_is_found_by_its_words_and_their_beginnings() {
    check_everywhere(|find| {
        for text in "jane | JANE | jan | j | ann | jane-ann | janeann | janea | muller | müller | \
             MU\u{308}LLER | mull | obrien | o'brien | O’Brien | o brien | jane muller | muller, jane | \
             acme | strassenbau | straßenbau | STRASSEN | s.a.s. | sas | acme jane | baker | 221b | \
             san jose | josé | sw1a | sw1a 1aa | sw1a1aa | de jane | acme-bau.de | www.acme-bau.de | \
             http://acme-bau.de/any?x | j m"
            .split(" | ")
        {
            assert_eq!(find(text), [7], "{text}");
        }
    });
}

#[test]
fn a_lead_is_found_by_its_identifiers_in_any_notation() {
    check_everywhere(|find| {
        for text in "jane.doe+news@acme-bau.de | JANE.DOE+NEWS@ACME-BAU.DE | jane.doe | doe | news | \
             @acme-bau.de | jane.do | +493012345678 | +49 30 12345678 | +49 (0)30 12345-678 | \
             0049 30 12345678 | 030 12345678 | 030/12345678 | 3012345678 | (030) 12345 678 | +49 30 | \
             +4930123 | jane 030 12345678 | 030123456 | mktg-0012345 | MKTG-0012345 | mktg0012345 | \
             0012345 | mktg | mktg-001 | 00000000-0000-0000-0000-000000000007 | \
             jane 00000000-0000-0000-0000-000000000007 | sw1a 030 12345678"
            .split(" | ")
        {
            assert_eq!(find(text), [7], "{text}");
        }
    });
}

#[test]
fn a_lead_is_not_found_by_anything_else() {
    check_everywhere(|find| {
        for text in "john | ane | jane john | jane doe smith | bakers | 5679 | 1234567 | 5678 | \
             +44 31 12345678 | x | 00000000-0000-0000-0000-000000000008 | jane jane.doe@acme-bau.com | \
             z | jane\u{0}n x"
            .split(" | ")
        {
            assert_eq!(find(text), [] as [u64; 0], "{text}");
        }
    });
}

#[test]
fn what_fits_better_comes_first_and_equals_come_by_id() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    let leads = [
        lead(1).with_field(Field::City, "Jordan"),
        lead(2).with_field(Field::LastName, "Jordanson"),
        lead(3).with_field(Field::Company, "Jordan Ltd"),
        lead(4).with_field(Field::LastName, "Jordan"),
        lead(5).with_field(Field::LastName, "Jordan"),
        with_email(lead(6), "jordan@example.com"),
    ];
    for (sequence, lead) in (1..).zip(leads) {
        index.record(document(sequence, lead, &[]));
        assert!(sequence != 3 || index.freeze(3));
    }
    let expected = [4, 5, 3, 2, 6, 1];
    assert_eq!(found(&index, &TenantId::default(), "jordan"), expected);
    index.publish().unwrap();
    assert_eq!(found(&index, &TenantId::default(), "jordan"), expected);
    publish(&index, 6);
    assert_eq!(found(&index, &TenantId::default(), "jordan"), expected);
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    for number in 0..25 {
        index.record(document(number, lead(number).with_field(Field::LastName, "Same"), &[]));
        assert!(number != 9 || index.freeze(9));
    }
    index.publish().unwrap();
    let page = |offset| {
        let query = SearchQuery { text: "same".into(), page_size: 10, offset };
        index.view().search(&TenantId::default(), &query).unwrap()
    };
    let numbers: Vec<u64> = [0, 10, 20]
        .into_iter()
        .flat_map(|offset| page(offset).hits)
        .map(|hit| super::fixtures::number(hit.lead_id))
        .collect();
    assert_eq!(numbers, (0..25).collect::<Vec<_>>());
    assert_eq!(
        [page(0).more, page(10).more, page(15).more, page(20).more, page(30).more],
        [true, true, false, false, false]
    );
}

#[test]
fn a_recent_state_hides_the_indexed_one() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    let named = |sequence, name| document(sequence, lead(1).with_field(Field::LastName, name), &[]);
    let find = |text| found(&index, &TenantId::default(), text);
    index.record(named(1, "Before"));
    publish(&index, 1);
    index.record(named(2, "After"));
    assert_eq!((find("before"), find("after")), (vec![], vec![1]));
    index.freeze(2);
    index.record(named(3, "Latest"));
    assert_eq!((find("before"), find("after"), find("latest")), (vec![], vec![], vec![1]));
    let mut gone = named(4, "Latest");
    gone.live = false;
    index.record(gone);
    index.publish().unwrap();
    assert_eq!((find("after"), find("latest")), (vec![], vec![]));
    publish(&index, 4);
    assert_eq!((find("after"), find("latest")), (vec![], vec![]));
    assert_eq!(index.view().live_ids(&TenantId::default()).unwrap(), []);
}

#[test]
fn tenants_never_meet() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    let tenants = [tenant("a"), tenant("a b"), tenant("b")];
    for (sequence, owner) in (1..).zip(&tenants) {
        let mut document = document(sequence, lead(1).with_field(Field::LastName, owner.as_str()), &[42]);
        document.tenant = owner.clone();
        index.record(document);
        assert!(sequence != 2 || index.freeze(2));
    }
    let check = || {
        let view = index.view();
        for owner in &tenants {
            for other in &tenants {
                let expected = if other.as_str().contains(owner.as_str()) { vec![1] } else { vec![] };
                assert_eq!(found(&index, other, owner.as_str()), expected, "{owner} in {other}");
            }
            assert_eq!(view.candidates(owner, sought(&[42]), 100).unwrap().leads.len(), 1);
            assert_eq!(view.live_ids(owner).unwrap().len(), 1);
        }
        assert_eq!(view.tenants().unwrap().into_iter().collect::<Vec<_>>(), ["a", "a b", "b"]);
    };
    check();
    index.publish().unwrap();
    check();
    publish(&index, 3);
    check();
    let mut gone = document(4, lead(1), &[]);
    gone.tenant = tenant("a");
    gone.live = false;
    index.record(gone);
    publish(&index, 4);
    assert_eq!(found(&index, &tenant("a"), "a"), [] as [u64; 0]);
    assert_eq!(found(&index, &tenant("a b"), "a"), [1]);
}

#[test]
fn a_query_that_cannot_be_answered_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).index;
    for (text, offset, expected) in
        [("", 0, InvalidQuery::NoWords), ("…", 0, InvalidQuery::NoWords), ("a", 10_001, InvalidQuery::OffsetTooLarge)]
    {
        let query = SearchQuery { text: text.into(), page_size: 10, offset };
        let refused = index.view().search(&TenantId::default(), &query);
        assert!(matches!(refused, Err(SearchError::Invalid(reason)) if reason == expected), "{text}");
    }
}
