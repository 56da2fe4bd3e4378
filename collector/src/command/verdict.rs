//! `alert verdict`: what a person concludes of an alert, and what follows from it.

use anyhow::anyhow;
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
use crate::store::verdict::{self, Judged, SourceRecord};
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
fn of_allow_list(indicator: i64, following: Following) -> String {
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
