//! One function for each decoder that reads foreign bytes: `tests/fuzz` searches with it, `tests/tests/corpus.rs` replays
//! what was found. It may only name what the fuzzing crate has too (`tests/fuzz/Cargo.toml`).
//!
//! What each may do with any bytes: return. A panic, an endless loop or memory without bound is a finding. Where a
//! checksum, a signature or a cipher would stop every mutation at the door, the target puts it on itself, so that what
//! lies behind is searched too.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use ed25519_dalek::SigningKey;
use serde_json::value::RawValue;
use varde_agent::dns;
use varde_agent::hello::{BadHello, Opening, http, quic, tls};
use varde_agent::io::capture::{Capture, FileCapture, Step};
use varde_agent::observe::{ObserveSettings, Observer};
use varde_agent::packet::{self, Fragment, Frame, LinkType, Packet, Transport};
use varde_agent::sensor::{Sensor, SensorSettings};
use varde_agent::spool::{self, FileName, Loss};
use varde_common::codec::{self, FrameHeader};
use varde_common::compact::{CompactBatch, Packer, Unpacker};
use varde_common::id::{Epoch, IndicatorId, Revision, Seq};
use varde_common::indicator::{Indicator, Pattern, Target as Wanted};
use varde_common::list::{CHANNEL_ALL, Manifest, write_base};
use varde_common::matcher::{IndicatorSet, Overlay, Seed};
use varde_common::message::{ToAgent, ToCollector};
use varde_common::name::DomainName;
use varde_common::observation::Protocol;
use varde_common::plain;
use varde_common::record::Record;
use varde_common::time::Timestamp;
use varde_common::token::Token;
use varde_common::trust::{self, Domain, Role, Roles, Root};

use crate::sealed::{self, DIALECTS};

/// A target: a name, which is its folder's in the corpus too, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them. A new decoder gets its line here, a function below, a file in
/// `tests/fuzz/targets/` and a folder of seeds in `tests/fuzz/corpus/`.
pub const TARGETS: [Target; 15] = [
    ("batch", batches),
    ("capture_file", capture_file),
    ("dns", dns_message),
    ("frame", frame),
    ("hello", hello),
    ("http", http_head),
    ("initial", initial),
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
    let section = message.answer_section();
    assert!(section.answers.len() <= varde_agent::limits::ANSWERS_MAX);
    let shared = message.answers_to(&message.qname().to_owned());
    assert_eq!((shared.answers, shared.beyond), (section.answers, section.beyond), "whoever holds the name");
}

fn read_hello(body: &[u8]) {
    let Ok(hello) = tls::ClientHello::read(body) else { return };
    let counts = [hello.ciphers().count(), hello.extensions().count(), hello.alpn().count()];
    assert!(counts.iter().all(|&count| count <= body.len()));
    let _ = (hello.versions().map(Iterator::count), hello.signature_algorithms().count());
}

