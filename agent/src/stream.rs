//! DNS messages out of TCP segments (RFC 7766): bounded reassembly, each direction by itself.
//!
//! A direction that is seen from its SYN is read for certain. One that is joined midway (the sensor started later, or
//! packets were lost) is tried from the first segment seen and believed once a message reads well. What is kept, at
//! most: the beginning of one message, and runs of octets behind a gap.

use std::time::Duration;

use varde_common::observation::Endpoint;
use varde_common::time::Timestamp;

use crate::dns::HEADER_OCTETS;
use crate::limits::{
    STREAM_GAP_TIMEOUT_S, STREAM_IDLE_TIMEOUT_S, STREAM_JOINS_MAX, STREAM_LINGER_S, STREAM_MAX_OCTETS,
    STREAM_PIECES_MAX, STREAMS_MAX, STREAMS_TOTAL_MAX_OCTETS,
};
use crate::packet::tcp_flags::{FIN, RST, SYN};
use crate::table::{Place, Table};

/// Octets of the length in front of each message (RFC 1035 section 4.2.2).
const PREFIX_OCTETS: usize = 2;
/// Octets this far behind are sent again; further behind they belong to something else.
const SENT_AGAIN_MAX_OCTETS: u64 = 1024 * 1024;
/// Positions start here, so that the first segments may turn out to be later ones.
const ORIGIN: u64 = 1 << 33;

/// Lanes of the table, in the order in which they yield.
const ENDED: u8 = 0;
const RESTING: u8 = 1;
const KEEPING: u8 = 2;

/// A TCP segment to or from a DNS port.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Sequence number.
    pub seq: u32,
    /// Flags, see [`crate::packet::tcp_flags`].
    pub flags: u8,
    /// What was captured of the data.
    pub payload: &'a [u8],
}

/// What happened to streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamCounts {
    /// Directions begun.
    pub opened: u64,
    /// Directions let go because the table or the memory for all of them was full.
    pub evicted: u64,
    /// Gaps that were not filled within the bounds: what lay before them is lost.
    pub gaps: u64,
    /// Directions in which no DNS could be found.
    pub given_up: u64,
}

/// The DNS streams under way.
#[derive(Debug)]
pub struct Streams {
    table: Table<Key, Direction, 3>,
    kept_octets: usize,
    kept_max_octets: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    src: Endpoint,
    dst: Endpoint,
}

impl Streams {
    /// None yet.
    pub fn new() -> Streams {
        Streams::with_limits(STREAMS_MAX, STREAMS_TOTAL_MAX_OCTETS)
    }

    fn with_limits(directions_max: usize, kept_max_octets: usize) -> Streams {
        Streams { table: Table::new(directions_max), kept_octets: 0, kept_max_octets }
    }

    /// Directions known.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets kept over all directions.
    pub fn kept_octets(&self) -> usize {
        self.kept_octets
    }

    /// Takes a segment and hands each message that it completes to `message`, which says whether it read well.
    pub fn handle_segment(
        &mut self,
        segment: Segment<'_>,
        now: Timestamp,
        counts: &mut StreamCounts,
        message: &mut impl FnMut(&[u8]) -> bool,
    ) {
        self.handle_time(now);
        let is_end = segment.flags & (FIN | RST) != 0;
        if segment.payload.is_empty() && !is_end && segment.flags & SYN == 0 {
            return;
        }
        let key = Key { src: segment.src, dst: segment.dst };
        let hash = self.table.hash_of(&key);
        let place = match self.table.find(hash, &key) {
            Some(place) => place,
            None if segment.payload.is_empty() && segment.flags & SYN == 0 => return,
            None => {
                self.make_room(counts);
                counts.opened += 1;
                let Some(place) = self.table.insert(hash, key, Direction::default(), RESTING, now) else { return };
                place
            }
        };
        let Some((_, direction)) = self.table.at_mut(place) else { return };
        let kept_before = direction.kept_octets();
        direction.handle_segment(segment, now, counts, message);
        direction.ended = (direction.ended || is_end) && segment.flags & SYN == 0;
        let kept = direction.kept_octets();
        let lane = match (direction.ended, kept) {
            (true, _) => ENDED,
            (false, 0) => RESTING,
            (false, _) => KEEPING,
        };
        self.kept_octets = (self.kept_octets + kept).saturating_sub(kept_before);
        self.table.touch(place, lane, now);
        // The one just touched stands last, and alone it is far below the bound.
        while self.kept_octets > self.kept_max_octets {
            let Some((oldest, _)) = self.table.oldest(KEEPING).or_else(|| self.table.oldest(ENDED)) else { break };
            counts.evicted += 1;
            self.forget(oldest);
        }
    }

