//! Frames written straight into a capture file: Ethernet, VLAN, IPv4 and IPv6, TCP, UDP and ICMP with their checksums.

use std::fs::File;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result};

/// Written to the file at once.
const BLOCK_OCTETS: usize = 1 << 20;

/// Who speaks to whom, and in which VLAN.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Who sends this packet.
    pub source: SocketAddr,
    /// Who is to get it.
    pub destination: SocketAddr,
    /// VLAN tag.
    pub vlan: Option<u16>,
}

impl Ends {
    /// The other way round.
    pub fn reversed(self) -> Ends {
        Ends { source: self.destination, destination: self.source, vlan: self.vlan }
    }
}

/// What stands above IP.
#[derive(Debug, Clone, Copy)]
pub enum Above {
    /// A TCP segment.
    Tcp {
        /// Place of its first octet.
        sequence: u32,
        /// Next octet wanted.
        acknowledgement: u32,
        /// See [`crate::traffic::packet::flag`].
        flags: u8,
    },
    /// A UDP datagram.
    Udp,
    /// An ICMP echo request, else a reply.
    Echo {
        /// Whether it asks.
        request: bool,
    },
}

/// A pcap file (microseconds, Ethernet) that is being written.
#[derive(Debug)]
pub struct Capture {
    file: File,
    block: Vec<u8>,
    /// Packets so far.
    pub packets: u64,
    /// Octets of their frames.
    pub octets: u64,
}

/// Sum in ones' complement of 16-bit words (RFC 1071), in the machine's order.
fn sum(octets: &[u8], start: u64) -> u64 {
    let chunks = octets.chunks_exact(4);
    let mut tail = [0; 4];
    let rest = chunks.remainder();
    tail[..rest.len()].copy_from_slice(rest);
    let whole: u64 = chunks.map(|word| u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]))).sum();
    start + whole + u64::from(u32::from_ne_bytes(tail))
}

fn folded(sum: u64) -> [u8; 2] {
    let mut sum = (sum & 0xffff_ffff) + (sum >> 32);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_ne_bytes()
}

