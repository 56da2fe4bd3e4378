//! `varde-agent status`: how the agent is, asked of the running one, else read from its data directory.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use varde_common::id::{Revision, SensorId, Seq};
use varde_common::record::LossCounts;
use varde_common::time::Timestamp;

use super::Failure;
pub use super::reload::SettingsReport;
use super::status_brake::BrakeReport;
use super::status_check::{check, for_zabbix, unknown};
use super::status_lines::in_words;
use super::status_stopped::from_disk;
pub use super::status_trust::TrustReport;
use crate::health::{BlindSpots, EndsHeard, Evictions, Health, Together};
use crate::io::clock;
use crate::io::control::{self, Question};
use crate::io::disk::identity::Card;
use crate::io::disk::outlived::SetAside;
use crate::io::disk::spool;
use crate::io::link::Way;
use crate::io::link::session::Uplink;
use crate::io::privilege::Confined;
use crate::io::privilege::kernel::{self, Rights};
use crate::io::privilege::paths::Paths;
use crate::io::privilege::probe::Probe;
use crate::io::self_test::Known;
use crate::io::watch::SourceReport;
use crate::recent::RecentReport;
use crate::renewal::Certified;
use crate::spool::Tally;

/// Shows how the agent is.
///
/// --json prints one object with the keys running, version, sensor, member, collector, connected, way (quic, or tcp where
/// UDP is blocked), connected_since, fallback, proxy, why_not_quic, revoked, certificate {until, renews, failing (why there is no
/// newer one although it is time)}, last_error, revision, indicators, channel (which lists it follows), trust {root_version, root_until, root_refused, freshness (not_told, fresh, stale, behind),
/// told_at, named, newest_refused}, brake {order, indicators [{indicator, exercise, since, until, reason, matches}], refused, demoted [{site, indicator, exercise, since,
/// hosts, matches, within_s (what it had met by then; further hosts are told together)}]}, spool {epoch, next_seq, acknowledged_seq, waiting, octets, lost, not_noted (of these, while the disk is full), given_up {full, aged,
/// damaged}, each {info, low, medium, high, critical, other}}, set_aside [{directory, undelivered, removed_in_s}], unread [why a file of it cannot be read], health {packets, octets,
/// duplicates, tunnelled {KIND: count}, rejoined, dropped, drops_unknown, refused, refusals {REASON: count},
/// dns_messages, flows, evicted, evictions {TABLE: count}, blind {flows, dot_flows, doq_flows, doh_flows,
/// unexplained_flows, hellos, ech_hellos, doh_hellos}, heard {both, inside_alone, outside_alone, other_alone (TCP connections by which ends were
/// heard), answered, unanswered, unasked (DNS)}, sightings, alerts, together {matches, alerts, rises_gathered}},
/// sources [{source, name, dropped, packets, octets, not_ip, refused, joined_cut, silent_s}], unopened [why a source could not be opened], last_packet, last_packet_age_ms,
/// settings {read_at, refused (why what was read last is not in force), at_restart [KEY]}, list_refused, recent {span_s, packets, duplicates, dropped,
/// dns_messages, dns_age_s, both_ends, one_end, by_resolvers, by_others, untagged, tagged, vlans, flows_out, encrypted_dns, clock_leaps, clock_leapt_ms
/// (the last one)}, clock_ahead_ms, self_test {good_at (when one last came the whole way and back), failed (why the last one did not), taken (whether
/// the collector takes them)}, confinement
/// {rights {threads, capabilities, bounding, no_new_privs, filtered}, paths {abi, whole, missing}, calls_missing,
/// resolver_replaced}, probes [{what, refused, said}] (with --probe). What is not known is null, such as what a source
/// dropped that cannot tell.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Print one line as Nagios, Icinga and Checkmk read it, with numbers, and exit 0 = OK, 1 = WARNING (records lost, no packet
    /// for a minute, its last test of itself failed, or none came back for three days, the certificate runs out within ten days, settings or lists that were not taken), 2 = CRITICAL (it does
    /// not run, is not connected, keeps nothing, has no list, no packet for five minutes), 3 = UNKNOWN (it could not be asked).
    /// A loss counts until the collector has been told of it and 72 hours have passed.
    #[arg(long, conflicts_with = "json")]
    check: bool,
    /// Print one line a value, for zabbix_sender -i -; state is what --check exits with.
    #[arg(long, conflicts_with_all = ["json", "check", "probe"])]
    zabbix: bool,
    /// Have the running agent try what it must not be able to do (read other files, start programs, open a packet
    /// socket, …): exit 1 when anything was allowed.
    #[arg(long, conflicts_with = "check")]
    probe: bool,
}

