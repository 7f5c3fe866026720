//! One request from its keys to its answer: lock, read, decide, sequence; and again where something changed meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::decision::blocking::blocks_of_incoming;
use crate::decision::change::{Blocks, blocks_of_change, dead_letter_write, lead_writes, review_write};
use crate::decision::command::UpsertCommand;
use crate::decision::comparable::Comparable;
use crate::decision::decide::asks_fuzzy_tier;
use crate::decision::evidence::Evidence;
use crate::decision::fuzzy_tier::Likeness;
use crate::decision::identity_key::{IdentityKey, KeyHolders};
use crate::decision::matching::Profile;
use crate::decision::outcome::{Outcome, UpsertStatus};
use crate::decision::plan::{NewIds, Plan, PlanContext, PlanError, plan_upsert};
use crate::decision::policy::{FuzzyTier, Policy};
use crate::decision::review::{DeadLetter, Review};
use crate::decision::rows::{ChangeSet, Row, RowKey, RowWrite};
use crate::domain::{Lead, LeadId, TenantId};
use crate::index::{IndexDocument, Sought};
use crate::store::LeadStore;

use super::answer::{Answer, RequestError, Unborn};
use super::key_locks::{KeyGuards, QueueFull};
use super::lock_set::{LockSet, NotSequenced};
use super::preview::Preview;
use super::reading::Look;
use super::repeating::recorded;
use super::{Engine, closed, read_failed};

/// How often a request is decided again before its caller is told to come back.
const ROUNDS: usize = 8;

/// From which round on a read waits in the queue of its keys as a write does.
const READS_LOCK_FROM: usize = 2;

/// When to come back after contention or a full queue.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// What a request wants.
#[derive(Clone, Copy)]
pub(super) enum Intent<'a> {
    /// Decide and write.
    Write,
    /// Decide and say what would be written; later previews of the same batch see it.
    Preview(Option<&'a Preview>),
}

/// A request that has been decided, and sequenced where it writes. Its answer waits for `rests_on` to be durable.
pub(super) struct Decided {
    pub(super) result: Result<Answer, RequestError>,
    pub(super) rests_on: u64,
}

impl<S: LeadStore> Engine<S> {
    /// Decides and writes, once, durably. Cancel safe: a dropped future has either not written anything, or its write goes on and a
    /// retry with the same request id gets its answer.
    pub async fn upsert(&self, command: UpsertCommand) -> Result<Answer, RequestError> {
        let intent = if command.validate_only { Intent::Preview(None) } else { Intent::Write };
        let decided = self.decide(&command, intent).await?;
        self.answer(decided).await
    }

    /// Decides as an upsert would now, and writes nothing.
    pub async fn match_lead(&self, command: UpsertCommand) -> Result<Answer, RequestError> {
        let decided = self.decide(&command, Intent::Preview(None)).await?;
        self.answer(decided).await
    }

    /// The answer, as soon as everything that it rests on is durable.
    pub(super) async fn answer(&self, decided: Decided) -> Result<Answer, RequestError> {
        self.durable(decided.rests_on).await?;
        decided.result
    }

    async fn decide(&self, command: &UpsertCommand, intent: Intent<'_>) -> Result<Decided, RequestError> {
        self.decide_on(command, OnceLock::new(), intent).await
    }

    /// Decides, given the blocking keys of the payload if they are known already.
    pub(super) async fn decide_on(
        &self,
        command: &UpsertCommand,
        blocks: OnceLock<Vec<u64>>,
        intent: Intent<'_>,
    ) -> Result<Decided, RequestError> {
        let writes = matches!(intent, Intent::Write);
        if writes {
            self.admit()?;
        }
        let policy = self.policy();
        let lock_from = if writes { 0 } else { READS_LOCK_FROM };
        let mut locks = LockSet::default();
        for round in 0..ROUNDS {
            if round == lock_from {
                locks = locks_of(command, blocks.get_or_init(|| blocks_of_incoming(&command.lead)));
            }
            let guards = if round >= lock_from { Some(self.acquire(&locks).await?) } else { None };
            if writes {
                // It may have waited for long since it was admitted.
                self.index_state.require_whole()?;
            }
            let request = Request { command, policy: &policy, blocks: &blocks, intent };
            if let Some(decided) = self.attempt(request, &mut locks, guards).await? {
                return Ok(decided);
            }
        }
        Err(RequestError::Contention { retry_after: RETRY_AFTER })
    }

