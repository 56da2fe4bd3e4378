//! Initial packets: the standards' own examples, every version of the table, packets that lie.

use super::frames;
use super::keys::ClientKeys;
use super::sample::{Sender, crypto};
use super::version::{VERSIONS, find};
use super::*;
use proptest::prelude::*;

/// The destination connection id of both standards' examples (RFC 9001 and RFC 9369, appendix A).
const EXAMPLE_ID: &str = "8394c8f03e515708";
/// Their frame with the ClientHello.
const EXAMPLE_CRYPTO: &str = "\
    060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c\
    00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006\
    001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa4\
    7fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e040305\
    0306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ff\
    ff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff";

fn octets(hexadecimal: &str) -> Vec<u8> {
    let pairs: Vec<char> = hexadecimal.chars().filter(|digit| !digit.is_whitespace()).collect();
    pairs.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// A standard's example: its unprotected header, how its protected packet begins and ends.
fn example(version: u32, header: &str, begins: &str, ends: &str) -> Vec<u8> {
    let keys = ClientKeys::derive(find(version).unwrap(), &octets(EXAMPLE_ID)).unwrap();
    let mut frames = octets(EXAMPLE_CRYPTO);
    frames.resize(1162, 0);
    let packet = keys.seal(&octets(header), 4, 2, &frames);
    assert_eq!(packet.len(), 1200);
    assert_eq!(packet[..32], octets(begins), "keys and header protection");
    assert_eq!(packet[1184..], octets(ends), "the tag speaks for everything before it");
    packet
}

fn opened(packet: &[u8], keys: &ClientKeys) -> Option<(u64, Vec<u8>)> {
    let Some((Packet::Initial(initial), _)) = next_packet(packet) else { return None };
    let mut space = Vec::new();
    keys.open(&initial, None, &mut space).map(|opened| (opened.number, space[opened.frames].to_vec()))
}

fn crypto_of(octets: &[u8], google: bool) -> Vec<(u64, Vec<u8>)> {
    let mut found = Vec::new();
    frames::read(octets, google, &mut |offset, piece| found.push((offset, piece.to_vec())));
    found
}

#[test]
fn the_examples_of_rfc_9001_and_rfc_9369_are_opened() {
    let first = example(
        1,
        "c300000001088394c8f03e5157080000449e00000002",
        "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
        "e221af44860018ab0856972e194cd934",
    );
    let second = example(
        0x6b33_43cf,
        "d36b3343cf088394c8f03e5157080000449e00000002",
        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
        "a18b2faa745b6fe189cf772a9f84cbfc",
    );
    for packet in [first, second] {
        assert!(may_begin(&packet));
        let Some((Packet::Initial(initial), rest)) = next_packet(&packet) else { panic!("no Initial") };
        assert!(rest.is_empty());
        assert_eq!(initial.destination, octets(EXAMPLE_ID));
        let keys = ClientKeys::derive(initial.version, initial.destination).unwrap();
        let (number, frames) = opened(&packet, &keys).unwrap();
        assert_eq!(number, 2);
        let hello = octets(EXAMPLE_CRYPTO)[4..].to_vec();
        assert_eq!(crypto_of(&frames, false), [(0, hello)]);
    }
}

#[test]
fn what_a_server_says_is_not_opened() {
    // RFC 9001 appendix A.3 and A.4.
    let server = octets(
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede\
         4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06ed\
         bb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee",
    );
    let Some((Packet::Initial(initial), _)) = next_packet(&server) else { panic!("no Initial") };
    assert!(initial.destination.is_empty());
    let client = ClientKeys::derive(find(1).unwrap(), &octets(EXAMPLE_ID)).unwrap();
    assert_eq!(opened(&server, &client), None);
    let retry = octets("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
    assert!(next_packet(&retry).is_none());
}

#[test]
fn every_version_of_the_table_is_opened_and_no_number_has_two_rows() {
    for version in &VERSIONS {
        let sender = Sender::new(version.number(), b"\x01\x02\x03\x04\x05\x06\x07\x08");
        let packet = sender.packet(7, &crypto(b"hello", 0..5));
        let (number, frames) = opened(&packet, &sender.keys).unwrap();
        assert_eq!((number, crypto_of(&frames, version.has_google_frames)), (7, vec![(0, b"hello".to_vec())]));
        assert!(std::ptr::eq(find(version.number()).unwrap(), version));
        let retry = [&[version.retry_first()][..], &version.number().to_be_bytes(), &[0; 40]].concat();
        assert!(next_packet(&retry).is_none());
    }
    for number in [0, 2, 0xff00_0015, 0xff00_0023, 0x5130_3530, 0x1a2a_3a4a] {
        assert!(find(number).is_none(), "{number:x}");
    }
    assert_eq!(find(0xff00_0020), find(0xff00_001d));
}

#[test]
fn packets_that_share_a_datagram_are_told_apart() {
    let sender = Sender::new(1, &[9; 8]);
    let zero_rtt = [&[0xd0, 0, 0, 0, 1, 1, 5, 0][..], &[3], &[1, 2, 3]].concat();
    let datagram =
        [sender.packet(0, &crypto(b"ab", 0..1)), zero_rtt, sender.packet(1, &crypto(b"ab", 1..2)), vec![0; 100]]
            .concat();
    let mut rest = &datagram[..];
    let mut kinds = Vec::new();
    while let Some((packet, behind)) = next_packet(rest) {
        kinds.push(matches!(packet, Packet::Initial(_)));
        rest = behind;
    }
    assert_eq!((kinds, rest.len()), (vec![true, false, true], 100));
}

#[test]
fn frames_beside_crypto_are_passed_over_and_those_without_a_known_end_end_the_reading() {
    let crypto = [6, 0, 1, b'x'];
    let found = |before: &[u8], google| crypto_of(&[before, &crypto].concat(), google).len();
    let ack = [2, 0x40, 9, 0, 1, 0, 2, 3];
    let ack_with_ecn = [3, 0, 0, 0, 0, 1, 2, 3];
    for before in [&[][..], &[0; 50], &[1, 1], &ack, &ack_with_ecn, &[0, 1, 0]] {
        assert_eq!(found(before, false), 1, "{before:?}");
    }
    // What has no place there, each with as much as belongs to it.
    let new_id = [&[0x18, 1, 0x40, 2, 4][..], &[7; 4 + 16]].concat();
    let path = [&[0x1a][..], &[6; 8]].concat();
    for before in [
        &[0x04, 0x40, 1, 2, 3][..],
        &[0x05, 1, 2],
        &[0x07, 2, 6, 6],
        &[0x0a, 4, 2, 6, 6],
        &[0x0f, 4, 0x80, 0, 0, 1, 2, 6, 6],
        &[0x10, 0xc0, 0, 0, 0, 0, 0, 0, 9],
        &[0x11, 1, 2],
        &[0x12, 1, 0x13, 1, 0x14, 1],
        &[0x15, 1, 2, 0x16, 1, 0x17, 1],
        &new_id,
        &[0x19, 1],
        &path,
        &[0x1c, 0, 6, 2, b'n', b'o'],
        &[0x1d, 0, 1, 6],
        &[0x1e],
    ] {
        assert_eq!(found(before, false), 1, "{before:x?}");
        assert!(!frames::read(&before[..before.len() - 1], false, &mut |_, _| {}) || before.len() == 1, "{before:x?}");
        assert!(!frames::read(before, true, &mut |_, _| {}) || before[0] == 0x07, "Google's are others: {before:x?}");
    }
    // A stream without a length fills the packet; what nobody knows has no end.
    for before in [&[8, 1][..], &[0x0d, 1, 1]] {
        assert_eq!(found(before, false), 0, "{before:x?}");
        assert!(frames::read(before, false, &mut |_, _| {}));
    }
    for before in [&[0x1f][..], &[0x30], &[0x40, 0xaf], &[2, 0, 0, 0xff, 0xff, 0xff, 0xff], &[6, 0, 0x40, 200]] {
        assert_eq!(found(before, false), 0, "{before:?}");
        assert!(!frames::read(&[before, &crypto].concat(), false, &mut |_, _| {}));
    }
    assert_eq!(crypto_of(&[7, 8, 0, 1, b'x', 0, 0], true), [(0, b"x".to_vec())]);
}

proptest! {
    #[test]
    fn s3_any_octets_are_read_without_panic(
        octets in prop::collection::vec(any::<u8>(), 0..120),
        row in 0usize..VERSIONS.len(),
        first in any::<u8>(),
    ) {
        let datagram = [&[first | 0x80][..], &VERSIONS[row].number().to_be_bytes(), &octets].concat();
        let mut rest = &datagram[..];
        while let Some((packet, behind)) = next_packet(rest) {
            prop_assert!(behind.len() < rest.len());
            rest = behind;
            if let Packet::Initial(initial) = packet {
                let keys = ClientKeys::derive(initial.version, initial.destination).unwrap();
                prop_assert!(keys.open(&initial, Some(u64::MAX), &mut Vec::new()).is_none());
            }
        }
        crypto_of(&octets, first & 1 == 0);
    }

    #[test]
    fn a_changed_octet_is_noticed(at in any::<prop::sample::Index>(), change in 1u8..) {
        let sender = Sender::new(1, &[9; 8]);
        let mut packet = sender.packet(3, &crypto(b"hello", 0..5));
        let at = at.index(packet.len());
        packet[at] ^= change;
        prop_assert_eq!(opened(&packet, &sender.keys), None);
    }
}
