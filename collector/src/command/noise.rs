//! `varde-collector noise`: indicators that look like false positives, and what a person says of them.

use std::path::Path;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::guards::{self, GuardsArguments, HoldArguments, LiftArguments};
use super::noted::deed;
use super::verdict::{of_allow_list, record_in_words};
use super::{say, verdict};
use crate::audit::On;
use crate::ingest::relink;
use crate::io::{clock, user};
use crate::store::allow::Following;
use crate::store::proposal::{Proposal, Settled};
use crate::store::tripped::taken_back_by;
use crate::store::verdict::{Judged, SourceRecord};
use crate::store::{Scope, Store};

const LIST_HELP: &str = "\
An indicator is proposed as noise where it met many members at once, its confidence is middling or its sources were wrong more often than
right, and little came of it. Until a person says otherwise it links nothing and weighs little; no incident is closed by that.
Keys with --json: indicator_id, indicator (confidential indicator N where it is marked for few), proposed_at, numbers {members (that met it),
able_to_see (that could have), hosts_median (at the member in the middle: hosts), evidence_median (how far it got there), half_within_s
(seconds from the first member to the one in the middle), half_after_publication_s (from its publication; null = not known), confidence,
confirmed, refuted (verdicts on what its sources named)}, settled (upheld or overruled; null = nobody has said), settled_at, settled_by, settled_why.";

pub(super) const ACCEPT_HELP: &str = "\
Its last alert gets the verdict, as by the line below, and all follows from that: it is withdrawn, whatever source names it, what it names goes on
the allow-list, its sources are counted as having been wrong, and MISP servers that are told of sightings hear of it.
  varde-collector alert verdict ALERT false-positive --reason TEXT
Where that was said of one of its alerts already it counts no second time. What is upheld is not accepted again.
Taken back with: varde-collector indicator verdict INDICATOR none --reason TEXT; then: varde-collector noise reject INDICATOR --reason TEXT
Sensors drop it with the next list: varde-collector publish. Until then: varde-collector indicator brake INDICATOR --hours 24 --reason TEXT
Keys with --json: indicator, alert (through which it was said), withdrawn, allowed, allow_list_full, sightings (queued), sources.";

const REJECT_HELP: &str = "\
It links and weighs again, also what met it meanwhile (the newest 10,000 alerts), and is not proposed again. Where a person finds it wrong later
(alert verdict, or a closing as a false positive), that settles it: it is upheld.
Keys with --json: indicator, settled.";

/// Subcommands of `noise`.
#[derive(Debug, Subcommand)]
pub enum NoiseCommand {
    /// What is proposed as noise, with the numbers that speak for it.
    List(ListArguments),
    /// It is noise: the indicator is a false positive.
    Accept(AcceptArguments),
    /// It is none.
    Reject(RejectArguments),
    /// All that links nothing any more: mere lists and common addresses too, with the numbers by which each was found.
    Guards(GuardsArguments),
    /// A guard is wrong: what it is about links and weighs again.
    Lift(LiftArguments),
    /// A guard holds, whatever was said before.
    Hold(HoldArguments),
}

/// Arguments of `noise list`.
#[derive(Debug, Args)]
#[command(after_help = LIST_HELP)]
pub struct ListArguments {
    /// Those of which a person has said something too.
    #[arg(long)]
    pub all: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `noise accept`.
#[derive(Debug, Args)]
#[command(after_help = ACCEPT_HELP)]
pub struct AcceptArguments {
    /// The indicator's number, as listed.
    pub indicator: i64,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = verdict::reason)]
    pub reason: String,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `noise reject`.
#[derive(Debug, Args)]
#[command(after_help = REJECT_HELP)]
pub struct RejectArguments {
    /// The indicator's number, as listed.
    pub indicator: i64,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = verdict::reason)]
    pub reason: String,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Serialize)]
struct Accepted {
    indicator: i64,
    alert: i64,
    withdrawn: bool,
    allowed: bool,
    allow_list_full: bool,
    sightings: u64,
    sources: Vec<SourceRecord>,
}

