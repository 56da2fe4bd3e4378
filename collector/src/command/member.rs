//! `varde-collector member`: who belongs to the community.

use std::path::Path;

use clap::Subcommand;
use varde_common::id::MemberNumber;

use super::init::operator_name;
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::io::clock;
use crate::store::member::{Added, MemberRow};
use crate::store::{Scope, Store};

/// Subcommands of `member`.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Add a member, or give a known one a new name.
    Add {
        /// Kommunenummer (four digits), fylkesnummer (two) or organisasjonsnummer (nine).
        number: MemberNumber,
        /// Its name.
        #[arg(value_parser = operator_name)]
        name: String,
    },
    /// List the members.
    #[command(after_help = "Keys with --json: number, name, added_at (RFC 3339 UTC), sensors (those not revoked).")]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: MemberCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    match command {
        MemberCommand::Add { number, name } => {
            let on = On::Member(number.as_str().to_owned());
            let adding = store.noting(deed("member add", on).becomes(name.as_str()));
            say::result(&match adding.add_member(&number, &name, clock::now()).await? {
                Added::New => format!("Added {name} ({number})."),
                Added::Known => format!("{name} ({number}) was there already."),
                Added::Renamed => format!("{number} is now called {name}."),
            })?;
        }
        MemberCommand::List { json } => {
            let members = store.member_rows(Scope::Operator).await?;
            let row = |member: &MemberRow| {
                let MemberRow { number, name, added_at, sensors, .. } = member;
                vec![number.clone(), name.clone(), say::moment(Some(*added_at)), sensors.to_string()]
            };
            let nothing = "No members yet. Add one with: varde-collector member add NUMBER NAME";
            say::rows(&members, json, &["NUMBER", "NAME", "ADDED", "SENSORS"], row, nothing)?;
        }
    }
    store.close().await;
    Ok(())
}
