//! Greetings however they are cut, scrambled, repeated, begun and not ended.

mod again;
mod any;
mod certain;
mod connections;
mod cut;
mod decoys;
mod hidden;
mod requests;
mod twice;

use varde_common::observation::{Hello, HttpRequest, Protocol};

use super::*;
use crate::audience::Audience;
use crate::flow::{FlowCounts, FlowStep, Flows};
use crate::hello::BadHello;
use crate::hello::quic::sample::{Sender, crypto};
use crate::hello::quic::version::VERSIONS;
use crate::hello::tls::sample::{named, records};
use crate::limits::{
    FLOW_ACTIVE_TIMEOUT_S, FLOW_IDLE_TIMEOUT_S, GREETING_MAX_OCTETS, GREETING_SEGMENTS_MAX, HELLO_MAX_OCTETS,
    HELLO_RECORDS_MAX, HTTP_HEAD_MAX_OCTETS, QUIC_TRIES_MAX,
};
use crate::observe::Seen;
use crate::packet::Fragment;
use crate::packet::tcp_flags::{ACK, RST, SYN};

const CLIENT: &str = "10.0.0.1:40000";
const SERVER: &str = "192.0.2.1:4433";
/// So near the end of all sequence numbers that they wrap within every hello.
const ISN: u32 = u32::MAX - 20;

#[test]
fn s4_all_greetings_kept_in_part_take_no_more_than_the_limit_says() {
    let octets = Table::<Whose, Gathering, 1>::octets_for(GREETINGS_MAX);
    assert!(octets <= crate::limits::GREETINGS_MAX_OCTETS, "{octets} octets");
}

/// What is over, by whose name words are gathered, and how far it got.
struct Ended(Vec<(FlowId, Contact)>);

impl Audience for Ended {
    fn take(&mut self, seen: Seen) {
        if let Seen::Flow(event) = seen {
            self.0.extend((event.step == FlowStep::Closed).then_some((event.flow, event.record.contact)));
        }
    }

    fn let_go(&mut self, gathered_by: FlowId) {
        self.0.push((gathered_by, Contact::Unanswered));
    }
}

/// Flows and greetings, as an observer runs them.
struct Bench {
    flows: Flows,
    greetings: Greetings,
    counts: GreetingCounts,
    now: i64,
    /// What the server expects next of the client.
    stands: u32,
    /// What it has taken of its stream.
    taken: Vec<(usize, usize)>,
    /// Whether the server is not heard.
    is_one_way: bool,
    /// And the client of the server.
    stands_back: u32,
    read: Vec<(Contact, Greeted)>,
}

impl Bench {
    fn new() -> Bench {
        let (idle, active) = (Duration::from_secs(FLOW_IDLE_TIMEOUT_S), Duration::from_secs(FLOW_ACTIVE_TIMEOUT_S));
        Bench {
            flows: Flows::new(100_000, idle, active, u32::MAX),
            greetings: Greetings::new(),
            counts: GreetingCounts::default(),
            now: 1,
            stands: ISN.wrapping_add(1),
            taken: Vec::new(),
            is_one_way: false,
            stands_back: 6,
            read: Vec::new(),
        }
    }

    /// Of a mirror that shows both directions, or the client's only.
    fn hearing(is_one_way: bool) -> Bench {
        Bench { is_one_way, ..Bench::new() }
    }

    fn take(&mut self, src: &str, dst: &str, transport: Transport<'_>) {
        if self.is_one_way && src == SERVER {
            return;
        }
        let (src, dst): (Endpoint, Endpoint) = (src.parse().unwrap(), dst.parse().unwrap());
        let (src_port, dst_port) = (src.port(), dst.port());
        let (protocol, transport) = match transport {
            Transport::Udp { payload, .. } => (Protocol::UDP, Transport::Udp { src_port, dst_port, payload }),
            Transport::Tcp { seq, ack, flags, urgent, payload, .. } => {
                (Protocol::TCP, Transport::Tcp { src_port, dst_port, seq, ack, flags, urgent, payload })
            }
            other => (Protocol::TCP, other),
        };
        let now = Timestamp::from_unix(self.now, 0);
        let packet = Packet {
            time: now,
            source: 1,
            src: src.ip(),
            dst: dst.ip(),
            protocol,
            octets: 40,
            fragment: Fragment::Whole,
            transport,
        };
        let Bench { flows, greetings, counts, read, .. } = self;
        let mut emit = |told: Told| read.push((told.contact, told.greeted));
        greetings.handle_time(now, counts, &mut emit);
        let mut ended = Ended(Vec::new());
        let heard = again::handled(flows, &packet, now, &mut ended);
        for (flow, contact) in ended.0 {
            greetings.handle_closed(flow, contact, counts, &mut emit);
        }
        if let Some(heard) = heard {
            let greeting = greetings.handle_packet(&packet, &heard, now, counts, &mut emit);
            flows.set_greeting(&heard, greeting);
        }
        // Each time while there are few, so that a flood does not take all day.
        if self.greetings.len() > 50 && !self.counts.evicted.is_multiple_of(500) {
            return;
        }
        let kept: usize = self.greetings.table.iter().map(|(_, _, gathering)| gathering.kept_octets()).sum();
        assert_eq!(kept, self.greetings.kept_octets, "what is counted is what is kept");
        assert!(kept <= GREETINGS_TOTAL_MAX_OCTETS && self.greetings.len() <= GREETINGS_MAX);
    }

