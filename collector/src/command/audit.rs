//! `varde-collector audit`: what was done here, by whom and on whom; that nothing of it was changed; and a member's part of it.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;
use varde_common::trust::{from_hex, hex};

use super::noted::{deed, reading};
use super::{listing, say};
use crate::audit::{Entry, Kept, On, Sound, Wrong};
use crate::departure::Exported;
use crate::io::clock;
use crate::io::handover::Handover;
use crate::io::restore::aside_of;
use crate::store::audit_part::Part;
use crate::store::{Scope, Store};

const KEYS: &str = "\
Keys with --json (one object a line): seq (its place, without gaps), at (RFC 3339 UTC), who (user of the system; who logged in, where
that is another; or a part of the program), what (the command), on (whom or what), members (numbers of the members it concerns; null =
all of them), before, after (in words), hash (SHA-256 over the one before and this). Entries are kept for 24 months.";

const VERIFY: &str = "\
The head is the newest entry's hash and the first entry's number. Keep it where nobody can write who can write the database: who can may
cut off the end of the audit, or write all of it anew, and only a head that was kept shows it. Any head that was printed since will do,
not only the last. Entries that are gone from the front must have been 24 months old, by the time of the next that is there.
Keys with --json: sound (bool); where it is, entries, first, last (places), from, until, head (the hash; HASH:FIRST is what --head takes),
head_asked_for_at (place of the entry with the head that was given, or null), gone_since (places of the first and the last entry that were
there when it was printed and have grown too old since, or null); else wrong_entry (its place, or null), why, and where the head may be of a state that a restore set aside, look_in [directory].
A restore sets aside the audit of what it takes the place of: hold that one against heads of before (--data DIR/before-restore-…), and keep
a new head of the one that is in use now.
Exit: 0 it is whole; 1 it is not, and what is wrong first.";

/// Subcommands of `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List what was done, the oldest first.
    #[command(after_help = KEYS)]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Hold the audit against itself: nothing was changed, removed or moved; and against a head that was kept.
    #[command(after_help = VERIFY)]
    Verify {
        /// A head that an earlier `audit verify` printed; without :FIRST what is gone since is not told.
        #[arg(long, value_name = "HASH:FIRST", value_parser = head)]
        head: Option<Kept>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// A member's part: what concerns it, without words that name another member.
    #[command(after_help = KEYS)]
    Export {
        /// The member's number, or one it had: what stands under any of them is its own. Of a number that is free again: the last that had it.
        #[arg(long, value_name = "NUMBER")]
        member: MemberNumber,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

fn head(text: &str) -> Result<Kept, String> {
    let (hash, first) = match text.trim().split_once(':') {
        Some((hash, first)) => (hash, first.parse::<i64>().ok().map(Some)),
        None => (text.trim(), Some(None)),
    };
    from_hex(hash).zip(first).map(|(hash, first)| Kept { hash, first }).ok_or_else(|| {
        "a head has 64 hexadecimal digits, a colon and the first entry's number, as audit verify prints it".to_owned()
    })
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done, or what is wrong with the audit.
pub async fn run(data: &Path, command: AuditCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        AuditCommand::List { json } => list(&store, None, json).await,
        AuditCommand::Verify { head, json } => verify(&store, data, head, json).await,
        AuditCommand::Export { member, json } => export(&store, &member, json).await,
    };
    store.close().await;
    done
}

/// An entry as it is listed.
#[derive(Debug, Serialize)]
struct Line<'a> {
    seq: i64,
    at: Timestamp,
    who: &'a str,
    what: &'a str,
    on: &'a str,
    members: Option<Vec<&'a str>>,
    before: &'a str,
    after: &'a str,
    hash: String,
}

impl Line<'_> {
    fn of(entry: &Entry) -> Line<'_> {
        Line {
            seq: entry.seq,
            at: entry.at,
            who: &entry.who,
            what: &entry.what,
            on: &entry.on,
            members: entry.member_numbers(),
            before: &entry.was,
            after: &entry.became,
            hash: hex(&entry.hash),
        }
    }
}

async fn list(store: &Store, part: Option<&Part>, json: bool) -> anyhow::Result<()> {
    let (mut after, mut any) = (i64::MIN, false);
    loop {
        let page = match part {
            Some(part) => store.audit_part_entries(part, after).await?,
            None => store.audit_entries(Scope::Operator, after).await?,
        };
        let Some(last) = page.last() else { break };
        (after, any) = (last.seq, true);
        let lines: Vec<Line<'_>> = page.iter().map(Line::of).collect();
        let read_on = if json { listing::print_json(&lines)? } else { listing::print(&table(&lines))? };
        if !read_on {
            return Ok(());
        }
    }
    if !any && !json {
        say::aside("Nothing stands in the audit.");
    }
    Ok(())
}

