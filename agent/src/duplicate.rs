//! The second copy of a packet that a mirror shows on its way in and on its way out, recognised and left out.
//!
//! Two packets are copies of one another if all that no router changes is the same: the IP packet without its hop limit,
//! traffic class and header checksum, octet by octet. Two rules, because a sender may send the same octets twice:
//!
//! - **Routed on the way**: hop limit, VLAN or MAC address differ, within [`COPY_ROUTED_WITHIN_US`]. A sender that sends
//!   again does not differ in these, so this is believed at once.
//! - **The same octet by octet**, within [`COPY_SAME_WITHIN_US`], far sooner than anything is sent again: believed only
//!   once the source has shown that this is what it does: [`COPIES_TO_BELIEVE`] of them, and a third of all packets.
//!   Each packet has one such copy, so of three that are the same two count.
//!
//! A source that shows each packet once costs nothing but a look from time to time. Not recognised: copies that were
//! changed more (translated addresses, clamped segment sizes, another tunnel header within), that come later or from
//! another source. Of what the snapshot length cut, what was kept is compared.
//!
//! In a tunnel the innermost packet is compared, so that a switch that sends each packet twice through tunnels of its own
//! counts once. What it came in is another packet, unless that too is the same: nobody hides where a tunnel leads by
//! showing first what is in it.

use std::hash::{BuildHasher, Hasher};

use crate::keyed::RandomState;
use crate::limits::{
    COPIES_PAUSE, COPIES_REMEMBERED, COPIES_STRETCH, COPIES_STRETCH_FIRST, COPIES_TO_BELIEVE, COPY_ROUTED_WITHIN_US,
    COPY_SAME_WITHIN_US,
};
use crate::packet::{self, Frame, LinkType, Opened};

/// The longest link layer in front of a frame's IP that is reckoned with: Ethernet and two tags. Frames cut at the same
/// length hold that much more or less of their packet.
const LINK_MAX_OCTETS: usize = 22;
/// With less of a packet nobody knows what it is.
const COMPARED_MIN_OCTETS: usize = 40;

/// Whether a packet was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// It was not.
    No,
    /// It was, and what it came in now was not.
    Inside,
    /// It was, in whatever it came in.
    Whole,
}

/// A packet seen lately.
#[derive(Debug, Clone, Copy)]
struct Remembered {
    hash: u64,
    /// What it came in; 0 where it was in no tunnel.
    around: u64,
    time_us: i64,
    /// What a router changes: hop limit, VLAN, MAC addresses.
    way: u32,
    is_there: bool,
}

/// What is known of a source.
#[derive(Debug, Clone, Copy)]
struct Habit {
    /// Packets not to be looked at.
    pause: u32,
    /// Packets still to be looked at in this stretch.
    left: u32,
    /// Of this stretch: packets, copies that were routed, copies that are the same.
    looked_at: u32,
    routed: u32,
    same: u32,
    /// Whether packets that are the same are copies.
    is_believed: bool,
}

impl Habit {
    const NEW: Habit =
        Habit { pause: 0, left: COPIES_STRETCH_FIRST, looked_at: 0, routed: 0, same: 0, is_believed: false };

    /// Another packet was looked at: at the end of a stretch, how often the next ones are.
    fn count(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.looked_at += 1;
        let share = |copies: u32, of: u32| copies.saturating_mul(of) >= self.looked_at;
        self.is_believed |= self.same >= COPIES_TO_BELIEVE && share(self.same, 3);
        if self.left > 0 {
            return;
        }
        let doubles = share(self.routed.saturating_add(self.same), 32);
        let is_believed = self.is_believed && share(self.same, 8);
        *self = match doubles {
            true => Habit { left: COPIES_STRETCH_FIRST, is_believed, ..Habit::NEW },
            false => Habit { left: COPIES_STRETCH, pause: COPIES_PAUSE, ..Habit::NEW },
        };
    }
}