    /// Forgets directions that were idle for too long.
    pub fn handle_time(&mut self, now: Timestamp) {
        for (lane, timeout_s) in
            [(ENDED, STREAM_LINGER_S), (RESTING, STREAM_IDLE_TIMEOUT_S), (KEEPING, STREAM_IDLE_TIMEOUT_S)]
        {
            while let Some((oldest, touched)) = self.table.oldest(lane)
                && now.since(touched) >= Duration::from_secs(timeout_s)
            {
                self.forget(oldest);
            }
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.table.clear();
        self.kept_octets = 0;
    }

    fn make_room(&mut self, counts: &mut StreamCounts) {
        while self.table.is_full() {
            let oldest = [ENDED, RESTING, KEEPING].into_iter().find_map(|lane| self.table.oldest(lane));
            let Some((oldest, _)) = oldest else { break };
            counts.evicted += 1;
            self.forget(oldest);
        }
    }

    fn forget(&mut self, place: Place) {
        if let Some((_, direction)) = self.table.remove(place) {
            self.kept_octets = self.kept_octets.saturating_sub(direction.kept_octets());
        }
    }
}

impl Default for Streams {
    fn default() -> Streams {
        Streams::new()
    }
}

/// One direction of a stream. Positions are sequence numbers that do not wrap.
#[derive(Debug, Default)]
struct Direction {
    /// Position after the last octet read in order; none = the next segment says.
    next: Option<u64>,
    /// The sequence number of the SYN, to know it when it is sent again.
    syn: Option<u32>,
    /// Whether `next` is known to lie where the octets kept in `partial` say, from the SYN on or by a message that read well.
    certain: bool,
    /// Times it was joined midway at a place that was no start of a message.
    misjoined: u8,
    given_up: bool,
    ended: bool,
    /// The beginning of a message, with its length prefix, up to `next`.
    partial: Vec<u8>,
    /// Runs behind gaps, in order, not touching one another.
    pieces: Vec<Piece>,
    /// Since when there are such runs.
    waits_since: Option<Timestamp>,
    /// Since when segments have come that lie beyond all bounds, and no other.
    astray_since: Option<Timestamp>,
}

#[derive(Debug)]
struct Piece {
    start: u64,
    octets: Vec<u8>,
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
    fn kept_octets(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.octets.capacity() + size_of::<Piece>()).sum();
        self.partial.capacity() + pieces
    }