#[derive(Debug, Serialize)]
struct Rejected {
    indicator: i64,
    settled: Settled,
}

/// Runs the command.
///
/// # Errors
/// Why nothing was said.
pub async fn run(data: &Path, command: NoiseCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        NoiseCommand::List(ListArguments { all, json }) => {
            let proposals = store.noise_proposals(Scope::Operator, !all).await?;
            let heads = ["INDICATOR", "", "SINCE", "MEMBERS", "HOSTS", "EVIDENCE", "HALF WITHIN", "SAID"];
            say::rows(&proposals, json, &heads, row, "Nothing is proposed as noise.")
        }
        NoiseCommand::Accept(arguments) => accept(&store, arguments).await,
        NoiseCommand::Reject(arguments) => reject(&store, arguments).await,
        NoiseCommand::Guards(arguments) => guards::list(&store, arguments).await,
        NoiseCommand::Lift(arguments) => guards::lift(&store, arguments).await,
        NoiseCommand::Hold(arguments) => guards::hold(&store, arguments).await,
    };
    store.close().await;
    done
}

fn row(proposal: &Proposal) -> Vec<String> {
    let mut cells =
        vec![proposal.indicator_id.to_string(), proposal.indicator.clone(), say::moment(Some(proposal.proposed_at))];
    cells.extend(match &proposal.numbers {
        Some(numbers) => [
            format!("{} of {}", numbers.members, numbers.able_to_see),
            numbers.hosts_median.to_string(),
            numbers.evidence_median.to_string(),
            format!("{} h", numbers.half_within_s / 3_600),
        ],
        None => ["-"; 4].map(str::to_owned),
    });
    cells.push(proposal.settled.map_or("-", Settled::as_str).to_owned());
    cells
}

/// Printed where an indicator is said to be wrong still.
pub(super) const REJECT_FIRST: &str =
    "take that back first: varde-collector indicator verdict INDICATOR none --reason TEXT";

/// That there is nothing left to accept, by whom, when and why.
pub(super) fn upheld_already(indicator: i64, proposal: &Proposal) -> String {
    let who = say::printable(proposal.settled_by.clone().unwrap_or_else(|| "a person".to_owned()));
    let why = proposal.settled_why.as_ref().map(|why| format!(" ({})", say::printable(why.clone())));
    format!(
        "indicator {indicator} is noise already: {who} upheld that {}{}; it is taken back by: {}",
        say::moment(proposal.settled_at),
        why.unwrap_or_default(),
        taken_back_by(indicator)
    )
}

/// The proposal, which must be there.
async fn proposed(store: &Store, indicator: i64) -> anyhow::Result<Proposal> {
    let all = store.noise_proposals(Scope::Operator, false).await?;
    match all.into_iter().find(|proposal| proposal.indicator_id == indicator) {
        Some(proposal) => Ok(proposal),
        None => bail!("indicator {indicator} is not proposed as noise; see: varde-collector noise list --all"),
    }
}

fn was(proposal: &Proposal) -> String {
    match (proposal.settled, &proposal.settled_why) {
        (Some(settled), Some(why)) => format!("{}: {why}", settled.as_str()),
        (Some(settled), None) => settled.as_str().to_owned(),
        (None, _) => "proposed as noise".to_owned(),
    }
}

