//! What a decision has looked at by likeness is a precondition of it.

use crate::decision::blocking::blocks_of_incoming;
use crate::decision::command::{UpdateMode, UpsertMode};
use crate::decision::matching::Profile;
use crate::decision::review::Payload;
use crate::domain::{CompanyName, ExternalId, ExternalIdFormat, Field, IncomingLead, PersonName, SourceName};
use crate::engine::{Engine, EngineSettings};
use crate::store::EmbeddedStore;

use super::*;

/// Somebody of Acme, with an id of its own and a title.
fn person(id: &str, first: &str, title: &str) -> UpsertCommand {
    let source = SourceName::parse("crm").unwrap();
    let mut lead = IncomingLead { company: CompanyName::parse("Acme Logistics"), ..IncomingLead::default() };
    lead.external_ids.extend(ExternalId::parse(source.clone(), id, ExternalIdFormat::Plain, None).unwrap());
    lead.name = PersonName::from_parts(Some(first), Some("Papadimitriou"), None);
    let company = (Field::Company, "Acme Logistics");
    for (field, value) in
        [(Field::FirstName, first), (Field::LastName, "Papadimitriou"), company, (Field::Title, title)]
    {
        lead.values.insert(field, value.into());
    }
    UpsertCommand {
        tenant: TenantId::default(),
        source,
        target: None,
        lead_id: None,
        lead,
        mode: UpsertMode::CreateOrUpdate,
        update_mode: UpdateMode::Merge,
        lookup_field: None,
        validate_only: false,
        request_id: None,
        expected_version: None,
        source_update_time: None,
        clear_fields: Vec::new(),
        include_lead: false,
        explain: false,
        payload: Payload(id.as_bytes().into()),
    }
}

/// Looks for leads that are like one, and says whether that still holds after something else was written.
async fn holds_after(engine: &Engine<EmbeddedStore>, change: UpsertCommand) -> bool {
    let lead = person("9", "Jayne", "Boss").lead;
    let mut look = engine.look(None).await.unwrap();
    let (blocks, signature) = (blocks_of_incoming(&lead), Profile::of_incoming(&lead).signature());
    let view = engine.index.load().view();
    let sharing = look.sharing(&TenantId::default(), Sought { blocks: &blocks, signature }, &view).unwrap();
    assert!(!sharing.leads.is_empty());
    assert!(engine.is_current(look.reads()).unwrap());
    engine.upsert(change).await.unwrap();
    engine.is_current(look.reads()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_compared_joins_leaves_or_changes_only_before_the_decision() {
    let folder = tempfile::tempdir().unwrap();
    let engine = tokio::task::block_in_place(|| Engine::open(EngineSettings::new(folder.path()))).unwrap();
    engine.upsert(person("1", "Jane", "CFO")).await.unwrap();
    assert!(!holds_after(&engine, person("1", "Jane", "Chairwoman")).await, "it changes, and stays where it is");
    assert!(!holds_after(&engine, person("1", "Jolanthe", "Chairwoman")).await, "it leaves a block");
    assert!(!holds_after(&engine, person("2", "Jayne", "Boss")).await, "another joins");
    let mut stranger = person("3", "Xaver", "Clerk");
    let name = PersonName::from_parts(Some("Xaver"), Some("Miller"), None);
    stranger.lead = IncomingLead { external_ids: stranger.lead.external_ids, name, ..IncomingLead::default() };
    assert!(holds_after(&engine, stranger).await, "somebody else");
}
