//! The ring the kernel writes frames into (AF_PACKET with TPACKET_V3, `packet(7)`): the only `unsafe` on the packet path, and small (mapping a list is the other).
//!
//! Memory shared with the kernel stands behind [`Block`]: a block is ours from the moment its status word says so until
//! the [`Block`] is dropped, and meanwhile the kernel does not touch it (kernel documentation, "packet_mmap"). What a
//! block holds is read by safe code, in `block`.
#![expect(unsafe_code, reason = "the ring is memory shared with the kernel, and packet sockets have no safe interface")]

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use socket2::Socket;

use super::filter::Instruction;

/// Where a block's status word stands (`tpacket_block_desc.hdr.bh1.block_status`).
const STATUS_OFFSET: usize = 8;
/// The kernel wants a frame size to check the shape of a ring with, though in TPACKET_V3 frames are as long as they are.
const FRAME_OCTETS: usize = 2048;

/// What a packet socket is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound {
    /// The interface's index; none once the interface is gone, for ever.
    pub(super) index: Option<u32>,
    /// Its hardware type in Linux's numbers (ARPHRD).
    pub(super) hardware: u16,
}

/// How large a ring is and how it hands over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Octets of one block: whole pages.
    pub(super) block_octets: usize,
    /// Blocks.
    pub(super) blocks: usize,
    /// A block that is not full is handed over after so long, milliseconds.
    pub(super) retire_ms: u32,
}

/// What waiting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// A block may be ready.
    Ready,
    /// Nothing came in time.
    Idle,
    /// The socket has something to say: see [`Ring::take_error`].
    Error,
}

/// A packet socket bound to an interface, that receives nothing yet.
#[derive(Debug)]
pub(super) struct Unstarted {
    socket: Socket,
    index: c_int,
}

impl Unstarted {
    /// Until it is bound to a protocol, the socket receives nothing, of other interfaces neither.
    pub(super) fn bound_to(index: u32, socket: Socket) -> io::Result<Unstarted> {
        let index = c_int::try_from(index).map_err(|_| io::ErrorKind::NotFound)?;
        bind(&socket, index, 0)?;
        Ok(Unstarted { socket, index })
    }

    pub(super) fn bound(&self) -> io::Result<Bound> {
        bound(&self.socket)
    }

    pub(super) fn ignore_outgoing(&self) -> io::Result<()> {
        ignore_outgoing(&self.socket)
    }

    /// Has the kernel run this program over every frame: what it returns is how much of the frame is kept.
    pub(super) fn attach_filter(&self, program: &[Instruction]) -> io::Result<()> {
        let code = |&Instruction { code, jt, jf, k }: &Instruction| libc::sock_filter { code, jt, jf, k };
        let mut code: Vec<libc::sock_filter> = program.iter().map(code).collect();
        let len = u16::try_from(code.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let attached = libc::sock_fprog { len, filter: code.as_mut_ptr() };
        // `code` lives until after the call; the kernel copies the program.
        set(&self.socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &attached)
    }

    /// Makes the ring and begins to receive, in promiscuous mode. `fanout`: shares the interface's frames, each flow by its outermost addresses, with the other
    /// sockets of that group, each flow whole to one of them.
    pub(super) fn start(self, shape: Shape, fanout: Option<u16>) -> io::Result<Ring> {
        let too_large = || io::Error::from(io::ErrorKind::InvalidInput);
        let octets = shape.block_octets.checked_mul(shape.blocks).ok_or_else(too_large)?;
        let number = |count: usize| u32::try_from(count).map_err(|_| too_large());
        let request = libc::tpacket_req3 {
            tp_block_size: number(shape.block_octets)?,
            tp_block_nr: number(shape.blocks)?,
            tp_frame_size: number(FRAME_OCTETS)?,
            tp_frame_nr: number(octets / FRAME_OCTETS)?,
            tp_retire_blk_tov: shape.retire_ms,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        let version = libc::tpacket_versions::TPACKET_V3 as c_int;
        set(&self.socket, libc::SOL_PACKET, libc::PACKET_VERSION, &version)?;
        set(&self.socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let memory = Memory::of(&self.socket, octets)?;
        // The membership is the socket's: the interface leaves promiscuous mode when the socket is closed, however.
        let promiscuous = libc::packet_mreq {
            mr_ifindex: self.index,
            mr_type: libc::PACKET_MR_PROMISC as libc::c_ushort,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set(&self.socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &promiscuous)?;
        bind(&self.socket, self.index, libc::ETH_P_ALL as u16)?;
        if let Some(group) = fanout {
            let argument = u32::from(group) | libc::PACKET_FANOUT_HASH << 16;
            set(&self.socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &argument)?;
        }
        Ok(Ring { socket: self.socket, memory, shape, next: 0 })
    }
}

/// A ring that frames come into.
#[derive(Debug)]
pub(super) struct Ring {
    socket: Socket,
    memory: Memory,
    shape: Shape,
    /// The block that comes next; below `shape.blocks`.
    next: usize,
}

impl Ring {
    /// The next block, if the kernel has handed it over.
    pub(super) fn block(&mut self) -> Option<Block<'_>> {
        // Acquire: what the kernel wrote before the status is seen after it.
        let handed_over = self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER != 0;
        // Made only then: a `Block` gives back what it stands for when it is dropped.
        if handed_over { Some(Block { ring: self }) } else { None }
    }

    /// Waits until a block is handed over, at most so long.
    pub(super) fn wait(&self, timeout_ms: c_int) -> io::Result<Waited> {
        let mut asked = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN | libc::POLLERR, revents: 0 };
        // SAFETY: the kernel reads and writes one `pollfd`, which `asked` is, for the time of the call.
        let ready = unsafe { libc::poll(&raw mut asked, 1, timeout_ms) };
        match ready {
            0 => Ok(Waited::Idle),
            1.. if asked.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0 => Ok(Waited::Error),
            1.. => Ok(Waited::Ready),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(Waited::Idle),
                error => Err(error),
            },
        }
    }

    /// The socket's pending error, which is then over.
    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.socket.take_error().unwrap_or_else(Some)
    }

