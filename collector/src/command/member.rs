//! `varde-collector member`: who belongs to the community, from the first day to the last.

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use varde_common::id::MemberNumber;

use super::init::operator_name;
use super::member_file::{ExportArguments, ImportArguments};
use super::member_leave::LeaveArguments;
use super::member_set::SetArguments;
use super::member_show::ShowArguments;
use super::noted::deed;
use super::{member_file, member_leave, member_mail, member_set, member_show, say};
use crate::audit::{On, REMOVED};
use crate::control::Poke;
use crate::ingest::handle_merger;
use crate::io::clock;
use crate::io::control::poke;
use crate::merger;
use crate::store::member::{Added, MemberRow};
use crate::store::succession::{Holds, Renumbered};
use crate::store::{Scope, Store};

/// Subcommands of `member`.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Add a member.
    Add {
        /// Kommunenummer (four digits), fylkesnummer (two) or organisasjonsnummer (nine).
        number: MemberNumber,
        /// Its name.
        #[arg(value_parser = operator_name)]
        name: String,
    },
    /// List the members.
    #[command(
        after_help = "Keys with --json: number, name, added_at (RFC 3339 UTC), sensors (those not revoked), language (bokmaal, nynorsk or neutral), covered (by digitalsikkerhetsloven; null = not known), supplier (the shared network it is behind, or null), former_numbers [{number, name, until}] (each leads on to it)."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Everything known of a member: whom to call, what is its own, its sensors and their sites.
    Show(ShowArguments),
    /// Change what is known of a member.
    Set(SetArguments),
    /// Whether a member's mail may be read by others: then it is written none.
    #[command(after_help = member_mail::HELP)]
    Mail(member_mail::MailArguments),
    /// Give a member another name or another number; the old number leads on to it.
    Rename {
        /// Its number, or one it had.
        number: MemberNumber,
        /// The new name.
        #[arg(long, value_parser = operator_name, required_unless_present = "new_number")]
        name: Option<String>,
        /// The new number.
        #[arg(long = "number", value_name = "NUMBER")]
        new_number: Option<MemberNumber>,
    },
    /// Members become part of another: sensors, sites, alerts, incidents and numbers are that one's from now on. This cannot be undone.
    Merge {
        /// Those that become part of it.
        #[arg(required = true, value_name = "NUMBER")]
        numbers: Vec<MemberNumber>,
        /// The one that goes on.
        #[arg(long, value_name = "NUMBER")]
        into: MemberNumber,
    },
    /// Remove a member that was entered by mistake; one that has sensors or alerts leaves instead (member leave).
    Remove {
        /// Its number.
        number: MemberNumber,
    },
    /// A member leaves: its data is handed over and deleted, its sensors are revoked, a certificate says so.
    Leave(LeaveArguments),
    /// Read members from a spreadsheet's file (CSV): all lines or none.
    Import(ImportArguments),
    /// Write members as a file that a spreadsheet reads (CSV).
    Export(ExportArguments),
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: MemberCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = dispatch(data, &store, command).await;
    store.close().await;
    done
}

async fn dispatch(data: &Path, store: &Store, command: MemberCommand) -> anyhow::Result<()> {
    match command {
        MemberCommand::Add { number, name } => add(store, &number, &name).await,
        MemberCommand::List { json } => list(store, json).await,
        MemberCommand::Show(arguments) => member_show::run(store, &arguments).await,
        MemberCommand::Set(arguments) => member_set::run(store, arguments).await,
        MemberCommand::Mail(arguments) => member_mail::run(store, arguments).await,
        MemberCommand::Rename { number, name, new_number } => rename(store, &number, name, new_number).await,
        MemberCommand::Merge { numbers, into } => {
            merge(store, &numbers, &into).await?;
            poke(data, Poke::Sensors).await;
            Ok(())
        }
        MemberCommand::Remove { number } => remove(store, &number).await,
        MemberCommand::Leave(arguments) => member_leave::run(data, store, &arguments).await,
        MemberCommand::Import(arguments) => member_file::import(store, &arguments).await,
        MemberCommand::Export(arguments) => member_file::export(store, &arguments).await,
    }
}

/// The member of a number, or that goes on for the one that had it; in the second case that is told.
///
/// # Errors
/// There is none.
pub(super) async fn find(store: &Store, number: &MemberNumber) -> anyhow::Result<MemberRow> {
    let found = store.member_by_number(Scope::Operator, number).await?;
    let member = found.ok_or_else(|| {
        anyhow!("there is no member {number}, and none had that number; see: varde-collector member list")
    })?;
    if member.number != number.as_str() {
        say::aside(&format!("{number} is {} ({}) now.", member.name, member.number));
    }
    Ok(member)
}

