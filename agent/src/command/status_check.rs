//! How the agent is, for machines that watch others: one line for Nagios and its kin, or one line a value for Zabbix.

use varde_common::time::Timestamp;

use super::status::Report;
use crate::io::self_test::Known;
use crate::limits::SELF_TEST_OLD_S;

/// A mirror that has been silent for so long is none, milliseconds.
const SILENT_WARN_MS: u64 = 60_000;
/// And for so long certainly none, milliseconds.
const SILENT_CRITICAL_MS: u64 = 300_000;
/// A certificate is renewed twenty days before its end.
const CERTIFICATE_SOON_DAYS: i64 = 10;

/// The four states of a Nagios plug-in, and how it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Ok = 0,
    Warning = 1,
    Critical = 2,
    Unknown = 3,
}

impl State {
    /// How to leave.
    pub(super) fn code(self) -> u8 {
        self as u8
    }

    fn word(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Warning => "WARNING",
            State::Critical => "CRITICAL",
            State::Unknown => "UNKNOWN",
        }
    }
}

/// What is to be said of an agent that could not be asked.
pub(super) fn unknown(why: &str) -> String {
    format!("VARDE {} - {}\n", State::Unknown.word(), one_line(why))
}

/// One line and how to leave: a state, why, and numbers behind a bar (`label=value[;warn;critical]`).
pub(super) fn check(report: &Report, now: Timestamp) -> (State, String) {
    let troubles = troubles(report, now);
    let state = troubles.iter().map(|(state, _)| *state).max().unwrap_or(State::Ok);
    let said = if troubles.is_empty() {
        format!("connected, list {} with {} indicators", report.revision, report.indicators)
    } else {
        troubles.into_iter().map(|(_, why)| why).collect::<Vec<_>>().join("; ")
    };
    let numbers: Vec<String> = numbers(report, now).into_iter().map(|number| number.performance()).collect();
    (state, format!("VARDE {} - {} | {}\n", state.word(), one_line(&said), numbers.join(" ")))
}

/// One line a number, as `zabbix_sender -i -` reads it: `- varde.agent[NAME] VALUE`.
pub(super) fn for_zabbix(report: &Report, now: Timestamp) -> String {
    let (state, _) = check(report, now);
    let of_state = Number { name: "state", value: i64::from(state.code()), unit: "", bounds: "" };
    let all = std::iter::once(of_state).chain(numbers(report, now));
    all.map(|Number { name, value, .. }| format!("- varde.agent[{name}] {value}\n")).collect()
}

fn troubles(report: &Report, now: Timestamp) -> Vec<(State, String)> {
    if !report.running {
        return vec![(State::Critical, "the agent is not running".to_owned())];
    }
    let mut troubles = Vec::new();
    let mut tell = |state, why: String| troubles.push((state, why));
    if report.revoked {
        tell(State::Critical, "the collector has revoked this sensor".to_owned());
    } else if !report.connected {
        let why = report.last_error.as_deref().unwrap_or("connecting");
        tell(State::Critical, format!("not connected: {why}"));
    }
    if report.spool.not_noted > 0 {
        tell(State::Critical, "the disk is full, nothing is kept".to_owned());
    } else if report.spool.lost > 0 {
        tell(State::Warning, format!("{} records lost", report.spool.lost));
    }
    if report.revision.0 == 0 {
        tell(State::Critical, "there is no list".to_owned());
    }
    let is_live = report.sources.iter().any(|source| !source.name.contains('/'));
    match report.last_packet_age_ms {
        Some(age) if is_live && age >= SILENT_CRITICAL_MS => {
            tell(State::Critical, format!("no packet for {} s", age / 1000));
        }
        Some(age) if is_live && age >= SILENT_WARN_MS => {
            tell(State::Warning, format!("no packet for {} s", age / 1000));
        }
        None if is_live => tell(State::Warning, "no packet yet".to_owned()),
        Some(_) | None => {}
    }
    if let Some(days) = certificate_days(report, now) {
        match days {
            ..0 => tell(State::Critical, "the certificate has run out".to_owned()),
            0..CERTIFICATE_SOON_DAYS => tell(State::Warning, format!("the certificate runs out in {days} days")),
            _ => {}
        }
    }
    match report.trust.as_ref().map(|trust| trust.freshness.as_str()) {
        Some("stale") => tell(State::Warning, "nobody says which list is the newest".to_owned()),
        Some("behind") => tell(State::Warning, "a newer list does not come".to_owned()),
        _ => {}
    }
    match report.self_test.as_ref().filter(|known| known.taken) {
        Some(Known { failed: Some(why), .. }) => tell(State::Warning, format!("its test of itself failed: {why}")),
        Some(known) if self_test_age_s(known, now).is_some_and(|age| age >= SELF_TEST_OLD_S) => {
            tell(State::Warning, "no test of itself has come back for three days".to_owned());
        }
        Some(_) | None => {}
    }
    if report.settings.as_ref().is_some_and(|settings| settings.refused.is_some()) {
        tell(State::Warning, "settings read anew cannot be used".to_owned());
    }
    troubles
}

fn self_test_age_s(known: &Known, now: Timestamp) -> Option<u64> {
    known.good_at.map(|at| now.since(at).as_secs())
}

fn certificate_days(report: &Report, now: Timestamp) -> Option<i64> {
    let until = report.certificate.as_ref()?.until;
    Some(until.0.saturating_sub(now.0).div_euclid(86_400_000_000))
}

