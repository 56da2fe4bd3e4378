//! Each finding, provoked by facts; and words for each in every language.

use std::collections::BTreeSet;

use super::facts::{BadFile, DataFacts, Enrolment, Interface, List, Reached, Rights, Running, Spool, Way};
use super::words::{Language, Words};
use super::*;
use crate::recent::RecentReport;
use varde_common::time::Timestamp;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn days(days: i64) -> Timestamp {
    Timestamp(NOW.0 + days * 86_400_000_000)
}

/// A sensor that does all it should.
fn well() -> Facts {
    let recent = RecentReport {
        span_s: 600,
        packets: 100_000,
        dns_messages: 500,
        dns_age_s: Some(1),
        both_ends: 1_000,
        one_end: 10,
        by_resolvers: 100,
        by_others: 400,
        untagged: 100_000,
        flows_out: 1_000,
        encrypted_dns: 3,
        ..RecentReport::default()
    };
    Facts {
        now: NOW,
        data: DataFacts {
            directory: "/d".into(),
            exists: true,
            owner: Some(7),
            free_octets: Some(1 << 34),
            inodes: Some((900, 1_000)),
            ..DataFacts::default()
        },
        enrolment: Some(Enrolment::Enrolled { until: Some(days(20)), root_until: Some(days(300)) }),
        running: Some(Running {
            version: "1".into(),
            user: Some(7),
            connected: true,
            live: true,
            last_packet_age_ms: Some(10),
            recent,
            clock_ahead_ms: Some(40),
            rights: Some(Rights { capabilities: 0, no_new_privs: true, filtered: true }),
            ..Running::default()
        }),
        version: "1".into(),
        interfaces: vec![Interface {
            name: "eth1".into(),
            exists: true,
            up: true,
            carrier: Some(true),
            promiscuous: true,
        }],
        list: Some(List {
            revision: 4,
            indicators: 9,
            channel: "all".into(),
            created: Some(days(-1)),
            expires: Some(days(6)),
            freshness: "fresh".into(),
            refused: None,
        }),
        spool: Some(Spool { octets: (1, 100), ..Spool::default() }),
        heard_until: Some(days(-1)),
        way: Some(Way {
            quic_address: "c:7843".into(),
            tcp_address: Some("c:443".into()),
            tcp: Some(Reached::Yes),
            ..Way::default()
        }),
        ..Facts::default()
    }
}

fn keys(facts: &Facts, least: Severity) -> Vec<&'static str> {
    judge(facts).iter().filter(|finding| finding.severity >= least).map(|finding| finding.key).collect()
}

