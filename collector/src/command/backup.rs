//! `varde-collector backup`: everything a collector is, copied while it runs.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use varde_common::time::Timestamp;

use super::noted::{deed, if_it_can, noted};
use super::run::SYSTEM_SETTINGS;
use super::say;
use crate::audit::On;
use crate::io::backup::{Made, make};
use crate::io::clock;

const HELP: &str = "\
A backup is a directory: varde.sqlite (one consistent copy), root.json, keys/, settings, and manifest.json with the SHA-256
of each file. It is readable by its owner alone, checked, and takes its name only when it is whole and on the disk.
WITHOUT --without-keys IT HOLDS THE KEYS: whoever has it can pose as this collector. Keep it as you keep the keys.
Keys with --json: backup (its path), made_at, keys (bool), octets, files, schema.";

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
    let made = match if_it_can(data).await? {
        Some(store) => {
            let keys = if without_keys { "without the keys" } else { "with the keys" };
            let copying = deed("backup", On::Collector).becomes(format!("copied {keys} to {}", to.display()));
            let made = noted(&store, copying, make).await;
            store.close().await;
            made
        }
        None => make.await,
    };
    bar.finish_and_clear();
    let Made { path, manifest } = made?;
    if json {
        let line = Line {
            backup: &path,
            made_at: manifest.made_at,
            keys: manifest.keys,
            octets: manifest.octets(),
            files: manifest.files.len(),
            schema: manifest.schema,
        };
        return say::result(&serde_json::to_string(&line)?);
    }
    let (path, octets) = (path.display(), manifest.octets());
    say::result(&format!("Made and checked the backup {path}, {octets} bytes."))?;
    say::aside(&match manifest.keys {
        true => format!(
            "It holds this collector's keys: whoever has {path} can pose as this collector. Keep it as you keep the keys."
        ),
        false => "It holds no keys: to restore it you need the copy of keys/ that you keep elsewhere.".to_owned(),
    });
    Ok(())
}
