//! First words of connections as packets: TLS over TCP however it is cut, QUIC of three versions, HTTP; for what reads them.

use std::net::{IpAddr, SocketAddr};

use anyhow::Result;
use rustls::quic::Version;

use super::packet::{self, Segment, flag};
use crate::bulk::hello::{self, Manner};
use crate::bulk::initial::{self, Spread};
use crate::random::Random;

/// The IP packets of one connection, in the order in which they pass.
pub type Connection = Vec<Vec<u8>>;

/// encrypted_client_hello (RFC 9849) and pre_shared_key (RFC 8446 section 4.2.11).
const ENCRYPTED_HELLO: u16 = 0xfe0d;
const RESUMPTION: u16 = 41;

/// Connections of one client, each from its own port: every way to say a first word that is known to be in use.
///
/// # Errors
/// When QUIC packets cannot be protected.
pub fn connections(random: &mut Random, client: IpAddr, server: IpAddr) -> Result<Vec<Connection>> {
    let mut port = 40_000 + random.below(20_000) as u16;
    let mut ends = |server_port: u16| {
        port += 1;
        (SocketAddr::new(client, port), SocketAddr::new(server, server_port))
    };
    let mut all = over_tcp(random, &mut ends);
    all.extend(over_quic(random, &mut ends)?);
    Ok(all)
}

fn name(random: &mut Random) -> String {
    format!("w{}.example", random.next_u16())
}

/// A ClientHello for a server with a name of its own.
fn named(random: &mut Random, manner: Manner, alpn: &[&str]) -> Vec<u8> {
    let name = name(random);
    hello::message(random, manner, &name, alpn)
}

fn over_tcp(random: &mut Random, ends: &mut impl FnMut(u16) -> (SocketAddr, SocketAddr)) -> Vec<Connection> {
    let alpn = ["h2", "http/1.1"];
    let mut said: Vec<(u16, Vec<u8>)> = Vec::new();
    for manner in [Manner::Browser, Manner::Library, Manner::PostQuantum] {
        let whole = named(random, manner, &alpn);
        said.push((443, hello::records(&whole, 1 << 14)));
        said.push((8443, hello::records(&whole, random.within(30, 900) as usize)));
    }
    let whole = hello::message(random, Manner::Library, "", &[]);
    said.push((443, hello::records(&whole, 1 << 14)));
    let whole = hello::message(random, Manner::Browser, "192.0.2.1", &["\u{e6}\u{1}", "h2"]);
    said.push((443, hello::records(&whole, 1 << 14)));
    let outer = named(random, Manner::Browser, &alpn);
    let config = [&[0, 0, 1, 0, 1, 9, 0, 32][..], &[7; 32], &[0, 144], &[9; 144]].concat();
    said.push((443, hello::records(&with_extension(&outer, ENCRYPTED_HELLO, &config), 1 << 14)));
    let again = named(random, Manner::Library, &alpn);
    let ticket = [&[0, 70, 0, 64][..], &[5; 64], &[0, 0, 0, 9, 0, 33, 32], &[6; 32]].concat();
    said.push((853, hello::records(&with_extension(&again, RESUMPTION, &ticket), 1 << 14)));
    let request = |name: &str| {
        format!("GET /a/b?c HTTP/1.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nHost: {name}\r\n\r\n")
            .into_bytes()
    };
    said.push((80, request(&name(random))));
    said.push((8080, request(&name(random))));
    said.push((
        80,
        format!("POST / HTTP/1.0\r\nhost:{}:8000 \r\nContent-Length: 0\r\n\r\n", name(random)).into_bytes(),
    ));
    let mut all: Vec<Connection> = Vec::new();
    for (port, octets) in &said {
        let (client, server) = ends(*port);
        all.push(stream(client, server, &in_order(octets, 1400)));
        let (client, server) = ends(*port);
        all.push(stream(client, server, &cut(random, octets)));
    }
    // A connection that was there before, and one whose client lets the server know first that it is alive.
    let (_, octets) = said.first().cloned().unwrap_or_default();
    let (client, server) = ends(443);
    let mut begun = stream(client, server, &in_order(&octets, 1400));
    all.push(begun.split_off(2));
    let (client, server) = ends(443);
    let mut kept = stream(client, server, &in_order(&octets, 1400));
    let alive = Segment { sequence: START, acknowledgement: 1, flags: flag::ACK };
    kept.insert(2, packet::tcp(client, server, alive, &[0]));
    all.push(kept);
    // Requests one after the other on a connection: with a segment each, right behind one another, behind a body, as a
    // proxy is asked.
    let posted = format!("POST /d HTTP/1.1\r\nContent-Length: 5\r\nHost: {}\r\n\r\nhello", name(random)).into_bytes();
    let (one, two, proxied) = (name(random), name(random), name(random));
    let proxied = format!("GET http://{proxied}/ HTTP/1.1\r\nHost: {proxied}\r\n\r\n").into_bytes();
    let asked = [request(&one), [posted, request(&two)].concat(), proxied];
    let mut parts = Vec::new();
    for octets in asked {
        let place = parts.last().map_or(0, |(place, part): &(usize, Vec<u8>)| place + part.len());
        parts.push((place, octets));
    }
    let (client, server) = ends(80);
    all.push(stream(client, server, &parts));
    all
}