type Case = (&'static str, Severity, fn(&mut Facts));

fn running(facts: &mut Facts) -> &mut Running {
    facts.running.as_mut().unwrap()
}

fn recent(facts: &mut Facts) -> &mut RecentReport {
    &mut running(facts).recent
}

fn list(facts: &mut Facts) -> &mut List {
    facts.list.as_mut().unwrap()
}

fn spool(facts: &mut Facts) -> &mut Spool {
    facts.spool.as_mut().unwrap()
}

fn way(facts: &mut Facts) -> &mut Way {
    facts.way.as_mut().unwrap()
}

fn enrolled(facts: &mut Facts, until: i64, root_until: i64) {
    facts.enrolment = Some(Enrolment::Enrolled { until: Some(days(until)), root_until: Some(days(root_until)) });
}

/// What each finding takes: a sensor that is well but for this.
fn cases() -> Vec<Case> {
    use Severity::{Fail, Warn};
    vec![
        ("settings-bad", Fail, |facts| facts.settings_refused = Some("x".into())),
        ("settings-not-taken", Warn, |facts| running(facts).settings_refused = Some("x".into())),
        ("settings-restart", Warn, |facts| running(facts).at_restart = vec!["metrics".into()]),
        ("data-missing", Fail, |facts| facts.data.exists = false),
        ("data-unreadable", Fail, |facts| facts.data.unreadable = Some("x".into())),
        ("data-open", Warn, |facts| facts.data.open_to_others = true),
        ("data-owner", Fail, |facts| facts.data.owner = Some(8)),
        ("disk-read-only", Fail, |facts| facts.data.read_only = true),
        ("disk-full", Fail, |facts| facts.data.free_octets = Some(1 << 20)),
        ("disk-low", Warn, |facts| facts.data.free_octets = Some(1 << 28)),
        ("inodes-low", Warn, |facts| facts.data.inodes = Some((1, 1_000))),
        ("disk-errors", Fail, |facts| facts.data.damaged = vec!["x".into()]),
        ("not-enrolled", Fail, |facts| facts.enrolment = Some(Enrolment::Not)),
        ("identity-damaged", Fail, |facts| facts.enrolment = Some(Enrolment::Damaged("x".into()))),
        ("revoked", Fail, |facts| running(facts).revoked = true),
        ("certificate-expired", Fail, |facts| enrolled(facts, -1, 300)),
        ("certificate-soon", Warn, |facts| enrolled(facts, 9, 300)),
        ("certificate-not-renewed", Warn, |facts| running(facts).renewal_failing = Some("x".into())),
        ("anchor-expired", Warn, |facts| enrolled(facts, 20, -1)),
        ("anchor-soon", Warn, |facts| enrolled(facts, 20, 20)),
        ("anchor-refused", Warn, |facts| running(facts).root_refused = Some("x".into())),
        ("not-running", Warn, |facts| facts.running = None),
        ("not-answering", Fail, |facts| (facts.running, facts.silent) = (None, Some("x".into()))),
        ("version-differs", Warn, |facts| running(facts).version = "0".into()),
        ("interface-none", Fail, |facts| facts.interfaces.clear()),
        ("interface-missing", Fail, |facts| facts.interfaces[0].exists = false),
        ("interface-down", Fail, |facts| facts.interfaces[0].up = false),
        ("interface-no-carrier", Fail, |facts| facts.interfaces[0].carrier = Some(false)),
        ("interface-not-promiscuous", Warn, |facts| facts.interfaces[0].promiscuous = false),
        ("source-unopened", Fail, |facts| facts.unopened = vec!["x".into()]),
        ("traffic-not-yet", Warn, |facts| {
            running(facts).last_packet_age_ms = None;
            *recent(facts) = RecentReport { span_s: 5, ..RecentReport::default() };
        }),
        ("traffic-none", Fail, |facts| running(facts).last_packet_age_ms = Some(60_000)),
        ("source-silent", Warn, |facts| {
            running(facts).sources = vec![("eth1".into(), Some(0)), ("eth2".into(), Some(60))];
        }),
        ("traffic-one-direction", Fail, |facts| (recent(facts).both_ends, recent(facts).one_end) = (10, 40)),
        ("traffic-twice", Warn, |facts| recent(facts).duplicates = 90_000),
        ("traffic-one-vlan", Warn, |facts| {
            (recent(facts).untagged, recent(facts).tagged, recent(facts).vlans) = (0, 1_000, 1);
        }),
        ("dns-none", Warn, |facts| recent(facts).dns_age_s = Some(60)),
        ("dns-resolver-only", Warn, |facts| (recent(facts).by_resolvers, recent(facts).by_others) = (95, 5)),
        ("dns-encrypted", Warn, |facts| recent(facts).encrypted_dns = 50),
        ("drops", Warn, |facts| recent(facts).dropped = 200),
        ("drops", Fail, |facts| recent(facts).dropped = 10_000),
        ("clock-off", Warn, |facts| running(facts).clock_ahead_ms = Some(-6_000)),
        ("clock-off", Fail, |facts| running(facts).clock_ahead_ms = Some(400_000)),
        ("clock-behind", Fail, |facts| facts.heard_until = Some(days(1))),
        ("clock-leapt", Warn, |facts| (recent(facts).clock_leaps, recent(facts).clock_leapt_ms) = (1, 60_000)),
        ("list-none", Fail, |facts| list(facts).revision = 0),
        ("list-refused", Fail, |facts| list(facts).refused = Some("x".into())),
        ("list-expired", Warn, |facts| list(facts).expires = Some(days(-3))),
        ("list-stale", Warn, |facts| list(facts).freshness = "stale".into()),
        ("list-behind", Warn, |facts| list(facts).freshness = "behind".into()),
        ("name-unknown", Fail, |facts| way(facts).name_unknown = Some("x".into())),
        ("udp-blocked", Warn, |facts| way(facts).quic = Reached::NoAnswer),
        ("tcp-silent", Warn, |facts| (way(facts).tcp, way(facts).tcp_named) = (Some(Reached::NoAnswer), true)),
        ("tcp-refused", Warn, |facts| {
            (way(facts).tcp, way(facts).tcp_named) = (Some(Reached::Refused("x".into())), true);
        }),
        ("proxy-credentials", Fail, |facts| facts.proxy_unusable = Some((BadFile::Rights, "x".into()))),
        ("proxy-credentials-missing", Fail, |facts| facts.proxy_unusable = Some((BadFile::Missing, "x".into()))),
        ("proxy-credentials-content", Fail, |facts| facts.proxy_unusable = Some((BadFile::Content, "x".into()))),
        ("tls-opened", Warn, |facts| way(facts).tcp = Some(Reached::Opened("CN=x".into()))),
        ("proxy-password", Warn, |facts| way(facts).tcp = Some(Reached::Proxy { status: 407, said: "x".into() })),
        ("proxy-refuses", Warn, |facts| way(facts).tcp = Some(Reached::Proxy { status: 403, said: "x".into() })),
        ("proxy-unknown", Warn, |facts| way(facts).tcp = Some(Reached::Name("x".into()))),
        ("sensor-not-accepted", Fail, |facts| way(facts).quic = Reached::NotAccepted("x".into())),
        ("session-none", Warn, |facts| running(facts).connected = false),
        ("session-untried", Warn, |facts| (running(facts).connected, facts.way) = (false, None)),
        ("spool-not-kept", Fail, |facts| spool(facts).not_noted = 1),
        ("spool-lost", Warn, |facts| spool(facts).lost = 1),
        ("spool-full", Warn, |facts| (spool(facts).octets, spool(facts).waiting) = ((80, 100), 1)),
        ("spool-waits", Warn, |facts| (spool(facts).oldest, spool(facts).waiting) = (Some(days(-2)), 1)),
        ("spool-set-aside", Warn, |facts| spool(facts).set_aside = 1),
        ("sandbox-capabilities", Fail, |facts| running(facts).rights.as_mut().unwrap().capabilities = 0x2000),
        ("sandbox-privileges", Fail, |facts| running(facts).rights.as_mut().unwrap().no_new_privs = false),
        ("sandbox-calls", Warn, |facts| running(facts).rights.as_mut().unwrap().filtered = false),
        ("sandbox-paths", Warn, |facts| running(facts).paths_missing = Some("x".into())),
        ("resolver-replaced", Warn, |facts| running(facts).resolver_replaced = Some("x".into())),
    ]
}

#[test]
fn a_sensor_that_is_well_has_nothing_to_be_looked_at() {
    assert_eq!(keys(&well(), Severity::Warn), Vec::<&str>::new());
    let seen = judge(&well());
    assert_eq!(worst(&seen), Severity::Ok);
    assert!(seen.len() >= 11, "each area is told of: {seen:?}");
}

#[test]
fn each_finding_comes_of_its_facts_and_of_nothing_else() {
    for (key, severity, spoil) in cases() {
        let mut facts = well();
        spoil(&mut facts);
        let told = judge(&facts);
        let found: Vec<_> = told.iter().filter(|finding| finding.severity > Severity::Ok).collect();
        assert_eq!(found.iter().map(|finding| finding.key).collect::<Vec<_>>(), [key], "{key}");
        assert_eq!(found[0].severity, severity, "{key}");
    }
}

#[test]
fn what_blocks_both_ways_is_a_failure_and_a_way_round_makes_it_a_warning() {
    let mut facts = well();
    (way(&mut facts).quic, way(&mut facts).tcp) = (Reached::NoAnswer, Some(Reached::Opened("CN=x".into())));
    let found: Vec<_> = judge(&facts).into_iter().filter(|finding| finding.severity > Severity::Ok).collect();
    let told: Vec<_> = found.iter().map(|finding| (finding.key, finding.severity)).collect();
    assert_eq!(told, [("udp-blocked", Severity::Fail), ("tls-opened", Severity::Fail)]);
    // Through a proxy that looks names up itself all is reached, though the name is unknown here.
    let mut facts = well();
    way(&mut facts).proxy = Some("http://p:1".into());
    way(&mut facts).name_unknown = Some("x".into());
    way(&mut facts).quic = Reached::Name("x".into());
    assert_eq!(keys(&facts, Severity::Warn), Vec::<&str>::new());
}

#[test]
fn without_a_running_agent_a_right_that_is_lacking_is_told_and_traffic_is_judged_by_nobody() {
    let mut facts = well();
    (facts.running, facts.may_capture) = (None, Some(false));
    assert_eq!(keys(&facts, Severity::Warn), ["not-running", "capture-forbidden"]);
}

#[test]
fn small_numbers_accuse_nobody() {
    let mut facts = well();
    *recent(&mut facts) = RecentReport {
        span_s: 30,
        packets: 19,
        one_end: 19,
        by_resolvers: 19,
        tagged: 19,
        vlans: 1,
        duplicates: 19,
        encrypted_dns: 19,
        flows_out: 19,
        ..RecentReport::default()
    };
    assert_eq!(keys(&facts, Severity::Warn), Vec::<&str>::new());
}

/// Keys of what is well, and of what is known without being judged.
const WELL: [&str; 18] = [
    "settings-ok",
    "data-ok",
    "enrolled-ok",
    "running-ok",
    "interface-ok",
    "traffic-ok",
    "traffic-unanswered",
    "tcp-not-needed",
    "clock-ok",
    "list-ok",
    "quic-ok",
    "tcp-ok",
    "tcp-proxy-ok",
    "spool-ok",
    "sandbox-ok",
    "sandbox-paths-in-part",
    "drops-unknown",
    "capture-forbidden",
];

fn all_keys() -> BTreeSet<&'static str> {
    cases().into_iter().map(|(key, _, _)| key).chain(WELL).collect()
}

