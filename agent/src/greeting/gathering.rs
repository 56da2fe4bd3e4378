//! A greeting that does not come in one piece: what of it is there, over TCP and over QUIC.

use varde_common::observation::HelloTransport;

use super::{Looks, Passage, Words, read_hello, read_words};
use crate::hello::assembly::Assembly;
use crate::hello::quic::keys::ClientKeys;
use crate::hello::quic::version::Version;
use crate::hello::quic::{self, CONNECTION_ID_MAX_OCTETS, Initial, frames};
use crate::hello::{BadHello, Opening, http, tls};
use crate::limits::{GREETING_MAX_OCTETS, GREETING_SEGMENTS_MAX, QUIC_PACKETS_MAX, QUIC_TRIES_MAX};

/// What came of a segment or datagram.
#[derive(Debug)]
pub(super) enum Took {
    /// Nothing new.
    Nothing,
    /// No greeting, after all.
    Other,
    /// The first part of a greeting.
    Begun(Carrier),
    /// More of it, not all.
    More,
    /// All of it.
    Words(Words, Passage),
    /// It is none that can be read.
    Bad(BadHello),
    /// Its rest lies beyond the bounds.
    GivenUp,
}

/// A greeting under way.
#[derive(Debug)]
pub(super) struct Gathering {
    /// Who speaks.
    pub(super) from_initiator: bool,
    /// What was looked at before it began.
    pub(super) looks: Looks,
    pub(super) carrier: Carrier,
}

#[derive(Debug)]
pub(super) enum Carrier {
    Tcp(OverTcp),
    Quic(Box<OverQuic>),
}

impl Gathering {
    /// Whether it is a hello beyond doubt.
    pub(super) fn is_hello(&self) -> bool {
        match &self.carrier {
            Carrier::Tcp(tcp) => tls::is_hello(tcp.assembly.front()),
            Carrier::Quic(_) => true,
        }
    }

    /// Octets of memory held beside the entry itself.
    pub(super) fn kept_octets(&self) -> usize {
        match &self.carrier {
            Carrier::Tcp(tcp) => tcp.assembly.kept_octets(),
            Carrier::Quic(quic) => quic.assembly.kept_octets() + size_of::<OverQuic>(),
        }
    }
}

/// The beginning of a TCP stream.
#[derive(Debug)]
pub(super) struct OverTcp {
    /// Sequence number of its first octet.
    start: u32,
    /// Look again when so many octets are there.
    until: usize,
    head: http::Progress,
    assembly: Assembly,
}

impl OverTcp {
    pub(super) fn new(start: u32, until: usize, head: http::Progress) -> OverTcp {
        OverTcp { start, until, head, assembly: Assembly::default() }
    }

    /// With what was seen of it.
    pub(super) fn begin(start: u32, until: usize, head: http::Progress, seen: &[u8]) -> Took {
        let mut tcp = OverTcp::new(start, until, head);
        match tcp.assembly.keep(0, seen) {
            Ok(()) => Took::Begun(Carrier::Tcp(tcp)),
            Err(_) => Took::GivenUp,
        }
    }

    /// Takes a segment that begins at `seq`.
    pub(super) fn take(&mut self, seq: u32, payload: &[u8], passage: Passage) -> Took {
        let ahead = seq.wrapping_sub(self.start) as i32;
        let (at, fresh) = match usize::try_from(ahead) {
            Ok(at) => (at, payload),
            Err(_) => (0, payload.get(ahead.unsigned_abs() as usize..).unwrap_or_default()),
        };
        if fresh.is_empty() {
            return Took::Nothing;
        }
        if at >= GREETING_MAX_OCTETS || self.assembly.keep(at as u64, fresh).is_err() {
            return Took::GivenUp;
        }
        let front = self.assembly.front();
        if front.len() < self.until {
            return Took::More;
        }
        match read_words(front, &mut self.head, passage) {
            Ok(Opening::Whole(words)) => Took::Words(words, passage),
            Ok(Opening::Until(until)) if front.len() < GREETING_MAX_OCTETS => {
                self.until = until;
                Took::More
            }
            Ok(Opening::Until(_)) => Took::GivenUp,
            Ok(Opening::Other) => Took::Other,
            Err(reason) => Took::Bad(reason),
        }
    }
}

/// A client's stream of handshake messages in QUIC Initial packets.
#[derive(Debug)]
pub(super) struct OverQuic {
    version: &'static Version,
    /// The destination connection id the keys follow from.
    destination: ([u8; CONNECTION_ID_MAX_OCTETS], usize),
    keys: ClientKeys,
    largest: Option<u64>,
    /// Packets that did not open.
    failed: u8,
    /// Datagrams that brought nothing.
    idle: u8,
    assembly: Assembly,
}

