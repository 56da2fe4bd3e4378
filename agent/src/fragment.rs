//! Fragments of IP packets put together (RFC 791 section 3.2, RFC 8200 section 4.5), in a bounded table.
//!
//! What overlaps is never put together (RFC 5722, for IPv4 as well): no two systems agree on what it would mean. Of a
//! packet that is not put together, for whatever reason, the beginning is handed out where it was seen, so that nobody
//! hides a question by never sending the end of it.

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
/// The only lane: fragments are never touched again, so the oldest packet stands first.
const WAITING: u8 = 0;

/// What became of fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FragmentCounts {
    /// Packets put together.
    pub rejoined: u64,
    /// Packets given up because their fragments overlap, contradict one another or are too many.
    pub refused: u64,
    /// Packets given up because something of them did not come in time.
    pub unfinished: u64,
    /// Packets given up to make room for others.
    pub evicted: u64,
    /// Fragments that lie about their length, or come for a packet that was refused.
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

/// Where a fragment's data belongs, and where it lies.
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
}

#[derive(Debug)]
struct Fragmented {
    began: Timestamp,
    protocol: Protocol,
    /// Data in the order it came.
    held: Vec<u8>,
    parts: Vec<Part>,
    /// Length of the whole, once the last fragment has come.
    total: Option<usize>,
    /// Nothing of it will be put together.
    refused: bool,
}

impl Fragmented {
    fn held_octets(&self) -> usize {
        self.held.capacity() + self.parts.capacity() * size_of::<Part>()
    }

    fn data(&self, part: Part) -> &[u8] {
        self.held.get(part.at..part.at + part.octets).unwrap_or_default()
    }

    /// Takes a fragment whose length is sound.
    fn take(&mut self, piece: &Piece<'_>) -> Taken {
        let fresh = Part { offset: piece.offset, at: self.held.len(), octets: piece.data.len() };
        let overlaps = |part: &&Part| part.offset < fresh.end() && fresh.offset < part.end();
        if let Some(&part) = self.parts.iter().find(overlaps) {
            // The network may bring the same fragment twice, and a mirror does.
            let is_same = (part.offset, part.octets) == (fresh.offset, fresh.octets) && self.data(part) == piece.data;
            return if is_same { Taken::Known } else { Taken::Contradicts };
        }
        let furthest = self.parts.iter().map(|part| part.end()).max().unwrap_or(0).max(fresh.end());
        let total = if piece.more { self.total } else { Some(self.total.unwrap_or(fresh.end())) };
        let fits = total.is_none_or(|total| furthest <= total && (piece.more || total == fresh.end()));
        if !fits || self.parts.len() >= FRAGMENTS_EACH_MAX {
            return Taken::Contradicts;
        }
        self.total = total;
        if fresh.offset == 0 {
            self.protocol = piece.protocol;
        }
        self.held.extend_from_slice(piece.data);
        self.parts.push(fresh);
        // Nothing overlaps: as many octets as the whole has are the whole.
        if self.total == Some(self.held.len()) { Taken::Whole } else { Taken::Held }
    }

    /// From the beginning on, as far as it goes without a gap.
    fn join(&mut self) -> Option<Vec<u8>> {
        self.parts.sort_unstable_by_key(|part| part.offset);
        let mut data = Vec::with_capacity(self.held.len());
        for &part in &self.parts {
            if part.offset != data.len() {
                break;
            }
            data.extend_from_slice(self.data(part));
        }
        (!data.is_empty()).then_some(data)
    }

    fn forget_data(&mut self) {
        self.held = Vec::new();
        self.parts = Vec::new();
    }
}

/// What came of a fragment.
enum Taken {
    Held,
    Whole,
    Known,
    Contradicts,
}

/// The fragmented packets under way.
#[derive(Debug)]
pub struct Fragments {
    table: Table<Key, Fragmented, 1>,
    held_octets: usize,
    held_max_octets: usize,
    /// Beginnings of packets that were given up, to be fetched.
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