/// The keys that stand in the code: what a finding is made of by its name.
fn in_code() -> BTreeSet<&'static str> {
    let files =
        [include_str!("machine.rs"), include_str!("standing.rs"), include_str!("watching.rs"), include_str!("way.rs")];
    let mut keys = BTreeSet::new();
    for made in ["Finding::ok(\"", "Finding::warn(\"", "Finding::fail(\"", "finding(\""] {
        keys.extend(files.iter().flat_map(|file| file.split(made).skip(1)).filter_map(|rest| rest.split('"').next()));
    }
    keys
}

#[test]
fn no_finding_in_the_code_is_without_facts_that_provoke_it() {
    let told = in_code();
    assert!(told.len() > 70, "{told:?}");
    let unknown: Vec<_> = told.difference(&all_keys()).copied().collect();
    assert_eq!(unknown, Vec::<&str>::new(), "a case for each is wanted above");
}

/// The keys that stand in a file of texts, with whether each has a remedy.
fn in_file(text: &str) -> Vec<(String, bool)> {
    let mut keys: Vec<(String, bool)> = Vec::new();
    for line in text.lines() {
        if line.starts_with("    .remedy = ") {
            keys.last_mut().unwrap().1 = true;
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.push((key.to_owned(), false));
        }
    }
    keys
}

