//! Promises S3 to S5: whatever bytes come, every frame is accounted for by the right counter, nothing is kept for good, and
//! a flood neither hides a needle nor costs more memory than its table. Bounded in allocations, not in time.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use varde_agent::health::Evictions;
use varde_agent::limits::FLOODED_MAX_OCTETS;
use varde_agent::packet::{Frame, LinkType};
use varde_agent::sensor::{Sensor, SensorSettings, Statement};
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::Indicator;
use varde_common::matcher::IndicatorSet;
use varde_common::time::Timestamp;
use varde_tests::allocations::{Counted, allocated, forget_peak};
use varde_tests::hostile::{Case, Expect, corpus, ethernet};
use varde_tests::random::Random;
use varde_tests::traffic::dns::{Answer, Data, Question, query, rcode, response};
use varde_tests::traffic::packet::{Segment, flag, fragments_v6, tcp, udp};

#[global_allocator]
static ALLOCATOR: Counted = Counted;

const SEED: u64 = 20_260_101;
/// Octets one case may hold while it lasts: the largest message, twice (received and being read), and its answers.
const CASE_PEAK_OCTETS: i64 = 512 * 1024;
/// Allocations per frame of a case on average: a message's answers and names.
const CALLS_PER_FRAME: u64 = 300;

fn sensor(patterns: &[&str]) -> Sensor {
    let patterns = patterns.iter().enumerate().filter_map(|(n, text)| Some((n, text.parse().ok()?)));
    let indicators = patterns.map(|(n, pattern)| Indicator::bare(IndicatorId(n as u64), pattern)).collect();
    Sensor::new(SensorSettings::default(), Arc::new(IndicatorSet::build(indicators)), Revision(1))
}

/// Hands over a frame and fetches what comes of it.
fn hand(sensor: &mut Sensor, time_us: i64, octets: &[u8]) -> usize {
    hand_over(sensor, time_us, octets);
    fetch(sensor)
}

fn hand_over(sensor: &mut Sensor, time_us: i64, octets: &[u8]) {
    let (time, length, link) = (Timestamp(time_us), octets.len() as u32, LinkType::Ethernet);
    sensor.handle_frame(&Frame { time, source: 0, link, octets, length, vlan: None });
}

/// A needle of a name of its own, which is told at once and by itself whatever else there is.
fn other_needle(sensor: &mut Sensor, host: u8, time_us: i64) {
    let client: SocketAddr = ([10, 30, 0, host], 40_001).into();
    let resolver = ([10, 20, 0, 53], 53).into();
    let question = Question { id: 7, name: "a.other.no", qtype: 1 };
    hand_over(sensor, time_us, &ethernet(&udp(client, resolver, &query(question))));
    let refused = response(question, rcode::NXDOMAIN, &[]);
    hand_over(sensor, time_us, &ethernet(&udp(resolver, client, &refused)));
    let told: Vec<Statement> = std::iter::from_fn(|| sensor.poll_statement()).collect();
    assert!(matches!(&told[..], [Statement::Opened { client: Some(host), .. }] if *host == client.ip()), "{told:?}");
}

/// What statements add to the counts of alerts.
fn counted(sensor: &mut Sensor) -> u64 {
    let count = |statement| match statement {
        Statement::Opened { body, .. } => body.count,
        Statement::Updated { body, .. } => body.count_increase,
        Statement::CrowdOpened { body, .. } => body.opened.count,
        Statement::CrowdUpdated { body, .. } => body.updated.count_increase,
        Statement::Braked(_) | Statement::Demotion(_) => 0,
    };
    std::iter::from_fn(|| sensor.poll_statement()).map(count).sum()
}

fn fetch(sensor: &mut Sensor) -> usize {
    std::iter::from_fn(|| sensor.poll_statement()).count()
}