/// The beginning of a TCP stream that may hold a ClientHello, whole and in segments, as the observer reads it; a ClientHello
/// by itself; one out of QUIC's CRYPTO frames.
pub fn hello(octets: &[u8]) {
    for segment in [octets.len(), octets.len() / 2 + 1, 7] {
        let mut observer = Observer::new(ObserveSettings::default());
        for (seq, payload) in (1u32..).step_by(segment.max(1)).zip(octets.chunks(segment.max(1))) {
            let (src_port, dst_port, flags) = (40_000, 443, packet::tcp_flags::ACK);
            let transport = Transport::Tcp { src_port, dst_port, seq, ack: 1, flags, urgent: 0, payload };
            take(&mut observer, 0, ([10, 0, 0, 1], [192, 0, 2, 1]), transport);
        }
        observer.close_all();
        while observer.poll_seen().is_some() {}
    }
    if let Opening::Whole(body) = tls::find_hello_in_quic(octets) {
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
    let mut observer = Observer::new(ObserveSettings::default());
    send_datagram(&mut observer, octets);
    // What was kept of it must bear being sent again.
    send_datagram(&mut observer, octets);
    observer.close_all();
    while observer.poll_seen().is_some() {}
}

fn send_datagram(observer: &mut Observer, payload: &[u8]) {
    let transport = Transport::Udp { src_port: 40_000, dst_port: 443, payload };
    take(observer, 0, ([10, 0, 0, 1], [192, 0, 2, 1]), transport);
}

/// Shows the observer a packet from one end to the other.
fn take(observer: &mut Observer, seconds: i64, (src, dst): ([u8; 4], [u8; 4]), transport: Transport<'_>) {
    let packet = Packet {
        time: Timestamp::from_unix(seconds, 1_000),
        source: 0,
        src: src.into(),
        dst: dst.into(),
        protocol: if matches!(transport, Transport::Udp { .. }) { Protocol::UDP } else { Protocol::TCP },
        octets: 100,
        fragment: Fragment::Whole,
        transport,
    };
    observer.handle_packet(&packet, packet.time, &mut |_| {});
    while observer.poll_seen().is_some() {}
}

/// Initial packets as a client seals them: the first octet says in which dialect; then for each packet, whether it goes
/// to another connection id (as after a Retry) and whether the next one shares its datagram, its number, its length and
/// its frames.
pub fn initial(octets: &[u8]) {
    let Some((&first, mut rest)) = octets.split_first() else { return };
    let dialect = &DIALECTS[usize::from(first) % DIALECTS.len()];
    let mut observer = Observer::new(ObserveSettings::default());
    let (mut datagram, mut chosen, mut is_one_connection) = (Vec::new(), [7u8; 8], true);
    while let Some((&[how, number, high, low], behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high & 0x0f, low]));
        let (frames, behind) = behind.split_at(length.min(behind.len()));
        rest = behind;
        if how & 2 != 0 {
            chosen = [how; 8];
            is_one_connection = false;
        }
        let packet = sealed::seal(dialect, &chosen, &chosen, number.into(), frames);
        assert!(packet.is_some(), "whatever stands in the frames, they can be sealed");
        datagram.extend(packet.unwrap_or_default());
        if how & 1 == 0 {
            send_datagram(&mut observer, &datagram);
            datagram.clear();
        }
    }
    let refused = &observer.counts().greetings.refused;
    assert!(!is_one_connection || refused.of(BadHello::NotAuthentic) == 0, "what a client seals can be opened");
    observer.close_all();
    while observer.poll_seen().is_some() {}
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
        let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 53]);
        let ends = if from_client { (client, server) } else { (server, client) };
        let (src_port, dst_port) = if from_client { (40_000, 53) } else { (53, 40_000) };
        let transport = Transport::Tcp { src_port, dst_port, seq, ack: seq, flags, urgent: 0, payload };
        take(&mut observer, seconds, ends, transport);
        seq = seq.wrapping_add(payload.len() as u32);
    }
    observer.close_all();
    while observer.poll_seen().is_some() {}
}

static SMALL_LIST: LazyLock<Arc<IndicatorSet>> = LazyLock::new(|| Arc::new(IndicatorSet::build(indicators())));

/// One of each kind.
fn indicators() -> Vec<Indicator> {
    const PATTERNS: [&str; 7] = [
        "evil.no",
        "=www.ond.no",
        "192.0.2.0/24",
        "2001:db8::1",
        "198.51.100.7:443",
        "evil.no:8443",
        "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1",
    ];
    let patterns = PATTERNS.iter().enumerate().filter_map(|(n, text)| Some((n, text.parse::<Pattern>().ok()?)));
    patterns.map(|(n, pattern)| Indicator::bare(IndicatorId(n as u64), pattern)).collect()
}

