//! `varde-agent wipe`: this machine is no sensor any more, and nothing of it is left here.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use super::Failure;
use crate::io::disk::wipe::{Found, find, remove};
use crate::io::disk::{NotHeld, hold};

/// Removes everything that makes this machine a sensor: identity and keys, spool, list, pseudonyms.
///
/// For a member that leaves, a machine that is given away, or one that is to become another member's sensor. What the collector
/// has not yet is lost. Refused while the agent runs. The settings (agent.toml) and reveal.log stay: they are the member's own.
/// Keys are overwritten before they are removed; what a disk keeps of overwritten blocks, and copies of the machine, are beyond
/// it.
#[derive(Debug, clap::Args)]
pub struct WipeArgs {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object: {"removed": [{"name", "what", "files", "octets"}], "kept": [name]}.
    #[arg(long)]
    json: bool,
}

/// Wipes.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, args: &WipeArgs) -> Result<(), Failure> {
    let disk = |error: crate::io::disk::DiskError| Failure::new(&error, error.remedy());
    if !data.is_dir() {
        let cause = format!("there is no data directory {}", data.display());
        return Err(Failure::new(cause, "name the sensor's own with --data DIR"));
    }
    let _held = hold(data).map_err(|error| match error {
        NotHeld::Busy(_) => Failure::new(
            format!("nothing was removed: an agent runs with {}", data.display()),
            "stop it first: systemctl stop varde-agent",
        ),
        NotHeld::Disk(error) => disk(error),
    })?;
    let found = find(data).map_err(disk)?;
    if !args.yes {
        confirm(data, &found)?;
    }
    remove(data, &found).map_err(disk)?;
    if args.json {
        let line = serde_json::to_string(&found)
            .map_err(|error| Failure::new(error, "run it again without --json to see what is left"))?;
        println!("{line}");
        return Ok(());
    }
    for line in lines(&found) {
        println!("{line}");
    }
    eprintln!(
        "This machine is no sensor any more. The CSIRT revokes it at its end: varde-collector sensor revoke, or member leave."
    );
    Ok(())
}

/// What was found, for people.
fn lines(found: &Found) -> Vec<String> {
    let mut lines: Vec<String> = found
        .removed
        .iter()
        .map(|part| format!("Removed {}: {}, {} files, {} bytes.", part.name, part.what, part.files, part.octets))
        .collect();
    if !found.kept.is_empty() {
        lines.push(format!("Left alone: {}.", found.kept.join(", ")));
    }
    lines
}

/// Whether an answer says that it is meant, in either language of its readers.
fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "yes" | "ja")
}

fn confirm(data: &Path, found: &Found) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        let cause = "nothing was removed: nobody can be asked here";
        return Err(Failure::usage(cause, "run it with --yes if it is meant"));
    }
    let names: Vec<&str> = found.removed.iter().map(|part| part.name.as_str()).collect();
    eprint!(
        "From {} go for good: {}. What the collector does not have yet is lost. Write yes (or ja) to go on: ",
        data.display(),
        names.join(", ")
    );
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    if is_yes(&answer) { Ok(()) } else { Err(Failure::new("nothing was removed", "run it again if it is meant")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_said_in_either_language_and_nothing_else_is() {
        for yes in ["yes\n", " JA\r\n", "ja"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "y", "j", "nei", "yes please", "jaja"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
