//! `alert verdict` and `indicator verdict`: what a person concludes of an alert, what follows from it, and how that is taken back.

use anyhow::{anyhow, bail};
use clap::Args;
use serde::Serialize;
use varde_common::brake::is_reason;
use varde_common::limits::BRAKE_REASON_MAX_OCTETS;

use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::io::{clock, user};
use crate::limits::ALLOWED_MAX;
use crate::store::allow::Following;
use crate::store::verdict::{self, Judged, SourceRecord, TakenBack};
use crate::store::{Scope, Store};
use crate::verdict::Verdict;

/// Arguments of `alert verdict`.
#[derive(Debug, Args)]
pub struct VerdictArguments {
    /// The alert's number.
    pub id: i64,
    /// false-positive, legitimate or confirmed; none takes back what was said.
    #[arg(value_parser = word)]
    pub verdict: Word,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A verdict, or none.
type Word = Option<Verdict>;

fn word(text: &str) -> Result<Word, String> {
    if text == "none" { Ok(None) } else { text.parse().map(Some).map_err(|why| format!("{why}, and none")) }
}

/// A reason that can be shown.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let refused = || format!("a sentence of at most {BRAKE_REASON_MAX_OCTETS} bytes on one line");
    is_reason(text).then(|| text.to_owned()).ok_or_else(refused)
}

#[derive(Debug, Serialize)]
struct Done {
    alert: i64,
    indicator: i64,
    verdict: Option<Verdict>,
    before: Option<Verdict>,
    withdrawn: bool,
    reinstated: bool,
    sightings: u64,
    allowed: bool,
    allow_list_full: bool,
    allow_removed: bool,
    sources: Vec<SourceRecord>,
}

/// How right a source was, as it stands there; not yet fit for a terminal.
pub(super) fn record_in_words(record: &SourceRecord) -> String {
    let SourceRecord { source, shown, hits, confirmed, false_positives } = record;
    format!(
        "{source}: {shown} published, {hits} of them with alerts, {confirmed} verdicts confirmed it, {false_positives} found it wrong"
    )
}

/// What became of the allow-list, after what was said before it.
pub(super) fn of_allow_list(indicator: i64, following: Following) -> String {
    let Following { allowed, is_full, removed } = following;
    let mut words = String::new();
    if allowed {
        words.push_str(&format!(
            " The pattern of indicator {indicator} is on the allow-list: it and what is below or within it never goes out."
        ));
    }
    if is_full {
        words.push_str(&format!(
            " The allow-list is full ({ALLOWED_MAX}), so what is below or within it may still go out: varde-collector allow remove PATTERN, then say this again."
        ));
    }
    if removed {
        words.push_str(&format!(
            " The pattern of indicator {indicator}, which the verdict had put on the allow-list, is off it."
        ));
    }
    words
}

