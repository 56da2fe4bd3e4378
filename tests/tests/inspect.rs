//! Promise: `varde-agent inspect` reads what it is given, says what it could not read, and keeps its output's form.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_common::time::Timestamp;
use varde_tests::capture::{self, Format, LinkType};
use varde_tests::programs::{Said, Which, run};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, PAGE, Packet, Traffic, packet};

const ALERT_KEYS: [&str; 13] = [
    "type",
    "indicator",
    "kind",
    "evidence",
    "observed",
    "client",
    "server",
    "port",
    "protocol",
    "direction",
    "first_seen",
    "last_seen",
    "count",
];
const SIGHTING_KEYS: [&str; 12] = [
    "type",
    "indicator",
    "kind",
    "evidence",
    "observed",
    "client",
    "client_port",
    "server",
    "server_port",
    "protocol",
    "direction",
    "time",
];
const DNS_KEYS: [&str; 9] = ["type", "time", "client", "server", "id", "qname", "qtype", "rcode", "answers"];
const FLOW_KEYS: [&str; 12] = [
    "type",
    "initiator",
    "initiator_port",
    "responder",
    "responder_port",
    "protocol",
    "packets",
    "octets",
    "reverse_packets",
    "reverse_octets",
    "start",
    "end",
];

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Result<Bench> {
        Ok(Bench { folder: tempfile::tempdir()? })
    }

    fn file(&self, name: &str, octets: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, octets)?;
        Ok(path)
    }

    fn capture(&self, name: &str, packets: &[Packet]) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        capture::write(&path, Format::USUAL, packets)?;
        Ok(path)
    }
}

fn inspect(flags: &[&str], lists: &[&Path], captures: &[&Path]) -> Result<Said> {
    let mut arguments: Vec<OsString> = vec!["inspect".into()];
    arguments.extend(flags.iter().map(Into::into));
    for list in lists {
        arguments.extend(["--indicators".into(), list.as_os_str().to_owned()]);
    }
    arguments.extend(captures.iter().map(|capture| capture.as_os_str().to_owned()));
    run(Which::Agent, arguments)
}

/// A lookup of a listed name, a connection to its address, a ping of a listed address, some unlisted flows.
fn traffic() -> Result<Vec<Packet>> {
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    let (host, resolver) = ("10.1.0.20:40000".parse()?, "10.1.0.53:53".parse()?);
    let question = Question { id: 77, name: "Www.Vond.example", qtype: rtype::A };
    traffic.lookup(host, resolver, question, &Outcome::address("www.vond.example", "198.51.100.9".parse()?));
    traffic.connect("10.1.0.20:40001".parse()?, "198.51.100.9:443".parse()?, PAGE);
    traffic.ping("10.1.0.21".parse()?, "203.0.113.7".parse()?, 5, true);
    let question = Question { id: 78, name: "uten-svar.example", qtype: 65 };
    traffic.lookup(host, resolver, question, &Outcome::Nothing);
    traffic.send(packet::ip("10.1.0.22".parse()?, "192.0.2.3".parse()?, 47, &[0; 20]));
    Ok(traffic.packets)
}

/// Packets with nothing around them.
fn traffic_without() -> Result<Vec<Packet>> {
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    traffic.connect("10.1.0.20:40001".parse()?, "198.51.100.9:443".parse()?, PAGE);
    Ok(traffic.packets)
}

