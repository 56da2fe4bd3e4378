//! Batches in columns: every record comes back octet for octet, and nothing that lies does harm.

use super::*;
use crate::alert::{Circumstances, Evidence, Level, Where, Zone};
use crate::codec::Text;
use crate::id::Pseudonym;
use crate::indicator::{Marks, Severity};
use crate::limits::DICTIONARY_MAX_ENTRIES;
use crate::observation::Protocol;
use crate::record::{LossReason, SensorEvent};
use proptest::prelude::*;
use std::net::IpAddr;

const EPOCH: Epoch = Epoch(9);

/// One of each kind, for golden vectors.
pub(crate) fn samples() -> Vec<RecordBody> {
    let seen_at =
        |server: Option<&str>, port, protocol| Where { server: server.map(|own| own.parse().unwrap()), port, protocol };
    let opened = AlertOpened {
        site: SiteId(0),
        indicator: IndicatorId(300),
        revision: Revision(2),
        severity: Severity::High,
        marks: Marks { exercise: true, retro: false },
        client: Some(Pseudonym(0x0123_4567_89ab_cdef)),
        zone: Zone { id: 7, confidentiality: Level::High, ..Zone::default() },
        direction: Direction::Outbound,
        evidence: Evidence::Contacted,
        circumstances: Circumstances { looked_up_by_other: true, ..Circumstances::default() },
        labels_left: 1,
        seen_at: seen_at(Some("203.0.113.9"), Some(443), Protocol::TCP),
        first_seen: Timestamp(1_763_733_899_900_000),
        last_seen: Timestamp(1_763_733_899_950_000),
        count: 3,
    };
    let inbound = AlertOpened {
        client: None,
        direction: Direction::Inbound,
        seen_at: seen_at(Some("2001:db8::7"), None, Protocol::ICMPV6),
        ..opened.clone()
    };
    let updated = AlertUpdated {
        alert: Seq(5),
        count_increase: 250,
        first_seen: Timestamp(1_763_733_899_900_000),
        last_seen: Timestamp(1_763_733_899_990_000),
        evidence: Evidence::DataOut,
        circumstances: Circumstances { possible_contact: true, ..Circumstances::default() },
        seen_at: seen_at(None, Some(53), Protocol::UDP),
        regularity: Some(Regularity { contacts: 10, median_interval_ms: 300_000, spread_ms: 0 }),
        closed: true,
    };
    let open = AlertUpdated { regularity: None, closed: false, ..updated.clone() };
    vec![
        RecordBody::Opened(opened.clone()),
        RecordBody::Opened(opened),
        RecordBody::Opened(inbound),
        RecordBody::Updated(updated),
        RecordBody::Updated(open),
    ]
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Low), Just(Level::Medium), Just(Level::High)]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..4, 0u64..100_000, any::<u64>()]
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![1_763_733_900_000_000i64..1_763_733_960_000_000, any::<i64>()].prop_map(Timestamp)
}

fn seen_at() -> impl Strategy<Value = Where> {
    let server = prop_oneof![
        Just(None),
        any::<[u8; 4]>().prop_map(|own| Some(IpAddr::from(own))),
        any::<[u8; 16]>().prop_map(|own| Some(IpAddr::from(own)))
    ];
    (server, any::<Option<u16>>(), any::<u8>()).prop_map(|(server, port, protocol)| Where {
        server,
        port,
        protocol: Protocol(protocol),
    })
}

fn how() -> impl Strategy<Value = (Evidence, Circumstances)> {
    (0usize..6, any::<[bool; 3]>()).prop_map(|(step, [by_resolver, looked_up_by_other, possible_contact])| {
        (Evidence::ALL[step], Circumstances { by_resolver, looked_up_by_other, possible_contact })
    })
}

prop_compose! {
    fn opened()(
        (indicator, revision, count) in (number(), number(), number()),
        (site, severity, exercise, retro, inbound, labels_left) in (0u16..3, 0u8..5, any::<bool>(), any::<bool>(), any::<bool>(), any::<u8>()),
        client in prop_oneof![Just(None), (0u64..40).prop_map(Some), any::<u64>().prop_map(Some)],
        (id, confidentiality, integrity, availability) in (any::<u16>(), level(), level(), level()),
        (evidence, circumstances) in how(), seen_at in seen_at(), first_seen in time(), last_seen in time(),
    ) -> RecordBody {
        RecordBody::Opened(AlertOpened {
            site: SiteId(site), indicator: IndicatorId(indicator), revision: Revision(revision),
            severity: Severity::from_level(severity), marks: Marks { exercise, retro },
            client: client.map(Pseudonym), zone: Zone { id, confidentiality, integrity, availability },
            direction: if inbound { Direction::Inbound } else { Direction::Outbound },
            evidence, circumstances, labels_left, seen_at, first_seen, last_seen, count,
        })
    }
}

