//! `leadgate match`: what an upsert of a lead would do, without doing it.

use crate::grpc::client::Client;
use crate::grpc::proto::{MatchLeadRequest, MatchLeadResponse};

use super::destination::{Destination, DestinationOptions, WithoutFolder};
use super::exit::{CommandError, Exit};
use super::json;
use super::lead_options::LeadOptions;
use super::output::{OutputFormat, Table, print, print_json, print_json_line};

/// Tell which lead a lead is, and why, without writing anything.
///
/// The lead is given by flags or, without any, as a JSON object on the standard input, with the names of LeadInput or their aliases.
#[derive(Debug, clap::Args)]
pub(crate) struct MatchOptions {
    #[command(flatten)]
    lead: LeadOptions,

    /// How many candidates to tell.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    max_candidates: i32,

    /// Tell the candidates' leads too (json and jsonl).
    #[arg(long)]
    include_lead: bool,

    #[command(flatten)]
    destination: DestinationOptions,

    /// How to print the answer.
    #[arg(long, value_enum, default_value = "table")]
    output: OutputFormat,
}

/// Asks a server, or a data folder.
pub(super) async fn ask(
    request: MatchLeadRequest,
    destination: &DestinationOptions,
) -> Result<MatchLeadResponse, CommandError> {
    let destination = Destination::open(destination, WithoutFolder::Refuse).await?;
    let answer = async { Client::connect(destination.address()).await?.match_lead(request).await }.await;
    destination.close().await?;
    Ok(answer?)
}

/// Asks and prints.
pub(crate) async fn run(options: MatchOptions) -> Result<Exit, CommandError> {
    let lead = options.lead.request()?;
    let (max_candidates, include_lead) = (options.max_candidates, options.include_lead);
    let answer = ask(MatchLeadRequest { max_candidates, include_lead, ..lead }, &options.destination).await?;
    show(options.output, &answer).map_err(|error| CommandError::new(Exit::InUse, error))?;
    Ok(Exit::Success)
}

fn show(output: OutputFormat, answer: &MatchLeadResponse) -> std::io::Result<()> {
    match output {
        OutputFormat::Json => print_json(&json::match_response(answer)),
        OutputFormat::Jsonl => print_json_line(&json::match_response(answer)),
        OutputFormat::Table => print(&tables(answer)),
    }
}

/// The answer for a person: what would happen, why, and how the candidates compare.
fn tables(answer: &MatchLeadResponse) -> String {
    let decision = answer.decision.clone().unwrap_or_default();
    let mut summary = Table::new(["decision", ""]);
    summary.row(["status", json::status(answer.status())]);
    summary.row(["level", json::level(decision.level())]);
    summary.row(["matched by", json::tier(decision.matched_by())]);
    summary.row(["lead", &decision.lead_id]);
    let thresholds = format!(
        "{:.3} (match from {:.2}, review from {:.2})",
        decision.score, decision.match_threshold, decision.review_threshold
    );
    summary.row(["score", &thresholds]);
    for id in &answer.external_ids {
        summary.row(["external id", &format!("{}:{}", id.source, id.value)]);
    }
    if let Some(write) = &answer.write {
        summary.row(["write", &format!("{} {} {}", json::action(write.action()), write.target, write.external_id)]);
    }
    for conflict in &decision.conflicts {
        let points = format!("{} points at {}", conflict.value_field, conflict.lead_id);
        summary.row(["conflict", &points]);
    }
    for reason in &answer.reasons {
        summary.row(["reason", &format!("{}: {}", reason.code, reason.message)]);
    }
    for withheld in &answer.withheld {
        summary.row(["withheld", &format!("{} ({})", withheld.field, withheld.reason)]);
    }
    summary.row(["policy", &decision.policy_version]);
    format!("{}{}", summary.render(), candidates(&decision))
}

fn candidates(decision: &crate::grpc::proto::Decision) -> String {
    let mut table =
        Table::new(["candidate", "level", "matched by", "field", "incoming", "existing", "similarity", "weight"])
            .numbers(&[6, 7]);
    for candidate in &decision.candidates {
        let head = [candidate.lead_id.as_str(), json::level(candidate.level()), json::tier(candidate.matched_by())];
        let why: Vec<_> = candidate.reasons.iter().map(|reason| reason.code.as_str()).collect();
        table.row([head[0], head[1], head[2], &why.join(" "), "", "", &format!("{:.3}", candidate.score), ""]);
        for it in &candidate.comparisons {
            let (similarity, weight) = (format!("{:.3}", it.similarity), format!("{:+.2}", it.weight));
            table.row(["", &it.level, "", &it.field, &it.incoming, &it.existing, &similarity, &weight]);
        }
    }
    if table.is_empty() { String::new() } else { format!("\n{}", table.render()) }
}
