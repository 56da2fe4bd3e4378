//! Odd capture files: sound traffic of every kind and in every encapsulation, then bent as captures in the field are; the
//! same for the same seed.
//!
//! Unlike the packets of [`crate::hostile`], these are whole files, for what is held against another program's view.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use varde_common::time::Timestamp;

use crate::capture::{Format, LinkType};
use crate::random::Random;
use crate::seldom;
use crate::traffic::municipality::{Mix, Municipality, ordinary};
use crate::traffic::tunnel::Wrapping;
use crate::traffic::{Packet, greeting, packet};

const START: Timestamp = Timestamp(1_763_733_900_000_000);
/// Time between two packets, nanoseconds.
const STEP_NS: u64 = 700_000;

/// A frame as it was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When, nanoseconds since 1970.
    pub time_ns: u64,
    /// What was kept of it.
    pub octets: Vec<u8>,
    /// Octets it had on the wire.
    pub on_the_wire: u32,
}

impl Frame {
    /// One that was kept whole.
    pub fn whole(time_ns: u64, octets: Vec<u8>) -> Frame {
        let on_the_wire = octets.len() as u32;
        Frame { time_ns, octets, on_the_wire }
    }
}

/// First words of clients of both families, side by side, in this encapsulation; in IP fragments where asked for.
///
/// # Errors
/// When QUIC packets cannot be protected.
pub fn greetings(random: &mut Random, wrapping: Wrapping, number: u8, in_fragments: bool) -> Result<Vec<Frame>> {
    let ends: [(IpAddr, IpAddr); 2] = [
        (IpAddr::from([10, 20, 30, number]), IpAddr::from([192, 0, 2, 1])),
        (IpAddr::from([0xfd20, 5, 0, 0, 0, 0, 0, number.into()]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])),
    ];
    let mut frames = Vec::new();
    let mut time_ns = START.as_micros() as u64 * 1000;
    for (client, server) in ends {
        for packet in greeting::connections(random, client, server)?.into_iter().flatten() {
            let parts = match (in_fragments, client) {
                (false, _) => vec![packet],
                (true, IpAddr::V4(_)) => packet::fragments(&packet, 500, random.next_u16()),
                (true, IpAddr::V6(_)) => packet::fragments_v6(&packet, 500, random.next_u64() as u32),
            };
            for part in parts {
                time_ns += STEP_NS;
                frames.push(Frame::whole(time_ns, wrapping.frame(&part)));
            }
        }
    }
    Ok(frames)
}

/// Lookups and connections of a small municipality.
fn lookups(random: &mut Random, wrapping: Wrapping) -> Vec<Frame> {
    let mix = Mix { clients: 6, actions: 60, span: Duration::from_secs(60) };
    let traffic = ordinary(Municipality { number: 9 }, START, mix, random);
    let frame = |packet: Packet| Frame::whole(packet.time_ns, wrapping.frame(&packet.ip));
    traffic.packets.into_iter().map(frame).collect()
}

/// What few programs say.
fn seldom(random: &mut Random, wrapping: Wrapping) -> Result<Vec<Frame>> {
    let sets = seldom::sets(random)?;
    let (_, packets) = random.one_of(&sets).context("a set")?;
    let mut time_ns = START.as_micros() as u64 * 1000;
    let mut frame = |ip: &Vec<u8>| {
        time_ns += STEP_NS;
        Frame::whole(time_ns, wrapping.frame(ip))
    };
    Ok(packets.iter().map(&mut frame).collect())
}

/// What is done to a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bend {
    /// Bits are turned over in some frames.
    Flipped,
    /// Octets become zero, all ones, or a compression pointer.
    Overwritten,
    /// Some frames end early, and say so.
    Cut,
    /// All frames end after so many octets, and say so.
    Snapped,
    /// Some frames end early, and do not say so.
    Clipped,
    /// Frames carry more than their packets: padding, a checksum.
    Padded,
    /// Frames come twice.
    Doubled,
    /// Neighbours change places.
    Swapped,
    /// Frames are missing.
    Dropped,
    /// It begins in the middle.
    Midway,
    /// A length in front of IP or in its header lies.
    LyingLength,
    /// The file ends within a record.
    CutFile,
}

impl Bend {
    /// All of them.
    pub const ALL: [Bend; 12] = [
        Bend::Flipped,
        Bend::Overwritten,
        Bend::Cut,
        Bend::Snapped,
        Bend::Clipped,
        Bend::Padded,
        Bend::Doubled,
        Bend::Swapped,
        Bend::Dropped,
        Bend::Midway,
        Bend::LyingLength,
        Bend::CutFile,
    ];

