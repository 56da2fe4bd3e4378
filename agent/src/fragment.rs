//! Fragments of IP packets put together (RFC 791 section 3.2, RFC 8200 section 4.5), in a bounded table.
//!
//! No two systems agree on what fragments mean that contradict one another, and many receivers drop them (RFC 5722). A
//! sensor that did so too would be blinded by one fragment that need not reach anybody. So the fragments that came first make
//! the packet, those that came last make another reading of it (`pieces.rs`), and the contradiction is counted. Of a packet
//! that never becomes whole the beginning is handed out, so that nobody hides a question by never sending the end of it.
//!
//! What was put together is remembered for a while: fragments that follow belong to the next packet of that number, or, where
//! they never make one, to the true form of the one that was told (an end that no receiver got may have come first), or they
//! are the same once more.

mod pieces;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use varde_common::observation::Protocol;
use varde_common::time::Timestamp;

use crate::limits::{FRAGMENTED_MAX, FRAGMENTS_TIMEOUT_S, FRAGMENTS_TOTAL_MAX_OCTETS, IP_PACKET_MAX_OCTETS};
use crate::packet::Piece;
use crate::table::{Place, Table};
use pieces::{Pieces, Read, Reading};

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
    /// Packets of which fragments contradict one another: other octets at the same place, or another end or protocol. They are put
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
    fn datagram(&self, time: Timestamp, read: Read) -> Datagram {
        let &Key { source, src, dst, .. } = self;
        let Read { protocol, first_octets, data } = read;
        Datagram { time, source, src, dst, protocol, first_octets, data }
    }
}

#[derive(Debug)]
struct Fragmented {
    began: Timestamp,
    pieces: Pieces,
    /// What a packet of this number was before.
    told: Option<Box<Pieces>>,
}

impl Fragmented {
    fn held_octets(&self) -> usize {
        let told = self.told.as_ref().map_or(0, |told| size_of::<Pieces>() + told.held_octets());
        self.pieces.held_octets() + told
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
                let begun = Fragmented { began: time, pieces: Pieces::default(), told: None };
                self.table.insert(hash, key, begun, WAITING, now)?
            }
        };
        let (_, fragmented) = self.table.at_mut(place)?;
        let is_first_to_come = fragmented.pieces.is_empty();
        if is_first_to_come {
            fragmented.began = time;
        }
        let (held_before, contradicted) = (fragmented.held_octets(), fragmented.pieces.contradicts());
        let is_taken = fragmented.pieces.take(&piece, is_last);
        self.counts.dropped += u64::from(!is_taken);
        self.counts.contradicting += u64::from(fragmented.pieces.contradicts() && !contradicted);
        self.held_octets = (self.held_octets + fragmented.held_octets()).saturating_sub(held_before);
        let whole = fragmented.pieces.readings(Reading::is_whole);
        if is_first_to_come {
            self.table.touch(place, WAITING, now);
        }
        let whole = self.tell(whole, place, time, now);
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

    /// Where a packet is whole: what it is, and what else it may be. From then on it is remembered.
    fn tell(&mut self, whole: [Option<Read>; 2], place: Place, time: Timestamp, now: Timestamp) -> Option<Datagram> {
        let mut whole = whole.into_iter().flatten();
        let read = whole.next()?;
        self.counts.rejoined += 1;
        let (key, fragmented) = self.table.at_mut(place)?;
        let key = *key;
        let held_before = fragmented.held_octets();
        let told = Some(Box::new(std::mem::take(&mut fragmented.pieces)));
        *fragmented = Fragmented { began: time, pieces: Pieces::default(), told };
        self.held_octets = (self.held_octets + fragmented.held_octets()).saturating_sub(held_before);
        self.table.touch(place, TOLD, now);
        self.given_up.extend(whole.map(|other| key.datagram(time, other)));
        Some(key.datagram(time, read))
    }

    /// Lets go of a packet altogether; whether anything of it was still to come.
    fn give_up(&mut self, place: Place) -> bool {
        let Some((key, fragmented)) = self.table.remove(place) else { return false };
        self.held_octets = self.held_octets.saturating_sub(fragmented.held_octets());
        let was_to_come = !fragmented.pieces.is_empty() && fragmented.told.is_none();
        self.hand_out(&key, fragmented);
        was_to_come
    }

    /// What there is of a packet that is given up, in each of its readings.
    fn hand_out(&mut self, key: &Key, fragmented: Fragmented) {
        let Fragmented { began, pieces, told } = fragmented;
        let Some(told) = told else {
            let readings = pieces.readings(|_| true);
            self.given_up.extend(readings.into_iter().flatten().map(|read| key.datagram(began, read)));
            return;
        };
        let contradicted = told.contradicts() || pieces.contradicts();
        if pieces.is_empty() && !contradicted {
            return;
        }
        let known = told.readings(Reading::is_whole);
        let readings = told.followed_by(&pieces).readings(|_| true);
        let others =
            readings.into_iter().flatten().filter(|read| !known.iter().flatten().any(|known| known.is_same(read)));
        let before = self.given_up.len();
        self.given_up.extend(others.map(|read| key.datagram(began, read)));
        self.counts.contradicting += u64::from(self.given_up.len() > before && !contradicted);
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
