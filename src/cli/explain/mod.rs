//! `leadgate explain`: why a lead is taken for another, drawn so that a person can add it up.

mod keys;
pub(crate) mod svg;
mod terminal;

use std::io::Write as _;
use std::path::PathBuf;

use crate::decision::explanation::{Part, Thresholds, Waterfall};
use crate::grpc::proto::{Candidate, Comparison, Decision, LeadInput, MatchLeadRequest, MatchTier};

use super::destination::DestinationOptions;
use super::exit::{CommandError, Exit};
use super::json;
use super::lead_options::LeadOptions;
use super::match_lead::ask;
use super::output::{Table, print, say};
use super::whole_file::write_whole;

use keys::Keys;
use terminal::Style;

/// As many candidates as a server tells.
const MOST_CANDIDATES: i32 = 50;

/// Draw why a lead is taken for a stored one, or is not.
///
/// Takes the lead as `leadgate match` does, and writes nothing to the server. Shows, for the best candidate, the odds that two leads are
/// one before anything is known, what each field adds to them or takes off, and the sum. An exact key decides without weights: then it
/// shows which one did.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainOptions {
    #[command(flatten)]
    lead: LeadOptions,

    /// The candidate to explain. Default: the best.
    #[arg(long, value_name = "LEAD_ID")]
    candidate: Option<String>,

    /// Write the drawing to this file, too.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    #[command(flatten)]
    destination: DestinationOptions,
}

/// Asks and draws.
pub(crate) async fn run(options: ExplainOptions) -> Result<Exit, CommandError> {
    let request = MatchLeadRequest { max_candidates: MOST_CANDIDATES, ..options.lead.request()? };
    let given = request.lead.clone().unwrap_or_default();
    let answer = ask(request, &options.destination).await?;
    let decision = answer.decision.unwrap_or_default();
    let Some(candidate) = chosen(&decision, options.candidate.as_deref())? else {
        let reasons = answer.reasons.iter().map(|reason| format!("{}: {}\n", reason.code, reason.message));
        let text = format!("no stored lead comes into question\n{}", reasons.collect::<String>());
        say_no_picture(&options);
        return printed(&text);
    };
    let drawing = Drawing::of(candidate, &decision, &given);
    let text = [drawing.text(candidate, Style::of_output()), others(candidate, &decision)].concat();
    if let Some(path) = &options.svg {
        write_whole(path, |file| file.write_all(drawing.svg(candidate).as_bytes()))?;
    }
    printed(&text)
}

fn printed(text: &str) -> Result<Exit, CommandError> {
    print(text).map(|()| Exit::Success).map_err(|error| CommandError::new(Exit::InUse, error))
}

fn say_no_picture(options: &ExplainOptions) {
    if let Some(path) = &options.svg {
        say(&format!("{} is not written: there is nothing to draw", path.display()));
    }
}

/// The candidate that is asked for, or the best; none without any.
fn chosen<'a>(decision: &'a Decision, wanted: Option<&str>) -> Result<Option<&'a Candidate>, CommandError> {
    let candidates = &decision.candidates;
    let Some(wanted) = wanted else {
        return Ok(candidates.iter().find(|one| one.lead_id == decision.lead_id).or(candidates.first()));
    };
    candidates.iter().find(|candidate| candidate.lead_id == wanted).map(Some).ok_or_else(|| {
        let known: Vec<_> = candidates.iter().map(|candidate| candidate.lead_id.as_str()).collect();
        let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
        CommandError::usage(format!("--candidate: {wanted} is no candidate for this lead; the candidates: {known}"))
    })
}

/// What there is to draw of a candidate: the key that decided, the weights, or both.
struct Drawing {
    keys: Option<Keys>,
    waterfall: Option<Waterfall>,
}

impl Drawing {
    fn of(candidate: &Candidate, decision: &Decision, given: &LeadInput) -> Self {
        let exact = !matches!(candidate.matched_by(), MatchTier::Fuzzy | MatchTier::Unspecified);
        let weighed = candidate.comparisons.iter().any(|comparison| comparison.weight != 0.0);
        Self {
            keys: exact.then(|| Keys::of(candidate, decision, given)),
            waterfall: weighed.then(|| waterfall(candidate, decision)),
        }
    }

