//! The lines `status` prints for people.

use varde_common::id::Revision;
use varde_common::list::CHANNEL_ALL;

use super::status::{
    CertificateReport, Confinement, GivenUpReport, HealthReport, LossReport, Report, SetAsideReport, SettingsReport,
    TrustReport,
};
use super::status_brake::BrakeReport;
use crate::health::{BlindSpots, EndsHeard, Evictions, Together};
use crate::io::self_test::Known;
use crate::io::watch::SourceReport;

/// Reasons for refusals told apart on one line: the most frequent ones.
const REASONS_SHOWN: usize = 5;

/// All of it.
pub(super) fn in_words(report: &Report) -> String {
    let mut lines = Vec::new();
    match (report.sensor, &report.member) {
        (Some(sensor), Some(member)) => lines.push(format!("sensor     {sensor} of {member}")),
        (Some(sensor), None) => lines.push(format!("sensor     {sensor}")),
        (None, _) if !report.unread.is_empty() => {
            lines.push("sensor     not enrolled, or what says so cannot be read (see below)".to_owned());
        }
        (None, _) => lines.push("sensor     not enrolled; next: varde-agent enroll --token-file FILE".to_owned()),
    }
    let collector = report.collector.as_deref().unwrap_or("none");
    lines.push(match (report.running, report.connected, &report.last_error) {
        (false, ..) => format!("collector  {collector} (the agent is not running; start it with: varde-agent run)"),
        (true, true, _) => format!("collector  {collector}, connected{}", over_tcp(report)),
        (true, false, Some(why)) => format!("collector  {collector}, not connected: {why}"),
        (true, false, None) => format!("collector  {collector}, connecting"),
    });
    if let Some(why) = report.why_not_quic.as_deref().filter(|_| report.connected) {
        lines.push(format!("           UDP is blocked: {why}; QUIC is tried again by and by"));
    }
    if let Some(CertificateReport { until, renews, failing }) = &report.certificate {
        lines.push(format!("           certificate good until {until}, renewed from {renews} on"));
        if let Some(why) = failing {
            lines
                .push(format!("           NOT RENEWED: {why}; it is tried again, and all is found and kept meanwhile"));
        }
    }
    lines.push(match report.revision {
        Revision(0) => "list       none yet".to_owned(),
        revision => format!("list       revision {revision}, {} indicators", report.indicators),
    });
    if report.channel != CHANNEL_ALL {
        lines.push(format!("           it follows channel {}", report.channel));
    }
    lines.extend(report.trust.iter().flat_map(trusted));
    lines.extend(report.brake.iter().flat_map(BrakeReport::in_words));
    let spool = &report.spool;
    lines.push(format!("spool      {} records waiting, {} bytes, {} lost", spool.waiting, spool.octets, spool.lost));
    if spool.not_noted > 0 {
        lines.push(format!(
            "           NOTHING IS KEPT: the disk is full; {} of those lost are not noted on it either, and are told once there is room",
            spool.not_noted
        ));
    }
    let GivenUpReport { full, aged, damaged } = &spool.given_up;
    lines.extend(given_up_because("the spool or the disk was full", full));
    lines.extend(given_up_because("nobody fetched them in time", aged));
    lines.extend(given_up_because("they could not be read any more", damaged));
    lines.extend(report.unread.iter().map(|why| format!("UNREADABLE {why}; look at the disk and the system's log")));
    for SetAsideReport { directory, undelivered, removed_in_s } in &report.set_aside {
        let days = removed_in_s / 86_400;
        lines.push(match undelivered {
            0 => format!("set aside  {directory}: all of it is delivered; removed in {days} days"),
            _ => format!(
                "set aside  {directory}: {undelivered} records NEVER DELIVERED; tell the CSIRT; removed in {days} days"
            ),
        });
    }
    lines.extend(report.self_test.iter().map(|known| match known {
        Known { failed: Some(why), .. } => format!("self-test  FAILED: {why}; try again: varde-agent selftest"),
        Known { good_at: Some(at), .. } => format!("self-test  last passed at {at}"),
        Known { taken: true, .. } => {
            "self-test  none yet; the first comes by itself, or run: varde-agent selftest".to_owned()
        }
        Known { taken: false, .. } => "self-test  none yet".to_owned(),
    }));
    lines.extend(report.settings.iter().flat_map(SettingsReport::in_words));
    lines.extend(report.unopened.iter().map(|why| format!("NOT OPENED {why}")));
    for source in &report.sources {
        let SourceReport { source, name, dropped, packets, joined_cut, .. } = source;
        let dropped = dropped.map_or_else(|| "frames dropped not known".to_owned(), |n| format!("{n} frames dropped"));
        lines.push(format!("source {source:<3} {name}: {packets} packets, {dropped}"));
        if *joined_cut > 0 {
            lines.push(format!(
                "           {joined_cut} frames were joined on their way (GRO) and read in part; to read all: ethtool -K {name} gro off lro off"
            ));
        }
    }
    if let Some(health) = &report.health {
        let last = report.last_packet.map_or_else(|| "no packet yet".to_owned(), |last| format!("last at {last}"));
        lines.push(format!("traffic    {} packets, {} bytes; {last}", health.packets, health.octets));
        lines.push(format!("read       {} DNS messages, {} flows", health.dns_messages, health.flows));
        let tunnelled: Vec<(&str, u64)> =
            health.tunnelled.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
        let unwrapped = unwrapped(&tunnelled, health.duplicates, health.rejoined, grouped);
        if !unwrapped.is_empty() {
            lines.push(format!("           {}", unwrapped.join("; ")));
        }
        lines.extend(not_read(health, report.sources.len()));
        lines.push(format!("found      {} sightings, {} alerts", health.sightings, health.alerts));
        lines.extend(storm(&health.together));
        lines.extend(cannot_see(&health.blind));
        lines.extend(one_end(&health.heard));
    }
    if let Some(confinement) = &report.confinement {
        lines.extend(given_up(confinement));
    }
    for probe in report.probes.iter().flatten() {
        let verdict = if probe.refused { "refused" } else { "ALLOWED" };
        lines.push(format!("probe      {verdict}: {} ({})", probe.what, probe.said));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What it trusts, and only where that is of interest what speaks against it.
fn trusted(trust: &TrustReport) -> Vec<String> {
    let TrustReport { root_version, root_until, root_refused, freshness, told_at, named, newest_refused } = trust;
    let mut lines = vec![format!("trust      root document {root_version}, good until {root_until}")];
    lines.extend(root_refused.iter().map(|why| format!("           {why}")));
    let told = told_at.map_or_else(|| "never".to_owned(), |at| format!("last at {at}, list {named}"));
    match freshness.as_str() {
        "stale" => lines.push(format!(
            "           LIST STALE: the collector has not said for a day which list is the newest ({told}); lists may be held back"
        )),
        "behind" => lines.push(format!(
            "           LIST BEHIND: list {named} was named as the newest and does not come ({told}); it may be held back"
        )),
        _ => {}
    }
    lines.extend(newest_refused.iter().map(|why| format!("           {why}")));
    lines
}

/// Records given up for one reason; nothing where there are none.
fn given_up_because(why: &str, counts: &LossReport) -> Option<String> {
    let LossReport { info, low, medium, high, critical, other } = *counts;
    let kinds =
        [("info", info), ("low", low), ("medium", medium), ("high", high), ("critical", critical), ("other", other)];
    let lost = kinds.iter().filter(|(_, count)| *count > 0);
    let lost: Vec<String> = lost.map(|(kind, count)| format!("{kind} {}", grouped(*count))).collect();
    (!lost.is_empty()).then(|| format!("           given up because {why}: {}", lost.join(", ")))
}

/// The way round, where it is taken, and since when.
fn over_tcp(report: &Report) -> String {
    let Some(fallback) = report.fallback.as_deref() else { return String::new() };
    let through = report.proxy.as_deref().map(|proxy| format!(" through {proxy}")).unwrap_or_default();
    let since = report.connected_since.map(|since| format!(" since {since}")).unwrap_or_default();
    format!(" over TCP to {fallback}{through}{since}")
}

/// What was done to packets before they were read; nothing of what was not done.
pub(super) fn unwrapped(
    tunnelled: &[(&str, u64)],
    duplicates: u64,
    rejoined: u64,
    number: impl Fn(u64) -> String,
) -> Vec<String> {
    let mut said = Vec::new();
    if !tunnelled.is_empty() {
        let kinds: Vec<String> = tunnelled.iter().map(|(kind, count)| format!("{kind} {}", number(*count))).collect();
        said.push(format!("in tunnels {}", kinds.join(", ")));
    }
    if duplicates > 0 {
        said.push(format!("second copies left out {}", number(duplicates)));
    }
    if rejoined > 0 {
        said.push(format!("put together from fragments {}", number(rejoined)));
    }
    said
}

/// What was lost, and to what.
fn not_read(health: &HealthReport, sources: usize) -> Vec<String> {
    let HealthReport { dropped, drops_unknown, refused, refusals, evicted, evictions, .. } = health;
    let dropped = dropped.map_or_else(|| "dropped not known".to_owned(), |dropped| format!("{dropped} dropped"));
    let mut lines = vec![format!("not read   {dropped}, {refused} refused, {evicted} let go")];
    if *drops_unknown > 0 {
        lines.push(format!(
            "           {drops_unknown} of {sources} sources cannot tell what the kernel dropped: more may be missing"
        ));
    }
    if !refusals.is_empty() {
        let mut reasons: Vec<(&String, &u64)> = refusals.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let shown = reasons.iter().take(REASONS_SHOWN).map(|(reason, count)| format!("{reason} {}", grouped(**count)));
        let mut shown: Vec<String> = shown.collect();
        if reasons.len() > REASONS_SHOWN {
            shown.push(format!("{} other reasons", reasons.len() - REASONS_SHOWN));
        }
        lines.push(format!("  refused  {}", shown.join(", ")));
    }
    if *evicted > 0 {
        lines.push(format!("  let go   {}", let_go(evictions, grouped)));
    }
    lines
}

/// What full tables let go, table by table; empty where they let go nothing.
pub(super) fn let_go(evictions: &Evictions, number: impl Fn(u64) -> String) -> String {
    let Evictions { flows, streams, pairings, fragments, folding, answers, other } = *evictions;
    let tables = [
        ("flows", flows),
        ("streams", streams),
        ("queries", pairings),
        ("fragments", fragments),
        ("alerts", folding),
        ("answers", answers),
        ("other", other),
    ];
    let full =
        tables.iter().filter(|(_, count)| *count > 0).map(|(table, count)| format!("{table} {}", number(*count)));
    full.collect::<Vec<_>>().join(", ")
}

/// What was too much to be told host by host; nothing where nothing was.
fn storm(together: &Together) -> Option<String> {
    let Together { matches, alerts, rises_gathered } = *together;
    (matches > 0 || rises_gathered > 0).then(|| {
        format!(
            "  storm    {} matches told together in {} alerts of many hosts, {} rises told up to a minute later",
            grouped(matches),
            grouped(alerts),
            grouped(rises_gathered)
        )
    })
}

/// Connections of which one end alone was heard: where they are many, the mirror shows one direction.
fn one_end(heard: &EndsHeard) -> Option<String> {
    let EndsHeard { both, inside_alone, outside_alone, other_alone, .. } = *heard;
    let alone = inside_alone.saturating_add(outside_alone).saturating_add(other_alone);
    let all = alone.saturating_add(both);
    (alone > 0).then(|| {
        format!(
            "           one end of a connection: {} of {} TCP connections ({} inside, {} outside); many: the mirror shows one direction",
            grouped(alone),
            grouped(all),
            grouped(inside_alone),
            grouped(outside_alone)
        )
    })
}

/// What this sensor cannot see, each number with what it is a part of.
fn cannot_see(blind: &BlindSpots) -> Vec<String> {
    let BlindSpots { flows, dot_flows, doq_flows, doh_flows, unexplained_flows, hellos, ech_hellos, doh_hellos } =
        *blind;
    let mut lines = Vec::new();
    if flows == 0 {
        lines.push("cannot see nothing to tell yet: no flow has left the network".to_owned());
    } else {
        let encrypted = dot_flows.saturating_add(doq_flows).saturating_add(doh_flows);
        lines.push(format!(
            "cannot see encrypted DNS: {} of {} flows out ({} DoT, {} DoQ, {} DoH)",
            grouped(encrypted),
            grouped(flows),
            grouped(dot_flows),
            grouped(doq_flows),
            grouped(doh_flows),
        ));
        lines.push(format!(
            "           to addresses no answer named: {} of {} flows out",
            grouped(unexplained_flows),
            grouped(flows)
        ));
    }
    lines.push(if hellos == 0 {
        "           no hello read yet".to_owned()
    } else {
        format!(
            "           hidden names: {} of {} hellos with ECH, {} to public resolvers",
            grouped(ech_hellos),
            grouped(hellos),
            grouped(doh_hellos)
        )
    });
    lines
}

/// What it has given up, by the kernel's own word.
fn given_up(confinement: &Confinement) -> Vec<String> {
    let mut lines = Vec::new();
    let Confinement { rights, paths, calls_missing, resolver_replaced } = confinement;
    lines.push(match rights {
        None => "rights     not known: /proc does not tell".to_owned(),
        Some(rights) => {
            let capabilities = match rights.capabilities {
                0 => format!("no capability in any of {} threads", rights.threads),
                some => format!("CAPABILITIES {some:#x} in use or to be had"),
            };
            let gain = if rights.no_new_privs { "none can be gained" } else { "SOME MAY BE GAINED" };
            format!("rights     {capabilities}, {gain}")
        }
    });
    lines.push(match (&paths.missing, paths.whole) {
        (Some(why), _) => format!("paths      NOT RESTRICTED: {why}"),
        (None, true) => format!("paths      restricted (Landlock ABI {}): data directory, named captures, resolver settings, /proc/self", paths.abi),
        (None, false) => format!("paths      restricted in part (Landlock ABI {}; a newer kernel does more): data directory, named captures, resolver settings, /proc/self", paths.abi),
    });
    lines.push(match (calls_missing, rights) {
        (Some(why), _) => format!("calls      NOT FILTERED: {why}"),
        (None, Some(rights)) if rights.filtered => {
            format!("calls      filtered (seccomp) in all of {} threads", rights.threads)
        }
        (None, Some(_)) => "calls      NOT FILTERED in every thread".to_owned(),
        (None, None) => "calls      filtered (seccomp) when it started".to_owned(),
    });
    if let Some(file) = resolver_replaced {
        lines.push(format!("names      {file} was replaced since the start and is out of reach: restart the agent"));
    }
    lines
}

/// 8410 as 8 410.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Health;
    use crate::io::disk::spool;
    use crate::io::link::session::Uplink;
    use crate::io::privilege::kernel::Rights;
    use crate::io::privilege::paths::Paths;
    use varde_common::record::{LossCounts, LossReason};
    use varde_common::time::Timestamp;

    fn words(health: &Health, confinement: Option<Confinement>) -> String {
        let mut report = Report::new(None, "", &spool::Figures::default());
        let sources = vec![SourceReport::new(0, "mirror"), SourceReport::new(1, "x.pcap")];
        report.running(&Uplink::default(), health, sources, Timestamp(0));
        report.confinement = confinement;
        in_words(&report)
    }

    #[test]
    fn numbers_are_told_in_groups_of_three() {
        assert_eq!([0, 999, 8_410, 1_234_567].map(grouped), ["0", "999", "8 410", "1 234 567"]);
    }

    #[test]
    fn d5_what_the_spool_gave_up_is_told_with_reason_and_severity() {
        let mut figures = spool::Figures { lost: 8_411, ..spool::Figures::default() };
        figures.given_up.add(LossReason::SpoolFull, &LossCounts { info: 8_400, low: 1, ..LossCounts::default() });
        figures.given_up.add(LossReason::SpoolAged, &LossCounts::of(None, 10));
        let told = in_words(&Report::new(None, "", &figures));
        assert!(told.contains("given up because the spool or the disk was full: info 8 400, low 1\n"), "{told}");
        assert!(told.contains("given up because nobody fetched them in time: other 10\n"), "{told}");
        assert!(!told.contains("could not be read"), "{told}");
    }

    #[test]
    fn h1_connections_of_which_one_end_was_heard_are_told_where_there_are_some() {
        let told = one_end(&EndsHeard { both: 1_000, inside_alone: 30, outside_alone: 4, ..EndsHeard::default() });
        assert!(told.unwrap().contains("34 of 1 034 TCP connections (30 inside, 4 outside)"));
        assert_eq!(one_end(&EndsHeard { both: 9, unanswered: 7, ..EndsHeard::default() }), None);
    }

    #[test]
    fn what_it_cannot_see_is_told_with_what_it_is_a_part_of() {
        let blind = BlindSpots {
            flows: 8_410,
            dot_flows: 3,
            doh_flows: 38,
            unexplained_flows: 312,
            hellos: 7_001,
            ech_hellos: 9,
            ..BlindSpots::default()
        };
        let told = words(&Health { blind, ..Health::default() }, None);
        assert!(told.contains("cannot see encrypted DNS: 41 of 8 410 flows out (3 DoT, 0 DoQ, 38 DoH)"), "{told}");
        assert!(told.contains("no answer named: 312 of 8 410 flows out"), "{told}");
        assert!(told.contains("9 of 7 001 hellos with ECH"), "{told}");
        let nothing = words(&Health::default(), None);
        assert!(nothing.contains("no flow has left the network") && nothing.contains("no hello read yet"), "{nothing}");
    }

    #[test]
    fn tunnels_copies_and_fragments_are_told_where_there_are_any() {
        let health = Health {
            tunnelled: vec![("erspan", 8_410), ("vxlan", 3)],
            duplicates: 1_200,
            rejoined: 7,
            ..Health::default()
        };
        let told = words(&health, None);
        let line = "in tunnels erspan 8 410, vxlan 3; second copies left out 1 200; put together from fragments 7";
        assert!(told.contains(line), "{told}");
        let nothing = words(&Health::default(), None);
        assert!(!nothing.contains("tunnels") && !nothing.contains("copies") && !nothing.contains("fragments"));
    }

    #[test]
    fn d12_what_was_told_together_is_said_where_there_was_a_storm() {
        let together = Together { matches: 949_000, alerts: 50, rises_gathered: 3 };
        let told = words(&Health { together, ..Health::default() }, None);
        assert!(told.contains("storm    949 000 matches told together in 50 alerts of many hosts, 3 rises"), "{told}");
        assert!(!words(&Health::default(), None).contains("storm"));
    }

    #[test]
    fn losses_are_told_by_reason_and_by_table() {
        let reasons = ["a", "b", "c", "d", "e", "f", "g"];
        let health = Health {
            drops_unknown: 1,
            refused: 28,
            refusals: reasons.into_iter().zip(1..).collect(),
            evictions: Evictions { flows: 4, folding: 5, ..Evictions::default() },
            ..Health::default()
        };
        let told = words(&health, None);
        assert!(told.contains("1 of 2 sources cannot tell"), "{told}");
        assert!(told.contains("refused  g 7, f 6, e 5, d 4, c 3, 2 other reasons"), "{told}");
        assert!(told.contains("0 dropped, 28 refused, 9 let go") && told.contains("flows 4, alerts 5"), "{told}");
    }

    #[test]
    fn drops_that_nobody_can_tell_are_told_as_not_known_and_never_as_none() {
        let mut report = Report::new(None, "", &spool::Figures::default());
        let untold = SourceReport { dropped: None, ..SourceReport::new(0, "mirror") };
        let health = Health { drops_unknown: 1, ..Health::default() };
        report.running(&Uplink::default(), &health, vec![untold.clone()], Timestamp(0));
        let told = in_words(&report);
        assert!(told.contains("mirror: 0 packets, frames dropped not known"), "{told}");
        assert!(told.contains("not read   dropped not known, 0 refused"), "{told}");
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert!(json["sources"][0]["dropped"].is_null() && json["health"]["dropped"].is_null(), "{json}");
        // What is known stays known.
        report.running(&Uplink::default(), &health, vec![untold, SourceReport::new(1, "x.pcap")], Timestamp(0));
        let told = in_words(&report);
        assert!(
            told.contains("x.pcap: 0 packets, 0 frames dropped") && told.contains("not read   0 dropped"),
            "{told}"
        );
        let joined = SourceReport { joined_cut: 3, ..SourceReport::new(0, "mirror") };
        report.running(&Uplink::default(), &health, vec![joined], Timestamp(0));
        let told = in_words(&report);
        assert!(told.contains("3 frames were joined") && told.contains("ethtool -K mirror gro off"), "{told}");
        let lost = Health { dropped: 7, ..health };
        report.running(&Uplink::default(), &lost, vec![SourceReport::new(0, "mirror")], Timestamp(0));
        assert_eq!(report.health.and_then(|health| health.dropped), Some(7));
    }

    #[test]
    fn what_is_not_in_force_is_told_loudly() {
        let rights = Rights { threads: 7, capabilities: 0, bounding: 0, no_new_privs: true, filtered: true };
        let whole = Confinement {
            rights: Some(rights),
            paths: Paths { abi: 7, whole: true, missing: None },
            calls_missing: None,
            resolver_replaced: None,
        };
        let told = words(&Health::default(), Some(whole.clone()));
        for said in [
            "no capability in any of 7 threads, none can be gained",
            "restricted (Landlock ABI 7)",
            "filtered (seccomp) in all of 7",
        ] {
            assert!(told.contains(said), "{told}");
        }
        let none = Confinement {
            rights: Some(Rights { capabilities: 0x2000, no_new_privs: false, filtered: false, ..rights }),
            paths: Paths { abi: 0, whole: false, missing: Some("no Landlock".to_owned()) },
            resolver_replaced: Some("/etc/resolv.conf".to_owned()),
            ..whole
        };
        let told = words(&Health::default(), Some(none));
        for said in [
            "CAPABILITIES 0x2000",
            "SOME MAY BE GAINED",
            "NOT RESTRICTED: no Landlock",
            "NOT FILTERED",
            "restart the agent",
        ] {
            assert!(told.contains(said), "{told}");
        }
    }
}
