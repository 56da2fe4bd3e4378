//! `varde-collector member leave`: a member's data is handed over and deleted, and a certificate says so.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde::Serialize;
use varde_common::id::MemberNumber;

use super::handing_over::{PROFILE, export};
use super::noted::deed;
use super::{member, say};
use crate::audit::{LEFT, On};
use crate::control::Poke;
use crate::departure::{Certificate, Deleted, Departed, FORMAT, Row, Unfinished};
use crate::io::control::{Poked, poke};
use crate::io::{clock, departures, directory, overwritten, unfinished, user};
use crate::limits::{AUDIT_KEPT, BACKUP_DAYS, CERTIFICATE_OF_DELETION_MAX_OCTETS, LEAVING_TRIES};
use crate::store::departure::Gone;
use crate::store::leaving::Departing;
use crate::store::member::MemberRow;
use crate::store::{Scope, Store, setting};

/// What lies in the data directory and may hold a copy of the database from before.
const COPIES: [&str; 2] = ["before-upgrade-", "before-restore-"];

const IN_LOG: &str = "Somebody reads the database: what was deleted stands in its log until they are done; a running collector sees to it by itself.";

const HELP: &str = "\
It asks first. Then its sensors are revoked, so that nothing more comes of them, and what is handed over is written to DIR: member.json
(its profile), sensors, sites, alerts, incidents, campaigns (its own part), advisories (sent to it, with its answers), timeline (of what was
done with its incidents what it may read), events, silences (when a sensor was not heard or saw nothing), braked (what was counted in place of alerts), statistics (numbers by
day of alerts that may be gone), heartbeats (sensor, at, heartbeat: what it told every 30 seconds for 90 days, some 200 MB a sensor) and audit (its own part), one JSON
object a line each with the keys of the commands that list them. Then everything of it is deleted, in one transaction: at once, or not
at all, and only what was handed over. DIR/deletion.txt (in the language the member is written to in) and DIR/deletion.json are the
certificate; if it is cut off before they stand there, the same line again writes them, and where nothing was deleted yet it says which
directory to remove first. In the AUDIT its name and its numbers stay until
those entries are 24 months old.
BACKUPS made before still hold it, for 35 days at most: `backup DIR` removes older ones in DIR, and the running collector what upgrades and
restores set aside; a backup elsewhere is yours to remove. Whoever restores one deletes the member again without being asked, and the
audit says so; on a new machine: member leave --again DIR/deletion.json.
Keys with --json: those of deletion.json: format, number, name, former_numbers, operator, deleted_at, program, deleted {members,
contacts, addresses, sensors, sites, alerts, incidents, records, heartbeats, events, campaigns}, exported [{name, octets,
sha256}], backups_until, audit_until, copies, rows [{id, added_at}]; and overwritten (false while somebody reads the database: what was
deleted stands in its log until they are done); with --again: {deleted_again}.";

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

/// What is printed as JSON.
#[derive(Serialize)]
struct Left<'a> {
    #[serde(flatten)]
    certificate: &'a Certificate,
    overwritten: bool,
}

/// Runs the command.
///
/// # Errors
/// Why nothing was deleted; or what could not be written after it was.
pub async fn run(data: &Path, store: &Store, arguments: &LeaveArguments) -> anyhow::Result<()> {
    if let Some(certificate) = &arguments.again {
        return again(data, store, certificate, arguments).await;
    }
    let (Some(number), Some(to)) = (&arguments.number, &arguments.to) else {
        bail!("say which member leaves and where its data goes; see: varde-collector member leave --help")
    };
    let to = std::path::absolute(to).with_context(|| format!("{} is no directory", to.display()))?;
    if let Some(unfinished) = cut_off(data, store, number, &to).await? {
        return finish(data, store, &unfinished, arguments.json).await;
    }
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
    if to.exists() && !directory::names(&to)?.is_empty() {
        return Err(not_empty(store, &member, &to).await?);
    }
    if !arguments.yes {
        let to = to.display();
        confirm(
            &member,
            &format!("leaves: its sensors are revoked, everything of it is written to {to} and then deleted for good"),
        )?;
    }
    directory::make_private(&to)?;
    // Two that leave at once hand over to two directories.
    directory::claim(&to.join(PROFILE))
        .with_context(|| format!("nothing was deleted: {} is not empty any more", to.display()))?;
    let unfinished = hand_over_and_delete(data, store, number, &member, to).await?;
    finish(data, store, &unfinished, arguments.json).await
}