/// The same, for who is to be given something: where there is none it may be that nobody has added it yet.
///
/// # Errors
/// There is none.
pub(super) async fn find_or_add(store: &Store, number: &MemberNumber) -> anyhow::Result<MemberRow> {
    if store.member_by_number(Scope::Operator, number).await?.is_none() {
        bail!("there is no member {number}; add it first with: varde-collector member add {number} NAME")
    }
    find(store, number).await
}

async fn add(store: &Store, number: &MemberNumber, name: &str) -> anyhow::Result<()> {
    let adding = store.noting(deed("member add", On::Member(number.as_str().to_owned())).becomes(name));
    say::result(&match adding.add_member(number, name, clock::now()).await? {
        Added::New => format!("Added {name} ({number})."),
        Added::Known => format!("{name} ({number}) was there already."),
        Added::Another(whose) => bail!(
            "{number} is {whose}; where {whose} is to be called {name}: varde-collector member rename {number} --name \"{name}\""
        ),
        Added::Former(today) => {
            bail!("{number} was given up and leads on to {today}; see: varde-collector member show {today}")
        }
    })
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let members = store.member_rows(Scope::Operator).await?;
    let row = |member: &MemberRow| {
        let former: Vec<&str> = member.former_numbers.iter().map(|former| former.number.as_str()).collect();
        vec![
            member.number.clone(),
            member.name.clone(),
            say::moment(Some(member.added_at)),
            member.sensors.to_string(),
            member.supplier.clone().unwrap_or_else(|| "-".to_owned()),
            if former.is_empty() { "-".to_owned() } else { former.join(", ") },
        ]
    };
    let nothing = "No members yet. Add one with: varde-collector member add NUMBER NAME";
    say::rows(&members, json, &["NUMBER", "NAME", "ADDED", "SENSORS", "SUPPLIER", "FORMER NUMBERS"], row, nothing)
}

async fn rename(
    store: &Store,
    number: &MemberNumber,
    name: Option<String>,
    new_number: Option<MemberNumber>,
) -> anyhow::Result<()> {
    let member = find(store, number).await?;
    let called = name.as_deref().unwrap_or(&member.name);
    let numbered = new_number.as_ref().map_or(member.number.as_str(), MemberNumber::as_str);
    let renaming = deed("member rename", On::Member(member.number.clone()))
        .was(format!("{} {}", member.number, member.name))
        .becomes(format!("{numbered} {called}"))
        .concerns([numbered.to_owned()]);
    let renaming = store.noting(renaming);
    let done = renaming.rename_member(member.id, name.as_deref(), new_number.as_ref(), clock::now()).await?;
    match done {
        Renumbered::Taken(today, whose) => bail!(
            "{} is {whose}'s ({today}); if the two have become one: varde-collector member merge {} --into {today}",
            new_number.as_ref().map_or("", MemberNumber::as_str),
            member.number
        ),
        Renumbered::Now => say::result(&format!(
            "{called} has the number {} from now on; {} leads on to it.",
            new_number.as_ref().map_or("", MemberNumber::as_str),
            member.number
        )),
        Renumbered::Before => say::result(&format!("{} is called {called}.", member.number)),
    }
}

async fn merge(store: &Store, numbers: &[MemberNumber], into: &MemberNumber) -> anyhow::Result<()> {
    let kept = find_or_add(store, into).await?;
    let mut parts = Vec::new();
    for number in numbers {
        let part = find(store, number).await?;
        if part.id != kept.id {
            parts.push(part);
        } else if number.as_str() == kept.number {
            bail!("{} ({}) cannot become part of itself", kept.name, kept.number)
        }
        // Of one that is part of it already that was told: a command that was cut off is given once more as it was.
    }
    parts.sort_by_key(|part| part.id);
    parts.dedup_by_key(|part| part.id);
    for part in &parts {
        let profile = async |id| store.profile(Scope::Operator, id).await.map(Option::unwrap_or_default);
        let (own, given) = (profile(kept.id).await?, profile(part.id).await?);
        let (joined, dropped) = merger::join(&own, given);
        let merging = deed("member merge", On::Member(part.number.clone()))
            .was(format!("a member of its own: {}", part.name))
            .becomes(format!("part of {} {}{}", kept.number, kept.name, merger::noted(&own, &joined, &dropped)))
            .concerns([kept.number.clone()]);
        let dropped = handle_merger(&store.noting(merging), part.id, kept.id, clock::now()).await?;
        say::result(&format!(
            "{} ({}) is part of {} ({}) from now on: its sensors, sites, alerts and incidents are that one's, and {} leads on to it.",
            part.name, part.number, kept.name, kept.number, part.number
        ))?;
        for one in dropped {
            say::result(&format!("Not taken, because {} has its own: {one}", kept.name))?;
        }
    }
    if parts.is_empty() {
        say::result("Nothing was left to do.")?;
    }
    say::aside(&format!("Look through its contacts and domains: varde-collector member show {}", kept.number));
    Ok(())
}