    fn bend(self, random: &mut Random, frames: &mut Vec<Frame>) {
        match self {
            Bend::Snapped => {
                let snap = random.within(40, 400) as usize;
                frames.iter_mut().for_each(|frame| frame.octets.truncate(snap));
            }
            Bend::Midway => {
                frames.drain(..random.below(frames.len() as u64) as usize);
            }
            Bend::Dropped => frames.retain(|_| !random.percent(8)),
            Bend::Doubled => {
                let twice = |frame: Frame| if random.percent(10) { vec![frame.clone(), frame] } else { vec![frame] };
                *frames = std::mem::take(frames).into_iter().flat_map(twice).collect();
            }
            Bend::Swapped => {
                for place in 1..frames.len() {
                    if random.percent(10) {
                        frames.swap(place, place - 1);
                    }
                }
            }
            Bend::CutFile => {}
            Bend::Flipped | Bend::Overwritten | Bend::Cut | Bend::Clipped | Bend::Padded | Bend::LyingLength => {
                for frame in frames.iter_mut() {
                    if random.percent(8) && !frame.octets.is_empty() {
                        self.bend_one(random, frame);
                    }
                }
            }
        }
    }

    fn bend_one(self, random: &mut Random, frame: &mut Frame) {
        let length = frame.octets.len();
        let place = random.below(length as u64) as usize;
        match self {
            Bend::Flipped => frame.octets[place] ^= 1 << random.below(8),
            Bend::Overwritten => frame.octets[place] = [0, 0xff, 0xc0, 0x3f, 1][random.below(5) as usize],
            Bend::Cut => frame.octets.truncate(place.max(1)),
            Bend::Clipped => {
                frame.octets.truncate(place.max(1));
                frame.on_the_wire = frame.octets.len() as u32;
            }
            Bend::Padded => {
                frame.octets.extend((0..random.within(1, 40)).map(|octet| octet as u8));
                frame.on_the_wire = frame.octets.len() as u32;
            }
            // The first octets of the first header above Ethernet, where its lengths are.
            _ => {
                let place = (14 + random.below(8) as usize).min(length - 1);
                frame.octets[place] = random.next_u16() as u8;
            }
        }
    }
}

/// The odd capture of this number.
///
/// # Errors
/// When QUIC packets cannot be protected.
pub fn capture(number: u64) -> Result<Vec<u8>> {
    let mut random = Random::seeded(0x0dd ^ (number << 12));
    let wrapping = *random.one_of(&Wrapping::ALL).context("a wrapping")?;
    let in_fragments = random.percent(15);
    let mut frames = match random.below(4) {
        0 => lookups(&mut random, wrapping),
        1 => seldom(&mut random, wrapping)?,
        _ => greetings(&mut random, wrapping, number as u8, in_fragments)?,
    };
    let bends: Vec<Bend> = (0..random.within(1, 2)).filter_map(|_| random.one_of(&Bend::ALL).copied()).collect();
    bends.iter().for_each(|bend| bend.bend(&mut random, &mut frames));
    let format = Format {
        next_generation: random.percent(50),
        nanoseconds: random.percent(50),
        big_endian: random.percent(50),
        link: LinkType::Ethernet,
    };
    let mut file = written(&mut random, format, &frames);
    if bends.contains(&Bend::CutFile) {
        file.truncate(file.len() - random.below(file.len() as u64 / 2) as usize);
    }
    Ok(file)
}

/// Frames as a file; in pcapng some are shown as another interface without Ethernet saw them.
fn written(random: &mut Random, format: Format, frames: &[Frame]) -> Vec<u8> {
    let mut file = format.header();
    let bare = Format { link: LinkType::Raw, ..format };
    let mixed = format.next_generation && random.percent(40);
    if mixed {
        file.extend(bare.interface());
    }
    for Frame { time_ns, octets, on_the_wire } in frames {
        let is_ip = matches!(octets.get(12..14), Some([8, 0] | [0x86, 0xdd]));
        match octets.get(14..) {
            Some(ip) if mixed && is_ip && random.percent(50) => {
                file.extend(format.record_of(*time_ns, ip, on_the_wire.saturating_sub(14), 1));
            }
            Some(_) | None => file.extend(format.record_of(*time_ns, octets, *on_the_wire, 0)),
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_gives_the_same_file() {
        for number in 0..30 {
            assert!(capture(number).unwrap() == capture(number).unwrap(), "{number}");
        }
        assert!(capture(1).unwrap() != capture(2).unwrap());
    }
}
