//! Tries what a running agent must not be able to do, and says what came of it. Whatever is tried does no harm where it is
//! allowed after all.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, IoSliceMut};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Command;

use nix::mount::MsFlags;
use nix::sched::CloneFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::{ptrace, socket};
use nix::unistd::{execve, getpid};
use serde::{Deserialize, Serialize};

/// What came of trying one forbidden thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What was tried, in a few words.
    pub what: String,
    /// Whether it was refused.
    pub refused: bool,
    /// What the system said.
    pub said: String,
}

/// No such file: what an allowed call says of it tells it from a refused one, and nothing happens.
const NOWHERE: &CStr = c"/nonexistent/varde-probe";
const NOWHERE_PATH: &str = "/nonexistent/varde-probe";

/// Does a forbidden thing, or is refused.
type Attempt = fn() -> io::Result<()>;

/// Tries everything, in the thread that calls.
pub fn all() -> Vec<Probe> {
    let tries: [(&str, Attempt); 16] = [
        ("read /etc/passwd", || File::open("/etc/passwd").map(drop)),
        ("read the program's own file", || std::env::current_exe().and_then(File::open).map(drop)),
        ("list /", || fs::read_dir("/").map(drop)),
        ("write a file in the temporary directory", write_outside),
        ("execute a program", || Ok(execve::<&CStr, &CStr>(NOWHERE, &[NOWHERE], &[]).map(drop)?)),
        ("start a process", || Command::new(NOWHERE_PATH).spawn().map(drop)),
        ("trace a process", || Ok(ptrace::getsiginfo(getpid()).map(drop)?)),
        ("read a process's memory", read_memory),
        ("make written memory executable", || memmap2::MmapMut::map_anon(1)?.make_exec().map(drop)),
        ("open a packet socket", open_packet_socket),
        ("listen for connections", || std::net::TcpListener::bind("127.0.0.1:0").map(drop)),
        ("reach a service of this machine by its socket", reach_a_service),
        ("send a datagram to a service of this machine", send_to_a_service),
        ("mount a file system", || {
            Ok(nix::mount::mount::<CStr, CStr, CStr, CStr>(None, NOWHERE, None, MsFlags::empty(), None)?)
        }),
        ("make a namespace", || Ok(nix::sched::unshare(CloneFlags::CLONE_NEWUSER)?)),
        ("take back a capability", take_back),
    ];
    tries.into_iter().map(|(what, attempt)| told(what, attempt())).collect()
}

/// Only EPERM and EACCES are a refusal: any other error was given by whoever would have done it.
fn told(what: &str, came: io::Result<()>) -> Probe {
    let (refused, said) = match came {
        Ok(()) => (false, "done".to_owned()),
        Err(error) => (error.kind() == io::ErrorKind::PermissionDenied, error.to_string()),
    };
    Probe { what: what.to_owned(), refused, said }
}

fn write_outside() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("varde-probe-{}", getpid()));
    File::create_new(&path)?;
    fs::remove_file(path)
}

/// Its own memory, so that nothing but the filter has a reason to refuse.
fn read_memory() -> io::Result<()> {
    let (from, mut to) = ([0u8; 1], [0u8; 1]);
    let remote = RemoteIoVec { base: from.as_ptr().addr(), len: 1 };
    process_vm_readv(getpid(), &mut [IoSliceMut::new(&mut to)], &[remote])?;
    Ok(())
}

/// Protocol 0: where it is allowed, it still receives nothing.
fn open_packet_socket() -> io::Result<()> {
    let opened = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None::<socket::SockProtocol>);
    Ok(opened.map(drop)?)
}

/// Nobody listens there: where it is allowed, the answer is that there is no such file.
fn reach_a_service() -> io::Result<()> {
    UnixStream::connect(NOWHERE_PATH).map(drop)
}

/// A pair needs no other end's leave to send elsewhere.
fn send_to_a_service() -> io::Result<()> {
    let (one, _other) = UnixDatagram::pair()?;
    one.send_to(&[0], NOWHERE_PATH).map(drop)
}

/// The kernel's own refusal; where it is granted, it is given up again.
fn take_back() -> io::Result<()> {
    use caps::{CapSet, Capability};
    let refused = |error: caps::errors::CapsError| io::Error::new(io::ErrorKind::PermissionDenied, error.to_string());
    caps::raise(None, CapSet::Effective, Capability::CAP_NET_RAW).map_err(refused)?;
    caps::drop(None, CapSet::Effective, Capability::CAP_NET_RAW).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_counts_as_one() {
        assert!(told("x", Err(nix::errno::Errno::EPERM.into())).refused);
        assert!(told("x", Err(nix::errno::Errno::EACCES.into())).refused);
        assert!(!told("x", Err(nix::errno::Errno::ENOENT.into())).refused, "it was looked for");
        assert!(!told("x", Ok(())).refused);
    }

    /// The other half of `s2_*` in `tests/tests/privilege.rs`: a probe that is always refused would prove nothing.
    #[test]
    fn in_a_process_that_is_not_confined_most_probes_are_allowed() {
        let allowed: Vec<String> = all().into_iter().filter(|probe| !probe.refused).map(|probe| probe.what).collect();
        for what in [
            "read /etc/passwd",
            "read the program's own file",
            "list /",
            "write a file in the temporary directory",
            "execute a program",
            "start a process",
            "trace a process",
            "read a process's memory",
            "make written memory executable",
            "listen for connections",
            "reach a service of this machine by its socket",
            "send a datagram to a service of this machine",
            "mount a file system",
        ] {
            assert!(allowed.iter().any(|allowed| allowed == what), "{what}; allowed: {allowed:?}");
        }
    }
}