    pub(super) fn admit(&self) -> Result<(), RequestError> {
        let (queue, _) = self.sequencer.depth();
        self.admission.admit(self.index.load().recent_len(), queue)
    }

    pub(super) async fn acquire(&self, locks: &LockSet) -> Result<KeyGuards, RequestError> {
        locks.acquire(&self.locks).await.map_err(queue_full)
    }

    /// One round. `None`: something changed, or more locks are needed; the guards are released and the next round decides anew.
    async fn attempt(
        &self,
        request: Request<'_>,
        locks: &mut LockSet,
        guards: Option<KeyGuards>,
    ) -> Result<Option<Decided>, RequestError> {
        let Request { command, policy, intent, .. } = request;
        let preview = if let Intent::Preview(preview) = intent { preview } else { None };
        let mut look = self.look(preview).await?;
        if let Some(answer) = self.repeated(command, policy, &mut look).await? {
            return self.settle(&look, answer);
        }
        let (mut evidence, holders) = look.evidence(command, policy.limits.holders_read).await.map_err(read_failed)?;
        let previewed = preview.and_then(Preview::frequencies);
        evidence.frequencies = previewed.unwrap_or_else(|| self.frequencies.of(&command.tenant));
        if asks_fuzzy_tier(command, &evidence, policy) {
            let profile = Profile::of_incoming(&command.lead);
            let mut likeness = self.likeness(&profile, request.blocks(), request, &evidence, &mut look)?;
            let needed = likeness.needed(command.explain);
            likeness.put(&look.leads(&command.tenant, &needed).await.map_err(read_failed)?);
            evidence.likeness = Some(likeness);
        }
        // Behind everything that was read: what a payload without a time meets was true before it was received.
        let (mut now, ids) = (self.now(), new_ids());
        let mut planned = self.plan(request, &evidence, now, &ids);
        let changed = planned.as_ref().ok().and_then(Planned::compared_anew);
        if let Some((after, blocks)) = changed.filter(|_| policy.fuzzy_tier == FuzzyTier::Enabled) {
            let profile = Profile::of_lead(after);
            evidence.neighbours = Some(self.likeness(&profile, blocks, request, &evidence, &mut look)?);
            now = self.now();
            planned = self.plan(request, &evidence, now, &ids);
        }
        let Planned { plan, blocks } = match planned {
            Ok(planned) => planned,
            Err(error) => return self.settle(&look, Err(error.into())),
        };
        let holders = evidence.keys.into_iter().map(|lookup| lookup.key.key).zip(holders).collect();
        let drafted = Drafted { plan, blocks, ids, now, holders };
        match intent {
            Intent::Preview(preview) => self.preview(request, drafted, &look, preview),
            Intent::Write => self.write(request, drafted, look, locks, guards).await,
        }
    }

    /// How like something the leads are that share a blocking key with it; none of them is read.
    fn likeness(
        &self,
        profile: &Profile,
        blocks: &[u64],
        Request { command, policy, .. }: Request<'_>,
        evidence: &Evidence,
        look: &mut Look<'_, S::View>,
    ) -> Result<Likeness, RequestError> {
        let index = self.index_view()?;
        let sought = Sought { blocks, signature: profile.signature() };
        let sharing = self.index_state.read(|| look.sharing(&command.tenant, sought, &index))?;
        Ok(Likeness::of(profile, &sharing, &evidence.frequencies, policy))
    }