prop_compose! {
    fn updated()(
        alert in number(), count_increase in number(), first_seen in time(), last_seen in time(),
        (evidence, circumstances) in how(), seen_at in seen_at(),
        regularity in prop::option::of((any::<u32>(), number(), number())), closed in any::<bool>(),
    ) -> RecordBody {
        RecordBody::Updated(AlertUpdated {
            alert: Seq(alert), count_increase, first_seen, last_seen, evidence, circumstances, seen_at,
            regularity: regularity.map(|(contacts, median_interval_ms, spread_ms)| Regularity { contacts, median_interval_ms, spread_ms }),
            closed,
        })
    }
}

fn body() -> impl Strategy<Value = RecordBody> {
    prop_oneof![
        4 => opened(),
        3 => updated(),
        1 => Just(RecordBody::Loss { from: Seq(4), to: Seq(300), reason: LossReason::SpoolDamaged }),
        1 => "[a-z]{0,40}".prop_map(|text| RecordBody::Event(SensorEvent::Started { version: Text::cut(&text) })),
    ]
}

/// Octets as a spool may hold them: records, and what no program of ours has written.
fn record() -> impl Strategy<Value = Vec<u8>> {
    let sound = (time(), body()).prop_map(|(time, body)| Record { time, body }.to_octets().unwrap());
    // A number written longer than need be is read all the same, and would come back shorter.
    let long_winded = Just([&[0xfb, 5, 0][..], &[2, 4, 5, 0]].concat());
    prop_oneof![8 => sound, 1 => long_winded, 1 => prop::collection::vec(any::<u8>(), 0..80)]
}

fn batch(first_seq: u64, records: Vec<Vec<u8>>) -> Batch {
    Batch { epoch: EPOCH, first_seq: Seq(first_seq), records }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn d2_every_record_of_a_session_comes_back_octet_for_octet(
        batches in prop::collection::vec((prop::collection::vec(record(), 1..30), 0u64..3), 1..6)
    ) {
        let (mut packer, mut unpacker) = (Packer::default(), Unpacker::default());
        let mut seq = 1u64;
        for (records, back) in batches {
            // Now and then a batch goes back to what was sent before.
            seq = seq.saturating_sub(back).max(1);
            let sent = batch(seq, records);
            seq += sent.records.len() as u64;
            let packed = packer.pack(&sent);
            prop_assert_eq!(unpacker.unpack(EPOCH, &packed), Ok(sent));
        }
    }

    #[test]
    fn p1_any_octets_are_a_batch_within_its_bounds_or_refused(
        octets in prop::collection::vec(any::<u8>(), 0..200), place in any::<prop::sample::Index>(), with in any::<u8>(), cut in 0usize..400
    ) {
        let mut unpacker = Unpacker::default();
        let records = samples().into_iter().map(|body| Record { time: Timestamp(5), body }.to_octets().unwrap()).collect();
        let mut sound = Packer::default().pack(&batch(4, records));
        // Behind the door: a sound batch with one octet changed, or cut.
        let at = place.index(sound.octets.len());
        sound.octets[at] = with;
        sound.octets.truncate(cut.max(at));
        for octets in [octets.clone(), [&[FORGET, 1, 9][..], &octets].concat(), sound.octets] {
            if let Ok(batch) = unpacker.unpack(EPOCH, &CompactBatch { octets }) {
                prop_assert!((1..=BATCH_MAX_RECORDS).contains(&batch.records.len()));
                prop_assert!(batch.records.iter().map(Vec::len).sum::<usize>() <= BATCH_UNPACKED_MAX_OCTETS);
                prop_assert!(batch.records.iter().all(|record| record.len() <= RECORD_MAX_OCTETS));
            }
        }
    }
}