    fn handle_segment(
        &mut self,
        segment: Segment<'_>,
        now: Timestamp,
        counts: &mut StreamCounts,
        message: &mut impl FnMut(&[u8]) -> bool,
    ) {
        let mut seq = segment.seq;
        if segment.flags & SYN != 0 {
            seq = seq.wrapping_add(1);
            if self.syn != Some(segment.seq) {
                *self = Direction {
                    next: Some(ORIGIN + u64::from(seq)),
                    syn: Some(segment.seq),
                    certain: true,
                    ..Direction::default()
                };
            }
        }
        if self.given_up || segment.payload.is_empty() {
            return;
        }
        let next = *self.next.get_or_insert(ORIGIN + u64::from(seq));
        // The difference of two sequence numbers is signed (RFC 9293 section 3.4).
        let ahead = seq.wrapping_sub(next as u32) as i32;
        let start = next.saturating_add_signed(i64::from(ahead));
        if self.is_astray(start, segment.payload) {
            let astray_since = *self.astray_since.get_or_insert(now);
            if now.since(astray_since) < Duration::from_secs(STREAM_GAP_TIMEOUT_S) {
                read_alone(segment.payload, message);
                return;
            }
            counts.gaps += 1;
            self.join_at(start);
        }
        let next = self.next.unwrap_or(next);
        let payload = match next.checked_sub(start) {
            None => segment.payload,
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
        while !self.pieces.is_empty() && (is_overdue || self.is_over_bounds()) {
            counts.gaps += 1;
            let Some(first) = self.pieces.first().map(|piece| piece.start) else { break };
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
fn read_alone(mut octets: &[u8], message: &mut impl FnMut(&[u8]) -> bool) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{self, sample};
    use crate::packet::tcp_flags::ACK;
    use proptest::prelude::*;

    const CLIENT: &str = "10.0.0.1:40000";
    const SERVER: &str = "10.0.0.53:53";

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut octets = (message.len() as u16).to_be_bytes().to_vec();
        octets.extend(message);
        octets
    }

    fn queries(count: u16) -> Vec<u8> {
        (0..count).flat_map(|id| framed(&sample::query(id, "a.long.name.to.have.some.octets.evil.no", 1))).collect()
    }

    #[test]
    fn s4_all_streams_together_take_no_more_than_the_limit_says() {
        let octets = Table::<Key, Direction, 3>::octets_for(STREAMS_MAX);
        assert!(octets <= crate::limits::STREAMS_MAX_OCTETS, "{octets} octets");
    }

    struct Bench {
        streams: Streams,
        counts: StreamCounts,
        ids: Vec<u16>,
    }

    impl Bench {
        fn new() -> Bench {
            Bench { streams: Streams::new(), counts: StreamCounts::default(), ids: Vec::new() }
        }

        fn send_from(&mut self, src: &str, seconds: i64, seq: u32, flags: u8, payload: &[u8]) {
            let segment = Segment { src: src.parse().unwrap(), dst: SERVER.parse().unwrap(), seq, flags, payload };
            let ids = &mut self.ids;
            self.streams.handle_segment(segment, Timestamp::from_unix(seconds, 0), &mut self.counts, &mut |octets| {
                match dns::read(octets) {
                    Ok(message) => {
                        ids.push(message.id);
                        true
                    }
                    Err(_) => false,
                }
            });
            let Streams { table, kept_octets, kept_max_octets } = &self.streams;
            assert_eq!(*kept_octets, table.iter().map(|(_, _, direction)| direction.kept_octets()).sum::<usize>());
            assert!(kept_octets <= kept_max_octets);
            for (_, _, direction) in table.iter() {
                let pieces: usize = direction.pieces.iter().map(|piece| piece.octets.len()).sum();
                assert!(direction.partial.len() + pieces <= STREAM_MAX_OCTETS);
                assert!(direction.pieces.len() <= STREAM_PIECES_MAX);
            }
        }

        fn send(&mut self, seq: u32, flags: u8, payload: &[u8]) {
            self.send_from(CLIENT, 0, seq, flags, payload);
        }
    }

    #[test]
    fn messages_do_not_care_where_segments_end() {
        let octets = queries(5);
        for size in [1, 2, 3, 13, 14, 54, 55, 56, 57, 300] {
            for with_syn in [true, false] {
                let mut bench = Bench::new();
                let mut seq = u32::MAX - 100; // wraps on the way
                if with_syn {
                    bench.send(seq.wrapping_sub(1), SYN, &[]);
                }
                for part in octets.chunks(size) {
                    bench.send(seq, ACK, part);
                    bench.send(seq, ACK, part); // sent again
                    seq = seq.wrapping_add(part.len() as u32);
                }
                assert_eq!(bench.ids, [0, 1, 2, 3, 4], "{size} octets a segment, SYN seen: {with_syn}");
                assert_eq!((bench.streams.kept_octets(), bench.counts.gaps, bench.counts.given_up), (0, 0, 0));
            }
        }
    }

    #[test]
    fn the_largest_message_comes_through_octet_by_octet() {
        let mut message = sample::query(77, "evil.no", 1);
        message.resize(65_535, 0);
        let mut bench = Bench::new();
        bench.send(9, SYN, &[]);
        for (place, octet) in framed(&message).into_iter().enumerate() {
            bench.send(10 + place as u32, ACK, &[octet]);
        }
        assert_eq!((bench.ids.as_slice(), bench.streams.kept_octets()), (&[77][..], 0));
    }

    #[test]
    fn data_with_the_syn_counts_and_a_syn_sent_again_changes_nothing() {
        let octets = queries(2);
        let mut bench = Bench::new();
        bench.send(100, SYN, &octets[..30]);
        bench.send(100, SYN, &octets[..30]);
        bench.send(131, ACK, &octets[30..]);
        bench.send(100, SYN, &octets[..30]);
        bench.send(131, ACK, &octets[30..]);
        assert_eq!(bench.ids, [0, 1]);
        bench.send(5_000_000, SYN, &[]); // the port is used again
        bench.send(5_000_001, ACK, &octets);
        assert_eq!(bench.ids, [0, 1, 0, 1]);
    }

    #[test]
    fn of_overlapping_octets_the_first_win() {
        let octets = queries(1);
        let mut bench = Bench::new();
        bench.send(0, SYN, &[]);
        bench.send(11, ACK, &octets[10..20]);
        bench.send(6, ACK, &[&octets[5..10], &[0xff; 10], &octets[20..30]].concat());
        bench.send(1, ACK, &[&octets[..5], &[0xff; 26]].concat()); // only the last one is new
        let direction = bench.streams.table.iter().next().unwrap().2;
        assert_eq!(direction.partial, [&octets[..30], &[0xff]].concat());
        bench.send(31, ACK, &octets[30..]);
        assert!(bench.ids.is_empty() || octets[30] != 0xff);
    }

    #[test]
    fn a_fin_or_reset_ends_a_stream_but_what_is_sent_again_is_not_read_again() {
        for end in [FIN, RST] {
            let octets = queries(1);
            let mut bench = Bench::new();
            bench.send(0, SYN, &[]);
            bench.send(1, ACK | end, &octets);
            bench.send(1, ACK | end, &octets);
            assert_eq!(bench.ids, [0]);
            assert_eq!(bench.streams.len(), 1);
            bench.streams.handle_time(Timestamp::from_unix(6, 0));
            assert_eq!(bench.streams.len(), 0);
        }
        let mut bench = Bench::new();
        bench.send(1, RST, &[]);
        bench.send(1, FIN | ACK, &[]);
        bench.send(1, ACK, &[]);
        assert_eq!(bench.streams.len(), 0, "nothing to remember");
    }

    #[test]
    fn a_gap_that_stays_is_given_up_and_reading_goes_on_behind_it() {
        let octets = queries(3000);
        let size = queries(20).len();
        let mut bench = Bench::new();
        bench.send(0, SYN, &[]);
        for (number, part) in octets.chunks(size).enumerate() {
            if number != 3 {
                bench.send((1 + number * size) as u32, ACK, part);
            }
        }
        assert_eq!(bench.ids.len(), 3000 - 20, "only what was lost is missing");
        assert_eq!((bench.counts.gaps, bench.counts.given_up), (1, 0));
        let mut bench = Bench::new();
        bench.send(0, SYN, &[]);
        bench.send(1, ACK, &octets[..size - 9]);
        bench.send((1 + 2 * size) as u32, ACK, &octets[2 * size..3 * size]);
        assert_eq!(bench.ids.len(), 19);
        bench.send_from(CLIENT, 3, (1 + 3 * size) as u32, ACK, &octets[3 * size..4 * size]);
        assert_eq!((bench.ids.len(), bench.counts.gaps), (19 + 40, 1), "nor is a segment awaited for ever");
    }

    #[test]
    fn s4_a_decoy_beyond_the_window_hides_no_question() {
        let octets = queries(3);
        let size = queries(1).len();
        // The last is the furthest behind that a sequence number can say; one ends just beyond the bound.
        for ahead in [65_500u32, 65_538, 100_000, 2_000_000, 0u32.wrapping_sub(1_048_600), 1 << 31] {
            let mut bench = Bench::new();
            bench.send(0, SYN, &[]);
            bench.send(1, ACK, &octets[..size]);
            let at = 1 + size as u32;
            bench.send(at.wrapping_add(ahead), ACK, &[b'x'; 200]);
            assert_eq!(bench.streams.kept_octets(), 0, "a decoy {ahead} octets ahead is not kept");
            bench.send(at, ACK, &octets[size..size + 20]);
            bench.send(at.wrapping_add(ahead), ACK, &[b'x'; 200]);
            bench.send(at + 20, ACK, &octets[size + 20..]);
            assert_eq!((bench.ids.as_slice(), bench.counts.given_up), (&[0, 1, 2][..], 0), "{ahead} octets ahead");
        }
        let mut bench = Bench::new();
        bench.send(0, SYN, &[]);
        bench.send(1, ACK, &octets[..size]);
        bench.send(500_000, ACK, &octets[size..]);
        assert_eq!(bench.ids, [0, 1, 2], "what is whole out there is read");
        bench.send_from(CLIENT, 3, 600_000, ACK, &octets[..2 * size + 9]);
        assert_eq!(bench.ids, [0, 1, 2, 0, 1], "after a while the stream is there");
        bench.send_from(CLIENT, 3, 600_000 + 2 * size as u32 + 9, ACK, &octets[2 * size + 9..]);
        assert_eq!((bench.ids.as_slice(), bench.counts.gaps), (&[0, 1, 2, 0, 1, 2][..], 1));
    }

    #[test]
    fn what_is_no_dns_is_given_up_once_and_costs_nothing() {
        let mut bench = Bench::new();
        for number in 0..100u32 {
            bench.send(
                number * 100,
                ACK,
                b"SSH-2.0-OpenSSH_9.6 and on it goes, nothing of this is DNS at all, \0\0\0\x01",
            );
        }
        assert_eq!((bench.counts.given_up, bench.counts.opened, bench.streams.kept_octets()), (1, 1, 0));
        assert!(bench.ids.is_empty());
        for prefix in [0u16, 1, 11] {
            let mut bench = Bench::new();
            bench.send(1, ACK, &prefix.to_be_bytes());
            assert_eq!(bench.streams.kept_octets(), 0, "length {prefix} is absurd where nothing is known");
            let mut bench = Bench::new();
            bench.send(0, SYN, &[]);
            let mut octets = prefix.to_be_bytes().to_vec();
            octets.extend(vec![0; prefix.into()]);
            octets.extend(queries(1));
            bench.send(1, ACK, &octets);
            assert_eq!(bench.ids, [0], "length {prefix} is stepped over where the start was seen");
        }
    }

    #[test]
    fn joined_midway_a_later_segment_that_begins_with_a_message_is_enough() {
        let octets = queries(40);
        let size = queries(10).len();
        let mut bench = Bench::new();
        bench.send(31, ACK, &octets[30..size]);
        bench.send((1 + size) as u32, ACK, &octets[size..]);
        assert_eq!(bench.ids, (10..40).collect::<Vec<_>>());
    }

    #[test]
    fn s4_streams_and_their_octets_stay_within_their_limits() {
        let mut bench = Bench::new();
        bench.streams = Streams::with_limits(8, 100_000);
        let octets = queries(1);
        for port in 1000..1100u16 {
            let src = format!("10.0.0.1:{port}");
            bench.send_from(&src, 0, 0, SYN, &[]);
            bench.send_from(&src, 0, 1, ACK, &[0xff, 0xff]);
            bench.send_from(&src, 0, 60_000, ACK, &[7; 5000]);
            bench.send_from(&src, 0, 3, ACK, &[7; 12_000]);
            assert!(bench.streams.len() <= 8);
        }
        assert!(bench.counts.evicted >= 92);
        bench.send_from("10.0.0.2:1", 0, 1, ACK, &octets);
        assert_eq!(bench.ids, [0], "a needle is found all the same");
        bench.streams.handle_time(Timestamp::from_unix(1000, 0));
        assert_eq!((bench.streams.len(), bench.streams.kept_octets()), (0, 0));
    }

    proptest! {
        #[test]
        fn shuffled_segments_yield_the_same_messages(
            sizes in prop::collection::vec(1usize..120, 1..40),
            order in any::<prop::sample::Index>(),
            seed in any::<u64>(),
            first in any::<u32>(),
        ) {
            let octets = queries(8);
            let mut segments = Vec::new();
            let (mut rest, mut at) = (octets.as_slice(), 0);
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break }
                let (part, left) = rest.split_at((*size).min(rest.len()));
                segments.push((first.wrapping_add(1 + at), part));
                at += part.len() as u32;
                rest = left;
            }
            // As many runs as may wait, shuffled among themselves.
            let mut state = seed | 1;
            for window in segments.chunks_mut(STREAM_PIECES_MAX) {
                for place in (1..window.len()).rev() {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    window.swap(place, (state >> 33) as usize % (place + 1));
                }
            }
            let mut bench = Bench::new();
            bench.send(first, SYN, &[]);
            let again = order.index(segments.len());
            for (number, (seq, part)) in segments.iter().enumerate() {
                bench.send(*seq, ACK, part);
                if number == again { bench.send(segments[0].0, ACK, segments[0].1) }
            }
            prop_assert_eq!(bench.ids, (0..8).collect::<Vec<u16>>());
            prop_assert_eq!(bench.streams.kept_octets(), 0);
        }

        #[test]
        fn s1_hostile_segments_never_panic_and_never_keep_too_much(
            segments in prop::collection::vec(
                (0u8..3, prop_oneof![0u32..200, 65_000u32..67_000, any::<u32>()], any::<u8>(), prop::collection::vec(0u8..4, 0..300)),
                0..200,
            ),
        ) {
            let mut bench = Bench::new();
            bench.streams = Streams::with_limits(2, 70_000);
            for (port, seq, flags, payload) in segments {
                bench.send_from(&format!("10.0.0.1:{port}"), 0, seq, flags, &payload);
                prop_assert!(bench.streams.len() <= 2);
            }
        }
    }
}
