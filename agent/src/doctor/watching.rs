//! What the sensor sees: the interface, and whether the mirror shows what it should.

use super::{Facts, Finding};
use crate::doctor::facts::{Interface, Running};
use crate::recent::RecentReport;

/// A mirror of a place of work that is silent for so long is none, seconds.
const SILENT_S: u64 = 60;
/// Connections and questions of which fewer say nothing.
const FEW: u64 = 20;
/// Frames of which fewer say nothing.
const FEW_FRAMES: u64 = 1_000;
/// One end alone in more connections than this: a direction is missing, in a hundred.
const ONE_END_PERCENT: u64 = 80;
/// Questions asked by resolvers, more than this: who asked them is not seen, in a hundred.
const BY_RESOLVERS_PERCENT: u64 = 95;
/// Second copies, more than this: the mirror shows most packets twice, in a hundred.
const COPIES_PERCENT: u64 = 40;
/// Encrypted DNS among flows out, more than this, in a hundred.
const ENCRYPTED_PERCENT: u64 = 5;
/// Lost frames that cost sightings, in a thousand.
const DROPS_WARN_PER_MILLE: u64 = 1;
/// And many of them, in a thousand.
const DROPS_FAIL_PER_MILLE: u64 = 50;

pub(super) fn judge_interfaces(facts: &Facts, findings: &mut Vec<Finding>) {
    let reads_files = facts.running.as_ref().is_some_and(|running| !running.live);
    if facts.interfaces.is_empty() && !reads_files && facts.silent.is_none() {
        findings.push(Finding::fail("interface-none").with("there", facts.interfaces_there.join(", ")));
    }
    for interface in &facts.interfaces {
        let Interface { name, exists, up, carrier, promiscuous } = interface;
        let about = |finding: Finding| finding.with("name", name);
        findings.push(match (exists, up, carrier) {
            (false, _, _) => about(Finding::fail("interface-missing")).with("there", facts.interfaces_there.join(", ")),
            (true, false, _) => about(Finding::fail("interface-down")),
            (true, true, Some(false)) => about(Finding::fail("interface-no-carrier")),
            (true, true, Some(true) | None) if facts.running.is_some() && !promiscuous => {
                about(Finding::warn("interface-not-promiscuous"))
            }
            (true, true, Some(true) | None) => about(Finding::ok("interface-ok")),
        });
    }
    for why in &facts.unopened {
        findings.push(Finding::fail("source-unopened").with("why", why));
    }
    if facts.running.is_none() && facts.may_capture == Some(false) {
        findings.push(Finding::warn("capture-forbidden"));
    }
}

pub(super) fn judge_traffic(facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(running) = facts.running.as_ref().filter(|running| running.live) else { return };
    let Running { recent, last_packet_age_ms, .. } = running;
    let before = findings.len();
    let silent_s = last_packet_age_ms.map_or(recent.span_s, |age| age / 1000);
    if silent_s >= SILENT_S {
        findings.push(Finding::fail("traffic-none").with("seconds", silent_s));
        judge_loss(running, findings);
        return;
    }
    judge_sources(running, findings);
    judge_mirror(recent, findings);
    judge_loss(running, findings);
    if findings.len() == before {
        match last_packet_age_ms {
            // Only what was answered shows that both directions are there.
            Some(_) => {
                let key = if recent.both_ends > 0 { "traffic-ok" } else { "traffic-unanswered" };
                findings.push(Finding::ok(key).with("packets", recent.packets));
            }
            None => findings.push(Finding::warn("traffic-not-yet")),
        }
    }
}

/// One of several interfaces that brings nothing is hidden by the others.
fn judge_sources(running: &Running, findings: &mut Vec<Finding>) {
    for (name, silent_s) in &running.sources {
        let silent_s = silent_s.unwrap_or(running.recent.span_s);
        if silent_s >= SILENT_S {
            findings.push(Finding::warn("source-silent").with("name", name).with("seconds", silent_s));
        }
    }
}

fn judge_mirror(recent: &RecentReport, findings: &mut Vec<Finding>) {
    let RecentReport { both_ends, one_end, by_resolvers, by_others, duplicates, packets, .. } = *recent;
    let heard = both_ends.saturating_add(one_end);
    if one_end >= FEW && share(one_end, heard) >= ONE_END_PERCENT {
        findings.push(Finding::fail("traffic-one-direction").with("percent", share(one_end, heard)));
    }
    let no_dns_for = recent.dns_age_s.unwrap_or(recent.span_s);
    if packets > 0 && no_dns_for >= SILENT_S {
        findings.push(Finding::warn("dns-none").with("seconds", no_dns_for));
    }
    let asked = by_resolvers.saturating_add(by_others);
    if by_resolvers >= FEW && share(by_resolvers, asked) >= BY_RESOLVERS_PERCENT {
        findings.push(Finding::warn("dns-resolver-only").with("percent", share(by_resolvers, asked)));
    }
    let all = packets.saturating_add(duplicates);
    if all >= FEW_FRAMES && share(duplicates, all) >= COPIES_PERCENT {
        findings.push(Finding::warn("traffic-twice").with("percent", share(duplicates, all)));
    }
    if recent.tagged >= FEW_FRAMES && recent.untagged == 0 && recent.vlans == 1 {
        findings.push(Finding::warn("traffic-one-vlan"));
    }
    if recent.encrypted_dns >= FEW && share(recent.encrypted_dns, recent.flows_out) >= ENCRYPTED_PERCENT {
        let percent = share(recent.encrypted_dns, recent.flows_out);
        findings.push(Finding::warn("dns-encrypted").with("percent", percent).with("count", recent.encrypted_dns));
    }
}

fn judge_loss(running: &Running, findings: &mut Vec<Finding>) {
    let RecentReport { dropped, packets, duplicates, .. } = running.recent;
    let all = dropped.saturating_add(packets).saturating_add(duplicates);
    let per_mille = dropped.saturating_mul(1000) / all.max(1);
    if dropped > 0 && per_mille >= DROPS_WARN_PER_MILLE {
        let finding = if per_mille >= DROPS_FAIL_PER_MILLE { Finding::fail } else { Finding::warn };
        findings.push(finding("drops").with("count", dropped).with("permille", per_mille));
    }
    if running.drops_unknown > 0 {
        findings.push(Finding::ok("drops-unknown"));
    }
}

/// In a hundred.
fn share(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100) / whole.max(1)
}
