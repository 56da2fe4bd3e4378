//! What `inspect --observations` and tshark say of a capture, in one form, so that the two can be held against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::capture::Format;
use crate::programs::{Which, run, said};

/// Client, server, id and name: what makes a lookup one lookup.
pub type Lookup = (String, String, u64, String);
/// A response: the lookup, its type, its code, its answers as (type, time to live, data).
pub type Response = (Lookup, String, String, Vec<(String, u64, String)>);
/// Both ends (lower first) with ports, and the protocol.
pub type Conversation = (String, String, String);

/// What one program saw in a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Every response, as often as it came.
    pub responses: BTreeMap<Response, usize>,
    /// Lookups that had none.
    pub silent: BTreeSet<Lookup>,
    /// Packets and octets, both ways together.
    pub conversations: BTreeMap<Conversation, (u64, u64)>,
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
///
/// # Errors
/// When the program does not run, or says what cannot be read.
pub fn fields(file: &Path, filter: &str, occurrence: &str, wanted: &[&str]) -> Result<Vec<Vec<String>>> {
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

/// Adds the lookups and responses that tshark sees in a file.
///
/// # Errors
/// When the program does not run, or says what cannot be read.
pub fn tshark_dns(file: &Path, seen: &mut Seen) -> Result<()> {
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

/// Adds the conversations that tshark sees in a file.
///
/// # Errors
/// When the program does not run, or says what cannot be read.
pub fn tshark_conversations(file: &Path, seen: &mut Seen) -> Result<()> {
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

/// What `inspect --observations` says of a file.
///
/// # Errors
/// When the program does not run, or says what cannot be read.
pub fn ours(file: &Path) -> Result<Seen> {
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
            // What has no name here is told by its number.
            let protocol = text("protocol").or_else(|_| number("protocol").map(|number| number.to_string()))?;
            count(&mut seen.conversations, a, b, &protocol, packets, octets);
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

/// The same of these frames (nanoseconds, octets), written to a file of this name.
///
/// # Errors
/// When the program does not run, or says what cannot be read.
pub fn ours_of(folder: &Path, name: &str, frames: &[(u64, Vec<u8>)]) -> Result<Seen> {
    let file = folder.join(name);
    write_frames(&file, frames)?;
    ours(&file)
}