/// Frames through a whole sensor: link type and time, a length, then so many octets.
pub fn sensor(octets: &[u8]) {
    let mut sensor = Sensor::new(SensorSettings::default(), Arc::clone(&SMALL_LIST), Revision(1));
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
            if let ToCollector::Batch(batch) = &message {
                batch.records.iter().for_each(|record| drop(Record::from_octets(record)));
            }
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

/// The batches of one session: a length, then so many octets. What is unpacked can be packed and comes back.
pub fn batches(mut octets: &[u8]) {
    let (mut unpacker, mut packer, mut again) = (Unpacker::default(), Packer::default(), Unpacker::default());
    while let Some((length, behind)) = octets.split_first_chunk() {
        let (body, behind) = behind.split_at(usize::from(u16::from_be_bytes(*length)).min(behind.len()));
        octets = behind;
        let Ok(batch) = unpacker.unpack(Epoch(5), &CompactBatch { octets: body.to_vec() }) else { continue };
        assert_eq!(again.unpack(Epoch(5), &packer.pack(&batch)), Ok(batch));
    }
}

/// What a list comes in, by how it begins: a base; a manifest or a root document; the changes of an overlay.
pub fn signed_list(octets: &[u8]) {
    match octets.first() {
        Some(b'V') if !octets.starts_with(b"VARDEOV1") => base(octets),
        Some(b'{') => document(octets),
        _ => overlay(octets),
    }
}

fn ask(set: &IndicatorSet) {
    for name in ["evil.no", "www.evil.no", "www.ond.no", "a.b.c.example"] {
        if let Ok(name) = DomainName::parse(name) {
            set.match_name(name.as_name(), |place| drop(set.indicator(place)));
        }
    }
    for address in ["192.0.2.1", "203.0.113.77", "2001:db8::1", "198.51.100.7"] {
        if let Ok(address) = address.parse() {
            set.match_address(address, |place| drop(set.indicator(place)));
        }
    }
    if let Ok(fingerprint) = "t13d1516h2_8daaf6152771_e5627efa2ab1".parse() {
        set.match_ja4(&fingerprint, |place| drop(set.indicator(place)));
    }
}

/// A base, its size put right: nothing else in it would be looked at.
fn base(octets: &[u8]) {
    let mut octets = octets.to_vec();
    let length = (octets.len() as u64).to_le_bytes();
    if let Some(size) = octets.get_mut(16..24) {
        size.copy_from_slice(&length);
    }
    let most = octets.len();
    // Whatever opened answers every question within its bounds.
    let Ok(set) = IndicatorSet::open(Arc::new(octets)) else { return };
    set.touch();
    ask(&set);
    let mut ids = Vec::new();
    for indicator in set.indicators() {
        ids.push(indicator.id);
        assert!(ids.len() <= most, "each takes an octet at least");
    }
    ids.truncate(20);
    if let Ok(changed) = set.with_overlay(&Overlay { added: indicators(), removed: ids }) {
        ask(&changed);
        assert!(changed.indicators().count() <= most + 7);
    }
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[5; 32]));
static ROOT: LazyLock<Root> = LazyLock::new(|| {
    let key = KEY.verifying_key();
    let role = Role { keys: [trust::key_id(&key)].into(), threshold: 1 };
    let keys = [(trust::key_id(&key), trust::hex(key.as_bytes()))].into();
    let roles = Roles { root: role.clone(), list: role.clone(), hunt: role, ..Roles::default() };
    Root { version: 1, expires: Timestamp::MAX, keys, roles, ca: [].into() }
});

/// The root document that trusts the targets' key, for the first seeds.
pub fn root() -> &'static Root {
    &ROOT
}

/// The targets' key, for the first seeds.
pub fn key() -> &'static SigningKey {
    &KEY
}

/// A signed document as it came, and what would be in one, signed by us.
fn document(octets: &[u8]) {
    let _ = (Manifest::verify(octets, &ROOT), Root::read_own(octets));
    let Ok(content) = serde_json::from_slice::<Box<RawValue>>(octets) else { return };
    if let Ok(signed) = trust::sign(Domain::List, &content, &[&KEY])
        && let Ok(manifest) = Manifest::accept(&signed, &ROOT, CHANNEL_ALL, Revision(0))
    {
        let again = manifest.sign(&[&KEY]).unwrap_or_default();
        assert_eq!(Manifest::verify(&again, &ROOT), Ok(manifest.clone()), "it says what it said");
        let _ = manifest.open(octets.to_vec());
    }
    if let Ok(signed) = trust::sign(Domain::Root, &content, &[&KEY])
        && let Ok(root) = Root::read_own(&signed)
    {
        let _ = (Manifest::verify(octets, &root), ROOT.next(&[0; 32], &signed));
        let again = trust::sign(Domain::Root, &root, &[&KEY]).unwrap_or_default();
        assert_eq!(Root::read_own(&again), Ok(root), "it says what it said");
    }
}

