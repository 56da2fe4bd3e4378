//! Ways to put frames on a wire and into a file: every link layer, formats in both byte orders, files of several interfaces,
//! frames cut and frames larger than any wire's.

use anyhow::Result;

use super::{START_NS, STEP_NS, Talks, Who, words};
use crate::bulk::hello::{Manner, message, records};
use crate::capture::{Format, LinkType};
use crate::odd::{Frame, greetings};
use crate::random::Random;
use crate::traffic::Packet;
use crate::traffic::greeting::with_extension;
use crate::traffic::tunnel::{Wrapping, ethernet, teredo};

/// TLS' padding (RFC 7685).
const PADDING: u16 = 21;

/// Ethernet frames in the format most programs write.
pub fn usual(frames: &[Frame]) -> Vec<u8> {
    let record = |frame: &Frame| Format::USUAL.record_of(frame.time_ns, &frame.octets, frame.on_the_wire, 0);
    Format::USUAL.header().into_iter().chain(frames.iter().flat_map(record)).collect()
}

/// IP packets of first words of both families.
fn packets(random: &mut Random, number: u8) -> Result<Vec<Vec<u8>>> {
    let frames = greetings(random, Wrapping::None, number, false)?;
    Ok(frames.into_iter().filter_map(|frame| Some(frame.octets.get(14..)?.to_vec())).collect())
}

/// Every capture, with a name of its own.
///
/// # Errors
/// When QUIC packets cannot be protected.
pub fn captures(random: &mut Random) -> Result<Vec<(String, Vec<u8>)>> {
    let mut all = vec![
        ("large-frames".to_owned(), usual(&large(random))),
        ("several-interfaces".to_owned(), several_interfaces(random)?),
        ("teredo".to_owned(), usual(&in_teredo(random)?)),
    ];
    for (place, link) in (100u8..).zip(LinkType::KNOWN) {
        let bits = u32::from(place);
        let format =
            Format { next_generation: bits & 1 == 0, nanoseconds: bits & 2 == 0, big_endian: bits & 4 == 0, link };
        let packets = packets(random, place)?;
        let packets: Vec<Packet> = (1..)
            .zip(packets)
            .map(|(place, ip)| Packet { time_ns: START_NS + place * STEP_NS, vlans: Vec::new(), ip })
            .collect();
        all.push((format!("link-{link:?}"), format.file(&packets)));
    }
    let plain = words::hellos(random);
    for (name, wrap) in wrappings() {
        let frames = (1..).zip(&plain).map(|(place, ip)| Frame::whole(START_NS + place * STEP_NS, wrap(ip)));
        all.push((format!("ethernet-{name}"), usual(&frames.collect::<Vec<_>>())));
    }
    for snap in [60, 80, 160, 300] {
        let mut frames = super::frames(&packets(random, 90 + (snap / 20) as u8)?);
        frames.iter_mut().for_each(|frame| frame.octets.truncate(snap));
        all.push((format!("cut-at-{snap}"), usual(&frames)));
    }
    Ok(all)
}

type Wrap = fn(&[u8]) -> Vec<u8>;

/// What else may stand between Ethernet and IP, or behind it.
fn wrappings() -> [(&'static str, Wrap); 7] {
    fn ethertype(ip: &[u8]) -> [u8; 2] {
        if ip.first().is_some_and(|first| first >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] }
    }
    fn tagged(tags: &[u8], ip: &[u8]) -> Vec<u8> {
        let rest = [tags.get(2..).unwrap_or_default(), &ethertype(ip), ip].concat();
        ethernet(u16::from_be_bytes([tags[0], tags[1]]), &rest)
    }
    fn in_length(front: &[u8], ip: &[u8]) -> Vec<u8> {
        ethernet((front.len() + ip.len()) as u16, &[front, ip].concat())
    }
    [
        ("check-sequence", |ip| [ethernet(0x0800, ip), vec![0xde, 0xad, 0xbe, 0xef]].concat()),
        ("trailer", |ip| [ethernet(0x0800, ip), b"a trailer of some switch".to_vec()].concat()),
        ("802.1ad", |ip| tagged(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6], ip)),
        ("old-tags", |ip| tagged(&[0x91, 0, 0, 5, 0x91, 0, 0, 6], ip)),
        ("snap", |ip| in_length(&[&[0xaa, 0xaa, 3, 0, 0, 0][..], &ethertype(ip)].concat(), ip)),
        ("snap-of-a-bridge", |ip| in_length(&[&[0xaa, 0xaa, 3, 0, 0, 0xf8][..], &ethertype(ip)].concat(), ip)),
        ("bare-llc", |ip| in_length(&[6, 6, 3], ip)),
    ]
}

