//! Promise: no clock that is wrong, and none that is set, freezes a sensor, ages out what it holds, or loses an alert.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use proptest::prelude::*;
use varde_agent::packet::{Frame, LinkType};
use varde_agent::sensor::{Sensor, SensorSettings, Statement};
use varde_agent::timeline::Timekeeper;
use varde_common::alert::Evidence;
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::Indicator;
use varde_common::matcher::IndicatorSet;
use varde_common::time::Timestamp;
use varde_tests::hostile::ethernet;
use varde_tests::traffic::dns::{Answer, Data, Question, query, response, rtype};
use varde_tests::traffic::packet::{Segment, flag, tcp, udp};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
/// The right time, and one that an unset clock or a broken frame may show.
const NOW: i64 = 1_800_000_000 * SECOND;
const YEAR_2099: i64 = 4_080_000_000 * SECOND;

/// A sensor that looks for one name and one address, and what it has stated.
struct Bench {
    sensor: Sensor,
    /// Whom each alert is about, in the order in which they opened.
    opened: Vec<Option<IpAddr>>,
    evidence: Vec<Evidence>,
    closed: usize,
    /// Counts of all alerts together.
    count: u64,
}

impl Bench {
    fn new(timekeeper: Timekeeper) -> Bench {
        let patterns = ["evil.example", "203.0.113.9"];
        let patterns = patterns.iter().zip(0..).filter_map(|(text, n)| Some((n, text.parse().ok()?)));
        let indicators = patterns.map(|(n, pattern)| Indicator::bare(IndicatorId(n), pattern));
        let set = Arc::new(IndicatorSet::build(indicators.collect()));
        let settings = SensorSettings { timekeeper, ..SensorSettings::default() };
        let sensor = Sensor::new(settings, set, Revision(1));
        Bench { sensor, opened: Vec::new(), evidence: Vec::new(), closed: 0, count: 0 }
    }

    fn fetch(&mut self) {
        while let Some(statement) = self.sensor.poll_statement() {
            match statement {
                Statement::Opened { client, body, .. } => {
                    self.opened.push(client);
                    self.evidence.push(body.evidence);
                    self.count += body.count;
                }
                Statement::Updated { body, .. } => {
                    self.evidence.push(body.evidence);
                    self.count += body.count_increase;
                    self.closed += usize::from(body.closed);
                }
                Statement::CrowdOpened { body, .. } => self.count += body.opened.count,
                Statement::CrowdUpdated { body, .. } => self.count += body.updated.count_increase,
                Statement::Braked(body) => self.count += body.count_increase,
                Statement::Demotion(_) => {}
            }
        }
    }

    fn hand(&mut self, time: i64, ip: &[u8]) {
        let octets = ethernet(ip);
        let length = octets.len() as u32;
        let link = LinkType::Ethernet;
        let frame = Frame { time: Timestamp(time), source: 0, link, octets: &octets, length, vlan: None };
        self.sensor.handle_frame(&frame);
        self.fetch();
    }

    fn tell(&mut self, time: i64) {
        self.sensor.handle_time(Timestamp(time));
        self.fetch();
    }

    fn close(&mut self) {
        self.sensor.close_all();
        self.fetch();
    }
}

fn host(n: u8) -> SocketAddr {
    ([10, 0, 0, n], 40_000).into()
}

fn asked(n: u8) -> Vec<u8> {
    let question = Question { id: n.into(), name: "evil.example", qtype: rtype::A };
    udp(host(n), ([10, 0, 0, 253], 53).into(), &query(question))
}

fn answered(n: u8, ttl_s: u32) -> Vec<u8> {
    let question = Question { id: n.into(), name: "evil.example", qtype: rtype::A };
    let answer = Answer { name: "evil.example".to_owned(), ttl_s, data: Data::A([198, 51, 100, 7].into()) };
    udp(([10, 0, 0, 253], 53).into(), host(n), &response(question, 0, &[answer]))
}