/// Revokes, hands over and deletes. What something came for meanwhile, by a sensor of another, is handed over anew.
async fn hand_over_and_delete(
    data: &Path,
    store: &Store,
    number: &MemberNumber,
    member: &MemberRow,
    to: PathBuf,
) -> anyhow::Result<Unfinished> {
    let scope = Scope::Operator;
    let language = store.profile(scope, member.id).await?.unwrap_or_default().language;
    let operator = store.setting(scope, setting::OPERATOR_NAME).await?.unwrap_or_default();
    // By its number alone: what stands in the audit stays there when everything else of it is gone.
    let on = || deed("member leave", On::Member(member.number.clone())).was("a member");
    let former_numbers: Vec<String> = member.former_numbers.iter().map(|former| former.number.clone()).collect();
    for tried in 0..LEAVING_TRIES {
        // It may have been renamed, or have left, while somebody thought about the question.
        match store.member_by_number(scope, number).await? {
            Some(today) if (&today.name, &today.number, today.id) == (&member.name, &member.number, member.id) => {}
            Some(today) => {
                bail!("nothing was deleted: {number} is {} ({}) now; run it again", today.name, today.number)
            }
            None => return Err(has_left(member, &to)),
        }
        let handing = on().becomes("its sensors are revoked and everything of it is handed over");
        let begun = store.noting(handing).begin_leaving(member.id, clock::now()).await;
        if begun.is_err() && tried == 0 {
            // Where nothing is noted nothing is written either, not even whose directory this is.
            directory::remove_all(&to)?;
        }
        if !begun? {
            return Err(has_left(member, &to));
        }
        poke(data, Poke::Sensors).await;
        let extent = store.extent(scope, member.id).await?;
        let exported = export(store, member, &to).await?;
        let now = clock::now();
        let names = directory::names(data)?;
        let is_copy = |name: &String| COPIES.iter().any(|prefix| name.starts_with(prefix));
        let certificate = Certificate {
            format: FORMAT,
            number: member.number.clone(),
            name: member.name.clone(),
            former_numbers: former_numbers.clone(),
            operator: operator.clone(),
            deleted_at: now,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            deleted: Deleted::default(),
            exported,
            backups_until: now.plus(Duration::from_secs(BACKUP_DAYS * 86_400)),
            audit_until: now.plus(AUDIT_KEPT),
            copies: names.into_iter().filter(is_copy).collect(),
            rows: Vec::new(),
        };
        let mut unfinished = Unfinished { certificate, language, to: to.clone(), stands: false };
        let keep = |gone: &Gone| {
            unfinished.certificate.deleted = gone.deleted;
            unfinished.certificate.rows.clone_from(&gone.rows);
            unfinished::keep(data, &unfinished)
        };
        let leaving = on().becomes(LEFT).concerns(former_numbers.iter().cloned());
        match store.noting(leaving).finish_leaving(member.id, &extent, now, keep).await? {
            Departing::Gone(_) => return Ok(unfinished),
            Departing::Grown => {}
            Departing::NotThere => return Err(has_left(member, &to)),
            Departing::NotKept(error) => {
                return Err(anyhow::Error::new(error).context("nothing was deleted: the certificate cannot be kept"));
            }
        }
    }
    bail!(
        "nothing was deleted: alerts of {} keep coming over a sensor of another, faster than they are handed over; take its sites out of that sensor (varde-collector sensor site list, sensor site remove) and run it again with another directory",
        member.name
    )
}

