//! `varde-collector allow`: what never goes out, whatever source says so.

use std::path::Path;

use anyhow::bail;
use clap::Subcommand;
use varde_common::indicator::Pattern;
use varde_common::time::Timestamp;

use super::lint::{reason, until};
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::intel::hidden::told;
use crate::io::{clock, user};
use crate::limits::ALLOWED_MAX;
use crate::store::allow::{AllowedRow, Allowing};
use crate::store::{Scope, Store};

/// Subcommands of `allow`.
#[derive(Debug, Subcommand)]
pub enum AllowCommand {
    /// Have a name, an address or a network never go out.
    #[command(
        after_help = "A name (supplier.example) stands for itself and everything below it, =name for itself alone, a network for all within it; an indicator that would match it goes out neither. With a port (192.0.2.7:443) it stands for indicators with that port alone. What is in force at sensors goes out with the next: varde-collector publish. No override lets out what is allowed: remove it."
    )]
    Add {
        /// As plain lists write indicators.
        pattern: Pattern,
        /// Why.
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,
        /// The day (2027-01-31, its end) or the time until which [default: until it is removed].
        #[arg(long, value_name = "DATE", value_parser = until)]
        until: Option<Timestamp>,
    },
    /// What is allowed and was: by whom, why, until when.
    #[command(
        after_help = "Keys with --json: pattern, reason, author, given_at, until (null = until it is removed), ended_at (removed, or given anew), ended_by, in_force, by_verdict (alert verdict false-positive put it there: it goes when that is taken back). Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Take one off the list.
    Remove {
        /// As `allow list` shows it.
        pattern: Pattern,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: AllowCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        AllowCommand::Add { pattern, reason, until } => add(&store, &pattern, &reason, until, clock::now()).await,
        AllowCommand::List { json } => list(&store, json).await,
        AllowCommand::Remove { pattern } => remove(&store, &pattern, clock::now()).await,
    };
    store.close().await;
    done
}

/// How a pattern is named in the audit, in which no indicator stands: one that is looked for by its number. And how it is named to whoever
/// asked: by its number where few may read it.
async fn names(store: &Store, pattern: &Pattern) -> anyhow::Result<(On, String)> {
    let text = pattern.to_plain();
    let named = store.indicator_named(Scope::Operator, &text).await?;
    Ok(match named {
        Some(named) => (On::Thing(format!("the pattern of indicator {}", named.id)), told(named.id, &text, named.tlp)),
        None => (On::Thing(text.clone()), text),
    })
}

async fn add(
    store: &Store,
    pattern: &Pattern,
    reason: &str,
    until: Option<Timestamp>,
    now: Timestamp,
) -> anyhow::Result<()> {
    if until.is_some_and(|until| until <= now) {
        bail!("--until must be ahead; without it it is allowed until it is removed");
    }
    if pattern.is_confidential() {
        bail!("a keyed hash is nothing that could be allowed; name what it stands for");
    }
    let author = user::who();
    let lasting = until.map_or_else(|| "until it is removed".to_owned(), |until| format!("until {until}"));
    let (on, name) = names(store, pattern).await?;
    let allowing = deed("allow add", on).becomes(format!("never goes out, {lasting}: {reason}"));
    let wanted = Allowing { pattern, reason, author: &author, until };
    if !store.noting(allowing).allow(&wanted, now).await? {
        bail!("{ALLOWED_MAX} are allowed already; remove some first: varde-collector allow remove PATTERN");
    }
    say::result(&format!("{name} never goes out, {lasting}."))?;
    say::aside("What sensors have of it goes with the next: varde-collector publish");
    Ok(())
}

async fn remove(store: &Store, pattern: &Pattern, now: Timestamp) -> anyhow::Result<()> {
    let (on, name) = names(store, pattern).await?;
    let removing = deed("allow remove", on).becomes("goes out again where a source says so");
    match store.noting(removing).end_allowed(pattern, &user::who(), now).await? {
        true => say::result(&format!("{name} is off the allow-list. It counts with the next: varde-collector publish")),
        false => bail!("{name} is not on the allow-list; see it with: varde-collector allow list"),
    }
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let mut rows = store.allowed_rows(Scope::Operator, clock::now()).await?;
    for row in &mut rows {
        row.pattern = row.known.map_or(row.pattern.clone(), |(id, tlp)| told(id, &row.pattern, tlp));
    }
    let row = |row: &AllowedRow| {
        vec![
            row.pattern.clone(),
            say::briefly(&row.reason),
            row.author.clone(),
            say::moment(row.until),
            match (row.in_force, row.ended_at) {
                (true, _) => "in force".to_owned(),
                (false, Some(_)) => "removed".to_owned(),
                (false, None) => "over".to_owned(),
            },
        ]
    };
    say::rows(&rows, json, &["PATTERN", "REASON", "BY", "UNTIL", "STATE"], row, "Nothing is allowed beforehand.")
}