    fn tcp(&mut self, src: &str, dst: &str, seq: u32, flags: u8, payload: &[u8]) {
        self.urgent(src, dst, seq, flags, 0, payload);
    }

    fn urgent(&mut self, src: &str, dst: &str, seq: u32, flags: u8, urgent: u16, payload: &[u8]) {
        let ack = if dst == CLIENT { self.stands } else { self.stands_back };
        self.take(src, dst, Transport::Tcp { src_port: 0, dst_port: 0, seq, ack, flags, urgent, payload });
        if src == SERVER {
            self.stands_back = seq.wrapping_add(payload.len() as u32 + u32::from(flags & SYN != 0));
        }
    }

    /// The server acknowledges what it has taken.
    fn acknowledge(&mut self) {
        self.tcp(SERVER, CLIENT, 6, ACK, &[]);
    }

    /// A segment of the client, at a position of its stream, which the server takes.
    fn say(&mut self, at: usize, payload: &[u8]) {
        let seq = ISN.wrapping_add(1 + at as u32);
        self.tcp(CLIENT, SERVER, seq, ACK, payload);
        self.taken.push((at, at + payload.len()));
        self.taken.sort_unstable();
        let on = |stands: usize, &(start, end): &(usize, usize)| if start <= stands { end.max(stands) } else { stands };
        let before = self.stands.wrapping_sub(ISN.wrapping_add(1)) as usize;
        let after = self.taken.iter().fold(before, on);
        self.taken.retain(|&(_, end)| end > after);
        let stands = ISN.wrapping_add(1).wrapping_add(after as u32);
        if stands.wrapping_sub(self.stands) as i32 > 0 {
            self.stands = stands;
        }
    }

    fn shake_hands(&mut self) {
        self.tcp(CLIENT, SERVER, ISN, SYN, &[]);
        self.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
        self.say(0, &[]);
    }

    fn udp(&mut self, src: &str, dst: &str, payload: &[u8]) {
        self.take(src, dst, Transport::Udp { src_port: 0, dst_port: 0, payload });
    }

    /// The flows are over.
    fn end(&mut self) {
        let places: Vec<_> = self.flows.open().map(|(place, _)| place).collect();
        let Bench { flows, greetings, counts, read, .. } = self;
        let mut ended = Ended(Vec::new());
        places.into_iter().for_each(|place| flows.end(place, &mut ended));
        let mut emit = |told: Told| read.push((told.contact, told.greeted));
        for (flow, contact) in ended.0 {
            greetings.handle_closed(flow, contact, counts, &mut emit);
        }
    }

    /// What was read, in words.
    fn words(&self) -> Vec<String> {
        let word = |(contact, greeted): &(Contact, Greeted)| match greeted {
            Greeted::Hello(Hello { client, server, transport, sni, is_cut, .. }) => {
                let sni = sni.as_ref().map_or_else(|| "-".to_owned(), |sni| sni.to_string());
                let cut = if *is_cut { "Cut" } else { "" };
                format!("{contact:?} {cut}{transport:?} {client} {server} {sni}")
            }
            Greeted::Http(HttpRequest { client, server, host, .. }) => {
                format!("{contact:?} Http {client} {server} {host}")
            }
        };
        self.read.iter().map(word).collect()
    }

    fn names(&self) -> Vec<String> {
        self.words().iter().filter_map(|words| words.rsplit(' ').next().map(str::to_owned)).collect()
    }
}

