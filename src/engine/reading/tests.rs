//! What a decision has compared is a precondition of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::decision::change::{blocks_of_change, lead_writes};
use crate::decision::matching::Profile;
use crate::decision::plan::LeadChange;
use crate::decision::rows::ChangeSet;
use crate::domain::Field;
use crate::engine::upserting::document_of;
use crate::engine::{Engine, EngineSettings};
use crate::store::EmbeddedStore;

use super::*;

/// Somebody of Acme with a title.
fn person(number: u64, first: &str, last: &str, title: &str) -> Arc<Lead> {
    let fields =
        [(Field::FirstName, first), (Field::LastName, last), (Field::Title, title), (Field::Company, "Acme Logistics")];
    let nobody = Lead::empty(LeadId::new(Uuid::from_u64_pair(1, number)), Timestamp::UNIX_EPOCH);
    fields.into_iter().fold(nobody, |lead, (field, value)| lead.with_field(field, value)).into()
}

/// Writes a lead as an upsert does.
async fn write(engine: &Engine<EmbeddedStore>, before: Option<Arc<Lead>>, after: &Arc<Lead>) {
    let tenant = TenantId::default();
    let change = LeadChange { before, after: Arc::clone(after) };
    let blocks = blocks_of_change(&change, || blocks_of_lead(after));
    let changes = ChangeSet {
        writes: lead_writes(&tenant, &change, &BTreeMap::new()),
        blocks: blocks.touched.iter().map(|block| RowKey::block(&tenant, *block)).collect(),
        ..ChangeSet::default()
    };
    let look = engine.look(None).await.expect("a look");
    engine.submit(&look, changes, Some(document_of(&tenant, &change, blocks))).expect("nothing in the way");
}

/// Looks for leads that are like somebody, and says whether that still holds after something was written.
async fn holds_after(engine: &Engine<EmbeddedStore>, before: Option<&Arc<Lead>>, after: &Arc<Lead>) -> bool {
    let somebody = person(9, "Jayne", "Papadimitriou", "Boss");
    let (blocks, signature) = (blocks_of_lead(&somebody), Profile::of_lead(&somebody).signature());
    let mut look = engine.look(None).await.expect("a look");
    let view = engine.index.load().view();
    let sharing = look.sharing(&TenantId::default(), Sought { blocks: &blocks, signature }, &view).expect("an index");
    assert!(!sharing.leads.is_empty());
    assert!(engine.is_current(look.reads()).expect("a sequencer"));
    write(engine, before.cloned(), after).await;
    engine.is_current(look.reads()).expect("a sequencer")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_compared_joins_leaves_or_changes_only_before_the_decision() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = tokio::task::block_in_place(|| Engine::open(EngineSettings::new(folder.path()))).expect("an engine");
    let jane = |first, title| person(1, first, "Papadimitriou", title);
    let (before, titled, renamed) = (jane("Jane", "CFO"), jane("Jane", "Chairwoman"), jane("Jolanthe", "Chairwoman"));
    write(&engine, None, &before).await;
    assert!(!holds_after(&engine, Some(&before), &titled).await, "it changes, and stays where it is");
    assert!(!holds_after(&engine, Some(&titled), &renamed).await, "it leaves a block");
    assert!(!holds_after(&engine, None, &person(2, "Jayne", "Papadimitriou", "Boss")).await, "another joins");
    assert!(holds_after(&engine, None, &person(3, "Xaver", "Miller", "Clerk")).await, "somebody else");
}
