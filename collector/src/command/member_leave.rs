//! `varde-collector member leave`: a member's data is handed over and deleted, and a certificate says so.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::noted::{deed, reading};
use super::{member, say};
use crate::audit::{LEFT, On};
use crate::control::Poke;
use crate::departure::{Certificate, Departed, Exported, FORMAT};
use crate::io::control::{Poked, poke};
use crate::io::handover::Handover;
use crate::io::{clock, departures, directory, user};
use crate::limits::{AUDIT_KEPT, BACKUP_DAYS, CERTIFICATE_OF_DELETION_MAX_OCTETS, EVENTS_LISTED_MAX};
use crate::present::deletion;
use crate::store::alert::{self, Which};
use crate::store::member::MemberRow;
use crate::store::sensor::SensorRow;
use crate::store::{Scope, Store, campaign, incident, setting};

/// Alerts read at a time.
const PAGE: i64 = 1_000;
/// What lies in the data directory and may hold a copy of the database from before.
const COPIES: [&str; 2] = ["before-upgrade-", "before-restore-"];

const HELP: &str = "\
What is handed over stands in DIR: member.json (its profile), sensors, sites, alerts, incidents, campaigns (its own part), events,
heartbeats (sensor, at, heartbeat: what it told every 30 seconds for 90 days, some 200 MB a sensor) and audit (its own part), one JSON
object a line each with the keys of the commands that list them. Then its sensors are revoked and everything of
it is deleted, in one transaction: at once, or not at all. DIR/deletion.txt (in the language the member is written to in) and
DIR/deletion.json are the certificate. In the AUDIT its name and its numbers stay until those entries are 24 months old.
BACKUPS made before still hold it, for 35 days at most: `backup DIR` removes older ones in DIR, and the running collector what upgrades and
restores set aside; a backup elsewhere is yours to remove. Whoever restores one deletes the member again without being asked, and the
audit says so; on a new machine: member leave --again DIR/deletion.json.
Keys with --json: those of deletion.json: format, number, name, former_numbers, operator, deleted_at, program, deleted {members,
contacts, addresses, sensors, sites, alerts, incidents, records, heartbeats, events, campaigns}, exported [{name, octets,
sha256}], backups_until, audit_until, copies, rows [{id, added_at}]; with --again: {deleted_again}.";

/// Arguments of `member leave`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct LeaveArguments {
    /// Its number of today.
    #[arg(required_unless_present = "again")]
    pub number: Option<MemberNumber>,
    /// Where its data and the certificate go: a directory that is made.
    #[arg(long, value_name = "DIR", required_unless_present = "again")]
    pub to: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Delete again what a certificate says was deleted: after a restore on a machine that did not know.
    #[arg(long, value_name = "CERTIFICATE", conflicts_with_all = ["number", "to"])]
    pub again: Option<PathBuf>,
    /// One JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Again {
    deleted_again: u64,
}

