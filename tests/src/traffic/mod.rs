//! Traffic that looks like traffic: lookups, connections and scans, one after another on a clock turned by hand.

pub mod dns;
pub mod greeting;
pub mod municipality;
pub mod packet;
pub mod tunnel;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use dns::{Answer, Data, Question};
use packet::{Segment, flag};
use varde_common::time::Timestamp;

/// A packet and what the wire adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// When it passed, nanoseconds since 1970.
    pub time_ns: u64,
    /// VLAN tags, outermost first; only Ethernet shows them.
    pub vlans: Vec<u16>,
    /// The IP packet.
    pub ip: Vec<u8>,
}

/// How a lookup ends.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// With these records.
    Answers(Vec<Answer>),
    /// With an error (or NOERROR without an answer).
    Code(u8),
    /// With silence.
    Nothing,
}

impl Outcome {
    /// One address for `name`, good for five minutes.
    pub fn address(name: &str, address: IpAddr) -> Outcome {
        Outcome::Answers(vec![Answer { name: name.to_owned(), ttl_s: 300, data: Data::address(address) }])
    }

    /// `name` is another name for `target`, which has this address.
    pub fn alias(name: &str, target: &str, address: IpAddr) -> Outcome {
        Outcome::Answers(vec![
            Answer { name: name.to_owned(), ttl_s: 300, data: Data::Cname(target.to_owned()) },
            Answer { name: target.to_owned(), ttl_s: 300, data: Data::address(address) },
        ])
    }

    fn response(&self, question: Question<'_>) -> Option<Vec<u8>> {
        match self {
            Outcome::Answers(answers) => Some(dns::response(question, dns::rcode::NOERROR, answers)),
            Outcome::Code(code) => Some(dns::response(question, *code, &[])),
            Outcome::Nothing => None,
        }
    }
}

/// How a server meets a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// Accepts, gets so much, gives so much.
    Accepts {
        /// Octets of request.
        request: usize,
        /// Octets of reply.
        reply: usize,
    },
    /// Answers RST.
    Refuses,
    /// Says nothing.
    Silent,
}

/// An ordinary web request and its page.
pub const PAGE: Reception = Reception::Accepts { request: 420, reply: 5200 };
/// Octets of data in one TCP segment.
const SEGMENT_OCTETS: usize = 1400;

/// Packets in the order they pass. The time of the next is [`Traffic::now_ns`]; each takes 400 µs.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// What has passed.
    pub packets: Vec<Packet>,
    /// The hand-turned clock, nanoseconds since 1970.
    pub now_ns: u64,
    /// Tags of the packets to come.
    pub vlans: Vec<u16>,
    /// Whether packets to come carry IP options or extension headers.
    pub options: bool,
}

impl Traffic {
    /// None yet.
    pub fn starting(at: Timestamp) -> Traffic {
        let now_ns = u64::try_from(at.as_micros()).unwrap_or(0).saturating_mul(1000);
        Traffic { packets: Vec::new(), now_ns, vlans: Vec::new(), options: false }
    }