    /// Fragmented packets known.
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
        let end = piece.offset.saturating_add(piece.data.len());
        let is_odd = piece.more && !piece.data.len().is_multiple_of(8);
        if is_complete && (piece.data.is_empty() || is_odd || end > IP_PACKET_MAX_OCTETS) {
            self.counts.dropped += 1;
            return self.beginning(piece, time, source);
        }
        let protocol = piece.src.is_ipv4().then_some(piece.protocol.0);
        let key = Key { source, src: piece.src, dst: piece.dst, id: piece.id, protocol };
        let hash = self.table.hash_of(&key);
        let place = match self.table.find(hash, &key) {
            Some(place) => place,
            None => {
                self.make_room(1);
                let fragmented = Fragmented {
                    began: time,
                    protocol: piece.protocol,
                    held: Vec::new(),
                    parts: Vec::new(),
                    total: None,
                    refused: false,
                };
                self.table.insert(hash, key, fragmented, WAITING, now)?
            }
        };
        let (_, fragmented) = self.table.at_mut(place)?;
        if fragmented.refused {
            self.counts.dropped += 1;
            return self.beginning(piece, time, source);
        }
        let before = fragmented.held_octets();
        let taken = if is_complete { fragmented.take(piece) } else { Taken::Contradicts };
        let after = fragmented.held_octets();
        self.held_octets = (self.held_octets + after).saturating_sub(before);
        match taken {
            Taken::Held => {
                self.shrink();
                None
            }
            Taken::Known => None,
            Taken::Contradicts => {
                self.refuse(place);
                self.beginning(piece, time, source)
            }
            Taken::Whole => {
                let (_, mut fragmented) = self.remove(place)?;
                self.counts.rejoined += 1;
                let (src, dst) = (piece.src, piece.dst);
                let data = fragmented.join()?;
                Some(Datagram { time, source, src, dst, protocol: fragmented.protocol, data })
            }
        }
    }

    /// The beginning of a packet that was given up; none = nothing more for now.
    pub fn poll_given_up(&mut self, now: Timestamp) -> Option<Datagram> {
        while let Some((oldest, began)) = self.table.oldest(WAITING)
            && now.since(began) >= TIMEOUT
        {
            self.counts.unfinished += u64::from(self.give_up(oldest));
        }
        self.given_up.pop_front()
    }

    /// Gives up everything that waits.
    pub fn give_up_all(&mut self) {
        while let Some((oldest, _)) = self.table.oldest(WAITING) {
            self.counts.unfinished += u64::from(self.give_up(oldest));
        }
    }

    /// A fragment that is a beginning by itself, of a packet that will not be put together.
    fn beginning(&self, piece: &Piece<'_>, time: Timestamp, source: u16) -> Option<Datagram> {
        (piece.offset == 0 && !piece.data.is_empty()).then(|| Datagram {
            time,
            source,
            src: piece.src,
            dst: piece.dst,
            protocol: piece.protocol,
            data: piece.data.to_vec(),
        })
    }

    /// Lets go of what is held of a packet, and remembers that it was refused until its time is over.
    fn refuse(&mut self, place: Place) {
        self.counts.refused += 1;
        let Some((key, fragmented)) = self.table.at_mut(place) else { return };
        let key = *key;
        fragmented.refused = true;
        self.held_octets = self.held_octets.saturating_sub(fragmented.held_octets());
        let (data, began, protocol) = (fragmented.join(), fragmented.began, fragmented.protocol);
        fragmented.forget_data();
        self.hand_out(&key, data, began, protocol);
    }

    /// Lets go of a packet altogether; false where it was refused before.
    fn give_up(&mut self, place: Place) -> bool {
        let Some((key, mut fragmented)) = self.remove(place) else { return false };
        let data = fragmented.join();
        self.hand_out(&key, data, fragmented.began, fragmented.protocol);
        !fragmented.refused
    }

    fn hand_out(&mut self, key: &Key, data: Option<Vec<u8>>, time: Timestamp, protocol: Protocol) {
        let Some(data) = data else { return };
        let (source, src, dst) = (key.source, key.src, key.dst);
        self.given_up.push_back(Datagram { time, source, src, dst, protocol, data });
    }

    fn remove(&mut self, place: Place) -> Option<(Key, Fragmented)> {
        let (key, fragmented) = self.table.remove(place)?;
        self.held_octets = self.held_octets.saturating_sub(fragmented.held_octets());
        Some((key, fragmented))
    }

    fn make_room(&mut self, entries: usize) {
        for _ in 0..entries {
            if self.table.is_full()
                && let Some((oldest, _)) = self.table.oldest(WAITING)
            {
                self.counts.evicted += u64::from(self.give_up(oldest));
            }
        }
    }

    fn shrink(&mut self) {
        while self.held_octets > self.held_max_octets
            && let Some((oldest, _)) = self.table.oldest(WAITING)
        {
            self.counts.evicted += u64::from(self.give_up(oldest));
        }
    }
}