#[test]
fn a_hello_in_one_segment_is_read_where_it_lies_on_any_port() {
    let mut bench = Bench::new();
    bench.shake_hands();
    let stream = records(&named("Evil.Example"), 16384);
    bench.say(0, &stream);
    assert_eq!(bench.words(), [format!("Answered Tls {CLIENT} {SERVER} evil.example")]);
    let Greeted::Hello(hello) = &bench.read[0].1 else { panic!("no hello") };
    assert_eq!((hello.alpn.as_slice(), hello.ech), (&["h2".to_owned(), "http/1.1".to_owned()][..], false));
    assert_eq!(&hello.ja4.unwrap().as_str()[..10], "t13d0205h2");
    assert!(bench.greetings.table.iter().next().is_none() && bench.greetings.space.capacity() == 0);
    bench.say(0, &stream);
    assert_eq!((bench.names(), bench.counts.hellos), (vec!["evil.example".to_owned()], 1), "it was sent again");
}

#[test]
fn the_client_is_who_says_hello() {
    let stream = records(&named("evil.example"), 16384);
    // Joined midway, the server's packet first; and a server that connects back and is greeted by who was called.
    for before in [Vec::new(), vec![SYN]] {
        let mut bench = Bench::new();
        bench.stands = 100;
        for flags in before {
            bench.tcp(SERVER, CLIENT, 7, flags, &[]);
        }
        bench.tcp(SERVER, CLIENT, 8, ACK, b"220 ready\r\n");
        bench.tcp(CLIENT, SERVER, 100, ACK, &stream[..200]);
        bench.tcp(CLIENT, SERVER, 300, ACK, &stream[200..]);
        assert_eq!(bench.names(), ["evil.example"]);
        assert!(bench.words()[0].contains(&format!("Tls {CLIENT} {SERVER}")));
    }
}

#[test]
fn a_hello_behind_another_dialogue_is_found() {
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.tcp(SERVER, CLIENT, 6, ACK, b"220 mail.example ESMTP\r\n");
    bench.say(0, b"EHLO client.example\r\n");
    bench.tcp(SERVER, CLIENT, 30, ACK, b"250 STARTTLS\r\n");
    bench.say(21, b"STARTTLS\r\n");
    let stream = records(&named("mail.example"), 16384);
    bench.say(31, &stream[..100]);
    bench.say(131, &stream[100..]);
    assert_eq!(bench.names(), ["mail.example"]);
    // Through a proxy: whom the tunnel is for, and then the hello in it.
    let mut bench = Bench::new();
    bench.shake_hands();
    let head = b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n";
    bench.say(0, head);
    bench.tcp(SERVER, CLIENT, 6, ACK, b"HTTP/1.1 200 OK\r\n\r\n");
    bench.say(head.len(), &stream);
    assert_eq!(bench.names(), ["evil.example", "mail.example"]);
}

#[test]
fn every_request_that_names_a_host_is_read_however_it_is_cut() {
    let mut bench = Bench::new();
    bench.shake_hands();
    let mut at = 0;
    for part in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHo",
        "st: Evil.Example\r\n",
        "\r\n",
        "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n",
    ] {
        bench.say(at, part.as_bytes());
        at += part.len();
    }
    let told =
        ["192.0.2.1", "evil.example", "other.example"].map(|host| format!("Answered Http {CLIENT} {SERVER} {host}"));
    assert_eq!(bench.words(), told);
    assert_eq!((bench.counts.requests, bench.greetings.len(), bench.greetings.kept_octets()), (3, 0, 0));
}

#[test]
fn a_syn_overtaken_by_its_answer_still_says_where_the_stream_begins() {
    let stream = records(&named("evil.no"), 1 << 14);
    let (front, back) = stream.split_at(200);
    let mut bench = Bench::new();
    bench.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
    bench.tcp(CLIENT, SERVER, ISN, SYN, &[]);
    bench.say(200, back);
    bench.say(0, front);
    assert_eq!(bench.names(), ["evil.no"]);
}

#[test]
fn data_in_the_syn_and_probes_before_the_hello_do_not_disturb() {
    let stream = records(&named("evil.example"), 16384);
    let mut bench = Bench::new();
    bench.tcp(CLIENT, SERVER, ISN, SYN, &stream[..40]);
    bench.stands = ISN.wrapping_add(41);
    bench.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
    bench.tcp(CLIENT, SERVER, ISN, ACK, &[0]);
    bench.say(40, &stream[40..]);
    assert_eq!(bench.names(), ["evil.example"]);
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.tcp(CLIENT, SERVER, ISN, ACK, &[0]);
    bench.say(100, &stream[100..]);
    bench.tcp(CLIENT, SERVER, ISN.wrapping_sub(3), ACK, &[&[0; 4], &stream[..100]].concat());
    assert_eq!(bench.names(), ["evil.example"]);
}

