//! `varde-collector token`: what programs read the API with, and screens on walls the overview.

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::noted::deed;
use super::say;
use crate::account::account_name;
use crate::account::role::Role;
use crate::audit::On;
use crate::io::{clock, secret};
use crate::limits::account::{TOKENS_MAX, WALL_TOKEN_FOR};
use crate::store::page_token::{AddedToken, NewToken, TokenRow};
use crate::store::{Scope, Store};

const ADD_HELP: &str = "\
The token is told once. A program gives it as \"Authorization: Bearer TOKEN\"; it reads what its role may read, and changes nothing.
With --role wall it is for a screen: open /skjerm there and paste it. Whoever stands before it reads the overview: members by name, how they
stand, campaigns and incidents, indicators up to TLP:AMBER; never a host. It is good for 90 days, or as --until says.
Roles: analyst, publisher, administrator, auditor; it and management, with --member; wall.";

/// Subcommands of `token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token, and print it.
    #[command(after_help = ADD_HELP)]
    Add {
        /// What it is called.
        #[arg(value_parser = account_name)]
        name: String,
        /// As whom it reads.
        #[arg(long)]
        role: Role,
        /// The number of the member whose things it reads, for it and management.
        #[arg(long, value_name = "NUMBER")]
        member: Option<MemberNumber>,
        /// Good until then (RFC 3339); where it is not said without end, a wall's for 90 days.
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// All of them.
    #[command(
        after_help = "Keys with --json: id, name, role, member (its number), added_at, until, last_used_at (to the hour). Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// From now on it opens nothing.
    Remove {
        /// Its number, as `token list` shows it.
        id: i64,
    },
}

#[derive(Debug, Serialize)]
struct Done<'a> {
    id: i64,
    name: &'a str,
    role: Role,
    token: String,
    until: Option<Timestamp>,
}

/// That a role and a member belong together.
///
/// # Errors
/// A sentence that says what would be right.
pub(super) fn belongs(role: Role, member: Option<&MemberNumber>) -> anyhow::Result<()> {
    match (role.at_member(), member) {
        (true, None) => bail!("the role {} is at a member; say at which: --member NUMBER", role.as_str()),
        (false, Some(_)) => bail!(
            "the role {} is at the CSIRT and sees all members; at a member there are it and management",
            role.as_str()
        ),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: TokenCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        TokenCommand::Add { name, role, member, until, json } => {
            add(&store, NewToken { name: &name, role, member: member.as_ref(), until }, json).await
        }
        TokenCommand::List { json } => list(&store, json).await,
        TokenCommand::Remove { id } => remove(&store, id).await,
    };
    store.close().await;
    done
}

/// Until when one holds: as it was said; of a screen never without end, for who takes it off the wall forgets it.
fn ends(role: Role, said: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    said.or_else(|| (role == Role::Wall).then(|| now.plus(WALL_TOKEN_FOR)))
}

async fn add(store: &Store, new: NewToken<'_>, json: bool) -> anyhow::Result<()> {
    let now = clock::now();
    let new = NewToken { until: ends(new.role, new.until, now), ..new };
    belongs(new.role, new.member)?;
    if let Some(until) = new.until.filter(|until| *until <= now) {
        bail!("--until {until} is over");
    }
    let secret = secret::draw()?;
    let until = new.until.map_or("without end".to_owned(), |until| format!("until {until}"));
    let adding = deed("token add", On::Thing(format!("token \"{}\"", new.name)))
        .concerns(new.member.iter().map(|number| number.as_str().to_owned()))
        .was("no such token")
        .becomes(format!("reads as {}, {until}", new.role.as_str()));
    match store.noting(adding).add_page_token(&new, &secret, now).await? {
        AddedToken::Added(id) if json => {
            let done = Done { id, name: new.name, role: new.role, token: secret.token(), until: new.until };
            say::result(&serde_json::to_string(&done)?)
        }
        AddedToken::Added(id) => {
            say::aside(&format!("Token {id} reads as {}, {until}. It is not told again:", new.role.as_str()));
            say::result(&secret.token())
        }
        AddedToken::NoMember => bail!("there is no such member; see: varde-collector member list"),
        AddedToken::NameTaken => bail!("there is a token \"{}\" already; see: varde-collector token list", new.name),
        AddedToken::TooMany => bail!("there are {TOKENS_MAX} tokens, which is the most; remove one first"),
    }
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let tokens = store.tokens(Scope::Operator).await?;
    let row = |row: &TokenRow| {
        vec![
            row.id.to_string(),
            row.name.clone(),
            row.role.as_str().to_owned(),
            row.member.clone().unwrap_or_else(|| "-".to_owned()),
            say::moment(row.until),
            say::moment(row.last_used_at),
        ]
    };
    let nothing = "There are no tokens. Make one: varde-collector token add NAME --role ROLE";
    say::rows(&tokens, json, &["ID", "NAME", "ROLE", "MEMBER", "UNTIL", "LAST USED"], row, nothing)
}

async fn remove(store: &Store, id: i64) -> anyhow::Result<()> {
    let none = || anyhow!("there is no token {id}; see: varde-collector token list");
    let found = store.tokens(Scope::Operator).await?.into_iter().find(|token| token.id == id).ok_or_else(none)?;
    let removing = deed("token remove", On::Thing(format!("token \"{}\"", found.name)))
        .concerns(found.member)
        .was(format!("reads as {}", found.role.as_str()))
        .becomes("opens nothing any more");
    match store.noting(removing).remove_token(id).await? {
        true => say::result(&format!("Token {id} ({}) opens nothing any more.", say::printable(found.name))),
        false => Err(none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w5_a_walls_token_ends_where_nothing_was_said() {
        let (now, said) = (Timestamp(1), Some(Timestamp(7)));
        assert_eq!(ends(Role::Wall, None, now), Some(now.plus(WALL_TOKEN_FOR)));
        assert_eq!(ends(Role::Wall, said, now), said);
        assert_eq!((ends(Role::Auditor, None, now), ends(Role::Auditor, said, now)), (None, said));
    }
}
