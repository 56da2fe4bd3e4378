//! `lint list`: the warninglists that are in use, and the operator's own.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::intel::lint::{Level, List, default_list, read};
use crate::io::{clock, user};
use crate::limits::{LINT_LIST_MAX_OCTETS, LINT_LISTS_MAX, LINT_NAME_MAX_OCTETS};
use crate::store::lint::ListRow;
use crate::store::{Scope, Store};

/// Subcommands of `lint list`.
#[derive(Debug, Subcommand)]
pub enum ListsCommand {
    /// Put a list in use, in place of one of the same name.
    #[command(
        after_help = "The file is a warninglist of MISP's (JSON with name, version, type and list; types cidr, string, hostname, substring) or has one entry a line: a name (it and all below it), =name (it alone), an address, a network; # begins a comment. Lists of the type regex are refused: none of MISP's is of names or addresses. At most 16 MiB, 200,000 entries and 64 lists. A default list is done without by one of its name with --level annotate.\nExit: 0 it is in use, 1 it is not, 2 wrong usage."
    )]
    Add {
        /// The file.
        file: PathBuf,
        /// What it is called here [default: the file's name without its ending].
        #[arg(long, value_name = "NAME", value_parser = list_name)]
        name: Option<String>,
        /// What it does: block or quarantine hold back, warn or annotate only tell [default: that of the list it replaces, else quarantine].
        #[arg(long, value_parser = level)]
        level: Option<Level>,
    },
    /// The lists that are in use.
    #[command(
        after_help = "Keys with --json: name, description, version, kind (cidr, string, hostname, substring, plain), level, entries, unread (entries that could not be compared and are left out), is_default, author, added_at. What is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// The entries of one, a line each.
    Show {
        /// Its name.
        name: String,
    },
    /// Take one of the operator's own out of use; a default one of its name is in use again.
    Remove {
        /// Its name.
        name: String,
    },
}

fn level(text: &str) -> Result<Level, String> {
    text.parse()
}

fn list_name(text: &str) -> Result<String, String> {
    let is_good = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    if !text.is_empty() && text.len() <= LINT_NAME_MAX_OCTETS && text.bytes().all(is_good) {
        Ok(text.to_owned())
    } else {
        Err(format!("at most {LINT_NAME_MAX_OCTETS} letters a-z, digits, - _ and ."))
    }
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub(super) async fn run(store: &Store, command: ListsCommand) -> anyhow::Result<()> {
    match command {
        ListsCommand::Add { file, name, level } => add(store, &file, name, level).await,
        ListsCommand::List { json } => list(store, json).await,
        ListsCommand::Show { name } => {
            let list = store.warninglist(Scope::Operator, &name).await?;
            let list = list
                .with_context(|| format!("there is no list {name}; see them with: varde-collector lint list list"))?;
            say::result(&list.entries.join("\n"))
        }
        ListsCommand::Remove { name } => {
            let removing = deed("lint list remove", On::Thing(format!("warninglist {name}"))).becomes("out of use");
            if !store.noting(removing).remove_warninglist(&name).await? {
                match default_list(&name) {
                    Some(_) => bail!(
                        "{name} came with the program; to do without it put one of its name in its place: varde-collector lint list add FILE --name {name} --level annotate"
                    ),
                    None => bail!("there is no list {name} of your own; see them with: varde-collector lint list list"),
                }
            }
            let again =
                if default_list(&name).is_some() { " The one that came with the program is in use again." } else { "" };
            say::result(&format!("{name} is out of use.{again}"))?;
            say::aside("It counts with the next: varde-collector publish");
            Ok(())
        }
    }
}

/// A file's octets, or that there are too many: none are read beyond the bound.
fn octets(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let read =
        std::fs::File::open(file).and_then(|opened| opened.take(LINT_LIST_MAX_OCTETS + 1).read_to_end(&mut octets));
    read.with_context(|| format!("cannot read the list {}; give a file that this user may read", file.display()))?;
    Ok(octets)
}

async fn add(store: &Store, file: &Path, name: Option<String>, level: Option<Level>) -> anyhow::Result<()> {
    let octets = octets(file)?;
    let own = || list_name(&file.file_stem().unwrap_or_default().to_string_lossy());
    let name = name.map_or_else(own, Ok);
    let name = name.map_err(|why| anyhow::anyhow!("the file's name is no list's ({why}); give one with --name"))?;
    let there = store.warninglist(Scope::Operator, &name).await?;
    let level = level.or(there.as_ref().map(|list| list.level)).unwrap_or(Level::Quarantine);
    let list = read(&octets, &name, level).map_err(|why| anyhow::anyhow!("{} is not taken: {why}", file.display()))?;
    let adding = deed("lint list add", On::Thing(format!("warninglist {name}")))
        .was(there.as_ref().map_or_else(String::new, in_words))
        .becomes(format!("{}, BLAKE3 {}", in_words(&list), blake3::hash(&octets)));
    if !store.noting(adding).add_warninglist(&list, &user::who(), clock::now()).await? {
        bail!(
            "there are {LINT_LISTS_MAX} lists of your own already; take one out first: varde-collector lint list remove NAME"
        );
    }
    let place = if there.is_some() { " It takes the place of the one of that name." } else { "" };
    say::result(&format!("{name} is in use: {}.{place}", in_words(&list)))?;
    say::aside(
        "What it holds back now: varde-collector indicator lint. It counts with the next: varde-collector publish",
    );
    Ok(())
}

fn in_words(list: &List) -> String {
    let unread = match list.unread {
        0 => String::new(),
        unread => format!(", {unread} that are no name, address or network left out"),
    };
    format!("{} entries ({}, {}){unread}", list.entries.len(), list.kind.as_str(), list.level.as_str())
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let rows = store.warninglist_rows(Scope::Operator).await?;
    let row = |row: &ListRow| {
        vec![
            row.name.clone(),
            row.level.to_owned(),
            row.kind.to_owned(),
            row.entries.to_string(),
            row.version.clone(),
            match &row.author {
                Some(author) => format!("{author}, {}", say::moment(row.added_at)),
                None => "the program".to_owned(),
            },
        ]
    };
    say::rows(&rows, json, &["NAME", "LEVEL", "TYPE", "ENTRIES", "VERSION", "FROM"], row, "")
}
