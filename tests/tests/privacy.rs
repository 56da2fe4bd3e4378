//! Promise Q1: only matches leave. A hundred marked names and hosts that match nothing pass through everything (looked up, in
//! TLS and QUIC hellos, in requests, as a protocol's name), and no octet of them is found beyond the sensor: not at a tap behind the codec, not in the collector's database, files or
//! logs, not even in the sensor's own spool and logs.

use std::ffi::OsStr;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::quic::Version;
use varde_agent::io::clock;
use varde_collector::store::DATABASE_FILE;
use varde_common::record::{Record, RecordBody};
use varde_tests::bulk::hello::{self, Manner};
use varde_tests::bulk::initial::{self, Spread};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hostile_collector::{HostileCollector, Offer};
use varde_tests::programs::{PATIENCE, eventually, said};
use varde_tests::random::Random;
use varde_tests::secrets::{Form, forms_of_prefix, forms_of_text, found_below, found_in};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::packet::udp;
use varde_tests::traffic::{Outcome, PAGE, Reception, Traffic};

/// Every unlisted name holds this.
const NAME_MARK: &str = "umerketkanari";
/// Labels left of a listed name hold this: not even of a match do they leave.
const LABEL_MARK: &str = "underkanari";
/// Hosts that match nothing: fd66:6b61:6e61::N and 10.66.66.N.
const QUIET_HOSTS: &str = "fd66:6b61:6e61::";
/// Hosts that match: fd77:6b61:6e61::N and 10.77.77.N. Their pseudonyms leave, they do not.
const HIT_HOSTS: &str = "fd77:6b61:6e61::";
/// Outside servers of the unlisted names.
const QUIET_SERVERS: &str = "2001:db8:6b61::";

const LIST: [&str; 3] = ["vond.example", "203.0.113.77", "2001:db8:bad::/48"];

fn host(prefix: &str, n: u16) -> Result<IpAddr> {
    Ok(format!("{prefix}{n:x}").parse()?)
}

/// What a program says first on a connection of its own: the name in the manner and over the transport that `n` says.
fn greet(traffic: &mut Traffic, client: SocketAddr, server: SocketAddr, name: &str, n: u16) -> Result<()> {
    let mut random = Random::seeded(n.into());
    // A protocol's name may tell as much as a server's.
    let alpn = [format!("{name}/1"), "h2".to_owned()];
    let alpn: Vec<&str> = alpn.iter().map(String::as_str).collect();
    match n % 3 {
        0 => {
            let request = format!("GET /{name} HTTP/1.1\r\nUser-Agent: {name}\r\nHost: {name}\r\n\r\n");
            traffic.converse(client, SocketAddr::new(server.ip(), 80), request.as_bytes(), 700);
        }
        1 => {
            let message = hello::message(&mut random, Manner::Library, name, &alpn);
            // Cut over records, so that it is put together before it is read.
            traffic.converse(client, server, &hello::records(&message, 90), 700);
        }
        _ => {
            let message = hello::message(&mut random, Manner::Quic, name, &alpn);
            let (destination, source) = (random.next_u64().to_be_bytes(), random.next_u64().to_be_bytes());
            let initial = initial::datagrams(&mut random, Version::V1, &destination, &source, &message, Spread::Plain)?;
            initial.iter().for_each(|datagram| traffic.send(udp(client, server, datagram)));
            traffic.datagrams(client, server, 0, 2);
        }
    }
    Ok(())
}

/// A hundred marked names and hosts that match nothing, three hosts that do.
fn traffic() -> Result<Traffic> {
    let mut traffic = Traffic::starting(clock::now());
    let resolvers: [SocketAddr; 2] = ["10.66.0.53:53".parse()?, "[fd66::53]:53".parse()?];
    for n in 1..=100u16 {
        let v6 = n % 2 == 0;
        let client: IpAddr = if v6 { host(QUIET_HOSTS, n)? } else { [10, 66, 66, n as u8].into() };
        let resolver = resolvers[usize::from(v6)];
        let client = SocketAddr::new(client, 40_000 + n);
        let name = format!("{NAME_MARK}{n}.privat{n}.example");
        let server = host(QUIET_SERVERS, n)?;
        let outcome = match n % 5 {
            0 => Outcome::Nothing,
            1 => Outcome::Code(3),
            2 => Outcome::alias(&name, &format!("x.{NAME_MARK}{n}.cdn.example"), server),
            _ => Outcome::address(&name, server),
        };
        let question = Question { id: n, name: &name, qtype: rtype::AAAA };
        match n % 7 {
            0 => traffic.lookup_tcp(client, resolver, question, &outcome, 40),
            _ => traffic.lookup(client, resolver, question, &outcome),
        }
        if v6 {
            traffic.connect(client, SocketAddr::new(server, 443), if n % 3 == 0 { Reception::Silent } else { PAGE });
        } else {
            traffic.connect(client, SocketAddr::from(([198, 51, 100, n as u8], 443)), PAGE);
        }
        let again = SocketAddr::new(client.ip(), 50_000 + n);
        greet(&mut traffic, again, SocketAddr::new(server, 443), &format!("www.{NAME_MARK}{n}.example"), n)?;
    }
    for n in 1..=3u16 {
        let client = SocketAddr::new(host(HIT_HOSTS, n)?, 41_000);
        let name = format!("{LABEL_MARK}{n}.vond.example");
        let question = Question { id: 900 + n, name: &name, qtype: rtype::A };
        traffic.lookup(client, resolvers[1], question, &Outcome::address(&name, "203.0.113.9".parse()?));
        traffic.connect(SocketAddr::from(([10, 77, 77, n as u8], 41_001)), "203.0.113.77:443".parse()?, PAGE);
        traffic.connect(client, "[2001:db8:bad::7]:443".parse()?, PAGE);
        // A match by name, in each manner; the labels left of the listed name stay at home.
        let greeting = SocketAddr::new(host(HIT_HOSTS, 10 + n)?, 42_000 + n);
        greet(&mut traffic, greeting, "[2001:db8:77::7]:443".parse()?, &format!("{LABEL_MARK}.{n}.vond.example"), n)?;
    }
    traffic.wait(Duration::from_secs(1));
    Ok(traffic)
}

