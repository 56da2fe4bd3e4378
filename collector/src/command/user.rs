//! `varde-collector user`: who has an account at the pages, and the way in for who has lost theirs.

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::noted::by;
use super::run::page_address;
use super::say;
use super::token::belongs;
use crate::account::account_name;
use crate::account::role::Role;
use crate::io::{clock, secret};
use crate::limits::account::ACCOUNTS_MAX;
use crate::store::account::{AccountRow, AddedAccount, LinkKind};
use crate::store::page_session::SessionRow;
use crate::store::{Scope, Store};

const LIST_HELP: &str = "Keys with --json: id, name, role, member (its number), has_password, has_second_factor, recovery_codes (left), tied (to the operator's own provider), language, added_at, disabled_at, last_in_at. Times are RFC 3339 UTC; what is not is null.";

const ADD_HELP: &str = "\
The invitation is a link that is good once, for 72 hours: whoever opens it chooses a password and a second factor. Send it by another way
than e-mail if the mailbox may be read by others.
Roles at the CSIRT: analyst (watches and works; takes a warning in as a draft, approves sensors), publisher (that, writes and sends advisories,
reviews drafts, publishes, overrides lint, recalls and steers sources), administrator (as a publisher, the audit, and who has an account), auditor (how all stand, and the audit;
no hosts). At a member, with --member: it (its own incidents and sensors), management (how they stand; no hosts).";

