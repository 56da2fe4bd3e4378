//! Promise: what `inspect --observations` says of a capture is what tshark says of it: DNS names, answers and rcodes,
//! packets and octets of every conversation, in every file format and link type, through every tunnel, in fragments, and
//! where a mirror shows each packet twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_common::time::Timestamp;
use varde_tests::capture::{self, Format, LinkType};
use varde_tests::programs::{Which, run, said, workspace};
use varde_tests::random::Random;
use varde_tests::traffic::dns::{self, Answer, Data, Question, rtype};
use varde_tests::traffic::municipality::{Mix, Municipality, ordinary};
use varde_tests::traffic::packet::{self, Segment, flag};
use varde_tests::traffic::tunnel::{Wrapping, ethernet, teredo};
use varde_tests::traffic::{Outcome, Packet, Traffic};

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

/// Frames as a pcap file.
fn write_frames(path: &Path, frames: &[(u64, Vec<u8>)]) -> Result<()> {
    let mut octets = Format::USUAL.header();
    for (time_ns, frame) in frames {
        let length = frame.len() as u32;
        let fields = [(time_ns / 1_000_000_000) as u32, (time_ns / 1000 % 1_000_000) as u32, length, length];
        fields.iter().for_each(|field| octets.extend(field.to_le_bytes()));
        octets.extend(frame);
    }
    std::fs::write(path, octets).context("cannot write a capture")
}

/// Runs tests/differential.sh; gives whether it found no difference without a reason, what it said, and how much it
/// compared.
fn differential(place: &Path) -> Result<(bool, String, u64)> {
    let mut command = Command::new(workspace().join("tests/differential.sh"));
    command.arg(place).env("VARDE_AGENT", Which::Agent.path()?);
    let said = said(&mut command)?;
    let total = said.out.lines().last().unwrap_or_default();
    let words: Vec<&str> = total.split_whitespace().collect();
    let compared = words.iter().position(|&word| word == "compared,").and_then(|at| words.get(at.checked_sub(1)?));
    let compared = compared.with_context(|| format!("no total: {}{}", said.out, said.err))?.parse()?;
    Ok((said.code == Some(0), said.out, compared))
}

/// What is in a capture of these frames, for us.
fn ours_of(folder: &Path, name: &str, frames: &[(u64, Vec<u8>)]) -> Result<Seen> {
    let file = folder.join(name);
    write_frames(&file, frames)?;
    ours(&file)
}

#[test]
fn through_every_tunnel_the_same_is_seen_as_without_and_tshark_agrees() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (plain_folder, folder) = (tempfile::tempdir()?, folder.path());
    let (mut plain, mut wrapped) = (Vec::new(), Vec::new());
    let start = Timestamp(1_763_733_900_000_000);
    let mix = Mix { clients: 4, actions: 25, span: Duration::from_secs(60) };
    for (number, wrapping) in (20u8..).zip(Wrapping::ALL) {
        let traffic = ordinary(Municipality { number }, start, mix, &mut Random::seeded(number.into()));
        for Packet { time_ns, ip, .. } in &traffic.packets {
            plain.push((*time_ns, Wrapping::None.frame(ip)));
            wrapped.push((*time_ns, wrapping.frame(ip)));
        }
    }
    let question = Question { id: 77, name: "www.teredo.example", qtype: rtype::AAAA };
    let (client, server) = ("[2001:0:c633:6402::1]:40000".parse()?, "[2001:db8::53]:53".parse()?);
    let mut traffic = Traffic::starting(start);
    traffic.lookup(client, server, question, &Outcome::address("www.teredo.example", "2001:db8::7".parse()?));
    for (at, Packet { time_ns, ip, .. }) in traffic.packets.iter().enumerate() {
        plain.push((*time_ns, Wrapping::None.frame(ip)));
        wrapped.push((*time_ns, teredo(ip, at == 1)));
    }
    plain.sort_by_key(|frame| frame.0);
    wrapped.sort_by_key(|frame| frame.0);
    let expected = ours_of(plain_folder.path(), "plain", &plain)?;
    ensure!(expected.responses.len() > 100 && expected.conversations.len() > 200, "the capture is too thin");
    let seen = ours_of(folder, "wrapped", &wrapped)?;
    assert_eq!(seen, expected);
    let (agrees, output, compared) = differential(folder)?;
    assert!(agrees && compared > 300, "{output}");
    Ok(())
}

