//! DNS messages out of TCP segments (RFC 7766): bounded reassembly, each direction by itself.
//!
//! A direction that is seen from its SYN is read for certain. One that is joined midway (the sensor started later, or
//! packets were lost) is tried from the first segment seen and believed once a message reads well. What is kept, at
//! most: the beginning of one message, and runs of octets behind a gap.
//!
//! Where the receiver is heard, what it says it has taken goes before whatever its sender says: data in a SYN that it did
//! not take, another SYN, a RST or FIN elsewhere move nothing. What no receiver takes is read alone.

mod direction;

use std::time::Duration;

use varde_common::observation::Endpoint;
use varde_common::time::Timestamp;

use crate::limits::{STREAM_IDLE_TIMEOUT_S, STREAM_LINGER_S, STREAMS_MAX, STREAMS_TOTAL_MAX_OCTETS};
use crate::packet::tcp_flags::{ACK, FIN, RST, SYN};
use crate::table::{Place, Table};
use direction::{Direction, read_alone};

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
    /// Acknowledgement number, with the flag ACK.
    pub ack: u32,
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
        if segment.flags & (ACK | RST) == ACK {
            self.hear_receiver(&segment);
        }
        let is_end = segment.flags & (FIN | RST) != 0;
        if segment.payload.is_empty() && !is_end && segment.flags & SYN == 0 {
            return;
        }
        // Data without ACK is taken with a SYN only, with a RST never (RFC 9293 section 3.10.7.4).
        let is_taken = segment.flags & RST == 0 && segment.flags & (ACK | SYN) != 0;
        if !is_taken {
            read_alone(segment.payload, message);
        }
        let segment = Segment { payload: if is_taken { segment.payload } else { &[] }, ..segment };
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
        let (is_end, is_begin) = (is_end && direction.may_end(&segment), direction.may_begin(&segment));
        if segment.flags & SYN != 0 && !is_begin {
            if segment.flags & ACK == 0 {
                direction.doubt_syn(segment.seq);
            }
            read_alone(segment.payload, message);
        } else {
            direction.handle_segment(segment, now, counts, message);
        }
        direction.ended = (direction.ended || is_end) && !(is_begin && segment.flags & SYN != 0);
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

    /// What a segment says of where its sender stands in the other direction.
    fn hear_receiver(&mut self, segment: &Segment<'_>) {
        let key = Key { src: segment.dst, dst: segment.src };
        let Some(place) = self.table.find(self.table.hash_of(&key), &key) else { return };
        let Some((_, direction)) = self.table.at_mut(place) else { return };
        let kept_before = direction.kept_octets();
        let is_another = direction.hear_receiver(segment.ack, segment.flags & SYN != 0);
        self.kept_octets = (self.kept_octets + direction.kept_octets()).saturating_sub(kept_before);
        // Whoever asks cannot forge that: another SYN of the other end it would have to answer first.
        let key = Key { src: segment.src, dst: segment.dst };
        if is_another
            && let Some(place) = self.table.find(self.table.hash_of(&key), &key)
            && let Some((_, direction)) = self.table.at_mut(place)
        {
            direction.forget_receiver();
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

#[cfg(test)]
mod tests;
