//! Where a sensor may not change its own capabilities (the packages' unit refuses `capset`), it sheds them by beginning anew: it opens packet
//! sockets, which takes CAP_NET_RAW, hands them over a Unix socket on standard input, and executes itself without ambient capabilities. Whoever
//! is not root gets no capability by execution (capabilities(7), "Transformation of capabilities during execve()"), so no call has to take them away.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::{env, fs};

use caps::{CapSet, Capability};
use nix::unistd::dup2_stdin;
use rustix::cmsg_space;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg, sockopt,
};
use rustix::process::geteuid;

use rustix::thread::{CapabilitiesSecureBits, capabilities_secure_bits};
use socket2::{Domain, Socket, Type};

use crate::limits::HANDED_SOCKETS_MAX;

/// In the environment of a program begun anew: how many sockets come on standard input.
const HANDED: &str = "VARDE_HANDED_SOCKETS";

/// Packet sockets, bound to nothing yet: those that were handed over, and where none were, new ones.
#[derive(Debug, Default)]
pub struct PacketSockets {
    handed: Vec<Socket>,
}

impl PacketSockets {
    /// Those for so many interfaces. Where this process could not give up its capabilities later, it **does not return**: the same program begins
    /// anew with the sockets and without capabilities. Later calls open sockets as they are taken.
    ///
    /// # Errors
    /// The system's own; [`io::ErrorKind::InvalidInput`] where the environment promises sockets that do not come, or there are more than
    /// [`HANDED_SOCKETS_MAX`] interfaces to hand over.
    pub fn ready(interfaces: usize) -> io::Result<PacketSockets> {
        match env::var_os(HANDED) {
            Some(promised) => received(&promised),
            None if interfaces > 0 && must_begin_anew() => Err(begin_anew(interfaces)),
            None => Ok(PacketSockets::default()),
        }
    }

    /// One that was handed over, or else a new one, which takes CAP_NET_RAW. It receives nothing before it is bound: its protocol is 0.
    pub fn take(&mut self) -> io::Result<Socket> {
        self.handed.pop().map_or_else(|| Socket::new(Domain::PACKET, Type::RAW, None), Ok)
    }
}

/// Whether there is a right to give up, no call to do it by, and an execution that does.
fn must_begin_anew() -> bool {
    let is_shed_by_execution = !geteuid().is_root()
        || capabilities_secure_bits().is_ok_and(|bits| bits.contains(CapabilitiesSecureBits::NO_ROOT));
    let Ok(held) = caps::read(None, CapSet::Effective) else { return false };
    // The same once more changes nothing: only a filter of calls refuses it.
    let is_refused = || caps::set(None, CapSet::Effective, &held).is_err();
    is_shed_by_execution && held.contains(&Capability::CAP_NET_RAW) && is_refused()
}

/// Returns only when it failed.
fn begin_anew(interfaces: usize) -> io::Error {
    match handed_over(interfaces) {
        // The very file that runs, whatever stands by its name by now; under the name it was called by.
        Ok(ours) => {
            let mut called = env::args_os();
            let name = called.next().unwrap_or_else(|| OsString::from("varde-agent"));
            let mut anew = Command::new("/proc/self/exe");
            anew.arg0(name)
                .args(called)
                .env(HANDED, interfaces.to_string())
                .stdin(Stdio::from(OwnedFd::from(ours)))
                .exec()
        }
        Err(error) => error,
    }
}

/// The end at which so many sockets wait, with no ambient capability left to pass on.
fn handed_over(interfaces: usize) -> io::Result<UnixStream> {
    if interfaces > HANDED_SOCKETS_MAX {
        let why = format!("{interfaces} interfaces are named, and at most {HANDED_SOCKETS_MAX} can be handed over");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let (theirs, ours) = UnixStream::pair()?;
    for _ in 0..interfaces {
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        send(&theirs, &socket)?;
    }
    caps::clear(None, CapSet::Ambient).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(ours)
}

/// One socket, with one octet to carry it.
fn send(to: &UnixStream, socket: &Socket) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sockets = [socket.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&sockets));
    sendmsg(to, &[IoSlice::new(&[0])], &mut control, SendFlags::DONTWAIT)?;
    Ok(())
}

fn received(promised: &OsString) -> io::Result<PacketSockets> {
    let wrong =
        |why: String| io::Error::new(io::ErrorKind::InvalidInput, format!("{HANDED} is set, but {why}; unset it"));
    let promised = promised.to_str().and_then(|number| number.parse().ok());
    let Some(promised) = promised.filter(|number| (1..=HANDED_SOCKETS_MAX).contains(number)) else {
        return Err(wrong(format!("not to a number from 1 to {HANDED_SOCKETS_MAX}")));
    };
    let mut handed = Vec::with_capacity(promised);
    for _ in 0..promised {
        let socket =
            receive(io::stdin()).map_err(|error| wrong(format!("no socket comes on standard input: {error}")))?;
        handed.push(socket);
    }
    handed.reverse();
    dup2_stdin(fs::File::open("/dev/null")?)?;
    Ok(PacketSockets { handed })
}

/// The next socket, if it is there and is one for packets.
fn receive(from: impl AsFd) -> io::Result<Socket> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    recvmsg(from, &mut [IoSliceMut::new(&mut [0])], &mut control, RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC)?;
    let socket = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    let socket = socket.ok_or(io::ErrorKind::UnexpectedEof)?;
    if sockopt::socket_domain(&socket)? != AddressFamily::PACKET {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "what comes is no packet socket"));
    }
    Ok(Socket::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_go_over_and_anything_else_is_refused() {
        let (theirs, ours) = UnixStream::pair().unwrap();
        assert_eq!(receive(&ours).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        send(&theirs, &Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap()).unwrap();
        assert_eq!(receive(&ours).unwrap_err().to_string(), "what comes is no packet socket");
        let Ok(packets) = Socket::new(Domain::PACKET, Type::RAW, None) else {
            eprintln!("SKIPPED: no right to open a packet socket");
            return;
        };
        send(&theirs, &packets).unwrap();
        assert_eq!(receive(&ours).unwrap().domain().unwrap(), Domain::PACKET);
        drop(theirs);
        assert_eq!(receive(&ours).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_promise_that_is_none_is_refused_with_what_to_do() {
        for promised in ["", "0", "many", "65"] {
            let error = received(&promised.into()).unwrap_err().to_string();
            assert!(error.contains("from 1 to 64") && error.ends_with("unset it"), "{promised}: {error}");
        }
    }

    #[test]
    fn who_may_change_capabilities_stays_and_more_than_can_be_handed_over_is_said() {
        assert!(!must_begin_anew(), "nothing refuses capset here");
        let error = handed_over(HANDED_SOCKETS_MAX + 1).unwrap_err().to_string();
        assert_eq!(error, "65 interfaces are named, and at most 64 can be handed over");
    }
}