/// Sixty addresses: too much for one fragment.
fn long_outcome(name: &str) -> Outcome {
    let answer = |last: u8| Answer { name: name.to_owned(), ttl_s: 60, data: Data::A([192, 0, 2, last].into()) };
    Outcome::Answers((1..=60).map(answer).collect())
}

#[test]
fn fragments_and_segments_in_any_order_give_their_messages_and_tshark_agrees() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut traffic = Traffic::starting(Timestamp(1_763_733_900_000_000));
    let mut frames = Vec::new();
    for (id, (client, server)) in
        (1u16..).zip([("10.20.0.5:40000", "192.0.2.53:53"), ("[fd00::5]:40000", "[2001:db8::53]:53")])
    {
        for (turn, order) in (0u16..).zip(["forwards", "backwards", "twice"]) {
            let name = format!("{order}{id}.example");
            let question = Question { id: 10 * id + turn, name: &name, qtype: rtype::A };
            traffic.packets.clear();
            traffic.lookup(client.parse()?, server.parse()?, question, &long_outcome(&name));
            let [query, response] = traffic.packets.as_slice() else { panic!("a query and its response") };
            let mut parts = packet::fragments(&response.ip, 400, question.id);
            if parts.len() == 1 {
                parts = packet::fragments_v6(&response.ip, 400, question.id.into());
            }
            assert!(parts.len() > 2);
            match order {
                "backwards" => parts.reverse(),
                "twice" => parts = parts.iter().flat_map(|part| [part.clone(), part.clone()]).collect(),
                _ => {}
            }
            frames.push((query.time_ns, Wrapping::None.frame(&query.ip)));
            frames.extend(parts.iter().map(|part| (response.time_ns, Wrapping::None.frame(part))));
        }
    }
    // Over TCP: three messages in one segment; then one in two segments, the later first; then all of it again.
    let (client, server) = ("10.20.0.6:41000".parse()?, "192.0.2.53:53".parse()?);
    let message =
        |id: u16| dns::over_tcp(&dns::query(Question { id, name: &format!("m{id}.example"), qtype: rtype::A }));
    let three = [message(1), message(2), message(3)].concat();
    let fourth = message(4);
    let (front, back) = fourth.split_at(9);
    let place = |after: usize| 1001 + after as u32;
    let send = |frames: &mut Vec<(u64, Vec<u8>)>, time_ns: u64, sequence: u32, flags: u8, data: &[u8]| {
        let segment = Segment { sequence, acknowledgement: 1, flags };
        frames.push((time_ns, Wrapping::None.frame(&packet::tcp(client, server, segment, data))));
    };
    let now = traffic.now_ns;
    send(&mut frames, now, 1000, flag::SYN, &[]);
    send(&mut frames, now + 1_000_000, place(0), flag::ACK, &three);
    send(&mut frames, now + 2_000_000, place(three.len() + front.len()), flag::ACK, back);
    send(&mut frames, now + 3_000_000, place(three.len()), flag::ACK, front);
    send(&mut frames, now + 300_000_000, place(0), flag::ACK, &three);
    send(&mut frames, now + 301_000_000, place(three.len()), flag::ACK, &fourth);
    let seen = ours_of(folder.path(), "fragments", &frames)?;
    let answers: Vec<usize> = seen.responses.keys().map(|response| response.3.len()).collect();
    assert_eq!(answers, [60; 6]);
    let asked: BTreeSet<&str> = seen.silent.iter().map(|lookup| lookup.3.as_str()).collect();
    assert_eq!(asked, BTreeSet::from(["m1.example", "m2.example", "m3.example", "m4.example"]));
    let (agrees, output, compared) = differential(folder.path())?;
    assert!(agrees && compared == 6 + 360 + 4, "{output}");
    Ok(())
}