fn keys(line: &Value) -> Vec<&str> {
    line.as_object().map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn has_exactly(line: &Value, wanted: &[&str]) -> Result<()> {
    let (mut found, mut wanted) = (keys(line), wanted.to_vec());
    found.sort_unstable();
    wanted.sort_unstable();
    ensure!(found == wanted, "keys {found:?}, not {wanted:?}");
    Ok(())
}

/// Whoever reads the last line must not think that all was read: more is begun here than a table holds.
#[test]
fn s4_what_full_tables_let_go_is_told_on_the_last_line() -> Result<()> {
    let bench = Bench::new()?;
    let list = bench.file("list.txt", "vond.example\n")?;
    let whole = packet::udp("10.1.0.20:40000".parse()?, "10.1.0.53:53".parse()?, &[0; 64]);
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    for identification in 1..=1_100 {
        let first = packet::fragments(&whole, 24, identification).into_iter().next().context("no fragment")?;
        traffic.send(first);
    }
    let said = inspect(&[], &[&list], &[&bench.capture("a.pcap", &traffic.packets)?])?.ok()?;
    ensure!(said.err.contains("; let go by full tables: fragments 76; refused: "), "{}", said.err);
    let said = inspect(&[], &[&list], &[&bench.capture("b.pcap", &traffic_without()?)?])?.ok()?;
    ensure!(!said.err.contains("let go"), "{}", said.err);
    Ok(())
}

#[test]
fn alerts_have_every_key_and_the_last_line_on_standard_error_sums_up() -> Result<()> {
    let bench = Bench::new()?;
    let list = bench.file("list.txt", "vond.example # why\n203.0.113.0/24\n")?;
    let said = inspect(&["--json"], &[&list], &[&bench.capture("a.pcap", &traffic()?)?])?.ok()?;
    let alerts = said.json()?;
    assert_eq!(alerts.len(), 2, "{}", said.out);
    for alert in &alerts {
        has_exactly(alert, &ALERT_KEYS)?;
    }
    let by = |indicator: &str| alerts.iter().find(|alert| alert["indicator"] == indicator).context("no such alert");
    let name = by("vond.example")?;
    assert_eq!(name["kind"], "domain");
    assert_eq!((&name["evidence"], &name["client"]), (&"contacted".into(), &"10.1.0.20".into()));
    assert_eq!(
        (&name["server"], &name["port"], &name["protocol"]),
        (&"198.51.100.9".into(), &443.into(), &"tcp".into())
    );
    assert_eq!(name["first_seen"], "2025-11-21T14:05:00.000000Z");
    let network = by("203.0.113.0/24")?;
    assert_eq!(
        (&network["kind"], &network["protocol"], &network["port"]),
        (&"network".into(), &"icmp".into(), &Value::Null)
    );
    assert_eq!((&network["observed"], &network["count"]), (&"203.0.113.7".into(), &1.into()));
    let last = said.err.lines().last().context("nothing on standard error")?;
    for word in ["packets", "DNS", "flows", "alerts"] {
        assert!(last.contains(word), "no {word} in: {last}");
    }
    Ok(())
}

#[test]
fn tunnels_second_copies_and_fragments_are_summed_up() -> Result<()> {
    let bench = Bench::new()?;
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    let (host, server): (IpAddr, IpAddr) = ("10.1.0.20".parse()?, "198.51.100.9".parse()?);
    let datagram = packet::udp(SocketAddr::new(host, 40_000), SocketAddr::new(server, 40_001), &[7; 900]);
    // GRE without options (RFC 2784) around IPv4.
    traffic.send(packet::ip(host, server, 47, &[&[0, 0, 8, 0][..], &datagram].concat()));
    for fragment in packet::fragments(&datagram, 600, 9) {
        traffic.send(fragment);
    }
    traffic.ping(host, server, 5, false);
    let ping = traffic.packets.last().context("no ping")?.ip.clone();
    traffic.send(packet::routed(&ping));
    let said = inspect(&["--observations"], &[], &[&bench.capture("a.pcap", &traffic.packets)?])?.ok()?;
    let last = said.err.lines().last().context("nothing on standard error")?;
    let wanted =
        "in tunnels gre 1; second copies left out 1; put together from fragments 1; without IP 0; refused: nothing";
    ensure!(last.contains(wanted), "{last}");
    let ordinary = inspect(&["--observations"], &[], &[&bench.capture("b.pcap", &traffic_without()?)?])?.ok()?;
    ensure!(!ordinary.err.contains("tunnels") && !ordinary.err.contains("copies"), "{}", ordinary.err);
    Ok(())
}

#[test]
fn sightings_are_unfolded_and_a_flow_that_follows_a_lookup_is_none() -> Result<()> {
    let bench = Bench::new()?;
    let list = bench.file("list.txt", "vond.example\n203.0.113.0/24\n")?;
    let said = inspect(&["--json", "--sightings"], &[&list], &[&bench.capture("a.pcap", &traffic()?)?])?.ok()?;
    let sightings = said.json()?;
    assert_eq!(sightings.len(), 2, "the lookup and the ping: {}", said.out);
    for sighting in &sightings {
        has_exactly(sighting, &SIGHTING_KEYS)?;
        assert_eq!(sighting["type"], "sighting");
    }
    let ping = sightings.iter().find(|sighting| sighting["protocol"] == "icmp").context("no ping")?;
    assert_eq!((&ping["client_port"], &ping["server_port"]), (&Value::Null, &Value::Null));
    let lookup = sightings.iter().find(|sighting| sighting["kind"] == "domain").context("no lookup")?;
    assert_eq!((&lookup["client_port"], &lookup["server_port"]), (&40_000.into(), &53.into()));
    assert_eq!((&lookup["observed"], &lookup["evidence"]), (&"www.vond.example".into(), &"answered".into()));
    Ok(())
}

#[test]
fn an_inbound_sighting_keeps_the_host_that_its_alert_does_not_name() -> Result<()> {
    let bench = Bench::new()?;
    let list = bench.file("list.txt", "203.0.113.5\n")?;
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    traffic.connect("203.0.113.5:50000".parse()?, "10.1.0.9:445".parse()?, varde_tests::traffic::Reception::Silent);
    let file = bench.capture("a.pcap", &traffic.packets)?;
    let sighting = inspect(&["--json", "--sightings"], &[&list], &[&file])?.ok()?.json()?;
    assert_eq!(sighting.len(), 1);
    assert_eq!((&sighting[0]["client"], &sighting[0]["direction"]), (&"10.1.0.9".into(), &"inbound".into()));
    let alert = inspect(&["--json"], &[&list], &[&file])?.ok()?.json()?;
    assert_eq!((&alert[0]["client"], &alert[0]["direction"]), (&Value::Null, &"inbound".into()));
    Ok(())
}

#[test]
fn observations_have_every_key_and_null_where_there_is_nothing() -> Result<()> {
    let bench = Bench::new()?;
    let said = inspect(&["--json", "--observations"], &[], &[&bench.capture("a.pcap", &traffic()?)?])?.ok()?;
    let lines = said.json()?;
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).cloned().collect::<Vec<_>>();
    let (dns, flows) = (of("dns"), of("flow"));
    assert_eq!(dns.len() + flows.len(), lines.len());
    dns.iter().try_for_each(|line| has_exactly(line, &DNS_KEYS))?;
    flows.iter().try_for_each(|line| has_exactly(line, &FLOW_KEYS))?;
    let silent = dns.iter().find(|line| line["qname"] == "uten-svar.example").context("no lookup without response")?;
    assert_eq!((&silent["rcode"], &silent["qtype"]), (&Value::Null, &"HTTPS".into()));
    assert_eq!(silent["answers"], Value::Array(vec![]));
    let answered = dns.iter().find(|line| line["qname"] == "www.vond.example").context("no lookup")?;
    assert_eq!((&answered["rcode"], &answered["answers"][0]["data"]), (&"NOERROR".into(), &"198.51.100.9".into()));
    assert_eq!((&answered["answers"][0]["type"], &answered["answers"][0]["ttl"]), (&"A".into(), &300.into()));
    let ping = flows.iter().find(|line| line["protocol"] == "icmp").context("no ping")?;
    assert_eq!((&ping["initiator_port"], &ping["responder_port"]), (&Value::Null, &Value::Null));
    assert!(flows.iter().any(|line| line["protocol"] == 47), "{}", said.out);
    Ok(())
}

