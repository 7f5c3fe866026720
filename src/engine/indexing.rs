//! Feeding the index in the background, and bringing it up to the store at start.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::decision::blocking::blocks_of_lead;
use crate::decision::rows::{FeedEntry, Row, RowClass, RowKey};
use crate::domain::TenantId;
use crate::index::{IndexDocument, IndexError, LeadIndex};
use crate::store::{LeadStore, LeadView, ReadError, Scan, ScannedRow};

use super::sweeping::Sweeper;
use super::{Engine, Health};

/// How often the thread looks whether there is something to do.
const ROUND: Duration = Duration::from_millis(250);

/// What was recorded is published at the latest after so many rounds. Small segments cost more to write and to merge than large ones, and
/// whatever waits is found meanwhile.
const MOST_ROUNDS: u32 = 16;

/// So much recorded is published at once: the more there is, the longer every search in the overlay.
const ENOUGH_RECORDED: usize = 4_000;

/// How often a replay of everything tells how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

/// How many leads are replayed in one round.
const REPLAY_ROUND: usize = 5_000;

/// An index that cannot be read is rebuilt no more often: something that always fails must not keep everybody from what does not.
const BETWEEN_REBUILDS: Duration = Duration::from_secs(600);

/// Why the index could not be brought up to the store.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Starts the thread that publishes, and looks after the disk, the committer's pace and replies that have expired. Looks at the disk
/// once before it returns: a full one must not take the first writes either.
pub(super) fn start<S: LeadStore>(engine: &Arc<Engine<S>>, free_bytes: FreeBytes) -> std::io::Result<JoinHandle<()>> {
    engine.look_after(&free_bytes);
    let weak = Arc::downgrade(engine);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    std::thread::Builder::new().name("indexer".into()).spawn(move || runtime.block_on(run(weak, free_bytes)))
}

/// Tells how much of the store's disk is free, in bytes.
pub(super) type FreeBytes = Box<dyn Fn() -> std::io::Result<u64> + Send>;

async fn run<S: LeadStore>(weak: Weak<Engine<S>>, free_bytes: FreeBytes) {
    let mut rounds = 0;
    let mut rebuilt: Option<Instant> = None;
    let mut sweeper = Sweeper::new();
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(engine) = weak.upgrade() else { return };
        let stopping = engine.background.is_stopping();
        engine.look_after(&free_bytes);
        if !stopping {
            sweeper.go_on(&engine).await;
        }
        let rests = rebuilt.is_some_and(|rebuilt| rebuilt.elapsed() < BETWEEN_REBUILDS);
        if !stopping && !rests && engine.index_state.is_unreadable() {
            tracing::error!("the index could not be read and is rebuilt");
            engine.rebuild_index().await;
            rebuilt = Some(Instant::now());
        }
        rounds += 1;
        if !stopping && rounds < MOST_ROUNDS && engine.index.load().recent_len() < ENOUGH_RECORDED {
            continue;
        }
        rounds = 0;
        let mut published = engine.publish().await;
        if stopping && published.is_ok() {
            // What was recorded behind a generation that still waited.
            published = engine.publish().await;
        }
        if let Err(error) = published {
            tracing::error!(error = &error as &dyn std::error::Error, "the index failed and is rebuilt");
            engine.rebuild_index().await;
        }
        if stopping {
            return;
        }
    }
}