impl OverQuic {
    /// Looks at a datagram that may be a client's first.
    pub(super) fn begin(datagram: &[u8], passage: Passage, space: &mut Vec<u8>) -> Took {
        let Some(mut quic) = initials(datagram).find_map(|initial| OverQuic::new(&initial)) else {
            return Took::Other;
        };
        match quic.take(datagram, passage, space) {
            Took::More => Took::Begun(Carrier::Quic(Box::new(quic))),
            Took::Nothing if quic.failed > 0 => Took::Bad(BadHello::NotAuthentic),
            Took::Nothing => Took::Other,
            took => took,
        }
    }

    fn new(initial: &Initial<'_>) -> Option<OverQuic> {
        // A client chooses at least eight octets; a server often sends to none.
        if initial.destination.is_empty() {
            return None;
        }
        let mut octets = [0; CONNECTION_ID_MAX_OCTETS];
        octets.get_mut(..initial.destination.len())?.copy_from_slice(initial.destination);
        Some(OverQuic {
            version: initial.version,
            destination: (octets, initial.destination.len()),
            keys: ClientKeys::derive(initial.version, initial.destination)?,
            largest: None,
            failed: 0,
            idle: 0,
            assembly: Assembly::default(),
        })
    }

    /// Takes a datagram from the client.
    pub(super) fn take(&mut self, datagram: &[u8], passage: Passage, space: &mut Vec<u8>) -> Took {
        let mut has_opened = false;
        for initial in initials(datagram) {
            if initial.version != self.version {
                continue;
            }
            let Some(opened) = self.keys.open(&initial, self.largest, space) else {
                self.failed += 1;
                if self.failed >= QUIC_TRIES_MAX {
                    return Took::Bad(BadHello::NotAuthentic);
                }
                // After a Retry the client begins anew, with keys that follow from the server's choice.
                if !has_opened && self.begin_anew(&initial, space) {
                    return self.take(datagram, passage, space);
                }
                continue;
            };
            has_opened = true;
            self.largest = self.largest.max(Some(opened.number));
            match take_frames(&mut self.assembly, opened.frames, self.version, passage) {
                Took::More | Took::Nothing => {}
                took => return took,
            }
        }
        if has_opened {
            return Took::More;
        }
        self.idle += 1;
        if self.idle >= GREETING_SEGMENTS_MAX { Took::GivenUp } else { Took::Nothing }
    }

    /// Whether the packet opens with the keys that follow from its own destination: then these are in force.
    fn begin_anew(&mut self, initial: &Initial<'_>, space: &mut Vec<u8>) -> bool {
        let (octets, count) = &self.destination;
        if octets.get(..*count) == Some(initial.destination) {
            return false;
        }
        let Some(anew) = OverQuic::new(initial) else { return false };
        if anew.keys.open(initial, None, space).is_none() {
            return false;
        }
        // The memory is kept, so that what is counted stays true.
        let mut assembly = std::mem::take(&mut self.assembly);
        assembly.clear();
        *self = OverQuic { failed: self.failed, idle: self.idle, assembly, ..anew };
        true
    }
}

/// The Initial packets of a datagram; of more packets than a client has reason to send, the first ones.
fn initials(datagram: &[u8]) -> impl Iterator<Item = Initial<'_>> {
    let mut rest = datagram;
    let packets = std::iter::from_fn(move || {
        let (packet, behind) = quic::next_packet(rest)?;
        rest = behind;
        Some(packet)
    });
    packets.take(QUIC_PACKETS_MAX).filter_map(|packet| match packet {
        quic::Packet::Initial(initial) => Some(initial),
        quic::Packet::Other => None,
    })
}

/// Reads the frames of a packet; a hello that lies in one of them is read there.
fn take_frames(assembly: &mut Assembly, octets: &[u8], version: &Version, passage: Passage) -> Took {
    let mut outcome = Took::Nothing;
    frames::read(octets, version.has_google_frames, &mut |offset, piece| {
        if !matches!(outcome, Took::Nothing | Took::More) {
            return;
        }
        let whole = (offset == 0 && assembly.is_empty()).then(|| read_stream(piece, passage));
        outcome = match whole {
            Some(took @ (Took::Words(_, _) | Took::Bad(_))) => took,
            Some(_) | None => match assembly.keep(offset, piece) {
                Ok(()) => Took::More,
                Err(_) => Took::GivenUp,
            },
        };
    });
    match outcome {
        Took::More => read_stream(assembly.front(), passage),
        outcome => outcome,
    }
}

/// Reads what a stream of handshake messages begins with.
fn read_stream(stream: &[u8], passage: Passage) -> Took {
    let read = tls::find_hello_in_quic(stream).and_then(|opening| match opening {
        Opening::Whole(body) => {
            Ok(Took::Words(Words::Hello(read_hello(body, HelloTransport::Quic, passage)?), passage))
        }
        Opening::Until(_) if stream.len() >= GREETING_MAX_OCTETS => Ok(Took::GivenUp),
        Opening::Until(_) => Ok(Took::More),
        Opening::Other => Ok(Took::GivenUp),
    });
    read.unwrap_or_else(Took::Bad)
}
