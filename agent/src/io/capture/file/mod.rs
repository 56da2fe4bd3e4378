//! Capture files, pcap and pcapng: recognised by how they begin, read once from front to back, so that a pipe will do.

mod pcap;
mod pcapng;
mod window;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use varde_common::time::Timestamp;

use super::{Capture, CaptureCounts, CaptureError, CaptureRefusal, Step};
use crate::limits;
use crate::packet::{Frame, LinkType};
use pcap::Pcap;
use pcapng::Pcapng;
use window::Window;

/// The order in which a file holds the octets of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Big,
    Little,
}

impl ByteOrder {
    fn u16(self, octets: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Big => u16::from_be_bytes(octets),
            ByteOrder::Little => u16::from_le_bytes(octets),
        }
    }

    fn u32(self, octets: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Big => u32::from_be_bytes(octets),
            ByteOrder::Little => u32::from_le_bytes(octets),
        }
    }
}

/// A frame found in the window, at `offset` from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    time: Timestamp,
    link: LinkType,
    offset: usize,
    captured: usize,
    length: u32,
    /// Octets of the record it stands in: passed over before the next one is read.
    record: usize,
}

/// What the next record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Frame(Found),
    End,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

type Input = Box<dyn Read + Send>;

/// A capture file that is open.
pub struct FileCapture {
    path: PathBuf,
    name: String,
    source: u16,
    window: Window<Input>,
    format: Format,
    found: Option<Found>,
    ended: bool,
    counts: CaptureCounts,
}

impl FileCapture {
    /// Opens a file, or standard input for `-`, and looks at how it begins; waits for the other end of a pipe.
    pub fn open(path: &Path, source: u16) -> Result<FileCapture, CaptureError> {
        FileCapture::open_reading(path, source, limits::CAPTURE_READ_OCTETS)
    }

