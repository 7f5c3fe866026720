//! What is asked of the server, and how each request is made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use prost::Message;

use crate::cli::random::Random;
use crate::grpc::client::Call;
use crate::grpc::proto::{BatchUpsertRequest, MatchLeadRequest, StreamUpsertRequest, UpsertRequest};

use super::generator::Generator;

/// The source of every lead.
const SOURCE: &str = "bench";
/// How many requests of a repeatable kind are made before the measurement.
const PREPARED: u64 = 20_000;
/// Leads that are looked for by likeness: the first, so that they are the same at every size.
const FUZZY_PROBES: u64 = 10_000;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Workload {
    /// A health check of a plain tonic-health server without layers: what everything else is compared with.
    Health,
    /// MatchLead of known leads by external id, email and phone.
    MatchExact,
    /// MatchLead of known leads of which no key is given, mistyped: always the same, however many leads there are. Those that are found are
    /// answered UNCHANGED.
    MatchFuzzy,
    /// Upsert of leads that are not known yet.
    UpsertNew,
    /// Upsert of known leads with another score.
    UpsertExisting,
    /// Upsert of few leads, again and again, with another score each time.
    UpsertHot,
    /// The same with a target: one caller at a time is told CREATE.
    UpsertHotTarget,
    /// Half MatchLead, three tenths Upsert of known leads, two tenths Upsert of new ones.
    Mixed,
    /// BatchUpsert of new leads.
    BatchNew,
    /// StreamUpsert of new leads.
    StreamNew,
}

impl Workload {
    /// Its name on the command line and in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::MatchExact => "match-exact",
            Self::MatchFuzzy => "match-fuzzy",
            Self::UpsertNew => "upsert-new",
            Self::UpsertExisting => "upsert-existing",
            Self::UpsertHot => "upsert-hot",
            Self::UpsertHotTarget => "upsert-hot-target",
            Self::Mixed => "mixed",
            Self::BatchNew => "batch-new",
            Self::StreamNew => "stream-new",
        }
    }

    /// Whether it goes to the plain health server.
    pub(crate) fn is_bare(self) -> bool {
        self == Self::Health
    }

    /// Whether it goes through streams.
    pub(crate) fn is_stream(self) -> bool {
        self == Self::StreamNew
    }
}

/// How many there are of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Leads that were loaded before.
    pub(crate) leads: u64,
    /// Leads of the hot workloads.
    pub(crate) hot_keys: u64,
    /// Leads of one batch.
    pub(crate) batch: usize,
}

/// Makes the requests of all workloads, for all connections. Cloning shares the count of new leads.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    generator: Generator,
    sizes: Sizes,
    next_new: Arc<AtomicU64>,
    changes: Arc<AtomicU64>,
}

/// One request as it is sent.
pub(crate) struct Prepared {
    /// The call.
    pub(crate) call: Call,
    /// The encoded message.
    pub(crate) message: Bytes,
    /// How many leads it is about.
    pub(crate) leads: u64,
}

impl Requests {
    /// New leads are numbered from `first_new` on.
    pub(crate) fn new(generator: Generator, sizes: Sizes, first_new: u64) -> Self {
        Self { generator, sizes, next_new: Arc::new(first_new.into()), changes: Arc::default() }
    }

    /// What one connection asks, one request after the other. Those that can be repeated are made now.
    pub(crate) fn of_connection(&self, workload: Workload, connection: u64) -> Source {
        let random = Random::new(connection.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ 0x6c65_6164);
        let mut source = Source { requests: self.clone(), workload, random, matches: Vec::new(), next: 0 };
        // The connections share the work of covering all leads.
        match workload {
            Workload::MatchExact | Workload::Mixed => {
                source.matches = (0..PREPARED / 16).map(|_| source.match_request()).collect();
            }
            Workload::MatchFuzzy => source.matches = (0..PREPARED / 16).map(|_| source.fuzzy_request()).collect(),
            _ => {}
        }
        source
    }

