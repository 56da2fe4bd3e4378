//! One direction of a DNS stream over TCP: segments in any order become messages.

use std::time::Duration;

use varde_common::time::Timestamp;

use super::{Segment, StreamCounts};
use crate::dns::HEADER_OCTETS;
use crate::limits::{STREAM_GAP_TIMEOUT_S, STREAM_JOINS_MAX, STREAM_MAX_OCTETS, STREAM_PIECES_MAX};
use crate::packet::tcp_flags::{ACK, RST, SYN};

/// Octets of the length in front of each message (RFC 1035 section 4.2.2).
const PREFIX_OCTETS: usize = 2;
/// Octets this far behind are sent again; further behind they belong to something else.
const SENT_AGAIN_MAX_OCTETS: u64 = 1024 * 1024;
/// A SYN can have no more data than this: it is one segment.
const SYN_DATA_MAX_OCTETS: u32 = 65_536;
/// Positions start here, so that the first segments may turn out to be later ones.
const ORIGIN: u64 = 1 << 33;

/// One direction of a stream. Positions are sequence numbers that do not wrap.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// Position after the last octet read in order; none = the next segment says.
    next: Option<u64>,
    /// The sequence number of the SYN, to know it when it is sent again.
    syn: Option<u32>,
    /// It had data, which its receiver need not take (RFC 7413).
    syn_has_data: bool,
    /// It began with a SYN that answers none: its sender is the client.
    asks: bool,
    /// The last SYN that may be forged: the receiver stands elsewhere, and has not answered it.
    doubted: Option<u32>,
    /// Whether `next` is known to lie where the octets kept in `partial` say, from the SYN on or by a message that read well.
    certain: bool,
    /// Times it was joined midway at a place that was no start of a message.
    misjoined: u8,
    given_up: bool,
    pub(super) ended: bool,
    /// What its receiver expects next, where that was heard.
    stands: Option<u32>,
    /// The beginning of a message, with its length prefix, up to `next`.
    pub(super) partial: Vec<u8>,
    /// Runs behind gaps, in order, not touching one another.
    pub(super) pieces: Vec<Piece>,
    /// Since when there are such runs.
    waits_since: Option<Timestamp>,
    /// Since when segments have come that lie beyond all bounds, and no other.
    astray_since: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Piece {
    start: u64,
    pub(super) octets: Vec<u8>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.octets.len() as u64)
    }
}

/// The octets at hand are no DNS with length prefixes.
struct NoMessage;

