//! What the CRYPTO frames of one QUIC connection say: the first reading, and another where they contradict one another.
//!
//! Who wants to hide a name sends a packet that never arrives, to the connection id of the hello that does. So what
//! contradicts is read by itself, as far as it is a hello; where only parts of it came, the rest is what was told before.

use std::hash::BuildHasher;

use varde_common::observation::HelloTransport;

use super::state::Looks;
use super::told::{Beside, LatelyTold, Stream};
use super::words::Teller;
use crate::hello::assembly::Assembly;
use crate::hello::quic::frames;
use crate::hello::{BadHello, Opening, tls};
use crate::keyed::RandomState;
use crate::limits::GREETING_MAX_OCTETS;

/// One end of a flow that is listened to: what was told of it, and where more is told.
pub(super) struct Hearing<'a, 't> {
    pub(super) looks: &'a mut Looks,
    pub(super) lately: &'a mut LatelyTold,
    /// Hashes hellos.
    pub(super) ids: &'a RandomState,
    pub(super) from_initiator: bool,
    pub(super) teller: &'a mut Teller<'t>,
}

/// What a stream of handshake messages turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// A hello, which was told now.
    Told,
    /// One that was told before.
    Known,
    /// One more than are told of an end.
    Beyond,
    More,
    Bad(BadHello),
    /// Its rest lies beyond the bounds, or it is another message.
    GivenUp,
}

/// What the frames of a packet brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Brought {
    /// A hello was told.
    pub(super) told: bool,
    /// Something is under way, with what the packet brought or without.
    pub(super) more: bool,
    /// What is none that can be read.
    pub(super) bad: Option<BadHello>,
    /// What is none at all, or goes on beyond the bounds.
    pub(super) given_up: bool,
    contradicts: bool,
    keeps: bool,
}

/// What is known of a stream that is not told yet.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// Of what contradicts, what came first.
    first: Assembly,
    /// From the first frame on that contradicts it: what came then.
    other: Assembly,
}

impl Hearing<'_, '_> {
    /// Reads what a stream begins with; tells it, if that was not told before.
    fn read(&mut self, stream: Stream, octets: &[u8]) -> Read {
        match tls::find_hello_in_quic(octets) {
            Opening::Whole(body) => {
                let hash = self.ids.hash_one((stream.0, body)) as u16;
                if self.looks.is_known(hash) {
                    return Read::Known;
                }
                if self.looks.are_enough_told(self.from_initiator) {
                    return Read::Beyond;
                }
                match self.teller.hello(body, HelloTransport::Quic) {
                    Ok(()) => {
                        self.looks.count_told(self.from_initiator, hash);
                        let whole = tls::MESSAGE_HEADER_OCTETS + body.len();
                        self.lately.keep(stream, octets.get(..whole).unwrap_or_default());
                        Read::Told
                    }
                    Err(reason) => Read::Bad(reason),
                }
            }
            Opening::Until(_) if octets.len() < GREETING_MAX_OCTETS => Read::More,
            Opening::Until(_) | Opening::Other => Read::GivenUp,
        }
    }

    /// Nothing more will come: what there is of a hello is told.
    fn cut(&mut self, octets: &[u8]) {
        self.teller.cut_hello(tls::begun_body_in_quic(octets), HelloTransport::Quic);
    }
}

impl Brought {
    fn note(&mut self, read: Read) {
        match read {
            Read::Told => self.told = true,
            Read::Known | Read::More => {}
            Read::Bad(reason) => self.bad = Some(reason),
            Read::Beyond | Read::GivenUp => self.given_up = true,
        }
    }
}

impl Readings {
    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.other.is_empty()
    }

    /// Octets of memory held.
    pub(super) fn kept_octets(&self) -> usize {
        self.first.kept_octets() + self.other.kept_octets()
    }

    /// Takes the frames of a packet; a hello that lies in one of them is read there.
    pub(super) fn take(
        &mut self,
        octets: &[u8],
        has_google_frames: bool,
        stream: Stream,
        hearing: &mut Hearing<'_, '_>,
    ) -> Brought {
        let mut brought = Brought::default();
        let is_all_read = frames::read(octets, has_google_frames, &mut |start, piece| {
            self.take_piece(start, piece, stream, hearing, &mut brought);
        });
        if !is_all_read {
            hearing.teller.refuse(BadHello::OtherFrame);
        }
        if brought.contradicts {
            hearing.teller.refuse(BadHello::Contradicting);
        }
        if brought.keeps {
            for reading in [&mut self.first, &mut self.other] {
                let read = if reading.is_empty() { Read::More } else { hearing.read(stream, reading.front()) };
                brought.note(read);
                if read == Read::GivenUp {
                    hearing.cut(reading.front());
                }
                if read != Read::More {
                    *reading = Assembly::default();
                }
            }
            if self.first.is_empty() {
                self.first = std::mem::take(&mut self.other);
            }
        }
        brought.more = !self.is_empty();
        brought
    }

    fn take_piece(
        &mut self,
        start: u64,
        piece: &[u8],
        stream: Stream,
        hearing: &mut Hearing<'_, '_>,
        brought: &mut Brought,
    ) {
        if hearing.looks.has_told() {
            match hearing.lately.beside(stream, start, piece) {
                Beside::Same => return,
                Beside::Other => brought.contradicts = true,
                Beside::Nothing => {}
            }
        }
        let contradicts = self.first.contradicts(start, piece);
        brought.contradicts |= contradicts;
        if start == 0 && (self.first.is_empty() || contradicts) {
            match hearing.read(stream, piece) {
                read @ (Read::Told | Read::Known | Read::Beyond | Read::Bad(_)) => return brought.note(read),
                Read::More | Read::GivenUp => {}
            }
        }
        // Where it is scattered too much, what closes a gap is still welcome.
        if !contradicts {
            brought.keeps |= self.first.keep(start, piece).is_ok();
        }
        if contradicts || !self.other.is_empty() {
            brought.keeps |= self.other.keep(start, piece).is_ok();
        }
    }

    /// Nothing more will come: what there is of hellos is told.
    pub(super) fn give_up(self, stream: Stream, hearing: &mut Hearing<'_, '_>) {
        let Readings { first, other } = self;
        if first.is_empty() {
            return;
        }
        let filled = hearing.lately.last_of(stream).map(|told| over(told, &first));
        if let Some(filled) = filled
            && matches!(hearing.read(stream, &filled), Read::Told | Read::Known | Read::Beyond)
        {
            return;
        }
        hearing.cut(first.front());
        if !other.is_empty() {
            hearing.cut(&over(first.front(), &other));
        }
    }
}

/// What is there of a stream, with what is known otherwise laid over it.
fn over(below: &[u8], above: &Assembly) -> Vec<u8> {
    let mut octets = below.to_vec();
    for (start, piece) in above.pieces() {
        let both = octets.len().saturating_sub(start).min(piece.len());
        let (first, behind) = piece.split_at(both);
        if let Some(place) = octets.get_mut(start..start + both) {
            place.copy_from_slice(first);
        }
        if start + both == octets.len() {
            octets.extend_from_slice(behind);
        }
    }
    octets
}
