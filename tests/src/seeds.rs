//! The first inputs of the fuzz targets: valid ones of every kind, so that a search begins behind the doors. What a search
//! has found lies beside them in `tests/fuzz/corpus/` under other names.

use anyhow::{Context, Result, ensure};
use rustls::quic::Version;
use varde_agent::spool::{self, Loss};
use varde_common::alert::{
    AlertOpened, AlertUpdated, BrakedCount, Circumstances, CrowdOpened, CrowdUpdated, Direction, Evidence, Level,
    Regularity, Where, Zone,
};
use varde_common::codec::{self, Text};
use varde_common::compact::{CompactBatch, Packer};
use varde_common::confidential::{Confidential, ConfidentialKey, Hidden};
use varde_common::heartbeat::{BlindSpots, Evictions, Further, Heartbeat, Refusal};
use varde_common::id::{Epoch, IndicatorId, Mark, Pseudonym, Revision, SensorId, Seq, SiteId};
use varde_common::indicator::{Indicator, Marks, Pattern, Severity, Target};
use varde_common::list::{Manifest, write_base};
use varde_common::matcher::{Builder, Overlay, Seed};
use varde_common::message::{
    Batch, BrakeOutcome, ChannelOutcome, CloseReason, EnrolRefusal, Greeting, Hello, Holds, ListOutcome, Pulse,
    RootOutcome, Sight, Standing, Stream, ToAgent, ToCollector,
};
use varde_common::observation::Protocol;
use varde_common::record::{LossCounts, LossReason, Record, RecordBody, SensorEvent};
use varde_common::time::{Timestamp, Validity};
use varde_common::tlp::Tlp;
use varde_common::token::Token;
use varde_common::trust::{self, Domain};

use crate::bulk::hello::{Manner, message, records};
use crate::bulk::initial::{Spread, datagrams};
use crate::capture::{Format, LinkType};
use crate::fuzz_targets::{key, root};
use crate::hostile::corpus;
use crate::random::Random;
use crate::sealed::{DIALECTS, Dialect, crypto, seal};
use crate::traffic::Packet;

/// A first input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Of which target.
    pub target: &'static str,
    /// Its file's name.
    pub name: String,
    /// What is in it.
    pub octets: Vec<u8>,
}

/// How the name of a file with a first input begins.
pub const PREFIX: &str = "seed-";

#[derive(Debug, Default)]
struct Inputs(Vec<Input>);

impl Inputs {
    fn add(&mut self, target: &'static str, what: &str, octets: impl Into<Vec<u8>>) {
        self.0.push(Input { target, name: format!("{PREFIX}{what}"), octets: octets.into() });
    }
}

/// All of them, the same each time.
///
/// # Errors
/// When something valid cannot be made.
pub fn all() -> Result<Vec<Input>> {
    let mut inputs = Inputs::default();
    packets(&mut inputs);
    greetings(&mut inputs)?;
    files(&mut inputs);
    lists(&mut inputs)?;
    conversation(&mut inputs)?;
    Ok(inputs.0)
}

/// As the target `sensor` reads frames: link type and time, length, octets.
pub fn framed(frames: &[Vec<u8>]) -> Vec<u8> {
    let small = frames.iter().filter(|frame| frame.len() < 0x1000).take(60);
    small.flat_map(|frame| [&[8, 0x10 | (frame.len() >> 8) as u8, frame.len() as u8][..], frame].concat()).collect()
}

fn packets(inputs: &mut Inputs) {
    for (number, case) in corpus(3).into_iter().step_by(29).enumerate() {
        let first = case.frames.first().cloned().unwrap_or_default();
        let number = format!("{number:03}");
        if first.len() < 1_500 {
            inputs.add("frame", &number, [&[0, 0][..], &first].concat());
            inputs.add("dns", &number, first.get(42..).unwrap_or_default());
        }
        let framed = framed(&case.frames);
        if number.ends_with(['0', '3', '6', '9']) {
            inputs.add("sensor", &number, &framed[..framed.len().min(3_000)]);
        }
        let segments = case.frames.iter().skip(2).take(20).filter(|frame| (55..300).contains(&frame.len()));
        let segments = segments.map(|frame| [&[0x10, 0, (frame.len() - 54) as u8][..], &frame[54..]].concat());
        let segments = segments.collect::<Vec<_>>().concat();
        if !segments.is_empty() {
            inputs.add("stream", &number, segments);
        }
    }
}

