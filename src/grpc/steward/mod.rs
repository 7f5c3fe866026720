//! `StewardService`: the handlers for people who look after the data. Each unpacks, calls and converts.

mod dead_letters;
mod decisions;
mod leads;
mod reviews;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::store::LeadStore;

use super::desk::Desk;
use super::proto;
use super::proto::steward_service_server::StewardService;
use super::status::Failure;

/// Entries of a list that nobody counted.
const USUAL_PAGE: usize = 50;
/// Most entries of a page.
const MOST_ON_A_PAGE: usize = 500;

/// The handlers.
pub(crate) struct Steward<S: LeadStore> {
    desk: Arc<Desk<S>>,
}

impl<S: LeadStore> Steward<S> {
    /// Handlers at a desk.
    pub(crate) fn new(desk: Arc<Desk<S>>) -> Self {
        Self { desk }
    }
}

/// A method of the contract that a later release fills.
fn not_yet<T>(method: &'static str) -> Result<Response<T>, Status> {
    Err(Failure::NotYetAvailable(method).into())
}

#[tonic::async_trait]
impl<S: LeadStore> StewardService for Steward<S> {
    async fn search_leads(
        &self,
        request: Request<proto::SearchLeadsRequest>,
    ) -> Result<Response<proto::SearchLeadsResponse>, Status> {
        self.desk.reply(leads::search(&self.desk, request.into_inner()).await?)
    }

    async fn list_reviews(
        &self,
        request: Request<proto::ListReviewsRequest>,
    ) -> Result<Response<proto::ListReviewsResponse>, Status> {
        self.desk.reply(reviews::list(&self.desk, request.into_inner()).await?)
    }

    async fn list_decisions(
        &self,
        request: Request<proto::ListDecisionsRequest>,
    ) -> Result<Response<proto::ListDecisionsResponse>, Status> {
        self.desk.reply(decisions::list(&self.desk, request.into_inner()).await?)
    }

    async fn list_dead_letters(
        &self,
        request: Request<proto::ListDeadLettersRequest>,
    ) -> Result<Response<proto::ListDeadLettersResponse>, Status> {
        self.desk.reply(dead_letters::list(&self.desk, request.into_inner()).await?)
    }

    async fn resolve_review(
        &self,
        _request: Request<proto::ResolveReviewRequest>,
    ) -> Result<Response<proto::ResolveReviewResponse>, Status> {
        not_yet("ResolveReview")
    }

    async fn merge_leads(
        &self,
        _request: Request<proto::MergeLeadsRequest>,
    ) -> Result<Response<proto::MergeLeadsResponse>, Status> {
        not_yet("MergeLeads")
    }

    async fn unmerge_lead(
        &self,
        _request: Request<proto::UnmergeLeadRequest>,
    ) -> Result<Response<proto::UnmergeLeadResponse>, Status> {
        not_yet("UnmergeLead")
    }

    async fn split_lead(
        &self,
        _request: Request<proto::SplitLeadRequest>,
    ) -> Result<Response<proto::SplitLeadResponse>, Status> {
        not_yet("SplitLead")
    }

    async fn explain_decision(
        &self,
        _request: Request<proto::ExplainDecisionRequest>,
    ) -> Result<Response<proto::ExplainDecisionResponse>, Status> {
        not_yet("ExplainDecision")
    }

    async fn replay_dead_letter(
        &self,
        _request: Request<proto::ReplayDeadLetterRequest>,
    ) -> Result<Response<proto::ReplayDeadLetterResponse>, Status> {
        not_yet("ReplayDeadLetter")
    }

    async fn delete_lead(
        &self,
        _request: Request<proto::DeleteLeadRequest>,
    ) -> Result<Response<proto::DeleteLeadResponse>, Status> {
        not_yet("DeleteLead")
    }

    async fn undelete_lead(
        &self,
        _request: Request<proto::UndeleteLeadRequest>,
    ) -> Result<Response<proto::UndeleteLeadResponse>, Status> {
        not_yet("UndeleteLead")
    }

    async fn erase_lead(
        &self,
        _request: Request<proto::EraseLeadRequest>,
    ) -> Result<Response<proto::EraseLeadResponse>, Status> {
        not_yet("EraseLead")
    }
}
