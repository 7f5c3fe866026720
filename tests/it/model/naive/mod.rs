//! A naive sequential model of the contract: one request at a time, plain vectors, everything found by looking at every lead.
//!
//! Written from the contract alone. It shares the words of the domain and the request with the product, and the name guard; it
//! never calls the product's decision or plan, and nothing here is clever enough to be wrong in the same way.

mod matching;
mod reply;
mod report;
mod state;
mod updating;
mod upsert;
mod writing;

pub(crate) use reply::{Reply, ReportReply, ReviewIdentity, Write};
pub(crate) use state::{Model, ModelLead};
pub(crate) use upsert::Refusal;

use leadgate::domain::LeadId;

/// Ids that the product made up and the model takes over, so that both call one lead by one id.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    /// The id of the lead, should one be created.
    pub(crate) lead_id: LeadId,
    /// The token of a claim, should one be given.
    pub(crate) claim_token: String,
}
