//! `varde-collector noise guards | lift | hold`: what links nothing any more, of whatever kind, and what a person says of that.

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::noted::deed;
use super::{say, verdict};
use crate::audit::On;
use crate::ingest::relink;
use crate::io::{clock, user};
use crate::noise::{Numbers, Reached, ThreatNumbers};
use crate::store::proposal::Settled;
use crate::store::tripped::{GuardRow, NotSettled};
use crate::store::{Scope, Store};

const GUARDS_HELP: &str = "\
A guard trips over what would link everything, and from then on that links nothing: a threat that is a mere list (more unrelated things are
said to be of it than weights.toml allows and no galaxy knows it, or it behaves like a list), an address that too many different things lead
to, an indicator that is proposed as noise, a host of a member that met too many different things within hours to be one machine. What only
a mere list names is weighed as no more than Middels. Once tripped, a guard stays until a person lifts it, also where what it tripped by is
gone: NOW says how many indicators the threat has by now, how many different things lead to the address, or how many members have met the
indicator. A guard that a person has lifted trips no more by itself.
Keys with --json: guard (its number), kind, value (in other words where it is marked for few; of a host whose it is), since, numbers (what
it was found by), now (null = not counted), settled (upheld or overruled; null = nobody has said), settled_by, settled_why.";

const LIFT_HELP: &str = "\
It links again: what sensors met of it meanwhile is put together by it (the newest 10,000 alerts; what people report, with the next
report), what has it is weighed anew, and campaigns that it alone had made too connected are so no more. Of a host, what it met before
stays apart. It trips no more by itself until a person takes that back: varde-collector noise hold GUARD --reason TEXT. Of an indicator
that is proposed as noise: varde-collector noise reject INDICATOR.
Keys with --json: guard, settled.";

const HOLD_HELP: &str = "\
It links nothing, by a person's word: what lifted it is taken back, or what tripped by itself is upheld. What has it is weighed anew.
Keys with --json: guard, settled.";

/// Arguments of `noise guards`.
#[derive(Debug, Args)]
#[command(after_help = GUARDS_HELP)]
pub struct GuardsArguments {
    /// Those that a person has lifted too.
    #[arg(long)]
    pub all: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `noise lift`.
#[derive(Debug, Args)]
#[command(after_help = LIFT_HELP)]
pub struct LiftArguments {
    /// The guard's number, as listed.
    pub guard: i64,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = verdict::reason)]
    pub reason: String,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `noise hold`.
#[derive(Debug, Args)]
#[command(after_help = HOLD_HELP)]
pub struct HoldArguments {
    /// The guard's number, as listed.
    pub guard: i64,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = verdict::reason)]
    pub reason: String,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Serialize)]
struct Said {
    guard: i64,
    settled: Settled,
}

/// Lists them.
pub(super) async fn list(store: &Store, arguments: GuardsArguments) -> anyhow::Result<()> {
    let guards = store.guards(Scope::Operator, !arguments.all).await?;
    let heads = ["GUARD", "KIND", "", "SINCE", "BECAUSE", "NOW", "SAID"];
    say::rows(&guards, arguments.json, &heads, row, "No guard has tripped.")
}

/// It links again.
pub(super) async fn lift(store: &Store, arguments: LiftArguments) -> anyhow::Result<()> {
    let LiftArguments { guard, reason, json } = arguments;
    let named = settle(store, "noise lift", (guard, Settled::Overruled), &reason, json).await?;
    let Some(named) = named else { return Ok(()) };
    say::result(&format!("Guard {guard} is lifted: {named} links and weighs again, and trips no more by itself."))
}

/// It links nothing.
pub(super) async fn hold(store: &Store, arguments: HoldArguments) -> anyhow::Result<()> {
    let HoldArguments { guard, reason, json } = arguments;
    let named = settle(store, "noise hold", (guard, Settled::Upheld), &reason, json).await?;
    let Some(named) = named else { return Ok(()) };
    say::result(&format!("Guard {guard} holds: {named} links nothing."))
}

/// Says it. Gives what it was said of, where that is still to be told in words.
async fn settle(
    store: &Store,
    command: &'static str,
    (guard, settled): (i64, Settled),
    reason: &str,
    json: bool,
) -> anyhow::Result<Option<String>> {
    let all = store.guards(Scope::Operator, false).await?;
    let Some(found) = all.into_iter().find(|row| row.guard == guard) else {
        bail!(NotSettled::NoGuard(guard).sentence(guard))
    };
    let named = say::printable(format!("{} {}", found.kind, found.value));
    let was = match (found.settled, &found.settled_why) {
        (Some(settled), Some(why)) => format!("{}: {why}", settled.as_str()),
        (Some(settled), None) => settled.as_str().to_owned(),
        (None, _) => "tripped by itself".to_owned(),
    };
    let settling = deed(command, On::Thing(format!("guard {guard}: {named}")))
        .was(was)
        .becomes(format!("{}: {reason}", settled.as_str()));
    let who = user::who();
    let said = relink::settle_guard(&store.noting(settling), guard, settled, (&who, reason), clock::now()).await?;
    if let Err(why) = said {
        bail!(why.sentence(guard));
    }
    if json {
        say::result(&serde_json::to_string(&Said { guard, settled })?)?;
        return Ok(None);
    }
    Ok(Some(named))
}

