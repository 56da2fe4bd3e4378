//! How the sensor stands: whether it may come in, which list it has, what waits for the collector.

use super::{Facts, Finding};
use crate::doctor::facts::Enrolment;

const DAY_S: u64 = 86_400;
/// A certificate is renewed twenty days before its end; with so few left something has been wrong for long, days.
const CERTIFICATE_SOON_DAYS: u64 = 10;
/// A successor to the root document takes people and keys that lie offline, days.
const ROOT_SOON_DAYS: u64 = 30;
/// More of the cap than this is filled, in a hundred.
const SPOOL_FILLED_PERCENT: u64 = 80;
/// What waits longer has been waiting through more than a night, seconds.
const WAITS_LONG_S: u64 = DAY_S;

pub(super) fn judge_enrolment(facts: &Facts, findings: &mut Vec<Finding>) {
    let (until, root_until) = match &facts.enrolment {
        None => return,
        Some(Enrolment::Not) => {
            findings.push(Finding::fail("not-enrolled"));
            return;
        }
        Some(Enrolment::Damaged(why)) => {
            findings.push(Finding::fail("identity-damaged").with("why", why));
            return;
        }
        Some(Enrolment::Enrolled { until, root_until }) => (*until, *root_until),
    };
    let before = findings.len();
    let running = facts.running.as_ref();
    if running.is_some_and(|running| running.revoked) {
        findings.push(Finding::fail("revoked"));
    }
    let days = |until: varde_common::time::Timestamp| until.since(facts.now).as_secs() / DAY_S;
    match until {
        Some(until) if until <= facts.now => findings.push(Finding::fail("certificate-expired").with("until", until)),
        Some(until) if days(until) < CERTIFICATE_SOON_DAYS => {
            findings.push(Finding::warn("certificate-soon").with("days", days(until)));
        }
        Some(_) | None => {}
    }
    if let Some(why) = running.and_then(|running| running.renewal_failing.as_ref()) {
        findings.push(Finding::warn("certificate-not-renewed").with("why", why));
    }
    match root_until {
        Some(until) if until <= facts.now => findings.push(Finding::warn("anchor-expired").with("until", until)),
        Some(until) if days(until) < ROOT_SOON_DAYS => {
            findings.push(Finding::warn("anchor-soon").with("days", days(until)));
        }
        Some(_) | None => {}
    }
    if let Some(why) = running.and_then(|running| running.root_refused.as_ref()) {
        findings.push(Finding::warn("anchor-refused").with("why", why));
    }
    if findings.len() == before {
        findings.push(Finding::ok("enrolled-ok").with("days", until.map_or(0, days)));
    }
}

pub(super) fn judge_list(facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(list) = &facts.list else { return };
    if let Some(why) = &list.refused {
        findings.push(Finding::fail("list-refused").with("why", why).with("version", &facts.version));
    }
    if list.revision == 0 {
        findings.push(Finding::fail("list-none"));
        return;
    }
    let before = findings.len() - usize::from(list.refused.is_some());
    if let Some(expired) = list.expires.filter(|expires| *expires < facts.now) {
        findings.push(Finding::warn("list-expired").with("days", facts.now.since(expired).as_secs() / DAY_S));
    }
    match list.freshness.as_str() {
        "stale" => findings.push(Finding::warn("list-stale")),
        "behind" => findings.push(Finding::warn("list-behind")),
        _ => {}
    }
    if findings.len() == before {
        let age = list.created.map_or(0, |created| facts.now.since(created).as_secs() / DAY_S);
        let finding = Finding::ok("list-ok").with("revision", list.revision).with("indicators", list.indicators);
        findings.push(finding.with("days", age).with("channel", &list.channel));
    }
}

pub(super) fn judge_spool(facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(spool) = &facts.spool else { return };
    let before = findings.len();
    if spool.not_noted > 0 {
        findings.push(Finding::fail("spool-not-kept").with("count", spool.not_noted));
    }
    if spool.lost > 0 {
        findings.push(Finding::warn("spool-lost").with("count", spool.lost));
    }
    let (octets, most) = spool.octets;
    let percent = octets.saturating_mul(100) / most.max(1);
    // What is acknowledged lies there for three days more, and makes room for what waits.
    if spool.waiting > 0 && percent >= SPOOL_FILLED_PERCENT {
        findings.push(Finding::warn("spool-full").with("percent", percent));
    }
    if let Some(oldest) = spool.oldest.filter(|_| spool.waiting > 0) {
        let waits_s = facts.now.since(oldest).as_secs();
        if waits_s >= WAITS_LONG_S {
            findings.push(Finding::warn("spool-waits").with("count", spool.waiting).with("days", waits_s / DAY_S));
        }
    }
    if spool.set_aside > 0 {
        findings.push(Finding::warn("spool-set-aside").with("count", spool.set_aside));
    }
    if findings.len() == before {
        findings.push(Finding::ok("spool-ok").with("count", spool.waiting));
    }
}