#[test]
fn every_finding_has_words_in_every_language_with_all_its_values_and_no_word_is_left_over() {
    let files =
        [include_str!("../../texts/nb.ftl"), include_str!("../../texts/nn.ftl"), include_str!("../../texts/en.ftl")];
    let [nb, nn, en] = files.map(in_file);
    assert_eq!(nb, nn);
    assert_eq!(nb, en);
    let others = ["severity-", "summary-", "remedy-is", "leaves-"];
    let told: BTreeSet<&str> = nb
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| !others.iter().any(|other| key.starts_with(other)))
        .collect();
    assert_eq!(told, all_keys());
    for language in Language::ALL {
        let words = Words::of(language);
        for (key, _, spoil) in cases() {
            let mut facts = well();
            spoil(&mut facts);
            for finding in judge(&facts) {
                let said = words.said(&finding);
                assert!(
                    !said.cause.contains(['{', '}']) && said.cause != finding.key,
                    "{language:?} {key}: {}",
                    said.cause
                );
                assert_eq!(said.remedy.is_some(), finding.severity > Severity::Ok, "{language:?} {}", finding.key);
                assert!(said.remedy.is_none_or(|remedy| !remedy.contains(['{', '}']) && remedy.ends_with('.')));
            }
        }
    }
}

/// A text as the guide shows it: without its values.
fn without_values(text: &str) -> String {
    let mut parts = text.split("{ $");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |shown, part| format!("{shown}…{}", part.split_once(" }").unwrap().1))
}