/// Runs the command.
///
/// # Errors
/// Why nothing was deleted; or what could not be written after it was.
pub async fn run(data: &Path, store: &Store, arguments: &LeaveArguments) -> anyhow::Result<()> {
    if let Some(certificate) = &arguments.again {
        return again(data, store, certificate, arguments.json).await;
    }
    let (Some(number), Some(to)) = (&arguments.number, &arguments.to) else {
        bail!("say which member leaves and where its data goes; see: varde-collector member leave --help")
    };
    let member = member::find(store, number).await?;
    if member.number != number.as_str() {
        bail!("name it by its number of today: varde-collector member leave {} --to {}", member.number, to.display())
    }
    if let Some((sensor, other)) = store.shared_sensors(Scope::Operator, member.id).await?.first() {
        bail!(
            "sensor {sensor} of {} also watches a network of {other}, which would go blind; first: varde-collector sensor move {sensor} --member {other}, or varde-collector sensor site remove",
            member.name
        )
    }
    if to.exists() && !directory::names(to)?.is_empty() {
        bail!("{} is not empty; name a directory that is not there yet", to.display())
    }
    // By its number alone: what stands in the audit stays there when everything else of it is gone.
    let handing =
        deed("member leave", On::Member(member.number.clone())).was("a member").becomes("everything of it handed over");
    reading(store, handing).await?;
    directory::make_private(to)?;
    let exported = export(store, &member, to).await?;
    if !arguments.yes {
        confirm(&member, to)?;
    }
    let language = store.profile(Scope::Operator, member.id).await?.unwrap_or_default().language;
    let operator = store.setting(Scope::Operator, setting::OPERATOR_NAME).await?.unwrap_or_default();
    let now = clock::now();
    let former_numbers = || member.former_numbers.iter().map(|former| former.number.clone());
    let leaving = deed("member leave", On::Member(member.number.clone()))
        .was("a member")
        .becomes(LEFT)
        .concerns(former_numbers());
    let gone = store.noting(leaving).depart(member.id, now).await?;
    // From here on it is done, whatever else fails.
    let remembered = departures::remember(data, store, &user::who(), now).await;
    let ended = poke(data, Poke::Sensors).await;
    let names = directory::names(data)?;
    let is_copy = |name: &String| COPIES.iter().any(|prefix| name.starts_with(prefix));
    let certificate = Certificate {
        format: FORMAT,
        number: member.number,
        name: member.name,
        former_numbers: member.former_numbers.into_iter().map(|former| former.number).collect(),
        operator,
        deleted_at: now,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        deleted: gone.deleted,
        exported,
        backups_until: now.plus(Duration::from_secs(BACKUP_DAYS * 86_400)),
        audit_until: now.plus(AUDIT_KEPT),
        copies: names.into_iter().filter(is_copy).collect(),
        rows: gone.rows,
    };
    let text = deletion::text(&certificate, deletion::language(language));
    let line = serde_json::to_string_pretty(&certificate)?;
    let written = directory::write_private(&to.join("deletion.txt"), text.as_bytes())
        .and_then(|()| directory::write_private(&to.join("deletion.json"), line.as_bytes()));
    say::result(&if arguments.json { serde_json::to_string(&certificate)? } else { text })?;
    written.context(
        "the member's data is deleted, but the certificate could not be written: keep what is printed above",
    )?;
    remembered.context("the member's data is deleted, but departures.json could not be written: run member leave --again with the certificate once there is room")?;
    if !arguments.json {
        tell(&certificate, to, ended);
    }
    Ok(())
}

fn tell(certificate: &Certificate, to: &Path, ended: Poked) {
    say::aside(&format!("The certificate and what is handed over stand in {}.", to.display()));
    if ended == Poked::Late {
        say::aside("The running collector has not answered yet; it ends the sessions of its sensors within seconds.");
    }
    for copy in &certificate.copies {
        say::aside(&format!(
            "{copy} in the data directory was made before and still holds the data: remove it, or the collector does {BACKUP_DAYS} days after it was made."
        ));
    }
    if certificate.deleted.sites > 0 {
        say::aside(
            "It had sites on sensors of others: take them out of those sensors' agent.toml and restart varde-agent, or they are not let in.",
        );
    }
}

/// Asks the person at the keyboard.
fn confirm(member: &MemberRow, to: &Path) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "nothing was deleted: nobody can be asked here; look through {} and run it with --yes and another directory",
            to.display()
        )
    }
    say::aside(&format!(
        "{} ({}) was written to {}. Its sensors are now revoked and everything of it is deleted for good. Type its number to go on:",
        member.name,
        member.number,
        to.display()
    ));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() != member.number {
        bail!("nothing was deleted; what was written to {} stays there", to.display())
    }
    Ok(())
}

async fn again(data: &Path, store: &Store, file: &Path, json: bool) -> anyhow::Result<()> {
    let octets = directory::read(file, CERTIFICATE_OF_DELETION_MAX_OCTETS)?;
    let certificate: Certificate =
        serde_json::from_slice(&octets).with_context(|| format!("{} is no deletion.json", file.display()))?;
    if certificate.format != FORMAT {
        bail!(
            "{} has form {}, this program knows {FORMAT}; use the newer varde-collector that made it",
            file.display(),
            certificate.format
        )
    }
    let departed: Vec<Departed> =
        certificate.rows.iter().map(|row| Departed { row: *row, left_at: certificate.deleted_at }).collect();
    let leaving = deed("member leave", On::Member(certificate.number.clone()))
        .was("whatever is here of it")
        .becomes("what is here of it again is deleted, as its certificate of deletion says");
    let deleted_again = store.noting(leaving).depart_again(&departed, &user::who(), clock::now()).await?;
    departures::remember(data, store, &user::who(), clock::now()).await?;
    poke(data, Poke::Sensors).await;
    if json {
        return say::result(&serde_json::to_string(&Again { deleted_again })?);
    }
    say::result(&match deleted_again {
        0 => format!("Nothing of {} ({}) was here.", certificate.name, certificate.number),
        _ => format!("{} ({}) was here again, and is deleted again.", certificate.name, certificate.number),
    })
}