fn greetings(inputs: &mut Inputs) -> Result<()> {
    let mut random = Random::seeded(9);
    for manner in [Manner::Browser, Manner::PostQuantum, Manner::Library, Manner::Quic, Manner::QuicPostQuantum] {
        let message = message(&mut random, manner, "www.example.no", &["h2", "http/1.1"]);
        let what = format!("{manner:?}").to_lowercase();
        inputs.add("hello", &format!("{what}-one-record"), records(&message, 16_384));
        inputs.add("hello", &format!("{what}-many-records"), records(&message, 100));
        inputs.add("hello", &format!("{what}-bare"), message.as_slice());
        for (version, spread) in [(Version::V1, Spread::Scrambled), (Version::V2, Spread::Plain)] {
            let packets = datagrams(&mut random, version, &[7; 8], &[], &message, spread)?;
            inputs.add("quic", &format!("{what}-{version:?}").to_lowercase(), packets.concat());
        }
        for (number, dialect) in DIALECTS.iter().enumerate() {
            let what = format!("{what}-{:08x}", dialect.version);
            let middle = message.len() / 2;
            let (front, back) =
                (crypto(dialect, &message, 0..middle), crypto(dialect, &message, middle..message.len()));
            let frames = [&[1, 0, 0][..], &back, &[0], &front].concat();
            if frames.len() < 1_400 {
                let packet = seal(dialect, &[7; 8], &[7; 8], 0, &frames).context("it can be sealed")?;
                inputs.add("quic", &what, packet);
            }
            inputs.add("initial", &what, initial(number, &[(0, &back), (2, &[&[2, 0, 0, 0, 0][..], &front].concat())]));
        }
    }
    let [first, ..] = DIALECTS;
    let scattered = scattered(&first, &message(&mut random, Manner::Quic, "evil.no", &["h3"]));
    inputs.add(
        "initial",
        "scattered",
        initial(0, &scattered.iter().map(|piece| (1, piece.as_slice())).collect::<Vec<_>>()),
    );
    decoys(inputs, &first, &message(&mut random, Manner::Quic, "evil.no", &["h3"]))?;
    for (what, head) in [
        ("get", "GET / HTTP/1.1\r\nHost: www.example.no\r\n\r\n"),
        ("post", "\r\nPOST /a HTTP/1.0\nhost:EXAMPLE.no:8080 \n\n"),
        ("connect", "CONNECT a.no:443 HTTP/1.1\r\nHost: b.no\r\n\r\n"),
        ("absolute", "GET http://abs.no/x HTTP/1.1\r\nX: y\r\n folded\r\nHost:\r\n\r\n"),
        ("upgrade", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        inputs.add("http", what, head);
    }
    Ok(())
}

/// Two hellos to one connection id, pieces that contradict one another, one hello again in other pieces, other frames.
fn decoys(inputs: &mut Inputs, dialect: &Dialect, hello: &[u8]) -> Result<()> {
    let mut other = hello.to_vec();
    other.iter_mut().skip(6).step_by(2).take(16).for_each(|octet| *octet ^= 1);
    let part = |stream: &[u8], range: std::ops::Range<usize>| crypto(dialect, stream, range);
    let (end, middle) = (hello.len(), hello.len() / 2);
    let [one, two] = [hello, &other].map(|stream| part(stream, 0..end));
    let (front, back, wrong) = (part(hello, 0..middle), part(hello, middle..end), part(&other, 0..middle));
    let done = [&[0x1e, 0x1c, 0, 0, 0][..], &one].concat();
    for (what, packets) in [
        ("second-hello", &[(0, &one[..]), (0, &two)][..]),
        ("second-in-pieces", &[(0, &two), (0, &front), (1, &back)]),
        ("contradicts", &[(0, &back), (0, &wrong), (0, &front)]),
        ("contradicts-whole", &[(0, &wrong), (0, &one), (0, &back)]),
        ("sent-again", &[(0, &one), (0, &one), (0, &back), (0, &front)]),
        ("other-frames", &[(0, &done), (0, &[0x21])]),
    ] {
        inputs.add("initial", what, initial(0, packets));
        let sealed = (0..).zip(packets).map(|(number, (_, frames))| seal(dialect, &[7; 8], &[7; 8], number, frames));
        let datagram: Option<Vec<Vec<u8>>> = sealed.collect();
        inputs.add("quic", what, datagram.context("it can be sealed")?.concat());
    }
    Ok(())
}

/// As the target `initial` reads packets: how, number, length, frames.
fn initial(dialect: usize, packets: &[(u8, &[u8])]) -> Vec<u8> {
    let one = |(number, (how, frames)): (usize, &(u8, &[u8]))| {
        let [high, low] = (frames.len() as u16).to_be_bytes();
        [&[*how, number as u8, high, low][..], frames].concat()
    };
    [vec![dialect as u8], packets.iter().enumerate().flat_map(one).collect()].concat()
}

/// A stream in pieces of forty octets, the last first.
fn scattered(dialect: &Dialect, stream: &[u8]) -> Vec<Vec<u8>> {
    let starts = (0..stream.len()).step_by(40).rev();
    starts.map(|start| crypto(dialect, stream, start..(start + 40).min(stream.len()))).collect()
}

fn files(inputs: &mut Inputs) {
    for (number, link) in LinkType::KNOWN.into_iter().enumerate() {
        for (next_generation, nanoseconds, big_endian) in
            [(false, false, false), (true, true, true), (true, false, false), (false, true, true)]
        {
            let packets = [
                Packet { time_ns: 1_700_000_000_000_000_000, vlans: vec![5], ip: vec![0x45; 61] },
                Packet { time_ns: 1, vlans: vec![], ip: vec![0x60; 80] },
            ];
            let what = format!("{number}-{next_generation}-{nanoseconds}-{big_endian}");
            let format = Format { next_generation, nanoseconds, big_endian, link };
            inputs.add("capture_file", &what, format.file(&packets));
        }
    }
    for (what, text) in [
        ("every-kind", PLAIN),
        ("odd", "\u{feff}\r\n#\n.no\n*.no\nxn--bl-zia.no\n-\n1.2.3\n1.2.3.4/33\n::/0\nja4:\n[::1\n"),
    ] {
        inputs.add("plain", what, text);
    }
}

const PLAIN: &str = "evil.no\n=www.ond.no # why\n192.0.2.0/24\n2001:db8::/32\n[2001:db8::1]:443\n192.0.2.1:8443\nevil.no:80\n\
    ja4:t13d1516h2_8daaf6152771_e5627efa2ab1\n[2001:db8::/32]:443\n\\046a.no\n";

fn indicators() -> Vec<Indicator> {
    let patterns = PLAIN.lines().filter_map(|line| line.split(" #").next()?.parse::<Pattern>().ok());
    let mut all: Vec<Indicator> =
        patterns.zip(1..).map(|(pattern, id)| Indicator::bare(IndicatorId(id), pattern)).collect();
    let key = ConfidentialKey([7; 32]);
    for (of, digest) in [
        (Hidden::Domain, [1; 16]),
        (Hidden::Ipv4, key.network([192, 0, 2, 9].into(), 32)),
        (Hidden::NetworkV6(32), [3; 16]),
    ] {
        let number = IndicatorId(1_000 + all.len() as u64);
        let target = Target::Confidential(Confidential { number, of, digest });
        all.push(Indicator {
            validity: Validity { from: Some(Timestamp(1)), until: Some(Timestamp(9)) },
            confidence: 90,
            severity: Severity::Critical,
            tlp: Tlp::Red,
            marks: Marks { exercise: true, retro: false },
            ..Indicator::bare(number, Pattern { target, port: None })
        });
    }
    all
}

fn lists(inputs: &mut Inputs) -> Result<()> {
    let (seed, all) = (Seed::from_octets([3; 16]), indicators());
    ensure!(all.len() >= 11, "a line of the plain list is no indicator any more");
    let (base, content) = write_base(all.clone(), seed)?;
    let mut builder = Builder::new(seed, ConfidentialKey([7; 32]));
    for indicator in all.iter().take(3) {
        builder.add(indicator.id, (&indicator.pattern).into(), &indicator.into())?;
    }
    inputs.add("list", "base-small", builder.finish()?.into_octets());
    inputs.add("list", "base-empty", write_base(Vec::new(), seed)?.0);
    let changes = Overlay { added: all.clone(), removed: vec![IndicatorId(1), IndicatorId(3)] };
    inputs.add("list", "changes", changes.to_octets());
    inputs.add("list", "overlay", codec::encode(&(all, vec![IndicatorId(1), IndicatorId(3)]))?);
    let manifest = Manifest::of(&base, &content, Revision(7), Timestamp(1), Timestamp::MAX);
    // The base of every kind has a map of the networks, and is little but zeros: twice the size of all other seeds.
    inputs.add("list", "manifest", serde_json::to_vec(&manifest)?);
    inputs.add("list", "manifest-signed", manifest.sign(&[key()])?);
    inputs.add("list", "root", serde_json::to_vec(root())?);
    inputs.add("list", "root-signed", trust::sign(Domain::Root, root(), &[key()])?);
    Ok(())
}

fn zone() -> Zone {
    Zone { id: 3, confidentiality: Level::High, integrity: Level::Low, availability: Level::Medium }
}

fn record_bodies() -> Vec<(&'static str, RecordBody)> {
    let (site, indicator, revision) = (SiteId(3), IndicatorId(7), Revision(2));
    let (hosts, matches, within_s) = (257, 1_001, 60);
    let demoted =
        SensorEvent::IndicatorDemoted { site, indicator, exercise: false, revision, hosts, matches, within_s };
    let again = SensorEvent::IndicatorToldAgain { site, indicator, exercise: true, revision };
    let seen_at = Where { server: Some([192, 0, 2, 1].into()), port: Some(443), protocol: Protocol::TCP };
    let opened = AlertOpened {
        site: SiteId(2),
        indicator: IndicatorId(70_000),
        revision: Revision(7),
        severity: Severity::High,
        marks: Marks { exercise: false, retro: true },
        client: Some(Pseudonym(0x0123_4567_89ab_cdef)),
        zone: zone(),
        direction: Direction::Outbound,
        evidence: Evidence::Contacted,
        circumstances: Circumstances { by_resolver: false, looked_up_by_other: true, possible_contact: false },
        labels_left: 2,
        seen_at,
        first_seen: Timestamp(1_800_000_000_000_000),
        last_seen: Timestamp(1_800_000_001_000_000),
        count: 300,
    };
    let updated = AlertUpdated {
        alert: Seq(41),
        count_increase: 17,
        first_seen: Timestamp(-5),
        last_seen: Timestamp(1_800_000_001_000_000),
        evidence: Evidence::DataOut,
        circumstances: Circumstances::default(),
        seen_at: Where { server: Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()), port: None, ..seen_at },
        regularity: Some(Regularity { contacts: 32, median_interval_ms: 60_000, spread_ms: 12 }),
        closed: true,
    };
    let text = Text::cut("0.1.0");
    let crowd_opened = CrowdOpened { opened: AlertOpened { client: None, ..opened.clone() }, hosts: 2_000 };
    let braked = BrakedCount {
        order: 7,
        site: opened.site,
        indicator: opened.indicator,
        revision: opened.revision,
        severity: opened.severity,
        marks: opened.marks,
        direction: opened.direction,
        evidence: opened.evidence,
        first_seen: opened.first_seen,
        last_seen: opened.last_seen,
        count_increase: 300,
        hosts: 2_000,
    };
    let crowd_updated = CrowdUpdated { updated: AlertUpdated { regularity: None, ..updated.clone() }, hosts: 30_000 };
    vec![
        ("opened", RecordBody::Opened(opened)),
        ("updated", RecordBody::Updated(updated)),
        ("crowd-opened", RecordBody::CrowdOpened(crowd_opened)),
        ("crowd-updated", RecordBody::CrowdUpdated(crowd_updated)),
        ("braked", RecordBody::Braked(braked)),
        ("loss", RecordBody::Loss { from: Seq(3), to: Seq(900), reason: LossReason::SpoolDamaged }),
        (
            "given-up",
            RecordBody::GivenUp {
                from: Seq(3),
                to: Seq(900),
                reason: LossReason::SpoolAged,
                counts: LossCounts { info: 890, critical: 8, ..LossCounts::default() },
            },
        ),
        ("started", RecordBody::Event(SensorEvent::Started { version: text.clone() })),
        ("in-force", RecordBody::Event(SensorEvent::ListInForce { revision: Revision(7), indicators: 1_000_000 })),
        ("refused", RecordBody::Event(SensorEvent::ListRefused { revision: Revision(8), why: text })),
        ("damaged", RecordBody::Event(SensorEvent::SpoolDamaged { octets: 77 })),
        (
            "records-ended",
            RecordBody::Event(SensorEvent::RecordsEnded {
                epoch: Epoch(9),
                from: Seq(3),
                to: Seq(900),
                may_be_sent: false,
                counts: LossCounts { high: 898, ..LossCounts::default() },
            }),
        ),
        ("unread-ended", RecordBody::Event(SensorEvent::UnreadEnded { place: 1 << 60, octets: 4_096 })),
        ("indicator-demoted", RecordBody::Event(demoted)),
        ("indicator-told-again", RecordBody::Event(again)),
    ]
}

