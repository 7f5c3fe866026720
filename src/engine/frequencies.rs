//! How common values are among a tenant's leads: a table for each tenant, counted anew in the background when its leads have grown by a
//! quarter, stored, and the same for every decision until then.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::decision::matching::{FrequencyTable, Profile};
use crate::decision::rows::{ChangeSet, Row, RowClass, RowKey, RowWrite};
use crate::domain::TenantId;
use crate::index::LeadIndex;
use crate::store::{LeadStore, LeadView, ReadError, Scan};

use super::answer::RequestError;
use super::{Engine, closed, read_failed};

/// How often the thread looks whether a tenant has grown.
const ROUND: Duration = Duration::from_millis(250);

/// Fewer leads are not worth a table: they say less than what is common in the world.
const FEWEST_LEADS: u32 = 128;

/// How many leads are counted at once.
const PAGE: usize = 500;

/// How long counting rests after a page, so that requests have the processor.
const REST: Duration = Duration::from_millis(2);

/// The tables in force.
pub(super) struct Frequencies {
    tables: ArcSwap<BTreeMap<TenantId, Arc<FrequencyTable>>>,
    /// What ships.
    of_the_world: Arc<FrequencyTable>,
    /// About how many leads each tenant has.
    leads: Mutex<HashMap<TenantId, u32>>,
}

impl Frequencies {
    /// The tables that a store holds, and how many leads the index has of each tenant.
    pub(super) async fn open<V: LeadView>(view: &V, index: &LeadIndex) -> Result<Self, ReadError> {
        let mut tables = BTreeMap::new();
        let scan = Scan { class: RowClass::Frequencies, tenant: None, after: None, limit: usize::MAX };
        for row in view.scan(&scan).await? {
            let tenant = row.key.split().and_then(|(tenant, _)| TenantId::parse(tenant).ok());
            if let (Some(tenant), Row::Frequencies(table)) = (tenant, row.value.row) {
                tables.insert(tenant, table);
            }
        }
        Ok(Self {
            tables: ArcSwap::from_pointee(tables),
            of_the_world: Arc::default(),
            leads: Mutex::new(leads_by_tenant(index)),
        })
    }

    /// The table by which a tenant's leads are weighed now.
    pub(super) fn of(&self, tenant: &TenantId) -> Arc<FrequencyTable> {
        self.tables.load().get(tenant).cloned().unwrap_or_else(|| Arc::clone(&self.of_the_world))
    }

    /// Notes that a lead was made.
    pub(super) fn note_created(&self, tenant: &TenantId) {
        let mut leads = self.leads.lock().unwrap_or_else(PoisonError::into_inner);
        match leads.get_mut(tenant) {
            Some(count) => *count = count.saturating_add(1),
            None => drop(leads.insert(tenant.clone(), 1)),
        }
    }

    /// Tenants that have grown by a quarter since their table was counted.
    fn outgrown(&self) -> Vec<TenantId> {
        let tables = self.tables.load();
        let counted = |tenant| tables.get(tenant).map_or(0, |table| table.leads());
        let leads = self.leads.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = leads.iter().filter(|(tenant, count)| {
            let counted = counted(tenant);
            **count >= FEWEST_LEADS.max(counted.saturating_add(counted / 4))
        });
        grown.map(|(tenant, _)| tenant.clone()).collect()
    }

    fn put(&self, tenant: &TenantId, table: &Arc<FrequencyTable>) {
        self.tables.rcu(|tables| {
            let mut tables = BTreeMap::clone(tables);
            tables.insert(tenant.clone(), Arc::clone(table));
            tables
        });
        // From here on it is known how many there are, deleted and merged ones left out.
        self.leads.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), table.leads());
    }
}

/// An index that cannot be read is rebuilt soon, and a tenant that is not counted here is when it grows.
fn leads_by_tenant(index: &LeadIndex) -> HashMap<TenantId, u32> {
    let view = index.view();
    let tenants = view.tenants().unwrap_or_default();
    let tenants = tenants.into_iter().filter_map(|tenant| TenantId::parse(&tenant).ok());
    let count = |tenant: &TenantId| view.live_ids(tenant).map_or(0, |ids| u32::try_from(ids.len()).unwrap_or(u32::MAX));
    tenants.map(|tenant| (tenant.clone(), count(&tenant))).collect()
}

/// Starts the thread that counts.
pub(super) fn start<S: LeadStore>(engine: &Arc<Engine<S>>) -> std::io::Result<JoinHandle<()>> {
    let weak = Arc::downgrade(engine);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    std::thread::Builder::new().name("frequencies".into()).spawn(move || runtime.block_on(run(weak)))
}

async fn run<S: LeadStore>(weak: Weak<Engine<S>>) {
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(engine) = weak.upgrade() else { return };
        for tenant in engine.frequencies.outgrown() {
            match engine.count_anew(&tenant).await {
                Ok(Counting::Done) => {}
                Ok(Counting::Stopped) => break,
                Err(error) => {
                    tracing::warn!(%error, "a frequency table could not be counted anew: the old one stays in force");
                    break;
                }
            }
        }
        if engine.background.is_stopping() {
            return;
        }
    }
}

/// How counting ended.
enum Counting {
    Done,
    Stopped,
}

impl<S: LeadStore> Engine<S> {
    /// Counts a tenant's leads, stores the table, and puts it in force when it is durable: no decision names a table that a crash takes
    /// away.
    async fn count_anew(&self, tenant: &TenantId) -> Result<Counting, RequestError> {
        let began = std::time::Instant::now();
        let Some(table) = self.count(tenant).await? else { return Ok(Counting::Stopped) };
        let table = Arc::new(table);
        let look = self.look(None).await?;
        let write = RowWrite { key: RowKey::frequencies(tenant), row: Some(Row::Frequencies(Arc::clone(&table))) };
        let changes = ChangeSet { writes: vec![write], ..ChangeSet::default() };
        let sequence = self.submit(&look, changes, None).map_err(|_| closed())?;
        drop(look);
        self.durable(sequence).await?;
        self.frequencies.put(tenant, &table);
        metrics::histogram!("leadgate_frequency_count_seconds").record(began.elapsed().as_secs_f64());
        tracing::info!(leads = table.leads(), version = table.version(), "counted how common values are");
        Ok(Counting::Done)
    }

    async fn count(&self, tenant: &TenantId) -> Result<Option<FrequencyTable>, RequestError> {
        let view = self.store.view().await.map_err(read_failed)?;
        let mut table = FrequencyTable::default();
        table.set_version(view.position().sequence);
        let mut scan = Scan { class: RowClass::Lead, tenant: Some(tenant.clone()), after: None, limit: PAGE };
        loop {
            let rows = view.scan(&scan).await.map_err(read_failed)?;
            let Some(last) = rows.last().map(|row| row.key.clone()) else { break };
            for row in rows {
                if let Row::Lead(lead) = row.value.row
                    && lead.is_live()
                {
                    Profile::of_lead(&lead).count_in(&mut table);
                }
            }
            scan.after = Some(last);
            tokio::time::sleep(REST).await;
            if self.background.is_stopping() {
                return Ok(None);
            }
        }
        table.forget_singles();
        Ok(Some(table))
    }
}