/// A member's part as lines, as it is handed over.
///
/// # Errors
/// The database's own; the file's.
pub(super) async fn part(store: &Store, scope: Scope, mut file: Handover) -> anyhow::Result<Exported> {
    let mut after = i64::MIN;
    loop {
        let page = store.audit_entries(scope, after).await?;
        let Some(last) = page.last() else { return Ok(file.end()?) };
        after = last.seq;
        for entry in &page {
            file.line(&Line::of(entry))?;
        }
    }
}

fn table(lines: &[Line<'_>]) -> String {
    let mut table = listing::table(&["SEQ", "AT", "WHO", "WHAT", "ON", "BEFORE", "AFTER"]);
    for line in lines {
        let texts = [line.who, line.what, line.on, line.before, line.after].map(|text| say::printable(text.to_owned()));
        table.add_row([line.seq.to_string(), listing::moment(line.at)].into_iter().chain(texts));
    }
    format!("{table}\n")
}

async fn export(store: &Store, member: &MemberNumber, json: bool) -> anyhow::Result<()> {
    let Some(part) = store.audit_part_by_number(Scope::Operator, member.as_str()).await? else {
        bail!("there is no member {member}, and nothing that was done names one; see: varde-collector member list");
    };
    let given =
        deed("audit export", On::Member(member.as_str().to_owned())).becomes("its part of the audit is given out");
    reading(store, given).await?;
    list(store, Some(&part), json).await
}

/// What `audit verify --json` says.
#[derive(Debug, Serialize)]
struct Verdict<'a> {
    sound: bool,
    #[serde(flatten)]
    facts: Option<&'a Sound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong_entry: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    look_in: Option<&'a [PathBuf]>,
}

/// Where a head may be that is not here.
fn set_aside(data: &Path, wrong: &Wrong) -> Option<Vec<PathBuf>> {
    match wrong {
        Wrong::HeadSetAside { restores, .. } => Some(restores.iter().map(|of| aside_of(data, of.at)).collect()),
        Wrong::Changed { .. }
        | Wrong::Gone { .. }
        | Wrong::NoBeginning { .. }
        | Wrong::TooYoung { .. }
        | Wrong::OtherBeginning { .. }
        | Wrong::Meddled { .. }
        | Wrong::Empty
        | Wrong::HeadGone { .. } => None,
    }
}

async fn verify(store: &Store, data: &Path, head: Option<Kept>, json: bool) -> anyhow::Result<()> {
    let all = u64::try_from(store.audit_head(Scope::Operator).await?.seq).unwrap_or(0);
    let bar = ProgressBar::new(all)
        .with_style(ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} entries, {eta} left")?);
    let verdict = store.verify_audit(Scope::Operator, head, clock::now(), |read| bar.set_position(read)).await;
    bar.finish_and_clear();
    match verdict? {
        Ok(sound) if json => {
            let verdict = Verdict { sound: true, facts: Some(&sound), wrong_entry: None, why: None, look_in: None };
            say::result(&serde_json::to_string(&verdict)?)
        }
        Ok(sound) => {
            let Sound { entries, first, last, from, until, head, head_asked_for_at, gone_since } = &sound;
            say::result(&format!(
                "The audit is whole: {entries} entries, {first} of {} to {last} of {}.",
                listing::moment(*from),
                listing::moment(*until)
            ))?;
            if let Some(at) = head_asked_for_at {
                say::result(&format!(
                    "The head that was given is that of entry {at}: nothing up to there has changed since."
                ))?;
            }
            if let Some((from, to)) = gone_since {
                say::result(&format!(
                    "Entries {from}-{to} were there then and are no longer there: entry {first}, behind them, was 24 months old when they were removed."
                ))?;
            }
            say::result(&format!("Head: {head}:{first}"))?;
            say::aside(&format!(
                "Keep the head where nobody can write who can write this database, and give it next time: varde-collector audit verify --head {head}:{first}"
            ));
            Ok(())
        }
        Err(wrong) => {
            let look_in = set_aside(data, &wrong);
            if json {
                let (why, wrong_entry) = (Some(wrong.to_string()), Some(wrong.seq()));
                let verdict = Verdict { sound: false, facts: None, wrong_entry, why, look_in: look_in.as_deref() };
                say::result(&serde_json::to_string(&verdict)?)?;
            }
            let Some(look_in) = look_in else {
                return Err(anyhow!(
                    "the audit is not whole: {wrong}; keep the database as it is, and compare it with the newest backup (varde-collector audit verify --data on a restored copy)"
                ));
            };
            let given = head.map(|head| hex(&head.hash)).unwrap_or_default();
            let commands: Vec<String> = look_in
                .iter()
                .map(|directory| format!("varde-collector audit verify --data {} --head {given}", directory.display()))
                .collect();
            Err(anyhow!(
                "the audit is whole in itself, and cannot be held against that head: {wrong}. Hold that one against it: {}. Where it is whole up to there, print a head here and keep that: varde-collector audit verify. Where no such directory has it, entries were cut off or written anew",
                commands.join("; or: ")
            ))
        }
    }
}
