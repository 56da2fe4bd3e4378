//! A live interface through the kernel's ring: block by block, frames borrowed from the ring itself.
//!
//! It sees what the interface receives and what this machine sends through it, so that a sensor may stand on a router;
//! on loopback, where both would be the same packet, only what is received.

use std::io;

use super::block::Walk;
use super::interface::{find, link_type, watch_error};
use super::ring::{Ring, Shape, Unstarted, Waited};
use super::{Capture, CaptureCounts, CaptureError, CaptureRefusal, LiveSettings, Step, filter};
use crate::io::privilege::handed::PacketSockets;
use crate::limits;
use crate::packet::{Frame, LinkType};

/// ARPHRD_LOOPBACK of Linux.
const LOOPBACK: u16 = 772;

/// An interface being watched.
pub(super) struct RingCapture {
    interface: String,
    source: u16,
    link: LinkType,
    ring: Ring,
    counts: CaptureCounts,
    state: State,
}

/// What became of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    /// It was set down; it comes back, and the socket with it.
    Down,
    Gone,
}

impl RingCapture {
    /// Watches an interface in promiscuous mode.
    pub(super) fn open(
        interface: &str,
        source: u16,
        settings: &LiveSettings,
        sockets: &mut PacketSockets,
    ) -> Result<RingCapture, CaptureError> {
        let found = find(interface)?;
        let cannot = |error: io::Error| watch_error(interface, &error);
        let socket = sockets.take().and_then(|socket| Unstarted::bound_to(found.index, socket)).map_err(cannot)?;
        let hardware = socket.bound().map_err(cannot)?.hardware;
        let link = link_type(interface, hardware)?;
        if hardware == LOOPBACK {
            socket.ignore_outgoing().map_err(cannot)?;
        }
        if settings.filter {
            socket.attach_filter(&filter::program(link, &settings.dns_ports)).map_err(cannot)?;
        }
        let shape = Shape {
            block_octets: limits::RING_BLOCK_OCTETS,
            blocks: settings.ring_blocks.clamp(limits::RING_BLOCKS_MIN, limits::RING_BLOCKS_MAX),
            retire_ms: limits::RING_RETIRE_MS,
        };
        let fanout = settings.fanout.map(|group| group_of(group, found.index));
        let ring = socket.start(shape, fanout).map_err(|error| match (settings.fanout, error.kind()) {
            // What the kernel says where the number is in use for another interface or another way of sharing.
            (Some(group), io::ErrorKind::InvalidInput) => {
                CaptureError::FanoutTaken { interface: interface.to_owned(), group }
            }
            _ => cannot(error),
        })?;
        let counts = CaptureCounts::counting_drops();
        Ok(RingCapture { interface: interface.to_owned(), source, link, ring, counts, state: State::Up })
    }

    fn hand_out(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> bool {
        let RingCapture { source, link, ref mut ring, ref mut counts, .. } = *self;
        let Some(block) = ring.block() else { return false };
        let mut walk = Walk::over(block.octets());
        for frame in walk.by_ref() {
            counts.hand_out(frame.octets.len());
            counts.joined_cut += u64::from(filter::has_cut_joined(frame.octets.len(), frame.length));
            each(Frame {
                time: frame.time,
                source,
                link,
                octets: frame.octets,
                length: frame.length,
                vlan: frame.vlan,
            });
        }
        if walk.contradicts() {
            counts.refuse(CaptureRefusal::MalformedBlock);
        }
        true
    }

    /// The kernel forgets its count when it is asked.
    fn count_dropped(&mut self) {
        match self.ring.take_dropped() {
            Ok(dropped) => {
                let sum = self.counts.dropped.unwrap_or(0).saturating_add(u64::from(dropped));
                self.counts.dropped = Some(sum);
            }
            Err(error) => tracing::debug!(interface = self.interface, %error, "kernel does not say what it dropped"),
        }
    }

    fn look_after(&mut self, error: Option<io::Error>) -> Result<Step, CaptureError> {
        let there = self.ring.bound().map_err(|error| watch_error(&self.interface, &error))?;
        if there.index.is_none() {
            self.state = State::Gone;
            return Err(CaptureError::InterfaceGone { interface: self.interface.clone() });
        }
        if let Some(error) = error
            && self.state == State::Up
        {
            self.state = State::Down;
            tracing::warn!(interface = self.interface, %error, "nothing is seen here until the interface is up again");
        }
        Ok(Step::Idle)
    }
}

/// Groups are one number for the whole network namespace, and a group has one interface.
fn group_of(group: u8, index: u32) -> u16 {
    u16::from_be_bytes([group, index.to_le_bytes()[0]])
}

impl Capture for RingCapture {
    fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        if self.state == State::Gone {
            return Ok(Step::End);
        }
        let mut seen = self.hand_out(each);
        let mut waited = Waited::Ready;
        if !seen {
            let timeout = i32::try_from(limits::LIVE_WAIT_MS).unwrap_or(i32::MAX);
            waited = self.ring.wait(timeout).map_err(|error| watch_error(&self.interface, &error))?;
            seen = self.hand_out(each);
        }
        self.count_dropped();
        if seen {
            if self.state == State::Down {
                self.state = State::Up;
                tracing::info!(interface = self.interface, "the interface is up again");
            }
            return Ok(Step::Frames);
        }
        match waited {
            Waited::Ready => Ok(Step::Idle),
            Waited::Idle => self.look_after(None),
            // Taken, it is over, and the next wait is a real one: no busy loop.
            Waited::Error => {
                let error = self.ring.take_error();
                self.look_after(error)
            }
        }
    }

    fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
        vec![(self.source, self.counts)]
    }

    fn name(&self) -> &str {
        &self.interface
    }
}
