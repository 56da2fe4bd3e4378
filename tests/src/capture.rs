//! Packets as the files a sensor may be given: pcap and pcapng, every link type it reads; whole, or fed through a pipe.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;

use crate::traffic::{Packet, packet};

/// A sensor that takes nothing for so long reads no more.
const READ_WITHIN: Duration = Duration::from_secs(120);
/// A pipe that was full is tried again after this. It holds 64 KiB, some three hundred look-ups: a pause that a person would
/// not notice would be what a million matches a minute wait for.
const FULL_AGAIN_AFTER: Duration = Duration::from_millis(1);

/// What stands in front of each IP packet (numbers as in the registry of link types).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    /// BSD loopback, family in the byte order of the machine that captured.
    Null,
    /// Ethernet with VLAN tags.
    Ethernet,
    /// PPP.
    Ppp,
    /// Nothing: IPv4 or IPv6.
    Raw,
    /// OpenBSD loopback, family in network byte order.
    Loop,
    /// Linux cooked, version 1.
    LinuxCooked,
    /// Linux cooked, version 2.
    LinuxCooked2,
    /// A type no sensor knows.
    Unknown,
}

impl LinkType {
    /// All that a sensor must read.
    pub const KNOWN: [LinkType; 7] = [
        LinkType::Null,
        LinkType::Ethernet,
        LinkType::Ppp,
        LinkType::Raw,
        LinkType::Loop,
        LinkType::LinuxCooked,
        LinkType::LinuxCooked2,
    ];

    fn number(self) -> u16 {
        match self {
            LinkType::Null => 0,
            LinkType::Ethernet => 1,
            LinkType::Ppp => 9,
            LinkType::Raw => 101,
            LinkType::Loop => 108,
            LinkType::LinuxCooked => 113,
            LinkType::LinuxCooked2 => 276,
            LinkType::Unknown => 147,
        }
    }

    /// The frame around a packet.
    pub fn frame(self, packet: &Packet, big_endian: bool) -> Vec<u8> {
        let v6 = packet.ip.first().is_some_and(|first| first >> 4 == 6);
        let ethertype: [u8; 2] = if v6 { [0x86, 0xdd] } else { [0x08, 0x00] };
        let family: u32 = if v6 { 10 } else { 2 };
        // BSD's own number for IPv6; Linux never writes these link types.
        let bsd_family: u32 = if v6 { 30 } else { 2 };
        let mut frame = match self {
            LinkType::Null if big_endian => bsd_family.to_be_bytes().to_vec(),
            LinkType::Null => bsd_family.to_le_bytes().to_vec(),
            LinkType::Loop => bsd_family.to_be_bytes().to_vec(),
            LinkType::Ethernet => {
                let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
                for (depth, vlan) in packet.vlans.iter().enumerate() {
                    let outer = packet.vlans.len() > 1 && depth == 0;
                    frame.extend_from_slice(if outer { &[0x88, 0xa8] } else { &[0x81, 0x00] });
                    frame.extend_from_slice(&vlan.to_be_bytes());
                }
                frame.extend_from_slice(&ethertype);
                frame
            }
            LinkType::Ppp => vec![0xff, 0x03, 0x00, if v6 { 0x57 } else { 0x21 }],
            LinkType::Raw => Vec::new(),
            LinkType::LinuxCooked => {
                let mut frame = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
                frame.extend_from_slice(&ethertype);
                frame
            }
            LinkType::LinuxCooked2 => {
                let mut frame = ethertype.to_vec();
                frame.extend_from_slice(&[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
                frame
            }
            LinkType::Unknown => family.to_be_bytes().to_vec(),
        };
        frame.extend_from_slice(&packet.ip);
        // Ethernet pads short frames; a reader must go by the IP length.
        if self == LinkType::Ethernet && frame.len() < 60 {
            frame.resize(60, 0);
        }
        frame
    }
}

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// pcapng, else pcap.
    pub next_generation: bool,
    /// Times in nanoseconds, else microseconds.
    pub nanoseconds: bool,
    /// Most significant octet first.
    pub big_endian: bool,
    /// What stands in front of each packet.
    pub link: LinkType,
}

impl Format {
    /// What tcpdump writes on most machines.
    pub const USUAL: Format =
        Format { next_generation: false, nanoseconds: false, big_endian: false, link: LinkType::Ethernet };

