//! `varde-collector restore`: a collector as it was when a backup was made; what was there is set aside.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use varde_common::time::Timestamp;

use super::backup::{bar, show};
use super::noted::deed;
use super::{listing, say};
use crate::audit::{On, RESTORE};
use crate::backup::SYSTEM_SETTINGS_FILE;
use crate::io::restore::{Keys, Restored, restore};
use crate::store::restored_people::Held;

const HELP: &str = "\
The backup is checked and copied before anything is touched. A directory that a running collector uses is refused; what a
stopped one left is set aside in DIR/before-restore-TIME; the running
collector removes the database in it after 35 days, and never the keys. Sensors then send again what they still hold:
acknowledged records are kept for 72 hours. What lies in a spool that a sensor has set aside since is not sent again.
Keys with --json: restored (DIR), made_at, set_aside (path or null), keys (restored, kept or missing), revocations_kept and
quarantines_kept (null: they could not be read), departed_again (members that had left and were in the backup: deleted again),
places_kept (sensors that have another member, other sites or another channel since: they keep them; null as above),
accounts_kept (accounts that were disabled, reset, untied from the provider or tied, or given another role or password since: that
holds; null as above),
accounts_disabled (accounts that the state before no longer had), tokens_removed (tokens of the pages that it no longer had; all
of them where it could not be read), ties_removed (accounts tied to the operator's own provider, where it could not be read).";

/// Arguments of `restore`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct RestoreArguments {
    /// The directory that `backup` made.
    #[arg(value_name = "FROM")]
    pub from: PathBuf,
    /// One JSON object instead of sentences.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    restored: &'a Path,
    made_at: Timestamp,
    set_aside: Option<&'a Path>,
    keys: &'static str,
    revocations_kept: Option<u64>,
    quarantines_kept: Option<u64>,
    departed_again: u64,
    places_kept: Option<u64>,
    accounts_kept: Option<u64>,
    accounts_disabled: u64,
    tokens_removed: u64,
    ties_removed: u64,
}

/// Runs the command.
///
/// # Errors
/// Why nothing was restored.
pub async fn run(data: &Path, arguments: RestoreArguments) -> anyhow::Result<()> {
    let RestoreArguments { from, json } = arguments;
    let bar = bar()?;
    let restoring = deed(RESTORE, On::Collector).becomes(format!("as it was in {}", from.display()));
    let restored = restore(&from, data, &restoring, show(&bar)).await;
    bar.finish_and_clear();
    let Restored { manifest, aside, keys, carried, departures, tokens } = restored?;
    let (revocations, quarantines) =
        (carried.map(|carried| carried.revocations), carried.and_then(|carried| carried.quarantines));
    if json {
        let keys = match keys {
            Keys::Restored => "restored",
            Keys::Kept => "kept",
            Keys::Missing => "missing",
        };
        let set_aside = aside.as_deref();
        let line = Line {
            restored: data,
            made_at: manifest.made_at,
            set_aside,
            keys,
            revocations_kept: revocations,
            quarantines_kept: quarantines,
            departed_again: departures,
            places_kept: carried.map(|carried| carried.places),
            accounts_kept: carried.and_then(|carried| carried.people.accounts),
            accounts_disabled: carried.map_or(0, |carried| carried.people.disabled),
            tokens_removed: tokens,
            ties_removed: carried.map_or(0, |carried| carried.people.ties),
        };
        return say::result(&serde_json::to_string(&line)?);
    }
    let made = listing::moment(manifest.made_at);
    say::result(&format!("Restored {} as it was at {made}.", data.display()))?;
    if let Some(aside) = aside {
        say::aside(&format!(
            "What was there before lies in {}; the collector removes the database in it after 35 days, you the rest when you no longer need it.",
            aside.display()
        ));
    }
    match keys {
        Keys::Restored => {}
        Keys::Kept => say::aside("The backup holds no keys; those that were there belong to it and stay."),
        Keys::Missing => say::aside(
            "The backup holds no keys: put the directory keys/ from its own copy there before you start the collector.",
        ),
    }
    if manifest.files.iter().any(|entry| entry.name == SYSTEM_SETTINGS_FILE) {
        say::aside(&format!(
            "The settings of the machine it came from are in {}; on a new machine, copy them yourself.",
            from.join(SYSTEM_SETTINGS_FILE).display()
        ));
    }
    let revoked = match revocations {
        Some(0) => "Every sensor that was revoked since is revoked still.".to_owned(),
        Some(carried) => format!("{carried} sensors that were revoked since are revoked still."),
        None => format!("Sensors that were revoked after {made} are let in again: revoke them once more."),
    };
    let quarantined = match quarantines {
        Some(0) => "Every sensor that was put in quarantine since is in quarantine still.".to_owned(),
        Some(carried) => format!("{carried} sensors that were put in quarantine since are in quarantine still."),
        None => format!("Sensors that were put in quarantine after {made} are heard again, the copy as well."),
    };
    let departed = match (departures, carried) {
        (0, Some(_)) => "No member that has left was in it.".to_owned(),
        (0, None) => format!(
            "If members have left after {made}, they are back: delete each again with varde-collector member leave --again CERTIFICATE."
        ),
        (again, _) => format!("{again} members that have left were in it and were deleted again."),
    };
    let places = match carried.map(|carried| carried.places) {
        Some(kept) => format!(
            "{kept} sensors were moved, given or refused a site or put on a channel since, and that holds; not where the member came later."
        ),
        None => format!(
            "Sensors that were moved, given or refused a site or put on a channel after {made} are as they were then: their alerts go to the members of then. Do it once more before you start the collector."
        ),
    };
    let people = people(carried.map(|carried| carried.people), tokens, &made);
    say::aside(&format!(
        "{revoked}
{quarantined}
{departed}
{places}
{people}
Start the collector: sensors send again what they still hold, up to 72 hours. A sensor that began a new spool since {made} does not
send again what lies in its old one (spool.aside-… in its data directory).
Done since {made} and to be done once more: members, tokens (open ones no longer hold), indicators; then publish.
Sensors that enrolled since need a new token."
    ));
    Ok(())
}

/// What holds of accounts and tokens, and what is to be looked through.
fn people(held: Option<Held>, tokens: u64, made: &str) -> String {
    let (accounts, disabled) = held.map_or((None, 0), |held| (held.accounts, held.disabled));
    let mut words = match accounts {
        Some(0) => "Accounts come in as they did before; all sign in anew.".to_owned(),
        Some(kept) => format!(
            "{kept} accounts were disabled, reset, tied to the provider or untied, or given another role or password since, and that holds; all sign in anew."
        ),
        None => format!(
            "Accounts that were disabled, reset or given another role after {made} come in as they did then: look through varde-collector user list before you start the collector. Every token of the pages is removed ({tokens}): add those you need with varde-collector token add."
        ),
    };
    if let Some(ties @ 1..) = held.map(|held| held.ties) {
        words.push_str(&format!(
            "\n{ties} accounts come in by the provider no longer, for who was shut out since is not known: those without a password need varde-collector user reset NAME, the others tie themselves again under /konto."
        ));
    }
    if disabled > 0 {
        words.push_str(&format!(
            "\n{disabled} accounts that were no longer there before are disabled: look through varde-collector user list, and let in with user enable."
        ));
    }
    if accounts.is_some() && tokens > 0 {
        words.push_str(&format!("\n{tokens} tokens of the pages that were removed since are removed still."));
    }
    words
}