impl Direction {
    /// Octets of memory held beside the entry itself.
    pub(super) fn kept_octets(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.octets.capacity() + size_of::<Piece>()).sum();
        self.partial.capacity() + pieces
    }

    /// Its receiver expects that octet next; in answer to a SYN it says where the stream begins, and how much it took of
    /// what was sent with that. Whether this is the answer to a client's SYN with which another connection begins.
    pub(super) fn hear_receiver(&mut self, ack: u32, is_syn_ack: bool) -> bool {
        let mut is_another = false;
        if is_syn_ack {
            let answers = |syn: u32| ack.wrapping_sub(syn).wrapping_sub(1) < SYN_DATA_MAX_OCTETS;
            is_another = self.doubted.is_some_and(answers)
                || self.asks && self.stands.is_none() && self.syn.is_some_and(answers);
            let taken = self.syn.map(|syn| ack.wrapping_sub(syn).wrapping_sub(1));
            let is_refused = self.syn_has_data && self.stands.is_none() && taken == Some(0);
            let is_known = taken.is_some_and(|taken| taken == 0 || self.syn_has_data && taken < SYN_DATA_MAX_OCTETS);
            if is_refused || !is_known {
                *self = Direction::beginning_at(ack);
            }
        }
        let ahead = self.stands.map_or(1, |stands| ack.wrapping_sub(stands) as i32);
        if ahead > 0 || u64::from(ahead.unsigned_abs()) > SENT_AGAIN_MAX_OCTETS {
            self.stands = Some(ack);
        }
        is_another
    }

    /// Another connection begins, and its SYN comes now: what its receiver said before it said of the one before.
    pub(super) fn forget_receiver(&mut self) {
        self.stands = None;
    }

    /// A SYN that may be forged, until it is answered.
    pub(super) fn doubt_syn(&mut self, syn: u32) {
        self.doubted = Some(syn);
    }

    /// A stream of which nothing was read.
    fn beginning_at(seq: u32) -> Direction {
        Direction {
            next: Some(ORIGIN + u64::from(seq)),
            syn: Some(seq.wrapping_sub(1)),
            certain: true,
            ..Direction::default()
        }
    }

    /// Whether a SYN begins a stream before it is answered: where the receiver is not heard it may, else it may be forged.
    pub(super) fn may_begin(&self, segment: &Segment<'_>) -> bool {
        self.stands.is_none() || self.syn == Some(segment.seq)
    }

    /// Whether a RST or FIN stands where its receiver may take it.
    pub(super) fn may_end(&self, segment: &Segment<'_>) -> bool {
        let Some(stands) = self.stands else { return true };
        let ahead = segment.seq.wrapping_sub(stands) as i32;
        if segment.flags & RST != 0 { ahead == 0 } else { (ahead.unsigned_abs() as usize) < STREAM_MAX_OCTETS }
    }

    /// Whether the receiver has all before a position, or is not heard.
    fn may_have_taken(&self, position: u64) -> bool {
        self.stands.is_none_or(|stands| stands.wrapping_sub(position as u32) as i32 >= 0)
    }

    /// Whether a segment stands where the receiver does, as near as what one message takes, or that is not heard.
    fn may_be_taken(&self, seq: u32) -> bool {
        self.stands.is_none_or(|stands| (seq.wrapping_sub(stands) as usize) < STREAM_MAX_OCTETS)
    }

    pub(super) fn handle_segment(
        &mut self,
        segment: Segment<'_>,
        now: Timestamp,
        counts: &mut StreamCounts,
        message: &mut impl FnMut(&[u8]) -> bool,
    ) {
        let mut seq = segment.seq;
        if segment.flags & SYN != 0 {
            seq = seq.wrapping_add(1);
            let has_data = !segment.payload.is_empty();
            if self.syn != Some(segment.seq) {
                *self = Direction { asks: segment.flags & ACK == 0, ..Direction::beginning_at(seq) };
            }
            self.syn_has_data |= has_data;
        }
        if self.given_up || segment.payload.is_empty() {
            return;
        }
        // Joined midway it may begin anywhere, but not where no receiver takes it.
        if self.next.is_none() && !self.may_be_taken(seq) {
            read_alone(segment.payload, message);
            return;
        }
        let next = *self.next.get_or_insert(ORIGIN + u64::from(seq));
        // The difference of two sequence numbers is signed (RFC 9293 section 3.4).
        let ahead = seq.wrapping_sub(next as u32) as i32;
        let start = next.saturating_add_signed(i64::from(ahead));
        if self.is_astray(start, segment.payload) {
            let astray_since = *self.astray_since.get_or_insert(now);
            let is_soon = now.since(astray_since) < Duration::from_secs(STREAM_GAP_TIMEOUT_S);
            let is_lost = self.may_have_taken(next.saturating_add(1)) && self.may_be_taken(seq);
            if !is_lost || self.stands.is_none() && is_soon {
                read_alone(segment.payload, message);
                return;
            }
            counts.gaps += 1;
            self.join_at(start);
        }
        let next = self.next.unwrap_or(next);
        let payload = match next.checked_sub(start) {
            None => segment.payload,
            Some(known) if known > SENT_AGAIN_MAX_OCTETS && !self.may_be_taken(seq) => {
                read_alone(segment.payload, message);
                return;
            }
            Some(known) if known > SENT_AGAIN_MAX_OCTETS => {
                counts.gaps += 1;
                self.join_at(start);
                segment.payload
            }
            Some(known) => match usize::try_from(known).ok().and_then(|known| segment.payload.get(known..)) {
                Some(fresh) if !fresh.is_empty() => fresh,
                Some(_) | None => return,
            },
        };
        let start = start.max(self.next.unwrap_or(start));
        if self.pieces.is_empty() && self.next == Some(start) {
            self.read_on(payload, counts, message);
            return;
        }
        self.keep(start, payload);
        self.read_pieces(counts, message);
        // What lies before the first piece will not come any more: read on behind the gap.
        let waits_since = *self.waits_since.get_or_insert(now);
        let is_overdue = now.since(waits_since) >= Duration::from_secs(STREAM_GAP_TIMEOUT_S);
        while let Some(first) = self.pieces.first().map(|piece| piece.start)
            && (is_overdue && self.may_have_taken(first) || self.is_over_bounds())
        {
            counts.gaps += 1;
            self.partial = Vec::new();
            self.certain = false;
            self.next = Some(first);
            self.read_pieces(counts, message);
        }
        if self.pieces.is_empty() {
            self.waits_since = None;
        }
    }

    /// Whether a segment lies where the receiver, who knows as surely as we where the stream is, would not take it: further
    /// behind than what is sent again, or further ahead than a message reaches, where nothing much leads up to it. If nothing
    /// else comes, it is the stream that is there: packets were lost on their way to the sensor.
    fn is_astray(&self, start: u64, payload: &[u8]) -> bool {
        let Some(next) = self.next.filter(|_| self.certain) else { return false };
        if next.saturating_sub(start) > SENT_AGAIN_MAX_OCTETS {
            return true;
        }
        let end = start.saturating_add(payload.len() as u64);
        let span = end.saturating_sub(next).saturating_add(self.partial.len() as u64);
        if span <= STREAM_MAX_OCTETS as u64 {
            return false;
        }
        let kept: usize = self.pieces.iter().map(|piece| piece.octets.len()).sum();
        let touches = self.pieces.last().map_or(next, Piece::end) >= start;
        !(touches && (start <= next || 2 * kept >= STREAM_MAX_OCTETS))
    }

    fn is_over_bounds(&self) -> bool {
        let furthest = self.pieces.last().map_or(0, Piece::end);
        let span = furthest.saturating_sub(self.next.unwrap_or(furthest));
        self.pieces.len() > STREAM_PIECES_MAX
            || span.saturating_add(self.partial.len() as u64) > STREAM_MAX_OCTETS as u64
    }

    /// Starts anew at a position that may or may not be the start of a message.
    fn join_at(&mut self, position: u64) {
        self.partial = Vec::new();
        self.pieces = Vec::new();
        self.certain = false;
        self.next = Some(position);
    }

    /// Keeps octets that lie behind a gap (or before octets that do); where some are there already, the first ones stay.
    fn keep(&mut self, start: u64, payload: &[u8]) {
        let mut rest = payload;
        let mut at = start;
        let mut place = 0;
        while !rest.is_empty() {
            let (run, covered) = match self.pieces.get(place) {
                Some(piece) if piece.end() <= at => {
                    place += 1;
                    continue;
                }
                Some(piece) if piece.start <= at => (0, piece.end() - at),
                Some(piece) => (piece.start - at, 0),
                None => (u64::MAX, 0),
            };
            let step = usize::try_from(run.max(covered)).unwrap_or(usize::MAX).min(rest.len());
            let (taken, left) = rest.split_at(step);
            if covered == 0 {
                self.pieces.insert(place, Piece { start: at, octets: taken.to_vec() });
                place += 1;
            }
            rest = left;
            at = at.saturating_add(step as u64);
        }
        self.merge_pieces();
    }

    /// Joins pieces that touch. There are few, and a run is moved at most once for each segment.
    fn merge_pieces(&mut self) {
        self.pieces.dedup_by(|later, earlier| {
            let touch = earlier.end() == later.start;
            if touch {
                earlier.octets.append(&mut later.octets);
            }
            touch
        });
    }

    /// Reads the pieces to which there is no gap any more.
    fn read_pieces(&mut self, counts: &mut StreamCounts, message: &mut impl FnMut(&[u8]) -> bool) {
        while let (Some(next), Some(first)) = (self.next, self.pieces.first())
            && first.start == next
        {
            let piece = self.pieces.remove(0);
            self.read_on(&piece.octets, counts, message);
        }
        if self.pieces.is_empty() {
            self.pieces = Vec::new();
        }
    }

    /// Reads octets that follow on those read before.
    fn read_on(&mut self, octets: &[u8], counts: &mut StreamCounts, message: &mut impl FnMut(&[u8]) -> bool) {
        self.next = self.next.map(|next| next.saturating_add(octets.len() as u64));
        self.astray_since = None;
        if self.read_messages(octets, message).is_ok() {
            return;
        }
        // Joined at a place that is no start of a message; the next segment may begin with one.
        self.partial = Vec::new();
        self.pieces = Vec::new();
        self.next = None;
        self.misjoined += 1;
        if self.misjoined >= STREAM_JOINS_MAX {
            self.given_up = true;
            counts.given_up += 1;
        }
    }

    fn read_messages(&mut self, mut octets: &[u8], message: &mut impl FnMut(&[u8]) -> bool) -> Result<(), NoMessage> {
        while !octets.is_empty() {
            if self.partial.is_empty()
                && let Some((whole, rest)) = split_message(octets)
            {
                self.deliver(whole, message)?;
                octets = rest;
                continue;
            }
            let missing = missing_octets(&self.partial).min(octets.len());
            let (taken, rest) = octets.split_at(missing);
            self.partial.extend_from_slice(taken);
            octets = rest;
            self.doubt()?;
            if missing_octets(&self.partial) == 0 {
                let whole = std::mem::take(&mut self.partial);
                self.deliver(whole.get(PREFIX_OCTETS..).unwrap_or_default(), message)?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self, whole: &[u8], message: &mut impl FnMut(&[u8]) -> bool) -> Result<(), NoMessage> {
        if !self.certain && !looks_like_dns(whole) {
            return Err(NoMessage);
        }
        if message(whole) {
            self.certain = true;
        }
        if self.certain { Ok(()) } else { Err(NoMessage) }
    }

    /// Holds the beginning of a message, joined midway, against what a message must look like.
    fn doubt(&self) -> Result<(), NoMessage> {
        let Some((prefix, begun)) = self.partial.split_first_chunk::<PREFIX_OCTETS>() else { return Ok(()) };
        let is_absurd = usize::from(u16::from_be_bytes(*prefix)) < HEADER_OCTETS
            || (begun.len() >= HEADER_OCTETS && !looks_like_dns(begun));
        if is_absurd && !self.certain { Err(NoMessage) } else { Ok(()) }
    }
}

/// The first message in the octets, when it is whole, and what follows it.
fn split_message(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = octets.split_first_chunk::<PREFIX_OCTETS>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*prefix)))
}

/// Reads the whole messages with which octets begin that belong nowhere: nothing is kept of them, and nothing follows.
pub(super) fn read_alone(mut octets: &[u8], message: &mut impl FnMut(&[u8]) -> bool) {
    while let Some((whole, rest)) = split_message(octets).filter(|(whole, _)| looks_like_dns(whole)) {
        if !message(whole) {
            break;
        }
        octets = rest;
    }
}

/// How many octets are missing from a message with its prefix; of the prefix itself while that is not whole.
fn missing_octets(partial: &[u8]) -> usize {
    match partial.split_first_chunk::<PREFIX_OCTETS>() {
        None => PREFIX_OCTETS - partial.len(),
        Some((prefix, begun)) => usize::from(u16::from_be_bytes(*prefix)).saturating_sub(begun.len()),
    }
}

/// Whether a header could be that of a query or response: opcode assigned (0, 2, 4 to 6), one question at most.
fn looks_like_dns(octets: &[u8]) -> bool {
    match octets.first_chunk::<6>() {
        Some([_, _, flags, _, 0, 0 | 1]) => matches!((flags >> 3) & 0x0f, 0 | 2 | 4..=6),
        Some(_) | None => false,
    }
}