/// Something lies there already: often what a leaving of this member wrote that was cut off before anything was deleted.
async fn not_empty(store: &Store, member: &MemberRow, to: &Path) -> anyhow::Result<anyhow::Error> {
    let (names, place) = (directory::names(to)?, to.display());
    let is_begun = names.iter().any(|name| name.strip_suffix(".new").unwrap_or(name) == PROFILE);
    // Whose it is stands there unless it was cut off at the very first.
    let profile = directory::read(&to.join(PROFILE), CERTIFICATE_OF_DELETION_MAX_OCTETS).unwrap_or_default();
    let profile: serde_json::Value = serde_json::from_slice(&profile).unwrap_or_default();
    let is_anothers = profile.get("number").is_some_and(|number| *number != member.number);
    if !is_begun || is_anothers || names.iter().any(|name| name == unfinished::FOR_PROGRAMS) {
        return Ok(anyhow!("{place} is not empty; name a directory that is not there yet"));
    }
    let sensors = store.sensor_rows(Scope::Member(member.id)).await?;
    let revoked = sensors.iter().filter(|sensor| sensor.revoked_at.is_some()).count();
    Ok(anyhow!(
        "a leaving of {name} ({number}) was cut off here, or another member leave is at it: nothing of it is deleted, {revoked} of its {all} sensors are revoked, and a part of its data lies in {place}. Unless the other is still at it, remove that directory (rm -r {place}), and the same line again hands everything over anew, deletes it and writes the certificate: varde-collector member leave {number} --to {place}",
        name = member.name,
        number = member.number,
        all = sensors.len()
    ))
}

/// Somebody else was faster, and handed it over: what this one wrote must not stay.
fn has_left(member: &MemberRow, to: &Path) -> anyhow::Error {
    let whose = format!("{} ({}) has left meanwhile: another member leave handed it over", member.name, member.number);
    match directory::remove_all(to) {
        Ok(()) => anyhow!("{whose}, and {}, which this one wrote, is removed", to.display()),
        Err(error) => anyhow!("{whose}; remove what this one wrote to {}: {error}", to.display()),
    }
}

/// A leaving of this member that was cut off, and is to be finished. Those of others are finished on the way, where it is known
/// where their certificates go.
async fn cut_off(data: &Path, store: &Store, number: &MemberNumber, to: &Path) -> anyhow::Result<Option<Unfinished>> {
    let mut asked = None;
    for mut unfinished in unfinished::all(data, store).await? {
        let Certificate { number: of, former_numbers, name, .. } = &unfinished.certificate;
        let is_asked = of == number.as_str() || former_numbers.iter().any(|former| former == number.as_str());
        let there = unfinished.to.is_dir();
        // A number may be another's by now.
        if is_asked && asked.is_none() && store.member_by_number(Scope::Operator, number).await?.is_none() {
            if !there {
                unfinished.to = to.to_owned();
            }
            asked = Some(unfinished);
        } else if there {
            let (whose, place) = (format!("{name} ({of})"), unfinished.to.display().to_string());
            // What is wrong with that one keeps nobody from leaving.
            say::aside(&match complete(data, store, &unfinished).await {
                Ok(_) => format!("The leaving of {whose} was cut off; it is finished in {place}."),
                Err(error) => format!("The leaving of {whose} was cut off, and is not finished in {place}: {error:#}"),
            });
        } else if unfinished.stands {
            // It was handed over with its certificate, and waits for nothing but the log.
            if store.empty_log().await? {
                unfinished::end(data, &unfinished)?;
            }
        } else {
            let (whose, to) = (format!("{name} ({of})"), unfinished.to.display());
            say::aside(&format!(
                "The leaving of {whose} was cut off; make {to} again for its certificate, and run this again."
            ));
        }
    }
    Ok(asked)
}

/// What was done once the data was gone.
struct Completed {
    text: String,
    overwritten: bool,
    ended: Poked,
}

