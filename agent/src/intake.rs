//! Frames to the packets that count: decapsulated, a mirror's second copies left out, fragments put together.

use std::net::IpAddr;

use varde_common::observation::Protocol;
use varde_common::time::Timestamp;

use crate::duplicate::{Copied, Duplicates};
use crate::fragment::{Datagram, FragmentCounts, Fragments};
use crate::limits::REJOINED_DEPTH_MAX;
use crate::packet::{self, Fragment, Frame, NotRead, Opened, Packet, Rejoined, TunnelKind};

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It holds a packet, which was handed on.
    Packet,
    /// It holds a packet that was seen before: a mirror shows it twice. What that came in is another packet where it was not
    /// seen before, and was handed on.
    Copy,
}

/// What becomes of frames before anything is observed.
#[derive(Debug, Default)]
pub struct Intake {
    duplicates: Duplicates,
    fragments: Fragments,
    /// By kind, in the order of [`TunnelKind::ALL`].
    tunnelled: [u64; TunnelKind::ALL.len()],
    unread_tunnels: u64,
}

impl Intake {
    /// Nothing was seen yet.
    pub fn new() -> Intake {
        Intake::default()
    }

    /// Reads a frame when the clock says `now` and hands on its packet, after those it came in where it came in tunnels
    /// (the outermost first), and before what it completes: a packet put together from fragments follows its last
    /// fragment, marked [`Fragment::Rejoined`] where its first fragment has counted for it.
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
        match self.duplicates.look(frame, &opened) {
            Copied::No => {}
            Copied::Inside => {
                packet::each_around(frame, take);
                return Ok(Passage::Copy);
            }
            Copied::Whole => return Ok(Passage::Copy),
        }
        if opened.packet.fragment == Fragment::Whole && opened.tunnels.is_none() {
            take(&opened.packet);
        } else {
            self.handle_wrapped(frame, &opened, now, take);
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
    fn handle_wrapped(
        &mut self,
        frame: &Frame<'_>,
        opened: &Opened<'_>,
        now: Timestamp,
        take: &mut impl FnMut(&Packet<'_>),
    ) {
        if opened.tunnel().is_some() {
            packet::each_around(frame, take);
        }
        self.handle_opened(opened, now, REJOINED_DEPTH_MAX, take);
    }

    fn handle_opened(&mut self, opened: &Opened<'_>, now: Timestamp, depth: usize, take: &mut impl FnMut(&Packet<'_>)) {
        if let Some(kind) = opened.tunnel()
            && let Some(count) = self.tunnelled.get_mut(kind as usize)
        {
            *count += 1;
        }
        self.unread_tunnels += u64::from(opened.tunnels.is_some_and(|tunnels| tunnels.is_unread));
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
        let &Datagram { time, source, src, dst, protocol, first_octets, ref data } = datagram;
        let rejoined = Rejoined { time, source, src, dst, protocol, first_octets, data };
        let Some(opened) = packet::open_rejoined(&rejoined, take) else { return };
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

    /// Packets that are tunnels of a kind that is known and not read: of them only what carries it is seen.
    pub fn unread_tunnels(&self) -> u64 {
        self.unread_tunnels
    }

    /// Packets that came in tunnels, by the outermost one's kind; zeros included.
    pub fn tunnelled(&self) -> impl Iterator<Item = (TunnelKind, u64)> {
        TunnelKind::ALL.into_iter().zip(self.tunnelled)
    }
}

/// Whether anybody reads what is in a fragmented packet of this protocol: UDP, TCP and tunnels. Extension headers may
/// stand before that.
fn is_read(src: IpAddr, protocol: Protocol) -> bool {
    matches!(protocol.0, 4 | 6 | 17 | 41 | 47 | 137) || packet::is_extension(src, protocol)
}

#[cfg(test)]
mod tests;
