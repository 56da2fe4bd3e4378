//! Frames to the packets that count: decapsulated, a mirror's second copies left out, fragments put together.

use std::net::IpAddr;

use varde_common::observation::Protocol;
use varde_common::time::Timestamp;

use crate::duplicate::Duplicates;
use crate::fragment::{Datagram, FragmentCounts, Fragments};
use crate::limits::REJOINED_DEPTH_MAX;
use crate::packet::{self, Fragment, Frame, NotRead, Opened, Packet, TunnelKind};

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It holds a packet, which was handed on.
    Packet,
    /// It holds a packet that was seen before: a mirror shows it twice.
    Copy,
}

/// What becomes of frames before anything is observed.
#[derive(Debug, Default)]
pub struct Intake {
    duplicates: Duplicates,
    fragments: Fragments,
    /// By kind, in the order of [`TunnelKind::ALL`].
    tunnelled: [u64; TunnelKind::ALL.len()],
}

impl Intake {
    /// Nothing was seen yet.
    pub fn new() -> Intake {
        Intake::default()
    }

    /// Reads a frame when the clock says `now` and hands on its packet, and what that completes: a packet put together
    /// from fragments follows its last fragment, marked [`Fragment::Rejoined`].
    ///
    /// # Errors
    /// [`NotRead`] where the frame has no whole IP header.
    #[inline]
    pub fn handle_frame(
        &mut self,
        frame: &Frame<'_>,
        now: Timestamp,
        take: &mut impl FnMut(&Packet<'_>),
    ) -> Result<Passage, NotRead> {
        let opened = packet::open(frame)?;
        if self.duplicates.is_copy(frame, &opened) {
            return Ok(Passage::Copy);
        }
        if opened.packet.fragment == Fragment::Whole && opened.tunnel.is_none() {
            take(&opened.packet);
        } else {
            self.handle_opened(&opened, now, REJOINED_DEPTH_MAX, take);
        }
        if self.fragments.is_due(now) {
            self.handle_time(now, take);
        }
        Ok(Passage::Packet)
    }

    /// Time has passed: what waited for too long is handed on as far as it came.
    pub fn handle_time(&mut self, now: Timestamp, take: &mut impl FnMut(&Packet<'_>)) {
        while let Some(datagram) = self.fragments.poll_given_up(now) {
            self.handle_datagram(&datagram, now, REJOINED_DEPTH_MAX, take);
        }
    }

    /// The sources have ended: nothing more comes of what waits.
    pub fn close_all(&mut self, now: Timestamp, take: &mut impl FnMut(&Packet<'_>)) {
        // What is given up may itself hold a fragment, which then waits.
        for _ in 0..=REJOINED_DEPTH_MAX {
            self.fragments.give_up_all();
            self.handle_time(now, take);
        }
    }

    #[cold]
    #[inline(never)]
    fn handle_opened(&mut self, opened: &Opened<'_>, now: Timestamp, depth: usize, take: &mut impl FnMut(&Packet<'_>)) {
        if let Some(kind) = opened.tunnel
            && let Some(count) = self.tunnelled.get_mut(kind as usize)
        {
            *count += 1;
        }
        take(&opened.packet);
        let Some(piece) = opened.piece().filter(|piece| is_read(piece.src, piece.protocol)) else { return };
        let seen = (opened.packet.time, opened.packet.source);
        if let Some(datagram) = self.fragments.handle_piece(&piece, opened.is_complete(), seen, now) {
            self.handle_datagram(&datagram, now, depth, take);
        }
    }

    fn handle_datagram(
        &mut self,
        datagram: &Datagram,
        now: Timestamp,
        depth: usize,
        take: &mut impl FnMut(&Packet<'_>),
    ) {
        let Datagram { time, source, src, dst, protocol, data } = datagram;
        let Some(opened) = packet::open_rejoined(*time, *source, (*src, *dst), *protocol, data) else { return };
        match depth.checked_sub(1) {
            Some(depth) => self.handle_opened(&opened, now, depth, take),
            None => take(&opened.packet),
        }
    }

    /// Packets left out because they were seen before.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.count()
    }

    /// What became of fragments.
    pub fn fragments(&self) -> FragmentCounts {
        self.fragments.counts()
    }

    /// Packets that came in tunnels, by the outermost one's kind; zeros included.
    pub fn tunnelled(&self) -> impl Iterator<Item = (TunnelKind, u64)> {
        TunnelKind::ALL.into_iter().zip(self.tunnelled)
    }
}

/// Whether anybody reads what is in a fragmented packet of this protocol: UDP, TCP and tunnels. In IPv6 extension
/// headers may stand before that.
fn is_read(src: IpAddr, protocol: Protocol) -> bool {
    match protocol.0 {
        4 | 6 | 17 | 41 | 47 | 51 | 137 => true,
        0 | 43 | 60 | 135 | 139 | 140 => src.is_ipv6(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{LinkType, Transport};

    fn udp(payload: &[u8]) -> Vec<u8> {
        let mut octets = vec![0x9c, 0x40, 0, 53];
        octets.extend((payload.len() as u16 + 8).to_be_bytes());
        octets.extend([0, 0]);
        octets.extend(payload);
        octets
    }

    /// A fragment of an IPv4 packet.
    fn v4(id: u16, protocol: u8, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
        let mut octets = vec![0x45, 0];
        octets.extend((20 + data.len() as u16).to_be_bytes());
        octets.extend(id.to_be_bytes());
        octets.extend(((offset / 8) as u16 | if more { 0x2000 } else { 0 }).to_be_bytes());
        octets.extend([64, protocol, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1]);
        octets.extend(data);
        octets
    }

    /// The same of IPv6, behind destination options.
    fn v6(id: u32, next: u8, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
        let mut octets = vec![0x60, 0, 0, 0];
        octets.extend((16 + data.len() as u16).to_be_bytes());
        octets.extend([60, 64]);
        octets.extend([[0xfd; 16], [0x20; 16]].concat());
        octets.extend([44, 0, 1, 4, 0, 0, 0, 0, next, 0]);
        octets.extend((offset as u16 | u16::from(more)).to_be_bytes());
        octets.extend(id.to_be_bytes());
        octets.extend(data);
        octets
    }

    /// Cut into fragments of `size` octets.
    fn cut(whole: &[u8], size: usize, make: impl Fn(usize, bool, &[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
        let count = whole.len().div_ceil(size);
        whole.chunks(size).enumerate().map(|(at, part)| make(at * size, at + 1 < count, part)).collect()
    }

    #[derive(Default)]
    struct Bench {
        intake: Intake,
        /// Of each packet: whether it is whole, and the payload of its datagram.
        seen: Vec<(Fragment, Option<Vec<u8>>)>,
    }

    impl Bench {
        fn take(&mut self, second: i64, octets: &[u8]) {
            let time = Timestamp::from_unix(second, 0);
            let frame =
                Frame { time, source: 0, link: LinkType::RawIp, octets, length: octets.len() as u32, vlan: None };
            let seen = &mut self.seen;
            self.intake.handle_frame(&frame, time, &mut |packet| seen.push(told(packet))).unwrap();
        }
    }

    fn told(packet: &Packet<'_>) -> (Fragment, Option<Vec<u8>>) {
        match packet.transport {
            Transport::Udp { payload, .. } => (packet.fragment, Some(payload.to_vec())),
            _ => (packet.fragment, None),
        }
    }

    #[test]
    fn a_fragmented_datagram_is_read_whole_after_its_last_fragment() {
        let payload: Vec<u8> = (0..100).collect();
        let datagram = udp(&payload);
        for parts in [
            cut(&datagram, 48, |offset, more, data| v4(7, 17, offset, more, data)),
            cut(&datagram, 48, |offset, more, data| v6(7, 17, offset, more, data)),
        ] {
            let mut bench = Bench::default();
            parts.iter().for_each(|part| bench.take(1, part));
            let expected = [
                (Fragment::First, Some(payload[..40].to_vec())),
                (Fragment::Later, None),
                (Fragment::Later, None),
                (Fragment::Rejoined, Some(payload.clone())),
            ];
            assert_eq!(bench.seen, expected);
            assert_eq!(bench.intake.fragments().rejoined, 1);
        }
    }

    #[test]
    fn what_never_becomes_whole_is_read_as_far_as_it_came() {
        let payload: Vec<u8> = (0..100).collect();
        let parts = cut(&udp(&payload), 48, |offset, more, data| v4(7, 17, offset, more, data));
        let mut bench = Bench::default();
        bench.take(1, &parts[0]);
        bench.take(30, &parts[1]);
        assert_eq!(bench.seen.len(), 2);
        bench.take(31, &v4(9, 17, 0, false, &udp(b"another")));
        let rejoined: Vec<_> = bench.seen.iter().filter(|seen| seen.0 == Fragment::Rejoined).collect();
        assert_eq!(rejoined, [&(Fragment::Rejoined, Some(payload[..88].to_vec()))]);
        bench.take(40, &parts[0]);
        let Bench { intake, seen } = &mut bench;
        intake.close_all(Timestamp::from_unix(40, 0), &mut |packet| seen.push(told(packet)));
        assert_eq!(seen.last(), Some(&(Fragment::Rejoined, Some(payload[..40].to_vec()))));
    }

    #[test]
    fn a_fragmented_tunnel_is_opened_when_it_is_whole_and_so_is_what_is_fragmented_within() {
        let payload: Vec<u8> = (0..200).collect();
        let mut bench = Bench::default();
        for inner in cut(&udp(&payload), 160, |offset, more, data| v4(7, 17, offset, more, data)) {
            let gre = [&[0, 0, 8, 0][..], &inner].concat();
            for part in cut(&gre, 64, |offset, more, data| v6(inner.len() as u32, 47, offset, more, data)) {
                bench.take(1, &part);
            }
        }
        assert_eq!(bench.seen.last(), Some(&(Fragment::Rejoined, Some(payload))));
        let inner: Vec<_> = bench.seen.iter().filter(|seen| seen.1.is_some()).map(|seen| seen.0).collect();
        assert_eq!(inner, [Fragment::First, Fragment::Rejoined]);
        let gre = bench.intake.tunnelled().find(|(kind, _)| *kind == TunnelKind::Gre).unwrap();
        assert_eq!((gre.1, bench.intake.fragments().rejoined), (2, 3));
    }

    #[test]
    fn fragments_of_what_nobody_reads_are_not_held() {
        let mut bench = Bench::default();
        bench.take(1, &v4(7, 1, 0, true, &[8; 64]));
        bench.take(1, &v4(7, 50, 0, true, &[8; 64]));
        assert!(bench.intake.fragments.is_empty());
        bench.take(1, &v4(7, 6, 0, true, &[8; 64]));
        assert_eq!(bench.intake.fragments.len(), 1);
    }
}
