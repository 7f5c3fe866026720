//! `leadgate search`: finds leads by words.

use crate::grpc::client::Client;
use crate::grpc::proto::{ExternalIdState, Lead, SearchLeadsRequest};

use super::destination::{Destination, DestinationOptions, WithoutFolder};
use super::exit::{CommandError, Exit};
use super::json;
use super::output::{OutputFormat, Table, print, print_json, print_json_line};

/// The most leads that one call returns.
const LARGEST_PAGE: usize = 100;

/// Find leads by words, or the beginnings of words, of names, companies, addresses and identifiers; best first.
#[derive(Debug, clap::Args)]
pub(crate) struct SearchOptions {
    /// The words; all must occur.
    #[arg(required = true)]
    words: Vec<String>,

    #[command(flatten)]
    destination: DestinationOptions,

    /// How many leads to find at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,

    /// How to print the leads: json and jsonl have every field.
    #[arg(long, value_enum, default_value = "table")]
    output: OutputFormat,
}

/// Searches and prints.
pub(crate) async fn run(options: SearchOptions) -> Result<Exit, CommandError> {
    let destination = Destination::open(&options.destination, WithoutFolder::Refuse).await?;
    let found = search(&options, &destination).await;
    destination.close().await?;
    show(options.output, &found?).map_err(|error| CommandError::new(Exit::InUse, error))?;
    Ok(Exit::Success)
}

async fn search(options: &SearchOptions, destination: &Destination) -> Result<Vec<Lead>, CommandError> {
    let mut client = Client::connect(destination.address()).await?;
    let mut request = SearchLeadsRequest { query: options.words.join(" "), ..Default::default() };
    let mut leads = Vec::new();
    while leads.len() < options.limit {
        let wanted = (options.limit - leads.len()).min(LARGEST_PAGE);
        request.page_size = i32::try_from(wanted).unwrap_or(i32::MAX);
        let page = client.search_leads(request.clone()).await?;
        leads.extend(page.leads);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    leads.truncate(options.limit);
    Ok(leads)
}

fn show(output: OutputFormat, leads: &[Lead]) -> std::io::Result<()> {
    match output {
        OutputFormat::Json => print_json(&leads.iter().map(json::lead).collect::<Vec<_>>()),
        OutputFormat::Jsonl => leads.iter().try_for_each(|lead| print_json_line(&json::lead(lead))),
        OutputFormat::Table => {
            let mut table = Table::new(["lead_id", "name", "company", "email", "phone", "external_ids"]);
            for lead in leads {
                table.row(row(lead));
            }
            print(&table.render())
        }
    }
}

fn row(lead: &Lead) -> [String; 6] {
    let live = |state| state == ExternalIdState::Live;
    let ids: Vec<_> = lead
        .external_ids
        .iter()
        .filter(|id| live(id.state()))
        .map(|id| format!("{}:{}", id.source, id.value))
        .collect();
    [
        lead.lead_id.clone(),
        name(lead),
        lead.company.clone().unwrap_or_default(),
        lead.email.clone().unwrap_or_default(),
        lead.phone.clone().or_else(|| lead.mobile_phone.clone()).unwrap_or_default(),
        ids.join(" "),
    ]
}

fn name(lead: &Lead) -> String {
    let parts: Vec<_> = [&lead.first_name, &lead.last_name].into_iter().flatten().map(String::as_str).collect();
    if parts.is_empty() { lead.full_name.clone().unwrap_or_default() } else { parts.join(" ") }
}
