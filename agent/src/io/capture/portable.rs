//! A live interface through pnet's datalink channel: the portable way, for where the ring cannot be had. Many times the
//! ring's cost for a packet, and it cannot tell what the kernel dropped: [`CaptureCounts::dropped`] is none, which says
//! "not known", never "nothing". Nor does it tell VLAN tags the kernel took off.

use std::io;
use std::os::fd::IntoRawFd;
use std::time::Duration;

use pnet::datalink::{self, Channel, DataLinkReceiver};
use socket2::Socket;
use varde_common::time::Timestamp;

use super::interface::{find, link_type, watch_error};
use super::{Capture, CaptureCounts, CaptureError, Step, ring};
use crate::io::clock;
use crate::io::privilege::handed::PacketSockets;
use crate::limits;
use crate::packet::{Frame, LinkType};

/// An interface being watched.
pub(super) struct PortableCapture {
    interface: String,
    source: u16,
    link: LinkType,
    receiver: Box<dyn DataLinkReceiver>,
    /// The same socket once more: pnet does not fetch the socket's pending error, and it would repeat for ever.
    socket: Socket,
    counts: CaptureCounts,
    gone: bool,
}

impl PortableCapture {
    /// Watches an interface in promiscuous mode.
    pub(super) fn open(
        interface: &str,
        source: u16,
        sockets: &mut PacketSockets,
    ) -> Result<PortableCapture, CaptureError> {
        let found = find(interface)?;
        let cannot = |error: io::Error| watch_error(interface, &error);
        // Until pnet binds it to the interface, the socket receives nothing, of other interfaces neither.
        let socket = sockets.take().map_err(cannot)?;
        if let Err(error) = socket.set_recv_buffer_size(limits::LIVE_SOCKET_BUFFER_OCTETS) {
            tracing::debug!(interface, %error, "kernel keeps its default buffer for this interface");
        }
        if found.is_loopback() {
            // It shows each packet where it is sent and where it is received.
            ring::ignore_outgoing(&socket).map_err(cannot)?;
        }
        let kept = socket.try_clone().map_err(cannot)?;
        let config = datalink::Config {
            read_buffer_size: limits::FRAME_MAX_OCTETS,
            // Nothing is ever sent.
            write_buffer_size: 0,
            read_timeout: Some(Duration::from_millis(limits::LIVE_WAIT_MS)),
            promiscuous: true,
            // pnet owns this descriptor from here on, and closes it when it cannot use it.
            socket_fd: Some(socket.into_raw_fd()),
            ..datalink::Config::default()
        };
        let receiver = match datalink::channel(&found, config) {
            Ok(Channel::Ethernet(_, receiver)) => receiver,
            Ok(_) => return Err(cannot(io::ErrorKind::Unsupported.into())),
            Err(error) => return Err(cannot(error)),
        };
        let link = link_type(interface, ring::bound(&kept).map_err(cannot)?.hardware)?;
        Ok(PortableCapture {
            interface: interface.to_owned(),
            source,
            link,
            receiver,
            socket: kept,
            counts: CaptureCounts::default(),
            gone: false,
        })
    }

    /// An interface that is down comes back, and this socket with it; one that is gone does not, even under its old name.
    fn still_there(&mut self) -> Result<Step, CaptureError> {
        if ring::bound(&self.socket).is_ok_and(|bound| bound.index.is_some()) {
            return Ok(Step::Idle);
        }
        self.gone = true;
        Err(CaptureError::InterfaceGone { interface: self.interface.clone() })
    }
}

impl Capture for PortableCapture {
    fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        if self.gone {
            return Ok(Step::End);
        }
        let mut began: Option<Timestamp> = None;
        for _ in 0..limits::LIVE_BLOCK_FRAMES {
            match self.receiver.next() {
                Ok(octets) => {
                    let time = clock::now();
                    self.counts.hand_out(octets.len());
                    each(Frame {
                        time,
                        source: self.source,
                        link: self.link,
                        octets,
                        length: u32::try_from(octets.len()).unwrap_or(u32::MAX),
                        vlan: None,
                    });
                    let began = *began.get_or_insert(time);
                    // A clock set back ends the block too.
                    if time < began || time.since(began) >= Duration::from_millis(limits::LIVE_BLOCK_MS) {
                        break;
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {
                        return if began.is_some() { Ok(Step::Frames) } else { self.still_there() };
                    }
                    _ => {
                        // Taken, it is over, and the next wait is a real one: no busy loop.
                        let pending = self.socket.take_error().ok().flatten();
                        tracing::debug!(interface = self.interface, %error, ?pending, "nothing to read");
                        return self.still_there();
                    }
                },
            }
        }
        Ok(Step::Frames)
    }

    fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
        vec![(self.source, self.counts)]
    }

    fn name(&self) -> &str {
        &self.interface
    }
}
