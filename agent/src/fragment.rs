//! Fragments of IP packets put together (RFC 791 section 3.2, RFC 8200 section 4.5), in a bounded table.
//!
//! No two systems agree on what fragments mean that contradict one another, and many receivers drop them (RFC 5722). A
//! sensor that did so too would be blinded by one fragment that need not reach anybody. So the octets that came first make
//! the packet, those that came last make another reading of it, and the contradiction is counted. Of a packet that never
//! becomes whole the beginning is handed out, so that nobody hides a question by never sending the end of it.
//!
//! What was put together is remembered for a while: fragments that follow belong to the next packet of that number, or, where
//! they never make one, to the true form of the one that was told (an end that no receiver got may have come first), or they
//! are the same once more.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use varde_common::observation::Protocol;
use varde_common::time::Timestamp;

use crate::limits::{
    FRAGMENTED_MAX, FRAGMENTS_EACH_MAX, FRAGMENTS_TIMEOUT_S, FRAGMENTS_TOTAL_MAX_OCTETS, IP_PACKET_MAX_OCTETS,
};
use crate::packet::Piece;
use crate::table::{Place, Table};

const TIMEOUT: Duration = Duration::from_secs(FRAGMENTS_TIMEOUT_S);

/// Lanes of the table. Within each the oldest packet stands first: fragments that follow do not prolong its time.
const WAITING: u8 = 0;
/// Put together and told; remembered as long as nothing needs the room.
const TOLD: u8 = 1;

/// What became of fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FragmentCounts {
    /// Packets put together.
    pub rejoined: u64,
    /// Packets of which fragments contradict one another: other octets at the same place, or another end. They are put
    /// together all the same.
    pub contradicting: u64,
    /// Packets given up because something of them did not come in time, or was not captured.
    pub unfinished: u64,
    /// Packets given up to make room for others.
    pub evicted: u64,
    /// Fragments that are empty or end beyond the longest packet; those whose length no fragment but the last may have, of
    /// which as much is taken as receivers take; and those that are too many for one packet.
    pub dropped: u64,
}

/// What fragments carried: everything above IP and the extension headers each fragment has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// When the fragment came that made it whole; of one given up, the first that came.
    pub time: Timestamp,
    /// Which source saw that.
    pub source: u16,
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// What it is.
    pub protocol: Protocol,
    /// How much of it the first fragment held, octets.
    pub first_octets: usize,
    /// All of it, or as much from its beginning on as there is.
    pub data: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    source: u16,
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    /// None in IPv6, where fragments may disagree on it and only the first counts.
    protocol: Option<u8>,
}

impl Key {
    fn datagram(&self, time: Timestamp, protocol: Protocol, first_octets: usize, data: Vec<u8>) -> Datagram {
        let &Key { source, src, dst, .. } = self;
        Datagram { time, source, src, dst, protocol, first_octets, data }
    }
}

/// Where octets belong, and where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    offset: usize,
    at: usize,
    octets: usize,
}

impl Part {
    fn end(self) -> usize {
        self.offset + self.octets
    }

