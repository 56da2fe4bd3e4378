//! Conversations as steps: what each end says first, word by word, and with what kind of packets it goes on.

use std::collections::VecDeque;
use std::net::SocketAddr;

use anyhow::Result;
use rustls::quic::Version;

use super::hello::{self, Manner};
use super::initial::{self, Spread};
use super::lookup::Lookup;
use super::plants::Cut;
use super::wire::{Above, Ends};
use crate::random::Random;
use crate::traffic::dns::over_tcp;
use crate::traffic::packet::flag::{ACK, FIN, PSH, RST, SYN};

/// One packet of the beginning.
#[derive(Debug)]
pub struct Step {
    /// After the one before, microseconds.
    pub after_us: u64,
    /// Whether the client sends it.
    pub from_client: bool,
    /// Its header.
    pub above: Above,
    /// Its data.
    pub payload: Vec<u8>,
}

/// How a conversation goes on after its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goes {
    /// TCP, mostly down: full segments and their acknowledgements.
    Stream,
    /// QUIC with short headers.
    Quic,
    /// UDP of middling size both ways: a meeting with pictures.
    Meeting,
    /// Echo requests and replies.
    Echo,
    /// Time, asked and told.
    Ntp,
}

/// A conversation.
#[derive(Debug)]
pub struct Flow {
    /// Client → server.
    pub ends: Ends,
    /// How it begins.
    pub steps: VecDeque<Step>,
    /// How it goes on.
    pub goes: Goes,
    /// Packets of that.
    pub left: u32,
    /// Between two of them on average, microseconds.
    pub gap_us: u64,
    /// TCP: the next place of the client.
    pub client_at: u32,
    /// TCP: the next place of the server.
    pub server_at: u32,
}

/// A TCP connection being written.
struct Tcp {
    steps: VecDeque<Step>,
    client_at: u32,
    server_at: u32,
}

impl Tcp {
    fn say(&mut self, after_us: u64, from_client: bool, flags: u8, payload: Vec<u8>) {
        let (sequence, acknowledgement) =
            if from_client { (self.client_at, self.server_at) } else { (self.server_at, self.client_at) };
        let next = sequence.wrapping_add(payload.len() as u32).wrapping_add(u32::from(flags & (SYN | FIN) != 0));
        *(if from_client { &mut self.client_at } else { &mut self.server_at }) = next;
        let above = Above::Tcp { sequence, acknowledgement, flags };
        self.steps.push_back(Step { after_us, from_client, above, payload });
    }

    fn begun(random: &mut Random, away_us: u64) -> Tcp {
        let mut tcp =
            Tcp { steps: VecDeque::new(), client_at: random.next_u64() as u32, server_at: random.next_u64() as u32 };
        tcp.say(0, true, SYN, vec![]);
        tcp.say(away_us, false, SYN | ACK, vec![]);
        tcp.say(200, true, ACK, vec![]);
        tcp
    }

    fn flow(self, ends: Ends, left: u32, gap_us: u64) -> Flow {
        let Tcp { steps, client_at, server_at } = self;
        Flow { ends, steps, goes: Goes::Stream, left, gap_us, client_at, server_at }
    }

    fn ended(mut self, ends: Ends) -> Flow {
        self.say(100, true, FIN | ACK, vec![]);
        self.say(300, false, FIN | ACK, vec![]);
        self.say(100, true, ACK, vec![]);
        self.flow(ends, 0, 0)
    }
}

/// From the client to the other end and back.
fn away(random: &mut Random) -> u64 {
    random.within(2_000, 40_000)
}

/// A look-up over UDP; `answered` says whether the response comes.
pub fn lookup(random: &mut Random, ends: Ends, lookup: &Lookup<'_>, answered: bool) -> Flow {
    let step = |after_us, from_client, payload| Step { after_us, from_client, above: Above::Udp, payload };
    let mut steps = VecDeque::from([step(0, true, lookup.query())]);
    if answered {
        steps.push_back(step(random.within(300, 30_000), false, lookup.response()));
    }
    Flow { ends, steps, goes: Goes::Meeting, left: 0, gap_us: 0, client_at: 0, server_at: 0 }
}