/// Copies recognised, for all sources.
#[derive(Debug)]
pub struct Duplicates {
    seed: RandomState,
    /// By hash; a newer packet takes the place of an older one. Empty until there is a packet to look at.
    remembered: Vec<Remembered>,
    /// By the source's number.
    habits: Vec<Habit>,
    count: u64,
}

impl Duplicates {
    /// Nothing is known of any source.
    pub fn new() -> Duplicates {
        Duplicates { seed: RandomState::default(), remembered: Vec::new(), habits: Vec::new(), count: 0 }
    }

    /// Copies recognised so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether this packet was seen before, as a mirror shows it twice.
    #[inline]
    pub fn look(&mut self, frame: &Frame<'_>, opened: &Opened<'_>) -> Copied {
        if let Some(habit) = self.habits.get_mut(usize::from(frame.source))
            && let Some(pause) = habit.pause.checked_sub(1)
        {
            habit.pause = pause;
            return Copied::No;
        }
        self.compare(frame, opened)
    }

    #[inline(never)]
    fn compare(&mut self, frame: &Frame<'_>, opened: &Opened<'_>) -> Copied {
        let number = usize::from(frame.source);
        if self.habits.len() <= number {
            self.habits.resize(number + 1, Habit::NEW);
        }
        let compared = compared(frame, opened.ip, opened.is_complete());
        if !opened.is_complete() && compared.len() < COMPARED_MIN_OCTETS {
            return Copied::No;
        }
        let Some(hash) = self.hash(compared, frame.source) else { return Copied::No };
        let around = if opened.tunnel().is_some() { self.around(frame) } else { 0 };
        if self.remembered.is_empty() {
            let none = Remembered { hash: 0, around: 0, time_us: 0, way: 0, is_there: false };
            self.remembered.resize(COPIES_REMEMBERED, none);
        }
        let way = self.way(frame, opened);
        let slot = usize::try_from(hash).unwrap_or(usize::MAX) % COPIES_REMEMBERED;
        let (Some(slot), Some(habit)) = (self.remembered.get_mut(slot), self.habits.get_mut(number)) else {
            return Copied::No;
        };
        let time_us = frame.time.as_micros();
        let apart_us = time_us.abs_diff(slot.time_us);
        let is_known = slot.is_there && slot.hash == hash;
        let is_copy = if is_known && slot.way != way && apart_us <= COPY_ROUTED_WITHIN_US {
            habit.routed += 1;
            true
        } else if is_known && slot.way == way && apart_us <= COPY_SAME_WITHIN_US {
            // The next one that is the same is another packet.
            slot.is_there = false;
            habit.same += 1;
            habit.is_believed
        } else {
            *slot = Remembered { hash, around, time_us, way, is_there: true };
            false
        };
        habit.count();
        self.count += u64::from(is_copy);
        let came_in_another = around != 0 && slot.around != around;
        if around != 0 {
            slot.around = around;
        }
        match (is_copy, came_in_another) {
            (false, _) => Copied::No,
            (true, true) => Copied::Inside,
            (true, false) => Copied::Whole,
        }
    }

    /// What a packet came in, as [`Duplicates::hash`] has it.
    #[cold]
    fn around(&self, frame: &Frame<'_>) -> u64 {
        let outermost = packet::outermost(frame);
        let hash = outermost.and_then(|(ip, is_complete)| self.hash(compared(frame, ip, is_complete), frame.source));
        hash.unwrap_or(0)
    }

    /// Everything of a packet that no router changes, and whose it is.
    fn hash(&self, ip: &[u8], source: u16) -> Option<u64> {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u16(source);
        match ip.first()? >> 4 {
            4 => {
                // Not: traffic class (1), hop limit (8), checksum (10, 11).
                let (&[first, _, l0, l1, i0, i1, f0, f1, _, protocol, _, _, ..], _) = ip.split_first_chunk::<12>()?;
                hasher.write_u64(u64::from_be_bytes([first, protocol, l0, l1, i0, i1, f0, f1]));
                hasher.write(ip.get(12..)?);
            }
            6 => {
                // Not: traffic class and flow label (0 to 3), hop limit (7).
                let (&[_, _, _, _, l0, l1, next, _], rest) = ip.split_first_chunk::<8>()?;
                hasher.write_u32(u32::from_be_bytes([l0, l1, next, 6]));
                hasher.write(rest);
            }
            _ => return None,
        }
        Some(hasher.finish())
    }