#[test]
fn s5_what_is_no_greeting_costs_a_few_looks_and_no_memory() {
    let mut bench = Bench::new();
    bench.shake_hands();
    for at in 0..GREETING_SEGMENTS_MAX {
        bench.say(usize::from(at) * 1000, &[0x80; 1000]);
        bench.tcp(SERVER, CLIENT, 6 + u32::from(at), ACK, b"\x17\x03\x03");
    }
    bench.say(16_000, &records(&named("late.example"), 16384));
    assert!(bench.read.is_empty(), "looked at for long enough");
    for _ in 0..100 {
        bench.udp(CLIENT, SERVER, &[0x40; 1200]);
        bench.udp(SERVER, CLIENT, &[0x40; 1200]);
    }
    assert!(bench.greetings.table.iter().next().is_none() && bench.greetings.space.capacity() == 0);
    assert_eq!(bench.counts, GreetingCounts::default());
}

#[test]
fn junk_in_front_of_a_quic_hello_does_not_hide_it() {
    let message = named("evil.example");
    let mut bench = Bench::new();
    for _ in 0..1000 {
        bench.udp(CLIENT, SERVER, &[0x40]);
    }
    bench.udp(CLIENT, SERVER, &Sender::new(1, &[3; 8]).packet(0, &crypto(&message, 0..message.len())));
    assert_eq!(bench.names(), ["evil.example"]);
}

#[test]
fn every_version_of_quic_is_read() {
    let message = named("evil.example");
    for version in &VERSIONS {
        let mut bench = Bench::new();
        let sender = Sender::new(version.number(), &[3; 8]);
        bench.udp(CLIENT, SERVER, &sender.packet(0, &crypto(&message, 0..message.len())));
        assert_eq!(bench.words(), [format!("Unanswered Quic {CLIENT} {SERVER} evil.example")]);
        assert!(bench.greetings.is_empty());
        let Greeted::Hello(hello) = &bench.read[0].1 else { panic!("no hello") };
        assert!(hello.ja4.unwrap().as_str().starts_with("q13d0205h2_"));
    }
}

#[test]
fn the_keys_stay_when_the_server_chooses_another_connection_id() {
    let message = named("evil.example");
    let mut bench = Bench::new();
    let mut sender = Sender::new(1, &[3; 8]);
    bench.udp(CLIENT, SERVER, &sender.packet(0, &crypto(&message, 0..200)));
    // What the server says to the client's own id opens with no key of ours, and is not even tried.
    bench.udp(SERVER, CLIENT, &Sender { destination: vec![8; 8], ..sender.clone() }.packet(0, &[1]));
    sender.destination = vec![4; 20];
    bench.udp(CLIENT, SERVER, &[0x40; 30]);
    bench.udp(CLIENT, SERVER, &sender.packet(1, &[crypto(&message, 150..message.len()), vec![1, 0]].concat()));
    assert_eq!(bench.names(), ["evil.example"]);
    assert_eq!(bench.counts, GreetingCounts { hellos: 1, ..GreetingCounts::default() });
}

#[test]
fn after_a_retry_the_client_begins_anew() {
    let message = named("evil.example");
    let mut bench = Bench::new();
    let first = Sender::new(1, &[3; 8]);
    bench.udp(CLIENT, SERVER, &first.packet(0, &crypto(&message, 0..200)));
    let retry = [&[first.version.retry_first()][..], &[0, 0, 0, 1, 3, 1, 2, 3, 8], &[5; 8], &[7; 40]].concat();
    bench.udp(SERVER, CLIENT, &retry);
    let anew = Sender { token: vec![7; 24], ..Sender::new(1, &[5; 8]) };
    bench.udp(CLIENT, SERVER, &anew.packet(1, &crypto(&message, 200..message.len())));
    assert!(bench.read.is_empty(), "what came before counts no more");
    bench.udp(CLIENT, SERVER, &anew.packet(2, &crypto(&message, 0..200)));
    assert_eq!(bench.names(), ["evil.example"]);
}

#[test]
fn s5_packets_that_do_not_open_are_tried_a_few_times_only() {
    let mut bench = Bench::new();
    let message = named("evil.example");
    let mut forged = Sender::new(1, &[3; 8]);
    forged.destination = vec![4; 8];
    for _ in 0..100 {
        bench.udp(CLIENT, SERVER, &forged.packet(0, &crypto(&message, 0..message.len())));
    }
    assert_eq!(bench.counts.refused.of(BadHello::NotAuthentic), u64::from(QUIC_TRIES_MAX));
    bench.udp(CLIENT, SERVER, &Sender::new(1, &[3; 8]).packet(0, &crypto(&message, 0..message.len())));
    assert!(bench.read.is_empty(), "the bound is said in SECURITY.md");
    let mut bench = Bench::new();
    bench.udp(CLIENT, SERVER, &Sender::new(1, &[3; 8]).packet(0, &crypto(&message, 0..10)));
    let mut forged = Sender::new(1, &[6; 8]);
    for at in 10..110 {
        forged.destination = vec![at; 8];
        bench.udp(CLIENT, SERVER, &forged.packet(0, &crypto(&message, 0..message.len())));
    }
    assert!(bench.counts.refused.total() <= 1 + u64::from(QUIC_TRIES_MAX) && bench.greetings.is_empty());
    assert!(bench.read.is_empty());
}