#[test]
fn the_last_line_counts_the_same_alerts_whatever_is_printed() -> Result<()> {
    let bench = Bench::new()?;
    let list = bench.file("list.txt", "vond.example\n203.0.113.0/24\n")?;
    let file = bench.capture("a.pcap", &traffic()?)?;
    for flags in [&["--json"][..], &["--json", "--sightings"], &["--json", "--observations"], &[]] {
        let said = inspect(flags, &[&list], &[&file])?.ok()?;
        let last = said.err.lines().last().context("nothing on standard error")?;
        assert!(last.contains("alerts 2"), "{flags:?}: {last}");
    }
    Ok(())
}

#[test]
fn a_flow_that_outlasts_the_active_timeout_is_one_sighting_from_its_first_packet_on() -> Result<()> {
    let bench = Bench::new()?;
    let list = bench.file("list.txt", "203.0.113.5\n")?;
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    for _ in 0..70 {
        traffic.datagrams("10.1.0.9:50000".parse()?, "203.0.113.5:443".parse()?, 1, 1);
        traffic.wait(std::time::Duration::from_secs(60));
    }
    let file = bench.capture("a.pcap", &traffic.packets)?;
    let records = inspect(&["--json", "--observations"], &[], &[&file])?.ok()?.json()?;
    assert!(records.len() > 1, "the active timeout never came: {records:?}");
    let sightings = inspect(&["--json", "--sightings"], &[&list], &[&file])?.ok()?.json()?;
    assert_eq!(sightings.len(), 1, "{sightings:?}");
    assert_eq!(sightings[0]["time"], records[0]["start"]);
    let alerts = inspect(&["--json"], &[&list], &[&file])?.ok()?.json()?;
    assert_eq!((alerts.len(), &alerts[0]["count"]), (1, &1.into()));
    Ok(())
}