impl<S: LeadStore> Engine<S> {
    /// Publishes everything recorded so far, if it is durable within a round: a commit that takes longer has to be noticed meanwhile.
    async fn publish(&self) -> Result<(), IndexError> {
        let index = self.index.load_full();
        self.sequencer.at_rest(|sequence| index.freeze(sequence));
        let Some(frozen) = index.frozen_sequence() else { return Ok(()) };
        let Ok(Ok(())) = tokio::time::timeout(ROUND, self.gate.wait(frozen)).await else { return Ok(()) };
        let began = Instant::now();
        index.publish()?;
        metrics::histogram!("leadgate_index_publish_seconds").record(began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Not ready while it lasts, and no data at risk: the store is the truth.
    async fn rebuild_index(&self) {
        self.health.send_replace(Health::Degraded("the index is being rebuilt"));
        self.admission.hold(true);
        let rebuilt = self.drop_and_replay().await;
        match rebuilt {
            Ok(()) => {
                self.admission.hold(false);
                self.health.send_replace(Health::Ready);
            }
            Err(error) => {
                tracing::error!(error = &*error, "the index cannot be rebuilt: the process has to end");
                self.fail("the index cannot be rebuilt");
            }
        }
    }

    async fn drop_and_replay(&self) -> Result<(), Box<dyn std::error::Error>> {
        // Nothing new is admitted; what is under way is waited for, so that the replay sees the newest state of every lead. What still
        // waits for its locks is refused then.
        tokio::time::sleep(ROUND).await;
        self.index_state.rebuild_begins();
        let _ = self.gate.wait(self.sequencer.last_sequence()).await;
        let index = self.index.load_full();
        index.drop_and_rebuild()?;
        replay_everything(&self.store.view().await?, &index).await?;
        self.index_state.rebuild_ends();
        Ok(())
    }

    fn look_after(&self, free_bytes: &FreeBytes) {
        match free_bytes() {
            Ok(free) => self.admission.set_disk_free(free),
            Err(error) => tracing::warn!(%error, "the free disk space cannot be read"),
        }
        let wanted =
            if self.admission.is_commit_slow() { Health::Degraded("a commit takes too long") } else { Health::Ready };
        self.health.send_if_modified(|health| {
            let mine = matches!(health, Health::Ready | Health::Degraded("a commit takes too long"));
            let changed = mine && *health != wanted;
            if changed {
                *health = wanted;
            }
            changed
        });
        let depth = self.statistics();
        #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
        {
            metrics::gauge!("leadgate_index_overlay_leads").set(depth.index_overlay as f64);
            metrics::gauge!("leadgate_commit_queue_change_sets").set(depth.commit_queue as f64);
            metrics::gauge!("leadgate_locked_keys").set(depth.locked_keys as f64);
        }
    }
}

/// Brings an index that holds everything up to `payload` to the state of the view.
pub(super) async fn replay<V: LeadView>(view: &V, index: &LeadIndex, payload: u64) -> Result<(), ReplayError> {
    if payload == 0 {
        return replay_everything(view, index).await;
    }
    let mut position = first_behind(view, payload).await?;
    loop {
        let entries = view.feed_after(position, REPLAY_ROUND).await?;
        let Some((last, reached)) = entries.last().map(|entry| (entry.position, entry.sequence)) else { break };
        for entry in &entries {
            record_lead(view, index, entry).await?;
        }
        position = last;
        // Each round holds the newest state of its leads, so a later round repeats and never contradicts it; and what it has reached
        // counts, so that a process that is killed again and again at its start gets further each time.
        publish(index, reached)?;
    }
    Ok(index.note_whole(view.position().sequence)?)
}

/// The feed position before the first entry behind a sequence.
async fn first_behind<V: LeadView>(view: &V, sequence: u64) -> Result<u64, ReadError> {
    let (mut low, mut high) = (0, view.position().feed);
    while low < high {
        let middle = low + (high - low) / 2;
        match view.feed_after(middle, 1).await?.first() {
            Some(entry) if entry.sequence <= sequence => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

async fn record_lead<V: LeadView>(view: &V, index: &LeadIndex, entry: &FeedEntry) -> Result<(), ReadError> {
    let Some(lead_id) = entry.event.lead_id else { return Ok(()) };
    let tenant = &entry.event.tenant;
    if let Some(stored) = view.get(&RowKey::lead(tenant, lead_id)).await?
        && let Row::Lead(lead) = stored.row
    {
        let live = lead.is_live();
        let blocks = blocks_of_lead(&lead);
        index.record(IndexDocument { tenant: tenant.clone(), lead_id, sequence: stored.sequence, live, blocks, lead });
    }
    Ok(())
}

async fn replay_everything<V: LeadView>(view: &V, index: &LeadIndex) -> Result<(), ReplayError> {
    let mut scan = Scan { class: RowClass::Lead, tenant: None, after: None, limit: REPLAY_ROUND };
    let (mut leads, mut told) = (0, Instant::now());
    loop {
        let rows = view.scan(&scan).await?;
        let Some(last) = rows.last().map(|row| row.key.clone()) else { break };
        leads += rows.len();
        if told.elapsed() >= PROGRESS {
            tracing::info!(leads, "building the index from the store");
            told = Instant::now();
        }
        for row in rows {
            record_row(index, row);
        }
        publish(index, 0)?;
        scan.after = Some(last);
    }
    Ok(index.note_whole(view.position().sequence)?)
}

fn record_row(index: &LeadIndex, row: ScannedRow) {
    let tenant = row.key.split().and_then(|(tenant, _)| TenantId::parse(tenant).ok());
    if let (Some(tenant), Row::Lead(lead)) = (tenant, row.value.row) {
        let (lead_id, live, blocks) = (lead.lead_id, lead.is_live(), blocks_of_lead(&lead));
        index.record(IndexDocument { tenant, lead_id, sequence: row.value.sequence, live, blocks, lead });
    }
}

fn publish(index: &LeadIndex, at_sequence: u64) -> Result<(), ReplayError> {
    index.freeze(at_sequence);
    Ok(index.publish()?)
}