#[test]
fn the_guide_explains_each_finding_that_asks_for_something_in_its_own_words() {
    let guide = include_str!("../../README.md");
    let in_guide: Vec<&str> = guide.lines().filter(|line| line.starts_with("| `") && line.contains("` | *")).collect();
    let mut rows = Vec::new();
    for line in include_str!("../../texts/nb.ftl").lines() {
        if let Some(remedy) = line.strip_prefix("    .remedy = ") {
            let (key, cause): (String, String) = rows.pop().unwrap();
            rows.push((format!("| `{key}` | *{cause}* | {} |", without_values(remedy)), String::new()));
        } else if let Some((key, cause)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            rows.push((key.to_owned(), without_values(cause)));
        }
    }
    let rows: Vec<String> = rows.into_iter().map(|(row, _)| row).filter(|row| row.starts_with('|')).collect();
    assert_eq!(in_guide, rows);
}

#[test]
fn a_locale_chooses_the_language() {
    for (locales, language) in [
        (vec!["", "nb_NO.UTF-8"], Language::Nb),
        (vec!["nn_NO.UTF-8", "nb_NO"], Language::Nn),
        (vec!["no"], Language::Nb),
        (vec!["en_GB.UTF-8"], Language::En),
        (vec!["de_DE@euro"], Language::En),
        (vec!["C.UTF-8"], Language::Nb),
        (vec![], Language::Nb),
    ] {
        assert_eq!(Language::of_locale(locales.clone()), language, "{locales:?}");
    }
}

#[test]
fn both_directions_are_told_only_where_replies_were_seen() {
    let mut facts = well();
    assert!(keys(&facts, Severity::Ok).contains(&"traffic-ok"));
    recent(&mut facts).both_ends = 0;
    let told = keys(&facts, Severity::Ok);
    assert!(told.contains(&"traffic-unanswered") && !told.contains(&"traffic-ok"), "{told:?}");
}

#[test]
fn a_way_that_nobody_named_and_nobody_needs_is_no_trouble_where_it_is_refused_and_is_where_packets_are_dropped() {
    for (tcp, warned) in [(Reached::NoAnswer, vec!["tcp-silent"]), (Reached::Refused("x".into()), vec![])] {
        let mut facts = well();
        way(&mut facts).tcp = Some(tcp);
        assert_eq!(keys(&facts, Severity::Warn), warned);
        assert_eq!(keys(&facts, Severity::Ok).contains(&"tcp-not-needed"), warned.is_empty());
        way(&mut facts).quic = Reached::NoAnswer;
        assert!(keys(&facts, Severity::Fail).iter().any(|key| key.starts_with("tcp-")), "{facts:?}");
    }
}

#[test]
fn an_interface_alone_is_silent_as_a_whole_and_one_of_several_by_itself() {
    let mut facts = well();
    running(&mut facts).sources = vec![("eth1".into(), Some(59)), ("eth2".into(), None)];
    let silent = judge(&facts).into_iter().find(|finding| finding.key == "source-silent").unwrap();
    assert_eq!(silent.values, [("name", "eth2".to_owned()), ("seconds", "600".to_owned())], "never, since the start");
}
