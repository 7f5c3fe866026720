//! What the model expects to be answered.

use std::collections::BTreeSet;

use leadgate::decision::outcome::{UpsertStatus, WriteAction};
use leadgate::decision::reason::ReasonCode;
use leadgate::decision::tier::{MatchLevel, MatchTier};
use leadgate::domain::{FieldKey, LeadId, SourceName};

/// What a review is about: the model's name for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ReviewIdentity {
    /// Two leads, the lower id first.
    Pair(LeadId, LeadId),
    /// A parked payload.
    Parked(SourceName, Vec<u8>),
    /// What a bulk source would have overwritten on this lead.
    Bulk(LeadId),
    /// One that was only previewed.
    Unknown,
}

impl ReviewIdentity {
    pub(crate) fn pair(a: LeadId, b: LeadId) -> Self {
        Self::Pair(a.min(b), a.max(b))
    }
}

/// What the caller is told to write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Write {
    pub(crate) target: SourceName,
    pub(crate) action: WriteAction,
    pub(crate) external_id: Option<String>,
    pub(crate) other_external_ids: BTreeSet<String>,
    pub(crate) changed_fields: BTreeSet<FieldKey>,
    /// What the write is reported with.
    pub(crate) claim_token: Option<String>,
}

/// The answer to an upsert, as far as the contract fixes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reply {
    pub(crate) status: UpsertStatus,
    pub(crate) lead_id: Option<LeadId>,
    pub(crate) version: i64,
    pub(crate) level: MatchLevel,
    pub(crate) matched_by: Option<MatchTier>,
    pub(crate) best_match: Option<LeadId>,
    pub(crate) conflicts: BTreeSet<(MatchTier, LeadId, String)>,
    pub(crate) external_ids: BTreeSet<(SourceName, String)>,
    pub(crate) write: Option<Write>,
    pub(crate) withheld: BTreeSet<(FieldKey, ReasonCode)>,
    pub(crate) reasons: BTreeSet<ReasonCode>,
    pub(crate) review: Option<ReviewIdentity>,
    pub(crate) replayed: bool,
}

/// The answer to a report.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReportReply {
    pub(crate) lead_id: Option<LeadId>,
    pub(crate) next: Option<Write>,
    pub(crate) reasons: BTreeSet<ReasonCode>,
}