impl Default for Fragments {
    fn default() -> Fragments {
        Fragments::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SRC: [u8; 4] = [10, 0, 0, 1];
    const DST: [u8; 4] = [192, 0, 2, 1];

    #[test]
    fn s4_all_fragmented_packets_together_take_no_more_than_the_limit_says() {
        let octets = Table::<Key, Fragmented, 1>::octets_for(FRAGMENTED_MAX);
        assert!(octets <= crate::limits::FRAGMENTED_MAX_OCTETS, "{octets} octets");
    }

    fn piece(id: u32, offset: usize, more: bool, data: &[u8]) -> Piece<'_> {
        Piece { src: SRC.into(), dst: DST.into(), id, protocol: Protocol::UDP, offset, more, data }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_unix(second, 0)
    }

    fn take(fragments: &mut Fragments, at: i64, piece: Piece<'_>) -> Option<Vec<u8>> {
        fragments.handle_piece(&piece, true, (second(at), 3), second(at)).map(|datagram| datagram.data)
    }

    fn given_up(fragments: &mut Fragments, at: i64) -> Vec<(i64, Vec<u8>)> {
        std::iter::from_fn(|| fragments.poll_given_up(second(at)))
            .map(|datagram| (datagram.time.as_micros() / 1_000_000, datagram.data))
            .collect()
    }