/// Runs the command.
///
/// # Errors
/// Why nothing was said.
pub(super) async fn run(store: &Store, arguments: VerdictArguments) -> anyhow::Result<()> {
    let VerdictArguments { id, verdict, reason, json } = arguments;
    let none = || anyhow!("there is no alert {id}; see: varde-collector alert list");
    let found = store.judgeable(Scope::Operator, id).await?.ok_or_else(none)?;
    let before = found.verdict.as_ref().map(|(verdict, _)| *verdict);
    let was = found.verdict.map_or("no verdict".to_owned(), |(verdict, reason)| format!("{verdict}: {reason}"));
    let becomes = verdict.map_or("no verdict".to_owned(), |verdict| verdict.to_string());
    let judging = deed("alert verdict", On::Thing(format!("alert {id}")))
        .concerns([found.member])
        .was(was)
        .becomes(format!("{becomes}: {reason}"));
    let said = verdict::Word { verdict, reason: &reason, who: &user::who() };
    let judged = store.noting(judging).judge(id, said, clock::now()).await?;
    let Judged { withdrawn, reinstated, sightings, allow_list } = judged.ok_or_else(none)?;
    let sources = store.source_records(Scope::Operator, Some(found.indicator)).await?;
    let indicator = found.indicator;
    if json {
        let Following { allowed, is_full: allow_list_full, removed: allow_removed } = allow_list;
        let done = Done {
            alert: id,
            indicator,
            verdict,
            before,
            withdrawn,
            reinstated,
            sightings,
            allowed,
            allow_list_full,
            allow_removed,
            sources,
        };
        return say::result(&serde_json::to_string(&done)?);
    }
    let mut words = match verdict {
        Some(Verdict::FalsePositive) if found.exercise => {
            format!("Alert {id} is false-positive. It is an exercise's: indicator {indicator} stays as it is.")
        }
        Some(verdict) => format!("Alert {id} is {verdict}."),
        None => format!("Of alert {id} nothing is said any more."),
    };
    if withdrawn {
        words.push_str(&format!(" Indicator {indicator} is withdrawn, whatever source names it."));
    }
    if reinstated {
        words.push_str(&format!(" Indicator {indicator} stands again."));
    }
    words.push_str(&of_allow_list(indicator, allow_list));
    if sightings > 0 {
        words.push_str(&format!(" {sightings} sightings wait to be sent."));
    }
    say::result(&words)?;
    for record in &sources {
        say::result(&say::printable(record_in_words(record)))?;
    }
    if withdrawn || reinstated {
        say::aside("Sensors learn of it with the next: varde-collector publish");
    }
    if withdrawn {
        say::aside(&format!("Until then: varde-collector indicator brake {indicator} --hours 24 --reason TEXT"));
    }
    Ok(())
}

/// Arguments of `indicator verdict`.
#[derive(Debug, Args)]
pub struct IndicatorVerdictArguments {
    /// Its ID, as listed; or itself.
    pub indicator: String,
    /// none: every false positive that was said of it is taken back.
    #[arg(value_parser = ["none"])]
    pub verdict: String,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What was taken back.
#[derive(Debug, Serialize)]
struct TakenBackDone {
    indicator: i64,
    verdicts: u64,
    reinstated: bool,
}

/// Takes back what was said against an indicator, also by verdicts on alerts that are gone.
///
/// # Errors
/// Why nothing was taken back.
pub(super) async fn take_back(store: &Store, arguments: IndicatorVerdictArguments) -> anyhow::Result<()> {
    let IndicatorVerdictArguments { indicator: named, verdict: _, reason, json } = arguments;
    let Some(found) = store.indicator_named(Scope::Operator, &named).await? else {
        bail!("there is no such indicator; varde-collector indicator list shows those there are, by ID")
    };
    let indicator = found.id;
    let refuted = store.refuted(Scope::Operator, indicator).await?;
    if refuted.said == 0 {
        bail!(
            "nobody says of indicator {indicator} that it is a false positive; varde-collector indicator show {indicator} says what is"
        );
    }
    let taking_back = deed("indicator verdict", On::Thing(format!("indicator {indicator}")))
        .concerns(refuted.members)
        .was(format!("false-positive, said {} times", refuted.said))
        .becomes(format!("no verdict: {reason}"));
    let word = verdict::Word { verdict: None, reason: &reason, who: &user::who() };
    let taken = store.noting(taking_back).take_back_false_positives(indicator, word, clock::now()).await?;
    let TakenBack { verdicts, reinstated } = taken;
    if json {
        return say::result(&serde_json::to_string(&TakenBackDone { indicator, verdicts, reinstated })?);
    }
    let stands = if reinstated { "It stands again" } else { "No source names it now" };
    say::result(&format!("Of indicator {indicator} nobody says any more that it is a false positive. {stands}."))?;
    if reinstated {
        say::aside("Sensors learn of it with the next: varde-collector publish");
    }
    Ok(())
}
