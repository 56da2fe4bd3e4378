//! The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks, each section with its own byte order and interfaces.

use std::io::{self, Read};

use varde_common::time::Timestamp;

use super::super::{CaptureCounts, CaptureRefusal};
use super::window::Window;
use super::{ByteOrder, Found, Next};
use crate::limits;
use crate::packet::LinkType;

/// The type of a section header block reads the same in both byte orders.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET_OBSOLETE: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Type and length in front of a block's body, the length again behind it.
const BLOCK_HEAD_OCTETS: usize = 8;
const BLOCK_FRAME_OCTETS: usize = 12;
/// A section header block without options: frame, byte-order magic, version, section length.
const SECTION_HEADER_MIN_OCTETS: u32 = 28;

/// A pcapng file that was recognised.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// Simple packet blocks carry no time: they get that of the frame before them.
    last_time: Timestamp,
}

/// What an interface description block says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interface {
    link: Option<LinkType>,
    snap_octets: u32,
    resolution: Resolution,
    offset_s: i64,
}

/// How ticks become microseconds (option if_tsresol).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolution {
    /// A tick is this many microseconds.
    Times(u64),
    /// This many ticks are a microsecond; 0: more than any number of ticks can reach.
    Per(u128),
    /// A tick is 2 to the minus this many seconds.
    Binary(u8),
}

/// Where a frame stands in the body of its block.
struct Position {
    interface: u32,
    ticks: Option<u64>,
    offset: usize,
    captured: u32,
    length: u32,
}

/// The byte order of a section, by the first twelve octets of its header block.
pub(super) fn byte_order(octets: &[u8]) -> Option<ByteOrder> {
    let &[_, _, _, _, _, _, _, _, m0, m1, m2, m3] = octets.first_chunk::<12>()?;
    [ByteOrder::Little, ByteOrder::Big].into_iter().find(|order| order.u32([m0, m1, m2, m3]) == BYTE_ORDER_MAGIC)
}

impl Pcapng {
    pub(super) fn new(order: ByteOrder) -> Pcapng {
        Pcapng { order, interfaces: Vec::new(), last_time: Timestamp::default() }
    }

    /// Goes to the next block that holds a frame we read.
    pub(super) fn next<R: Read>(&mut self, window: &mut Window<R>, counts: &mut CaptureCounts) -> io::Result<Next> {
        loop {
            if !window.fill(BLOCK_FRAME_OCTETS)? {
                if !window.available().is_empty() {
                    return Ok(Next::End.cut_short(counts));
                }
                return Ok(Next::End);
            }
            let Some(&[k0, k1, k2, k3, n0, n1, n2, n3]) = window.available().first_chunk::<BLOCK_HEAD_OCTETS>() else {
                return Ok(Next::End);
            };
            let is_section = [k0, k1, k2, k3] == SECTION_HEADER;
            if is_section {
                match byte_order(window.available()) {
                    Some(order) => self.order = order,
                    None => return Ok(self.give_up(counts)),
                }
                self.interfaces.clear();
            }
            let kind = self.order.u32([k0, k1, k2, k3]);
            let block = self.order.u32([n0, n1, n2, n3]);
            let least = if is_section { SECTION_HEADER_MIN_OCTETS } else { BLOCK_FRAME_OCTETS as u32 };
            if block < least || !block.is_multiple_of(4) {
                return Ok(self.give_up(counts));
            }
            let block_octets = usize::try_from(block).unwrap_or(usize::MAX);
            let is_read = matches!(kind, INTERFACE_DESCRIPTION | PACKET_OBSOLETE | SIMPLE_PACKET | ENHANCED_PACKET)
                && !is_section;
            if !is_read || block_octets > limits::CAPTURE_RECORD_MAX_OCTETS {
                if is_read {
                    self.refuse_long_block(kind, counts);
                }
                match self.pass_over(window, block)? {
                    Passed::Whole => continue,
                    Passed::CutShort => return Ok(Next::End.cut_short(counts)),
                    Passed::Contradiction => return Ok(self.give_up(counts)),
                }
            }
            if !window.fill(block_octets)? {
                window.consume(window.available().len());
                return Ok(Next::End.cut_short(counts));
            }
            let Some(body) = self.body(window.available(), block_octets) else { return Ok(self.give_up(counts)) };
            match self.read_block(kind, body, counts) {
                Some(mut found) => {
                    found.offset += BLOCK_HEAD_OCTETS;
                    found.record = block_octets;
                    self.last_time = found.time;
                    return Ok(Next::Frame(found));
                }
                None => window.consume(block_octets),
            }
        }
    }