struct Number {
    name: &'static str,
    value: i64,
    /// As Nagios knows them: `c` = a counter, `s`, `B`.
    unit: &'static str,
    bounds: &'static str,
}

impl Number {
    fn performance(&self) -> String {
        let Number { name, value, unit, bounds } = self;
        format!("{name}={value}{unit}{bounds}")
    }
}

/// What is not known is left out, never 0.
fn numbers(report: &Report, now: Timestamp) -> Vec<Number> {
    let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let spool = &report.spool;
    let known = [
        ("running", Some(i64::from(report.running)), "", ""),
        ("connected", Some(i64::from(report.connected)), "", ""),
        ("revision", Some(whole(report.revision.0)), "", ""),
        ("indicators", Some(whole(report.indicators)), "", ""),
        ("waiting", Some(whole(spool.waiting)), "", ""),
        ("lost", Some(whole(spool.lost)), "", ";0"),
        ("spool", Some(whole(spool.octets)), "B", ""),
        ("certificate_days", certificate_days(report, now), "", ";10:;0:"),
        (
            "self_test_age",
            report.self_test.as_ref().and_then(|known| self_test_age_s(known, now)).map(whole),
            "s",
            ";259200",
        ),
        ("packet_age", report.last_packet_age_ms.map(|age| whole(age / 1000)), "s", ";60;300"),
        ("packets", report.health.as_ref().map(|health| whole(health.packets)), "c", ""),
        ("dropped", report.health.as_ref().and_then(|health| health.dropped).map(whole), "c", ""),
        ("alerts", report.health.as_ref().map(|health| whole(health.alerts)), "c", ""),
    ];
    let known = known.into_iter();
    known.filter_map(|(name, value, unit, bounds)| Some(Number { name, value: value?, unit, bounds })).collect()
}

/// What stands behind a bar is numbers: none in words.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '|' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::status::CertificateReport;
    use crate::health::Health;
    use crate::io::disk::spool;
    use crate::io::link::session::Uplink;
    use crate::io::watch::SourceReport;
    use varde_common::id::Revision;

    const NOW: Timestamp = Timestamp(1_000_000_000_000);

    fn running() -> Report {
        let mut report = Report::new(None, "", &spool::Figures::default());
        let uplink = Uplink { connected: true, ..Uplink::default() };
        let health = Health { packets: 9, last_packet: Some(NOW), ..Health::default() };
        report.running(&uplink, &health, vec![SourceReport::new(0, "eth1")], NOW);
        (report.revision, report.indicators) = (Revision(4), 7);
        let until = Timestamp(NOW.0 + 20 * 86_400_000_000);
        report.certificate = Some(CertificateReport { until, renews: until, failing: None });
        report
    }

    type Case = (State, &'static str, fn(&mut Report));

    #[test]
    fn one_line_says_the_state_why_and_the_numbers() {
        let (state, line) = check(&running(), NOW);
        assert_eq!(state, State::Ok);
        assert!(line.starts_with("VARDE OK - connected, list 4 with 7 indicators | running=1 connected=1 "), "{line}");
        assert!(line.contains(" packet_age=0s;60;300 packets=9c ") && line.ends_with("alerts=0c\n"), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
        let cases: [Case; 11] = [
            (State::Warning, "its test of itself failed: so", |report| {
                report.self_test = Some(Known { failed: Some("so".into()), taken: true, good_at: None });
            }),
            (State::Warning, "no test of itself has come back for three days", |report| {
                let good_at = Some(Timestamp(NOW.0 - 3 * 86_400_000_000));
                report.self_test = Some(Known { good_at, failed: None, taken: true });
            }),
            (State::Critical, "not running", |report| report.running = false),
            (State::Critical, "not connected: a b", |report| {
                (report.connected, report.last_error) = (false, Some("a|b".into()));
            }),
            (State::Critical, "revoked", |report| report.revoked = true),
            (State::Critical, "nothing is kept", |report| (report.spool.not_noted, report.spool.lost) = (1, 1)),
            (State::Warning, "3 records lost", |report| report.spool.lost = 3),
            (State::Critical, "no list", |report| report.revision = Revision(0)),
            (State::Warning, "no packet for 60 s", |report| report.last_packet_age_ms = Some(60_000)),
            (State::Critical, "no packet for 300 s", |report| report.last_packet_age_ms = Some(300_000)),
            (State::Warning, "runs out in 9 days", |report| {
                report.certificate.as_mut().unwrap().until = Timestamp(NOW.0 + 9 * 86_400_000_000);
            }),
        ];
        for (state, said, spoil) in cases {
            let mut report = running();
            spoil(&mut report);
            let (found, line) = check(&report, NOW);
            assert_eq!(found, state, "{line}");
            assert!(line.contains(said) && line.matches('|').count() == 1, "{line}");
        }
        assert_eq!([State::Ok, State::Warning, State::Critical, State::Unknown].map(State::code), [0, 1, 2, 3]);
        assert_eq!(unknown("no\nsocket"), "VARDE UNKNOWN - no socket\n");
    }

    #[test]
    fn a_line_a_value_and_none_for_what_is_not_known() {
        let told = for_zabbix(&running(), NOW);
        assert!(told.starts_with("- varde.agent[state] 0\n- varde.agent[running] 1\n"), "{told}");
        assert!(told.contains("- varde.agent[certificate_days] 20\n"), "{told}");
        let mut report = running();
        (report.last_packet_age_ms, report.certificate) = (None, None);
        let told = for_zabbix(&report, NOW);
        assert!(!told.contains("packet_age") && !told.contains("certificate_days"), "{told}");
    }
}
