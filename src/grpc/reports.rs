//! Reports about writes: those about one lead in input order, those about different leads at the same time.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::decision::command::RequestId;
use crate::decision::plan::WriteReport;
use crate::domain::LeadId;
use crate::engine::Engine;
use crate::store::LeadStore;

use super::convert::{Door, report_answer, write_report};
use super::proto;
use super::status::Failure;

type Report = (usize, WriteReport, Option<RequestId>);

/// A result for each report, in input order. Fails as a whole only where a kind of report is not understood yet: what is not
/// taken must not look as if it had been.
pub(crate) async fn report_writes<S: LeadStore>(
    engine: &std::sync::Arc<Engine<S>>,
    reports: Vec<proto::WriteReport>,
    door: &Door<'_>,
) -> Result<Vec<proto::WriteReportResult>, Failure> {
    let mut results = vec![proto::WriteReportResult::default(); reports.len()];
    let mut by_lead: BTreeMap<LeadId, Vec<Report>> = BTreeMap::new();
    for (index, report) in reports.into_iter().enumerate() {
        match write_report(report, door) {
            Ok((report, request_id)) => by_lead.entry(report.lead_id).or_default().push((index, report, request_id)),
            Err(failure @ Failure::NotYetAvailable(_)) => return Err(failure),
            Err(failure) => results[index].reasons = failure.into_reasons(),
        }
    }
    let chains = by_lead.into_values().map(|reports| work_off(engine, reports));
    for (index, result) in join_all(chains).await.into_iter().flatten() {
        results[index] = result;
    }
    Ok(results)
}

async fn work_off<S: LeadStore>(
    engine: &std::sync::Arc<Engine<S>>,
    reports: Vec<Report>,
) -> Vec<(usize, proto::WriteReportResult)> {
    let mut results = Vec::with_capacity(reports.len());
    for (index, report, request_id) in reports {
        let result = match engine.report_write(report, request_id).await {
            Ok(answer) => report_answer(answer),
            Err(error) => proto::WriteReportResult {
                reasons: Failure::from(error).into_reasons(),
                ..proto::WriteReportResult::default()
            },
        };
        results.push((index, result));
    }
    results
}
