//! What a data folder holds when no server has it.

use std::path::Path;
use std::sync::Arc;

use leadgate::decision::rows::{Row, RowClass};
use leadgate::domain::Lead;
use leadgate::store::{EmbeddedStore, EmbeddedView, Scan, StoreOptions};

/// The store of a data folder, opened, with every invariant of it checked.
pub(crate) fn verified(data_dir: &Path) -> EmbeddedStore {
    let store = EmbeddedStore::open(&data_dir.join("store"), StoreOptions::default()).expect("a store that opens");
    let mut violations = Vec::new();
    let checked =
        store.view().verify(&mut |violation| violations.push(violation.to_string())).expect("a readable disk");
    assert_eq!(checked.violations, 0, "{violations:#?}");
    store
}

/// Every lead that a store holds and that is live.
pub(crate) fn live_leads(view: &EmbeddedView) -> Vec<Arc<Lead>> {
    let mut scan = Scan { class: RowClass::Lead, tenant: None, after: None, limit: 10_000 };
    let mut leads = Vec::new();
    loop {
        let rows = view.scan(&scan).expect("a readable disk");
        let Some(last) = rows.last() else { return leads };
        scan.after = Some(last.key.clone());
        let read =
            rows.into_iter().filter_map(|row| if let Row::Lead(lead) = row.value.row { Some(lead) } else { None });
        leads.extend(read.filter(|lead| lead.is_live()));
    }
}