/// A look-up over TCP, now and then with its response in two segments.
pub fn lookup_over_tcp(random: &mut Random, ends: Ends, lookup: &Lookup<'_>) -> Flow {
    let mut tcp = Tcp::begun(random, 3_000);
    tcp.say(100, true, PSH | ACK, over_tcp(&lookup.query()));
    let response = over_tcp(&lookup.response());
    let cut = if random.percent(40) { random.within(1, response.len() as u64 - 1) as usize } else { response.len() };
    for part in [&response[..cut], &response[cut..]] {
        if !part.is_empty() {
            tcp.say(2_000, false, PSH | ACK, part.to_vec());
        }
    }
    tcp.say(100, true, ACK, vec![]);
    tcp.ended(ends)
}

/// A ClientHello in the segments of its cut.
fn segments(random: &mut Random, manner: Manner, name: &str, cut: Cut) -> Vec<Vec<u8>> {
    let alpn: &[&str] = if random.percent(85) { &["h2", "http/1.1"] } else { &[] };
    let manner = if cut == Cut::ByLength { Manner::PostQuantum } else { manner };
    let message = hello::message(random, manner, name, alpn);
    let in_name =
        message.windows(name.len().max(1)).position(|part| part == name.as_bytes()).unwrap_or(60) + name.len() / 2;
    match cut {
        Cut::InRecords => {
            let both = [hello::records(&message[..in_name], 1 << 14), hello::records(&message[in_name..], 1 << 14)];
            vec![both.concat()]
        }
        Cut::InName | Cut::Overtaking => {
            let whole = hello::records(&message, 1 << 14);
            let (head, tail) = whole.split_at(5 + in_name);
            vec![head.to_vec(), tail.to_vec()]
        }
        Cut::Whole | Cut::ByLength => hello::records(&message, 1 << 14).chunks(1448).map(<[u8]>::to_vec).collect(),
    }
}

/// A TLS connection that says `name`, of about `packets` packets.
pub fn tls(random: &mut Random, ends: Ends, name: &str, cut: Cut, packets: u32, gap_us: u64) -> Flow {
    let manner = match random.below(10) {
        0..4 => Manner::Browser,
        4..8 => Manner::PostQuantum,
        _ => Manner::Library,
    };
    // Where the cut is to be small, the hello must be.
    let manner = if cut == Cut::Whole { manner } else { Manner::Browser };
    let away_us = away(random);
    let mut tcp = Tcp::begun(random, away_us);
    let segments = segments(random, manner, name, cut);
    for part in segments {
        tcp.say(150, true, PSH | ACK, part);
    }
    if cut == Cut::Overtaking {
        let last = tcp.steps.len() - 1;
        tcp.steps.swap(last, last - 1);
    }
    tcp.say(away_us, false, ACK, vec![]);
    // ServerHello and what comes with it, encrypted from there on.
    let mut server = vec![0x16, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3];
    server.resize(127, 0x5c);
    server.extend_from_slice(&[0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0x0a, 0x80]);
    server.resize(2_826, 0xa7);
    for part in server.chunks(1448) {
        tcp.say(100, false, PSH | ACK, part.to_vec());
    }
    tcp.say(100, true, ACK, vec![]);
    let mut finished = vec![0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 0x35];
    finished.resize(64, 0x3b);
    tcp.say(300, true, PSH | ACK, finished);
    let said = tcp.steps.len() as u32 + 3;
    tcp.flow(ends, packets.saturating_sub(said), gap_us)
}

/// An HTTP/1 connection whose request names `host`.
pub fn http(random: &mut Random, ends: Ends, host: &str, packets: u32, gap_us: u64) -> Flow {
    let away_us = away(random);
    let mut tcp = Tcp::begun(random, away_us);
    let header = if random.percent(80) { "Host" } else { "host" };
    let first = if random.percent(50) { "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n" } else { "" };
    let path = random.next_u64();
    let request = format!("GET /{path:x} HTTP/1.1\r\n{first}{header}: {host}\r\nConnection: keep-alive\r\n\r\n");
    tcp.say(150, true, PSH | ACK, request.into_bytes());
    tcp.say(away_us, false, ACK, vec![]);
    let mut reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n".to_vec();
    reply.resize(1_200, b'a');
    tcp.say(100, false, PSH | ACK, reply);
    let said = tcp.steps.len() as u32 + 3;
    tcp.flow(ends, packets.saturating_sub(said), gap_us)
}