    fn u16(self, n: u16) -> [u8; 2] {
        if self.big_endian { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn u32(self, n: u32) -> [u8; 4] {
        if self.big_endian { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let length = self.u32((12 + body.len() + padding) as u32);
        [&self.u32(kind)[..], &length, body, &[0; 4][..padding], &length].concat()
    }

    /// The block of pcapng that tells of one more interface.
    pub fn interface(self) -> Vec<u8> {
        self.interface_of(262_144, if self.nanoseconds { 9 } else { 6 })
    }

    /// The same of one with this snap length, whose ticks are 10 to the minus this many seconds long, or with the highest bit
    /// 2 to the minus this many.
    pub fn interface_of(self, snap_octets: u32, resolution: u8) -> Vec<u8> {
        let mut interface = [&self.u16(self.link.number())[..], &self.u16(0), &self.u32(snap_octets)].concat();
        if resolution != 6 {
            // if_tsresol, end of options
            interface.extend([&self.u16(9)[..], &self.u16(1), &[resolution, 0, 0, 0], &[0; 4]].concat());
        }
        self.block(1, &interface)
    }

    /// The block with which a section of pcapng begins.
    pub fn section(self) -> Vec<u8> {
        self.block(0x0a0d_0d0a, &[&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat())
    }

    /// The block of pcapng with a frame: seen by this interface, so many of its ticks after 1970.
    pub fn packet_block(self, ticks: u64, frame: &[u8], on_the_wire: u32, interface: u32) -> Vec<u8> {
        let (high, low) = (self.u32((ticks >> 32) as u32), self.u32(ticks as u32));
        let lengths = [self.u32(frame.len() as u32), self.u32(on_the_wire)].concat();
        self.block(6, &[&self.u32(interface)[..], &high, &low, &lengths, frame].concat())
    }

    /// What a file begins with.
    pub fn header(self) -> Vec<u8> {
        if self.next_generation {
            return [self.section(), self.interface()].concat();
        }
        let magic = if self.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        let [a, b] = [self.u16(2), self.u16(4)];
        let link = u32::from(self.link.number());
        [&self.u32(magic)[..], &a, &b, &[0; 8], &self.u32(262_144), &self.u32(link)].concat()
    }

    /// A packet as it stands in the file.
    pub fn record(self, packet: &Packet) -> Vec<u8> {
        let frame = self.link.frame(packet, self.big_endian);
        self.record_of(packet.time_ns, &frame, frame.len() as u32, 0)
    }

    /// A frame as it stands in the file: so many octets it had on the wire; seen by this interface, which pcap cannot tell.
    pub fn record_of(self, time_ns: u64, frame: &[u8], on_the_wire: u32, interface: u32) -> Vec<u8> {
        if self.next_generation {
            let ticks = if self.nanoseconds { time_ns } else { time_ns / 1000 };
            return self.packet_block(ticks, frame, on_the_wire, interface);
        }
        let fraction = (time_ns % 1_000_000_000) / if self.nanoseconds { 1 } else { 1000 };
        let seconds = (time_ns / 1_000_000_000) as u32;
        let lengths = [self.u32(frame.len() as u32), self.u32(on_the_wire)].concat();
        [&self.u32(seconds)[..], &self.u32(fraction as u32), &lengths, frame].concat()
    }

    /// A whole file.
    pub fn file(self, packets: &[Packet]) -> Vec<u8> {
        let mut octets = self.header();
        octets.extend(packets.iter().flat_map(|packet| self.record(packet)));
        octets
    }
}

/// Writes a whole file.
///
/// # Errors
/// The file system's own, with the path.
pub fn write(path: &Path, format: Format, packets: &[Packet]) -> Result<()> {
    std::fs::write(path, format.file(packets)).with_context(|| format!("cannot write {}", path.display()))
}

/// A named pipe that looks like a capture file that never ends: a live source that a test turns by hand.
///
/// Held open for reading too, so that neither end waits for the other; dropping it is the end of the file.
#[derive(Debug)]
pub struct Feed {
    pipe: File,
    path: PathBuf,
    waited: Duration,
}

impl Feed {
    /// Makes the pipe, writes the file header and one frame. A new one is needed for each life of a sensor.
    ///
    /// # Errors
    /// When the pipe cannot be made.
    pub fn new(path: &Path) -> Result<Feed> {
        let made = Command::new("mkfifo").args([OsStr::new("-m"), OsStr::new("600"), path.as_os_str()]).status();
        ensure!(made.context("mkfifo")?.success(), "cannot make the pipe {}", path.display());
        // O_NONBLOCK (04000 on Linux): a sensor that was killed must not hang the test.
        let pipe = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path);
        let pipe = pipe.with_context(|| format!("cannot open {}", path.display()))?;
        let mut feed = Feed { pipe, path: path.to_owned(), waited: Duration::ZERO };
        feed.write(&Format::USUAL.header())?;
        // A sensor looks at the first frame of each file before it begins; this one is of no interest to anybody.
        let (nobody, discard) = (SocketAddr::from(([192, 0, 2, 1], 9)), SocketAddr::from(([192, 0, 2, 2], 9)));
        let time_ns = u64::try_from(clock::now().as_micros()).unwrap_or(0) * 1000;
        feed.send(&[Packet { time_ns, vlans: Vec::new(), ip: packet::udp(nobody, discard, &[0; 8]) }])?;
        Ok(feed)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long it has waited for the sensor so far, the pipe being full.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Lets packets pass; waits while the sensor is busy.
    ///
    /// # Errors
    /// When the sensor takes nothing for two minutes.
    pub fn send(&mut self, packets: &[Packet]) -> Result<()> {
        let octets: Vec<u8> = packets.iter().flat_map(|packet| Format::USUAL.record(packet)).collect();
        self.write(&octets)
    }

    fn write(&mut self, octets: &[u8]) -> Result<()> {
        let (mut rest, mut full) = (octets, Duration::ZERO);
        while !rest.is_empty() {
            let tried = clock::monotonic();
            match self.pipe.write(rest) {
                Ok(written) => (rest, full) = (rest.get(written..).unwrap_or_default(), Duration::ZERO),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ensure!(full < READ_WITHIN, "the sensor has not read its source for {full:.0?}");
                    std::thread::sleep(FULL_AGAIN_AFTER);
                    full += tried.elapsed();
                    self.waited += tried.elapsed();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot write to the pipe"),
            }
        }
        Ok(())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_lengths_and_magics_of_their_formats() {
        let packet = Packet { time_ns: 1_700_000_000_123_456_789, vlans: vec![5], ip: vec![0x45; 61] };
        let usual = Format { link: LinkType::Raw, ..Format::USUAL };
        let file = usual.file(std::slice::from_ref(&packet));
        assert_eq!(file.len(), 24 + 16 + 61);
        assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
        assert_eq!(file[24..32], [&1_700_000_000u32.to_le_bytes()[..], &123_456u32.to_le_bytes()].concat());
        let next = Format { next_generation: true, nanoseconds: true, big_endian: true, link: LinkType::Ethernet };
        let file = next.file(&[packet]);
        assert_eq!(file.len() % 4, 0);
        assert_eq!(file[..12], [0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d]);
    }

    #[test]
    fn ethernet_shows_its_tags_outermost_first() {
        let packet = Packet { time_ns: 0, vlans: vec![7, 8], ip: vec![0x60; 100] };
        let frame = LinkType::Ethernet.frame(&packet, false);
        assert_eq!(frame[12..22], [0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 0x86, 0xdd]);
    }

    #[test]
    fn a_feed_can_be_read_as_a_file_that_grows_and_ends() {
        let dir = tempfile::tempdir().unwrap();
        let mut feed = Feed::new(&dir.path().join("feed")).unwrap();
        let mut reader = File::open(feed.path()).unwrap();
        let packet = Packet { time_ns: 0, vlans: vec![], ip: vec![0x45; 40] };
        feed.send(&[packet]).unwrap();
        drop(feed);
        let mut octets = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut octets).unwrap();
        assert_eq!(octets.len(), 24 + 2 * (16 + 60));
    }
}