    /// As [`super::pcap::Pcap::walk`], over enhanced packet blocks that say what they should.
    pub(super) fn walk<'a>(
        &mut self,
        octets: &'a [u8],
        most: usize,
        mut each: impl FnMut(Timestamp, LinkType, &'a [u8], u32),
    ) -> usize {
        let mut rest = octets;
        for _ in 0..most {
            let Some((time, link, frame, length, after)) = self.ordinary(rest) else { break };
            each(time, link, frame, length);
            self.last_time = time;
            rest = after;
        }
        octets.len() - rest.len()
    }

    /// The frame of the enhanced packet block that `octets` begin with, and what comes after the block.
    #[expect(clippy::type_complexity, reason = "one caller takes it apart at once")]
    fn ordinary<'a>(&self, octets: &'a [u8]) -> Option<(Timestamp, LinkType, &'a [u8], u32, &'a [u8])> {
        let &[k0, k1, k2, k3, n0, n1, n2, n3] = octets.first_chunk::<BLOCK_HEAD_OCTETS>()?;
        let block = self.order.u32([n0, n1, n2, n3]);
        let block_octets = usize::try_from(block).ok()?;
        let ordinary = self.order.u32([k0, k1, k2, k3]) == ENHANCED_PACKET
            && block.is_multiple_of(4)
            && block_octets <= limits::CAPTURE_RECORD_MAX_OCTETS;
        if !ordinary {
            return None;
        }
        let body = self.body(octets, block_octets)?;
        let position = self.enhanced_packet(body)?;
        let interface = self.interfaces.get(usize::try_from(position.interface).ok()?)?;
        let captured = usize::try_from(position.captured).ok().filter(|octets| *octets <= limits::FRAME_MAX_OCTETS)?;
        let frame = body.get(position.offset..)?.get(..captured)?;
        let time = interface.time(position.ticks?);
        Some((time, interface.link?, frame, position.length, octets.get(block_octets..)?))
    }

    /// A block whose length cannot be believed leaves no way to find the next one.
    fn give_up(&self, counts: &mut CaptureCounts) -> Next {
        counts.refuse(CaptureRefusal::MalformedBlock);
        Next::End
    }

    fn refuse_long_block(&mut self, kind: u32, counts: &mut CaptureCounts) {
        if kind == INTERFACE_DESCRIPTION {
            counts.refuse(CaptureRefusal::MalformedBlock);
            // It keeps its number: the ones after it are counted from it.
            self.add_interface(Interface::unreadable(), counts);
        } else {
            counts.refuse(CaptureRefusal::FrameTooLong);
        }
    }

    /// What is between a block's head and its closing length, if the two lengths agree.
    fn body<'a>(&self, octets: &'a [u8], block_octets: usize) -> Option<&'a [u8]> {
        let (inner, closing) = octets.get(BLOCK_HEAD_OCTETS..block_octets)?.split_last_chunk::<4>()?;
        (usize::try_from(self.order.u32(*closing)) == Ok(block_octets)).then_some(inner)
    }

    fn pass_over<R: Read>(&self, window: &mut Window<R>, block: u32) -> io::Result<Passed> {
        if !window.skip(u64::from(block) - 4)? || !window.fill(4)? {
            return Ok(Passed::CutShort);
        }
        let closing = window.available().first_chunk::<4>().map(|octets| self.order.u32(*octets));
        window.consume(4);
        Ok(if closing == Some(block) { Passed::Whole } else { Passed::Contradiction })
    }

    /// Reads a block's body: takes note of an interface, finds a frame, or counts why not.
    fn read_block(&mut self, kind: u32, body: &[u8], counts: &mut CaptureCounts) -> Option<Found> {
        let position = match kind {
            INTERFACE_DESCRIPTION => {
                let interface = self.read_interface(body).unwrap_or_else(|| {
                    counts.refuse(CaptureRefusal::MalformedBlock);
                    Interface::unreadable()
                });
                self.add_interface(interface, counts);
                return None;
            }
            ENHANCED_PACKET => self.enhanced_packet(body),
            PACKET_OBSOLETE => self.obsolete_packet(body),
            _ => self.simple_packet(body),
        };
        match position {
            Some(position) => self.find(body, &position, counts),
            None => {
                counts.refuse(CaptureRefusal::MalformedBlock);
                None
            }
        }
    }

    fn find(&self, body: &[u8], position: &Position, counts: &mut CaptureCounts) -> Option<Found> {
        let interface = usize::try_from(position.interface).ok().and_then(|number| self.interfaces.get(number));
        let Some(interface) = interface else {
            counts.refuse(CaptureRefusal::UnknownInterface);
            return None;
        };
        let captured = usize::try_from(position.captured).unwrap_or(usize::MAX);
        if captured > limits::FRAME_MAX_OCTETS {
            counts.refuse(CaptureRefusal::FrameTooLong);
            return None;
        }
        if body.get(position.offset..).and_then(|data| data.get(..captured)).is_none() {
            counts.refuse(CaptureRefusal::MalformedBlock);
            return None;
        }
        let Some(link) = interface.link else {
            counts.refuse(CaptureRefusal::UnknownLinkType);
            return None;
        };
        Some(Found {
            time: position.ticks.map_or(self.last_time, |ticks| interface.time(ticks)),
            link,
            offset: position.offset,
            captured,
            length: position.length,
            record: 0,
        })
    }

    /// Interface, time in two halves, captured length, length; data and options follow.
    fn enhanced_packet(&self, body: &[u8]) -> Option<Position> {
        let &[i0, i1, i2, i3, h0, h1, h2, h3, t0, t1, t2, t3, c0, c1, c2, c3, l0, l1, l2, l3] =
            body.first_chunk::<20>()?;
        Some(Position {
            interface: self.order.u32([i0, i1, i2, i3]),
            ticks: Some(self.ticks([h0, h1, h2, h3], [t0, t1, t2, t3])),
            offset: 20,
            captured: self.order.u32([c0, c1, c2, c3]),
            length: self.order.u32([l0, l1, l2, l3]),
        })
    }

    /// As the enhanced one, but with 16 bits of interface and 16 of a drop count.
    fn obsolete_packet(&self, body: &[u8]) -> Option<Position> {
        let &[i0, i1, _, _, ..] = body.first_chunk::<20>()?;
        let enhanced = self.enhanced_packet(body)?;
        Some(Position { interface: u32::from(self.order.u16([i0, i1])), ..enhanced })
    }

    /// Only the length: of the first interface, captured up to its snapshot length (0 = no limit).
    fn simple_packet(&self, body: &[u8]) -> Option<Position> {
        let (length, data) = body.split_first_chunk::<4>()?;
        let length = self.order.u32(*length);
        let snap = self.interfaces.first().map_or(0, |interface| interface.snap_octets);
        let held = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let captured = length.min(if snap == 0 { u32::MAX } else { snap }).min(held);
        Some(Position { interface: 0, ticks: None, offset: 4, captured, length })
    }

    fn ticks(&self, high: [u8; 4], low: [u8; 4]) -> u64 {
        u64::from(self.order.u32(high)) << 32 | u64::from(self.order.u32(low))
    }

    fn add_interface(&mut self, interface: Interface, counts: &mut CaptureCounts) {
        if self.interfaces.len() < limits::CAPTURE_INTERFACES_MAX {
            self.interfaces.push(interface);
        } else {
            counts.refuse(CaptureRefusal::MalformedBlock);
        }
    }

    /// Link type, reserved, snapshot length, options.
    fn read_interface(&self, body: &[u8]) -> Option<Interface> {
        let (&[k0, k1, _, _, s0, s1, s2, s3], mut options) = body.split_first_chunk::<8>()?;
        let mut interface = Interface {
            link: LinkType::from_number(self.order.u16([k0, k1])),
            snap_octets: self.order.u32([s0, s1, s2, s3]),
            resolution: Resolution::Times(1),
            offset_s: 0,
        };
        // Each round takes at least four octets off, so a block's length bounds them.
        while let Some((&[c0, c1, n0, n1], after)) = options.split_first_chunk::<4>() {
            let octets = usize::from(self.order.u16([n0, n1]));
            let value = after.get(..octets)?;
            match (self.order.u16([c0, c1]), value) {
                (0, _) => break,
                (9, &[resolution]) => interface.resolution = Resolution::of(resolution),
                (14, value) => interface.offset_s = self.seconds(*value.first_chunk::<8>()?),
                (_, _) => (),
            }
            // The last option's padding may be missing: some writers leave it out.
            options = after.get(octets.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(interface)
    }

    fn seconds(&self, octets: [u8; 8]) -> i64 {
        match self.order {
            ByteOrder::Big => i64::from_be_bytes(octets),
            ByteOrder::Little => i64::from_le_bytes(octets),
        }
    }
}

/// How passing over a block went.
enum Passed {
    Whole,
    CutShort,
    /// Its two lengths differ.
    Contradiction,
}

impl Interface {
    fn unreadable() -> Interface {
        Interface { link: None, snap_octets: 0, resolution: Resolution::Times(1), offset_s: 0 }
    }

    fn time(&self, ticks: u64) -> Timestamp {
        let micros = i128::from(self.offset_s) * 1_000_000 + i128::from(self.resolution.micros(ticks));
        Timestamp(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX })).clamped()
    }
}