    fn plan(
        &self,
        request: Request<'_>,
        evidence: &Evidence,
        now: Timestamp,
        ids: &NewIds,
    ) -> Result<Planned, PlanError> {
        let context = PlanContext { policy: request.policy, now, ids, digests: &self.digests };
        let plan = plan_upsert(request.command, evidence, context)?;
        let visible = plan.lead.as_ref().filter(|change| change.is_visible());
        let blocks = visible.map(|change| blocks_of_change(change, || request.blocks().to_vec()));
        Ok(Planned { plan, blocks })
    }

    /// An answer that writes nothing, if what it rests on is still so.
    pub(super) fn settle(
        &self,
        look: &Look<'_, S::View>,
        result: Result<Answer, RequestError>,
    ) -> Result<Option<Decided>, RequestError> {
        let current = self.is_current(look.reads())?;
        Ok(current.then(|| Decided { result, rests_on: look.reads().highest() }))
    }

    async fn write(
        &self,
        request: Request<'_>,
        drafted: Drafted,
        mut look: Look<'_, S::View>,
        locks: &mut LockSet,
        guards: Option<KeyGuards>,
    ) -> Result<Option<Decided>, RequestError> {
        let (changes, document, outcome) = self.compose(request, &drafted, &mut look).await?;
        let answer = answer_of(outcome, &drafted.ids, request.policy);
        if changes.is_empty() {
            return self.settle(&look, Ok(answer));
        }
        let known = drafted.plan.lead.as_ref().and_then(|change| change.before.as_ref());
        let lead = known.map(|lead| RowKey::lead(&request.command.tenant, lead.lead_id));
        let submit = |changes| self.submit(&look, changes, document);
        match locks.sequence(&self.locks, guards.unwrap_or_default(), lead.as_ref(), changes, submit).await {
            Ok(sequence) => {
                if drafted.plan.lead.as_ref().is_some_and(|change| change.before.is_none()) {
                    self.frequencies.note_created(&request.command.tenant);
                }
                Ok(Some(Decided { result: Ok(answer), rests_on: sequence.max(look.reads().highest()) }))
            }
            Err(NotSequenced::Again) => Ok(None),
            Err(NotSequenced::QueueFull) => Err(queue_full(QueueFull)),
            Err(NotSequenced::Closed) => Err(closed()),
        }
    }

    /// The change set of a plan, the document of the lead it writes, and the outcome as it will be answered.
    async fn compose(
        &self,
        request: Request<'_>,
        drafted: &Drafted,
        look: &mut Look<'_, S::View>,
    ) -> Result<(ChangeSet, Option<IndexDocument>, Outcome), RequestError> {
        let Request { command, policy, .. } = request;
        let tenant = &command.tenant;
        let plan = &drafted.plan;
        let mut changes = ChangeSet::default();
        let mut document = None;
        if let Some(change) = &plan.lead {
            changes.writes = lead_writes(tenant, change, &drafted.holders);
            if let Some(blocks) = &drafted.blocks {
                changes.blocks = blocks.touched.iter().map(|block| RowKey::block(tenant, *block)).collect();
                document = Some(document_of(tenant, change, blocks.clone()));
            }
        }
        let waiting = self.waiting_writes(tenant, &plan.reviews, plan.dead_letter.as_ref(), look).await?;
        let opened = !waiting.is_empty();
        changes.writes.extend(waiting);
        // A payload that was parked before is no news.
        let told = plan.outcome.status != UpsertStatus::Review || opened;
        changes.event = plan.event.clone().filter(|_| told);
        changes.payload = changes.event.is_some().then(|| command.payload.clone());
        if let Some(request_id) = &command.request_id
            && !command.validate_only
        {
            let reply = recorded(plan, request_id.body_digest, &drafted.ids, drafted.now, policy);
            let key = RowKey::request(tenant, &command.source, &request_id.id);
            changes.writes.push(RowWrite { key, row: Some(Row::Request(Arc::new(reply))) });
        }
        Ok((changes, document, plan.outcome.clone()))
    }

