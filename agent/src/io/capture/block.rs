//! A block of the kernel's ring as frames (`tpacket_block_desc` and `tpacket3_hdr` of `linux/if_packet.h`): safe code over
//! octets, whatever they say.

use varde_common::time::Timestamp;

/// Octets of a block's own header that are read.
const BLOCK_HEADER_OCTETS: usize = 24;
/// Octets of a frame's header that are read; the next frame can be no nearer.
const FRAME_HEADER_OCTETS: usize = 40;
/// The VLAN tag in a frame's header holds (`TP_STATUS_VLAN_VALID`).
const VLAN_VALID: u32 = 1 << 4;
/// The part of a VLAN tag that names the VLAN (IEEE 802.1Q: priority and drop eligibility stand above it).
const VLAN_ID: u32 = 0x0fff;

/// A frame in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InBlock<'a> {
    /// When the kernel saw it.
    pub(super) time: Timestamp,
    /// What the filter kept of it.
    pub(super) octets: &'a [u8],
    /// How long it was.
    pub(super) length: u32,
    /// The VLAN the kernel took the tag of off; none also for a tag that names no VLAN (priority alone).
    pub(super) vlan: Option<u16>,
}

/// The frames of a block, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Walk<'a> {
    block: &'a [u8],
    at: usize,
    left: u32,
    contradicts: bool,
}

