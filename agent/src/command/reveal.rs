//! `varde-agent reveal`: which host a pseudonym stands for. Local, with a reason, written down.

use std::io::{BufRead, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::json;
use varde_common::id::Pseudonym;

use super::Failure;
use crate::io::clock;
use crate::io::disk::hosts::{append, find};

/// The longest reason kept.
const REASON_MAX_OCTETS: usize = 1000;

/// Shows which host a pseudonym (H-…) stands for.
///
/// Works only on the sensor itself; who asked and why is written to reveal.log in the data directory, for the data
/// protection officer.
#[derive(Debug, clap::Args)]
pub struct RevealArgs {
    /// The pseudonym as the alert shows it, such as H-0123456789ABC.
    pseudonym: Pseudonym,
    /// Why it is needed, such as a case number. Asked for on a terminal when left out.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print one JSON object: {"pseudonym", "address"}.
    #[arg(long)]
    json: bool,
}

/// Reveals.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, args: &RevealArgs) -> Result<(), Failure> {
    let reason = args.reason.clone().or_else(ask_reason).unwrap_or_default();
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > REASON_MAX_OCTETS {
        return Err(Failure::usage("a reason is needed, in at most 1000 letters", "give it with --reason TEXT"));
    }
    let disk = |error: crate::io::disk::DiskError| Failure::new(&error, error.remedy());
    if !data.is_dir() {
        let cause = format!("there is no data directory {}", data.display());
        return Err(Failure::new(cause, "name the sensor's own with --data DIR"));
    }
    let found = find(data, args.pseudonym).map_err(disk)?;
    // Written before anything is shown; the address itself is not in it.
    let line = json!({
        "time": clock::now(), "pseudonym": args.pseudonym.to_string(), "reason": reason, "uid": own_uid(),
        "found": found.is_some(),
    });
    append(&data.join("reveal.log"), &format!("{line}\n")).map_err(disk)?;
    let Some(address) = found else {
        let cause = format!("no alert of this sensor names {}", args.pseudonym);
        return Err(Failure::new(cause, "check the letters, and that this is the sensor the alert came from"));
    };
    if args.json {
        println!("{}", json!({"pseudonym": args.pseudonym.to_string(), "address": address}));
    } else {
        println!("{address}");
    }
    Ok(())
}

/// The user this process runs as; `/proc/self` belongs to it.
fn own_uid() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|data| data.uid())
}

fn ask_reason() -> Option<String> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    eprint!("Reason (is written down): ");
    std::io::stderr().flush().ok()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::disk::hosts::Hosts;
    use varde_common::time::Timestamp;

    fn args(pseudonym: u64, reason: &str) -> RevealArgs {
        RevealArgs { pseudonym: Pseudonym(pseudonym), reason: Some(reason.to_owned()), json: true }
    }

    #[test]
    fn a_reveal_needs_a_reason_and_leaves_a_trace_without_the_address() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        let mut hosts = Hosts::open(data).unwrap();
        hosts.remember(Pseudonym(5), "10.1.2.3".parse().unwrap(), Timestamp(0));
        hosts.sync().unwrap();
        assert_eq!(run(data, &args(5, "  ")).unwrap_err().code, 2);
        assert!(!data.join("reveal.log").exists());
        run(data, &args(5, "case 7")).unwrap();
        assert_eq!(run(data, &args(6, "case 8")).unwrap_err().code, 1);
        let log = std::fs::read_to_string(data.join("reveal.log")).unwrap();
        assert_eq!(log.lines().count(), 2);
        assert!(log.contains("case 7") && log.contains(&Pseudonym(5).to_string()) && !log.contains("10.1.2.3"));
    }
}
