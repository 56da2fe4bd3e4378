//! The whole sensor: each source counted for itself, parts of hellos matched, and that what is not put together concerned nobody.

mod again;

use super::*;
use crate::dns::sample;
use crate::health::Health;
use crate::hello::tls;
use crate::packet::LinkType;
use proptest::prelude::*;
use varde_common::id::IndicatorId;
use varde_common::indicator::Indicator;
use varde_common::observation::Protocol;

#[test]
fn a_part_of_a_hello_is_matched_and_is_no_observation() {
    let settings = SensorSettings {
        keep: Keep { sightings: true, ..Keep::default() },
        keep_observations: true,
        ..SensorSettings::default()
    };
    let list = vec![Indicator::bare(IndicatorId(1), "evil.example".parse().unwrap())];
    let mut sensor = Sensor::new(settings, Arc::new(IndicatorSet::build(list)), Revision(1));
    let hello = crate::hello::tls::sample::records(&crate::hello::tls::sample::named("evil.example"), 16384);
    let tcp =
        [&[0x9c, 0x40, 1, 0xbb, 0, 0, 0, 9, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0][..], &hello[..300]].concat();
    let mut ip = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1];
    ip.extend(tcp);
    let length = ip.len() as u16;
    ip[2..4].copy_from_slice(&length.to_be_bytes());
    let (time, link) = (Timestamp(1), LinkType::RawIp);
    sensor.handle_frame(&Frame { time, source: 0, link, octets: &ip, length: length.into(), vlan: None });
    sensor.close_all();
    let sighting = sensor.poll_sighting().unwrap();
    assert_eq!(sighting.observed.to_string(), "evil.example");
    let facts: Vec<Observation> = std::iter::from_fn(|| sensor.poll_observation()).collect();
    assert!(matches!(facts.as_slice(), [Observation { fact: Fact::Flow(_), .. }]), "{facts:?}");
    assert_eq!(sensor.refused()["greeting_given_up"], 1);
}

#[test]
fn every_counter_knows_its_source() {
    let mut sensor = Sensor::new(SensorSettings::default(), Arc::default(), Revision(0));
    let mut ip = [0u8; 28];
    ip[0] = 0x45;
    ip[3] = 28;
    ip[9] = 17;
    let frame =
        |source, octets| Frame { time: Timestamp(1), source, link: LinkType::RawIp, octets, length: 28, vlan: None };
    sensor.handle_frame(&frame(0, &ip));
    sensor.handle_frame(&frame(3, &ip));
    sensor.handle_frame(&frame(3, &ip[..10]));
    let of = |source| {
        let SourceHealth { packets, octets, refused, .. } = sensor.source_health(source);
        (packets, octets, refused)
    };
    assert_eq!([of(0), of(1), of(3), of(9)], [(1, 28, 0), (0, 0, 0), (1, 38, 1), (0, 0, 0)]);
    assert_eq!(sensor.health().packets, 2);
}

/// Who speaks to whom, and what.
#[derive(Debug, Clone)]
struct Said {
    after_ms: i64,
    src: ([u8; 4], u16),
    dst: ([u8; 4], u16),
    protocol: Protocol,
    payload: Vec<u8>,
}

impl Said {
    /// As an IPv4 packet.
    fn ip(&self) -> Vec<u8> {
        let (protocol, above) = match self.protocol {
            Protocol::TCP => (6, [&[0, 0, 0, 9, 0, 0, 0, 9, 0x50, 0x10, 1, 0, 0, 0, 0, 0][..], &self.payload].concat()),
            _ => (17, [&(8 + self.payload.len() as u16).to_be_bytes()[..], &[0, 0], &self.payload].concat()),
        };
        let mut octets = vec![0x45, 0];
        octets.extend((24 + above.len() as u16).to_be_bytes());
        octets.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        octets.extend([self.src.0, self.dst.0].concat());
        octets.extend([self.src.1, self.dst.1].map(u16::to_be_bytes).concat());
        octets.extend(above);
        octets
    }
}