/// Three packets that shake hands.
fn handshake(from: SocketAddr, to: SocketAddr) -> [Vec<u8>; 3] {
    let segment = |sequence, acknowledgement, flags| Segment { sequence, acknowledgement, flags };
    [
        tcp(from, to, segment(100, 0, flag::SYN), &[]),
        tcp(to, from, segment(900, 101, flag::SYN | flag::ACK), &[]),
        tcp(from, to, segment(101, 901, flag::ACK), &[]),
    ]
}

/// What nobody looks for.
fn chatter(n: i64) -> Vec<u8> {
    udp(([10, 0, 1, (n % 200) as u8], 50_000).into(), ([192, 0, 2, 1], 9_999).into(), b"something")
}

const LISTED: ([u8; 4], u16) = ([203, 0, 113, 9], 443);

#[test]
fn live_a_wall_clock_that_is_set_back_freezes_nothing() {
    let mut bench = Bench::new(Timekeeper::Caller);
    bench.tell(YEAR_2099);
    for packet in handshake(host(1), LISTED.into()) {
        bench.hand(YEAR_2099, &packet);
    }
    assert_eq!((bench.opened.len(), bench.closed), (1, 0));
    bench.tell(YEAR_2099 + 7 * SECOND);
    // NTP corrects the clock; from then on nothing more is seen of the host.
    bench.tell(NOW);
    let last = Timestamp(NOW - 7 * SECOND);
    assert_eq!(bench.sensor.health().last_packet, Some(last), "a mirror that falls silent now does not seem alive");
    for second in 0..4 * 3_600 {
        bench.tell(NOW + second * SECOND);
        if second == 3_000 {
            assert_eq!(bench.closed, 0, "the connection stands an hour, then the alert waits for an hour of quiet");
        }
    }
    assert_eq!((bench.opened.len(), bench.closed), (1, 1), "and then it closes");
    bench.hand(NOW + 5 * HOUR, &chatter(0));
    assert_eq!(bench.sensor.health().flows, 2);
}

#[test]
fn live_a_wall_clock_that_is_set_forward_ends_nothing_early() {
    let mut bench = Bench::new(Timekeeper::Caller);
    bench.tell(0);
    let [syn, syn_ack, ack] = handshake(host(1), LISTED.into());
    bench.hand(0, &syn);
    bench.tell(NOW);
    bench.hand(NOW, &syn_ack);
    bench.hand(NOW, &ack);
    bench.tell(NOW + SECOND);
    assert_eq!((bench.opened.len(), bench.closed), (1, 0));
    bench.close();
    assert_eq!((bench.opened.len(), bench.closed), (1, 1));
}

#[test]
fn what_was_looked_up_before_the_clock_was_set_is_still_followed() {
    for (before, after) in [(NOW, NOW - 10 * HOUR), (YEAR_2099, NOW), (0, NOW)] {
        let mut bench = Bench::new(Timekeeper::Caller);
        bench.tell(before);
        bench.hand(before, &asked(1));
        bench.hand(before + SECOND, &answered(1, 60));
        bench.tell(before + 2 * SECOND);
        assert_eq!(bench.evidence.last(), Some(&Evidence::Answered));
        bench.tell(after);
        for packet in handshake(host(1), ([198, 51, 100, 7], 443).into()) {
            bench.hand(after + SECOND, &packet);
        }
        assert_eq!(bench.evidence.last(), Some(&Evidence::Contacted), "{before} {after}");
        // For as long as it had left, and no longer.
        let mut late = after;
        for _ in 0..1_000 {
            late += SECOND;
            bench.tell(late);
        }
        for packet in handshake(host(2), ([198, 51, 100, 7], 443).into()) {
            bench.hand(late, &packet);
        }
        assert_eq!(bench.opened.len(), 1, "{before} {after}");
    }
}