/// How many of something that is one, or several by an s.
fn counted(number: i64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

async fn remove(store: &Store, number: &MemberNumber) -> anyhow::Result<()> {
    let member = find(store, number).await?;
    if member.number != number.as_str() {
        bail!("name it by its number of today: varde-collector member remove {}", member.number)
    }
    let removing = deed("member remove", On::Member(member.number.clone()))
        .was(member.name.as_str())
        .becomes(REMOVED)
        .concerns(member.former_numbers.iter().map(|former| former.number.clone()));
    match store.noting(removing).remove_member(member.id).await? {
        Ok(()) => {
            say::result(&format!("Removed {} ({number}), and nothing was known of it but its profile.", member.name))
        }
        Err(Holds { sensors, sites, alerts, joined, incidents }) => bail!(
            "{} ({number}) is no mistake: it has {}, {}, {}, {} and {} that became part of it. A member that leaves: varde-collector member leave {number}",
            member.name,
            counted(sensors, "sensor"),
            counted(sites, "site"),
            counted(alerts, "alert"),
            counted(incidents, "incident"),
            counted(joined, "member")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Edit, Wanted};

    async fn community(members: &[(&str, Option<&str>)]) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        for (number, supplier) in members {
            let number: MemberNumber = number.parse().unwrap();
            let edits = vec![Edit::Supplier(supplier.map(str::to_owned))];
            let wanted = [Wanted { name: Some(format!("Kommune {number}")), number, edits }];
            store.write_members(&wanted, false, clock::now()).await.unwrap();
        }
        (dir, store)
    }

    #[tokio::test]
    async fn a_merger_that_was_cut_off_is_given_again_as_it_was_and_its_suppliers_stand() {
        let (dir, store) = community(&[("1401", Some("IKT Øst")), ("1439", Some("IKT Vest")), ("4602", None)]).await;
        let merge = async |numbers: &[&str]| {
            let numbers = numbers.iter().map(|number| number.parse().unwrap()).collect();
            run(dir.path(), MemberCommand::Merge { numbers, into: "4602".parse().unwrap() }).await
        };
        // One that is there is renamed by nobody who mistypes a number, and who is not there is not told to be added.
        let add = MemberCommand::Add { number: "1401".parse().unwrap(), name: "Bergen".to_owned() };
        let said = run(dir.path(), add).await.unwrap_err().to_string();
        assert!(said.contains("member rename 1401 --name \"Bergen\""), "{said}");
        assert_eq!(store.member_rows(Scope::Operator).await.unwrap()[0].name, "Kommune 1401");
        let said = run(dir.path(), MemberCommand::Remove { number: "1999".parse().unwrap() }).await.unwrap_err();
        assert!(!said.to_string().contains("add"), "{said}");
        // Killed between the two.
        merge(&["1401"]).await.unwrap();
        merge(&["1401", "1439"]).await.unwrap();
        merge(&["1401", "1439"]).await.unwrap();
        assert!(merge(&["4602"]).await.unwrap_err().to_string().contains("cannot become part of itself"));
        let left = store.member_rows(Scope::Operator).await.unwrap();
        assert_eq!((left.len(), left[0].supplier.as_deref()), (1, Some("IKT Øst")));
        let entries = store.audit_entries(Scope::Operator, 0).await.unwrap();
        let noted: Vec<&str> = entries.iter().map(|entry| entry.became.as_str()).collect();
        assert_eq!(noted.len(), 2, "{noted:?}");
        assert!(noted[0].ends_with("; it takes supplier"), "{noted:?}");
        assert!(noted[1].ends_with("; not taken, because it has its own: supplier IKT Vest"), "{noted:?}");
    }
}