const NAMES: [&str; 5] = ["evil.no", "a.evil.no", "fine.no", "edge.example", "late.no"];
const ADDRESSES: [[u8; 4]; 5] = [[203, 0, 113, 9], [198, 51, 100, 7], [192, 0, 2, 1], [192, 0, 2, 2], [0, 0, 0, 0]];
const CLIENTS: [[u8; 4]; 3] = [[10, 0, 0, 1], [10, 0, 0, 2], [198, 51, 100, 99]];

/// What is looked for: a name, an address, a network, and something whose time is over.
fn list() -> Arc<IndicatorSet> {
    let mut indicators: Vec<Indicator> = Vec::new();
    for (id, line) in (1..).zip(["evil.no", "203.0.113.9", "198.51.100.0/25", "late.no"]) {
        let pattern = line.parse().unwrap();
        let mut indicator = Indicator::bare(IndicatorId(id), pattern);
        if line == "late.no" {
            indicator.validity.until = Some(Timestamp(5));
        }
        indicators.push(indicator);
    }
    Arc::new(IndicatorSet::build(indicators))
}

fn data() -> impl Strategy<Value = (u16, u16, Vec<u8>)> {
    let address = prop::sample::select(&ADDRESSES[..]).prop_map(|octets| (1, 1, octets.to_vec()));
    let alias = prop::sample::select(&NAMES[..]).prop_map(|name| (5, 1, sample::labels(name)));
    let service =
        prop::sample::select(&NAMES[..]).prop_map(|name| (65, 1, [&[0, 1][..], &sample::labels(name)].concat()));
    let other = (prop::sample::select(vec![1u16, 5, 28, 16]), 0..3u16, prop::collection::vec(any::<u8>(), 0..6));
    prop_oneof![4 => address, 2 => alias, 1 => service, 1 => other]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let records = prop_oneof![4 => prop::collection::vec(data(), 0..4), 1 => prop::collection::vec(data(), 15..40)];
    let rcode = prop_oneof![4 => Just(0u8), 1 => 0..6u8];
    let name = prop::sample::select(&NAMES[..]);
    (any::<bool>(), 0..2u16, name, rcode, records, any::<bool>()).prop_map(|(asks, id, name, rcode, records, cut)| {
        let records: Vec<(u16, u16, &[u8])> = records.iter().map(|(t, c, data)| (*t, *c, data.as_slice())).collect();
        let mut octets = if asks { sample::query(id, name, 1) } else { sample::response(id, name, 1, rcode, &records) };
        if cut && records.len() > 2 {
            octets.truncate(octets.len() - 3);
        }
        octets
    })
}

fn said() -> impl Strategy<Value = Said> {
    let client = || (prop::sample::select(&CLIENTS[..]), 4000..4003u16);
    let server = || prop::sample::select(&ADDRESSES[..4]);
    let lookup = (client(), message()).prop_map(|(client, payload)| {
        let server = ([10, 0, 0, 53], 53);
        let response = payload[2] & 0x80 != 0;
        let (src, dst) = if response { (server, client) } else { (client, server) };
        (src, dst, Protocol::UDP, payload)
    });
    let hello = (client(), server(), prop::sample::select(&NAMES[..])).prop_map(|(client, server, name)| {
        let payload = tls::sample::records(&tls::sample::named(name), 16384);
        (client, (server, 443), Protocol::TCP, payload)
    });
    let other = (client(), server(), any::<bool>(), any::<bool>()).prop_map(|(client, server, back, tcp)| {
        let server = (server, 443);
        let (src, dst) = if back { (server, client) } else { (client, server) };
        (src, dst, if tcp { Protocol::TCP } else { Protocol::UDP }, vec![0; 20])
    });
    let after_ms = prop_oneof![8 => 0..2_000i64, 1 => 0..400_000i64];
    (after_ms, prop_oneof![4 => lookup, 1 => hello, 3 => other])
        .prop_map(|(after_ms, (src, dst, protocol, payload))| Said { after_ms, src, dst, protocol, payload })
}

