//! How common values are among a tenant's leads: a table for each tenant, counted anew in the background when its leads have grown by a
//! quarter, stored, and the same for every decision until then.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::decision::matching::{FirstLook, FrequencyTable, Profile, has_outgrown};
use crate::decision::rows::{ChangeSet, Row, RowClass, RowKey, RowWrite};
use crate::domain::TenantId;
use crate::index::{LeadIndex, View};
use crate::store::{LeadStore, LeadView, ReadError, Scan};

use super::answer::RequestError;
use super::{Engine, Health, closed};

/// How often the thread looks whether a tenant has grown.
const ROUND: Duration = Duration::from_millis(250);

/// After counting has failed again and again it is tried no more often.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// How many leads are counted in one go.
const PAGE: usize = 2_000;

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
        let grown = leads.iter().filter(|(tenant, count)| has_outgrown(**count, counted(tenant)));
        grown.map(|(tenant, _)| tenant.clone()).collect()
    }

    /// About how many leads a tenant has.
    fn leads_of(&self, tenant: &TenantId) -> u32 {
        self.leads.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).copied().unwrap_or(0)
    }

    /// Puts a table in force that was begun when `known` leads were known.
    fn put(&self, tenant: &TenantId, table: &Arc<FrequencyTable>, known: u32) {
        self.tables.rcu(|tables| {
            let mut tables = BTreeMap::clone(tables);
            tables.insert(tenant.clone(), Arc::clone(table));
            tables
        });
        // From here on it is known how many there are, deleted and merged ones left out.
        if let Some(leads) = self.leads.lock().unwrap_or_else(PoisonError::into_inner).get_mut(tenant) {
            *leads = table.leads().saturating_add(leads.saturating_sub(known));
        }
    }
}

/// An index that cannot be read is rebuilt soon, and a tenant that is not counted here is when it grows.
fn leads_by_tenant(index: &LeadIndex) -> HashMap<TenantId, u32> {
    let view = index.view();
    let tenants = view.tenants().unwrap_or_default();
    let tenants = tenants.into_iter().filter_map(|tenant| TenantId::parse(&tenant).ok());
    let count = |tenant: &TenantId| view.live_len(tenant).map_or(0, |leads| u32::try_from(leads).unwrap_or(u32::MAX));
    tenants.map(|tenant| (tenant.clone(), count(&tenant))).collect()
}

/// Starts the thread that counts.
pub(super) fn start<S: LeadStore>(engine: &Arc<Engine<S>>) -> std::io::Result<JoinHandle<()>> {
    let weak = Arc::downgrade(engine);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    std::thread::Builder::new().name("frequencies".into()).spawn(move || runtime.block_on(run(weak)))
}

async fn run<S: LeadStore>(weak: Weak<Engine<S>>) {
    let mut rest = ROUND;
    loop {
        tokio::time::sleep(rest).await;
        let Some(engine) = weak.upgrade() else { return };
        rest = match engine.count_outgrown().await {
            Ok(()) => ROUND,
            Err(error) => {
                tracing::warn!(%error, "a frequency table could not be counted anew: the old one stays in force");
                (rest * 2).min(LONGEST_REST)
            }
        };
        if engine.background.is_stopping() {
            return;
        }
    }
}

impl<S: LeadStore> Engine<S> {
    async fn count_outgrown(&self) -> Result<(), RequestError> {
        for tenant in self.frequencies.outgrown() {
            // An index that is being rebuilt lacks leads.
            if self.is_ready() && !self.background.is_stopping() {
                self.count_anew(&tenant).await?;
            }
        }
        Ok(())
    }

    /// Counts a tenant's leads, stores the table, and puts it in force when it is durable: no decision names a table that a crash takes
    /// away.
    async fn count_anew(&self, tenant: &TenantId) -> Result<(), RequestError> {
        let began = Instant::now();
        let known = self.frequencies.leads_of(tenant);
        let Some(table) = self.count(tenant, known)? else { return Ok(()) };
        if !self.is_ready() {
            return Ok(());
        }
        let table = Arc::new(table);
        let look = self.look(None).await?;
        let write = RowWrite { key: RowKey::frequencies(tenant), row: Some(Row::Frequencies(Arc::clone(&table))) };
        let changes = ChangeSet { writes: vec![write], ..ChangeSet::default() };
        // Everything that was counted comes before it, and is durable when it is.
        let sequence = self.submit(&look, changes, None).map_err(|_| closed())?;
        drop(look);
        self.durable(sequence).await?;
        self.frequencies.put(tenant, &table, known);
        metrics::histogram!("leadgate_frequency_count_seconds").record(began.elapsed().as_secs_f64());
        tracing::info!(leads = table.leads(), version = table.version(), "counted how common values are");
        Ok(())
    }

    /// Counts in two walks over a still view of the index, because most values are one lead's. `None`: the engine stops.
    fn count(&self, tenant: &TenantId, leads: u32) -> Result<Option<FrequencyTable>, RequestError> {
        let version = self.sequencer.last_sequence();
        let view = self.index_view()?;
        let view = view.at_rest(view.recorded(tenant));
        let mut look = FirstLook::for_leads(leads as usize);
        if self.walk(&view, tenant, |profile| profile.show(&mut look))?.is_break() {
            return Ok(None);
        }
        let mut table = FrequencyTable::of_repeated(look);
        table.set_version(version);
        if self.walk(&view, tenant, |profile| profile.count_in(&mut table))?.is_break() {
            return Ok(None);
        }
        table.forget_singles();
        Ok(Some(table))
    }

    fn walk(
        &self,
        view: &View,
        tenant: &TenantId,
        mut show: impl FnMut(&Profile),
    ) -> Result<ControlFlow<()>, RequestError> {
        let mut shown = 0_usize;
        let walk = || {
            view.each_comparable(tenant, |comparable| {
                show(&comparable.profile);
                shown += 1;
                if shown.is_multiple_of(PAGE) {
                    std::thread::sleep(REST);
                }
                if self.background.is_stopping() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        };
        self.index_state.read(walk)
    }

    fn is_ready(&self) -> bool {
        *self.health.borrow() == Health::Ready
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use crate::decision::matching::FEWEST_LEADS;

    use super::*;

    fn table_of(leads: u32) -> Arc<FrequencyTable> {
        FrequencyTable::restored(1, leads, []).into()
    }

    #[test]
    fn a_tenant_is_counted_when_it_has_grown_by_a_quarter_whatever_was_made_meanwhile() {
        let frequencies =
            Frequencies { tables: ArcSwap::default(), of_the_world: Arc::default(), leads: Mutex::default() };
        let tenant = TenantId::default();
        let make = |leads| (0..leads).for_each(|_| frequencies.note_created(&tenant));
        make(FEWEST_LEADS - 1);
        assert!(frequencies.outgrown().is_empty());
        make(1);
        assert_eq!(frequencies.outgrown(), slice::from_ref(&tenant));
        let known = frequencies.leads_of(&tenant);
        // Meanwhile.
        make(20);
        frequencies.put(&tenant, &table_of(100), known);
        assert_eq!((frequencies.leads_of(&tenant), frequencies.of(&tenant).leads()), (120, 100));
        make(4);
        assert!(frequencies.outgrown().is_empty());
        make(4);
        assert_eq!(frequencies.outgrown(), [tenant], "128 at least");
    }
}