async fn accept(store: &Store, arguments: AcceptArguments) -> anyhow::Result<()> {
    let AcceptArguments { indicator, reason, json } = arguments;
    let proposal = proposed(store, indicator).await?;
    if proposal.settled == Some(Settled::Upheld) && store.refuted(Scope::Operator, indicator).await?.said > 0 {
        bail!("{}", upheld_already(indicator, &proposal));
    }
    let Some(alert) = store.alert_to_judge(Scope::Operator, indicator).await? else {
        bail!(
            "no alert of indicator {indicator} is kept, and so nothing can be said of one; what must never go out: varde-collector allow add"
        )
    };
    let member = store.judgeable(Scope::Operator, alert).await?.map(|found| found.member);
    let accepting = deed("noise accept", On::Thing(format!("indicator {indicator}")))
        .concerns(member)
        .was(was(&proposal))
        .becomes(format!("false-positive, said of alert {alert}: {reason}"));
    let who = user::who();
    let judged = store.noting(accepting).accept_noise((indicator, alert), (&who, &reason), clock::now()).await?;
    let Some(Judged { withdrawn, sightings, allow_list, .. }) = judged else {
        bail!("alert {alert} went meanwhile; run this again")
    };
    let sources = store.source_records(Scope::Operator, Some(indicator)).await?;
    if json {
        let Following { allowed, is_full: allow_list_full, removed: _ } = allow_list;
        let done = Accepted { indicator, alert, withdrawn, allowed, allow_list_full, sightings, sources };
        return say::result(&serde_json::to_string(&done)?);
    }
    let mut words = format!("Indicator {indicator} is noise: alert {alert} is false-positive.");
    if withdrawn {
        words.push_str(&format!(" Indicator {indicator} is withdrawn, whatever source names it."));
    }
    words.push_str(&of_allow_list(indicator, allow_list));
    if sightings > 0 {
        words.push_str(&format!(" {sightings} sightings wait to be sent."));
    }
    say::result(&words)?;
    for record in &sources {
        say::result(&say::printable(record_in_words(record)))?;
    }
    if withdrawn {
        say::aside("Sensors learn of it with the next: varde-collector publish");
        say::aside(&format!("Until then: varde-collector indicator brake {indicator} --hours 24 --reason TEXT"));
    }
    Ok(())
}

async fn reject(store: &Store, arguments: RejectArguments) -> anyhow::Result<()> {
    let RejectArguments { indicator, reason, json } = arguments;
    let proposal = proposed(store, indicator).await?;
    let refuted = store.refuted(Scope::Operator, indicator).await?;
    if refuted.said > 0 {
        bail!(
            "indicator {indicator} is said to be a false positive; {}",
            REJECT_FIRST.replace("INDICATOR", &indicator.to_string())
        );
    }
    let rejecting = deed("noise reject", On::Thing(format!("indicator {indicator}")))
        .was(was(&proposal))
        .becomes(format!("overruled: {reason}"));
    let who = user::who();
    relink::settle_noise(&store.noting(rejecting), indicator, Settled::Overruled, (&who, &reason), clock::now())
        .await?;
    if json {
        return say::result(&serde_json::to_string(&Rejected { indicator, settled: Settled::Overruled })?);
    }
    say::result(&format!("Indicator {indicator} is no noise: it links and weighs again, and is not proposed again."))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::command) fn proposal() -> Proposal {
        Proposal {
            indicator_id: 1,
            indicator: "evil.no".to_owned(),
            proposed_at: varde_common::time::Timestamp(0),
            numbers: None,
            settled: Some(Settled::Upheld),
            settled_at: Some(varde_common::time::Timestamp(0)),
            settled_by: Some("kari\u{1b}".to_owned()),
            settled_why: Some("reklame".to_owned()),
        }
    }

    #[test]
    fn n_what_is_upheld_is_told_with_who_when_and_why() {
        let told = upheld_already(4, &proposal());
        assert!(told.contains("kari\\u{1b} upheld that 1970-01-01") && told.contains("(reklame)"), "{told}");
    }

    #[test]
    fn every_key_stands_in_the_help() {
        let accepted = Accepted {
            indicator: 1,
            alert: 2,
            withdrawn: true,
            allowed: true,
            allow_list_full: false,
            sightings: 0,
            sources: Vec::new(),
        };
        let value = serde_json::to_value(accepted).unwrap();
        assert!(value.as_object().unwrap().keys().all(|key| ACCEPT_HELP.contains(key.as_str())));
        let value = serde_json::to_value(Rejected { indicator: 1, settled: Settled::Overruled }).unwrap();
        assert!(value.as_object().unwrap().keys().all(|key| REJECT_HELP.contains(key.as_str())));
        let proposal = proposal();
        let value = serde_json::to_value(&proposal).unwrap();
        assert!(value.as_object().unwrap().keys().all(|key| LIST_HELP.contains(key.as_str())));
        assert_eq!(row(&proposal).len(), 8);
    }
}