impl Resolution {
    /// The high bit chooses powers of two, else of ten.
    fn of(option: u8) -> Resolution {
        let exponent = option & 0x7f;
        if option & 0x80 != 0 {
            return Resolution::Binary(exponent);
        }
        match exponent {
            0..=6 => Resolution::Times(10_u64.pow(6 - u32::from(exponent))),
            _ => Resolution::Per(10_u128.checked_pow(u32::from(exponent) - 6).unwrap_or(0)),
        }
    }

    fn micros(self, ticks: u64) -> u64 {
        match self {
            Resolution::Times(factor) => ticks.saturating_mul(factor),
            Resolution::Per(divisor) => {
                u128::from(ticks).checked_div(divisor).and_then(|micros| u64::try_from(micros).ok()).unwrap_or(0)
            }
            Resolution::Binary(exponent) => {
                u64::try_from((u128::from(ticks) * 1_000_000) >> exponent).unwrap_or(u64::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_microseconds_for_every_resolution_and_never_overflow() {
        let cases = [
            (6, 1_700_000_000_123_456, 1_700_000_000_123_456),
            (9, 1_700_000_000_123_456_789, 1_700_000_000_123_456),
            (3, 1_700_000_000_123, 1_700_000_000_123_000),
            (0, 1_700_000_000, 1_700_000_000_000_000),
            (0x80, 1_700_000_000, 1_700_000_000_000_000),
            (0x80 | 20, 1_700_000_000 << 20 | 1 << 19, 1_700_000_000_500_000),
            (0x7f, u64::MAX, 0),
            (0xff, u64::MAX, 0),
            (0, u64::MAX, u64::MAX),
        ];
        for (option, ticks, micros) in cases {
            assert_eq!(Resolution::of(option).micros(ticks), micros, "resolution {option:#x}");
        }
        for option in 0..=u8::MAX {
            let interface =
                Interface { offset_s: i64::MIN, resolution: Resolution::of(option), ..Interface::unreadable() };
            assert!(interface.time(u64::MAX) >= Timestamp::MIN);
        }
    }
}