#[test]
fn a_mirror_that_shows_each_packet_twice_counts_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let packets = municipality(42, 300);
    let frames = |copy: &dyn Fn(&Packet) -> Option<Vec<u8>>| {
        let mut frames = Vec::new();
        for packet in &packets {
            frames.push((packet.time_ns, Wrapping::None.frame(&packet.ip)));
            frames.extend(copy(packet).map(|frame| (packet.time_ns + 40_000, frame)));
        }
        frames
    };
    let once = ours_of(folder.path(), "once", &frames(&|_| None))?;
    let routed =
        ours_of(folder.path(), "routed", &frames(&|packet| Some(Wrapping::None.frame(&packet::routed(&packet.ip)))))?;
    assert_eq!(routed, once);
    let tagged = |packet: &Packet| {
        let plain = Wrapping::None.frame(&packet.ip);
        Some(ethernet(0x8100, &[&[0, 9][..], plain.get(12..)?].concat()))
    };
    assert_eq!(ours_of(folder.path(), "tagged", &frames(&tagged))?, once);
    let same = ours_of(folder.path(), "same", &frames(&|packet| Some(Wrapping::None.frame(&packet.ip))))?;
    assert_eq!((&same.responses, &same.silent), (&once.responses, &once.silent));
    let count = |seen: &Seen| seen.conversations.values().map(|sums| sums.0).sum::<u64>();
    // The first eight are what the mirror is known by.
    assert_eq!(count(&same), count(&once) + 8);
    Ok(())
}

#[test]
fn service_bindings_are_told_with_their_hints() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (client, server) = ("10.20.0.5:40000".parse()?, "192.0.2.53:53".parse()?);
    let question = Question { id: 7, name: "www.example", qtype: rtype::HTTPS };
    let mut response = dns::response(question, dns::rcode::NOERROR, &[]);
    response[7] = 2;
    let target = dns::name_octets("svc.example");
    let alias = [&[0, 0][..], &target].concat();
    let hints = [&[0, 1, 0][..], &[0, 1, 0, 3, 2, b'h', b'2'], &[0, 4, 0, 4, 192, 0, 2, 9]].concat();
    for data in [alias, hints] {
        response.extend([0xc0, 12, 0, 65, 0, 1, 0, 0, 0, 60]);
        response.extend((data.len() as u16).to_be_bytes());
        response.extend(data);
    }
    let frames = [packet::udp(client, server, &dns::query(question)), packet::udp(server, client, &response)]
        .map(|ip| (1_763_733_900_000_000_000, Wrapping::None.frame(&ip)));
    let seen = ours_of(folder.path(), "service", &frames)?;
    let told: Vec<&Response> = seen.responses.keys().collect();
    let [(_, qtype, rcode, answers)] = told.as_slice() else { panic!("one response: {told:?}") };
    let https = |data: &str| ("HTTPS".to_owned(), 60, data.to_owned());
    assert_eq!((qtype.as_str(), rcode.as_str()), ("HTTPS", "NOERROR"));
    assert_eq!(answers, &[https("svc.example"), https("192.0.2.9")]);
    let (agrees, output, _) = differential(folder.path())?;
    assert!(agrees, "{output}");
    Ok(())
}

#[test]
fn the_differential_tells_what_differs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("traffic");
    capture::write(&file, Format::USUAL, &municipality(42, 100))?;
    // An agent that sees one lookup less, one name otherwise, and something that is not there.
    let lying = folder.path().join("agent.sh");
    let agent = Which::Agent.path()?;
    let script = format!(
        "#!/bin/sh\n'{}' \"$@\" | sed -e '0,/\"type\":\"dns\"/{{/\"type\":\"dns\"/d}}' -e '$s/$/\\n{}/'\n",
        agent.display(),
        r#"{"type":"dns","client":"10.0.0.9","server":"10.0.0.53","id":1,"qname":"invented.example","answers":[]}"#,
    );
    std::fs::write(&lying, script)?;
    std::fs::set_permissions(&lying, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut command = Command::new(workspace().join("tests/differential.sh"));
    command.arg(&file).env("VARDE_AGENT", &lying);
    let output = said(&mut command)?;
    assert!(output.out.contains("! the agent lacks  lookup"), "{}{}", output.out, output.err);
    assert!(output.out.contains("! tshark lacks     lookup 10.0.0.9 10.0.0.53 1 invented.example"), "{}", output.out);
    assert_eq!(output.code, Some(1));
    Ok(())
}
