//! Promise D12: a storm of matches is few messages, and every match is counted once, by the real programs and by the
//! agent's stages at a million a minute; what matters is told at once in the middle of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_agent::ledger::Ledger;
use varde_agent::packet::{Frame, LinkType};
use varde_agent::sensor::{Sensor, SensorSettings, Statement};
use varde_agent::ship::{Next, Ship};
use varde_common::id::{Epoch, IndicatorId, Pseudonym, Revision, Seq};
use varde_common::indicator::Indicator;
use varde_common::limits::{BATCH_MAX_OCTETS, BATCH_MAX_RECORDS};
use varde_common::matcher::IndicatorSet;
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::EVERY_HOST_TOLD;
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::packet::udp;
use varde_tests::traffic::{Outcome, Traffic, dns};

const HOSTS: u64 = 2_000;
const INDICATORS: u64 = 50;
/// Messages of a sensor in any minute (D12).
const MESSAGES_MAX: usize = 200;
/// Of them heartbeats and what is said of lists.
const OTHER_MESSAGES: usize = 6;

/// How many matches the storm of the agent's stages has; `VARDE_STORM=1000000` for a whole minute of it.
fn matches() -> u64 {
    std::env::var("VARDE_STORM").ok().and_then(|matches| matches.parse().ok()).unwrap_or(100_000)
}

fn listed(indicator: u64) -> String {
    format!("vond{indicator}.example")
}

/// Who looks up what in the n-th match: each host meets each indicator, in no order that helps.
fn pair(n: u64) -> (u64, u64) {
    (n % HOSTS, (n % HOSTS + n / HOSTS) % INDICATORS)
}

/// Matches of [`HOSTS`] hosts on [`INDICATORS`] indicators, and the needle in the middle.
fn storm(begun: Timestamp, matches: u64) -> Traffic {
    let place = Municipality { number: 9 };
    let mut traffic = Traffic::starting(begun);
    let mut lookup = |host: u64, name: &str| {
        let client = SocketAddr::new(place.client(host), 40_000);
        let question = Question { id: traffic.packets.len() as u16, name, qtype: rtype::A };
        traffic.lookup(client, place.resolver(), question, &Outcome::address(name, [198, 51, 100, 9].into()));
    };
    for n in 0..matches {
        let (host, indicator) = pair(n);
        lookup(host, &listed(indicator));
        if n == matches / 2 {
            lookup(7, "naal.example");
        }
    }
    traffic
}

/// The most of these moments that lie within one minute, microseconds; they are in order.
fn most_within_a_minute(moments: &[i64]) -> usize {
    let until = |from: &i64| moments.partition_point(|at| *at < from + 60_000_000);
    moments.iter().zip(0..).map(|(from, before)| until(from) - before).max().unwrap_or(0)
}

#[test]
fn d12_a_storm_through_the_real_programs_is_few_messages_and_counts_exactly() -> Result<()> {
    through_the_programs(EVERY_HOST_TOLD, 0)
}

#[test]
fn d12_t10_a_storm_of_indicators_that_every_host_meets_is_told_as_any_and_said_of_each() -> Result<()> {
    through_the_programs("", INDICATORS)
}