impl Capture {
    /// Begins a file.
    ///
    /// # Errors
    /// The file system's own.
    pub fn create(path: &Path) -> Result<Capture> {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        let mut block = Vec::with_capacity(BLOCK_OCTETS + (1 << 17));
        for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
            block.extend_from_slice(&word.to_le_bytes());
        }
        Ok(Capture { file, block, packets: 0, octets: 0 })
    }

    /// Writes one packet.
    ///
    /// # Errors
    /// The file system's own.
    pub fn send(&mut self, time_us: u64, ends: Ends, above: Above, payload: &[u8]) -> Result<()> {
        let record = self.block.len();
        self.block.extend_from_slice(&[0; 16]);
        let (source, destination) = (ends.source.ip(), ends.destination.ip());
        let v6 = destination.is_ipv6();
        self.block.extend_from_slice(&[2, 0, 0x5e, 0, 0, 1, 2, 0, 0x5e, 0, 0, 2]);
        if let Some(vlan) = ends.vlan {
            self.block.extend_from_slice(&[0x81, 0]);
            self.block.extend_from_slice(&vlan.to_be_bytes());
        }
        let header: usize = match above {
            Above::Tcp { flags, .. } if flags & 2 != 0 => 40,
            Above::Tcp { .. } => 32,
            Above::Udp | Above::Echo { .. } => 8,
        };
        let length = header + payload.len();
        let protocol = match (above, v6) {
            (Above::Tcp { .. }, _) => 6,
            (Above::Udp, _) => 17,
            (Above::Echo { .. }, false) => 1,
            (Above::Echo { .. }, true) => 58,
        };
        match (source, destination) {
            (IpAddr::V4(s), IpAddr::V4(d)) => {
                let [high, low] = (20 + length as u16).to_be_bytes();
                let [id_high, id_low] = (self.packets as u16).to_be_bytes();
                let mut ip =
                    [8, 0, 0x45, 0, high, low, id_high, id_low, 0x40, 0, 62, protocol, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                ip[14..18].copy_from_slice(&s.octets());
                ip[18..22].copy_from_slice(&d.octets());
                let checksum = folded(sum(&ip[2..], 0));
                ip[12..14].copy_from_slice(&checksum);
                self.block.extend_from_slice(&ip);
            }
            (IpAddr::V6(s), IpAddr::V6(d)) => {
                let [high, low] = (length as u16).to_be_bytes();
                self.block.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0, high, low, protocol, 62]);
                self.block.extend_from_slice(&s.octets());
                self.block.extend_from_slice(&d.octets());
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                self.block.truncate(record);
                return Ok(());
            }
        }
        let start = self.block.len();
        let ports = [ends.source.port().to_be_bytes(), ends.destination.port().to_be_bytes()].concat();
        let checksum_at = match above {
            Above::Tcp { sequence, acknowledgement, flags } => {
                self.block.extend_from_slice(&ports);
                self.block.extend_from_slice(&sequence.to_be_bytes());
                self.block.extend_from_slice(&acknowledgement.to_be_bytes());
                self.block.extend_from_slice(&[(header as u8 / 4) << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
                if header == 40 {
                    self.block.extend_from_slice(&[2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7]);
                }
                let stamp = ((time_us / 1000) as u32).to_be_bytes();
                let ago = ((time_us / 1000 - 12) as u32).to_be_bytes();
                let padding: &[u8] = if header == 40 { &[] } else { &[1, 1] };
                self.block.extend_from_slice(padding);
                self.block.extend_from_slice(&[8, 10]);
                self.block.extend_from_slice(&stamp);
                self.block.extend_from_slice(&ago);
                16
            }
            Above::Udp => {
                self.block.extend_from_slice(&ports);
                self.block.extend_from_slice(&(length as u16).to_be_bytes());
                self.block.extend_from_slice(&[0, 0]);
                6
            }
            Above::Echo { request } => {
                let kind = match (request, v6) {
                    (true, false) => 8,
                    (false, false) => 0,
                    (true, true) => 128,
                    (false, true) => 129,
                };
                let id = ends.source.port().max(ends.destination.port()).to_be_bytes();
                self.block.extend_from_slice(&[kind, 0, 0, 0, id[0], id[1], 0, 1]);
                2
            }
        };
        self.block.extend_from_slice(payload);
        let pseudo = match (source, destination) {
            (IpAddr::V4(_), _) if protocol == 1 => 0,
            (IpAddr::V4(s), IpAddr::V4(d)) => sum(&d.octets(), sum(&s.octets(), 0)),
            (IpAddr::V6(s), IpAddr::V6(d)) => sum(&d.octets(), sum(&s.octets(), 0)),
            _ => 0,
        };
        let pseudo = match protocol {
            1 => 0,
            _ => {
                pseudo
                    + u64::from(u16::from_ne_bytes((length as u16).to_be_bytes()))
                    + u64::from(u16::from_ne_bytes([0, protocol]))
            }
        };
        let checksum = folded(sum(&self.block[start..], pseudo));
        self.block[start + checksum_at..start + checksum_at + 2].copy_from_slice(&checksum);
        let captured = (self.block.len() - record - 16).max(60);
        self.block.resize(record + 16 + captured, 0);
        for (place, word) in
            [(time_us / 1_000_000) as u32, (time_us % 1_000_000) as u32, captured as u32, captured as u32]
                .into_iter()
                .enumerate()
        {
            self.block[record + 4 * place..record + 4 * place + 4].copy_from_slice(&word.to_le_bytes());
        }
        self.packets += 1;
        self.octets += captured as u64;
        if self.block.len() >= BLOCK_OCTETS {
            self.file.write_all(&self.block)?;
            self.block.clear();
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file system's own.
    pub fn finish(mut self) -> Result<()> {
        Ok(self.file.write_all(&self.block)?)
    }
}