/// How the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whether it answered itself.
    pub running: bool,
    /// Program version.
    pub version: String,
    /// Its number; null = not enrolled.
    pub sensor: Option<SensorId>,
    /// Its member.
    pub member: Option<String>,
    /// Where it dials.
    pub collector: Option<String>,
    /// Whether a session stands.
    pub connected: bool,
    /// What the session that stands goes over: `quic` or `tcp`.
    pub way: Option<String>,
    /// Since when it stands.
    pub connected_since: Option<Timestamp>,
    /// Over TCP: where the collector is.
    pub fallback: Option<String>,
    /// Over TCP: the proxy on the way there.
    pub proxy: Option<String>,
    /// Over TCP: what the last attempt at QUIC ended with.
    pub why_not_quic: Option<String>,
    /// Whether the collector has revoked it.
    pub revoked: bool,
    /// Its certificate; null = not enrolled.
    pub certificate: Option<CertificateReport>,
    /// Why the last attempt or session ended.
    pub last_error: Option<String>,
    /// List in force, 0 = none.
    pub revision: Revision,
    /// Indicators in it.
    pub indicators: u64,
    /// Which channel it follows.
    #[serde(default)]
    pub channel: String,
    /// What it trusts; null when not enrolled.
    pub trust: Option<TrustReport>,
    /// What is counted only; null when not enrolled.
    pub brake: Option<BrakeReport>,
    /// The spool.
    pub spool: SpoolReport,
    /// Spools that were set aside.
    pub set_aside: Vec<SetAsideReport>,
    /// What of the data directory cannot be read, where the agent does not run.
    #[serde(default)]
    pub unread: Vec<String>,
    /// The sensor's counters; null when not running.
    pub health: Option<HealthReport>,
    /// Its sources.
    pub sources: Vec<SourceReport>,
    /// Why sources that were to be watched could not be opened, a sentence each.
    #[serde(default)]
    pub unopened: Vec<String>,
    /// When the last packet was seen.
    pub last_packet: Option<Timestamp>,
    /// How long ago that was.
    pub last_packet_age_ms: Option<u64>,
    /// Its settings, and what became of reading them anew; null when not running.
    #[serde(default)]
    pub settings: Option<SettingsReport>,
    /// Why the newest list that was offered since the start is not in force; null = it is, or none was.
    #[serde(default)]
    pub list_refused: Option<String>,
    /// Its sight in the last minutes; null when not running.
    #[serde(default)]
    pub recent: Option<RecentReport>,
    /// How far this machine's clock was ahead of the collector's when that was last heard; null = not heard since the start.
    #[serde(default)]
    pub clock_ahead_ms: Option<i64>,
    /// Its tests of itself; null when not running.
    #[serde(default)]
    pub self_test: Option<Known>,
    /// What it has given up; null when not running.
    pub confinement: Option<Confinement>,
    /// What came of trying; null unless asked for.
    pub probes: Option<Vec<Probe>>,
}

/// The certificate it proves itself with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateReport {
    /// Good until then.
    pub until: Timestamp,
    /// The next is asked for then.
    pub renews: Timestamp,
    /// Why there is no newer one although it is time; null = all is well, or it has not been asked for.
    pub failing: Option<String>,
}

impl From<Certified> for CertificateReport {
    fn from(certified: Certified) -> CertificateReport {
        let Certified { until, renews, failing } = certified;
        CertificateReport { until, renews, failing }
    }
}

/// What a running agent has given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// By the kernel's own word; null where /proc does not tell.
    pub rights: Option<Rights>,
    /// What Landlock does.
    pub paths: Paths,
    /// Why there is no filter of system calls; null = there is one.
    pub calls_missing: Option<String>,
    /// A resolver's file that was replaced since the start, so that the agent cannot read it.
    pub resolver_replaced: Option<String>,
}

impl Confinement {
    /// As it is at this moment.
    pub fn of(confined: &Confined) -> Confinement {
        Confinement {
            rights: kernel::rights(),
            paths: confined.paths.clone(),
            calls_missing: confined.calls_missing.clone(),
            resolver_replaced: confined.resolver.replaced().map(|path| path.display().to_string()),
        }
    }
}

