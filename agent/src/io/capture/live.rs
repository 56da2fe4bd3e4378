//! A live interface, by the backend the operator chose: the kernel's ring, or pnet where that cannot be had.

use super::portable::PortableCapture;
use super::ring_capture::RingCapture;
use super::{Capture, CaptureError};
use crate::io::privilege::handed::PacketSockets;
use crate::limits;
use crate::settings::CaptureBackend;

/// How live interfaces are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSettings {
    /// By what.
    pub backend: CaptureBackend,
    /// Blocks of the ring, each of [`limits::RING_BLOCK_OCTETS`].
    pub ring_blocks: usize,
    /// Processes that name the same number share an interface's flows among them, each flow whole to one. 1 to 255.
    pub fanout: Option<u8>,
    /// Ports on which DNS is spoken: what passes them is kept whole.
    pub dns_ports: Vec<u16>,
    /// Whether the kernel throws away what no stage reads; only a bench wants it otherwise.
    pub filter: bool,
}

impl Default for LiveSettings {
    fn default() -> LiveSettings {
        LiveSettings {
            backend: CaptureBackend::default(),
            ring_blocks: limits::RING_BLOCKS,
            fanout: None,
            dns_ports: vec![53],
            filter: true,
        }
    }
}

/// Watches an interface in promiscuous mode, as source number `source`. Takes CAP_NET_RAW, and only here: what it gives
/// goes on without.
///
/// # Errors
/// [`CaptureError`] with a remedy.
pub fn open_live(interface: &str, source: u16, settings: &LiveSettings) -> Result<Box<dyn Capture>, CaptureError> {
    open_live_on(interface, source, settings, &mut PacketSockets::default())
}

/// The same on the next of these sockets: where they were handed over, it takes no right.
///
/// # Errors
/// [`CaptureError`] with a remedy.
pub fn open_live_on(
    interface: &str,
    source: u16,
    settings: &LiveSettings,
    sockets: &mut PacketSockets,
) -> Result<Box<dyn Capture>, CaptureError> {
    Ok(match settings.backend {
        CaptureBackend::Ring => Box::new(RingCapture::open(interface, source, settings, sockets)?),
        CaptureBackend::Pnet => Box::new(PortableCapture::open(interface, source, sockets)?),
    })
}

#[cfg(test)]
mod tests;
