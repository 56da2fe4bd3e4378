//! One function for each decoder that reads foreign bytes: `tests/fuzz` searches with it, `tests/tests/corpus.rs` replays
//! what was found. It may only name what the fuzzing crate has too: std, tempfile, the agent and the common crate.
//!
//! What each may do with any bytes: return. A panic, an endless loop or memory without bound is a finding.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use varde_agent::dns;
use varde_agent::hello::{Opening, http, quic, tls};
use varde_agent::io::capture::{Capture, FileCapture, Step};
use varde_agent::observe::{ObserveSettings, Observer};
use varde_agent::packet::{self, Fragment, Frame, LinkType, Packet, Transport};
use varde_agent::sensor::{Sensor, SensorSettings};
use varde_agent::spool::{self, FileName, Loss};
use varde_common::codec::FrameHeader;
use varde_common::id::{IndicatorId, Revision, Seq};
use varde_common::indicator::{Indicator, Pattern};
use varde_common::matcher::IndicatorSet;
use varde_common::message::{ToAgent, ToCollector};
use varde_common::name::DomainName;
use varde_common::observation::Protocol;
use varde_common::plain;
use varde_common::record::Record;
use varde_common::time::Timestamp;
use varde_common::token::Token;
use varde_common::trust::Root;

/// A target: a name, which is its folder's in the corpus too, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them. A new decoder gets its line here, a function below, a file in
/// `tests/fuzz/targets/` and a folder of seeds in `tests/fuzz/corpus/`.
pub const TARGETS: [Target; 13] = [
    ("capture_file", capture_file),
    ("dns", dns_message),
    ("frame", frame),
    ("hello", hello),
    ("http", http_head),
    ("list", signed_list),
    ("message", message),
    ("plain", plain_list),
    ("quic", quic_datagram),
    ("record", record),
    ("sensor", sensor),
    ("stream", stream),
    ("token", token),
];

const LINKS: [LinkType; 7] = [
    LinkType::Ethernet,
    LinkType::Null,
    LinkType::Loop,
    LinkType::Ppp,
    LinkType::RawIp,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
];

fn link(number: u8) -> LinkType {
    LINKS.get(usize::from(number) % LINKS.len()).copied().unwrap_or(LinkType::Ethernet)
}

/// A frame: the first octet says which link type, the second how much of it was not captured.
pub fn frame(octets: &[u8]) {
    let Some((&[number, uncaptured], octets)) = octets.split_first_chunk() else { return };
    let length = octets.len() as u32 + u32::from(uncaptured);
    let frame = Frame { time: Timestamp(1), source: 0, link: link(number), octets, length, vlan: None };
    let opened = packet::open(&frame);
    assert_eq!(opened.map(|opened| opened.packet), packet::decode(&frame));
    if let Ok(opened) = opened {
        assert!(opened.ip.len() <= octets.len());
        let _ = (opened.piece(), opened.is_complete());
    }
}

/// A DNS message.
pub fn dns_message(octets: &[u8]) {
    let Ok(message) = dns::read(octets) else { return };
    assert!(message.qname().to_string().len() <= 4 * 255);
    assert!(message.answer_section().answers.len() <= varde_agent::limits::ANSWERS_MAX);
}

fn read_hello(body: &[u8]) {
    let Ok(hello) = tls::ClientHello::read(body) else { return };
    let counts = [hello.ciphers().count(), hello.extensions().count(), hello.alpn().count()];
    assert!(counts.iter().all(|&count| count <= body.len()));
    let _ = (hello.versions().map(Iterator::count), hello.signature_algorithms().count());
}

/// The beginning of a TCP stream that may hold a ClientHello; a ClientHello by itself; one out of QUIC's CRYPTO frames.
pub fn hello(octets: &[u8]) {
    match tls::find_hello(octets) {
        Ok(Opening::Whole(body)) => read_hello(&body),
        Ok(Opening::Until(more)) => assert!(more > octets.len(), "it waits for what is there already"),
        Ok(Opening::Other) | Err(_) => {}
    }
    if let Ok(Opening::Whole(body)) = tls::find_hello_in_quic(octets) {
        read_hello(body);
    }
    read_hello(octets);
}

