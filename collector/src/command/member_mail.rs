//! `varde-collector member mail`: whether a member's mail may be read by others («mulig kompromittert e-post»). Then it is written none.

use clap::Args;
use serde::Serialize;
use varde_common::id::MemberNumber;

use super::noted::{by, deed};
use super::{member, say};
use crate::audit::On;
use crate::io::clock;
use crate::store::mail::Distrusted;
use crate::store::{Scope, Store};

/// What `member mail --help` says beside.
pub(super) const HELP: &str = "\
Without --compromised or --trusted it says how things stand. A member whose mail may be read by others is sent none, not even what waits
already, and stands on the list of those to ring at once (advisory read-by).
KEYS of --json: number, distrusted {at, who, why} (null = its mail is used), kept_back (mails that waited and are not sent).";

/// Arguments of `member mail`.
#[derive(Debug, Args)]
pub struct MailArguments {
    /// Its number, or one it had.
    pub number: MemberNumber,
    /// Others may read its mail.
    #[arg(long, requires = "reason", conflicts_with = "trusted")]
    pub compromised: bool,
    /// They no longer may.
    #[arg(long, requires = "reason")]
    pub trusted: bool,
    /// Why, on one line.
    #[arg(long, value_name = "TEXT", value_parser = say::reason)]
    pub reason: Option<String>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Serialize)]
struct Stands {
    number: String,
    distrusted: Option<Distrusted>,
    kept_back: u64,
}

/// Runs the command.
///
/// # Errors
/// There is no such member.
pub(super) async fn run(store: &Store, arguments: MailArguments) -> anyhow::Result<()> {
    let MailArguments { number, compromised, trusted, reason, json } = arguments;
    let member = member::find(store, &number).await?;
    let reason = reason.unwrap_or_default();
    let before = store.mail_distrusted(Scope::Operator, member.id).await?;
    let mut kept_back = 0;
    if compromised || trusted {
        let by = by();
        let doing = by.member_mail(&member.number, (before.is_some(), compromised), &reason);
        let said = compromised.then_some((by.who.as_str(), reason.as_str()));
        kept_back = store.noting(doing).distrust_mail(member.id, said, clock::now()).await?;
    } else {
        store.note(&deed("member mail", On::Member(member.number.clone())).becomes("shown")).await?;
    }
    let distrusted = store.mail_distrusted(Scope::Operator, member.id).await?;
    if json {
        return say::result(&serde_json::to_string(&Stands { number: member.number, distrusted, kept_back })?);
    }
    match distrusted {
        Some(Distrusted { at, who, why }) => {
            let (at, why) = (say::moment(Some(at)), say::printable(why));
            say::result(&format!("{} gets no mail since {at}, by {}: {why}", member.name, say::printable(who)))?;
            say::result(&format!(
                "{kept_back} mails that waited are not sent. Ring: varde-collector member show {}",
                member.number
            ))
        }
        None => say::result(&format!("{} is written to at the addresses of its profile.", member.name)),
    }
}
