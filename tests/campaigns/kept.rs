//! What a data folder holds when no server has it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use leadgate::decision::rows::{Row, RowClass};
use leadgate::domain::Lead;
use leadgate::store::{EmbeddedStore, Scan, StoreOptions};

/// Checks every invariant of store and index, as an operator would.
pub(crate) fn verify(data_dir: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leadgate"));
    let checked =
        command.env_clear().arg("verify").arg("--data-dir").arg(data_dir).output().expect("a program that runs");
    let (found, said) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success(), "{}: {found}{said}", checked.status);
}

/// Every lead that the store holds and that is live.
pub(crate) fn live_leads(data_dir: &Path) -> Vec<Arc<Lead>> {
    let store = EmbeddedStore::open(&data_dir.join("store"), StoreOptions::default()).expect("a store that opens");
    let view = store.view();
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