    /// An encoded `StreamUpsertRequest` of a lead.
    pub(crate) fn stream_message(&self, number: u64) -> Bytes {
        let mut request = self.upsert(self.generator.lead(number));
        request.client_ref = number.to_string();
        StreamUpsertRequest { request: Some(request) }.encode_to_vec().into()
    }

    /// The number of a lead that was never sent.
    pub(crate) fn new_number(&self) -> u64 {
        self.next_new.fetch_add(1, Ordering::Relaxed)
    }

    fn upsert(&self, lead: crate::grpc::proto::LeadInput) -> UpsertRequest {
        UpsertRequest { source: SOURCE.to_owned(), lead: Some(lead), ..UpsertRequest::default() }
    }

    fn new_lead(&self) -> UpsertRequest {
        self.upsert(self.generator.lead(self.new_number()))
    }

    fn changed_lead(&self, number: u64) -> UpsertRequest {
        self.upsert(self.generator.changed_lead(number, self.changes.fetch_add(1, Ordering::Relaxed)))
    }
}

/// What one connection asks.
pub(crate) struct Source {
    requests: Requests,
    workload: Workload,
    random: Random,
    matches: Vec<Bytes>,
    next: usize,
}

impl Source {
    /// The next request.
    pub(crate) fn next(&mut self) -> Prepared {
        let sizes = self.requests.sizes;
        match self.workload {
            Workload::Health => Prepared { call: Call::HealthCheck, message: Bytes::new(), leads: 1 },
            Workload::MatchExact | Workload::MatchFuzzy => self.next_match(),
            Workload::UpsertNew | Workload::StreamNew => upsert(&self.requests.new_lead()),
            Workload::UpsertExisting => self.next_existing(),
            Workload::UpsertHot => upsert(&self.hot(sizes.hot_keys)),
            Workload::UpsertHotTarget => {
                upsert(&UpsertRequest { target: "crm".to_owned(), ..self.hot(sizes.hot_keys) })
            }
            Workload::Mixed => match self.random.below(10) {
                0..=4 => self.next_match(),
                5..=7 => self.next_existing(),
                _ => upsert(&self.requests.new_lead()),
            },
            Workload::BatchNew => self.next_batch(sizes.batch),
        }
    }

    fn next_match(&mut self) -> Prepared {
        self.next = (self.next + 1) % self.matches.len();
        Prepared { call: Call::MatchLead, message: self.matches[self.next].clone(), leads: 1 }
    }

    fn next_existing(&mut self) -> Prepared {
        let number = self.random.below(self.requests.sizes.leads.max(1));
        upsert(&self.requests.changed_lead(number))
    }

    /// Hot leads lie behind all others that are known from the start.
    fn hot(&mut self, hot_keys: u64) -> UpsertRequest {
        let number = self.requests.sizes.leads + self.random.below(hot_keys.max(1));
        self.requests.changed_lead(number)
    }

    fn next_batch(&mut self, size: usize) -> Prepared {
        let requests = (0..size).map(|_| self.requests.new_lead()).collect();
        let request = BatchUpsertRequest { source: SOURCE.to_owned(), requests, validate_only: false };
        Prepared { call: Call::BatchUpsert, message: request.encode_to_vec().into(), leads: size as u64 }
    }

    fn match_request(&mut self) -> Bytes {
        let number = self.random.below(self.requests.sizes.leads.max(1));
        Self::matching(self.requests.generator.keys_of_lead(number))
    }

    fn fuzzy_request(&mut self) -> Bytes {
        let number = self.random.below(self.requests.sizes.leads.clamp(1, FUZZY_PROBES));
        Self::matching(self.requests.generator.like_lead(number))
    }

    fn matching(lead: crate::grpc::proto::LeadInput) -> Bytes {
        let lead = Some(lead);
        MatchLeadRequest { source: SOURCE.to_owned(), lead, ..MatchLeadRequest::default() }.encode_to_vec().into()
    }
}

fn upsert(request: &UpsertRequest) -> Prepared {
    Prepared { call: Call::Upsert, message: request.encode_to_vec().into(), leads: 1 }
}
