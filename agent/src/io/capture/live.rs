//! A live interface through pnet's datalink channel: the portable way, until the ring.
//!
//! It sees what the interface receives and sends; on loopback every packet therefore twice. It cannot tell what the
//! kernel dropped: pnet offers no statistics, and asking the socket itself takes `unsafe`. [`CaptureCounts::dropped`] is
//! none, which says "not known", never "nothing".

use std::io;
use std::os::fd::IntoRawFd;
use std::time::Duration;

use pnet::datalink::{self, Channel, DataLinkReceiver, NetworkInterface};
use socket2::{Domain, Socket, Type};
use varde_common::time::Timestamp;

use super::{Capture, CaptureCounts, CaptureError, Step};
use crate::io::clock;
use crate::limits;
use crate::packet::{Frame, LinkType};

/// AF_PACKET and SOCK_RAW of Linux, in `packet(7)`.
const AF_PACKET: i32 = 17;
const SOCK_RAW: i32 = 3;

/// An interface being watched.
pub struct LiveCapture {
    interface: String,
    index: u32,
    source: u16,
    link: LinkType,
    receiver: Box<dyn DataLinkReceiver>,
    /// The same socket once more: pnet does not fetch the socket's pending error, and it would repeat for ever.
    socket: Socket,
    counts: CaptureCounts,
    gone: bool,
}

impl LiveCapture {
    /// Watches an interface in promiscuous mode.
    pub fn open(interface: &str, source: u16) -> Result<LiveCapture, CaptureError> {
        let present = datalink::interfaces();
        let Some(found) = present.iter().find(|candidate| candidate.name == interface) else {
            return Err(CaptureError::NoSuchInterface {
                interface: interface.to_owned(),
                present: present.into_iter().map(|candidate| candidate.name).collect(),
            });
        };
        let link = link_type(found, hardware_type(interface))?;
        let cannot = |error: io::Error| watch_error(interface, &error);
        // Protocol 0: until pnet binds it to the interface, the socket receives nothing, of other interfaces neither.
        let socket = Socket::new(Domain::from(AF_PACKET), Type::from(SOCK_RAW), None).map_err(cannot)?;
        if let Err(error) = socket.set_recv_buffer_size(limits::LIVE_SOCKET_BUFFER_OCTETS) {
            tracing::debug!(interface, %error, "kernel keeps its default buffer for this interface");
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
        let receiver = match datalink::channel(found, config) {
            Ok(Channel::Ethernet(_, receiver)) => receiver,
            Ok(_) => return Err(cannot(io::ErrorKind::Unsupported.into())),
            Err(error) => return Err(cannot(error)),
        };
        Ok(LiveCapture {
            interface: interface.to_owned(),
            index: found.index,
            source,
            link,
            receiver,
            socket: kept,
            counts: CaptureCounts::default(),
            gone: false,
        })
    }

    /// An interface that is down comes back, and this socket with it; one that is gone does not, even under its old name.
    fn handle_read_error(&mut self, error: &io::Error) -> Result<Step, CaptureError> {
        let pending = self.socket.take_error().ok().flatten();
        if datalink::interfaces()
            .iter()
            .any(|candidate| candidate.name == self.interface && candidate.index == self.index)
        {
            tracing::debug!(interface = self.interface, %error, ?pending, "nothing to read from this interface");
            // The error is taken, so the next wait is a real one: no busy loop.
            return Ok(Step::Idle);
        }
        self.gone = true;
        Err(CaptureError::InterfaceGone { interface: self.interface.clone() })
    }
}

impl Capture for LiveCapture {
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
                        return Ok(if began.is_some() { Step::Frames } else { Step::Idle });
                    }
                    _ => return self.handle_read_error(&error),
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

fn watch_error(interface: &str, error: &io::Error) -> CaptureError {
    let interface = interface.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied => CaptureError::NotPermitted { interface },
        cause => CaptureError::CannotWatch { interface, cause },
    }
}

/// The ARPHRD number of an interface, where sysfs shows it (it may show another network namespace).
fn hardware_type(interface: &str) -> Option<u16> {
    // A name with a slash is no interface's, and must not lead elsewhere.
    if interface.contains('/') {
        return None;
    }
    std::fs::read_to_string(format!("/sys/class/net/{interface}/type")).ok()?.trim().parse().ok()
}