fn conversation(inputs: &mut Inputs) -> Result<()> {
    let time = Timestamp(1_800_000_000_000_000);
    let mut records = Vec::new();
    let mut segment = spool::segment_header(Epoch(5), Seq(1));
    for (number, (what, body)) in (1..).zip(record_bodies()) {
        let octets = Record { time, body }.to_octets()?;
        spool::write_record(&mut segment, Seq(number), &octets);
        inputs.add("record", what, octets.as_slice());
        records.push(octets);
    }
    inputs.add("record", "segment", segment);
    let test = Record { time, body: RecordBody::Event(SensorEvent::SelfTest { number: 1 << 60 }) };
    inputs.add("record", "self-test", test.to_octets()?);
    let mut loss = Loss::new(Seq(1), Seq(9), LossReason::SpoolFull);
    loss.tell(Seq(1), Some(Severity::High));
    inputs.add("record", "note-of-loss", loss.to_octets(Epoch(5)));
    inputs.add(
        "record",
        "name",
        spool::FileName { epoch: Epoch(5), first: Seq(1), kind: spool::FileKind::Segment }.to_string(),
    );

    let text = |text: &str| Text::cut(text);
    let hello = Hello {
        protocol_min: 1,
        protocol_max: 1,
        agent_version: text("0.1.0"),
        epoch: Epoch(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        first_seq: Seq(1),
        next_seq: Seq(300),
        revision: Revision(7),
        root_version: 1,
        sites: vec![SiteId(0), SiteId(2)],
        clock: time,
    };
    let heartbeat = Heartbeat {
        clock: time,
        packets: 1 << 40,
        refusals: vec![Refusal { reason: text("dns_cut_short"), count: 9 }],
        evictions: Evictions { flows: 1, ..Evictions::default() },
        blind: BlindSpots { flows: 8_410, ..BlindSpots::default() },
        last_packet_ms: Some(3),
        ..Heartbeat::default()
    };
    let enrol = ToCollector::Enrol {
        sensor: SensorId(7),
        csr_der: vec![0x30, 0x82],
        proof: [9; 32],
        agent_version: text("0.1.0"),
    };
    let refused = ListOutcome::Refused { in_force: Revision(6), why: text("too old") };
    let further = Further { clock_offset_us: Some(-7), ..Further::default() };
    let pulse = Pulse { heartbeat: heartbeat.clone(), further };
    let (first, second) = compact(&records);
    inputs.add("batch", "sound", in_turn(&[first.octets.clone(), second.octets]));
    for (what, message) in [
        ("open", ToCollector::Open(Stream::Lists)),
        ("hello", ToCollector::Hello(hello)),
        ("heartbeat", ToCollector::Heartbeat(heartbeat)),
        ("batch", ToCollector::Batch(Batch { epoch: Epoch(5), first_seq: Seq(1), records })),
        ("subscribe", ToCollector::Subscribe { revision: Revision(7) }),
        ("in-force", ToCollector::ListOutcome(ListOutcome::InForce { revision: Revision(7), since: time })),
        ("refused", ToCollector::ListOutcome(refused)),
        ("enrol", enrol),
        ("ask-root", ToCollector::AskRoot),
        ("kept", ToCollector::Kept(Some(Mark(5)))),
        ("compact", ToCollector::Compact(first)),
        ("pulse", ToCollector::Pulse(pulse)),
        ("root-refused", ToCollector::RootOutcome(RootOutcome::Refused { in_force: 1, offered: 3, why: text("no") })),
        ("standing", ToCollector::Standing(Standing { told_at: Some(time), ..Standing::default() })),
        ("sight", ToCollector::Sight(Sight::default())),
        ("ask-tests", ToCollector::AskTests),
        ("newest-refused", ToCollector::NewestRefused { why: text("no") }),
        ("ask-pinned", ToCollector::AskPinned { sha256: [3; 32] }),
        ("renew", ToCollector::Renew { csr_der: vec![0x30, 0x82] }),
        ("channel-outcome", ToCollector::ChannelOutcome(ChannelOutcome::Follows { channel: text("pilot") })),
        ("ask-whole", ToCollector::AskWhole),
        ("holds", ToCollector::Holds(Holds { base: Some([4; 32]), ..Holds::default() })),
        ("ask-roots", ToCollector::AskRoots { version: 3 }),
        ("brake-taken", ToCollector::BrakeOutcome(BrakeOutcome::Taken { number: 3, since: Timestamp(5) })),
        ("brake-refused", ToCollector::BrakeOutcome(BrakeOutcome::Refused { known: 3, why: Text::cut("nei") })),
    ] {
        inputs.add("message", &format!("up-{what}"), kind_and_body(&message.to_frame()?));
    }
    let ack = ToAgent::HelloAck { protocol: 1, committed: Seq(9), reconnect_spread_ms: 900, clock: time };
    let enrolled =
        ToAgent::Enrolled { certificate_der: vec![0x30], ca_der: vec![0x30], member_name: text("Lillehammer kommune") };
    let greeting =
        Greeting { protocol: 2, committed: Seq(9), reconnect_spread_ms: 900, clock: time, mark: Mark(1 << 90) };
    for (what, message) in [
        ("hello-ack", ack),
        ("greeting", ToAgent::Greeting(greeting)),
        ("new-epoch", ToAgent::NewEpoch { committed: Seq(9) }),
        ("next-root", ToAgent::NextRoot { document: b"{}".to_vec() }),
        ("newest", ToAgent::Newest { document: b"{}".to_vec() }),
        ("renewed", ToAgent::Renewed { certificate_der: vec![0x30] }),
        ("waiting", ToAgent::Waiting),
        ("renewal-refused", ToAgent::RenewalRefused(varde_common::message::RenewalRefusal::TooLate)),
        ("channel", ToAgent::Channel { document: b"{}".to_vec() }),
        ("publication", ToAgent::Publication { manifest: b"{}".to_vec(), whole: true }),
        ("overlay-chunk", ToAgent::OverlayChunk { octets: vec![0; 40] }),
        ("brake", ToAgent::Brake { document: b"{}".to_vec() }),
        ("no-more-roots", ToAgent::NoMoreRoots { newest: 3 }),
        ("takes-tests", ToAgent::TakesTests),
        ("tested", ToAgent::Tested { number: 1 << 60, took_us: 900 }),
        ("ack", ToAgent::Ack { epoch: Epoch(5), seq: Seq(9) }),
        ("gap", ToAgent::Gap { expected: Seq(3) }),
        ("offer", ToAgent::ListOffer { manifest: b"{}".to_vec() }),
        ("chunk", ToAgent::ListChunk { octets: vec![0; 40] }),
        ("end", ToAgent::ListEnd),
        ("root", ToAgent::Root { document: b"{}".to_vec() }),
        ("enrolled", enrolled),
        ("enrol-refused", ToAgent::EnrolRefused(EnrolRefusal::TooMany)),
    ] {
        inputs.add("message", &format!("down-{what}"), kind_and_body(&message.to_frame()?));
    }
    ensure!(CloseReason::from_code(0) == CloseReason::GoingDown, "a code has changed");

    let token = Token {
        sensor: SensorId(7),
        member: text("3407"),
        quic: text("varde.example:7843"),
        enroll: text("varde.example:7844"),
        root_sha256: [3; 32],
        secret: [9; 16],
        expires: time,
    };
    inputs.add("token", "text", token.to_text());
    inputs.add("token", "octets", codec::encode(&token)?);
    inputs.add("token", "no-token", "varde1-\u{e5}");
    Ok(())
}

/// Two batches of a session, the second built on what the first has said.
fn compact(records: &[Vec<u8>]) -> (CompactBatch, CompactBatch) {
    let batch = |first: u64| Batch { epoch: Epoch(5), first_seq: Seq(first), records: records.to_vec() };
    let mut packer = Packer::default();
    (packer.pack(&batch(1)), packer.pack(&batch(1 + records.len() as u64)))
}

/// Batches as the target `batch` reads them: a length in two octets before each.
fn in_turn(batches: &[Vec<u8>]) -> Vec<u8> {
    let with_length = |octets: &Vec<u8>| [&(octets.len() as u16).to_be_bytes()[..], octets].concat();
    batches.iter().flat_map(with_length).collect()
}

/// A frame as the target `message` reads it: without length and flags.
fn kind_and_body(frame: &[u8]) -> Vec<u8> {
    [frame.get(4..6).unwrap_or_default(), frame.get(8..).unwrap_or_default()].concat()
}