/// Subcommands of `user`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add an account, and print the link that invites.
    #[command(after_help = ADD_HELP)]
    Add {
        /// What it is called.
        #[arg(value_parser = account_name)]
        name: String,
        /// What it may.
        #[arg(long)]
        role: Role,
        /// The number of its member, for it and management.
        #[arg(long, value_name = "NUMBER")]
        member: Option<MemberNumber>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// All accounts.
    #[command(after_help = LIST_HELP)]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// One account.
    #[command(after_help = LIST_HELP)]
    Show {
        /// Its name.
        name: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let nobody in with an account any more, at once: its sessions and links end.
    Disable {
        /// Its name.
        name: String,
    },
    /// Let its owner in again.
    Enable {
        /// Its name.
        name: String,
    },
    /// A link that signs in, once, within the hour: for who has lost the password or the second factor. Under /konto its owner chooses another password without the old one, once, and then another second factor.
    Link {
        /// The account's name.
        name: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take password, second factor and tie to the provider from an account, and print a link that invites anew: for who has never accepted, or may have had them stolen.
    Reset {
        /// Its name.
        name: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Sessions that are open; --end ends all of them.
    #[command(after_help = "Keys with --json: id, began_at, seen_at (to the minute), program. Times are RFC 3339 UTC.")]
    Sessions {
        /// The account's name.
        name: String,
        /// End them.
        #[arg(long)]
        end: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Give an account another role; its sessions end.
    Role {
        /// Its name.
        name: String,
        /// What it may from now on.
        role: Role,
    },
}

/// A link that was made.
#[derive(Debug, Serialize)]
struct Made<'a> {
    name: &'a str,
    role: Role,
    kind: LinkKind,
    link: String,
    until: Timestamp,
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: UserCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        UserCommand::Add { name, role, member, json } => add(&store, data, (&name, role, member.as_ref()), json).await,
        UserCommand::List { json } => list(&store.accounts(Scope::Operator).await?, json),
        UserCommand::Show { name, json } => list(&[found(&store, &name).await?], json),
        UserCommand::Disable { name } => set_disabled(&store, &name, true).await,
        UserCommand::Enable { name } => set_disabled(&store, &name, false).await,
        UserCommand::Link { name, json } => sign_in(&store, data, &name, json).await,
        UserCommand::Reset { name, json } => reset(&store, data, &name, json).await,
        UserCommand::Sessions { name, end, json } => sessions(&store, &name, end, json).await,
        UserCommand::Role { name, role } => set_role(&store, &name, role).await,
    };
    store.close().await;
    done
}

async fn found(store: &Store, name: &str) -> anyhow::Result<AccountRow> {
    let name = account_name(name).map_err(|why| anyhow!(why))?;
    let found = store.account_named(Scope::Operator, &name).await?;
    found.ok_or_else(|| anyhow!("there is no account {name:?}; see: varde-collector user list"))
}

/// Makes a link and says it.
async fn make(
    store: &Store,
    data: &Path,
    (id, name, role): (i64, &str, Role),
    kind: LinkKind,
    json: bool,
) -> anyhow::Result<()> {
    let (secret, now) = (secret::draw()?, clock::now());
    store.make_link(kind, Some(id), &secret, now).await?;
    let (link, until) = (format!("{}/lenke/{}", page_address(data), secret.text()), now.plus(kind.lasts()));
    if json {
        return say::result(&serde_json::to_string(&Made { name, role, kind, link, until })?);
    }
    say::aside(&format!("Good once, until {until}:"));
    say::result(&link)
}

async fn add(
    store: &Store,
    data: &Path,
    (name, role, member): (&str, Role, Option<&MemberNumber>),
    json: bool,
) -> anyhow::Result<()> {
    if !role.is_a_persons() {
        bail!("a wall is nobody; make a token for it: varde-collector token add NAME --role wall");
    }
    belongs(role, member)?;
    let adding = by().user_added(name, role, member.map(MemberNumber::as_str));
    match store.noting(adding).add_account(name, role, member, clock::now()).await? {
        AddedAccount::Added(id) => make(store, data, (id, name, role), LinkKind::Invitation, json).await,
        AddedAccount::NoMember => bail!("there is no such member; see: varde-collector member list"),
        AddedAccount::NameTaken => {
            bail!("there is an account \"{name}\" already; a new invitation for it: varde-collector user reset {name}")
        }
        AddedAccount::TooMany => bail!("there are {ACCOUNTS_MAX} accounts, which is the most"),
    }
}

async fn sign_in(store: &Store, data: &Path, name: &str, json: bool) -> anyhow::Result<()> {
    let account = found(store, name).await?;
    if account.disabled_at.is_some() {
        bail!("{0} may not come in; let it: varde-collector user enable {0}", account.name);
    }
    let linking = by().user_link(&account.name, account.member.as_deref());
    let (id, role) = (account.id, account.role);
    make(&store.noting(linking), data, (id, &account.name, role), LinkKind::SignIn, json).await
}

async fn reset(store: &Store, data: &Path, name: &str, json: bool) -> anyhow::Result<()> {
    let account = found(store, name).await?;
    if account.disabled_at.is_some() {
        bail!("{0} may not come in; let it: varde-collector user enable {0}", account.name);
    }
    let resetting = by().user_reset(&account.name, account.member.as_deref());
    store.noting(resetting).reset(account.id).await?;
    make(store, data, (account.id, &account.name, account.role), LinkKind::Invitation, json).await
}

fn list(accounts: &[AccountRow], json: bool) -> anyhow::Result<()> {
    let row = |row: &AccountRow| {
        let state = match (row.disabled_at, row.has_password, row.has_second_factor) {
            (Some(_), _, _) => "disabled",
            (None, true, true) => "active",
            (None, _, _) if row.tied => "active, by the provider",
            (None, false, _) => "invited",
            (None, true, false) => "no second factor",
        };
        vec![
            row.name.clone(),
            row.role.as_str().to_owned(),
            row.member.clone().unwrap_or_else(|| "-".to_owned()),
            state.to_owned(),
            say::moment(Some(row.added_at)),
            say::moment(row.last_in_at),
        ]
    };
    let nothing = "Nobody has an account. Add one: varde-collector user add NAME --role administrator";
    say::rows(accounts, json, &["NAME", "ROLE", "MEMBER", "STATE", "ADDED", "LAST IN"], row, nothing)
}

async fn set_disabled(store: &Store, name: &str, disabled: bool) -> anyhow::Result<()> {
    let account = found(store, name).await?;
    let said = if disabled { "may not come in any more" } else { "may come in again" };
    if disabled
        && account.role == Role::Administrator
        && account.comes_in()
        && store.administrators(Scope::Operator).await? == 1
    {
        say::aside("This was the last administrator; accounts are added on this command line alone now.");
    }
    let doing = by().user_stopped(&account.name, account.member.as_deref(), disabled);
    match store.noting(doing).set_disabled(account.id, disabled, clock::now()).await? {
        true => say::result(&format!("{} {said}.", account.name)),
        false => bail!("that is so already: {}", account.name),
    }
}

async fn set_role(store: &Store, name: &str, role: Role) -> anyhow::Result<()> {
    let account = found(store, name).await?;
    if !role.is_a_persons() || !role.fits(account.member.is_some()) {
        let at = account.member.map_or("the CSIRT".to_owned(), |number| format!("member {number}"));
        bail!("the role {} is none for an account at {at}; add another account for it", role.as_str());
    }
    let doing = by().user_role(&account.name, account.member.as_deref(), (account.role, role));
    match store.noting(doing).set_role(account.id, role).await? {
        true => say::result(&format!("{} is {} now; its sessions have ended.", account.name, role.as_str())),
        false => bail!("there is no account {name:?} any more"),
    }
}

async fn sessions(store: &Store, name: &str, end: bool, json: bool) -> anyhow::Result<()> {
    let account = found(store, name).await?;
    let open = store.sessions(Scope::Operator, account.id, clock::now()).await?;
    if end {
        let ending = by().user_sessions(&account.name, account.member.as_deref(), open.len());
        let ended = store.noting(ending).end_sessions(account.id, None).await?;
        return say::result(&format!("{ended} sessions of {} have ended.", account.name));
    }
    let row = |row: &SessionRow| {
        vec![row.id.to_string(), say::moment(Some(row.began_at)), say::moment(Some(row.seen_at)), row.program.clone()]
    };
    say::rows(&open, json, &["ID", "BEGAN", "SEEN", "PROGRAM"], row, "No session is open.")
}