/// The beginning of a TCP stream that may hold an HTTP request: whole at once, and octet by octet with the same outcome.
pub fn http_head(octets: &[u8]) {
    let whole = http::read_on(octets, &mut http::Progress::default());
    let mut progress = http::Progress::default();
    for end in 1..=octets.len() {
        match http::read_on(&octets[..end], &mut progress) {
            Ok(Opening::Until(_)) => {}
            Ok(Opening::Whole(head)) => {
                assert!(matches!(&whole, Ok(Opening::Whole(other)) if *other == head), "it depends on the cuts");
                return;
            }
            Ok(Opening::Other) | Err(_) => return,
        }
    }
}

/// A UDP datagram that may begin a QUIC connection.
pub fn quic_datagram(octets: &[u8]) {
    let _ = quic::may_begin(octets);
    let (mut rest, mut packets) = (octets, 0);
    while let Some((_, behind)) = quic::next_packet(rest) {
        assert!(behind.len() < rest.len(), "each packet takes something");
        rest = behind;
        packets += 1;
    }
    assert!(packets <= octets.len());
}

/// Segments of one TCP connection to port 53: flags, a step in sequence, a length, then so many octets.
pub fn stream(octets: &[u8]) {
    let mut observer = Observer::new(ObserveSettings::default());
    let (mut rest, mut seq, mut seconds) = (octets, 1u32, 0i64);
    while let Some((&[flags, step, length], behind)) = rest.split_first_chunk() {
        let (payload, behind) = behind.split_at(usize::from(length).min(behind.len()));
        rest = behind;
        seq = seq.wrapping_add_signed(i32::from(step as i8));
        seconds += i64::from(flags >> 6);
        let (from_client, flags) = (flags & 0x20 == 0, flags & 0x1f);
        let (client, server) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 53]));
        let (src, dst) = if from_client { (client, server) } else { (server, client) };
        let (src_port, dst_port) = if from_client { (40_000, 53) } else { (53, 40_000) };
        let packet = Packet {
            time: Timestamp::from_unix(seconds, 0),
            source: 0,
            src,
            dst,
            protocol: Protocol::TCP,
            octets: 40 + u32::from(length),
            fragment: Fragment::Whole,
            transport: Transport::Tcp { src_port, dst_port, seq, flags, payload },
        };
        observer.handle_packet(&packet, &mut |_| {});
        seq = seq.wrapping_add(payload.len() as u32);
        while observer.poll_seen().is_some() {}
    }
    observer.close_all();
    while observer.poll_seen().is_some() {}
}

/// Frames through a whole sensor: link type and time, a length, then so many octets.
pub fn sensor(octets: &[u8]) {
    let patterns = ["evil.no", "=www.ond.no", "192.0.2.0/24", "2001:db8::1"];
    let patterns = patterns.iter().enumerate().filter_map(|(n, text)| Some((n, text.parse::<Pattern>().ok()?)));
    let indicators = patterns.map(|(n, pattern)| Indicator::bare(IndicatorId(n as u64), pattern)).collect();
    let mut sensor = Sensor::new(SensorSettings::default(), Arc::new(IndicatorSet::build(indicators)), Revision(1));
    let (mut rest, mut time, mut frames) = (octets, 0i64, 0u64);
    while let Some((&[first, high, low], behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high & 0x0f, low]));
        let (frame, behind) = behind.split_at(length.min(behind.len()));
        rest = behind;
        time += i64::from(first >> 3) * i64::from(high >> 4) * 300_000;
        let length = frame.len() as u32;
        sensor.handle_frame(&Frame {
            time: Timestamp(time),
            source: 0,
            link: link(first & 7),
            octets: frame,
            length,
            vlan: None,
        });
        frames += 1;
        while sensor.poll_statement().is_some() {}
    }
    let (source, duplicates) = (sensor.source_health(0), sensor.health().duplicates);
    assert_eq!(source.packets + source.not_ip + source.refused + duplicates, frames, "every frame is accounted for");
    sensor.close_all();
    while sensor.poll_statement().is_some() {}
}