    /// Writes that open reviews and keep a dead letter, but for those that are there.
    pub(super) async fn waiting_writes(
        &self,
        tenant: &TenantId,
        reviews: &[Review],
        dead_letter: Option<&DeadLetter>,
        look: &mut Look<'_, S::View>,
    ) -> Result<Vec<RowWrite>, RequestError> {
        let mut writes = Vec::new();
        for review in reviews {
            let known = look.row(RowKey::review(tenant, review.review_id)).await.map_err(read_failed)?;
            let known = if let Some(Row::Review(known)) = &known { Some(&**known) } else { None };
            writes.extend(review_write(tenant, review.clone(), known));
        }
        if let Some(letter) = dead_letter {
            let known = look.row(RowKey::dead_letter(tenant, letter.dead_letter_id)).await.map_err(read_failed)?;
            let known = if let Some(Row::DeadLetter(known)) = &known { Some(&**known) } else { None };
            writes.extend(dead_letter_write(tenant, letter.clone(), known));
        }
        Ok(writes)
    }
}

fn queue_full(QueueFull: QueueFull) -> RequestError {
    RequestError::KeyQueueFull { retry_after: RETRY_AFTER }
}

/// A request with everything that stays the same over its rounds.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) command: &'a UpsertCommand,
    pub(super) policy: &'a Policy,
    /// The blocking keys of the payload, once somebody has asked for them.
    blocks: &'a OnceLock<Vec<u64>>,
    intent: Intent<'a>,
}

impl<'a> Request<'a> {
    fn blocks(self) -> &'a [u64] {
        self.blocks.get_or_init(|| blocks_of_incoming(&self.command.lead))
    }
}

/// A plan with the blocking keys of the lead that it changes, where callers can see the change.
struct Planned {
    plan: Plan,
    blocks: Option<Blocks>,
}

impl Planned {
    /// A stored lead as it will stand, with its blocking keys, where the plan changes whom it is compared with, or how.
    fn compared_anew(&self) -> Option<(&Lead, &[u64])> {
        let change = self.plan.lead.as_ref()?;
        let before = change.before.as_ref()?;
        let blocks = self.blocks.as_ref()?;
        let changes = !blocks.touched.is_empty() || !Comparable::is_unmoved(before, &change.after);
        changes.then_some((&*change.after, &*blocks.after))
    }
}

/// A plan with what it was made of.
pub(super) struct Drafted {
    pub(super) plan: Plan,
    pub(super) blocks: Option<Blocks>,
    pub(super) ids: NewIds,
    now: Timestamp,
    pub(super) holders: BTreeMap<IdentityKey, Arc<KeyHolders>>,
}

/// The request id, every identity key and every blocking key of a request.
pub(super) fn locks_of(command: &UpsertCommand, blocks: &[u64]) -> LockSet {
    let tenant = &command.tenant;
    let keys = command.keys().into_iter().map(|key| RowKey::identity(tenant, &key.key));
    let request = command.request_id.iter().map(|request| RowKey::request(tenant, &command.source, &request.id));
    let blocks = blocks.iter().map(|block| RowKey::block(tenant, *block));
    LockSet::of(keys.chain(request).chain(blocks))
}

pub(super) fn new_ids() -> NewIds {
    let lead_id = Uuid::now_v7();
    NewIds {
        lead_id: LeadId::new(lead_id),
        decision_id: Uuid::now_v7().to_string().into(),
        claim_token: Uuid::now_v7().to_string().into(),
    }
}

pub(super) fn answer_of(outcome: Outcome, ids: &NewIds, policy: &Policy) -> Answer {
    Answer {
        outcome,
        decision_id: ids.decision_id.clone(),
        policy_version: policy.version.clone(),
        replayed: false,
        same_as_client_ref: None,
        unborn: Unborn::default(),
    }
}

pub(super) fn document_of(
    tenant: &TenantId,
    change: &crate::decision::plan::LeadChange,
    blocks: Blocks,
) -> IndexDocument {
    IndexDocument {
        tenant: tenant.clone(),
        lead_id: change.after.lead_id,
        sequence: 0,
        live: change.after.is_live(),
        blocks: blocks.after,
        lead: Arc::clone(&change.after),
    }
}
