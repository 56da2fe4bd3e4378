//! The pcap format (draft-ietf-opsawg-pcap): one file header, then records.

use std::io::{self, Read};

use varde_common::time::Timestamp;

use super::super::{CaptureCounts, CaptureRefusal};
use super::window::Window;
use super::{ByteOrder, Found, Next};
use crate::limits;
use crate::packet::LinkType;

/// Magic, version, two unused fields, snapshot length, link type.
pub(super) const FILE_HEADER_OCTETS: usize = 24;
const RECORD_HEADER_OCTETS: usize = 16;

/// A pcap file that was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pcap {
    order: ByteOrder,
    /// Whether the second half of a time is nanoseconds, else microseconds.
    nanoseconds: bool,
    /// Kuznetzov's variant has interface, protocol and packet type behind each record header.
    record_header_octets: usize,
    link: Option<LinkType>,
}

impl Pcap {
    /// By the first four octets.
    pub(super) fn new(magic: [u8; 4]) -> Option<Pcap> {
        let as_order = |order: ByteOrder| match order.u32(magic) {
            0xa1b2_c3d4 => Some(Pcap::of(order, false, RECORD_HEADER_OCTETS)),
            0xa1b2_3c4d => Some(Pcap::of(order, true, RECORD_HEADER_OCTETS)),
            0xa1b2_cd34 => Some(Pcap::of(order, false, RECORD_HEADER_OCTETS + 8)),
            _ => None,
        };
        as_order(ByteOrder::Little).or_else(|| as_order(ByteOrder::Big))
    }

    fn of(order: ByteOrder, nanoseconds: bool, record_header_octets: usize) -> Pcap {
        Pcap { order, nanoseconds, record_header_octets, link: None }
    }

    /// Reads the link type; the upper half of its field says how long the frame check sequence is and is of no use here.
    /// The snapshot length is not believed: each record is bounded by itself.
    pub(super) fn read_file_header(&mut self, octets: &[u8]) {
        let number = match octets.first_chunk::<FILE_HEADER_OCTETS>() {
            Some(&[.., a, b, c, d]) => self.order.u32([a, b, c, d]) & 0xffff,
            None => return,
        };
        self.link = u16::try_from(number).ok().and_then(LinkType::from_number);
    }

    /// Goes to the next record that holds a frame we read.
    pub(super) fn next<R: Read>(&mut self, window: &mut Window<R>, counts: &mut CaptureCounts) -> io::Result<Next> {
        loop {
            if !window.fill(self.record_header_octets)? {
                return Ok(end_of_file(window, counts));
            }
            let Some(&[t0, t1, t2, t3, f0, f1, f2, f3, c0, c1, c2, c3, l0, l1, l2, l3]) =
                window.available().first_chunk::<RECORD_HEADER_OCTETS>()
            else {
                return Ok(end_of_file(window, counts));
            };
            let captured = self.order.u32([c0, c1, c2, c3]);
            let captured_octets = usize::try_from(captured).unwrap_or(usize::MAX);
            if captured_octets > limits::FRAME_MAX_OCTETS {
                counts.refuse(CaptureRefusal::FrameTooLong);
                if !window.skip(self.record_header_octets as u64 + u64::from(captured))? {
                    return Ok(end_of_file(window, counts).cut_short(counts));
                }
                continue;
            }
            let record = self.record_header_octets + captured_octets;
            if !window.fill(record)? {
                return Ok(end_of_file(window, counts));
            }
            let Some(link) = self.link else {
                counts.refuse(CaptureRefusal::UnknownLinkType);
                window.consume(record);
                continue;
            };
            return Ok(Next::Frame(Found {
                time: self.time(self.order.u32([t0, t1, t2, t3]), self.order.u32([f0, f1, f2, f3])),
                link,
                offset: self.record_header_octets,
                captured: captured_octets,
                length: self.order.u32([l0, l1, l2, l3]),
                record,
            }));
        }
    }

    /// Goes over the whole records that `octets` begin with, at most so many, with time, link type, octets and length of
    /// each frame; gives back how far it came. It stops at whatever needs a second look.
    pub(super) fn walk<'a>(
        &self,
        octets: &'a [u8],
        most: usize,
        mut each: impl FnMut(Timestamp, LinkType, &'a [u8], u32),
    ) -> usize {
        let Some(link) = self.link else { return 0 };
        let mut rest = octets;
        for _ in 0..most {
            let Some(&[t0, t1, t2, t3, f0, f1, f2, f3, c0, c1, c2, c3, l0, l1, l2, l3]) =
                rest.first_chunk::<RECORD_HEADER_OCTETS>()
            else {
                break;
            };
            let captured = usize::try_from(self.order.u32([c0, c1, c2, c3])).unwrap_or(usize::MAX);
            if captured > limits::FRAME_MAX_OCTETS {
                break;
            }
            let Some((frame, after)) =
                rest.get(self.record_header_octets..).and_then(|record| record.split_at_checked(captured))
            else {
                break;
            };
            let time = self.time(self.order.u32([t0, t1, t2, t3]), self.order.u32([f0, f1, f2, f3]));
            each(time, link, frame, self.order.u32([l0, l1, l2, l3]));
            rest = after;
        }
        octets.len() - rest.len()
    }

    fn time(&self, seconds: u32, fraction: u32) -> Timestamp {
        let micros = if self.nanoseconds { fraction / 1_000 } else { fraction };
        Timestamp(i64::from(seconds) * 1_000_000 + i64::from(micros))
    }
}

/// The file ends here: with a whole record, or in the middle of one.
fn end_of_file<R: Read>(window: &mut Window<R>, counts: &mut CaptureCounts) -> Next {
    if !window.available().is_empty() {
        counts.refuse(CaptureRefusal::FileCutShort);
        window.consume(window.available().len());
    }
    Next::End
}

impl Next {
    /// The end came while passing over something, so nothing is left to show that it was a cut.
    pub(super) fn cut_short(self, counts: &mut CaptureCounts) -> Next {
        counts.refuse(CaptureRefusal::FileCutShort);
        self
    }
}