/// A capture file, pcap or pcapng.
pub fn capture_file(octets: &[u8]) {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(octets).is_err() {
        return;
    }
    let Ok(mut capture) = FileCapture::open(file.path(), 0) else { return };
    let mut frames = 0usize;
    // Each block takes at least one octet or says that it is the end.
    for _ in 0..=octets.len() + 2 {
        let step = capture.next_block(&mut |frame| {
            assert!(frame.octets.len() <= octets.len());
            frames += 1;
        });
        if step == Ok(Step::End) {
            assert!(frames <= octets.len() / 8, "a record has a header");
            return;
        }
    }
    assert!(octets.is_empty(), "the file never ends");
}

/// A plain list.
pub fn plain_list(octets: &[u8]) {
    for line in plain::read(octets) {
        match line {
            Ok((_, pattern)) => assert_eq!(pattern.to_plain().parse::<Pattern>().as_ref(), Ok(&pattern)),
            Err(bad) => assert!(bad.to_string().len() < 4096),
        }
    }
}

/// A message of the conversation: kind, then the body; read as either direction's, and as a frame's header.
pub fn message(octets: &[u8]) {
    if let Some((header, _)) = octets.split_first_chunk() {
        let _ = FrameHeader::read(*header, 65_536);
    }
    let Some((kind, body)) = octets.split_first_chunk() else { return };
    let kind = u16::from_be_bytes(*kind);
    for kind in [kind, kind % 64] {
        if let Ok(message) = ToCollector::from_body(kind, body) {
            let frame = message.to_frame().unwrap_or_default();
            let again = frame.get(8..).map(|body| ToCollector::from_body(kind, body));
            assert_eq!(again, Some(Ok(message)));
        }
        if let Ok(message) = ToAgent::from_body(kind, body) {
            let frame = message.to_frame().unwrap_or_default();
            let again = frame.get(8..).map(|body| ToAgent::from_body(kind, body));
            assert_eq!(again, Some(Ok(message)));
        }
    }
}

/// A list's base, a root document.
pub fn signed_list(octets: &[u8]) {
    if let Ok(set) = IndicatorSet::open(Arc::new(octets.to_vec())) {
        // Whatever opened answers every question within its bounds.
        for name in ["evil.no", "www.evil.no", "a.b.c.example"] {
            if let Ok(name) = DomainName::parse(name) {
                set.match_name(name.as_name(), |place| drop(set.indicator(place)));
            }
        }
        for address in ["192.0.2.1", "203.0.113.77", "2001:db8::1"] {
            if let Ok(address) = address.parse() {
                set.match_address(address, |place| drop(set.indicator(place)));
            }
        }
        assert!(set.indicators().count() <= set.len());
    }
    let _ = Root::read_own(octets);
}

/// An enrolment token.
pub fn token(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    if let Ok(token) = Token::from_text(text) {
        assert!(Token::from_text(&token.to_text()).is_ok());
    }
}

/// What lies in a spool's directory: a record, a segment, a note of loss, a file's name.
pub fn record(octets: &[u8]) {
    if let Ok(record) = Record::from_octets(octets) {
        assert_eq!(Record::from_octets(&record.to_octets().unwrap_or_default()), Ok(record));
    }
    let _ = (spool::scan(octets), spool::last_behind(octets, Seq(1)), Loss::from_octets(octets));
    let _ = std::str::from_utf8(octets).map(FileName::read);
    let _ = spool::read_record(octets, Seq(1));
}