    fn of(self, octets: &[u8]) -> &[u8] {
        octets.get(self.at..self.at + self.octets).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Fragmented {
    began: Timestamp,
    protocol: Protocol,
    /// Octets in the order they came; where some came again, the first.
    held: Vec<u8>,
    /// The same with those that came last, once any contradict others.
    latest: Option<Vec<u8>>,
    /// What is held, in order of its place in the whole. Nothing overlaps.
    parts: Vec<Part>,
    /// Length of the whole: the least that a last fragment said.
    total: Option<usize>,
    /// Of the first fragment, the first one that came.
    first_octets: usize,
    contradicts: bool,
    /// What a packet of this number was before.
    told: Option<Vec<u8>>,
}

impl Fragmented {
    fn new(began: Timestamp, protocol: Protocol) -> Fragmented {
        Fragmented {
            began,
            protocol,
            held: Vec::new(),
            latest: None,
            parts: Vec::new(),
            total: None,
            first_octets: 0,
            contradicts: false,
            told: None,
        }
    }

    fn held_octets(&self) -> usize {
        let also = |octets: &Option<Vec<u8>>| octets.as_ref().map_or(0, Vec::capacity);
        self.held.capacity() + self.parts.capacity() * size_of::<Part>() + also(&self.latest) + also(&self.told)
    }

    /// Takes a fragment whose length is sound; false where it is one too many. `is_last`: it says where the whole ends.
    fn take(&mut self, piece: &Piece<'_>, is_last: bool) -> bool {
        let end = piece.offset + piece.data.len();
        let furthest = self.parts.last().map_or(0, |part| part.end());
        let is_beyond = self.total.is_some_and(|total| end > total || (is_last && end != total));
        self.contradicts |= is_beyond || is_last && furthest > end;
        if is_last {
            self.total = Some(self.total.map_or(end, |total| total.min(end)));
        }
        if piece.offset == 0 && self.parts.first().is_none_or(|part| part.offset > 0) {
            (self.protocol, self.first_octets) = (piece.protocol, piece.data.len());
        }
        let (mut rest, mut offset) = (piece.data, piece.offset);
        let mut place = self.parts.partition_point(|part| part.end() <= offset);
        while !rest.is_empty() {
            let known = self.parts.get(place).copied();
            let count = match known {
                // What was there before begins here or earlier: held against it.
                Some(part) if part.offset <= offset => {
                    let count = rest.len().min(part.end() - offset);
                    self.compare(part.at + (offset - part.offset), rest.get(..count).unwrap_or_default());
                    count
                }
                next => {
                    // Of too many the beginning is worth most: nobody fills the place for it with what lies behind.
                    if self.parts.len() >= FRAGMENTS_EACH_MAX {
                        if next.is_none() {
                            return false;
                        }
                        self.parts.pop();
                        continue;
                    }
                    let count = next.map_or(rest.len(), |part| rest.len().min(part.offset - offset));
                    let fresh = rest.get(..count).unwrap_or_default();
                    self.parts.insert(place, Part { offset, at: self.held.len(), octets: count });
                    self.held.extend_from_slice(fresh);
                    self.latest.iter_mut().for_each(|latest| latest.extend_from_slice(fresh));
                    count
                }
            };
            rest = rest.get(count..).unwrap_or_default();
            offset += count;
            place += 1;
        }
        true
    }

    fn is_whole(&self) -> bool {
        self.total.is_some_and(|total| self.run() >= total)
    }

    /// Octets that came again for a place where some are held.
    fn compare(&mut self, at: usize, octets: &[u8]) {
        let range = at..at + octets.len();
        if self.held.get(range.clone()) != Some(octets) {
            self.contradicts = true;
            self.latest.get_or_insert_with(|| self.held.clone());
        }
        if let Some(latest) = self.latest.as_mut().and_then(|latest| latest.get_mut(range)) {
            latest.copy_from_slice(octets);
        }
    }

    /// Octets from the beginning on, as far as they go without a gap.
    fn run(&self) -> usize {
        self.parts.iter().fold(0, |run, part| if part.offset == run { part.end() } else { run })
    }

    /// Those of them that lie in `octets`; none where there is no beginning.
    fn join(&self, octets: &[u8]) -> Option<Vec<u8>> {
        let run = self.run();
        let mut data = Vec::with_capacity(run);
        for part in self.parts.iter().take_while(|part| part.end() <= run) {
            data.extend_from_slice(part.of(octets));
        }
        (!data.is_empty()).then_some(data)
    }

    /// What was told before, with what came since in its place; none where that is the same.
    fn amended(&self, told: &[u8]) -> Option<Vec<u8>> {
        let octets = self.latest.as_ref().unwrap_or(&self.held);
        let mut data = told.to_vec();
        for part in &self.parts {
            if part.offset > data.len() {
                break;
            }
            data.resize(data.len().max(part.end()), 0);
            if let Some(place) = data.get_mut(part.offset..part.end()) {
                place.copy_from_slice(part.of(octets));
            }
        }
        (data != told).then_some(data)
    }
}

/// The fragmented packets under way.
#[derive(Debug)]
pub struct Fragments {
    table: Table<Key, Fragmented, 2>,
    held_octets: usize,
    held_max_octets: usize,
    /// Beginnings of packets that were given up, and other readings, to be fetched.
    given_up: VecDeque<Datagram>,
    counts: FragmentCounts,
}

impl Fragments {
    /// None yet.
    pub fn new() -> Fragments {
        Fragments::with_limits(FRAGMENTED_MAX, FRAGMENTS_TOTAL_MAX_OCTETS)
    }

    fn with_limits(packets_max: usize, held_max_octets: usize) -> Fragments {
        Fragments {
            table: Table::new(packets_max),
            held_octets: 0,
            held_max_octets,
            given_up: VecDeque::new(),
            counts: FragmentCounts::default(),
        }
    }

    /// Everything counted so far.
    pub fn counts(&self) -> FragmentCounts {
        self.counts
    }

    /// Octets held over all packets.
    pub fn held_octets(&self) -> usize {
        self.held_octets
    }

    /// Fragmented packets known, those that were told among them.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether something waits for longer than it may, or to be fetched: then ask [`Fragments::poll_given_up`].
    #[inline]
    pub fn is_due(&self, now: Timestamp) -> bool {
        !self.given_up.is_empty() || self.table.oldest(WAITING).is_some_and(|(_, began)| now.since(began) >= TIMEOUT)
    }

    /// Takes a fragment seen at `time` when the clock said `now`; gives the packet that it completes. Whether its data was
    /// captured whole is for the caller to say: with a part missing the packet cannot be put together.
    pub fn handle_piece(
        &mut self,
        piece: &Piece<'_>,
        is_complete: bool,
        (time, source): (Timestamp, u16),
        now: Timestamp,
    ) -> Option<Datagram> {
        let protocol = piece.src.is_ipv4().then_some(piece.protocol.0);
        let key = Key { source, src: piece.src, dst: piece.dst, id: piece.id, protocol };
        let mut piece = *piece;
        // The end of one that was not captured whole is not known.
        let is_last = is_complete && !piece.more;
        let odd = if is_complete && piece.more { piece.data.len() % 8 } else { 0 };
        piece.data = piece.data.get(..piece.data.len() - odd).unwrap_or_default();
        let is_sound = !piece.data.is_empty() && piece.offset + piece.data.len() <= IP_PACKET_MAX_OCTETS;
        self.counts.dropped += u64::from(odd > 0 || !is_sound);
        if !is_sound {
            return None;
        }
        self.forget_told(now);
        let hash = self.table.hash_of(&key);
        let place = match self.table.find(hash, &key) {
            Some(place) => place,
            None => {
                self.make_room();
                self.table.insert(hash, key, Fragmented::new(time, piece.protocol), WAITING, now)?
            }
        };
        let (_, fragmented) = self.table.at_mut(place)?;
        let is_first_to_come = fragmented.parts.is_empty();
        if is_first_to_come {
            (fragmented.began, fragmented.protocol) = (time, piece.protocol);
        }
        let (held_before, contradicted) = (fragmented.held_octets(), fragmented.contradicts);
        let is_taken = fragmented.take(&piece, is_last);
        self.counts.dropped += u64::from(!is_taken);
        self.counts.contradicting += u64::from(fragmented.contradicts && !contradicted);
        self.held_octets = (self.held_octets + fragmented.held_octets()).saturating_sub(held_before);
        let is_whole = fragmented.is_whole();
        if is_first_to_come {
            self.table.touch(place, WAITING, now);
        }
        let whole = if is_whole { self.tell(place, time, now) } else { None };
        self.shrink();
        whole
    }

    /// The beginning of a packet that was given up, or another reading; none = nothing more for now.
    pub fn poll_given_up(&mut self, now: Timestamp) -> Option<Datagram> {
        self.forget_told(now);
        loop {
            if let Some(datagram) = self.given_up.pop_front() {
                return Some(datagram);
            }
            let (oldest, began) = self.table.oldest(WAITING)?;
            if now.since(began) < TIMEOUT {
                return None;
            }
            self.counts.unfinished += u64::from(self.give_up(oldest));
        }
    }

    /// Gives up everything that waits.
    pub fn give_up_all(&mut self) {
        for lane in [TOLD, WAITING] {
            while let Some((oldest, _)) = self.table.oldest(lane) {
                self.counts.unfinished += u64::from(self.give_up(oldest));
            }
        }
    }

    /// A packet is whole: what it is, and what else it may be. From now on it is remembered.
    fn tell(&mut self, place: Place, time: Timestamp, now: Timestamp) -> Option<Datagram> {
        self.counts.rejoined += 1;
        let (key, fragmented) = self.table.at_mut(place)?;
        let (key, protocol, first_octets) = (*key, fragmented.protocol, fragmented.first_octets);
        let held_before = fragmented.held_octets();
        let data = fragmented.join(&fragmented.held)?;
        let other = fragmented.latest.as_ref().and_then(|latest| fragmented.join(latest));
        let told = Some(data.clone());
        *fragmented = Fragmented { told, first_octets, ..Fragmented::new(time, protocol) };
        self.held_octets = (self.held_octets + fragmented.held_octets()).saturating_sub(held_before);
        self.table.touch(place, TOLD, now);
        self.given_up.extend(other.map(|other| key.datagram(time, protocol, first_octets, other)));
        Some(key.datagram(time, protocol, first_octets, data))
    }

    /// Lets go of a packet altogether; whether anything of it was still to come.
    fn give_up(&mut self, place: Place) -> bool {
        let Some((key, fragmented)) = self.table.remove(place) else { return false };
        self.held_octets = self.held_octets.saturating_sub(fragmented.held_octets());
        self.hand_out(&key, &fragmented);
        !fragmented.parts.is_empty() && fragmented.told.is_none()
    }

    /// What there is of a packet that is given up, in each of its readings.
    fn hand_out(&mut self, key: &Key, fragmented: &Fragmented) {
        let &Fragmented { began, protocol, first_octets, .. } = fragmented;
        let other = match &fragmented.told {
            Some(told) => {
                let amended = fragmented.amended(told);
                self.counts.contradicting += u64::from(amended.is_some() && !fragmented.contradicts);
                amended
            }
            None => {
                let beginning = fragmented.join(&fragmented.held);
                self.given_up.extend(beginning.map(|data| key.datagram(began, protocol, first_octets, data)));
                fragmented.latest.as_ref().and_then(|latest| fragmented.join(latest))
            }
        };
        self.given_up.extend(other.map(|data| key.datagram(began, protocol, first_octets, data)));
    }

    /// Forgets what was told so long ago that another packet may have its number.
    fn forget_told(&mut self, now: Timestamp) {
        while let Some((oldest, told)) = self.table.oldest(TOLD)
            && now.since(told) >= TIMEOUT
        {
            self.give_up(oldest);
        }
    }

    /// Lets go of the oldest: of what was told, else of what waits.
    fn evict(&mut self) -> bool {
        let Some((oldest, _)) = self.table.oldest(TOLD).or_else(|| self.table.oldest(WAITING)) else { return false };
        self.counts.evicted += u64::from(self.give_up(oldest));
        true
    }

    fn make_room(&mut self) {
        while self.table.is_full() && self.evict() {}
    }

    fn shrink(&mut self) {
        while self.held_octets > self.held_max_octets && self.evict() {}
    }
}

impl Default for Fragments {
    fn default() -> Fragments {
        Fragments::new()
    }
}

#[cfg(test)]
mod tests;