/// The counters a case can move.
#[derive(Debug)]
struct Counters {
    accounted: u64,
    packets: u64,
    not_ip: u64,
    messages: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Counters {
    fn of(sensor: &Sensor) -> Counters {
        let (health, source) = (sensor.health(), sensor.source_health(0));
        Counters {
            accounted: source.packets + source.not_ip + source.refused + health.duplicates,
            packets: source.packets + health.duplicates,
            not_ip: source.not_ip,
            messages: health.dns_messages,
            refused: sensor.refused(),
        }
    }

    fn refused(&self, reason: &str) -> u64 {
        self.refused.get(reason).copied().unwrap_or_default()
    }
}

fn judge(case: &Case, before: &Counters, after: &Counters) -> Result<(), String> {
    let frames = case.frames.len() as u64;
    if after.accounted - before.accounted != frames {
        return Err(format!("{} of {frames} frames are accounted for", after.accounted - before.accounted));
    }
    let messages = after.messages - before.messages;
    let right = match case.expect {
        Expect::Accounted => true,
        Expect::Packets => after.packets - before.packets == frames,
        Expect::Messages(least) => messages >= least,
        Expect::Refused(reason) => messages == 0 && after.refused(reason) > before.refused(reason),
        Expect::NotIp => after.not_ip > before.not_ip,
    };
    right.then_some(()).ok_or_else(|| format!("not {:?}: before {before:?}, after {after:?}", case.expect))
}

#[test]
fn s3_every_hostile_case_moves_the_right_counter_within_bounded_memory_and_keeps_nothing() {
    let cases = corpus(SEED);
    assert!(cases.len() >= 2_000);
    let mut sensor = sensor(&["evil.no", "192.0.2.0/24"]);
    let mut time_us = 1_800_000_000_000_000;
    let mut held = Vec::new();
    let mut wrong = Vec::new();
    for round in 0..4 {
        for case in &cases {
            let before = Counters::of(&sensor);
            forget_peak();
            let start = allocated();
            for frame in &case.frames {
                time_us += 20_000;
                hand(&mut sensor, time_us, frame);
            }
            let end = allocated();
            let calls = end.calls - start.calls;
            if let Err(what) = judge(case, &before, &Counters::of(&sensor)) {
                wrong.push(format!("{}: {what}", case.name));
            }
            // The first round makes the tables.
            if round > 0 && end.peak - start.held > CASE_PEAK_OCTETS {
                wrong.push(format!("{}: held {} octets", case.name, end.peak - start.held));
            }
            if calls > CALLS_PER_FRAME * case.frames.len() as u64 {
                wrong.push(format!("{}: {calls} allocations for {} frames", case.name, case.frames.len()));
            }
            // Far enough for every timeout but a standing connection's.
            time_us += 1_000_000;
        }
        time_us += 100_000_000_000;
        sensor.handle_time(Timestamp(time_us));
        fetch(&mut sensor);
        held.push(allocated().held);
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong[..wrong.len().min(40)].join("\n"));
    let growth = held[3] - held[1];
    assert!(growth <= 64 * 1024, "{growth} octets more after two more rounds: {held:?}");
}

#[test]
fn s4_a_flood_of_flows_hides_no_needle_and_holds_no_more_than_its_tables() {
    // Each needle is another host's, and so many that most are told together (T10); one is of a name of its own.
    let mut sensor = sensor(&["needle.no", "other.no"]);
    let mut random = Random::seeded(SEED);
    let resolver = "10.20.0.53:53".parse().unwrap();
    let (mut time_us, mut needles, mut found) = (1_800_000_000_000_000, 0u64, 0u64);
    let mut peaks = Vec::new();
    for flood in 0..3u32 {
        forget_peak();
        let start = if flood == 0 { 0 } else { allocated().held };
        for number in 0..200_000u32 {
            time_us += 10;
            let source: IpAddr = (0xc600_0000u32 + (random.next_u64() as u32 >> 8)).to_be_bytes().into();
            let source = (source, random.next_u16()).into();
            let target = ([10, 20, (number >> 8) as u8, number as u8], 443).into();
            let frame = match number % 3 {
                0 => udp(source, target, &[0; 20]),
                _ => {
                    let segment = Segment { sequence: number, acknowledgement: 0, flags: flag::SYN };
                    tcp(source, target, segment, &[])
                }
            };
            hand_over(&mut sensor, time_us, &ethernet(&frame));
            found += counted(&mut sensor);
            if number % 1_000 == 999 {
                let client = ([10, 30, (needles >> 8) as u8, needles as u8], 40_000).into();
                let asked = query(Question { id: needles as u16, name: "a.needle.no", qtype: 1 });
                time_us += 10;
                needles += 1;
                hand_over(&mut sensor, time_us, &ethernet(&udp(client, resolver, &asked)));
                found += counted(&mut sensor);
            }
            if flood == 2 && number == 100_500 {
                other_needle(&mut sensor, 7, time_us);
            }
        }
        peaks.push(allocated().peak - start);
    }
    time_us += 20_000_000;
    sensor.handle_time(Timestamp(time_us));
    found += counted(&mut sensor);
    assert_eq!(sensor.health().demoted.len(), 1, "needles of one name at more than 256 hosts");
    other_needle(&mut sensor, 8, time_us);
    let health = sensor.health();
    sensor.close_all();
    found += counted(&mut sensor);
    assert_eq!((needles, health.sightings), (600, 602));
    assert_eq!(
        (found, health.alerts),
        (600, 256 + 1 + 2),
        "each is counted once; beyond 256 hosts they have one alert"
    );
    assert!(health.evictions.flows > 0, "the flood was large enough to fill the table");
    // 96 MiB are the whole sensor's (decision 11).
    assert!(peaks[0] < 80 << 20, "{peaks:?}");
    assert!(peaks[1..].iter().all(|&more| more < 4 << 20), "a flood that goes on holds no more: {peaks:?}");
}

/// What a flood is made of: packets of IPv6, of which [`flooded`] changes addresses, port and numbers.
fn templates() -> Vec<Vec<u8>> {
    let end = |groups: [u16; 8], port: u16| SocketAddr::from((groups, port));
    let client = end([0x2001, 0xdb8, 1, 0, 0, 0, 0, 1], 40_000);
    let server = end([0x2001, 0xdb8, 2, 0, 0, 0, 0, 2], 443);
    let resolver = end([0xfd20, 5, 0, 0, 0, 0, 0, 0x53], 53);
    let longest = ["x".repeat(63), "x".repeat(63), "x".repeat(63), "y".repeat(61)].join(".");
    let asked = query(Question { id: 0, name: &longest, qtype: 28 });
    let syn = Segment { sequence: 7, acknowledgement: 0, flags: flag::SYN };
    let data = Segment { sequence: 8, acknowledgement: 1, flags: flag::ACK };
    let answered = response(
        Question { id: 0, name: &longest, qtype: 28 },
        rcode::NOERROR,
        &[Answer { name: longest.clone(), ttl_s: 60, data: Data::Aaaa([0x2001, 0xdb8, 7, 0, 0, 0, 0, 7].into()) }],
    );
    let hello = [&[0x16, 3, 1, 8, 0, 1, 0, 7, 0xfc, 3, 3][..], &[7; 1_100]].concat();
    let fragment = fragments_v6(&udp(client, resolver, &[9; 3_000]), 1_400, 7).remove(0);
    vec![
        tcp(client, server, syn, &[]),
        udp(client, resolver, &asked),
        udp(client, server, &[1; 20]),
        udp(client, resolver, &asked),
        tcp(client, server, data, &hello),
        udp(resolver, client, &answered),
        // A message's length and its beginning.
        tcp(client, resolver, data, &[&[0x7f, 0xff][..], &asked, &[0; 1_000]].concat()),
        fragment,
    ]
}

/// One frame of a flood: no two have the same client.
fn flooded(frame: &mut [u8], random: u64, number: u32) {
    // The client stands first in what it sends, second in what it is sent.
    let from_client = frame[22..24] == [0x20, 1];
    let client = if from_client { 22 } else { 38 };
    frame[client + 4..client + 8].copy_from_slice(&number.to_be_bytes());
    frame[client + 8..client + 16].copy_from_slice(&random.to_be_bytes());
    let is_fragment = frame[20] == 44;
    if is_fragment {
        frame[58..62].copy_from_slice(&number.to_be_bytes());
    } else {
        let port = if from_client { 54 } else { 56 };
        frame[port..port + 2].copy_from_slice(&(1_024 + (random % 60_000) as u16).to_be_bytes());
    }
}

#[test]
fn s4_a_flood_of_a_million_clients_of_every_kind_holds_no_more_than_the_limits_say() {
    let mut frames: Vec<Vec<u8>> = templates().iter().map(|ip| ethernet(ip)).collect();
    let mut random = Random::seeded(SEED);
    forget_peak();
    let start = allocated().held;
    let mut sensor = sensor(&[]);
    let mut time_us = 1_800_000_000_000_000;
    for number in 0..1_000_000u32 {
        let kinds = frames.len();
        let frame = &mut frames[number as usize % kinds];
        flooded(frame, random.next_u64(), number);
        // Fast enough that nothing is over before its table is full.
        time_us += 5;
        hand(&mut sensor, time_us, frame);
    }
    let peak = allocated().peak - start;
    let health = sensor.health();
    let Evictions { flows, streams, pairings, fragments, .. } = health.evictions;
    let full = [flows, streams, pairings, fragments];
    assert!(full.iter().all(|&evicted| evicted > 1_000), "the flood fills every table: {:?}", health.evictions);
    assert!(peak as usize <= FLOODED_MAX_OCTETS, "{} MiB held", peak >> 20);
    println!("{} MiB held at the most, {:?}", peak >> 20, health.evictions);
}

/// Sender, its port, receiver, its port.
type Tuple = ([u8; 4], u16, [u8; 4], u16);

/// Tuples that an unkeyed hash of ports and addresses (sum, exclusive or, a multiplication without a key) throws together.
fn colliding(number: u32) -> Tuple {
    let (low, high) = (number & 0xff, number >> 8);
    let port = 1_024 + (number % 60_000) as u16;
    ([10, 20, low as u8, high as u8], port, [198, 51, high as u8, low as u8], port)
}

/// That such a set costs no more steps than any other is counted where the steps are: `s5_…` in the agent's `table`,
/// `keyed` and `flow`, in the common crate's `matcher`.
#[test]
fn s5_tuples_that_an_unkeyed_hash_throws_together_are_told_apart() {
    let flows = |tuple: fn(u32) -> Tuple| {
        let mut sensor = sensor(&["needle.no"]);
        for number in 0..60_000u32 {
            let (source, source_port, target, target_port) = tuple(number);
            let frame = udp((source, source_port).into(), (target, target_port).into(), &[0; 4]);
            hand(&mut sensor, 1_800_000_000_000_000 + i64::from(number), &ethernet(&frame));
        }
        sensor.health().flows
    };
    let spread = |number: u32| {
        let mixed = number.wrapping_mul(0x9e37_79b1);
        let [a, b, c, d] = mixed.to_be_bytes();
        ([10, 20, a, b], 1_024 + (number % 60_000) as u16, [198, 51, c, d], 443)
    };
    assert_eq!(flows(colliding), 60_000, "none is taken for another");
    assert_eq!(flows(spread), 60_000);
}
