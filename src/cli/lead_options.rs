//! A lead as it is given on the command line or on the standard input.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read};

use crate::grpc::proto::{LeadInput, MatchLeadRequest, MatchTier, UpsertMode};

use super::exit::CommandError;
use super::import::{RequestTemplate, RowProblem, Target, read_object};

/// The longest lead that is read from the standard input.
const LONGEST_INPUT_BYTES: u64 = 4 << 20;

/// The tier to decide first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LookupField {
    ExternalId,
    Email,
    Phone,
}

/// A lead to look for: by flags or, without any, as a JSON object on the standard input.
#[derive(Debug, clap::Args)]
pub(super) struct LeadOptions {
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

impl LeadOptions {
    /// The request that looks for it. Reads the standard input where no flag says anything.
    pub(super) fn request(&self) -> Result<MatchLeadRequest, CommandError> {
        let mut values = self.lead.values().map_err(CommandError::usage)?;
        if values.is_empty() && self.lead_id.is_empty() {
            values = from_standard_input()?;
        }
        Ok(MatchLeadRequest {
            source: self.source.clone(),
            target: self.target.clone(),
            lead_id: self.lead_id.clone(),
            lead: Some(lead(&values).map_err(|problem| CommandError::usage(problem.message))?),
            lookup_field: match self.lookup_field {
                None => MatchTier::Unspecified,
                Some(LookupField::ExternalId) => MatchTier::ExternalId,
                Some(LookupField::Email) => MatchTier::Email,
                Some(LookupField::Phone) => MatchTier::Phone,
            }
            .into(),
            max_candidates: 0,
            include_lead: false,
        })
    }
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