/// All that is to be done once the data is gone, as often as somebody begins. Its certificate waits in the data directory until it is.
async fn complete(data: &Path, store: &Store, unfinished: &Unfinished) -> anyhow::Result<Completed> {
    let remembered = departures::remember(data, store, &user::who(), clock::now()).await;
    let ended = poke(data, Poke::Sensors).await;
    let overwritten = overwritten::empty_log(store).await?;
    let text = unfinished::write(unfinished, overwritten)?;
    remembered?;
    if overwritten {
        unfinished::end(data, unfinished)?;
    } else {
        unfinished::keep(data, &Unfinished { stands: true, ..unfinished.clone() })?;
    }
    Ok(Completed { text, overwritten, ended })
}

async fn finish(data: &Path, store: &Store, unfinished: &Unfinished, json: bool) -> anyhow::Result<()> {
    let Unfinished { certificate, to, .. } = unfinished;
    let again = format!("varde-collector member leave {} --to {}", certificate.number, to.display());
    let completed = complete(data, store, unfinished).await;
    let Completed { text, overwritten, ended } = completed.with_context(|| {
        format!("the member's data is deleted, and not all is written that says so; run it again: {again}")
    })?;
    if json {
        return say::result(&serde_json::to_string(&Left { certificate, overwritten })?);
    }
    say::result(&text)?;
    tell(certificate, to, ended);
    if !overwritten {
        say::aside(&format!("{IN_LOG} It writes the certificate anew then; where none runs, do it with: {again}"));
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

/// Asks the person at the keyboard, before anything is done.
fn confirm(member: &MemberRow, what: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing was deleted: nobody can be asked here; run it with --yes if it is meant")
    }
    say::aside(&format!("{} ({}) {what}. Type its number to go on:", member.name, member.number));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() != member.number {
        bail!("nothing was deleted, and no sensor was revoked")
    }
    Ok(())
}

async fn again(data: &Path, store: &Store, file: &Path, arguments: &LeaveArguments) -> anyhow::Result<()> {
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
    // The file is not signed and has left the house: it deletes nobody whose number it does not say, and nobody unasked.
    let is_meant = |row: &MemberRow| certificate.rows.contains(&Row { id: row.id, added_at: row.added_at });
    let says = |number: &String| *number == certificate.number || certificate.former_numbers.contains(number);
    let mut here = store.member_rows(Scope::Operator).await?;
    here.retain(is_meant);
    for member in &here {
        if !says(&member.number) && !member.former_numbers.iter().any(|former| says(&former.number)) {
            bail!(
                "nothing was deleted: {} means {} ({}) here and says no number of it; it was changed, or is of another collector",
                file.display(),
                member.name,
                member.number
            )
        }
        if !arguments.yes {
            confirm(member, "leaves again: its sensors are revoked and everything of it is deleted for good")?;
        }
    }
    let departed: Vec<Departed> =
        certificate.rows.iter().map(|row| Departed { row: *row, left_at: certificate.deleted_at }).collect();
    let leaving = deed("member leave", On::Member(certificate.number.clone()))
        .was("whatever is here of it")
        .becomes("what is here of it again is deleted, as its certificate of deletion says");
    let deleted_again = store.noting(leaving).depart_again(&departed, &user::who(), clock::now()).await?;
    departures::remember(data, store, &user::who(), clock::now()).await?;
    poke(data, Poke::Sensors).await;
    if !overwritten::empty_log(store).await? {
        say::aside(IN_LOG);
    }
    if arguments.json {
        return say::result(&serde_json::to_string(&Again { deleted_again })?);
    }
    say::result(&match deleted_again {
        0 => format!("Nothing of {} ({}) was here.", certificate.name, certificate.number),
        _ => format!("{} ({}) was here again, and is deleted again.", certificate.name, certificate.number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q3_all_that_is_handed_over_is_named_in_the_help() {
        let written = include_str!("handing_over.rs");
        let names: Vec<&str> = written.split('"').filter_map(|text| text.strip_suffix(".jsonl")).collect();
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            assert!(HELP.contains(name), "{name}");
        }
    }
}