    /// What tells a routed copy from the packet itself. In a tunnel only the hop limit: what is around it may differ for
    /// each packet.
    fn way(&self, frame: &Frame<'_>, opened: &Opened<'_>) -> u32 {
        let mut hasher = self.seed.build_hasher();
        let hop_limit_at = if opened.packet.src.is_ipv4() { 8 } else { 7 };
        hasher.write_u8(opened.ip.get(hop_limit_at).copied().unwrap_or(0));
        if frame.link == LinkType::Ethernet && opened.tunnel().is_none() {
            hasher.write_u16(frame.vlan.map_or(0, |vlan| vlan & 0x0fff));
            // Addresses, and the first tag where there is one.
            hasher.write(frame.octets.get(..16).unwrap_or_default());
        }
        hasher.finish() as u32
    }
}

/// So much of a packet as a copy of it holds too, whatever the link layer before it took of the snapshot length.
fn compared<'a>(frame: &Frame<'_>, ip: &'a [u8], is_complete: bool) -> &'a [u8] {
    let kept = if is_complete { ip.len() } else { frame.octets.len().saturating_sub(LINK_MAX_OCTETS) };
    ip.get(..kept).unwrap_or(ip)
}

impl Default for Duplicates {
    fn default() -> Duplicates {
        Duplicates::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet;
    use proptest::prelude::*;
    use varde_common::time::Timestamp;

    #[test]
    fn s4_all_packets_remembered_take_no_more_than_the_limit_says() {
        let octets = COPIES_REMEMBERED * size_of::<Remembered>();
        assert!(octets <= crate::limits::COPIES_MAX_OCTETS, "{octets} octets");
    }

    /// An IPv4 frame: MAC addresses end in `mac`; the segment says `seq`.
    fn frame(mac: u8, hop_limit: u8, id: u16, seq: u32) -> Vec<u8> {
        let mut octets = vec![2, 0, 0, 0, 0, mac, 2, 0, 0, 0, 0, mac, 8, 0];
        octets.extend([0x45, 0, 0, 44]);
        octets.extend(id.to_be_bytes());
        octets.extend([0x40, 0, hop_limit, 6, 0, hop_limit, 10, 0, 0, 1, 192, 0, 2, 1]);
        octets.extend([0x9c, 0x40, 0x01, 0xbb]);
        octets.extend(seq.to_be_bytes());
        octets.extend([0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        octets.extend(b"data");
        octets
    }

    fn look(duplicates: &mut Duplicates, time_us: i64, octets: &[u8]) -> bool {
        let link = LinkType::Ethernet;
        let frame =
            Frame { time: Timestamp(time_us), source: 0, link, octets, length: octets.len() as u32, vlan: None };
        duplicates.look(&frame, &packet::open(&frame).unwrap()) != Copied::No
    }

    #[test]
    fn a_routed_copy_is_known_at_once_and_only_for_a_while() {
        for (what, copy, after_us, expected) in [
            ("hop limit", frame(1, 63, 7, 1), 300, true),
            ("all that changes", frame(2, 63, 7, 1), 300, true),
            ("MAC address alone", frame(2, 64, 7, 1), 4_900, true),
            ("before it", frame(2, 63, 7, 1), -300, true),
            ("too late", frame(1, 63, 7, 1), 5_100, false),
            ("another id: sent again", frame(1, 63, 8, 1), 300, false),
            ("another place in the stream", frame(1, 63, 7, 2), 300, false),
            ("nothing differs", frame(1, 64, 7, 1), 100, false),
        ] {
            let mut duplicates = Duplicates::new();
            assert!(!look(&mut duplicates, 1_000_000, &frame(1, 64, 7, 1)));
            assert_eq!(look(&mut duplicates, 1_000_000 + after_us, &copy), expected, "{what}");
            assert_eq!(duplicates.count(), u64::from(expected), "{what}");
        }
    }

    #[test]
    fn three_ways_of_one_packet_are_one_packet() {
        let mut duplicates = Duplicates::new();
        let copies = [64, 63, 62].map(|hop_limit| look(&mut duplicates, 5, &frame(1, hop_limit, 7, 1)));
        assert_eq!(copies, [false, true, true]);
    }

    #[test]
    fn the_same_octets_are_copies_once_the_source_has_shown_that_it_doubles() {
        let mut duplicates = Duplicates::new();
        let mut left_out = Vec::new();
        for seq in 0..1000u32 {
            let time_us = i64::from(seq) * 50;
            assert!(!look(&mut duplicates, time_us, &frame(1, 64, 0, seq)), "the first is never one");
            if look(&mut duplicates, time_us + 3, &frame(1, 64, 0, seq)) {
                left_out.push(seq);
            }
        }
        assert_eq!(left_out, (8..1000).collect::<Vec<u32>>());
        // Known to double: each packet still has one copy only.
        let again = [(), (), ()].map(|()| look(&mut duplicates, 60_000, &frame(1, 64, 0, 5000)));
        assert_eq!(again, [false, true, false]);
    }

    #[test]
    fn what_is_sent_again_counts_again_also_where_the_mirror_doubles() {
        let mut duplicates = Duplicates::new();
        for seq in 0..100u32 {
            look(&mut duplicates, i64::from(seq) * 50, &frame(1, 64, 0, seq));
            look(&mut duplicates, i64::from(seq) * 50 + 3, &frame(1, 64, 0, seq));
        }
        for (round, after_us) in [(0, 201), (1, 1_000), (2, 200_000)] {
            let start = 1_000_000 + 1_000_000 * round;
            let octets = frame(1, 64, 0, 9_000);
            let seen = [0, 3, after_us, after_us + 3].map(|at| look(&mut duplicates, start + at, &octets));
            assert_eq!(seen, [false, true, false, true], "sent again after {after_us} microseconds");
        }
    }

    /// IPv4 in IPv4.
    fn in_a_tunnel(last: u8, hop_limit: u8, inside: &[u8]) -> Vec<u8> {
        let mut octets = inside[..14].to_vec();
        octets.extend([0x45, 0, 0, (inside.len() + 6) as u8, 0, last, 0, 0, hop_limit, 4, 0, 0]);
        octets.extend([10, 0, 0, 1, 203, 0, 113, last]);
        octets.extend(&inside[14..]);
        octets
    }

    #[test]
    fn what_is_in_a_tunnel_counts_once_and_what_it_came_in_is_another_packet() {
        let (inside, routed) = (frame(1, 64, 7, 1), frame(1, 63, 7, 1));
        let (tunnel, tunnel_routed) = (in_a_tunnel(9, 64, &inside), in_a_tunnel(9, 63, &inside));
        let other = in_a_tunnel(8, 64, &routed);
        use Copied::{Inside, No, Whole};
        for (what, frames, expected) in [
            ("shown before without", [&inside, &tunnel, &tunnel_routed], [No, Inside, Whole]),
            ("shown after without", [&tunnel, &routed, &routed], [No, Whole, Whole]),
            ("in one and another", [&tunnel, &other, &other], [No, Inside, Whole]),
            ("the same again", [&tunnel, &tunnel, &tunnel], [No, No, No]),
        ] {
            let mut duplicates = Duplicates::new();
            let seen = frames.map(|octets| {
                let (link, length) = (LinkType::Ethernet, octets.len() as u32);
                let frame = Frame { time: Timestamp(5), source: 0, link, octets, length, vlan: None };
                duplicates.look(&frame, &packet::open(&frame).unwrap())
            });
            assert_eq!(seen, expected, "{what}");
        }
    }

    #[test]
    fn now_and_then_the_same_octets_are_no_copy_where_the_mirror_does_not_double() {
        let mut duplicates = Duplicates::new();
        for seq in 0..20_000u32 {
            look(&mut duplicates, i64::from(seq) * 50, &frame(1, 64, 0, seq));
            if seq % 10 == 0 {
                assert!(!look(&mut duplicates, i64::from(seq) * 50 + 3, &frame(1, 64, 0, seq)));
            }
        }
        assert_eq!(duplicates.count(), 0);
    }

    #[test]
    fn a_source_that_doubles_later_is_found_out_later_and_one_that_stops_is_left_alone() {
        let mut duplicates = Duplicates::new();
        let mut count = |packets: std::ops::Range<u32>, doubled: bool| {
            let before = duplicates.count();
            for seq in packets {
                look(&mut duplicates, i64::from(seq) * 50, &frame(1, 64, 1, seq));
                if doubled {
                    look(&mut duplicates, i64::from(seq) * 50 + 3, &frame(2, 63, 1, seq));
                }
            }
            duplicates.count() - before
        };
        assert_eq!(count(0..10_000, false), 0);
        let found = count(10_000..60_000, true);
        assert!(found > 40_000, "{found}");
        assert_eq!(count(60_000..100_000, false), 0);
        assert!(duplicates.habits[0].pause > 0 || duplicates.habits[0].left <= COPIES_STRETCH);
    }

    #[test]
    fn s3_a_packet_that_differs_in_any_octet_is_never_hidden_by_another() {
        let first = frame(1, 64, 7, 1);
        for at in 14..first.len() {
            // Traffic class, hop limit, header checksum; the lengths and flags decide what is an IP packet at all.
            if [15, 16, 17, 20, 21, 22, 23, 24, 25].contains(&at) || at == 14 {
                continue;
            }
            let mut duplicates = Duplicates::new();
            look(&mut duplicates, 1, &first);
            let mut other = frame(2, 63, 7, 1);
            other[at] ^= 1;
            assert!(!look(&mut duplicates, 2, &other), "octet {at}");
        }
    }

    #[test]
    fn what_the_snapshot_length_cut_is_compared_as_far_as_it_was_kept() {
        let long = |hop_limit: u8, tags: usize, end: u8| {
            let mut octets = frame(1, hop_limit, 7, 1);
            octets[16..18].copy_from_slice(&1440u16.to_be_bytes());
            octets.resize(1454, 5);
            octets[150] = end;
            octets.splice(12..12, [0x81, 0, 0, 7].repeat(tags));
            octets
        };
        let cases =
            [("routed", 200, 63, 0, 5, true), ("another tag", 200, 64, 1, 5, true), ("two tags", 200, 64, 2, 5, true)];
        let others = [("another packet", 200, 63, 0, 6, false), ("too little kept", 60, 63, 0, 5, false)];
        for (what, kept, hop_limit, tags, end, expected) in cases.into_iter().chain(others) {
            let mut duplicates = Duplicates::new();
            look(&mut duplicates, 1, &long(64, 0, 5)[..kept]);
            assert_eq!(look(&mut duplicates, 2, &long(hop_limit, tags, end)[..kept]), expected, "{what}");
        }
    }

    proptest! {
        #[test]
        fn s3_of_packets_that_differ_none_is_left_out(
            steps in prop::collection::vec((0i64..300, 1u8..3, 62u8..65, any::<u16>()), 0..300),
        ) {
            let mut duplicates = Duplicates::new();
            let mut time_us = 0;
            for (seq, (pause, mac, hop_limit, id)) in steps.into_iter().enumerate() {
                time_us += pause;
                prop_assert!(!look(&mut duplicates, time_us, &frame(mac, hop_limit, id, seq as u32)));
            }
        }
    }
}