fn address_forms(mark: &str, v4: &str) -> Result<Vec<Form>> {
    let mut forms = forms_of_prefix(mark.parse()?);
    forms.extend(forms_of_text(v4));
    Ok(forms)
}

/// What must be nowhere but in the traffic itself.
fn quiet_forms() -> Result<Vec<Form>> {
    let mut forms = forms_of_text(NAME_MARK);
    forms.extend(address_forms(QUIET_HOSTS, "10.66.66.")?);
    forms.extend(forms_of_prefix(QUIET_SERVERS.parse()?));
    Ok(forms)
}

/// What must not leave the member though it matched.
fn hit_forms() -> Result<Vec<Form>> {
    let mut forms = forms_of_text(LABEL_MARK);
    forms.extend(address_forms(HIT_HOSTS, "10.77.77.")?);
    Ok(forms)
}

/// IPv4 addresses as four octets: too short to look for in a whole disk, long enough for what is known to be records.
fn v4_octets(octets: &[u8]) -> Option<[u8; 4]> {
    let marked = |four: &[u8]| matches!(four, [10, 66, 66, 1..=100] | [10, 77, 77, 1..=3]);
    octets.windows(4).find(|four| marked(four)).and_then(|four| four.try_into().ok())
}

/// That the agent's own spool, logs and files hold nothing that matched nothing; it may know its hits.
fn agent_is_clean(agent: &Agent) -> Result<()> {
    assert_eq!(found_below(agent.data(), &quiet_forms()?)?, Vec::<String>::new(), "in the agent's directory");
    let log = agent.log();
    for address in ["10.66.66.", "10.77.77.", "fd66:6b61", "fd77:6b61", NAME_MARK, LABEL_MARK] {
        assert!(!log.contains(address), "the agent's log holds {address}");
    }
    Ok(())
}

#[test]
fn q1_a_tap_behind_the_codec_sees_only_matches() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = HostileCollector::start(1)?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token(3))?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let (manifest, base) = collector.list(1, &LIST)?;
    let manifest = manifest.sign(&[collector.list_keys.first().context("a key")?])?;
    collector.offer(&Offer { manifest, base, ended: true })?;
    eventually("the list is in force", PATIENCE, || Ok((agent.revision()? == 1).then_some(())))?;
    feed.send(&traffic()?.packets)?;
    drop(feed);
    agent.wait()?;
    let (tap, records) =
        collector.heard(|heard| (heard.tap.clone(), heard.records.values().cloned().collect::<Vec<_>>()));
    let opened = records.iter().filter(|record: &&Record| matches!(record.body, RecordBody::Opened(_))).count();
    ensure!(opened >= 12, "the hits themselves must have arrived, else nothing is shown: {opened}");
    for forms in [quiet_forms()?, hit_forms()?] {
        assert_eq!(found_in(&tap, &forms), None, "on the wire");
    }
    for record in &records {
        assert_eq!(v4_octets(&record.to_octets()?), None, "{record:?}");
    }
    agent_is_clean(&agent)?;
    collector.stop();
    Ok(())
}

#[test]
fn q1_the_collectors_database_files_and_logs_hold_only_matches() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish(&LIST.join("\n"))?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;
    feed.send(&traffic()?.packets)?;
    drop(feed);
    agent.wait()?;
    ensure!(collector.alerts()?.len() >= 12, "the hits themselves must have arrived, else nothing is shown");

    for record in collector.records()? {
        assert_eq!(v4_octets(&record.octets), None, "{record:?}");
    }
    let dump = dump(&collector)?;
    collector.stop()?;
    for (what, forms) in [("what matched nothing", quiet_forms()?), ("what a match leaves at home", hit_forms()?)] {
        assert_eq!(found_in(dump.as_bytes(), &forms), None, "{what}, in the dump of the database");
        let below = found_below(collector.data(), &forms)?;
        assert_eq!(below, Vec::<String>::new(), "{what}, in the collector's directory");
    }
    // The search can find: what is meant to be there is found by it.
    assert!(found_in(dump.as_bytes(), &forms_of_text("203.0.113.77")).is_some());
    agent_is_clean(&agent)
}

/// Every table as text, by SQLite's own program.
fn dump(collector: &Collector) -> Result<String> {
    let mut command = Command::new("sqlite3");
    command.arg(collector.data().join(DATABASE_FILE)).arg(".dump");
    let mut dump = said(&mut command)?.ok().context("sqlite3")?.out;
    write!(dump, "\n{:?}", collector.list("alert")?)?;
    Ok(dump)
}