/// Everything of a member as files, read as that member may read it.
async fn export(store: &Store, member: &MemberRow, to: &Path) -> anyhow::Result<Vec<Exported>> {
    let scope = Scope::Member(member.id);
    let sensors = store.sensor_rows(scope).await?;
    let mut events = Vec::new();
    for sensor in &sensors {
        events.extend(store.sensor_events(scope, sensor.id, EVENTS_LISTED_MAX).await?.newest);
    }
    let mut profile = serde_json::to_value(member)?;
    let known = serde_json::to_value(store.profile(scope, member.id).await?.unwrap_or_default())?;
    if let (Some(profile), Some(known)) = (profile.as_object_mut(), known.as_object()) {
        profile.extend(known.clone());
    }
    Ok(vec![
        whole(to, "member.json", &[profile])?,
        whole(to, "sensors.jsonl", &sensors)?,
        whole(to, "sites.jsonl", &sites(store, scope).await?)?,
        alerts(store, scope, Handover::begin(to, "alerts.jsonl")?).await?,
        whole(to, "incidents.jsonl", &incident::list(store, scope, None).await?)?,
        whole(to, "campaigns.jsonl", &campaign::list(store, scope, None).await?)?,
        whole(to, "events.jsonl", &events)?,
        heartbeats(store, scope, &sensors, Handover::begin(to, "heartbeats.jsonl")?).await?,
        super::audit::part(store, scope, Handover::begin(to, "audit.jsonl")?).await?,
    ])
}

/// Its sites. Whose the sensor is that watches one is not said where that is another: a member is never told of others.
async fn sites(store: &Store, scope: Scope) -> anyhow::Result<Vec<serde_json::Value>> {
    let own = store.sensor_rows(scope).await?;
    let mut sites = Vec::new();
    for site in store.site_rows(scope, None).await? {
        let mut line = serde_json::to_value(&site)?;
        if let (false, Some(line)) = (own.iter().any(|sensor| sensor.id == site.sensor), line.as_object_mut()) {
            line.remove("member");
            line.remove("member_name");
        }
        sites.push(line);
    }
    Ok(sites)
}

async fn alerts(store: &Store, scope: Scope, mut file: Handover) -> anyhow::Result<Exported> {
    let mut which = Which::default();
    loop {
        let page = alert::list(store, scope, which, PAGE).await?;
        let Some(last) = page.last() else { return Ok(file.end()?) };
        which.after = last.id;
        file.lines(&page)?;
    }
}

/// A heartbeat of a sensor, as it was told.
#[derive(Serialize)]
struct Beat {
    sensor: i64,
    at: Timestamp,
    heartbeat: serde_json::Value,
}

/// Every heartbeat of its sensors that there is: some 260,000 a sensor in 90 days, a page at a time.
async fn heartbeats(
    store: &Store,
    scope: Scope,
    sensors: &[SensorRow],
    mut file: Handover,
) -> anyhow::Result<Exported> {
    for sensor in sensors {
        let mut after = Timestamp(i64::MIN);
        loop {
            let page = store.heartbeats(scope, sensor.id, after).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (at, body) in page {
                // What is no JSON any more is handed over as it stands.
                let heartbeat = serde_json::from_str(&body).unwrap_or(serde_json::Value::String(body));
                file.line(&Beat { sensor: sensor.id, at, heartbeat })?;
            }
        }
    }
    Ok(file.end()?)
}

/// A file of what is no more than is read at once.
fn whole<T: Serialize>(to: &Path, name: &'static str, items: &[T]) -> anyhow::Result<Exported> {
    let mut file = Handover::begin(to, name)?;
    file.lines(items)?;
    Ok(file.end()?)
}