/// A TCP connection on another port: the client speaks first, in no protocol that says a name.
pub fn stream(random: &mut Random, ends: Ends, packets: u32, gap_us: u64) -> Flow {
    let away_us = away(random) / 10;
    let mut tcp = Tcp::begun(random, away_us);
    let mut negotiate = vec![0, 0, 0, 212, 0xfe, b'S', b'M', b'B', 64, 0];
    negotiate.resize(216, 1);
    tcp.say(200, true, PSH | ACK, negotiate.clone());
    tcp.say(away_us, false, PSH | ACK, negotiate);
    let said = tcp.steps.len() as u32 + 3;
    tcp.flow(ends, packets.saturating_sub(said), gap_us)
}

/// A connection nobody accepts: refused, or met with silence.
pub fn not_accepted(random: &mut Random, ends: Ends) -> Flow {
    let mut tcp =
        Tcp { steps: VecDeque::new(), client_at: random.next_u64() as u32, server_at: random.next_u64() as u32 };
    tcp.say(0, true, SYN, vec![]);
    tcp.client_at = tcp.client_at.wrapping_sub(1);
    tcp.say(1_000_000, true, SYN, vec![]);
    if ends.destination.port() == 22 {
        tcp.say(1_000, false, RST | ACK, vec![]);
    }
    tcp.flow(ends, 0, 0)
}

/// UDP or ICMP without a beginning worth the name.
pub fn datagrams(ends: Ends, goes: Goes, packets: u32, gap_us: u64) -> Flow {
    Flow { ends, steps: VecDeque::new(), goes, left: packets, gap_us, client_at: 0, server_at: 0 }
}

/// A QUIC connection that says `name`.
///
/// # Errors
/// When the Initial cannot be protected.
pub fn quic(random: &mut Random, ends: Ends, name: &str, several: bool, packets: u32, gap_us: u64) -> Result<Flow> {
    let (manner, spread) = match several {
        true => (Manner::QuicPostQuantum, Spread::Scrambled),
        false => (Manner::Quic, if random.percent(30) { Spread::Scrambled } else { Spread::Plain }),
    };
    let message = hello::message(random, manner, name, &["h3"]);
    let destination = random.next_u64().to_be_bytes();
    let source = &random.next_u64().to_be_bytes()[..if random.percent(50) { 0 } else { 8 }];
    let version = if random.percent(5) { Version::V2 } else { Version::V1 };
    let initials = initial::datagrams(random, version, &destination, source, &message, spread)?;
    let away_us = away(random);
    let step = |after_us, from_client, payload| Step { after_us, from_client, above: Above::Udp, payload };
    let mut steps: VecDeque<Step> = initials.into_iter().map(|packet| step(80, true, packet)).collect();
    // The server's Initial and Handshake: long headers whose protection only the client can take off.
    for kind in [0xc9u8, 0xe5] {
        let mut packet = vec![kind, 0, 0, 0, 1, source.len() as u8];
        packet.extend_from_slice(source);
        packet.extend_from_slice(&[8, 1, 2, 3, 4, 5, 6, 7, 8]);
        packet.resize(1200, (random.next_u64() & 0xff) as u8);
        steps.push_back(step(away_us, false, packet));
    }
    let said = steps.len() as u32;
    Ok(Flow { ends, steps, goes: Goes::Quic, left: packets.saturating_sub(said), gap_us, client_at: 0, server_at: 0 })
}

/// Ends between a client and a server.
pub fn ends(random: &mut Random, client: std::net::IpAddr, server: SocketAddr) -> Ends {
    let vlan = client_vlan(client);
    Ends { source: SocketAddr::new(client, random.client_port()), destination: server, vlan }
}

/// Some parts of the network are tagged.
fn client_vlan(client: std::net::IpAddr) -> Option<u16> {
    let last = match client {
        std::net::IpAddr::V4(address) => address.octets()[3],
        std::net::IpAddr::V6(address) => address.octets()[15],
    };
    (last % 7 == 0).then_some(100 + u16::from(last))
}
