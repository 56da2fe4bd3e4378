//! `varde-collector measure`: the bank of measures, as the program brings it and as the operator words it.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Subcommand;
use serde::Serialize;

use super::noted::deed;
use super::{say, work};
use crate::audit::On;
use crate::io::{clock, directory};
use crate::limits::advisory::MEASURE_FILE_MAX_OCTETS;
use crate::measure::propose::{Because, Situation, propose};
use crate::measure::{Bank, Measure, file};
use crate::present::shown::Shown;
use crate::present::text::Language;
use crate::store::measure::Worded;
use crate::store::{Scope, Store};
use crate::workflow::Matter;

const LIST_KEYS: &str = "\
KEYS of --json: key, nsm (NSM's grunnprinsipper: a measure such as 4.3.3, or its principle), type (organisational, human, physical or
technological), purpose (prevent, detect or handle), title, why, steps, done (in the language asked for), reworded (languages in which the
operator words it otherwise), because (why it is proposed; null unless --campaign or --incident asks).";

const EDIT_HELP: &str = "\
  varde-collector measure show keep-traces --file > keep-traces.toml
  varde-collector measure edit keep-traces --words keep-traces.toml
What was sent keeps the words it had. The program's own: varde-collector measure reset KEY. Versions: measure show KEY --versions.";

/// Subcommands of `measure`.
#[derive(Debug, Subcommand)]
pub enum MeasureCommand {
    /// List measures; of a campaign or an incident those that are proposed, and why.
    #[command(after_help = LIST_KEYS)]
    List {
        /// Proposed for this campaign.
        #[arg(long, value_name = "CAMPAIGN", conflicts_with = "incident")]
        campaign: Option<String>,
        /// Proposed for this incident.
        #[arg(long, value_name = "INCIDENT")]
        incident: Option<String>,
        /// In which language: nb, nn or en.
        #[arg(long, value_name = "LANGUAGE", default_value = "nb", value_parser = language)]
        language: Language,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one.
    #[command(after_help = LIST_KEYS)]
    Show {
        /// Its key.
        key: String,
        /// In which language: nb, nn or en.
        #[arg(long, value_name = "LANGUAGE", default_value = "nb", value_parser = language)]
        language: Language,
        /// Its words as a file, to be edited.
        #[arg(long, conflicts_with = "versions")]
        file: bool,
        /// The versions of its words, the newest first.
        #[arg(long)]
        versions: bool,
        /// JSON.
        #[arg(long)]
        json: bool,
    },
    /// Word one otherwise, in one language.
    #[command(after_help = EDIT_HELP)]
    Edit {
        /// Its key.
        key: String,
        /// A file with title, why, steps and done.
        #[arg(long, value_name = "FILE")]
        words: PathBuf,
        /// In which language: nb, nn or en.
        #[arg(long, value_name = "LANGUAGE", default_value = "nb", value_parser = language)]
        language: Language,
    },
    /// Have it as the program brings it again, in one language.
    Reset {
        /// Its key.
        key: String,
        /// In which language: nb, nn or en.
        #[arg(long, value_name = "LANGUAGE", default_value = "nb", value_parser = language)]
        language: Language,
    },
}

fn language(text: &str) -> Result<Language, String> {
    Language::ALL.into_iter().find(|language| language.tag() == text).ok_or_else(|| "one of nb, nn, en".to_owned())
}

#[derive(Debug, Serialize)]
struct MeasureJson<'a> {
    key: &'a str,
    nsm: &'a str,
    r#type: &'static str,
    purpose: &'static str,
    title: &'a str,
    why: &'a str,
    steps: &'a [String],
    done: &'a str,
    reworded: Vec<&'static str>,
    because: Option<Vec<String>>,
}

fn json_of<'a>(measure: &'a Measure, language: Language, because: Option<&[Because]>) -> MeasureJson<'a> {
    let content = measure.contents.of(language);
    MeasureJson {
        key: &measure.key,
        nsm: &measure.nsm,
        r#type: measure.sort.as_str(),
        purpose: measure.purpose.as_str(),
        title: &content.title,
        why: &content.why,
        steps: &content.steps,
        done: &content.done,
        reworded: measure.reworded.iter().map(|language| language.tag()).collect(),
        because: because.map(|all| all.iter().map(because_words).collect()),
    }
}

/// Why a measure is proposed.
fn because_words(because: &Because) -> String {
    match because {
        Because::Evidence(evidence) => format!("it came to {}", evidence.as_str()),
        Because::NotKnownHowFar => "nobody says how far it came".to_owned(),
        Because::Level(level) => format!("in a zone of {} consequence", file::level_word(*level)),
        Because::Threat(threat) => format!("a source says {}", threat.as_str()),
        Because::Kind(kind) => format!("met by a {kind}"),
    }
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: MeasureCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = dispatch(&store, command).await;
    store.close().await;
    done
}