/// A capture of so many seconds with something listed in its first, and what comes of it; `also` may add frames.
fn capture(seconds: i64, mut also: impl FnMut(&mut Bench, i64)) -> Bench {
    let mut bench = Bench::new(Timekeeper::Packets);
    for packet in handshake(host(1), LISTED.into()) {
        bench.hand(NOW, &packet);
    }
    for second in 0..seconds {
        bench.hand(NOW + second * SECOND, &chatter(second % 3));
        also(&mut bench, second);
    }
    bench
}

#[test]
fn one_frame_from_the_year_2099_neither_ends_nor_freezes_anything_else() {
    let usual = capture(3 * 3_600, |_, _| {});
    let strange = capture(3 * 3_600, |bench, second| {
        if second == 5 {
            bench.hand(YEAR_2099, &chatter(7));
        } else if second == 1_800 {
            assert_eq!((bench.opened.len(), bench.closed), (1, 0), "nothing has ended early");
        }
    });
    assert_eq!((usual.opened.len(), usual.closed), (1, 1));
    assert_eq!((strange.opened.len(), strange.closed, strange.count), (1, 1, usual.count));
    assert_eq!(strange.sensor.health().flows, usual.sensor.health().flows + 1, "its own");
    let last = Timestamp(NOW + (3 * 3_600 - 1) * SECOND);
    assert_eq!(strange.sensor.health().last_packet, Some(last), "the sensor is not thought to see what it does not");
}

#[test]
fn a_capture_whose_clock_was_set_back_goes_on_ending_what_is_over() {
    let mut bench = Bench::new(Timekeeper::Packets);
    for packet in handshake(host(1), LISTED.into()) {
        bench.hand(YEAR_2099, &packet);
    }
    for second in 0..3 * 3_600 {
        bench.hand(NOW + second * SECOND, &chatter(second));
    }
    assert_eq!((bench.opened.len(), bench.closed), (1, 1));
}

#[test]
fn frames_a_little_out_of_order_change_nothing() {
    let usual = capture(3 * 3_600, |_, _| {});
    let shuffled = capture(3 * 3_600, |bench, second| bench.hand(NOW + (second - 40) * SECOND, &chatter(second % 3)));
    assert_eq!((shuffled.opened.len(), shuffled.closed), (usual.opened.len(), usual.closed));
    assert_eq!(shuffled.sensor.health().flows, usual.sensor.health().flows);
}

fn any_time() -> impl Strategy<Value = i64> {
    let near = (0i64..100).prop_map(|seconds| NOW + seconds * SECOND);
    let odd = prop_oneof![Just(0), Just(YEAR_2099), Just(i64::MIN), Just(i64::MAX), any::<i64>()];
    prop_oneof![4 => near, 1 => 0..YEAR_2099, 1 => odd]
}

proptest! {
    #[test]
    fn no_order_of_times_loses_an_alert(
        frames in prop::collection::vec((1u8..6, 0u8..4, any_time(), prop::option::weighted(0.3, any_time())), 1..150),
        timekeeper in prop_oneof![Just(Timekeeper::Packets), Just(Timekeeper::Caller)],
    ) {
        let mut bench = Bench::new(timekeeper);
        let mut met = std::collections::BTreeSet::new();
        for (n, what, time, told) in frames {
            match what {
                0 => bench.hand(time, &chatter(n.into())),
                1 => bench.hand(time, &asked(n)),
                2 => bench.hand(time, &answered(n, 60)),
                _ => bench.hand(time, &handshake(host(n), LISTED.into())[0]),
            }
            if what > 0 {
                met.insert(host(n).ip());
            }
            if let Some(told) = told {
                bench.tell(told);
            }
        }
        bench.close();
        for host in &met {
            prop_assert!(bench.opened.contains(&Some(*host)), "{host}");
        }
        prop_assert_eq!(bench.closed, bench.opened.len());
    }
}