    /// As [`FileCapture::open`], reading so many octets at once.
    pub(super) fn open_reading(path: &Path, source: u16, at_once: usize) -> Result<FileCapture, CaptureError> {
        let cannot_open = |cause: io::Error| CaptureError::CannotOpen { path: path.to_owned(), cause: cause.kind() };
        let input: Input = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file = File::open(path).map_err(cannot_open)?;
            if file.metadata().map_err(cannot_open)?.is_dir() {
                return Err(cannot_open(io::ErrorKind::IsADirectory.into()));
            }
            Box::new(file)
        };
        FileCapture::from_input(input, path, source, at_once)
    }

    fn from_input(input: Input, path: &Path, source: u16, at_once: usize) -> Result<FileCapture, CaptureError> {
        let mut window = Window::new(input, at_once);
        let mut counts = CaptureCounts::default();
        let format = recognise(&mut window, &mut counts, path)?;
        Ok(FileCapture {
            path: path.to_owned(),
            name: path.display().to_string(),
            source,
            window,
            format,
            found: None,
            ended: false,
            counts,
        })
    }

    /// Goes to the next frame; false at the end of the file. What is no frame is counted on the way.
    pub(super) fn advance(&mut self) -> Result<bool, CaptureError> {
        if let Some(found) = self.found.take() {
            self.window.consume(found.record);
        }
        if self.ended {
            return Ok(false);
        }
        let next = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.window, &mut self.counts),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.window, &mut self.counts),
        };
        match next {
            Ok(Next::Frame(found)) => {
                self.found = Some(found);
                Ok(true)
            }
            Ok(Next::End) => {
                self.ended = true;
                Ok(false)
            }
            Err(cause) => {
                self.ended = true;
                Err(CaptureError::CannotRead { path: self.path.clone(), cause: cause.kind() })
            }
        }
    }

    /// The time of the frame gone to.
    pub(super) fn current_time(&self) -> Option<Timestamp> {
        self.found.map(|found| found.time)
    }

    /// Hands out the frame gone to.
    pub(super) fn hand_out(&mut self, each: &mut dyn FnMut(Frame<'_>)) {
        let Some(found) = self.found else { return };
        let Some(octets) = self.window.get(found.offset, found.captured) else { return };
        self.counts.hand_out(found.captured);
        each(Frame {
            time: found.time,
            source: self.source,
            link: found.link,
            octets,
            length: found.length,
            vlan: None,
        });
    }

    /// Hands out the frame gone to and those after it that are held whole, and goes to the next one; false at the end of
    /// the file. What a frame costs is decided here: no call and no bookkeeping for each record but the one hand-out.
    pub(super) fn hand_out_many(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<bool, CaptureError> {
        self.hand_out(each);
        self.hand_out_held(each);
        self.advance()
    }

    /// Hands out what stands in the window, as far as it is ordinary; the rest is for [`FileCapture::advance`].
    fn hand_out_held(&mut self, each: &mut dyn FnMut(Frame<'_>)) {
        if let Some(found) = self.found.take() {
            self.window.consume(found.record);
        }
        let FileCapture { source, ref window, ref mut format, ref mut counts, .. } = *self;
        let octets = window.available();
        let hand_out = |time, link, octets: &[u8], length| {
            counts.hand_out(octets.len());
            each(Frame { time, source, link, octets, length, vlan: None });
        };
        let walked = match format {
            Format::Pcap(pcap) => pcap.walk(octets, limits::CAPTURE_BLOCK_FRAMES, hand_out),
            Format::Pcapng(pcapng) => pcapng.walk(octets, limits::CAPTURE_BLOCK_FRAMES, hand_out),
        };
        self.window.consume(walked);
    }

    /// Octets of the file read so far.
    pub fn read_octets(&self) -> u64 {
        self.window.consumed()
    }

    /// What went through so far.
    pub(super) fn own_counts(&self) -> CaptureCounts {
        self.counts
    }
}

impl Capture for FileCapture {
    fn next_block(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Step, CaptureError> {
        if !self.advance()? {
            return Ok(Step::End);
        }
        self.hand_out(each);
        self.hand_out_held(each);
        Ok(Step::Frames)
    }

    fn counts_by_source(&self) -> Vec<(u16, CaptureCounts)> {
        vec![(self.source, self.counts)]
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Tells the formats apart by their first octets. A file cut within its own header is a capture with nothing in it.
fn recognise(window: &mut Window<Input>, counts: &mut CaptureCounts, path: &Path) -> Result<Format, CaptureError> {
    let cannot_read = |cause: io::Error| CaptureError::CannotRead { path: path.to_owned(), cause: cause.kind() };
    if !window.fill(4).map_err(cannot_read)? && window.available().is_empty() {
        return Err(CaptureError::Empty { path: path.to_owned() });
    }
    if let Some(format) = compression(window.available()) {
        return Err(CaptureError::Compressed { path: path.to_owned(), format });
    }
    let not_a_capture = || CaptureError::NotACapture { path: path.to_owned() };
    let magic = *window.available().first_chunk::<4>().ok_or_else(not_a_capture)?;
    if magic == pcapng::SECTION_HEADER {
        // The byte-order magic behind the block's length makes sure of it.
        let order = match window.fill(12).map_err(cannot_read)? {
            true => pcapng::byte_order(window.available()).ok_or_else(not_a_capture)?,
            false => ByteOrder::Little,
        };
        return Ok(Format::Pcapng(Pcapng::new(order)));
    }
    let mut pcap = Pcap::new(magic).ok_or_else(not_a_capture)?;
    if window.fill(pcap::FILE_HEADER_OCTETS).map_err(cannot_read)? {
        pcap.read_file_header(window.available());
        window.consume(pcap::FILE_HEADER_OCTETS);
    } else {
        counts.refuse(CaptureRefusal::FileCutShort);
        window.consume(window.available().len());
    }
    Ok(Format::Pcap(pcap))
}

/// Compressed files people have: named, so that they know what to do.
fn compression(octets: &[u8]) -> Option<&'static str> {
    match octets {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        [0xfd, b'7', b'z', b'X', ..] => Some("xz"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod maker;
#[cfg(test)]
pub(super) mod tests;