async fn dispatch(store: &Store, command: MeasureCommand) -> anyhow::Result<()> {
    let bank = store.bank(Scope::Operator).await?;
    match command {
        MeasureCommand::List { campaign, incident, language, json } => {
            let case = match (campaign, incident) {
                (Some(name), _) => Some(Matter::Campaign(work::campaign_named(store, &name).await?)),
                (None, Some(name)) => Some(Matter::Incident(work::incident_named(store, &name).await?)),
                (None, None) => None,
            };
            let situation = match case {
                Some(case) => store.situation(Scope::Operator, case).await?,
                None => None,
            };
            list(&bank, situation.as_ref(), language, json)
        }
        MeasureCommand::Show { key, language, file: as_file, versions, json } => {
            let measure = bank.get(&key).ok_or_else(|| anyhow!("{}", bank.no_such(&key)))?;
            if versions {
                return show_versions(&store.measure_versions(Scope::Operator, &key).await?, json);
            }
            if as_file {
                return say::result(file::written(measure.contents.of(language)).trim_end());
            }
            show(measure, language, json)
        }
        MeasureCommand::Edit { key, words, language } => {
            if bank.get(&key).is_none() {
                bail!("{}", bank.no_such(&key));
            }
            let octets = directory::read(&words, MEASURE_FILE_MAX_OCTETS)?;
            let text = String::from_utf8(octets).map_err(|_| anyhow!("{} is no UTF-8", words.display()))?;
            let content = file::words(&text).map_err(|why| anyhow!("{} {why}", words.display()))?;
            let doing = deed("measure edit", On::Thing(format!("measure {key}")))
                .becomes(format!("worded anew in {}", language.tag()));
            store.noting(doing).word_measure(&key, language, Some(&content), clock::now()).await?;
            say::result(&format!("Measure {key} is worded anew in {}.", language.tag()))
        }
        MeasureCommand::Reset { key, language } => {
            if bank.get(&key).is_none() {
                bail!("{}", bank.no_such(&key));
            }
            let doing = deed("measure reset", On::Thing(format!("measure {key}")))
                .becomes(format!("as the program brings it in {}", language.tag()));
            store.noting(doing).word_measure(&key, language, None, clock::now()).await?;
            say::result(&format!("Measure {key} is as the program brings it in {}.", language.tag()))
        }
    }
}

fn list(bank: &Bank, situation: Option<&Situation>, language: Language, json: bool) -> anyhow::Result<()> {
    let rows: Vec<MeasureJson<'_>> = match situation {
        Some(situation) => propose(bank, situation)
            .into_iter()
            .map(|proposed| json_of(proposed.measure, language, Some(&proposed.because)))
            .collect(),
        None => bank.all().iter().map(|measure| json_of(measure, language, None)).collect(),
    };
    let row = |one: &MeasureJson<'_>| {
        let because = one.because.as_ref().map_or("-".to_owned(), |all| all.join(", "));
        vec![
            one.key.to_owned(),
            one.nsm.to_owned(),
            one.r#type.to_owned(),
            one.purpose.to_owned(),
            one.title.to_owned(),
            because,
        ]
    };
    say::rows(&rows, json, &["KEY", "NSM", "TYPE", "PURPOSE", "TITLE", "PROPOSED BECAUSE"], row, "No measures.")
}

fn show(measure: &Measure, language: Language, json: bool) -> anyhow::Result<()> {
    if json {
        return say::result(&serde_json::to_string(&json_of(measure, language, None))?);
    }
    let content = measure.contents.of(language);
    let shown = |text: &str| Shown::whole(text).to_string();
    let (sort, purpose) = (measure.sort.as_str(), measure.purpose.as_str());
    let mut lines = vec![
        format!("{} ({}, {sort}, {purpose}, NSM {})", shown(&content.title), measure.key, measure.nsm),
        shown(&content.why),
    ];
    lines.extend((1..).zip(&content.steps).map(|(place, step)| format!("  {place}. {}", shown(step))));
    lines.push(shown(&content.done));
    say::result(&lines.join("\n"))
}

fn show_versions(versions: &[Worded], json: bool) -> anyhow::Result<()> {
    let row = |one: &Worded| {
        let title = one.words.as_ref().map_or("(as the program brings it)", |words| words.title.as_str());
        vec![say::moment(Some(one.at)), one.language.clone(), Shown::whole(title).to_string()]
    };
    say::rows(
        versions,
        json,
        &["WRITTEN", "LANGUAGE", "TITLE"],
        row,
        "It is as the program brings it, and never was otherwise.",
    )
}