/// Changes to a list: what is added must be found, what is removed must not, and a base of the same says the same.
fn overlay(octets: &[u8]) {
    let loose = || codec::decode(octets).ok().map(|(added, removed)| Overlay { added, removed });
    let Some(changes) = Overlay::from_octets(octets).ok().or_else(loose) else { return };
    let (added, Ok(set)) = (&changes.added, SMALL_LIST.with_overlay(&changes)) else { return };
    ask(&set);
    added.iter().for_each(|indicator| assert_met(&set, indicator));
    let Ok((base, content)) = write_base(added.clone(), Seed::from_octets([3; 16])) else { return };
    let opened = Manifest::of(&base, &content, Revision(1), Timestamp(1), Timestamp::MAX).open(base);
    assert!(opened.is_ok(), "a base that was just made is refused");
    let Ok(set) = opened else { return };
    ask(&set);
    added.iter().for_each(|indicator| assert_met(&set, indicator));
}

fn assert_met(set: &IndicatorSet, indicator: &Indicator) {
    let mut met = false;
    let is_it = |place| set.indicator(place).is_some_and(|other| other.id == indicator.id);
    match &indicator.pattern.target {
        Wanted::Domain(name) | Wanted::Host(name) => set.match_name(name.as_name(), |place| met |= is_it(place)),
        Wanted::Address(address) if address.to_canonical() == *address => {
            set.match_address(*address, |place| met |= is_it(place));
        }
        Wanted::Ja4(fingerprint) => set.match_ja4(fingerprint, |place| met |= is_it(place)),
        // Only what a plain list writes is in canonical form for certain.
        Wanted::Address(_) | Wanted::Network { .. } | Wanted::Confidential(_) => return,
    }
    assert!(met, "{indicator:?} is not met");
}

/// An enrolment token: as text, and as what stands behind its checksum.
pub fn token(octets: &[u8]) {
    if let Ok(token) = codec::decode::<Token>(octets) {
        assert_eq!(Token::from_text(&token.to_text()), Ok(token));
    }
    let Ok(text) = std::str::from_utf8(octets) else { return };
    if let Ok(token) = Token::from_text(text) {
        assert_eq!(Token::from_text(&token.to_text()), Ok(token));
    }
}

/// What lies in a spool's directory: a record, a segment, a note of loss, a file's name. Also a segment whose records
/// are sound: each an octet of length and so many octets.
pub fn record(octets: &[u8]) {
    if let Ok(record) = Record::from_octets(octets) {
        assert_eq!(Record::from_octets(&record.to_octets().unwrap_or_default()), Ok(record));
    }
    let _ = (spool::scan(octets), spool::last_behind(octets, Seq(1)), Loss::from_octets(octets));
    let _ = std::str::from_utf8(octets).map(FileName::read);
    let _ = spool::read_record(octets, Seq(1));
    let (mut segment, mut rest, mut starts) = (spool::segment_header(Epoch(1), Seq(1)), octets, Vec::new());
    while let Some((&length, behind)) = rest.split_first() {
        let (payload, behind) = behind.split_at(usize::from(length).min(behind.len()));
        rest = behind;
        starts.push(segment.len());
        spool::write_record(&mut segment, Seq(starts.len() as u64), payload);
    }
    let records = starts.len() as u64;
    let whole = spool::scan(&segment).map(|scan| (scan.next, scan.good_octets, scan.damage));
    assert_eq!(whole, Some((Seq(records + 1), segment.len(), None)), "what was written is read");
    // A changed octet costs its record and what stands behind it, never what stands before it. Not one of the length: what
    // a record of another length is checked with stands in octets that were chosen.
    let middle = starts.len() / 2;
    let Some(&start) = starts.get(middle) else { return };
    let end = starts.get(middle + 1).copied().unwrap_or(segment.len());
    let at = start + 4 + octets.len() % (end - start - 4);
    if let Some(octet) = segment.get_mut(at) {
        *octet ^= 0x10;
    }
    let scan = spool::scan(&segment).map(|scan| (scan.next, scan.good_octets, scan.damage.is_some()));
    assert_eq!(scan, Some((Seq(middle as u64 + 1), start, true)), "what stands before the damage is read");
    let _ = spool::last_behind(segment.get(start..).unwrap_or_default(), Seq(middle as u64 + 1));
}