    pub(super) fn bound(&self) -> io::Result<Bound> {
        bound(&self.socket)
    }

    /// Frames the kernel had no room for since this was last asked.
    pub(super) fn take_dropped(&self) -> io::Result<u32> {
        let mut statistics = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
        let mut length = size_of_val(&statistics) as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` octets, which is what `statistics` has, and any octets are three
        // whole numbers; both variables live for the time of the call.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast::<c_void>(),
                &raw mut length,
            )
        };
        check(result).map(|()| statistics.tp_drops)
    }

    fn status(&self) -> &AtomicU32 {
        let offset = self.next * self.shape.block_octets + STATUS_OFFSET;
        // SAFETY: `next < blocks`, so the word lies within the mapping, which `&self` keeps alive. It is aligned: the
        // mapping begins at a page and blocks are whole pages. Kernel and we both access it only as one atomic word: the
        // octets of a block are borrowed (`Block::octets`) only while `&mut self` is, and not while this is.
        unsafe { AtomicU32::from_ptr(self.memory.start.as_ptr().cast::<u8>().add(offset).cast::<u32>()) }
    }
}

/// A block that is ours until it is dropped; then the kernel may fill it again.
pub(super) struct Block<'a> {
    ring: &'a mut Ring,
}

impl Block<'_> {
    /// All of it: header, frames, unused room.
    pub(super) fn octets(&self) -> &[u8] {
        let Shape { block_octets, .. } = self.ring.shape;
        // SAFETY: `next < blocks`, so these octets lie within the mapping, which lives as long as the ring. The kernel
        // has handed the block over and writes to it again only after `drop`, which needs `&mut self`.
        unsafe {
            let start = self.ring.memory.start.as_ptr().cast::<u8>().add(self.ring.next * block_octets);
            std::slice::from_raw_parts(start, block_octets)
        }
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        // Release: whatever we read of the block was read before.
        self.ring.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.ring.next = (self.ring.next + 1) % self.ring.shape.blocks.max(1);
    }
}

/// The mapping of a ring.
#[derive(Debug)]
struct Memory {
    start: NonNull<c_void>,
    octets: usize,
}

// SAFETY: it is plain memory of this process, tied to no thread.
unsafe impl Send for Memory {}

impl Memory {
    fn of(socket: &Socket, octets: usize) -> io::Result<Memory> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at a place the kernel chooses; no memory of ours is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), octets, access, libc::MAP_SHARED, socket.as_raw_fd(), 0) };
        match NonNull::new(start) {
            Some(start) if start.as_ptr() != libc::MAP_FAILED => Ok(Memory { start, octets }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: exactly what `of` mapped; every borrow of it goes through a `Ring` that is being dropped.
        unsafe { libc::munmap(self.start.as_ptr(), self.octets) };
    }
}

/// What a packet socket is bound to: the kernel takes the index away when the interface goes, and gives it back never.
pub(super) fn bound(socket: &Socket) -> io::Result<Bound> {
    let mut address = link_address(0, 0);
    let mut length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` octets, which is what `address` has, and any octets are whole numbers;
    // both variables live for the time of the call.
    let result =
        unsafe { libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast::<libc::sockaddr>(), &raw mut length) };
    check(result)?;
    let index = u32::try_from(address.sll_ifindex).ok().filter(|index| *index > 0);
    Ok(Bound { index, hardware: address.sll_hatype })
}

/// Leaves out what this machine sends through the interface.
pub(super) fn ignore_outgoing(socket: &Socket) -> io::Result<()> {
    let yes: c_int = 1;
    set(socket, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &yes)
}

fn link_address(index: c_int, protocol: u16) -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as libc::c_ushort,
        sll_protocol: protocol.to_be(),
        sll_ifindex: index,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    }
}

fn bind(socket: &Socket, index: c_int, protocol: u16) -> io::Result<()> {
    let address = link_address(index, protocol);
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the kernel reads `length` octets at `address`, which has as many and lives for the time of the call.
    check(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast::<libc::sockaddr>(), length) })
}

fn set<T: Copy>(socket: &Socket, level: c_int, option: c_int, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel reads `length` octets at `value`, which has as many and lives for the time of the call; of the
    // one option that holds a pointer, the caller keeps alive what it points to.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(value).cast::<c_void>(), length) })
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
