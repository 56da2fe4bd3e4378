//! The machine and the process: settings, disk, whether it runs, clock, what it has given up.

use super::{Facts, Finding};
use crate::doctor::facts::{Rights, Running};

/// Less than this free, and a full spool no longer fits, octets.
const DISK_LOW_OCTETS: u64 = 512 * 1024 * 1024;
/// Less than this free, and nothing more may be kept in an hour, octets.
const DISK_FULL_OCTETS: u64 = 16 * 1024 * 1024;
/// Fewer free inodes than this in a thousand are few.
const INODES_LOW_PER_MILLE: u64 = 20;
/// A clock off by more than this makes times in alerts wrong, milliseconds.
const CLOCK_WARN_MS: i64 = 5_000;
/// And by more than this, misleading, milliseconds.
const CLOCK_FAIL_MS: i64 = 300_000;
const CAP_NET_RAW: u64 = 1 << 13;

pub(super) fn judge_settings(facts: &Facts, findings: &mut Vec<Finding>) {
    match &facts.settings_refused {
        Some(why) => findings.push(Finding::fail("settings-bad").with("why", why)),
        None => findings.push(Finding::ok("settings-ok")),
    }
    let Some(running) = &facts.running else { return };
    if let Some(why) = &running.settings_refused {
        findings.push(Finding::warn("settings-not-taken").with("why", why));
    }
    if !running.at_restart.is_empty() {
        findings.push(Finding::warn("settings-restart").with("keys", running.at_restart.join(", ")));
    }
}

pub(super) fn judge_data(facts: &Facts, findings: &mut Vec<Finding>) {
    let data = &facts.data;
    let before = findings.len();
    let about = |finding: Finding| finding.with("directory", &data.directory);
    if !data.exists {
        findings.push(about(Finding::fail("data-missing")));
        return;
    }
    if let Some(why) = &data.unreadable {
        findings.push(Finding::fail("data-unreadable").with("why", why));
        return;
    }
    if data.open_to_others {
        findings.push(about(Finding::warn("data-open")));
    }
    if let (Some(owner), Some(user)) = (data.owner, facts.running.as_ref().and_then(|running| running.user))
        && user != 0
        && owner != user
    {
        findings.push(about(Finding::fail("data-owner")).with("owner", owner).with("user", user));
    }
    if data.read_only {
        findings.push(about(Finding::fail("disk-read-only")));
    }
    match data.free_octets {
        Some(free) if free < DISK_FULL_OCTETS => {
            findings.push(about(Finding::fail("disk-full")).with("mib", free >> 20))
        }
        Some(free) if free < DISK_LOW_OCTETS => findings.push(about(Finding::warn("disk-low")).with("mib", free >> 20)),
        Some(_) | None => {}
    }
    if let Some((free, all)) = data.inodes
        && all > 0
        && free.saturating_mul(1000) < all.saturating_mul(INODES_LOW_PER_MILLE)
    {
        findings.push(about(Finding::warn("inodes-low")).with("free", free).with("all", all));
    }
    if let Some(first) = data.damaged.first() {
        findings.push(Finding::fail("disk-errors").with("count", data.damaged.len()).with("first", first));
    }
    if findings.len() == before {
        findings.push(about(Finding::ok("data-ok")).with("mib", data.free_octets.unwrap_or(0) >> 20));
    }
}

pub(super) fn judge_process(facts: &Facts, findings: &mut Vec<Finding>) {
    match (&facts.running, &facts.silent) {
        (_, Some(why)) => findings.push(Finding::fail("not-answering").with("why", why)),
        (None, None) => findings.push(Finding::warn("not-running")),
        (Some(Running { version, .. }), None) if *version != facts.version => {
            let finding = Finding::warn("version-differs");
            findings.push(finding.with("running", version).with("installed", &facts.version));
        }
        (Some(running), None) => findings.push(Finding::ok("running-ok").with("version", &running.version)),
    }
}

pub(super) fn judge_clock(facts: &Facts, findings: &mut Vec<Finding>) {
    let before = findings.len();
    if let Some(until) = facts.heard_until
        && facts.now < until
    {
        let seconds = until.since(facts.now).as_secs();
        if seconds > CLOCK_FAIL_MS.unsigned_abs() / 1000 {
            findings.push(Finding::fail("clock-behind").with("seconds", seconds));
            return;
        }
    }
    let Some(running) = &facts.running else { return };
    match running.clock_ahead_ms {
        Some(ahead) if ahead.saturating_abs() > CLOCK_FAIL_MS => {
            findings.push(Finding::fail("clock-off").with("seconds", ahead / 1000));
        }
        Some(ahead) if ahead.saturating_abs() > CLOCK_WARN_MS => {
            findings.push(Finding::warn("clock-off").with("seconds", ahead / 1000));
        }
        Some(_) | None => {}
    }
    if running.recent.clock_leaps > 0 {
        let finding = Finding::warn("clock-leapt").with("times", running.recent.clock_leaps);
        findings.push(finding.with("seconds", running.recent.clock_leapt_ms / 1000));
    }
    if findings.len() == before && running.clock_ahead_ms.is_some() {
        findings.push(Finding::ok("clock-ok"));
    }
}

pub(super) fn judge_sandbox(facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(running) = &facts.running else { return };
    let before = findings.len();
    if let Some(Rights { capabilities, no_new_privs, filtered }) = running.rights {
        if capabilities != 0 {
            let what =
                if capabilities == CAP_NET_RAW { "CAP_NET_RAW".to_owned() } else { format!("{capabilities:#x}") };
            findings.push(Finding::fail("sandbox-capabilities").with("capabilities", what));
        }
        if !no_new_privs {
            findings.push(Finding::fail("sandbox-privileges"));
        }
        if !filtered {
            findings.push(Finding::warn("sandbox-calls"));
        }
    }
    match (&running.paths_missing, running.paths_in_part) {
        (Some(why), _) => findings.push(Finding::warn("sandbox-paths").with("why", why)),
        (None, true) => findings.push(Finding::ok("sandbox-paths-in-part")),
        (None, false) => {}
    }
    if let Some(file) = &running.resolver_replaced {
        findings.push(Finding::warn("resolver-replaced").with("file", file));
    }
    if findings.len() == before && running.rights.is_some() {
        findings.push(Finding::ok("sandbox-ok"));
    }
}
