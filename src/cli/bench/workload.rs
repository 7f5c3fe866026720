//! What is measured: each workload makes its requests from a running number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::grpc::load::{LoadConnection, LoadError};
use crate::grpc::proto::{self, UpsertStatus};

use super::leads::{keys_of_lead, lead, scramble};

/// Something to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workload {
    /// The health check of a server without anything else, against which the others are held.
    Health,
    /// MatchLead by external id, email, phone and name of leads that are known.
    MatchExact,
    /// Upsert of leads that are new.
    UpsertNew,
    /// Upsert that changes one field of a lead that is known.
    UpsertExisting,
    /// Upsert that changes one field of one of a few leads that everybody writes.
    UpsertHot,
    /// As upsert-hot, about to be written to a CRM.
    UpsertHotTarget,
    /// Half matches, a third changes, the rest new leads.
    Mixed,
    /// BatchUpsert of 100 new leads at a time; counted in leads.
    BatchNew,
    /// One StreamUpsert per connection, 1,000 new leads at a time; counted in leads.
    StreamNew,
}

impl Workload {
    /// How many leads one call carries.
    pub(super) fn leads_per_call(self) -> u64 {
        match self {
            Self::BatchNew => 100,
            Self::StreamNew => 1_000,
            _ => 1,
        }
    }

    /// Whether leads must be there before it starts.
    pub(super) fn needs_leads(self) -> bool {
        matches!(self, Self::MatchExact | Self::UpsertExisting | Self::Mixed)
    }
}

/// What all connections of a run share.
pub(super) struct Numbers {
    /// The first lead that is not there yet.
    pub(super) next_new: AtomicU64,
    /// How many leads everybody writes.
    pub(super) hot_keys: u64,
    /// Makes values differ from those of earlier calls.
    pub(super) serial: AtomicU64,
    /// Replies that say CREATED.
    pub(super) created: AtomicU64,
}

impl Numbers {
    fn new_lead(&self) -> u64 {
        self.next_new.fetch_add(1, Ordering::Relaxed)
    }

    /// One of the leads that are there.
    fn known_lead(&self) -> u64 {
        scramble(self.serial()) % self.next_new.load(Ordering::Relaxed).max(1)
    }

    fn serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    fn note(&self, status: i32) {
        if status == UpsertStatus::Created as i32 {
            self.created.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Makes one call and checks that it did what it should.
pub(super) async fn call(
    workload: Workload,
    connection: &mut LoadConnection,
    numbers: &Arc<Numbers>,
) -> Result<(), LoadError> {
    match workload {
        Workload::Health => connection.health().await,
        Workload::MatchExact => match_known(connection, numbers).await,
        Workload::UpsertNew => upsert(connection, numbers, new_request(numbers)).await,
        Workload::UpsertExisting => upsert(connection, numbers, change(numbers.known_lead(), numbers.serial())).await,
        Workload::UpsertHot => upsert(connection, numbers, hot(numbers)).await,
        Workload::UpsertHotTarget => {
            let request = proto::UpsertRequest { target: "sfdc".into(), ..hot(numbers) };
            upsert(connection, numbers, request).await
        }
        Workload::Mixed => mixed(connection, numbers).await,
        Workload::BatchNew => batch(connection, numbers).await,
        Workload::StreamNew => stream(connection, numbers).await,
    }
}

async fn mixed(connection: &mut LoadConnection, numbers: &Arc<Numbers>) -> Result<(), LoadError> {
    match numbers.serial() % 6 {
        0..=2 => match_known(connection, numbers).await,
        3..=4 => upsert(connection, numbers, change(numbers.known_lead(), numbers.serial())).await,
        _ => upsert(connection, numbers, new_request(numbers)).await,
    }
}

async fn match_known(connection: &mut LoadConnection, numbers: &Numbers) -> Result<(), LoadError> {
    let lead = keys_of_lead(numbers.known_lead());
    let request = proto::MatchLeadRequest { source: "crm".into(), lead: Some(lead), ..Default::default() };
    let answer = connection.match_lead(request).await?;
    numbers.note(answer.status);
    Ok(())
}

async fn upsert(
    connection: &mut LoadConnection,
    numbers: &Numbers,
    request: proto::UpsertRequest,
) -> Result<(), LoadError> {
    let answer = connection.upsert(request).await?;
    numbers.note(answer.status);
    Ok(())
}

fn new_request(numbers: &Numbers) -> proto::UpsertRequest {
    proto::UpsertRequest { source: "crm".into(), lead: Some(lead(numbers.new_lead())), ..Default::default() }
}

fn change(number: u64, serial: u64) -> proto::UpsertRequest {
    let keys = keys_of_lead(number);
    let lead = proto::LeadInput {
        external_id: keys.external_id,
        email: keys.email,
        lead_status: Some(format!("stage {serial}")),
        ..Default::default()
    };
    proto::UpsertRequest { source: "crm".into(), lead: Some(lead), ..Default::default() }
}

/// Hot leads have numbers of their own, far from all others.
fn hot(numbers: &Numbers) -> proto::UpsertRequest {
    let serial = numbers.serial();
    change((1 << 40) + scramble(serial) % numbers.hot_keys.max(1), serial)
}

async fn batch(connection: &mut LoadConnection, numbers: &Numbers) -> Result<(), LoadError> {
    let requests = (0..Workload::BatchNew.leads_per_call()).map(|_| new_request(numbers)).collect();
    let answer = connection.batch(proto::BatchUpsertRequest { requests, ..Default::default() }).await?;
    answer.results.iter().for_each(|result| numbers.note(result.status));
    Ok(())
}

async fn stream(connection: &mut LoadConnection, numbers: &Arc<Numbers>) -> Result<(), LoadError> {
    let shared = Arc::clone(numbers);
    let requests = (0..Workload::StreamNew.leads_per_call()).map(move |_| new_request(&shared));
    let results = connection.stream(requests).await?;
    results.iter().for_each(|result| numbers.note(result.status));
    Ok(())
}