/// Everything a sensor comes to say; another list comes into force after so many packets.
fn outcome(keep_observations: bool, all: &[Said], swap_at: usize) -> (Vec<String>, Health) {
    let keep = Keep { alerts: true, sightings: true };
    let settings = SensorSettings { keep, keep_observations, ..SensorSettings::default() };
    let mut sensor =
        Sensor::new(settings, if swap_at.is_multiple_of(2) { list() } else { Arc::default() }, Revision(1));
    let mut told = Vec::new();
    let mut time = Timestamp(0);
    for (at, said) in all.iter().enumerate() {
        if at == swap_at {
            sensor.handle_set(list(), Revision(2));
        }
        time = time.plus(std::time::Duration::from_millis(said.after_ms as u64));
        let octets = said.ip();
        let length = octets.len() as u32;
        sensor.handle_frame(&Frame { time, source: 0, link: LinkType::RawIp, octets: &octets, length, vlan: None });
    }
    sensor.close_all();
    told.extend(std::iter::from_fn(|| sensor.poll_sighting()).map(|sighting| format!("{sighting:?}")));
    told.extend(std::iter::from_fn(|| sensor.poll_alert()).map(|alert| format!("{alert:?}")));
    (told, sensor.health())
}

/// A response without its query.
fn answer(client: ([u8; 4], u16), name: &str, records: &[(u16, u16, &[u8])]) -> Said {
    let payload = sample::response(1, name, 1, 0, records);
    Said { after_ms: 10, src: ([10, 0, 0, 53], 53), dst: client, protocol: Protocol::UDP, payload }
}

/// A listed name leads to an alias, the alias to an address; or so many answers that the last is noted nowhere else.
/// Then somebody goes there.
fn story() -> impl Strategy<Value = Vec<Said>> {
    let client = (prop::sample::select(&CLIENTS[..]), 4000..4003u16);
    (client, any::<bool>(), 14..20usize).prop_map(|(client, by_alias, many)| {
        let there = [192, 0, 2, 77];
        let last: (u16, u16, &[u8]) = (1, 1, &there);
        let mut all = if by_alias {
            let alias = sample::labels("edge.example");
            vec![answer(client, "evil.no", &[(5, 1, &alias)]), answer(client, "edge.example", &[last])]
        } else {
            let mut records: Vec<(u16, u16, &[u8])> = vec![(1, 1, &[192, 0, 2, 1]); many];
            records.push(last);
            vec![answer(client, "fine.no", &records)]
        };
        let (dst, payload) = ((there, 443), vec![0; 20]);
        all.push(Said { after_ms: 10, src: client, dst, protocol: Protocol::UDP, payload });
        all
    })
}

#[test]
fn a_further_response_to_a_question_is_told_and_does_not_count_again() {
    let client = ([10, 0, 0, 1], 4000);
    let question = Said {
        src: client,
        dst: ([10, 0, 0, 53], 53),
        payload: sample::query(1, "evil.no", 1),
        ..answer(client, "evil.no", &[])
    };
    let mut all = vec![question, answer(client, "evil.no", &[(1, 1, &[192, 0, 2, 1])])];
    all.extend((2..40).map(|last| answer(client, "evil.no", &[(1, 1, &[192, 0, 2, last])])));
    // What only the second response says is another matter.
    all.push(answer(client, "evil.no", &[(1, 1, &[203, 0, 113, 9])]));
    let (told, health) = outcome(false, &all, 1);
    assert_eq!((health.sightings, health.alerts), (2, 2), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.contains("count: 1,")).count(), 2, "{told:?}");
}

proptest! {
    /// Who keeps observations is told everything; who does not, only what concerns somebody.
    #[test]
    fn what_is_not_put_together_concerned_nobody(
        all in prop::collection::vec(prop_oneof![9 => said().prop_map(|said| vec![said]), 1 => story()], 0..80),
        swap_at in 0..100usize,
    ) {
        let all = all.concat();
        prop_assert_eq!(outcome(true, &all, swap_at), outcome(false, &all, swap_at));
    }
}