fn sample_records(count: usize, host: impl Fn(usize) -> u64) -> Vec<Vec<u8>> {
    let Some(RecordBody::Opened(sample)) = samples().into_iter().next() else { return Vec::new() };
    let opened = |n| RecordBody::Opened(AlertOpened { client: Some(Pseudonym(host(n))), ..sample.clone() });
    (0..count).map(|n| Record { time: Timestamp(5), body: opened(n) }.to_octets().unwrap()).collect()
}

#[test]
fn d2_a_batch_that_goes_back_begins_anew_and_one_that_does_not_is_refused() {
    let (mut packer, mut unpacker) = (Packer::default(), Unpacker::default());
    let first = batch(1, sample_records(5, |n| n as u64));
    let next = batch(6, sample_records(5, |n| n as u64));
    assert_eq!(unpacker.unpack(EPOCH, &packer.pack(&first)), Ok(first.clone()));
    let packed = packer.pack(&next);
    assert_eq!(packed.octets[0], 0, "what follows builds on what was said");
    assert_eq!(unpacker.unpack(EPOCH, &packed), Ok(next));
    // The collector has asked for the first again: it may be another process by now that hears it.
    let again = packer.pack(&first);
    assert_eq!(again.octets[0], FORGET);
    assert_eq!(Unpacker::default().unpack(EPOCH, &again), Ok(first.clone()));
    // Whoever goes back without beginning anew speaks of entries the other end may not have.
    let mut lying = again;
    lying.octets[0] = 0;
    assert!(unpacker.unpack(EPOCH, &lying).is_err());
    assert!(Unpacker::default().unpack(EPOCH, &lying).is_err());
}

#[test]
fn a_dictionary_that_is_full_is_forgotten_before_the_next_batch() {
    let (mut packer, mut unpacker) = (Packer::default(), Unpacker::default());
    let mut seq = 1;
    let mut forgot = 0;
    for round in 0..6u64 {
        let sent = batch(seq, sample_records(800, |n| round * 800 + n as u64));
        seq += 800;
        let packed = packer.pack(&sent);
        forgot += packed.octets[0];
        assert_eq!(unpacker.unpack(EPOCH, &packed), Ok(sent));
    }
    assert_eq!(forgot, 3, "the first, and after each {DICTIONARY_MAX_ENTRIES} hosts");
}

#[test]
fn p1_a_few_octets_never_become_more_than_a_batch() {
    // Columns of one value make many records of few octets; together they stay below a batch's bound.
    let small = Packer::default().pack(&batch(1, sample_records(BATCH_MAX_RECORDS, |_| 7)));
    assert!(small.octets.len() < 120, "{}", small.octets.len());
    let back = Unpacker::default().unpack(EPOCH, &small);
    let largest = sample_records(BATCH_MAX_RECORDS, |_| 7).iter().map(Vec::len).sum::<usize>();
    match back {
        Ok(batch) => assert!(largest <= BATCH_UNPACKED_MAX_OCTETS && batch.records.len() == BATCH_MAX_RECORDS),
        Err(refused) => {
            assert!(largest > BATCH_UNPACKED_MAX_OCTETS && matches!(refused, Malformed::TooLarge { .. }), "{refused:?}")
        }
    }
    for octets in [&[FORGET, 1, 0][..], &[2, 1, 1], &[FORGET, 1, 0xff, 0xff, 3], &[FORGET, 1, 1, 0, 3]] {
        assert!(Unpacker::default().unpack(EPOCH, &CompactBatch { octets: octets.to_vec() }).is_err(), "{octets:?}");
    }
}

/// What a search found: the last numbers of 64 bits were counted beyond their end.
#[test]
fn p1_numbers_that_would_run_out_of_their_bits_are_refused() {
    let record = Record { time: Timestamp(1), body: samples().remove(0) }.to_octets().unwrap();
    for first in [u64::MAX, u64::MAX - 1, i64::MAX as u64] {
        let batch = Batch { epoch: EPOCH, first_seq: Seq(first), records: vec![record.clone()] };
        let mut octets = vec![FORGET];
        write_varint(&mut octets, first);
        write_varint(&mut octets, 1);
        let honest = Packer::default().pack(&Batch { first_seq: Seq(0), ..batch });
        octets.extend_from_slice(honest.octets.get(3..).unwrap());
        let refused = Unpacker::default().unpack(EPOCH, &CompactBatch { octets });
        assert!(matches!(refused, Err(Malformed::Refused(_))), "{first}: {refused:?}");
    }
}