/// A spool that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAsideReport {
    /// Its name within the data directory.
    pub directory: String,
    /// Records in it that were never delivered, as far as the sensor knows.
    pub undelivered: u64,
    /// When it is removed, seconds from now.
    pub removed_in_s: u64,
}

impl SetAsideReport {
    /// As it was last looked at.
    pub fn of(found: &SetAside) -> SetAsideReport {
        SetAsideReport { directory: found.name.clone(), undelivered: found.undelivered, removed_in_s: found.left_s() }
    }
}

/// The spool in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolReport {
    /// Its lifetime, 32 hex digits.
    pub epoch: String,
    /// The next record.
    pub next_seq: Seq,
    /// Acknowledged up to here.
    pub acknowledged_seq: Seq,
    /// Records not yet acknowledged.
    pub waiting: u64,
    /// Octets of its files.
    pub octets: u64,
    /// Records lost.
    pub lost: u64,
    /// Those among them whose loss could not be noted yet, because the disk is full.
    pub not_noted: u64,
    /// The lost ones by reason and severity.
    pub given_up: GivenUpReport,
}

/// Records given up, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GivenUpReport {
    /// Because the spool or the disk was full.
    pub full: LossReport,
    /// Because nobody fetched them in time.
    pub aged: LossReport,
    /// Because they could not be read any more.
    pub damaged: LossReport,
}

/// Lost records by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LossReport {
    /// Alerts of severity info with their updates; so for the others.
    pub info: u64,
    /// Low.
    pub low: u64,
    /// Medium.
    pub medium: u64,
    /// High.
    pub high: u64,
    /// Critical.
    pub critical: u64,
    /// No alerts, or of unknown severity.
    pub other: u64,
}

impl From<LossCounts> for LossReport {
    fn from(counts: LossCounts) -> LossReport {
        let LossCounts { info, low, medium, high, critical, other } = counts;
        LossReport { info, low, medium, high, critical, other }
    }
}

impl From<Tally> for GivenUpReport {
    fn from(tally: Tally) -> GivenUpReport {
        let Tally { full, aged, damaged } = tally;
        GivenUpReport { full: full.into(), aged: aged.into(), damaged: damaged.into() }
    }
}

/// The sensor's counters since its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Packets read.
    pub packets: u64,
    /// Their octets.
    pub octets: u64,
    /// Left out because a mirror showed them a second time; not among `packets`.
    pub duplicates: u64,
    /// Packets that came in a tunnel, by the outermost one's kind.
    pub tunnelled: BTreeMap<String, u64>,
    /// Packets put together from fragments.
    pub rejoined: u64,
    /// Lost before they were read, as far as its sources can tell; null = none of them can.
    pub dropped: Option<u64>,
    /// Sources that cannot tell what they lost.
    pub drops_unknown: u16,
    /// Refused, all reasons.
    pub refused: u64,
    /// The same by reason.
    pub refusals: BTreeMap<String, u64>,
    /// DNS messages.
    pub dns_messages: u64,
    /// Flows.
    pub flows: u64,
    /// Let go because a table was full.
    pub evicted: u64,
    /// The same by table.
    pub evictions: Evictions,
    /// What it cannot see.
    pub blind: BlindSpots,
    /// Whose words it hears.
    #[serde(default)]
    pub heard: EndsHeard,
    /// Matches.
    pub sightings: u64,
    /// Alerts.
    pub alerts: u64,
    /// What was told of many hosts together.
    pub together: Together,
}

/// Nothing where no source can tell and none is known of.
fn dropped_of(health: &Health, sources: usize) -> Option<u64> {
    let nobody_tells = sources > 0 && usize::from(health.drops_unknown) >= sources;
    (health.dropped > 0 || !nobody_tells).then_some(health.dropped)
}