#[test]
fn captures_of_the_same_period_are_read_as_one_in_whatever_order_they_are_given() -> Result<()> {
    let bench = Bench::new()?;
    let list = bench.file("list.txt", "vond.example\n")?;
    let traffic = traffic()?;
    let (even, odd): (Vec<_>, Vec<_>) = traffic.iter().cloned().enumerate().partition(|(index, _)| index % 2 == 0);
    let half = |packets: Vec<(usize, Packet)>| packets.into_iter().map(|(_, packet)| packet).collect::<Vec<_>>();
    let (even, odd) = (bench.capture("even.pcap", &half(even))?, bench.capture("odd.pcap", &half(odd))?);
    let whole = inspect(&["--json"], &[&list], &[&bench.capture("whole.pcap", &traffic)?])?.ok()?.out;
    assert!(whole.contains("contacted"), "{whole}");
    for files in [[even.as_path(), odd.as_path()], [odd.as_path(), even.as_path()]] {
        assert_eq!(inspect(&["--json"], &[&list], &files)?.ok()?.out, whole);
    }
    Ok(())
}

#[test]
fn unknown_types_and_odd_names_are_printed_in_one_form() -> Result<()> {
    let bench = Bench::new()?;
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    let (host, resolver) = ("10.1.0.20:40000".parse()?, "10.1.0.53:53".parse()?);
    for (id, name, qtype) in [(1, ".", rtype::A), (2, "A\u{e5}.EXAMPLE", 65_280)] {
        traffic.lookup(host, resolver, Question { id, name, qtype }, &Outcome::Nothing);
    }
    let file = bench.capture("a.pcap", &traffic.packets)?;
    let lines = inspect(&["--json", "--observations"], &[], &[&file])?.ok()?.json()?;
    let dns = |id: u16| lines.iter().find(|line| line["id"] == id).context("no such lookup");
    assert_eq!(dns(1)?["qname"], ".");
    assert_eq!((&dns(2)?["qname"], &dns(2)?["qtype"]), (&"a\\195\\165.example".into(), &"TYPE65280".into()));
    Ok(())
}

#[test]
fn a_cut_capture_is_read_up_to_the_cut_and_says_so() -> Result<()> {
    let bench = Bench::new()?;
    for next_generation in [false, true] {
        let mut octets = Format { next_generation, ..Format::USUAL }.file(&traffic()?);
        octets.truncate(octets.len() - 7);
        let cut = bench.file("cut.pcap", &octets)?;
        let list = bench.file("list.txt", "vond.example\n")?;
        let said = inspect(&["--json"], &[&list], &[&cut])?.ok()?;
        assert_eq!(said.json()?.len(), 1, "everything before the cut is found");
        assert!(said.err.contains("cut"), "{}", said.err);
    }
    Ok(())
}

#[test]
fn an_unknown_link_type_and_fragments_are_counted_and_not_fatal() -> Result<()> {
    let bench = Bench::new()?;
    let strange = bench.file("strange.pcap", Format { link: LinkType::Unknown, ..Format::USUAL }.file(&traffic()?))?;
    let said = inspect(&["--json", "--observations"], &[], &[&strange])?.ok()?;
    assert_eq!(said.out, "");
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    let whole = packet::udp("10.1.0.20:4000".parse()?, "192.0.2.1:5000".parse()?, &[7; 900]);
    packet::fragments(&whole, 400, 9).into_iter().for_each(|fragment| traffic.send(fragment));
    let said = inspect(&["--json", "--observations"], &[], &[&bench.capture("f.pcap", &traffic.packets)?])?.ok()?;
    assert!(said.json()?.iter().any(|line| line["responder_port"] == 5000), "the first fragment is read: {}", said.out);
    assert!(said.err.to_lowercase().contains("fragment"), "{}", said.err);
    Ok(())
}