    /// Lets time pass.
    pub fn wait(&mut self, span: Duration) {
        self.now_ns = self.now_ns.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Sends one IP packet.
    pub fn send(&mut self, ip: Vec<u8>) {
        let ip = if self.options { packet::with_options(&ip) } else { ip };
        self.packets.push(Packet { time_ns: self.now_ns, vlans: self.vlans.clone(), ip });
        self.wait(Duration::from_micros(400));
    }

    /// A lookup over UDP.
    pub fn lookup(&mut self, client: SocketAddr, server: SocketAddr, question: Question<'_>, outcome: &Outcome) {
        self.send(packet::udp(client, server, &dns::query(question)));
        if let Some(response) = outcome.response(question) {
            self.send(packet::udp(server, client, &response));
        }
    }

    /// A lookup over UDP whose query is sent `times` before the response comes.
    pub fn lookup_retried(
        &mut self,
        client: SocketAddr,
        server: SocketAddr,
        question: Question<'_>,
        outcome: &Outcome,
        times: usize,
    ) {
        for _ in 1..times {
            self.send(packet::udp(client, server, &dns::query(question)));
            self.wait(Duration::from_secs(1));
        }
        self.lookup(client, server, question, outcome);
    }

    /// A lookup over TCP, the response cut into segments of `segment` octets.
    pub fn lookup_tcp(
        &mut self,
        client: SocketAddr,
        server: SocketAddr,
        question: Question<'_>,
        outcome: &Outcome,
        segment: usize,
    ) {
        let query = dns::over_tcp(&dns::query(question));
        let response = outcome.response(question).map(|response| dns::over_tcp(&response)).unwrap_or_default();
        self.exchange(client, server, &query, &response, segment);
    }

    /// A TCP connection to `server`.
    pub fn connect(&mut self, client: SocketAddr, server: SocketAddr, reception: Reception) {
        match reception {
            Reception::Accepts { request, reply } => {
                self.exchange(client, server, &vec![0x17; request], &vec![0x17; reply], SEGMENT_OCTETS);
            }
            Reception::Refuses => {
                let start = self.begin(client, server);
                let segment = Segment { sequence: 0, acknowledgement: start, flags: flag::RST | flag::ACK };
                self.send(packet::tcp(server, client, segment, &[]));
            }
            Reception::Silent => {
                self.begin(client, server);
            }
        }
    }

    /// A TCP connection that stands, in which the client says `request` and is answered with so many octets.
    pub fn converse(&mut self, client: SocketAddr, server: SocketAddr, request: &[u8], reply: usize) {
        self.exchange(client, server, request, &vec![0x17; reply], SEGMENT_OCTETS);
    }

    /// SYN; gives the place after it.
    fn begin(&mut self, client: SocketAddr, server: SocketAddr) -> u32 {
        let start = (self.now_ns as u32) ^ u32::from(client.port());
        let segment = Segment { sequence: start, acknowledgement: 0, flags: flag::SYN };
        self.send(packet::tcp(client, server, segment, &[]));
        start.wrapping_add(1)
    }

    fn exchange(&mut self, client: SocketAddr, server: SocketAddr, request: &[u8], reply: &[u8], segment: usize) {
        let mut here = self.begin(client, server);
        let mut there = here.rotate_left(9);
        let mut say = |this: &mut Traffic, from_client: bool, flags: u8, data: &[u8]| {
            let (source, destination, sequence, acknowledgement) =
                if from_client { (client, server, here, there) } else { (server, client, there, here) };
            this.send(packet::tcp(source, destination, Segment { sequence, acknowledgement, flags }, data));
            let ends = flags & (flag::SYN | flag::FIN) != 0;
            let next = sequence.wrapping_add(data.len() as u32).wrapping_add(u32::from(ends));
            *(if from_client { &mut here } else { &mut there }) = next;
        };
        say(self, false, flag::SYN | flag::ACK, &[]);
        say(self, true, flag::ACK, &[]);
        for (from_client, data) in [(true, request), (false, reply)] {
            for part in data.chunks(segment.max(1)) {
                say(self, from_client, flag::PSH | flag::ACK, part);
            }
            if !data.is_empty() {
                say(self, !from_client, flag::ACK, &[]);
            }
        }
        say(self, true, flag::FIN | flag::ACK, &[]);
        say(self, false, flag::FIN | flag::ACK, &[]);
        say(self, true, flag::ACK, &[]);
    }

    /// A UDP exchange: so many packets each way.
    pub fn datagrams(&mut self, client: SocketAddr, server: SocketAddr, sent: usize, received: usize) {
        for _ in 0..sent {
            self.send(packet::udp(client, server, &[0x42; 180]));
        }
        for _ in 0..received {
            self.send(packet::udp(server, client, &[0x42; 900]));
        }
    }

    /// A UDP exchange in which the client sends these and gets so many packets back.
    pub fn converse_udp(&mut self, client: SocketAddr, server: SocketAddr, sent: &[Vec<u8>], received: usize) {
        for payload in sent {
            self.send(packet::udp(client, server, payload));
        }
        for _ in 0..received {
            self.send(packet::udp(server, client, &[0x42; 1200]));
        }
    }

    /// A ping, answered or not.
    pub fn ping(&mut self, client: IpAddr, server: IpAddr, id: u16, answered: bool) {
        self.send(packet::icmp_echo(client, server, false, id, 1));
        if answered {
            self.send(packet::icmp_echo(server, client, true, id, 1));
        }
    }

    /// The packets of several, in order of time.
    pub fn merged(several: impl IntoIterator<Item = Traffic>) -> Vec<Packet> {
        let mut packets: Vec<Packet> = several.into_iter().flat_map(|traffic| traffic.packets).collect();
        packets.sort_by_key(|packet| packet.time_ns);
        packets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_its_handshake_data_and_end() {
        let mut traffic = Traffic::starting(Timestamp(1_000_000));
        let client = "10.0.0.1:4000".parse().unwrap();
        let server = "192.0.2.1:443".parse().unwrap();
        traffic.connect(client, server, Reception::Accepts { request: 10, reply: 3000 });
        // SYN, SYN-ACK, ACK; request and its ACK; three parts and their ACK; FIN, FIN, ACK
        assert_eq!(traffic.packets.len(), 3 + 2 + 4 + 3);
        assert!(traffic.packets.is_sorted_by_key(|packet| packet.time_ns));
        traffic.connect(client, server, Reception::Refuses);
        traffic.connect(client, server, Reception::Silent);
        assert_eq!(traffic.packets.len(), 12 + 2 + 1);
    }
}
