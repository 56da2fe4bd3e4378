//! `varde-collector status`: whether the collector runs and is well, and whether whoever watches over it hears so.

use std::path::Path;

use clap::Args;
use serde::Serialize;
use varde_common::trust::hex;

use super::{listing, say};
use crate::address::Bound;
use crate::beat::Fare;
use crate::control::Poke;
use crate::io::control::{Poked, poke};
use crate::io::directory;
use crate::store::silence::Standing;
use crate::store::{Scope, Store};

const KEYS: &str = "\
Keys with --json: running (bool), well (bool; null where it does not run), listens {quic, enroll, web, tcp} or null, heartbeat (null = off,
or not run yet) {to (host), arrives (bool; null = none was tried yet), since, why (null where it arrives)}, audit {entry, head},
silence {open (operational incidents that stand), sensors (at so many), of (so many that are expected to be heard), kinds {KIND: how many}}
(see silence list; they say nothing of the collector itself, and of its exit).
Exit: 0 it runs, is well, and its heartbeats, where any are sent, arrive; 1 otherwise.";

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = KEYS)]
pub struct StatusArguments {
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Serialize)]
struct AuditHead {
    entry: i64,
    head: String,
}

#[derive(Debug, Serialize)]
struct Status {
    running: bool,
    well: Option<bool>,
    listens: Option<Bound>,
    heartbeat: Option<Fare>,
    audit: AuditHead,
    silence: Standing,
}

/// Runs the command.
///
/// # Errors
/// What is wrong.
pub async fn run(data: &Path, arguments: &StatusArguments) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let poked = poke(data, Poke::Health).await;
    let running = poked != Poked::NotRunning;
    let head = store.audit_head(Scope::Operator).await?;
    let status = Status {
        running,
        well: running.then_some(poked == Poked::Done),
        listens: directory::read_bound(data).filter(|_| running),
        heartbeat: store.heartbeat_fare(Scope::Operator).await?,
        audit: AuditHead { entry: head.seq, head: hex(&head.hash) },
        silence: store.silences_standing(Scope::Operator).await?,
    };
    store.close().await;
    say::result(&if arguments.json { serde_json::to_string(&status)? } else { words(&status) })?;
    match wrong(&status) {
        None => Ok(()),
        Some(wrong) => Err(anyhow::anyhow!(wrong)),
    }
}

/// What is wrong first, if anything is.
fn wrong(status: &Status) -> Option<&'static str> {
    match status {
        Status { running: false, .. } => {
            Some("the collector does not run; start it: varde-collector run, or its service")
        }
        Status { well: Some(false) | None, .. } => {
            Some("the collector cannot store at the moment, or does not answer; its log says why")
        }
        Status { heartbeat: Some(Fare { arrives: Some(false), .. }), .. } => {
            Some("its heartbeats do not arrive; look at heartbeat in collector.toml, and at the receiver")
        }
        Status { .. } => None,
    }
}

fn words(status: &Status) -> String {
    let mut lines = vec![match (status.running, status.well) {
        (false, _) => "The collector does not run.".to_owned(),
        (true, Some(true)) => "The collector runs and is well.".to_owned(),
        (true, _) => "The collector runs and cannot store at the moment, or does not answer.".to_owned(),
    }];
    if let Some(Bound { quic, enroll, web, tcp }) = &status.listens {
        let tcp = tcp.map_or_else(|| "not over TCP".to_owned(), |tcp| format!("both on TCP {tcp}"));
        lines.push(format!("Sessions on UDP {quic}, enrolment on UDP {enroll}, {tcp}, the page at http://{web}/."));
    }
    lines.push(match &status.heartbeat {
        None => "Heartbeats: none are sent (heartbeat in collector.toml).".to_owned(),
        Some(Fare { to, arrives: None, .. }) => format!("Heartbeats to {to}: none was tried yet."),
        Some(Fare { to, arrives: Some(true), since, .. }) => {
            format!("Heartbeats to {to}: they arrive, since {}.", listing::moment(*since))
        }
        Some(Fare { to, arrives: Some(false), since, why }) => format!(
            "Heartbeats to {to}: they DO NOT ARRIVE, since {}: {}.",
            listing::moment(*since),
            say::printable(why.clone().unwrap_or_default())
        ),
    });
    lines.push(sensors(&status.silence));
    lines.push(format!("Audit: {} entries were written, head {}", status.audit.entry, status.audit.head));
    lines.join("\n")
}

/// What keeps sensors from seeing or from being heard, of how many.
fn sensors(standing: &Standing) -> String {
    let Standing { open, sensors, of, kinds } = standing;
    if *of == 0 {
        return "Sensors: none has enrolled yet.".to_owned();
    }
    if *open == 0 {
        return format!("Sensors: nothing is known to keep any of {of} from seeing or from being heard.");
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!(
        "Sensors: {open} operational incidents stand at {sensors} of {of} ({}); see: varde-collector silence list --open",
        kinds.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::time::Timestamp;

    #[test]
    fn what_is_wrong_first_is_told_and_fails() {
        let fare =
            |arrives| Fare { to: "watch.example".to_owned(), arrives, since: Timestamp(0), why: Some("no".to_owned()) };
        let status = |running, well, heartbeat| Status {
            running,
            well,
            listens: None,
            heartbeat,
            audit: AuditHead { entry: 1, head: "ab".to_owned() },
            silence: Standing::default(),
        };
        for (status, is_wrong, said) in [
            (status(true, Some(true), None), false, "none are sent"),
            (status(true, Some(true), Some(fare(Some(true)))), false, "they arrive"),
            (status(true, Some(true), Some(fare(None))), false, "none was tried"),
            (status(true, Some(true), Some(fare(Some(false)))), true, "DO NOT ARRIVE, since 1970-01-01 00:00:00Z: no."),
            (status(true, Some(false), None), true, "cannot store"),
            (status(false, None, None), true, "does not run"),
        ] {
            assert_eq!(wrong(&status).is_some(), is_wrong, "{status:?}");
            assert!(words(&status).contains(said), "{}", words(&status));
        }
    }

    #[test]
    fn h1_sensors_that_do_not_see_are_told_of_how_many() {
        assert!(sensors(&Standing::default()).contains("none has enrolled"));
        let well = Standing { of: 214, ..Standing::default() };
        assert!(sensors(&well).contains("any of 214"));
        let kinds = [("deaf".to_owned(), 2), ("unheard".to_owned(), 1)].into();
        let said = sensors(&Standing { open: 3, sensors: 2, kinds, ..well });
        assert!(said.contains("3 operational incidents stand at 2 of 214 (2 deaf, 1 unheard)"), "{said}");
    }
}