#[test]
fn a_file_that_cannot_be_read_gives_1_after_the_rest_is_done() -> Result<()> {
    let bench = Bench::new()?;
    let good = bench.capture("good.pcap", &traffic()?)?;
    let list = bench.file("list.txt", "vond.example\n")?;
    let (missing, nonsense) =
        (bench.folder.path().join("missing.pcap"), bench.file("x.pcap", "this is no capture at all")?);
    for bad in [missing.as_path(), nonsense.as_path(), bench.folder.path()] {
        let said = inspect(&["--json"], &[&list], &[bad, &good])?;
        assert_eq!(said.code, Some(1), "{}: {}", bad.display(), said.err);
        assert_eq!(said.json()?.len(), 1, "the rest is done");
        let name = bad.file_name().context("no name")?.to_string_lossy().into_owned();
        assert!(said.err.contains(&name), "{}", said.err);
    }
    let said = inspect(&["--json"], &[&missing], &[&good])?;
    assert_eq!(said.code, Some(1), "a list that cannot be read: {}", said.err);
    Ok(())
}

#[test]
fn a_bad_list_line_is_named_and_the_rest_is_loaded() -> Result<()> {
    let bench = Bench::new()?;
    let list =
        bench.file("min-liste.txt", "# mine\nblåbær.example\nhttp://vond.example/x\nvond.example\n10.9.0.0/16\n")?;
    let said = inspect(&["--json"], &[&list], &[&bench.capture("a.pcap", &traffic()?)?])?;
    assert_eq!(said.json()?.len(), 1, "the good line is loaded");
    let of_line = |number: &str| {
        let named = |line: &&str| line.contains(&format!("min-liste.txt: line {number}:"));
        said.err.lines().find(named).with_context(|| format!("line {number} is not named: {}", said.err))
    };
    assert!(of_line("2")?.contains("xn--"), "{}", said.err);
    of_line("3")?;
    assert_eq!(said.code, Some(1), "something could not be read: {}", said.err);
    assert!(of_line("5")?.contains("\"10.9.0.0/16\" is used, but it meets 10.0.0.0/8"), "{}", said.err);
    let list = bench.file("whole.txt", "# mine\nvond.example\n10.9.0.0/16\n")?;
    let said = inspect(&["--json"], &[&list], &[&bench.capture("a.pcap", &traffic()?)?])?;
    assert_eq!(said.code, Some(0), "a warning is no refusal: {}", said.err);
    Ok(())
}

#[test]
fn wrong_usage_gives_2() -> Result<()> {
    let bench = Bench::new()?;
    let file = bench.capture("a.pcap", &traffic()?)?;
    let table: [&[&str]; 4] =
        [&["--sightings", "--observations"], &["--inside", "ten.dot.something"], &["--resolver", "x"], &["--nonsense"]];
    for flags in table {
        assert_eq!(inspect(flags, &[], &[&file])?.code, Some(2), "{flags:?}");
    }
    assert_eq!(inspect(&[], &[], &[])?.code, Some(2), "no capture");
    Ok(())
}

#[test]
fn inside_and_resolver_replace_the_defaults() -> Result<()> {
    let bench = Bench::new()?;
    let list = bench.file("list.txt", "10.9.9.9\n")?;
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    // By default both ends are inside and the client is the initiator; the outside end is then nobody.
    traffic.connect("192.0.2.20:40000".parse()?, "10.9.9.9:443".parse()?, PAGE);
    let file = bench.capture("a.pcap", &traffic.packets)?;
    let with = inspect(&["--json", "--inside", "192.0.2.0/24"], &[&list], &[&file])?.ok()?.json()?;
    assert_eq!(with.len(), 1);
    assert_eq!((&with[0]["client"], &with[0]["direction"]), (&"192.0.2.20".into(), &"outbound".into()));
    Ok(())
}