/// Sequence number of every client's SYN: near the end of the numbers, so that they begin anew underway.
const START: u32 = u32::MAX - 300;

fn in_order(octets: &[u8], each: usize) -> Vec<(usize, Vec<u8>)> {
    octets.chunks(each).enumerate().map(|(place, part)| (place * each, part.to_vec())).collect()
}

/// Parts in another order, some twice, some overlapping; each octet is what it was.
fn cut(random: &mut Random, octets: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let each = random.within(60, 900) as usize;
    let mut parts = Vec::new();
    for place in (0..octets.len()).step_by(each) {
        let begin = place.saturating_sub(if random.percent(25) { random.below(40) as usize } else { 0 });
        let end = (place + each).min(octets.len());
        parts.push((begin, octets.get(begin..end).unwrap_or_default().to_vec()));
        if random.percent(20) {
            parts.extend(parts.last().cloned());
        }
    }
    for place in 1..parts.len() {
        if random.percent(40) {
            parts.swap(place, place - 1);
        }
    }
    parts
}

fn stream(client: SocketAddr, server: SocketAddr, parts: &[(usize, Vec<u8>)]) -> Connection {
    let answer = Segment { sequence: 0, acknowledgement: START.wrapping_add(1), flags: flag::SYN | flag::ACK };
    let mut packets = vec![
        packet::tcp(client, server, Segment { sequence: START, acknowledgement: 0, flags: flag::SYN }, &[]),
        packet::tcp(server, client, answer, &[]),
    ];
    let mut end = 0;
    for (place, part) in parts {
        let sequence = START.wrapping_add(1).wrapping_add(*place as u32);
        let segment = Segment { sequence, acknowledgement: 1, flags: flag::PSH | flag::ACK };
        packets.push(packet::tcp(client, server, segment, part));
        end = end.max(place + part.len());
    }
    let all = START.wrapping_add(1).wrapping_add(end as u32);
    let heard = Segment { sequence: 1, acknowledgement: all, flags: flag::ACK };
    packets.push(packet::tcp(server, client, heard, &[]));
    packets.push(packet::tcp(client, server, Segment { sequence: all, acknowledgement: 1, flags: flag::RST }, &[]));
    packets
}

fn over_quic(random: &mut Random, ends: &mut impl FnMut(u16) -> (SocketAddr, SocketAddr)) -> Result<Vec<Connection>> {
    let mut all = Vec::new();
    for version in [Version::V1, Version::V2, Version::V1Draft] {
        for manner in [Manner::Quic, Manner::QuicPostQuantum] {
            for spread in [Spread::Plain, Spread::Scrambled] {
                let whole = named(random, manner, &["h3"]);
                let (destination, source) = (random.next_u64().to_be_bytes(), random.next_u64().to_be_bytes());
                let datagrams = initial::datagrams(random, version, &destination, &source, &whole, spread)?;
                let (client, server) = ends(443);
                all.push(datagrams.iter().map(|datagram| packet::udp(client, server, datagram)).collect());
            }
        }
    }
    Ok(all)
}

/// The handshake message with one more extension, behind the others.
pub fn with_extension(message: &[u8], code: u16, data: &[u8]) -> Vec<u8> {
    let mut octets = message.to_vec();
    octets.extend(code.to_be_bytes());
    octets.extend((data.len() as u16).to_be_bytes());
    octets.extend(data);
    let added = octets.len() - message.len();
    // Version, random, then three lists with their lengths in front.
    let mut place = 4 + 2 + 32;
    place += 1 + usize::from(octets[place]);
    place += 2 + usize::from(u16::from_be_bytes([octets[place], octets[place + 1]]));
    place += 1 + usize::from(octets[place]);
    let extensions = u16::from_be_bytes([octets[place], octets[place + 1]]) + added as u16;
    octets.splice(place..place + 2, extensions.to_be_bytes());
    let length = (octets.len() as u32 - 4).to_be_bytes();
    octets.splice(1..4, length[1..].iter().copied());
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_has_its_own_port_and_the_lengths_stay_true() {
        let mut random = Random::seeded(3);
        let all = connections(&mut random, "10.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap()).unwrap();
        let ports: std::collections::BTreeSet<&[u8]> = all.iter().map(|packets| &packets[0][20..22]).collect();
        assert_eq!(ports.len(), all.len());
        let message = hello::message(&mut random, Manner::Library, "a.no", &["h2"]);
        let longer = with_extension(&message, RESUMPTION, &[1, 2, 3]);
        assert_eq!(longer.len(), message.len() + 7);
        assert_eq!(u32::from_be_bytes([0, longer[1], longer[2], longer[3]]) as usize + 4, longer.len());
    }
}