fn counted(counts: &[(&'static str, u64)]) -> BTreeMap<String, u64> {
    counts.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
}

impl Report {
    /// Of an agent that does not run.
    pub fn new(card: Option<&Card>, collector: &str, figures: &spool::Figures) -> Report {
        Report {
            running: false,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sensor: card.map(|card| card.sensor),
            member: card.map(|card| card.member.clone()),
            collector: card.map(|_| collector.to_owned()),
            connected: false,
            way: None,
            connected_since: None,
            fallback: None,
            proxy: None,
            why_not_quic: None,
            revoked: false,
            certificate: None,
            last_error: None,
            revision: Revision(0),
            indicators: 0,
            channel: varde_common::list::CHANNEL_ALL.to_owned(),
            trust: None,
            brake: None,
            spool: SpoolReport {
                epoch: figures.epoch.to_string(),
                next_seq: figures.next,
                acknowledged_seq: figures.acknowledged,
                waiting: figures.waiting(),
                octets: figures.octets,
                lost: figures.lost,
                not_noted: figures.unnoted,
                given_up: figures.given_up.into(),
            },
            set_aside: Vec::new(),
            unread: Vec::new(),
            health: None,
            sources: Vec::new(),
            unopened: Vec::new(),
            last_packet: None,
            last_packet_age_ms: None,
            settings: None,
            list_refused: None,
            recent: None,
            clock_ahead_ms: None,
            self_test: None,
            confinement: None,
            probes: None,
        }
    }

    /// What only a running agent knows.
    pub fn running(&mut self, uplink: &Uplink, health: &Health, sources: Vec<SourceReport>, now: Timestamp) {
        self.running = true;
        self.connected = uplink.connected;
        self.connected_since = uplink.way.as_ref().map(|(_, since)| *since);
        match uplink.way.as_ref().map(|(way, _)| way) {
            None => {}
            Some(Way::Quic) => self.way = Some("quic".to_owned()),
            Some(Way::Tcp { address, proxy, why_not_quic }) => {
                self.way = Some("tcp".to_owned());
                self.fallback = Some(address.clone());
                self.proxy.clone_from(proxy);
                self.why_not_quic = Some(why_not_quic.clone());
            }
        }
        self.revoked = uplink.revoked;
        self.last_error = uplink.last_error.clone();
        self.health = Some(HealthReport {
            packets: health.packets,
            octets: health.octets,
            duplicates: health.duplicates,
            tunnelled: counted(&health.tunnelled),
            rejoined: health.rejoined,
            dropped: dropped_of(health, sources.len()),
            drops_unknown: health.drops_unknown,
            refused: health.refused,
            refusals: counted(&health.refusals),
            dns_messages: health.dns_messages,
            flows: health.flows,
            evicted: health.evictions.total(),
            evictions: health.evictions,
            blind: health.blind,
            heard: health.heard,
            sightings: health.sightings,
            alerts: health.alerts,
            together: health.together,
        });
        self.sources = sources;
        self.last_packet = health.last_packet;
        self.last_packet_age_ms =
            health.last_packet.map(|last| u64::try_from(now.since(last).as_millis()).unwrap_or(u64::MAX));
    }

    /// One line.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Shows it.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, args: &StatusArgs) -> Result<(), Failure> {
    let question = if args.probe { Question::Probe } else { Question::Status };
    let asked = control::ask(data, question).map_err(|error| {
        let cause = format!("the agent's socket {} does not answer: {error}", control::socket_path(data).display());
        Failure::new(cause, "run it as the user the agent runs as, or as root")
    });
    if args.check || args.zabbix {
        return watched(data, args, asked);
    }
    let report: Report = match asked? {
        Some(text) => serde_json::from_str(&text)
            .map_err(|error| Failure::new(error, "use the same version of varde-agent as the one that runs"))?,
        None => from_disk(data)?,
    };
    if args.json {
        print!("{}", report.to_json());
    } else {
        print!("{}", in_words(&report));
    }
    if args.probe { judge(&report) } else { Ok(()) }
}

/// For who watches this machine: what could not be asked is unknown, and said in the same form.
fn watched(data: &Path, args: &StatusArgs, asked: Result<Option<String>, Failure>) -> Result<(), Failure> {
    let report = match asked {
        Ok(Some(text)) => serde_json::from_str::<Report>(&text).map_err(|error| error.to_string()),
        Ok(None) => from_disk(data).map_err(|failure| failure.cause),
        Err(failure) => Err(failure.cause),
    };
    let code = match report {
        Ok(report) if args.zabbix => {
            print!("{}", for_zabbix(&report, clock::now()));
            0
        }
        Ok(report) => {
            let (state, line) = check(&report, clock::now());
            print!("{line}");
            state.code()
        }
        Err(why) => {
            print!("{}", unknown(&why));
            3
        }
    };
    if code == 0 { Ok(()) } else { Err(Failure { cause: String::new(), remedy: String::new(), code }) }
}

/// A probe that was allowed is a failure; so is an agent that was not there to try.
fn judge(report: &Report) -> Result<(), Failure> {
    let Some(probes) = &report.probes else {
        return Err(Failure::new("the agent is not running, so nothing was tried", "start it with: varde-agent run"));
    };
    let allowed: Vec<&str> = probes.iter().filter(|probe| !probe.refused).map(|probe| probe.what.as_str()).collect();
    if allowed.is_empty() {
        return Ok(());
    }
    let cause =
        format!("of {} forbidden things the agent could do {}: {}", probes.len(), allowed.len(), allowed.join(", "));
    Err(Failure::new(cause, "look at the lines rights, paths and calls of varde-agent status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_the_socket_and_reads_in_words() {
        let (collector, member) = ("a:1".into(), "Gjøvik".into());
        let card = Card { sensor: SensorId(4), collector, member, fallback: None, member_of_token: None };
        let mut report = Report::new(Some(&card), "b:2", &spool::Figures::default());
        assert!(in_words(&report).contains("not running"));
        let uplink = Uplink { last_error: Some("no answer".into()), ..Uplink::default() };
        let health = Health { last_packet: Some(Timestamp(5_000)), ..Health::default() };
        report.running(&uplink, &health, Vec::new(), Timestamp(9_000));
        assert_eq!(report.last_packet_age_ms, Some(4));
        assert_eq!(serde_json::from_str::<Report>(&report.to_json()).unwrap(), report);
        assert!(in_words(&report).contains("not connected: no answer"));
        let failing = Some("no answer".to_owned());
        let certified = Certified { until: Timestamp(9_000_000), renews: Timestamp(3_000_000), failing };
        report.certificate = Some(certified.into());
        let told = in_words(&report);
        let said = "certificate good until 1970-01-01T00:00:09.000000Z, renewed from 1970-01-01T00:00:03.000000Z on";
        assert!(told.contains(said) && told.contains("NOT RENEWED: no answer"), "{told}");
        let way = Way::Tcp {
            address: "varde.example:443".into(),
            proxy: Some("http://proxy:3128".into()),
            why_not_quic: "the collector at b:2 does not answer".into(),
        };
        let uplink = Uplink { connected: true, way: Some((way, Timestamp(1_000_000))), ..Uplink::default() };
        report.running(&uplink, &health, Vec::new(), Timestamp(9_000));
        let told = in_words(&report);
        for said in [
            "collector  b:2, connected over TCP to varde.example:443 through http://proxy:3128 since 1970-01-01T00:00:01",
            "UDP is blocked: the collector at b:2 does not answer; QUIC is tried again by and by",
        ] {
            assert!(told.contains(said), "{told}");
        }
        assert_eq!(serde_json::from_str::<Report>(&report.to_json()).unwrap(), report);
    }

    #[test]
    fn d5_an_agent_that_loses_records_is_not_well_and_says_what_it_cannot_even_note() {
        let report = |connected, lost, unnoted| {
            let figures = spool::Figures { lost, unnoted, ..spool::Figures::default() };
            let mut report = Report::new(None, "", &figures);
            let uplink = Uplink { connected, ..Uplink::default() };
            report.running(&uplink, &Health::default(), Vec::new(), Timestamp(0));
            report
        };
        assert!(check(&report(true, 7, 0), Timestamp(0)).1.contains("7 records lost"));
        let told = in_words(&report(true, 7, 5));
        assert!(told.contains("7 lost\n           NOTHING IS KEPT: the disk is full; 5 of those lost"), "{told}");
        assert!(!in_words(&report(true, 7, 0)).contains("NOTHING IS KEPT"));
    }

    #[test]
    fn without_a_running_agent_nothing_is_tried_and_it_is_not_well() {
        let directory = tempfile::tempdir().unwrap();
        let probe =
            run(directory.path(), &StatusArgs { json: true, check: false, zabbix: false, probe: true }).unwrap_err();
        assert!(probe.cause.contains("nothing was tried"), "{probe}");
        let check = StatusArgs { json: false, check: true, zabbix: false, probe: false };
        assert_eq!(run(directory.path(), &check).unwrap_err().code, 2, "it does not run: critical");
    }
}