    #[test]
    fn fragments_in_any_order_and_twice_make_the_packet_once() {
        let parts = [(0, true, [1u8; 16]), (16, true, [2; 16]), (32, false, [3; 16])];
        let whole = [[1u8; 16], [2; 16], [3; 16]].concat();
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut fragments = Fragments::new();
            let mut made = Vec::new();
            for place in order {
                let (offset, more, data) = &parts[place];
                // Another packet of the same ends between each two.
                take(&mut fragments, 1, piece(8, *offset + 8, true, data));
                made.extend(take(&mut fragments, 1, piece(7, *offset, *more, data)));
                if made.is_empty() {
                    assert_eq!(take(&mut fragments, 1, piece(7, *offset, *more, data)), None, "the same again");
                }
            }
            assert_eq!(made, std::slice::from_ref(&whole), "{order:?}");
            assert_eq!((fragments.len(), fragments.counts().rejoined, fragments.counts().refused), (1, 1, 0));
        }
    }

    #[test]
    fn s3_what_overlaps_or_contradicts_is_never_put_together_and_its_beginning_is_read() {
        let first = [1u8; 16];
        for (what, second, third) in [
            ("a tail over the first", piece(7, 8, false, &[9; 16]), piece(7, 24, false, &[3; 8])),
            ("a hole in the first", piece(7, 8, true, &[9; 8]), piece(7, 16, false, &[3; 8])),
            ("the first again, other", piece(7, 0, true, &[9; 16]), piece(7, 16, false, &[3; 8])),
            ("the first again, longer", piece(7, 0, true, &[1; 24]), piece(7, 24, false, &[3; 8])),
            ("an end within", piece(7, 8, false, &[1; 4]), piece(7, 16, false, &[3; 8])),
        ] {
            let mut fragments = Fragments::new();
            assert_eq!(take(&mut fragments, 1, piece(7, 0, true, &first)), None, "{what}");
            let fresh = take(&mut fragments, 2, second);
            assert_eq!(fresh.is_some(), second.offset == 0, "{what}: a beginning of its own is read");
            assert_eq!(given_up(&mut fragments, 2), [(1, first.to_vec())], "{what}");
            assert_eq!(take(&mut fragments, 3, third), None, "{what}");
            assert_eq!(take(&mut fragments, 3, piece(7, 0, true, &first)), Some(first.to_vec()), "{what}");
            let counts = fragments.counts();
            assert_eq!((counts.rejoined, counts.refused, counts.dropped), (0, 1, 2), "{what}");
            assert_eq!(fragments.held_octets(), 0, "{what}");
            assert_eq!(given_up(&mut fragments, 40), []);
            assert!(fragments.is_empty() && fragments.counts().unfinished == 0, "{what}: refused only once");
        }
        let mut fragments = Fragments::new();
        take(&mut fragments, 1, piece(7, 16, false, &[3; 8]));
        assert_eq!(take(&mut fragments, 1, piece(7, 32, false, &[3; 8])), None);
        assert_eq!(fragments.counts().refused, 1, "two ends");
        take(&mut fragments, 1, piece(8, 16, false, &[3; 8]));
        assert_eq!(take(&mut fragments, 1, piece(8, 24, true, &[3; 8])), None);
        assert_eq!(fragments.counts().refused, 2, "more behind the end");
    }

    #[test]
    fn s3_lengths_that_lie_are_dropped() {
        let mut fragments = Fragments::new();
        for bad in [piece(1, 8, true, &[1; 12]), piece(1, 65_528, false, &[1; 8]), piece(1, 8, true, &[])] {
            assert_eq!(take(&mut fragments, 1, bad), None);
        }
        assert_eq!(take(&mut fragments, 1, piece(1, 0, true, &[1; 12])), Some(vec![1; 12]), "read as far as it goes");
        assert_eq!((fragments.counts().dropped, fragments.len()), (4, 0));
        assert_eq!(take(&mut fragments, 1, piece(1, 65_520, false, &[1; 15])), None, "the last octet there can be");
        assert_eq!(fragments.len(), 1);
        let cut = piece(2, 0, true, &[1; 16]);
        let beginning = fragments.handle_piece(&cut, false, (second(1), 3), second(1));
        assert_eq!(beginning.map(|datagram| datagram.data), Some(vec![1; 16]), "cut by the snapshot length");
    }

    #[test]
    fn s4_what_is_never_finished_goes_by_age_and_its_beginning_is_read() {
        let mut fragments = Fragments::with_limits(4, 1 << 20);
        for id in 0..6 {
            take(&mut fragments, i64::from(id), piece(id, 0, true, &[id as u8; 8]));
            assert!(fragments.len() <= 4);
        }
        assert_eq!(given_up(&mut fragments, 6), [(0, vec![0; 8]), (1, vec![1; 8])]);
        assert_eq!(fragments.counts().evicted, 2);
        assert!(!fragments.is_due(second(31)) && fragments.is_due(second(32)));
        assert_eq!(given_up(&mut fragments, 33), [(2, vec![2; 8]), (3, vec![3; 8])]);
        assert_eq!((fragments.counts().unfinished, fragments.len()), (2, 2));
        take(&mut fragments, 34, piece(9, 8, true, &[9; 8]));
        fragments.give_up_all();
        assert_eq!(given_up(&mut fragments, 34), [(4, vec![4; 8]), (5, vec![5; 8])], "without a beginning nothing");
        assert!(fragments.is_empty() && fragments.held_octets() == 0);
    }

    #[test]
    fn s4_the_memory_for_all_is_bounded_and_tiny_fragments_are_too() {
        let mut fragments = Fragments::with_limits(1 << 16, 100_000);
        for id in 0..1000 {
            take(&mut fragments, 1, piece(id, 0, true, &[7; 1480]));
            assert!(fragments.held_octets() <= 100_000 + 8192);
            given_up(&mut fragments, 1);
        }
        assert!(fragments.counts().evicted > 900);
        let mut fragments = Fragments::new();
        for at in 0..FRAGMENTS_EACH_MAX {
            assert_eq!(take(&mut fragments, 1, piece(1, 8 * at, true, &[1; 8])), None);
        }
        assert_eq!(fragments.counts().refused, 0);
        assert_eq!(take(&mut fragments, 1, piece(1, 8 * FRAGMENTS_EACH_MAX, false, &[1; 8])), None);
        assert_eq!((fragments.counts().refused, fragments.held_octets()), (1, 0), "too many");
    }

    proptest! {
        #[test]
        fn s3_nothing_is_put_together_but_what_was_sent(
            steps in prop::collection::vec(
                (0u32..3, 0usize..6, 1usize..4, any::<bool>(), 0i64..20, prop::bool::weighted(0.9)), 0..200,
            ),
        ) {
            let mut fragments = Fragments::with_limits(2, 4096);
            let mut now = 0;
            for (id, offset, length, more, pause, is_complete) in steps {
                now += pause;
                // Octets say where they belong, so a packet put together must count up.
                let data: Vec<u8> = (offset * 8..(offset + length) * 8).map(|at| at as u8).collect();
                let piece = piece(id, offset * 8, more, &data);
                if let Some(made) = fragments.handle_piece(&piece, is_complete, (second(now), 0), second(now)) {
                    prop_assert!(made.data.iter().enumerate().all(|(at, &octet)| octet == at as u8));
                }
                while let Some(part) = fragments.poll_given_up(second(now)) {
                    prop_assert!(!part.data.is_empty());
                    prop_assert!(part.data.iter().enumerate().all(|(at, &octet)| octet == at as u8));
                }
                prop_assert!(fragments.len() <= 2 && fragments.held_octets() <= 4096 + 8192);
            }
            fragments.give_up_all();
            prop_assert!(fragments.is_empty() && fragments.held_octets() == 0);
        }
    }
}
