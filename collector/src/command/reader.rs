//! `varde-collector reader`: who reads the list over HTTPS, up to which marking, until when.

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::init::operator_name;
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::io::clock;
use crate::limits::feed::READERS_MAX;
use crate::reader::SECRET_OCTETS;
use crate::store::reader::{AddedReader, NewReader, ReaderRow};
use crate::store::{Scope, Store};

const ADD_HELP: &str = "\
The token is told once. It goes into a request as \"Authorization: Bearer TOKEN\", or as the password of Basic with any name.
Feeds, at the collector's TCP address (run --tcp): /feed/plain.txt (domains.txt, ips.txt), /feed/rpz.zone, /feed/misp/manifest.json.
What is marked TLP:RED or PAP:RED is in none. What is marked PAP:AMBER is in the MISP feed and not in the lists that block: whoever is
blocked notices. TLP:AMBER+STRICT is for the operator's own organisation: --own. Exercises, what is braked and what no published list
has are in none.
With --path-token the token may also stand in the path, /feed/t/TOKEN/plain.txt, for what can send neither header: then it stands in the
logs of whatever is between, and whoever reads those can read the feed.";

/// Subcommands of `reader`.
#[derive(Debug, Subcommand)]
pub enum ReaderCommand {
    /// Let somebody read, and print the token by which it is known.
    #[command(after_help = ADD_HELP)]
    Add {
        /// What it is called.
        #[arg(value_parser = operator_name)]
        name: String,
        /// Up to this marking: clear, green, amber or amber+strict.
        #[arg(long, default_value = "green", value_parser = level)]
        tlp: Tlp,
        /// The member whose it is: it goes with it.
        #[arg(long, value_name = "NUMBER")]
        member: Option<MemberNumber>,
        /// It is of the operator's own organisation.
        #[arg(long, conflicts_with = "member")]
        own: bool,
        /// Good until then, e.g. 2027-01-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// Its token may stand in the path.
        #[arg(long)]
        path_token: bool,
        /// Print one JSON object: reader, name, tlp, token.
        #[arg(long)]
        json: bool,
    },
    /// List those that may read.
    #[command(
        after_help = "Keys with --json: id, name, tlp, member (its number), own, path_token, added_at, until, last_read_at (to the hour). Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Let somebody read no longer, from now on.
    Remove {
        /// Its number, as `reader list` shows it.
        id: i64,
    },
}

/// A level that somebody may read up to.
pub(super) fn level(text: &str) -> Result<Tlp, String> {
    match text.parse::<Tlp>() {
        Ok(Tlp::Red) => Err("TLP:RED is for those it was told to, and goes into no feed or file".to_owned()),
        Ok(tlp) => Ok(tlp),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Debug, Serialize)]
struct Done<'a> {
    reader: i64,
    name: &'a str,
    tlp: Tlp,
    token: String,
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: ReaderCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        ReaderCommand::Add { name, tlp, member, own, until, path_token, json } => {
            add(&store, NewReader { name, tlp, member, own, in_path: path_token, until }, json).await
        }
        ReaderCommand::List { json } => list(&store, json).await,
        ReaderCommand::Remove { id } => remove(&store, id).await,
    };
    store.close().await;
    done
}

async fn add(store: &Store, new: NewReader, json: bool) -> anyhow::Result<()> {
    let now = clock::now();
    if new.tlp == Tlp::AmberStrict && !new.own {
        bail!(
            "TLP:AMBER+STRICT stays within the organisation it was told to; if this reader is the operator's own: --own"
        );
    }
    if let Some(until) = new.until.filter(|until| *until <= now) {
        bail!("--until {until} is over");
    }
    let mut secret = [0; SECRET_OCTETS];
    getrandom::fill(&mut secret).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    let whose = match (&new.member, new.own) {
        (Some(number), _) => format!("of member {number}"),
        (None, true) => "of the operator's own".to_owned(),
        (None, false) => "of no member".to_owned(),
    };
    let until = new.until.map_or("without end".to_owned(), |until| format!("until {until}"));
    let path = if new.in_path { ", its token may stand in the path" } else { "" };
    let adding = deed("reader add", On::Thing(format!("reader \"{}\"", new.name)))
        .concerns(new.member.iter().map(|number| number.as_str().to_owned()))
        .was("no such reader")
        .becomes(format!("reads up to {}, {whose}, {until}{path}", new.tlp));
    match store.noting(adding).add_reader(&new, &secret, now).await? {
        AddedReader::Added(reader, token) if json => {
            say::result(&serde_json::to_string(&Done { reader, name: &new.name, tlp: new.tlp, token })?)
        }
        AddedReader::Added(reader, token) => {
            say::aside(&format!("Reader {reader} reads up to {}. Its token, which is not told again:", new.tlp));
            say::result(&token)
        }
        AddedReader::NoMember => bail!("there is no such member; see: varde-collector member list"),
        AddedReader::NameTaken => bail!("there is a reader \"{}\" already; see: varde-collector reader list", new.name),
        AddedReader::TooMany => bail!("there are {READERS_MAX} readers, which is the most; remove one first"),
    }
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let readers = store.readers_listed(Scope::Operator).await?;
    let row = |row: &ReaderRow| {
        vec![
            row.id.to_string(),
            row.name.clone(),
            row.tlp.to_string(),
            match (&row.member, row.own) {
                (Some(number), _) => number.clone(),
                (None, true) => "own".to_owned(),
                (None, false) => "-".to_owned(),
            },
            if row.path_token { "yes" } else { "-" }.to_owned(),
            say::moment(row.until),
            say::moment(row.last_read_at),
        ]
    };
    let heads = ["ID", "NAME", "UP TO", "MEMBER", "IN PATH", "UNTIL", "LAST READ"];
    let nothing = "Nobody reads the list over HTTPS. Let somebody: varde-collector reader add NAME --tlp green";
    say::rows(&readers, json, &heads, row, nothing)
}

async fn remove(store: &Store, id: i64) -> anyhow::Result<()> {
    let readers = store.readers_listed(Scope::Operator).await?;
    let none = || anyhow!("there is no reader {id}; see: varde-collector reader list");
    let found = readers.into_iter().find(|reader| reader.id == id).ok_or_else(none)?;
    let removing = deed("reader remove", On::Thing(format!("reader \"{}\"", found.name)))
        .concerns(found.member)
        .was(format!("reads up to {}", found.tlp))
        .becomes("reads no longer");
    match store.noting(removing).remove_reader(id, clock::now()).await? {
        true => say::result(&format!("Reader {id} ({}) reads no longer.", say::printable(found.name))),
        false => Err(none()),
    }
}
