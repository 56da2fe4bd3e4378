//! Promise: what `inspect --observations` says of a capture is what tshark says of it: DNS names, answers and rcodes,
//! packets and octets of every conversation, in every file format and link type.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_common::time::Timestamp;
use varde_tests::capture::{self, Format, LinkType};
use varde_tests::programs::{Which, run, said};
use varde_tests::random::Random;
use varde_tests::traffic::Packet;
use varde_tests::traffic::municipality::{Mix, Municipality, ordinary};

/// Client, server, id and name: what makes a lookup one lookup.
type Lookup = (String, String, u64, String);
/// A response: the lookup, its type, its code, its answers as (type, time to live, data).
type Response = (Lookup, String, String, Vec<(String, u64, String)>);
/// Both ends (lower first) with ports, and the protocol.
type Conversation = (String, String, String);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    /// Every response, as often as it came.
    responses: BTreeMap<Response, usize>,
    /// Lookups that had none.
    silent: BTreeSet<Lookup>,
    /// Packets and octets, both ways together.
    conversations: BTreeMap<Conversation, (u64, u64)>,
}

const RCODES: [&str; 6] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

fn type_name(number: &str) -> String {
    match number {
        "1" => "A".to_owned(),
        "5" => "CNAME".to_owned(),
        "16" => "TXT".to_owned(),
        "28" => "AAAA".to_owned(),
        "65" => "HTTPS".to_owned(),
        other => format!("TYPE{other}"),
    }
}

fn rcode_name(number: &str) -> Result<String> {
    let name = RCODES.get(number.parse::<usize>()?);
    name.map(|name| (*name).to_owned()).with_context(|| format!("rcode {number}"))
}

/// Runs tshark over a file and gives the wanted fields of each frame that passes the filter.
fn fields(file: &Path, filter: &str, occurrence: &str, wanted: &[&str]) -> Result<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(file).args([
        "-o",
        "ip.defragment:FALSE",
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
        "-Y",
        filter,
        "-T",
        "fields",
    ]);
    command.args(["-E", "separator=/t", "-E", occurrence, "-E", "aggregator=|"]);
    wanted.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let rows = said(&mut command)?.ok().context("tshark")?.out;
    let rows: Vec<Vec<String>> = rows.lines().map(|row| row.split('\t').map(str::to_owned).collect()).collect();
    ensure!(rows.iter().all(|row| row.len() == wanted.len()), "tshark gave rows of another length");
    Ok(rows)
}

fn first_of<'a>(several: &[&'a str]) -> &'a str {
    several.iter().find(|one| !one.is_empty()).copied().unwrap_or_default()
}

fn tshark_dns(file: &Path, seen: &mut Seen) -> Result<()> {
    let wanted = [
        "ip.src",
        "ipv6.src",
        "ip.dst",
        "ipv6.dst",
        "dns.id",
        "dns.flags.response",
        "dns.flags.rcode",
        "dns.qry.name",
        "dns.qry.type",
        "dns.resp.type",
        "dns.resp.ttl",
        "dns.a",
        "dns.aaaa",
        "dns.cname",
        "dns.count.answers",
    ];
    let mut asked = BTreeSet::new();
    let mut answered = BTreeSet::new();
    for row in fields(file, "dns && !icmp && !icmpv6", "occurrence=a", &wanted)? {
        let [src4, src6, dst4, dst6, id, response, rcode, name, qtype, types, ttls, a, aaaa, cname, count] =
            <[String; 15]>::try_from(row).map_err(|_| anyhow::anyhow!("another number of fields"))?;
        let (source, destination) = (first_of(&[&src4, &src6]).to_owned(), first_of(&[&dst4, &dst6]).to_owned());
        let id = u64::from_str_radix(id.trim_start_matches("0x"), 16)?;
        let name = if name == "<Root>" { ".".to_owned() } else { name.to_lowercase() };
        if response == "0" || response == "False" {
            asked.insert((source, destination, id, name));
            continue;
        }
        let lookup = (destination, source, id, name);
        answered.insert(lookup.clone());
        let (mut a, mut aaaa, mut cname) = (a.split('|'), aaaa.split('|'), cname.split('|'));
        let count: usize = count.parse()?;
        let records = types.split('|').zip(ttls.split('|')).take(count).map(|(rtype, ttl)| {
            let data = match rtype {
                "1" => a.next(),
                "28" => aaaa.next(),
                "5" => cname.next(),
                _ => Some("-"),
            };
            Ok((type_name(rtype), ttl.parse()?, data.context("no data")?.to_lowercase()))
        });
        let records = records.collect::<Result<Vec<_>>>()?;
        *seen.responses.entry((lookup, type_name(&qtype), rcode_name(&rcode)?, records)).or_default() += 1;
    }
    seen.silent = asked.difference(&answered).cloned().collect();
    Ok(())
}