#[test]
fn what_cannot_be_read_is_refused_by_reason() {
    let long = [&[1, 1, 0, 0][..], &[0; HELLO_MAX_OCTETS]].concat();
    let mut alert = records(&named("evil.example"), 100);
    alert[105] = 21;
    let short = records(&[1, 0, 0, 2, 3, 3], 100);
    let head = format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(HTTP_HEAD_MAX_OCTETS / 6));
    for (stream, reason) in [
        (records(&long, 16384), BadHello::TooLong),
        (alert, BadHello::OtherRecord),
        (short, BadHello::CutShort),
        ([&[22, 3, 1, 0, 1, 1][..], &[22, 3, 1, 0, 0].repeat(HELLO_RECORDS_MAX)].concat(), BadHello::TooManyRecords),
        (head.into_bytes(), BadHello::HeadTooLong),
    ] {
        for cut in [stream.len(), 1000, 100] {
            let mut bench = Bench::new();
            bench.shake_hands();
            for (at, part) in (0..).step_by(cut).zip(stream.chunks(cut)) {
                bench.say(at, part);
            }
            assert_eq!((bench.counts.refused.of(reason), bench.counts.refused.total()), (1, 1), "{reason} {cut}");
            // What may be the beginning of another waits for its rest.
            assert!(bench.read.is_empty() && bench.greetings.kept_octets() < 4_000, "{reason} {cut}");
        }
    }
}

#[test]
fn s4_gaps_that_are_never_filled_are_given_up_and_counted() {
    let stream = records(&named("evil.example"), 16384);
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &stream[..100]);
    bench.say(150, &stream[150..]);
    let sender = Sender::new(1, &[3; 8]);
    bench.udp(CLIENT, SERVER, &sender.packet(0, &crypto(&named("evil.example"), 0..10)));
    assert_eq!(bench.greetings.len(), 2);
    bench.now += 1 + GREETING_TIMEOUT_S as i64;
    bench.udp("10.0.0.9:1", SERVER, &[]);
    assert_eq!((bench.counts.given_up, bench.greetings.len(), bench.greetings.kept_octets()), (2, 0, 0));
    bench.say(100, &stream[100..150]);
    assert!(bench.read.is_empty(), "its place may hold another's");
    // Beyond the bound, nothing is kept.
    let mut bench = Bench::new();
    bench.shake_hands();
    for at in (100..GREETING_MAX_OCTETS + 9000).step_by(500) {
        bench.say(at, &[0; 500]);
    }
    assert_eq!((bench.counts.given_up, bench.greetings.len()), (0, 1));
    assert!(bench.greetings.kept_octets() < 2 * GREETING_MAX_OCTETS);
}

#[test]
fn s4_a_flood_of_half_hellos_stays_within_the_budget_and_hides_nobody() {
    let stream = records(&named("flood.example"), 16384);
    let wanted = records(&named("needle.example"), 16384);
    let mut bench = Bench::new();
    for round in 0..20_000u32 {
        let src = format!("10.{}.{}.1:{}", 1 + round / 65_536, (round / 256) % 256, 1 + round % 256);
        bench.tcp(&src, SERVER, 7, SYN, &[]);
        // The later half costs as much memory as lies before it.
        let (at, part) = if round % 2 == 0 { (0, &stream[..200]) } else { (17_000, &stream[200..]) };
        bench.tcp(&src, SERVER, 8 + at, ACK, part);
        if round % 1000 == 0 {
            let src = format!("10.200.0.1:{}", 1 + round / 1000);
            bench.tcp(&src, SERVER, 7, ACK, &wanted[..300]);
            bench.tcp(&src, SERVER, 307, ACK, &wanted[300..]);
        }
    }
    let names = bench.names();
    assert_eq!(names.iter().filter(|name| *name == "needle.example").count(), 20);
    assert!(bench.words().iter().all(|word| word.contains("CutTls") || word.ends_with("needle.example")));
    assert!(bench.counts.evicted > 10_000);
    bench.end();
    assert_eq!((bench.greetings.len(), bench.greetings.kept_octets()), (0, 0));
}
