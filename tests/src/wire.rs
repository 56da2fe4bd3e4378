//! Frames put on an interface exactly as they are, many a system call, so that a sensor can be held to its promises.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::IntoRawFd;

use anyhow::{Context, Result};
use pnet::datalink::{self, Channel};
use rustix::io::Errno;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};
use socket2::{Domain, Socket, Type};

/// Frames handed to the kernel at once.
const AT_ONCE: usize = 64;

/// An interface that frames are put on.
#[derive(Debug)]
pub struct Wire {
    socket: Socket,
}

impl Wire {
    /// On an interface of the namespace this thread is in; see [`crate::namespaces::Namespace::within`].
    ///
    /// # Errors
    /// When there is no such interface, or no right to.
    pub fn open(interface: &str) -> Result<Wire> {
        let found = datalink::interfaces().into_iter().find(|candidate| candidate.name == interface);
        let found = found.with_context(|| format!("no interface {interface}"))?;
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        // pnet binds the socket to the interface; what is then sent goes by our own copy of it.
        let config = datalink::Config {
            socket_fd: Some(socket.try_clone()?.into_raw_fd()),
            promiscuous: false,
            ..datalink::Config::default()
        };
        match datalink::channel(&found, config)? {
            Channel::Ethernet(..) => Ok(Wire { socket }),
            _ => anyhow::bail!("{interface} takes no frames"),
        }
    }

    /// Puts these frames on the wire, in order; waits where the kernel has no room.
    ///
    /// # Errors
    /// When the interface takes one not at all.
    pub fn send<T: AsRef<[u8]>>(&self, frames: &[T]) -> Result<()> {
        for batch in frames.chunks(AT_ONCE) {
            let slices: Vec<[IoSlice<'_>; 1]> = batch.iter().map(|frame| [IoSlice::new(frame.as_ref())]).collect();
            let mut room: [[MaybeUninit<u8>; 0]; AT_ONCE] = [[]; AT_ONCE];
            let mut controls: Vec<_> = room.iter_mut().map(|room| SendAncillaryBuffer::new(room)).collect();
            let mut messages: Vec<MMsgHdr<'_>> =
                slices.iter().zip(&mut controls).map(|(slice, control)| MMsgHdr::new(slice, control)).collect();
            let mut left = messages.as_mut_slice();
            while !left.is_empty() {
                match sendmmsg(&self.socket, left, SendFlags::empty()) {
                    Ok(sent) => left = left.split_at_mut(sent).1,
                    Err(Errno::NOBUFS | Errno::AGAIN | Errno::INTR) => std::thread::yield_now(),
                    Err(error) => return Err(error).context("cannot send a frame"),
                }
            }
        }
        Ok(())
    }
}