/// What frames of an interface begin with, by its ARPHRD number; without one, by its looks.
fn link_type(interface: &NetworkInterface, hardware: Option<u16>) -> Result<LinkType, CaptureError> {
    match hardware {
        // Ethernet; loopback has Ethernet headers on Linux.
        Some(1 | 772) => Ok(LinkType::Ethernet),
        // Raw IP of modems; tunnels: PPP (its header is not shown), IPIP, IPv6 in IPv6, SIT, GRE, GRE over IPv6, none (tun,
        // WireGuard).
        Some(519 | 512 | 768 | 769 | 776 | 778 | 823 | 65534) => Ok(LinkType::RawIp),
        Some(hardware) => Err(CaptureError::UnreadableLink { interface: interface.name.clone(), hardware }),
        None if interface.is_point_to_point() && !interface.is_broadcast() => Ok(LinkType::RawIp),
        None => Ok(LinkType::Ethernet),
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::packet::{Transport, decode};

    #[test]
    fn an_interface_that_does_not_exist_is_told_with_those_that_do() {
        let error = LiveCapture::open("varde-none0", 0).err().unwrap();
        assert!(matches!(&error, CaptureError::NoSuchInterface { present, .. } if present.contains(&"lo".to_owned())));
        assert!(error.to_string().contains("varde-none0"));
        assert_eq!(hardware_type("../lo"), None);
    }

    #[test]
    fn a_missing_right_is_told_with_how_to_grant_it() {
        let error = watch_error("eth0", &io::ErrorKind::PermissionDenied.into());
        assert!(error.to_string().contains("setcap cap_net_raw+ep"));
        let other = watch_error("eth0", &io::ErrorKind::NetworkDown.into());
        assert_eq!(other, CaptureError::CannotWatch { interface: "eth0".into(), cause: io::ErrorKind::NetworkDown });
    }

    #[test]
    fn the_link_type_follows_the_kind_of_interface() {
        let point_to_point = 0x10;
        let interface = |flags| NetworkInterface {
            name: "x0".to_owned(),
            description: String::new(),
            index: 7,
            mac: None,
            ips: Vec::new(),
            flags,
        };
        let cases = [
            (Some(1), 0, Ok(LinkType::Ethernet)),
            (Some(772), 0, Ok(LinkType::Ethernet)),
            (Some(65534), 0, Ok(LinkType::RawIp)),
            (Some(512), 0, Ok(LinkType::RawIp)),
            (Some(803), 0, Err(CaptureError::UnreadableLink { interface: "x0".to_owned(), hardware: 803 })),
            (None, 0, Ok(LinkType::Ethernet)),
            (None, point_to_point, Ok(LinkType::RawIp)),
        ];
        for (hardware, flags, expected) in cases {
            assert_eq!(link_type(&interface(flags), hardware), expected, "{hardware:?} {flags:#x}");
        }
    }

    #[test]
    fn a_datagram_on_loopback_is_seen_whole_where_raw_packets_may_be_read() {
        let mut capture = match LiveCapture::open("lo", 3) {
            Ok(capture) => capture,
            Err(CaptureError::NotPermitted { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = receiver.local_addr().unwrap().port();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let long = vec![0x5a; 40_000];
        let deadline = clock::monotonic() + Duration::from_secs(30);
        let mut seen = false;
        while !seen {
            assert!(clock::monotonic() < deadline, "no datagram seen");
            sender.send_to(&long, ("127.0.0.1", port)).unwrap();
            capture
                .next_block(&mut |frame| {
                    assert_eq!((frame.source, frame.link), (3, LinkType::Ethernet));
                    if let Ok(packet) = decode(&frame)
                        && let Transport::Udp { dst_port, payload, .. } = packet.transport
                    {
                        seen |= dst_port == port && payload == &long[..];
                    }
                })
                .unwrap();
        }
        assert!(capture.counts().frames >= 1);
        assert_eq!(capture.counts().dropped, None);
    }
}