fn tshark_conversations(file: &Path, seen: &mut Seen) -> Result<()> {
    let wanted = [
        "ip.src",
        "ipv6.src",
        "ip.dst",
        "ipv6.dst",
        "udp.srcport",
        "tcp.srcport",
        "udp.dstport",
        "tcp.dstport",
        "ip.len",
        "ipv6.plen",
        "icmp.type",
        "icmpv6.type",
    ];
    for row in fields(file, "ip || ipv6", "occurrence=f", &wanted)? {
        let [src4, src6, dst4, dst6, usport, tsport, udport, tdport, length, payload, icmp4, icmp6] =
            <[String; 12]>::try_from(row).map_err(|_| anyhow::anyhow!("another number of fields"))?;
        let protocol = match (first_of(&[&icmp4, &icmp6]), usport.as_str(), tsport.as_str()) {
            ("", "", "") => continue,
            ("", "", _) => "tcp",
            ("", _, _) => "udp",
            _ => "icmp",
        };
        let end = |address: &str, port: &str| match protocol {
            "icmp" => format!("{address} null"),
            _ => format!("{address} {port}"),
        };
        let a = end(first_of(&[&src4, &src6]), first_of(&[&usport, &tsport]));
        let b = end(first_of(&[&dst4, &dst6]), first_of(&[&udport, &tdport]));
        let octets = if length.is_empty() { payload.parse::<u64>()? + 40 } else { length.parse()? };
        count(&mut seen.conversations, a, b, protocol, 1, octets);
    }
    Ok(())
}

fn count(
    all: &mut BTreeMap<Conversation, (u64, u64)>,
    a: String,
    b: String,
    protocol: &str,
    packets: u64,
    octets: u64,
) {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let sums = all.entry((low, high, protocol.to_owned())).or_default();
    sums.0 += packets;
    sums.1 += octets;
}

fn ours(file: &Path) -> Result<Seen> {
    let arguments = ["inspect".into(), "--observations".into(), "--json".into(), file.as_os_str().to_owned()];
    let mut seen = Seen::default();
    for line in run(Which::Agent, arguments)?.ok()?.json()? {
        let text = |key: &str| line[key].as_str().map(str::to_owned).with_context(|| format!("no {key} in {line}"));
        let number = |key: &str| line[key].as_u64().with_context(|| format!("no {key} in {line}"));
        if line["type"] == "flow" {
            let a = format!("{} {}", text("initiator")?, line["initiator_port"]);
            let b = format!("{} {}", text("responder")?, line["responder_port"]);
            let (packets, octets) =
                (number("packets")? + number("reverse_packets")?, number("octets")? + number("reverse_octets")?);
            count(&mut seen.conversations, a, b, &text("protocol")?, packets, octets);
            continue;
        }
        let lookup = (text("client")?, text("server")?, number("id")?, text("qname")?);
        if line["rcode"].is_null() {
            seen.silent.insert(lookup);
            continue;
        }
        let answer = |answer: &Value| {
            let data = answer["data"].as_str().unwrap_or("-").to_owned();
            Ok((
                answer["type"].as_str().context("no type")?.to_owned(),
                answer["ttl"].as_u64().context("no ttl")?,
                data,
            ))
        };
        let answers =
            line["answers"].as_array().context("no answers")?.iter().map(answer).collect::<Result<Vec<_>>>()?;
        *seen.responses.entry((lookup, text("qtype")?, text("rcode")?, answers)).or_default() += 1;
    }
    Ok(seen)
}