impl<'a> Walk<'a> {
    /// Of a block the kernel has handed over.
    pub(super) fn over(block: &'a [u8]) -> Walk<'a> {
        let head = block.first_chunk::<BLOCK_HEADER_OCTETS>();
        let (left, at) = head.map_or((0, 0), |head| (word(head, 12), word(head, 16)));
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        Walk { block, at, left, contradicts: head.is_none() }
    }

    /// Whether it ended because the block contradicts itself.
    pub(super) fn contradicts(&self) -> bool {
        self.contradicts
    }

    fn frame(&self) -> Option<(InBlock<'a>, usize)> {
        let rest = self.block.get(self.at..)?;
        let head = rest.first_chunk::<FRAME_HEADER_OCTETS>()?;
        let captured = usize::try_from(word(head, 12)).ok()?;
        let start = usize::from(u16::from_ne_bytes([head[24], head[25]]));
        let octets = rest.get(start..)?.get(..captured)?;
        let vlan = match word(head, 20) & VLAN_VALID {
            0 => None,
            _ => u16::try_from(word(head, 32) & VLAN_ID).ok().filter(|id| *id != 0),
        };
        let micros = i64::from(word(head, 4)) * 1_000_000 + i64::from(word(head, 8) / 1_000);
        let frame = InBlock { time: Timestamp(micros), octets, length: word(head, 16), vlan };
        Some((frame, usize::try_from(word(head, 0)).ok()?))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = InBlock<'a>;

    fn next(&mut self) -> Option<InBlock<'a>> {
        if self.left == 0 {
            return None;
        }
        let Some((frame, next)) = self.frame() else {
            (self.left, self.contradicts) = (0, true);
            return None;
        };
        self.left -= 1;
        // Of the last frame the kernel leaves this number as it was.
        if self.left > 0 {
            match self.at.checked_add(next) {
                // Forward, or a block of a few octets could be walked for ever.
                Some(at) if next >= FRAME_HEADER_OCTETS => self.at = at,
                _ => (self.left, self.contradicts) = (0, true),
            }
        }
        Some(frame)
    }
}

/// The number at a place of a header, in this machine's byte order.
fn word<const N: usize>(head: &[u8; N], at: usize) -> u32 {
    head.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |octets| u32::from_ne_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A frame as the kernel writes it: header, `sockaddr_ll` and padding, octets.
    #[derive(Debug, Clone)]
    struct Written {
        time: (u32, u32),
        octets: Vec<u8>,
        length: u32,
        vlan: Option<u16>,
    }

    fn block(frames: &[Written]) -> Vec<u8> {
        let mut block = vec![0; 48];
        let put = |block: &mut Vec<u8>, at: usize, value: u32| block[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        put(&mut block, 8, 1);
        put(&mut block, 12, frames.len() as u32);
        put(&mut block, 16, 48);
        for frame in frames {
            let at = block.len();
            block.resize(at + 82, 0);
            block.extend_from_slice(&frame.octets);
            block.resize(block.len().next_multiple_of(16), 0);
            let next = (block.len() - at) as u32;
            put(&mut block, at, next);
            put(&mut block, at + 4, frame.time.0);
            put(&mut block, at + 8, frame.time.1);
            put(&mut block, at + 12, frame.octets.len() as u32);
            put(&mut block, at + 16, frame.length);
            put(&mut block, at + 20, 1 | frame.vlan.map_or(0, |_| VLAN_VALID));
            block[at + 24..at + 26].copy_from_slice(&82u16.to_ne_bytes());
            // A priority stands above the VLAN's number.
            put(&mut block, at + 32, frame.vlan.map_or(0, |id| u32::from(id) | 0xa000));
        }
        let used = block.len() as u32;
        put(&mut block, 20, used);
        block.resize(block.len() + 200, 0xee);
        block
    }

    fn written() -> impl Strategy<Value = Written> {
        let octets = prop::collection::vec(any::<u8>(), 0..300);
        (any::<u32>(), 0..1_000_000_000u32, octets, any::<u32>(), prop::option::of(1..0x1000u16))
            .prop_map(|(s, ns, octets, length, vlan)| Written { time: (s, ns), octets, length, vlan })
    }

    #[test]
    fn a_tag_that_names_no_vlan_is_none_and_nanoseconds_become_microseconds() {
        let frame = Written { time: (7, 1_999), octets: vec![1, 2, 3], length: 60, vlan: Some(0) };
        let block = block(&[frame]);
        let expected = InBlock { time: Timestamp(7_000_001), octets: &[1, 2, 3], length: 60, vlan: None };
        assert_eq!(Walk::over(&block).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn a_block_without_frames_or_too_short_for_its_header_gives_none() {
        assert_eq!(Walk::over(&block(&[])).next(), None);
        let mut short = Walk::over(&[0xff; 23]);
        assert_eq!((short.next(), short.contradicts()), (None, true));
    }

    proptest! {
        #[test]
        fn every_frame_of_a_block_is_found_as_it_was_written(frames in prop::collection::vec(written(), 0..20)) {
            let block = block(&frames);
            let mut walk = Walk::over(&block);
            for frame in &frames {
                let found = walk.next().unwrap();
                prop_assert_eq!(found.octets, &frame.octets[..]);
                prop_assert_eq!((found.length, found.vlan), (frame.length, frame.vlan));
                let micros = i64::from(frame.time.0) * 1_000_000 + i64::from(frame.time.1 / 1_000);
                prop_assert_eq!(found.time, Timestamp(micros));
            }
            prop_assert_eq!(walk.next(), None);
            prop_assert!(!walk.contradicts());
        }

        /// Nothing is read outside, nothing goes on for ever: frames lie within the block and start ever further on.
        #[test]
        fn s3_a_block_of_any_octets_is_walked_within_itself(
            frames in prop::collection::vec(written(), 0..8),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
            kept in any::<prop::sample::Index>(),
        ) {
            let mut block = block(&frames);
            for (at, octet) in changes {
                let at = at.index(block.len());
                block[at] = octet;
            }
            block.truncate(kept.index(block.len() + 1));
            let most = block.len() / FRAME_HEADER_OCTETS + 1;
            let inside = block.as_ptr_range();
            let mut walk = Walk::over(&block);
            let mut seen = 0;
            for frame in walk.by_ref() {
                seen += 1;
                let found = frame.octets.as_ptr_range();
                prop_assert!(frame.octets.is_empty() || (inside.start <= found.start && found.end <= inside.end));
            }
            prop_assert!(seen <= most, "{seen} frames in {} octets", block.len());
        }
    }
}