/// How far hosts got, in words.
fn reached(reached: Reached) -> String {
    let Reached { hosts, stopped, beyond } = reached;
    match hosts {
        0 => String::new(),
        _ => format!(", {beyond} of {hosts} hosts beyond an answer and {stopped} stopped"),
    }
}

/// What it was found by, in words.
fn because(numbers: &serde_json::Value) -> String {
    if let Ok(found) = serde_json::from_value::<Numbers>(numbers.clone()) {
        let (met, able, hours) = (found.members, found.able_to_see, found.half_within_s.div_ceil(3_600));
        return format!("met {met} of {able} members, half within {hours} h{}", reached(found.reached));
    }
    if let Ok(found) = serde_json::from_value::<ThreatNumbers>(numbers.clone()) {
        let (things, met, able) = (found.met, found.members, found.able_to_see);
        return format!("{things} of its indicators met {met} of {able} members{}", reached(found.reached));
    }
    let Some(numbers) = numbers.as_object() else { return "-".to_owned() };
    let said = numbers.iter().map(|(key, value)| match key.as_str() {
        "topics_over" => format!("more than {value} different things"),
        "within_hours" => format!("within {value} hours"),
        "indicators_over" => format!("more than {value} unrelated things"),
        _ => format!("{} {value}", key.replace('_', " ")),
    });
    Vec::from_iter(said).join(", ")
}

fn row(guard: &GuardRow) -> Vec<String> {
    vec![
        guard.guard.to_string(),
        guard.kind.clone(),
        guard.value.clone(),
        say::moment(Some(guard.since)),
        because(&guard.numbers),
        guard.now.map_or_else(|| "-".to_owned(), |now| now.to_string()),
        guard.settled.map_or("-", Settled::as_str).to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_key_stands_in_the_help_and_why_a_guard_tripped_is_told_in_words() {
        let guard = GuardRow {
            guard: 7,
            kind: "threat".to_owned(),
            value: "Storfamilien".to_owned(),
            since: varde_common::time::Timestamp(0),
            numbers: json!({ "indicators_over": 100 }),
            now: Some(20),
            settled: None,
            settled_by: None,
            settled_why: None,
        };
        let value = serde_json::to_value(&guard).unwrap();
        assert!(value.as_object().unwrap().keys().all(|key| GUARDS_HELP.contains(key.as_str())));
        let value = serde_json::to_value(Said { guard: 7, settled: Settled::Overruled }).unwrap();
        assert!(value.as_object().unwrap().keys().all(|key| LIFT_HELP.contains(key.as_str())));
        let cells = row(&guard);
        assert_eq!((cells[4].as_str(), cells[5].as_str()), ("more than 100 unrelated things", "20"));
        assert_eq!(because(&json!({ "topics_over": 3 })), "more than 3 different things");
        assert_eq!(because(&json!({ "later": 9 })), "later 9", "what a newer program counts");
        let reached = json!({ "hosts": 12, "stopped": 2, "beyond": 1 });
        let of_threat = json!({ "met": 30, "members": 9, "able_to_see": 11, "reached": reached });
        let said = "30 of its indicators met 9 of 11 members, 1 of 12 hosts beyond an answer and 2 stopped";
        assert_eq!(because(&of_threat), said);
        let proposed = Numbers {
            members: 9,
            able_to_see: 11,
            hosts_median: 1,
            evidence_median: varde_common::alert::Evidence::LookedUp,
            reached: Reached { hosts: 12, stopped: 2, beyond: 1 },
            half_within_s: 7_000,
            half_after_publication_s: None,
            confidence: 50,
            confirmed: 0,
            refuted: 1,
        };
        let said = "met 9 of 11 members, half within 2 h, 1 of 12 hosts beyond an answer and 2 stopped";
        assert_eq!(because(&serde_json::to_value(proposed).unwrap()), said);
        for help in [GUARDS_HELP, LIFT_HELP, HOLD_HELP] {
            assert!(help.lines().all(|line| line.chars().count() <= 145), "a line is as wide as a screen at most");
        }
    }
}
