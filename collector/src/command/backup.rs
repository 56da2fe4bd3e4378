//! `varde-collector backup`: everything a collector is, copied while it runs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use varde_common::time::Timestamp;

use super::noted::{deed, if_it_can, noted};
use super::run::SYSTEM_SETTINGS;
use super::say;
use crate::audit::On;
use crate::io::backup::{Made, make};
use crate::io::outlived::{Old, old_backups, remove_backups};
use crate::io::{clock, keys};
use crate::limits::BACKUP_DAYS;
use crate::store::{Scope, Store};

const HELP: &str = "\
A backup is a directory: varde.sqlite (one consistent copy), root.json, keys/, settings, and manifest.json with the SHA-256
of each file. It is readable by its owner alone, checked, and takes its name only when it is whole and on the disk.
WITHOUT --without-keys IT HOLDS THE KEYS: whoever has it can pose as this collector. Keep it as you keep the keys.
Where TO is a directory, backups of this collector in it that are older than 35 days are removed once the new one is whole: those made
under a name after the time; one with a name of its own is never touched.
Keys with --json: backup (its path), made_at, keys (bool), octets, files, schema, removed (paths).";
const NOT_SHED: &str = "the backup is made and whole; the ones older than 35 days beside it could not be removed";

/// Arguments of `backup`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct BackupArguments {
    /// The backup to make; where this is a directory already, one named after the time is made in it.
    #[arg(value_name = "TO")]
    pub to: PathBuf,
    /// Leave the keys out. To restore it, the keys must come from their own copy.
    #[arg(long)]
    pub without_keys: bool,
    /// One JSON object instead of a sentence.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    backup: &'a Path,
    made_at: Timestamp,
    keys: bool,
    octets: u64,
    files: usize,
    schema: usize,
    removed: &'a [PathBuf],
}

/// A bar for octets, shown in a terminal only.
///
/// # Errors
/// None of ours; the template's type demands it.
pub(super) fn bar() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left")?;
    Ok(ProgressBar::new(0).with_style(style))
}

/// Shows octets done of octets to be done.
pub(super) fn show(bar: &ProgressBar) -> impl FnMut(u64, u64) {
    |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    }
}

/// Runs the command.
///
/// # Errors
/// Why there is no backup.
pub async fn run(data: &Path, arguments: BackupArguments) -> anyhow::Result<()> {
    let BackupArguments { to, without_keys, json } = arguments;
    let bar = bar()?;
    let make = async {
        let (settings, now) = (Path::new(SYSTEM_SETTINGS), clock::now());
        Ok(make(data, &to, !without_keys, settings, now, show(&bar)).await?)
    };
    let store = if_it_can(data).await?;
    let made = match &store {
        Some(store) => {
            let keys = if without_keys { "without the keys" } else { "with the keys" };
            let copying = deed("backup", On::Collector).becomes(format!("copied {keys} to {}", to.display()));
            noted(store, copying, make).await
        }
        None => make.await,
    };
    bar.finish_and_clear();
    let Made { path, manifest } = made?;
    let old = match &store {
        // Under a name of its own it lies wherever somebody wished, and so may others there.
        Some(store) if path != to => Some(shed(data, store, &path).await),
        Some(_) | None => None,
    };
    if let Some(store) = store {
        store.close().await;
    }
    let removed = old.as_ref().and_then(|old| old.as_ref().ok()).map_or(&[][..], |old| old.outlived.as_slice());
    if json {
        let line = Line {
            backup: &path,
            made_at: manifest.made_at,
            keys: manifest.keys,
            octets: manifest.octets(),
            files: manifest.files.len(),
            schema: manifest.schema,
            removed,
        };
        say::result(&serde_json::to_string(&line)?)?;
        return old.transpose().map(drop).context(NOT_SHED);
    }
    let (path, octets) = (path.display(), manifest.octets());
    say::result(&format!("Made and checked the backup {path}, {octets} bytes."))?;
    say::aside(&match manifest.keys {
        true => format!(
            "It holds this collector's keys: whoever has {path} can pose as this collector. Keep it as you keep the keys."
        ),
        false => "It holds no keys: to restore it you need the copy of keys/ that you keep elsewhere.".to_owned(),
    });
    for removed in removed {
        say::aside(&format!("Removed {}: it was older than {BACKUP_DAYS} days.", removed.display()));
    }
    let old = old.transpose().context(NOT_SHED)?.unwrap_or_default();
    for stays in &old.in_doubt {
        say::aside(&format!(
            "{} is older than {BACKUP_DAYS} days by this machine's clock, and stays: none was made for long, or the clock is ahead. Remove it by hand, or let the next backup do it.",
            stays.display()
        ));
    }
    Ok(())
}

/// Removes the backups beside this one that are older than is kept, once that stands in the audit.
async fn shed(data: &Path, store: &Store, newest: &Path) -> anyhow::Result<Old> {
    let mut roots: Vec<Vec<u8>> =
        store.root_documents(Scope::Operator).await?.into_iter().map(|row| row.document).collect();
    roots.push(keys::read_root(data)?.0);
    let old = old_backups(newest, &roots, clock::now())?;
    if !old.outlived.is_empty() {
        let names: Vec<String> = old.outlived.iter().map(|path| path.display().to_string()).collect();
        let shedding = deed("backup", On::Collector)
            .was(format!("{} older than {BACKUP_DAYS} days", names.len()))
            .becomes(format!("removed {}", names.join(", ")));
        noted(store, shedding, async { Ok(remove_backups(newest, &old.outlived)?) }).await?;
    }
    Ok(old)
}