    fn text(&self, candidate: &Candidate, style: Style) -> String {
        let mut text = format!("{}\n", title(candidate));
        for reason in &candidate.reasons {
            text.push_str(&format!("{}: {}\n", reason.code, reason.message));
        }
        if let Some(keys) = &self.keys {
            text.push_str(&format!("\n{}", keys.text()));
        }
        match &self.waterfall {
            Some(waterfall) => text.push_str(&format!("\n{}", terminal::draw(waterfall, style))),
            None => text.push_str("\nNothing was weighed.\n"),
        }
        text
    }

    /// The weights, or the keys where nothing was weighed.
    fn svg(&self, candidate: &Candidate) -> String {
        match (&self.waterfall, &self.keys) {
            (Some(waterfall), _) => svg::draw(waterfall, &title(candidate)),
            (None, Some(keys)) => keys.svg(&title(candidate)),
            (None, None) => svg::picture(&title(candidate), 36.0, &svg::label("", 10.0, 22.0, &title(candidate))),
        }
    }
}

fn title(candidate: &Candidate) -> String {
    let by = match candidate.matched_by() {
        MatchTier::Unspecified => String::new(),
        tier => format!(" by {}", json::tier(tier)),
    };
    format!("lead {}: {}{by}, score {:.3}", candidate.lead_id, json::level(candidate.level()), candidate.score)
}

fn waterfall(candidate: &Candidate, decision: &Decision) -> Waterfall {
    let thresholds = Thresholds { matching: decision.match_threshold, review: decision.review_threshold };
    Waterfall::new(decision.prior_weight, candidate.comparisons.iter().map(part), thresholds)
}

fn part(comparison: &Comparison) -> Part {
    let Comparison { field, incoming, existing, similarity, level, weight } = comparison.clone();
    let values = (!incoming.is_empty() || !existing.is_empty()).then_some((incoming, existing));
    Part { field, level, similarity: values.is_some().then_some(similarity), weight, values }
}

/// The candidates that are not drawn.
fn others(drawn: &Candidate, decision: &Decision) -> String {
    let mut table = Table::new(["other candidates", "level", "matched by", "score"]).numbers(&[3]);
    for other in decision.candidates.iter().filter(|other| other.lead_id != drawn.lead_id) {
        let (level, tier) = (json::level(other.level()), json::tier(other.matched_by()));
        table.row([other.lead_id.as_str(), level, tier, &format!("{:.3}", other.score)]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}", table.render()) }
}

/// A waterfall with everything that a drawing must cope with.
#[cfg(test)]
fn example() -> Waterfall {
    let compared =
        |field: &str, level: &str, similarity: f64, weight: f64, incoming: &str, existing: &str| Comparison {
            field: field.into(),
            incoming: incoming.into(),
            existing: existing.into(),
            similarity,
            level: level.into(),
            weight,
        };
    let candidate = Candidate {
        comparisons: vec![
            compared("last_name", "exact", 1.0, 9.2, "O'Neil <b>", "ONeil\u{1b}[2J"),
            compared("first_name", "nickname", 0.5, 5.75, "Bob", "Robert"),
            compared("company", "words", 0.8, 7.3, "A company with a name that does not end before the line", "Acme"),
            compared("phone", "different", 0.25, -1.2, "+12125550187", ""),
            compared("title", "missing", 0.0, 0.0, "", ""),
            compared("name_alone", "guard", 0.0, -0.5, "", ""),
        ],
        ..Candidate::default()
    };
    let decision =
        Decision { prior_weight: -18.9, match_threshold: 0.85, review_threshold: 0.7, ..Decision::default() };
    waterfall(&candidate, &decision)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: &str) -> Candidate {
        Candidate { lead_id: id.into(), ..Candidate::default() }
    }

    #[test]
    fn the_best_candidate_is_explained_unless_another_is_asked_for() {
        let decision =
            Decision { lead_id: "b".into(), candidates: vec![candidate("a"), candidate("b")], ..Decision::default() };
        let chosen = |wanted| chosen(&decision, wanted).map(|one| one.map(|one| one.lead_id.clone()));
        assert_eq!(chosen(None).ok().flatten().as_deref(), Some("b"));
        assert_eq!(chosen(Some("a")).ok().flatten().as_deref(), Some("a"));
        let error = chosen(Some("c")).expect_err("no candidate");
        assert!(error.message.contains("c is no candidate") && error.message.contains("a, b"), "{error}");
    }

    #[test]
    fn what_was_weighed_adds_up_to_the_total_weight() {
        assert!((example().weight() - 1.65).abs() < 1e-9, "{:?}", example());
    }
}
