//! `leadgate match`: what an upsert of a lead would do, without doing it.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read};

use crate::grpc::client::Client;
use crate::grpc::proto::{LeadInput, MatchLeadRequest, MatchLeadResponse, MatchTier, UpsertMode};

use super::destination::{Destination, DestinationOptions};
use super::exit::{CommandError, Exit};
use super::import::{RequestTemplate, RowProblem, Target, read_object};
use super::json;
use super::output::{OutputFormat, Table, print, print_json, print_json_line};

/// The longest lead that is read from the standard input.
const LONGEST_INPUT_BYTES: u64 = 4 << 20;

/// The tier to decide first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LookupField {
    ExternalId,
    Email,
    Phone,
}

/// Tell which lead a lead is, and why, without writing anything.
///
/// The lead is given by flags or, without any, as a JSON object on the standard input, with the names of LeadInput or their aliases.
#[derive(Debug, clap::Args)]
pub(crate) struct MatchOptions {
    #[command(flatten)]
    lead: LeadFlags,

    /// The source that the lead comes from.
    #[arg(long, value_name = "NAME", default_value = "cli")]
    source: String,

    /// The system that the lead would be written to.
    #[arg(long, value_name = "NAME", default_value = "")]
    target: String,

    /// The lead, where its id is known.
    #[arg(long, value_name = "ID", default_value = "")]
    lead_id: String,

    /// The tier to decide first.
    #[arg(long, value_enum)]
    lookup_field: Option<LookupField>,

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

macro_rules! lead_flags {
    ($($field:ident,)*) => {
        /// The fields of a lead as flags.
        #[derive(Debug, Default, clap::Args)]
        #[command(next_help_heading = "The lead")]
        #[allow(missing_docs, reason = "each is the field of LeadInput of that name")]
        struct LeadFlags {
            $(#[arg(long, value_name = "TEXT")] $field: Option<String>,)*
            /// An id in another system.
            #[arg(long, value_name = "SOURCE=ID")]
            external_ids: Vec<String>,
            /// Anything else.
            #[arg(long, value_name = "KEY=TEXT")]
            attribute: Vec<String>,
        }

        impl LeadFlags {
            /// The flags given, as rows have their values.
            fn values(&self) -> Result<Vec<(Target, String)>, String> {
                let mut values = Vec::new();
                for (name, value) in [$((stringify!($field), &self.$field)),*] {
                    if let (Some(target), Some(value)) = (Target::parse(name), value) {
                        values.push((target, value.clone()));
                    }
                }
                for (prefix, entries) in [("external_ids", &self.external_ids), ("attributes", &self.attribute)] {
                    for entry in entries {
                        let (key, value) = entry.split_once('=').ok_or_else(|| format!("`{prefix}`: not of the form KEY=TEXT"))?;
                        let target = Target::parse(&format!("{prefix}.{key}")).ok_or_else(|| format!("`{prefix}`: the key is empty"))?;
                        values.push((target, value.to_owned()));
                    }
                }
                Ok(values)
            }
        }
    };
}

lead_flags! {
    external_id,
    external_contact_id,
    email,
    phone,
    mobile_phone,
    first_name,
    last_name,
    full_name,
    company,
    website,
    title,
    street,
    city,
    state,
    postal_code,
    country,
    date_of_birth,
    lead_source,
    lead_status,
}

/// Asks and prints.
pub(crate) async fn run(options: MatchOptions) -> Result<Exit, CommandError> {
    let request = request(&options)?;
    let destination = Destination::open(&options.destination).await?;
    let answer = async { Client::connect(destination.address()).await?.match_lead(request).await }.await;
    destination.close().await?;
    show(options.output, &answer?).map_err(|error| CommandError::new(Exit::InUse, error))?;
    Ok(Exit::Success)
}

fn request(options: &MatchOptions) -> Result<MatchLeadRequest, CommandError> {
    let mut values = options.lead.values().map_err(CommandError::usage)?;
    if values.is_empty() && options.lead_id.is_empty() {
        values = from_standard_input()?;
    }
    Ok(MatchLeadRequest {
        source: options.source.clone(),
        target: options.target.clone(),
        lead_id: options.lead_id.clone(),
        lead: Some(lead(&values).map_err(|problem| CommandError::usage(problem.message))?),
        lookup_field: match options.lookup_field {
            None => MatchTier::Unspecified,
            Some(LookupField::ExternalId) => MatchTier::ExternalId,
            Some(LookupField::Email) => MatchTier::Email,
            Some(LookupField::Phone) => MatchTier::Phone,
        }
        .into(),
        max_candidates: options.max_candidates,
        include_lead: options.include_lead,
    })
}

fn lead(values: &[(Target, String)]) -> Result<LeadInput, RowProblem> {
    let template = RequestTemplate {
        source: String::new(),
        target: String::new(),
        mode: UpsertMode::Unspecified,
        validate_only: true,
        run: String::new(),
    };
    Ok(template.request(0, values)?.lead.unwrap_or_default())
}

fn from_standard_input() -> Result<Vec<(Target, String)>, CommandError> {
    if std::io::stdin().is_terminal() {
        return Err(CommandError::usage("give the lead by flags, or as a JSON object on the standard input"));
    }
    let mut text = Vec::new();
    std::io::stdin()
        .take(LONGEST_INPUT_BYTES)
        .read_to_end(&mut text)
        .map_err(|error| CommandError::usage(format!("the standard input cannot be read: {error}")))?;
    let mut unknown = BTreeSet::new();
    let values = read_object(&text, &[], &mut unknown)
        .map_err(|problem| CommandError::usage(format!("standard input: {}", problem.message)))?;
    if unknown.is_empty() {
        return Ok(values);
    }
    let unknown: Vec<_> = unknown.into_iter().collect();
    Err(CommandError::usage(format!("standard input: no fields of a lead: {}", unknown.join(", "))))
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