/// Jumbo frames, and segments as a card's offload shows them: up to 64 KiB, whose IPv4 header leaves their length out.
fn large(random: &mut Random) -> Vec<Frame> {
    let mut talks = Talks::new();
    for (size, name) in [(9_000, "jumbo.example"), (64_000, "offload.example")] {
        let padded = with_extension(&message(random, Manner::Library, name, &["h2"]), PADDING, &[0; 12_000]);
        talks.cut(443, size, &[(Who::Client, &records(&padded, 1 << 14))]);
        let head = format!("GET /{} HTTP/1.1\r\nHost: {name}\r\nX: {}\r\n\r\n", "a".repeat(5_000), "b".repeat(40_000));
        talks.cut(80, size, &[(Who::Client, head.as_bytes())]);
    }
    let mut frames = super::frames(&talks.packets);
    for frame in frames.iter_mut().filter(|frame| frame.octets.len() > 9_100) {
        frame.octets[16..18].fill(0);
    }
    frames
}

/// IPv6 in Teredo, with and without an origin indication.
fn in_teredo(random: &mut Random) -> Result<Vec<Frame>> {
    let packets = packets(random, 80)?;
    let sixes = packets.iter().filter(|ip| ip.first().is_some_and(|first| first >> 4 == 6));
    let from_server = |ip: &[u8]| ip.get(8) == Some(&0x20);
    Ok((1..)
        .zip(sixes)
        .map(|(place, ip)| Frame::whole(START_NS + place * STEP_NS, teredo(ip, from_server(ip))))
        .collect())
}

/// One file of two sections, in both byte orders, whose interfaces differ in link layer, resolution and snap length.
fn several_interfaces(random: &mut Random) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    for (section, big_endian) in [(0u8, false), (1, true)] {
        let format = Format { next_generation: true, nanoseconds: false, big_endian, link: LinkType::Ethernet };
        file.extend(format.section());
        // Resolution: microseconds, nanoseconds, 2^-20 s, 10^-3 s.
        let interfaces =
            [(LinkType::Ethernet, 6), (LinkType::Raw, 9), (LinkType::LinuxCooked, 0x80 | 20), (LinkType::Null, 3)];
        for (link, resolution) in interfaces {
            file.extend(Format { link, ..format }.interface_of(if resolution == 9 { 400 } else { 0 }, resolution));
        }
        for (place, ip) in (0u64..).zip(packets(random, 60 + section)?) {
            let number = (place % 4) as usize;
            let Some(&(link, resolution)) = interfaces.get(number) else { continue };
            let packet = Packet { time_ns: START_NS + (1 + place) * STEP_NS, vlans: Vec::new(), ip };
            let mut frame = link.frame(&packet, big_endian);
            let on_the_wire = frame.len() as u32;
            if resolution == 9 {
                frame.truncate(400);
            }
            let ticks = match resolution {
                6 => packet.time_ns / 1_000,
                9 => packet.time_ns,
                3 => packet.time_ns / 1_000_000,
                _ => (u128::from(packet.time_ns) * (1 << 20) / 1_000_000_000) as u64,
            };
            file.extend(format.packet_block(ticks, &frame, on_the_wire, number as u32));
        }
    }
    Ok(file)
}