fn municipality(seed: u64, actions: u64) -> Vec<Packet> {
    let mix = Mix { clients: 30, actions, span: Duration::from_secs(900) };
    let start = Timestamp(1_763_733_900_000_000);
    ordinary(Municipality { number: 7 }, start, mix, &mut Random::seeded(seed)).packets
}

fn agrees(format: Format, seed: u64, packets: &[Packet]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("traffic");
    capture::write(&file, format, packets)?;
    let mut theirs = Seen::default();
    tshark_dns(&file, &mut theirs)?;
    tshark_conversations(&file, &mut theirs)?;
    ensure!(theirs.responses.len() > 20 && theirs.conversations.len() > 20, "the capture is too thin to show anything");
    let ours = ours(&file)?;
    let context = format!("seed {seed}, {format:?}");
    assert_eq!(ours.responses, theirs.responses, "{context}");
    // Ours may hold a retried lookup's earlier try as silent; tshark's view is by lookup.
    let answered: BTreeSet<&Lookup> = theirs.responses.keys().map(|response| &response.0).collect();
    let silent: BTreeSet<Lookup> = ours.silent.iter().filter(|lookup| !answered.contains(lookup)).cloned().collect();
    assert_eq!(silent, theirs.silent, "{context}");
    assert_eq!(ours.conversations, theirs.conversations, "{context}");
    Ok(())
}

#[test]
fn observations_equal_tsharks_for_several_seeds() -> Result<()> {
    for seed in [1, 20, 300, 4000] {
        agrees(Format::USUAL, seed, &municipality(seed, 600))?;
    }
    Ok(())
}

#[test]
fn observations_equal_tsharks_in_every_format_and_link_type() -> Result<()> {
    let packets = municipality(42, 150);
    for (index, link) in LinkType::KNOWN.into_iter().enumerate() {
        let turn = |bit: usize| (index >> bit) & 1 == 1;
        let format = Format { next_generation: turn(0), nanoseconds: turn(1), big_endian: turn(2), link };
        agrees(format, 42, &packets)?;
        agrees(Format { next_generation: !turn(0), nanoseconds: !turn(1), big_endian: !turn(2), link }, 42, &packets)?;
    }
    Ok(())
}

#[test]
fn conversations_equal_tsharks_where_a_short_snapshot_length_cut_the_headers() -> Result<()> {
    let packets = municipality(42, 300);
    let folder = tempfile::tempdir()?;
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    // A tagged Ethernet header, IPv6, and so much of what is above it.
    for above in [4, 8, 13, 14, 20] {
        capture::write(&whole, Format::USUAL, &packets)?;
        let length = (14 + 8 + 40 + above).to_string();
        said(Command::new("editcap").args(["-s", &length]).args([&whole, &cut]))?.ok().context("editcap")?;
        let mut theirs = Seen::default();
        tshark_conversations(&cut, &mut theirs)?;
        ensure!(theirs.conversations.len() > 20, "the capture is too thin to show anything");
        assert_eq!(ours(&cut)?.conversations, theirs.conversations, "{above} octets above IPv6");
    }
    Ok(())
}

#[test]
fn the_generated_captures_are_sound_and_say_the_same_in_every_form() -> Result<()> {
    let packets = municipality(42, 150);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("traffic");
    let mut usual = None;
    for link in LinkType::KNOWN {
        for (next_generation, nanoseconds, big_endian) in
            [(false, false, false), (false, true, true), (true, true, false), (true, false, true)]
        {
            let format = Format { next_generation, nanoseconds, big_endian, link };
            capture::write(&file, format, &packets)?;
            let bad =
                "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0";
            assert_eq!(fields(&file, bad, "occurrence=f", &["frame.number"])?, Vec::<Vec<String>>::new(), "{format:?}");
            let mut seen = Seen::default();
            tshark_dns(&file, &mut seen)?;
            tshark_conversations(&file, &mut seen)?;
            ensure!(seen.responses.len() > 50 && !seen.silent.is_empty(), "{format:?}: too thin");
            assert_eq!(&seen, usual.get_or_insert_with(|| seen.clone()), "{format:?}");
        }
    }
    Ok(())
}