/// By a sensor with these settings, which says so often that an indicator has met too many hosts.
fn through_the_programs(settings: &str, demoted: u64) -> Result<()> {
    const MATCHES: u64 = 60_000;
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let names: Vec<String> = (0..INDICATORS).map(listed).collect();
    collector.publish(&format!("{}\nnaal.example\n", names.join("\n")))?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    std::fs::write(agent.data().join("agent.toml"), settings)?;
    agent.start([std::ffi::OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;

    let traffic = storm(clock::now(), MATCHES);
    feed.send(&traffic.packets)?;
    drop(feed);
    agent.wait().context("the agent ends by itself when everything is acknowledged")?;

    let sums: Vec<(i64, i64)> = collector.query(
        "SELECT i.pattern = 'naal.example', SUM(a.count) FROM alert a JOIN indicator i ON i.id = a.indicator_id
         GROUP BY 1 ORDER BY 1",
    )?;
    assert_eq!(sums, [(0, MATCHES as i64), (1, 1)], "every match once");
    let needle: Vec<(bool, Option<i64>)> = collector.query(
        "SELECT a.client IS NOT NULL, a.hosts FROM alert a JOIN indicator i ON i.id = a.indicator_id
         WHERE i.pattern = 'naal.example'",
    )?;
    assert_eq!(needle, [(true, None)], "the needle has an alert of its own, and its host");
    let crowds: Vec<(i64, bool)> =
        collector.query("SELECT hosts, client IS NULL FROM alert WHERE hosts IS NOT NULL")?;
    ensure!(crowds.len() as u64 == INDICATORS, "{} alerts of many hosts", crowds.len());
    for (hosts, names_nobody) in &crowds {
        // Each host met some of the indicators: 60,000 of 100,000 pairs.
        ensure!((1_000..=1_400).contains(hosts), "about {hosts} of 1,200 hosts");
        ensure!(*names_nobody, "what stands for many names none");
    }
    let arrived: Vec<(i64,)> = collector.query("SELECT DISTINCT received_at FROM record ORDER BY 1")?;
    let arrived: Vec<i64> = arrived.into_iter().map(|(at,)| at).collect();
    let most = most_within_a_minute(&arrived);
    let records: Vec<(i64,)> = collector.query("SELECT COUNT(*) FROM record")?;
    println!("{MATCHES} matches, {} records, {} batches, {most} in one minute", records[0].0, arrived.len());
    ensure!(most + OTHER_MESSAGES <= MESSAGES_MAX, "{most} batches in one minute");
    let said: Vec<(i64,)> =
        collector.query("SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%\"event\":\"indicator_demoted\"%'")?;
    assert_eq!(said, [(demoted as i64,)], "each that has met more than 256 hosts, once");
    let listed = collector.list("alert")?;
    ensure!(listed.iter().filter(|alert| alert["hosts"].is_number()).count() as u64 == INDICATORS, "alert list --json");
    let incidents = collector.list("incident")?;
    ensure!(incidents.iter().filter(|incident| incident["hosts_about"].is_number()).count() as u64 == INDICATORS);
    collector.stop()
}

/// Statements into records, records into batches, as the agent's threads do it, on the traffic's clock.
struct Uplink {
    ledger: Ledger,
    ship: Ship,
    records: Vec<Vec<u8>>,
    batches: Vec<i64>,
    begun: Instant,
}

impl Uplink {
    fn write(&mut self, statement: Statement, at: Timestamp) -> Result<()> {
        let pseudonym = match &statement {
            Statement::Opened { client, .. } => client.map(|_| Pseudonym(1)),
            Statement::Updated { .. }
            | Statement::CrowdOpened { .. }
            | Statement::CrowdUpdated { .. }
            | Statement::Braked(_)
            | Statement::Demotion(_) => None,
        };
        let seq = Seq(self.records.len() as u64 + 1);
        let body = self.ledger.handle_statement(statement, pseudonym, seq).context("an update of what is not open")?;
        self.records.push(Record { time: at, body }.to_octets()?);
        self.ledger.handle_taken();
        Ok(())
    }

    fn send(&mut self, micros: i64) -> Result<()> {
        let now = self.begun + Duration::from_micros(micros as u64);
        self.ship.handle_durable(Seq(self.records.len() as u64 + 1), now);
        while let Next::Send(first) = self.ship.poll(now) {
            let mut octets = 0;
            let fit = self.records.iter().skip(first.0 as usize - 1).take(BATCH_MAX_RECORDS).take_while(|record| {
                octets += record.len() + 4;
                octets <= BATCH_MAX_OCTETS
            });
            let records = fit.count();
            self.ship.handle_sent(first, records);
            self.ship.handle_ack(Epoch(1), Seq(first.0 + records as u64 - 1))?;
            self.batches.push(micros);
        }
        Ok(())
    }
}

#[test]
fn d12_i8_a_million_matches_a_minute_through_sensor_ledger_and_ship_are_few_batches_with_the_exact_sum() -> Result<()> {
    through_the_stages(SensorSettings { frequent_hosts: None, ..SensorSettings::default() })
}

#[test]
fn d12_i8_t10_so_they_are_where_hosts_are_told_together_because_an_indicator_meets_too_many() -> Result<()> {
    through_the_stages(SensorSettings::default())
}

fn through_the_stages(settings: SensorSettings) -> Result<()> {
    let matches = matches();
    let place = Municipality { number: 9 };
    let indicators = (0..INDICATORS).map(|id| Ok(Indicator::bare(IndicatorId(id), listed(id).parse()?)));
    let set = Arc::new(IndicatorSet::build(indicators.collect::<Result<_>>()?));
    let demotes = settings.frequent_hosts.is_some();
    let mut sensor = Sensor::new(settings, set, Revision(1));
    let mut uplink = Uplink {
        ledger: Ledger::default(),
        ship: Ship::new(Epoch(1), Seq(1)),
        records: Vec::new(),
        batches: Vec::new(),
        begun: clock::monotonic(),
    };
    uplink.ship.handle_session(Seq(0))?;
    let begun = Timestamp(1_800_000_000_000_000);
    let resolver = place.resolver();
    for n in 0..matches {
        // A million a minute.
        let micros = n as i64 * 60;
        let (host, indicator) = pair(n);
        let name = listed(indicator);
        let client = SocketAddr::new(place.client(host), 40_000);
        let question = Question { id: n as u16, name: &name, qtype: rtype::A };
        let response = dns::response(question, 3, &[]);
        let ways = [udp(client, resolver, &dns::query(question)), udp(resolver, client, &response)];
        for (octets, after) in ways.iter().zip([0, 20]) {
            let time = begun.plus(Duration::from_micros(micros as u64 + after));
            let (link, length) = (LinkType::RawIp, octets.len() as u32);
            sensor.handle_frame(&Frame { time, source: 0, link, octets, length, vlan: None });
        }
        while let Some(statement) = sensor.poll_statement() {
            uplink.write(statement, begun)?;
        }
        uplink.send(micros)?;
    }
    sensor.close_all();
    while let Some(statement) = sensor.poll_statement() {
        uplink.write(statement, begun)?;
    }
    let mut micros = matches as i64 * 60;
    while uplink.ship.committed() < Seq(uplink.records.len() as u64) {
        micros += 1_000;
        uplink.send(micros)?;
    }

    let most = most_within_a_minute(&uplink.batches);
    println!(
        "{matches} matches, {} records, {} batches, {most} in one minute",
        uplink.records.len(),
        uplink.batches.len()
    );
    ensure!(most + OTHER_MESSAGES <= MESSAGES_MAX, "{most} batches in one minute");
    let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
    let mut opened: BTreeMap<Seq, u64> = BTreeMap::new();
    for (octets, seq) in uplink.records.iter().zip(1..) {
        let (alert, indicator, count) = match Record::from_octets(octets)?.body {
            RecordBody::Opened(opening) => (Seq(seq), Some(opening.indicator.0), opening.count),
            RecordBody::CrowdOpened(crowd) => (Seq(seq), Some(crowd.opened.indicator.0), crowd.opened.count),
            RecordBody::Updated(update) => (update.alert, None, update.count_increase),
            RecordBody::CrowdUpdated(update) => (update.updated.alert, None, update.updated.count_increase),
            RecordBody::Loss { .. } | RecordBody::GivenUp { .. } | RecordBody::Event(_) | RecordBody::Braked(_) => {
                continue;
            }
        };
        let indicator = indicator.or_else(|| opened.get(&alert).copied()).context("an update of nothing")?;
        opened.insert(alert, indicator);
        *sums.entry(indicator).or_default() += count;
    }
    assert_eq!(sums.values().sum::<u64>(), matches, "I8: every match once");
    let mut expected: BTreeMap<u64, u64> = BTreeMap::new();
    for n in 0..matches {
        *expected.entry(pair(n).1).or_default() += 1;
    }
    assert_eq!(sums, expected, "and under its own indicator");
    assert_eq!(sensor.health().sightings, matches);
    assert_eq!(sensor.health().demoted.len() as u64, if demotes { INDICATORS } else { 0 });
    Ok(())
}
